/*
 * Use case: what is due runs. Its run is written in the commit that starts its turn, so that it
 * runs once however many instances look and whenever one of them dies: there is nothing to take
 * back, and no lease that somebody could outlive.
 */
#pragma once

#include "application/deps.h"

#define NF_SCHEDULES_BATCH 50                                /* looked at at once; more are next */
#define NF_SCHEDULE_CLIENT_ID "schedule:"                    /* how the client_id of a run begins */
#define NF_SCHEDULE_KEPT_MS (INT64_C(90) * 24 * 3600 * 1000) /* runs are remembered for */

/* What is due follows at once; who asks again waits for that, for the bell, or for what lies ahead.
 */
#define NF_SCHEDULES_AGAIN_MS 1000 /* while a run is under way, or there was no room for one */
#define NF_SCHEDULES_LOOK_MS 5000  /* at the longest: a bell was not heard, a clock has stepped */
#define NF_SCHEDULES_BELL 1        /* no id, which are far larger */

/* Run what is due, and write down how earlier runs ended. What cannot be done for one does not keep
 * the others: the first such failure is returned. *quiet, always set: for how long nothing will be
 * due, unless the bell rings. While nothing is due that takes one read. May suspend. */
NF_RC nf_run_due_schedules(struct nf_app *a, int64_t *quiet, struct nf_err *err);

/* Ring the bell: one was made or changed. Never suspends. */
void nf_schedules_changed(struct nf_app *a);

/* Forget old runs. May suspend. */
NF_RC nf_tidy_schedules(struct nf_app *a, struct nf_err *err);

/* Run it now, besides its times: a person asks for it and is there. NF_E_LIMIT: the day's budget,
 * or too many messages wait; NF_E_CONFLICT: it changed meanwhile, or is done; NF_E_DENIED: it asks
 * a model and is somebody else's. May suspend. */
NF_RC nf_schedule_run_now(struct nf_app *a, const struct nf_user *user, int64_t id,
                          struct nf_schedule_run *ret, struct nf_err *err);

/* The message is called like one that a schedule made. Pure. */
bool nf_is_from_schedule(const struct nf_message *m);
