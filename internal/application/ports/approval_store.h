/*
 * Port: questions to people whether a call may run. Each operation is one durable transaction. All
 * may suspend.
 *
 * A claim belongs to the turn whose call it is, and is checked like everything that a claimed turn
 * writes; that of a call by hand has session_id 0 and the call's own task as run_id.
 */
#pragma once

#include "application/ports/turn_runner.h"
#include "domain/approval.h"
#include "domain/task.h"

struct nf_approval_store {
    const struct nf_approval_store_ops *ops;
};

struct nf_approval_store_ops {
    /* Write down the question, and that its step, which runs, waits. NF_E_CONFLICT: the claim is
     * lost, or the step does not run. */
    enum nf_code (*ask)(struct nf_approval_store *s, const struct nf_claim *c,
                        const struct nf_approval_request *r, struct nf_err *err);
    /* NF_E_NOT_FOUND. of_task: the newest one of that task. */
    enum nf_code (*get)(struct nf_approval_store *s, int64_t id, struct nf_approval_request *ret,
                        struct nf_err *err);
    enum nf_code (*of_task)(struct nf_approval_store *s, int64_t task_id,
                            struct nf_approval_request *ret, struct nf_err *err);
    /* At most `limit` that may be decided now and come after `after_id`, oldest first; of
     * `user_id`, or 0: of everybody. */
    enum nf_code (*open)(struct nf_approval_store *s, int64_t user_id, int64_t now_ms,
                         int64_t after_id, size_t limit, struct nf_approval_requests *ret,
                         struct nf_err *err);
    /* Store r's decision, who, when and why. NF_E_CONFLICT: somebody else was first, it has
     * expired, or its hash is not r->hash. */
    enum nf_code (*decide)(struct nf_approval_store *s, const struct nf_approval_request *r,
                           struct nf_err *err);
    /* Use the approval, and let its step, which waits, run. NF_E_DENIED: there is none of that hash
     * that is allowed, not used and not expired, and nothing happened. NF_E_CONFLICT: the claim is
     * lost, or the step does not wait. */
    enum nf_code (*use)(struct nf_approval_store *s, const struct nf_claim *c, int64_t task_id,
                        int64_t id, const char *hash, int64_t now_ms, struct nf_err *err);
    /* Nobody waits for it any more: NF_APPROVAL_EXPIRED or NF_APPROVAL_CANCELLED. NF_E_CONFLICT: it
     * is neither pending nor allowed. */
    enum nf_code (*close)(struct nf_approval_store *s, int64_t id, enum nf_approval_status status,
                          struct nf_err *err);
    /* Cancel all of a turn that are pending or allowed. */
    enum nf_code (*cancel)(struct nf_approval_store *s, int64_t turn_id, struct nf_err *err);
};
