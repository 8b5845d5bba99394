/*
 * Run a plugin as the daemon would, in the same jail, with a broker that keeps everything in
 * memory.
 *
 *     skill_try [OPTION]... SKILL.so TOOL JSON [TOOL JSON]...
 *
 *       --http URL FILE     GET of this URL is answered with the file
 *       --file PATH FILE    the workspace has the file at this path
 *       --timeout-ms N      of each call (10000)
 *       --oneshot           a fresh process for each call
 *       --threads           the plugin may start threads
 *       --preload LIBRARY   as in nf_warden_options, beside libm.so.6
 *
 * The calls run one after the other and share keys and files. Prints "ok RESULT" or "CODE WORDS"
 * for each on a line of its own, with line breaks as \n; what the skill logs and prints goes to
 * standard error. Exit status 0 if all calls succeeded, 1 if one failed, 2 if none could be made.
 */
#include "base/own.h"
#include "skills/memory_broker.h"
#include "skills/wire.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct nf_memory_broker broker;
static struct nf_loop *loop;
static const char *preload[16] = { "libm.so.6" };
static struct {
    char **calls;
    int calls_n;
    int64_t timeout_ms;
    struct nf_skill_unit unit;
    int status;
} run = { .timeout_ms = 10000, .status = 2 };

static void on_note(void *arg, enum nf_skill_op op, int64_t value, struct nf_slice text)
{
    (void)arg;
    (void)fprintf(stderr, "%s %lld: %.*s\n", op == NF_SKILL_OP_LOG ? "log" : "progress",
                  (long long)value, (int)text.n, text.p);
}

static void on_output(void *arg, const char *skill, const char *line, size_t n)
{
    (void)arg;
    (void)fprintf(stderr, "%s: %.*s\n", skill, (int)n, line);
}

static void on_report(void *arg, const char *skill, const char *what)
{
    (void)arg;
    (void)fprintf(stderr, "%s: %s\n", skill, what);
}

static void print_line(const char *first, const char *text)
{
    printf("%s ", first);
    for (; *text; text++) {
        if (*text == '\n')
            printf("\\n");
        else
            putchar(*text);
    }
    printf("\n");
}

static void call(struct nf_warden *w, const char *tool, const char *args)
{
    struct nf_err err;
    struct nf_skill_ran ran;
    const struct nf_skill_run r = { .unit = &run.unit,
                                    .tool = tool,
                                    .args = args,
                                    .timeout_ms = run.timeout_ms,
                                    .broker = &broker.base };
    enum nf_code rc = nf_warden_call(w, &r, &ran, &err);
    print_line(nf_code_name(rc), rc == NF_OK ? nf_str_c(&ran.result) : err.msg);
    if (rc != NF_OK)
        run.status = 1;
    nf_skill_ran_done(&ran);
}

static enum nf_code run_calls(void *arg, struct nf_err *err)
{
    (void)arg;
    struct nf_warden *w;
    const char *program = getenv("NF_SKILL_HOST");
    const struct nf_warden_options o = { .loop = loop,
                                         .program = program,
                                         .preload = preload,
                                         .workers_max = 4,
                                         .idle_ms = 60000,
                                         .report = on_report,
                                         .output = on_output };
    NF_TRY(nf_warden_new(&o, &w, err));
    run.status = 0;
    for (int i = 0; i + 1 < run.calls_n; i += 2)
        call(w, run.calls[i], run.calls[i + 1]);
    nf_warden_free(w);
    return NF_OK;
}

static void usage(void)
{
    (void)fprintf(stderr, "usage: skill_try [--http URL FILE] [--file PATH FILE] [--timeout-ms N] "
                          "[--oneshot] [--threads] [--preload LIBRARY] SKILL.so TOOL JSON "
                          "[TOOL JSON]...\n");
    exit(2);
}

static void put_file(bool http, const char *name, const char *path)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { .max = NF_WIRE_BULK_MAX };
    struct nf_err err;
    FILE *f = fopen(path, "rb");
    enum nf_code rc = f ? NF_OK : nf_err_set(&err, NF_E_NOT_FOUND, "cannot be opened");
    char part[4096];
    for (size_t n; rc == NF_OK && (n = fread(part, 1, sizeof part, f)) > 0;)
        rc = nf_str_add(&s, part, n, &err);
    if (f)
        (void)fclose(f);
    if (rc == NF_OK && http)
        rc = nf_memory_broker_put_http(
            &broker, name, strstr(path, ".json") ? "application/json" : "text/html; charset=utf-8",
            nf_str_c(&s), s.len, &err);
    else if (rc == NF_OK)
        rc = nf_memory_broker_put_file(&broker, name, nf_str_c(&s), s.len, &err);
    if (rc != NF_OK) {
        (void)fprintf(stderr, "skill_try: '%s': %s\n", path, err.msg);
        exit(2);
    }
}

static int parse(int argc, char **argv)
{
    int i = 1, libraries = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *o = argv[i] + 2;
        if (strcmp(o, "oneshot") == 0)
            run.unit.oneshot = true;
        else if (strcmp(o, "threads") == 0)
            run.unit.threads = true;
        else if (strcmp(o, "timeout-ms") == 0 && i + 1 < argc)
            run.timeout_ms = strtoll(argv[++i], NULL, 10);
        else if (strcmp(o, "preload") == 0 && i + 1 < argc && libraries < 15)
            preload[libraries++] = argv[++i];
        else if ((strcmp(o, "http") == 0 || strcmp(o, "file") == 0) && i + 2 < argc) {
            put_file(o[0] == 'h', argv[i + 1], argv[i + 2]);
            i += 2;
        } else
            usage();
    }
    return i;
}

int main(int argc, char **argv)
{
    static char path[PATH_MAX];
    struct nf_err err;
    nf_memory_broker_init(&broker);
    broker.note = on_note;
    int i = parse(argc, argv);
    if (argc - i < 3 || (argc - i) % 2 == 0)
        usage();
    if (!realpath(argv[i], path)) {
        (void)fprintf(stderr, "skill_try: no file '%s'\n", argv[i]);
        return 2;
    }
    run.unit.name = "";
    run.unit.version = "";
    run.unit.hash = "try";
    run.unit.path = path;
    run.unit.memory_bytes = (int64_t)256 << 20;
    run.unit.cpu_ms = 60000;
    run.unit.output_bytes = (int64_t)1 << 20;
    run.calls = argv + i + 1;
    run.calls_n = argc - i - 1;
    enum nf_code rc = nf_loop_new(&loop, &err);
    if (rc == NF_OK)
        rc = nf_loop_run(loop, run_calls, NULL, &err);
    nf_loop_free(loop);
    nf_memory_broker_done(&broker);
    if (rc != NF_OK)
        (void)fprintf(stderr, "skill_try: %s\n", err.msg);
    return rc == NF_OK ? run.status : 2;
}
