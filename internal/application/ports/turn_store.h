/*
 * Port: the life of a turn in the database. Each operation is one durable transaction: it is
 * committed as a whole when the function returns NF_OK, and has left no trace otherwise. All may
 * suspend.
 *
 * Whatever a claimed turn writes carries its fence. An operation whose fence is no longer the
 * session's is refused as a whole with NF_E_CONFLICT: somebody else works on the session now, and
 * the caller must stop.
 */
#pragma once

#include "application/ports/turn_runner.h"
#include "domain/message.h"
#include "domain/outbox.h"
#include "domain/session.h"
#include "domain/task.h"
#include "domain/usage.h"

#define NF_JOINED_REASON "answered together with the message before it"

struct nf_fire; /* see schedule_store.h */

/* A person's message on its way in. Borrowed. */
struct nf_accept {
    const char *source; /* with client_id the key against doubles: "web:<user id>", "tg:<bot>" */
    const char *client_id;
    int64_t user_id;
    int64_t session_id;
    const struct nf_session *create; /* not NULL: the session is new, create it like this */
    int64_t run_id;                  /* of the turn that will answer */
    int64_t step_id;                 /* of its first model call */
    const char *content;
    const struct nf_parts *parts; /* what is attached; NULL: nothing */
    int64_t branch;               /* as of struct nf_message */
    int64_t now_ms;
    int64_t owner;    /* who claims: an instance number, > 0 */
    int64_t lease_ms; /* 0: do not claim */
    /* Where it would have to wait, how many of the session's owner may; 0: as many as come. */
    int64_t user_waiting_max;
    int64_t full_at; /* not 0: so many wait, and nothing new is taken */
    bool retires;    /* it is the last of its session: the chat goes on in another */
    const char *ref; /* the network's id of the message: NF_CHAT_ASKED of its run; NULL: none */
    const char *cursor_source, *cursor; /* how far the network was read; NULL: not said */
    struct nf_fire *fire; /* it is a run of a schedule, which is written with it; NULL: none */
};

/* Another text for a message that waits. Borrowed. */
struct nf_revise {
    const char *source, *client_id; /* of the edit: the key against doubles */
    int64_t user_id, session_id, run_id;
    const char *content;
    const struct nf_parts *parts; /* NULL: none */
    const char *cursor_source, *cursor;
    int64_t now_ms;
};

/* The first outcome, also for a double. */
struct nf_accepted {
    bool duplicate;
    int64_t session_id, run_id, seq;
    bool claimed; /* the session was free and is ours: `claim` says with which fence */
    struct nf_claim claim;
};

/* A turn's end. Borrowed. Messages get their seq here: `seq` and `session_id` are ignored. */
struct nf_finish {
    struct nf_claim claim;
    enum nf_task_status status;        /* completed, failed or cancelled */
    const char *reason;                /* NULL if completed */
    const char *model;                 /* "provider/model", NULL if none answered */
    const struct nf_message *messages; /* in order; the last is what is delivered */
    size_t messages_n;
    const struct nf_task *step; /* the last step, ended with it; NULL: none is open */
    const struct nf_usage *usage;
    size_t usage_n;
    struct nf_tokens tokens;             /* the sum of it, kept with the turn */
    const struct nf_outbox_item *outbox; /* session, user, run and seq are filled in; NULL: none */
    int64_t now_ms;
};

struct nf_finished {
    int64_t last_seq; /* of the last message written */
    int64_t pending;  /* turns of the session that still wait */
};

/* Sessions that were taken to be worked on: their turns are still to be claimed, which moves their
 * fence to `fence`. */
struct nf_lease {
    int64_t session_id, user_id, fence;
};
struct nf_leases {
    struct nf_lease *v;
    size_t n;
};

/* Whose turn it is among those that wait: people take turns, by their ids. */
struct nf_round {
    int64_t owner, lease_ms, now_ms;
    int64_t after_user; /* who comes first: the next one behind this user */
    size_t each;        /* sessions of one person, at most, longest waiting first */
    size_t limit;       /* sessions in all */
};

struct nf_turn_store {
    const struct nf_turn_store_ops *ops;
};

struct nf_turn_store_ops {
    /* Store the message, of a session of theirs or a shared one, its turn (pending) and, where the
     * session is free and `lease_ms` > 0, claim it with the first model step begun. NF_E_NOT_FOUND:
     * no such session of that user; NF_E_LIMIT: NF_SESSION_QUEUE_MAX turns wait, or as many of the
     * person or in all as may; NF_E_UNAVAILABLE: the database is full or locked, and nothing was
     * stored; NF_E_CONFLICT: the session to create has come to be meanwhile, or the run of the
     * schedule was refused. */
    enum nf_code (*accept)(struct nf_turn_store *s, const struct nf_accept *in,
                           struct nf_accepted *ret, struct nf_err *err);
    /* Claim the session and its oldest unfinished turn (pending, or running from an attempt that
     * was cut off). `fence`: that of the owner's lease, if it has taken the session; else 0.
     * NF_E_NOT_FOUND: nothing waits, or somebody holds the lease. */
    enum nf_code (*claim)(struct nf_turn_store *s, int64_t session_id, int64_t fence, int64_t owner,
                          int64_t lease_ms, int64_t now_ms, struct nf_claim *ret,
                          struct nf_err *err);
    /* Begin a step: insert it, or begin it again, as running. A call by hand has no turn: its claim
     * has session_id 0 and the step's own id as run_id, and its n is 0; nothing guards it. */
    enum nf_code (*step_begin)(struct nf_turn_store *s, const struct nf_claim *c,
                               const struct nf_task *step, struct nf_err *err);
    /* End a step with `step`'s status, result, reply, tokens and reason. */
    enum nf_code (*step_end)(struct nf_turn_store *s, const struct nf_claim *c,
                             const struct nf_task *step, struct nf_err *err);
    /* The journal of a turn, by n: what an attempt that was cut off had done. */
    enum nf_code (*steps)(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                          struct nf_err *err);
    /* End the turn and free the session. `item_id`: of the outbox item, 0 if there is none. */
    enum nf_code (*finish)(struct nf_turn_store *s, const struct nf_finish *f, int64_t item_id,
                           struct nf_finished *ret, struct nf_err *err);
    /* Free the session with the turn unfinished: it is claimed again later. */
    enum nf_code (*park)(struct nf_turn_store *s, const struct nf_claim *c, int64_t now_ms,
                         struct nf_err *err);
    /* Cancel a turn that is still pending. NF_E_NOT_FOUND: no such pending turn of that session. */
    enum nf_code (*cancel_pending)(struct nf_turn_store *s, int64_t session_id, int64_t run_id,
                                   int64_t now_ms, struct nf_err *err);
    /* Replace what a waiting turn's message says. NF_OK also for a double; NF_E_NOT_FOUND: it does
     * not wait, or is not theirs, and nothing happened. */
    enum nf_code (*revise)(struct nf_turn_store *s, const struct nf_revise *in, struct nf_err *err);
    /* The claimed turn answers the message of `run_id` too, a turn of the same user that waits:
     * that turn ends as completed and its message gets the claimed turn's run. NF_E_NOT_FOUND: it
     * does not wait, or is somebody else's. */
    enum nf_code (*join)(struct nf_turn_store *s, const struct nf_claim *c, int64_t run_id,
                         int64_t now_ms, struct nf_err *err);
    /* Extend every lease of `owner` to now + lease_ms. */
    enum nf_code (*heartbeat)(struct nf_turn_store *s, int64_t owner, int64_t lease_ms,
                              int64_t now_ms, struct nf_err *err);
    /* Give up every lease of `owner`: an earlier process of this instance is dead. */
    enum nf_code (*release)(struct nf_turn_store *s, int64_t owner, struct nf_err *err);
    /* Take sessions whose turn waits and which nobody works on, as *round says. What another
     * instance takes at the same moment is left to it, and nobody waits for anybody. */
    enum nf_code (*take)(struct nf_turn_store *s, const struct nf_round *round,
                         struct nf_leases *ret, struct nf_err *err);
    /* How many could be taken, counted up to `max`. */
    enum nf_code (*waiting)(struct nf_turn_store *s, int64_t now_ms, size_t max, size_t *ret,
                            struct nf_err *err);
};

void nf_leases_done(struct nf_leases *l);
