/* The WebSocket side of the server, by a client that can also break the rules. */
#include "codec/ws.h"
#include "tests/integration/http_rig.h"

#include <malloc.h>
#include <stdatomic.h>
#include <sys/resource.h>

static atomic_int closed_n, closed_code, sends_refused, cancelled_n, hanging_n;

/* --- the application ------------------------------------------------------------------------- */

static enum nf_code flood(struct nf_websocket *ws, struct nf_err *err)
{
    static const char block[10000];
    for (int i = 0; i < 10000; i++) {
        enum nf_code rc = nf_websocket_send(ws, false, block, sizeof(block), err);
        if (rc == NF_E_LIMIT)
            atomic_fetch_add(&sends_refused, 1);
        if (rc != NF_OK)
            return NF_OK;
    }
    return NF_OK;
}

static enum nf_code on_message(void *user, struct nf_websocket *ws, bool text, const char *p,
                               size_t n, struct nf_err *err)
{
    struct nf_slice m = { p, n };
    (void)user;
    if (nf_slice_eq(m, "close"))
        nf_websocket_close(ws, 4000, "as you like");
    else if (nf_slice_eq(m, "flood"))
        return flood(ws, err);
    else if (nf_slice_eq(m, "deny"))
        return nf_err_set(err, NF_E_DENIED, "no");
    else if (nf_slice_eq(m, "fail"))
        return nf_err_set(err, NF_E_INTERNAL, "no");
    else if (nf_slice_eq(m, "bad"))
        return nf_err_set(err, NF_E_INVALID, "no");
    else if (nf_slice_eq(m, "hang")) {
        atomic_fetch_add(&hanging_n, 1);
        enum nf_code rc = nf_sleep(60000, err);
        atomic_fetch_add(&cancelled_n, rc == NF_OK ? 0 : 1);
        return rc;
    }
    if (n > 0 && p[0] == 's')
        NF_TRY(nf_sleep(50, err)); /* slow: what comes behind must wait its turn */
    if (n > 0 && p[0] == '3') {
        for (int i = 0; i < 3; i++)
            NF_TRY(nf_websocket_send(ws, text, p, n, err));
        return NF_OK;
    }
    enum nf_code rc = nf_websocket_send(ws, text, p, n, err);
    return rc == NF_E_CANCELED ? NF_OK : rc;
}

static void on_closed(void *user, struct nf_websocket *ws, int code)
{
    (void)ws;
    assert_ptr_equal(user, &closed_n);
    atomic_store(&closed_code, code);
    atomic_fetch_add(&closed_n, 1);
}

static const struct nf_websocket_ops ops = { on_message, on_closed };

static enum nf_code upgrade(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_websocket *ws;
    (void)arg;
    NF_TRY(nf_http_add_header(x, "X-Extra", "1", err));
    return nf_websocket_accept(x, &ops, &closed_n, &ws, err);
}

static const struct nf_http_route routes[] = { { "GET", "/ws", upgrade, 0, NF_ROUTE_UPGRADE } };

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    if (!r)
        return -1;
    r->options = (struct nf_http_server_options){ .routes = routes, .routes_n = 1 };
    r->options.limits.ws_message_max = 1000;
    r->grace_ms = 1000;
    closed_n = closed_code = sends_refused = cancelled_n = hanging_n = 0;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    free(r);
    return 0;
}

/* --- a client -------------------------------------------------------------------------------- */

#define SHAKE                                                                                      \
    "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"     \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static int shake(const struct rig *r)
{
    int fd = client(r);
    say(fd, SHAKE "\r\n");
    const char *a = hear_until(fd, "\r\n\r\n");
    assert_begins(a, "HTTP/1.1 101 ");
    return fd;
}

/* first: FIN and opcode. Masked unless `mask` is NULL. */
static void frame(int fd, uint8_t first, const char *p, size_t n, const uint8_t mask[4])
{
    uint8_t head[NF_WS_HEAD_MAX];
    size_t head_n = nf_ws_frame_head(head, NF_WS_TEXT, n, mask);
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, p, n);
    if (mask)
        nf_ws_mask(copy, n, mask, 0);
    head[0] = first;
    say_n(fd, (const char *)head, head_n);
    say_n(fd, copy, n);
    free(copy);
}

static const uint8_t mask[4] = { 1, 2, 3, 4 };

static void tell(int fd, const char *text)
{
    frame(fd, 0x81, text, strlen(text), mask);
}

static void get_n(int fd, void *p, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t r = recv(fd, (char *)p + at, n - at, 0);
        if (r <= 0)
            fail_msg("the connection ended within a frame");
        at += (size_t)r;
    }
}

/* The next frame; its first byte. The payload is NUL-terminated. */
static int get(int fd, char *ret, size_t max, size_t *n)
{
    uint8_t head[10];
    get_n(fd, head, 2);
    assert_int_equal(head[1] & 0x80, 0); /* a server does not mask */
    *n = head[1] & 0x7f;
    if (*n == 126) {
        get_n(fd, head + 2, 2);
        *n = (size_t)head[2] << 8 | head[3];
    }
    assert_true(head[1] != 127 && *n < max);
    get_n(fd, ret, *n);
    ret[*n] = '\0';
    return head[0];
}

static void expect(int fd, int first, const char *payload)
{
    char buf[70000];
    size_t n;
    assert_int_equal(get(fd, buf, sizeof(buf), &n), first);
    assert_string_equal(buf, payload);
}

/* A close frame with `code`, then the end. */
static void expect_close(int fd, int code)
{
    char buf[200];
    size_t n;
    assert_int_equal(get(fd, buf, sizeof(buf), &n), 0x88);
    assert_true(n == 0 || n >= 2);
    assert_int_equal(n == 0 ? 1005 : (uint8_t)buf[0] << 8 | (uint8_t)buf[1], code);
}

static void expect_end(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    if (n != 0)
        fail_msg("not ended: %s", n < 0 ? strerror(errno) : "it says more");
    close(fd);
}

static void wait_closed(int n)
{
    wait_for(&closed_n, n);
    assert_int_equal(closed_n, n);
}

/* --- handshake ------------------------------------------------------------------------------- */

static void a_handshake_is_checked(void **state)
{
    struct rig *r = *state;
    rig_start(r);
#define GET "GET /ws HTTP/1.1\r\nHost: x\r\n"
#define UP "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define V "Sec-WebSocket-Version: 13\r\n"
#define K "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        { GET V K "\r\n", 426 },
        { GET "Upgrade: h2c\r\nConnection: Upgrade\r\n" V K "\r\n", 426 },
        { GET "Upgrade: websocket\r\n" V K "\r\n", 400 },
        { GET UP K "\r\n", 426 },
        { GET UP "Sec-WebSocket-Version: 8\r\n" K "\r\n", 426 },
        { GET UP V V K "\r\n", 426 },
        { GET UP V "\r\n", 400 },
        { GET UP V K K "\r\n", 400 },
        { GET UP V "Sec-WebSocket-Key: short\r\n\r\n", 400 },
        { GET UP V "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=!\r\n\r\n", 400 },
        { GET UP V "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n\r\n", 400 },
        { GET UP V K "Content-Length: 1\r\n\r\nx", 400 },
        { "GET /ws HTTP/1.0\r\nHost: x\r\n" UP V K "\r\n", 400 },
        { "HEAD /ws HTTP/1.1\r\nHost: x\r\n" UP V K "\r\n", 400 },
        { "POST /ws HTTP/1.1\r\nHost: x\r\n" UP V K "\r\n", 405 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = client(r);
        char want[20];
        say(fd, cases[i].request);
        (void)snprintf(want, sizeof(want), "HTTP/1.1 %d ", cases[i].status);
        const char *a = hear_until(fd, "\r\n\r\n");
        assert_begins(a, want);
        if (cases[i].status == 426)
            assert_has(a, "\r\nSec-WebSocket-Version: 13\r\n");
        close(fd);
    }
    assert_int_equal(closed_n, 0);
}

static void a_handshake_is_answered(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    /* No extension and no protocol is agreed to, whatever is offered. */
    say(fd, SHAKE "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                  "Sec-WebSocket-Protocol: chat\r\n\r\n");
    const char *a = hear_until(fd, "\r\n\r\n");
    assert_has(a, "\r\nUpgrade: websocket\r\n");
    assert_has(a, "\r\nConnection: Upgrade\r\n");
    assert_has(a, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assert_has(a, "\r\nX-Extra: 1\r\n");
    assert_null(strstr(a, "Sec-WebSocket-Extensions"));
    assert_null(strstr(a, "Sec-WebSocket-Protocol"));
    close(fd);
    wait_closed(1);
    assert_int_equal(closed_code, 1006);
}

static void frames_right_behind_the_handshake_are_heard(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say_n(fd, SHAKE "\r\n\x81\x82\0\0\0\0hi", sizeof(SHAKE) - 1 + 2 + 8);
    (void)hear_until(fd, "\r\n\r\n");
    expect(fd, 0x81, "hi");
    close(fd);
}

/* --- messages -------------------------------------------------------------------------------- */

static void messages_come_back_in_order(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    tell(fd, "s1");
    tell(fd, "a2");
    tell(fd, "s3");
    frame(fd, 0x82, "b4", 2, mask);
    frame(fd, 0x81, "", 0, mask);
    expect(fd, 0x81, "s1");
    expect(fd, 0x81, "a2");
    expect(fd, 0x81, "s3");
    expect(fd, 0x82, "b4");
    expect(fd, 0x81, "");
    close(fd);
}

static void fragments_are_joined_with_pings_between(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    frame(fd, 0x01, "on", 2, mask);
    frame(fd, 0x89, "ping", 4, mask);
    frame(fd, 0x00, "", 0, mask);
    nap_ms(20);
    frame(fd, 0x80, "e", 1, mask);
    expect(fd, 0x8a, "ping");
    expect(fd, 0x81, "one");
    close(fd);
}

static void a_message_cut_anywhere_arrives(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    static const char bytes[] = "\x81\x85\1\2\3\4iggh\156";
    for (size_t i = 0; i < 11; i++) {
        say_n(fd, bytes + i, 1);
        nap_ms(5);
    }
    expect(fd, 0x81, "hedlo");
    close(fd);
}

static void many_messages_are_written_together(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    for (int i = 0; i < 100; i++)
        tell(fd, "3x");
    for (int i = 0; i < 300; i++)
        expect(fd, 0x81, "3x");
    close(fd);
}

static void the_message_limit_holds_at_its_edge(void **state)
{
    struct rig *r = *state;
    char big[1002];
    memset(big, 'x', sizeof(big));
    big[1000] = '\0';
    rig_start(r);
    int fd = shake(r);
    frame(fd, 0x81, big, 1000, mask);
    expect(fd, 0x81, big);
    big[1000] = 'x';
    frame(fd, 0x81, big, 1001, mask);
    expect_close(fd, 1009);
    expect_end(fd);

    fd = shake(r);
    frame(fd, 0x01, big, 600, mask);
    frame(fd, 0x80, big, 401, mask);
    expect_close(fd, 1009);
    expect_end(fd);
    wait_closed(2);
    assert_int_equal(closed_code, 1009);
}

static void broken_frames_close_with_their_code(void **state)
{
    struct rig *r = *state;
    static const struct {
        uint8_t first;
        const char *payload;
        size_t n;
        bool masked;
        int code;
    } cases[] = {
        { 0x81, "hi", 2, false, 1002 },         /* not masked */
        { 0xc1, "hi", 2, true, 1002 },          /* a reserved bit */
        { 0x83, "hi", 2, true, 1002 },          /* a reserved opcode */
        { 0x80, "hi", 2, true, 1002 },          /* continues nothing */
        { 0x09, "hi", 2, true, 1002 },          /* a ping in fragments */
        { 0x81, "\xff", 1, true, 1007 },        /* not UTF-8 */
        { 0x81, "\xc3", 1, true, 1007 },        /* ends within a character */
        { 0x88, "\x03", 1, true, 1002 },        /* half a code */
        { 0x88, "\x03\xed", 2, true, 1002 },    /* 1005 may not be sent */
        { 0x88, "\x03\xe8\xff", 3, true, 1007 } /* the reason is not UTF-8 */
    };
    rig_start(r);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd = shake(r);
        frame(fd, cases[i].first, cases[i].payload, cases[i].n, cases[i].masked ? mask : NULL);
        expect_close(fd, cases[i].code);
        expect_end(fd);
    }
    wait_closed((int)(sizeof(cases) / sizeof(cases[0])));
}

/* --- closing --------------------------------------------------------------------------------- */

static void a_close_is_answered(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    frame(fd, 0x88, "\x0f\xa1now", 5, mask); /* 4001 */
    expect_close(fd, 4001);
    expect_end(fd);
    wait_closed(1);
    assert_int_equal(closed_code, 4001);

    fd = shake(r);
    frame(fd, 0x88, "", 0, mask);
    expect_close(fd, 1005);
    expect_end(fd);
    wait_closed(2);
    assert_int_equal(closed_code, 1005);
}

static void we_can_close(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    tell(fd, "close");
    expect_close(fd, 4000);
    tell(fd, "dropped"); /* behind our close frame nothing is answered */
    frame(fd, 0x88, "\x0f\xa0", 2, mask);
    expect_end(fd);
    wait_closed(1);
    assert_int_equal(closed_code, 4000);
}

static void an_error_of_the_handler_closes(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *message;
        int code;
    } cases[] = { { "deny", 1008 }, { "bad", 1007 }, { "fail", 1011 } };
    rig_start(r);
    for (size_t i = 0; i < 3; i++) {
        int fd = shake(r);
        tell(fd, cases[i].message);
        expect_close(fd, cases[i].code);
        frame(fd, 0x88, "", 0, mask);
        expect_end(fd);
    }
    wait_closed(3);
}

static void a_slow_consumer_is_closed(void **state)
{
    struct rig *r = *state;
    r->options.limits.ws_queue_max = 100000;
    rig_start(r);
    int fd = shake(r);
    tell(fd, "flood");
    wait_for(&sends_refused, 1);
    wait_closed(1); /* it gets 5 s to read our close frame */
    assert_int_equal(closed_code, 1008);
    close(fd);
}

static void silence_is_pinged_then_dropped(void **state)
{
    struct rig *r = *state;
    r->options.limits.ws_ping_ms = 1000;
    rig_start(r);
    int fd = shake(r);
    for (int i = 0; i < 3; i++) { /* who answers, stays */
        expect(fd, 0x89, "");
        frame(fd, 0x8a, "", 0, mask);
    }
    expect(fd, 0x89, "");
    int64_t begin = rig_now_ms();
    expect_end(fd);
    assert_true(rig_now_ms() - begin >= 500);
    wait_closed(1);
    assert_int_equal(closed_code, 1006);
}

static void a_handler_that_hangs_is_cancelled(void **state)
{
    struct rig *r = *state;
    r->options.limits.handler_timeout_ms = 200;
    rig_start(r);
    int fd = shake(r);
    tell(fd, "hang");
    expect_close(fd, 1011);
    close(fd);
    assert_int_equal(cancelled_n, 1);
}

static void leaving_while_the_handler_runs_lets_it_finish(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = shake(r);
    tell(fd, "s");
    nap_ms(10);
    close(fd);
    wait_closed(1);
    assert_int_equal(cancelled_n, 0);
}

static void stop_says_going_away(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int polite = shake(r), rude = shake(r), busy = shake(r);
    tell(busy, "hang");
    wait_for(&hanging_n, 1);
    rig_tell_to_stop(r);
    expect_close(polite, 1001);
    frame(polite, 0x88, "\x03\xe9", 2, mask);
    expect_end(polite);
    rig_stop(r);
    assert_int_equal(closed_n, 3);
    assert_int_equal(cancelled_n, 1);
    assert_true(r->stop_took_ms < 30000);
    close(rude);
    close(busy);
}

static void a_failed_allocation_costs_a_socket_at_most(void **state)
{
    struct rig *r = *state;
    skip_under_tsan();
    rig_start(r);
    for (size_t n = 1; n <= 10; n++) {
        int fd = client(r);
        nf_fail_alloc_at(n);
        say(fd, SHAKE "\r\n");
        say_n(fd, "\x01\x82\0\0\0\0hi\x80\x82\0\0\0\0hi\x88\x80\0\0\0\0", 22);
        (void)hear_all(fd);
        nf_fail_alloc_at(0);
        close(fd);
    }
    int fd = shake(r);
    tell(fd, "hi");
    expect(fd, 0x81, "hi");
    close(fd);
}

static void an_idle_socket_holds_little_memory(void **state)
{
    struct rig *r = *state;
    skip_under_tsan();
    enum { N = 2000 };
    static int fds[N];
    struct rlimit files;
    if (getenv("NF_UNDER_VALGRIND"))
        skip(); /* it has a heap of its own */
    (void)getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 2 * N + 100)
        skip();
    rig_start(r);
    for (int i = 0; i < 100; i++) /* what is allocated once */
        close(shake(r));
    wait_closed(100);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < N; i++) {
        fds[i] = shake(r);
        tell(fds[i], "hi");
        expect(fds[i], 0x81, "hi");
    }
    nap_ms(50);
    struct mallinfo2 after = mallinfo2();
    size_t each = (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / N;
    print_message("%zu bytes of heap per idle socket\n", each);
    for (int i = 0; i < N; i++)
        close(fds[i]);
#ifndef __SANITIZE_ADDRESS__
    assert_true(each > 0 && each < 1024);
#endif
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_handshake_is_checked),
        T(a_handshake_is_answered),
        T(frames_right_behind_the_handshake_are_heard),
        T(messages_come_back_in_order),
        T(fragments_are_joined_with_pings_between),
        T(a_message_cut_anywhere_arrives),
        T(many_messages_are_written_together),
        T(the_message_limit_holds_at_its_edge),
        T(broken_frames_close_with_their_code),
        T(a_close_is_answered),
        T(we_can_close),
        T(an_error_of_the_handler_closes),
        T(a_slow_consumer_is_closed),
        T(silence_is_pinged_then_dropped),
        T(a_handler_that_hangs_is_cancelled),
        T(leaving_while_the_handler_runs_lets_it_finish),
        T(stop_says_going_away),
        T(a_failed_allocation_costs_a_socket_at_most),
        T(an_idle_socket_holds_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
