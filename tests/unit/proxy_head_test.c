/* What a program asks of its proxy: what is read is what the server gets, and nothing else. */
#include "skills/proxy_head.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct nf_proxy_request got;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_proxy_request_done(&got);
    return 0;
}

static enum nf_code read_bytes(const char *p, size_t n)
{
    nf_proxy_request_done(&got);
    assert_int_equal(nf_proxy_head_end(p, n), n);
    return nf_proxy_head_read(p, n, &got, &err);
}
#define READ(literal) read_bytes(literal, sizeof(literal) - 1)

static void a_request_is_written_anew(void **state)
{
    (void)state;
    assert_ok(READ("GET http://A.example:8080/x%20y?q=1#part HTTP/1.1\r\nAccept:  a/b \r\n\r\n"),
              &err);
    assert_false(got.tunnel);
    assert_string_equal(got.to.host, "a.example");
    assert_int_equal(got.to.port, 8080);
    assert_int_equal(got.body_n, -1);
    assert_string_equal(nf_str_c(&got.head),
                        "GET /x%20y?q=1 HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\n"
                        "Accept: a/b\r\n\r\n");
}

static void a_body_has_a_length(void **state)
{
    (void)state;
    assert_ok(READ("POST http://a/ HTTP/1.0\r\ncontent-length: 12\r\n\r\n"), &err);
    assert_int_equal(got.body_n, 12);
    assert_string_equal(nf_str_c(&got.head), "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                             "Content-Length: 12\r\n\r\n");
    assert_ok(READ("POST http://a/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n"), &err);
    assert_int_equal(got.body_n, 0);
    assert_non_null(strstr(nf_str_c(&got.head), "Content-Length: 0\r\n"));
}

static void a_tunnel_is_the_root_of_a_server(void **state)
{
    (void)state;
    assert_ok(READ("CONNECT a.example:443 HTTP/1.1\r\nHost: b\r\n\r\n"), &err);
    assert_true(got.tunnel && got.to.https);
    assert_string_equal(nf_str_c(&got.url), "https://a.example/");
    assert_ok(READ("CONNECT [2001:db8::1]:444 HTTP/1.1\r\n\r\n"), &err);
    assert_int_equal(got.to.port, 444);
    assert_true(got.to.ipv6);
}

static void headers_between_two_stay_there(void **state)
{
    (void)state;
    assert_ok(READ("GET http://a/ HTTP/1.1\r\nHost: b\r\nConnection: close, X-One ,x-two\r\n"
                   "X-One: 1\r\nX-TWO: 2\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n"
                   "Expect: 100-continue\r\nForwarded: for=b\r\nAccept-Encoding: gzip\r\n\r\n"),
              &err);
    assert_string_equal(nf_str_c(&got.head), "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                             "Accept-Encoding: gzip\r\n\r\n");
}

static void what_reads_in_two_ways_is_refused(void **state)
{
    (void)state;
    assert_code(READ("GET http://a/ HTTP/1.1\r\nX: a\nY: b\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nX: a\rY: b\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nX: a\0b\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/\0 HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nX: a\r\n b\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nX : a\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"),
                NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nContent-Length: +1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n"),
                NF_E_INVALID);
    assert_code(READ("GET http://a/ HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\n"),
                NF_E_INVALID);
    assert_code(READ("CONNECT a:1 HTTP/1.1\r\nContent-Length: 1\r\n\r\n"), NF_E_INVALID);
}

static void other_requests_are_refused(void **state)
{
    (void)state;
    assert_code(READ("GET / HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET https://a/ HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("get http://a/ HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("GET http://a/\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("CONNECT a HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("CONNECT a:1/ HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("CONNECT a:1?x HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("CONNECT a:1#x HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("CONNECT a:b@c:1 HTTP/1.1\r\n\r\n"), NF_E_INVALID);
    assert_code(READ("\r\n\r\n"), NF_E_INVALID);
}

static void the_number_of_headers_is_limited(void **state)
{
    (void)state;
    NF_CLEANUP(nf_str_done) struct nf_str head = { 0 };
    for (int more = 0; more < 2; more++) {
        nf_str_reset(&head);
        assert_ok(nf_str_adds(&head, "GET http://a/ HTTP/1.1\r\n", &err), &err);
        for (int i = 0; i < NF_PROXY_HEADERS_MAX + more; i++)
            assert_ok(nf_str_adds(&head, "X: y\r\n", &err), &err);
        assert_ok(nf_str_adds(&head, "\r\n", &err), &err);
        assert_code(read_bytes(head.p, head.len), more ? NF_E_LIMIT : NF_OK);
    }
}

static void a_head_ends_with_an_empty_line(void **state)
{
    (void)state;
    const char text[] = "GET http://a/ HTTP/1.1\r\nA: b\r\n\r\nbody";
    size_t n = sizeof(text) - 1 - 4;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nf_proxy_head_end(text, i), 0);
    assert_int_equal(nf_proxy_head_end(text, n), n);
    assert_int_equal(nf_proxy_head_end(text, sizeof(text) - 1), n);
    assert_int_equal(nf_proxy_head_end("GET http://a/ HTTP/1.1\n\n", 24), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_request_is_written_anew, teardown),
        cmocka_unit_test_teardown(a_body_has_a_length, teardown),
        cmocka_unit_test_teardown(a_tunnel_is_the_root_of_a_server, teardown),
        cmocka_unit_test_teardown(headers_between_two_stay_there, teardown),
        cmocka_unit_test_teardown(what_reads_in_two_ways_is_refused, teardown),
        cmocka_unit_test_teardown(other_requests_are_refused, teardown),
        cmocka_unit_test_teardown(the_number_of_headers_is_limited, teardown),
        cmocka_unit_test_teardown(a_head_ends_with_an_empty_line, teardown),
    };
    return cmocka_run_group_tests_name("proxy_head", tests, NULL, NULL);
}
