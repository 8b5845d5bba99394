/* Words in and out: the web socket, and the same over REST. */
#include "application/decide_approval.h"
#include "application/receive_message.h"
#include "application/stop_turn.h"
#include "channels/web/web_internal.h"
#include "observe/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One web socket. */
struct client {
    struct nf_web *web;
    struct nf_hub_socket *socket;
    struct nf_user user; /* as it was when the socket was opened */
};

/* Store a message, of which *in says what the client gave; the answer comes as events. */
static NF_RC receive(struct nf_web *w, const struct nf_user *user, const struct nf_incoming *in,
                     struct nf_accepted *ret, struct nf_err *err)
{
    char source[64], key[64];
    int64_t wait_ms;
    struct nf_incoming whole = *in;
    struct nf_id_text id = nf_id_to_text(user->id);
    (void)snprintf(source, sizeof(source), "web:%s", id.s);
    (void)snprintf(key, sizeof(key), "msg:%s", id.s);
    if (!nf_web_rate_take(w, key, w->o.limits->messages_per_minute, &wait_ms))
        return nf_err_set(err, NF_E_LIMIT, "too many messages: wait %lld s",
                          (long long)(wait_ms + 999) / 1000);
    whole.user = user;
    whole.channel = "web";
    whole.address = "";
    whole.source = source;
    whole.content_n = strlen(whole.content);
    return nf_receive_message(w->o.app, &whole, ret, err);
}

/* A double is answered to whoever asked; news to every socket of the user. */
static void announce(struct nf_web *w, struct client *asker, const struct nf_user *user,
                     const struct nf_accepted *a, const struct nf_str *frame)
{
    if (!a->duplicate)
        nf_hub_broadcast(w->hub, user->id, frame, NULL);
    else if (asker)
        nf_hub_send(asker->socket, frame);
}

static NF_RC on_user_message(struct client *c, const struct nf_frame *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { .max = (size_t)4 << 20 };
    struct nf_accepted accepted = { 0 };
    struct nf_incoming in = { .client_id = f->message_id,
                              .session_id = f->session_id,
                              .branch = f->branch,
                              .model = f->model,
                              .content = f->content };
    NF_TRY(receive(c->web, &c->user, &in, &accepted, err));
    NF_TRY(nf_frame_accepted(&accepted, f->message_id, f->content, f->branch, &frame, err));
    announce(c->web, c, &c->user, &accepted, &frame);
    return NF_OK;
}

enum nf_code nf_web_stop_turn(struct nf_web *w, const struct nf_user *user, int64_t session_id,
                              int64_t run_id, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { 0 };
    int64_t waited = 0;
    NF_TRY(nf_stop_turn(w->o.app, user, session_id, run_id, &waited, err));
    if (waited == 0) /* it runs: its own last event tells */
        return NF_OK;
    NF_TRY(nf_frame_cancelled(session_id, waited, &frame, err));
    nf_hub_broadcast(w->hub, user->id, &frame, NULL);
    return NF_OK;
}

/* What became of it comes as a frame, like to everybody whom it concerns. Who decides is looked up:
 * since the socket was opened their role may have changed. */
static NF_RC decide(struct client *c, const struct nf_frame *f, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_view_done) struct nf_approval_view v = { .yours = false };
    struct nf_app *a = c->web->o.app;
    struct nf_user now;
    NF_TRY(a->users->ops->get(a->users, c->user.id, &now, err));
    return nf_approval_answer(a, &now, f->approval_id, f->allow, f->reason, &v, err);
}

/* What waits for a decision, to a socket that was just opened. */
static NF_RC send_open_approvals(struct client *c, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_views_done) struct nf_approval_views open = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str frame = { .max = (size_t)16 << 20 };
    NF_TRY(nf_approval_list(c->web->o.app, &c->user, &open, err));
    for (size_t i = 0; i < open.n; i++) {
        const struct nf_approval_view *v = &open.v[i];
        nf_str_reset(&frame);
        NF_TRY(nf_frame_approval(&v->request, &v->requester, v->yours, &frame, err));
        nf_hub_send(c->socket, &frame);
    }
    return NF_OK;
}

static NF_RC take_frame(struct client *c, const struct nf_frame *f, struct nf_err *err)
{
    switch (f->type) {
    case NF_FRAME_USER_MESSAGE:
        return on_user_message(c, f, err);
    case NF_FRAME_RESUME:
        return nf_hub_resume(c->socket, f->session_id, f->after, err);
    case NF_FRAME_DECIDE:
        return decide(c, f, err);
    case NF_FRAME_STOP:
        return nf_web_stop_turn(c->web, &c->user, f->session_id, f->run_id, err);
    }
    return nf_err_set(err, NF_E_INTERNAL, "no such frame");
}

static enum nf_code on_message(void *user, struct nf_websocket *ws, bool text, const char *p,
                               size_t n, struct nf_err *err)
{
    struct client *c = user;
    NF_CLEANUP(nf_frame_done) struct nf_frame f = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    struct nf_err why, plain;
    (void)ws;

    enum nf_code rc = text ? nf_frame_decode(p, n, &f, &why)
                           : nf_err_set(&why, NF_E_INVALID, "frames are text, not binary");
    if (rc == NF_OK)
        rc = take_frame(c, &f, &why);
    if (rc == NF_OK)
        return NF_OK;
    if (rc == NF_E_CANCELED) /* it is closing, or we are */
        return nf_err_set(err, rc, "%s", why.msg);
    /* A frame that cannot be taken is answered; the socket goes on. */
    if (c->user.role == NF_USER_USER && nf_web_conceal("/ws", &why, &plain))
        why = plain;
    NF_TRY(nf_frame_error(rc, why.msg, f.message_id, &answer, err));
    nf_hub_send(c->socket, &answer);
    return NF_OK;
}

static void on_closed(void *user, struct nf_websocket *ws, int code)
{
    struct client *c = user;
    (void)ws;
    (void)code;
    if (c->socket)
        nf_hub_leave(c->socket);
    free(c);
}

enum nf_code nf_web_socket(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    static const struct nf_websocket_ops ops = { .message = on_message, .closed = on_closed };
    struct nf_web *w = arg;
    struct nf_websocket *ws;

    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    c->web = w;
    c->user = nf_web_who(x)->user;
    enum nf_code rc = nf_websocket_accept(x, &ops, c, &ws, err);
    if (rc != NF_OK) {
        free(c);
        return rc;
    }
    rc = nf_hub_join(w->hub, ws, c->user.id, (size_t)w->o.limits->ws_per_user, &c->socket, err);
    if (rc != NF_OK) /* on_closed frees the client */
        nf_websocket_close(ws, 1013, err->msg);
    else if (nf_web_who(x)->by_cookie)
        nf_hub_bind(c->socket, nf_web_who(x)->cookie_hash);
    if (rc == NF_OK && send_open_approvals(c, err) != NF_OK) /* REST has them too */
        nf_log_warn("web.approvals.unknown", "err", err->msg, NULL);
    return NF_OK;
}

/* --- the same over REST ----------------------------------------------------------------------- */

struct message_body {
    char *message_id, *session_id, *content, *model;
    int64_t parent_seq;
};
static const struct nf_json_field message_fields[] = {
    NF_JSON_FIELD(struct message_body, "message_id", NF_JSON_F_STR, message_id, NF_JSON_REQUIRED, 1,
                  NF_CLIENT_ID_MAX),
    NF_JSON_FIELD(struct message_body, "session_id", NF_JSON_F_STR, session_id, NF_JSON_NULLABLE, 0,
                  64),
    NF_JSON_FIELD(struct message_body, "content", NF_JSON_F_STR, content, NF_JSON_REQUIRED, 0,
                  NF_MESSAGE_BYTES_MAX),
    NF_JSON_FIELD(struct message_body, "model", NF_JSON_F_STR, model, NF_JSON_NULLABLE, 1,
                  NF_MODEL_NAME_MAX),
    NF_JSON_FIELD(struct message_body, "parent_seq", NF_JSON_F_I64, parent_seq, NF_JSON_NULLABLE, 0,
                  (INT64_C(1) << 53) - 2),
};
static const struct nf_json_table message_table = { message_fields, NF_COUNT(message_fields),
                                                    false };

static void message_body_done(struct message_body *b)
{
    nf_json_table_done(&message_table, b);
}

enum nf_code nf_web_post_message(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(message_body_done) struct message_body b = { .parent_seq = -1 };
    NF_CLEANUP(nf_chat_content_done) struct nf_chat_content c = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = (size_t)4 << 20 };
    const struct nf_user *user = &nf_web_who(x)->user;
    struct nf_slice text = nf_http_body(x);
    struct nf_accepted a = { 0 };
    int64_t session_id = 0;

    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    NF_TRY(nf_json_decode(nf_json_root(doc), &message_table, &b, err));
    if (b.session_id && b.session_id[0] &&
        !nf_id_from_text(b.session_id, strlen(b.session_id), &session_id))
        return nf_err_set(err, NF_E_INVALID, "session_id: not an id");
    NF_TRY(nf_web_attach(nf_json_get(nf_json_root(doc), "files"), b.content, &c, err));
    struct nf_incoming in = { .client_id = b.message_id,
                              .session_id = session_id,
                              .branch = b.parent_seq + 1,
                              .model = b.model,
                              .parts = c.parts.n ? &c.parts : NULL,
                              .content = nf_str_c(&c.text) };
    enum nf_code rc = receive(w, user, &in, &a, err);
    if (rc == NF_E_LIMIT)
        nf_web_answer_error(x, 429, err);
    NF_TRY(rc);
    NF_TRY(nf_frame_accepted(&a, b.message_id, nf_str_c(&c.text), b.parent_seq + 1, &body, err));
    announce(w, NULL, user, &a, &body);
    return nf_web_json(x, 202, &body, err);
}

enum nf_code nf_web_stop_session(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    static const char done[] = "{\"stopped\":true}";
    struct nf_web *w = arg;
    int64_t id;
    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_web_stop_turn(w, &nf_web_who(x)->user, id, 0, err));
    return nf_http_respond(x, 200, "application/json", done, sizeof(done) - 1, err);
}
