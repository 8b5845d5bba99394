#include "channels/web/rate.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort() /* replaced by HASH_NONFATAL_OOM: never called */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define KEY_MAX 63
#define MINUTE_US INT64_C(60000000)

/* The generic cell rate algorithm: one time instead of a count. */
struct bucket {
    char key[KEY_MAX + 1];
    int64_t full_at_us; /* when it would be full again if nobody took any more */
    UT_hash_handle hh;
};

struct nf_rate {
    struct bucket *buckets; /* in order of use, the oldest first */
};

enum nf_code nf_rate_new(struct nf_rate **ret, struct nf_err *err)
{
    struct nf_rate *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *ret = r;
    return NF_OK;
}

void nf_rate_free(struct nf_rate *r)
{
    struct bucket *b, *next;
    if (!r)
        return;
    HASH_ITER(hh, r->buckets, b, next)
    {
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the list that uthash keeps is beyond it */
        HASH_DEL(r->buckets, b);
        free(b);
    }
    free(r);
}

/* The bucket of `key`, moved to the end of the order of use; NULL if memory is short. */
static struct bucket *bucket_of(struct nf_rate *r, const char *key)
{
    struct bucket *b;
    size_t n = strnlen(key, KEY_MAX);
    HASH_FIND(hh, r->buckets, key, n, b);
    if (b) {
        HASH_DEL(r->buckets, b);
    } else if (HASH_COUNT(r->buckets) >= NF_RATE_KEYS_MAX) {
        b = r->buckets;
        HASH_DEL(r->buckets, b);
        memset(b, 0, sizeof(*b));
    } else {
        b = calloc(1, sizeof(*b));
    }
    if (!b)
        return NULL;
    memcpy(b->key, key, n);
    HASH_ADD_KEYPTR(hh, r->buckets, b->key, n, b);
    if (!b->hh.tbl) { /* the table could not grow */
        free(b);
        return NULL;
    }
    return b;
}

bool nf_rate_take(struct nf_rate *r, const char *key, int64_t per_minute, int64_t now_us,
                  int64_t *wait_ms)
{
    struct bucket *b = bucket_of(r, key);
    int64_t cost = MINUTE_US / per_minute;
    if (!b)
        return true; /* short of memory: better to serve than to lock everybody out */
    int64_t full_at = (b->full_at_us > now_us ? b->full_at_us : now_us) + cost;
    if (full_at - now_us > MINUTE_US) {
        *wait_ms = (full_at - now_us - MINUTE_US) / 1000 + 1;
        return false;
    }
    b->full_at_us = full_at;
    return true;
}

bool nf_rate_has(struct nf_rate *r, const char *key, int64_t per_minute, int64_t now_us)
{
    struct bucket *b;
    size_t n = strnlen(key, KEY_MAX);
    HASH_FIND(hh, r->buckets, key, n, b);
    return !b || b->full_at_us - now_us + MINUTE_US / per_minute <= MINUTE_US;
}
