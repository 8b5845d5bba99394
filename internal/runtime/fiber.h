/*
 * Fibers: stackful coroutines on the loop's thread, for straight-line code that waits.
 *
 * A fiber has a 256 KiB stack with a guard page. It runs until it waits. Every wait has a deadline
 * and can return NF_E_CANCELED or NF_E_TIMEOUT; a suspended fiber is never freed, only woken.
 * Everything here is called on the loop's thread; what may suspend must be called in a fiber.
 */
#pragma once

#include "base/own.h"
#include "runtime/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_FIBER_STACK ((size_t)256 * 1024) /* bytes */
#ifdef NF_FIBER_THREADS
#define NF_FIBERS_MAX 2000 /* threads: for debugging only */
#else
#define NF_FIBERS_MAX 20000 /* two mappings each, of vm.max_map_count 65,530 */
#endif

struct nf_fiber;

/* The running fiber, NULL outside of one. */
struct nf_fiber *nf_fiber_current(void);

/* --- scopes: who starts fibers waits for them --------------------------------------------------
 *
 *     NF_CLEANUP(nf_scope_done) struct nf_scope s;
 *     nf_scope_init(&s, loop);
 *     NF_TRY(nf_scope_spawn(&s, fetch, &a, NULL, err));
 *     NF_TRY(nf_scope_join(&s, err));
 */
struct nf_wait;
struct nf_scope {
    struct nf_loop *loop;
    struct nf_fiber *children; /* linked */
    struct nf_wait *joiner;
    size_t running;
    enum nf_code rc; /* the first failure, NF_OK so far */
    struct nf_err err;
    bool canceled;
};

void nf_scope_init(struct nf_scope *s, struct nf_loop *l);

/* Start fn(arg) in a new fiber; it begins to run behind the fibers of this round of the loop, never
 * inside the caller. It inherits the caller's log context and deadline. NF_E_LIMIT: NF_FIBERS_MAX;
 * NF_E_NOMEM; NF_E_CANCELED: the scope was cancelled. *ret may be NULL; else it gets the fiber,
 * valid until it ends. */
NF_RC nf_scope_spawn(struct nf_scope *s, nf_fiber_fn fn, void *arg, struct nf_fiber **ret,
                     struct nf_err *err);

/* Wait until all children have ended; the first failure among them. If this fiber is cancelled or
 * its deadline passes meanwhile, the children are cancelled and still waited for. Suspends. */
NF_RC nf_scope_join(struct nf_scope *s, struct nf_err *err);

/* Wake every child's waits with NF_E_CANCELED, now and later. */
void nf_scope_cancel(struct nf_scope *s);

/* Cancel what still runs and wait for it, whatever happens. Suspends. */
void nf_scope_done(struct nf_scope *s);

/* Let the fiber's current wait, or its next, return `code` (NF_E_CANCELED unless there is a better
 * one) and all later ones too, until nf_fiber_uncancel. */
void nf_fiber_cancel(struct nf_fiber *f, enum nf_code code);

/* Of the running fiber: the code it was cancelled with, NF_OK if it was not. */
enum nf_code nf_fiber_cancelled(void);

/* Why the running fiber's next wait would end at once: it was cancelled, or its deadline passed.
 * For those who start something first and wait for it then. */
NF_RC nf_fiber_check(const char *what, struct nf_err *err);

/* Let the running fiber wait again after it was cancelled: to write down how it ended.
 * Deadlines stay. */
void nf_fiber_uncancel(void);

/* --- waiting ---------------------------------------------------------------------------------- */

/* One wait. Lives in the frame of the fiber that waits; whoever wakes it holds a pointer and must
 * be told to let go before the frame ends, if the wait ended otherwise. Zero value to start. */
struct nf_wait {
    struct nf_fiber *fiber;
    bool woken;
    enum nf_code rc;
};

/* Suspend until nf_wait_wake, a cancel, `timeout_ms` (< 0: only the fiber's own deadline) or the
 * deadline. Returns the waker's code, NF_E_CANCELED or NF_E_TIMEOUT; `what` names what was waited
 * for in the error's message. A wait that was woken before it began returns at once. */
NF_RC nf_wait(struct nf_wait *w, int64_t timeout_ms, const char *what, struct nf_err *err);

/* Wait without being woken by a cancel or deadline: only for work that cannot be abandoned, such as
 * a thread that uses this frame. */
enum nf_code nf_wait_uninterruptible(struct nf_wait *w);

/* End the wait with `rc`; the fiber runs at the next round of the loop, never inside the caller.
 * Waking twice is allowed: the first counts. */
void nf_wait_wake(struct nf_wait *w, enum nf_code rc);

/* Sleep. NF_OK after `ms`, else why it ended early. */
NF_RC nf_sleep(int64_t ms, struct nf_err *err);

/* Let other fibers and I/O go first. */
NF_RC nf_yield(struct nf_err *err);

/* Give back the part of the running fiber's stack that it has used and does not use any more: for
 * those who are about to wait long, after a call that went deep. A system call. */
void nf_fiber_trim(void);

/* The running fiber's waits end with NF_E_TIMEOUT `ms` from now. Nested: the earlier one holds.
 *
 *     NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
 *     nf_deadline_push(&d, 5000);
 */
struct nf_deadline {
    int64_t outer_us; /* what held before; 0: none */
};
void nf_deadline_push(struct nf_deadline *d, int64_t ms);
/* The same at a time of CLOCK_MONOTONIC, in microseconds, for who has read the clock already: that
 * is a good part of what a short call costs. */
void nf_deadline_push_at(struct nf_deadline *d, int64_t at_us);
void nf_deadline_pop(struct nf_deadline *d);

/* The fiber's deadline moves by `ms`, which may be negative, also while it waits for it; nothing
 * happens if it has none. For those who stop the clock of others. */
void nf_fiber_move_deadline(struct nf_fiber *f, int64_t ms);

/* --- channels between fibers ------------------------------------------------------------------ */

/* A bounded queue of pointers; `capacity` 1 to NF_CHAN_MAX. */
#define NF_CHAN_MAX ((size_t)1 << 20)
struct nf_chan;
NF_RC nf_chan_new(size_t capacity, struct nf_chan **ret, struct nf_err *err);
/* Nobody may wait on it. NULL is allowed. What is still queued is the caller's problem: receive it
 * first. */
void nf_chan_free(struct nf_chan *c);
/* Suspends while it is full. NF_E_CONFLICT: closed. */
NF_RC nf_chan_send(struct nf_chan *c, void *item, struct nf_err *err);
/* NF_E_LIMIT instead of waiting. Callable outside of a fiber. */
NF_RC nf_chan_try_send(struct nf_chan *c, void *item, struct nf_err *err);
/* Suspends while it is empty. NF_E_NOT_FOUND: closed and empty. */
NF_RC nf_chan_recv(struct nf_chan *c, void **ret, struct nf_err *err);
/* No more items; receivers get what is left. */
void nf_chan_close(struct nf_chan *c);
/* Items that are queued. */
size_t nf_chan_count(const struct nf_chan *c);

/* --- counters for metrics --------------------------------------------------------------------- */
struct nf_fiber_stats {
    size_t alive, peak, spawned; /* now; the most at once; so far */
};
struct nf_fiber_stats nf_fiber_stats(void);
