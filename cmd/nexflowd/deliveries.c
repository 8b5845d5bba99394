#include "cmd/nexflowd/deliveries.h"

#include "application/deliver_reply.h"
#include "base/own.h"
#include "observe/log.h"

#include <stdlib.h>

#define LOOK_MS 1000

struct delivery {
    struct nf_deliveries *all;
    struct nf_outbox_item item;
};

static enum nf_code deliver(void *arg, struct nf_err *err)
{
    struct delivery *d = arg;
    struct nf_deliveries *all = d->all;
    struct nf_err why;
    (void)err;
    enum nf_code rc = nf_deliver_reply(all->app, &d->item, &why);
    /* Another fiber or instance has it, or it went out meanwhile. */
    if (rc != NF_OK && rc != NF_E_CONFLICT && rc != NF_E_NOT_FOUND && rc != NF_E_CANCELED)
        nf_log_warn("delivery.unwritten", "err", why.msg, NULL);
    free(d);
    if (--all->running == 0 && all->idle)
        nf_wait_wake(all->idle, NF_OK);
    return NF_OK;
}

static NF_RC begin_one(struct nf_deliveries *all, const struct nf_outbox_item *item,
                       struct nf_err *err)
{
    struct delivery *d = malloc(sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *d = (struct delivery){ .all = all, .item = *item };
    enum nf_code rc = nf_scope_spawn(all->scope, deliver, d, NULL, err);
    if (rc != NF_OK) {
        free(d);
        return rc;
    }
    all->running++;
    return NF_OK;
}

/* What is being sent is no longer due, so nothing is begun twice. */
enum nf_code nf_deliveries_begin(struct nf_deliveries *all, struct nf_err *err)
{
    NF_CLEANUP(nf_outbox_items_done) struct nf_outbox_items due = { 0 };
    struct nf_outbox_store *outbox = all->app->outbox;
    if (all->running >= NF_DELIVERIES_MAX)
        return NF_OK;
    NF_TRY(outbox->ops->due(outbox, nf_app_now(all->app), NF_DELIVERIES_MAX - all->running, &due,
                            err));
    for (size_t i = 0; i < due.n; i++)
        NF_TRY(begin_one(all, &due.v[i], err));
    return NF_OK;
}

enum nf_code nf_deliveries_run(void *arg, struct nf_err *err)
{
    struct nf_deliveries *all = arg;
    struct nf_err why;
    for (;;) {
        enum nf_code rc = nf_settle_deliveries(all->app, &why);
        if (rc == NF_OK)
            rc = nf_deliveries_begin(all, &why);
        if (rc != NF_OK && rc != NF_E_CANCELED)
            nf_log_warn("upkeep.outbox.failed", "err", why.msg, NULL);
        NF_TRY(nf_sleep(LOOK_MS, err));
    }
}

void nf_deliveries_flush(struct nf_deliveries *all, int64_t ms)
{
    struct nf_wait w = { 0 };
    struct nf_err why;
    enum nf_code rc = nf_deliveries_begin(all, &why);
    if (rc == NF_OK && all->running > 0) {
        all->idle = &w;
        rc = nf_wait(&w, ms, "replies to be delivered", &why);
        all->idle = NULL;
    }
    if (rc != NF_OK)
        nf_log_warn("daemon.outbox.left", "err", why.msg, NULL);
}
