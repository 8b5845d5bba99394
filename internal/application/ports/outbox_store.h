/* Port: the outbox. Each operation is one durable transaction. All may suspend. */
#pragma once

#include "domain/outbox.h"

struct nf_outbox_store {
    const struct nf_outbox_store_ops *ops;
};

struct nf_outbox_store_ops {
    /* At most `limit` pending items with next_ms <= now_ms, oldest first; only the oldest of each
     * session, so that a reply cannot overtake an earlier one. */
    enum nf_code (*due)(struct nf_outbox_store *s, int64_t now_ms, size_t limit,
                        struct nf_outbox_items *ret, struct nf_err *err);
    /* pending -> sending. NF_E_CONFLICT: somebody else took it. */
    enum nf_code (*begin)(struct nf_outbox_store *s, int64_t id, int64_t now_ms,
                          struct nf_err *err);
    /* It arrived: the item is removed. NF_E_NOT_FOUND: it was removed before. */
    enum nf_code (*sent)(struct nf_outbox_store *s, int64_t id, struct nf_err *err);
    /* Another state than sent, from whatever it is in; attempt + 1; `reason` for a person. */
    enum nf_code (*update)(struct nf_outbox_store *s, int64_t id, enum nf_outbox_status status,
                           int64_t next_ms, const char *reason, struct nf_err *err);
    /* At start: items that were `sending` when we died become `status`. *ret: how many. */
    enum nf_code (*recover)(struct nf_outbox_store *s, const char *channel,
                            enum nf_outbox_status status, int64_t *ret, struct nf_err *err);
};
