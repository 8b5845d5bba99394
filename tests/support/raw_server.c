#include "tests/support/raw_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct raw_server {
    int fd, port;
    int stop[2]; /* a pipe; its end is closed to stop */
    raw_serve_fn fn;
    void *arg;
    pthread_t acceptor, threads[RAW_CONNS];
    struct raw_conn *conns; /* all of them, so that no thread allocates while a test counts that */
    atomic_int accepted, gone;
    atomic_long sent;
    char path[108];
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* Wait for `events` on `fd`. False: stopped, or `ms` passed. */
static bool ready(struct raw_server *s, int fd, short events, int ms)
{
    struct pollfd p[2] = { { .fd = fd, .events = events }, { .fd = s->stop[0], .events = POLLIN } };
    int n = poll(p, 2, ms);

    return n > 0 && p[1].revents == 0;
}

/* --- a connection ----------------------------------------------------------------------------- */

bool raw_sleep(struct raw_conn *c, int ms)
{
    struct pollfd p = { .fd = c->server->stop[0], .events = POLLIN };

    return poll(&p, 1, ms) == 0;
}

bool raw_sendn(struct raw_conn *c, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        if (!ready(c->server, c->fd, POLLOUT, RAW_WAIT_MS))
            return false;
        ssize_t k = send(c->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (k < 0 && errno != EAGAIN)
            return false;
        if (k <= 0)
            continue;
        at += k;
        n -= (size_t)k;
        atomic_fetch_add(&c->server->sent, k);
    }
    return true;
}

bool raw_send(struct raw_conn *c, const char *text)
{
    return raw_sendn(c, text, strlen(text));
}

bool raw_drip(struct raw_conn *c, const void *p, size_t n, int ms)
{
    for (size_t i = 0; i < n; i++)
        if (!raw_sendn(c, (const char *)p + i, 1) || !raw_sleep(c, ms))
            return false;
    return true;
}

bool raw_flood(struct raw_conn *c, size_t n)
{
    char piece[26 * 512];

    for (size_t i = 0; i < sizeof piece; i++)
        piece[i] = (char)('a' + i % 26);
    for (size_t at = 0; at < n; at += sizeof piece)
        if (!raw_sendn(c, piece, n - at < sizeof piece ? n - at : sizeof piece))
            return false;
    return true;
}

static ssize_t more(struct raw_conn *c, void *p, size_t n)
{
    if (!ready(c->server, c->fd, POLLIN, RAW_WAIT_MS))
        return 0;
    return recv(c->fd, p, n, 0);
}

bool raw_read_exact(struct raw_conn *c, void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t k = more(c, at, n);
        if (k <= 0)
            return false;
        at += k;
        n -= (size_t)k;
    }
    return true;
}

bool raw_head(struct raw_conn *c)
{
    c->request_n = 0;
    for (;;) {
        if (c->request_n + 1 >= RAW_REQUEST || !raw_read_exact(c, c->request + c->request_n, 1))
            return false;
        c->request[++c->request_n] = '\0';
        if (c->request_n >= 4 && memcmp(c->request + c->request_n - 4, "\r\n\r\n", 4) == 0)
            break;
    }
    c->head_n = c->request_n;
    return true;
}

bool raw_request(struct raw_conn *c)
{
    if (!raw_head(c))
        return false;

    const char *length = strcasestr(c->request, "\r\nContent-Length:");
    size_t n = length ? (size_t)strtoul(length + 17, NULL, 10) : 0;
    char sink[4096];
    while (n > 0) {
        size_t room = RAW_REQUEST - 1 - c->request_n, k = n < sizeof sink ? n : sizeof sink;
        if (!raw_read_exact(c, sink, k))
            return false;
        memcpy(c->request + c->request_n, sink, k < room ? k : room);
        c->request_n += k < room ? k : room; /* what is too much is read and forgotten */
        c->request[c->request_n] = '\0';
        n -= k;
    }
    return true;
}

bool raw_peer_gone(struct raw_conn *c)
{
    return raw_peer_gone_in(c, 2 * RAW_WAIT_MS);
}

bool raw_peer_gone_in(struct raw_conn *c, int ms)
{
    char sink[4096];

    while (ready(c->server, c->fd, POLLIN, ms)) {
        ssize_t n = recv(c->fd, sink, sizeof sink, 0);
        if (n <= 0) {
            atomic_fetch_add(&c->server->gone, 1);
            return true;
        }
    }
    return false;
}

void raw_reset(struct raw_conn *c)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

/* --- the server ------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
    struct raw_conn *c = arg;

    c->server->fn(c);
    close(c->fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct raw_server *s = arg;

    while (ready(s, s->fd, POLLIN, -1)) {
        int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        int nth = atomic_load(&s->accepted), on = 1;
        if (nth == RAW_CONNS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct raw_conn *c = &s->conns[nth];
        c->server = s;
        c->arg = s->arg;
        c->fd = fd;
        c->nth = nth;
        atomic_store(&s->accepted, nth + 1); /* before anything can be served */
        if (pthread_create(&s->threads[nth], NULL, serve, c) != 0)
            die("pthread_create");
    }
    return NULL;
}

static int listen_tcp(int *port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        die("listen");
    *port = ntohs(a.sin_port);
    return fd;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 128) != 0)
        die("listen");
    return fd;
}

struct raw_server *raw_server_new(raw_serve_fn fn, void *arg, const char *unix_path)
{
    struct raw_server *s = calloc(1, sizeof *s);

    if (!s || !(s->conns = calloc(RAW_CONNS, sizeof *s->conns)) || pipe(s->stop) != 0)
        die("raw_server_new");
    s->fn = fn;
    s->arg = arg;
    if (unix_path)
        (void)snprintf(s->path, sizeof s->path, "%s", unix_path);
    s->fd = unix_path ? listen_unix(unix_path) : listen_tcp(&s->port);
    if (pthread_create(&s->acceptor, NULL, accept_all, s) != 0)
        die("pthread_create");
    return s;
}

void raw_server_free(struct raw_server *s)
{
    if (!s)
        return;
    close(s->stop[1]);
    pthread_join(s->acceptor, NULL);
    for (int i = 0; i < atomic_load(&s->accepted); i++)
        pthread_join(s->threads[i], NULL);
    close(s->fd);
    close(s->stop[0]);
    if (s->path[0] != '\0')
        unlink(s->path);
    free(s->conns);
    free(s);
}

int raw_server_port(const struct raw_server *s)
{
    return s->port;
}

int raw_server_conns(struct raw_server *s)
{
    return atomic_load(&s->accepted);
}

long raw_server_sent(struct raw_server *s)
{
    return atomic_load(&s->sent);
}

bool raw_server_wait_gone(struct raw_server *s, int n)
{
    for (int i = 0; i < RAW_WAIT_MS && atomic_load(&s->gone) < n; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return atomic_load(&s->gone) >= n;
}
