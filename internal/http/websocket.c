#include "http/conn.h"

#include <stdlib.h>
#include <string.h>

#define REASON_MAX 123       /* bytes: a control frame's 125 without the code */
#define MESSAGES_IN_A_ROW 64 /* of handlers that did not wait, then others get their turn */
#define KEY_LEN 24           /* base64 of 16 bytes */

/* --- handshake ------------------------------------------------------------------------------- */

static bool is_key(struct nf_slice key)
{
    if (key.n != KEY_LEN || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];
        bool base64 = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/';
        if (!base64)
            return false;
    }
    return true;
}

int nf_httpd_ws_check(const struct nf_http_exchange *x, const char **why)
{
    const struct nf_httpd_head *h = &x->in.head;
    *why = "";
    if (!nf_httpd_list_has(nf_http_request_header(x, "upgrade"), "websocket")) {
        *why = "this path speaks WebSocket only";
        return 426;
    }
    if (h->http10 || !h->connection_upgrade || !nf_slice_eq(nf_http_method(x), "GET") ||
        nf_http_body(x).n > 0)
        *why = "WebSocket: not an HTTP/1.1 GET with Connection: Upgrade";
    else if (nf_http_request_header_count(x, "sec-websocket-key") != 1 ||
             !is_key(nf_http_request_header(x, "sec-websocket-key")))
        *why = "Sec-WebSocket-Key must be 16 bytes in base64";
    if (**why)
        return 400;
    if (nf_http_request_header_count(x, "sec-websocket-version") != 1 ||
        !nf_slice_eq(nf_http_request_header(x, "sec-websocket-version"), "13")) {
        *why = "Sec-WebSocket-Version must be 13";
        return 426;
    }
    return 0;
}

enum nf_code nf_websocket_accept(struct nf_http_exchange *x, const struct nf_websocket_ops *ops,
                                 void *user, struct nf_websocket **ret, struct nf_err *err)
{
    struct nf_httpd_conn *c = x->c;
    const char *why;
    if (nf_httpd_ws_check(x, &why))
        return nf_err_set(err, NF_E_INVALID, "%s", why);
    assert(!c->ws);
    struct nf_websocket *ws = calloc(1, sizeof(*ws));
    if (!ws)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    struct nf_slice key = nf_http_request_header(x, "sec-websocket-key");
    char accept[29];
    nf_ws_accept_key(key.p, key.n, accept);
    enum nf_code rc = nf_httpd_respond_upgrade(x, accept, err);
    if (rc != NF_OK) {
        free(ws);
        return rc;
    }
    *ws = (struct nf_websocket){
        .c = c, .ops = ops, .user = user, .heard_ms = nf_httpd_now(c->server)
    };
    c->ws = ws;
    c->server->stats.websockets++;
    *ret = ws;
    return NF_OK;
}

/* --- output ---------------------------------------------------------------------------------- */

static enum nf_code send_frame(struct nf_websocket *ws, enum nf_ws_opcode op, const char *p,
                               size_t n, struct nf_err *err)
{
    uint8_t head[NF_WS_HEAD_MAX];
    size_t head_n = nf_ws_frame_head(head, op, n, NULL);
    uv_buf_t b[] = { { .base = (char *)head, .len = head_n }, { .base = (char *)p, .len = n } };
    return nf_httpd_send(ws->c, b, 2, false, err);
}

size_t nf_websocket_queued(const struct nf_websocket *ws)
{
    return nf_httpd_queued(ws->c);
}

static void send_close(struct nf_websocket *ws, int code, const char *reason)
{
    if (ws->close_sent || ws->c->closing)
        return;
    ws->close_sent = true;
    char body[2 + REASON_MAX];
    struct nf_slice why = nf_slice_of(reason);
    if (why.n > REASON_MAX)
        why.n = nf_utf8_cut(why.p, why.n, REASON_MAX);
    body[0] = (char)(code >> 8);
    body[1] = (char)(code & 0xff);
    memcpy(body + 2, why.p, why.n);
    /* No status to echo (section 7.1.5): an empty frame. */
    (void)send_frame(ws, NF_WS_CLOSE, body, code == 1005 ? 0 : why.n + 2, NULL);
    if (!ws->c->closing)
        ws->c->deadline_ms = nf_httpd_now(ws->c->server) + NF_HTTPD_WS_CLOSE_MS;
}

void nf_websocket_close(struct nf_websocket *ws, int code, const char *reason)
{
    if (ws->code == 0)
        ws->code = (uint16_t)code;
    send_close(ws, code, reason ? reason : "");
}

enum nf_code nf_websocket_send(struct nf_websocket *ws, bool text, const char *p, size_t n,
                               struct nf_err *err)
{
    size_t max = ws->c->server->o.limits.ws_queue_max;
    if (ws->c->closing || ws->close_sent)
        return nf_err_set(err, NF_E_CANCELED, "the socket is closing");
    if (n > max || nf_websocket_queued(ws) > max - n) {
        nf_websocket_close(ws, 1008, "reads too slowly");
        return nf_err_set(err, NF_E_LIMIT, "the peer reads too slowly: over %zu bytes wait", max);
    }
    return send_frame(ws, text ? NF_WS_TEXT : NF_WS_BINARY, p, n, err);
}

/* --- input: in the socket's fiber ------------------------------------------------------------ */

/* The protocol is over: say why, and hang up without waiting for an answer. */
static void hang_up(struct nf_websocket *ws, int code)
{
    nf_websocket_close(ws, code, "");
    ws->done = true;
}

static int close_code_of(enum nf_code code)
{
    if (code == NF_E_INVALID)
        return 1007;
    return code == NF_E_DENIED || code == NF_E_LIMIT ? 1008 : 1011;
}

static void on_message(struct nf_websocket *ws, bool text, const char *p, size_t n)
{
    struct nf_http_server *s = ws->c->server;
    struct nf_err e = { 0 };
    ws->message_deadline_ms = nf_httpd_now(s) + s->o.limits.handler_timeout_ms;
    uint64_t round = s->round;
    enum nf_code rc = ws->ops->message(ws->user, ws, text, p, n, &e);
    ws->waits = s->round != round;
    if (!ws->waits && ++s->messages % MESSAGES_IN_A_ROW == 0)
        (void)!nf_yield(NULL);
    ws->message_deadline_ms = 0;
    if (nf_fiber_cancelled() != NF_OK)
        nf_fiber_uncancel();
    if (rc != NF_OK)
        nf_websocket_close(ws, close_code_of(rc), "");
}

static void on_close(struct nf_websocket *ws, const char *p, size_t n)
{
    int code = n >= 2 ? (uint8_t)p[0] << 8 | (uint8_t)p[1] : 1005;
    if (ws->code == 0)
        ws->code = (uint16_t)code;
    send_close(ws, code, "");
    ws->done = true;
}

static void on_ping(struct nf_websocket *ws, const char *p, size_t n)
{
    if (nf_websocket_queued(ws) > ws->c->server->o.limits.ws_queue_max)
        nf_websocket_close(ws, 1008, "reads too slowly");
    else
        (void)send_frame(ws, NF_WS_PONG, p, n, NULL);
}

static enum nf_code on_frame(void *arg, enum nf_ws_opcode op, const char *p, size_t n,
                             struct nf_err *err)
{
    struct nf_websocket *ws = arg;
    switch (op) {
    case NF_WS_CLOSE:
        on_close(ws, p, n);
        break;
    case NF_WS_PING:
        if (!ws->close_sent)
            on_ping(ws, p, n);
        break;
    case NF_WS_PONG:
        break;
    default:
        if (!ws->close_sent) /* what follows our close frame is dropped (section 1.4) */
            on_message(ws, op == NF_WS_TEXT, p, n);
        break;
    }
    if (ws->done || ws->c->closing)
        return nf_err_set(err, NF_E_CANCELED, "the socket is closed");
    return NF_OK;
}

static struct nf_ws_reader *reader_of(struct nf_websocket *ws)
{
    if (ws->reader)
        return ws->reader;
    ws->reader = malloc(sizeof(*ws->reader));
    if (ws->reader)
        nf_ws_reader_init(ws->reader, true, ws->c->server->o.limits.ws_message_max, on_frame, ws);
    return ws->reader;
}

static void drop_reader(struct nf_websocket *ws)
{
    if (ws->reader)
        nf_ws_reader_done(ws->reader);
    free(ws->reader);
    ws->reader = NULL;
}

static void feed(struct nf_websocket *ws, const char *p, size_t n)
{
    struct nf_ws_reader *r = reader_of(ws);
    struct nf_err e = { 0 };
    if (!r) {
        nf_httpd_conn_close(ws->c);
        return;
    }
    enum nf_code rc = nf_ws_feed(r, p, n, &e);
    if (rc != NF_OK && !ws->done && !ws->c->closing)
        hang_up(ws, r->close_code ? r->close_code : 1011);
    else if (rc == NF_OK && r->head_n == 0 && !r->in_payload && r->message_op == 0)
        drop_reader(ws); /* between messages: an idle socket holds none */
}

void nf_httpd_ws_run(struct nf_httpd_conn *c)
{
    struct nf_websocket *ws = c->ws;
    while (c->in_len > 0 && !c->closing && !ws->done) {
        NF_CLEANUP(nf_freep) char *p = nf_take(c->in);
        size_t n = nf_take(c->in_len);
        c->in_cap = 0;
        feed(ws, p, n);
    }
    if (!ws->done)
        return;
    drop_reader(ws);
    nf_httpd_conn_finish(c);
}

/* --- time and the end ------------------------------------------------------------------------ */

void nf_httpd_ws_sweep(struct nf_httpd_conn *c, int64_t now)
{
    struct nf_websocket *ws = c->ws;
    int64_t every = c->server->o.limits.ws_ping_ms;
    if (c->running) {
        if (ws->message_deadline_ms && now >= ws->message_deadline_ms && c->fiber) {
            ws->message_deadline_ms = 0;
            nf_fiber_cancel(c->fiber, NF_E_TIMEOUT);
        }
        /* Nothing is read meanwhile, so silence says nothing about the peer. */
        ws->heard_ms = now;
        ws->ping_ms = 0;
        return;
    }
    if (ws->close_sent)
        return; /* the state's deadline holds */
    if (ws->ping_ms && now - ws->ping_ms >= every) {
        nf_httpd_conn_close(c);
    } else if (!ws->ping_ms && now - ws->heard_ms >= every) {
        ws->ping_ms = now;
        (void)send_frame(ws, NF_WS_PING, "", 0, NULL);
    }
}

void nf_httpd_ws_done(struct nf_httpd_conn *c)
{
    struct nf_websocket *ws = nf_take(c->ws);
    if (!ws)
        return;
    drop_reader(ws);
    c->server->stats.websockets--;
    if (ws->ops->closed)
        ws->ops->closed(ws->user, ws, ws->code ? ws->code : 1006);
    free(ws);
}
