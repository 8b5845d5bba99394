/*
 * One connection to Redis, used by one fiber at a time. hiredis only turns commands into bytes and
 * back: connecting, waiting and time limits are ours, since its own asynchronous part has none and
 * does not notice a peer that is gone.
 */
#pragma once

#include "base/string.h"
#include "runtime/executor.h"
#include "runtime/poll.h"

#include <hiredis/hiredis.h>

#define NF_REDIS_CONNECT_MS 2000
#define NF_REDIS_ANSWER_MS 2000

struct nf_redis_target {
    char *user, *password, *host;
    int port;
    int database;
};

/* redis://USER:PASSWORD@HOST:PORT/DATABASE, of which only the host is needed. NF_E_INVALID. */
NF_RC nf_redis_target_init(struct nf_redis_target *t, const char *url, struct nf_err *err);
void nf_redis_target_done(struct nf_redis_target *t);

struct nf_redis_conn {
    struct nf_loop *loop;
    const struct nf_redis_target *target; /* borrowed */
    struct nf_executor *names;            /* borrowed: looks names up */
    redisContext *c;                      /* NULL: not connected */
    struct nf_poll *poll;
};

/* Connect, sign in and choose the database. NF_E_UNAVAILABLE. Suspends. */
NF_RC nf_redis_open(struct nf_redis_conn *c, struct nf_err *err);
void nf_redis_close(struct nf_redis_conn *c);

/* Queue a command of n words. */
NF_RC nf_redis_send(struct nf_redis_conn *c, const char *const *words, const size_t *lengths,
                    size_t n, struct nf_err *err);
/* Send what is queued and wait for the next reply, for the caller to freeReplyObject.
 * NF_E_TIMEOUT: none within `ms`; NF_E_UNAVAILABLE: the connection is lost. Suspends. */
NF_RC nf_redis_next(struct nf_redis_conn *c, int64_t ms, redisReply **ret, struct nf_err *err);
/* Both, where an error of Redis is NF_E_UNAVAILABLE. *ret may be NULL: then it is freed. */
NF_RC nf_redis_ask(struct nf_redis_conn *c, const char *const *words, size_t n, redisReply **ret,
                   struct nf_err *err);
