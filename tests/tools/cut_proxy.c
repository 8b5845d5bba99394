/*
 * A relay in front of one TCP port of this machine whose connections can be cut, for tests of what
 * that does to those who use them. None of our code.
 *
 * usage: cut_proxy TARGET_PORT
 *   Prints "listening PORT". Orders are lines on standard input, whose end ends it:
 *     cut        every connection ends with a reset
 *     after N    when the target has said N more bytes, the connection that carries them ends with
 * a reset: in the middle of an answer stall MS   nothing is passed on for so long refuse MS
 * connections are reset at once for so long
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAIRS_MAX 512
#define BUF 65536
#define BESIDE 2 /* standard input and the listener */

struct half {
    int fd;
    char buf[BUF]; /* what it said and the other has not got yet */
    size_t from, n;
};

struct pair {
    struct half client, target;
};

static struct pair *pairs[PAIRS_MAX];
static int pairs_n, target_port;
static int64_t stalled_until, refused_until;
static int64_t cut_after = -1; /* < 0: not asked for */

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void drop(int i)
{
    reset(pairs[i]->client.fd);
    reset(pairs[i]->target.fd);
    free(pairs[i]);
    pairs[i] = pairs[--pairs_n];
}

static int dial(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)target_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
        close(fd);
        return -1;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void accept_one(int listener)
{
    int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int to = now_ms() < refused_until || pairs_n == PAIRS_MAX ? -1 : dial();
    struct pair *p = to >= 0 ? calloc(1, sizeof(*p)) : NULL;
    if (!p) {
        reset(fd);
        if (to >= 0)
            close(to);
        return;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    p->client.fd = fd;
    p->target.fd = to;
    pairs[pairs_n++] = p;
}

/* Read what `from` says. False: it has ended. */
static bool hear(struct half *from)
{
    ssize_t n = recv(from->fd, from->buf, BUF, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    from->from = 0;
    from->n = (size_t)n;
    return n > 0;
}

/* Pass on what `from` said. False: that cannot be, or must not. */
static bool tell(struct half *from, int to, bool counts)
{
    bool cut = counts && cut_after >= 0 && (int64_t)from->n >= cut_after;
    size_t want = cut ? (size_t)cut_after : from->n;
    ssize_t n = want ? send(to, from->buf + from->from, want, MSG_DONTWAIT | MSG_NOSIGNAL) : 0;
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    from->from += (size_t)n;
    from->n -= (size_t)n;
    if (counts && cut_after >= 0)
        cut_after = cut ? -1 : cut_after - n;
    return !cut;
}

static void obey(const char *line)
{
    long long n = 0;
    if (strncmp(line, "cut", 3) == 0) {
        while (pairs_n > 0)
            drop(pairs_n - 1);
    } else if (sscanf(line, "after %lld", &n) == 1) {
        cut_after = n;
    } else if (sscanf(line, "stall %lld", &n) == 1) {
        stalled_until = now_ms() + n;
    } else if (sscanf(line, "refuse %lld", &n) == 1) {
        refused_until = now_ms() + n;
    }
}

static void hear_orders(void)
{
    static char line[256];
    static size_t n;
    ssize_t got = read(STDIN_FILENO, line + n, sizeof(line) - 1 - n);
    if (got <= 0)
        exit(0);
    n += (size_t)got;
    line[n] = '\0';
    char *end;
    while ((end = strchr(line, '\n'))) {
        *end = '\0';
        obey(line);
        n -= (size_t)(end + 1 - line);
        memmove(line, end + 1, n + 1);
    }
    if (n == sizeof(line) - 1)
        n = 0; /* no order of ours */
}

static short wanted(const struct half *says, const struct half *hears)
{
    return (short)((says->n == 0 ? POLLIN : 0) | (hears->n > 0 ? POLLOUT : 0));
}

/* One side of a pair as poll saw it. False: the pair is over. */
static bool serve(struct half *says, int to, const struct pollfd *its, const struct pollfd *other,
                  bool counts)
{
    if (says->n == 0 && its->revents & (POLLIN | POLLHUP | POLLERR) && !hear(says))
        return false;
    if (says->n > 0 && (other->revents & POLLOUT || its->revents & POLLIN))
        return tell(says, to, counts);
    return true;
}

static void serve_all(const struct pollfd *v)
{
    for (int i = pairs_n - 1; i >= 0; i--) {
        struct pair *p = pairs[i];
        const struct pollfd *c = &v[BESIDE + 2 * i], *t = c + 1;
        if (!serve(&p->client, p->target.fd, c, t, false) ||
            !serve(&p->target, p->client.fd, t, c, true))
            drop(i);
    }
}

int main(int argc, char **argv)
{
    static struct pollfd v[BESIDE + 2 * PAIRS_MAX];
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    target_port = argc == 2 ? atoi(argv[1]) : 0;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (target_port <= 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
        listen(listener, 256) != 0) {
        (void)fprintf(stderr, "usage: cut_proxy TARGET_PORT\n");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&a, &len);
    printf("listening %d\n", ntohs(a.sin_port));
    (void)fflush(stdout);
    for (;;) {
        int64_t stall = stalled_until - now_ms();
        int n = BESIDE + (stall > 0 ? 0 : 2 * pairs_n), seen = pairs_n;
        v[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
        v[1] = (struct pollfd){ .fd = listener, .events = POLLIN };
        for (int i = 0; i < pairs_n; i++) {
            struct pair *p = pairs[i];
            v[BESIDE + 2 * i] =
                (struct pollfd){ .fd = p->client.fd, .events = wanted(&p->client, &p->target) };
            v[BESIDE + 2 * i + 1] =
                (struct pollfd){ .fd = p->target.fd, .events = wanted(&p->target, &p->client) };
        }
        if (poll(v, (nfds_t)n, stall > 0 ? (int)stall : -1) < 0)
            continue;
        if (n > BESIDE && seen > 0)
            serve_all(v);
        if (v[1].revents)
            accept_one(listener);
        if (v[0].revents)
            hear_orders();
    }
}
