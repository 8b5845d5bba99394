#include "cache/redis/calls.h"

#include "base/own.h"
#include "observe/log.h"
#include "persistence/bus_pump.h"
#include "runtime/mono.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS 50
#define PING_US 1000000 /* so long without a word: ask whether it is still there */

static const char *const ping = "PING";

struct nf_redis_call {
    struct nf_wait wait;
    redisReply *reply;
    bool heard;    /* somebody waits for it */
    bool answered; /* and was woken for that, not for another reason */
    int64_t since_us;
    struct nf_redis_call *next;
};

/* --- who waits -------------------------------------------------------------------------------- */

static void append(struct nf_redis_calls *c, struct nf_redis_call *k)
{
    *c->tail = k;
    c->tail = &k->next;
    c->waiting++;
}

static struct nf_redis_call *take_first(struct nf_redis_calls *c)
{
    struct nf_redis_call *k = c->head;
    if (!k)
        return NULL;
    c->head = k->next;
    if (!c->head)
        c->tail = &c->head;
    c->waiting--;
    return k;
}

static void answer(struct nf_redis_call *k, redisReply *reply, enum nf_code rc)
{
    if (!k->heard) {
        if (reply)
            freeReplyObject(reply);
        free(k);
        return;
    }
    k->reply = reply;
    k->answered = true;
    nf_wait_wake(&k->wait, rc);
}

static NF_RC not_sent(struct nf_redis_calls *c, struct nf_err *err)
{
    c->failures++;
    if (c->up)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %zu calls wait already, or no memory",
                          c->waiting);
    return nf_err_set(err, NF_E_UNAVAILABLE, "%s",
                      c->why.msg[0] ? c->why.msg : "Redis: not connected yet");
}

/* --- calling ---------------------------------------------------------------------------------- */

static struct nf_redis_call *send_call(struct nf_redis_calls *c, const char *const *words,
                                       const size_t *lengths, size_t n, bool heard)
{
    int done = 0;
    if (!c->up || c->waiting >= NF_REDIS_CALLS_MAX)
        return NULL;
    struct nf_redis_call *k = calloc(1, sizeof(*k));
    if (!k || nf_redis_send(&c->conn, words, lengths, n, NULL) != NF_OK) {
        free(k);
        return NULL;
    }
    k->heard = heard;
    k->since_us = c->asked_us = nf_mono_us();
    append(c, k);
    c->calls++;
    /* What the socket does not take now, or that it is lost, the fiber finds out. */
    (void)redisBufferWrite(c->conn.c, &done);
    return k;
}

enum nf_code nf_redis_call(struct nf_redis_calls *c, const char *const *words,
                           const size_t *lengths, size_t n, redisReply **ret, struct nf_err *err)
{
    struct nf_redis_call *k = send_call(c, words, lengths, n, true);
    if (!k)
        return not_sent(c, err);
    enum nf_code rc = nf_wait(&k->wait, NF_REDIS_CALL_MS, "Redis", err);
    redisReply *reply = k->reply;
    if (!k->answered) { /* it comes too late, for nobody */
        k->heard = false;
        c->failures++;
        return rc == NF_E_CANCELED ? rc : nf_err_set(err, NF_E_UNAVAILABLE, "Redis is silent");
    }
    free(k);
    if (!reply) {
        c->failures++;
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: the connection was lost");
    }
    *ret = reply;
    return NF_OK;
}

bool nf_redis_tell(struct nf_redis_calls *c, const char *const *words, size_t n)
{
    return send_call(c, words, NULL, n, false) != NULL;
}

/* --- the connection --------------------------------------------------------------------------- */

static NF_RC read_answers(struct nf_redis_calls *c, struct nf_err *err)
{
    for (void *reply = NULL;; reply = NULL) {
        if (redisGetReplyFromReader(c->conn.c, &reply) != REDIS_OK)
            return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %s", c->conn.c->errstr);
        if (!reply)
            return NF_OK;
        struct nf_redis_call *k = take_first(c);
        if (k) {
            answer(k, reply, NF_OK);
            continue;
        }
        freeReplyObject(reply);
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: an answer that nobody asked for");
    }
}

static NF_RC check_silence(struct nf_redis_calls *c, struct nf_err *err)
{
    int64_t now = nf_mono_us();
    if (c->head && now - c->head->since_us > NF_REDIS_CALL_MS * INT64_C(1000))
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: no answer in %d ms", NF_REDIS_CALL_MS);
    if (!c->head && now - c->asked_us > PING_US)
        (void)nf_redis_tell(c, &ping, 1);
    return NF_OK;
}

static NF_RC serve(struct nf_redis_calls *c, struct nf_err *err)
{
    for (;;) {
        int done = 0;
        NF_TRY(nf_fiber_check("answers", err));
        if (redisBufferWrite(c->conn.c, &done) != REDIS_OK)
            return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %s", c->conn.c->errstr);
        enum nf_code rc = nf_poll_wait(c->conn.poll, NF_POLL_READ | (done ? 0 : NF_POLL_WRITE),
                                       TICK_MS, "Redis", err);
        if (rc != NF_OK && rc != NF_E_TIMEOUT)
            return rc;
        if (rc == NF_OK && redisBufferRead(c->conn.c) != REDIS_OK)
            return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %s", c->conn.c->errstr);
        NF_TRY(read_answers(c, err));
        NF_TRY(check_silence(c, err));
    }
}

/* The kernel accepts connections also for a process that stands still: that one was made says
 * nothing, what it answers does. */
static NF_RC connect_and_serve(struct nf_redis_calls *c, int64_t *pause, struct nf_err *err)
{
    NF_TRY(nf_redis_open(&c->conn, err));
    NF_TRY(nf_redis_ask(&c->conn, &ping, 1, NULL, err));
    *pause = NF_BUS_PAUSE_MS;
    c->up = true;
    c->asked_us = nf_mono_us();
    nf_log_info("redis.store.connected", NULL);
    if (c->on_up)
        c->on_up(c->arg);
    return serve(c, err);
}

static void take_down(struct nf_redis_calls *c, const struct nf_err *why)
{
    c->why = *why;
    if (c->up || c->reconnects == 0)
        nf_log_warn("redis.store.lost", "err", why->msg, NULL);
    c->up = false;
    for (struct nf_redis_call *k; (k = take_first(c));)
        answer(k, NULL, NF_E_UNAVAILABLE);
    nf_redis_close(&c->conn);
}

static enum nf_code calls_main(void *arg, struct nf_err *err)
{
    struct nf_redis_calls *c = arg;
    int64_t pause = NF_BUS_PAUSE_MS;
    for (;;) {
        struct nf_err why = { 0 };
        (void)!connect_and_serve(c, &pause, &why);
        take_down(c, &why);
        NF_TRY(nf_fiber_check("Redis", err));
        c->reconnects++;
        NF_TRY(nf_bus_back_off(&pause, NF_BUS_PAUSE_MAX_MS, err));
    }
}

enum nf_code nf_redis_calls_start(struct nf_redis_calls *c, struct nf_scope *scope,
                                  struct nf_err *err)
{
    c->tail = &c->head;
    return nf_scope_spawn(scope, calls_main, c, NULL, err);
}

void nf_redis_calls_done(struct nf_redis_calls *c)
{
    static const struct nf_err why = { .msg = "Redis: closed" };
    if (c->tail)
        take_down(c, &why);
}
