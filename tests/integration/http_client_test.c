/* What the HTTP client sends, what it refuses to send, and where it may go. */
#include "tests/integration/client_fetch.h"

#include <stdlib.h>
#include <sys/socket.h>

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
                                                 .body = "{\"a\"",
                                                 .body_n = 4,
                                                 .body_more = { { ":\0}", 3 } } },
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
              &(struct nf_http_request){ .method = "PUT",
                                         .url = f->url,
                                         .body = big,
                                         .body_n = 1,
                                         .body_more = { { big + 1, n - 2 }, { big + n - 1, 1 } } },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_get_sends_a_plain_request),
        cmocka_unit_test(an_address_is_asked_about_before_it_is_connected_to),
        cmocka_unit_test(a_post_sends_its_headers_its_secret_and_its_body),
        cmocka_unit_test(a_big_body_is_sent_without_asking_first),
        cmocka_unit_test(a_handle_used_again_remembers_nothing_of_the_last_request),
        cmocka_unit_test(bad_urls_and_injected_headers_are_refused_before_connecting),
        cmocka_unit_test(the_number_of_headers_is_limited_and_a_secret_is_checked_like_a_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
