/*
 * A provider that answers at once, to measure what Nexflow adds: OpenAI chat completions, streamed,
 * on a bare epoll loop without any of our code. Reads requests with Content-Length and keep-alive;
 * what they ask for does not matter.
 *
 * usage: instant_model [--port N] [--deltas N] [--interval-ms N] [--echo 1]
 *   Prints "listening PORT". Each answer has N deltas (default 8); with an interval they are paced,
 *   else they leave in one piece. With --echo they are "echo: " and what was asked last.
 */
#include "tests/bench/instant_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_MAX 16384

struct conn {
    struct instant_conn base;
    char head[HEAD_MAX];
    size_t head_n;
    size_t body_left;
    int in_body;
    char *body; /* kept for --echo */
    size_t body_n, body_max;
    int deltas_left; /* of a paced answer under way */
    int64_t next_ms;
};

static int deltas = 8, echo;
static int64_t interval_ms;
static char head_bytes[512], delta_bytes[512], tail_bytes[1024], whole[65536];
static size_t head_n, delta_n, tail_n, whole_n;

static int64_t now_ms(void)
{
    return instant_now_us() / 1000;
}

static size_t chunk(char *to, size_t max, const char *data)
{
    int n = snprintf(to, max, "%zx\r\n%s\r\n", strlen(data), data);
    return (size_t)n;
}

static size_t delta(char *to, size_t max, const char *text, size_t n)
{
    char data[8192];
    (void)snprintf(data, sizeof(data),
                   "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,"
                   "\"model\":\"instant\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
                   "\"%.*s\"},\"finish_reason\":null}]}\n\n",
                   (int)n, text);
    return chunk(to, max, data);
}

static void prepare(void)
{
    char text[1024];
    head_n = (size_t)snprintf(head_bytes, sizeof(head_bytes),
                              "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n");
    delta_n = delta(delta_bytes, sizeof(delta_bytes), "twenty-four characters. ", 24);
    (void)snprintf(
        text, sizeof(text),
        "data: {\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":"
        "\"instant\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],"
        "\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n"
        "data: [DONE]\n\n",
        deltas, deltas + 20);
    tail_n = chunk(tail_bytes, sizeof(tail_bytes) - 8, text);
    memcpy(tail_bytes + tail_n, "0\r\n\r\n", 5);
    tail_n += 5;
    memcpy(whole, head_bytes, head_n);
    whole_n = head_n;
    for (int i = 0; i < deltas && whole_n + delta_n + tail_n < sizeof(whole); i++) {
        memcpy(whole + whole_n, delta_bytes, delta_n);
        whole_n += delta_n;
    }
    memcpy(whole + whole_n, tail_bytes, tail_n);
    whole_n += tail_n;
}

static void on_dropped(struct instant_conn *c)
{
    free(((struct conn *)c)->body);
}

/* Answers are small beside a socket's buffer: what does not fit ends the connection. */
static int put(struct conn *c, const char *p, size_t n)
{
    return write(c->base.fd, p, n) == (ssize_t)n ? 0 : -1;
}

static int keep_body(struct conn *c, const char *p, size_t n)
{
    if (c->body_n + n + 1 > c->body_max) {
        size_t max = 2 * (c->body_n + n + 1);
        char *more = realloc(c->body, max);
        if (!more)
            return -1;
        c->body = more;
        c->body_max = max;
    }
    memcpy(c->body + c->body_n, p, n);
    c->body_n += n;
    c->body[c->body_n] = '\0';
    return 0;
}

/* The last text in the request, as it is written in JSON. */
static size_t last_asked(const char *body, const char **text)
{
    static const char key[] = "\"content\":\"";
    const char *at = NULL;
    for (const char *p = body; p && (p = strstr(p, key)); p += sizeof(key) - 1)
        at = p + sizeof(key) - 1;
    size_t n = 0;
    while (at && at[n] && at[n] != '"')
        n += at[n] == '\\' && at[n + 1] ? 2 : 1;
    *text = at;
    return n < 4096 ? n : 0;
}

static int answer_echo(struct conn *c)
{
    static char out[65536];
    char said[4200];
    const char *text;
    size_t n = last_asked(c->body, &text), whole_text, done = 0, at = head_n;
    whole_text = (size_t)snprintf(said, sizeof(said), "echo: %.*s", (int)n, text ? text : "");
    c->body_n = 0;
    memcpy(out, head_bytes, head_n);
    for (int i = 1; i <= deltas && done < whole_text; i++) {
        size_t end = i == deltas ? whole_text : whole_text * (size_t)i / (size_t)deltas;
        if (memchr(said + done, '\\', whole_text - done))
            end = whole_text; /* no escape is cut */
        at += delta(out + at, sizeof(out) - at, said + done, end - done);
        done = end;
    }
    memcpy(out + at, tail_bytes, tail_n);
    return put(c, out, at + tail_n);
}

static int answer(struct conn *c)
{
    if (echo)
        return answer_echo(c);
    if (interval_ms == 0)
        return put(c, whole, whole_n);
    c->deltas_left = deltas;
    c->next_ms = now_ms() + interval_ms;
    return put(c, head_bytes, head_n);
}

static int on_bytes(struct conn *c, const char *p, size_t n)
{
    while (n > 0) {
        if (c->in_body) {
            size_t k = n < c->body_left ? n : c->body_left;
            if (echo && keep_body(c, p, k) != 0)
                return -1;
            c->body_left -= k;
            p += k;
            n -= k;
        } else {
            if (c->head_n == sizeof(c->head) - 1)
                return -1;
            c->head[c->head_n++] = *p++;
            n--;
            if (c->head_n < 4 || memcmp(c->head + c->head_n - 4, "\r\n\r\n", 4) != 0)
                continue;
            c->head[c->head_n] = '\0';
            const char *length = strcasestr(c->head, "\r\ncontent-length:");
            c->body_left = length ? strtoul(length + 17, NULL, 10) : 0;
            c->in_body = 1;
            c->head_n = 0;
        }
        if (c->in_body && c->body_left == 0) {
            c->in_body = 0;
            if (answer(c) != 0)
                return -1;
        }
    }
    return 0;
}

static int on_readable(struct instant_conn *conn)
{
    static char buf[65536];
    struct conn *c = (struct conn *)conn;
    for (;;) {
        ssize_t n = read(c->base.fd, buf, sizeof(buf));
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0 || on_bytes(c, buf, (size_t)n) != 0)
            return -1;
        if (n < (ssize_t)sizeof(buf))
            return 0;
    }
}

static void pace(void)
{
    int64_t now = now_ms();
    for (int fd = 0; fd < instant_conns_end; fd++) {
        struct conn *c = (struct conn *)instant_conns[fd];
        if (!c || c->deltas_left == 0 || c->next_ms > now)
            continue;
        c->next_ms += interval_ms;
        int failed = put(c, delta_bytes, delta_n);
        if (!failed && --c->deltas_left == 0)
            failed = put(c, tail_bytes, tail_n);
        if (failed)
            instant_drop(&c->base);
    }
}

int main(int argc, char **argv)
{
    int port = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        int value = atoi(argv[i + 1]);
        if (strcmp(argv[i], "--port") == 0)
            port = value;
        else if (strcmp(argv[i], "--deltas") == 0)
            deltas = value;
        else if (strcmp(argv[i], "--interval-ms") == 0)
            interval_ms = value;
        else if (strcmp(argv[i], "--echo") == 0)
            echo = value;
    }
    prepare();
    instant_serve(port, &(struct instant_ops){ .conn_bytes = sizeof(struct conn),
                                               .readable = on_readable,
                                               .dropped = on_dropped,
                                               .between = interval_ms ? pace : NULL,
                                               .wait_ms = interval_ms ? 10 : -1 });
}
