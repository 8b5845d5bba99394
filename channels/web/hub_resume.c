/* A socket catches up with a session: ended runs from the database, the one under way from the hub.
 */
#include "channels/web/hub_internal.h"

#include "application/manage_sessions.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/web/frames.h"

#define RUNS_PER_READ 16
#define PIECE_MAX ((size_t)64 << 10)    /* bytes of a text that is told again, per frame */
#define WAITING_MAX ((size_t)256 << 10) /* bytes for one socket, before more is read for it */
#define DRAIN_MS 10

struct catch_up {
    struct nf_hub_socket *socket;
    struct nf_str frame;
    int64_t session_id, user_id;
    int64_t at; /* how far the socket is */
    enum nf_code rc;
    struct nf_err *err;
};

static bool emit_one(struct catch_up *c, const struct nf_run_event *e)
{
    nf_str_reset(&c->frame);
    c->rc = nf_frame_event(e, &c->frame, c->err);
    if (c->rc == NF_OK)
        c->rc = nf_websocket_send(c->socket->ws, true, nf_str_c(&c->frame), c->frame.len, c->err);
    if (c->rc == NF_OK)
        c->at = e->seq;
    return c->rc == NF_OK;
}

/* A long text goes out in pieces: who loses the connection in its middle goes on from there. */
static bool emit(void *arg, const struct nf_run_event *e)
{
    struct catch_up *c = arg;
    struct nf_run_event piece = *e;
    bool counts = nf_run_event_width(e->type, e->text.n) == (int64_t)e->text.n;
    while (counts && piece.text.n > PIECE_MAX) {
        size_t n = nf_utf8_cut(piece.text.p, piece.text.n, PIECE_MAX);
        struct nf_slice rest = { piece.text.p + n, piece.text.n - n };
        piece.text.n = n;
        piece.seq = e->seq - (int64_t)rest.n;
        if (!emit_one(c, &piece))
            return false;
        piece.text = rest;
        piece.seq = e->seq;
    }
    return emit_one(c, &piece);
}

/* Let the peer take what waits before more is read for it. */
static NF_RC let_drain(const struct catch_up *c, struct nf_err *err)
{
    nf_hub_drop_slow(c->socket->user);
    while (nf_websocket_queued(c->socket->ws) > WAITING_MAX)
        NF_TRY(nf_sleep(DRAIN_MS, err));
    return NF_OK;
}

/* Send the events of the runs that ended, as far as the database has them. */
static NF_RC read_ended(struct catch_up *c, struct nf_err *err)
{
    struct nf_session_store *store = c->socket->hub->app->sessions;
    for (int64_t fence = c->at >> NF_RUN_POS_BITS;;) {
        NF_CLEANUP(nf_tasks_done) struct nf_tasks runs = { 0 };
        NF_TRY(store->ops->runs_since(store, c->session_id, fence, RUNS_PER_READ, &runs, err));
        for (size_t i = 0; i < runs.n; i++) {
            NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
            NF_TRY(let_drain(c, err));
            NF_TRY(store->ops->run_messages(store, c->session_id, runs.v[i].id, &said, err));
            nf_run_replay(&runs.v[i], &said, c->at, emit, c);
            NF_TRY(c->rc);
        }
        if (runs.n < RUNS_PER_READ)
            return NF_OK;
        fence = runs.v[runs.n - 1].fence + 1;
    }
}

static NF_RC catch_up(struct catch_up *c, struct nf_err *err)
{
    struct nf_hub *h = c->socket->hub;
    struct nf_hub_cursor *cursor;
    do {
        nf_hub_cursor(c->socket, c->session_id)->ended = false;
        NF_TRY(read_ended(c, err));
        cursor = nf_hub_cursor(c->socket, c->session_id);
    } while (cursor->ended);
    /* Nothing suspends from here on, so no event falls between. */
    struct nf_hub_run *r = nf_hub_run(h, c->session_id);
    if (r)
        nf_live_run_replay(&r->live, c->at, emit, c);
    return c->rc;
}

enum nf_code nf_hub_resume(struct nf_hub_socket *s, int64_t session_id, int64_t after,
                           struct nf_err *err)
{
    struct nf_app *a = s->hub->app;
    struct nf_user me = { .id = s->user->id };
    struct nf_session session;
    struct catch_up c = {
        .socket = s, .session_id = session_id, .user_id = me.id, .at = after, .err = err
    };
    c.frame.max = NF_HUB_FRAME_MAX;

    NF_TRY(nf_session_show(a, &me, session_id, &session, err));
    NF_TRY(nf_hub_set_cursor(s, session_id, after, err));
    nf_hub_cursor(s, session_id)->catching_up = true;
    enum nf_code rc = catch_up(&c, err);
    nf_str_done(&c.frame);
    struct nf_hub_cursor *cursor = nf_hub_cursor(s, session_id);
    cursor->catching_up = false;
    cursor->seq = c.at;
    /* What comes next would come behind a gap that nobody sees: better to begin anew. */
    if (rc != NF_OK)
        nf_websocket_close(s->ws, 1013, "could not catch up: connect and resume again");
    return rc;
}
