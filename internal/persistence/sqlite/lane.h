/* A thread with a queue of jobs. Whoever hands a job over waits until the thread has given it back.
 * Private to this directory. */
#pragma once

#include "persistence/sqlite/writer.h"

#include <pthread.h>

struct nf_lite_lane {
    void *owner; /* for the thread */
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t wake;
    struct nf_lite_job *head, **tail; /* under mu */
    size_t waiting;                   /* under mu */
    bool stop;                        /* under mu */
    bool runs;
};

void nf_lite_lane_init(struct nf_lite_lane *l);
/* NF_E_UNAVAILABLE: there are no more threads. `main_fn` gets *l. */
NF_RC nf_lite_lane_start(struct nf_lite_lane *l, const char *name, void *(*main_fn)(void *),
                         void *owner, struct nf_err *err);
/* Wait for the thread's end; nothing may be in the queue. */
void nf_lite_lane_stop(struct nf_lite_lane *l);
void nf_lite_lane_done(struct nf_lite_lane *l);

/* Hand over `n` jobs, a list that ends with `last`. */
void nf_lite_lane_put(struct nf_lite_lane *l, struct nf_lite_job *first, struct nf_lite_job *last,
                      size_t n);
/* For the thread: up to `max` jobs, 0 when the lane stops. Waits for the first. */
size_t nf_lite_lane_take(struct nf_lite_lane *l, struct nf_lite_job **ret, size_t max);
size_t nf_lite_lane_waiting(struct nf_lite_lane *l);
