/* What the files of the loop and of fibers share. Nothing outside of runtime includes it. */
#pragma once

#include "base/context.h"
#include "runtime/fiber.h"
#include "runtime/mono.h"
#include "runtime/switch.h"

#include <uv.h>

struct nf_loop {
    uv_loop_t uv;
    uv_prepare_t prepare;
    uv_check_t check; /* fibers run here; keeps the loop alive while the main fiber does */
    uv_idle_t idle;   /* active while fibers are ready, so that polling does not block */
    uv_timer_t timer; /* one for all waits: the top of the heap */
    uv_timer_t delay;

    struct nf_fiber *ready, **ready_end;
    struct nf_fiber *begun, **begun_end; /* spawned in this round by those that run in it */
    bool running;                        /* fibers run now */
    struct nf_round_end *ends;           /* due at the end of this round */
    size_t fibers;
    struct nf_switch_pool pool;

    struct nf_fiber **heap; /* by due_us; room for every fiber, so that a wait needs no memory */
    size_t heap_n, heap_cap;
    int64_t armed_us; /* when `timer` fires; 0: it does not */

    int64_t round_ms; /* when the last poll returned */
    int64_t delay_due_ms;
    int64_t delay_second, delay_max[2]; /* of this second and the one before */
};

struct nf_fiber {
    struct nf_loop *loop;
    struct nf_switch *on;
    struct nf_scope *scope;
    struct nf_fiber *prev, *next; /* siblings */
    struct nf_fiber *next_ready;
    nf_fiber_fn fn;
    void *arg;
    bool ended;

    struct nf_wait *wait; /* NULL: runs or is ready */
    bool uninterruptible;
    enum nf_code canceled;
    int64_t deadline_us; /* monotonic; 0: none */
    int64_t due_us;      /* when the current wait ends */
    size_t heap_at;      /* index in the loop's heap + 1; 0: not there */

    const struct nf_context *context; /* while it does not run */
    struct nf_context inherited[];    /* a copy: the parent's frame may be gone before we are */
};

/* loop.c */
void nf_loop_ready(struct nf_fiber *f);
/* The first time. */
void nf_loop_begin(struct nf_fiber *f);
NF_RC nf_loop_reserve_timers(struct nf_loop *l, size_t n, struct nf_err *err);
void nf_loop_timer_add(struct nf_fiber *f);
void nf_loop_timer_remove(struct nf_fiber *f);

/* wait.c */
void nf_fiber_entry(void *fiber);
void nf_fiber_run(struct nf_fiber *f);

/* scope.c: the fiber has returned; called on its own stack, last of all. */
void nf_scope_child_ended(struct nf_fiber *f, enum nf_code rc, const struct nf_err *err);
/* Outside of fibers: release one that has ended. */
void nf_fiber_free(struct nf_fiber *f);
