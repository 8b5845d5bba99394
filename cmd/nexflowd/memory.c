#include "cmd/nexflowd/memory.h"

#include <malloc.h>

#define ARENAS 4       /* the loop's, and one for each thread of the database */
#define WORK_FIBERS 32 /* started in a second: more are a burst of work */

/* libcurl's librtmp, which we never use, brings GnuTLS along. This keeps GnuTLS from initialising
 * itself on being loaded: 1.6 MiB and the system's PKCS #11 configuration. See "Initialization" in
 * its manual, GNUTLS_SKIP_GLOBAL_INIT. */
/* NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): its name */
int _gnutls_global_init_skip(void);
int _gnutls_global_init_skip(void)
{
    return 1;
}
/* NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming) */

void nf_memory_setup(void)
{
    (void)mallopt(M_ARENA_MAX, ARENAS);
}

void nf_memory_upkeep(struct nf_memory_upkeep *u, size_t turns_running)
{
    size_t spawned = nf_fiber_stats().spawned;
    bool working = turns_running > 0 || spawned - u->spawned > WORK_FIBERS;
    u->spawned = spawned;
    if (!working && u->busy)
        (void)malloc_trim(0);
    u->busy = working;
}
