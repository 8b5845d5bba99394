#include "cache/redis/store.h"

#include "base/own.h"
#include "cache/redis/store_internal.h"

#include <stdlib.h>

static void on_up(void *arg)
{
    nf_redis_logins_catch_up(arg);
}

static NF_RC start(struct nf_redis_store *s, struct nf_loop *loop, const char *url,
                   const char *prefix, struct nf_scope *scope, struct nf_err *err)
{
    NF_TRY(nf_redis_target_init(&s->target, url, err));
    NF_TRY(nf_strdup(prefix, &s->prefix, err));
    NF_TRY(nf_executor_new(loop, "redis-names", 1, 4, &s->names, err));
    s->calls.conn = (struct nf_redis_conn){ .loop = loop, .target = &s->target, .names = s->names };
    s->calls.on_up = on_up;
    s->calls.arg = s;
    return nf_redis_calls_start(&s->calls, scope, err);
}

enum nf_code nf_redis_store_new(struct nf_loop *loop, const char *url, const char *prefix,
                                struct nf_scope *scope, struct nf_redis_store **ret,
                                struct nf_err *err)
{
    struct nf_redis_store *s = calloc(1, sizeof(*s));
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_redis_rates_init(s);
    s->logins.ops = &nf_redis_logins_ops;
    enum nf_code rc = start(s, loop, url, prefix, scope, err);
    if (rc != NF_OK) {
        nf_redis_store_free(s);
        return rc;
    }
    *ret = s;
    return NF_OK;
}

void nf_redis_store_free(struct nf_redis_store *s)
{
    if (!s)
        return;
    nf_redis_calls_done(&s->calls);
    nf_executor_free(s->names);
    nf_redis_target_done(&s->target);
    free(s->prefix);
    free(s);
}

struct nf_shared_rates *nf_redis_store_rates(struct nf_redis_store *s)
{
    return &s->rates;
}

struct nf_login_cache *nf_redis_store_logins(struct nf_redis_store *s)
{
    return &s->logins;
}

void nf_redis_store_stats(const struct nf_redis_store *s, struct nf_redis_store_stats *ret)
{
    *ret = (struct nf_redis_store_stats){ .connected = s->calls.up,
                                          .why = s->calls.why.msg[0] ? s->calls.why.msg
                                                                     : "not connected yet",
                                          .calls = s->calls.calls,
                                          .failures = s->calls.failures,
                                          .reconnects = s->calls.reconnects };
}
