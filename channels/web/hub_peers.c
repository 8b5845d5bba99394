/* Several instances: what happens in one reaches the sockets at the others. */
#include "channels/web/hub_internal.h"

#include "observe/log.h"

void nf_hub_tell_peers(struct nf_hub *h, void (*fn)(void *arg, const struct nf_str *line),
                       void *arg)
{
    h->tell = fn;
    h->tell_arg = arg;
}

void nf_hub_tell(struct nf_hub *h, const struct nf_peer_line *l)
{
    struct nf_err err;
    if (!h->tell)
        return;
    nf_str_reset(&h->line);
    if (nf_peer_line_encode(l, &h->line, &err) == NF_OK)
        h->tell(h->tell_arg, &h->line);
    else
        nf_log_warn("web.peers.untold", "err", err.msg, NULL);
}

/* What is not exactly behind what was heard last is not shown: a text must not have a hole. */
static void hear_event(struct nf_hub *h, const struct nf_run_event *e)
{
    struct nf_hub_run *r = nf_hub_run(h, e->session_id);
    int64_t begins = e->seq - nf_run_event_width(e->type, e->text.n);
    bool passes = nf_run_event_passes(e->type);
    if (e->type != NF_RUN_STARTED && (!r || (!passes && begins != r->seq)))
        return (void)(r ? r->gap = true : false);
    if (r && e->type != NF_RUN_STARTED && r->gap)
        return;
    r = nf_hub_remember(h, e);
    if (r)
        r->elsewhere = true;
    nf_hub_fan_out(h, e, r);
}

static void hear_end(struct nf_hub *h, const struct nf_run_event *last)
{
    const struct nf_hub_run *r = nf_hub_run(h, last->session_id);
    bool whole = r && r->live.run_id == last->run_id && !r->gap &&
                 last->seq - nf_run_event_width(last->type, last->text.n) <= r->seq;
    nf_hub_end_run(h, last->session_id, last->run_id, last);
    if (!whole)
        nf_hub_close_all(h, last->user_id, 1013, "missed something: connect and resume again");
}

static void missed(struct nf_hub *h)
{
    struct nf_hub_run *r, *next;
    HASH_ITER(hh, h->runs, r, next)
    {
        r->gap = r->gap || r->elsewhere;
    }
}

static void hear_frame(struct nf_hub *h, int64_t user_id, const char *text)
{
    struct nf_err err;
    if (nf_str_set(&h->frame, text, &err) == NF_OK)
        nf_hub_broadcast_here(h, user_id, &h->frame, NULL);
    else
        nf_log_warn("web.peers.unheard", "err", err.msg, NULL);
}

void nf_hub_hear(struct nf_hub *h, const struct nf_json *line)
{
    struct nf_peer_line l;
    struct nf_err err;
    if (!line)
        return missed(h);
    if (nf_peer_line_decode(line, &l, &err) != NF_OK) {
        nf_log_warn("web.peers.unheard", "err", err.msg, NULL);
        return;
    }
    const char *text = l.text ? l.text : "";
    switch (l.type) {
    case NF_PEER_EVENT:
        return hear_event(h, &l.event);
    case NF_PEER_DELIVERED:
        return hear_end(h, &l.event);
    case NF_PEER_FRAME:
        return hear_frame(h, l.user_id, text);
    case NF_PEER_DROP_USER:
        return nf_hub_drop_user_here(h, l.user_id);
    case NF_PEER_DROP_COOKIE:
        return nf_hub_drop_cookie_here(h, l.user_id, text);
    }
}
