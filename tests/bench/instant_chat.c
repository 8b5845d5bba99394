#include "tests/bench/instant_chat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long chat_calls;
static long chats, at_once, messages, after;
static long asked, answered, next_chat, open_now;
static int64_t *asked_us; /* by chat; 0: nothing is open */
static int *took_us;      /* by answer */
static long took_n;
static int64_t began_us;

/* --- people ----------------------------------------------------------------------------------- */

void chat_begin(int argc, char **argv)
{
    if (argc < 4)
        instant_die("usage: CHATS AT_ONCE MESSAGES [AFTER]");
    chats = atol(argv[1]);
    at_once = atol(argv[2]);
    messages = atol(argv[3]);
    after = argc > 4 ? atol(argv[4]) : 0;
    if (chats < 1 || at_once < 1 || at_once > chats || messages <= after || after < 0)
        instant_die("the numbers do not fit");
    asked_us = calloc((size_t)chats, sizeof(*asked_us));
    took_us = calloc((size_t)messages, sizeof(*took_us));
    if (!asked_us || !took_us)
        instant_die("out of memory");
}

int chat_may_ask(void)
{
    return asked < messages && open_now < at_once;
}

long chat_ask(void)
{
    long chat = next_chat++ % chats;
    if (asked_us[chat] != 0)
        instant_die("there are too few chats for so many questions at once");
    asked_us[chat] = instant_now_us();
    if (asked == after)
        began_us = asked_us[chat];
    asked++;
    open_now++;
    return chat;
}

static int by_size(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void report(void)
{
    double s = (double)(instant_now_us() - began_us) / 1e6;
    qsort(took_us, (size_t)took_n, sizeof(*took_us), by_size);
    (void)printf("{\"turns_per_second\": %.1f, \"answered_us\": {\"p50\": %d, \"p99\": %d}, "
                 "\"turns\": %ld, \"calls\": %ld}\n",
                 (double)took_n / s, took_us[took_n / 2], took_us[took_n * 99 / 100], took_n,
                 chat_calls);
    (void)fflush(stdout);
}

void chat_answered(long chat)
{
    if (chat < 0 || chat >= chats || asked_us[chat] == 0)
        return;
    answered++;
    open_now--;
    if (answered > after)
        took_us[took_n++] = (int)(instant_now_us() - asked_us[chat]);
    asked_us[chat] = 0;
    if (answered == messages)
        report();
}

/* --- calls ------------------------------------------------------------------------------------ */

int chat_take_request(struct chat_conn *c, int (*call)(struct chat_conn *c, const char *body))
{
    c->in[c->n] = '\0';
    const char *end = strstr(c->in, "\r\n\r\n");
    if (!end)
        return c->n < CHAT_REQUEST_MAX - 1 ? 0 : -1;
    const char *length = strcasestr(c->in, "\r\ncontent-length:");
    size_t head = (size_t)(end - c->in) + 4;
    size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (body > CHAT_REQUEST_MAX || head + body > CHAT_REQUEST_MAX - 1)
        return -1;
    if (c->n < head + body)
        return 0;
    char saved = c->in[head + body];
    c->in[head + body] = '\0';
    if (call(c, c->in + head) != 0)
        return -1;
    c->in[head + body] = saved;
    memmove(c->in, c->in + head + body, c->n - head - body);
    c->n -= head + body;
    return 1;
}

int chat_read(struct chat_conn *c, int (*take)(struct chat_conn *c))
{
    for (;;) {
        ssize_t n = read(c->base.fd, c->in + c->n, CHAT_REQUEST_MAX - 1 - c->n);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (n <= 0)
            return -1;
        c->n += (size_t)n;
        if (take(c) != 0)
            return -1;
    }
}

int chat_write(const struct chat_conn *c, const void *p, size_t n)
{
    size_t at = 0;
    while (at < n) {
        ssize_t w = write(c->base.fd, (const char *)p + at, n - at);
        if (w < 0 && errno != EAGAIN)
            return -1;
        at += w > 0 ? (size_t)w : 0;
    }
    return 0;
}

int chat_respond(const struct chat_conn *c, int status, const char *body, size_t n)
{
    char head[160];
    int k =
        snprintf(head, sizeof(head),
                 "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                 status, n);
    char *all = malloc((size_t)k + n);
    if (!all)
        instant_die("out of memory");
    memcpy(all, head, (size_t)k);
    memcpy(all + k, body, n);
    int rc = chat_write(c, all, (size_t)k + n);
    free(all);
    return rc;
}
