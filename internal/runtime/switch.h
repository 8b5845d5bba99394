/*
 * What a fiber runs on: something with a stack of its own that the loop's thread enters and that
 * leaves again. fiber.c makes it of a context and a mapping, fiber_threads.c of a thread; no other
 * file switches stacks. Only wait.c, scope.c and loop.c use this.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct nf_switch;

/* Stacks that ended and wait for the next fiber. The zero value is empty. */
struct nf_switch_pool {
    struct nf_switch *free;
    size_t n;
};

/* Give back the memory that those who wait have, but for a little. To do so whenever one ends would
 * cost more than the next one saves: the loop does it a few times a second. */
void nf_switch_pool_trim(struct nf_switch_pool *pool);

/* Does not run yet. `entry` must not return: it ends with nf_switch_exit. NF_E_NOMEM also if the
 * system allows no more mappings or threads. */
NF_RC nf_switch_new(struct nf_switch_pool *pool, void (*entry)(void *arg), void *arg,
                    struct nf_switch **ret, struct nf_err *err);
/* It ended, or was never entered. */
void nf_switch_free(struct nf_switch_pool *pool, struct nf_switch *s);
void nf_switch_pool_done(struct nf_switch_pool *pool);

/* From the loop: run it until it leaves or exits. */
void nf_switch_enter(struct nf_switch *s);
/* From within: go back to the loop until the next nf_switch_enter. */
void nf_switch_leave(struct nf_switch *s);
/* From within: go back for good. */
__attribute__((noreturn)) void nf_switch_exit(struct nf_switch *s);

/* From within: give back the memory of the stack that no frame is using. */
void nf_switch_trim(struct nf_switch *s);

/* False if we surely run on another thread than the one that enters `s`. */
bool nf_switch_here(const struct nf_switch *s);
