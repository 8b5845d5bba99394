/* nexflow schedule: reminders, and questions to models at a time. */
#include "base/utf8.h"
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

#define TEXT_SHOWN 60 /* bytes of a text in the list */

static const struct nf_cli_verb verb_list, verb_add, verb_show, verb_pause, verb_resume, verb_run,
    verb_remove, verb_history;

/* What is behind the verb: one word, and --json. */
static bool read_words(int argc, char **argv, const char **word, bool *json)
{
    *json = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            *json = true;
        else if (argv[i][0] == '-' || !word || *word)
            return false;
        else
            *word = argv[i];
    }
    return !word || *word;
}

static NF_RC call(struct nf_cli *cli, const char *method, const char *id, const char *what,
                  const char *body, struct nf_json_doc **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(nf_cli_check_word(id, err));
    NF_TRY(nf_str_addf(&path, err, "/api/v1/schedules/%s%s", id, what));
    return nf_cli_call(cli, method, nf_str_c(&path), body, ret, err);
}

/* --- list, show ------------------------------------------------------------------------------- */

static const char *next_of(const struct nf_json *s)
{
    const char *local = nf_cli_text(nf_json_first(nf_json_get(s, "next")), "local");
    return local[0] ? local : "-";
}

static void print_line(const struct nf_json *s)
{
    const char *text = nf_cli_text(s, "text");
    size_t n = strcspn(text, "\n");
    size_t shown = nf_utf8_cut(text, n, TEXT_SHOWN);

    nf_cli_print(stdout, "%-14s %-8s %-7s %-22s %-28s %.*s%s\n", nf_cli_text(s, "id"),
                 nf_cli_text(s, "kind"), nf_cli_text(s, "status"), next_of(s),
                 nf_cli_text(nf_json_get(s, "words"), "en"), (int)shown, text,
                 text[shown] ? " ..." : "");
}

static NF_RC list(struct nf_cli *cli, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    NF_TRY(nf_cli_call(cli, "GET", "/api/v1/schedules?limit=200", NULL, &doc, err));
    const struct nf_json *all = nf_json_get(nf_json_root(doc), "schedules");
    if (json)
        return nf_cli_print_json(all, err);
    if (!nf_json_first(all)) {
        (void)puts("There are no schedules.");
        return NF_OK;
    }
    (void)printf("%-14s %-8s %-7s %-22s %-28s %s\n", "ID", "KIND", "STATUS", "NEXT", "WHEN",
                 "TEXT");
    for (const struct nf_json *s = nf_json_first(all); s; s = nf_json_next(s))
        print_line(s);
    return NF_OK;
}

static int run_list(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    bool json;

    if (!read_words(argc, argv, NULL, &json))
        return nf_cli_verb_misused(&nf_cli_schedule, &verb_list);
    return list(cli, json, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

static void print_schedule(const struct nf_json *s)
{
    nf_cli_print(stdout, "schedule  %s (%s%s)\nstatus    %s%s%s\nwhen      %s (%s)\nwhere     %s\n",
                 nf_cli_text(s, "id"), nf_cli_text(s, "kind"),
                 nf_json_bool(nf_json_get(s, "by_model"), false) ? ", made by a model" : "",
                 nf_cli_text(s, "status"), nf_cli_text(s, "reason")[0] ? ": " : "",
                 nf_cli_text(s, "reason"), nf_cli_text(nf_json_get(s, "words"), "en"),
                 nf_cli_text(s, "time_zone"), nf_cli_text(s, "channel"));
    nf_cli_print(stdout, "missed    %s\nperson    %s\n", nf_cli_text(s, "missed"),
                 nf_cli_text(s, "user"));
    for (const struct nf_json *n = nf_json_first(nf_json_get(s, "next")); n; n = nf_json_next(n))
        nf_cli_print(stdout, "next      %s\n", nf_cli_text(n, "local"));
    nf_cli_print(stdout, "\n%s\n", nf_cli_text(s, "text"));
}

static NF_RC print_answer(const struct nf_json_doc *doc, bool json, struct nf_err *err)
{
    if (json)
        return nf_cli_print_json(nf_json_root(doc), err);
    print_schedule(nf_json_root(doc));
    return NF_OK;
}

/* Ask for one schedule and print what comes back. */
static int one(struct nf_cli *cli, int argc, char **argv, const struct nf_cli_verb *verb,
               const char *method, const char *what)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    const char *id = NULL;
    struct nf_err err;
    bool json;

    if (!read_words(argc, argv, &id, &json))
        return nf_cli_verb_misused(&nf_cli_schedule, verb);
    enum nf_code rc = call(cli, method, id, what, method[0] == 'P' ? "{}" : NULL, &doc, &err);
    if (rc == NF_OK)
        rc = print_answer(doc, json, &err);
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

static int run_show(struct nf_cli *cli, int argc, char **argv)
{
    return one(cli, argc, argv, &verb_show, "GET", "");
}

static int run_pause(struct nf_cli *cli, int argc, char **argv)
{
    return one(cli, argc, argv, &verb_pause, "POST", "/pause");
}

static int run_resume(struct nf_cli *cli, int argc, char **argv)
{
    return one(cli, argc, argv, &verb_resume, "POST", "/resume");
}

/* --- add -------------------------------------------------------------------------------------- */

struct wish {
    const char *text, *when, *cron, *zone, *missed, *session;
    bool ask, json;
};

static bool read_wish(int argc, char **argv, struct wish *w)
{
    const struct {
        const char *name;
        const char **to;
    } options[] = { { "--when", &w->when },
                    { "--cron", &w->cron },
                    { "--zone", &w->zone },
                    { "--missed", &w->missed },
                    { "--session", &w->session } };

    for (int i = 1; i < argc; i++) {
        bool known = false;

        for (size_t k = 0; k < NF_COUNT(options) && i + 1 < argc && !known; k++) {
            known = strcmp(argv[i], options[k].name) == 0;
            if (known)
                *options[k].to = argv[++i];
        }
        if (known)
            continue;
        if (strcmp(argv[i], "--ask") == 0)
            w->ask = true;
        else if (strcmp(argv[i], "--json") == 0)
            w->json = true;
        else if (argv[i][0] == '-' || w->text)
            return false;
        else
            w->text = argv[i];
    }
    return w->text && !w->when != !w->cron;
}

static void put(struct nf_json_out *o, const char *key, const char *value)
{
    if (value)
        nf_json_put_str(o, key, value);
}

static NF_RC add(struct nf_cli *cli, const struct wish *w, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put(&o, "kind", w->ask ? "prompt" : "reminder");
    put(&o, "text", w->text);
    put(&o, "when", w->when);
    put(&o, "cron", w->cron);
    put(&o, "time_zone", w->zone);
    put(&o, "missed", w->missed);
    put(&o, "session_id", w->session);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    NF_TRY(nf_cli_call(cli, "POST", "/api/v1/schedules", nf_str_c(&body), &doc, err));
    return print_answer(doc, w->json, err);
}

static int run_add(struct nf_cli *cli, int argc, char **argv)
{
    struct wish w = { 0 };
    struct nf_err err;

    if (!read_wish(argc, argv, &w))
        return nf_cli_verb_misused(&nf_cli_schedule, &verb_add);
    return add(cli, &w, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

/* --- run, remove, history --------------------------------------------------------------------- */

static void print_run(const struct nf_json *r)
{
    nf_cli_print(stdout, "%-25s %-25s %-8s %8lld  %-14s %s%s\n", nf_cli_text(r, "due_at"),
                 nf_cli_text(r, "fired_at"), nf_cli_text(r, "outcome"),
                 (long long)nf_json_i64(nf_json_get(r, "tokens"), 0), nf_cli_text(r, "task_id"),
                 nf_json_bool(nf_json_get(r, "by_hand"), false) ? "by hand " : "",
                 nf_cli_text(r, "reason"));
}

static int run_run(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    const char *id = NULL;
    struct nf_err err;
    bool json;

    if (!read_words(argc, argv, &id, &json))
        return nf_cli_verb_misused(&nf_cli_schedule, &verb_run);
    enum nf_code rc = call(cli, "POST", id, "/run", "{}", &doc, &err);
    if (rc == NF_OK && json)
        rc = nf_cli_print_json(nf_json_root(doc), &err);
    else if (rc == NF_OK)
        nf_cli_print(stdout, "started: task %s\n", nf_cli_text(nf_json_root(doc), "task_id"));
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

static int run_remove(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;

    if (argc != 2 || argv[1][0] == '-')
        return nf_cli_verb_misused(&nf_cli_schedule, &verb_remove);
    if (call(cli, "DELETE", argv[1], "", NULL, &doc, &err) != NF_OK)
        return nf_cli_fail(&err);
    (void)puts("removed");
    return NF_CLI_OK;
}

static NF_RC history(struct nf_cli *cli, const char *id, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    NF_TRY(call(cli, "GET", id, "/runs?limit=200", NULL, &doc, err));
    const struct nf_json *runs = nf_json_get(nf_json_root(doc), "runs");
    if (json)
        return nf_cli_print_json(runs, err);
    (void)printf("%-25s %-25s %-8s %8s  %-14s %s\n", "DUE", "FIRED", "OUTCOME", "TOKENS", "TASK",
                 "REASON");
    for (const struct nf_json *r = nf_json_first(runs); r; r = nf_json_next(r))
        print_run(r);
    return NF_OK;
}

static int run_history(struct nf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    struct nf_err err;
    bool json;

    if (!read_words(argc, argv, &id, &json))
        return nf_cli_verb_misused(&nf_cli_schedule, &verb_history);
    return history(cli, id, json, &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
}

/* --- the whole -------------------------------------------------------------------------------- */

static const struct nf_cli_verb verb_list = {
    .name = "list",
    .usage = "[--json]",
    .help = "the newest 200 schedules and when they run next",
    .details = "",
    .run = run_list,
};
static const struct nf_cli_verb verb_add = {
    .name = "add",
    .usage = "(--when WHEN | --cron EXPRESSION) [--ask] [--zone ZONE] [--missed skip|once|all]\n"
             "       [--session ID] [--json] TEXT",
    .help = "make one",
    .details = "WHEN is once: \"tomorrow at 9:00\", \"fri 18:30\", \"in 20 minutes\",\n"
               "2026-11-29T09:00. EXPRESSION is again and again: \"0 9 * * 1-5\", \"@daily\".\n"
               "TEXT is said then; with --ask a model answers it, which costs money, so that one\n"
               "is made paused and has to be resumed. ZONE is a name such as Europe/Berlin.\n"
               "--missed says what happens with runs that nobody was there for: nothing, one for\n"
               "all of them (without it), or each. It comes to session ID, else to a new one.\n",
    .run = run_add,
};
static const struct nf_cli_verb verb_show = {
    .name = "show",
    .usage = "ID [--json]",
    .help = "what it says, and its next three runs",
    .details = "",
    .run = run_show,
};
static const struct nf_cli_verb verb_pause = {
    .name = "pause",
    .usage = "ID [--json]",
    .help = "let it rest",
    .details = "What passes meanwhile is not made up for.\n",
    .run = run_pause,
};
static const struct nf_cli_verb verb_resume = {
    .name = "resume",
    .usage = "ID [--json]",
    .help = "let it go on, or switch on one that asks a model",
    .details = "One that asks a model needs schedules.spend in the configuration besides.\n",
    .run = run_resume,
};
static const struct nf_cli_verb verb_run = {
    .name = "run",
    .usage = "ID [--json]",
    .help = "run it now, besides its times",
    .details = "",
    .run = run_run,
};
static const struct nf_cli_verb verb_remove = {
    .name = "remove",
    .usage = "ID",
    .help = "remove it and what is known of its runs",
    .details = "",
    .run = run_remove,
};
static const struct nf_cli_verb verb_history = {
    .name = "history",
    .usage = "ID [--json]",
    .help = "its newest 200 runs, and what became of them",
    .details = "",
    .run = run_history,
};
static const struct nf_cli_verb *const verbs[] = { &verb_list,   &verb_add,    &verb_show,
                                                   &verb_pause,  &verb_resume, &verb_run,
                                                   &verb_remove, &verb_history };

static int run_schedule(struct nf_cli *cli, int argc, char **argv)
{
    return nf_cli_run_verb(&nf_cli_schedule, cli, argc, argv);
}

const struct nf_cli_command nf_cli_schedule = {
    .name = "schedule",
    .usage = "list | add | show | pause | resume | run | remove | history",
    .help = "reminders, and questions to models at a time",
    .details = "A schedule says its text at a time, once or again and again, or has a model\n"
               "answer it. It comes to the conversation that it was made in.\n",
    .run = run_schedule,
    .verbs = verbs,
    .verbs_n = NF_COUNT(verbs),
};
