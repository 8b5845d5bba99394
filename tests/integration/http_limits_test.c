/* What the HTTP server does when time, places, descriptors or memory run out, and when it stops. */
#include "tests/integration/http_app.h"

#include <sys/resource.h>
#include <sys/stat.h>

/* --- time ------------------------------------------------------------------------------------ */

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
        assert_true(rig_now_ms() - begin >= 200);
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
    wait_for(&streams_cancelled, 1);
    close(fd);
}

/* --- listening, limits, stopping ------------------------------------------------------------- */

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

static void what_is_received_at_once_is_limited(void **state)
{
    struct rig *r = *state;
    r->options.limits.receiving_max = 6000; /* a buffer begins with 2,048 bytes */
    rig_start(r);
    int fds[3];
    for (int i = 0; i < 3; i++) {
        fds[i] = client(r);
        say(fds[i], "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n" CLOSE);
        nap_ms(50);
    }
    assert_begins(hear_all(fds[2]), "HTTP/1.1 503 ");
    for (int i = 0; i < 2; i++) {
        say(fds[i], "hello");
        assert_begins(hear_all(fds[i]), "HTTP/1.1 200 ");
    }
    for (int i = 0; i < 3; i++)
        close(fds[i]);
    assert_begins(ask(r, "GET /show/1 HTTP/1.1\r\nHost: x\r\n" CLOSE), "HTTP/1.1 200 ");
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
    r->grace_ms = 60000;
    rig_start(r);
    int idle = client(r), busy = client(r);
    say(busy, "GET /sleep/1000 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_for(&handlers_begun, 1);
    rig_tell_to_stop(r);
    assert_string_equal(hear_all(idle), "");
    const char *a = hear_all(busy);
    assert_has(a, "slept");
    assert_has(a, "Connection: close");
    close(idle);
    close(busy);
    rig_stop(r);
    assert_true(r->stop_took_ms < 30000); /* it waits for the handler, not for the grace */
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
    wait_for(&handlers_begun, 2);
    rig_stop(r);
    assert_true(r->stop_took_ms >= 100 && r->stop_took_ms < 30000);
    assert_int_equal(handlers_cancelled, 1);
    assert_int_equal(streams_cancelled, 1);
    close(busy);
    close(streaming);
}

static void out_of_descriptors_it_waits_and_goes_on(void **state)
{
    struct rig *r = *state;
    if (getenv("NF_UNDER_VALGRIND"))
        skip();                              /* it has descriptors of its own */
    r->options.limits.idle_timeout_ms = 400; /* sweeps every 100 ms */
    rig_start(r);
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
    assert_begins(a, "HTTP/1.1 200 ");
    assert_true(cpu < CLOCKS_PER_SEC / 10);
}

static void a_failed_allocation_costs_a_connection_at_most(void **state)
{
    struct rig *r = *state;
    skip_under_tsan();
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
        T(a_slow_head_and_a_slow_body_run_out_of_time),
        T(an_idle_connection_is_closed),
        T(a_handler_runs_out_of_time),
        T(a_peer_that_does_not_read_is_dropped),
        T(connections_over_the_limit_are_closed),
        T(what_is_received_at_once_is_limited),
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
