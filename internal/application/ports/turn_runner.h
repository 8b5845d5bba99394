/* Port: who runs claimed turns, each concurrently to its caller. Never suspends. */
#pragma once

#include "domain/task.h"

/* A session that this process may work on until its lease ends, and the turn to answer. */
struct nf_claim {
    int64_t session_id, run_id;
    int64_t user_id; /* who asked; in a group not always the session's owner */
    int64_t seq;     /* of the message to answer */
    int64_t fence;
    int64_t attempt; /* 1, or more after a crash */
    int64_t step_id; /* of its first model call, if accepting the message began it; else 0 */
    char channel[NF_CHANNEL_MAX + 1]; /* of the session: who hears of it, and where */
    char address[NF_ADDRESS_MAX + 1];
    char model[NF_MODEL_NAME_MAX + 1]; /* of the session; "" the default */
    bool shared;                       /* the session is that of a group's people */
};

struct nf_turn_runner {
    const struct nf_turn_runner_ops *ops;
};

struct nf_turn_runner_ops {
    /* Answer the claimed turn, then whatever else waits in that session. */
    void (*start)(struct nf_turn_runner *r, const struct nf_claim *c);
    /* Something may wait in that session: claim and run it unless it is being worked on. */
    void (*wake)(struct nf_turn_runner *r, int64_t session_id);
    /* Something may wait in some session: take as many as there is room for. */
    void (*pull)(struct nf_turn_runner *r);
    /* Whether a turn that is claimed now can start now. If not, it takes its turn among those that
     * wait. */
    bool (*has_room)(const struct nf_turn_runner *r);
    /* Cancel the turn `run_id` (0: any) of that session if it runs here. False if none does. */
    bool (*stop)(struct nf_turn_runner *r, int64_t session_id, int64_t run_id);
};
