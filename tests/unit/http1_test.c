/* What is made of a server's response, apart from how its bytes come. */
#include "tests/support/test.h"

#include "codec/http1.h"

#include <string.h>

static struct nf_err err;

/* Head and body of `text` fed in pieces of `piece` bytes; the body in *ret. */
static enum nf_code take(const char *text, size_t n, size_t piece, struct nf_http1_head *h,
                         struct nf_str *ret, bool *ended)
{
    struct nf_http1_body b;
    size_t end = 0, scanned = 0;
    for (size_t got = 0; end == 0 && got < n;) {
        got = got + piece < n ? got + piece : n;
        end = nf_http1_head_end(text, got, &scanned);
    }
    if (end == 0)
        return NF_E_NOT_FOUND;
    NF_TRY(nf_http1_head_parse(text, end, false, h, &err));
    nf_http1_body_begin(&b, h);
    for (size_t at = end; at < n && !b.ended;) {
        char buf[512];
        size_t k = n - at < piece ? n - at : piece, used, out;
        memcpy(buf, text + at, k);
        NF_TRY(nf_http1_body_decode(&b, buf, k, &used, &out, &err));
        if (out > 0)
            NF_TRY(nf_str_add(ret, buf, out, &err));
        at += used;
    }
    *ended = nf_http1_body_end(&b);
    return NF_OK;
}

static void check(const char *text, int status, enum nf_http1_framing framing, bool keep,
                  const char *body)
{
    for (size_t piece = 1; piece <= 400; piece += piece < 8 ? 1 : 97) {
        struct nf_http1_head h = { 0 };
        struct nf_str got = { 0 };
        bool ended = false;
        enum nf_code rc = take(text, strlen(text), piece, &h, &got, &ended);
        bool good = rc == NF_OK && h.status == status && h.framing == framing &&
                    h.keep_alive == keep && ended && strcmp(nf_str_c(&got), body) == 0;
        nf_http1_head_done(&h);
        nf_str_done(&got);
        if (!good)
            fail_msg("in pieces of %zu: %s", piece, text);
    }
}

#define OK "HTTP/1.1 200 OK\r\n"

static void the_end_of_a_body_is_found(void **state)
{
    (void)state;
    check(OK "Content-Length: 2\r\n\r\nabcd", 200, NF_HTTP1_LENGTH, true, "ab");
    check(OK "content-length: 2\r\nContent-Length: 2\r\n\r\nab", 200, NF_HTTP1_LENGTH, true, "ab");
    check(OK "Content-Length: 0\r\n\r\n", 200, NF_HTTP1_LENGTH, true, "");
    check(OK "Transfer-Encoding: Chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\nrest", 200,
          NF_HTTP1_CHUNKED, true, "abc");
    check(OK "\r\nabc", 200, NF_HTTP1_CLOSE, false, "abc");
    check(OK "Connection: keep-alive, Close\r\nContent-Length: 1\r\n\r\na", 200, NF_HTTP1_LENGTH,
          false, "a");
    check("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", 200, NF_HTTP1_LENGTH, false, "a");
    check("HTTP/1.0 200\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\na", 200,
          NF_HTTP1_LENGTH, true, "a");
    check("HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nabcde", 204, NF_HTTP1_NONE, true, "");
    check("HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", 304, NF_HTTP1_NONE, true, "");
    check("HTTP/1.1 101 Other\r\nUpgrade: x\r\n\r\nbytes", 101, NF_HTTP1_NONE, false, "");
    check("HTTP/1.1 200 OK\nContent-Length: 1\n\na", 200, NF_HTTP1_LENGTH, true, "a");
}

/* RFC 9112 section 6.1: HTTP/1.0 has no transfer codings, so who sends one is not to be trusted. */
static void after_chunks_in_http_1_0_the_connection_is_not_used_again(void **state)
{
    (void)state;
    check("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
          "1\r\na\r\n0\r\n\r\n",
          200, NF_HTTP1_CHUNKED, false, "a");
}

/* RFC 9112 section 2.2: it may end a line for somebody else. */
static void a_bare_cr_is_a_blank(void **state)
{
    static const char text[] = OK "Content-Length: 1\r\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n";
    struct nf_http1_head h = { 0 };
    (void)state;
    enum nf_code rc = nf_http1_head_parse(text, sizeof(text) - 1, false, &h, &err);
    bool good = rc == NF_OK && h.framing == NF_HTTP1_LENGTH && h.length == 1 &&
                strcmp(nf_http1_field(&h, "x"), "a Transfer-Encoding: chunked") == 0;
    nf_http1_head_done(&h);
    assert_true(good);
}

#define MANY 3000

/* RFC 9112 section 7.1.1: extensions are ignored. A model's answer may have as many chunks as it
 * has words. */
static void a_long_answer_may_have_an_extension_in_each_chunk(void **state)
{
    struct nf_str text = { 0 }, want = { 0 };
    (void)state;
    enum nf_code rc = nf_str_adds(&text, OK "Transfer-Encoding: chunked\r\n\r\n", &err);
    for (int i = 0; i < MANY && rc == NF_OK; i++) {
        rc = nf_str_adds(&text, "1;sig=abc\r\na\r\n", &err);
        if (rc == NF_OK)
            rc = nf_str_adds(&want, "a", &err);
    }
    if (rc == NF_OK)
        rc = nf_str_adds(&text, "0\r\n\r\n", &err);

    struct nf_http1_head h = { 0 };
    struct nf_str got = { 0 };
    bool ended = false;
    if (rc == NF_OK)
        rc = take(text.p, text.len, 97, &h, &got, &ended);
    bool good = rc == NF_OK && ended && strcmp(nf_str_c(&got), nf_str_c(&want)) == 0;
    nf_http1_head_done(&h);
    nf_str_done(&got);
    nf_str_done(&want);
    nf_str_done(&text);
    assert_true(good);
}

/* RFC 9112 section 6.3: chunks win over a length, and the connection is not to be trusted then. */
static void with_a_length_beside_chunks_the_connection_is_not_used_again(void **state)
{
    (void)state;
    check(OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 200,
          NF_HTTP1_CHUNKED, false, "a");
}

static void fields_are_found_in_any_case_and_unfolded(void **state)
{
    static const char text[] = OK "X-One: 1\r\nx-one: 2\r\nEmpty:\r\nX-Folded: a\r\n \t b\r\n"
                                  "X-Below:\r\n c\r\n\r\n";
    struct nf_http1_head h = { 0 };
    (void)state;
    enum nf_code rc = nf_http1_head_parse(text, sizeof(text) - 1, true, &h, &err);
    bool good = rc == NF_OK && h.framing == NF_HTTP1_NONE &&
                strcmp(nf_http1_field(&h, "X-ONE"), "1") == 0 &&
                strcmp(nf_http1_field(&h, "empty"), "") == 0 &&
                strcmp(nf_http1_field(&h, "x-folded"), "a b") == 0 &&
                strcmp(nf_http1_field(&h, "x-below"), "c") == 0 && !nf_http1_field(&h, "X");
    nf_http1_head_done(&h);
    assert_true(good);
}

static void what_does_not_say_where_it_ends_is_refused(void **state)
{
    static const char *const bad[] = {
        "\r\n\r\n",
        "HTTP/1.1 2\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 099 x\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        OK " folded: first\r\n\r\n",
        OK "no colon\r\n\r\n",
        OK ": no name\r\n\r\n",
        OK "Content-Length : 1\r\n\r\na",
        OK "Content-Length: 1\r\nTransfer-Encoding\t: chunked\r\n\r\na",
        OK "Transfer-Encoding\r: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        OK "Content-Length: -1\r\n\r\n",
        OK "Content-Length: +1\r\n\r\n",
        OK "Content-Length: 1, 1\r\n\r\n",
        OK "Content-Length:\r\n\r\n",
        OK "Content-Length: 99999999999999999999\r\n\r\n",
        OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct nf_http1_head h = { 0 };
        struct nf_str body = { 0 };
        bool ended;
        enum nf_code rc = take(bad[i], strlen(bad[i]), 400, &h, &body, &ended);
        nf_http1_head_done(&h);
        nf_str_done(&body);
        if (rc != NF_E_UNAVAILABLE)
            fail_msg("%s: %s", nf_code_name(rc), bad[i]);
    }
}

static void a_body_that_breaks_off_has_not_ended(void **state)
{
    static const char *const cut[] = { OK "Content-Length: 2\r\n\r\na",
                                       OK "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct nf_http1_head h = { 0 };
        struct nf_str body = { 0 };
        bool ended = true;
        enum nf_code rc = take(cut[i], strlen(cut[i]), 3, &h, &body, &ended);
        nf_http1_head_done(&h);
        nf_str_done(&body);
        assert_int_equal(rc, NF_OK);
        assert_false(ended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_a_body_is_found),
        cmocka_unit_test(after_chunks_in_http_1_0_the_connection_is_not_used_again),
        cmocka_unit_test(a_bare_cr_is_a_blank),
        cmocka_unit_test(a_long_answer_may_have_an_extension_in_each_chunk),
        cmocka_unit_test(with_a_length_beside_chunks_the_connection_is_not_used_again),
        cmocka_unit_test(fields_are_found_in_any_case_and_unfolded),
        cmocka_unit_test(what_does_not_say_where_it_ends_is_refused),
        cmocka_unit_test(a_body_that_breaks_off_has_not_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
