#include "runtime/signals.h"

#include <stdlib.h>
#include <uv.h>

struct watched {
    uv_signal_t handle;
    struct nf_signals *owner;
    bool came;
};

struct nf_signals {
    struct watched v[NF_SIGNALS_MAX];
    size_t n;
    size_t open; /* handles not yet closed */
    struct nf_wait *waiter;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct watched *w = handle->data;
    (void)signum;
    w->came = true;
    if (w->owner->waiter)
        nf_wait_wake(w->owner->waiter, NF_OK);
}

/* The memory goes with the last handle. */
static void on_closed(uv_handle_t *handle)
{
    struct watched *w = handle->data;
    if (--w->owner->open == 0)
        free(w->owner);
}

void nf_signals_free(struct nf_signals *s)
{
    if (!s)
        return;
    if (s->open == 0) {
        free(s);
        return;
    }
    for (size_t i = 0; i < s->n; i++)
        uv_close((uv_handle_t *)&s->v[i].handle, on_closed);
}

enum nf_code nf_signals_new(struct nf_loop *l, const int *signums, size_t n,
                            struct nf_signals **ret, struct nf_err *err)
{
    struct nf_signals *s = calloc(1, sizeof(*s));
    assert(n <= NF_SIGNALS_MAX);
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        struct watched *w = &s->v[i];
        w->owner = s;
        int rc = uv_signal_init(nf_loop_uv(l), &w->handle);
        if (rc == 0) {
            w->handle.data = w;
            s->n++;
            s->open++;
            rc = uv_signal_start(&w->handle, on_signal, signums[i]);
        }
        if (rc != 0) {
            nf_signals_free(s);
            return nf_err_set(err, NF_E_IO, "signal %d: %s", signums[i], uv_strerror(rc));
        }
    }
    *ret = s;
    return NF_OK;
}

static bool take(struct nf_signals *s, int *signum)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!s->v[i].came)
            continue;
        s->v[i].came = false;
        *signum = s->v[i].handle.signum;
        return true;
    }
    return false;
}

enum nf_code nf_signals_wait(struct nf_signals *s, int *signum, struct nf_err *err)
{
    assert(!s->waiter);
    while (!take(s, signum)) {
        struct nf_wait w = { 0 };
        s->waiter = &w;
        enum nf_code rc = nf_wait(&w, -1, "a signal", err);
        s->waiter = NULL;
        NF_TRY(rc);
    }
    return NF_OK;
}
