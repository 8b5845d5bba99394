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
#include "tests/bench/instant_chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CHAT 100000

struct conn {
    struct chat_conn chat;
    int polls; /* its getUpdates waits */
};

static long update_id = 1, message_id = 1;
static char *updates; /* of those not given out yet, as JSON with commas */
static size_t updates_n, updates_cap;

/* --- people ----------------------------------------------------------------------------------- */

static void add_update(const char *text, size_t n)
{
    if (updates_n + n + 1 > updates_cap) {
        updates_cap = 2 * (updates_n + n + 1);
        updates = realloc(updates, updates_cap);
        if (!updates)
            instant_die("out of memory");
    }
    memcpy(updates + updates_n, text, n);
    updates_n += n;
}

static void ask(void)
{
    char text[768];
    long chat = chat_ask();
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

/* --- calls ------------------------------------------------------------------------------------ */

static int give(struct conn *c)
{
    char *all = malloc(updates_n + 64);
    if (!all)
        instant_die("out of memory");
    int n = snprintf(all, 64, "{\"ok\":true,\"result\":[");
    memcpy(all + n, updates, updates_n);
    memcpy(all + n + updates_n, "]}", 2);
    int rc = chat_respond(&c->chat, 200, all, (size_t)n + updates_n + 2);
    free(all);
    updates_n = 0;
    c->polls = 0;
    return rc;
}

/* New questions as long as there is room, given to who waits. */
static void go_on(void)
{
    while (chat_may_ask())
        ask();
    if (updates_n == 0)
        return;
    for (int fd = 0; fd < instant_conns_end; fd++) {
        struct conn *c = (struct conn *)instant_conns[fd];
        if (c && c->polls) {
            (void)give(c);
            return;
        }
    }
}

static long chat_of(const char *body)
{
    const char *p = strstr(body, "\"chat_id\":-");
    return p ? atol(p + 11) - FIRST_CHAT : -1;
}

static int on_call(struct chat_conn *chat_conn, const char *body)
{
    static const char yes[] = "{\"ok\":true,\"result\":true}";
    struct conn *c = (struct conn *)chat_conn;
    const char *bot = strstr(c->chat.in, "/bot"), *method = bot ? strchr(bot + 4, '/') : NULL;
    char text[256];
    if (!method)
        return -1;
    method++;
    if (strncmp(method, "getUpdates", 10) == 0) {
        if (updates_n > 0)
            return give(c);
        if (strstr(body, "\"timeout\":0"))
            return chat_respond(chat_conn, 200, "{\"ok\":true,\"result\":[]}", 23);
        c->polls = 1;
        return 0;
    }
    if (strncmp(method, "getMe", 5) == 0) {
        static const char me[] = "{\"ok\":true,\"result\":{\"id\":1000001,\"is_bot\":true,"
                                 "\"first_name\":\"I\",\"username\":\"instant_bot\"}}";
        return chat_respond(chat_conn, 200, me, sizeof(me) - 1);
    }
    if (strncmp(method, "sendMessage", 11) != 0 && strncmp(method, "editMessageText", 15) != 0)
        return chat_respond(chat_conn, 200, yes, sizeof(yes) - 1);
    chat_calls++;
    long chat = chat_of(body);
    int n = snprintf(text, sizeof(text),
                     "{\"ok\":true,\"result\":{\"message_id\":%ld,\"date\":1,\"chat\":{\"id\":-%ld,"
                     "\"type\":\"supergroup\"}}}",
                     message_id++, FIRST_CHAT + chat);
    int rc = chat_respond(chat_conn, 200, text, (size_t)n);
    if (strstr(body, "twenty-four characters.\""))
        chat_answered(chat);
    return rc;
}

static int take_requests(struct chat_conn *c)
{
    int rc;
    do
        rc = chat_take_request(c, on_call);
    while (rc > 0);
    return rc;
}

static int on_readable(struct instant_conn *c)
{
    return chat_read((struct chat_conn *)c, take_requests);
}

int main(int argc, char **argv)
{
    static const struct instant_ops ops = { .conn_bytes = sizeof(struct conn),
                                            .readable = on_readable,
                                            .between = go_on,
                                            .wait_ms = 1000 };
    chat_begin(argc, argv);
    instant_serve(0, &ops);
}
