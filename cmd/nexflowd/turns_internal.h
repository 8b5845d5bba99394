/* What the two halves of turns.h share: fibers that work (turns.c) and who gets the next place
 * (turns_queue.c). */
#pragma once

#include "application/answer_turn.h"
#include "cmd/nexflowd/turns.h"
#include "observe/metrics.h"

/* A fiber that works on one session. */
struct nf_turn_job {
    struct nf_turns *turns;
    struct nf_fiber *fiber;
    int64_t session_id;
    int64_t fence; /* that its session was taken to be claimed with; 0: it was not, or is claimed */
    struct nf_claim claim; /* run_id 0: none yet */
    struct nf_turn_control control;
    struct nf_deadline deadline;
    size_t waiting; /* calls of it that wait for a person: its time does not run */
    int64_t waits_since_us;
    bool ending; /* the turn's end is being written: too late to stop it */
    bool again;  /* something came in meanwhile: look once more */
    struct nf_turn_job *prev, *next;
};

struct nf_turns {
    struct nf_turn_runner runner;
    struct nf_app *app;
    struct nf_scope *scope;
    size_t turns_max, running;
    size_t waiting; /* of the running: those that wait for a person do not count for the bound */
    struct nf_turn_job *jobs;
    struct nf_turn_orphan *orphans;
    bool draining;
    struct nf_wait *idle; /* the drain waits until nothing runs */

    /* Who waits in the database. */
    bool more;          /* somebody may */
    bool pulling;       /* a fiber takes who comes next */
    size_t reserved;    /* places that it takes them for */
    int64_t after_user; /* whose turn it was last */
    int64_t told_us;    /* when other instances were last told that there is work */

    struct nf_metric *ended[NF_TASK_UNKNOWN + 1];
    struct nf_metric *waited, *took, *claimed;
};

/* Begin to work on a session: with a claim, with a lease, or to look whether there is anything. */
NF_RC nf_turns_spawn(struct nf_turns *t, int64_t session_id, int64_t fence,
                     const struct nf_claim *c, struct nf_err *err);

/* Free places that nobody is being fetched for. */
size_t nf_turns_room(const struct nf_turns *t);
/* Somebody waits: fetch whoever is next as soon as there is room. */
void nf_turns_fetch(struct nf_turns *t);
/* The same, where there is none: others may have some. */
void nf_turns_overflow(struct nf_turns *t);
/* A place is free. */
void nf_turns_place_freed(struct nf_turns *t);

/* A session that is ours and that nobody works on, for nf_turns_release_orphans; `fence` is the
 * session's. */
void nf_turns_add_orphan(struct nf_turns *t, int64_t session_id, int64_t fence);
void nf_turns_free_orphans(struct nf_turns *t);
