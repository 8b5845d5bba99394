/* What processes that wait cost in memory. */
#include "tests/bench/skills_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

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

static void measure_spare(struct memory *ret)
{
    struct nf_skill_unit u = unit_of("before a spare", false);
    call(&u, "echo", peer_args);
    nap(200);
    pid_t pid = pid_of_spare();
    ret->spare_rss = field_kib(pid, "status", "VmRSS:");
    ret->spare_pss = field_kib(pid, "smaps_rollup", "Pss:");
    nf_pool_retire(pool_of(&u));
    nap(20);
}

static int idle_workers(const struct nf_pool *p)
{
    const struct nf_worker *k;
    int n = 0;
    DL_FOREACH(p->workers, k)
    {
        n += k->state == NF_WORKER_IDLE;
    }
    return n;
}

/* Of idle workers that have served a call; the mean. */
static void measure_idle(struct memory *ret)
{
    struct nf_skill_unit u = unit_of("memory", false);
    struct nf_pool *p = pool_of(&u);
    struct nf_worker *k;
    struct nf_err err;
    call(&u, "echo", peer_args);
    for (int i = 1; i < IDLE_WORKERS; i++) {
        if (nf_worker_start(p, false, &err) != NF_OK)
            die(err.msg);
    }
    for (int i = 0; i < 100 && idle_workers(p) < IDLE_WORKERS; i++)
        nap(100);
    nap(200);
    int n = idle_workers(p);
    if (n == 0)
        die("no idle worker");
    DL_FOREACH(p->workers, k)
    {
        if (k->state != NF_WORKER_IDLE)
            continue;
        ret->idle_pss += field_kib(k->pid, "smaps_rollup", "Pss:");
        ret->idle_tables += field_kib(k->pid, "status", "VmPTE:");
    }
    ret->idle_pss /= n;
    ret->idle_tables /= n;
    nf_pool_retire(p);
    nap(20);
}

void measure_memory(struct memory *ret)
{
    *ret = (struct memory){ 0 };
    measure_spare(ret);
    measure_idle(ret);
}
