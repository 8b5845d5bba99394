/* Port: which daemons work on this database. Each operation is one durable transaction. All may
 * suspend. */
#pragma once

#include "base/error.h"
#include "domain/instance.h"

struct nf_instance_store {
    const struct nf_instance_store_ops *ops;
};

struct nf_instance_store_ops {
    /* Be there, with i's identity, token, address, version, started_ms and lease_until_ms: under
     * the number that the same identity had, else under the lowest that is free. Sets i->number.
     * NF_E_LIMIT: NF_INSTANCE_MAX are there. */
    enum nf_code (*join)(struct nf_instance_store *s, struct nf_instance *i, struct nf_err *err);
    /* Still there. NF_E_CONFLICT: given up as dead, or another process has the number. */
    enum nf_code (*keep)(struct nf_instance_store *s, int64_t number, int64_t token,
                         int64_t lease_until_ms, struct nf_err *err);
    /* Gone, whether it left or is given up: state and lease_until_ms = now. Only if it is still the
     * process `token`; else nothing happens. */
    enum nf_code (*leave)(struct nf_instance_store *s, int64_t number, int64_t token,
                          int64_t now_ms, struct nf_err *err);
    /* All that are there or were of late, by number. */
    enum nf_code (*list)(struct nf_instance_store *s, struct nf_instances *ret, struct nf_err *err);
    /* The time by the clock that all instances share, in epoch milliseconds; `now_ms` where there
     * is only this one's. */
    enum nf_code (*now)(struct nf_instance_store *s, int64_t now_ms, int64_t *ret,
                        struct nf_err *err);
};
