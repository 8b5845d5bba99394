#include "application/answer_turn.h"

#include "application/deliver_reply.h"
#include "application/turn.h"
#include "domain/reason.h"

#include <string.h>

#define HEAD_START_MS 2000 /* the turn delivers its answer itself: until then nobody else does */

enum nf_code nf_claim_turn(struct nf_app *a, int64_t session_id, int64_t fence,
                           struct nf_claim *ret, struct nf_err *err)
{
    return a->turns->ops->claim(a->turns, session_id, fence, a->owner, a->settings.lease_ms,
                                nf_app_now(a), ret, err);
}

static NF_RC think(struct nf_turn *t, struct nf_err *err)
{
    NF_TRY(nf_turn_load(t, err));
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = t->claim->seq });
    if (t->claim->attempt > NF_TURN_ATTEMPTS_MAX) /* it may be what kills us: no more of it */
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_GAVE_UP, NF_TURN_ATTEMPTS_MAX);
    bool scheduled;
    NF_TRY(nf_turn_from_schedule(t, &scheduled, err));
    if (!scheduled && nf_turn_is_run(t))
        return nf_turn_run(t, err);
    enum nf_command command = scheduled ? NF_COMMAND_NONE : nf_turn_command(t);
    if (command != NF_COMMAND_NONE)
        return nf_turn_obey(t, command, err);
    if (t->claim->attempt > 1)
        NF_TRY(nf_turn_replay_journal(t, err));
    while (!t->over) {
        NF_TRY(nf_turn_check_spent(t, err));
        NF_TRY(nf_turn_ask(t, err));
        if (t->over)
            break;
        NF_TRY(nf_turn_call_tools(t, NULL, 0, err));
        if (t->app->settings.steer)
            NF_TRY(nf_turn_steer(t, err));
    }
    return NF_OK;
}

static struct nf_tokens tokens_of(const struct nf_turn *t)
{
    struct nf_tokens sum = { .input = -1, .output = -1, .cache_read = -1, .cache_write = -1 };
    for (size_t i = 0; i < t->usage_n; i++)
        sum = nf_tokens_add(sum, t->usage[i].tokens);
    return sum;
}

/* The event that ends the run, as nf_run_replay would tell it. */
static struct nf_run_event last_event(struct nf_turn *t, enum nf_task_status status,
                                      const char *reason)
{
    struct nf_run_event e = {
        .type = status == NF_TASK_FAILED ? NF_RUN_ERROR : NF_RUN_FINISHED,
        .user_id = t->claim->user_id,
        .session_id = t->claim->session_id,
        .run_id = t->claim->run_id,
        .stopped = status == NF_TASK_CANCELLED,
    };
    if (e.type == NF_RUN_ERROR) {
        e.text = nf_slice_of(reason);
    } else {
        e.model = t->model[0] ? t->model : NULL;
        e.tokens = tokens_of(t);
    }
    nf_run_stamp(&t->cursor, &e);
    return e;
}

/* A step that was under way ends with its turn: also one that accepting the message began and that
 * we did not come to. */
static NF_RC close_step(struct nf_turn *t, enum nf_task_status status, const char *reason,
                        struct nf_err *err)
{
    if (t->steps == 0 && t->claim->step_id != 0)
        NF_TRY(nf_turn_step(t, NF_TASK_MODEL, "", t->claim->step_id, err));
    if (t->step.status != NF_TASK_RUNNING)
        return NF_OK;
    return nf_task_become(&t->step, status, nf_app_now(t->app), reason, err);
}

/* A turn that ends otherwise than with an answer says so. */
static bool needs_notice(const struct nf_turn *t, enum nf_task_status status)
{
    return status == NF_TASK_FAILED || t->said.n == 0 ||
           t->said.v[t->said.n - 1].role != NF_ROLE_ASSISTANT;
}

/* While an earlier reply of the session is on its way this one stays in the outbox, which keeps
 * their order. */
static NF_RC deliver_in_order(struct nf_turn *t, const struct nf_outbox_item *item,
                              const struct nf_message *said, const struct nf_run_event *last,
                              struct nf_err *err)
{
    struct nf_outbox_store *outbox = t->app->outbox;
    struct nf_err why;
    bool ahead = true;
    if (outbox->ops->ahead(outbox, item->run_id, &ahead, &why) != NF_OK || ahead) {
        nf_channel_drop(t->channel, item->run_id); /* whoever brings it shows it */
        return NF_OK;
    }
    return nf_deliver_to(t->app, t->channel, item, said, last, err);
}

/* Write down how the turn ended, and deliver what it said last. Not inlined: its frame would lie on
 * the stack for as long as the turn goes on. */
__attribute__((noinline)) static NF_RC end_turn(struct nf_turn *t, struct nf_turn_control *control,
                                                enum nf_task_status status, const char *reason,
                                                struct nf_err *err)
{
    struct nf_app *a = t->app;
    struct nf_outbox_item item = { .id = nf_app_id(a),
                                   .session_id = t->claim->session_id,
                                   .user_id = t->claim->user_id,
                                   .run_id = t->claim->run_id,
                                   .status = NF_OUTBOX_PENDING };
    struct nf_finished done;

    if (t->cursor.pos == 0) /* it failed before it began: an end needs a beginning */
        nf_turn_show(t,
                     &(struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = t->claim->seq });
    NF_TRY(close_step(t, status, reason, err));
    NF_TRY(nf_turn_close_calls(t, status, reason, err));
    if (t->claim->attempt > 1 && status != NF_TASK_COMPLETED)
        NF_TRY(nf_turn_close_journal(t, err));
    if (needs_notice(t, status))
        NF_TRY(nf_turn_say(t, NF_ROLE_NOTICE, reason, NULL, err));
    memcpy(item.channel, t->claim->channel, sizeof(item.channel));
    memcpy(item.address, t->claim->address, sizeof(item.address));
    item.created_ms = nf_app_now(a);
    item.next_ms = item.created_ms + HEAD_START_MS;

    struct nf_finish f = { .claim = *t->claim,
                           .status = status,
                           .reason = reason,
                           .model = t->model[0] ? t->model : NULL,
                           .messages = t->said.v,
                           .messages_n = t->said.n,
                           .step = t->step.id && !t->step_written ? &t->step : NULL,
                           .usage = t->usage,
                           .usage_n = t->usage_n,
                           .tokens = tokens_of(t),
                           .outbox = t->channel && !t->channel->pulled ? &item : NULL,
                           .now_ms = item.created_ms };
    NF_TRY(a->turns->ops->finish(a->turns, &f, f.outbox ? item.id : 0, &done, err));
    control->status = status;
    control->more = done.pending > 0;
    t->last_seq = done.last_seq;

    item.seq = done.last_seq;
    struct nf_run_event last = last_event(t, status, reason);
    const struct nf_message *said = &t->said.v[t->said.n - 1];
    if (t->page)
        (void)!nf_channel_deliver(t->page, &item, said, &last, NULL);
    if (!t->channel)
        return NF_OK;
    if (!t->channel->pulled)
        return deliver_in_order(t, &item, said, &last, err);
    (void)!nf_channel_deliver(t->channel, &item, said, &last, NULL);
    return NF_OK;
}

/* What happens in a chat of one's own can be watched on the page too. In a group the turn is of one
 * person and the conversation of another: nobody's page shows it on its way. */
static struct nf_channel *page_of(const struct nf_turn *t)
{
    const struct nf_channels *all = t->app->channels;
    for (size_t i = 0; i < all->n && !t->claim->shared; i++)
        if (all->v[i]->pulled && all->v[i] != t->channel)
            return all->v[i];
    return NULL;
}

static NF_RC answer(struct nf_turn *t, struct nf_turn_control *control, struct nf_err *err)
{
    struct nf_app *a = t->app;
    struct nf_err why = { 0 };
    enum nf_code rc = think(t, &why);

    if (t->lost)
        return nf_err_set(err, rc, "%s", why.msg);
    if (control->ending)
        control->ending(control);
    if (rc == NF_OK)
        return end_turn(t, control, NF_TASK_COMPLETED, NULL, err);
    if (rc == NF_E_CANCELED && control->end == NF_TURN_PARKED)
        return a->turns->ops->park(a->turns, t->claim, nf_app_now(a), err);
    if (rc == NF_E_CANCELED && control->end == NF_TURN_STOPPED)
        return end_turn(t, control, NF_TASK_CANCELLED, NF_REASON_STOPPED, err);
    return end_turn(t, control, NF_TASK_FAILED, why.msg, err);
}

enum nf_code nf_answer_turn(struct nf_app *a, const struct nf_claim *c,
                            struct nf_turn_control *control, struct nf_err *err)
{
    NF_CLEANUP(nf_turn_done)
    struct nf_turn t = { .app = a,
                         .claim = c,
                         .channel = nf_channels_find(a->channels, c->channel),
                         .cursor.fence = c->fence,
                         .control = control };
    t.page = page_of(&t);
    enum nf_code rc = answer(&t, control, err);

    if (t.channel && control->status == 0)
        nf_channel_drop(t.channel, c->run_id);
    nf_turn_leave(&t);
    return rc;
}
