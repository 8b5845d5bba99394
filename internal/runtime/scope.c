/* Starting fibers and waiting for them. */
#include "runtime/impl.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <utlist.h>

#define CONTEXT_MAX 16 /* frames of log context that a child inherits, the innermost */

/* Of the process: more than one loop is for tests, on threads of their own. */
static atomic_size_t alive, peak, spawned;

struct nf_fiber_stats nf_fiber_stats(void)
{
    return (struct nf_fiber_stats){ .alive = alive, .peak = peak, .spawned = spawned };
}

static NF_RC count_one(struct nf_err *err)
{
    size_t now = atomic_fetch_add(&alive, 1) + 1;
    if (now > NF_FIBERS_MAX) {
        atomic_fetch_sub(&alive, 1);
        return nf_err_set(err, NF_E_LIMIT, "%d fibers are running, no more are allowed",
                          NF_FIBERS_MAX);
    }
    size_t was = atomic_load(&peak);
    while (was < now && !atomic_compare_exchange_weak(&peak, &was, now)) {
    }
    atomic_fetch_add(&spawned, 1);
    return NF_OK;
}

/* --- a fiber's memory ------------------------------------------------------------------------- */

static struct nf_fiber *fiber_alloc(void)
{
    size_t n = 0;
    for (const struct nf_context *c = nf_context_current(); c && n < CONTEXT_MAX; c = c->up)
        n++;
    struct nf_fiber *f = calloc(1, sizeof *f + n * sizeof f->inherited[0]);
    if (!f)
        return NULL;
    const struct nf_context *c = nf_context_current();
    for (size_t i = 0; i < n; i++, c = c->up) {
        f->inherited[i] = *c;
        f->inherited[i].up = i + 1 < n ? &f->inherited[i + 1] : NULL;
    }
    f->context = n > 0 ? f->inherited : NULL;
    return f;
}

/* NULL: no memory for it. */
static struct nf_fiber *fiber_new(struct nf_loop *l, struct nf_err *err)
{
    if (nf_loop_reserve_timers(l, l->fibers + 1, err) != NF_OK)
        return NULL;
    struct nf_fiber *f = fiber_alloc();
    if (!f) {
        (void)nf_err_set(err, NF_E_NOMEM, "no memory for a fiber");
        return NULL;
    }
    if (nf_switch_new(&l->pool, nf_fiber_entry, f, &f->on, err) != NF_OK) {
        free(f);
        return NULL;
    }
    l->fibers++;
    f->loop = l;
    return f;
}

void nf_fiber_free(struct nf_fiber *f)
{
    f->loop->fibers--;
    atomic_fetch_sub(&alive, 1);
    nf_switch_free(&f->loop->pool, f->on);
    free(f);
}

/* --- scopes ----------------------------------------------------------------------------------- */

void nf_scope_init(struct nf_scope *s, struct nf_loop *l)
{
    *s = (struct nf_scope){ .loop = l };
}

NF_RC nf_scope_spawn(struct nf_scope *s, nf_fiber_fn fn, void *arg, struct nf_fiber **ret,
                     struct nf_err *err)
{
    struct nf_fiber *parent = nf_fiber_current();
    if (s->canceled)
        return nf_err_set(err, NF_E_CANCELED, "what would have started was cancelled");
    NF_TRY(count_one(err));
    struct nf_fiber *f = fiber_new(s->loop, err);
    if (!f) {
        atomic_fetch_sub(&alive, 1);
        atomic_fetch_sub(&spawned, 1);
        return NF_E_NOMEM;
    }
    f->scope = s;
    f->fn = fn;
    f->arg = arg;
    f->deadline_us = parent ? parent->deadline_us : 0;
    DL_APPEND(s->children, f);
    s->running++;
    nf_loop_begin(f);
    if (ret)
        *ret = f;
    return NF_OK;
}

void nf_scope_child_ended(struct nf_fiber *f, enum nf_code rc, const struct nf_err *err)
{
    struct nf_scope *s = f->scope;
    DL_DELETE(s->children, f);
    if (rc != NF_OK && s->rc == NF_OK) {
        s->rc = rc;
        s->err = *err;
        s->err.code = rc;
    }
    f->ended = true;
    if (--s->running == 0 && s->joiner)
        nf_wait_wake(s->joiner, NF_OK);
}

static void wait_for_all(struct nf_scope *s)
{
    while (s->running > 0) {
        struct nf_wait w = { 0 };
        s->joiner = &w;
        nf_wait_uninterruptible(&w);
        s->joiner = NULL;
    }
}

NF_RC nf_scope_join(struct nf_scope *s, struct nf_err *err)
{
    while (s->running > 0) {
        struct nf_wait w = { 0 };
        assert(!s->joiner);
        s->joiner = &w;
        enum nf_code rc = nf_wait(&w, -1, "join", err);
        s->joiner = NULL;
        if (rc != NF_OK) {
            nf_scope_cancel(s);
            wait_for_all(s);
            return rc;
        }
    }
    if (s->rc != NF_OK && err)
        *err = s->err;
    return s->rc;
}

void nf_scope_cancel(struct nf_scope *s)
{
    struct nf_fiber *f;
    s->canceled = true;
    DL_FOREACH(s->children, f)
    nf_fiber_cancel(f, NF_E_CANCELED);
}

void nf_scope_done(struct nf_scope *s)
{
    if (s->running == 0)
        return;
    nf_scope_cancel(s);
    wait_for_all(s);
}
