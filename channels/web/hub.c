#include "channels/web/hub_internal.h"

#include "channels/web/frames.h"
#include "observe/log.h"

/* --- runs under way --------------------------------------------------------------------------- */

static void forget_run(struct nf_hub *h, struct nf_hub_run *r)
{
    if (!r)
        return;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
    HASH_DEL(h->runs, r);
    nf_live_run_done(&r->live);
    free(r);
}

struct nf_hub_run *nf_hub_run(const struct nf_hub *h, int64_t session_id)
{
    struct nf_hub_run *r;
    HASH_FIND(hh, h->runs, &session_id, sizeof(session_id), r);
    return r;
}

static struct nf_hub_run *begin_run(struct nf_hub *h, const struct nf_run_event *e)
{
    forget_run(h, nf_hub_run(h, e->session_id)); /* an attempt that broke off */
    struct nf_hub_run *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->session_id = e->session_id;
    r->live.session_id = e->session_id;
    r->live.run_id = e->run_id;
    r->begun = ++h->count;
    HASH_ADD(hh, h->runs, session_id, sizeof(r->session_id), r);
    if (!r->hh.tbl) {
        free(r);
        return NULL;
    }
    return r;
}

/* Most events are pieces of a run's texts. */
static NF_RC encode(struct nf_hub_run *r, const struct nf_run_event *e, struct nf_str *to,
                    struct nf_err *err)
{
    if (r && e->type == NF_RUN_TEXT)
        return nf_frame_piece(&r->head, e, to, err);
    return nf_frame_event(e, to, err);
}

void nf_hub_fan_out(struct nf_hub *h, const struct nf_run_event *e, struct nf_hub_run *r)
{
    struct nf_err err;
    struct nf_hub_socket *s;
    struct nf_hub_user *u = nf_hub_user(h, e->user_id);
    uint64_t begun = r ? r->begun : UINT64_MAX;
    if (!u)
        return;
    nf_str_reset(&h->frame);
    if (encode(r, e, &h->frame, &err) != NF_OK) {
        nf_log_error("web.event.failed", "err", err.msg, NULL);
        return;
    }
    DL_FOREACH(u->sockets, s)
    {
        nf_hub_send_event(s, e, begun, &h->frame);
    }
    nf_hub_drop_slow(u);
}

/* Not inlined: each delta of a model comes by here, and the less stack it takes the better. */
__attribute__((noinline)) struct nf_hub_run *nf_hub_remember(struct nf_hub *h,
                                                             const struct nf_run_event *e)
{
    struct nf_hub_run *r =
        e->type == NF_RUN_STARTED ? begin_run(h, e) : nf_hub_run(h, e->session_id);
    if (!r)
        return NULL;
    if (e->seq > r->seq)
        r->seq = e->seq;
    if (nf_run_event_passes(e->type) || nf_live_run_add(&r->live, e, NULL) == NF_OK)
        return r;
    forget_run(h, r);
    return NULL;
}

/* The database has it all now: whoever resumes reads it there. */
void nf_hub_end_run(struct nf_hub *h, int64_t session_id, int64_t run_id,
                    const struct nf_run_event *last)
{
    struct nf_hub_run *r = nf_hub_run(h, session_id);
    if (r && r->live.run_id == run_id)
        forget_run(h, r);
    nf_hub_fan_out(h, last, NULL);
}

/* --- the channel port ------------------------------------------------------------------------- */

static struct nf_hub *downcast(struct nf_channel *c);

static void hub_show(struct nf_channel *c, const struct nf_run_event *e)
{
    struct nf_hub *h = downcast(c);
    nf_hub_fan_out(h, e, nf_hub_remember(h, e));
    if (h->tell)
        nf_hub_tell(
            h, &(struct nf_peer_line){ .type = NF_PEER_EVENT, .user_id = e->user_id, .event = *e });
}

static enum nf_code hub_deliver(struct nf_channel *c, const struct nf_outbox_item *item,
                                const struct nf_message *m, const struct nf_run_event *last,
                                struct nf_err *err)
{
    struct nf_hub *h = downcast(c);
    (void)m;
    (void)err;
    nf_hub_end_run(h, item->session_id, item->run_id, last);
    nf_hub_tell(h, &(struct nf_peer_line){
                       .type = NF_PEER_DELIVERED, .user_id = last->user_id, .event = *last });
    return NF_OK;
}

/* A card is shown on all sockets; whoever opens one later gets it first. */
static void hub_approval(struct nf_channel *c, int64_t to, const struct nf_approval_request *r,
                         const struct nf_user *requester, bool yours)
{
    struct nf_hub *h = downcast(c);
    struct nf_err err;
    nf_str_reset(&h->frame);
    if (nf_frame_approval(r, requester, yours, &h->frame, &err) != NF_OK) {
        nf_log_error("web.approval.failed", "err", err.msg, NULL);
        return;
    }
    nf_hub_broadcast(h, to, &h->frame, NULL);
}

static const struct nf_channel_ops hub_ops = { .show = hub_show,
                                               .deliver = hub_deliver,
                                               .approval = hub_approval };

static struct nf_hub *downcast(struct nf_channel *c)
{
    assert(c->ops == &hub_ops);
    return nf_container_of(c, struct nf_hub, channel);
}

/* --- making and freeing ----------------------------------------------------------------------- */

enum nf_code nf_hub_new(struct nf_app *a, struct nf_hub **ret, struct nf_err *err)
{
    struct nf_hub *h = calloc(1, sizeof(*h));
    if (!h)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    h->channel =
        (struct nf_channel){ .ops = &hub_ops, .name = "web", .repeatable = true, .pulled = true };
    h->app = a;
    h->frame.max = h->line.max = NF_HUB_FRAME_MAX;
    *ret = h;
    return NF_OK;
}

void nf_hub_free(struct nf_hub *h)
{
    struct nf_hub_run *r, *next;
    if (!h)
        return;
    assert(!h->users);
    HASH_ITER(hh, h->runs, r, next)
    {
        forget_run(h, r);
    }
    nf_str_done(&h->frame);
    nf_str_done(&h->line);
    free(h);
}

struct nf_channel *nf_hub_channel(struct nf_hub *h)
{
    return &h->channel;
}
