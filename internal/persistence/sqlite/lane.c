#include "persistence/sqlite/lane.h"

#include "persistence/sqlite/thread.h"

void nf_lite_lane_init(struct nf_lite_lane *l)
{
    pthread_mutex_init(&l->mu, NULL);
    pthread_cond_init(&l->wake, NULL);
    l->tail = &l->head;
}

void nf_lite_lane_done(struct nf_lite_lane *l)
{
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mu);
}

enum nf_code nf_lite_lane_start(struct nf_lite_lane *l, const char *name, void *(*main_fn)(void *),
                                void *owner, struct nf_err *err)
{
    l->owner = owner;
    if (nf_lite_thread(&l->thread, name, main_fn, l) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot start a thread for the database");
    l->runs = true;
    return NF_OK;
}

void nf_lite_lane_stop(struct nf_lite_lane *l)
{
    if (!l->runs)
        return;
    pthread_mutex_lock(&l->mu);
    assert(!l->head);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mu);
    pthread_join(l->thread, NULL);
    l->runs = false;
}

void nf_lite_lane_put(struct nf_lite_lane *l, struct nf_lite_job *first, struct nf_lite_job *last,
                      size_t n)
{
    last->next = NULL;
    pthread_mutex_lock(&l->mu);
    *l->tail = first;
    l->tail = &last->next;
    l->waiting += n;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mu);
}

size_t nf_lite_lane_take(struct nf_lite_lane *l, struct nf_lite_job **ret, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&l->mu);
    while (!l->head && !l->stop)
        pthread_cond_wait(&l->wake, &l->mu);
    while (l->head && n < max) {
        ret[n++] = l->head;
        l->head = l->head->next;
    }
    if (!l->head)
        l->tail = &l->head;
    l->waiting -= n;
    pthread_mutex_unlock(&l->mu);
    return n;
}

size_t nf_lite_lane_waiting(struct nf_lite_lane *l)
{
    pthread_mutex_lock(&l->mu);
    size_t n = l->waiting;
    pthread_mutex_unlock(&l->mu);
    return n;
}
