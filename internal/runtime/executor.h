/*
 * Executors: threads that run blocking calls while a fiber waits. A resource that must not be used
 * by two threads (a database connection) has an executor with one thread.
 */
#pragma once

#include "runtime/fiber.h"

struct nf_executor;

/* Runs on a thread of the executor. */
typedef enum nf_code (*nf_work_fn)(void *arg, struct nf_err *err);

/* `threads` 1 to 64; at most `queue_max` calls wait for a thread. `name` (a literal, at most 15
 * bytes) names the threads. NF_E_NOMEM: no memory, or no thread to be had. */
NF_RC nf_executor_new(struct nf_loop *l, const char *name, int threads, size_t queue_max,
                      struct nf_executor **ret, struct nf_err *err);
/* No call may be under way. Joins the threads. NULL is allowed. */
void nf_executor_free(struct nf_executor *e);

/* Run fn(arg) on a thread and wait for it. A cancel or deadline ends the wait only while the call
 * is still queued (then fn never runs); once begun it is waited for, since it uses our frame.
 * NF_E_LIMIT: the queue is full. Suspends. */
NF_RC nf_executor_call(struct nf_executor *e, nf_work_fn fn, void *arg, struct nf_err *err);

/* Calls that wait for a thread. */
size_t nf_executor_queued(const struct nf_executor *e);

/* Wake the loop from any thread: fn(arg) runs on the loop's thread, outside of fibers, in order.
 * Never fails after nf_post_new. */
struct nf_post;
NF_RC nf_post_new(struct nf_loop *l, void (*fn)(void *arg), void *arg, struct nf_post **ret,
                  struct nf_err *err);
/* From any thread; several before fn runs are one. */
void nf_post_signal(struct nf_post *p);
/* On the loop's thread, when nobody signals any more. NULL is allowed. */
void nf_post_free(struct nf_post *p);
