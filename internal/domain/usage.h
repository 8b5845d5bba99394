/* What a turn cost. Pure. One row per model call; (turn, step) is the key, so nothing bills twice.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"

#include <stdint.h>

/* Tokens as the provider counted them, normalised: `input` excludes what came from or went to a
 * cache. All >= 0; -1 where the provider did not say. */
struct nf_tokens {
    int64_t input, output, cache_read, cache_write;
};

struct nf_usage {
    int64_t turn_id, n, session_id, user_id, at_ms;
    char model[NF_MODEL_NAME_MAX + 1]; /* "provider/model" */
    struct nf_tokens tokens;
};

/* What the calls of one model used within an hour that begins at `at_ms`. Unknown counts as 0. */
struct nf_usage_hour {
    int64_t at_ms, calls;
    char model[NF_MODEL_NAME_MAX + 1];
    struct nf_tokens tokens;
};

#define NF_HOUR_MS INT64_C(3600000)

/* a + b, saturating; unknown counts as 0 unless both are unknown. */
struct nf_tokens nf_tokens_add(struct nf_tokens a, struct nf_tokens b);

/* Negative counts from outside become unknown, absurd ones (over 2^40) are clamped. */
struct nf_tokens nf_tokens_sane(struct nf_tokens t);
