/* HTTP on real sockets: raw bytes against a running server. */
#include "tests/integration/http_rig.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CLOSE "Connection: close\r\n\r\n"

static atomic_int users_freed, handlers_cancelled, streams_cancelled;
static atomic_long stream_written;
static char asset[1 << 20];

/* --- the application ----------------------------------------------------------------------------
 */

static void free_user(void *user)
{
    (void)user;
    atomic_fetch_add(&users_freed, 1);
}

static enum nf_code before(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    nf_http_set_user(x, &users_freed, free_user);
    if (nf_http_request_header(x, "x-deny").n > 0)
        return nf_err_set(err, NF_E_DENIED, "not you");
    if (nf_http_request_header(x, "x-answered").n > 0)
        return nf_http_respond(x, 401, NULL, "", 0, err);
    return nf_http_add_header(x, "X-Before", "yes", err);
}

static enum nf_code echo(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    struct nf_slice b = nf_http_body(x);
    assert_ptr_equal(nf_http_user(x), &users_freed);
    return nf_http_respond(x, 200, "text/plain", b.p, b.n, err);
}

static enum nf_code show(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    bool found, other;
    unsigned uid = 4711;
    struct nf_slice q = nf_http_query(x, "q", &found), c = nf_http_cookie(x, "k"),
                    path = nf_http_path(x), id = nf_http_param(x, "id");
    (void)nf_http_query(x, "none", &other);
    bool has_uid = nf_http_peer_uid(x, &uid);
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    NF_TRY(nf_str_addf(&s, err, "%s|%.*s|%.*s|%.*s|%d%d|%.*s|%s|%d|%zu", nf_http_pattern(x),
                       (int)path.n, path.p, (int)id.n, id.p, (int)q.n, q.p, found, other, (int)c.n,
                       c.p, nf_http_peer(x), has_uid ? (int)(uid == getuid()) : -1,
                       nf_http_request_header_count(x, "X-A")));
    return nf_http_respond(x, 200, "text/plain", nf_str_c(&s), s.len, err);
}

static enum nf_code sleepy(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    int64_t ms = 0;
    (void)nf_slice_u63(nf_http_param(x, "ms"), &ms);
    enum nf_code rc = nf_sleep(ms, err);
    if (rc != NF_OK)
        atomic_fetch_add(&handlers_cancelled, 1);
    NF_TRY(rc);
    return nf_http_respond(x, 200, NULL, "slept", 5, err);
}

static enum nf_code stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    static const char block[10000];
    int64_t n = 0;
    (void)nf_slice_u63(nf_http_param(x, "n"), &n);
    NF_TRY(nf_http_begin(x, 200, "text/event-stream", err));
    for (int64_t i = 0; i < n; i++) {
        enum nf_code rc = nf_http_write(x, block, sizeof(block), err);
        if (rc != NF_OK)
            atomic_fetch_add(&streams_cancelled, 1);
        NF_TRY(rc);
        atomic_fetch_add(&stream_written, (long)sizeof(block));
    }
    return nf_http_end(x, err);
}

static enum nf_code wait_in_stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    NF_TRY(nf_http_begin(x, 200, NULL, err));
    NF_TRY(nf_http_write(x, "first", 5, err));
    enum nf_code rc = nf_sleep(60000, err);
    if (rc == NF_E_CANCELED)
        atomic_fetch_add(&streams_cancelled, 1);
    return rc;
}

static enum nf_code cut_stream(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    NF_TRY(nf_http_begin(x, 200, NULL, err));
    return nf_http_write(x, "half", 4, err);
}

static enum nf_code fails(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    int64_t code = 0;
    (void)nf_slice_u63(nf_http_param(x, "code"), &code);
    return code ? nf_err_set(err, (enum nf_code)code, "why it failed") : NF_OK;
}

static enum nf_code headers(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    static const char *const bad[][2] = {
        { "X", "a\r\nY: b" },
        { "X", "a\nb" },
        { "X", "a\rb" },
        { "X\r\nY", "a" },
        { "X:", "a" },
        { "", "a" },
        { "X Y", "a" },
        { "Content-Length", "1" },
        { "transfer-ENCODING", "chunked" },
        { "Connection", "close" },
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_http_add_header(x, bad[i][0], bad[i][1], err) != NF_E_INVALID)
            return nf_err_set(err, NF_E_INTERNAL, "%s was accepted", bad[i][0]);
    if (nf_http_respond(x, 200, "text/plain\r\nX: y", "", 0, err) != NF_E_INVALID ||
        nf_http_respond(x, 299, NULL, "", 0, err) != NF_E_INVALID)
        return nf_err_set(err, NF_E_INTERNAL, "a bad response was accepted");
    NF_TRY(nf_http_add_header(x, "Set-Cookie", "a=b; HttpOnly", err));
    NF_TRY(nf_http_respond(x, 204, NULL, "", 0, err));
    if (nf_http_respond(x, 200, NULL, "", 0, err) != NF_E_CONFLICT)
        abort();
    return NF_OK;
}

static enum nf_code big(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    return nf_http_respond_static(x, 200, NULL, asset, sizeof(asset), err);
}

static const struct nf_http_route routes[] = {
    { "POST", "/echo", echo, 0, 0 },        { "POST", "/small", echo, 10, 0 },
    { "GET", "/show/{id}", show, 0, 0 },    { "GET", "/sleep/{ms}", sleepy, 0, 0 },
    { "GET", "/stream/{n}", stream, 0, 0 }, { "GET", "/wait", wait_in_stream, 0, 0 },
    { "GET", "/cut", cut_stream, 0, 0 },    { "GET", "/fail/{code}", fails, 0, 0 },
    { "GET", "/headers", headers, 0, 0 },   { "GET", "/big", big, 0, 0 },
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    if (!r)
        return -1;
    r->options = (struct nf_http_server_options){ .routes = routes,
                                                  .routes_n = sizeof(routes) / sizeof(routes[0]),
                                                  .before = before };
    r->options.limits.body_max = 1000;
    r->grace_ms = 2000;
    users_freed = handlers_cancelled = streams_cancelled = 0;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    rig_stop(r);
    free(r);
    return 0;
}

/* --- requests -----------------------------------------------------------------------------------
 */

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
        say(fds[i], "GET /sleep/300 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    }
    for (int i = 0; i < N; i++) {
        assert_has(hear_all(fds[i]), "slept");
        close(fds[i]);
    }
    assert_true(rig_now_ms() - begin < N * 300 / 2);
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

/* --- time ---------------------------------------------------------------------------------------
 */

static void a_slow_head_and_a_slow_body_run_out_of_time(void **state)
{
    struct rig *r = *state;
    r->options.limits.head_timeout_ms = 200;
    r->options.limits.body_timeout_ms = 200;
    rig_start(r);
    static const char *const begun[] = {
        "G",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nab",
    };
    for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
        int64_t begin = rig_now_ms();
        int fd = client(r);
        say(fd, begun[i]);
        /* Trickling on does not help. */
        for (int k = 0; k < 10 && send(fd, "a", 1, MSG_NOSIGNAL) == 1; k++)
            nap_ms(30);
        assert_begins(hear_all(fd), "HTTP/1.1 408 ");
        close(fd);
        assert_true(rig_now_ms() - begin >= 200 && rig_now_ms() - begin < 3000);
    }
}

static void an_idle_connection_is_closed(void **state)
{
    struct rig *r = *state;
    r->options.limits.idle_timeout_ms = 200;
    rig_start(r);
    int fd = client(r);
    assert_string_equal(hear_all(fd), "");
    close(fd);
    fd = client(r);
    say(fd, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    assert_begins(hear_all(fd), "HTTP/1.1 200 ");
    close(fd);
}

static void a_handler_runs_out_of_time(void **state)
{
    struct rig *r = *state;
    r->options.limits.handler_timeout_ms = 200;
    rig_start(r);
    assert_begins(ask(r, "GET /sleep/60000 HTTP/1.1\r\nHost: x\r\n" CLOSE), "HTTP/1.1 504 ");
    assert_int_equal(handlers_cancelled, 1);
    /* Its fiber serves the next one as if nothing had been. */
    assert_has(ask(r, "GET /sleep/10 HTTP/1.1\r\nHost: x\r\n" CLOSE), "slept");
}

static void a_peer_that_does_not_read_is_dropped(void **state)
{
    struct rig *r = *state;
    r->options.limits.write_timeout_ms = 300;
    rig_start(r);
    int fd = client(r);
    say(fd, "GET /stream/100000 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 100 && streams_cancelled == 0; i++)
        nap_ms(50);
    assert_int_equal(streams_cancelled, 1);
    close(fd);
}

/* --- streams ------------------------------------------------------------------------------------
 */

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
    for (int i = 0; i < 50 && (written == 0 || written != stream_written); i++) {
        written = stream_written;
        nap_ms(100);
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
    for (int i = 0; i < 100 && streams_cancelled == 0; i++)
        nap_ms(20);
    assert_int_equal(streams_cancelled, 1);
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

/* --- listening, limits, stopping ----------------------------------------------------------------
 */

static void connections_over_the_limit_are_closed(void **state)
{
    struct rig *r = *state;
    r->options.limits.connections_max = 2;
    rig_start(r);
    int one = client(r), two = client(r);
    nap_ms(50);
    int three = client(r);
    assert_string_equal(hear_all(three), "");
    close(three);
    close(one);
    nap_ms(50);
    assert_begins(ask(r, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE), "HTTP/1.1 200 ");
    close(two);
}

static void connections_of_one_address_are_limited(void **state)
{
    struct rig *r = *state;
    r->options.limits.per_ip_max = 1;
    rig_start(r);
    for (int i = 0; i < 3; i++) { /* a place is given back */
        int one = client(r);
        nap_ms(50);
        int two = client(r);
        assert_string_equal(hear_all(two), "");
        close(two);
        say(one, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE);
        assert_begins(hear_all(one), "HTTP/1.1 200 ");
        close(one);
        nap_ms(50);
    }
}

static int unix_client(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void a_unix_socket_tells_who_asks(void **state)
{
    struct rig *r = *state;
    char dir[] = "/tmp/nf-http-XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    /* Left by a process that died: */
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    (void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&a, sizeof(a)), 0);
    close(stale);
    r->unix_path = path;
    rig_start(r);

    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    int fd = unix_client(path);
    say(fd, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    assert_has(hear_all(fd), "|unix|1|0");
    close(fd);

    rig_stop(r);
    assert_int_equal(access(path, F_OK), -1);
    (void)rmdir(dir);
}

static enum nf_code listen_elsewhere(void *arg, struct nf_err *err)
{
    struct rig *r = arg;
    struct nf_http_server_options o = { 0 };
    struct nf_http_server *s;
    char taken[40];
    (void)snprintf(taken, sizeof(taken), "127.0.0.1:%d", r->port);
    static const char *const bad[] = { "",
                                       "7777",
                                       ":7777",
                                       "localhost:1",
                                       "1.2.3:80",
                                       "127.0.0.1:",
                                       "127.0.0.1:65536",
                                       "127.0.0.1:+1",
                                       "[::1]",
                                       "::1:80",
                                       "unix:" };
    NF_TRY(nf_http_server_new(r->loop, &o, &s, err));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_http_server_listen(s, bad[i], NULL, err) != NF_E_INVALID)
            (void)fprintf(stderr, "%s was accepted\n", bad[i]), abort();
    enum nf_code rc = nf_http_server_listen(s, taken, NULL, err);
    nf_http_server_stop(s, 0);
    nf_http_server_free(s);
    return rc == NF_E_CONFLICT ? NF_OK : NF_E_INTERNAL;
}

static void an_address_in_use_is_a_conflict(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    struct rig other = { .port = r->port };
    struct nf_err e = { 0 };
    assert_ok(nf_loop_new(&other.loop, &e), &e);
    enum nf_code rc = nf_loop_run(other.loop, listen_elsewhere, &other, &e);
    nf_loop_free(other.loop);
    assert_ok(rc, &e);
}

static void stop_lets_a_running_handler_finish(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    int idle = client(r), busy = client(r);
    say(busy, "GET /sleep/300 HTTP/1.1\r\nHost: x\r\n\r\n");
    nap_ms(100);
    rig_tell_to_stop(r);
    assert_string_equal(hear_all(idle), "");
    const char *a = hear_all(busy);
    assert_has(a, "slept");
    assert_has(a, "Connection: close");
    close(idle);
    close(busy);
    rig_stop(r);
    assert_true(r->stop_took_ms < 1500);
    assert_int_equal(r->last.connections, 2);
    assert_int_equal(r->last.requests, 1);
}

static void stop_cancels_what_outlives_the_grace(void **state)
{
    struct rig *r = *state;
    r->grace_ms = 100;
    rig_start(r);
    int busy = client(r), streaming = client(r);
    say(busy, "GET /sleep/60000 HTTP/1.1\r\nHost: x\r\n\r\n");
    say(streaming, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    nap_ms(100);
    rig_stop(r);
    assert_true(r->stop_took_ms >= 100 && r->stop_took_ms < 2000);
    assert_int_equal(handlers_cancelled, 1);
    assert_int_equal(streams_cancelled, 1);
    close(busy);
    close(streaming);
}

static void out_of_descriptors_it_waits_and_goes_on(void **state)
{
    struct rig *r = *state;
    r->options.limits.idle_timeout_ms = 400; /* sweeps every 100 ms */
    rig_start(r);
    int fd = client(r);
    nap_ms(50);
    struct rlimit old, low;
    (void)getrlimit(RLIMIT_NOFILE, &old);
    int next = dup(0);
    close(next);
    low = (struct rlimit){ (rlim_t)next + 1, old.rlim_max };
    (void)setrlimit(RLIMIT_NOFILE, &low);

    int waiting = client(r); /* takes the last one, so that the server gets none */
    clock_t cpu = clock();
    nap_ms(250);
    cpu = clock() - cpu;
    (void)setrlimit(RLIMIT_NOFILE, &old);
    say(waiting, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE);
    const char *a = hear_all(waiting);

    close(waiting);
    close(fd);
    assert_begins(a, "HTTP/1.1 200 ");
    assert_true(cpu < CLOCKS_PER_SEC / 10);
}

static void a_failed_allocation_costs_a_connection_at_most(void **state)
{
    struct rig *r = *state;
    rig_start(r);
    static const char *const requests[] = {
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CLOSE "hello",
        "GET /show/%41?q=1%202&x HTTP/1.1\r\nHost: x\r\n" CLOSE,
        "GET /stream/20 HTTP/1.1\r\nHost: x\r\n" CLOSE,
        "DELETE /echo HTTP/1.1\r\nHost: x\r\n" CLOSE,
        "GET /sleep/10 HTTP/1.1\r\nHost: x\r\n" CLOSE,
        "GET /big HTTP/1.1\r\nHost: x\r\n" CLOSE,
    };
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        for (size_t n = 1; n <= 12; n++) {
            int fd = client(r);
            nf_fail_alloc_at(n);
            say(fd, requests[i]);
            (void)hear_all(fd);
            nf_fail_alloc_at(0);
            close(fd);
        }
        assert_has(ask(r, requests[0]), "hello");
    }
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
        T(a_slow_head_and_a_slow_body_run_out_of_time),
        T(an_idle_connection_is_closed),
        T(a_handler_runs_out_of_time),
        T(a_peer_that_does_not_read_is_dropped),
        T(a_stream_is_chunked),
        T(a_stream_waits_for_its_reader),
        T(a_stream_s_handler_learns_that_the_peer_left),
        T(an_unfinished_stream_is_cut),
        T(a_stream_to_http_1_0_ends_with_the_connection),
        T(a_static_body_arrives_whole),
        T(a_half_closed_peer_gets_its_answer),
        T(connections_over_the_limit_are_closed),
        T(connections_of_one_address_are_limited),
        T(a_unix_socket_tells_who_asks),
        T(an_address_in_use_is_a_conflict),
        T(stop_lets_a_running_handler_finish),
        T(stop_cancels_what_outlives_the_grace),
        T(out_of_descriptors_it_waits_and_goes_on),
        T(a_failed_allocation_costs_a_connection_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
