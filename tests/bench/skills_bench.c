/*
 * What calls to plugins cost, beside what the kernel asks for the like: a ping-pong over two raw
 * pipes, posix_spawn of /bin/true, bwrap. Everything is measured in this one process, on one
 * processor, in rounds that alternate. Prints a table of medians, or with --json one object.
 *
 * usage: skills_bench [--json] [--quick] PROGRAM PLUGIN
 */
#include "cmd/nexflow-skill/host.h"
#include "runtime/fiber.h"
#include "sandbox/program.h"
#include "skills/memory_broker.h"
#include "skills/program.h"
#include "skills/warden_impl.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utlist.h>

static const char ARGS[] =
    "{\"text\":\"the quick brown fox jumps over the lazy dog, and then it goes back home to write "
    "a "
    "report of about two hundred bytes in total, because that is what is measured here: "
    "200\",\"n\":42,\"x\":1}";
#define FRAME (NF_WIRE_HEAD + NF_WIRE_CALL_HEAD + 4 + sizeof ARGS - 1)
#define REPLY ((size_t)160)
#define ASKS 100 /* as many as there are of the pings that they are held against */
#define IDLE_WORKERS 50
#define BATCH 200

static struct nf_loop *loop;
static struct nf_warden *warden;
static struct nf_memory_broker broker;
static const char *program, *plugin;
static bool quick;

/* --- samples ---------------------------------------------------------------------------------- */

enum what {
    PING,
    LOOP_PING,
    PLAIN_FRAMES,
    JAILED_FRAMES,
    POOLED,
    EACH,
    ASK,
    ONESHOT,
    RESTED,
    ONESHOT_RESTED,
    READY,
    COLD,
    COLD_ALONE,
    SPAWN,
    JAIL,
    FIRST,
    PROGRAM,
    BWRAP,
    BWRAP_RESTED,
    WHATS
};

static struct {
    const char *key, *text;
    double *us;
    size_t n, cap;
} samples[WHATS] = {
    [PING] = { .key = "ping_us", .text = "ping-pong over two pipes, 200 bytes" },
    [LOOP_PING] = { .key = "loop_ping_us", .text = "the same, waited for by a fiber of the loop" },
    [PLAIN_FRAMES] = { .key = "plain_us", .text = "call of a worker without a jail, blocking" },
    [JAILED_FRAMES] = { .key = "jailed_us", .text = "call of a jailed worker, blocking" },
    [POOLED] = { .key = "pooled_us", .text = "call of a pooled skill, through the loop" },
    [EACH] = { .key = "each_us", .text = "the same, in batches of 200" },
    [ASK] = { .key = "ask_us", .text = "question to the broker, through the loop" },
    [ONESHOT] = { .key = "oneshot_us", .text = "call of a oneshot skill, spare ready" },
    [RESTED] = { .key = "rested_us", .text = "call of a pooled skill after 3 ms of rest" },
    [ONESHOT_RESTED] = { .key = "oneshot_rested_us",
                         .text = "call of a oneshot skill after as much" },
    [READY] = { .key = "ready_us", .text = "a worker more, until it has served a call" },
    [COLD] = { .key = "cold_us", .text = "first call of a cold skill" },
    [COLD_ALONE] = { .key = "cold_alone_us", .text = "the same, no jail made beforehand" },
    [SPAWN] = { .key = "spawn_us", .text = "posix_spawn of /bin/true, to its end" },
    [JAIL] = { .key = "jail_us", .text = "/bin/true in the jail for programs, to its end" },
    [FIRST] = { .key = "first_us",
                .text = "the same as a skill for the first time, by the daemon" },
    [PROGRAM] = { .key = "program_us", .text = "the same again" },
    [BWRAP] = { .key = "bwrap_us", .text = "/bin/true in bwrap --unshare-all, to its end" },
    [BWRAP_RESTED] = { .key = "bwrap_rested_us", .text = "the same after a rest" },
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "skills_bench: %s\n", what);
    exit(1);
}

static void add(enum what w, double us)
{
    if (samples[w].n == samples[w].cap) {
        samples[w].cap = samples[w].cap ? samples[w].cap * 2 : 1024;
        samples[w].us = realloc(samples[w].us, samples[w].cap * sizeof(double));
        if (!samples[w].us)
            die("no memory");
    }
    samples[w].us[samples[w].n++] = us;
}

static int smaller(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(enum what w, double q)
{
    if (samples[w].n == 0)
        return 0;
    qsort(samples[w].us, samples[w].n, sizeof(double), smaller);
    return samples[w].us[(size_t)(q * (double)(samples[w].n - 1))];
}

/* --- processes to compare with ---------------------------------------------------------------- */

struct peer {
    int to, from;
    pid_t pid;
};

static struct peer start_peer(void (*run)(int in, int out))
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(in[0], out[1]);
        _exit(0);
    }
    close(in[0]);
    close(out[1]);
    return (struct peer){ .to = in[1], .from = out[0], .pid = pid };
}

static void end_peer(struct peer *p)
{
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    close(p->to);
    close(p->from);
}

static void echo(int in, int out)
{
    char bytes[4096];
    while (read(in, bytes, sizeof bytes) > 0) {
        if (write(out, bytes, REPLY) < 0)
            return;
    }
}

/* The same host and the same plugin as in the jail. */
static void serve_plain(int in, int out)
{
    static struct host h;
    int high_in = fcntl(in, F_DUPFD, 20), high_out = fcntl(out, F_DUPFD, 20);
    dup2(high_in, HOST_IN_FD);
    dup2(high_out, HOST_OUT_FD);
    void *so = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
    host_init(&h);
    h.plugin = so ? dlsym(so, "nf_skill_v1") : NULL;
    if (h.plugin)
        host_serve(&h);
}

static void spawn_and_wait(const char *const *argv)
{
    pid_t pid;
    static char *const none[] = { NULL };
    if (posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(void *)argv, none) != 0)
        die(argv[0]);
    waitpid(pid, NULL, 0);
}

/* --- blocking calls --------------------------------------------------------------------------- */

static void exchange(int to, int from, const char *p, size_t n)
{
    char back[4096];
    if (write(to, p, n) != (ssize_t)n || read(from, back, sizeof back) <= 0)
        die("a peer is gone");
}

static void call_frames(int to, int from, uint64_t id)
{
    char frame[FRAME];
    struct nf_wire_call c = { .deadline_us = INT64_MAX,
                              .output_max = 65536,
                              .tool = { "echo", 4 } };
    nf_wire_put_head(frame, NF_WIRE_CALL, id, sizeof frame - NF_WIRE_HEAD);
    nf_wire_put_call(frame + NF_WIRE_HEAD, &c);
    memcpy(frame + NF_WIRE_HEAD + NF_WIRE_CALL_HEAD, "echo", 4);
    memcpy(frame + NF_WIRE_HEAD + NF_WIRE_CALL_HEAD + 4, ARGS, sizeof ARGS - 1);
    exchange(to, from, frame, sizeof frame);
}

/* --- calls through the loop ------------------------------------------------------------------- */

static struct nf_skill_unit unit_of(const char *hash, bool oneshot)
{
    return (struct nf_skill_unit){ .name = "bench",
                                   .version = "1.0.0",
                                   .hash = hash,
                                   .path = plugin,
                                   .oneshot = oneshot,
                                   .memory_bytes = (int64_t)64 << 20,
                                   .output_bytes = 65536 };
}

static double call(const struct nf_skill_unit *u, const char *tool, const char *args)
{
    struct nf_err err;
    struct nf_skill_ran ran;
    const struct nf_skill_run r = { .unit = u,
                                    .tool = tool,
                                    .args = args,
                                    .owner = 1,
                                    .timeout_ms = 60000,
                                    .broker = &broker.base };
    double from = now();
    if (nf_warden_call(warden, &r, &ran, &err) != NF_OK)
        die(err.msg);
    double took = now() - from;
    nf_skill_ran_done(&ran);
    return took;
}

static void nap(int64_t ms)
{
    if (nf_sleep(ms, NULL) != NF_OK)
        die("the loop ended");
}

static struct nf_pool *pool_of(const struct nf_skill_unit *u)
{
    struct nf_err err;
    struct nf_pool *p = nf_pool_find(warden, u, &err);
    if (!p)
        die(err.msg);
    return p;
}

static struct nf_worker *idle_of(struct nf_pool *p)
{
    struct nf_worker *k;
    DL_SEARCH_SCALAR(p->workers, k, state, NF_WORKER_IDLE);
    if (!k)
        die("no idle worker");
    return k;
}

struct ponger {
    int fd;
    struct nf_wait *wait;
};

static void on_pong(void *arg)
{
    struct ponger *p = arg;
    char back[4096];
    if (read(p->fd, back, sizeof back) > 0)
        nf_wait_wake(p->wait, NF_OK);
}

/* What is left of a call if there is nothing to it: epoll, and a switch to the fiber. */
static void measure_loop_ping(const struct peer *peer)
{
    struct ponger p = { .fd = peer->from };
    struct nf_watch *watch;
    struct nf_err err;
    if (nf_watch_new(loop, peer->from, on_pong, &p, &watch, &err) != NF_OK)
        die(err.msg);
    for (int i = 0; i < 100; i++) {
        struct nf_wait w = { 0 };
        double from = now();
        p.wait = &w;
        if (write(peer->to, ARGS, sizeof ARGS - 1) < 0 || nf_wait(&w, 1000, "pong", &err) != NF_OK)
            die("a peer is gone");
        add(LOOP_PING, now() - from);
    }
    nf_watch_free(watch);
    fcntl(peer->from, F_SETFL, 0);
}

/* --- programs --------------------------------------------------------------------------------- */

static const char *const bwrap[] = { "/usr/bin/bwrap", "--ro-bind", "/usr",      "/usr",
                                     "--symlink",      "usr/lib",   "/lib",      "--symlink",
                                     "usr/lib64",      "/lib64",    "--symlink", "usr/bin",
                                     "/bin",           "--proc",    "/proc",     "--dev",
                                     "/dev",           "--tmpfs",   "/tmp",      "--unshare-all",
                                     "/bin/true",      NULL };

static void measure_bwrap(int what)
{
    double from = now();
    if (access(bwrap[0], X_OK) != 0)
        return;
    spawn_and_wait(bwrap);
    add(what, now() - from);
}

/* As a skill /bin/true fails, since it says nothing; that is all the same here. */
static double run_program(const char *work)
{
    const struct nf_program_run r = { .name = "true",
                                      .dir = "/usr/share",
                                      .entry = "../bin/true",
                                      .work_dir = work,
                                      .min_level = "",
                                      .memory_bytes = (int64_t)256 << 20,
                                      .output_bytes = 65536,
                                      .tool = "none",
                                      .args = "{}",
                                      .timeout_ms = 10000,
                                      .broker = &broker.base };
    struct nf_skill_ran ran;
    struct nf_err err;
    double from = now();
    if (nf_warden_program(warden, &r, &ran, &err) != NF_E_UNAVAILABLE || !strstr(err.msg, "code 0"))
        die(err.msg);
    double took = now() - from;
    nf_skill_ran_done(&ran);
    return took;
}

/* In a directory in which nothing ran yet, and once more; beside bwrap, which has rested as well:
 * whoever is waked up on an idle processor is late. */
static void measure_program(void)
{
    char work[] = "/tmp/skills_bench.XXXXXX";
    if (!mkdtemp(work))
        die("mkdtemp");
    nap(60); /* what ended is cleared away, and the next jail made */
    add(FIRST, run_program(work));
    nap(60);
    add(PROGRAM, run_program(work));
    nap(60);
    measure_bwrap(BWRAP_RESTED);
    rmdir(work);
}

/* --- what is measured ------------------------------------------------------------------------- */

static void measure_calls(const struct nf_skill_unit *u, const struct peer *ping,
                          const struct peer *plain)
{
    struct nf_worker *k = idle_of(pool_of(u));
    for (int i = 0; i < 100; i++) {
        double from = now();
        exchange(ping->to, ping->from, ARGS, sizeof ARGS - 1);
        add(PING, now() - from);
    }
    measure_loop_ping(ping);
    for (int i = 0; i < 100; i++) {
        double from = now();
        call_frames(plain->to, plain->from, 1);
        add(PLAIN_FRAMES, now() - from);
    }
    nf_watch_pause(k->watch);
    fcntl(k->to, F_SETFL, 0);
    fcntl(k->from, F_SETFL, 0);
    for (int i = 0; i < 100; i++) {
        double from = now();
        call_frames(k->to, k->from, 1);
        add(JAILED_FRAMES, now() - from);
    }
    fcntl(k->to, F_SETFL, O_NONBLOCK);
    fcntl(k->from, F_SETFL, O_NONBLOCK);
    nf_watch_resume(k->watch);
    for (int i = 0; i < 100; i++)
        add(POOLED, call(u, "echo", ARGS));
    char args[32];
    (void)snprintf(args, sizeof args, "{\"n\":%d}", ASKS);
    double many = call(u, "ask", args);
    add(ASK, (many - call(u, "ask", "{\"n\":0}")) / ASKS);
}

/* A processor that slept costs the first call more, whichever it is: each kind of call is measured
 * behind a call of a pooled skill, and behind a rest. */
static void measure_oneshot(const struct nf_skill_unit *pooled)
{
    struct nf_skill_unit one = unit_of("oneshot", true);
    call(&one, "echo", ARGS);
    nap(3);
    call(pooled, "echo", ARGS);
    add(ONESHOT, call(&one, "echo", ARGS));
    nap(3);
    add(RESTED, call(pooled, "echo", ARGS));
    nap(3);
    add(ONESHOT_RESTED, call(&one, "echo", ARGS));
    nap(3);
}

static void measure_starts(int round)
{
    static const char *const nothing[] = { "/bin/true", NULL };
    struct nf_skill_unit warm = unit_of("ready", false);
    char hash[32];
    (void)snprintf(hash, sizeof hash, "cold %d", round);
    struct nf_skill_unit cold = unit_of(hash, false);

    double from = now();
    spawn_and_wait(nothing);
    add(SPAWN, now() - from);

    call(&warm, "echo", ARGS);
    nf_worker_leave(idle_of(pool_of(&warm)));
    nap(3);
    add(READY, call(&warm, "echo", ARGS));
    nap(3);

    add(COLD, call(&cold, "echo", ARGS));
    nf_pool_retire(pool_of(&cold));
    nap(60); /* the kernel clears its network namespace away: the next one would wait for that */

    cold.threads = true; /* for these there is no spare */
    add(COLD_ALONE, call(&cold, "echo", ARGS));
    nf_pool_retire(pool_of(&cold));
    nap(60);
}

/* In short batches, of which the best tenth tells what a processor does that is ours alone: what
 * runs beside us takes it from the others. */
static void measure_throughput(const struct nf_skill_unit *u)
{
    for (int i = 0; i < (quick ? 100 : 500); i++) {
        double from = now();
        for (int k = 0; k < BATCH; k++)
            call(u, "echo", ARGS);
        add(EACH, (now() - from) / BATCH);
    }
}

static double field_kib(pid_t pid, const char *file, const char *field)
{
    char path[64], line[256];
    double kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, field, strlen(field)) == 0)
            kib = strtod(line + strlen(field), NULL);
    }
    if (f)
        (void)fclose(f);
    return kib;
}

/* The youngest child of the warden: a skill was started a moment ago. */
static pid_t pid_of_spare(void)
{
    char path[64];
    int pid = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)warden->pid,
                   (int)warden->pid);
    FILE *f = fopen(path, "r");
    while (f && fscanf(f, "%d", &pid) == 1)
        ;
    if (f)
        (void)fclose(f);
    return (pid_t)pid;
}

static void measure_spare(double *rss, double *pss)
{
    struct nf_skill_unit u = unit_of("before a spare", false);
    call(&u, "echo", ARGS);
    nap(200);
    pid_t pid = pid_of_spare();
    *rss = field_kib(pid, "status", "VmRSS:");
    *pss = field_kib(pid, "smaps_rollup", "Pss:");
    nf_pool_retire(pool_of(&u));
    nap(20);
}

/* Of idle workers that have served a call; the mean. */
static void measure_memory(double *pss, double *tables)
{
    struct nf_skill_unit u = unit_of("memory", false);
    struct nf_pool *p = pool_of(&u);
    struct nf_worker *k;
    struct nf_err err;
    int n = 0;
    call(&u, "echo", ARGS);
    for (int i = 1; i < IDLE_WORKERS; i++) {
        if (nf_worker_start(p, false, &err) != NF_OK)
            die(err.msg);
    }
    nap(500);
    *pss = *tables = 0;
    DL_FOREACH(p->workers, k)
    {
        if (k->state != NF_WORKER_IDLE)
            continue;
        *pss += field_kib(k->pid, "smaps_rollup", "Pss:");
        *tables += field_kib(k->pid, "status", "VmPTE:");
        n++;
    }
    *pss /= n;
    *tables /= n;
    nf_pool_retire(p);
    nap(20);
}

/* --- the jail for programs: without a loop, as the warden starts it -----------------------------
 */

static void measure_jail(int rounds)
{
    static const char *const nothing[] = { "/bin/true", NULL };
    static const char *const none[] = { NULL };
    char dir[] = "/tmp/skills_bench.XXXXXX";
    struct nf_sandbox *s;
    struct nf_err err;
    if (!mkdtemp(dir) || nf_sandbox_new(&s, &err) != NF_OK)
        die("no sandbox");
    const struct nf_program_options o = { .argv = nothing,
                                          .env = none,
                                          .work_dir = dir,
                                          .in_fd = -1,
                                          .out_fd = -1,
                                          .err_fd = -1,
                                          .memory_bytes = (int64_t)256 << 20,
                                          .processes = 32,
                                          .file_bytes = 1 << 20 };
    for (int i = 0; i < rounds; i++) {
        struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
        double from = now();
        if (nf_program_spawn(s, &o, &p, &err) != NF_OK || nf_jail_wait(&p, 5000, &err) != NF_OK)
            die(err.msg);
        struct pollfd ended = { .fd = p.pidfd, .events = POLLIN };
        (void)poll(&ended, 1, -1);
        nf_jail_end(&p, NULL);
        add(JAIL, now() - from);
        measure_bwrap(BWRAP);
        from = now();
        spawn_and_wait(nothing);
        add(SPAWN, now() - from);
    }
    nf_sandbox_free(s);
    rmdir(dir);
}

/* --- all of it -------------------------------------------------------------------------------- */

static double idle_pss, idle_tables, spare_rss, spare_pss;
static struct peer ping, plain;

static enum nf_code run(void *arg, struct nf_err *err)
{
    (void)arg;
    const struct nf_warden_options o = { .loop = loop,
                                         .program = program,
                                         .workers_max = INT64_C(2) * IDLE_WORKERS,
                                         .idle_ms = 600000 };
    struct nf_skill_unit u = unit_of("pooled", false);
    char work[] = "/tmp/skills_bench.XXXXXX";
    NF_TRY(nf_warden_new(&o, &warden, err));
    call(&u, "echo", ARGS);
    if (!mkdtemp(work))
        die("mkdtemp");
    run_program(work); /* the first of all finds no jail made for it */
    rmdir(work);
    for (int i = 0; i < (quick ? 10 : 100); i++) {
        measure_calls(&u, &ping, &plain);
        measure_oneshot(&u);
        measure_starts(2 * i);
        measure_oneshot(&u);
        measure_starts(2 * i + 1);
        measure_program();
    }
    measure_throughput(&u);
    measure_spare(&spare_rss, &spare_pss);
    measure_memory(&idle_pss, &idle_tables);
    nf_warden_free(warden);
    return NF_OK;
}

static void print_json(void)
{
    printf("{");
    for (int w = 0; w < WHATS; w++)
        printf("\"%s\":%.3f,\"p99_%s\":%.3f,", samples[w].key, quantile((enum what)w, 0.5),
               samples[w].key, quantile((enum what)w, 0.99));
    printf("\"calls_per_s\":%.0f,\"idle_pss_kib\":%.1f,\"idle_tables_kib\":%.1f,"
           "\"spare_rss_kib\":%.1f,\"spare_pss_kib\":%.1f}\n",
           1e6 / quantile(EACH, 0.1), idle_pss, idle_tables, spare_rss, spare_pss);
}

static void print_table(void)
{
    for (int w = 0; w < WHATS; w++)
        printf("%-48s %10.2f us   p99 %10.2f\n", samples[w].text, quantile((enum what)w, 0.5),
               quantile((enum what)w, 0.99));
    printf("%-48s %10.0f calls/s\n", "pooled, one after the other", 1e6 / quantile(EACH, 0.1));
    const struct {
        const char *what;
        double kib;
    } memory[] = { { "PSS of an idle worker", idle_pss },
                   { "page tables of an idle worker", idle_tables },
                   { "RSS of the spare", spare_rss },
                   { "PSS of the spare", spare_pss } };
    for (size_t i = 0; i < sizeof memory / sizeof memory[0]; i++)
        printf("%-48s %10.1f KiB\n", memory[i].what, memory[i].kib);
}

int main(int argc, char **argv)
{
    struct nf_err err;
    bool json = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
        quick = quick || strcmp(argv[i], "--quick") == 0;
    }
    if (argc - i != 2)
        die("usage: skills_bench [--json] [--quick] PROGRAM PLUGIN");
    program = argv[i];
    plugin = argv[i + 1];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    (void)sched_setaffinity(0, sizeof one, &one);
    nf_memory_broker_init(&broker);
    ping = start_peer(echo);
    plain = start_peer(serve_plain);
    if (nf_memory_broker_put_kv(&broker, "key", "value", 5, &err) != NF_OK ||
        nf_loop_new(&loop, &err) != NF_OK || nf_loop_run(loop, run, NULL, &err) != NF_OK)
        die(err.msg);
    nf_loop_free(loop);
    measure_jail(quick ? 20 : 100);
    end_peer(&ping);
    end_peer(&plain);
    nf_memory_broker_done(&broker);
    if (json)
        print_json();
    else
        print_table();
    return 0;
}
