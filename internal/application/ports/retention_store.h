/* Port: what is kept for a time only. May suspend. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_RETENTION_BATCH 500 /* rows of each kind that are removed at once */

/* What is older goes; 0: all of it stays. */
struct nf_retention {
    int64_t inbox_before_ms;     /* keys of messages that came: by them a message is known again;
                                    and what bots that are gone had not taken in */
    int64_t cursors_before_ms;   /* how far channels of chat networks were read */
    int64_t approvals_before_ms; /* questions whether a call may run, long decided */
    int64_t usage_before_ms;     /* what model calls used */
    int64_t skills_before_ms;    /* skills that were removed: by when they were */
};

struct nf_retention_store {
    const struct nf_retention_store_ops *ops;
};

struct nf_retention_store_ops {
    /* Remove at most NF_RETENTION_BATCH rows of each kind; *more: there may be more. */
    enum nf_code (*prune)(struct nf_retention_store *s, const struct nf_retention *r, bool *more,
                          struct nf_err *err);
};
