/* The WebSocket client against a server that plays every frame by hand: opening, and messages. */
#include "tests/integration/ws_client_rig.h"

/* --- opening ---------------------------------------------------------------------------------- */

static void serve_handshake_echo(struct raw_conn *c)
{
    if (!ws_hello(c))
        return;
    ws_put(c, NF_WS_TEXT, c->request, c->request_n);
    raw_peer_gone(c);
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
    EXPECT_CODE(nf_ws_client_recv(w, RAW_WAIT_MS, &p, &n, &text, err), NF_OK);

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
        raw_peer_gone(c);
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
    raw_peer_gone(c);
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
    EXPECT(now_ms() - began < RAW_WAIT_MS);
    EXPECT(raw_server_wait_gone(f->server, 1));
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
    raw_peer_gone(c);
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
            rc = nf_ws_client_recv(w, RAW_WAIT_MS, &got, &n, &text, err);
        if (rc == NF_OK && (n != sizes[i] || text || memcmp(got, p, n) != 0))
            rc = nf_err_set(err, NF_E_INTERNAL, "size %zu comes back as %zu", sizes[i], n);
    }
    EXPECT_CODE(nf_ws_client_send(w, p, BIG + 1, false, err), NF_E_LIMIT);
    nf_ws_client_close(w, 4001);
    for (int i = 0; i < RAW_WAIT_MS && atomic_load(&seen) == 0; i++)
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
                raw_peer_gone(c);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
