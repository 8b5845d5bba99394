/* What the HTTP client makes of answers that are as they should be, and over which connections they
 * come. */
#include "tests/integration/client_fetch.h"

#include <stdlib.h>
#include <unistd.h>

/* --- responses -------------------------------------------------------------------------------- */

static atomic_bool go_on;

static void serve_head_first(struct raw_conn *c)
{
    if (!raw_request(c) ||
        !raw_send(c, "HTTP/1.1 201 Created\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 4\r\n"
                     "X-Folded: a\r\n  b\r\nX-Space: \t v \r\n\r\n"))
        return;
    for (int i = 0; i < RAW_WAIT_MS && !atomic_load(&go_on); i++)
        if (!raw_sleep(c, 1))
            return;
    raw_send(c, "body");
}

static enum nf_code head_first_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(nf_http_open(f->client, &(struct nf_http_request){ .method = "GET", .url = f->url },
                             &h, err),
                NF_OK);
    EXPECT(nf_http_status(h) == 201);
    EXPECT(strcmp(nf_http_header(h, "X-ONE"), "1") == 0);
    EXPECT(strcmp(nf_http_header(h, "x-folded"), "a b") == 0);
    EXPECT(strcmp(nf_http_header(h, "X-Space"), "v") == 0);
    EXPECT(!nf_http_header(h, "X-On"));
    EXPECT(!atomic_load(&go_on));

    atomic_store(&go_on, true);
    EXPECT_CODE(nf_http_read_all(h, RAW_WAIT_MS, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "body") == 0);
    return NF_OK;
}

static void the_head_is_delivered_before_the_first_byte_of_the_body(void **state)
{
    (void)state;
    atomic_store(&go_on, false);
    run(serve_head_first, head_first_body);
}

static enum nf_code count_headers(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    const char *name, *value;

    NF_TRY(nf_http_open(f->client, &(struct nf_http_request){ .method = "GET", .url = f->url }, &h,
                        err));
    EXPECT(nf_http_header_at(h, 0, &name, &value));
    EXPECT(strcmp(name, "Content-Length") == 0 && strcmp(value, "2") == 0);
    EXPECT(!nf_http_header_at(h, 1, &name, &value));
    return NF_OK;
}

static void headers_are_read_in_order(void **state)
{
    (void)state;
    run(serve_ok, count_headers);
}

static void serve_forms(struct raw_conn *c)
{
    static const char *const answers[] = {
        ("HTTP/1.1 100 Continue\r\nX-Which: 100\r\n\r\n"
         "HTTP/1.1 103 Early Hints\r\nX-Which: 103\r\n\r\n"
         "HTTP/1.1 200 OK\r\nX-Which: 200\r\nContent-Length: 5\r\n\r\nhello"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n"
         "X-Trailer: t\r\n\r\n"),
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 500 No\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello", /* ends with the connection */
    };

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (!raw_request(c) || !raw_send(c, answers[i]))
            return;
}

static enum nf_code forms_body(struct fixture *f, struct nf_err *err)
{
    static const int want[] = { 200, 200, 302, 500, 200 };

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
        EXPECT_CODE(nf_http_open(f->client,
                                 &(struct nf_http_request){ .method = "GET", .url = f->url }, &h,
                                 err),
                    NF_OK);
        EXPECT(nf_http_status(h) == want[i]);
        if (i == 0)
            EXPECT(strcmp(nf_http_header(h, "X-Which"), "200") == 0);
        EXPECT_CODE(nf_http_read_all(h, RAW_WAIT_MS, &body, err), NF_OK);
        EXPECT(!nf_http_header(h, "X-Trailer"));
        EXPECT(strcmp(nf_str_c(&body), "hello") == 0);
    }
    EXPECT(raw_server_conns(f->server) == 1);
    return NF_OK;
}

static void interim_heads_are_skipped_chunks_joined_redirects_and_errors_returned(void **state)
{
    (void)state;
    run(serve_forms, forms_body);
}

static void serve_bodiless(struct raw_conn *c)
{
    while (raw_request(c))
        if (!raw_send(c, strncmp(c->request, "HEAD", 4) == 0
                             ? "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
                             : "HTTP/1.1 204 No Content\r\n\r\n"))
            return;
}

static enum nf_code bodiless_body(struct fixture *f, struct nf_err *err)
{
    static const char *const methods[] = { "HEAD", "GET", "HEAD", "POST" };

    for (size_t i = 0; i < 4; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        int status;
        EXPECT_CODE(fetch(f, &(struct nf_http_request){ .method = methods[i], .url = f->url },
                          &status, &body, err),
                    NF_OK);
        EXPECT(status == (i % 2 == 0 ? 200 : 204));
        EXPECT(body.len == 0);
    }
    return NF_OK;
}

static void a_head_request_and_status_204_have_no_body(void **state)
{
    (void)state;
    run(serve_bodiless, bodiless_body);
}

static enum nf_code ceiling_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str three = { .max = 3 }, two = { .max = 2 };

    EXPECT_CODE(get(f, "/", NULL, &three, err), NF_OK);
    EXPECT_CODE(get(f, "/", NULL, &two, err), NF_E_LIMIT);
    return NF_OK;
}

static void reading_all_stops_at_the_ceiling(void **state)
{
    (void)state;
    run(serve_ok, ceiling_body);
}

/* --- connections ------------------------------------------------------------------------------ */

static enum nf_code reuse_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    for (int i = 0; i < 5; i++)
        EXPECT_CODE(get(f, "/", NULL, &body, err), NF_OK);
    EXPECT(raw_server_conns(f->server) == 1);
    return NF_OK;
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    run(serve_ok, reuse_body);
}

struct worker {
    struct fixture *f;
};

static enum nf_code five_requests(void *arg, struct nf_err *err)
{
    struct worker *w = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    for (int i = 0; i < 5; i++)
        NF_TRY(get(w->f, "/", NULL, &body, err));
    return NF_OK;
}

static enum nf_code busy_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct worker w = { f };

    nf_scope_init(&s, f->loop);
    for (int i = 0; i < 8; i++)
        NF_TRY(nf_scope_spawn(&s, five_requests, &w, NULL, err));
    NF_TRY(nf_scope_join(&s, err));
    EXPECT(raw_server_conns(f->server) == 8);
    return NF_OK;
}

static void requests_at_once_reuse_connections_even_if_few_may_be_kept_idle(void **state)
{
    static const struct nf_http_client_options two = { .connections_max = 2 };

    (void)state;
    run_with(serve_ok, NULL, &two, busy_body);
}

static enum nf_code unix_body(struct fixture *f, struct nf_err *err)
{
    char path[64];
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    (void)snprintf(path, sizeof path, "/tmp/nf-http-test-%d.sock", (int)getpid());
    struct raw_server *s = raw_server_new(serve_echo, NULL, path);
    enum nf_code rc =
        fetch(f,
              &(struct nf_http_request){
                  .method = "GET", .url = "http://daemon/status", .unix_socket = path },
              NULL, &body, err);
    raw_server_free(s);
    EXPECT_CODE(rc, NF_OK);
    EXPECT(begins(&body, "GET /status HTTP/1.1\r\nHost: daemon\r\n"));
    return NF_OK;
}

static void a_unix_socket_is_connected_to_instead_of_the_host(void **state)
{
    (void)state;
    run(NULL, unix_body);
}

static enum nf_code proxy_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, "/direct", NULL, &body, err), NF_OK);
    EXPECT(begins(&body, "GET /direct "));

    nf_str_reset(&body);
    EXPECT_CODE(fetch(f,
                      &(struct nf_http_request){
                          .method = "GET", .url = "http://elsewhere.invalid/x", .proxy = f->url },
                      NULL, &body, err),
                NF_OK);
    EXPECT(begins(&body, "GET http://elsewhere.invalid/x "));
    return NF_OK;
}

static void a_proxy_is_used_only_if_asked_for_and_never_from_the_environment(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("all_proxy", "http://127.0.0.1:1", 1);
    setenv("no_proxy", "elsewhere.invalid", 1);
    run(serve_echo, proxy_body);
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_in_order),
        cmocka_unit_test(the_head_is_delivered_before_the_first_byte_of_the_body),
        cmocka_unit_test(interim_heads_are_skipped_chunks_joined_redirects_and_errors_returned),
        cmocka_unit_test(a_head_request_and_status_204_have_no_body),
        cmocka_unit_test(reading_all_stops_at_the_ceiling),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(requests_at_once_reuse_connections_even_if_few_may_be_kept_idle),
        cmocka_unit_test(a_unix_socket_is_connected_to_instead_of_the_host),
        cmocka_unit_test(a_proxy_is_used_only_if_asked_for_and_never_from_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
