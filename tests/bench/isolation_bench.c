/*
 * What others feel of a skill that misbehaves: latencies of calls of a good one, at a steady rate,
 * in turns with nothing beside it and with one kind of misbehaviour in an endless loop. Prints a
 * JSON object {"kind": {"quiet_us": p99, "busy_us": p99, "quiet_p50_us": ..., "busy_p50_us": ...,
 * "calls": n}}.
 *
 * usage: isolation_bench HOST ATTACKER LIAR WITNESS ROUNDS
 */
#include "runtime/fiber.h"
#include "skills/warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROUND_MS 400
#define EVERY_MS 2
#define CALLS_MAX 40000
#define MEMORY ((int64_t)128 << 20)

static const struct kind {
    const char *name;
    bool is_lie; /* of protocol_plugin.c; else of attacks.def */
    int64_t timeout_ms;
} kinds[] = {
    { "wild_pointer", true, 5000 },  { "spin", false, 50 },         { "memory_bomb", false, 5000 },
    { "endless_bytes", true, 5000 }, { "print_endless", true, 50 }, { "fork_bomb", false, 5000 },
};
#define KINDS (sizeof kinds / sizeof *kinds)

struct latencies {
    double us[CALLS_MAX];
    int n;
};

static struct bench {
    struct nf_loop *loop;
    struct nf_warden *warden;
    const char *program, *attacker, *liar, *witness;
    int rounds;
    const struct kind *kind; /* NULL: nobody misbehaves now */
    bool over;
    struct latencies quiet, busy;
} b;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static enum nf_code refuse(struct nf_skill_broker *k, const struct nf_skill_ask *a,
                           struct nf_skill_answer *ret, struct nf_err *err)
{
    (void)k, (void)a, (void)err;
    ret->code = 3; /* NF_SKILL_E_DENIED */
    return NF_OK;
}

static struct nf_skill_broker refuser = { .ops = &(const struct nf_skill_broker_ops){ refuse } };

static enum nf_code call(const char *name, const char *path, const char *tool, const char *args,
                         int64_t timeout_ms)
{
    struct nf_err err;
    struct nf_skill_ran ran = { 0 };
    const struct nf_skill_unit unit = { .name = name,
                                        .version = "1.0.0",
                                        .hash = name,
                                        .path = path,
                                        .memory_bytes = MEMORY,
                                        .cpu_ms = 60000,
                                        .output_bytes = 65536,
                                        .min_level = "" };
    const struct nf_skill_run run = {
        .unit = &unit, .tool = tool, .args = args, .timeout_ms = timeout_ms, .broker = &refuser
    };
    enum nf_code rc = nf_warden_call(b.warden, &run, &ran, &err);
    nf_skill_ran_done(&ran);
    return rc;
}

static enum nf_code misbehave(void *arg, struct nf_err *err)
{
    (void)arg;
    while (!b.over) {
        const struct kind *k = b.kind;
        char args[64];
        if (!k) {
            NF_TRY(nf_sleep(1, err));
            continue;
        }
        (void)snprintf(args, sizeof args, "{\"attack\":\"%s\"}", k->name);
        (void)call(k->is_lie ? "protocol" : "attack", k->is_lie ? b.liar : b.attacker,
                   k->is_lie ? k->name : "attack", args, k->timeout_ms);
        NF_TRY(nf_sleep(1, err)); /* a skill that rests after crashes is refused at once */
    }
    return NF_OK;
}

static enum nf_code measure(struct latencies *l, struct nf_err *err)
{
    double end = now_us() + ROUND_MS * 1e3;
    while (now_us() < end && l->n < CALLS_MAX) {
        NF_TRY(nf_sleep(EVERY_MS, err));
        double from = now_us();
        NF_TRY(call("witness", b.witness, "witness", "{}", 5000));
        l->us[l->n++] = now_us() - from;
    }
    return NF_OK;
}

static int compare(const void *x, const void *y)
{
    double d = *(const double *)x - *(const double *)y;
    return (d > 0) - (d < 0);
}

static double quantile(struct latencies *l, double q)
{
    qsort(l->us, (size_t)l->n, sizeof *l->us, compare);
    return l->n ? l->us[(int)((l->n - 1) * q)] : 0;
}

static enum nf_code measure_kind(const struct kind *k, bool first, struct nf_err *err)
{
    b.quiet.n = b.busy.n = 0;
    for (int i = 0; i < b.rounds; i++) {
        NF_TRY(measure(&b.quiet, err));
        b.kind = k;
        NF_TRY(measure(&b.busy, err));
        b.kind = NULL;
        NF_TRY(nf_sleep(100, err)); /* the last of it ends */
    }
    (void)printf("%s\"%s\": {\"quiet_us\": %.1f, \"busy_us\": %.1f, \"quiet_p50_us\": %.1f, "
                 "\"busy_p50_us\": %.1f, \"calls\": %d}",
                 first ? "" : ", ", k->name, quantile(&b.quiet, 0.99), quantile(&b.busy, 0.99),
                 quantile(&b.quiet, 0.5), quantile(&b.busy, 0.5), b.busy.n);
    return NF_OK;
}

static enum nf_code run(void *arg, struct nf_err *err)
{
    (void)arg;
    const struct nf_warden_options o = {
        .loop = b.loop, .program = b.program, .min_level = "", .workers_max = 8, .idle_ms = 60000
    };
    struct nf_scope s;
    NF_TRY(nf_warden_new(&o, &b.warden, err));
    nf_scope_init(&s, b.loop);
    enum nf_code rc = nf_scope_spawn(&s, misbehave, NULL, NULL, err);
    for (int i = 0; rc == NF_OK && i < 100; i++)
        rc = call("witness", b.witness, "witness", "{}", 5000);
    (void)fputc('{', stdout);
    for (size_t i = 0; rc == NF_OK && i < KINDS; i++)
        rc = measure_kind(&kinds[i], i == 0, err);
    (void)puts("}");
    b.over = true;
    nf_scope_done(&s);
    nf_warden_free(b.warden);
    return rc;
}

int main(int argc, char **argv)
{
    struct nf_err err = { 0 };
    if (argc != 6) {
        (void)fprintf(stderr, "usage: isolation_bench HOST ATTACKER LIAR WITNESS ROUNDS\n");
        return 2;
    }
    b.program = argv[1];
    b.attacker = argv[2];
    b.liar = argv[3];
    b.witness = argv[4];
    b.rounds = (int)strtol(argv[5], NULL, 10);
    enum nf_code rc = nf_loop_new(&b.loop, &err);
    if (rc == NF_OK)
        rc = nf_loop_run(b.loop, run, NULL, &err);
    nf_loop_free(b.loop);
    if (rc != NF_OK)
        (void)fprintf(stderr, "%s: %s\n", nf_code_name(rc), err.msg);
    return rc == NF_OK ? 0 : 1;
}
