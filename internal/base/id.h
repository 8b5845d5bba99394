/*
 * 64-bit ids that we make ourselves, so that nothing in a transaction depends on an earlier result.
 *
 * From the top: a zero bit, 41 bits of milliseconds since NF_ID_EPOCH_MS, 10 bits of instance, 12
 * bits of counter. Ids of one generator grow strictly, also when the clock steps back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_ID_EPOCH_MS INT64_C(1735689600000) /* 2025-01-01T00:00:00Z; lasts until 2094 */
#define NF_ID_INSTANCE_MAX 1023

struct nf_idgen {
    int64_t last;
    uint16_t instance; /* 0 to NF_ID_INSTANCE_MAX */
};

/* The next id, > 0. `now_ms` is the wall clock. */
int64_t nf_id_next(struct nf_idgen *g, int64_t now_ms);

/* When the id was made, in epoch milliseconds. */
int64_t nf_id_time_ms(int64_t id);

/* What every id that was made before `ms` is below, and every later one is not; 0 before the
 * epoch. */
int64_t nf_id_at(int64_t ms);

/* The instance that made it. */
int64_t nf_id_instance(int64_t id);

/* Ids leave the process as text, since JavaScript's numbers end at 2^53: 13 characters of
 * Crockford base32 in lower case, which sort as the ids do. */
#define NF_ID_TEXT 13
struct nf_id_text {
    char s[NF_ID_TEXT + 1];
};
struct nf_id_text nf_id_to_text(int64_t id);

/* False unless `text` has exactly NF_ID_TEXT characters of that alphabet and is > 0. */
bool nf_id_from_text(const char *text, size_t n, int64_t *ret);
