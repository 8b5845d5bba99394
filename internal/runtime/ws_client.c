#include "runtime/ws_client.h"

#include "codec/hash.h"
#include "codec/ws.h"
#include "runtime/http_trust.h"
#include "runtime/ws_handshake.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define MESSAGE_MAX ((size_t)1 << 20)
#define HANDSHAKE_TIMEOUT_MS 10000
#define RECV_BYTES 16384
#define SEND_BYTES 16384              /* per call: what a TLS record holds */
#define KEEP_BYTES ((size_t)64 << 10) /* a bigger buffer is freed when it is empty */
#define DISCARD_BYTES ((size_t)64 << 10)
#define BURST 64 /* messages delivered before other fibers get a turn */

/* A message in the inbox; its bytes follow. */
struct record {
    size_t n;
    bool text;
};

/* All that one read can hold beside one message: the smallest frame has 2 bytes. */
#define INBOX_EXTRA (RECV_BYTES / 2 * (sizeof(struct record) + 1))

struct sender {
    struct nf_wait wait;
    struct sender *next;
};

struct nf_ws_client {
    struct nf_curl_transfer t;
    struct nf_http_client *client;
    struct nf_http_url url;
    struct nf_curl_sock *sock; /* once connected */
    bool added, connected;
    CURLcode result;
    char detail[CURL_ERROR_SIZE];

    struct nf_wait *reader; /* the fiber that waits for the connection, then for bytes */
    struct sender *senders;

    struct nf_ws_reader frames;
    struct nf_str inbox; /* records; those before inbox_at are read */
    size_t inbox_at, message_max;
    unsigned burst;
    int close_code;
    bool peer_closed;
    struct nf_err failure; /* code NF_OK: none */

    /* One frame at a time goes out, and its bytes stay where they are until all are sent: TLS wants
     * a write repeated as it was. What the protocol owes meanwhile is noted here. */
    struct nf_str out;
    size_t out_at, retry_n;
    uint64_t queued, sent; /* frames */
    struct nf_str pong;
    bool pong_due, close_due, close_sent, send_broken;
    int close_with; /* 0: no code */
};

static void update_want(struct nf_ws_client *w)
{
    if (w->sock)
        nf_curl_sock_want(w->sock, w->reader != NULL, w->out_at < w->out.len);
}

/* --- sending ---------------------------------------------------------------------------------- */

static NF_RC queue_frame(struct nf_ws_client *w, enum nf_ws_opcode op, const char *p, size_t n,
                         struct nf_err *err)
{
    uint8_t head[NF_WS_HEAD_MAX], mask[4];

    assert(w->out.len == 0);
    nf_random(mask, sizeof mask);
    size_t head_n = nf_ws_frame_head(head, op, n, mask);
    NF_TRY(nf_str_reserve(&w->out, head_n + n, err));
    NF_TRY(nf_str_add(&w->out, (const char *)head, head_n, err));
    if (n > 0)
        NF_TRY(nf_str_add(&w->out, p, n, err));
    nf_ws_mask(w->out.p + head_n, n, mask, 0);
    w->queued++;
    return NF_OK;
}

static bool queue_owed(struct nf_ws_client *w)
{
    uint8_t code[2] = { (uint8_t)(w->close_with >> 8), (uint8_t)w->close_with };

    if (w->close_sent)
        return false;
    if (w->pong_due) {
        w->pong_due = false;
        return queue_frame(w, NF_WS_PONG, nf_str_c(&w->pong), w->pong.len, NULL) == NF_OK;
    }
    if (w->close_due) {
        w->close_due = false;
        w->close_sent = true;
        return queue_frame(w, NF_WS_CLOSE, (const char *)code, w->close_with ? 2 : 0, NULL) ==
               NF_OK;
    }
    return false;
}

/* False: the kernel takes no more for now, or the connection is broken. */
static bool write_out(struct nf_ws_client *w)
{
    while (w->out_at < w->out.len) {
        size_t n = w->out.len - w->out_at, k = 0;
        if (w->retry_n > 0)
            n = w->retry_n;
        else if (n > SEND_BYTES)
            n = SEND_BYTES;
        CURLcode rc = curl_easy_send(w->t.easy, w->out.p + w->out_at, n, &k);
        w->retry_n = rc == CURLE_AGAIN ? n : 0;
        if (rc != CURLE_OK) {
            w->send_broken = rc != CURLE_AGAIN;
            return false;
        }
        w->out_at += k;
    }
    w->out_at = 0;
    w->sent = w->queued;
    if (w->out.cap > KEEP_BYTES) {
        size_t max = w->out.max;
        nf_str_done(&w->out);
        w->out.max = max;
    }
    nf_str_reset(&w->out);
    return true;
}

static void flush(struct nf_ws_client *w)
{
    do {
        if (w->send_broken)
            break;
        if (!write_out(w))
            break;
    } while (queue_owed(w));

    if (w->out.len == 0 || w->send_broken)
        for (struct sender *s = w->senders; s; s = s->next)
            nf_wait_wake(&s->wait, NF_OK);
    update_want(w);
}

static NF_RC wait_sent(struct nf_ws_client *w, struct nf_err *err)
{
    struct sender me = { .next = w->senders }, **at = &w->senders;

    /* cppcheck-suppress autoVariables ; taken out of the list before this returns */
    w->senders = &me;
    update_want(w);
    enum nf_code rc = nf_wait(&me.wait, -1, "sending to the WebSocket", err);
    while (*at != &me)
        at = &(*at)->next;
    *at = me.next;
    return rc;
}

static NF_RC check_sending(struct nf_ws_client *w, struct nf_err *err)
{
    if (w->send_broken)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection broke",
                          nf_http_origin_of(&w->url).s);
    if (w->close_sent || w->close_due || w->peer_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the WebSocket is closing",
                          nf_http_origin_of(&w->url).s);
    return NF_OK;
}

NF_RC nf_ws_client_send(struct nf_ws_client *w, const char *p, size_t n, bool text,
                        struct nf_err *err)
{
    if (n > w->message_max)
        return nf_err_set(err, NF_E_LIMIT, "a message is longer than %zu bytes", w->message_max);
    NF_TRY(check_sending(w, err));
    while (w->out.len > 0) {
        NF_TRY(wait_sent(w, err));
        NF_TRY(check_sending(w, err));
    }
    NF_TRY(queue_frame(w, text ? NF_WS_TEXT : NF_WS_BINARY, p, n, err));

    uint64_t mine = w->queued;
    flush(w);
    while (w->sent < mine) {
        if (w->send_broken)
            return check_sending(w, err);
        NF_TRY(wait_sent(w, err));
    }
    return NF_OK;
}

/* --- receiving -------------------------------------------------------------------------------- */

static NF_RC take_message(struct nf_ws_client *w, bool text, const char *p, size_t n,
                          struct nf_err *err)
{
    struct record r = { .n = n, .text = text };

    NF_TRY(nf_str_reserve(&w->inbox, sizeof r + n, err));
    NF_TRY(nf_str_add(&w->inbox, (const char *)&r, sizeof r, err));
    return n > 0 ? nf_str_add(&w->inbox, p, n, err) : NF_OK;
}

static enum nf_code on_frame(void *arg, enum nf_ws_opcode op, const char *p, size_t n,
                             struct nf_err *err)
{
    struct nf_ws_client *w = arg;

    switch (op) {
    case NF_WS_TEXT:
    case NF_WS_BINARY:
        return take_message(w, op == NF_WS_TEXT, p, n, err);
    case NF_WS_PING:
        /* Only the latest needs an answer (section 5.5.3), so however many come, one is kept. */
        nf_str_reset(&w->pong);
        w->pong_due = n == 0 || nf_str_add(&w->pong, p, n, NULL) == NF_OK;
        if (w->out.len == 0)
            flush(w);
        break;
    case NF_WS_CLOSE:
        w->peer_closed = true;
        w->close_code = n >= 2 ? (uint8_t)p[0] << 8 | (uint8_t)p[1] : 1005;
        w->close_with = n >= 2 ? w->close_code : 0;
        w->close_due = !w->close_sent;
        break;
    case NF_WS_PONG:
        break;
    }
    return NF_OK;
}

/* What was received cannot be used: say so to the peer, and to the caller once it has read what
 * came before. */
static void give_up(struct nf_ws_client *w, enum nf_code code, const char *why)
{
    nf_err_set(&w->failure, code, "%s: %s", nf_http_origin_of(&w->url).s, why);
}

static void feed(struct nf_ws_client *w, const char *p, size_t n)
{
    struct nf_err why = { 0 };
    enum nf_code rc = nf_ws_feed(&w->frames, p, n, &why);

    if (rc != NF_OK) {
        give_up(w, rc, why.msg);
        w->close_with = w->frames.close_code;
        w->close_due = !w->close_sent;
    }
    if (w->out.len == 0)
        flush(w);
}

static NF_RC wait_readable(struct nf_ws_client *w, int64_t timeout_ms, const char *what,
                           struct nf_err *err)
{
    struct nf_wait wait = { 0 };

    assert(!w->reader);
    w->reader = &wait;
    update_want(w);
    enum nf_code rc = nf_wait(&wait, timeout_ms, what, err);
    w->reader = NULL;
    if (rc != NF_OK)
        return nf_err_wrap(err, rc, "%s", nf_http_origin_of(&w->url).s);
    return NF_OK;
}

/* CURLE_AGAIN: nothing is there, neither in the socket nor in TLS. */
static CURLcode receive(struct nf_ws_client *w, char *buf, size_t *n)
{
    CURLcode rc = curl_easy_recv(w->t.easy, buf, RECV_BYTES, n);

    if (rc == CURLE_AGAIN)
        return rc;
    if (rc != CURLE_OK || *n == 0) {
        give_up(w, NF_E_UNAVAILABLE, "the connection broke");
        return CURLE_RECV_ERROR;
    }
    return CURLE_OK;
}

static void inbox_begin(struct nf_ws_client *w)
{
    if (w->inbox_at < w->inbox.len)
        return;
    if (w->inbox.cap > KEEP_BYTES) {
        size_t max = w->inbox.max;
        nf_str_done(&w->inbox);
        w->inbox.max = max;
    }
    nf_str_reset(&w->inbox);
    w->inbox_at = 0;
}

static void deliver(struct nf_ws_client *w, const char **p, size_t *n, bool *text)
{
    struct record r;

    memcpy(&r, w->inbox.p + w->inbox_at, sizeof r);
    w->inbox_at += sizeof r;
    *p = w->inbox.p + w->inbox_at;
    *n = r.n;
    *text = r.text;
    w->inbox_at += r.n;
}

NF_RC nf_ws_client_recv(struct nf_ws_client *w, int64_t timeout_ms, const char **p, size_t *n,
                        bool *text, struct nf_err *err)
{
    int64_t until = timeout_ms < 0 ? 0 : (int64_t)(uv_hrtime() / 1000000) + timeout_ms;
    char buf[RECV_BYTES];
    size_t got = 0;

    if (++w->burst % BURST == 0)
        NF_TRY(nf_yield(err));
    inbox_begin(w);
    while (w->inbox_at == w->inbox.len) {
        if (w->failure.code != NF_OK)
            return nf_err_set(err, w->failure.code, "%s", w->failure.msg);
        if (w->peer_closed)
            return nf_err_set(err, NF_E_NOT_FOUND, "%s: the peer closed the WebSocket (%d)",
                              nf_http_origin_of(&w->url).s, w->close_code);
        CURLcode rc = receive(w, buf, &got);
        if (rc == CURLE_OK) {
            feed(w, buf, got);
        } else if (rc == CURLE_AGAIN) {
            int64_t left = timeout_ms < 0 ? -1 : until - (int64_t)(uv_hrtime() / 1000000);
            NF_TRY(wait_readable(w, timeout_ms >= 0 && left < 0 ? 0 : left,
                                 "a message of the WebSocket", err));
        }
    }
    deliver(w, p, n, text);
    return NF_OK;
}

int nf_ws_client_close_code(const struct nf_ws_client *w)
{
    return w->close_code;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void on_sock(void *arg, bool readable, bool writable)
{
    struct nf_ws_client *w = arg;

    if (writable && w->out.len > 0)
        flush(w);
    if (readable && w->reader)
        nf_wait_wake(w->reader, NF_OK);
}

static void on_connected(struct nf_curl_transfer *t, CURLcode rc)
{
    struct nf_ws_client *w = nf_container_of(t, struct nf_ws_client, t);

    w->connected = true;
    w->result = rc;
    if (w->reader)
        nf_wait_wake(w->reader, NF_OK);
}

static NF_RC connect_to(struct nf_ws_client *w, const struct nf_ws_client_options *o,
                        int64_t timeout_ms, struct nf_err *err)
{
    curl_socket_t fd = CURL_SOCKET_BAD;

    NF_TRY(nf_http_trust_ready(w->client, w->url.tls, err));
    NF_TRY(nf_http_easy_new(w->client, NULL, &w->t.easy, err));
    NF_TRY(nf_http_easy_url(w->t.easy, &w->url, err));
    curl_easy_setopt(w->t.easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(w->t.easy, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(w->t.easy, CURLOPT_ERRORBUFFER, w->detail);
    if (o->unix_socket)
        curl_easy_setopt(w->t.easy, CURLOPT_UNIX_SOCKET_PATH, o->unix_socket);
    NF_TRY(nf_curl_add(w->client->curl, &w->t, err));
    w->added = true;

    NF_TRY(wait_readable(w, -1, "connecting", err));
    assert(w->connected);
    if (w->result != CURLE_OK)
        return nf_http_curl_error(w->t.easy, &w->url, w->result, w->detail, err);
    if (curl_easy_getinfo(w->t.easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
        fd == CURL_SOCKET_BAD)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection broke",
                          nf_http_origin_of(&w->url).s);
    w->sock = nf_curl_sock_adopt(w->client->curl, fd, on_sock, w);
    return NF_OK;
}

static NF_RC read_head(struct nf_ws_client *w, struct nf_str *head, size_t *head_n,
                       struct nf_err *err)
{
    char buf[RECV_BYTES];
    size_t n = 0;

    while ((*head_n = nf_ws_handshake_head(nf_str_c(head), head->len)) == 0) {
        CURLcode rc = receive(w, buf, &n);
        if (rc == CURLE_AGAIN)
            NF_TRY(wait_readable(w, -1, "the server's handshake", err));
        else if (rc != CURLE_OK)
            return nf_err_set(err, w->failure.code, "%s", w->failure.msg);
        else if (head->len + n > NF_WS_HANDSHAKE_MAX + RECV_BYTES)
            return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the server's handshake is too long",
                              nf_http_origin_of(&w->url).s);
        else
            NF_TRY(nf_str_add(head, buf, n, err));
    }
    return NF_OK;
}

/* The request contained the caller's secret. */
static void wipe(struct nf_str *s)
{
    if (s->p)
        explicit_bzero(s->p, s->cap);
}

static NF_RC shake_hands(struct nf_ws_client *w, const struct nf_ws_client_options *o,
                         const char *key, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str head = { 0 };
    size_t head_n = 0;

    w->queued++;
    flush(w);
    while (w->out.len > 0) {
        NF_TRY(check_sending(w, err));
        NF_TRY(wait_sent(w, err));
    }
    wipe(&w->out);
    NF_TRY(read_head(w, &head, &head_n, err));

    bool asked = nf_http_headers_have(o->headers, o->headers_n, "Sec-WebSocket-Protocol");
    enum nf_code rc = nf_ws_handshake_check(nf_str_c(&head), head_n, key, asked, err);
    if (rc != NF_OK)
        return nf_err_wrap(err, rc, "%s", nf_http_origin_of(&w->url).s);
    if (head.len > head_n)
        feed(w, head.p + head_n, head.len - head_n);
    return NF_OK;
}

static NF_RC open_in_time(struct nf_ws_client *w, const struct nf_ws_client_options *o,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    int64_t ms = o->handshake_timeout_ms > 0 ? o->handshake_timeout_ms : HANDSHAKE_TIMEOUT_MS;
    char key[NF_WS_KEY_TEXT + 1];

    nf_deadline_push(&d, ms);
    NF_TRY(nf_http_url_parse(o->url, true, &w->url, err));
    NF_TRY(nf_ws_handshake_key(key, err));
    /* Before connecting: what is wrong with it should cost nobody a connection. */
    NF_TRY(nf_ws_handshake_request(w->client, &w->url, o, key, &w->out, err));
    NF_TRY(connect_to(w, o, ms > INT32_MAX ? INT32_MAX : ms, err));
    return shake_hands(w, o, key, err);
}

static void release(struct nf_ws_client *w)
{
    assert(!w->reader && !w->senders);
    if (w->added)
        nf_curl_remove(w->client->curl, &w->t);
    if (w->t.easy)
        curl_easy_cleanup(w->t.easy);
    nf_http_url_done(&w->url);
    nf_ws_reader_done(&w->frames);
    nf_str_done(&w->inbox);
    wipe(&w->out);
    nf_str_done(&w->out);
    nf_str_done(&w->pong);
    w->client->calls--;
    free(w);
}

NF_RC nf_ws_client_open(struct nf_http_client *c, const struct nf_ws_client_options *o,
                        struct nf_ws_client **ret, struct nf_err *err)
{
    struct nf_ws_client *w = calloc(1, sizeof *w);

    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a WebSocket");
    w->client = c;
    w->t.done = on_connected;
    w->close_code = 1006;
    w->message_max = o->message_max ? o->message_max : MESSAGE_MAX;
    w->inbox.max = w->message_max + INBOX_EXTRA + 1;
    w->out.max = w->message_max + NF_WS_HEAD_MAX + NF_STR_MAX; /* and the handshake */
    nf_ws_reader_init(&w->frames, false, w->message_max, on_frame, w);
    c->calls++;

    enum nf_code rc = open_in_time(w, o, err);
    if (rc != NF_OK) {
        release(w);
        return rc;
    }
    *ret = w;
    return NF_OK;
}

/* What is unread when a socket closes makes the kernel send a reset, which can overtake our close
 * frame. */
static void discard(struct nf_ws_client *w)
{
    char buf[4096];
    size_t n, total = 0;

    while (total < DISCARD_BYTES && curl_easy_recv(w->t.easy, buf, sizeof buf, &n) == CURLE_OK &&
           n > 0)
        total += n;
}

void nf_ws_client_close(struct nf_ws_client *w, int code)
{
    if (!w)
        return;
    w->pong_due = false;
    if (!w->close_due && !w->close_sent) {
        w->close_due = true;
        w->close_with = code;
    }
    flush(w);
    discard(w);
    release(w);
}
