/*
 * The event loop: one thread, on which every fiber runs. The only place where time passes.
 */
#pragma once

#include "application/ports/clock.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nf_loop;
struct uv_loop_s;

/* A function that runs in a fiber. What it returns is the fiber's outcome. */
typedef enum nf_code (*nf_fiber_fn)(void *arg, struct nf_err *err);

NF_RC nf_loop_new(struct nf_loop **ret, struct nf_err *err);
/* Everything opened on it must be closed before. NULL is allowed. */
void nf_loop_free(struct nf_loop *l);

/* Run `main_fn` in a fiber until it has returned and all handles are closed; its outcome. */
NF_RC nf_loop_run(struct nf_loop *l, nf_fiber_fn main_fn, void *arg, struct nf_err *err);

/* Something to be done once the fibers of this round of the loop have run. Kept by its owner until
 * then. */
struct nf_round_end {
    void (*fn)(void *arg);
    void *arg;
    struct nf_round_end *next;
};
/* Not while it is due already. From the loop's thread; `fn` too is called there, outside of fibers.
 */
void nf_loop_at_round_end(struct nf_loop *l, struct nf_round_end *e);

/* libuv's loop, for handles of runtime/ and of the byte pumps of http/. */
struct uv_loop_s *nf_loop_uv(struct nf_loop *l);

/* Milliseconds that the loop's last rounds were late, the highest of the last second: a callback
 * or a fiber that did not yield. Sampled by a timer that nf_loop_new starts. */
int64_t nf_loop_delay_ms(const struct nf_loop *l);

/* When the round of the loop began in which the calling fiber runs: milliseconds on the clock of
 * nf_system_clock's mono_us. It costs nothing, and is late by what the round has taken so far. */
int64_t nf_round_ms(void);

/* The real clock. */
struct nf_clock *nf_system_clock(void);
