#include "cache/redis/conn.h"

#include "base/own.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORT 6379
#define DATABASE_MAX 1023

/* --- where it is ------------------------------------------------------------------------------ */

static NF_RC wrong(struct nf_err *err)
{
    return nf_err_set(err, NF_E_INVALID,
                      "must be redis://USER:PASSWORD@HOST:PORT/DATABASE, such as "
                      "redis://127.0.0.1:6379/0");
}

static NF_RC read_credentials(struct nf_redis_target *t, struct nf_slice s, struct nf_err *err)
{
    const char *colon = memchr(s.p, ':', s.n);
    size_t user = colon ? (size_t)(colon - s.p) : s.n;
    if (user > 0)
        NF_TRY(nf_strndup(s.p, user, &t->user, err));
    return colon ? nf_strndup(colon + 1, s.n - user - 1, &t->password, err) : NF_OK;
}

static bool read_number(const char *p, size_t n, int max, int *ret)
{
    int64_t number = 0;
    if (!nf_slice_u63((struct nf_slice){ p, n }, &number) || number > max)
        return false;
    *ret = (int)number;
    return true;
}

static NF_RC read_url(struct nf_redis_target *t, const char *url, struct nf_err *err)
{
    if (strncmp(url, "redis://", 8) != 0)
        return wrong(err);
    const char *p = url + 8, *at = strrchr(p, '@');
    if (at)
        NF_TRY(read_credentials(t, (struct nf_slice){ p, (size_t)(at - p) }, err));
    p = at ? at + 1 : p;
    size_t authority = strcspn(p, "/");
    const char *colon = memrchr(p, ':', authority);
    size_t host = colon ? (size_t)(colon - p) : authority;
    const char *database = p[authority] == '/' ? p + authority + 1 : "";
    t->port = PORT;
    if (host == 0 || (colon && !read_number(colon + 1, authority - host - 1, 65535, &t->port)) ||
        (*database && !read_number(database, strlen(database), DATABASE_MAX, &t->database)))
        return wrong(err);
    return nf_strndup(p, host, &t->host, err);
}

enum nf_code nf_redis_target_init(struct nf_redis_target *t, const char *url, struct nf_err *err)
{
    *t = (struct nf_redis_target){ 0 };
    enum nf_code rc = read_url(t, url, err);
    if (rc != NF_OK)
        nf_redis_target_done(t);
    return rc;
}

void nf_redis_target_done(struct nf_redis_target *t)
{
    free(t->user);
    free(t->password);
    free(t->host);
    *t = (struct nf_redis_target){ 0 };
}

/* --- connecting ------------------------------------------------------------------------------- */

struct lookup {
    const char *name;
    char address[INET6_ADDRSTRLEN];
};

static enum nf_code look_up(void *arg, struct nf_err *err)
{
    struct lookup *l = arg;
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
    struct addrinfo *found = NULL;
    int rc = getaddrinfo(l->name, NULL, &hints, &found);
    if (rc == 0)
        rc = getnameinfo(found->ai_addr, found->ai_addrlen, l->address, sizeof(l->address), NULL, 0,
                         NI_NUMERICHOST);
    if (found)
        freeaddrinfo(found);
    return rc == 0 ? NF_OK
                   : nf_err_set(err, NF_E_UNAVAILABLE, "Redis: look up '%s': %s", l->name,
                                gai_strerror(rc));
}

static NF_RC resolve(struct nf_redis_conn *c, struct lookup *l, struct nf_err *err)
{
    struct in6_addr any;
    *l = (struct lookup){ .name = c->target->host };
    if (inet_pton(AF_INET, l->name, &any) == 1 || inet_pton(AF_INET6, l->name, &any) == 1) {
        strncat(l->address, l->name, sizeof(l->address) - 1);
        return NF_OK;
    }
    return nf_executor_call(c->names, look_up, l, err);
}

static NF_RC lost(const struct nf_redis_conn *c, struct nf_err *err)
{
    return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %s",
                      c->c && c->c->err ? c->c->errstr : "the connection was lost");
}

static NF_RC sign_in(struct nf_redis_conn *c, struct nf_err *err)
{
    const struct nf_redis_target *t = c->target;
    char number[16];
    const char *auth[] = { "AUTH", t->user, t->password };
    const char *plain[] = { "AUTH", t->password };
    (void)snprintf(number, sizeof(number), "%d", t->database);
    const char *select[] = { "SELECT", number };
    if (t->password && t->user)
        NF_TRY(nf_redis_ask(c, auth, 3, NULL, err));
    else if (t->password)
        NF_TRY(nf_redis_ask(c, plain, 2, NULL, err));
    return t->database ? nf_redis_ask(c, select, 2, NULL, err) : NF_OK;
}

static NF_RC connect_to(struct nf_redis_conn *c, struct nf_err *err)
{
    struct lookup l;
    int failure = 0;
    socklen_t size = sizeof(failure);
    NF_TRY(resolve(c, &l, err));
    c->c = redisConnectNonBlock(l.address, c->target->port);
    if (!c->c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (c->c->err)
        return lost(c, err);
    NF_TRY(nf_poll_new(c->loop, c->c->fd, &c->poll, err));
    if (nf_poll_wait(c->poll, NF_POLL_WRITE, NF_REDIS_CONNECT_MS, "Redis", NULL) != NF_OK)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: '%s' did not answer in %d ms",
                          c->target->host, NF_REDIS_CONNECT_MS);
    if (getsockopt(c->c->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0 || failure != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %s", strerror(failure));
    return sign_in(c, err);
}

enum nf_code nf_redis_open(struct nf_redis_conn *c, struct nf_err *err)
{
    nf_redis_close(c);
    enum nf_code rc = connect_to(c, err);
    if (rc != NF_OK)
        nf_redis_close(c);
    return rc;
}

void nf_redis_close(struct nf_redis_conn *c)
{
    nf_poll_free(nf_take(c->poll));
    if (c->c)
        redisFree(nf_take(c->c));
}

/* --- commands --------------------------------------------------------------------------------- */

enum nf_code nf_redis_send(struct nf_redis_conn *c, const char *const *words, const size_t *lengths,
                           size_t n, struct nf_err *err)
{
    const char *v[8];
    assert(n <= sizeof(v) / sizeof(v[0]));
    memcpy(v, words, n * sizeof(v[0]));
    return redisAppendCommandArgv(c->c, (int)n, v, lengths) == REDIS_OK ? NF_OK : lost(c, err);
}

static NF_RC flush(struct nf_redis_conn *c, struct nf_err *err)
{
    for (int done = 0;;) {
        if (redisBufferWrite(c->c, &done) != REDIS_OK)
            return lost(c, err);
        if (done)
            return NF_OK;
        if (nf_poll_wait(c->poll, NF_POLL_WRITE, NF_REDIS_ANSWER_MS, "Redis", NULL) != NF_OK)
            return nf_err_set(err, NF_E_UNAVAILABLE, "Redis does not read");
    }
}

enum nf_code nf_redis_next(struct nf_redis_conn *c, int64_t ms, redisReply **ret,
                           struct nf_err *err)
{
    void *reply = NULL;
    NF_TRY(flush(c, err));
    for (;;) {
        if (redisGetReplyFromReader(c->c, &reply) != REDIS_OK)
            return lost(c, err);
        if (reply)
            break;
        NF_TRY(nf_poll_wait(c->poll, NF_POLL_READ, ms, "Redis", err));
        if (redisBufferRead(c->c) != REDIS_OK)
            return lost(c, err);
    }
    *ret = reply;
    return NF_OK;
}

enum nf_code nf_redis_ask(struct nf_redis_conn *c, const char *const *words, size_t n,
                          redisReply **ret, struct nf_err *err)
{
    redisReply *r = NULL;
    NF_TRY(nf_redis_send(c, words, NULL, n, err));
    enum nf_code rc = nf_redis_next(c, NF_REDIS_ANSWER_MS, &r, err);
    if (rc == NF_E_TIMEOUT)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Redis: no answer in %d ms", NF_REDIS_ANSWER_MS);
    if (rc != NF_OK)
        return lost(c, err);
    assert(r);
    rc = r->type == REDIS_REPLY_ERROR ? nf_err_set(err, NF_E_UNAVAILABLE, "Redis: %.100s", r->str)
                                      : NF_OK;
    if (rc == NF_OK && ret)
        *ret = r;
    else
        freeReplyObject(r);
    return rc;
}
