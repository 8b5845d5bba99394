/*
 * Drives the daemon through /ws as people would, on a bare epoll loop without any of our code: each
 * session sends its next message when its last answer has ended.
 *
 * usage: turn_load PORT COOKIES SESSIONS TURNS [PATIENCE_S [EVERY_MS]]
 *   COOKIES is a file with a browser session's cookie per line, a user each, at least SESSIONS
 * lines (a user's events go to all of that user's sockets, so one user would measure something
 * else). TURNS in all, spread over SESSIONS web sockets; with EVERY_MS a session begins one that
 * often at most, else at once when its last has ended. Prints one JSON line: turns per second, and
 * the time from a message to its acceptance, to the first text and to the end of the run, in
 *   microseconds, as p50, p99 and max. Whatever takes longer than PATIENCE_S (120) ends it, with
 *   what each session waits for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 120 /* also where a machine does much else */
#define LOOK_MS 1000   /* pings wake us, too: time is looked at by itself */
#define BUF 262144

struct client {
    int fd, open, turn;
    char *buf;
    size_t n;
    char session[16];
    int64_t sent_us;
    int64_t due_us;        /* when the next turn may begin; 0: none waits for that */
    int64_t since_us;      /* when it began to wait */
    const char *waits_for; /* NULL: for nothing */
    int first_seen;
};

enum { ACCEPTED, FIRST, ENDED, MARKS };
static int64_t *marks[MARKS];
static int marks_n[MARKS];
static int turns_max, begun, ended;
static int64_t every_us;
static FILE *cookies;
static int64_t patience_s = PATIENCE_S;
static char own[40]; /* of this process: a daemon that lives long sees numbers of processes again */

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "turn_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What the daemon said, and we cannot go on with. */
static void refuse(const char *p, size_t n)
{
    (void)fprintf(stderr, "turn_load: %.*s\n", (int)n, p);
    exit(1);
}

static void lost(const struct client *c, const char *why)
{
    (void)fprintf(stderr, "turn_load: session %s, turn %d, waiting for %s: %s\n",
                  c->session[0] ? c->session : "(none)", c->turn,
                  c->waits_for ? c->waits_for : "nothing", why);
    exit(1);
}

static void put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = write(fd, p, n);
        if (k <= 0)
            die(k < 0 && errno == EAGAIN ? "the daemon does not read" : "write");
        p += k;
        n -= (size_t)k;
    }
}

static void send_frame(struct client *c, const char *text, size_t n)
{
    char frame[1024];
    size_t k = 2;
    frame[0] = (char)0x81;
    if (n < 126) {
        frame[1] = (char)(0x80 | n);
    } else {
        frame[1] = (char)(0x80 | 126);
        frame[2] = (char)(n >> 8);
        frame[3] = (char)n;
        k = 4;
    }
    memset(frame + k, 0, 4); /* a mask of zeros: the text as it is */
    memcpy(frame + k + 4, text, n);
    put(c->fd, frame, k + 4 + n);
}

static void wait_for(struct client *c, const char *what)
{
    c->waits_for = what;
    c->since_us = now_us();
}

static void next_turn(struct client *c)
{
    char text[512];
    wait_for(c, NULL);
    if (begun == turns_max)
        return;
    int n = snprintf(text, sizeof(text),
                     "{\"type\":\"user_message\",\"message_id\":\"b%s-%d-%d\"%s%s%s,\"content\":"
                     "\"What is the answer to question number %d, please?\"}",
                     own, c->fd, begun, c->session[0] ? ",\"session_id\":\"" : "", c->session,
                     c->session[0] ? "\"" : "", begun);
    begun++;
    c->turn++;
    c->first_seen = 0;
    wait_for(c, "its message to be accepted");
    c->sent_us = c->since_us;
    send_frame(c, text, (size_t)n);
}

static void mark(struct client *c, int which)
{
    marks[which][marks_n[which]++] = now_us() - c->sent_us;
}

static int begins(const char *p, size_t n, const char *what)
{
    size_t k = strlen(what);
    return n >= k && memcmp(p, what, k) == 0;
}

static void on_message(struct client *c, char *p, size_t n)
{
    if (begins(p, n, "{\"type\":\"accepted\"")) {
        /* Frames go to every socket of the user: take those of our own question only. */
        char mine[64];
        char *at = memmem(p, n, "\"message_id\":\"b", 15);
        int k = snprintf(mine, sizeof(mine), "%s-%d-", own, c->fd);
        if (!at || memcmp(at + 15, mine, (size_t)k) != 0)
            return;
        if (memmem(p, n, "\"duplicate\":true", 16))
            refuse(p, n); /* nothing would follow */
        char *s = memmem(p, n, "\"session_id\":\"", 14);
        if (!s)
            return;
        memcpy(c->session, s + 14, 13);
        mark(c, ACCEPTED);
        wait_for(c, "the first text of its answer");
        return;
    }
    char *s = memmem(p, n < 160 ? n : 160, "\"session_id\":\"", 14);
    if (!s || !c->session[0] || memcmp(s + 14, c->session, 13) != 0)
        return;
    if (begins(p, n, "{\"type\":\"TEXT_MESSAGE_CONTENT\"") && !c->first_seen) {
        c->first_seen = 1;
        mark(c, FIRST);
        wait_for(c, "the end of its run");
    } else if (begins(p, n, "{\"type\":\"RUN_FINISHED\"")) {
        mark(c, ENDED);
        ended++;
        c->waits_for = NULL;
        if (every_us)
            c->due_us = c->sent_us + every_us;
        else
            next_turn(c);
    } else if (begins(p, n, "{\"type\":\"RUN_ERROR\"") || begins(p, n, "{\"type\":\"error\"")) {
        refuse(p, n);
    }
}

/* With what it says, masked by a key of zeros (RFC 6455, 5.5.3 and 5.3): else a long run is closed
 * as one whose client is gone. */
static void answer_ping(struct client *c, const unsigned char *p, size_t n)
{
    char frame[6 + 125] = { (char)0x8a, (char)(0x80 | n) };
    if (n > 125)
        return;
    memcpy(frame + 6, p, n);
    put(c->fd, frame, 6 + n);
}

/* RFC 6455, section 5.5.1: a code and a reason. */
static void closed(const struct client *c, const unsigned char *p, size_t n)
{
    char why[160];
    (void)snprintf(why, sizeof(why), "the daemon closes: %d %.*s", n < 2 ? 0 : p[0] << 8 | p[1],
                   n < 2 ? 0 : (int)n - 2, (const char *)p + 2);
    lost(c, why);
}

static size_t take_frames(struct client *c)
{
    size_t at = 0;
    while (c->n - at >= 2) {
        unsigned char *f = (unsigned char *)c->buf + at;
        size_t len = f[1] & 127, head = 2;
        if (len == 126) {
            if (c->n - at < 4)
                break;
            len = (size_t)f[2] << 8 | f[3];
            head = 4;
        } else if (len == 127) {
            errno = EMSGSIZE;
            die("frame");
        }
        if (c->n - at < head + len)
            break;
        if ((f[0] & 15) == 1)
            on_message(c, (char *)f + head, len);
        else if ((f[0] & 15) == 9)
            answer_ping(c, f + head, len);
        else if ((f[0] & 15) == 8)
            closed(c, f + head, len);
        at += head + len;
    }
    return at;
}

static void on_readable(struct client *c)
{
    ssize_t n = read(c->fd, c->buf + c->n, BUF - c->n);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        lost(c, n == 0 ? "the daemon has hung up" : strerror(errno));
    c->n += (size_t)n;
    size_t at = 0;
    if (!c->open) {
        char *end = memmem(c->buf, c->n, "\r\n\r\n", 4);
        if (!end)
            return;
        if (!begins(c->buf, c->n, "HTTP/1.1 101"))
            refuse(c->buf, c->n);
        c->open = 1;
        at = (size_t)(end + 4 - c->buf);
        memmove(c->buf, c->buf + at, c->n - at);
        c->n -= at;
        next_turn(c);
    }
    at = take_frames(c);
    memmove(c->buf, c->buf + at, c->n - at);
    c->n -= at;
}

static void open_client(struct client *c, int port, int ep)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    char head[1024], cookie[128];
    const struct timeval patience = { .tv_sec = patience_s };
    int one = 1;
    if (!fgets(cookie, sizeof(cookie), cookies))
        die("too few cookies");
    cookie[strcspn(cookie, "\n")] = '\0';
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(c->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
        die("connect");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    int n = snprintf(head, sizeof(head),
                     "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: "
                     "http://127.0.0.1:%d\r\nCookie: nexflow_session=%s\r\n"
                     "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                     port, port, cookie);
    put(c->fd, head, (size_t)n);
    wait_for(c, "its web socket");
    c->buf = malloc(BUF);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
}

static void look_at_time(const struct client *clients, int n)
{
    int64_t now = now_us();
    int late = 0;
    for (int i = 0; i < n; i++)
        late += clients[i].waits_for && now - clients[i].since_us >= patience_s * 1000000;
    if (late == 0)
        return;
    for (int i = 0; i < n; i++)
        if (clients[i].waits_for)
            (void)fprintf(stderr, "turn_load: session %s, turn %d: %lld s for %s\n",
                          clients[i].session[0] ? clients[i].session : "(none)", clients[i].turn,
                          (long long)(now - clients[i].since_us) / 1000000, clients[i].waits_for);
    exit(1);
}

/* Begins what is due; for how long nothing else will be, in microseconds. What begins late has been
 * waiting since it was due. */
static int64_t begin_due(struct client *clients, int n)
{
    int64_t now = now_us(), next = now + LOOK_MS * INT64_C(1000);
    for (int i = 0; i < n; i++) {
        struct client *c = &clients[i];
        if (c->due_us && c->due_us <= now) {
            int64_t due_us = c->due_us;
            c->due_us = 0;
            next_turn(c);
            c->sent_us = due_us;
        } else if (c->due_us && c->due_us < next) {
            next = c->due_us;
        }
    }
    return next - now;
}

static int by_value(const void *a, const void *b)
{
    int64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static void print_marks(const char *name, int which, const char *behind)
{
    int n = marks_n[which];
    qsort(marks[which], (size_t)n, sizeof(int64_t), by_value);
    printf("\"%s_us\":{\"p50\":%lld,\"p99\":%lld,\"max\":%lld}%s", name,
           n ? (long long)marks[which][n / 2] : 0, n ? (long long)marks[which][n * 99 / 100] : 0,
           n ? (long long)marks[which][n - 1] : 0, behind);
}

int main(int argc, char **argv)
{
    struct timespec t;
    if (argc < 5 || argc > 7) {
        (void)fprintf(stderr,
                      "usage: turn_load PORT COOKIES SESSIONS TURNS [PATIENCE_S [EVERY_MS]]\n");
        return 2;
    }
    if (argc >= 6)
        patience_s = atoi(argv[5]);
    if (argc == 7)
        every_us = atoi(argv[6]) * INT64_C(1000);
    (void)signal(SIGPIPE, SIG_IGN); /* a connection that is gone is told, too */
    clock_gettime(CLOCK_REALTIME, &t);
    (void)snprintf(own, sizeof(own), "%llx-%lx-%d", (long long)t.tv_sec, t.tv_nsec, (int)getpid());
    int port = atoi(argv[1]), sessions = atoi(argv[3]);
    cookies = fopen(argv[2], "r");
    if (!cookies)
        die(argv[2]);
    turns_max = atoi(argv[4]);
    for (int i = 0; i < MARKS; i++)
        marks[i] = calloc((size_t)turns_max + 1, sizeof(int64_t));
    struct client *clients = calloc((size_t)sessions, sizeof(*clients));
    int ep = epoll_create1(EPOLL_CLOEXEC);
    int64_t start = now_us(), looked_us = start;
    for (int i = 0; i < sessions; i++)
        open_client(&clients[i], port, ep);
    while (ended < turns_max) {
        struct epoll_event ready[256];
        int64_t us = every_us ? begin_due(clients, sessions) : LOOK_MS * INT64_C(1000);
        const struct timespec wait = { us / 1000000, us % 1000000 * 1000 };
        int n = epoll_pwait2(ep, ready, 256, &wait, NULL);
        for (int i = 0; i < n; i++)
            on_readable(ready[i].data.ptr);
        if (now_us() - looked_us >= LOOK_MS * 1000) {
            looked_us = now_us();
            look_at_time(clients, sessions);
        }
    }
    double seconds = (double)(now_us() - start) / 1e6;
    printf("{\"sessions\":%d,\"turns\":%d,\"seconds\":%.3f,\"turns_per_second\":%.1f,", sessions,
           turns_max, seconds, turns_max / seconds);
    print_marks("accepted", ACCEPTED, ",");
    print_marks("first_text", FIRST, ",");
    print_marks("ended", ENDED, "}\n");
    for (int i = 0; i < sessions; i++)
        free(clients[i].buf);
    free(clients);
    for (int i = 0; i < MARKS; i++)
        free(marks[i]);
    (void)fclose(cookies);
    return 0;
}
