#include "application/deliver_reply.h"

#include "application/run_log.h"
#include "base/own.h"

#include <string.h>

static bool keep_last(void *arg, const struct nf_run_event *e)
{
    struct nf_run_event *last = arg;
    *last = *e;
    return true;
}

/* What became of an attempt to deliver. */
static enum nf_outbox_status outcome(enum nf_code rc, const struct nf_outbox_item *item)
{
    switch (rc) {
    case NF_E_CONFLICT:
        return NF_OUTBOX_AMBIGUOUS;
    case NF_E_INVALID: /* the network's last word */
    case NF_E_NOT_FOUND:
    case NF_E_DENIED:
    case NF_E_LIMIT:
        return NF_OUTBOX_FAILED;
    default: /* out of reach, or something of ours: a disk that could not be read, no memory */
        return item->attempt + 1 < NF_OUTBOX_ATTEMPTS_MAX ? NF_OUTBOX_PENDING : NF_OUTBOX_FAILED;
    }
}

static void leave_unsettled(struct nf_app *a, const struct nf_channel *ch, int64_t id, bool begun)
{
    struct nf_unsettled *u = &a->unsettled;
    bool harmless = ch->repeatable || ch->resumable || !begun;

    u->v[u->n].id = id;
    u->v[u->n++].status = harmless ? NF_OUTBOX_PENDING : NF_OUTBOX_AMBIGUOUS;
}

static NF_RC deliver_begun(struct nf_app *a, struct nf_channel *ch,
                           const struct nf_outbox_item *item, const struct nf_message *m,
                           const struct nf_run_event *last, struct nf_err *err)
{
    struct nf_outbox_store *outbox = a->outbox;
    struct nf_err why;
    enum nf_code rc = nf_channel_deliver(ch, item, m, last, &why);

    if (rc == NF_OK)
        return outbox->ops->sent(outbox, item->id, err);
    int64_t now = nf_app_now(a);
    int64_t next = nf_outbox_next_ms(item->attempt + 1, now, 0, (uint64_t)item->id);
    return outbox->ops->update(outbox, item->id, a->owner, outcome(rc, item), next, why.msg, err);
}

/* *begun: to everybody it is being sent. */
static NF_RC begin_and_deliver(struct nf_app *a, struct nf_channel *ch,
                               const struct nf_outbox_item *item, const struct nf_message *m,
                               const struct nf_run_event *last, bool *begun, struct nf_err *err)
{
    *begun = false;
    if (!ch->repeatable)
        NF_TRY(a->outbox->ops->begin(a->outbox, item->id, a->owner, err));
    *begun = true;
    return deliver_begun(a, ch, item, m, last, err);
}

enum nf_code nf_deliver_to(struct nf_app *a, struct nf_channel *ch,
                           const struct nf_outbox_item *item, const struct nf_message *m,
                           const struct nf_run_event *last, struct nf_err *err)
{
    struct nf_unsettled *u = &a->unsettled;
    bool begun = false;

    if (u->n + u->sending == NF_UNSETTLED_MAX) {
        nf_channel_drop(ch, item->run_id);
        return nf_err_set(err, NF_E_LIMIT, "what became of %d replies is not written down yet",
                          NF_UNSETTLED_MAX);
    }
    u->sending++;
    enum nf_code rc = begin_and_deliver(a, ch, item, m, last, &begun, err);
    u->sending--;
    if (!begun && rc != NF_OK)
        nf_channel_drop(ch, item->run_id);
    if (rc == NF_E_CONFLICT && !begun)
        return rc;
    /* It went with its session meanwhile, or somebody else has it or delivered it. */
    if (rc == NF_OK || rc == NF_E_NOT_FOUND)
        return NF_OK;
    leave_unsettled(a, ch, item->id, begun);
    return rc;
}

enum nf_code nf_settle_deliveries(struct nf_app *a, struct nf_err *err)
{
    struct nf_outbox_store *outbox = a->outbox;
    struct nf_unsettled *u = &a->unsettled;

    /* Others are added while one is written: always at the end. */
    while (u->n > 0) {
        enum nf_code rc =
            outbox->ops->update(outbox, u->v[0].id, a->owner, u->v[0].status, nf_app_now(a),
                                "what became of it could not be written", err);
        if (rc != NF_OK && rc != NF_E_NOT_FOUND)
            return rc;
        memmove(&u->v[0], &u->v[1], --u->n * sizeof(u->v[0]));
    }
    return nf_bring_owed(a, err);
}

static NF_RC bring_again(struct nf_app *a, int64_t run_id, struct nf_err *err)
{
    return a->outbox->ops->again(a->outbox, nf_app_id(a), run_id, nf_app_now(a), err);
}

enum nf_code nf_owe_reply(struct nf_app *a, int64_t run_id, struct nf_err *err)
{
    struct nf_owed *o = &a->owed;
    enum nf_code rc = bring_again(a, run_id, err);
    if (rc == NF_OK || o->n == NF_OWED_MAX)
        return rc;
    o->runs[o->n++] = run_id;
    return NF_OK;
}

enum nf_code nf_bring_owed(struct nf_app *a, struct nf_err *err)
{
    struct nf_owed *o = &a->owed;
    while (o->n > 0) {
        NF_TRY(bring_again(a, o->runs[0], err));
        memmove(&o->runs[0], &o->runs[1], --o->n * sizeof(o->runs[0]));
    }
    return NF_OK;
}

static NF_RC give_up(struct nf_app *a, const struct nf_outbox_item *item, const char *why,
                     struct nf_err *err)
{
    return a->outbox->ops->update(a->outbox, item->id, a->owner, NF_OUTBOX_FAILED, 0, why, err);
}

enum nf_code nf_deliver_reply(struct nf_app *a, const struct nf_outbox_item *item,
                              struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task run = { 0 };
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    struct nf_run_event last = { 0 };
    struct nf_channel *ch = nf_channels_find(a->channels, item->channel);

    if (!ch)
        return give_up(a, item, "this channel is not configured any more", err);
    enum nf_code rc = a->tasks->ops->get(a->tasks, item->run_id, 0, &run, err);
    if (rc == NF_OK)
        rc =
            a->sessions->ops->run_messages(a->sessions, item->session_id, item->run_id, &said, err);
    if (rc == NF_E_NOT_FOUND || (rc == NF_OK && said.n == 0))
        return give_up(a, item, "the message is gone: its session was deleted", err);
    NF_TRY(rc);
    nf_run_replay(&run, &said, 0, keep_last, &last);
    return nf_deliver_to(a, ch, item, &said.v[said.n - 1], &last, err);
}
