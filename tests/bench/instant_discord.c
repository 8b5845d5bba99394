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
#include "tests/bench/instant_chat.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FIRST_CHAT 100000
#define FIRST_ID 1600000000000000000L /* of messages: late in 2026 */

static struct chat_conn *gateway; /* it is a web socket by now; NULL: there is none */
static z_stream deflated;
static long seq, message_id;
static int ready;

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
    (void)chat_write(gateway, p, head + n);
}

static void event(const char *type, const char *d)
{
    char text[1200];
    (void)snprintf(text, sizeof(text), "{\"op\":0,\"t\":\"%s\",\"s\":%ld,\"d\":%s}", type, ++seq,
                   d);
    tell(text);
}

static int upgrade(struct chat_conn *c)
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
    gateway = c;
    seq = 0;
    if (chat_write(c, head, (size_t)k) != 0)
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
                   "{\"v\":10,\"session_id\":\"s\",\"resume_gateway_url\":\"ws://127.0.0.1:%d\","
                   "\"user\":{\"id\":\"1000\"},\"application\":{\"id\":\"1000\"},\"guilds\":[]}",
                   instant_port);
    event("READY", d);
    ready = 1;
}

/* Frames of a client: masked, and short. */
static int take_frames(struct chat_conn *c)
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
    long chat = chat_ask();
    (void)snprintf(d, sizeof(d),
                   "{\"id\":\"%ld\",\"channel_id\":\"%ld\",\"type\":0,\"author\":{\"id\":\"%ld\","
                   "\"username\":\"anna\"},\"content\":\"how are you\",\"mentions\":[],"
                   "\"attachments\":[],\"edited_timestamp\":null}",
                   FIRST_ID + message_id++, FIRST_CHAT + chat, 1 + chat % 10);
    event("MESSAGE_CREATE", d);
}

/* --- REST ------------------------------------------------------------------------------------- */

static int put(const struct chat_conn *c, int status, const char *body)
{
    return chat_respond(c, status, body, strlen(body));
}

static int on_call(struct chat_conn *c, const char *body)
{
    char text[400];
    const char *path = strstr(c->in, "/api/v10");
    if (strncmp(c->in, "GET /?", 6) == 0)
        return upgrade(c);
    if (!path)
        return -1;
    path += 8;
    chat_calls++;
    if (strncmp(path, "/gateway/bot", 12) == 0) {
        (void)snprintf(
            text, sizeof(text),
            "{\"url\":\"ws://127.0.0.1:%d\",\"shards\":1,\"session_start_limit\":{"
            "\"total\":1000,\"remaining\":1000,\"reset_after\":1,\"max_concurrency\":1}}",
            instant_port);
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
        chat_answered(chat);
    return rc;
}

/* --- connections ------------------------------------------------------------------------------ */

static int take(struct chat_conn *c)
{
    while (c != gateway) {
        int rc = chat_take_request(c, on_call);
        if (rc <= 0)
            return rc;
    }
    return take_frames(c);
}

static int on_readable(struct instant_conn *c)
{
    return chat_read((struct chat_conn *)c, take);
}

static void on_dropped(struct instant_conn *c)
{
    if (gateway && &gateway->base == c)
        gateway = NULL;
}

static void go_on(void)
{
    while (ready && gateway && chat_may_ask())
        ask();
}

int main(int argc, char **argv)
{
    static const struct instant_ops ops = { .conn_bytes = sizeof(struct chat_conn),
                                            .readable = on_readable,
                                            .dropped = on_dropped,
                                            .between = go_on,
                                            .wait_ms = 1000 };
    chat_begin(argc, argv);
    if (deflateInit(&deflated, 1) != Z_OK)
        instant_die("out of memory");
    instant_serve(0, &ops);
}
