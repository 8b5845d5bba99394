/* The small ports of the use cases: doing things beside each other, waiting for each other, and
 * what the codecs compute. */
#pragma once

#include "application/deps.h"
#include "runtime/fiber.h"

/* Calls in fibers of their own. */
struct nf_fiber_parallel {
    struct nf_parallel port;
    struct nf_loop *loop;
};
void nf_fiber_parallel_init(struct nf_fiber_parallel *p, struct nf_loop *l);

/* Bells on the loop's thread. */
struct nf_fiber_bell {
    struct nf_bell port;
    struct nf_bell_waiter *waiters;
    uint64_t rung;
    void (*tell)(void *arg, int64_t id); /* other instances, of a bell that is rung; NULL: none */
    void *tell_arg;
};
void nf_fiber_bell_init(struct nf_fiber_bell *b);
/* It was rung in another instance. */
void nf_fiber_bell_ring_here(struct nf_fiber_bell *b, int64_t id);

extern const struct nf_codec nf_daemon_codec;
