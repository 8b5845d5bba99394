/*
 * Port: lines from one instance to all others, for what may get lost: it is in the database, and
 * who does not hear of it finds it there. PostgreSQL and Redis implement it.
 */
#pragma once

#include "base/string.h"

#define NF_BUS_LINE_MAX ((size_t)8 << 20)     /* bytes of one line */
#define NF_BUS_WAITING_MAX ((size_t)16 << 20) /* bytes that wait to be sent; more is dropped */
#define NF_BUS_TICK_MS 20                     /* what happens within is sent together */

struct nf_bus {
    const struct nf_bus_ops *ops;
};

/* A line of another instance, without its end. NULL: some may have been missed, since the
 * connection was lost. On the loop's thread; must not suspend. */
typedef void (*nf_bus_fn)(void *arg, const char *line, size_t n);

struct nf_bus_stats {
    uint64_t sent, heard, dropped; /* lines */
    uint64_t reconnects;
    bool connected;
};

struct nf_bus_ops {
    /* Send a line, which has no line end within, to all others, soon. Never suspends or fails; over
     * the bounds above it is dropped and counted. */
    void (*publish)(struct nf_bus *b, const char *line, size_t n);
    void (*stats)(struct nf_bus *b, struct nf_bus_stats *ret);
    /* Its fibers must have ended. */
    void (*free)(struct nf_bus *b);
};
