/* What the HTTP client sends, and what it makes of answers that are as they should be. */
#include "tests/integration/client_fixture.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void serve_ok(struct raw_conn *c)
{
    while (raw_request(c) && raw_send(c, OK_2))
        ;
}

/* Answers with what it was sent. */
static void serve_echo(struct raw_conn *c)
{
    char head[64];

    while (raw_request(c)) {
        (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       c->request_n);
        if (!raw_send(c, head) || !raw_sendn(c, c->request, c->request_n))
            return;
    }
}

static bool begins(const struct nf_str *s, const char *with)
{
    return strncmp(nf_str_c(s), with, strlen(with)) == 0;
}

/* Send and read the whole answer. */
static NF_RC fetch(struct fixture *f, const struct nf_http_request *r, int *status,
                   struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;

    NF_TRY(nf_http_open(f->client, r, &h, err));
    if (status)
        *status = nf_http_status(h);
    return nf_http_read_all(h, 5000, body, err);
}

static NF_RC get(struct fixture *f, const char *path, int *status, struct nf_str *body,
                 struct nf_err *err)
{
    char url[256];

    (void)snprintf(url, sizeof url, "%s%s", f->url, path);
    nf_str_reset(body);
    return fetch(f, &(struct nf_http_request){ .method = "GET", .url = url }, status, body, err);
}

/* --- where it may go ----------------------------------------------------------------------------
 */

static bool nowhere(void *asked, const struct sockaddr *a)
{
    if (a->sa_family == AF_INET)
        ++*(int *)asked;
    return false;
}

static bool anywhere(void *asked, const struct sockaddr *a)
{
    (void)a;
    ++*(int *)asked;
    return true;
}

static enum nf_code ask_first(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char by_name[256];
    int asked = 0;
    struct nf_http_request r = {
        .method = "GET", .url = f->url, .may_connect = nowhere, .may_connect_arg = &asked
    };

    EXPECT_CODE(fetch(f, &r, NULL, &body, err), NF_E_DENIED);
    EXPECT(asked == 1 && raw_server_conns(f->server) == 0);
    (void)snprintf(by_name, sizeof by_name, "http://localhost%s", strrchr(f->url, ':'));
    r.url = by_name;
    EXPECT_CODE(fetch(f, &r, NULL, &body, err), NF_E_DENIED);
    EXPECT(asked == 2 && raw_server_conns(f->server) == 0);

    r.may_connect = anywhere;
    EXPECT_CODE(fetch(f, &r, NULL, &body, err), NF_OK);
    EXPECT(asked > 2 && raw_server_conns(f->server) == 1);
    /* The handle is used again, without the question. */
    int before = asked;
    r = (struct nf_http_request){ .method = "GET", .url = f->url };
    EXPECT_CODE(fetch(f, &r, NULL, &body, err), NF_OK);
    EXPECT(asked == before);
    return NF_OK;
}

static void an_address_is_asked_about_before_it_is_connected_to(void **state)
{
    (void)state;
    run(serve_ok, ask_first);
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

/* --- requests --------------------------------------------------------------------------------- */

static enum nf_code get_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    int status;

    EXPECT_CODE(get(f, "/a?b=c", &status, &body, err), NF_OK);

    EXPECT(status == 200);
    EXPECT(begins(&body, "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:"));
    EXPECT(strstr(nf_str_c(&body), "\r\nUser-Agent: nexflow\r\n"));
    EXPECT(!strcasestr(nf_str_c(&body), "\r\nAccept"));
    EXPECT(!strcasestr(nf_str_c(&body), "\r\nContent-"));
    return NF_OK;
}

static void a_get_sends_a_plain_request(void **state)
{
    (void)state;
    run(serve_echo, get_body);
}

static enum nf_code post_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_CLEANUP(nf_secret_done) struct nf_secret key = { 0 };
    const struct nf_http_header headers[] = { { "Content-Type", "application/json" },
                                              { "X-Empty", "" } };

    NF_TRY(nf_secret_set(&key, "hidden-key", err));
    EXPECT_CODE(fetch(f,
                      &(struct nf_http_request){ .method = "POST",
                                                 .url = f->url,
                                                 .headers = headers,
                                                 .headers_n = 2,
                                                 .secret_header = "Authorization",
                                                 .secret_prefix = "Bearer ",
                                                 .secret = &key,
                                                 .body = "{\"a\":\0}",
                                                 .body_n = 7 },
                      NULL, &body, err),
                NF_OK);

    const char *sent = nf_str_c(&body);
    EXPECT(begins(&body, "POST / HTTP/1.1\r\n"));
    EXPECT(strstr(sent, "\r\nContent-Type: application/json\r\n"));
    EXPECT(strstr(sent, "\r\nX-Empty:\r\n") || strstr(sent, "\r\nX-Empty: \r\n"));
    EXPECT(strstr(sent, "\r\nAuthorization: Bearer hidden-key\r\n"));
    EXPECT(strstr(sent, "\r\nContent-Length: 7\r\n"));
    EXPECT(memcmp(sent + body.len - 7, "{\"a\":\0}", 7) == 0);
    return NF_OK;
}

static void a_post_sends_its_headers_its_secret_and_its_body(void **state)
{
    (void)state;
    run(serve_echo, post_body);
}

/* Reads the body only after a head of which an Expect header would have kept the body back. */
static void serve_count(struct raw_conn *c)
{
    char out[128];

    while (raw_head(c)) {
        if (strcasestr(c->request, "\r\nExpect"))
            return;
        const char *length = strcasestr(c->request, "\r\nContent-Length:");
        size_t n = length ? strtoul(length + 17, NULL, 10) : 0, sum = 0;
        for (size_t i = 0; i < n; i++) {
            unsigned char b;
            if (!raw_read_exact(c, &b, 1))
                return;
            sum = sum * 31 + b;
        }
        (void)snprintf(out, sizeof out, "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n%20zu%20u", n,
                       (unsigned)sum);
        if (!raw_send(c, out))
            return;
    }
}

static enum nf_code big_post_body(struct fixture *f, struct nf_err *err)
{
    size_t n = 300000, sum = 0;
    NF_CLEANUP(nf_freep) char *big = malloc(n);
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    char want[64];

    for (size_t i = 0; i < n; i++) {
        big[i] = (char)(i * 7);
        sum = sum * 31 + (unsigned char)big[i];
    }
    (void)snprintf(want, sizeof want, "%20zu%20u", n, (unsigned)sum);
    EXPECT_CODE(
        fetch(f,
              &(struct nf_http_request){ .method = "PUT", .url = f->url, .body = big, .body_n = n },
              NULL, &body, err),
        NF_OK);
    EXPECT(strcmp(nf_str_c(&body), want) == 0);
    return NF_OK;
}

static void a_big_body_is_sent_without_asking_first(void **state)
{
    (void)state;
    run(serve_count, big_post_body);
}

static enum nf_code methods_body(struct fixture *f, struct nf_err *err)
{
    static const struct {
        const char *method, *line, *length;
    } t[] = {
        { "DELETE", "DELETE / HTTP/1.1\r\n", NULL },
        { "POST", "POST / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
        { "PATCH", "PATCH / HTTP/1.1\r\n", "\r\nContent-Length: 0\r\n" },
        { "GET", "GET / HTTP/1.1\r\n", NULL },
    };

    NF_CLEANUP(nf_secret_done) struct nf_secret key = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str first = { 0 };
    char url[128];

    NF_TRY(nf_secret_set(&key, "k", err));
    (void)snprintf(url, sizeof url, "http://u:p@%s/x?y=z", f->url + 7);
    EXPECT_CODE(fetch(f,
                      &(struct nf_http_request){ .method = "POST",
                                                 .url = url,
                                                 .secret_header = "X-Key",
                                                 .secret = &key,
                                                 .body = "hello",
                                                 .body_n = 5,
                                                 .proxy = f->url },
                      NULL, &first, err),
                NF_OK);
    EXPECT(begins(&first, "POST http://") && strstr(nf_str_c(&first), "\r\nAuthorization: Basic"));

    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        EXPECT_CODE(fetch(f, &(struct nf_http_request){ .method = t[i].method, .url = f->url },
                          NULL, &body, err),
                    NF_OK);
        EXPECT(begins(&body, t[i].line));
        EXPECT(!strcasestr(nf_str_c(&body), "\r\nX-Key"));
        EXPECT(!strcasestr(nf_str_c(&body), "Authorization"));
        EXPECT(!strstr(nf_str_c(&body), "hello"));
        if (t[i].length)
            EXPECT(strstr(nf_str_c(&body), t[i].length));
        else
            EXPECT(!strcasestr(nf_str_c(&body), "\r\nContent-Length"));
    }
    return NF_OK;
}

static void a_handle_used_again_remembers_nothing_of_the_last_request(void **state)
{
    (void)state;
    run(serve_echo, methods_body);
}

static enum nf_code bad_requests_body(struct fixture *f, struct nf_err *err)
{
    static const char *const urls[] = { "",
                                        "127.0.0.1",
                                        "ftp://127.0.0.1/",
                                        "file:///etc/passwd",
                                        "gopher://127.0.0.1/",
                                        "ws://127.0.0.1/",
                                        "http://",
                                        "http:///path",
                                        "http://127.0.0.1:99999/",
                                        "http://127.0.0.1/a b",
                                        "http://127.0.0.1/\r\nX: y",
                                        "http://127.0.0.1/\x7f",
                                        ("http://b\xc3\xbc"
                                         "cher.example/"),
                                        " http://127.0.0.1/" };
    static const struct nf_http_header headers[] = {
        { "X", "a\r\nY: b" },
        { "X", "a\nb" },
        { "X", "a\rb" },
        { "X\r\nY", "b" },
        { "X:", "b" },
        { "", "b" },
        { "X Y", "b" },
        { "X", "\x01" },
        { "Content-Length", "3" },
        { "transfer-encoding", "chunked" },
        { "Connection", "close" },
    };
    struct nf_http_call *h = NULL;

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum nf_code rc = nf_http_open(
            f->client, &(struct nf_http_request){ .method = "GET", .url = urls[i] }, &h, err);
        if (rc != NF_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "url %zu: %s", i, nf_code_name(rc));
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        enum nf_code rc = nf_http_open(
            f->client,
            &(struct nf_http_request){
                .method = "GET", .url = f->url, .headers = &headers[i], .headers_n = 1 },
            &h, err);
        if (rc != NF_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "header %zu: %s", i, nf_code_name(rc));
    }
    EXPECT_CODE(nf_http_open(f->client,
                             &(struct nf_http_request){ .method = "GET /x\r\n", .url = f->url }, &h,
                             err),
                NF_E_INVALID);
    EXPECT(raw_server_conns(f->server) == 0);
    return NF_OK;
}

static void bad_urls_and_injected_headers_are_refused_before_connecting(void **state)
{
    (void)state;
    run(serve_ok, bad_requests_body);
}

static enum nf_code secret_limits_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_secret_done) struct nf_secret key = { 0 };
    struct nf_http_header many[NF_HTTP_HEADERS_MAX + 1];
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_http_request r = { .method = "GET", .url = f->url, .headers = many };
    struct nf_http_call *h = NULL;

    for (size_t i = 0; i < NF_HTTP_HEADERS_MAX + 1; i++)
        many[i] = (struct nf_http_header){ "X-Many", "1" };
    r.headers_n = NF_HTTP_HEADERS_MAX;
    EXPECT_CODE(fetch(f, &r, NULL, &body, err), NF_OK);
    r.headers_n++;
    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_E_LIMIT);

    NF_TRY(nf_secret_set(&key, "hush\r\nX: hush", err));
    r = (struct nf_http_request){
        .method = "GET", .url = f->url, .secret_header = "Authorization", .secret = &key
    };
    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_E_INVALID);
    EXPECT(!strstr(err->msg, "hush"));
    return NF_OK;
}

static void the_number_of_headers_is_limited_and_a_secret_is_checked_like_a_header(void **state)
{
    (void)state;
    run(serve_ok, secret_limits_body);
}

/* --- responses -------------------------------------------------------------------------------- */

static atomic_bool go_on;

static void serve_head_first(struct raw_conn *c)
{
    if (!raw_request(c) ||
        !raw_send(c, "HTTP/1.1 201 Created\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 4\r\n"
                     "X-Folded: a\r\n  b\r\nX-Space: \t v \r\n\r\n"))
        return;
    for (int i = 0; i < 5000 && !atomic_load(&go_on); i++)
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
    EXPECT_CODE(nf_http_read_all(h, 5000, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "body") == 0);
    return NF_OK;
}

static void the_head_is_delivered_before_the_first_byte_of_the_body(void **state)
{
    (void)state;
    atomic_store(&go_on, false);
    run(serve_head_first, head_first_body);
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
        EXPECT_CODE(nf_http_read_all(h, 5000, &body, err), NF_OK);
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
        cmocka_unit_test(a_get_sends_a_plain_request),
        cmocka_unit_test(an_address_is_asked_about_before_it_is_connected_to),
        cmocka_unit_test(headers_are_read_in_order),
        cmocka_unit_test(a_post_sends_its_headers_its_secret_and_its_body),
        cmocka_unit_test(a_big_body_is_sent_without_asking_first),
        cmocka_unit_test(a_handle_used_again_remembers_nothing_of_the_last_request),
        cmocka_unit_test(bad_urls_and_injected_headers_are_refused_before_connecting),
        cmocka_unit_test(the_number_of_headers_is_limited_and_a_secret_is_checked_like_a_header),
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
