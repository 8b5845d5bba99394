/* After a crash: what the journal says of the attempts before. */
#include "application/turn.h"
#include "domain/reason.h"

#include <string.h>

/* A model call that was finished: say it again without asking again. */
static NF_RC replay_model(struct nf_turn *t, struct nf_task *step, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };

    for (size_t i = 0; i < step->reply.n; i++)
        if (step->reply.v[i].type == NF_PART_TEXT)
            NF_TRY(nf_str_adds(&text, step->reply.v[i].text, err));
    memcpy(t->model, step->name, sizeof(t->model));
    NF_TRY(nf_turn_use(t, step, err));
    t->over = nf_parts_tool_calls(&step->reply) == 0;
    NF_TRY(nf_parts_append(&parts, &step->reply, err));
    nf_turn_show_text(t, nf_str_c(&text));
    NF_TRY(nf_turn_say(t, NF_ROLE_ASSISTANT, nf_str_c(&text), t->over ? NULL : &parts, err));
    nf_turn_show_calls(t, &step->reply);
    return NF_OK;
}

/* A model call without a reply cost nothing but money: it ends here, and is made again under a new
 * number. */
static NF_RC give_up_model(struct nf_turn *t, struct nf_err *err)
{
    static const char why[] = NF_REASON_ASKED_AGAIN;

    NF_TRY(nf_task_become(&t->step, NF_TASK_FAILED, nf_app_now(t->app), why, err));
    return nf_turn_write_end(t, &t->step, err);
}

/* Take over a model call and the `calls_n` rows of the tools that it called. */
static NF_RC replay_round(struct nf_turn *t, struct nf_task *model, struct nf_task *calls,
                          size_t calls_n, struct nf_err *err)
{
    nf_task_done(&t->step);
    t->step = nf_take(*model);
    t->steps = t->step.n;
    t->step_written = nf_task_is_final(t->step.status);
    if (!t->step_written)
        return give_up_model(t, err);
    if (t->step.status != NF_TASK_COMPLETED)
        return NF_OK;
    NF_TRY(replay_model(t, &t->step, err));
    return t->over ? NF_OK : nf_turn_call_tools(t, calls, calls_n, err);
}

enum nf_code nf_turn_replay_journal(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks steps = { 0 };

    NF_TRY(t->app->turns->ops->steps(t->app->turns, t->claim->run_id, &steps, err));
    for (size_t i = 0, next; i < steps.n; i = next) {
        next = i + 1;
        while (next < steps.n && steps.v[next].kind == NF_TASK_TOOL)
            next++;
        if (steps.v[i].kind == NF_TASK_MODEL)
            NF_TRY(replay_round(t, &steps.v[i], &steps.v[i + 1], next - i - 1, err));
    }
    return NF_OK;
}

enum nf_code nf_turn_close_journal(struct nf_turn *t, struct nf_err *err)
{
    static const char why[] = NF_REASON_NOT_GONE_ON;
    NF_CLEANUP(nf_tasks_done) struct nf_tasks steps = { 0 };
    struct nf_approval_store *approvals = t->app->approvals;

    NF_TRY(t->app->turns->ops->steps(t->app->turns, t->claim->run_id, &steps, err));
    for (size_t i = 0; i < steps.n; i++) {
        struct nf_task *step = &steps.v[i];
        if (nf_task_is_final(step->status) || step->id == t->step.id)
            continue;
        bool ran = step->kind == NF_TASK_TOOL && step->status == NF_TASK_RUNNING;
        enum nf_task_status to = ran ? NF_TASK_UNKNOWN : NF_TASK_FAILED;
        NF_TRY(nf_task_become(step, to, nf_app_now(t->app), why, err));
        NF_TRY(nf_turn_write_end(t, step, err));
    }
    return approvals->ops->cancel(approvals, t->claim->run_id, err);
}
