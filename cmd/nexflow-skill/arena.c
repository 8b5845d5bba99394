#include "cmd/nexflow-skill/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) char bytes[];
};

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + 15) & ~(size_t)15;
    if (n <= ARENA_FIRST - a->used) {
        a->used += n;
        return a->first + a->used - n;
    }
    struct arena_block *b = a->blocks;
    if (!b || n > b->size - b->used) {
        size_t size = n > ARENA_BLOCK ? n : ARENA_BLOCK;
        b = malloc(sizeof *b + size);
        if (!b)
            return NULL;
        *b = (struct arena_block){ .next = a->blocks, .size = size };
        a->blocks = b;
    }
    b->used += n;
    return b->bytes + b->used - n;
}

char *arena_copy(struct arena *a, const char *p, size_t n)
{
    char *copy = n < SIZE_MAX ? arena_alloc(a, n + 1) : NULL;
    if (!copy)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = '\0';
    return copy;
}

bool arena_grew(const struct arena *a)
{
    return a->blocks;
}

void arena_reset(struct arena *a)
{
    while (a->blocks) {
        struct arena_block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
    a->used = 0;
}
