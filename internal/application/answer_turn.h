/* Use case: answer a claimed turn. */
#pragma once

#include "application/deps.h"

/* How a turn that was cancelled shall end. */
enum nf_turn_end {
    NF_TURN_FAIL = 0, /* nobody said how: it has failed */
    NF_TURN_STOPPED,  /* the person stopped it: what was said so far is kept */
    NF_TURN_PARKED,   /* we shut down: it is answered after the next start */
};

/* Between a turn and what runs it. */
struct nf_turn_control {
    enum nf_turn_end end; /* in: read after a port returned NF_E_CANCELED */
    /* Called once, before the turn's end is written down: from then on it must not be cancelled,
     * and waits must work again. NULL in tests. */
    void (*ending)(struct nf_turn_control *c);
    /* A call of the turn begins to wait for a person, or goes on: as often the one as the other.
     * While any waits, the turn's time does not run. NULL in tests. */
    void (*waiting)(struct nf_turn_control *c, bool waits);
    enum nf_task_status status; /* out: how it ended, 0 if nothing was written */
    bool more;                  /* out: other turns of the session wait */
};

/*
 * Read the history, ask the model, run the tools it calls, write down the answer, deliver it. Every
 * path ends in a committed outcome: an answer, a notice that says what went wrong and what to do,
 * or (parked) a session that is free to be claimed again. NF_E_CONFLICT: somebody else owns the
 * session now, and nothing more was written. NF_E_UNAVAILABLE, NF_E_IO: the outcome could not be
 * written; the lease runs out and the turn is claimed again. May suspend, for minutes.
 */
NF_RC nf_answer_turn(struct nf_app *a, const struct nf_claim *c, struct nf_turn_control *control,
                     struct nf_err *err);

/* Claim the oldest unfinished turn of the session; `fence`: of our lease on it, if it was taken
 * before, else 0. NF_E_NOT_FOUND: nothing to do. May suspend. */
NF_RC nf_claim_turn(struct nf_app *a, int64_t session_id, int64_t fence, struct nf_claim *ret,
                    struct nf_err *err);
