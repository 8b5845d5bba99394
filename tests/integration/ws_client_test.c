/* The WebSocket client against a server that plays every frame by hand. */
#include "runtime/ws_client.h"

#include "codec/ws.h"
#include "tests/integration/client_fixture.h"

#include <stdlib.h>
#include <unistd.h>

/* --- the server's side ------------------------------------------------------------------------ */

/* `replace` instead of the line "Upgrade: websocket\r\n"; `extra` after the headers. */
static bool ws_accept(struct raw_conn *c, const char *status, const char *replace,
                      const char *extra)
{
    char accept[29] = "none", head[512];

    if (!raw_request(c))
        return false;
    const char *key = strstr(c->request, "\r\nSec-WebSocket-Key: ");
    if (key)
        nf_ws_accept_key(key + 21, 24, accept);
    (void)snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%sConnection: Upgrade\r\n%s\r\n\r\n", status,
                   replace, extra);
    char *at = strstr(head, "@KEY@");
    if (at) {
        char rest[512];
        (void)snprintf(rest, sizeof rest, "%s", at + 5);
        (void)snprintf(at, (size_t)(head + sizeof head - at), "%s%s", accept, rest);
    }
    return raw_send(c, head);
}

static bool ws_hello(struct raw_conn *c)
{
    return ws_accept(c, "101 Switching Protocols", "Upgrade: websocket\r\n",
                     "Sec-WebSocket-Accept: @KEY@");
}

static bool ws_put(struct raw_conn *c, enum nf_ws_opcode op, const void *p, size_t n)
{
    uint8_t head[NF_WS_HEAD_MAX];
    size_t head_n = nf_ws_frame_head(head, op, n, NULL);

    return raw_sendn(c, head, head_n) && raw_sendn(c, p, n);
}

/* A whole frame; false unless it is masked. */
static bool ws_get(struct raw_conn *c, int *op, char *p, size_t max, size_t *n)
{
    uint8_t h[2], mask[4], more[8];

    if (!raw_read_exact(c, h, 2) || !(h[1] & 0x80))
        return false;
    *op = h[0];
    *n = h[1] & 0x7f;
    size_t bytes = *n == 126 ? 2 : *n == 127 ? 8 : 0;
    if (bytes > 0) {
        if (!raw_read_exact(c, more, bytes))
            return false;
        *n = 0;
        for (size_t i = 0; i < bytes; i++)
            *n = *n << 8 | more[i];
    }
    if (*n > max || !raw_read_exact(c, mask, 4) || !raw_read_exact(c, p, *n))
        return false;
    nf_ws_mask(p, *n, mask, 0);
    return true;
}

static atomic_int seen; /* what the server wants the test to know */

static void ws_closep(struct nf_ws_client **w)
{
    nf_ws_client_close(*w, 1000);
}

static NF_RC open_ws(struct fixture *f, struct nf_ws_client **ret, struct nf_err *err)
{
    return nf_ws_client_open(
        f->client, &(struct nf_ws_client_options){ .url = f->ws_url, .handshake_timeout_ms = 3000 },
        ret, err);
}

static NF_RC expect_message(struct nf_ws_client *w, const char *want, bool want_text,
                            struct nf_err *err)
{
    const char *p;
    size_t n;
    bool text;

    NF_TRY(nf_ws_client_recv(w, 3000, &p, &n, &text, err));
    EXPECT(n == strlen(want) && memcmp(p, want, n) == 0);
    EXPECT(text == want_text);
    return NF_OK;
}

static NF_RC expect_end(struct nf_ws_client *w, enum nf_code want, struct nf_err *err)
{
    const char *p;
    size_t n;
    bool text;

    EXPECT_CODE(nf_ws_client_recv(w, 3000, &p, &n, &text, err), want);
    return NF_OK;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void serve_handshake_echo(struct raw_conn *c)
{
    if (!ws_hello(c))
        return;
    ws_put(c, NF_WS_TEXT, c->request, c->request_n);
    raw_peer_gone(c, 3000);
}

static enum nf_code handshake_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
    NF_CLEANUP(nf_secret_done) struct nf_secret key = { 0 };
    struct nf_http_header headers[] = { { "Cookie", "a=b" }, { "Origin", "http://x" } };
    const char *p;
    size_t n;
    bool text;
    char url[160];

    (void)snprintf(url, sizeof url, "%s/gateway?v=10#f", f->ws_url);
    NF_TRY(nf_secret_set(&key, "hush", err));
    EXPECT_CODE(nf_ws_client_open(f->client,
                                  &(struct nf_ws_client_options){ .url = url,
                                                                  .headers = headers,
                                                                  .headers_n = 2,
                                                                  .secret_header = "Authorization",
                                                                  .secret_prefix = "Bot ",
                                                                  .secret = &key },
                                  &w, err),
                NF_OK);
    EXPECT_CODE(nf_ws_client_recv(w, 3000, &p, &n, &text, err), NF_OK);

    NF_CLEANUP(nf_str_done) struct nf_str r = { 0 };
    NF_TRY(nf_str_add(&r, p, n, err));
    const char *s = nf_str_c(&r);
    EXPECT(strncmp(s, "GET /gateway?v=10 HTTP/1.1\r\nHost: 127.0.0.1:", 44) == 0);
    EXPECT(strstr(s, "\r\nUpgrade: websocket\r\n") && strstr(s, "\r\nConnection: Upgrade\r\n"));
    EXPECT(strstr(s, "\r\nSec-WebSocket-Version: 13\r\n"));
    EXPECT(strstr(s, "\r\nCookie: a=b\r\nOrigin: http://x\r\nAuthorization: Bot hush\r\n\r\n"));
    EXPECT(!strstr(s, "Extensions"));
    return NF_OK;
}

static void the_handshake_is_that_of_rfc_6455(void **state)
{
    (void)state;
    run(serve_handshake_echo, handshake_body);
}

struct wrong {
    const char *status, *upgrade, *extra;
    enum nf_code want;
};

static const struct wrong wrongs[] = {
    { "101 X", "Upgrade: websocket\r\n", "Sec-WebSocket-Accept: @KEY@", NF_OK },
    { "101 X", "upgrade: WebSocket\r\n", "sec-websocket-accept:@KEY@", NF_OK },
    { "101 X", "Upgrade: websocket\r\n", "Sec-WebSocket-Accept: bad", NF_E_UNAVAILABLE },
    { "101 X", "Upgrade: websocket\r\n", "X: y", NF_E_UNAVAILABLE },
    { "101 X", "", "Sec-WebSocket-Accept: @KEY@", NF_E_UNAVAILABLE },
    { "101 X", "Upgrade: h2c\r\n", "Sec-WebSocket-Accept: @KEY@", NF_E_UNAVAILABLE },
    { "101 X", "Upgrade: websocket\r\n",
      "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: @KEY@",
      NF_E_UNAVAILABLE },
    { "101 X", "Upgrade: websocket\r\n",
      "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Accept: @KEY@", NF_E_UNAVAILABLE },
    { "200 OK", "Upgrade: websocket\r\n", "Sec-WebSocket-Accept: @KEY@", NF_E_UNAVAILABLE },
    { "401 No", "", "X: y", NF_E_DENIED },
    { "403 No", "", "X: y", NF_E_DENIED },
    { "404 No", "", "X: y", NF_E_UNAVAILABLE },
    { "1015 X", "Upgrade: websocket\r\n", "Sec-WebSocket-Accept: @KEY@", NF_E_UNAVAILABLE },
};
#define WRONGS (sizeof wrongs / sizeof *wrongs)

static void serve_wrong(struct raw_conn *c)
{
    const struct wrong *t = &wrongs[(size_t)c->nth % WRONGS];

    if (ws_accept(c, t->status, t->upgrade, t->extra))
        raw_peer_gone(c, 3000);
}

static enum nf_code wrong_body(struct fixture *f, struct nf_err *err)
{
    for (size_t i = 0; i < WRONGS; i++) {
        struct nf_ws_client *w = NULL;
        enum nf_code rc = open_ws(f, &w, err);
        nf_ws_client_close(w, 0);
        if (rc != wrongs[i].want)
            return nf_err_wrap(err, NF_E_INTERNAL, "answer %zu: %s", i, nf_code_name(rc));
    }
    EXPECT(raw_server_conns(f->server) == (int)WRONGS);
    return NF_OK;
}

static void an_answer_that_agrees_to_something_else_is_refused(void **state)
{
    (void)state;
    run(serve_wrong, wrong_body);
}

static void serve_endless_head(struct raw_conn *c)
{
    if (raw_request(c) && raw_send(c, "HTTP/1.1 101 X\r\n"))
        while (raw_send(c, "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"))
            ;
}

static void serve_nothing(struct raw_conn *c)
{
    raw_peer_gone(c, 3000);
}

static void serve_half_head(struct raw_conn *c)
{
    if (raw_request(c))
        raw_send(c, "HTTP/1.1 101 X\r\nUpgr");
}

static enum nf_code unavailable_body(struct fixture *f, struct nf_err *err)
{
    struct nf_ws_client *w = NULL;

    EXPECT_CODE(open_ws(f, &w, err), NF_E_UNAVAILABLE);
    return NF_OK;
}

static enum nf_code silent_body(struct fixture *f, struct nf_err *err)
{
    struct nf_ws_client *w = NULL;
    int64_t began = now_ms();

    EXPECT_CODE(nf_ws_client_open(
                    f->client,
                    &(struct nf_ws_client_options){ .url = f->ws_url, .handshake_timeout_ms = 100 },
                    &w, err),
                NF_E_TIMEOUT);
    EXPECT(now_ms() - began < 2000);
    EXPECT(raw_server_wait_gone(f->server, 1, 1000));
    return NF_OK;
}

static void a_handshake_without_end_without_beginning_or_cut_is_given_up(void **state)
{
    (void)state;
    run(serve_endless_head, unavailable_body);
    run(serve_nothing, silent_body);
    run(serve_half_head, unavailable_body);
}

static enum nf_code bad_options_body(struct fixture *f, struct nf_err *err)
{
    static const char *const urls[] = {
        "http://127.0.0.1/",     "ws://", "ws:///x", "wss:127.0.0.1", "ws://127.0.0.1/\r\nX: y",
        "ws://u:hush@127.0.0.1/"
    };
    static const struct nf_http_header headers[] = { { "X", "a\r\nY: b" },
                                                     { "Sec-WebSocket-Key", "x" },
                                                     { "upgrade", "x" } };
    struct nf_ws_client *w = NULL;

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum nf_code rc =
            nf_ws_client_open(f->client, &(struct nf_ws_client_options){ .url = urls[i] }, &w, err);
        if (rc != NF_E_INVALID || strstr(err->msg, "hush"))
            return nf_err_wrap(err, NF_E_INTERNAL, "url %zu: %s", i, nf_code_name(rc));
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        EXPECT_CODE(nf_ws_client_open(f->client,
                                      &(struct nf_ws_client_options){ .url = f->ws_url,
                                                                      .headers = &headers[i],
                                                                      .headers_n = 1 },
                                      &w, err),
                    NF_E_INVALID);
    EXPECT(raw_server_conns(f->server) == 0);
    return NF_OK;
}

static void bad_urls_and_headers_are_refused_before_connecting(void **state)
{
    (void)state;
    run(serve_nothing, bad_options_body);
}

/* --- messages --------------------------------------------------------------------------------- */

static void serve_first_in_one_piece(struct raw_conn *c)
{
    /* The end of "abc", and "de" in two fragments with a ping between them. */
    static const char rest[] = "\x03\x61\x62\x63\x01\x01\x64\x89\x01\x70\x80\x01\x65";
    char all[600], accept[29];

    if (!raw_request(c))
        return;
    nf_ws_accept_key(strstr(c->request, "\r\nSec-WebSocket-Key: ") + 21, 24, accept);
    int n = snprintf(all, sizeof all,
                     "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: keep-alive, upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n\x81\x02hi\x82\x01z\x81",
                     accept);
    raw_sendn(c, all, (size_t)n);
    raw_sleep(c, 30);
    raw_drip(c, rest, sizeof rest - 1, 1);
    raw_peer_gone(c, 3000);
}

static enum nf_code pieces_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    NF_TRY(expect_message(w, "hi", true, err));
    NF_TRY(expect_message(w, "z", false, err));
    NF_TRY(expect_message(w, "abc", true, err));
    NF_TRY(expect_message(w, "de", true, err));
    return NF_OK;
}

static void frames_that_come_with_the_handshake_in_pieces_or_fragments_are_delivered(void **state)
{
    (void)state;
    run(serve_first_in_one_piece, pieces_body);
}

#define BIG ((size_t)1 << 20)

static void serve_ws_echo(struct raw_conn *c)
{
    char *p = malloc(BIG);
    size_t n;
    int op;

    if (p && ws_hello(c))
        while (ws_get(c, &op, p, BIG, &n)) {
            if ((op & 15) == NF_WS_CLOSE) {
                atomic_store(&seen, n >= 2 ? (uint8_t)p[0] << 8 | (uint8_t)p[1] : 1005);
                break;
            }
            if (!ws_put(c, op & 15, p, n))
                break;
        }
    free(p);
}

static enum nf_code echo_body(struct fixture *f, struct nf_err *err)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 127, 65535, 65536, 300000, BIG };
    NF_CLEANUP(nf_freep) char *p = malloc(BIG + 1);
    struct nf_ws_client *w = NULL;
    const char *got;
    size_t n;
    bool text;

    for (size_t i = 0; i < BIG; i++)
        p[i] = (char)(i * 31 + i / 1000);
    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    enum nf_code rc = NF_OK;
    for (size_t i = 0; rc == NF_OK && i < sizeof sizes / sizeof *sizes; i++) {
        rc = nf_ws_client_send(w, p, sizes[i], false, err);
        if (rc == NF_OK)
            rc = nf_ws_client_recv(w, 5000, &got, &n, &text, err);
        if (rc == NF_OK && (n != sizes[i] || text || memcmp(got, p, n) != 0))
            rc = nf_err_set(err, NF_E_INTERNAL, "size %zu comes back as %zu", sizes[i], n);
    }
    EXPECT_CODE(nf_ws_client_send(w, p, BIG + 1, false, err), NF_E_LIMIT);
    nf_ws_client_close(w, 4001);
    for (int i = 0; i < 1000 && atomic_load(&seen) == 0; i++)
        usleep(1000);
    NF_TRY(rc);
    EXPECT(atomic_load(&seen) == 4001);
    return NF_OK;
}

static void messages_of_every_length_pass_both_ways_and_closing_says_why(void **state)
{
    (void)state;
    atomic_store(&seen, 0);
    run(serve_ws_echo, echo_body);
}

/* Several fibers send at once while the server does not read for a while. */
struct sender_arg {
    struct nf_ws_client *w;
    char c;
};

static enum nf_code send_many(void *arg, struct nf_err *err)
{
    struct sender_arg *a = arg;
    size_t n = 200000;
    NF_CLEANUP(nf_freep) char *p = malloc(n);

    memset(p, a->c, n);
    for (int i = 0; i < 10; i++)
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): nf_freep frees it */
        NF_TRY(nf_ws_client_send(a->w, p, n, false, err));
    return NF_OK;
}

static void serve_slow_reader(struct raw_conn *c)
{
    char *p = malloc(BIG);
    size_t n;
    int op, whole = 0;

    if (p && ws_hello(c) && raw_sleep(c, 200))
        while (ws_get(c, &op, p, BIG, &n) && n == 200000 && memcmp(p, p + 1, n - 1) == 0)
            if (++whole == 40) {
                ws_put(c, NF_WS_TEXT, "all", 3);
                raw_peer_gone(c, 3000);
            }
    free(p);
}

static enum nf_code senders_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
    struct sender_arg a[4];

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, f->loop);
    for (int i = 0; i < 4; i++) {
        a[i] = (struct sender_arg){ w, (char)('a' + i) };
        NF_TRY(nf_scope_spawn(&s, send_many, &a[i], NULL, err));
    }
    NF_TRY(nf_scope_join(&s, err));
    return expect_message(w, "all", true, err);
}

static void senders_at_once_wait_for_a_slow_reader_and_never_mix_frames(void **state)
{
    (void)state;
    run(serve_slow_reader, senders_body);
}

/* --- control frames --------------------------------------------------------------------------- */

static void serve_ping(struct raw_conn *c)
{
    char p[200];
    size_t n;
    int op;

    if (!ws_hello(c) || !ws_put(c, NF_WS_PING, "are you there", 13) ||
        !ws_get(c, &op, p, sizeof p, &n) || op != (0x80 | NF_WS_PONG) || n != 13 ||
        memcmp(p, "are you there", 13) != 0)
        return;
    if (!ws_put(c, NF_WS_PONG, "x", 1) || !ws_put(c, NF_WS_PING, "", 0) ||
        !ws_get(c, &op, p, sizeof p, &n) || op != (0x80 | NF_WS_PONG) || n != 0)
        return;
    ws_put(c, NF_WS_TEXT, "good", 4);
    ws_put(c, NF_WS_CLOSE,
           "\x0f\xa0"
           "bye",
           5);
    if (ws_get(c, &op, p, sizeof p, &n) && op == (0x80 | NF_WS_CLOSE) && n == 2 &&
        memcmp(p, "\x0f\xa0", 2) == 0)
        atomic_store(&seen, 1);
}

static enum nf_code ping_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    EXPECT(nf_ws_client_close_code(w) == 1006);
    NF_TRY(expect_message(w, "good", true, err));
    NF_TRY(expect_end(w, NF_E_NOT_FOUND, err));
    EXPECT(nf_ws_client_close_code(w) == 4000);
    NF_TRY(expect_end(w, NF_E_NOT_FOUND, err));
    EXPECT_CODE(nf_ws_client_send(w, "x", 1, true, err), NF_E_UNAVAILABLE);
    for (int i = 0; i < 1000 && atomic_load(&seen) == 0; i++)
        usleep(1000);
    EXPECT(atomic_load(&seen) == 1);
    return NF_OK;
}

static void pings_and_the_peers_close_are_answered(void **state)
{
    (void)state;
    atomic_store(&seen, 0);
    run(serve_ping, ping_body);
}

static void serve_ping_flood(struct raw_conn *c)
{
    char frame[4 + 125] = { (char)0x89, 125 };

    if (!ws_hello(c))
        return;
    for (int i = 0; i < 100000; i++)
        if (!raw_sendn(c, frame, 127))
            return;
    ws_put(c, NF_WS_TEXT, "end", 3);
    raw_peer_gone(c, 3000);
}

static enum nf_code ping_flood_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    const char *p;
    size_t n;
    bool text;
    EXPECT_CODE(nf_ws_client_recv(w, 20000, &p, &n, &text, err), NF_OK);
    EXPECT(n == 3);
    return NF_OK;
}

static void pings_whose_answers_nobody_reads_use_no_memory(void **state)
{
    (void)state;
    run(serve_ping_flood, ping_flood_body);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void serve_violation(struct raw_conn *c)
{
    static const struct {
        const char *p;
        size_t n;
        int want;
    } bad[] = {
        { "\x81\x81\x00\x00\x00\x00x", 7, 1002 }, /* masked */
        { "\xc1\x00", 2, 1002 },
        { "\x83\x00", 2, 1002 },
        { "\x81\x01\xff", 3, 1007 },
        { "\x88\x02\x03\xed", 4, 1002 }, /* 1005 */
        { "\x82\x7f\x00\x00\x00\x00\x00\x20\x00\x00", 10, 1009 },
    };
    char p[200];
    size_t n;
    int op, i = c->nth % 6;

    if (ws_hello(c) && raw_send(c, "\x81\x02ok") && raw_sendn(c, bad[i].p, bad[i].n) &&
        ws_get(c, &op, p, sizeof p, &n) && op == (0x80 | NF_WS_CLOSE) && n == 2 &&
        ((uint8_t)p[0] << 8 | (uint8_t)p[1]) == bad[i].want)
        atomic_fetch_add(&seen, 1);
}

static enum nf_code violation_body(struct fixture *f, struct nf_err *err)
{
    for (int i = 0; i < 6; i++) {
        NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
        EXPECT_CODE(open_ws(f, &w, err), NF_OK);
        NF_TRY(expect_message(w, "ok", true, err));
        NF_TRY(expect_end(w, i == 5 ? NF_E_LIMIT : NF_E_INVALID, err));
        NF_TRY(expect_end(w, i == 5 ? NF_E_LIMIT : NF_E_INVALID, err));
    }
    for (int i = 0; i < 1000 && atomic_load(&seen) < 6; i++)
        usleep(1000);
    EXPECT(atomic_load(&seen) == 6);
    return NF_OK;
}

static void a_broken_frame_is_answered_with_the_right_close_code(void **state)
{
    (void)state;
    atomic_store(&seen, 0);
    run(serve_violation, violation_body);
}

static void serve_vanish(struct raw_conn *c)
{
    if (ws_hello(c)) {
        raw_send(c, "\x81\x05he");
        if (c->nth % 2 == 1)
            raw_reset(c);
    }
}

static enum nf_code vanish_body(struct fixture *f, struct nf_err *err)
{
    for (int i = 0; i < 4; i++) {
        NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
        enum nf_code rc = open_ws(f, &w, err);
        if (rc == NF_E_UNAVAILABLE && i % 2 == 1)
            continue; /* the reset was faster than the handshake */
        EXPECT_CODE(rc, NF_OK);
        NF_TRY(expect_end(w, NF_E_UNAVAILABLE, err));
        EXPECT(nf_ws_client_close_code(w) == 1006);
        rc = NF_OK;
        for (int k = 0; rc == NF_OK && k < 50; k++) {
            rc = nf_ws_client_send(w, "x", 1, true, err);
            EXPECT_CODE(nf_sleep(2, err), NF_OK);
        }
        EXPECT_CODE(rc, NF_E_UNAVAILABLE);
    }
    return NF_OK;
}

static void a_connection_that_breaks_is_noticed_by_reader_and_sender(void **state)
{
    (void)state;
    run(serve_vanish, vanish_body);
}

static void serve_late(struct raw_conn *c)
{
    if (ws_hello(c) && raw_sleep(c, 200))
        ws_put(c, NF_WS_TEXT, "late", 4);
    raw_peer_gone(c, 3000);
}

static enum nf_code late_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
    const char *p;
    size_t n;
    bool text;

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    EXPECT_CODE(nf_ws_client_recv(w, 50, &p, &n, &text, err), NF_E_TIMEOUT);
    EXPECT_CODE(nf_ws_client_recv(w, 0, &p, &n, &text, err), NF_E_TIMEOUT);
    return expect_message(w, "late", true, err);
}

static void a_timeout_leaves_the_connection_usable(void **state)
{
    (void)state;
    run(serve_late, late_body);
}

struct reader_arg {
    struct nf_ws_client *w;
    enum nf_code rc;
};

static enum nf_code read_one(void *arg, struct nf_err *err)
{
    struct reader_arg *a = arg;
    const char *p;
    size_t n;
    bool text;

    a->rc = nf_ws_client_recv(a->w, -1, &p, &n, &text, err);
    return NF_OK;
}

static enum nf_code cancel_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;
    struct reader_arg a = { 0 };

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, f->loop);
    a.w = w;
    NF_TRY(nf_scope_spawn(&s, read_one, &a, NULL, err));
    EXPECT_CODE(nf_sleep(20, err), NF_OK);
    nf_scope_cancel(&s);
    EXPECT_CODE(nf_scope_join(&s, err), NF_OK);
    EXPECT_CODE(a.rc, NF_E_CANCELED);
    return expect_message(w, "late", true, err);
}

static void a_reader_can_be_cancelled(void **state)
{
    (void)state;
    run(serve_late, cancel_body);
}

static enum nf_code nomem_body(struct fixture *f, struct nf_err *err)
{
    enum nf_code rc = NF_E_NOMEM;
    size_t n;

    for (n = 1; rc != NF_OK && n < 50; n++) {
        struct nf_ws_client *w = NULL;
        nf_fail_alloc_at(n);
        rc = open_ws(f, &w, err);
        if (rc == NF_OK)
            rc = expect_message(w, "ok", true, err);
        nf_fail_alloc_at(0);
        nf_ws_client_close(w, 0);
        if (rc != NF_OK && rc != NF_E_NOMEM && rc != NF_E_UNAVAILABLE)
            return nf_err_wrap(err, NF_E_INTERNAL, "allocation %zu: %s", n, nf_code_name(rc));
    }
    EXPECT_CODE(rc, NF_OK);
    EXPECT(n > 8);
    return NF_OK;
}

static void serve_ok(struct raw_conn *c)
{
    if (ws_hello(c) && ws_put(c, NF_WS_TEXT, "ok", 2))
        raw_peer_gone(c, 3000);
}

static void without_memory_it_fails_and_leaves_nothing_behind(void **state)
{
    (void)state;
    run(serve_ok, nomem_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_is_that_of_rfc_6455),
        cmocka_unit_test(an_answer_that_agrees_to_something_else_is_refused),
        cmocka_unit_test(a_handshake_without_end_without_beginning_or_cut_is_given_up),
        cmocka_unit_test(bad_urls_and_headers_are_refused_before_connecting),
        cmocka_unit_test(frames_that_come_with_the_handshake_in_pieces_or_fragments_are_delivered),
        cmocka_unit_test(messages_of_every_length_pass_both_ways_and_closing_says_why),
        cmocka_unit_test(senders_at_once_wait_for_a_slow_reader_and_never_mix_frames),
        cmocka_unit_test(pings_and_the_peers_close_are_answered),
        cmocka_unit_test(pings_whose_answers_nobody_reads_use_no_memory),
        cmocka_unit_test(a_broken_frame_is_answered_with_the_right_close_code),
        cmocka_unit_test(a_connection_that_breaks_is_noticed_by_reader_and_sender),
        cmocka_unit_test(a_timeout_leaves_the_connection_usable),
        cmocka_unit_test(a_reader_can_be_cancelled),
        cmocka_unit_test(without_memory_it_fails_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
