/* What the daemon knows of skills: list, show, run, logs, and turning them on and off. */
#include "cmd/nexflow/skill.h"
#include "cmd/nexflow/skill_rights.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RUN_TIMEOUT_MS (INT64_C(630) * 1000) /* the longest deadline of a tool, and some */
#define FOLLOW_MS 500                        /* between two looks at a log */

enum nf_code nf_skill_path(const char *name, const char *tail, struct nf_str *ret,
                           struct nf_err *err)
{
    NF_TRY(nf_skill_check_name(name, err));
    return nf_str_addf(ret, err, "/api/v1/skills/%s%s", name, tail);
}

/* GET or POST /api/v1/skills/NAMEtail. */
static NF_RC call(struct nf_cli *cli, const char *method, const char *name, const char *tail,
                  const char *body, struct nf_json_doc **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_TRY(nf_skill_path(name, tail, &path, err));
    return nf_cli_call(cli, method, nf_str_c(&path), body, ret, err);
}

/* VERB NAME, or VERB NAME FLAG: the name; NULL: wrong use. */
static const char *name_of(int argc, char **argv, const char *flag, bool *set)
{
    const char *name = NULL;
    for (int i = 1; i < argc; i++) {
        if (flag && strcmp(argv[i], flag) == 0)
            *set = true;
        else if (argv[i][0] == '-' || name)
            return NULL;
        else
            name = argv[i];
    }
    return name;
}

static int finish(enum nf_code rc, const struct nf_err *err)
{
    return rc == NF_OK ? NF_CLI_OK : nf_cli_fail(err);
}

enum nf_code nf_skill_ask(struct nf_cli *cli, const char *question, bool *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str line = { 0 };
    (void)printf("\n%s [y/N] ", question);
    (void)fflush(stdout);
    enum nf_code rc = nf_cli_read_line(cli, &line, err);
    if (rc == NF_E_NOT_FOUND) {
        (void)puts("");
        return nf_err_set(err, NF_E_INVALID,
                          "nobody answered: --yes says yes to what is shown above");
    }
    NF_TRY(rc);
    *ret = strcmp(nf_str_c(&line), "y") == 0 || strcmp(nf_str_c(&line), "Y") == 0 ||
           strcmp(nf_str_c(&line), "yes") == 0;
    return NF_OK;
}

/* --- list, show ------------------------------------------------------------------------------- */

static NF_RC list_skills(struct nf_cli *cli, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(nf_cli_call(cli, "GET", "/api/v1/skills", NULL, &doc, err));
    const struct nf_json *skills = nf_json_get(nf_json_root(doc), "skills");
    if (json)
        return nf_cli_print_json(skills, err);
    (void)printf("%-16s %-10s %-10s %5s  %s\n", "NAME", "VERSION", "STATUS", "TOOLS",
                 "DESCRIPTION");
    for (const struct nf_json *s = nf_json_first(skills); s; s = nf_json_next(s))
        nf_cli_print(stdout, "%-16s %-10s %-10s %5zu  %s\n", nf_cli_text(s, "name"),
                     nf_cli_text(s, "version"), nf_cli_text(s, "status"),
                     nf_json_count(nf_json_get(s, "tools")), nf_cli_text(s, "description"));
    return NF_OK;
}

static int run_list(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 2 || (argc == 2 && !json))
        return nf_skill_misused(&nf_skill_verb_list);
    return finish(list_skills(cli, json, &err), &err);
}

static NF_RC show_skill(struct nf_cli *cli, const char *name, bool json, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str rights = { 0 };

    NF_TRY(call(cli, "GET", name, "", NULL, &doc, err));
    const struct nf_json *s = nf_json_root(doc);
    if (json)
        return nf_cli_print_json(s, err);
    NF_TRY(nf_rights_tell_answer(s, &rights, err));
    nf_cli_print(stdout, "%s %s (%s)\n%s\nhash %s\n\nWhat it may do:\n", nf_cli_text(s, "name"),
                 nf_cli_text(s, "version"), nf_cli_text(s, "status"), nf_cli_text(s, "description"),
                 nf_cli_text(s, "hash"));
    nf_rights_print(nf_str_c(&rights), "");
    (void)puts("\nTools");
    for (const struct nf_json *t = nf_json_first(nf_json_get(s, "tools")); t; t = nf_json_next(t)) {
        const char *in_force = nf_cli_text(t, "in_force");
        nf_cli_print(stdout, "  %-16s %s%s%s\n", nf_cli_text(t, "name"),
                     nf_cli_text(t, "description"),
                     in_force[0] ? " The configuration says of it: " : "", in_force);
    }
    return NF_OK;
}

static int run_show(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    bool json = false;
    const char *name = name_of(argc, argv, "--json", &json);
    if (!name)
        return nf_skill_misused(&nf_skill_verb_show);
    return finish(show_skill(cli, name, json, &err), &err);
}

/* --- run -------------------------------------------------------------------------------------- */

/* The result as JSON: what is JSON already as it is, other text as a string. */
static NF_RC print_result(const char *text, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *parsed = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str quoted = { .max = (size_t)64 << 20 };
    struct nf_json_out o;
    struct nf_err ignored;

    if (nf_json_parse(text, strlen(text), (size_t)16 << 20, &parsed, &ignored) == NF_OK)
        return nf_cli_print_json(nf_json_root(parsed), err);
    nf_json_begin_doc(&o, &quoted);
    nf_json_out_str(&o, text);
    NF_TRY(nf_json_end_doc(&o, err));
    nf_cli_put_json(nf_str_c(&quoted));
    return NF_OK;
}

/* A tool is not there: perhaps since its skill is not enabled. */
static NF_RC explain(struct nf_cli *cli, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err ignored;
    if (call(cli, "GET", name, "", NULL, &doc, &ignored) != NF_OK)
        return NF_OK;
    const char *status = nf_cli_text(nf_json_root(doc), "status");
    if (strcmp(status, "enabled") == 0)
        return NF_OK;
    return nf_err_set(err, NF_E_DENIED, "the skill '%s' is %s: `nexflow skill enable %s` first",
                      name, strcmp(status, "installed") == 0 ? "not enabled yet" : status, name);
}

static NF_RC run_tool(struct nf_cli *cli, char **words, bool whole, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *args = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str tail = { 0 };
    const char *text = words[2] ? words[2] : "{}";

    NF_TRY(nf_cli_check_word(words[1], err));
    NF_TRY(nf_err_wrap(err, nf_json_parse(text, strlen(text), 0, &args, err), "ARGUMENTS"));
    if (nf_json_type(nf_json_root(args)) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "ARGUMENTS must be a JSON object, such as '{}'");
    NF_TRY(nf_str_addf(&tail, err, "/tools/%s/run", words[1]));
    cli->answer_ms = RUN_TIMEOUT_MS;
    enum nf_code rc = call(cli, "POST", words[0], nf_str_c(&tail), text, &doc, err);
    if (rc == NF_E_NOT_FOUND)
        NF_TRY(explain(cli, words[0], err));
    NF_TRY(rc);
    const struct nf_json *answer = nf_json_root(doc);
    const char *result = nf_json_str(nf_json_get(answer, "result"));
    return whole || !result ? nf_cli_print_json(answer, err) : print_result(result, err);
}

static int run_run(struct nf_cli *cli, int argc, char **argv)
{
    char *words[3] = { NULL, NULL, NULL };
    bool whole = false;
    struct nf_err err;
    size_t n = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            whole = true;
        else if (n < NF_COUNT(words) && argv[i][0] != '-')
            words[n++] = argv[i];
        else
            return nf_skill_misused(&nf_skill_verb_run);
    }
    if (n < 2)
        return nf_skill_misused(&nf_skill_verb_run);
    return finish(run_tool(cli, words, whole, &err), &err);
}

/* --- disable, remove -------------------------------------------------------------------------- */

static int run_disable(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_err err;
    const char *name = name_of(argc, argv, NULL, NULL);
    if (!name)
        return nf_skill_misused(&nf_skill_verb_disable);
    enum nf_code rc = call(cli, "POST", name, "/disable", "{}", &doc, &err);
    if (rc == NF_OK)
        (void)printf("%s is disabled: nobody can call it\n", name);
    return finish(rc, &err);
}

static NF_RC remove_skill(struct nf_cli *cli, const char *name, bool data, bool yes,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *found = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_TRY(call(cli, "GET", name, "", NULL, &found, err));
    if (!yes) {
        (void)printf(data ? "What %s keeps for anybody will be gone too.\n"
                          : "What %s keeps for people stays, for when it is installed again.\n",
                     name);
        NF_TRY(nf_skill_ask(cli, "Remove it?", &yes, err));
    }
    if (!yes)
        return nf_err_set(err, NF_E_CANCELED, "%s stays", name);
    NF_TRY(call(cli, "DELETE", name, data ? "?data=remove" : "", NULL, &doc, err));
    (void)printf("%s is removed\n", name);
    return NF_OK;
}

static int run_remove(struct nf_cli *cli, int argc, char **argv)
{
    const char *name = NULL;
    bool yes = false, data = false;
    struct nf_err err;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--yes") == 0)
            yes = true;
        else if (strcmp(argv[i], "--data") == 0)
            data = true;
        else if (argv[i][0] == '-' || name)
            return nf_skill_misused(&nf_skill_verb_remove);
        else
            name = argv[i];
    }
    if (!name)
        return nf_skill_misused(&nf_skill_verb_remove);
    return finish(remove_skill(cli, name, data, yes, &err), &err);
}

/* --- logs ------------------------------------------------------------------------------------- */

/* Print what `now` has behind what was printed before. A log is cut at its beginning as it grows,
 * so the last line printed is looked for from the end. */
static void print_news(const char *before, const char *now)
{
    size_t n = strlen(before), all = strlen(now);
    const char *last = n > 1 ? memrchr(before, '\n', n - 1) : NULL;
    const char *line = last ? last + 1 : before;
    size_t line_n = strlen(line);
    const char *from = now;

    for (size_t i = all; line_n > 0 && i >= line_n; i--) {
        const char *at = now + i - line_n;
        if ((at == now || at[-1] == '\n') && memcmp(at, line, line_n) == 0) {
            from = at + line_n;
            break;
        }
    }
    nf_cli_print(stdout, "%s", from);
    (void)fflush(stdout);
}

static NF_RC print_logs(struct nf_cli *cli, const char *name, bool follow, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str before = { .max = (size_t)4 << 20 };
    do {
        NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
        NF_TRY(call(cli, "GET", name, "/logs", NULL, &doc, err));
        const char *now = nf_cli_text(nf_json_root(doc), "log");
        print_news(nf_str_c(&before), now);
        NF_TRY(nf_str_set(&before, now, err));
        if (follow)
            NF_TRY(nf_sleep(FOLLOW_MS, err));
    } while (follow);
    return NF_OK;
}

static int run_logs(struct nf_cli *cli, int argc, char **argv)
{
    struct nf_err err;
    bool follow = false;
    const char *name = name_of(argc, argv, "--follow", &follow);
    if (!name)
        return nf_skill_misused(&nf_skill_verb_logs);
    return finish(print_logs(cli, name, follow, &err), &err);
}

const struct nf_cli_verb nf_skill_verb_list = {
    .name = "list",
    .usage = "[--json]",
    .help = "list the installed skills",
    .details = "STATUS is installed (you have not agreed to it), enabled or disabled.\n",
    .run = run_list,
};
const struct nf_cli_verb nf_skill_verb_show = {
    .name = "show",
    .usage = "NAME [--json]",
    .help = "show what a skill may do, its limits and its tools",
    .details = "",
    .run = run_show,
};
const struct nf_cli_verb nf_skill_verb_run = {
    .name = "run",
    .usage = "NAME TOOL [ARGUMENTS] [--json]",
    .help = "call a tool by hand and print its result as JSON",
    .details = "ARGUMENTS is a JSON object, without it {}. With --json the worker, the sandbox's\n"
               "level and the time are printed too. A failure is a message and exit status 1.\n"
               "\n"
               "  nexflow skill run calc evaluate '{\"expression\": \"(2+3)*7\"}'\n",
    .run = run_run,
};
const struct nf_cli_verb nf_skill_verb_disable = {
    .name = "disable",
    .usage = "NAME",
    .help = "let nobody call a skill, until it is enabled again",
    .details = "",
    .run = run_disable,
};
const struct nf_cli_verb nf_skill_verb_remove = {
    .name = "remove",
    .usage = "NAME [--data] [--yes]",
    .help = "remove a skill",
    .details = "  --data  remove what it keeps for people, too\n"
               "  --yes   do not ask\n",
    .run = run_remove,
};
const struct nf_cli_verb nf_skill_verb_logs = {
    .name = "logs",
    .usage = "NAME [--follow]",
    .help = "print what a skill has logged, and what became of its processes",
    .details = "  --follow  go on as it grows, until Ctrl-C\n",
    .run = run_logs,
};
