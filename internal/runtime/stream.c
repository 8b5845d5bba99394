#include "runtime/stream.h"

#include "base/own.h"
#include "runtime/http_trust.h"
#include "runtime/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>
#include <uv.h>

#define IDLE_MAX_MS 110000 /* many servers close after two minutes */

struct nf_stream {
    struct nf_http_client *client;
    char *key;
    struct nf_curl_sock *sock; /* NULL before it is connected */
    struct nf_curl_transfer t; /* easy NULL: a socket of our own */
    struct nf_wait *waiter;
    int fd;
    bool added, connected, idle, drained;
    const struct nf_stream_target *target; /* while it is opened */
    bool refused;                          /* an address of it may not be connected to */
    CURLcode result;
    int64_t idle_since_ms;
    struct nf_stream *prev, *next;
};

static int64_t now_ms(const struct nf_stream *s)
{
    return (int64_t)uv_now(nf_loop_uv(s->client->loop));
}

void nf_stream_close(struct nf_stream *s)
{
    struct nf_http_client *c = s->client;
    assert(!s->waiter);
    if (s->idle) {
        DL_DELETE(c->idle, s);
        c->idle_n--;
    }
    if (s->t.easy) {
        if (s->added)
            nf_curl_remove(c->curl, &s->t);
        curl_easy_cleanup(s->t.easy);
    } else if (s->sock) {
        nf_curl_sock_close(s->sock);
    } else if (s->fd >= 0) {
        close(s->fd);
    }
    free(s->key);
    free(s);
}

/* What comes on an idle connection is its end, or something that nobody asked for. */
static void on_sock(void *arg, bool readable, bool writable)
{
    struct nf_stream *s = arg;
    (void)writable;
    if (readable)
        s->drained = false;
    if (s->idle)
        nf_stream_close(s);
    else if (s->waiter)
        nf_wait_wake(s->waiter, NF_OK);
}

NF_RC nf_stream_wait(struct nf_stream *s, bool writing, int64_t timeout_ms, const char *what,
                     struct nf_err *err)
{
    struct nf_wait w = { 0 };
    assert(!s->waiter);
    s->waiter = &w;
    if (s->sock)
        nf_curl_sock_want(s->sock, true, writing);
    enum nf_code rc = nf_wait(&w, timeout_ms, what, err);
    s->waiter = NULL;
    if (s->sock)
        nf_curl_sock_want(s->sock, false, false);
    return rc;
}

bool nf_stream_is_drained(const struct nf_stream *s)
{
    return s->drained;
}

/* --- bytes ------------------------------------------------------------------------------------ */

ssize_t nf_stream_send(struct nf_stream *s, const struct iovec *v, size_t n)
{
    if (s->t.easy) {
        size_t sent = 0;
        CURLcode rc = curl_easy_send(s->t.easy, v->iov_base, v->iov_len, &sent);
        if (rc == CURLE_AGAIN)
            return NF_STREAM_AGAIN;
        return rc == CURLE_OK ? (ssize_t)sent : NF_STREAM_BROKEN;
    }
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): const is taken away, which sendmsg keeps */
    const struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)v, .msg_iovlen = n };
    ssize_t sent = sendmsg(s->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return sent;
    return errno == EAGAIN || errno == EINTR ? NF_STREAM_AGAIN : NF_STREAM_BROKEN;
}

ssize_t nf_stream_recv(struct nf_stream *s, char *p, size_t n)
{
    if (s->t.easy) {
        size_t got = 0;
        CURLcode rc = curl_easy_recv(s->t.easy, p, n, &got);
        s->drained = rc == CURLE_AGAIN; /* TLS may hold more than the socket shows */
        if (rc == CURLE_AGAIN)
            return NF_STREAM_AGAIN;
        return rc == CURLE_OK ? (ssize_t)got : NF_STREAM_BROKEN;
    }
    ssize_t got = recv(s->fd, p, n, MSG_DONTWAIT);
    s->drained = got < 0 || (size_t)got < n;
    if (got >= 0)
        return got;
    return errno == EAGAIN || errno == EINTR ? NF_STREAM_AGAIN : NF_STREAM_BROKEN;
}

/* --- opening ---------------------------------------------------------------------------------- */

static enum nf_code no_connection(const struct nf_http_url *url, int error, struct nf_err *err)
{
    return nf_err_set(err, NF_E_UNAVAILABLE, "%s: could not connect: %s", nf_http_origin_of(url).s,
                      strerror(error));
}

/* The address that a target names without a resolver; false: it names none. On which link a
 * link-local address is says its zone (RFC 6874), which must be one. */
static bool address_of(const struct nf_http_url *u, struct sockaddr_storage *a, socklen_t *n)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)a;
    char host[INET6_ADDRSTRLEN + 2], zone[IF_NAMESIZE];
    bool bracket = u->host.p[0] == '[';
    size_t host_n = u->host.n - (bracket ? 2 : 0);
    if (host_n >= sizeof(host) || u->zone.n >= sizeof(zone))
        return false;
    memcpy(host, u->host.p + bracket, host_n);
    host[host_n] = '\0';
    if (!bracket) {
        *n = sizeof(struct sockaddr_in);
        return uv_ip4_addr(host, u->port, (struct sockaddr_in *)a) == 0;
    }
    *n = sizeof(*six);
    if (uv_ip6_addr(host, u->port, six) != 0)
        return false;
    if (u->zone.n == 0)
        return true;
    memcpy(zone, u->zone.p, u->zone.n);
    zone[u->zone.n] = '\0';
    six->sin6_scope_id = if_nametoindex(zone);
    return six->sin6_scope_id != 0;
}

static bool path_of(const struct nf_stream_target *t, struct sockaddr_storage *a, socklen_t *n)
{
    struct sockaddr_un *path = (struct sockaddr_un *)a;
    size_t length = strlen(t->unix_socket);
    if (length >= sizeof(path->sun_path))
        return false;
    path->sun_family = AF_UNIX;
    memcpy(path->sun_path, t->unix_socket, length + 1);
    *n = sizeof(*path);
    return true;
}

static enum nf_code not_there(const struct nf_http_url *url, struct nf_err *err)
{
    return nf_err_set(err, NF_E_DENIED, "%s: no address of it may be connected to",
                      nf_http_origin_of(url).s);
}

/* Called with the very address that libcurl is about to connect to. */
static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct nf_stream *s = arg;
    const struct nf_stream_target *t = s->target;
    (void)purpose;
    if (!t || !t->may_connect(t->may_connect_arg, &a->addr)) {
        s->refused = true;
        return CURL_SOCKET_BAD;
    }
    return nf_curl_open_socket(s->client->curl, a);
}

static NF_RC open_socket(struct nf_stream *s, const struct nf_stream_target *t,
                         const struct sockaddr_storage *a, socklen_t n, int64_t timeout_ms,
                         struct nf_err *err)
{
    int one = 1, error = 0;
    socklen_t error_n = sizeof(error);
    if (t->may_connect && !t->may_connect(t->may_connect_arg, (const struct sockaddr *)a))
        return not_there(t->url, err);
    s->fd = socket(a->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->fd < 0)
        return no_connection(t->url, errno, err);
    if (a->ss_family != AF_UNIX) {
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        (void)setsockopt(s->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    }
    int rc = connect(s->fd, (const struct sockaddr *)a, n);
    if (rc != 0 && errno != EINPROGRESS)
        return no_connection(t->url, errno, err);
    s->sock = nf_curl_sock_new(s->client->curl, s->fd, on_sock, s);
    if (!s->sock)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a connection");
    if (rc != 0) {
        NF_TRY(nf_stream_wait(s, true, timeout_ms, "a connection", err));
        if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &error_n) != 0 || error != 0)
            return no_connection(t->url, error ? error : errno, err);
    }
    s->drained = true; /* a server speaks when it was asked */
    return NF_OK;
}

static void on_connected(struct nf_curl_transfer *t, CURLcode rc)
{
    struct nf_stream *s = nf_container_of(t, struct nf_stream, t);
    s->connected = true;
    s->result = rc;
    if (s->waiter)
        nf_wait_wake(s->waiter, NF_OK);
}

static NF_RC open_by_curl(struct nf_stream *s, const struct nf_stream_target *t, int64_t timeout_ms,
                          char detail[CURL_ERROR_SIZE], struct nf_err *err)
{
    curl_socket_t fd = CURL_SOCKET_BAD;
    NF_TRY(nf_http_trust_ready(s->client, t->url->tls, err));
    NF_TRY(nf_http_easy_new(s->client, t->tunnel, &s->t.easy, err));
    CURL *e = s->t.easy;
    NF_TRY(nf_http_easy_url(e, t->url, err));
    curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(e, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, detail);
    if (t->may_connect) {
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, s);
    }
    if (t->unix_socket)
        curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, t->unix_socket);
    NF_TRY(nf_curl_add(s->client->curl, &s->t, err));
    s->added = true;
    nf_fiber_trim(); /* libcurl goes deep */
    while (!s->connected)
        NF_TRY(nf_stream_wait(s, false, timeout_ms, "a connection", err));
    if (s->result == CURLE_COULDNT_CONNECT && s->refused)
        return not_there(t->url, err);
    if (s->result != CURLE_OK)
        return nf_http_curl_error(e, t->url, s->result, detail, err);
    if (curl_easy_getinfo(e, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection broke",
                          nf_http_origin_of(t->url).s);
    s->sock = nf_curl_sock_adopt(s->client->curl, fd, on_sock, s);
    return NF_OK;
}

/* Not inlined: what libcurl writes an error into would lie on the stack meanwhile. */
__attribute__((noinline)) static NF_RC by_curl(struct nf_stream *s,
                                               const struct nf_stream_target *t, int64_t timeout_ms,
                                               struct nf_err *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    enum nf_code rc = open_by_curl(s, t, timeout_ms, detail, err);
    if (s->t.easy)
        curl_easy_setopt(s->t.easy, CURLOPT_ERRORBUFFER, NULL);
    return rc;
}

static NF_RC connect_to(struct nf_stream *s, const struct nf_stream_target *t, int64_t timeout_ms,
                        struct nf_err *err)
{
    struct sockaddr_storage a;
    socklen_t n = 0;
    bool plain = !t->url->tls;
    memset(&a, 0, sizeof(a));
    if (t->unix_socket && plain) {
        if (!path_of(t, &a, &n))
            return nf_err_set(err, NF_E_INVALID, "unix_socket: the path is too long");
        return open_socket(s, t, &a, n, timeout_ms, err);
    }
    if (plain && address_of(t->url, &a, &n))
        return open_socket(s, t, &a, n, timeout_ms, err);
    return by_curl(s, t, timeout_ms, err);
}

NF_RC nf_stream_open(struct nf_http_client *c, const struct nf_stream_target *t, int64_t timeout_ms,
                     struct nf_stream **ret, struct nf_err *err)
{
    struct nf_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a connection");
    s->client = c;
    s->fd = -1;
    s->t.done = on_connected;
    s->target = t;
    enum nf_code rc = nf_strdup(t->key, &s->key, err);
    if (rc == NF_OK)
        rc = connect_to(s, t, timeout_ms, err);
    s->target = NULL;
    if (rc == NF_E_TIMEOUT || rc == NF_E_CANCELED)
        rc = nf_err_wrap(err, rc, "%s", nf_http_origin_of(t->url).s);
    if (rc != NF_OK) {
        nf_stream_close(s);
        return rc;
    }
    *ret = s;
    return NF_OK;
}

bool nf_stream_detach(struct nf_stream *s, int *ret)
{
    curl_socket_t fd = s->fd;
    if (s->t.easy && curl_easy_getinfo(s->t.easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK)
        fd = -1;
    *ret = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    nf_stream_close(s);
    return *ret >= 0;
}

/* --- idle ------------------------------------------------------------------------------------- */

/* Nothing more was sent than was asked for, and not its end, as far as can be seen. */
static bool is_quiet(struct nf_stream *s)
{
    char one;
    return nf_stream_recv(s, &one, 1) == NF_STREAM_AGAIN;
}

void nf_stream_keep(struct nf_stream *s)
{
    struct nf_http_client *c = s->client;
    if (c->idle_n >= c->idle_max || (!s->drained && !is_quiet(s))) {
        nf_stream_close(s);
        return;
    }
    s->idle = true;
    s->idle_since_ms = now_ms(s);
    DL_PREPEND(c->idle, s);
    c->idle_n++;
    nf_curl_sock_want(s->sock, true, false);
}

/* The newest first, so that those too many grow old. The loop may not have looked since something
 * came: that would be taken for the next answer. */
struct nf_stream *nf_stream_reuse(struct nf_http_client *c, const char *key)
{
    struct nf_stream *s, *next;
    DL_FOREACH_SAFE(c->idle, s, next)
    {
        bool alike = strcmp(s->key, key) == 0;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): closing one takes it out of the list */
        if (now_ms(s) - s->idle_since_ms > IDLE_MAX_MS || (alike && !is_quiet(s))) {
            nf_stream_close(s);
        } else if (alike) {
            DL_DELETE(c->idle, s);
            c->idle_n--;
            s->idle = false;
            nf_curl_sock_want(s->sock, false, false);
            return s;
        }
    }
    return NULL;
}

void nf_streams_close_idle(struct nf_http_client *c)
{
    while (c->idle)
        nf_stream_close(c->idle); /* NOLINT(clang-analyzer-unix.Malloc): and out of the list */
}
