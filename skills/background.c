/*
 * A call that computes for long goes on in the background: at SCHED_IDLE (sched(7)), so that what
 * wakes up takes its processor at once. Else a plugin in an endless loop keeps it for a time slice,
 * and on a small machine turns of other people wait for that.
 *
 * A process cannot come back from there without privilege (sched(7), SCHED_IDLE and RLIMIT_NICE),
 * so it serves no further call. That costs a fork for every NF_BACKGROUND_CPU_MS of computing.
 */
#include "skills/warden_impl.h"

#include "runtime/fiber.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <utlist.h>

/* Used by all its threads so far, in microseconds; -1: it is gone. */
static int64_t cpu_us(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return -1;
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static bool is_set(pid_t thread)
{
    const struct sched_param none = { 0 };
    return sched_setscheduler(thread, SCHED_IDLE, &none) == 0;
}

/* Threads that it starts later have what the one has that starts them. */
static bool set_threads(pid_t pid)
{
    char path[64];
    bool any = false;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    if (!d)
        return is_set(pid);
    for (struct dirent *e; (e = readdir(d));) {
        pid_t thread = (pid_t)strtol(e->d_name, NULL, 10);
        any = (thread > 0 && is_set(thread)) || any;
    }
    (void)closedir(d);
    return any;
}

static void look_at(struct nf_worker *k, int64_t used_us)
{
    if (k->cpu_us < 0) {
        k->cpu_us = used_us;
        return;
    }
    if (used_us - k->cpu_us < nf_us(NF_BACKGROUND_CPU_MS))
        return;
    k->background = true;
    if (set_threads(k->pid))
        k->pool->warden->stats.background++;
}

/* False: there is no call to look at. */
static bool look(struct nf_warden *w)
{
    bool any = false;
    struct nf_pool *p;
    struct nf_worker *k;
    DL_FOREACH(w->pools, p)
    {
        DL_FOREACH(p->workers, k)
        {
            int64_t used_us =
                k->state == NF_WORKER_BUSY && !k->background && !k->exited ? cpu_us(k->pid) : -1;
            any = any || used_us >= 0;
            if (used_us >= 0)
                look_at(k, used_us);
        }
    }
    return any;
}

enum nf_code nf_background_watch(void *arg, struct nf_err *err)
{
    struct nf_warden *w = arg;
    while (!w->ending) {
        struct nf_wait call = { 0 };
        w->watcher = &call;
        enum nf_code rc = nf_wait(&call, -1, "a call of a skill", err);
        w->watcher = NULL;
        NF_TRY(rc);
        do {
            NF_TRY(nf_sleep(NF_BACKGROUND_LOOK_MS, err));
        } while (look(w));
    }
    return NF_OK;
}

void nf_background_begin(struct nf_worker *k)
{
    struct nf_warden *w = k->pool->warden;
    k->cpu_us = -1;
    if (w->watcher && !w->watcher->woken)
        nf_wait_wake(w->watcher, NF_OK);
}
