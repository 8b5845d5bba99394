/* Use case: a person wants the current turn to end. */
#pragma once

#include "application/deps.h"

/*
 * Stop the turn of that session: one that runs is cancelled and ends with what was said so far; one
 * that still waits is cancelled in the database, and *waited is its run_id (else 0). `run_id` 0:
 * whatever runs, else the oldest waiting. NF_E_NOT_FOUND: no such session of that user, or nothing
 * to stop. May suspend.
 */
NF_RC nf_stop_turn(struct nf_app *a, const struct nf_user *user, int64_t session_id, int64_t run_id,
                   int64_t *waited, struct nf_err *err);

struct nf_stopped {
    bool running;   /* a turn was cancelled, and ends with what was said so far */
    size_t waiting; /* turns that had not begun */
};
/* Stop all of the session that is the user's own, or, for owners and admins, everybody's. May
 * suspend. */
NF_RC nf_stop_all(struct nf_app *a, const struct nf_user *user, int64_t session_id,
                  struct nf_stopped *ret, struct nf_err *err);
