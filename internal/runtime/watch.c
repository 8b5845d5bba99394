#include "runtime/watch.h"

#include <stdlib.h>
#include <uv.h>

struct nf_watch {
    uv_poll_t poll;
    void (*fn)(void *arg);
    void *arg;
};

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

/* An error is for the read to find. */
static void on_event(uv_poll_t *h, int status, int events)
{
    (void)status, (void)events;
    struct nf_watch *w = h->data;
    w->fn(w->arg);
}

void nf_watch_resume(struct nf_watch *w)
{
    if (!uv_is_active((uv_handle_t *)&w->poll))
        uv_poll_start(&w->poll, UV_READABLE, on_event);
}

void nf_watch_pause(struct nf_watch *w)
{
    uv_poll_stop(&w->poll);
}

NF_RC nf_watch_new(struct nf_loop *l, int fd, void (*fn)(void *arg), void *arg,
                   struct nf_watch **ret, struct nf_err *err)
{
    struct nf_watch *w = calloc(1, sizeof *w);
    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "no memory to watch a descriptor");
    int rc = uv_poll_init(nf_loop_uv(l), &w->poll, fd);
    if (rc != 0) {
        free(w);
        return nf_err_set(err, NF_E_INVALID, "watch descriptor %d: %s", fd, uv_strerror(rc));
    }
    w->poll.data = w;
    w->fn = fn;
    w->arg = arg;
    nf_watch_resume(w);
    *ret = w;
    return NF_OK;
}

void nf_watch_free(struct nf_watch *w)
{
    if (w)
        uv_close((uv_handle_t *)&w->poll, on_closed);
}

/* --- waiting for room ------------------------------------------------------------------------- */

struct room {
    uv_poll_t poll;
    struct nf_wait *wait;
};

static void on_room(uv_poll_t *h, int status, int events)
{
    (void)status, (void)events;
    struct room *r = h->data;
    uv_poll_stop(h);
    nf_wait_wake(r->wait, NF_OK);
}

static void on_room_closed(uv_handle_t *h)
{
    struct room *r = h->data;
    nf_wait_wake(r->wait, NF_OK);
}

/* The handle lives here, so nothing returns before it is closed. */
NF_RC nf_wait_writable(struct nf_loop *l, int fd, const char *what, struct nf_err *err)
{
    struct nf_wait w = { 0 }, closed = { 0 };
    struct room r = { .wait = &w };
    int rc = uv_poll_init(nf_loop_uv(l), &r.poll, fd);
    if (rc != 0)
        return nf_err_set(err, NF_E_INVALID, "%s: watch descriptor %d: %s", what, fd,
                          uv_strerror(rc));
    r.poll.data = &r;
    uv_poll_start(&r.poll, UV_WRITABLE, on_room);
    enum nf_code got = nf_wait(&w, -1, what, err);
    r.wait = &closed;
    uv_close((uv_handle_t *)&r.poll, on_room_closed);
    nf_wait_uninterruptible(&closed);
    return got;
}
