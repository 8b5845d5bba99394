/*
 * What jails cost, beside starting /bin/true without one and beside bubblewrap: interleaved rounds
 * from the same small process. Prints "name p50 p99" in microseconds, one line each.
 *
 * usage: sandbox_bench PLUGIN.so ROUNDS
 */
#include "sandbox/program.h"
#include "sandbox/sandbox.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 10000
#define MEMORY ((int64_t)256 << 20)
#define ROUNDS_MAX 2000

struct figure {
    const char *name;
    double us[ROUNDS_MAX];
    int n;
};

struct bench {
    struct nf_sandbox *full, *layered; /* everything; seccomp and Landlock only */
    int code, order[2], answer[2];
    char work[32], beside[32]; /* for bubblewrap, which stays the same user */
    int null, orders;
    struct nf_jail_process template, kept; /* workers; runs of a program */
};

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static _Noreturn void die(const char *what, const struct nf_err *err)
{
    (void)fprintf(stderr, "%s: %s\n", what, err ? err->msg : strerror(errno));
    exit(1);
}

/* --- a template that forks a worker per byte it reads -------------------------------------------
 */

static void be_worker(const struct nf_jail *j)
{
    struct nf_err err;
    if (nf_worker_enter(j, 10, &err) != NF_OK)
        _exit(1);
    void *plugin = dlopen(j->plugin, RTLD_NOW | RTLD_LOCAL);
    if (!plugin || nf_worker_lock(j, &err) != NF_OK)
        _exit(1);
    (void)!write(4, "r", 1);
    _exit(0);
}

static int run_template(const struct nf_jail *j, void *arg)
{
    char c;
    (void)arg;
    (void)signal(SIGCHLD, SIG_IGN);
    while (read(3, &c, 1) == 1) {
        pid_t pid = fork();
        if (pid == 0)
            be_worker(j);
    }
    return 0;
}

static void start_template(struct bench *b, struct nf_sandbox *s, struct nf_jail_process *ret)
{
    const int fds[] = { b->order[0], b->answer[1] };
    const struct nf_jail_options o = {
        .code_fd = b->code,
        .fds = fds,
        .fds_n = 2,
        .out_fd = -1,
        .memory_bytes = MEMORY,
        .group_memory_bytes = MEMORY,
        .group_processes = 64,
        .run = run_template,
    };
    struct nf_err err;
    if (nf_jail_spawn(s, &o, ret, &err) != NF_OK || nf_jail_wait(ret, WAIT_MS, &err) != NF_OK)
        die("template", &err);
}

/* --- what is measured ---------------------------------------------------------------------------
 */

static void spawn_and_wait(const char *const *argv)
{
    char *env[] = { NULL };
    pid_t pid;
    int status = -1;
    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)argv, env) != 0)
        die(argv[0], NULL);
    waitpid(pid, &status, 0);
    if (status != 0)
        die(argv[0], NULL);
}

/* Each returns when what counts was over; tidying up comes after. */
static double bare(struct bench *b)
{
    static const char *const argv[] = { "/bin/true", NULL };
    (void)b;
    spawn_and_wait(argv);
    return now_us();
}

static double bubblewrap(struct bench *b)
{
    const char *const argv[] = { "/usr/bin/bwrap", "--unshare-all", "--ro-bind", "/usr",
                                 "/usr",           "--symlink",     "usr/lib",   "/lib",
                                 "--symlink",      "usr/lib64",     "/lib64",    "--symlink",
                                 "usr/bin",        "/bin",          "--proc",    "/proc",
                                 "--dev",          "/dev",          "--tmpfs",   "/tmp",
                                 "--bind",         b->beside,       "/work",     "--chdir",
                                 "/work",          "/bin/true",     NULL };
    spawn_and_wait(argv);
    return now_us();
}

static struct nf_program_options program_options(const struct bench *b)
{
    static const char *const argv[] = { "/bin/true", NULL };
    static const char *const env[] = { NULL };
    return (struct nf_program_options){ .argv = argv,
                                        .env = env,
                                        .work_dir = b->work,
                                        .in_fd = -1,
                                        .out_fd = -1,
                                        .err_fd = 2,
                                        .memory_bytes = MEMORY,
                                        .processes = 64,
                                        .file_bytes = 1 << 20 };
}

static double program(struct bench *b)
{
    const struct nf_program_options o = program_options(b);
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    struct nf_err err;
    siginfo_t info;
    if (nf_program_spawn(b->full, &o, &p, &err) != NF_OK ||
        nf_jail_wait(&p, WAIT_MS, &err) != NF_OK)
        die("program", &err);
    waitid(P_PID, (id_t)p.pid, &info, WEXITED | WNOWAIT);
    double over = now_us();
    if (info.si_status != 0)
        die("program", NULL);
    nf_jail_end(&p, NULL);
    return over;
}

static void keep_jail(struct bench *b)
{
    const struct nf_program_options o = program_options(b);
    struct nf_err err;
    if (nf_program_keep(b->full, &o, &b->kept, &b->orders, &err) != NF_OK ||
        nf_jail_wait(&b->kept, WAIT_MS, &err) != NF_OK)
        die("program", &err);
}

static double program_again(struct bench *b)
{
    const int fds[] = { b->null, b->null, 2 };
    struct nf_err err;
    int status = -1;
    bool last;
    if (nf_program_run(b->orders, fds, 3, &err) != NF_OK ||
        nf_program_ran(b->orders, &status, &err) != NF_OK || status != 0 ||
        nf_program_was_last(b->orders, &last, &err) != NF_OK)
        die("program again", NULL);
    return now_us();
}

static double template_full(struct bench *b)
{
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    start_template(b, b->full, &p);
    double over = now_us();
    nf_jail_end(&p, NULL);
    return over;
}

static double template_layered(struct bench *b)
{
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    start_template(b, b->layered, &p);
    double over = now_us();
    nf_jail_end(&p, NULL);
    return over;
}

static double worker(struct bench *b)
{
    char c;
    if (write(b->order[1], "w", 1) != 1 || read(b->answer[0], &c, 1) != 1)
        die("worker", NULL);
    return now_us();
}

static double probe(struct bench *b)
{
    struct nf_sandbox *s;
    struct nf_err err;
    (void)b;
    if (nf_sandbox_new(&s, &err) != NF_OK)
        die("probe", &err);
    double over = now_us();
    nf_sandbox_free(s);
    return over;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static struct figure figures[] = { { .name = "bare" },          { .name = "bwrap" },
                                       { .name = "program" },       { .name = "program_again" },
                                       { .name = "template_full" }, { .name = "template_l1" },
                                       { .name = "worker" },        { .name = "probe" } };
    double (*const fns[])(struct bench *) = { bare,          bubblewrap,    program,
                                              program_again, template_full, template_layered,
                                              worker,        probe };
    int rounds = argc > 2 ? atoi(argv[2]) : 0;
    struct bench b = { .template = NF_JAIL_PROCESS_NONE,
                       .kept = NF_JAIL_PROCESS_NONE,
                       .work = "/tmp/nexflow-bench-XXXXXX",
                       .beside = "/tmp/nexflow-bench-XXXXXX" };
    struct nf_err err;
    if (rounds < 1 || rounds > ROUNDS_MAX)
        return 2;
    const bool keep[NF_LAYERS] = { [NF_LAYER_SECCOMP] = true,
                                   [NF_LAYER_LANDLOCK] = true,
                                   [NF_LAYER_NOTIFY] = true,
                                   [NF_LAYER_MDWE] = true,
                                   [NF_LAYER_UID] = true };
    if (nf_sandbox_new(&b.full, &err) != NF_OK || nf_sandbox_new(&b.layered, &err) != NF_OK ||
        nf_code_seal(argv[1], NF_JAIL_CODE_MAX, &b.code, &err) != NF_OK)
        die("sandbox", &err);
    nf_sandbox_restrict(b.layered, keep);
    if (!mkdtemp(b.work) || !mkdtemp(b.beside) || pipe2(b.order, O_CLOEXEC) != 0 ||
        pipe2(b.answer, O_CLOEXEC) != 0)
        die("pipe", NULL);
    b.null = open("/dev/null", O_RDWR | O_CLOEXEC);
    start_template(&b, b.full, &b.template);
    keep_jail(&b);
    for (int i = 0; i < rounds; i++) {
        for (size_t k = 0; k < sizeof(fns) / sizeof(fns[0]); k++) {
            if (fns[k] == probe && i % 10 != 0)
                continue;
            double t = now_us();
            figures[k].us[figures[k].n++] = fns[k](&b) - t;
            usleep(500); /* what ended is tidied up */
        }
    }
    for (size_t k = 0; k < sizeof(fns) / sizeof(fns[0]); k++) {
        struct figure *f = &figures[k];
        qsort(f->us, (size_t)f->n, sizeof(f->us[0]), by_size);
        printf("%s %.0f %.0f\n", f->name, f->us[f->n / 2], f->us[f->n * 99 / 100]);
    }
    printf("level %s\n", nf_level_name(nf_sandbox_report(b.full)->level));
    nf_jail_end(&b.template, NULL);
    nf_jail_end(&b.kept, NULL);
    close(b.orders);
    close(b.null);
    rmdir(b.work);
    rmdir(b.beside);
    nf_sandbox_free(b.full);
    nf_sandbox_free(b.layered);
    close(b.code);
    return 0;
}
