/* What the HTTP client makes of servers that hang, break off, flood or lie, of names that do not
 * resolve, of being cancelled, and of memory that runs out. */
#include "tests/integration/client_fixture.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define MIB (1024L * 1024)

typedef int (*resolve_fn)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* libcurl's resolver threads call this instead of the C library's, so that no test depends on a
 * network: server.test is 127.0.0.1, as all below it, slow.test takes its time, other names do not
 * exist. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **ret)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): ISO C has no cast from object to function */
    resolve_fn real = (resolve_fn)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");

    size_t n = strlen(node);
    if (n >= 11 && strcmp(node + n - 11, "server.test") == 0)
        return real("127.0.0.1", service, hints, ret);
    usleep(strcmp(node, "slow.test") == 0 ? 1500000 : 5000);
    return EAI_NONAME;
}

static NF_RC open_url(struct fixture *f, const char *url, bool *sent, struct nf_http_call **ret,
                      struct nf_err *err)
{
    return nf_http_open(f->client,
                        &(struct nf_http_request){
                            .method = "GET", .url = url, .head_timeout_ms = 5000, .sent = sent },
                        ret, err);
}

static NF_RC get(struct fixture *f, const char *url, struct nf_str *body, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;

    nf_str_reset(body);
    NF_TRY(open_url(f, url, NULL, &h, err));
    return nf_http_read_all(h, 5000, body, err);
}

static void serve_ok(struct raw_conn *c)
{
    while (raw_request(c) && raw_send(c, OK_2))
        ;
}

/* --- broken off ------------------------------------------------------------------------------- */

#define CUT_LENGTH "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\nhello"
#define CUT_CHUNKED                                                                                \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"

static const char *cut_text;
static atomic_int cut_at;

static void serve_cut(struct raw_conn *c)
{
    if (raw_request(c))
        raw_sendn(c, cut_text, (size_t)atomic_load(&cut_at));
}

static enum nf_code cut_body(struct fixture *f, struct nf_err *err)
{
    size_t n = strlen(cut_text);

    /* A server serves RAW_CONNS connections, so take a new one for each cut. */
    for (size_t k = 0; k <= n; k++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        char url[64];
        atomic_store(&cut_at, (int)k);
        struct raw_server *s = raw_server_new(serve_cut, NULL, NULL);
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", raw_server_port(s));
        enum nf_code rc = get(f, url, &body, err);
        raw_server_free(s);
        if (k == n)
            EXPECT_CODE(rc, NF_OK);
        else if (rc != NF_E_UNAVAILABLE)
            return nf_err_set(err, NF_E_INTERNAL, "cut at %zu: %s", k, nf_code_name(rc));
    }
    return NF_OK;
}

static void a_response_cut_at_any_byte_is_an_error(void **state)
{
    (void)state;
    cut_text = CUT_LENGTH;
    run(NULL, cut_body);
}

static void a_chunked_response_cut_at_any_byte_is_an_error(void **state)
{
    (void)state;
    cut_text = CUT_CHUNKED;
    run(NULL, cut_body);
}

static void serve_drip(struct raw_conn *c)
{
    if (raw_request(c))
        raw_drip(c, CUT_CHUNKED, strlen(CUT_CHUNKED), 1);
}

static enum nf_code drip_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    EXPECT(strcmp(nf_str_c(&body), "hello") == 0);
    return NF_OK;
}

static void a_response_that_drips_in_is_read_whole(void **state)
{
    (void)state;
    run(serve_drip, drip_body);
}

static void serve_lies(struct raw_conn *c)
{
    static const char *const lies[] = {
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 2\r\n\r\n",
        "hello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhe",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello",
    };
    if (raw_request(c)) {
        raw_send(c, lies[c->nth % 6]);
        raw_peer_gone(c, 50);
    }
}

static enum nf_code lies_body(struct fixture *f, struct nf_err *err)
{
    for (int i = 0; i < 6; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
        enum nf_code rc = get(f, f->url, &body, err);
        if (rc != NF_E_UNAVAILABLE)
            return nf_err_set(err, NF_E_INTERNAL, "lie %d: %s", i, nf_code_name(rc));
    }
    return NF_OK;
}

static void what_is_not_http_is_an_error(void **state)
{
    (void)state;
    run(serve_lies, lies_body);
}

/* The whole head has as many bytes as the server's argument says. */
static void serve_long_head(struct raw_conn *c)
{
    size_t left = *(const size_t *)c->arg;
    char line[1024];

    if (!raw_request(c))
        return;
    left -= (size_t)snprintf(line, sizeof line, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    raw_send(c, line);
    memset(line, 'x', sizeof line);
    memcpy(line, "X: ", 3);
    for (; left >= 1000; left -= 500)
        if (!raw_sendn(c, line, 498) || !raw_send(c, "\r\n"))
            return;
    raw_sendn(c, line, left - 4);
    raw_send(c, "\r\n\r\n");
    raw_peer_gone(c, 1000);
}

static enum nf_code fits_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    return NF_OK;
}

static enum nf_code too_long_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_E_LIMIT);
    return NF_OK;
}

static void the_length_of_a_head_is_limited(void **state)
{
    size_t n = NF_HTTP_RESPONSE_HEAD_MAX;

    (void)state;
    run_with(serve_long_head, &n, NULL, fits_body);
    n++;
    run_with(serve_long_head, &n, NULL, too_long_body);
}

static void serve_many_headers(struct raw_conn *c)
{
    if (!raw_request(c) || !raw_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"))
        return;
    for (int i = 1; i < *(const int *)c->arg; i++)
        raw_send(c, "A: b\r\n");
    raw_send(c, "\r\n");
    raw_peer_gone(c, 1000);
}

static void the_number_of_headers_of_a_response_is_limited(void **state)
{
    int n = NF_HTTP_RESPONSE_HEADERS_MAX;

    (void)state;
    run_with(serve_many_headers, &n, NULL, fits_body);
    n++;
    run_with(serve_many_headers, &n, NULL, too_long_body);
}

static void serve_endless_100(struct raw_conn *c)
{
    if (raw_request(c))
        while (raw_send(c, "HTTP/1.1 100 Continue\r\n\r\n"))
            ;
}

static void interim_heads_without_end_are_limited(void **state)
{
    (void)state;
    run(serve_endless_100, too_long_body);
}

/* --- floods ----------------------------------------------------------------------------------- */

#define FLOOD (64 * MIB)

static void serve_flood(struct raw_conn *c)
{
    char head[96];

    if (!raw_request(c))
        return;
    (void)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", FLOOD);
    raw_send(c, head);
    if (raw_flood(c, FLOOD) || true)
        raw_peer_gone(c, 3000);
}

static long rss(void)
{
    long pages = 0, resident = 0;
    FILE *fp = fopen("/proc/self/statm", "r");

    if (fp && fscanf(fp, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (fp)
        (void)fclose(fp);
    return resident * 4096;
}

static enum nf_code throttle_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    const char *p;
    size_t n;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    EXPECT_CODE(nf_http_read(h, 1000, &p, &n, err), NF_OK);
    long before = rss();
    EXPECT_CODE(nf_sleep(300, err), NF_OK);
    long sent = raw_server_sent(f->server);
    EXPECT_CODE(nf_sleep(100, err), NF_OK);

    /* What both sockets buffer, and no more: the sender waits. */
    EXPECT(raw_server_sent(f->server) == sent);
    EXPECT(sent < FLOOD / 2);
    EXPECT(rss() - before < MIB);

    EXPECT_CODE(nf_http_read(h, 1000, &p, &n, err), NF_OK);
    EXPECT(n <= 65536);
    nf_http_close(h);
    EXPECT(raw_server_wait_gone(f->server, 1, 2000));
    return NF_OK;
}

static void a_reader_that_sleeps_slows_the_sender_and_holds_little(void **state)
{
    (void)state;
    run(serve_flood, throttle_body);
}

static enum nf_code whole_flood_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_http_closep) struct nf_http_call *h = NULL;
    const char *p;
    size_t n, total = 0, reads = 0;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    long before = rss();
    (void)before;
    do {
        EXPECT_CODE(nf_http_read(h, 5000, &p, &n, err), NF_OK);
        EXPECT(n <= 65536);
        for (size_t i = 0; i < n; i += 97)
            EXPECT(p[i] == (char)('a' + (total + i) % 26));
        total += n;
        if (++reads % 100 == 0)
            EXPECT_CODE(nf_sleep(1, err), NF_OK);
    } while (n > 0);
    EXPECT(total == FLOOD);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what is freed for a while */
    EXPECT(rss() - before < 4 * MIB);
#endif
    return NF_OK;
}

static void a_big_body_is_read_whole_through_many_pauses(void **state)
{
    (void)state;
    run(serve_flood, whole_flood_body);
}

/* --- time ------------------------------------------------------------------------------------- */

static void serve_hang(struct raw_conn *c)
{
    raw_peer_gone(c, 5000);
}

static void serve_hang_mid_body(struct raw_conn *c)
{
    if (raw_request(c) && raw_send(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe"))
        raw_peer_gone(c, 5000);
}

static enum nf_code hang_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    int64_t began = now_ms();
    bool sent = false;

    EXPECT_CODE(
        nf_http_open(f->client,
                     &(struct nf_http_request){
                         .method = "GET", .url = f->url, .head_timeout_ms = 100, .sent = &sent },
                     &h, err),
        NF_E_TIMEOUT);
    EXPECT(now_ms() - began >= 95 && now_ms() - began < 2000);
    EXPECT(sent);
    EXPECT(raw_server_wait_gone(f->server, 1, 1000));
    return NF_OK;
}

static void a_server_that_sends_no_head_is_given_up(void **state)
{
    (void)state;
    run(serve_hang, hang_body);
}

static enum nf_code hang_mid_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    const char *p;
    size_t n;

    EXPECT_CODE(open_url(f, f->url, NULL, &h, err), NF_OK);
    EXPECT_CODE(nf_http_read(h, 1000, &p, &n, err), NF_OK);
    EXPECT(n == 2);
    EXPECT_CODE(nf_http_read(h, 100, &p, &n, err), NF_E_TIMEOUT);
    EXPECT_CODE(nf_http_read(h, 100, &p, &n, err), NF_E_TIMEOUT);
    nf_http_close(h);
    EXPECT(raw_server_wait_gone(f->server, 1, 1000));
    return NF_OK;
}

static void a_server_that_stops_in_its_body_is_given_up(void **state)
{
    (void)state;
    run(serve_hang_mid_body, hang_mid_body);
}

/* A socket that listens and has no room for another connection: connecting to it hangs. */
static int full_listener(int *port, int filler[2])
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 0) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        abort();
    for (int i = 0; i < 2; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(filler[i], (struct sockaddr *)&a, n) != 0 && i == 0)
            usleep(20000);
    }
    usleep(20000);
    *port = ntohs(a.sin_port);
    return fd;
}

static enum nf_code connect_timeout_body(struct fixture *f, struct nf_err *err)
{
    struct nf_http_call *h = NULL;
    char url[64];
    int port, filler[2], fd = full_listener(&port, filler);
    bool sent = true;

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    enum nf_code rc =
        nf_http_open(f->client,
                     &(struct nf_http_request){
                         .method = "GET", .url = url, .connect_timeout_ms = 100, .sent = &sent },
                     &h, err);
    close(fd);
    close(filler[0]);
    close(filler[1]);
    EXPECT_CODE(rc, NF_E_TIMEOUT);
    EXPECT(!sent);
    return NF_OK;
}

static void connecting_has_a_time_limit_of_its_own(void **state)
{
    (void)state;
    run(NULL, connect_timeout_body);
}

/* --- cancelling ------------------------------------------------------------------------------- */

struct victim {
    struct fixture *f;
    const char *url;
    enum nf_code rc;
};

static enum nf_code fetch_victim(void *arg, struct nf_err *err)
{
    struct victim *v = arg;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    v->rc = get(v->f, v->url, &body, err);
    return NF_OK;
}

static NF_RC cancel_after(struct fixture *f, const char *url, int ms, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct victim v = { f, url, NF_OK };

    nf_scope_init(&s, f->loop);
    NF_TRY(nf_scope_spawn(&s, fetch_victim, &v, NULL, err));
    EXPECT_CODE(nf_sleep(ms, err), NF_OK);
    int64_t began = now_ms();
    nf_scope_cancel(&s);
    EXPECT_CODE(nf_scope_join(&s, err), NF_OK);
    EXPECT_CODE(v.rc, NF_E_CANCELED);
    EXPECT(now_ms() - began < 500);
    return NF_OK;
}

static enum nf_code cancel_waiting_body(struct fixture *f, struct nf_err *err)
{
    NF_TRY(cancel_after(f, f->url, 50, err));
    EXPECT(raw_server_wait_gone(f->server, 1, 1000));
    return NF_OK;
}

static void cancelling_closes_the_connection_before_and_after_the_head(void **state)
{
    (void)state;
    run(serve_hang, cancel_waiting_body);
    run(serve_hang_mid_body, cancel_waiting_body);
}

static enum nf_code cancel_early_body(struct fixture *f, struct nf_err *err)
{
    char url[64];
    int port, filler[2], fd = full_listener(&port, filler);

    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    enum nf_code rc = cancel_after(f, url, 50, err);
    close(fd);
    close(filler[0]);
    close(filler[1]);
    NF_TRY(rc);
    NF_TRY(cancel_after(f, f->url, 0, err));
    return cancel_after(f, "http://slow.test/", 50, err);
}

static void cancelling_while_it_resolves_or_connects_takes_no_time(void **state)
{
    (void)state;
    run(serve_hang, cancel_early_body);
}

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
    int64_t began = now_ms();

    for (int i = 0; i < 3; i++)
        EXPECT_CODE(nf_http_open(f->client,
                                 &(struct nf_http_request){ .method = "GET",
                                                            .url = "http://slow.test/",
                                                            .head_timeout_ms = 50,
                                                            .connect_timeout_ms = i == 0 ? 30 : 0 },
                                 &h, err),
                    NF_E_TIMEOUT);
    EXPECT(now_ms() - began < 1000);
    return NF_OK;
}

static void a_resolver_that_hangs_holds_up_neither_timeout_nor_loop(void **state)
{
    (void)state;
    run(NULL, slow_name_body);
    usleep(1600000); /* its threads end, so that leak checkers see no half-done work */
}

static void serve_break(struct raw_conn *c)
{
    if (raw_request(c))
        raw_reset(c);
}

static void serve_garbage(struct raw_conn *c)
{
    raw_send(c, "this is no TLS\r\n");
    raw_peer_gone(c, 1000);
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
        .head_timeout_ms = 5000,
        .sent = sent,
        .repeatable = repeatable,
    };
    NF_TRY(nf_http_open(f->client, &r, &h, err));
    return nf_http_read_all(h, 5000, body, err);
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
                                 .head_timeout_ms = 5000,
                                 .sent = &sent,
                                 .may_connect = connect_once,
                                 .may_connect_arg = &asked };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_http_call *h = NULL;

    EXPECT_CODE(nf_http_open(f->client, &r, &h, err), NF_OK);
    enum nf_code rc = nf_http_read_all(h, 5000, &body, err);
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
        raw_peer_gone(c, 1000);
}

static enum nf_code unasked_body(struct fixture *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };

    EXPECT_CODE(get(f, f->url, &body, err), NF_OK);
    /* Without the loop, which would see it. */
    for (int i = 0; i < 2000 && raw_server_sent(f->server) < (long)strlen(OK_2 UNASKED); i++)
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
                                 .head_timeout_ms = 5000,
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
        cmocka_unit_test(a_response_cut_at_any_byte_is_an_error),
        cmocka_unit_test(a_chunked_response_cut_at_any_byte_is_an_error),
        cmocka_unit_test(a_response_that_drips_in_is_read_whole),
        cmocka_unit_test(what_is_not_http_is_an_error),
        cmocka_unit_test(the_length_of_a_head_is_limited),
        cmocka_unit_test(the_number_of_headers_of_a_response_is_limited),
        cmocka_unit_test(interim_heads_without_end_are_limited),
        cmocka_unit_test(a_reader_that_sleeps_slows_the_sender_and_holds_little),
        cmocka_unit_test(a_big_body_is_read_whole_through_many_pauses),
        cmocka_unit_test(a_server_that_sends_no_head_is_given_up),
        cmocka_unit_test(a_server_that_stops_in_its_body_is_given_up),
        cmocka_unit_test(connecting_has_a_time_limit_of_its_own),
        cmocka_unit_test(cancelling_closes_the_connection_before_and_after_the_head),
        cmocka_unit_test(cancelling_while_it_resolves_or_connects_takes_no_time),
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
