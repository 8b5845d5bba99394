/* How fast each person may write, counted in memory. Bounded: who wrote longest ago is forgotten
 * first, and then has a full minute's worth again. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_RATES_MAX 4096 /* people counted at once */

struct nf_rates;

NF_RC nf_rates_new(struct nf_rates **ret, struct nf_err *err);
void nf_rates_free(struct nf_rates *r); /* NULL is allowed */

/*
 * Count a message of `user_id`, who may write `per_minute` (at least 1). False: too fast. *wait_ms
 * says when the next one is taken, and *tell is true for the first that is refused since one was
 * taken: a person is told once.
 */
bool nf_rates_take(struct nf_rates *r, int64_t user_id, int64_t per_minute, int64_t now_ms,
                   int64_t *wait_ms, bool *tell);

/* Others have counted more of the person's messages than we have: this one is refused for
 * `wait_ms`. Whether the person is to be told: not again while refusals follow each other within
 * their wait. */
bool nf_rates_refuse(struct nf_rates *r, int64_t user_id, int64_t now_ms, int64_t wait_ms);
