#include "skills/scratch.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

struct nf_scratch {
    struct nf_scratch *prev, *next;
    char *hash;
    int64_t user_id;
    struct nf_str path;
    bool busy;
};

static void forget(struct nf_scratch *x)
{
    free(x->hash);
    nf_str_done(&x->path);
    free(x);
}

static NF_RC make(struct nf_workspaces *w, const char *hash, int64_t user_id,
                  struct nf_scratch **ret, struct nf_err *err)
{
    struct nf_scratch *x = calloc(1, sizeof(*x));

    if (!x)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a directory");
    x->user_id = user_id;
    x->busy = true;
    enum nf_code rc = nf_strdup(hash, &x->hash, err);
    if (rc == NF_OK)
        rc = nf_workspace_scratch(w, &x->path, err);
    if (rc == NF_OK)
        *ret = x;
    else
        forget(x);
    return rc;
}

enum nf_code nf_scratch_take(struct nf_scratches *s, struct nf_workspaces *w, const char *hash,
                             int64_t user_id, struct nf_scratch **ret, struct nf_err *err)
{
    struct nf_scratch *x;

    DL_FOREACH(s->list, x)
    {
        if (x->busy || x->user_id != user_id || strcmp(x->hash, hash) != 0)
            continue;
        x->busy = true;
        s->n--;
        *ret = x;
        return NF_OK;
    }
    NF_TRY(make(w, hash, user_id, &x, err));
    DL_APPEND(s->list, x);
    *ret = x;
    return NF_OK;
}

const char *nf_scratch_path(const struct nf_scratch *x)
{
    return nf_str_c(&x->path);
}

static void drop(struct nf_scratches *s, struct nf_workspaces *w, struct nf_scratch *x)
{
    DL_DELETE(s->list, x);
    nf_workspace_drop(w, nf_str_c(&x->path));
    forget(x);
}

/* Busy until it is empty: it may take a while, and others look meanwhile. */
void nf_scratch_give(struct nf_scratches *s, struct nf_workspaces *w, struct nf_scratch *x)
{
    struct nf_scratch *oldest;

    if (!nf_workspace_empty(w, nf_str_c(&x->path))) {
        drop(s, w, x);
        return;
    }
    DL_DELETE(s->list, x);
    DL_APPEND(s->list, x);
    x->busy = false;
    if (++s->n <= NF_SCRATCHES_KEPT)
        return;
    DL_SEARCH_SCALAR(s->list, oldest, busy, false);
    s->n--;
    drop(s, w, oldest);
}

void nf_scratches_done(struct nf_scratches *s)
{
    struct nf_scratch *x, *after;

    DL_FOREACH_SAFE(s->list, x, after)
    {
        assert(!x->busy);
        DL_DELETE(s->list, x);
        forget(x);
    }
    s->n = 0;
}
