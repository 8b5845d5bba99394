/* HTTP on real sockets: raw bytes against a running server. */
#include "tests/integration/http_app.h"

/* --- requests -------------------------------------------------------------------------------- */

static void a_request_is_answered(void **state)
{
    struct rig *r = *state;
    rig_start(r);

    const char *a = ask(r, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CLOSE "hello");

    assert_begins(a, "HTTP/1.1 200 OK\r\nDate: ");
    assert_has(a, "\r\nContent-Length: 5\r\n");
    assert_has(a, "\r\nX-Before: yes\r\n");
    assert_has(a, "\r\n\r\nhello");
    rig_stop(r);
    assert_int_equal(users_freed, 1);
}

static void a_handler_sees_what_was_asked(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    const char *a = ask(r, "GET /show/%41?q=1%202&x HTTP/1.1\r\nHost: x\r\nCookie: j=1; k=2\r\n"
                           "x-a: 1\r\nX-A: 2\r\n" CLOSE);
    assert_has(a, "\r\n\r\n/show/{id}|/show/A|A|1 2|10|2|127.0.0.1|-1|2");
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /sleep/100 HTTP/1.1\r\nHost: x\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            "3\r\none\r\n0\r\n\r\n"
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo");
    nap_ms(50);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CLOSE "three");

    const char *a = hear_all(fd);

    close(fd);
    const char *slept = strstr(a, "\r\n\r\nslept"), *one = strstr(a, "\r\n\r\none"),
               *two = strstr(a, "\r\n\r\ntwo"), *three = strstr(a, "\r\n\r\nthree");
    assert_true(slept && slept < one && one < two && two < three);
}

static void a_thousand_pipelined_requests_are_all_answered(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    static const char one[] = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx";
    static char all[1000 * sizeof(one)];
    int fd = client(r);
    for (size_t i = 0; i < 1000; i++)
        memcpy(all + i * (sizeof(one) - 1), one, sizeof(one) - 1);
    say_n(fd, all, 1000 * (sizeof(one) - 1));
    say(fd, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE);

    size_t n = 0;
    for (const char *a = hear_all(fd); (a = strstr(a, "HTTP/1.1 200 OK")) != NULL; a++)
        n++;

    close(fd);
    assert_int_equal(n, 1001);
}

static void slow_handlers_do_not_hold_up_other_connections(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    enum { N = 20 };
    int fds[N];
    int64_t begin = rig_now_ms();
    for (int i = 0; i < N; i++) {
        fds[i] = client(r);
        say(fds[i], "GET /sleep/2000 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    }
    for (int i = 0; i < N; i++) {
        assert_has(hear_all(fds[i]), "slept");
        close(fds[i]);
    }
    assert_true(rig_now_ms() - begin < N * 2000 / 2);
}

static void head_and_no_content_have_no_body(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    const char *a = ask(r, "HEAD /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_begins(a, "HTTP/1.1 200 OK");
    assert_has(a, "Content-Length: ");
    assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\n");

    a = ask(r, "HEAD /stream/3 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_has(a, "Transfer-Encoding: chunked");
    assert_string_equal(strstr(a, "\r\n\r\n"), "\r\n\r\n");

    a = ask(r, "GET /headers HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_begins(a, "HTTP/1.1 204 No Content");
    assert_has(a, "\r\nSet-Cookie: a=b; HttpOnly\r\n");
    assert_null(strstr(a, "Content-Length"));
}

static void a_body_is_sent_after_100_continue(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd,
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" CLOSE);
    assert_string_equal(hear_until(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "ok");
    assert_has(hear_all(fd), "\r\n\r\nok");
    close(fd);

    /* One that is too long is refused instead. */
    assert_begins(ask(r, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                         "Content-Length: 1001\r\n\r\n"),
                  "HTTP/1.1 413 ");
    assert_begins(ask(r, "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"), "HTTP/1.1 417 ");
}

static void refusals_close_the_connection(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *request, *answer;
    } cases[] = {
        { "GET / HTTP/1.1\nHost: x\n\n", "HTTP/1.1 400 " },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
          "chunked\r\n\r\n",
          "HTTP/1.1 400 " },
        { "GET /a/../echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 " },
        { "GET http://y/echo HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 " },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", "HTTP/1.1 413 " },
        { "POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", "HTTP/1.1 413 " },
        { "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n",
          "HTTP/1.1 413 " },
    };
    rig_start(r);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *a = ask(r, cases[i].request);
        assert_begins(a, cases[i].answer);
        assert_has(a, "\r\nConnection: close\r\n");
    }
}

static void a_refusal_arrives_although_the_body_is_still_being_sent(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    static char flood[300000];
    int fd = client(r);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
    say_n(fd, flood, sizeof(flood));
    assert_begins(hear_all(fd), "HTTP/1.1 413 ");
    close(fd);
}

static void paths_and_methods_without_a_route_are_refused(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    assert_begins(ask(r, "GET /nothing HTTP/1.1\r\nHost: x\r\n" CLOSE), "HTTP/1.1 404 ");
    const char *a = ask(r, "DELETE /echo HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_begins(a, "HTTP/1.1 405 ");
    assert_has(a, "\r\nAllow: POST\r\n");
}

static void errors_of_handlers_become_statuses(void **state)
{
    struct rig *r = *state;
    static const struct {
        enum nf_code code;
        const char *answer;
    } cases[] = {
        { NF_OK, "HTTP/1.1 500 " }, /* it did not answer */
        { NF_E_INVALID, "HTTP/1.1 400 " },  { NF_E_NOT_FOUND, "HTTP/1.1 404 " },
        { NF_E_CONFLICT, "HTTP/1.1 409 " }, { NF_E_DENIED, "HTTP/1.1 403 " },
        { NF_E_LIMIT, "HTTP/1.1 413 " },    { NF_E_UNAVAILABLE, "HTTP/1.1 503 " },
        { NF_E_TIMEOUT, "HTTP/1.1 504 " },  { NF_E_INTERNAL, "HTTP/1.1 500 " },
    };
    rig_start(r);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[100];
        (void)snprintf(request, sizeof(request), "GET /fail/%d HTTP/1.1\r\nHost: x\r\n" CLOSE,
                       (int)cases[i].code);
        assert_begins(ask(r, request), cases[i].answer);
    }
    assert_begins(ask(r, "GET /show/1 HTTP/1.1\r\nHost: x\r\nX-Deny: 1\r\n" CLOSE),
                  "HTTP/1.1 403 ");
    assert_begins(ask(r, "GET /no HTTP/1.1\r\nHost: x\r\nX-Answered: 1\r\n" CLOSE),
                  "HTTP/1.1 401 ");
}

/* --- streams --------------------------------------------------------------------------------- */

static void a_stream_is_chunked(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /stream/2 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_has(hear_until(fd, "\r\n\r\n"), "Transfer-Encoding: chunked");
    for (int i = 0; i < 2; i++) {
        assert_string_equal(hear_until(fd, "\r\n"), "2710\r\n");
        for (int n = 0; n < 10002; n++) {
            char c;
            assert_int_equal(recv(fd, &c, 1, 0), 1);
        }
    }
    assert_string_equal(hear_all(fd), "0\r\n\r\n");
    close(fd);
}

static void a_stream_waits_for_its_reader(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    stream_written = 0;
    say(fd, "GET /stream/10000 HTTP/1.1\r\nHost: x\r\n" CLOSE); /* 100 MB */
    long written = 0;
    for (int i = 0; i < 100 && (written == 0 || written != stream_written); i++) {
        written = stream_written;
        nap_ms(400);
    }
    /* What the kernel buffers on both sides, and 64 KiB of ours. */
    print_message("%ld KiB were written before the handler had to wait\n", written / 1024);
    assert_int_equal(written, stream_written);
    assert_true(written < 20000000);
    size_t total = 0;
    for (;;) {
        static char buf[65536];
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        assert_true(n >= 0);
        if (n == 0)
            break;
        total += (size_t)n;
    }
    close(fd);
    assert_true(total > 100000000);
}

static void a_stream_s_handler_learns_that_the_peer_left(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)hear_until(fd, "first\r\n");
    close(fd);
    wait_for(&streams_cancelled, 1);
}

static void an_unfinished_stream_is_cut(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    const char *a = ask(r, "GET /cut HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_null(strstr(a, "0\r\n\r\n"));
}

static void a_stream_to_http_1_0_ends_with_the_connection(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    const char *a = ask(r, "GET /stream/1 HTTP/1.0\r\n\r\n");
    assert_null(strstr(a, "chunked"));
    assert_has(a, "Connection: close");
    assert_has(a, "\r\n\r\n");
}

static void a_static_body_arrives_whole(void **state)
{
    struct rig *r = *state;
    memset(asset, 'z', sizeof(asset));
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.1\r\nHost: x\r\n" CLOSE);
    nap_ms(100);
    for (int i = 0; i < 2; i++) {
        (void)hear_until(fd, "\r\n\r\n");
        for (size_t n = 0; n < sizeof(asset);) {
            static char buf[65536];
            size_t want = sizeof(asset) - n < sizeof(buf) ? sizeof(asset) - n : sizeof(buf);
            ssize_t got = recv(fd, buf, want, 0);
            assert_true(got > 0);
            for (ssize_t k = 0; k < got; k++)
                assert_int_equal(buf[k], 'z');
            n += (size_t)got;
        }
    }
    assert_string_equal(hear_all(fd), "");
    close(fd);
}

static void a_half_closed_peer_gets_all_its_answers(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /sleep/100 HTTP/1.1\r\nHost: x\r\n\r\n"
            "GET /show/2 HTTP/1.1\r\nHost: x\r\n\r\nGET /half");
    (void)shutdown(fd, SHUT_WR);
    const char *a = hear_all(fd);
    assert_has(a, "slept");
    assert_has(a, "/show/2");
    close(fd);
}

static void a_half_closed_peer_gets_its_answer(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /sleep/100 HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)shutdown(fd, SHUT_WR);
    assert_has(hear_all(fd), "slept");
    close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_request_is_answered),
        T(a_handler_sees_what_was_asked),
        T(pipelined_requests_are_answered_in_order),
        T(a_thousand_pipelined_requests_are_all_answered),
        T(slow_handlers_do_not_hold_up_other_connections),
        T(head_and_no_content_have_no_body),
        T(a_body_is_sent_after_100_continue),
        T(refusals_close_the_connection),
        T(a_refusal_arrives_although_the_body_is_still_being_sent),
        T(paths_and_methods_without_a_route_are_refused),
        T(errors_of_handlers_become_statuses),
        T(a_stream_is_chunked),
        T(a_stream_waits_for_its_reader),
        T(a_stream_s_handler_learns_that_the_peer_left),
        T(an_unfinished_stream_is_cut),
        T(a_stream_to_http_1_0_ends_with_the_connection),
        T(a_static_body_arrives_whole),
        T(a_half_closed_peer_gets_its_answer),
        T(a_half_closed_peer_gets_all_its_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
