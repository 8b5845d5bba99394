/*
 * Fibers on threads, of which exactly one runs at any time: for ThreadSanitizer, which then sees a
 * value kept across a wait like any other race, and for gdb, whose "thread apply all backtrace"
 * shows every fiber. Everything else is as in fiber.c, only slower.
 */
#include "runtime/switch.h"

#include "base/own.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

#define THREAD_STACK ((size_t)1024 * 1024) /* bytes: the sanitizers' frames are larger */

struct nf_switch {
    pthread_t thread;
    sem_t enter, leave;
    bool unused; /* never entered: let the thread end at once */
    void (*entry)(void *arg);
    void *arg;
};

static void take(sem_t *s)
{
    while (sem_wait(s) != 0) {
        /* interrupted by a signal */
    }
}

static void *run(void *arg)
{
    struct nf_switch *s = arg;
    take(&s->enter);
    if (!s->unused)
        s->entry(s->arg);
    return NULL;
}

static int start_thread(struct nf_switch *s)
{
    pthread_attr_t attr;
    sigset_t all, was;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    sigfillset(&all); /* signals are the loop's */
    pthread_sigmask(SIG_SETMASK, &all, &was);
    int rc = pthread_create(&s->thread, &attr, run, s);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    pthread_attr_destroy(&attr);
    return rc;
}

NF_RC nf_switch_new(struct nf_switch_pool *pool, void (*entry)(void *arg), void *arg,
                    struct nf_switch **ret, struct nf_err *err)
{
    (void)pool;
    struct nf_switch *s = calloc(1, sizeof *s);
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a fiber");
    sem_init(&s->enter, 0, 0);
    sem_init(&s->leave, 0, 0);
    s->unused = true;
    s->entry = entry;
    s->arg = arg;
    if (start_thread(s) != 0) {
        free(s);
        return nf_err_set(err, NF_E_NOMEM, "no thread left for a fiber");
    }
    *ret = s;
    return NF_OK;
}

void nf_switch_free(struct nf_switch_pool *pool, struct nf_switch *s)
{
    (void)pool;
    if (s->unused)
        sem_post(&s->enter);
    pthread_join(s->thread, NULL);
    sem_destroy(&s->enter);
    sem_destroy(&s->leave);
    free(s);
}

void nf_switch_pool_trim(struct nf_switch_pool *pool)
{
    (void)pool;
}

void nf_switch_pool_done(struct nf_switch_pool *pool)
{
    (void)pool;
}

void nf_switch_enter(struct nf_switch *s)
{
    s->unused = false;
    sem_post(&s->enter);
    take(&s->leave);
}

void nf_switch_leave(struct nf_switch *s)
{
    sem_post(&s->leave);
    take(&s->enter);
}

void nf_switch_exit(struct nf_switch *s)
{
    sem_post(&s->leave);
    pthread_exit(NULL);
}

void nf_switch_trim(struct nf_switch *s)
{
    (void)s; /* a thread's stack is the system's */
}

bool nf_switch_here(const struct nf_switch *s)
{
    (void)s;
    return true;
}
