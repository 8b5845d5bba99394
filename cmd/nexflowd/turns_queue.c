/* Who gets the next place: of those that wait in the database people take turns. */
#include "application/take_turns.h"
#include "base/own.h"
#include "cmd/nexflowd/turns_internal.h"
#include "observe/log.h"

#include <stdlib.h>
#include <utlist.h>

#define TELL_EVERY_US 100000 /* other instances look by themselves every second */

/* --- sessions that nobody works on ------------------------------------------------------------ */

struct nf_turn_orphan {
    struct nf_claim claim;
    struct nf_turn_orphan *next;
};

void nf_turns_add_orphan(struct nf_turns *t, int64_t session_id, int64_t fence)
{
    struct nf_turn_orphan *o = calloc(1, sizeof(*o));
    if (!o) { /* the next start releases it */
        nf_log_error("turn.orphaned", "err", "out of memory", NULL);
        return;
    }
    o->claim = (struct nf_claim){ .session_id = session_id, .fence = fence };
    LL_PREPEND(t->orphans, o);
}

static NF_RC give_up(struct nf_turns *t, const struct nf_claim *c, struct nf_err *err)
{
    struct nf_turn_store *store = t->app->turns;
    enum nf_code rc = store->ops->park(store, c, nf_app_now(t->app), err);
    return rc == NF_E_CONFLICT || rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

enum nf_code nf_turns_release_orphans(struct nf_turns *t, struct nf_err *err)
{
    while (t->orphans) {
        /* It is ours alone while we wait: upkeep may be here, and whoever stops the daemon. */
        struct nf_turn_orphan *o = t->orphans;
        LL_DELETE(t->orphans, o);
        enum nf_code rc = give_up(t, &o->claim, err);
        if (rc != NF_OK) {
            LL_PREPEND(t->orphans, o);
            return rc;
        }
        free(o);
        nf_turns_fetch(t);
    }
    return NF_OK;
}

void nf_turns_free_orphans(struct nf_turns *t)
{
    struct nf_turn_orphan *o, *next;
    LL_FOREACH_SAFE(t->orphans, o, next)
    {
        free(o);
    }
}

/* --- fetching whoever is next ----------------------------------------------------------------- */

size_t nf_turns_room(const struct nf_turns *t)
{
    size_t taken = t->running - t->waiting + t->reserved;
    return t->draining || taken >= t->turns_max ? 0 : t->turns_max - taken;
}

static void begin(struct nf_turns *t, const struct nf_lease *l)
{
    struct nf_err err;
    enum nf_code rc = nf_turns_spawn(t, l->session_id, l->fence, NULL, &err);
    if (rc == NF_OK)
        return;
    nf_log_warn("turn.delayed", "err", err.msg, NULL);
    nf_turns_add_orphan(t, l->session_id, l->fence - 1);
}

static NF_RC fetch(struct nf_turns *t, size_t n, struct nf_err *err)
{
    NF_CLEANUP(nf_leases_done) struct nf_leases got = { 0 };
    int64_t began = nf_clock_mono_us(t->app->clock);
    t->reserved = n;
    enum nf_code rc = nf_take_turns(t->app, &t->after_user, n, &got, err);
    t->reserved = 0;
    NF_TRY(rc);
    nf_metric_observe_us(t->claimed, nf_clock_mono_us(t->app->clock) - began);
    for (size_t i = 0; i < got.n; i++)
        begin(t, &got.v[i]);
    t->more = t->more || got.n == n;
    return NF_OK;
}

static enum nf_code fetch_main(void *arg, struct nf_err *err)
{
    struct nf_turns *t = arg;
    struct nf_err why;
    enum nf_code rc = NF_OK;
    (void)err;
    for (size_t n; t->more && rc == NF_OK && (n = nf_turns_room(t)) > 0;) {
        t->more = false; /* who comes from now on says so */
        rc = fetch(t, n < NF_TAKE_MAX ? n : NF_TAKE_MAX, &why);
    }
    t->pulling = false;
    if (rc != NF_OK && rc != NF_E_CANCELED) /* upkeep comes back to it */
        nf_log_warn("turn.claim.failed", "err", why.msg, NULL);
    if (t->idle && t->running == 0)
        nf_wait_wake(t->idle, NF_OK);
    return NF_OK;
}

void nf_turns_place_freed(struct nf_turns *t)
{
    struct nf_err err;
    if (!t->more || t->pulling || nf_turns_room(t) == 0)
        return;
    t->pulling = true;
    if (nf_scope_spawn(t->scope, fetch_main, t, NULL, &err) == NF_OK)
        return;
    t->pulling = false;
    nf_log_warn("turn.delayed", "err", err.msg, NULL);
}

void nf_turns_fetch(struct nf_turns *t)
{
    t->more = true;
    nf_turns_place_freed(t);
}

void nf_turns_overflow(struct nf_turns *t)
{
    struct nf_app *a = t->app;
    int64_t now = nf_clock_mono_us(a->clock);
    nf_turns_fetch(t);
    if (!a->peers || t->draining || (t->told_us && now - t->told_us < TELL_EVERY_US))
        return;
    t->told_us = now;
    a->peers->ops->work(a->peers);
}
