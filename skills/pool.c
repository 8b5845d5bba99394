/* The processes of one skill, and who gets which. */
#include "skills/warden_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* --- finding ---------------------------------------------------------------------------------- */

static void pool_free(struct nf_pool *p)
{
    struct nf_owner *o, *after;
    DL_FOREACH_SAFE(p->owners, o, after)
    free(o);
    nf_freep(&p->name);
    nf_freep(&p->version);
    nf_freep(&p->hash);
    nf_freep(&p->path);
    free(p);
}

static NF_RC copy_unit(struct nf_pool *p, const struct nf_skill_unit *u, struct nf_err *err)
{
    NF_TRY(nf_strdup(u->name, &p->name, err));
    NF_TRY(nf_strdup(u->version ? u->version : "", &p->version, err));
    NF_TRY(nf_strdup(u->hash, &p->hash, err));
    NF_TRY(nf_strdup(u->path, &p->path, err));
    const char *least = p->warden->min_level, *own = u->min_level ? u->min_level : "";
    /* "L0.5", "L1", "L2", "L3": their order is that of the text. */
    (void)snprintf(p->min_level, sizeof p->min_level, "%s", strcmp(own, least) > 0 ? own : least);
    p->oneshot = u->oneshot;
    p->threads = u->threads;
    p->memory_bytes = u->memory_bytes;
    p->cpu_ms = u->cpu_ms;
    p->output_bytes = u->output_bytes;
    return NF_OK;
}

static NF_RC check_unit(const struct nf_skill_unit *u, struct nf_err *err)
{
    const size_t name_max = sizeof(((struct nf_control *)0)->name);
    const size_t version_max = sizeof(((struct nf_control *)0)->version);
    if (strlen(u->name) >= name_max || (u->version && strlen(u->version) >= version_max) ||
        strlen(u->path) >= NF_CONTROL_TEXT)
        return nf_err_set(err, NF_E_LIMIT, "name, version or path of a skill is too long");
    if (u->output_bytes < 0 || u->output_bytes > (int64_t)(NF_WIRE_BULK_MAX - NF_WIRE_RESULT_HEAD))
        return nf_err_set(err, NF_E_LIMIT, "limits.output_kib of '%s' is over %zu bytes", u->name,
                          NF_WIRE_BULK_MAX - NF_WIRE_RESULT_HEAD);
    return NF_OK;
}

struct nf_pool *nf_pool_find(struct nf_warden *w, const struct nf_skill_unit *u, struct nf_err *err)
{
    struct nf_pool *p;
    DL_FOREACH(w->pools, p)
    {
        if (!p->retired && strcmp(p->hash, u->hash) == 0 && strcmp(p->name, u->name) == 0)
            return p;
    }
    if (check_unit(u, err) != NF_OK)
        return NULL;
    p = calloc(1, sizeof *p);
    if (!p) {
        (void)nf_err_set(err, NF_E_NOMEM, "no memory for a skill");
        return NULL;
    }
    p->warden = w;
    p->control = p->output = -1;
    if (copy_unit(p, u, err) != NF_OK) {
        pool_free(p);
        return NULL;
    }
    DL_APPEND(w->pools, p);
    return p;
}

bool nf_pool_free_if_empty(struct nf_pool *p)
{
    struct nf_warden *w = p->warden;
    if (p->users > 0 || p->workers || p->template != NF_TEMPLATE_NONE)
        return false;
    if (w->turn == p)
        w->turn = p->next;
    DL_DELETE(w->pools, p);
    pool_free(p);
    return true;
}

struct nf_worker *nf_pool_worker(struct nf_pool *p, uint64_t number)
{
    struct nf_worker *k;
    DL_SEARCH_SCALAR(p->workers, k, number, number);
    return k;
}

size_t nf_pool_count(const struct nf_pool *p, enum nf_worker_state state)
{
    size_t n = 0;
    const struct nf_worker *k;
    DL_FOREACH(p->workers, k)
    n += k->state == state;
    return n;
}

/* --- owners: who waits takes turns ------------------------------------------------------------ */

static struct nf_owner *owner_of(struct nf_pool *p, int64_t id)
{
    struct nf_owner *o;
    DL_SEARCH_SCALAR(p->owners, o, id, id);
    return o;
}

/* NULL: no memory. */
static struct nf_owner *owner_get(struct nf_pool *p, int64_t id)
{
    struct nf_owner *o = owner_of(p, id);
    if (o)
        return o;
    o = calloc(1, sizeof *o);
    if (!o)
        return NULL;
    o->id = id;
    DL_APPEND(p->owners, o);
    return o;
}

/* The last one stays: who calls again and again needs no memory each time. */
static void owner_put(struct nf_pool *p, struct nf_owner *o)
{
    if (o->waiting == 0 && o->running == 0 && p->owners->next) {
        DL_DELETE(p->owners, o);
        free(o);
    }
}

/* Whose turn it is: the owner with the fewest calls running; of several who was served longest ago;
 * then who came first. */
static struct nf_queued *next_in_queue(struct nf_pool *p)
{
    struct nf_queued *q, *best = NULL;
    const struct nf_owner *of = NULL;
    DL_FOREACH(p->queue, q)
    {
        const struct nf_owner *o = owner_of(p, q->owner);
        if (q->wait.woken)
            continue;
        if (!best || o->running < of->running ||
            (o->running == of->running && o->served < of->served)) {
            best = q;
            of = o;
        }
    }
    return best;
}

/* --- handing out ------------------------------------------------------------------------------ */

static void assign(struct nf_pool *p, struct nf_worker *k, struct nf_owner *o)
{
    k->state = NF_WORKER_BUSY;
    k->owner = o->id;
    o->running++;
    o->served = ++p->served;
}

static struct nf_worker *idle_worker(struct nf_pool *p)
{
    struct nf_worker *k, *newest = NULL;
    DL_FOREACH(p->workers, k)
    {
        if (k->state == NF_WORKER_IDLE && !k->closed && (!newest || k->since_us > newest->since_us))
            newest = k;
    }
    return newest;
}

static void hand_out(struct nf_pool *p)
{
    for (struct nf_worker *k; (k = idle_worker(p));) {
        struct nf_queued *q = next_in_queue(p);
        if (!q)
            return;
        assign(p, k, owner_of(p, q->owner));
        q->got = k;
        nf_wait_wake(&q->wait, NF_OK);
    }
}

static size_t unserved(const struct nf_pool *p)
{
    size_t n = 0;
    const struct nf_queued *q;
    DL_FOREACH(p->queue, q)
    n += !q->wait.woken;
    return n;
}

/* End the longest idle worker of another skill, so that this one can have a process. */
static bool evict_for(struct nf_pool *p)
{
    struct nf_worker *k, *oldest = NULL;
    struct nf_pool *other;
    DL_FOREACH(p->warden->pools, other)
    {
        if (other == p)
            continue;
        DL_FOREACH(other->workers, k)
        {
            if (k->state == NF_WORKER_IDLE && (!oldest || k->since_us < oldest->since_us))
                oldest = k;
        }
    }
    if (oldest)
        nf_worker_leave(oldest);
    return oldest;
}

/* How many more should be starting: one for each call that waits, and for a skill whose calls each
 * need a fresh one a spare, as long as it is in use. */
static size_t wanted(const struct nf_pool *p)
{
    size_t have = nf_pool_count(p, NF_WORKER_STARTING) + nf_pool_count(p, NF_WORKER_IDLE);
    bool in_use = p->used_us > 0 && nf_warden_now_us() - p->used_us < nf_us(p->warden->o.idle_ms);
    size_t want = unserved(p) + (p->oneshot && in_use ? 1 : 0);
    return want > have ? want - have : 0;
}

void nf_pool_balance(struct nf_pool *p)
{
    struct nf_warden *w = p->warden;
    struct nf_err err;
    if (p->retired || w->ending || w->link != NF_LINK_UP)
        return;
    hand_out(p);
    for (size_t n = wanted(p); n > 0; n--) {
        bool needed = unserved(p) > 0;
        if ((int64_t)w->alive >= w->o.workers_max && (!needed || !evict_for(p)))
            return;
        enum nf_code rc = NF_OK;
        if (p->template == NF_TEMPLATE_NONE)
            rc = nf_template_start(p, &err);
        if (rc == NF_OK)
            rc = nf_worker_start(p, &err);
        if (rc != NF_OK) {
            nf_pool_crashed(p, err.msg);
            if (nf_pool_count(p, NF_WORKER_BUSY) == 0)
                nf_pool_fail_queue(p, &err);
            return;
        }
    }
}

/* A process fewer: whoever waits for one is next, in turns. */
void nf_pools_balance(struct nf_warden *w)
{
    size_t n = 0;
    struct nf_pool *p;
    DL_COUNT(w->pools, p, n);
    for (; n > 0 && w->pools; n--) {
        p = w->turn ? w->turn : w->pools;
        w->turn = p->next;
        nf_pool_balance(p);
    }
}

/* Whether a skill that has no process at all waits for one. */
static bool another_starves(const struct nf_pool *p)
{
    const struct nf_pool *other;
    if ((int64_t)p->warden->alive < p->warden->o.workers_max)
        return false;
    DL_FOREACH(p->warden->pools, other)
    {
        if (other != p && !other->workers && unserved(other) > 0)
            return true;
    }
    return false;
}

/* --- taking and giving ------------------------------------------------------------------------ */

static NF_RC check_open(const struct nf_pool *p, int64_t now_us, struct nf_err *err)
{
    const struct nf_warden *w = p->warden;
    int64_t left_us = p->closed_until_us - now_us;
    if (w->link == NF_LINK_DOWN)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s", w->link_why.msg);
    if (left_us > 0)
        return nf_err_set(
            err, NF_E_UNAVAILABLE,
            "'%s' failed %d times in a row and rests for %lld s; the last time: %.120s", p->name,
            p->crashes, (long long)left_us / 1000000 + 1, p->last_crash.msg);
    if (p->queued >= NF_POOL_QUEUE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%d calls of '%s' wait already: try again later",
                          NF_POOL_QUEUE_MAX, p->name);
    return NF_OK;
}

static enum nf_code wait_in_queue(struct nf_pool *p, struct nf_owner *o, struct nf_worker **ret,
                                  struct nf_err *err)
{
    struct nf_queued q = { .owner = o->id };
    DL_APPEND(p->queue, &q);
    p->queued++;
    o->waiting++;
    nf_pool_balance(p);
    enum nf_code rc = nf_wait(&q.wait, -1, "a process for the skill", err);
    DL_DELETE(p->queue, &q);
    p->queued--;
    o->waiting--;
    if (rc != NF_OK)
        return rc;
    if (!q.got) {
        *err = q.why;
        return q.why.code;
    }
    *ret = q.got;
    return NF_OK;
}

NF_RC nf_pool_take(struct nf_pool *p, int64_t owner, int64_t now_us, struct nf_worker **ret,
                   struct nf_err *err)
{
    NF_TRY(check_open(p, now_us, err));
    struct nf_owner *o = owner_get(p, owner);
    if (!o)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a call");
    p->used_us = now_us;
    struct nf_worker *k = p->queue ? NULL : idle_worker(p);
    if (k) {
        assign(p, k, o);
        *ret = k;
        return NF_OK;
    }
    enum nf_code rc;
    if (o->waiting >= NF_POOL_OWNER_MAX)
        rc = nf_err_set(err, NF_E_LIMIT, "%d of your calls of '%s' wait already: try again later",
                        NF_POOL_OWNER_MAX, p->name);
    else
        rc = wait_in_queue(p, o, ret, err);
    if (rc != NF_OK)
        owner_put(p, o);
    return rc;
}

static bool is_used_up(const struct nf_worker *k)
{
    const struct nf_pool *p = k->pool;
    return p->oneshot || p->retired || k->recycle || k->exited || k->closed ||
           k->why.code != NF_OK || k->calls >= NF_WORKER_CALLS_MAX ||
           (p->cpu_ms > 0 && k->busy_us > p->cpu_ms * 1000);
}

void nf_pool_give(struct nf_pool *p, struct nf_worker *k, bool crashed, int64_t now_us)
{
    struct nf_owner *o = owner_of(p, k->owner);
    struct nf_err why = k->why;
    o->running--;
    owner_put(p, o);
    p->used_us = now_us;
    if (crashed) {
        nf_pool_crashed(p, why.msg);
    } else if (why.code == NF_OK) {
        p->crashes = 0;
        p->backoff_ms = 0;
    }
    if (is_used_up(k) || another_starves(p)) {
        /* The caller need not wait for that: the keeper ends it and starts what is wanted. */
        k->state = NF_WORKER_USED;
        nf_warden_due(p->warden, 0);
        return;
    }
    k->state = NF_WORKER_IDLE;
    k->since_us = p->used_us;
    nf_warden_due(p->warden, k->since_us + p->warden->o.idle_ms * 1000);
    if (p->queue)
        nf_pool_balance(p);
}

void nf_pool_ready(struct nf_pool *p, struct nf_worker *k)
{
    nf_warden_due(p->warden, k->since_us + p->warden->o.idle_ms * 1000);
    nf_pool_balance(p);
}

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
    if (check_open(p, nf_warden_now_us(), &why) != NF_OK)
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
    return next;
}
