/* nexflow task: what the daemon does and did. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const struct nf_json *v, const char *key)
{
    const char *s = nf_json_str(nf_json_get(v, key));
    return s ? s : "";
}

static void print_task(const struct nf_json *t)
{
    nf_cli_print(stdout, "%-14s %-6s %-17s %-25s %s\n", text_of(t, "id"), text_of(t, "kind"),
                 text_of(t, "status"), text_of(t, "created_at"), text_of(t, "reason"));
}

static NF_RC list_tasks(struct nf_cli *cli, const char *status, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = (size_t)64 << 20 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_json_out o;

    if (status)
        NF_TRY(nf_cli_check_word(status, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/tasks?limit=50%s%s", status ? "&status=" : "",
                       status ? status : ""));
    NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
    const struct nf_json *tasks = nf_json_get(nf_json_root(doc), "tasks");
    if (json) {
        nf_json_begin_doc(&o, &text);
        nf_json_out_value(&o, tasks);
        NF_TRY(nf_json_end_doc(&o, err));
        (void)puts(nf_str_c(&text));
        return NF_OK;
    }
    (void)printf("%-14s %-6s %-17s %-25s %s\n", "ID", "KIND", "STATUS", "CREATED", "REASON");
    for (const struct nf_json *t = nf_json_first(tasks); t; t = nf_json_next(t))
        print_task(t);
    return NF_OK;
}

static NF_RC show_task(struct nf_cli *cli, const char *id, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = (size_t)64 << 20 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_json_out o;

    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/tasks/%s", id));
    NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
    const struct nf_json *t = nf_json_root(doc);
    if (json) {
        nf_json_begin_doc(&o, &text);
        nf_json_out_value(&o, t);
        NF_TRY(nf_json_end_doc(&o, err));
        (void)puts(nf_str_c(&text));
        return NF_OK;
    }
    nf_cli_print(stdout, "task     %s (%s)\nsession  %s\nstatus   %s %s\nattempt  %lld\n",
                 text_of(t, "id"), text_of(t, "kind"), text_of(t, "session_id"),
                 text_of(t, "status"), text_of(t, "reason"),
                 (long long)nf_json_i64(nf_json_get(t, "attempt"), 0));
    (void)puts("\nchanges");
    for (const struct nf_json *c = nf_json_first(nf_json_get(t, "changes")); c; c = nf_json_next(c))
        nf_cli_print(stdout, "  %s  %-17s %s\n", text_of(c, "at"), text_of(c, "status"),
                     text_of(c, "reason"));
    (void)puts("\nsteps");
    for (const struct nf_json *s = nf_json_first(nf_json_get(t, "steps")); s; s = nf_json_next(s))
        nf_cli_print(stdout, "  %lld  %-6s %-17s %s\n",
                     (long long)nf_json_i64(nf_json_get(s, "n"), 0), text_of(s, "kind"),
                     text_of(s, "status"), text_of(s, "name"));
    return NF_OK;
}

static NF_RC cancel_task(struct nf_cli *cli, const char *id, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/tasks/%s/cancel", id));
    NF_TRY(nf_cli_call(cli, "POST", nf_str_c(&path), "{}", &doc, err));
    (void)puts("cancelled");
    return NF_OK;
}

static int run_task(struct nf_cli *cli, int argc, char **argv)
{
    const char *words[3] = { "", NULL, NULL };
    const char *status = NULL;
    bool json = false;
    int n = 0;
    struct nf_err err;
    enum nf_code rc;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if (strcmp(argv[i], "--status") == 0 && i + 1 < argc)
            status = argv[++i];
        else if (n < 2)
            words[n++] = argv[i];
        else
            return nf_cli_misused(&nf_cli_task);
    }
    if (n == 1 && strcmp(words[0], "list") == 0)
        rc = list_tasks(cli, status, json, &err);
    else if (n == 2 && strcmp(words[0], "show") == 0)
        rc = show_task(cli, words[1], json, &err);
    else if (n == 2 && strcmp(words[0], "cancel") == 0)
        rc = cancel_task(cli, words[1], &err);
    else
        return nf_cli_misused(&nf_cli_task);
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

const struct nf_cli_command nf_cli_task = {
    .name = "task",
    .usage = "list [--status STATUS] | show ID | cancel ID   [--json]",
    .help = "list, show, cancel what the daemon does",
    .details =
        "A task is a turn: a message and the work to answer it. `show` lists its steps and every\n"
        "change of its state. STATUS is pending, running, waiting_approval, completed, failed,\n"
        "cancelled or unknown.\n",
    .run = run_task,
};
