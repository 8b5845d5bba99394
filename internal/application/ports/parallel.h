/* Port: doing several things beside each other. */
#pragma once

#include "base/error.h"

#include <stddef.h>

struct nf_parallel {
    const struct nf_parallel_ops *ops;
};

struct nf_parallel_ops {
    /* Call fn(arg, i) for each i below n, beside each other and begun in that order, and return
     * when all of them have. If the caller is cancelled or its time runs out meanwhile, they are
     * cancelled, still waited for, and that is what this returns. Their own waits have no deadline
     * but that. Suspends. */
    enum nf_code (*run)(struct nf_parallel *p, size_t n, void (*fn)(void *arg, size_t i), void *arg,
                        struct nf_err *err);
};

/* One alone, or without a port: one after the other, in the caller. */
static inline NF_RC nf_parallel_run(struct nf_parallel *p, size_t n,
                                    void (*fn)(void *arg, size_t i), void *arg, struct nf_err *err)
{
    if (p && n > 1)
        return p->ops->run(p, n, fn, arg, err);
    for (size_t i = 0; i < n; i++)
        fn(arg, i);
    return NF_OK;
}
