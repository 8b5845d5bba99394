/*
 * What instances share through Redis besides the bus: rate limits and who is signed in. All of it
 * may be lost at any moment: then each instance counts for itself and reads from the database.
 */
#pragma once

#include "application/ports/login_cache.h"
#include "application/ports/shared_rates.h"
#include "runtime/fiber.h"

struct nf_redis_store;

struct nf_redis_store_stats {
    bool connected;
    const char *why; /* if not: why not, until the next call of anything */
    uint64_t calls, failures, reconnects;
};

/* `prefix` begins every key. Redis need not be there; its fiber runs in `scope`, until it is
 * cancelled. NF_E_INVALID: the URL. */
NF_RC nf_redis_store_new(struct nf_loop *loop, const char *url, const char *prefix,
                         struct nf_scope *scope, struct nf_redis_store **ret, struct nf_err *err);
/* Its fiber has ended. NULL is allowed. */
void nf_redis_store_free(struct nf_redis_store *s);

struct nf_shared_rates *nf_redis_store_rates(struct nf_redis_store *s);
struct nf_login_cache *nf_redis_store_logins(struct nf_redis_store *s);
void nf_redis_store_stats(const struct nf_redis_store *s, struct nf_redis_store_stats *ret);
