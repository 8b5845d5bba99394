/* What the HTTP client makes of servers that hang, break off, flood or lie, and of being cancelled.
 */
#include "tests/integration/faults_fixture.h"

/* --- broken off ------------------------------------------------------------------------------- */

#define CUT_LENGTH "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"
#define CUT_CHUNKED                                                                                \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"

static const char *cut_text;
static atomic_int cut_at;

static void serve_cut(struct raw_conn *c)
{
    if (raw_request(c))
        raw_sendn(c, cut_text, (size_t)atomic_load(&cut_at));
}

static enum nf_code cut_body(struct fixture *f, struct nf_err *err)
{
    size_t n = strlen(cut_text);

    /* A server serves RAW_CONNS connections, so take a new one for each cut. */
    for (size_t k = 0; k <= n; k++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        char url[64];
        atomic_store(&cut_at, (int)k);
        struct raw_server *s = raw_server_new(serve_cut, NULL, NULL);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", raw_server_port(s));
        enum nf_code rc = get(f, url, &body, err);
        raw_server_free(s);
        if (k == n)
            EXPECT_CODE(rc, NF_OK);
        else if (rc != NF_E_UNAVAILABLE)
            return nf_err_set(err, NF_E_INTERNAL, "cut at %zu: %s", k, nf_code_name(rc));
    }
    return NF_OK;
}

static void a_response_cut_at_any_byte_is_an_error(void **state)
{
    (void)state;
    cut_text = CUT_LENGTH;
    run(NULL, cut_body);
}

static void a_chunked_response_cut_at_any_byte_is_an_error(void **state)
{
    (void)state;
    cut_text = CUT_CHUNKED;
    run(NULL, cut_body);
}

static void serve_drip(struct raw_conn *c)
{
    if (raw_request(c))
        raw_drip(c, CUT_CHUNKED, strlen(CUT_CHUNKED), 1);
}

static enum nf_code drip_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "hello") == 0);
    return NF_OK;
}

static void a_response_that_drips_in_is_read_whole(void **state)
{
    (void)state;
    run(serve_drip, drip_body);
}

static void serve_lies(struct raw_conn *c)
{
    static const char *const lies[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 2\r\n\r\n",
        "hello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello",
    };
    if (raw_request(c)) {
        raw_send(c, lies[c->nth % 6]);
        raw_peer_gone_in(c, 50);
    }
}

static enum nf_code lies_body(struct fixture *f, struct nf_err *err)
{
    for (int i = 0; i < 6; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        enum nf_code rc = get(f, f->url, &body, err);
        if (rc != NF_E_UNAVAILABLE)
            return nf_err_set(err, NF_E_INTERNAL, "lie %d: %s", i, nf_code_name(rc));
    }
    return NF_OK;
}

static void what_is_not_http_is_an_error(void **state)
{
    (void)state;
    run(serve_lies, lies_body);
}

/* The whole head has as many bytes as the server's argument says. */
static void serve_long_head(struct raw_conn *c)
{
    size_t left = *(const size_t *)c->arg;
    char line[1024];

    if (!raw_request(c))
        return;
    left -= (size_t)snprintf(line, sizeof line, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    raw_send(c, line);
    memset(line, 'x', sizeof line);
    memcpy(line, "X: ", 3);
    for (; left >= 1000; left -= 500)
        if (!raw_sendn(c, line, 498) || !raw_send(c, "\r\n"))
            return;
    raw_sendn(c, line, left - 4);
    raw_send(c, "\r\n\r\n");
    raw_peer_gone(c);
}

static enum nf_code fits_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    return NF_OK;
}

static enum nf_code too_long_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_E_LIMIT);
    return NF_OK;
}

static void the_length_of_a_head_is_limited(void **state)
{
    size_t n = NF_HTTP_RESPONSE_HEAD_MAX;

    (void)state;
    run_with(serve_long_head, &n, NULL, fits_body);
    n++;
    run_with(serve_long_head, &n, NULL, too_long_body);
}

static void serve_many_headers(struct raw_conn *c)
{
    if (!raw_request(c) || !raw_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
        return;
    for (int i = 1; i < *(const int *)c->arg; i++)
        raw_send(c, "A: b\r\n");
    raw_send(c, "\r\n");
    raw_peer_gone(c);
}

static void the_number_of_headers_of_a_response_is_limited(void **state)
{
    int n = NF_HTTP_RESPONSE_HEADERS_MAX;

    (void)state;
    run_with(serve_many_headers, &n, NULL, fits_body);
    n++;
    run_with(serve_many_headers, &n, NULL, too_long_body);
}

static void serve_endless_100(struct raw_conn *c)
{
    if (raw_request(c))
        while (raw_send(c, "HTTP/1.1 100 Continue\r\n\r\n"))
            ;
}

static void interim_heads_without_end_are_limited(void **state)
{
    (void)state;
    run(serve_endless_100, too_long_body);
}

/* --- floods ----------------------------------------------------------------------------------- */

#define FLOOD (64 * MIB)

static void serve_flood(struct raw_conn *c)
{
    char head[96];

    if (!raw_request(c))
        return;
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", FLOOD);
    raw_send(c, head);
    if (raw_flood(c, FLOOD) || true)
        raw_peer_gone(c);
}

static long rss(void)
{
    long pages = 0, resident = 0;
    FILE *fp = fopen("/proc/self/statm", "r");

    if (fp && fscanf(fp, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (fp)
        (void)fclose(fp);
    return resident * 4096;
}

static enum nf_code throttle_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    const char *p;
    size_t n;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    EXPECT_CODE(nf_http_read(h, RAW_WAIT_MS, &p, &n, err), NF_OK);
    long before = rss();
    /* What both sockets buffer, and no more: in the end the sender waits. */
    long sent = -1;
    for (int i = 0; i < 100 && raw_server_sent(f->server) != sent; i++) {
        sent = raw_server_sent(f->server);
        EXPECT_CODE(nf_sleep(300, err), NF_OK);
    }
    EXPECT(raw_server_sent(f->server) == sent);
    EXPECT(sent < FLOOD / 2);
    EXPECT(rss() - before < MIB);

    EXPECT_CODE(nf_http_read(h, RAW_WAIT_MS, &p, &n, err), NF_OK);
    EXPECT(n <= 65536);
    nf_http_close(h);
    EXPECT(raw_server_wait_gone(f->server, 1));
    return NF_OK;
}

static void a_reader_that_sleeps_slows_the_sender_and_holds_little(void **state)
{
    (void)state;
    run(serve_flood, throttle_body);
}

static enum nf_code whole_flood_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    const char *p;
    size_t n, total = 0, reads = 0;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    long before = rss();
    (void)before;
    do {
        EXPECT_CODE(nf_http_read(h, RAW_WAIT_MS, &p, &n, err), NF_OK);
        EXPECT(n <= 65536);
        for (size_t i = 0; i < n; i += 97)
            EXPECT(p[i] == (char)('a' + (total + i) % 26));
        total += n;
        if (++reads % 100 == 0)
            EXPECT_CODE(nf_sleep(1, err), NF_OK);
    } while (n > 0);
    EXPECT(total == FLOOD);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed for a while */
    EXPECT(rss() - before < 4 * MIB);
#endif
    return NF_OK;
}

static void a_big_body_is_read_whole_through_many_pauses(void **state)
{
    (void)state;
    run(serve_flood, whole_flood_body);
}

/* --- time ------------------------------------------------------------------------------------- */

static void serve_hang(struct raw_conn *c)
{
    raw_peer_gone(c);
}

static void serve_hang_mid_body(struct raw_conn *c)
{
    if (raw_request(c) && raw_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe"))
        raw_peer_gone(c);
}

static enum nf_code hang_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    int64_t began = now_ms();
    bool sent = false;

    EXPECT_CODE(
        nf_http_open(f->client,
                     &(struct nf_http_request){
                         .method = "GET", .url = f->url, .head_timeout_ms = 100, .sent = &sent },
                     &h, err),
        NF_E_TIMEOUT);
    EXPECT(now_ms() - began >= 95 && now_ms() - began < RAW_WAIT_MS);
    EXPECT(sent);
    EXPECT(raw_server_wait_gone(f->server, 1));
    return NF_OK;
}

static void a_server_that_sends_no_head_is_given_up(void **state)
{
    (void)state;
    run(serve_hang, hang_body);
}

static enum nf_code hang_mid_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    const char *p;
    size_t n;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    EXPECT_CODE(nf_http_read(h, RAW_WAIT_MS, &p, &n, err), NF_OK);
    EXPECT(n == 2);
    EXPECT_CODE(nf_http_read(h, 100, &p, &n, err), NF_E_TIMEOUT);
    EXPECT_CODE(nf_http_read(h, 100, &p, &n, err), NF_E_TIMEOUT);
    nf_http_close(h);
    EXPECT(raw_server_wait_gone(f->server, 1));
    return NF_OK;
}

static void a_server_that_stops_in_its_body_is_given_up(void **state)
{
    (void)state;
    run(serve_hang_mid_body, hang_mid_body);
}

static enum nf_code connect_timeout_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    char url[64];
    int port, filler[2], fd = full_listener(&port, filler);
    bool sent = true;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    enum nf_code rc =
        nf_http_open(f->client,
                     &(struct nf_http_request){
                         .method = "GET", .url = url, .connect_timeout_ms = 100, .sent = &sent },
                     &h, err);
    close(fd);
    close(filler[0]);
    close(filler[1]);
    EXPECT_CODE(rc, NF_E_TIMEOUT);
    EXPECT(!sent);
    return NF_OK;
}

static void connecting_has_a_time_limit_of_its_own(void **state)
{
    (void)state;
    run(NULL, connect_timeout_body);
}

/* --- cancelling ------------------------------------------------------------------------------- */

struct victim {
    struct fixture *f;
    const char *url;
    enum nf_code rc;
};

static enum nf_code fetch_victim(void *arg, struct nf_err *err)
{
    struct victim *v = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    v->rc = get(v->f, v->url, &body, err);
    return NF_OK;
}

static NF_RC cancel_after(struct fixture *f, const char *url, int ms, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct victim v = { f, url, NF_OK };

    nf_scope_init(&s, f->loop);
    NF_TRY(nf_scope_spawn(&s, fetch_victim, &v, NULL, err));
    EXPECT_CODE(nf_sleep(ms, err), NF_OK);
    int64_t began = now_ms();
    nf_scope_cancel(&s);
    EXPECT_CODE(nf_scope_join(&s, err), NF_OK);
    EXPECT_CODE(v.rc, NF_E_CANCELED);
    EXPECT(now_ms() - began < RAW_WAIT_MS);
    return NF_OK;
}

static enum nf_code cancel_waiting_body(struct fixture *f, struct nf_err *err)
{
    NF_TRY(cancel_after(f, f->url, 50, err));
    EXPECT(raw_server_wait_gone(f->server, 1));
    return NF_OK;
}

static void cancelling_closes_the_connection_before_and_after_the_head(void **state)
{
    (void)state;
    run(serve_hang, cancel_waiting_body);
    run(serve_hang_mid_body, cancel_waiting_body);
}

static enum nf_code cancel_early_body(struct fixture *f, struct nf_err *err)
{
    char url[64];
    int port, filler[2], fd = full_listener(&port, filler);

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    enum nf_code rc = cancel_after(f, url, 50, err);
    close(fd);
    close(filler[0]);
    close(filler[1]);
    NF_TRY(rc);
    NF_TRY(cancel_after(f, f->url, 0, err));
    return cancel_after(f, "http://slow.test/", 50, err);
}

static void cancelling_while_it_resolves_or_connects_takes_no_time(void **state)
{
    (void)state;
    run(serve_hang, cancel_early_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_cut_at_any_byte_is_an_error),
        cmocka_unit_test(a_chunked_response_cut_at_any_byte_is_an_error),
        cmocka_unit_test(a_response_that_drips_in_is_read_whole),
        cmocka_unit_test(what_is_not_http_is_an_error),
        cmocka_unit_test(the_length_of_a_head_is_limited),
        cmocka_unit_test(the_number_of_headers_of_a_response_is_limited),
        cmocka_unit_test(interim_heads_without_end_are_limited),
        cmocka_unit_test(a_reader_that_sleeps_slows_the_sender_and_holds_little),
        cmocka_unit_test(a_big_body_is_read_whole_through_many_pauses),
        cmocka_unit_test(a_server_that_sends_no_head_is_given_up),
        cmocka_unit_test(a_server_that_stops_in_its_body_is_given_up),
        cmocka_unit_test(connecting_has_a_time_limit_of_its_own),
        cmocka_unit_test(cancelling_closes_the_connection_before_and_after_the_head),
        cmocka_unit_test(cancelling_while_it_resolves_or_connects_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
