/* Use case: run one tool of a skill, for a model or for a person. */
#pragma once

#include "application/deps.h"

/* One call, and how it goes. The step is the caller's; the journal has it before anything runs and
 * after it has ended. */
struct nf_execution {
    const struct nf_claim *claim; /* a call by hand: see ports/approval_store.h */
    struct nf_task *step;         /* name, args, call_id; running or, in the journal, waiting */
    bool in_journal;              /* the journal has it: an earlier attempt began it */
    bool by_hand;                 /* a person wrote it: they have said yes to `ask` */
    /* Shown while it runs. Must not suspend; NULL: to nobody. */
    void (*progress)(void *arg, int percent, const char *text);
    /* It begins to wait for an approval, or goes on. Must not suspend; may be NULL. */
    void (*waiting)(void *arg, bool waits);
    void *arg;

    bool ended;          /* out: its end is in the journal */
    bool lost;           /* out: a write was refused: somebody else owns the session now */
    int64_t approval_id; /* out: what was asked, 0: nothing */
    enum nf_code rc;     /* out: of the tool; the result is what the model reads of it */
    char why[NF_APPROVAL_REASON_MAX + 256]; /* out: the tool's failure, or ours to run it */
};

/*
 * Find the tool, check its arguments, ask if that is needed, run it, and write down each step. A
 * failure of the tool, a refusal and a call that is wrong are results too: NF_OK with x->rc set,
 * and step->result is what the model shall read. An error is ours: the step's end is not written
 * down, or (NF_E_CANCELED) it was cancelled. A step of the journal that ran when we died is
 * repeated if it is idempotent, else it ends as unknown; if it needs an approval and used none, it
 * cannot have run, and is begun again. A call that is repeated asks again: an approval holds once.
 * May suspend.
 */
NF_RC nf_execute_skill(struct nf_app *a, struct nf_execution *x, struct nf_err *err);

/* What a call by hand gave. */
struct nf_run_result {
    struct nf_task task; /* its end, with the result */
};
void nf_run_result_done(struct nf_run_result *r);

/* A person runs a tool by hand, outside of any session. NF_E_DENIED: the account is blocked; else
 * what became of the tool. *ret is filled in as far as known also on failure. May suspend. */
NF_RC nf_run_skill(struct nf_app *a, const struct nf_user *user, const char *name, const char *args,
                   struct nf_run_result *ret, struct nf_err *err);
