#include "channels/web/hub.h"

#include "application/manage_sessions.h"
#include "base/own.h"
#include "base/utf8.h"
#include "channels/web/frames.h"
#include "channels/web/live_run.h"
#include "observe/log.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#define RUNS_PER_READ 16
#define CURSORS_MAX 32                      /* sessions whose position a socket remembers */
#define PIECE_MAX ((size_t)64 << 10)        /* bytes of a text that is told again, per frame */
#define WAITING_MAX ((size_t)256 << 10)     /* bytes for one socket, before more is read for it */
#define USER_WAITING_MAX ((size_t)64 << 20) /* bytes for all sockets of a user together */
#define FRAME_MAX ((size_t)8 << 20)
#define DRAIN_MS 10
#define COOKIE_PART 16 /* hexadecimal digits: 64 bits tell cookies of one user apart */

/* How far a socket is in a session. */
struct cursor {
    int64_t session_id, seq;
    bool catching_up; /* live events wait until it has */
    bool ended;       /* a run ended meanwhile: the database has more than was read */
};

struct nf_hub_socket {
    struct nf_hub *hub;
    struct user *user;
    struct nf_websocket *ws;
    uint64_t joined;          /* on the hub's count */
    char cookie[COOKIE_PART]; /* the beginning of its cookie's hash; zeros: there is none */
    struct cursor *cursors;
    size_t cursors_n;
    struct nf_hub_socket *prev, *next;
};

struct user {
    int64_t id;
    struct nf_hub_socket *sockets;
    size_t sockets_n;
    UT_hash_handle hh;
};

struct run {
    int64_t session_id;
    uint64_t begun; /* on the hub's count */
    struct nf_live_run live;
    UT_hash_handle hh;
};

struct nf_hub {
    struct nf_channel channel;
    struct nf_app *app;
    struct user *users;
    struct run *runs; /* by session: one turn of a session runs at a time */
    size_t sockets;
    uint64_t count;      /* of sockets that joined and runs that began: tells which was first */
    struct nf_str frame; /* for the event at hand */
};

/* --- sockets ---------------------------------------------------------------------------------- */

static struct cursor *cursor_of(const struct nf_hub_socket *s, int64_t session_id)
{
    for (size_t i = 0; i < s->cursors_n; i++)
        if (s->cursors[i].session_id == session_id)
            return &s->cursors[i];
    return NULL;
}

/* Where the socket shall be in the session, made or moved there. The oldest is forgotten over
 * CURSORS_MAX: an event that such a socket gets twice is dropped by its own rule on seq. */
static NF_RC set_cursor(struct nf_hub_socket *s, int64_t session_id, int64_t seq,
                        struct nf_err *err)
{
    struct cursor *c = cursor_of(s, session_id);
    if (!c && s->cursors_n == CURSORS_MAX) {
        memmove(s->cursors, s->cursors + 1, (CURSORS_MAX - 1) * sizeof(*c));
        c = &s->cursors[CURSORS_MAX - 1];
    } else if (!c) {
        struct cursor *grown = realloc(s->cursors, (s->cursors_n + 1) * sizeof(*grown));
        if (!grown)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        s->cursors = grown;
        c = &s->cursors[s->cursors_n++];
    }
    *c = (struct cursor){ .session_id = session_id, .seq = seq };
    return NF_OK;
}

void nf_hub_send(struct nf_hub_socket *s, const struct nf_str *frame)
{
    struct nf_err err;
    enum nf_code rc = nf_websocket_send(s->ws, true, nf_str_c(frame), frame->len, &err);
    /* It is closing, and will resume from where it was. */
    if (rc != NF_OK && rc != NF_E_CANCELED && rc != NF_E_LIMIT)
        nf_log_warn("web.send.failed", "err", err.msg, NULL);
}

static bool ends_run(const struct nf_run_event *e)
{
    return e->type == NF_RUN_FINISHED || e->type == NF_RUN_ERROR;
}

/* A socket that joined in the middle of a run gets the rest by resuming: pieces that came before it
 * asked would come again. The end of a run is for everybody. */
static void send_event(struct nf_hub_socket *s, const struct nf_run_event *e, uint64_t begun,
                       const struct nf_str *frame)
{
    struct cursor *c = cursor_of(s, e->session_id);
    if (!c && begun < s->joined && !ends_run(e))
        return;
    if (c && c->catching_up)
        c->ended = c->ended || ends_run(e);
    if (c && (c->catching_up || (e->seq <= c->seq && !nf_run_event_passes(e->type))))
        return;
    if (c && e->seq > c->seq)
        c->seq = e->seq;
    nf_hub_send(s, frame);
}

static struct user *find_user(const struct nf_hub *h, int64_t id)
{
    struct user *u;
    HASH_FIND(hh, h->users, &id, sizeof(id), u);
    return u;
}

static struct user *add_user(struct nf_hub *h, int64_t id)
{
    struct user *u = calloc(1, sizeof(*u));
    if (!u)
        return NULL;
    u->id = id;
    HASH_ADD(hh, h->users, id, sizeof(u->id), u);
    if (!u->hh.tbl) {
        free(u);
        return NULL;
    }
    return u;
}

static void drop_user_if_unused(struct nf_hub *h, struct user *u)
{
    if (u->sockets_n > 0)
        return;
    HASH_DEL(h->users, u);
    free(u);
}

enum nf_code nf_hub_join(struct nf_hub *h, struct nf_websocket *ws, int64_t user_id,
                         size_t per_user_max, struct nf_hub_socket **ret, struct nf_err *err)
{
    struct user *u = find_user(h, user_id);
    if (u && u->sockets_n >= per_user_max)
        return nf_err_set(err, NF_E_LIMIT, "limits.ws_per_user: %zu web sockets are open already",
                          per_user_max);
    if (!u)
        u = add_user(h, user_id);
    if (!u)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    struct nf_hub_socket *s = calloc(1, sizeof(*s));
    if (!s) {
        drop_user_if_unused(h, u);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    s->hub = h;
    s->user = u;
    s->ws = ws;
    s->joined = ++h->count;
    DL_APPEND(u->sockets, s);
    u->sockets_n++;
    h->sockets++;
    *ret = s;
    return NF_OK;
}

void nf_hub_leave(struct nf_hub_socket *s)
{
    struct nf_hub *h = s->hub;
    struct user *u = s->user;
    DL_DELETE(u->sockets, s);
    u->sockets_n--;
    h->sockets--;
    drop_user_if_unused(h, u);
    free(s->cursors);
    free(s);
}

/* Who opens many sockets and reads none of them must not use up the memory: over the bound those go
 * that have more than their share waiting. They resume from where they were. */
static void drop_slow(const struct user *u)
{
    struct nf_hub_socket *s;
    size_t total = 0;
    DL_FOREACH(u->sockets, s)
    {
        total += nf_websocket_queued(s->ws);
    }
    if (total <= USER_WAITING_MAX)
        return;
    DL_FOREACH(u->sockets, s)
    {
        if (nf_websocket_queued(s->ws) > USER_WAITING_MAX / u->sockets_n)
            nf_websocket_close(s->ws, 1008, "reads too slowly");
    }
}

void nf_hub_broadcast(struct nf_hub *h, int64_t user_id, const struct nf_str *frame,
                      const struct nf_hub_socket *except)
{
    struct user *u = find_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        if (s != except)
            nf_hub_send(s, frame);
    }
    drop_slow(u);
}

void nf_hub_drop_user(struct nf_hub *h, int64_t user_id)
{
    struct user *u = find_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        nf_websocket_close(s->ws, 1008, "this account is blocked");
    }
}

void nf_hub_bind(struct nf_hub_socket *s, const char cookie_hash[NF_SHA256_HEX + 1])
{
    memcpy(s->cookie, cookie_hash, COOKIE_PART);
}

void nf_hub_drop_cookie(struct nf_hub *h, int64_t user_id,
                        const char cookie_hash[NF_SHA256_HEX + 1])
{
    struct user *u = find_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        if (memcmp(s->cookie, cookie_hash, COOKIE_PART) == 0)
            nf_websocket_close(s->ws, 1008, "signed out");
    }
}

size_t nf_hub_sockets(const struct nf_hub *h)
{
    return h->sockets;
}

/* --- runs under way --------------------------------------------------------------------------- */

static void forget_run(struct nf_hub *h, struct run *r)
{
    if (!r)
        return;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
    HASH_DEL(h->runs, r);
    nf_live_run_done(&r->live);
    free(r);
}

static struct run *find_run(const struct nf_hub *h, int64_t session_id)
{
    struct run *r;
    HASH_FIND(hh, h->runs, &session_id, sizeof(session_id), r);
    return r;
}

static struct run *begin_run(struct nf_hub *h, const struct nf_run_event *e)
{
    forget_run(h, find_run(h, e->session_id)); /* an attempt that broke off */
    struct run *r = calloc(1, sizeof(*r));
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

/* Encode once, send to every socket of the user. */
static void fan_out(struct nf_hub *h, const struct nf_run_event *e, uint64_t begun)
{
    struct nf_err err;
    struct nf_hub_socket *s;
    struct user *u = find_user(h, e->user_id);
    if (!u)
        return;
    nf_str_reset(&h->frame);
    if (nf_frame_event(e, &h->frame, &err) != NF_OK) {
        nf_log_error("web.event.failed", "err", err.msg, NULL);
        return;
    }
    DL_FOREACH(u->sockets, s)
    {
        send_event(s, e, begun, &h->frame);
    }
    drop_slow(u);
}

static struct nf_hub *downcast(struct nf_channel *c);

/* Not inlined: each delta of a model comes by here, and the less stack it takes the better. */
__attribute__((noinline)) static uint64_t remember(struct nf_hub *h, const struct nf_run_event *e)
{
    struct run *r = e->type == NF_RUN_STARTED ? begin_run(h, e) : find_run(h, e->session_id);
    uint64_t begun = r ? r->begun : UINT64_MAX;
    if (r && !nf_run_event_passes(e->type) && nf_live_run_add(&r->live, e, NULL) != NF_OK)
        forget_run(h, r);
    return begun;
}

static void hub_show(struct nf_channel *c, const struct nf_run_event *e)
{
    struct nf_hub *h = downcast(c);
    uint64_t begun = remember(h, e);
    fan_out(h, e, begun);
}

static enum nf_code hub_deliver(struct nf_channel *c, const struct nf_outbox_item *item,
                                const struct nf_message *m, const struct nf_run_event *last,
                                struct nf_err *err)
{
    struct nf_hub *h = downcast(c);
    (void)m;
    (void)err;
    /* The database has it all now: whoever resumes reads it there. */
    struct run *r = find_run(h, item->session_id);
    if (r && r->live.run_id == item->run_id)
        forget_run(h, r);
    fan_out(h, last, UINT64_MAX);
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

/* --- catching up ------------------------------------------------------------------------------ */

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
    drop_slow(c->socket->user);
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
    struct cursor *cursor;
    do {
        cursor_of(c->socket, c->session_id)->ended = false;
        NF_TRY(read_ended(c, err));
        cursor = cursor_of(c->socket, c->session_id);
    } while (cursor->ended);
    /* Nothing suspends from here on, so no event falls between. */
    struct run *r = find_run(h, c->session_id);
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
    c.frame.max = FRAME_MAX;

    NF_TRY(nf_session_show(a, &me, session_id, &session, err));
    NF_TRY(set_cursor(s, session_id, after, err));
    cursor_of(s, session_id)->catching_up = true;
    enum nf_code rc = catch_up(&c, err);
    nf_str_done(&c.frame);
    struct cursor *cursor = cursor_of(s, session_id);
    cursor->catching_up = false;
    cursor->seq = c.at;
    /* What comes next would come behind a gap that nobody sees: better to begin anew. */
    if (rc != NF_OK)
        nf_websocket_close(s->ws, 1013, "could not catch up: connect and resume again");
    return rc;
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
    h->frame.max = FRAME_MAX;
    *ret = h;
    return NF_OK;
}

void nf_hub_free(struct nf_hub *h)
{
    struct run *r, *next;
    if (!h)
        return;
    assert(!h->users);
    HASH_ITER(hh, h->runs, r, next)
    {
        forget_run(h, r);
    }
    nf_str_done(&h->frame);
    free(h);
}

struct nf_channel *nf_hub_channel(struct nf_hub *h)
{
    return &h->channel;
}
