/* Port: the time zones of this machine. */
#pragma once

#include "domain/zone.h"

struct nf_zones {
    const struct nf_zones_ops *ops;
};

struct nf_zones_ops {
    /* *ret is borrowed and lives as long as the port. NF_E_INVALID: there is no zone of that name.
     * Never suspends. */
    enum nf_code (*find)(struct nf_zones *z, const char *name, const struct nf_zone **ret,
                         struct nf_err *err);
};

static inline NF_RC nf_zones_find(struct nf_zones *z, const char *name, const struct nf_zone **ret,
                                  struct nf_err *err)
{
    return z->ops->find(z, name, ret, err);
}
