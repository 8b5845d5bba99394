/* Memory that is given back all at once, when a call has returned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define ARENA_FIRST ((size_t)16 * 1024) /* kept from call to call */
#define ARENA_BLOCK ((size_t)64 * 1024) /* what is added at least */

struct arena_block;
struct arena {
    struct arena_block *blocks; /* beyond the first, the newest first */
    size_t used;                /* of `first` */
    _Alignas(16) char first[ARENA_FIRST];
};

/* Aligned for anything, not zeroed; NULL: no memory. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy with a '\0' behind it; NULL: no memory. */
char *arena_copy(struct arena *a, const char *p, size_t n);
/* True if more than the first block was needed. */
bool arena_grew(const struct arena *a);
void arena_reset(struct arena *a);
