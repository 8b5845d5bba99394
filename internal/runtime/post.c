#include "runtime/executor.h"

#include <stdlib.h>
#include <uv.h>

struct nf_post {
    uv_async_t async;
    void (*fn)(void *arg);
    void *arg;
};

static void on_async(uv_async_t *h)
{
    struct nf_post *p = h->data;
    p->fn(p->arg);
}

static void on_closed(uv_handle_t *h)
{
    free(h->data);
}

NF_RC nf_post_new(struct nf_loop *l, void (*fn)(void *arg), void *arg, struct nf_post **ret,
                  struct nf_err *err)
{
    struct nf_post *p = calloc(1, sizeof *p);
    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "no memory to wake the loop with");
    int rc = uv_async_init(nf_loop_uv(l), &p->async, on_async);
    if (rc != 0) {
        free(p);
        return nf_err_set(err, NF_E_INTERNAL, "wake the loop: %s", uv_strerror(rc));
    }
    uv_unref((uv_handle_t *)&p->async);
    p->async.data = p;
    p->fn = fn;
    p->arg = arg;
    *ret = p;
    return NF_OK;
}

void nf_post_signal(struct nf_post *p)
{
    uv_async_send(&p->async);
}

void nf_post_free(struct nf_post *p)
{
    if (p)
        uv_close((uv_handle_t *)&p->async, on_closed);
}
