/* Use case: go on after a crash or a restart. */
#pragma once

#include "application/deps.h"

struct nf_recovered {
    size_t turns;   /* sessions whose turns are being worked on again */
    int64_t outbox; /* items that were being sent, tried again or left ambiguous */
};

/* At start, before intake: give up the leases of this instance's dead predecessor, settle what was
 * being sent, and wake every session with an unfinished turn. May suspend. */
NF_RC nf_recover(struct nf_app *a, struct nf_recovered *ret, struct nf_err *err);

/* Every second: wake sessions whose owner let the lease run out, deliver what is due. Writes only
 * if there is something to do. May suspend. */
NF_RC nf_keep_going(struct nf_app *a, struct nf_err *err);

/* While turns run, three times within settings.lease_ms: extend our leases. May suspend. */
NF_RC nf_keep_leases(struct nf_app *a, struct nf_err *err);

/* Every hour: forget credentials that have expired. May suspend. */
NF_RC nf_tidy_up(struct nf_app *a, struct nf_err *err);
