/* Channels: a ring of pointers, and who waits for room or for items. */
#include "runtime/fiber.h"

#include <stdlib.h>

#include <utlist.h>

struct waiter {
    struct nf_wait wait;
    struct waiter *prev, *next;
};

struct nf_chan {
    size_t capacity, first, count;
    bool closed;
    struct waiter *senders, *receivers;
    void *items[];
};

NF_RC nf_chan_new(size_t capacity, struct nf_chan **ret, struct nf_err *err)
{
    assert(capacity > 0 && capacity <= NF_CHAN_MAX);
    struct nf_chan *c = calloc(1, sizeof *c + capacity * sizeof c->items[0]);
    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a channel of %zu items", capacity);
    c->capacity = capacity;
    *ret = c;
    return NF_OK;
}

void nf_chan_free(struct nf_chan *c)
{
    assert(!c || (!c->senders && !c->receivers));
    free(c);
}

/* The first who was not woken yet: one that a cancel woke is still in the list until it runs, and
 * would not take what we wake it for. */
static void wake_one(struct waiter *list)
{
    struct waiter *w;
    DL_FOREACH(list, w)
    {
        if (!w->wait.woken) {
            nf_wait_wake(&w->wait, NF_OK);
            return;
        }
    }
}

static NF_RC wait_in(struct waiter **list, const char *what, struct nf_err *err)
{
    struct waiter w = { .wait = { 0 } };
    DL_APPEND(*list, &w);
    enum nf_code rc = nf_wait(&w.wait, -1, what, err);
    DL_DELETE(*list, &w);
    return rc;
}

NF_RC nf_chan_try_send(struct nf_chan *c, void *item, struct nf_err *err)
{
    if (c->closed)
        return nf_err_set(err, NF_E_CONFLICT, "the channel is closed");
    if (c->count == c->capacity)
        return nf_err_set(err, NF_E_LIMIT, "the channel is full with %zu items", c->capacity);
    c->items[(c->first + c->count++) % c->capacity] = item;
    wake_one(c->receivers);
    return NF_OK;
}

NF_RC nf_chan_send(struct nf_chan *c, void *item, struct nf_err *err)
{
    while (!c->closed && c->count == c->capacity)
        NF_TRY(wait_in(&c->senders, "send to channel", err));
    return nf_chan_try_send(c, item, err);
}

NF_RC nf_chan_recv(struct nf_chan *c, void **ret, struct nf_err *err)
{
    while (c->count == 0) {
        if (c->closed)
            return nf_err_set(err, NF_E_NOT_FOUND, "the channel is closed and empty");
        NF_TRY(wait_in(&c->receivers, "receive from channel", err));
    }
    *ret = c->items[c->first];
    c->first = (c->first + 1) % c->capacity;
    c->count--;
    wake_one(c->senders);
    return NF_OK;
}

void nf_chan_close(struct nf_chan *c)
{
    struct waiter *w;
    c->closed = true;
    DL_FOREACH(c->senders, w)
    nf_wait_wake(&w->wait, NF_OK);
    DL_FOREACH(c->receivers, w)
    nf_wait_wake(&w->wait, NF_OK);
}

size_t nf_chan_count(const struct nf_chan *c)
{
    return c->count;
}
