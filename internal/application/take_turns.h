/* Use case: of the turns that wait, take those whose turn it is. */
#pragma once

#include "application/deps.h"

#define NF_TAKE_MAX 64 /* sessions taken at once */

/*
 * Take up to `limit` (at most NF_TAKE_MAX) sessions that wait. People take turns, from the one
 * behind *after_user on, which moves: first one session of each, and only where there are fewer
 * people than places more than one. So who has a thousand messages waiting delays nobody else's by
 * more than one turn each. Their turns are then claimed with the lease's fence. May suspend.
 */
NF_RC nf_take_turns(struct nf_app *a, int64_t *after_user, size_t limit, struct nf_leases *ret,
                    struct nf_err *err);
