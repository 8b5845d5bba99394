/* Use case: go on after a crash or a restart. */
#pragma once

#include "application/deps.h"

struct nf_recovered {
    size_t turns;   /* sessions whose turns are being worked on again */
    int64_t outbox; /* items whose delivery is tried again */
};

/* At start, before intake: give up the leases of this instance's dead predecessor, settle what was
 * being sent, and wake every session with an unfinished turn. May suspend. */
NF_RC nf_recover(struct nf_app *a, struct nf_recovered *ret, struct nf_err *err);

/* From time to time: extend our leases, wake sessions whose owner let the lease run out, deliver
 * what is due. May suspend. */
NF_RC nf_keep_going(struct nf_app *a, struct nf_err *err);
