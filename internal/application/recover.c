#include "application/recover.h"

#include "base/own.h"
#include "domain/reason.h"

#define WAITING_COUNTED 1000
#define PRUNE_ROUNDS 200 /* an hour: 100,000 rows of each kind */
#define CHAT_KEPT_MS                                                                               \
    (INT64_C(30) * 24 * 3600 * 1000) /* which messages show a run: so long edits of                \
                                        what was asked are understood */

/* Let the sessions be taken whose turn waits and which nobody works on. */
static NF_RC pull_waiting(struct nf_app *a, size_t *ret, struct nf_err *err)
{
    NF_TRY(a->turns->ops->waiting(a->turns, nf_app_now(a), WAITING_COUNTED, ret, err));
    if (*ret > 0)
        a->runner->ops->pull(a->runner);
    return NF_OK;
}

enum nf_code nf_recover_outbox(struct nf_app *a, int64_t instance, int64_t *ret, struct nf_err *err)
{
    int64_t total = 0;
    for (size_t i = 0; i < a->channels->n; i++) {
        const struct nf_channel *ch = a->channels->v[i];
        int64_t n = 0;
        NF_TRY(a->outbox->ops->recover(
            a->outbox, ch->name, instance,
            ch->repeatable || ch->resumable ? NF_OUTBOX_PENDING : NF_OUTBOX_AMBIGUOUS, &n, err));
        total += n;
    }
    *ret = total;
    return NF_OK;
}

enum nf_code nf_take_over(struct nf_app *a, int64_t instance, int64_t *outbox, struct nf_err *err)
{
    static const char why[] = NF_REASON_UNKNOWN_EFFECT;
    NF_TRY(a->turns->ops->release(a->turns, instance, err));
    NF_TRY(a->tasks->ops->settle(a->tasks, instance, nf_app_now(a), why, err));
    return nf_recover_outbox(a, instance, outbox, err);
}

enum nf_code nf_recover(struct nf_app *a, struct nf_recovered *ret, struct nf_err *err)
{
    struct nf_recovered r = { 0 };
    NF_TRY(nf_take_over(a, a->owner, &r.outbox, err));
    NF_TRY(pull_waiting(a, &r.turns, err));
    *ret = r;
    return NF_OK;
}

enum nf_code nf_keep_going(struct nf_app *a, struct nf_err *err)
{
    size_t n;
    return pull_waiting(a, &n, err);
}

enum nf_code nf_keep_leases(struct nf_app *a, struct nf_err *err)
{
    return a->turns->ops->heartbeat(a->turns, a->owner, a->settings.lease_ms, nf_app_now(a), err);
}

static int64_t before(int64_t now_ms, int64_t kept_ms)
{
    return kept_ms > 0 ? now_ms - kept_ms : 0;
}

/* Some at a time, so that others get to write in between. What is left is for the next time. */
static NF_RC prune(struct nf_app *a, struct nf_err *err)
{
    const struct nf_app_settings *s = &a->settings;
    int64_t now = nf_app_now(a);
    const struct nf_retention r = {
        .inbox_before_ms = before(now, s->inbox_kept_ms),
        .cursors_before_ms = before(now, s->cursors_kept_ms),
        .approvals_before_ms = before(now, s->approvals_kept_ms),
        .usage_before_ms = before(now, s->usage_kept_ms),
        .skills_before_ms = before(now, s->skills_kept_ms),
    };
    bool more = true;

    for (int i = 0; more && i < PRUNE_ROUNDS; i++)
        NF_TRY(a->retention->ops->prune(a->retention, &r, &more, err));
    return NF_OK;
}

enum nf_code nf_tidy_up(struct nf_app *a, struct nf_err *err)
{
    NF_TRY(a->credentials->ops->remove_expired(a->credentials, nf_app_now(a), err));
    NF_TRY(a->pairings->ops->tidy(a->pairings, nf_app_now(a), err));
    if (a->notes)
        NF_TRY(a->notes->ops->tidy(a->notes, nf_app_now(a), err));
    NF_TRY(prune(a, err));
    return a->chats ? a->chats->ops->tidy(a->chats, nf_app_now(a) - CHAT_KEPT_MS, err) : NF_OK;
}
