/* Heads, bodies, targets and routes, without a socket. */
#include "http/input.h"
#include "http/route.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct nf_httpd_input_limits limits = { 512, 64, { 8, 40 } };

/* Feed a request in pieces of `piece` bytes; the last step. */
static enum nf_httpd_step feed_all(struct nf_httpd_input *in, const char *p, size_t n, size_t piece)
{
    struct nf_err e;
    enum nf_httpd_step step = NF_HTTPD_MORE;
    for (size_t i = 0; i < n && step == NF_HTTPD_MORE; i += piece) {
        assert_ok(nf_httpd_input_feed(in, p + i, n - i < piece ? n - i : piece, &e), &e);
        do
            step = nf_httpd_input_step(in, &limits);
        while (step == NF_HTTPD_HEAD);
    }
    return step;
}

static int status_of(const char *request)
{
    struct nf_httpd_input in = { 0 };
    enum nf_httpd_step step = feed_all(&in, request, strlen(request), 4096);
    int status = step == NF_HTTPD_REFUSED ? in.status : step == NF_HTTPD_DONE ? 200 : 100;
    nf_httpd_input_reset(&in, 0);

    /* However it is cut, the answer is the same. */
    step = feed_all(&in, request, strlen(request), 1);
    assert_int_equal(status, step == NF_HTTPD_REFUSED ? in.status
                             : step == NF_HTTPD_DONE  ? 200
                                                      : 100);
    nf_httpd_input_reset(&in, 0);
    return status;
}

static void each_smuggling_form_is_refused(void **state)
{
    (void)state;
#define H "POST /a HTTP/1.1\r\nHost: x\r\n"
    static const char *const forms[] = {
        H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        H "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        H "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        H "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        H "Content-Length: 3, 3\r\n\r\nabc",
        H "Content-Length: +3\r\n\r\nabc",
        H "Content-Length: -3\r\n\r\nabc",
        H "Content-Length: 0x3\r\n\r\nabc",
        H "Content-Length: 3 \x0b\r\n\r\nabc",
        H "Content-Length: \r\n\r\nabc",
        H "Content-Length: 99999999999999999999\r\n\r\nabc",
        H "Content-Length : 3\r\n\r\nabc",
        H " Content-Length: 3\r\n\r\nabc",
        H "X: 1\r\n folded\r\n\r\n",
        H "X: 1\r\n\tfolded\r\n\r\n",
        H "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        H "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        H "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        H "Transfer-Encoding: identity\r\n\r\n",
        H "Transfer-Encoding:\r\n\r\n0\r\n\r\n",
        H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        H "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        H "Transfer_Encoding: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /a HTTP/1.1\nHost: x\n\n",
        "GET /a HTTP/1.1\r\nHost: x\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX: \x01\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX: 1234567\x7f\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nX(y): z\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET /a HTTP/1.1\r\n\r\n",
        "GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
        "GET /a http/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET /a\r\nHost: x\r\n\r\n",
        "GET  /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET\t/a HTTP/1.1\r\nHost: x\r\n\r\n",
        " GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "G(T /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a<b> HTTP/1.1\r\nHost: x\r\n\r\n",
        "\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (status_of(forms[i]) != 400)
            fail_msg("form %zu got %d: %s", i, status_of(forms[i]), forms[i]);
}

static void a_nul_anywhere_in_the_head_is_refused(void **state)
{
    (void)state;
    static const char good[] = "GET /a HTTP/1.1\r\nHost: x\r\nLong: abcdefghijkl\r\n\r\n";
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        char bad[sizeof(good)];
        memcpy(bad, good, sizeof(good));
        bad[i] = '\0';
        struct nf_httpd_input in = { 0 };

        enum nf_httpd_step step = feed_all(&in, bad, sizeof(good) - 1, 64);

        /* In place of the last bytes the head does not end, so that more is awaited. */
        if (step != NF_HTTPD_REFUSED)
            assert_true(step == NF_HTTPD_MORE && i >= sizeof(good) - 5);
        nf_httpd_input_reset(&in, 0);
    }
}

static void each_proper_form_passes(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a HTTP/1.0\r\n\r\n",
        "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /a?b=c&d HTTP/1.1\r\nHost: [::1]:80\r\nX:\tpadded \t\r\nY: \xc3\xbc\r\n\r\n",
        "M-SEARCH /a HTTP/1.1\r\nhOST:x\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost:\r\n\r\n",
        H "Content-Length: 3\r\n\r\nabc",
        H "Content-Length: 003\r\n\r\nabc",
        H "Content-Length: 0\r\n\r\n",
        H "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        H
        "Transfer-Encoding: chunked\r\n\r\n00A;x=\"y\"\r\n0123456789\r\n0;z\r\nT: v\r\nU:\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (status_of(forms[i]) != 200)
            fail_msg("form %zu got %d: %s", i, status_of(forms[i]), forms[i]);
}

static void a_bad_chunked_body_is_refused(void **state)
{
    (void)state;
#define C H "Transfer-Encoding: chunked\r\n\r\n"
    static const char *const bodies[] = {
        C "+3\r\nabc\r\n0\r\n\r\n",
        C "-3\r\nabc\r\n0\r\n\r\n",
        C " 3\r\nabc\r\n0\r\n\r\n",
        C "3 \r\nabc\r\n0\r\n\r\n",
        C "0x3\r\nabc\r\n0\r\n\r\n",
        C "\r\nabc\r\n0\r\n\r\n",
        C ";a\r\nabc\r\n0\r\n\r\n",
        C "3\nabc\n0\n\n",
        C "3\rXabc\r\n0\r\n\r\n",
        C "3\r\nabcd\r\n0\r\n\r\n",
        C "3\r\nabc\n0\r\n\r\n",
        C "000000003\r\nabc\r\n0\r\n\r\n",
        C "FFFFFFFFFFFFFFFF\r\nabc\r\n",
        C "3;a\nb\r\nabc\r\n0\r\n\r\n",
        C "0\r\nT: v\nU: w\r\n\r\n",
        C "0\r\n: v\r\n\r\n",
        C "0\r\n T: v\r\n\r\n",
        C "0\r\nT v\r\n\r\n",
        C "0\r\nT\r\n\r\n",
        C "0\r\n\rX",
        C "3\r\nabc\r\n0\r\nT: \x01\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        if (status_of(bodies[i]) != 400)
            fail_msg("body %zu got %d: %s", i, status_of(bodies[i]), bodies[i]);
}

static void a_chunked_body_is_joined(void **state)
{
    (void)state;
    static const char r[] = C "5\r\nhello\r\n1;x\r\n,\r\n6\r\n world\r\n0\r\n\r\nGET";
    for (size_t piece = 1; piece < sizeof(r); piece++) {
        struct nf_httpd_input in = { 0 };

        assert_int_equal(feed_all(&in, r, sizeof(r) - 1, piece), NF_HTTPD_DONE);

        struct nf_slice body = nf_httpd_input_body(&in);
        assert_int_equal(body.n, 12);
        assert_memory_equal(body.p, "hello, world", 12);
        nf_httpd_input_next(&in);
        assert_true(in.len <= 3);
        assert_memory_equal(in.buf, "GET", in.len);
        nf_httpd_input_reset(&in, 0);
    }
}

static void text_of(char *to, size_t at, size_t n)
{
    memset(to + at, 'a', n);
}

static void the_target_limit_holds_at_its_edge(void **state)
{
    (void)state;
    for (size_t n = 39; n <= 41; n++) {
        char r[256] = "GET /";
        text_of(r, 5, n - 1);
        strcpy(r + 4 + n, " HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(status_of(r), n <= 40 ? 200 : 414);
    }
}

static void the_header_count_limit_holds_at_its_edge(void **state)
{
    (void)state;
    for (size_t n = 7; n <= 9; n++) {
        char r[256] = "GET / HTTP/1.1\r\nHost: x\r\n";
        for (size_t i = 1; i < n; i++)
            strcat(r, "A: b\r\n");
        strcat(r, "\r\n");
        assert_int_equal(status_of(r), n <= 8 ? 200 : 431);
    }
}

static void the_head_size_limit_holds_at_its_edge(void **state)
{
    (void)state;
    static const char first[] = "GET / HTTP/1.1\r\nHost: x\r\nA: ";
    for (size_t n = 511; n <= 513; n++) {
        char r[600] = { 0 };
        strcpy(r, first);
        text_of(r, sizeof(first) - 1, n - (sizeof(first) - 1) - 4);
        strcat(r, "\r\n\r\n");
        assert_int_equal(strlen(r), n);
        assert_int_equal(status_of(r), n <= 512 ? 200 : 431);
    }
}

static void what_is_not_http_is_refused_by_its_first_byte(void **state)
{
    (void)state;
    assert_int_equal(status_of("\x16"), 400);
    assert_int_equal(status_of("\n"), 400);
    assert_int_equal(status_of(" "), 400);
    assert_int_equal(status_of("G"), 100);
    assert_int_equal(status_of("\r"), 100);
}

static void an_endless_request_line_is_refused_by_its_length(void **state)
{
    (void)state;
    char r[600] = { 0 };
    text_of(r, 0, 512);
    assert_int_equal(status_of(r), 100);
    text_of(r, 0, 513);
    assert_int_equal(status_of(r), 414);
}

static void the_body_limit_holds_at_its_edge(void **state)
{
    (void)state;
    for (size_t n = 63; n <= 65; n++) {
        char data[80] = { 0 }, r[400];
        text_of(data, 0, n);
        (void)snprintf(r, sizeof(r), H "Content-Length: %zu\r\n\r\n%s", n, data);
        assert_int_equal(status_of(r), n <= 64 ? 200 : 413);
        (void)snprintf(r, sizeof(r), C "%zx\r\n%s\r\n0\r\n\r\n", n, data);
        assert_int_equal(status_of(r), n <= 64 ? 200 : 413);
        (void)snprintf(r, sizeof(r), C "1\r\na\r\n%zx\r\n%s\r\n0\r\n\r\n", n - 1, data + 1);
        assert_int_equal(status_of(r), n <= 64 ? 200 : 413);
    }
}

static void extensions_and_trailers_are_bounded(void **state)
{
    (void)state;
    static const size_t most[] = { NF_CHUNK_EXT_MAX, NF_CHUNK_TRAILER_MAX };
    for (int kind = 0; kind < 2; kind++) {
        for (size_t n = most[kind] - 8; n <= most[kind] + 8; n += 16) {
            char *r = calloc(1, n + 256);
            assert_non_null(r);
            strcpy(r, kind == 0 ? C "1;" : C "0\r\nT:");
            text_of(r, strlen(r), n);
            strcat(r, kind == 0 ? "\r\na\r\n0\r\n\r\n" : "\r\n\r\n");
            int status = status_of(r);
            free(r);
            assert_int_equal(status, n < most[kind] ? 200 : 400);
        }
    }
}

static void a_trickled_chunked_body_takes_linear_time(void **state)
{
    (void)state;
    enum { N = 60000 };
    struct nf_httpd_input_limits big = limits;
    big.body_max = N;
    struct nf_httpd_input in = { 0 };
    struct nf_err e;
    assert_ok(nf_httpd_input_feed(&in, C, sizeof(C) - 1, &e), &e);
    assert_int_equal(nf_httpd_input_step(&in, &big), NF_HTTPD_HEAD);

    for (size_t i = 0; i < N; i++) {
        assert_ok(nf_httpd_input_feed(&in, "1\r\nx\r\n", 6, &e), &e);
        assert_int_equal(nf_httpd_input_step(&in, &big), NF_HTTPD_MORE);
        /* All that arrived is decoded: nothing is looked at twice, or kept but the data. */
        assert_int_equal(in.len, in.head_n + i + 1);
    }
    nf_httpd_input_reset(&in, 0);
}

static void one_byte_steps_scan_a_head_once(void **state)
{
    (void)state;
    static const char r[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    size_t scanned = 0;
    for (size_t n = 1; n < sizeof(r) - 1; n++) {
        assert_int_equal(nf_httpd_head_scan(r, n, &scanned), 0);
        assert_int_equal(scanned, n);
    }
    assert_int_equal(nf_httpd_head_scan(r, sizeof(r) - 1, &scanned), sizeof(r) - 1);
}

static void keep_alive_follows_version_and_connection(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool keep;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: x\r\n\r\n", true },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: te , CLOSE\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: te\r\nConnection: close\r\n\r\n", false },
        { "GET / HTTP/1.1\r\nHost: x\r\nConnection: closed\r\n\r\n", true },
        { "GET / HTTP/1.0\r\n\r\n", false },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_httpd_input in = { 0 };
        assert_int_equal(feed_all(&in, cases[i].request, strlen(cases[i].request), 64),
                         NF_HTTPD_DONE);
        assert_int_equal(in.head.keep_alive, cases[i].keep);
        nf_httpd_input_reset(&in, 0);
    }
}

static void out_of_memory_while_receiving_is_an_error(void **state)
{
    (void)state;
    struct nf_httpd_input in = { 0 };
    struct nf_err e;
    nf_fail_alloc_at(1);
    assert_code(nf_httpd_input_feed(&in, "GET", 3, &e), NF_E_NOMEM);
    assert_ok(nf_httpd_input_feed(&in, "GET", 3, &e), &e);
    assert_int_equal(in.len, 3);
    nf_httpd_input_reset(&in, 0);
}

/* --- targets --------------------------------------------------------------------------------- */

static int target_status(const char *text, struct nf_httpd_target *t)
{
    int status;
    const char *why;
    struct nf_err e;
    assert_ok(nf_httpd_target_parse(nf_slice_of(text), NF_SLICE("host:1"), t, &status, &why, &e),
              &e);
    return status;
}

static void a_path_has_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "*",
        "a",
        "/..",
        "/.",
        "/a/../b",
        "/a/./b",
        "/%2e%2e/b",
        "/a/%2E",
        "//",
        "//a",
        "/a//b",
        "/a/b//",
        "/a%2fb",
        "/a%2Fb",
        "/a%00b",
        "/a%",
        "/a%4",
        "/a%4g",
        "/a%0ab",
        "/a%7f",
        "/a%ff",
        "/%c0%af",
        "/a?b=%",
        "/a?b=%00",
        "/a?b=%zz",
        "/a?b=%ff",
        "http://other/",
        "http:///a",
        "http://host:1//a",
        "http://host:12/",
        "http://u@host:1/",
        "ftp://host:1/",
        "?",
    };
    struct nf_httpd_target t = { 0 };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (target_status(bad[i], &t) != 400)
            fail_msg("%s passed", bad[i]);
    nf_httpd_target_done(&t);
}

static void a_target_is_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *target, *path;
    } cases[] = {
        { "/", "/" },
        { "/a/b", "/a/b" },
        { "/a/", "/a/" },
        { "/%61%20%C3%BC", "/a \xc3\xbc" },
        { "/a+b", "/a+b" },
        { "/...", "/..." },
        { "/a.b/.c", "/a.b/.c" },
        { "http://HOST:1/x", "/x" },
        { "HTTP://host:1", "/" },
    };
    struct nf_httpd_target t = { 0 };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(target_status(cases[i].target, &t), 0);
        assert_string_equal(nf_str_c(&t.path), cases[i].path);
    }
    nf_httpd_target_done(&t);
}

static void a_query_is_decoded(void **state)
{
    (void)state;
    static const char *const want[][2] = {
        { "a", "1 2" }, { "b", "=x" }, { "c", "" }, { "d", "" }, { "e f", "\xc3\xbc&" }
    };
    struct nf_httpd_target t = { 0 };
    assert_int_equal(target_status("/p?a=1+2&b=%3dx&&c=&d&e%20f=%c3%bc%26", &t), 0);
    assert_int_equal(t.pairs_n, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_true(nf_slice_eq(nf_httpd_slice(t.query.p, t.pairs[i].name), want[i][0]));
        assert_true(nf_slice_eq(nf_httpd_slice(t.query.p, t.pairs[i].value), want[i][1]));
    }
    nf_httpd_target_done(&t);
}

static void the_query_parameter_limit_holds_at_its_edge(void **state)
{
    (void)state;
    struct nf_httpd_target t = { 0 };
    char text[256] = "/p?";
    for (int i = 0; i < NF_HTTPD_QUERY_MAX; i++)
        strcat(text, "a&");
    assert_int_equal(target_status(text, &t), 0);
    strcat(text, "a");
    assert_int_equal(target_status(text, &t), 400);
    nf_httpd_target_done(&t);
}

static void out_of_memory_while_decoding_is_an_error(void **state)
{
    (void)state;
    struct nf_httpd_target t = { 0 };
    struct nf_err e;
    int status;
    const char *why;
    for (size_t n = 1; n <= 2; n++) {
        nf_fail_alloc_at(n);
        assert_code(nf_httpd_target_parse(NF_SLICE("/a?b=c"), NF_SLICE("x"), &t, &status, &why, &e),
                    NF_E_NOMEM);
    }
    nf_fail_alloc_at(0);
    assert_int_equal(target_status("/a?b=c", &t), 0);
    nf_httpd_target_done(&t);
}

/* --- routes ---------------------------------------------------------------------------------- */

static const struct nf_http_route routes[] = {
    { "GET", "/s/{id}", NULL, 0, 0 },    { "GET", "/s/new", NULL, 0, 0 },
    { "POST", "/s/{id}", NULL, 0, 0 },   { "GET", "/s/{id}/m/{m}", NULL, 0, 0 },
    { "GET", "/{rest...}", NULL, 0, 0 }, { "GET", "/f/{path...}", NULL, 0, 0 },
    { "DELETE", "/only", NULL, 0, 0 },
};
#define ROUTES_N (sizeof(routes) / sizeof(routes[0]))

static void the_most_specific_route_wins(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *pattern, *param, *value;
    } cases[] = {
        { "GET", "/s/7", "/s/{id}", "id", "7" },
        { "HEAD", "/s/7", "/s/{id}", "id", "7" },
        { "POST", "/s/7", "/s/{id}", "id", "7" },
        { "GET", "/s/new", "/s/new", NULL, NULL },
        { "POST", "/s/new", "/s/{id}", "id", "new" },
        { "GET", "/s/7/m/8", "/s/{id}/m/{m}", "m", "8" },
        { "GET", "/s/7/m/", "/{rest...}", "rest", "s/7/m/" },
        { "GET", "/s/", "/{rest...}", "rest", "s/" },
        { "GET", "/", "/{rest...}", "rest", "" },
        { "GET", "/f/a/b", "/f/{path...}", "path", "a/b" },
        { "GET", "/f/", "/f/{path...}", "path", "" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_httpd_match m = { 0 };
        nf_httpd_route(routes, ROUTES_N, nf_slice_of(cases[i].method), nf_slice_of(cases[i].path),
                       &m);
        assert_non_null(m.route);
        assert_string_equal(m.route->pattern, cases[i].pattern);
        assert_int_equal(m.params_n > 0, cases[i].param != NULL);
        if (cases[i].param) {
            assert_true(nf_slice_eq(m.params[m.params_n - 1].name, cases[i].param));
            assert_true(nf_slice_eq(m.params[m.params_n - 1].value, cases[i].value));
        }
    }
}

static void another_method_is_told_what_is_allowed(void **state)
{
    (void)state;
    struct nf_httpd_match m = { 0 };
    struct nf_err e;
    nf_httpd_route(routes, ROUTES_N, NF_SLICE("PUT"), NF_SLICE("/s/7"), &m);
    assert_null(m.route);
    assert_true(m.path_known);
    NF_CLEANUP(nf_str_done) struct nf_str allow = { 0 };
    assert_ok(nf_httpd_allow(routes, ROUTES_N, NF_SLICE("/s/7"), &allow, &e), &e);
    assert_string_equal(nf_str_c(&allow), "GET, HEAD, POST");

    nf_httpd_route(routes + 6, 1, NF_SLICE("GET"), NF_SLICE("/other"), &m);
    assert_false(m.path_known);
    nf_httpd_route(routes + 6, 1, NF_SLICE("delete"), NF_SLICE("/only"), &m);
    assert_null(m.route); /* methods are case-sensitive */
}

static void bad_patterns_are_found(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",      "a",         "/{",     "/}",     "/{}",     "/a{b}",
        "/{a}b", "/{a...}/b", "/{...}", "/{a{b}", "/{a}/{b", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}",
    };
    static const char *const good[] = { "/",      "/a",        "/{a}",
                                        "/{a}/b", "/a/{b...}", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_httpd_pattern_ok(bad[i]))
            fail_msg("%s passed", bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(nf_httpd_pattern_ok(good[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_smuggling_form_is_refused),
        cmocka_unit_test(a_nul_anywhere_in_the_head_is_refused),
        cmocka_unit_test(each_proper_form_passes),
        cmocka_unit_test(a_bad_chunked_body_is_refused),
        cmocka_unit_test(a_chunked_body_is_joined),
        cmocka_unit_test(the_target_limit_holds_at_its_edge),
        cmocka_unit_test(the_header_count_limit_holds_at_its_edge),
        cmocka_unit_test(the_head_size_limit_holds_at_its_edge),
        cmocka_unit_test(what_is_not_http_is_refused_by_its_first_byte),
        cmocka_unit_test(an_endless_request_line_is_refused_by_its_length),
        cmocka_unit_test(the_body_limit_holds_at_its_edge),
        cmocka_unit_test(extensions_and_trailers_are_bounded),
        cmocka_unit_test(a_trickled_chunked_body_takes_linear_time),
        cmocka_unit_test(one_byte_steps_scan_a_head_once),
        cmocka_unit_test(keep_alive_follows_version_and_connection),
        cmocka_unit_test(out_of_memory_while_receiving_is_an_error),
        cmocka_unit_test(a_path_has_one_spelling),
        cmocka_unit_test(a_target_is_decoded),
        cmocka_unit_test(a_query_is_decoded),
        cmocka_unit_test(the_query_parameter_limit_holds_at_its_edge),
        cmocka_unit_test(out_of_memory_while_decoding_is_an_error),
        cmocka_unit_test(the_most_specific_route_wins),
        cmocka_unit_test(another_method_is_told_what_is_allowed),
        cmocka_unit_test(bad_patterns_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
