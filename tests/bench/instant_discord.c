/*
 * A Discord that answers at once and whose people write as soon as they are answered, to measure
 * what Nexflow adds: a bare epoll loop without any of our code. REST and the gateway share a port;
 * events are compressed as zlib-stream. It notes when a channel got the end of the model's answer.
 *
 * usage: instant_discord CHATS AT_ONCE MESSAGES [AFTER]
 *   CHATS private chats, of which AT_ONCE have a question open at any time, MESSAGES in all. With
 *   AFTER, the first so many are not measured. Prints "listening PORT"; when all are answered a
 * line of JSON with turns per second and latencies in microseconds; then serves on until it is
 * ended.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define CONNS_MAX 4096
#define REQUEST_MAX 65536
#define FIRST_CHAT 100000
#define FIRST_ID 1600000000000000000L /* of messages: late in 2026 */

struct conn {
    int fd;
    char in[REQUEST_MAX];
    size_t n;
    int gateway; /* it is a web socket by now */
};

static struct conn *conns[CONNS_MAX], *gateway;
static z_stream deflated;
static long chats, at_once, messages, after, seq;
static long asked, answered, next_chat, open_now, calls, port;
static int64_t *asked_us; /* by chat; 0: nothing is open */
static int *took_us;      /* by answer */
static long took_n, message_id;
static int64_t began_us;
static int ready;

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void die(const char *why)
{
    (void)fprintf(stderr, "instant_discord: %s\n", why);
    exit(1);
}

static int put_bytes(struct conn *c, const void *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t w = write(c->fd, (const char *)p + at, n - at);
        if (w < 0 && errno != EAGAIN)
            return -1;
        at += w > 0 ? (size_t)w : 0;
    }
    return 0;
}

static int put(struct conn *c, int status, const char *body)
{
    char all[2048];
    int n =
        snprintf(all, sizeof(all),
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                 status, strlen(body), body);
    return put_bytes(c, all, (size_t)n);
}

/* --- the gateway ------------------------------------------------------------------------------ */

/* A binary frame with the next piece of the stream (RFC 6455 section 5.2). */
static void tell(const char *json)
{
    unsigned char out[4096];
    deflated.next_in = (z_const Bytef *)json;
    deflated.avail_in = (uInt)strlen(json);
    deflated.next_out = out + 4;
    deflated.avail_out = sizeof(out) - 4;
    if (!gateway || deflate(&deflated, Z_SYNC_FLUSH) != Z_OK)
        return;
    size_t n = sizeof(out) - 4 - deflated.avail_out, head = n < 126 ? 2 : 4;
    unsigned char *p = out + 4 - head;
    p[0] = 0x82;
    p[1] = n < 126 ? (unsigned char)n : 126;
    if (n >= 126) {
        p[2] = (unsigned char)(n >> 8);
        p[3] = (unsigned char)n;
    }
    (void)put_bytes(gateway, p, head + n);
}

static void event(const char *type, const char *d)
{
    char text[1200];
    (void)snprintf(text, sizeof(text), "{\"op\":0,\"t\":\"%s\",\"s\":%ld,\"d\":%s}", type, ++seq,
                   d);
    tell(text);
}

static int upgrade(struct conn *c)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strcasestr(c->in, "sec-websocket-key:");
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    char text[128], head[256];
    unsigned n;
    if (!key)
        return -1;
    key += 18 + strspn(key + 18, " ");
    (void)snprintf(text, sizeof(text), "%.24s%s", key, guid);
    if (EVP_Digest(text, strlen(text), digest, &n, EVP_sha1(), NULL) != 1)
        return -1;
    EVP_EncodeBlock(accept, digest, (int)n);
    int k = snprintf(head, sizeof(head),
                     "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: %s\r\n\r\n",
                     accept);
    (void)deflateReset(&deflated);
    c->gateway = 1;
    gateway = c;
    seq = 0;
    if (put_bytes(c, head, (size_t)k) != 0)
        return -1;
    tell("{\"op\":10,\"d\":{\"heartbeat_interval\":41250}}");
    return 0;
}

static void on_payload(const char *text)
{
    char d[400];
    if (strstr(text, "\"op\":1,"))
        tell("{\"op\":11}");
    if (strstr(text, "\"op\":6,"))
        tell("{\"op\":9,\"d\":false}");
    if (!strstr(text, "\"op\":2,"))
        return;
    (void)snprintf(d, sizeof(d),
                   "{\"v\":10,\"session_id\":\"s\",\"resume_gateway_url\":\"ws://127.0.0.1:%ld\","
                   "\"user\":{\"id\":\"1000\"},\"application\":{\"id\":\"1000\"},\"guilds\":[]}",
                   port);
    event("READY", d);
    ready = 1;
}

/* Frames of a client: masked, and short. */
static int take_frames(struct conn *c)
{
    for (;;) {
        unsigned char *p = (unsigned char *)c->in;
        size_t head = 6, n = c->n >= 2 ? p[1] & 0x7F : 0;
        if (c->n < 2)
            return 0;
        if (n == 126) {
            head = 8;
            n = c->n >= 4 ? (size_t)p[2] << 8 | p[3] : 0;
        }
        if (c->n < head || c->n < head + n || n > 4096)
            return n > 4096 ? -1 : 0;
        char text[4097];
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(p[head + i] ^ p[head - 4 + i % 4]);
        text[n] = '\0';
        if ((p[0] & 0x0F) == 8)
            return -1;
        on_payload(text);
        memmove(c->in, c->in + head + n, c->n - head - n);
        c->n -= head + n;
    }
}

/* --- people ----------------------------------------------------------------------------------- */

static void ask(void)
{
    char d[700];
    long chat = next_chat++ % chats;
    if (asked_us[chat] != 0)
        die("there are too few chats for so many questions at once");
    asked_us[chat] = now_us();
    if (asked == after)
        began_us = asked_us[chat];
    asked++;
    open_now++;
    (void)snprintf(d, sizeof(d),
                   "{\"id\":\"%ld\",\"channel_id\":\"%ld\",\"type\":0,\"author\":{\"id\":\"%ld\","
                   "\"username\":\"anna\"},\"content\":\"how are you\",\"mentions\":[],"
                   "\"attachments\":[],\"edited_timestamp\":null}",
                   FIRST_ID + message_id++, FIRST_CHAT + chat, 1 + chat % 10);
    event("MESSAGE_CREATE", d);
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
                 "\"turns\": %ld, \"calls\": %ld}\n",
                 (double)took_n / s, took_us[took_n / 2], took_us[took_n * 99 / 100], took_n,
                 calls);
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

/* --- REST ------------------------------------------------------------------------------------- */

static int on_call(struct conn *c, const char *body)
{
    char text[400];
    const char *path = strstr(c->in, "/api/v10");
    if (strncmp(c->in, "GET /?", 6) == 0)
        return upgrade(c);
    if (!path)
        return -1;
    path += 8;
    calls++;
    if (strncmp(path, "/gateway/bot", 12) == 0) {
        (void)snprintf(
            text, sizeof(text),
            "{\"url\":\"ws://127.0.0.1:%ld\",\"shards\":1,\"session_start_limit\":{"
            "\"total\":1000,\"remaining\":1000,\"reset_after\":1,\"max_concurrency\":1}}",
            port);
        return put(c, 200, text);
    }
    if (strncmp(path, "/users/@me", 10) == 0 || strncmp(path, "/applications/@me", 17) == 0)
        return put(c, 200, "{\"id\":\"1000\",\"username\":\"instant\"}");
    long chat = strncmp(path, "/channels/", 10) == 0 ? atol(path + 10) - FIRST_CHAT : -1;
    if (strncmp(c->in, "GET ", 4) == 0 || chat < 0)
        return put(c, 200, "[]");
    if (strstr(path, "/typing"))
        return put(c, 204, "");
    (void)snprintf(text, sizeof(text), "{\"id\":\"%ld\"}", FIRST_ID + message_id++);
    int rc = put(c, 200, text);
    if (strstr(body, "twenty-four characters."))
        on_answer(chat);
    return rc;
}

/* --- connections ------------------------------------------------------------------------------ */

static void drop(struct conn *c)
{
    if (c == gateway)
        gateway = NULL;
    close(c->fd);
    conns[c->fd] = NULL;
    free(c);
}

/* A whole request is at the front of c->in, or there is more to come. */
static int take_requests(struct conn *c)
{
    while (!c->gateway) {
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
        char saved = c->in[head + body];
        c->in[head + body] = '\0';
        if (on_call(c, c->in + head) != 0)
            return -1;
        c->in[head + body] = saved;
        memmove(c->in, c->in + head + body, c->n - head - body);
        c->n -= head + body;
    }
    return take_frames(c);
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
    port = ntohs(a.sin_port);
    (void)printf("listening %ld\n", port);
    (void)fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        die("usage: instant_discord CHATS AT_ONCE MESSAGES [AFTER]");
    chats = atol(argv[1]);
    at_once = atol(argv[2]);
    messages = atol(argv[3]);
    after = argc > 4 ? atol(argv[4]) : 0;
    if (chats < 1 || at_once < 1 || at_once > chats || messages <= after || after < 0)
        die("the numbers do not fit");
    asked_us = calloc((size_t)chats, sizeof(*asked_us));
    took_us = calloc((size_t)messages, sizeof(*took_us));
    if (!asked_us || !took_us || deflateInit(&deflated, 1) != Z_OK)
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
        while (ready && gateway && asked < messages && open_now < at_once)
            ask();
    }
}
