#include "application/deliver_reply.h"

#include "application/run_log.h"
#include "base/own.h"

#define BATCH 64

static bool keep_last(void *arg, const struct nf_run_event *e)
{
    struct nf_run_event *last = arg;
    *last = *e;
    return true;
}

/* What became of an attempt to deliver. */
static enum nf_outbox_status outcome(enum nf_code rc, const struct nf_outbox_item *item)
{
    if (rc == NF_E_CONFLICT)
        return NF_OUTBOX_AMBIGUOUS;
    if ((rc == NF_E_UNAVAILABLE || rc == NF_E_TIMEOUT || rc == NF_E_CANCELED) &&
        item->attempt + 1 < NF_OUTBOX_ATTEMPTS_MAX)
        return NF_OUTBOX_PENDING;
    return NF_OUTBOX_FAILED;
}

enum nf_code nf_deliver_to(struct nf_app *a, struct nf_channel *ch,
                           const struct nf_outbox_item *item, const struct nf_message *m,
                           const struct nf_run_event *last, struct nf_err *err)
{
    struct nf_outbox_store *outbox = a->outbox;
    struct nf_err why;

    if (!ch->repeatable)
        NF_TRY(outbox->ops->begin(outbox, item->id, nf_app_now(a), err));
    enum nf_code rc = nf_channel_deliver(ch, item, m, last, &why);
    if (rc == NF_OK) {
        rc = outbox->ops->sent(outbox, item->id, err);
        /* It went with its session meanwhile, or somebody else delivered it. */
        return rc == NF_E_NOT_FOUND ? NF_OK : rc;
    }

    int64_t now = nf_app_now(a);
    int64_t next = nf_outbox_next_ms(item->attempt + 1, now, 0, (uint64_t)item->id);
    return outbox->ops->update(outbox, item->id, outcome(rc, item), next, why.msg, err);
}

enum nf_code nf_deliver_reply(struct nf_app *a, const struct nf_outbox_item *item,
                              struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task run = { 0 };
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    struct nf_run_event last = { 0 };
    struct nf_channel *ch = nf_channels_find(a->channels, item->channel);

    if (!ch)
        return a->outbox->ops->update(a->outbox, item->id, NF_OUTBOX_FAILED, 0,
                                      "this channel is not configured any more", err);
    enum nf_code rc = a->tasks->ops->get(a->tasks, item->run_id, 0, &run, err);
    if (rc == NF_OK)
        rc =
            a->sessions->ops->run_messages(a->sessions, item->session_id, item->run_id, &said, err);
    if (rc == NF_E_NOT_FOUND || (rc == NF_OK && said.n == 0))
        return a->outbox->ops->update(a->outbox, item->id, NF_OUTBOX_FAILED, 0,
                                      "the message is gone: its session was deleted", err);
    NF_TRY(rc);
    nf_run_replay(&run, &said, 0, keep_last, &last);
    return nf_deliver_to(a, ch, item, &said.v[said.n - 1], &last, err);
}

enum nf_code nf_deliver_due(struct nf_app *a, size_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_outbox_items_done) struct nf_outbox_items due = { 0 };

    NF_TRY(a->outbox->ops->due(a->outbox, nf_app_now(a), BATCH, &due, err));
    for (size_t i = 0; i < due.n; i++) {
        enum nf_code rc = nf_deliver_reply(a, &due.v[i], err);
        /* Another fiber has it, or it went out meanwhile: nothing to do. */
        if (rc != NF_OK && rc != NF_E_CONFLICT && rc != NF_E_NOT_FOUND)
            return rc;
    }
    *ret = due.n;
    return NF_OK;
}
