/* Runs claimed turns, a fiber each: the turn_runner port. */
#pragma once

#include "application/deps.h"
#include "runtime/fiber.h"

struct nf_turns;

/* Fibers live in `scope`, which outlives it. */
NF_RC nf_turns_new(struct nf_app *a, struct nf_scope *scope, size_t turns_max,
                   struct nf_turns **ret, struct nf_err *err);
/* Nothing may run any more. NULL is allowed. */
void nf_turns_free(struct nf_turns *t);

struct nf_turn_runner *nf_turns_runner(struct nf_turns *t);
size_t nf_turns_running(const struct nf_turns *t);

/* Sessions that we own although nothing runs in them, because their end could not be written: free
 * them, so that they are claimed again. Suspends. */
NF_RC nf_turns_release_orphans(struct nf_turns *t, struct nf_err *err);

/* Shutting down: wait up to `grace_ms` for running turns to end, then park the others. Nothing new
 * may be accepted any more. Suspends. */
void nf_turns_drain(struct nf_turns *t, int64_t grace_ms);
