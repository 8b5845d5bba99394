/* Use case: be one of several instances on one database, and take over from those that died. */
#pragma once

#include "application/deps.h"

struct nf_instance_watch {
    int64_t kept_ms;       /* when last, by the monotonic clock */
    int64_t kept_since_ms; /* without a gap; 0: not yet */
    int64_t taken_over;    /* instances found dead so far */
};

/* Get a number, which becomes app.owner, and app.token. `identity` is the same after a restart.
 * NF_E_LIMIT: too many are there. May suspend. */
NF_RC nf_instance_join(struct nf_app *a, const char *identity, const char *address,
                       const char *version, int64_t token, struct nf_err *err);

/* Three times within settings.lease_ms: say that we are there, and take over what others did whose
 * lease is over. After an outage everybody has time to say so before anybody is given up.
 * NF_E_CONFLICT: we were given up ourselves: stop. May suspend. */
NF_RC nf_instance_keep(struct nf_app *a, struct nf_instance_watch *w, struct nf_err *err);

/* The last thing to do: nothing of ours is left to take over. May suspend. */
NF_RC nf_instance_leave(struct nf_app *a, struct nf_err *err);
