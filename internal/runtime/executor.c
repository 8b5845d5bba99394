/*
 * A call is a record in the frame of the fiber that waits. Threads take it from the queue, and hand
 * it back over a list that the loop's thread empties when it is woken.
 */
#include "runtime/executor.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define THREADS_MAX 64

struct call {
    nf_work_fn fn;
    void *arg;
    enum nf_code rc;
    struct nf_err err;
    bool begun;           /* under the lock */
    struct nf_wait *wait; /* the loop's thread only, as `ended` */
    bool ended;
    struct call *prev, *next;
};

struct nf_executor {
    const char *name;
    struct nf_post *post;
    size_t queue_max;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct call *queue, *ended; /* under the lock, as all that follows */
    atomic_size_t queued;
    size_t running;
    bool closing;
    size_t threads_n;
    pthread_t threads[];
};

static void *run_thread(void *arg)
{
    struct nf_executor *e = arg;
    pthread_mutex_lock(&e->lock);
    for (;;) {
        while (!e->queue && !e->closing)
            pthread_cond_wait(&e->work, &e->lock);
        if (!e->queue)
            break;
        struct call *c = e->queue;
        DL_DELETE(e->queue, c);
        e->queued--;
        e->running++;
        c->begun = true;
        pthread_mutex_unlock(&e->lock);
        c->rc = c->fn(c->arg, &c->err);
        pthread_mutex_lock(&e->lock);
        e->running--;
        DL_APPEND(e->ended, c);
        nf_post_signal(e->post);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

/* On the loop's thread. */
static void on_post(void *arg)
{
    struct nf_executor *e = arg;
    pthread_mutex_lock(&e->lock);
    struct call *ended = e->ended;
    e->ended = NULL;
    pthread_mutex_unlock(&e->lock);
    while (ended) {
        struct call *c = ended;
        DL_DELETE(ended, c);
        c->ended = true;
        nf_wait_wake(c->wait, NF_OK);
    }
}

/* Signals are the loop's: a thread of ours takes none. */
static int start_thread(struct nf_executor *e)
{
    sigset_t all, was;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&e->threads[e->threads_n], NULL, run_thread, e);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (rc == 0)
        pthread_setname_np(e->threads[e->threads_n++], e->name);
    return rc;
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters) */
NF_RC nf_executor_new(struct nf_loop *l, const char *name, int threads, size_t queue_max,
                      struct nf_executor **ret, struct nf_err *err)
{
    assert(threads >= 1 && threads <= THREADS_MAX && strlen(name) <= 15);
    struct nf_executor *e = calloc(1, sizeof *e + (size_t)threads * sizeof e->threads[0]);
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "no memory for the executor '%s'", name);
    e->name = name;
    e->queue_max = queue_max;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->work, NULL);
    enum nf_code rc = nf_post_new(l, on_post, e, &e->post, err);
    for (int i = 0; i < threads && rc == NF_OK; i++) {
        int failed = start_thread(e);
        if (failed)
            rc = nf_err_set(err, NF_E_NOMEM, "start a thread of '%s': %s", name, strerror(failed));
    }
    if (rc != NF_OK) {
        nf_executor_free(e);
        return rc;
    }
    *ret = e;
    return NF_OK;
}

void nf_executor_free(struct nf_executor *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    assert(!e->queue && !e->ended && e->running == 0);
    e->closing = true;
    pthread_cond_broadcast(&e->work);
    pthread_mutex_unlock(&e->lock);
    for (size_t i = 0; i < e->threads_n; i++)
        pthread_join(e->threads[i], NULL);
    nf_post_free(e->post);
    pthread_cond_destroy(&e->work);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static NF_RC enqueue(struct nf_executor *e, struct call *c, struct nf_err *err)
{
    pthread_mutex_lock(&e->lock);
    bool full = e->queued + e->running >= e->threads_n + e->queue_max;
    if (!full) {
        DL_APPEND(e->queue, c);
        e->queued++;
        pthread_cond_signal(&e->work);
    }
    pthread_mutex_unlock(&e->lock);
    if (full)
        return nf_err_set(err, NF_E_LIMIT, "'%s' has %zu calls waiting, no more are allowed",
                          e->name, e->queue_max);
    return NF_OK;
}

/* True if no thread has begun with it, nor ever will. */
static bool withdraw(struct nf_executor *e, struct call *c)
{
    pthread_mutex_lock(&e->lock);
    bool begun = c->begun;
    if (!begun) {
        DL_DELETE(e->queue, c);
        e->queued--;
    }
    pthread_mutex_unlock(&e->lock);
    return !begun;
}

NF_RC nf_executor_call(struct nf_executor *e, nf_work_fn fn, void *arg, struct nf_err *err)
{
    struct nf_wait w = { 0 }, rest = { 0 };
    struct call c = { .fn = fn, .arg = arg, .wait = &w };
    NF_TRY(nf_fiber_check(e->name, err));
    NF_TRY(enqueue(e, &c, err));
    enum nf_code rc = nf_wait(&w, -1, e->name, err);
    if (rc != NF_OK) {
        if (withdraw(e, &c))
            return rc;
        c.wait = &rest;
        if (!c.ended) /* it may have, after the cancel woke us and before we ran */
            nf_wait_uninterruptible(&rest);
    }
    if (c.rc != NF_OK && err) {
        *err = c.err;
        err->code = c.rc;
    }
    return c.rc;
}

size_t nf_executor_queued(const struct nf_executor *e)
{
    return e->queued;
}
