/* This daemon as one of several on one database: its number, and the clock that all share. */
#pragma once

#include "application/join_instances.h"
#include "runtime/loop.h"

/* The database server's clock as it was when we last asked, and what has gone by since on a clock
 * that nobody sets: leases are compared by one clock, however wrong an instance's own is and
 * whenever somebody sets it. Until we have asked it is the system's. Durations are the system's. */
struct nf_shared_clock {
    struct nf_clock port;
    int64_t offset_ms; /* ahead of the monotonic clock */
    bool measured;
};
void nf_shared_clock_init(struct nf_shared_clock *c);

struct nf_daemon_instance {
    struct nf_shared_clock clock;
    struct nf_instance_watch watch;
    bool joined;
    bool left; /* by ourselves: nothing is kept any more */
    bool lost; /* given up as dead: stop */
};

/* Set the clock and join, with an identity that is kept in `data_dir`. a->instances is set. May
 * suspend. */
NF_RC nf_daemon_instance_join(struct nf_daemon_instance *d, struct nf_app *a, const char *data_dir,
                              const char *address, struct nf_err *err);
/* See nf_instance_keep; sets the clock, too. May suspend. */
NF_RC nf_daemon_instance_keep(struct nf_daemon_instance *d, struct nf_app *a, struct nf_err *err);
/* May suspend. */
void nf_daemon_instance_leave(struct nf_daemon_instance *d, struct nf_app *a);
