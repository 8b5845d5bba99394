/*
 * Lines as pieces of bounded size, and back. A piece begins with its sender and what it is: "7 . "
 * has whole lines; of a line in parts "7 < " is the first, "7 - " the last, and each "7 + " one
 * between them. Pieces of one sender come in order, but he may break off, also within a line, and
 * whoever has just begun to listen may have missed the first parts: what is not whole is dropped.
 */
#pragma once

#include "persistence/bus.h"

#include <stdint.h>

#define NF_BUS_SENDERS_MAX 64 /* lines in parts that are put together at the same time */

/* Lines that wait. The zero value is empty. */
struct nf_bus_out {
    struct nf_str lines; /* each with its line end */
    bool within;         /* the beginning of the first one is on its way */
    uint64_t dropped, added;
};
void nf_bus_out_add(struct nf_bus_out *o, const char *line, size_t n);
/* The next piece of at most `max` bytes, 64 at least, into *piece; false: nothing waits, or there
 * is no memory now. */
bool nf_bus_out_next(struct nf_bus_out *o, int64_t sender, size_t max, struct nf_str *piece);
/* Forget all that waits: how many lines. */
uint64_t nf_bus_out_forget(struct nf_bus_out *o);
void nf_bus_out_done(struct nf_bus_out *o);

struct nf_bus_part {
    int64_t sender;
    struct nf_str text; /* of a line, as far as it has come */
};
struct nf_bus_in {
    struct nf_bus_part v[NF_BUS_SENDERS_MAX];
    size_t n;
    uint64_t heard;
};
/* Hand out the whole lines that *piece completes, unless they are `self`'s own. False: no piece. */
bool nf_bus_in_take(struct nf_bus_in *in, int64_t self, const char *piece, size_t n, nf_bus_fn fn,
                    void *arg);
/* Parts whose rest may not come. */
void nf_bus_in_reset(struct nf_bus_in *in);
