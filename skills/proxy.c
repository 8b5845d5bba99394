#include "skills/proxy.h"

#include "base/own.h"
#include "runtime/watch.h"
#include "skills/net.h"
#include "skills/proxy_head.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE ((size_t)16384)

struct nf_proxy {
    struct nf_broker *b;
    struct nf_loop *loop;
    struct nf_scope scope;
    struct nf_watch *watch;
    int fd;
    size_t conns;
    int64_t bytes;
};

/* One end of a connection: read by one fiber, written by another, each by its own descriptor. */
struct end {
    int in, out;
    struct nf_watch *watch; /* of `in` */
    struct nf_wait *waiter;
};

struct conn {
    struct nf_proxy *p;
    struct end program, server;
    struct nf_proxy_request r;
    char *head; /* NF_PROXY_HEAD_MAX bytes, and what came behind it */
    size_t head_n, rest_at;
    const char *host; /* being connected to */
};

/* --- ends ------------------------------------------------------------------------------------- */

static void on_readable(void *arg)
{
    struct end *e = arg;

    nf_watch_pause(e->watch);
    if (e->waiter)
        nf_wait_wake(e->waiter, NF_OK);
}

static NF_RC open_end(struct nf_loop *l, int fd, struct end *ret, struct nf_err *err)
{
    ret->in = fd;
    ret->out = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (ret->out < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "no descriptor for a connection is left");
    return nf_watch_new(l, fd, on_readable, ret, &ret->watch, err);
}

static void close_end(struct end *e)
{
    nf_watch_free(e->watch);
    if (e->in >= 0)
        close(e->in);
    if (e->out >= 0)
        close(e->out);
}

/* At least one byte, or 0 at the end; a connection that broke has ended. */
static NF_RC read_some(struct end *e, char *p, size_t n, size_t *got, struct nf_err *err)
{
    for (;;) {
        struct nf_wait wait = { 0 };
        ssize_t k = recv(e->in, p, n, MSG_DONTWAIT);
        if (k >= 0 || (errno != EAGAIN && errno != EINTR)) {
            *got = k > 0 ? (size_t)k : 0;
            return NF_OK;
        }
        e->waiter = &wait;
        nf_watch_resume(e->watch);
        enum nf_code rc = nf_wait(&wait, -1, "a proxied connection", err);
        e->waiter = NULL;
        NF_TRY(rc);
    }
}

static NF_RC write_all(struct nf_proxy *p, struct end *e, const char *bytes, size_t n,
                       struct nf_err *err)
{
    while (n > 0) {
        ssize_t k = send(e->out, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k < 0 && errno == EAGAIN) {
            NF_TRY(nf_wait_writable(p->loop, e->out, "a proxied connection", err));
        } else if (k < 0 && errno != EINTR) {
            return nf_err_set(err, NF_E_UNAVAILABLE, "the connection broke: %s", strerror(errno));
        } else if (k > 0) {
            bytes += k;
            n -= (size_t)k;
            p->bytes += k;
        }
    }
    return NF_OK;
}

/* At most `most` bytes; NF_E_LIMIT: there are more. */
static NF_RC relay(struct nf_proxy *p, struct end *from, struct end *to, int64_t most,
                   struct nf_err *err)
{
    char piece[PIECE];

    for (;;) {
        size_t n;
        NF_TRY(read_some(from, piece, sizeof(piece), &n, err));
        if (n == 0)
            return NF_OK;
        if ((int64_t)n > most)
            return nf_err_set(err, NF_E_LIMIT, "it is more than may go through");
        most -= (int64_t)n;
        NF_TRY(write_all(p, to, piece, n, err));
    }
}

/* --- the request ------------------------------------------------------------------------------ */

static NF_RC read_head(struct conn *c, struct nf_err *err)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline deadline;

    nf_deadline_push(&deadline, NF_PROXY_HEAD_MS);
    while ((c->rest_at = nf_proxy_head_end(c->head, c->head_n)) == 0) {
        size_t n;
        if (c->head_n == NF_PROXY_HEAD_MAX)
            return nf_err_set(err, NF_E_LIMIT, "the head has more than %zu bytes",
                              NF_PROXY_HEAD_MAX);
        NF_TRY(read_some(&c->program, c->head + c->head_n, NF_PROXY_HEAD_MAX - c->head_n, &n, err));
        if (n == 0)
            return nf_err_set(err, NF_E_CANCELED, "nothing was asked");
        c->head_n += n;
    }
    return nf_proxy_head_read(c->head, c->rest_at, &c->r, err);
}

static NF_RC judge(struct conn *c, struct nf_err *err)
{
    struct nf_broker *b = c->p->b;
    const struct nf_url *u = &c->r.to;

    if (!nf_broker_grants(b, u))
        return nf_err_set(err, NF_E_DENIED, "%s://%s:%u is not granted by the manifest%s",
                          u->https ? "https" : "http", nf_url_host(u).s, (unsigned)u->port,
                          c->r.tunnel ? " as a whole: ask for http.fetch, or grant the server"
                                      : "");
    if (c->r.body_n > (int64_t)NF_BROKER_BODY_MAX)
        return nf_err_set(err, NF_E_LIMIT, "body: at most %zu bytes", NF_BROKER_BODY_MAX);
    return nf_broker_count_request(b, err);
}

static bool may_connect(void *arg, const struct sockaddr *a)
{
    const struct conn *c = arg;

    return nf_net_may_connect(&c->p->b->deps->settings->allow_private, c->r.to.host, a);
}

static NF_RC connect_to(struct conn *c, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    const struct nf_url *u = &c->r.to;
    int fd;

    NF_TRY(nf_str_addf(&url, err, "http://%s:%u/", nf_url_host(u).s, (unsigned)u->port));
    enum nf_code rc = nf_http_dial(c->p->b->deps->http, nf_str_c(&url), may_connect, c,
                                   NF_PROXY_CONNECT_MS, &fd, err);
    if (rc == NF_E_DENIED)
        return nf_net_refused(u->host, err);
    NF_TRY(rc);
    return open_end(c->p->loop, fd, &c->server, err);
}

/* In the skill's log, which its owner reads. */
static void note(struct conn *c, const char *why)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_broker *b = c->p->b;

    if (nf_str_addf(&text, NULL, "proxy: %s", why) != NF_OK)
        return;
    nf_skill_text_clean(text.p, text.len);
    nf_skill_logs_add(b->deps->logs, b->manifest->name, "warn", text.p, text.len,
                      nf_clock_now_ms(b->deps->clock));
}

/* --- what goes through ------------------------------------------------------------------------ */

static NF_RC send_up(struct conn *c, struct nf_err *err)
{
    struct nf_proxy *p = c->p;
    size_t rest = c->head_n - c->rest_at;
    int64_t most = (int64_t)NF_BROKER_BODY_MAX + NF_PROXY_SPARE;

    if (!c->r.tunnel) {
        most = c->r.body_n > 0 ? c->r.body_n : 0;
        NF_TRY(write_all(p, &c->server, nf_str_c(&c->r.head), c->r.head.len, err));
    }
    if ((int64_t)rest > most)
        return nf_err_set(err, NF_E_LIMIT, "more came than was announced");
    NF_TRY(write_all(p, &c->server, c->head + c->rest_at, rest, err));
    /* Behind the body there is nothing for this server: another request would go unjudged. */
    NF_TRY(relay(p, &c->program, &c->server, most - (int64_t)rest, err));
    if (c->r.tunnel)
        (void)shutdown(c->server.out, SHUT_WR);
    return NF_OK;
}

/* A fiber of its own: from the program to the server. If that cannot go on, neither can the answer.
 */
static enum nf_code relay_up(void *arg, struct nf_err *err)
{
    struct conn *c = arg;

    enum nf_code rc = send_up(c, err);
    if (rc == NF_E_LIMIT)
        note(c, err->msg);
    if (rc != NF_OK)
        (void)shutdown(c->server.out, SHUT_RDWR);
    return NF_OK;
}

static NF_RC pass(struct conn *c, struct nf_err *err)
{
    static const char yes[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    NF_CLEANUP(nf_scope_done) struct nf_scope up;
    struct nf_proxy *p = c->p;

    nf_scope_init(&up, p->loop);
    if (c->r.tunnel)
        NF_TRY(write_all(p, &c->program, yes, sizeof(yes) - 1, err));
    NF_TRY(nf_scope_spawn(&up, relay_up, c, NULL, err));
    return relay(p, &c->server, &c->program, p->b->manifest->http_bytes + NF_PROXY_SPARE, err);
}

/* --- refusals --------------------------------------------------------------------------------- */

static const char *status_of(enum nf_code rc)
{
    switch (rc) {
    case NF_E_INVALID:
        return "400 Bad Request";
    case NF_E_DENIED:
        return "403 Forbidden";
    case NF_E_LIMIT:
        return "429 Too Many Requests";
    case NF_E_TIMEOUT:
        return "504 Gateway Timeout";
    default:
        return "502 Bad Gateway";
    }
}

static void refuse(struct conn *c, enum nf_code rc, const char *why)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_err ignored;

    note(c, why);
    if (nf_str_addf(&text, &ignored,
                    "HTTP/1.1 %s\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s\n",
                    status_of(rc), strlen(why) + 1, why) == NF_OK)
        (void)!write_all(c->p, &c->program, text.p, text.len, &ignored);
}

/* --- connections ------------------------------------------------------------------------------ */

static void conn_free(struct conn *c)
{
    struct nf_proxy *p = c->p;

    close_end(&c->program);
    close_end(&c->server);
    nf_proxy_request_done(&c->r);
    free(c->head);
    free(c);
    if (p->conns-- == NF_PROXY_CONNS_MAX && p->watch)
        nf_watch_resume(p->watch);
}

static enum nf_code serve(void *arg, struct nf_err *err)
{
    struct conn *c = arg;

    enum nf_code rc = read_head(c, err);
    if (rc == NF_OK)
        rc = judge(c, err);
    if (rc == NF_OK)
        rc = connect_to(c, err);
    if (rc != NF_OK && rc != NF_E_CANCELED)
        refuse(c, rc, err->msg);
    else if (rc == NF_OK && pass(c, err) == NF_E_LIMIT)
        note(c, err->msg);
    conn_free(c);
    return NF_OK; /* one that failed is no reason to end others */
}

static NF_RC start(struct nf_proxy *p, int fd, struct nf_err *err)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return nf_err_set(err, NF_E_NOMEM, "no memory for a connection");
    }
    c->p = p;
    c->program = c->server = (struct end){ .in = -1, .out = -1 };
    p->conns++;
    enum nf_code rc = open_end(p->loop, fd, &c->program, err);
    c->head = malloc(NF_PROXY_HEAD_MAX);
    if (rc == NF_OK && !c->head)
        rc = nf_err_set(err, NF_E_NOMEM, "no memory for a connection");
    if (rc == NF_OK)
        rc = nf_scope_spawn(&p->scope, serve, c, NULL, err);
    if (rc != NF_OK)
        conn_free(c);
    return rc;
}

static void on_connection(void *arg)
{
    struct nf_proxy *p = arg;
    struct nf_err ignored;
    int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0)
        (void)!start(p, fd, &ignored);
    if (p->conns >= NF_PROXY_CONNS_MAX)
        nf_watch_pause(p->watch);
}

/* --- the whole -------------------------------------------------------------------------------- */

enum nf_code nf_proxy_new(struct nf_broker *b, struct nf_proxy **ret, struct nf_err *err)
{
    struct nf_proxy *p = calloc(1, sizeof(*p));

    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a proxy");
    p->b = b;
    p->fd = -1;
    *ret = p;
    return NF_OK;
}

enum nf_code nf_proxy_listen(struct nf_proxy *p, struct nf_loop *l, int fd, struct nf_err *err)
{
    if (p->fd >= 0) {
        close(fd);
        return NF_OK;
    }
    p->fd = fd;
    p->loop = l;
    nf_scope_init(&p->scope, l);
    return nf_watch_new(l, fd, on_connection, p, &p->watch, err);
}

/* The socket may serve the next call: what this one has left in its queue is not that one's. */
static void drain(int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;)
        close(fd);
}

void nf_proxy_free(struct nf_proxy *p)
{
    if (!p)
        return;
    if (p->fd >= 0) {
        nf_watch_free(p->watch);
        p->watch = NULL;
        nf_scope_done(&p->scope);
        drain(p->fd);
        close(p->fd);
    }
    free(p);
}

int64_t nf_proxy_bytes(const struct nf_proxy *p)
{
    return p->bytes;
}
