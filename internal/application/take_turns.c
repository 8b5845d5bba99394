#include "application/take_turns.h"

#include "base/own.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What has been taken so far, in place: growing must not fail once something is ours. */
struct taken {
    struct nf_lease v[NF_TAKE_MAX];
    size_t n;
};

static NF_RC take(struct nf_app *a, int64_t after_user, size_t each, size_t limit, struct taken *to,
                  struct nf_err *err)
{
    NF_CLEANUP(nf_leases_done) struct nf_leases got = { 0 };
    const struct nf_round round = { .owner = a->owner,
                                    .lease_ms = a->settings.lease_ms,
                                    .now_ms = nf_app_now(a),
                                    .after_user = after_user,
                                    .each = each,
                                    .limit = limit - to->n };
    if (to->n >= limit)
        return NF_OK;
    NF_TRY(a->turns->ops->take(a->turns, &round, &got, err));
    assert(got.n <= round.limit);
    memcpy(to->v + to->n, got.v, got.n * sizeof(*got.v));
    to->n += got.n;
    return NF_OK;
}

static NF_RC take_rounds(struct nf_app *a, int64_t *after_user, size_t limit, struct taken *to,
                         struct nf_err *err)
{
    NF_TRY(take(a, *after_user, 1, limit, to, err));
    if (*after_user > 0)
        NF_TRY(take(a, 0, 1, limit, to, err));
    if (to->n == 0)
        return NF_OK;
    *after_user = to->v[to->n - 1].user_id;
    return take(a, 0, limit, limit, to, err);
}

enum nf_code nf_take_turns(struct nf_app *a, int64_t *after_user, size_t limit,
                           struct nf_leases *ret, struct nf_err *err)
{
    struct taken all = { .n = 0 };
    struct nf_lease *v = calloc(NF_TAKE_MAX, sizeof(*v));
    assert(limit <= NF_TAKE_MAX);
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    enum nf_code rc = take_rounds(a, after_user, limit, &all, err);
    if (all.n == 0) {
        free(v);
        v = NULL;
        NF_TRY(rc);
    }
    /* What a later round could not take is left to the next time. */
    if (v)
        memcpy(v, all.v, all.n * sizeof(*v));
    *ret = (struct nf_leases){ v, all.n };
    return NF_OK;
}
