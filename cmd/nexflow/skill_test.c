/* nexflow skill test: the cases of tests.json, in the sandbox that the daemon uses, without one. */
#include "cmd/nexflow/skill.h"
#include "cmd/nexflow/skill_cases.h"
#include "codec/json_schema.h"
#include "skills/memory_broker.h"
#include "skills/program.h"
#include "skills/workspace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MS 60000
#define SCRATCH "/tmp/nexflow-test-XXXXXX"
#define WORKSPACE 1   /* the session whose files those of tests.json are */
#define SHOWN_MAX 400 /* bytes of a result that is not what was wanted */

struct test_run {
    struct nf_cli *cli;
    struct nf_skill_found found;
    struct nf_skill_cases cases;
    struct nf_memory_broker broker;
    struct nf_warden *warden;
    char scratch[sizeof(SCRATCH)]; /* "": not made */
    struct nf_str files;           /* the skill's, as they would be installed */
    struct nf_workspaces *workspaces;
    struct nf_str work; /* a program's current directory */
    size_t passed;
    char level[8];
};

static void test_run_done(struct test_run *t)
{
    struct nf_err ignored;
    nf_warden_free(t->warden);
    nf_memory_broker_done(&t->broker);
    nf_skill_cases_done(&t->cases);
    nf_skill_found_done(&t->found);
    nf_workspaces_free(t->workspaces);
    if (t->scratch[0] && nf_tree_remove(t->scratch, &ignored) != NF_OK)
        nf_cli_print(stderr, "nexflow: %s\n", ignored.msg);
    nf_str_done(&t->files);
    nf_str_done(&t->work);
}

static void on_note(void *arg, enum nf_skill_op op, int64_t value, struct nf_slice text)
{
    (void)arg, (void)value;
    nf_cli_print(stdout, "      %s: %.*s\n", op == NF_SKILL_OP_LOG ? "log" : "progress",
                 (int)text.n, text.p);
}

static void on_report(void *arg, const char *skill, const char *what)
{
    (void)arg, (void)skill;
    nf_cli_print(stdout, "      %s\n", what);
}

static void on_output(void *arg, const char *skill, const char *line, size_t n)
{
    (void)arg, (void)skill;
    nf_cli_print(stdout, "      printed: %.*s\n", (int)n, line);
}

/* What the network and the workspace hold, as tests.json says. */
static NF_RC fill_broker(struct test_run *t, struct nf_err *err)
{
    for (const struct nf_json *h = nf_json_first(t->cases.http); h; h = nf_json_next(h)) {
        const char *body = nf_cli_text(h, "body");
        const char *type = nf_cli_text(h, "type");
        NF_TRY(nf_memory_broker_put_http(&t->broker, nf_cli_text(h, "url"),
                                         type[0] ? type : "text/plain", body, strlen(body), err));
    }
    for (const struct nf_json *f = nf_json_first(t->cases.files); f; f = nf_json_next(f)) {
        const char *text = nf_cli_text(f, "text");
        NF_TRY(
            nf_memory_broker_put_file(&t->broker, nf_cli_text(f, "path"), text, strlen(text), err));
    }
    return NF_OK;
}

/* What would be installed is what is tried, readable for the user of the sandbox. */
static enum nf_code unpack(void *arg, struct nf_err *err)
{
    struct test_run *t = arg;
    char scratch[] = SCRATCH;
    if (!mkdtemp(scratch))
        return nf_err_set(err, NF_E_IO, "create a directory in /tmp: %s", strerror(errno));
    memcpy(t->scratch, scratch, sizeof(scratch));
    NF_TRY(nf_package_write(&t->found.files, t->scratch, "skill", false, err));
    return nf_str_addf(&t->files, err, "%s/skill", t->scratch);
}

/* A program finds the files of tests.json in its current directory. */
static NF_RC fill_workspace(struct test_run *t, struct nf_err *err)
{
    static const struct nf_workspace_quota quota = { (int64_t)64 << 20, 1000 };
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };

    NF_TRY(nf_str_addf(&dir, err, "%s/work", t->scratch));
    NF_TRY(nf_workspaces_new(nf_str_c(&dir), t->cli->blocking, &t->workspaces, err));
    NF_TRY(nf_workspace_open(t->workspaces, WORKSPACE, &quota, &t->work, err));
    for (const struct nf_json *f = nf_json_first(t->cases.files); f; f = nf_json_next(f))
        NF_TRY(nf_workspace_write(t->workspaces, WORKSPACE, nf_cli_text(f, "path"),
                                  nf_slice_of(nf_cli_text(f, "text")), &quota, err));
    return NF_OK;
}

static NF_RC prepare(struct test_run *t, const char *dir, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };

    NF_TRY(nf_skill_look(t->cli, dir, &t->found, err));
    NF_TRY(nf_skill_read_file(dir, "tests.json", &text, err));
    NF_TRY(nf_err_wrap(err, nf_skill_cases_parse(nf_str_c(&text), text.len, &t->cases, err),
                       "%s/tests.json", dir));
    NF_TRY(nf_executor_call(t->cli->blocking, unpack, t, err));
    NF_TRY(t->found.manifest.kind == NF_SKILL_PROGRAM ? fill_workspace(t, err) : NF_OK);
    NF_TRY(fill_broker(t, err));
    const struct nf_warden_options o = { .loop = t->cli->loop,
                                         .min_level = "",
                                         .workers_max = 2,
                                         .idle_ms = IDLE_MS,
                                         .report = on_report,
                                         .output = on_output };
    return nf_warden_new(&o, &t->warden, err);
}

static NF_RC call_plugin(struct test_run *t, const struct nf_tool_manifest *tool, const char *args,
                         struct nf_skill_ran *ran, struct nf_err *err)
{
    const struct nf_skill_manifest *m = &t->found.manifest;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(nf_str_addf(&path, err, "%s/%s", nf_str_c(&t->files), m->entry));
    const struct nf_skill_unit unit = { .name = m->name,
                                        .version = m->version,
                                        .hash = t->found.hash,
                                        .path = nf_str_c(&path),
                                        .oneshot = m->mode == NF_SKILL_ONESHOT,
                                        .threads = m->threads,
                                        .memory_bytes = m->memory_bytes,
                                        .cpu_ms = m->cpu_ms,
                                        .output_bytes = m->output_bytes,
                                        .min_level = m->min_level };
    const struct nf_skill_run run = { .unit = &unit,
                                      .tool = tool->name,
                                      .args = args,
                                      .owner = 1,
                                      .timeout_ms = tool->timeout_ms,
                                      .broker = &t->broker.base };
    return nf_warden_call(t->warden, &run, ran, err);
}

static NF_RC call_program(struct test_run *t, const struct nf_tool_manifest *tool, const char *args,
                          struct nf_skill_ran *ran, struct nf_err *err)
{
    const struct nf_skill_manifest *m = &t->found.manifest;
    const struct nf_program_run run = { .name = m->name,
                                        .dir = nf_str_c(&t->files),
                                        .entry = m->entry,
                                        .interpreter = m->interpreter,
                                        .work_dir = nf_str_c(&t->work),
                                        .slot = WORKSPACE,
                                        .min_level = m->min_level,
                                        .memory_bytes = m->memory_bytes,
                                        .cpu_ms = m->cpu_ms,
                                        .output_bytes = m->output_bytes,
                                        .tool = tool->name,
                                        .args = args,
                                        .asks = m->http_n > 0 || m->kv,
                                        .timeout_ms = tool->timeout_ms,
                                        .broker = &t->broker.base };
    return nf_warden_program(t->warden, &run, ran, err);
}

static NF_RC call(struct test_run *t, const struct nf_skill_case *c, const char *args,
                  struct nf_skill_ran *ran, struct nf_err *err)
{
    const struct nf_skill_manifest *m = &t->found.manifest;
    const struct nf_tool_manifest *tool = nf_skill_manifest_tool(m, c->tool);
    if (!tool)
        return nf_err_set(err, NF_E_NOT_FOUND, "skill.json names no tool '%s'", c->tool);
    NF_TRY(nf_json_schema_check_args(tool->schema, args, err));
    return m->kind == NF_SKILL_PROGRAM ? call_program(t, tool, args, ran, err)
                                       : call_plugin(t, tool, args, ran, err);
}

static void print_failure(const struct nf_skill_case *c, const char *want, const char *result,
                          const char *message)
{
    nf_cli_print(stdout, "      wanted %s: %.*s\n", nf_skill_expect_name(c->expect), SHOWN_MAX,
                 want);
    nf_cli_print(stdout, "      %s: %.*s\n", result ? "came    " : "failed  ", SHOWN_MAX,
                 result ? result : message);
}

static NF_RC json_text(const struct nf_json *v, struct nf_str *ret, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, ret);
    nf_json_out_value(&o, v);
    return nf_json_end_doc(&o, err);
}

static NF_RC try_case(struct test_run *t, size_t i, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str args = { .max = NF_SKILL_SOURCE_MAX };
    NF_CLEANUP(nf_str_done) struct nf_str want = { .max = NF_SKILL_SOURCE_MAX };
    NF_CLEANUP(nf_skill_ran_done) struct nf_skill_ran ran = { 0 };
    const struct nf_skill_case *c = &t->cases.v[i];
    struct nf_err why = { 0 };

    NF_TRY(c->args ? json_text(c->args, &args, err) : nf_str_set(&args, "{}", err));
    NF_TRY(json_text(c->want, &want, err));
    enum nf_code rc = call(t, c, nf_str_c(&args), &ran, &why);
    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    const char *result = rc == NF_OK ? nf_str_c(&ran.result) : NULL;
    bool holds = nf_skill_case_holds(c, result, why.msg);
    nf_cli_print(stdout, "%s  %zu  %-16s %6.1f ms  %s\n", holds ? "ok  " : "FAIL", i + 1, c->tool,
                 (double)ran.wall_us / 1000, c->name ? c->name : nf_str_c(&args));
    if (!holds)
        print_failure(c, nf_str_c(&want), result, why.msg);
    if (ran.level[0])
        (void)snprintf(t->level, sizeof(t->level), "%s", ran.level);
    t->passed += holds;
    return NF_OK;
}

static NF_RC try_all(struct test_run *t, const char *dir, struct nf_err *err)
{
    NF_TRY(prepare(t, dir, err));
    for (size_t i = 0; i < t->cases.n; i++)
        NF_TRY(try_case(t, i, err));
    (void)printf("%zu of %zu passed", t->passed, t->cases.n);
    if (t->level[0])
        (void)printf(", in a sandbox of level %s", t->level);
    (void)puts("");
    return NF_OK;
}

static int run_test(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(test_run_done) struct test_run t = { .cli = cli };
    struct nf_err err;

    if (argc > 2 || (argc == 2 && argv[1][0] == '-'))
        return nf_skill_misused(&nf_skill_verb_test);
    nf_memory_broker_init(&t.broker);
    t.broker.note = on_note;
    if (try_all(&t, argc == 2 ? argv[1] : ".", &err) != NF_OK)
        return nf_cli_fail(&err);
    return t.passed == t.cases.n ? NF_CLI_OK : NF_CLI_FAILED;
}

const struct nf_cli_verb nf_skill_verb_test = {
    .name = "test",
    .usage = "[DIR]",
    .help = "run the cases of tests.json in the sandbox, without a daemon",
    .details =
        "Each case names a tool, its arguments and what must come: exact, contains, equals (JSON)\n"
        "or error. The cases run in order and share one store; the network and the workspace hold\n"
        "what tests.json says under \"http\" and \"files\", and nothing else.\n"
        "\n"
        "Exit status: 0 if every case passed.\n",
    .run = run_test,
};
