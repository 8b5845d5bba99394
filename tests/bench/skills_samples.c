#include "tests/bench/skills_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

void die(const char *what)
{
    (void)fprintf(stderr, "skills_bench: %s\n", what);
    exit(1);
}

void add(enum skills_what w, double us)
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

double quantile(enum skills_what w, double q)
{
    if (samples[w].n == 0)
        return 0;
    qsort(samples[w].us, samples[w].n, sizeof(double), smaller);
    return samples[w].us[(size_t)(q * (double)(samples[w].n - 1))];
}

void print_json(void)
{
    for (int w = 0; w < WHATS; w++)
        printf("\"%s\":%.3f,\"p99_%s\":%.3f,", samples[w].key, quantile((enum skills_what)w, 0.5),
               samples[w].key, quantile((enum skills_what)w, 0.99));
}

void print_table(void)
{
    for (int w = 0; w < WHATS; w++)
        printf("%-48s %10.2f us   p99 %10.2f\n", samples[w].text,
               quantile((enum skills_what)w, 0.5), quantile((enum skills_what)w, 0.99));
}
