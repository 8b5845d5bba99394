/* What becomes of the processes of a skill: those that fail, those that are late, and those that
 * nobody needs any more. */
#include "skills/warden_impl.h"

#include <utlist.h>

/* --- failures --------------------------------------------------------------------------------- */

void nf_pool_fail_queue(struct nf_pool *p, const struct nf_err *why)
{
    struct nf_queued *q;
    DL_FOREACH(p->queue, q)
    {
        if (q->wait.woken)
            continue;
        q->why = *why;
        nf_wait_wake(&q->wait, NF_OK);
    }
}

void nf_pool_crashed(struct nf_pool *p, const char *what)
{
    struct nf_warden *w = p->warden;
    w->stats.crashes++;
    p->crashes++;
    (void)nf_err_set(&p->last_crash, NF_E_UNAVAILABLE, "%s", what);
    nf_warden_report(w, p, what);
    if (p->crashes < NF_BREAKER_CRASHES)
        return;
    int64_t next = p->backoff_ms == 0 ? NF_BREAKER_FIRST_MS : p->backoff_ms * 2;
    p->backoff_ms = next < NF_BREAKER_MAX_MS ? next : NF_BREAKER_MAX_MS;
    p->closed_until_us = nf_warden_now_us() + p->backoff_ms * 1000;
    struct nf_err why;
    if (nf_pool_check_open(p, nf_warden_now_us(), &why) != NF_OK)
        nf_pool_fail_queue(p, &why);
}

/* What fails to start once will hardly start for the next one: nobody waits for more of it. */
void nf_pool_failed(struct nf_pool *p, const struct nf_err *why)
{
    bool alone = nf_pool_count(p, NF_WORKER_IDLE) + nf_pool_count(p, NF_WORKER_BUSY) == 0;
    if (why->code != NF_E_DENIED)
        nf_pool_crashed(p, why->msg);
    if (alone)
        nf_pool_fail_queue(p, why);
    else
        nf_pool_balance(p);
}

void nf_pool_retire(struct nf_pool *p)
{
    struct nf_err why;
    why.code =
        nf_err_set(&why, NF_E_UNAVAILABLE, "'%s' was disabled, removed or replaced", p->name);
    p->retired = true;
    nf_pool_fail_queue(p, &why);
    nf_template_end(p, &why);
}

/* --- what is due ------------------------------------------------------------------------------ */

/* A machine that is slow to fork is not the plugin's fault, and no reason to end what it has not
 * begun yet. */
static int64_t starting_tick(struct nf_worker *k, int64_t now_us)
{
    bool forked = k->pidfd >= 0;
    int64_t ms = k->exited ? NF_WORKER_VIOLATION_MS
                 : forked  ? NF_WORKER_START_MS
                           : NF_WORKER_FORK_MS;
    int64_t due = k->since_us + nf_us(ms);
    if (due > now_us)
        return due;
    if (k->exited) {
        nf_worker_bury(k);
        return NF_NEVER;
    }
    nf_worker_break(k, NF_E_UNAVAILABLE,
                    forked ? "the plugin was not ready after %d ms"
                           : "there was no process for the skill after %d ms: the machine is busy",
                    (int)ms);
    return now_us + 1000;
}

static int64_t worker_tick(struct nf_worker *k, int64_t now_us)
{
    const struct nf_pool *p = k->pool;
    int64_t due = NF_NEVER;
    switch (k->state) {
    case NF_WORKER_BLANK:
        if (k->pidfd < 0)
            return starting_tick(k, now_us);
        due = p->used_us + p->warden->o.idle_ms * 1000;
        if (due <= now_us)
            nf_worker_leave(k);
        break;
    case NF_WORKER_STARTING:
        return starting_tick(k, now_us);
    case NF_WORKER_IDLE:
        due = k->since_us + p->warden->o.idle_ms * 1000;
        if (due <= now_us)
            nf_worker_leave(k);
        break;
    case NF_WORKER_LEAVING:
        due = k->since_us + nf_us(k->killed ? NF_WORKER_GONE_MS : NF_WORKER_LEAVE_MS);
        if (due <= now_us && !k->killed)
            nf_worker_break(k, NF_E_UNAVAILABLE, "it did not end by itself");
        break;
    case NF_WORKER_USED:
        nf_worker_leave(k);
        return now_us + nf_us(NF_WORKER_LEAVE_MS);
    case NF_WORKER_BUSY:
        return NF_NEVER;
    }
    return due > now_us ? due : now_us + 1000;
}

static bool is_stuck(const struct nf_worker *k, int64_t now_us)
{
    return k->state == NF_WORKER_LEAVING && k->killed &&
           k->since_us + nf_us(NF_WORKER_GONE_MS) <= now_us;
}

int64_t nf_pool_tick(struct nf_pool *p, int64_t now_us)
{
    int64_t next = nf_template_tick(p, now_us);
    struct nf_worker *k, *after;
    bool stuck = false, used = false;
    DL_FOREACH_SAFE(p->workers, k, after)
    {
        stuck = stuck || is_stuck(k, now_us);
        used = used || k->state == NF_WORKER_USED;
        int64_t due = worker_tick(k, now_us);
        next = due < next ? due : next;
    }
    if (stuck) {
        struct nf_err why;
        why.code = nf_err_set(&why, NF_E_UNAVAILABLE, "the processes of '%s' did not end", p->name);
        nf_template_end(p, &why);
    }
    if (stuck || used)
        nf_pools_balance(p->warden);
    nf_pool_start_blank(p, now_us);
    return next;
}
