/* The WebSocket client against a server that plays every frame by hand: control frames, and what
 * goes wrong. */
#include "tests/integration/ws_client_rig.h"

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
    for (int i = 0; i < RAW_WAIT_MS && atomic_load(&seen) == 0; i++)
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
    raw_peer_gone(c);
}

static enum nf_code ping_flood_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(ws_closep) struct nf_ws_client *w = NULL;

    EXPECT_CODE(open_ws(f, &w, err), NF_OK);
    const char *p;
    size_t n;
    bool text;
    EXPECT_CODE(nf_ws_client_recv(w, RAW_WAIT_MS, &p, &n, &text, err), NF_OK);
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
    for (int i = 0; i < RAW_WAIT_MS && atomic_load(&seen) < 6; i++)
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
        for (int k = 0; rc == NF_OK && k < RAW_WAIT_MS / 2; k++) {
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

/* Once the test has set `seen`. */
static void serve_late(struct raw_conn *c)
{
    bool there = ws_hello(c);

    for (int i = 0; there && i < RAW_WAIT_MS && atomic_load(&seen) == 0; i++)
        there = raw_sleep(c, 1);
    if (there)
        ws_put(c, NF_WS_TEXT, "late", 4);
    raw_peer_gone(c);
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
    atomic_store(&seen, 1);
    return expect_message(w, "late", true, err);
}

static void a_timeout_leaves_the_connection_usable(void **state)
{
    (void)state;
    atomic_store(&seen, 0);
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
    atomic_store(&seen, 1);
    return expect_message(w, "late", true, err);
}

static void a_reader_can_be_cancelled(void **state)
{
    (void)state;
    atomic_store(&seen, 0);
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

static void serve_one(struct raw_conn *c)
{
    if (ws_hello(c) && ws_put(c, NF_WS_TEXT, "ok", 2))
        raw_peer_gone(c);
}

static void without_memory_it_fails_and_leaves_nothing_behind(void **state)
{
    (void)state;
    run(serve_one, nomem_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
