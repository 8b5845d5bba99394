/*
 * Commands to Redis from many fibers over one connection, which a fiber of its own reads and makes
 * again when it is lost. It is there once it has answered; while it is not, every call fails at
 * once. Whoever waits when it goes silent waits no longer than NF_REDIS_CALL_MS.
 */
#pragma once

#include "cache/redis/conn.h"

#define NF_REDIS_CALL_MS 250
#define NF_REDIS_CALLS_MAX 4096 /* calls that wait for their answer */

struct nf_redis_call;

struct nf_redis_calls {
    struct nf_redis_conn conn;
    bool up;
    struct nf_redis_call *head, **tail; /* in the order of the answers */
    size_t waiting;
    int64_t asked_us;         /* when something was last asked */
    struct nf_err why;        /* while it is not up */
    void (*on_up)(void *arg); /* the connection was made; may call */
    void *arg;
    uint64_t calls, failures, reconnects;
};

/* Makes the connection and reads the answers, until the scope is cancelled. */
NF_RC nf_redis_calls_start(struct nf_redis_calls *c, struct nf_scope *scope, struct nf_err *err);
/* Its fiber has ended. */
void nf_redis_calls_done(struct nf_redis_calls *c);

/* Ask, and wait for the answer, for the caller to freeReplyObject; an error of Redis is an answer
 * too. `lengths` NULL: the words are texts. NF_E_UNAVAILABLE. Suspends. */
NF_RC nf_redis_call(struct nf_redis_calls *c, const char *const *words, const size_t *lengths,
                    size_t n, redisReply **ret, struct nf_err *err);
/* Tell, and do not wait. False: it could not be sent. */
bool nf_redis_tell(struct nf_redis_calls *c, const char *const *words, size_t n);
