/*
 * A Bot API that answers at once and whose people write as soon as they are answered, to measure
 * what Nexflow adds: a bare epoll loop without any of our code. It gives updates to who polls and
 * notes when the last edit of a chat has the end of the model's answer.
 *
 * usage: instant_telegram CHATS AT_ONCE MESSAGES [AFTER]
 *   CHATS groups, of which AT_ONCE have a question open at any time, MESSAGES in all. With AFTER,
 *   the first so many are not measured. Prints "listening PORT"; when all are answered a line of
 *   JSON with turns per second and latencies in microseconds; then serves on until it is ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define CONNS_MAX 4096
#define REQUEST_MAX 65536
#define FIRST_CHAT 100000

struct conn {
    int fd;
    char in[REQUEST_MAX];
    size_t n;
    int polls; /* its getUpdates waits */
};

static struct conn *conns[CONNS_MAX];
static long chats, at_once, messages, after;
static long asked, answered, next_chat, open_now;
static int64_t *asked_us; /* by chat; 0: nothing is open */
static int *took_us;      /* by answer */
static long took_n;
static int64_t began_us;
static long update_id = 1, message_id = 1, calls, polls_n;
static char *updates; /* of those not given out yet, as JSON with commas */
static size_t updates_n, updates_cap;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void die(const char *why)
{
    (void)fprintf(stderr, "instant_telegram: %s\n", why);
    exit(1);
}

static int put(struct conn *c, const char *body, size_t n)
{
    char head[160];
    int k = snprintf(head, sizeof(head),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                     "%zu\r\n\r\n",
                     n);
    char *all = malloc((size_t)k + n);
    if (!all)
        die("out of memory");
    memcpy(all, head, (size_t)k);
    memcpy(all + k, body, n);
    size_t left = (size_t)k + n, at = 0;
    while (at < left) {
        ssize_t w = write(c->fd, all + at, left - at);
        if (w < 0 && errno != EAGAIN) {
            free(all);
            return -1;
        }
        at += w > 0 ? (size_t)w : 0;
    }
    free(all);
    return 0;
}

/* --- people ----------------------------------------------------------------------------------- */

static void add_update(const char *text, size_t n)
{
    if (updates_n + n + 1 > updates_cap) {
        updates_cap = 2 * (updates_n + n + 1);
        updates = realloc(updates, updates_cap);
        if (!updates)
            die("out of memory");
    }
    memcpy(updates + updates_n, text, n);
    updates_n += n;
}

static void ask(void)
{
    char text[768];
    long chat = next_chat++ % chats;
    if (asked_us[chat] != 0)
        die("there are too few chats for so many questions at once");
    asked_us[chat] = now_us();
    if (asked == after)
        began_us = asked_us[chat];
    asked++;
    open_now++;
    int n = snprintf(text, sizeof(text),
                     "%s{\"update_id\":%ld,\"message\":{\"message_id\":%ld,\"from\":{\"id\":%ld,"
                     "\"is_bot\":false,\"first_name\":\"Anna\"},\"chat\":{\"id\":-%ld,\"type\":"
                     "\"supergroup\",\"title\":\"g\"},\"date\":1,\"text\":\"@instant_bot how are "
                     "you\",\"entities\":[{\"type\":\"mention\",\"offset\":0,\"length\":12}]}}",
                     updates_n ? "," : "", update_id, message_id, 1 + chat % 10, FIRST_CHAT + chat);
    update_id++;
    message_id++;
    add_update(text, (size_t)n);
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void report(void)
{
    double s = (double)(now_us() - began_us) / 1e6;
    qsort(took_us, (size_t)took_n, sizeof(*took_us), by_size);
    (void)printf("{\"turns_per_second\": %.1f, \"answered_us\": {\"p50\": %d, \"p99\": %d}, "
                 "\"turns\": %ld, \"calls\": %ld, \"polls\": %ld}\n",
                 (double)took_n / s, took_us[took_n / 2], took_us[took_n * 99 / 100], took_n, calls,
                 polls_n);
    (void)fflush(stdout);
}

static void on_answer(long chat)
{
    if (chat < 0 || chat >= chats || asked_us[chat] == 0)
        return;
    answered++;
    open_now--;
    if (answered > after)
        took_us[took_n++] = (int)(now_us() - asked_us[chat]);
    asked_us[chat] = 0;
    if (answered == messages)
        report();
}

/* --- calls ------------------------------------------------------------------------------------ */

static int give(struct conn *c)
{
    char *all = malloc(updates_n + 64);
    if (!all)
        die("out of memory");
    int n = snprintf(all, 64, "{\"ok\":true,\"result\":[");
    memcpy(all + n, updates, updates_n);
    memcpy(all + n + updates_n, "]}", 2);
    int rc = put(c, all, (size_t)n + updates_n + 2);
    free(all);
    updates_n = 0;
    c->polls = 0;
    polls_n++;
    return rc;
}

/* New questions as long as there is room, given to who waits. */
static void go_on(void)
{
    while (asked < messages && open_now < at_once)
        ask();
    if (updates_n == 0)
        return;
    for (int fd = 0; fd < CONNS_MAX; fd++)
        if (conns[fd] && conns[fd]->polls) {
            (void)give(conns[fd]);
            return;
        }
}

static long chat_of(const char *body)
{
    const char *p = strstr(body, "\"chat_id\":-");
    return p ? atol(p + 11) - FIRST_CHAT : -1;
}

static int on_call(struct conn *c, const char *method, const char *body)
{
    static const char yes[] = "{\"ok\":true,\"result\":true}";
    char text[256];
    if (strncmp(method, "getUpdates", 10) == 0) {
        if (updates_n > 0)
            return give(c);
        if (strstr(body, "\"timeout\":0"))
            return put(c, "{\"ok\":true,\"result\":[]}", 23);
        c->polls = 1;
        return 0;
    }
    if (strncmp(method, "getMe", 5) == 0) {
        static const char me[] = "{\"ok\":true,\"result\":{\"id\":1000001,\"is_bot\":true,"
                                 "\"first_name\":\"I\",\"username\":\"instant_bot\"}}";
        return put(c, me, sizeof(me) - 1);
    }
    if (strncmp(method, "sendMessage", 11) != 0 && strncmp(method, "editMessageText", 15) != 0)
        return put(c, yes, sizeof(yes) - 1);
    calls++;
    long chat = chat_of(body);
    int n = snprintf(text, sizeof(text),
                     "{\"ok\":true,\"result\":{\"message_id\":%ld,\"date\":1,\"chat\":{\"id\":-%ld,"
                     "\"type\":\"supergroup\"}}}",
                     message_id++, FIRST_CHAT + chat);
    int rc = put(c, text, (size_t)n);
    if (strstr(body, "twenty-four characters.\""))
        on_answer(chat);
    return rc;
}

/* --- connections ------------------------------------------------------------------------------ */

static void drop(struct conn *c)
{
    close(c->fd);
    conns[c->fd] = NULL;
    free(c);
}

/* A whole request is at the front of c->in, or there is more to come. */
static int take_requests(struct conn *c)
{
    for (;;) {
        c->in[c->n] = '\0';
        char *end = strstr(c->in, "\r\n\r\n");
        if (!end)
            return c->n < REQUEST_MAX - 1 ? 0 : -1;
        const char *length = strcasestr(c->in, "\r\ncontent-length:");
        size_t head = (size_t)(end - c->in) + 4;
        size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        if (head + body > REQUEST_MAX - 1)
            return -1;
        if (c->n < head + body)
            return 0;
        char *method = strstr(c->in, "/bot");
        method = method ? strchr(method + 4, '/') : NULL;
        char saved = c->in[head + body];
        c->in[head + body] = '\0';
        if (!method || on_call(c, method + 1, c->in + head) != 0)
            return -1;
        c->in[head + body] = saved;
        memmove(c->in, c->in + head + body, c->n - head - body);
        c->n -= head + body;
    }
}

static void on_readable(struct conn *c)
{
    for (;;) {
        ssize_t n = read(c->fd, c->in + c->n, REQUEST_MAX - 1 - c->n);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n > 0)
            c->n += (size_t)n;
        if (n <= 0 || take_requests(c) != 0) {
            drop(c);
            return;
        }
    }
}

static void on_accept(int listener, int ep)
{
    for (;;) {
        int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        struct conn *c = fd < CONNS_MAX ? calloc(1, sizeof(*c)) : NULL;
        if (!c) {
            close(fd);
            continue;
        }
        c->fd = fd;
        conns[fd] = c;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };
        epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    }
}

static int listen_here(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(a);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 || listen(fd, 1024) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        die("cannot listen");
    (void)printf("listening %d\n", ntohs(a.sin_port));
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage: instant_telegram CHATS AT_ONCE MESSAGES [AFTER]");
    chats = atol(argv[1]);
    at_once = atol(argv[2]);
    messages = atol(argv[3]);
    after = argc > 4 ? atol(argv[4]) : 0;
    if (chats < 1 || at_once < 1 || at_once > chats || messages <= after || after < 0)
        die("the numbers do not fit");
    asked_us = calloc((size_t)chats, sizeof(*asked_us));
    took_us = calloc((size_t)messages, sizeof(*took_us));
    if (!asked_us || !took_us)
        die("out of memory");

    int ep = epoll_create1(EPOLL_CLOEXEC), listener = listen_here();
    struct epoll_event e = { .events = EPOLLIN, .data.fd = listener };
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        struct epoll_event events[64];
        int n = epoll_wait(ep, events, 64, 1000);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                on_accept(listener, ep);
            else if (conns[events[i].data.fd])
                on_readable(conns[events[i].data.fd]);
        }
        go_on();
    }
}
