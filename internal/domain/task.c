/* Which way a task may go. */
#include "domain/task.h"

#include "base/own.h"
#include "base/utf8.h"
#include "domain/list.h"

#include <stdlib.h>
#include <string.h>

#define TO(status) (1u << (status))

/* The arrows, by where they start; final states have none. */
static const unsigned arrows[] = {
    [NF_TASK_PENDING] = TO(NF_TASK_RUNNING) | TO(NF_TASK_CANCELLED),
    [NF_TASK_RUNNING] = TO(NF_TASK_WAITING_APPROVAL) | TO(NF_TASK_COMPLETED) | TO(NF_TASK_FAILED) |
                        TO(NF_TASK_CANCELLED) | TO(NF_TASK_UNKNOWN),
    [NF_TASK_WAITING_APPROVAL] = TO(NF_TASK_RUNNING) | TO(NF_TASK_FAILED) | TO(NF_TASK_CANCELLED),
    [NF_TASK_COMPLETED] = 0,
    [NF_TASK_FAILED] = 0,
    [NF_TASK_CANCELLED] = 0,
    [NF_TASK_UNKNOWN] = 0,
};

static const char *const status_names[] = {
    [NF_TASK_PENDING] = "pending",
    [NF_TASK_RUNNING] = "running",
    [NF_TASK_WAITING_APPROVAL] = "waiting_approval",
    [NF_TASK_COMPLETED] = "completed",
    [NF_TASK_FAILED] = "failed",
    [NF_TASK_CANCELLED] = "cancelled",
    [NF_TASK_UNKNOWN] = "unknown",
};

static bool is_status(enum nf_task_status status)
{
    return status >= NF_TASK_PENDING && status <= NF_TASK_UNKNOWN;
}

void nf_task_done(struct nf_task *t)
{
    free(t->args);
    free(t->result);
    nf_parts_done(&t->reply);
    *t = (struct nf_task){ 0 };
}

enum nf_code nf_task_may_become(enum nf_task_status from, enum nf_task_status to,
                                struct nf_err *err)
{
    if (is_status(from) && is_status(to) && (arrows[from] & TO(to)))
        return NF_OK;
    return nf_err_set(err, NF_E_CONFLICT, "task is %s: it cannot become %s",
                      nf_task_status_name(from), nf_task_status_name(to));
}

enum nf_code nf_task_become(struct nf_task *t, enum nf_task_status to, int64_t now_ms,
                            const char *reason, struct nf_err *err)
{
    NF_TRY(nf_task_may_become(t->status, to, err));
    /* The wall clock may have stepped back; a task's times do not. */
    if (now_ms < t->created_ms)
        now_ms = t->created_ms;
    if (now_ms < t->started_ms)
        now_ms = t->started_ms;
    if (to == NF_TASK_RUNNING && t->started_ms == 0)
        t->started_ms = now_ms;
    if (nf_task_is_final(to))
        t->ended_ms = now_ms;
    t->status = to;
    t->reason[0] = '\0';
    if (reason) {
        size_t n = nf_utf8_cut(reason, strlen(reason), NF_REASON_MAX);

        /* What is stored has to be text. */
        while (!nf_utf8_valid(reason, n))
            n--;
        memcpy(t->reason, reason, n);
        t->reason[n] = '\0';
    }
    return NF_OK;
}

bool nf_task_is_final(enum nf_task_status status)
{
    return is_status(status) && arrows[status] == 0;
}

const char *nf_task_status_name(enum nf_task_status status)
{
    return is_status(status) ? status_names[status] : "?";
}

const char *nf_task_kind_name(enum nf_task_kind kind)
{
    switch (kind) {
    case NF_TASK_TURN:
        return "turn";
    case NF_TASK_MODEL:
        return "model";
    case NF_TASK_TOOL:
        return "tool";
    }
    return "?";
}

void nf_tasks_done(struct nf_tasks *t)
{
    for (size_t i = 0; i < t->n; i++)
        nf_task_done(&t->v[i]);
    free(t->v);
    *t = (struct nf_tasks){ 0 };
}

enum nf_code nf_tasks_push(struct nf_tasks *list, struct nf_task *t, struct nf_err *err)
{
    struct nf_task *v = nf_list_grow(list->v, list->n + 1, sizeof(*v));

    if (!v)
        return nf_list_nomem(err);
    list->v = v;
    v[list->n++] = nf_take(*t);
    return NF_OK;
}
