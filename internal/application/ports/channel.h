/* Port: a network that people write from, in the direction from us to them. */
#pragma once

#include "application/ports/chat.h"
#include "domain/approval.h"
#include "domain/message.h"
#include "domain/outbox.h"
#include "domain/run_event.h"

struct nf_channel {
    const struct nf_channel_ops *ops;
    const char *name; /* "web" */
    bool repeatable;  /* delivering an item twice does no harm: it needs no commit before it */
    bool resumable;   /* nor does it one after the other: what was cut off is delivered again */
    bool pulled; /* its readers fetch from us by position: what is committed has arrived, and to
                    deliver is only to announce it. It has no outbox. */
};

/* Something that a person hears unasked. Borrowed. */
struct nf_notice {
    const char *markdown;
    const char *russian; /* the same for owners who read that; NULL: all get `markdown` */
    const struct nf_chat_button *buttons;
    size_t buttons_n;
    int64_t id; /* told again with the same one, their message is edited; 0: it is a new one */
};

struct nf_channel_ops {
    /* Show what happens in a turn while it happens. Best effort, must not suspend or fail: what a
     * person must get comes again through deliver. */
    void (*show)(struct nf_channel *c, const struct nf_run_event *e);
    /* Deliver one outbox item, whose message is `m`; `last` is the event that ends its run. May
     * suspend. NF_OK: the network has it, or can fetch it from us by position. NF_E_CONFLICT: it
     * may have arrived. NF_E_INVALID, NF_E_NOT_FOUND, NF_E_DENIED, NF_E_LIMIT: it never will. Else
     * try again later: it surely did not arrive. */
    enum nf_code (*deliver)(struct nf_channel *c, const struct nf_outbox_item *item,
                            const struct nf_message *m, const struct nf_run_event *last,
                            struct nf_err *err);
    /* Show a question whether a call may run, or what became of it, to user `to`: "yours" if they
     * may allow it. Best effort, must not suspend or fail. NULL: this network asks nobody. */
    void (*approval)(struct nf_channel *c, int64_t to, const struct nf_approval_request *r,
                     const struct nf_user *requester, bool yours);
    /* Say something to the chat `address` that belongs to no turn: Markdown. May suspend. It
     * arrived once or not at all. NULL: this network cannot. */
    enum nf_code (*tell)(struct nf_channel *c, const char *address, const char *markdown,
                         struct nf_err *err);
    /* Say something to a person in their private chat. May suspend. NF_E_NOT_FOUND: they have no
     * account in this network; NF_E_UNAVAILABLE: it is out of reach now; else as `tell`. NULL: this
     * network reaches nobody by itself. */
    enum nf_code (*reach)(struct nf_channel *c, int64_t user_id, const struct nf_notice *n,
                          struct nf_err *err);
    /* Nothing more of this attempt is to be shown: it was left without an end, or its reply comes
     * by the outbox. Must not suspend or fail. NULL: not needed. */
    void (*drop)(struct nf_channel *c, int64_t run_id);
};

static inline void nf_channel_show(struct nf_channel *c, const struct nf_run_event *e)
{
    c->ops->show(c, e);
}

static inline void nf_channel_drop(struct nf_channel *c, int64_t run_id)
{
    if (c->ops->drop)
        c->ops->drop(c, run_id);
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

static inline NF_RC nf_channel_tell(struct nf_channel *c, const char *address, const char *markdown,
                                    struct nf_err *err)
{
    if (!c->ops->tell)
        return nf_err_set(err, NF_E_DENIED, "%s tells nobody anything by itself", c->name);
    return c->ops->tell(c, address, markdown, err);
}

static inline NF_RC nf_channel_reach(struct nf_channel *c, int64_t user_id,
                                     const struct nf_notice *n, struct nf_err *err)
{
    if (!c->ops->reach)
        return nf_err_set(err, NF_E_NOT_FOUND, "%s reaches nobody by itself", c->name);
    return c->ops->reach(c, user_id, n, err);
}

#define NF_CHANNELS_MAX 32 /* the page, and bots of networks */

/* The channels there are; find returns NULL for a name that is none of them. */
struct nf_channels {
    struct nf_channel *v[NF_CHANNELS_MAX];
    size_t n;
};
struct nf_channel *nf_channels_find(const struct nf_channels *c, const char *name);
