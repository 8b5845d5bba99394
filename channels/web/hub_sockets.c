/* Who listens: the sockets of each user, what each has had, and which are too slow. */
#include "channels/web/hub_internal.h"

#include "observe/log.h"

#include <string.h>

#define CURSORS_MAX 32                      /* sessions whose position a socket remembers */
#define USER_WAITING_MAX ((size_t)64 << 20) /* bytes for all sockets of a user together */

struct nf_hub_cursor *nf_hub_cursor(const struct nf_hub_socket *s, int64_t session_id)
{
    for (size_t i = 0; i < s->cursors_n; i++)
        if (s->cursors[i].session_id == session_id)
            return &s->cursors[i];
    return NULL;
}

/* Where the socket shall be in the session, made or moved there. The oldest is forgotten over
 * CURSORS_MAX: an event that such a socket gets twice is dropped by its own rule on seq. */
enum nf_code nf_hub_set_cursor(struct nf_hub_socket *s, int64_t session_id, int64_t seq,
                               struct nf_err *err)
{
    struct nf_hub_cursor *c = nf_hub_cursor(s, session_id);
    if (!c && s->cursors_n == CURSORS_MAX) {
        memmove(s->cursors, s->cursors + 1, (CURSORS_MAX - 1) * sizeof(*c));
        c = &s->cursors[CURSORS_MAX - 1];
    } else if (!c) {
        struct nf_hub_cursor *grown = realloc(s->cursors, (s->cursors_n + 1) * sizeof(*grown));
        if (!grown)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        s->cursors = grown;
        c = &s->cursors[s->cursors_n++];
    }
    *c = (struct nf_hub_cursor){ .session_id = session_id, .seq = seq };
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
void nf_hub_send_event(struct nf_hub_socket *s, const struct nf_run_event *e, uint64_t begun,
                       const struct nf_str *frame)
{
    struct nf_hub_cursor *c = nf_hub_cursor(s, e->session_id);
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

struct nf_hub_user *nf_hub_user(const struct nf_hub *h, int64_t id)
{
    struct nf_hub_user *u;
    HASH_FIND(hh, h->users, &id, sizeof(id), u);
    return u;
}

static struct nf_hub_user *add_user(struct nf_hub *h, int64_t id)
{
    struct nf_hub_user *u = calloc(1, sizeof(*u));
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

static void drop_user_if_unused(struct nf_hub *h, struct nf_hub_user *u)
{
    if (u->sockets_n > 0)
        return;
    HASH_DEL(h->users, u);
    free(u);
}

enum nf_code nf_hub_join(struct nf_hub *h, struct nf_websocket *ws, int64_t user_id,
                         size_t per_user_max, struct nf_hub_socket **ret, struct nf_err *err)
{
    struct nf_hub_user *u = nf_hub_user(h, user_id);
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
    struct nf_hub_user *u = s->user;
    DL_DELETE(u->sockets, s);
    u->sockets_n--;
    h->sockets--;
    drop_user_if_unused(h, u);
    free(s->cursors);
    free(s);
}

/* Who opens many sockets and reads none of them must not use up the memory: over the bound those go
 * that have more than their share waiting. They resume from where they were. */
void nf_hub_drop_slow(const struct nf_hub_user *u)
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

void nf_hub_broadcast_here(struct nf_hub *h, int64_t user_id, const struct nf_str *frame,
                           const struct nf_hub_socket *except)
{
    struct nf_hub_user *u = nf_hub_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        if (s != except)
            nf_hub_send(s, frame);
    }
    nf_hub_drop_slow(u);
}

void nf_hub_broadcast(struct nf_hub *h, int64_t user_id, const struct nf_str *frame,
                      const struct nf_hub_socket *except)
{
    nf_hub_broadcast_here(h, user_id, frame, except);
    nf_hub_tell(h, &(struct nf_peer_line){
                       .type = NF_PEER_FRAME, .user_id = user_id, .text = nf_str_c(frame) });
}

void nf_hub_close_all(struct nf_hub *h, int64_t user_id, int code, const char *why)
{
    struct nf_hub_user *u = nf_hub_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        nf_websocket_close(s->ws, code, why);
    }
}

void nf_hub_drop_user_here(struct nf_hub *h, int64_t user_id)
{
    nf_hub_close_all(h, user_id, 1008, "this account is blocked");
}

void nf_hub_drop_user(struct nf_hub *h, int64_t user_id)
{
    nf_hub_drop_user_here(h, user_id);
    nf_hub_tell(h, &(struct nf_peer_line){ .type = NF_PEER_DROP_USER, .user_id = user_id });
}

void nf_hub_bind(struct nf_hub_socket *s, const char cookie_hash[NF_SHA256_HEX + 1])
{
    memcpy(s->cookie, cookie_hash, NF_HUB_COOKIE_PART);
}

void nf_hub_drop_cookie_here(struct nf_hub *h, int64_t user_id, const char *cookie_hash)
{
    struct nf_hub_user *u = nf_hub_user(h, user_id);
    struct nf_hub_socket *s;
    if (!u)
        return;
    DL_FOREACH(u->sockets, s)
    {
        if (memcmp(s->cookie, cookie_hash, NF_HUB_COOKIE_PART) == 0)
            nf_websocket_close(s->ws, 1008, "signed out");
    }
}

void nf_hub_drop_cookie(struct nf_hub *h, int64_t user_id,
                        const char cookie_hash[NF_SHA256_HEX + 1])
{
    nf_hub_drop_cookie_here(h, user_id, cookie_hash);
    nf_hub_tell(h, &(struct nf_peer_line){
                       .type = NF_PEER_DROP_COOKIE, .user_id = user_id, .text = cookie_hash });
}

size_t nf_hub_sockets(const struct nf_hub *h)
{
    return h->sockets;
}
