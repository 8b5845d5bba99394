#include "runtime/poll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct nf_poll {
    uv_poll_t poll;
    uv_timer_t timer;
    struct nf_wait *wait;
    int fd;   /* ours: a number that nobody else closes and that is given to no other socket */
    int open; /* handles */
};

static void on_closed(uv_handle_t *h)
{
    struct nf_poll *p = h->data;
    if (--p->open == 0)
        free(p);
}

/* An error is for the reader to find. */
static void on_event(uv_poll_t *h, int status, int events)
{
    (void)status, (void)events;
    struct nf_poll *p = h->data;
    uv_poll_stop(h);
    if (p->wait)
        nf_wait_wake(p->wait, NF_OK);
}

static void on_time(uv_timer_t *h)
{
    struct nf_poll *p = h->data;
    if (p->wait)
        nf_wait_wake(p->wait, NF_E_TIMEOUT);
}

enum nf_code nf_poll_new(struct nf_loop *l, int fd, struct nf_poll **ret, struct nf_err *err)
{
    struct nf_poll *p = calloc(1, sizeof(*p));
    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "no memory to watch a descriptor");
    p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (p->fd < 0) {
        free(p);
        return nf_err_set(err, NF_E_INVALID, "watch descriptor %d: %s", fd, strerror(errno));
    }
    int rc = uv_poll_init(nf_loop_uv(l), &p->poll, p->fd);
    if (rc != 0) {
        (void)close(p->fd);
        free(p);
        return nf_err_set(err, NF_E_INVALID, "watch descriptor %d: %s", fd, uv_strerror(rc));
    }
    uv_timer_init(nf_loop_uv(l), &p->timer);
    uv_unref((uv_handle_t *)&p->timer);
    p->poll.data = p->timer.data = p;
    p->open = 2;
    *ret = p;
    return NF_OK;
}

void nf_poll_free(struct nf_poll *p)
{
    if (!p)
        return;
    assert(!p->wait);
    uv_close((uv_handle_t *)&p->poll, on_closed);
    uv_close((uv_handle_t *)&p->timer, on_closed);
    (void)close(p->fd); /* uv_poll_t: "can be closed immediately after a call to uv_close()" */
}

enum nf_code nf_poll_wait(struct nf_poll *p, int events, int64_t timeout_ms, const char *what,
                          struct nf_err *err)
{
    struct nf_wait w = { 0 };
    assert(!p->wait && events != 0);
    int rc = uv_poll_start(&p->poll,
                           (events & NF_POLL_READ ? UV_READABLE : 0) |
                               (events & NF_POLL_WRITE ? UV_WRITABLE : 0),
                           on_event);
    if (rc != 0)
        return nf_err_set(err, NF_E_INTERNAL, "%s: %s", what, uv_strerror(rc));
    uv_timer_start(&p->timer, on_time, timeout_ms > 0 ? (uint64_t)timeout_ms : 0, 0);
    p->wait = &w;
    enum nf_code got = nf_wait_uninterruptible(&w);
    p->wait = NULL;
    uv_poll_stop(&p->poll);
    uv_timer_stop(&p->timer);
    return got == NF_OK ? NF_OK : nf_err_set(err, got, "%s: time is up", what);
}

static void on_pause(uv_timer_t *h)
{
    nf_wait_wake(h->data, NF_OK);
}

static void on_pause_closed(uv_handle_t *h)
{
    nf_wait_wake(h->data, NF_OK);
}

/* The handle lives here, so nothing returns before it is closed. */
void nf_pause(struct nf_loop *l, int64_t ms)
{
    struct nf_wait time = { 0 }, closed = { 0 };
    uv_timer_t timer;
    uv_timer_init(nf_loop_uv(l), &timer);
    timer.data = &time;
    uv_timer_start(&timer, on_pause, ms > 0 ? (uint64_t)ms : 0, 0);
    (void)nf_wait_uninterruptible(&time);
    timer.data = &closed;
    uv_close((uv_handle_t *)&timer, on_pause_closed);
    (void)nf_wait_uninterruptible(&closed);
}
