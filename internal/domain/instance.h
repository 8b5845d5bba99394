/* One of several daemons that work on the same database. */
#pragma once

#include "domain/limits.h"

#include <stddef.h>
#include <stdint.h>

#define NF_INSTANCE_MAX 1023        /* the highest number; ids have room for no more */
#define NF_INSTANCE_IDENTITY_MAX 64 /* bytes */
#define NF_INSTANCE_ADDRESS_MAX 128
#define NF_INSTANCE_VERSION_MAX 32
/* How long the number of one that is gone is not given to another: whoever was only asleep for that
 * long would make ids that are taken. */
#define NF_INSTANCE_REST_MS INT64_C(3600000)

enum nf_instance_state {
    NF_INSTANCE_HERE = 1,
    NF_INSTANCE_GONE, /* it left, or was found dead and its work was taken over */
};

struct nf_instance {
    int64_t number; /* 1 to NF_INSTANCE_MAX: owner of leases, part of ids */
    char identity[NF_INSTANCE_IDENTITY_MAX + 1];
    int64_t token; /* of the process */
    char address[NF_INSTANCE_ADDRESS_MAX + 1];
    char version[NF_INSTANCE_VERSION_MAX + 1];
    enum nf_instance_state state;
    int64_t started_ms, lease_until_ms;
};

struct nf_instances {
    struct nf_instance *v;
    size_t n;
};
void nf_instances_done(struct nf_instances *l);
