/* The tool calls of a turn, beside each other. */
#include "application/decide_approval.h"
#include "application/execute_skill.h"
#include "application/turn.h"
#include "domain/reason.h"

#include <stdlib.h>
#include <string.h>

/* One call; its step may end while others still run. */
struct turn_call {
    struct nf_turn *turn;
    struct nf_task step;
    struct nf_execution x;
    bool done; /* its step has ended, now or before */
    bool kept; /* its result is a message */
    enum nf_code rc;
    struct nf_err err;
};

struct nf_turn_calls {
    size_t n;
    size_t kept; /* so many from the first on are messages */
    enum nf_code rc;
    struct nf_err err; /* a result could not be kept */
    struct turn_call v[];
};

void nf_turn_calls_free(struct nf_turn_calls *c)
{
    for (size_t i = 0; c && i < c->n; i++)
        nf_task_done(&c->v[i].step);
    free(c);
}

/* --- results ---------------------------------------------------------------------------------- */

/* Keep a tool's result as a message, and show it. */
static NF_RC keep_result(struct nf_turn *t, const struct nf_task *step, struct nf_err *err)
{
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    struct nf_part *p;
    const char *text = step->result ? step->result : "";

    NF_TRY(nf_parts_add(&parts, NF_PART_TOOL_RESULT, &p, err));
    p->is_error = step->is_error;
    p->wall_us = step->wall_us;
    NF_TRY(nf_strdup(step->call_id, &p->call_id, err));
    NF_TRY(nf_strdup(step->name, &p->name, err));
    NF_TRY(nf_strdup(text, &p->text, err));
    NF_TRY(nf_turn_say(t, NF_ROLE_TOOL, "", &parts, err));
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TOOL_RESULT,
                                            .call_id = step->call_id,
                                            .text = nf_slice_of(text),
                                            .is_error = step->is_error,
                                            .wall_us = step->wall_us });
    return NF_OK;
}

static NF_RC keep_one(struct turn_call *c, struct nf_err *err)
{
    if (c->kept || !c->done)
        return NF_OK;
    NF_TRY(keep_result(c->turn, &c->step, err));
    c->kept = true;
    return NF_OK;
}

/* A call has ended: keep what is now complete from the front, so that results stay in the order of
 * the calls. Never suspends. */
static void keep_in_order(struct nf_turn_calls *all)
{
    while (all->rc == NF_OK && all->kept < all->n && all->v[all->kept].done) {
        all->rc = keep_one(&all->v[all->kept], &all->err);
        all->kept += all->rc == NF_OK;
    }
}

/* --- what a person sees meanwhile ------------------------------------------------------------- */

static void on_progress(void *arg, int percent, const char *text)
{
    struct turn_call *c = arg;
    int shown = percent < 0 ? -1 : percent > 100 ? 100 : percent;

    nf_turn_show(c->turn, &(struct nf_run_event){ .type = NF_RUN_TOOL_PROGRESS,
                                                  .call_id = c->step.call_id,
                                                  .percent = shown,
                                                  .text = nf_slice_of(text ? text : "") });
}

static void on_waiting(void *arg, bool waits)
{
    struct turn_call *c = arg;
    struct nf_turn_control *control = c->turn->control;

    if (control->waiting)
        control->waiting(control, waits);
    nf_turn_show(c->turn, &(struct nf_run_event){ .type = NF_RUN_TOOL_STATUS,
                                                  .call_id = c->step.call_id,
                                                  .status = waits ? NF_TASK_WAITING_APPROVAL
                                                                  : NF_TASK_RUNNING });
}

/* --- running ---------------------------------------------------------------------------------- */

static void run_one(void *arg, size_t i)
{
    struct nf_turn_calls *all = arg;
    struct turn_call *c = &all->v[i];

    if (!c->done) {
        c->rc = nf_execute_skill(c->turn->app, &c->x, &c->err);
        c->done = c->x.ended;
        c->turn->lost = c->turn->lost || c->x.lost;
    }
    keep_in_order(all);
}

static struct nf_task *row_of(struct nf_task *rows, size_t rows_n, int64_t n)
{
    for (size_t i = 0; i < rows_n; i++)
        if (rows[i].n == n)
            return &rows[i];
    return NULL;
}

static NF_RC init_step(struct nf_turn *t, struct turn_call *c, const struct nf_part *p, int64_t n,
                       struct nf_err *err)
{
    int64_t now = nf_app_now(t->app);

    c->step = (struct nf_task){ .id = nf_app_id(t->app),
                                .turn_id = t->claim->run_id,
                                .n = n,
                                .session_id = t->claim->session_id,
                                .user_id = t->claim->user_id,
                                .kind = NF_TASK_TOOL,
                                .status = NF_TASK_RUNNING,
                                .attempt = 1,
                                .created_ms = now,
                                .started_ms = now };
    memcpy(c->step.name, p->name, strnlen(p->name, NF_MODEL_NAME_MAX));
    memcpy(c->step.call_id, p->call_id, strnlen(p->call_id, NF_CALL_ID_MAX));
    return nf_strdup(p->args, &c->step.args, err);
}

static NF_RC init_call(struct nf_turn *t, struct turn_call *c, const struct nf_part *p,
                       struct nf_task *row, int64_t n, struct nf_err *err)
{
    c->turn = t;
    c->x = (struct nf_execution){ .claim = t->claim,
                                  .step = &c->step,
                                  .in_journal = row != NULL,
                                  .by_hand = nf_turn_is_run(t),
                                  .progress = on_progress,
                                  .waiting = on_waiting,
                                  .arg = c };
    if (!row)
        return init_step(t, c, p, n, err);
    c->step = nf_take(*row);
    c->done = nf_task_is_final(c->step.status);
    return NF_OK;
}

/* --- what makes no sense ---------------------------------------------------------------------- */

static bool is_same_call(const struct nf_part *a, const struct nf_part *b)
{
    return a->type == NF_PART_TOOL_CALL && strcmp(a->name, b->name) == 0 &&
           strcmp(a->args, b->args) == 0;
}

/* A model that makes the same call again and again will not stop by itself. */
static NF_RC check_repeats(const struct nf_turn *t, const struct nf_part *call, struct nf_err *err)
{
    size_t same = 0;

    for (size_t i = 0; i < t->said.n; i++) {
        const struct nf_parts *parts = &t->said.v[i].parts;
        for (size_t k = 0; k < parts->n; k++)
            same += is_same_call(&parts->v[k], call);
    }
    if (same <= NF_CALL_REPEATS_MAX)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, NF_REASON_SAME_CALL, call->name, NF_CALL_REPEATS_MAX);
}

static NF_RC check_calls(const struct nf_turn *t, const struct nf_parts *parts, struct nf_err *err)
{
    if (t->steps + (int64_t)nf_parts_tool_calls(parts) > NF_TURN_STEPS_MAX)
        return nf_err_set(err, NF_E_LIMIT, NF_REASON_TOO_MANY_STEPS, NF_TURN_STEPS_MAX);
    for (size_t i = 0; i < parts->n; i++)
        if (parts->v[i].type == NF_PART_TOOL_CALL)
            NF_TRY(check_repeats(t, &parts->v[i], err));
    return NF_OK;
}

/* --- all of a reply --------------------------------------------------------------------------- */

static NF_RC init_calls(struct nf_turn *t, const struct nf_parts *parts, struct nf_task *rows,
                        size_t rows_n, struct nf_err *err)
{
    size_t n = nf_parts_tool_calls(parts);
    struct nf_turn_calls *all = calloc(1, sizeof(*all) + n * sizeof(all->v[0]));

    if (!all)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    t->calls = all;
    for (size_t i = 0; i < parts->n; i++) {
        if (parts->v[i].type != NF_PART_TOOL_CALL)
            continue;
        struct turn_call *c = &all->v[all->n++];
        t->steps++;
        NF_TRY(init_call(t, c, &parts->v[i], row_of(rows, rows_n, t->steps), t->steps, err));
    }
    return NF_OK;
}

enum nf_code nf_turn_call_tools(struct nf_turn *t, struct nf_task *rows, size_t rows_n,
                                struct nf_err *err)
{
    size_t at = t->said.n;

    while (at > 0 && t->said.v[at - 1].role != NF_ROLE_ASSISTANT)
        at--;
    assert(at > 0);
    /* The list of messages grows meanwhile and may move; the parts of a message do not. */
    const struct nf_parts parts = t->said.v[at - 1].parts;
    NF_TRY(check_calls(t, &parts, err));
    NF_TRY(init_calls(t, &parts, rows, rows_n, err));
    struct nf_turn_calls *all = t->calls;
    NF_TRY(nf_parallel_run(t->app->parallel, all->n, run_one, all, err));
    for (size_t i = 0; i < all->n; i++)
        if (all->v[i].rc != NF_OK)
            return nf_err_set(err, all->v[i].rc, "%s", all->v[i].err.msg);
    if (all->rc != NF_OK)
        return nf_err_set(err, all->rc, "%s", all->err.msg);
    nf_turn_calls_free(nf_take(t->calls));
    return NF_OK;
}

/* --- ending early ----------------------------------------------------------------------------- */

/* Nobody waits for it any more. Best effort: what is left expires. */
static void cancel_question(struct nf_app *a, int64_t id)
{
    NF_CLEANUP(nf_approval_done) struct nf_approval_request r = { 0 };
    struct nf_approval_store *store = a->approvals;
    struct nf_err ignored;

    if (store->ops->close(store, id, NF_APPROVAL_CANCELLED, &ignored) == NF_OK &&
        store->ops->get(store, id, &r, &ignored) == NF_OK)
        nf_approval_tell(a, &r);
}

enum nf_code nf_turn_close_calls(struct nf_turn *t, enum nf_task_status status, const char *reason,
                                 struct nf_err *err)
{
    struct nf_turn_calls *all = t->calls;

    for (size_t i = 0; all && i < all->n; i++) {
        struct turn_call *c = &all->v[i];
        NF_TRY(keep_one(c, err));
        if (c->done || !c->x.in_journal)
            continue;
        if (c->x.approval_id != 0)
            cancel_question(t->app, c->x.approval_id);
        if (!nf_task_is_final(c->step.status))
            NF_TRY(nf_task_become(&c->step, status, nf_app_now(t->app), reason, err));
        NF_TRY(nf_turn_write_end(t, &c->step, err));
        c->x.in_journal = false;
    }
    return NF_OK;
}
