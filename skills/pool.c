/* The processes of one skill, and who gets which. */
#include "skills/warden_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    if (p->code > 0)
        close(p->code);
    free(p);
}

static NF_RC copy_unit(struct nf_pool *p, const struct nf_skill_unit *u, struct nf_err *err)
{
    NF_TRY(nf_strdup(u->name, &p->name, err));
    NF_TRY(nf_strdup(u->version ? u->version : "", &p->version, err));
    NF_TRY(nf_strdup(u->hash, &p->hash, err));
    NF_TRY(nf_strdup(u->path, &p->path, err));
    if (u->code > 0 && (p->code = fcntl(u->code, F_DUPFD_CLOEXEC, 3)) < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "no descriptor for '%s' is left", u->name);
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

/* What is blank goes before what is idle, of both what is so longest. */
static bool goes_before(const struct nf_worker *a, const struct nf_worker *b)
{
    return !b || a->state < b->state || (a->state == b->state && a->since_us < b->since_us);
}

/* End a process of another skill that is not in use, so that this one can have one. */
static bool evict_for(struct nf_pool *p)
{
    struct nf_worker *k, *first = NULL;
    struct nf_pool *other;
    DL_FOREACH(p->warden->pools, other)
    {
        if (other == p)
            continue;
        DL_FOREACH(other->workers, k)
        {
            if ((k->state == NF_WORKER_IDLE || k->state == NF_WORKER_BLANK) &&
                goes_before(k, first))
                first = k;
        }
    }
    if (first)
        nf_worker_leave(first);
    return first;
}

static bool is_in_use(const struct nf_pool *p, int64_t now_us)
{
    return p->used_us > 0 && now_us - p->used_us < nf_us(p->warden->o.idle_ms);
}

/* How many more should be starting: one for each call that waits, and for a skill whose calls each
 * need a fresh one a spare, as long as it is in use. */
static size_t wanted(const struct nf_pool *p)
{
    size_t have = nf_pool_count(p, NF_WORKER_STARTING) + nf_pool_count(p, NF_WORKER_IDLE);
    size_t want = unserved(p) + (p->oneshot && is_in_use(p, nf_warden_now_us()) ? 1 : 0);
    return want > have ? want - have : 0;
}

/* A process that only has to load the plugin when it is needed, be it that all others are busy or
 * that one has crashed. Nobody has to give way to it. */
static bool wants_blank(const struct nf_pool *p)
{
    const struct nf_warden *w = p->warden;
    return !p->blank && !p->retired && !w->ending && p->template == NF_TEMPLATE_READY &&
           p->crashes == 0 && (int64_t)w->alive < w->o.workers_max && !p->queue;
}

void nf_pool_start_blank(struct nf_pool *p, int64_t now_us)
{
    struct nf_err err;
    if (wants_blank(p) && is_in_use(p, now_us) && nf_pool_count(p, NF_WORKER_STARTING) == 0 &&
        nf_worker_start(p, true, &err) != NF_OK)
        nf_pool_crashed(p, err.msg);
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
        if (p->blank) {
            nf_worker_load(p->blank);
            continue;
        }
        if ((int64_t)w->alive >= w->o.workers_max && (!needed || !evict_for(p)))
            return;
        enum nf_code rc = NF_OK;
        if (p->template == NF_TEMPLATE_NONE)
            rc = nf_template_start(p, &err);
        if (rc == NF_OK)
            rc = nf_worker_start(p, false, &err);
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

enum nf_code nf_pool_check_open(const struct nf_pool *p, int64_t now_us, struct nf_err *err)
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
    DL_APPEND(p->queue, &q); /* cppcheck-suppress autoVariables: it leaves it before we do */
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
    NF_TRY(nf_pool_check_open(p, now_us, err));
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

/* When it has been idle for too long, or now, if another one is to be made ahead. */
static void look_again(struct nf_pool *p, const struct nf_worker *k)
{
    nf_warden_due(p->warden, wants_blank(p) ? 0 : k->since_us + p->warden->o.idle_ms * 1000);
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
    look_again(p, k);
    if (p->queue)
        nf_pool_balance(p);
}

void nf_pool_ready(struct nf_pool *p, struct nf_worker *k)
{
    nf_pool_balance(p);
    look_again(p, k);
}
