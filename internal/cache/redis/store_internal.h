/* What the files of the store share. */
#pragma once

#include "cache/redis/calls.h"
#include "cache/redis/store.h"

struct nf_redis_store {
    struct nf_shared_rates rates;
    struct nf_login_cache logins;
    struct nf_redis_calls calls;
    struct nf_redis_target target;
    struct nf_executor *names;
    char *prefix;
    char rate_sha[2][41];    /* of the scripts, in hex */
    int64_t forget_until_us; /* others may still be told what is no longer true; 0: no */
};

extern const struct nf_shared_rates_ops nf_redis_rates_ops;
extern const struct nf_login_cache_ops nf_redis_logins_ops;
void nf_redis_rates_init(struct nf_redis_store *s);
/* The connection is there again: say what could not be said. */
void nf_redis_logins_catch_up(struct nf_redis_store *s);
