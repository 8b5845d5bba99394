/* Rate limits: a token bucket per key, in memory, for the loop's thread. Bounded: the bucket unused
 * for longest makes room. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_RATE_KEYS_MAX 4096

struct nf_rate;

NF_RC nf_rate_new(struct nf_rate **ret, struct nf_err *err);
void nf_rate_free(struct nf_rate *r); /* NULL is allowed */

/* Take one of `per_minute` from the bucket of `key`, which holds at most a minute's worth. False if
 * it is empty; *wait_ms then says when there is one again. */
bool nf_rate_take(struct nf_rate *r, const char *key, int64_t per_minute, int64_t now_us,
                  int64_t *wait_ms);

/* True if a take would succeed. Takes nothing. */
bool nf_rate_has(struct nf_rate *r, const char *key, int64_t per_minute, int64_t now_us);
