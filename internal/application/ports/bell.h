/* Port: waiting until another part of this process says that something has changed. What has
 * changed is in the database; a bell that is not heard costs time and nothing else. */
#pragma once

#include "base/error.h"

#include <stdint.h>

struct nf_bell {
    const struct nf_bell_ops *ops;
};

struct nf_bell_ops {
    /* How often any bell was rung. Taken before one looks whether one has to wait. */
    uint64_t (*count)(struct nf_bell *b);
    /* Wait until bell `id` is rung, or at most `ms`. NF_OK, also at once if any bell was rung since
     * `count`; NF_E_TIMEOUT; NF_E_CANCELED. Suspends. */
    enum nf_code (*wait)(struct nf_bell *b, int64_t id, uint64_t count, int64_t ms,
                         struct nf_err *err);
    /* Wake all who wait for `id`. Never suspends. */
    void (*ring)(struct nf_bell *b, int64_t id);
};
