/* nexflow task: what the daemon does and did. */
#include "base/utf8.h"
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

#define SHOWN_MAX 200 /* bytes of arguments and results; --json has all of them */

static void print_task(const struct nf_json *t)
{
    nf_cli_print(stdout, "%-14s %-6s %-17s %-25s %-24s %s\n", nf_cli_text(t, "id"),
                 nf_cli_text(t, "kind"), nf_cli_text(t, "status"), nf_cli_text(t, "created_at"),
                 nf_cli_text(t, "name"), nf_cli_text(t, "reason"));
}

static NF_RC list_tasks(struct nf_cli *cli, const char *status, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    if (status)
        NF_TRY(nf_cli_check_word(status, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/tasks?limit=50%s%s", status ? "&status=" : "",
                       status ? status : ""));
    NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
    const struct nf_json *tasks = nf_json_get(nf_json_root(doc), "tasks");
    if (json)
        return nf_cli_print_json(tasks, err);
    (void)printf("%-14s %-6s %-17s %-25s %-24s %s\n", "ID", "KIND", "STATUS", "CREATED", "NAME",
                 "REASON");
    for (const struct nf_json *t = nf_json_first(tasks); t; t = nf_json_next(t))
        print_task(t);
    return NF_OK;
}

/* What a call of a tool used: 0.3 ms, 210 bytes, worker 7, sandbox L3. Nothing of what is no call.
 */
static void print_usage(const struct nf_json *t)
{
    int64_t us = nf_json_i64(nf_json_get(t, "duration_us"), -1);
    int64_t worker = nf_json_i64(nf_json_get(t, "worker"), 0);
    int64_t tokens = nf_json_i64(nf_json_get(t, "output_tokens"), -1);
    const char *level = nf_cli_text(t, "level");

    if (tokens >= 0)
        (void)printf("  %lld tokens", (long long)tokens);
    if (us < 0)
        return;
    (void)printf("  %.1f ms, %lld bytes", (double)us / 1000,
                 (long long)nf_json_i64(nf_json_get(t, "bytes"), 0));
    if (worker > 0)
        (void)printf(", worker %lld", (long long)worker);
    nf_cli_print(stdout, "%s%s", level[0] ? ", sandbox " : "", level);
}

/* The beginning of what may be long, on one line. */
static void print_short(const char *what, const char *text)
{
    size_t n = nf_utf8_cut(text, strcspn(text, "\n"), SHOWN_MAX);
    if (text[0])
        nf_cli_print(stdout, "       %s  %.*s%s\n", what, (int)n, text, text[n] ? " ..." : "");
}

static void print_step(const struct nf_json *s)
{
    nf_cli_print(stdout, "  %lld  %-6s %-17s %s", (long long)nf_json_i64(nf_json_get(s, "n"), 0),
                 nf_cli_text(s, "kind"), nf_cli_text(s, "status"), nf_cli_text(s, "name"));
    print_usage(s);
    (void)puts("");
    print_short("asked", nf_cli_text(s, "arguments"));
    print_short("came ", nf_cli_text(s, "result"));
}

/* A task that is a call by hand. */
static void print_call(const struct nf_json *t)
{
    if (strcmp(nf_cli_text(t, "kind"), "tool") != 0)
        return;
    nf_cli_print(stdout, "\ncall     %s", nf_cli_text(t, "name"));
    print_usage(t);
    (void)puts("");
    print_short("asked", nf_cli_text(t, "arguments"));
    print_short("came ", nf_cli_text(t, "result"));
}

static NF_RC show_task(struct nf_cli *cli, const char *id, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/tasks/%s", id));
    NF_TRY(nf_cli_call(cli, "GET", nf_str_c(&path), NULL, &doc, err));
    const struct nf_json *t = nf_json_root(doc);
    if (json)
        return nf_cli_print_json(t, err);
    nf_cli_print(stdout, "task     %s (%s)\nsession  %s\nstatus   %s %s\nattempt  %lld\n",
                 nf_cli_text(t, "id"), nf_cli_text(t, "kind"), nf_cli_text(t, "session_id"),
                 nf_cli_text(t, "status"), nf_cli_text(t, "reason"),
                 (long long)nf_json_i64(nf_json_get(t, "attempt"), 0));
    (void)puts("\nchanges");
    for (const struct nf_json *c = nf_json_first(nf_json_get(t, "changes")); c; c = nf_json_next(c))
        nf_cli_print(stdout, "  %s  %-17s %s\n", nf_cli_text(c, "at"), nf_cli_text(c, "status"),
                     nf_cli_text(c, "reason"));
    print_call(t);
    (void)puts("\nsteps");
    for (const struct nf_json *s = nf_json_first(nf_json_get(t, "steps")); s; s = nf_json_next(s))
        print_step(s);
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
    .details = "A task is a turn, a message and the work to answer it, or a tool that was called "
               "by hand.\n"
               "`show` lists its steps, what each used, and every change of its state. STATUS is "
               "pending, running, waiting_approval, completed, failed,\n"
               "cancelled or unknown.\n",
    .run = run_task,
};
