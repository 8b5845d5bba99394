/*
 * What calls to plugins cost, beside what the kernel asks for the like: a ping-pong over two raw
 * pipes, posix_spawn of /bin/true, bwrap. Everything is measured in this one process, on one
 * processor, in rounds that alternate. Prints a table of medians, or with --json one object.
 *
 * usage: skills_bench [--json] [--quick] [--only=TOPIC] PROGRAM PLUGIN
 * TOPIC: calls, starts, programs, throughput, memory; what is not measured is 0
 */
#include "tests/bench/skills_bench.h"
#include "runtime/fiber.h"
#include "skills/program.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#define ASKS 20 /* of one call: few, so that most are not disturbed */
#define BATCH 200

static struct nf_loop *loop;
struct nf_warden *warden;
struct nf_memory_broker broker;
static const char *program;
static const char *only; /* NULL: everything */
static bool quick;

static bool wanted(const char *topic)
{
    return !only || strcmp(only, topic) == 0;
}

/* --- calls through the loop ------------------------------------------------------------------- */

struct nf_skill_unit unit_of(const char *hash, bool oneshot)
{
    return (struct nf_skill_unit){ .name = "bench",
                                   .version = "1.0.0",
                                   .hash = hash,
                                   .path = peer_plugin,
                                   .oneshot = oneshot,
                                   .memory_bytes = (int64_t)64 << 20,
                                   .output_bytes = 65536 };
}

double call(const struct nf_skill_unit *u, const char *tool, const char *args)
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

void nap(int64_t ms)
{
    if (nf_sleep(ms, NULL) != NF_OK)
        die("the loop ended");
}

struct nf_pool *pool_of(const struct nf_skill_unit *u)
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
        if (write(peer->to, peer_args, strlen(peer_args)) < 0 ||
            nf_wait(&w, 1000, "pong", &err) != NF_OK)
            die("a peer is gone");
        add(LOOP_PING, now() - from);
    }
    nf_watch_free(watch);
    fcntl(peer->from, F_SETFL, 0);
}

/* --- what is measured --------------------------------------------------------------------------
 */

static void measure_calls(const struct nf_skill_unit *u, const struct peer *ping,
                          const struct peer *plain)
{
    struct nf_worker *k = idle_of(pool_of(u));
    for (int i = 0; i < 100; i++) {
        double from = now();
        exchange(ping->to, ping->from, peer_args, strlen(peer_args));
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
        add(POOLED, call(u, "echo", peer_args));
    char args[32];
    (void)snprintf(args, sizeof args, "{\"n\":%d}", ASKS);
    for (int i = 0; i < 10; i++) {
        double many = call(u, "ask", args);
        add(ASK, (many - call(u, "ask", "{\"n\":0}")) / ASKS);
    }
}

/* A processor that slept costs the first call more, whichever it is: each kind of call is measured
 * behind a call of a pooled skill, and behind a rest. */
static void measure_oneshot(const struct nf_skill_unit *pooled)
{
    struct nf_skill_unit one = unit_of("oneshot", true);
    call(&one, "echo", peer_args);
    nap(3);
    call(pooled, "echo", peer_args);
    add(ONESHOT, call(&one, "echo", peer_args));
    nap(3);
    add(RESTED, call(pooled, "echo", peer_args));
    nap(3);
    add(ONESHOT_RESTED, call(&one, "echo", peer_args));
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

    call(&warm, "echo", peer_args);
    nf_worker_leave(idle_of(pool_of(&warm)));
    nap(3);
    add(READY, call(&warm, "echo", peer_args));
    nap(3);

    add(COLD, call(&cold, "echo", peer_args));
    nf_pool_retire(pool_of(&cold));
    nap(60); /* the kernel clears its network namespace away: the next one would wait for that */

    cold.threads = true; /* for these there is no spare */
    add(COLD_ALONE, call(&cold, "echo", peer_args));
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
            call(u, "echo", peer_args);
        add(EACH, (now() - from) / BATCH);
    }
}

/* --- all of it -------------------------------------------------------------------------------- */

static struct memory memory;
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
    call(&u, "echo", peer_args);
    if (!mkdtemp(work))
        die("mkdtemp");
    run_program(work); /* the first of all finds no jail made for it */
    rmdir(work);
    for (int i = 0; i < (quick ? 10 : 100); i++) {
        if (wanted("calls"))
            measure_calls(&u, &ping, &plain);
        for (int k = 0; k < 2 && wanted("starts"); k++) {
            measure_oneshot(&u);
            measure_starts(2 * i + k);
        }
        if (wanted("programs"))
            measure_program();
    }
    if (wanted("throughput"))
        measure_throughput(&u);
    if (wanted("memory"))
        measure_memory(&memory);
    nf_warden_free(warden);
    return NF_OK;
}

static void print(bool json)
{
    const struct {
        const char *key, *text;
        double kib;
    } all[] = { { "idle_pss_kib", "PSS of an idle worker", memory.idle_pss },
                { "idle_tables_kib", "page tables of an idle worker", memory.idle_tables },
                { "spare_rss_kib", "RSS of the spare", memory.spare_rss },
                { "spare_pss_kib", "PSS of the spare", memory.spare_pss } };
    double each = quantile(EACH, 0.1), per_s = each > 0 ? 1e6 / each : 0;
    if (json) {
        printf("{");
        print_json();
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            printf("\"%s\":%.1f,", all[i].key, all[i].kib);
        printf("\"calls_per_s\":%.0f}\n", per_s);
        return;
    }
    print_table();
    printf("%-48s %10.0f calls/s\n", "pooled, one after the other", per_s);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        printf("%-48s %10.1f KiB\n", all[i].text, all[i].kib);
}

int main(int argc, char **argv)
{
    struct nf_err err;
    bool json = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        json = json || strcmp(argv[i], "--json") == 0;
        quick = quick || strcmp(argv[i], "--quick") == 0;
        only = strncmp(argv[i], "--only=", 7) == 0 ? argv[i] + 7 : only;
    }
    if (argc - i != 2)
        die("usage: skills_bench [--json] [--quick] [--only=TOPIC] PROGRAM PLUGIN");
    program = argv[i];
    peer_plugin = argv[i + 1];
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
    if (wanted("programs"))
        measure_jail(quick ? 20 : 100);
    end_peer(&ping);
    end_peer(&plain);
    nf_memory_broker_done(&broker);
    print(json);
    return 0;
}
