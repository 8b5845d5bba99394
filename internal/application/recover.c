#include "application/recover.h"

#include "application/deliver_reply.h"
#include "base/own.h"

#define BATCH 256

/* Wake the sessions whose turn waits and which nobody works on. */
static NF_RC wake_ready(struct nf_app *a, size_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_claims_done) struct nf_claims ready = { 0 };

    NF_TRY(a->turns->ops->ready(a->turns, nf_app_now(a), BATCH, &ready, err));
    for (size_t i = 0; i < ready.n; i++)
        a->runner->ops->wake(a->runner, ready.session_ids[i]);
    *ret = ready.n;
    return NF_OK;
}

/* What was being sent when we died may have arrived. Where sending again does no harm it is sent
 * again; elsewhere the channel's own rule decides later. */
static NF_RC settle_outbox(struct nf_app *a, int64_t *ret, struct nf_err *err)
{
    int64_t total = 0;
    for (size_t i = 0; i < a->channels->n; i++) {
        const struct nf_channel *ch = a->channels->v[i];
        int64_t n = 0;
        NF_TRY(a->outbox->ops->recover(a->outbox, ch->name,
                                       ch->repeatable ? NF_OUTBOX_PENDING : NF_OUTBOX_AMBIGUOUS, &n,
                                       err));
        total += n;
    }
    *ret = total;
    return NF_OK;
}

enum nf_code nf_recover(struct nf_app *a, struct nf_recovered *ret, struct nf_err *err)
{
    struct nf_recovered r = { 0 };
    static const char why[] = "Nexflow was restarted while this ran: whether it took effect is "
                              "unknown.";
    NF_TRY(a->turns->ops->release(a->turns, a->owner, err));
    NF_TRY(a->tasks->ops->settle(a->tasks, nf_app_now(a), why, err));
    NF_TRY(settle_outbox(a, &r.outbox, err));
    NF_TRY(wake_ready(a, &r.turns, err));
    *ret = r;
    return NF_OK;
}

enum nf_code nf_keep_going(struct nf_app *a, struct nf_err *err)
{
    size_t n;
    NF_TRY(wake_ready(a, &n, err));
    return nf_deliver_due(a, &n, err);
}

enum nf_code nf_keep_leases(struct nf_app *a, struct nf_err *err)
{
    return a->turns->ops->heartbeat(a->turns, a->owner, a->settings.lease_ms, nf_app_now(a), err);
}

enum nf_code nf_tidy_up(struct nf_app *a, struct nf_err *err)
{
    return a->credentials->ops->remove_expired(a->credentials, nf_app_now(a), err);
}
