/* Port: rate limits that all instances share. */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct nf_shared_rates {
    const struct nf_shared_rates_ops *ops;
};

struct nf_shared_rates_ops {
    /* Take `n`, 0 or 1, of `per_minute` (at least 1) from the bucket `key`, which holds at most a
     * minute's worth. *wait_ms: 0, or when there is one again, and nothing was taken.
     * NF_E_UNAVAILABLE: nobody knows now. May suspend, but not for long. */
    enum nf_code (*take)(struct nf_shared_rates *s, const char *key, int64_t per_minute, int64_t n,
                         int64_t *wait_ms, struct nf_err *err);
    /* Pass, unless `most`, at least 1, have passed under `key` within the last `window_ms`. All who
     * use a key say the same numbers. *wait_ms as for take: 0 and it counts, or when to ask again.
     * NF_E_UNAVAILABLE: nobody knows now. May suspend, but not for long. */
    enum nf_code (*pass)(struct nf_shared_rates *s, const char *key, int64_t most,
                         int64_t window_ms, int64_t *wait_ms, struct nf_err *err);
};

/* For who has a bucket of his own besides: how long to wait, 0 also where nobody knows. `s` NULL:
 * nothing is shared. */
static inline int64_t nf_shared_rates_wait(struct nf_shared_rates *s, const char *key,
                                           int64_t per_minute, int64_t n)
{
    int64_t wait_ms = 0;
    struct nf_err ignored;
    if (!s || s->ops->take(s, key, per_minute, n, &wait_ms, &ignored) != NF_OK)
        return 0;
    return wait_ms;
}

/* The same with `pass`. */
static inline int64_t nf_shared_rates_pass(struct nf_shared_rates *s, const char *key, int64_t most,
                                           int64_t window_ms)
{
    int64_t wait_ms = 0;
    struct nf_err ignored;
    if (!s || s->ops->pass(s, key, most, window_ms, &wait_ms, &ignored) != NF_OK)
        return 0;
    return wait_ms;
}
