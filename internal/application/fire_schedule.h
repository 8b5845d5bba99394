/* Use case, a part of it: one schedule whose time has come. */
#pragma once

#include "application/deps.h"

#define NF_BUDGET_DAY_MS INT64_C(86400000) /* tokens are counted by days since 1970 */

/* Run it, or write down why it did not, or pause it where it cannot go on at all. That somebody
 * else was faster is no failure. May suspend. */
NF_RC nf_fire_schedule(struct nf_app *a, const struct nf_schedule *s, struct nf_err *err);
