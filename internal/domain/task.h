/*
 * Tasks: everything the daemon does for somebody is one, and each change of state is kept.
 *
 * A turn is a task of kind turn; its steps (model call, tool call) are tasks whose `turn_id` is it.
 *
 *     pending -> running -> (waiting_approval -> running) -> completed | failed | cancelled
 *     pending -> cancelled;   waiting_approval -> failed | cancelled
 *     running -> unknown: a step that may have had its effect when we crashed. Final.
 */
#pragma once

#include "base/error.h"
#include "domain/limits.h"
#include "domain/part.h"
#include "domain/usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored by number: append, never renumber. */
enum nf_task_kind { NF_TASK_TURN = 1, NF_TASK_MODEL = 2, NF_TASK_TOOL = 3 };
enum nf_task_status {
    NF_TASK_PENDING = 1,
    NF_TASK_RUNNING = 2,
    NF_TASK_WAITING_APPROVAL = 3,
    NF_TASK_COMPLETED = 4,
    NF_TASK_FAILED = 5,
    NF_TASK_CANCELLED = 6,
    NF_TASK_UNKNOWN = 7,
};

struct nf_task {
    int64_t id;      /* of a turn: the run_id that clients see */
    int64_t turn_id; /* the turn it is a step of; of a turn: its own id */
    int64_t n;       /* steps: position in the turn, from 1; turns: 0 */
    int64_t session_id, user_id;
    enum nf_task_kind kind;
    enum nf_task_status status;
    int64_t seq;                              /* turns: the message it answers */
    int64_t fence;                            /* turns: of the attempt that ended it, 0 before */
    int64_t attempt;                          /* how often it was begun */
    int64_t created_ms, started_ms, ended_ms; /* 0: not yet */
    char name[NF_MODEL_NAME_MAX + 1];         /* the model that answered, the tool that ran */
    char reason[NF_REASON_MAX + 1];           /* why it failed, for a person */
    char call_id[NF_CALL_ID_MAX + 1];         /* a tool call: the model's id of it */
    char *args;              /* a tool call: owned JSON, what was asked; NULL: none */
    char *result;            /* a tool call: owned text, what came back; NULL: nothing yet */
    bool is_error;           /* a tool call: `result` tells of a failure */
    int64_t worker;          /* a tool call: number of the process that ran it; 0: none */
    char level[8];           /* a tool call: of its sandbox, "L3"; "": none */
    int64_t wall_us, bytes;  /* a tool call: how long the tool took, what went in and out */
    struct nf_parts reply;   /* a model call: what it replied */
    struct nf_tokens tokens; /* a model call: what it used */
};

/* One row per change. `at_ms` never decreases within a task. */
struct nf_task_change {
    int64_t task_id, n;
    enum nf_task_status status;
    int64_t at_ms;
    char reason[NF_REASON_MAX + 1];
};

void nf_task_done(struct nf_task *t);

/* NF_E_CONFLICT "task is completed: it cannot become running" for an arrow that is not drawn
 * above. */
NF_RC nf_task_may_become(enum nf_task_status from, enum nf_task_status to, struct nf_err *err);

/* Move *t and stamp started_ms or ended_ms; `reason` may be NULL and is cut at a character,
 * also where it stops to be UTF-8. */
NF_RC nf_task_become(struct nf_task *t, enum nf_task_status to, int64_t now_ms, const char *reason,
                     struct nf_err *err);

bool nf_task_is_final(enum nf_task_status status);
const char *nf_task_status_name(enum nf_task_status status); /* "waiting_approval" */
const char *nf_task_kind_name(enum nf_task_kind kind);

struct nf_tasks {
    struct nf_task *v;
    size_t n;
};
void nf_tasks_done(struct nf_tasks *t);
NF_RC nf_tasks_push(struct nf_tasks *list, struct nf_task *t, struct nf_err *err);
