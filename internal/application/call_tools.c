/* The tool calls of a turn, and what the journal says of those that a crash cut off. */
#include "application/turn.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define TOOL_RESULT_MAX ((size_t)256 * 1024) /* bytes; what is longer is cut, and says so */

/* Keep a tool's result as a message, and show it. */
static NF_RC keep_result(struct nf_turn *t, const struct nf_task *step, struct nf_err *err)
{
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    struct nf_part *p;
    const char *text = step->result ? step->result : "";

    NF_TRY(nf_parts_add(&parts, NF_PART_TOOL_RESULT, &p, err));
    p->is_error = step->is_error;
    NF_TRY(nf_strdup(step->call_id, &p->call_id, err));
    NF_TRY(nf_strdup(step->name, &p->name, err));
    NF_TRY(nf_strdup(text, &p->text, err));
    NF_TRY(nf_turn_say(t, NF_ROLE_TOOL, "", &parts, err));
    nf_turn_show(t, &(struct nf_run_event){ .type = NF_RUN_TOOL_RESULT,
                                            .call_id = step->call_id,
                                            .text = nf_slice_of(text),
                                            .is_error = step->is_error });
    return NF_OK;
}

/* What of a result the model gets: all, or its beginning and how much there was. */
static NF_RC cut_result(struct nf_str *out, struct nf_err *err)
{
    size_t all = out->len;
    if (all <= TOOL_RESULT_MAX)
        return NF_OK;
    out->len = nf_utf8_cut(out->p, all, TOOL_RESULT_MAX);
    out->p[out->len] = '\0';
    return nf_str_addf(out, err, "\n[cut here: the result has %zu bytes, more than %zu]", all,
                       TOOL_RESULT_MAX);
}

/* NF_E_NOT_FOUND: the message says what there is. *version is a copy: the name it had when found.
 */
static NF_RC find_tool(struct nf_turn *t, const struct nf_task *step, struct nf_tool_info *ret,
                       char version[NF_SKILL_HASH + 1], struct nf_err *err)
{
    struct nf_tools *tools = t->app->tools;

    if (!tools)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%.64s': there are none at all",
                          step->name);
    NF_TRY(nf_tools_find(tools, t->claim->user_id, step->name, ret, err));
    size_t n = strnlen(ret->version, NF_SKILL_HASH);
    memcpy(version, ret->version, n);
    version[n] = '\0';
    return NF_OK;
}

static NF_RC call_tool(struct nf_turn *t, const struct nf_task *step, struct nf_tool_outcome *ret,
                       struct nf_err *err)
{
    struct nf_tool_info info;
    char version[NF_SKILL_HASH + 1];

    NF_TRY(find_tool(t, step, &info, version, err));
    const struct nf_tool_call call = { .user_id = t->claim->user_id,
                                       .session_id = t->claim->session_id,
                                       .task_id = step->id,
                                       .name = step->name,
                                       .version = version,
                                       .args = step->args };
    return nf_tools_call(t->app->tools, &call, ret, err);
}

/* Let the tool run. Its failure is a result too: the model shall read it and act on it. */
static NF_RC run(struct nf_turn *t, struct nf_task *step, struct nf_err *err)
{
    NF_CLEANUP(nf_tool_outcome_done)
    struct nf_tool_outcome out = { .text.max = NF_REPLY_BYTES_MAX };
    struct nf_err why;
    enum nf_code rc = call_tool(t, step, &out, &why);

    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK) {
        nf_str_reset(&out.text);
        NF_TRY(nf_str_addf(&out.text, err, "error: %s", why.msg));
    }
    NF_TRY(cut_result(&out.text, err));
    step->is_error = rc != NF_OK;
    NF_TRY(nf_strdup(nf_str_c(&out.text), &step->result, err));
    return nf_task_become(step, rc == NF_OK ? NF_TASK_COMPLETED : NF_TASK_FAILED,
                          nf_app_now(t->app), rc == NF_OK ? NULL : why.msg, err);
}

static NF_RC call_one(struct nf_turn *t, const struct nf_part *call, struct nf_err *err)
{
    size_t n = strnlen(call->call_id, NF_CALL_ID_MAX);

    NF_TRY(nf_turn_step(t, NF_TASK_TOOL, call->name, 0, err));
    memcpy(t->step.call_id, call->call_id, n);
    NF_TRY(nf_strdup(call->args, &t->step.args, err));
    NF_TRY(nf_turn_write_begin(t, &t->step, err));
    NF_TRY(run(t, &t->step, err));
    NF_TRY(nf_turn_write_end(t, &t->step, err));
    return keep_result(t, &t->step, err);
}

enum nf_code nf_turn_call_tools(struct nf_turn *t, size_t done, struct nf_err *err)
{
    size_t at = t->said.n;
    while (at > 0 && t->said.v[at - 1].role != NF_ROLE_ASSISTANT)
        at--;
    assert(at > 0);
    /* The list of messages grows meanwhile and may move; the parts of a message do not. */
    const struct nf_parts parts = t->said.v[at - 1].parts;
    for (size_t i = 0; i < parts.n; i++) {
        if (parts.v[i].type != NF_PART_TOOL_CALL)
            continue;
        if (done > 0)
            done--;
        else
            NF_TRY(call_one(t, &parts.v[i], err));
    }
    return NF_OK;
}

/* --- the journal ------------------------------------------------------------------------------ */

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

/* A tool call that had begun when we died. One that may be repeated is; of another nobody knows
 * whether it had its effect, and the model is told so. */
static NF_RC settle_tool(struct nf_turn *t, struct nf_err *err)
{
    static const char unknown[] =
        "error: Nexflow was restarted while this ran. It is unknown whether it took effect; it was "
        "not repeated. Check before trying again.";
    struct nf_task *step = &t->step;
    struct nf_tool_info info;
    char version[NF_SKILL_HASH + 1];

    if (find_tool(t, step, &info, version, err) == NF_OK && info.idempotent) {
        step->attempt++;
        NF_TRY(nf_turn_write_begin(t, step, err));
        NF_TRY(run(t, step, err));
    } else {
        step->is_error = true;
        NF_TRY(nf_strdup(unknown, &step->result, err));
        NF_TRY(nf_task_become(step, NF_TASK_UNKNOWN, nf_app_now(t->app), unknown, err));
    }
    return nf_turn_write_end(t, step, err);
}

/* A model call without a reply cost nothing but money: it ends here, and is made again under a new
 * number. */
static NF_RC give_up_model(struct nf_turn *t, struct nf_err *err)
{
    static const char why[] = "Nexflow was restarted meanwhile: the model was asked again.";

    NF_TRY(nf_task_become(&t->step, NF_TASK_FAILED, nf_app_now(t->app), why, err));
    return nf_turn_write_end(t, &t->step, err);
}

/* Take over the newest step of the journal, t->step. */
static NF_RC replay_step(struct nf_turn *t, struct nf_err *err)
{
    bool ended = nf_task_is_final(t->step.status);

    if (t->step.kind == NF_TASK_MODEL) {
        if (t->step.status == NF_TASK_COMPLETED)
            return replay_model(t, &t->step, err);
        return ended ? NF_OK : give_up_model(t, err);
    }
    if (!ended)
        NF_TRY(settle_tool(t, err));
    return keep_result(t, &t->step, err);
}

enum nf_code nf_turn_replay_journal(struct nf_turn *t, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks steps = { 0 };
    size_t results = 0;
    bool replied = false;

    NF_TRY(t->app->turns->ops->steps(t->app->turns, t->claim->run_id, &steps, err));
    for (size_t i = 0; i < steps.n; i++) {
        nf_task_done(&t->step);
        t->step = nf_take(steps.v[i]);
        t->steps = t->step.n;
        t->step_written = nf_task_is_final(t->step.status);
        NF_TRY(replay_step(t, err));
        if (t->step.kind == NF_TASK_TOOL) {
            results++;
        } else if (t->step.status == NF_TASK_COMPLETED) {
            replied = true;
            results = 0;
        }
    }
    if (replied && !t->over)
        NF_TRY(nf_turn_call_tools(t, results, err));
    return NF_OK;
}

enum nf_code nf_turn_close_journal(struct nf_turn *t, struct nf_err *err)
{
    static const char why[] = "Nexflow was restarted while this ran, and the turn did not go on.";
    NF_CLEANUP(nf_tasks_done) struct nf_tasks steps = { 0 };

    NF_TRY(t->app->turns->ops->steps(t->app->turns, t->claim->run_id, &steps, err));
    for (size_t i = 0; i < steps.n; i++) {
        struct nf_task *step = &steps.v[i];
        if (nf_task_is_final(step->status) || step->id == t->step.id)
            continue;
        enum nf_task_status to = step->kind == NF_TASK_TOOL ? NF_TASK_UNKNOWN : NF_TASK_FAILED;
        NF_TRY(nf_task_become(step, to, nf_app_now(t->app), why, err));
        NF_TRY(nf_turn_write_end(t, step, err));
    }
    return NF_OK;
}
