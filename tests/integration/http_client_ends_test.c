/* What the HTTP client makes of names that do not resolve, of connections that die, and of memory
 * that runs out. */
#include "tests/integration/faults_fixture.h"

/* --- names and reach -------------------------------------------------------------------------- */

static enum nf_code resolve_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_http_call *h = NULL;
    char url[64];
    bool sent = true;

    /* Names come and go together with connections, so that descriptors are used again: a watcher
     * kept on one of the resolver's makes libuv abort. */
    (void)snprintf(url, sizeof url, "http://server.test:%d/", raw_server_port(f->server));
    for (int i = 0; i < 20; i++) {
        char nobody[64];
        (void)snprintf(nobody, sizeof nobody, "http://nobody%d.test/?q=hush", i);
        EXPECT_CODE(open_url(f, nobody, &sent, &h, err), NF_E_UNAVAILABLE);
        EXPECT(!sent);
        EXPECT(strstr(err->msg, ".test") && !strstr(err->msg, "hush"));
        EXPECT_CODE(get(f, url, &body, err), NF_OK);
    }
    return NF_OK;
}

static void names_are_resolved_and_unknown_ones_are_a_clean_failure(void **state)
{
    (void)state;
    run(serve_ok, resolve_body);
}

static enum nf_code slow_name_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    int64_t took = SLOW_NAME_MS;

    /* A busy machine may be slower than the resolver, but not every time. */
    for (int tries = 0; took >= SLOW_NAME_MS && tries < 10; tries++) {
        int64_t began = now_ms();
        for (int i = 0; i < 3; i++)
            EXPECT_CODE(
                nf_http_open(f->client,
                             &(struct nf_http_request){ .method = "GET",
                                                        .url = "http://slow.test/",
                                                        .head_timeout_ms = 50,
                                                        .connect_timeout_ms = i == 0 ? 30 : 0 },
                             &h, err),
                NF_E_TIMEOUT);
        took = now_ms() - began;
    }
    EXPECT(took < SLOW_NAME_MS);
    return NF_OK;
}

static void a_resolver_that_hangs_holds_up_neither_timeout_nor_loop(void **state)
{
    (void)state;
    run(NULL, slow_name_body);
    usleep(SLOW_NAME_MS * 1000 +
           100000); /* its threads end, so that leak checkers see no half-done work */
}

static void serve_break(struct raw_conn *c)
{
    if (raw_request(c))
        raw_reset(c);
}

static void serve_garbage(struct raw_conn *c)
{
    raw_send(c, "this is no TLS\r\n");
    raw_peer_gone(c);
}

static NF_RC expect_hidden(struct fixture *f, const char *url, bool want_sent, struct nf_err *err)
{
    NF_CLEANUP(nf_secret_done) struct nf_secret key = { 0 };
    struct nf_http_call *h = NULL;
    struct nf_http_header header = { "X-Session", "hush-header" };
    bool sent = !want_sent;

    NF_TRY(nf_secret_set(&key, "hush-key", err));
    EXPECT_CODE(nf_http_open(f->client,
                             &(struct nf_http_request){ .method = "GET",
                                                        .url = url,
                                                        .headers = &header,
                                                        .headers_n = 1,
                                                        .secret_header = "Authorization",
                                                        .secret = &key,
                                                        .sent = &sent },
                             &h, err),
                NF_E_UNAVAILABLE);
    EXPECT(!strstr(err->msg, "hush"));
    EXPECT(strstr(err->msg, "127.0.0.1"));
    EXPECT(sent == want_sent);
    return NF_OK;
}

static enum nf_code refused_body(struct fixture *f, struct nf_err *err)
{
    char url[128];
    int port, filler[2], fd = full_listener(&port, filler);

    close(fd);
    close(filler[0]);
    close(filler[1]);
    (void)snprintf(url, sizeof url, "http://user:hush@127.0.0.1:%d/hush?hush=hush", port);
    return expect_hidden(f, url, false, err);
}

static enum nf_code broken_body(struct fixture *f, struct nf_err *err)
{
    char url[128];

    (void)snprintf(url, sizeof url, "http://user:hush@127.0.0.1:%d/hush?hush=hush",
                   raw_server_port(f->server));
    return expect_hidden(f, url, true, err);
}

static enum nf_code no_tls_body(struct fixture *f, struct nf_err *err)
{
    char url[128];

    (void)snprintf(url, sizeof url, "https://user:hush@127.0.0.1:%d/hush?hush=hush",
                   raw_server_port(f->server));
    return expect_hidden(f, url, false, err);
}

static void errors_tell_whether_anything_was_sent_and_nothing_secret(void **state)
{
    (void)state;
    run(NULL, refused_body);
    run(serve_break, broken_body);
    run(serve_garbage, no_tls_body);
}

/* --- connections that die --------------------------------------------------------------------- */

static void serve_one_each(struct raw_conn *c)
{
    if (raw_request(c))
        raw_send(c, OK_2);
}

static int64_t cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum nf_code idle_closed_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    for (int i = 0; i < 3; i++) {
        EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
        int64_t before = cpu_ms();
        EXPECT_CODE(nf_sleep(150, err), NF_OK);
        EXPECT(cpu_ms() - before < 75); /* the readable dead socket must not keep the loop busy */
    }
    EXPECT(raw_server_conns(f->server) == 3);
    return NF_OK;
}

static void a_kept_connection_that_the_server_closed_is_replaced_and_costs_nothing(void **state)
{
    (void)state;
    run(serve_one_each, idle_closed_body);
}

/* Answers the first request of each connection and hangs up on the second. */
static void serve_one_then_break(struct raw_conn *c)
{
    if (raw_request(c) && raw_send(c, OK_2))
        (void)raw_request(c);
}

static NF_RC ask(struct fixture *f, const char *method, bool repeatable, bool *sent,
                 struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    struct nf_http_request r = {
        .method = method,
        .url = f->url,
        .head_timeout_ms = RAW_WAIT_MS,
        .repeatable = repeatable,
    };
    r.sent = sent;
    NF_TRY(nf_http_open(f->client, &r, &h, err));
    return nf_http_read_all(h, RAW_WAIT_MS, body, err);
}

static enum nf_code repeat_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    bool sent = false;

    EXPECT_CODE(ask(f, "GET", false, &sent, &body, err), NF_OK);
    EXPECT_CODE(ask(f, "GET", false, &sent, &body, err), NF_OK);
    EXPECT(raw_server_conns(f->server) == 2);
    EXPECT_CODE(ask(f, "POST", true, &sent, &body, err), NF_OK);
    EXPECT(raw_server_conns(f->server) == 3);

    EXPECT_CODE(ask(f, "POST", false, &sent, &body, err), NF_E_UNAVAILABLE);
    EXPECT(sent);
    EXPECT(raw_server_conns(f->server) == 3);
    return NF_OK;
}

/* RFC 9110 section 9.2.2: the server may have done what it was asked for before it hung up. */
static void what_cannot_be_repeated_is_not_sent_again_when_a_kept_connection_breaks(void **state)
{
    (void)state;
    run(serve_one_then_break, repeat_body);
}

static bool connect_once(void *arg, const struct sockaddr *address)
{
    (void)address;
    return (*(int *)arg)++ == 0;
}

static enum nf_code sent_before_body(struct fixture *f, struct nf_err *err)
{
    int asked = 0;
    bool sent = false;
    struct nf_http_request r = { .method = "GET",
                                 .url = f->url,
                                 .head_timeout_ms = RAW_WAIT_MS,
                                 .sent = &sent,
                                 .may_connect = connect_once,
                                 .may_connect_arg = &asked };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_http_call *h = NULL;

    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_OK);
    enum nf_code rc = nf_http_read_all(h, RAW_WAIT_MS, &body, err);
    nf_http_close(h);
    EXPECT_CODE(rc, NF_OK);

    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_E_DENIED);
    EXPECT(asked == 2);
    EXPECT(sent);
    return NF_OK;
}

static void what_went_out_on_a_kept_connection_counts_as_sent_although_the_next_fails(void **state)
{
    (void)state;
    run(serve_one_then_break, sent_before_body);
}

#define UNASKED "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"

/* More than was asked for, once the client has taken the answer. */
static void serve_unasked(struct raw_conn *c)
{
    if (raw_request(c) && raw_send(c, OK_2) && c->nth == 0 && raw_sleep(c, 50) &&
        raw_send(c, UNASKED))
        raw_peer_gone(c);
}

static enum nf_code unasked_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    /* Without the loop, which would see it. */
    for (int i = 0; i < RAW_WAIT_MS && raw_server_sent(f->server) < (long)strlen(OK_2 UNASKED); i++)
        usleep(1000);
    EXPECT(raw_server_sent(f->server) == (long)strlen(OK_2 UNASKED));
    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "ok") == 0);
    EXPECT(raw_server_conns(f->server) == 2);
    return NF_OK;
}

static void what_nobody_asked_for_is_not_the_answer_to_the_next_request(void **state)
{
    (void)state;
    run(serve_unasked, unasked_body);
}

/* A host's name has up to 253 bytes. */
#define LABEL "a23456789012345678901234567890123456789012345678901234567890"
#define LONG_HOST LABEL "." LABEL "." LABEL

static enum nf_code long_host_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char url[320];

    (void)snprintf(url, sizeof url, "http://" LONG_HOST ".server.test:%d/",
                   raw_server_port(f->server));
    EXPECT_CODE(get(f, url, &body, err), NF_OK);
    (void)snprintf(url, sizeof url, "http://" LONG_HOST ".unknown.test:%d/",
                   raw_server_port(f->server));
    EXPECT_CODE(get(f, url, &body, err), NF_E_UNAVAILABLE);
    EXPECT(raw_server_conns(f->server) == 1);
    return NF_OK;
}

static void hosts_whose_names_begin_alike_share_no_connection(void **state)
{
    (void)state;
    run(serve_ok, long_host_body);
}

static bool note_zone(void *arg, const struct sockaddr *a)
{
    if (a->sa_family == AF_INET6)
        *(unsigned *)arg = ((const struct sockaddr_in6 *)a)->sin6_scope_id;
    return false;
}

static enum nf_code zone_body(struct fixture *f, struct nf_err *err)
{
    unsigned zone = 0;
    struct nf_http_request r = { .method = "GET",
                                 .url = "http://[fe80::1%25lo]:9/",
                                 .head_timeout_ms = RAW_WAIT_MS,
                                 .may_connect = note_zone,
                                 .may_connect_arg = &zone };
    struct nf_http_call *h = NULL;

    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_E_DENIED);
    EXPECT(zone != 0 && zone == if_nametoindex("lo"));
    return NF_OK;
}

/* RFC 6874: without it nobody knows on which link a link-local address is. */
static void the_zone_of_an_address_counts(void **state)
{
    (void)state;
    run(NULL, zone_body);
}

/* --- no memory -------------------------------------------------------------------------------- */

static enum nf_code nomem_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;

    EXPECT_CODE(nf_str_reserve(&body, 100, err), NF_OK);
    while (rc != NF_OK && ++n < 100) {
        nf_fail_alloc_at(n);
        rc = get(f, f->url, &body, err);
        nf_fail_alloc_at(0);
        if (rc != NF_OK && rc != NF_E_NOMEM && rc != NF_E_UNAVAILABLE)
            return nf_err_wrap(err, NF_E_INTERNAL, "allocation %zu: %s", n, nf_code_name(rc));
    }
    EXPECT_CODE(rc, NF_OK);
    EXPECT(n > 4);
    return NF_OK;
}

static void a_request_without_memory_fails_and_leaves_nothing_behind(void **state)
{
    (void)state;
    run(serve_one_each, nomem_body);
}

static enum nf_code new_client_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_client_options o = { .user_agent = "a", .ca_file = "/none" };
    struct nf_http_client *c = NULL;
    enum nf_code rc = NF_E_NOMEM;

    for (size_t n = 1; rc != NF_OK && n < 50; n++) {
        nf_fail_alloc_at(n);
        rc = nf_http_client_new(f->loop, &o, &c, err);
        nf_fail_alloc_at(0);
        EXPECT(rc == NF_OK || rc == NF_E_NOMEM);
    }
    EXPECT_CODE(rc, NF_OK);
    nf_http_client_free(c);
    o.user_agent = "a\r\nX: y";
    EXPECT_CODE(nf_http_client_new(f->loop, &o, &c, err), NF_E_INVALID);
    return NF_OK;
}

static void a_client_without_memory_is_not_made(void **state)
{
    (void)state;
    run(NULL, new_client_body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved_and_unknown_ones_are_a_clean_failure),
        cmocka_unit_test(a_resolver_that_hangs_holds_up_neither_timeout_nor_loop),
        cmocka_unit_test(errors_tell_whether_anything_was_sent_and_nothing_secret),
        cmocka_unit_test(a_kept_connection_that_the_server_closed_is_replaced_and_costs_nothing),
        cmocka_unit_test(what_cannot_be_repeated_is_not_sent_again_when_a_kept_connection_breaks),
        cmocka_unit_test(what_went_out_on_a_kept_connection_counts_as_sent_although_the_next_fails),
        cmocka_unit_test(what_nobody_asked_for_is_not_the_answer_to_the_next_request),
        cmocka_unit_test(hosts_whose_names_begin_alike_share_no_connection),
        cmocka_unit_test(the_zone_of_an_address_counts),
        cmocka_unit_test(a_request_without_memory_fails_and_leaves_nothing_behind),
        cmocka_unit_test(a_client_without_memory_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
