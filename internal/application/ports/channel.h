/* Port: a network that people write from, in the direction from us to them. */
#pragma once

#include "domain/approval.h"
#include "domain/message.h"
#include "domain/outbox.h"
#include "domain/run_event.h"

struct nf_channel {
    const struct nf_channel_ops *ops;
    const char *name; /* "web" */
    bool repeatable;  /* delivering an item twice does no harm: it needs no commit before it */
    bool pulled; /* its readers fetch from us by position: what is committed has arrived, and to
                    deliver is only to announce it. It has no outbox. */
};

struct nf_channel_ops {
    /* Show what happens in a turn while it happens. Best effort, must not suspend or fail: what a
     * person must get comes again through deliver. */
    void (*show)(struct nf_channel *c, const struct nf_run_event *e);
    /* Deliver one outbox item, whose message is `m`; `last` is the event that ends its run. May
     * suspend. NF_OK: the network has it, or can fetch it from us by position. NF_E_UNAVAILABLE,
     * NF_E_TIMEOUT: try again later, and it surely did not arrive. NF_E_CONFLICT: it may have
     * arrived. Else it never will. */
    enum nf_code (*deliver)(struct nf_channel *c, const struct nf_outbox_item *item,
                            const struct nf_message *m, const struct nf_run_event *last,
                            struct nf_err *err);
    /* Show a question whether a call may run, or what became of it, to user `to`: "yours" if they
     * may allow it. Best effort, must not suspend or fail. NULL: this network asks nobody. */
    void (*approval)(struct nf_channel *c, int64_t to, const struct nf_approval_request *r,
                     const struct nf_user *requester, bool yours);
};

static inline void nf_channel_show(struct nf_channel *c, const struct nf_run_event *e)
{
    c->ops->show(c, e);
}

static inline NF_RC nf_channel_deliver(struct nf_channel *c, const struct nf_outbox_item *item,
                                       const struct nf_message *m, const struct nf_run_event *last,
                                       struct nf_err *err)
{
    return c->ops->deliver(c, item, m, last, err);
}

static inline void nf_channel_approval(struct nf_channel *c, int64_t to,
                                       const struct nf_approval_request *r,
                                       const struct nf_user *requester, bool yours)
{
    if (c->ops->approval)
        c->ops->approval(c, to, r, requester, yours);
}

/* The channels there are; find returns NULL for a name that is none of them. */
struct nf_channels {
    struct nf_channel *v[8];
    size_t n;
};
struct nf_channel *nf_channels_find(const struct nf_channels *c, const char *name);
