#include "cache/redis/bus.h"

#include "base/own.h"
#include "cache/redis/conn.h"
#include "persistence/bus_pump.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_MAX ((size_t)64 << 10)
#define PING_EVERY 10  /* times without a word: ask whether it is still there */
#define SILENCE_MAX 25 /* and after so many it is not */

struct bus {
    struct nf_bus_pump pump;
    struct nf_redis_target target;
    struct nf_executor *names;
    char *channel;
    struct nf_redis_conn listener, sender;
    int silent; /* times that nothing was heard, in a row */
};

static const struct nf_bus_link_ops link_ops;

static struct bus *bus_of(struct nf_bus_pump *p)
{
    assert(p->link == &link_ops);
    return nf_container_of(p, struct bus, pump);
}

/* --- hearing ---------------------------------------------------------------------------------- */

static enum nf_code begin(struct nf_bus_pump *p, struct nf_err *err)
{
    struct bus *b = bus_of(p);
    const char *subscribe[] = { "SUBSCRIBE", b->channel };
    b->silent = 0;
    NF_TRY(nf_redis_open(&b->listener, err));
    return nf_redis_ask(&b->listener, subscribe, 2, NULL, err);
}

/* Of a subscriber all answers are arrays: "message", the channel, the text; or "pong". */
static void take_reply(struct bus *b, const redisReply *r)
{
    if (r->type == REDIS_REPLY_ARRAY && r->elements == 3 &&
        r->element[0]->type == REDIS_REPLY_STRING && strcmp(r->element[0]->str, "message") == 0 &&
        r->element[2]->type == REDIS_REPLY_STRING)
        nf_bus_pump_take(&b->pump, r->element[2]->str, (size_t)r->element[2]->len);
}

static enum nf_code hear(struct nf_bus_pump *p, struct nf_err *err)
{
    static const char *const ping[] = { "PING" };
    struct bus *b = bus_of(p);
    redisReply *r = NULL;
    enum nf_code rc = nf_redis_next(&b->listener, NF_BUS_LISTEN_MS, &r, err);
    if (rc == NF_OK) {
        b->silent = 0;
        take_reply(b, r);
        freeReplyObject(r);
        return NF_OK;
    }
    if (rc != NF_E_TIMEOUT)
        return rc;
    if (++b->silent == PING_EVERY)
        NF_TRY(nf_redis_send(&b->listener, ping, NULL, 1, err));
    return b->silent <= SILENCE_MAX
               ? NF_OK
               : nf_err_set(err, NF_E_UNAVAILABLE, "Redis does not answer any more");
}

static void unlink_hearing(struct nf_bus_pump *p)
{
    nf_redis_close(&bus_of(p)->listener);
}

/* --- telling ---------------------------------------------------------------------------------- */

static enum nf_code send_all(struct nf_bus_pump *p, struct nf_err *err)
{
    struct bus *b = bus_of(p);
    NF_CLEANUP(nf_str_done) struct nf_str piece = { .max = PIECE_MAX + 1 };
    size_t sent = 0;
    if (!b->sender.c)
        NF_TRY(nf_redis_open(&b->sender, err));
    while (nf_bus_pump_next(p, PIECE_MAX, &piece)) {
        const char *words[] = { "PUBLISH", b->channel, nf_str_c(&piece) };
        const size_t lengths[] = { 7, strlen(b->channel), piece.len };
        NF_TRY(nf_redis_send(&b->sender, words, lengths, 3, err));
        sent++;
    }
    for (; sent > 0; sent--) {
        redisReply *r = NULL;
        NF_TRY(nf_redis_next(&b->sender, NF_REDIS_ANSWER_MS, &r, err));
        freeReplyObject(r);
    }
    return NF_OK;
}

static void unlink_sending(struct nf_bus_pump *p)
{
    nf_redis_close(&bus_of(p)->sender);
}

/* --- making ----------------------------------------------------------------------------------- */

static void bus_free(struct nf_bus_pump *p)
{
    struct bus *b = bus_of(p);
    nf_redis_close(&b->listener);
    nf_redis_close(&b->sender);
    nf_executor_free(b->names);
    nf_redis_target_done(&b->target);
    nf_bus_pump_done(p);
    free(b->channel);
    free(b);
}

static const struct nf_bus_link_ops link_ops = { .name = "redis",
                                                 .begin = begin,
                                                 .hear = hear,
                                                 .unlink_hearing = unlink_hearing,
                                                 .send = send_all,
                                                 .unlink_sending = unlink_sending,
                                                 .free = bus_free };

static NF_RC start(struct bus *b, struct nf_loop *loop, const char *url, const char *channel,
                   struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(nf_redis_target_init(&b->target, url, err));
    NF_TRY(nf_strdup(channel, &b->channel, err));
    NF_TRY(nf_executor_new(loop, "redis-names", 1, 4, &b->names, err));
    b->listener = (struct nf_redis_conn){ .loop = loop, .target = &b->target, .names = b->names };
    b->sender = b->listener;
    return nf_bus_pump_start(&b->pump, scope, err);
}

enum nf_code nf_redis_bus_new(struct nf_loop *loop, const char *url, const char *channel,
                              int64_t self, struct nf_scope *scope, nf_bus_fn fn, void *arg,
                              struct nf_bus **ret, struct nf_err *err)
{
    struct bus *b = calloc(1, sizeof(*b));
    if (!b)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_bus_pump_init(&b->pump, &link_ops, self, fn, arg);
    /* Also if it could not start whole: a fiber of it may run, and is ended with the scope. */
    *ret = &b->pump.base;
    return start(b, loop, url, channel, scope, err);
}

enum nf_code nf_redis_check_url(const char *url, struct nf_err *err)
{
    struct nf_redis_target t;
    NF_TRY(nf_redis_target_init(&t, url, err));
    nf_redis_target_done(&t);
    return NF_OK;
}
