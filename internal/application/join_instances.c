#include "application/join_instances.h"

#include "application/recover.h"
#include "base/own.h"

#include <string.h>

static NF_RC copy(char *to, size_t size, const char *from, const char *what, struct nf_err *err)
{
    size_t n = strlen(from);
    if (n >= size)
        return nf_err_set(err, NF_E_LIMIT, "%s has at most %zu bytes", what, size - 1);
    memcpy(to, from, n + 1);
    return NF_OK;
}

enum nf_code nf_instance_join(struct nf_app *a, const char *identity, const char *address,
                              const char *version, int64_t token, struct nf_err *err)
{
    struct nf_instance i = { .token = token,
                             .started_ms = nf_app_now(a),
                             .lease_until_ms = nf_app_now(a) + a->settings.lease_ms };
    NF_TRY(copy(i.identity, sizeof(i.identity), identity, "an instance's identity", err));
    NF_TRY(copy(i.address, sizeof(i.address), address, "an instance's address", err));
    NF_TRY(copy(i.version, sizeof(i.version), version, "a version", err));
    NF_TRY(a->instances->ops->join(a->instances, &i, err));
    a->owner = i.number;
    a->token = token;
    return NF_OK;
}

static NF_RC bury_dead(struct nf_app *a, struct nf_instance_watch *w, struct nf_err *err)
{
    NF_CLEANUP(nf_instances_done) struct nf_instances all = { 0 };
    int64_t ignored;
    NF_TRY(a->instances->ops->list(a->instances, &all, err));
    for (size_t k = 0; k < all.n; k++) {
        const struct nf_instance *i = &all.v[k];
        if (i->number == a->owner || i->state != NF_INSTANCE_HERE ||
            i->lease_until_ms > nf_app_now(a))
            continue;
        /* Marked as gone only behind it: if we die in between, somebody else does it again. */
        NF_TRY(nf_take_over(a, i->number, &ignored, err));
        NF_TRY(a->instances->ops->leave(a->instances, i->number, i->token, nf_app_now(a), err));
        w->taken_over++;
    }
    return NF_OK;
}

enum nf_code nf_instance_keep(struct nf_app *a, struct nf_instance_watch *w, struct nf_err *err)
{
    int64_t lease_ms = a->settings.lease_ms, until = nf_app_now(a) + lease_ms;
    enum nf_code rc = a->instances->ops->keep(a->instances, a->owner, a->token, until, err);
    int64_t now = nf_clock_mono_us(a->clock) / 1000;
    if (rc != NF_OK) {
        w->kept_since_ms = 0;
        return rc;
    }
    /* If it took that long for us, the others may have had to wait as well. */
    if (w->kept_since_ms == 0 || now - w->kept_ms > lease_ms * 2 / 3)
        w->kept_since_ms = now;
    w->kept_ms = now;
    return now - w->kept_since_ms >= lease_ms ? bury_dead(a, w, err) : NF_OK;
}

enum nf_code nf_instance_leave(struct nf_app *a, struct nf_err *err)
{
    return a->instances->ops->leave(a->instances, a->owner, a->token, nf_app_now(a), err);
}
