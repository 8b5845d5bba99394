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

/* What it was sending when it died may have arrived. Where sending again does no harm it is sent
 * again; elsewhere the channel's own rule decides later. *ret: how many. May suspend. */
NF_RC nf_recover_outbox(struct nf_app *a, int64_t instance, int64_t *ret, struct nf_err *err);

/* The instance is dead: give up its leases and settle what it was doing. Doing it twice does no
 * harm. *outbox: items it was sending. May suspend. */
NF_RC nf_take_over(struct nf_app *a, int64_t instance, int64_t *outbox, struct nf_err *err);

/* Every second: wake sessions whose owner let the lease run out. May suspend. */
NF_RC nf_keep_going(struct nf_app *a, struct nf_err *err);

/* While turns run, several times within settings.lease_ms: extend our leases. May suspend. */
NF_RC nf_keep_leases(struct nf_app *a, struct nf_err *err);

/* Every hour: forget credentials and codes that have expired, and messages of chats after 30 days.
 * May suspend. */
NF_RC nf_tidy_up(struct nf_app *a, struct nf_err *err);
