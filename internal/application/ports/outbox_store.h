/* Port: the outbox. Each operation is one durable transaction. All may suspend. */
#pragma once

#include "domain/outbox.h"

struct nf_outbox_store {
    const struct nf_outbox_store_ops *ops;
};

struct nf_outbox_store_ops {
    /* At most `limit` pending items with next_ms <= now_ms, oldest first; only the first of each
     * session, so that a reply cannot overtake an earlier one. */
    enum nf_code (*due)(struct nf_outbox_store *s, int64_t now_ms, size_t limit,
                        struct nf_outbox_items *ret, struct nf_err *err);
    /* Whether replies to other turns of the run's session are still on their way: what is shown of
     * the run now would overtake them. False for a run that is unknown. */
    enum nf_code (*ahead)(struct nf_outbox_store *s, int64_t run_id, bool *ret, struct nf_err *err);
    /* pending -> sending, by the instance `owner`. NF_E_CONFLICT: somebody else took it. */
    enum nf_code (*begin)(struct nf_outbox_store *s, int64_t id, int64_t owner, struct nf_err *err);
    /* It arrived: the item is removed. NF_E_NOT_FOUND: it was removed before. */
    enum nf_code (*sent)(struct nf_outbox_store *s, int64_t id, struct nf_err *err);
    /* Another state than sent, of what is pending or sent by `owner`; attempt + 1; `reason` for a
     * person. NF_E_NOT_FOUND: it was removed, or is another's by now. */
    enum nf_code (*update)(struct nf_outbox_store *s, int64_t id, int64_t owner,
                           enum nf_outbox_status status, int64_t next_ms, const char *reason,
                           struct nf_err *err);
    /* Bring the reply of a run that has ended once more, as item `id`, unless it is still to be
     * brought as a whole: what was shown of it may have been written over. */
    enum nf_code (*again)(struct nf_outbox_store *s, int64_t id, int64_t run_id, int64_t now_ms,
                          struct nf_err *err);
    /* Items that the instance `owner` was sending when it died, or one that is gone, become
     * `status`. *ret: how many. */
    enum nf_code (*recover)(struct nf_outbox_store *s, const char *channel, int64_t owner,
                            enum nf_outbox_status status, int64_t *ret, struct nf_err *err);
};
