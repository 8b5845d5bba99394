/* The channel, the runner, the clock and the bell of the use cases' tests. */
#pragma once

#include "tests/unit/use_case_world.h"

static uint64_t fake_count(struct nf_bell *b)
{
    return nf_container_of(b, struct fake_bell, port)->rung;
}

static enum nf_code fake_bell_wait(struct nf_bell *port, int64_t id, uint64_t count, int64_t ms,
                                   struct nf_err *err)
{
    struct fake_bell *b = nf_container_of(port, struct fake_bell, port);
    (void)id;
    assert_true(++b->waits < 500);
    if (b->fail)
        return nf_err_set(err, b->fail, "told to stop");
    if (b->rung != count)
        return NF_OK;
    if (b->meanwhile)
        b->meanwhile(b->w);
    if (b->rung != count)
        return NF_OK;
    b->w->now += ms;
    return nf_err_set(err, NF_E_TIMEOUT, "nobody rang");
}

static void fake_ring(struct nf_bell *b, int64_t id)
{
    (void)id;
    nf_container_of(b, struct fake_bell, port)->rung++;
}

static void see(struct fake_seen *s, const struct nf_run_event *e)
{
    struct fake_event *last = s->n ? &s->v[s->n - 1] : NULL;
    if (last && e->type == NF_RUN_TEXT && last->e.type == NF_RUN_TEXT) {
        last->e.seq = e->seq;
        last->e.text.n += e->text.n;
    } else {
        assert_true(s->n < sizeof(s->v) / sizeof(s->v[0]));
        s->v[s->n++] = (struct fake_event){ .e = *e, .at = s->used };
    }
    assert_true(s->used + e->text.n < sizeof(s->text));
    if (e->text.n)
        memcpy(s->text + s->used, e->text.p, e->text.n);
    s->used += e->text.n;
}

static void fake_show(struct nf_channel *port, const struct nf_run_event *e)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    c->progressed += e->type == NF_RUN_TOOL_PROGRESS;
    c->statuses += e->type == NF_RUN_TOOL_STATUS;
    if (nf_run_event_passes(e->type))
        return;
    if (e->type == NF_RUN_STARTED) /* another attempt, or another turn */
        c->seen.n = c->seen.used = 0;
    see(&c->seen, e);
}

static void fake_approval(struct nf_channel *port, int64_t to, const struct nf_approval_request *r,
                          const struct nf_user *requester, bool yours)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    (void)requester;
    c->asked++;
    c->asked_id = r->id;
    c->asked_user = to;
    c->asked_status = r->status;
    c->asked_yours = yours;
}

static enum nf_code fake_tell(struct nf_channel *port, const char *address, const char *markdown,
                              struct nf_err *err)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    if (c->fail)
        return nf_err_set(err, c->fail, "the network is down");
    (void)snprintf(c->told, sizeof(c->told), "%s", markdown);
    (void)snprintf(c->told_to, sizeof(c->told_to), "%s", address);
    return NF_OK;
}

static void fake_drop(struct nf_channel *port, int64_t run_id)
{
    (void)run_id;
    nf_container_of(port, struct fake_channel, port)->dropped++;
}

static enum nf_code fake_deliver(struct nf_channel *port, const struct nf_outbox_item *item,
                                 const struct nf_message *m, const struct nf_run_event *last,
                                 struct nf_err *err)
{
    struct fake_channel *c = nf_container_of(port, struct fake_channel, port);
    (void)item;
    if (c->fail)
        return nf_err_set(err, c->fail, "the network is down");
    c->delivered++;
    (void)snprintf(c->last, sizeof(c->last), "%s", m->content ? m->content : "");
    c->last_event = last->type;
    c->last_event_seq = last->seq;
    if (c->seen.n > 0)
        see(&c->seen, last);
    return NF_OK;
}

static void fake_start(struct nf_turn_runner *port, const struct nf_claim *c)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    r->started++;
    r->claim = *c;
}

static void fake_wake(struct nf_turn_runner *port, int64_t session_id)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    r->woken++;
    r->woken_session = session_id;
}

static void fake_pull(struct nf_turn_runner *port)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    r->pulled++;
}

static bool fake_has_room(const struct nf_turn_runner *port)
{
    const struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    return !r->is_full;
}

static bool fake_stop(struct nf_turn_runner *port, int64_t session_id, int64_t run_id)
{
    struct fake_runner *r = nf_container_of(port, struct fake_runner, port);
    (void)session_id, (void)run_id;
    r->stopped++;
    return r->runs;
}

static int64_t fake_now(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now;
}
