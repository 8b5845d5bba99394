/* REST: tasks. */
#include "application/manage_tasks.h"
#include "channels/web/web_internal.h"

#include <string.h>

static void put_count(struct nf_json_out *o, const char *key, int64_t n)
{
    if (n >= 0)
        nf_json_put_i64(o, key, n);
}

/* What models used for it; of what runs still nothing is known. */
static void put_usage(struct nf_json_out *o, const struct nf_task *t)
{
    if (t->kind == NF_TASK_TOOL || !nf_task_is_final(t->status))
        return;
    nf_json_out_key(o, "usage");
    nf_json_out_object(o);
    put_count(o, "input_tokens", t->tokens.input);
    put_count(o, "output_tokens", t->tokens.output);
    put_count(o, "cache_read_tokens", t->tokens.cache_read);
    put_count(o, "cache_write_tokens", t->tokens.cache_write);
    nf_json_out_end(o);
}

static void put_reason(struct nf_json_out *o, const char *reason)
{
    if (!reason[0])
        return;
    nf_json_put_str(o, "reason", reason);
    (void)nf_web_put_said(o, "reason_code", "reason_values", &nf_turn_sayings, nf_slice_of(reason));
}

static void put_task(struct nf_json_out *o, const struct nf_task *t)
{
    nf_web_put_id(o, "id", t->id);
    nf_json_put_str(o, "kind", nf_task_kind_name(t->kind));
    nf_json_put_str(o, "status", nf_task_status_name(t->status));
    nf_web_put_id(o, "session_id", t->session_id);
    if (t->kind != NF_TASK_TURN)
        nf_json_put_i64(o, "n", t->n);
    if (t->name[0])
        nf_json_put_str(o, "name", t->name);
    put_reason(o, t->reason);
    nf_json_put_i64(o, "attempt", t->attempt);
    nf_web_put_time(o, "created_at", t->created_ms);
    nf_web_put_time(o, "started_at", t->started_ms);
    nf_web_put_time(o, "ended_at", t->ended_ms);
    put_usage(o, t);
}

static NF_RC read_filter(const struct nf_http_exchange *x, struct nf_task_filter *f,
                         struct nf_err *err)
{
    struct nf_slice session = nf_http_query(x, "session_id", NULL);
    struct nf_slice status = nf_http_query(x, "status", NULL);
    NF_TRY(nf_web_read_page(x, &f->before_id, &f->limit, err));
    if (session.n > 0 && !nf_id_from_text(session.p, session.n, &f->session_id))
        return nf_err_set(err, NF_E_INVALID, "session_id: not an id");
    for (int s = NF_TASK_PENDING; status.n > 0 && s <= NF_TASK_UNKNOWN; s++)
        if (nf_slice_eq(status, nf_task_status_name((enum nf_task_status)s)))
            f->status = s;
    if (status.n > 0 && f->status == 0)
        return nf_err_set(err, NF_E_INVALID,
                          "status: not pending, running, waiting_approval, completed, failed, "
                          "cancelled or unknown");
    return NF_OK;
}

static void put_row(struct nf_json_out *o, const void *list, size_t i)
{
    nf_json_out_object(o);
    put_task(o, &((const struct nf_tasks *)list)->v[i]);
    nf_json_out_end(o);
}

enum nf_code nf_web_tasks(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_tasks_done) struct nf_tasks list = { 0 };
    struct nf_task_filter f = { 0 };

    NF_TRY(read_filter(x, &f, err));
    NF_TRY(nf_task_list(w->o.app, &nf_web_who(x)->user, &f, &list, err));
    const struct nf_web_rows rows = { .key = "tasks",
                                      .list = &list,
                                      .n = list.n,
                                      .limit = f.limit,
                                      .last = list.n > 0 ? list.v[list.n - 1].id : 0,
                                      .put = put_row };
    return nf_web_answer_rows(x, &rows, err);
}

/* A tool call: what was asked, what came back, how it ran. */
static void put_call(struct nf_json_out *o, const struct nf_task *t)
{
    if (t->call_id[0])
        nf_json_put_str(o, "call_id", t->call_id);
    nf_json_put_str(o, "arguments", t->args);
    nf_json_put_str(o, "result", t->result);
    nf_json_put_i64(o, "duration_us", t->wall_us);
    nf_json_put_i64(o, "bytes", t->bytes);
    if (t->level[0])
        nf_json_put_str(o, "level", t->level);
    if (t->worker)
        nf_json_put_i64(o, "worker", t->worker);
}

static void put_steps(struct nf_json_out *o, const struct nf_tasks *steps)
{
    nf_json_out_key(o, "steps");
    nf_json_out_array(o);
    for (size_t i = 0; i < steps->n; i++) {
        const struct nf_task *t = &steps->v[i];
        nf_json_out_object(o);
        put_task(o, t);
        if (t->kind == NF_TASK_TOOL) {
            put_call(o, t);
        } else if (t->tokens.output >= 0) {
            nf_json_put_i64(o, "output_tokens", t->tokens.output);
        }
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

static void put_changes(struct nf_json_out *o, const struct nf_task_changes *changes)
{
    nf_json_out_key(o, "changes");
    nf_json_out_array(o);
    for (size_t i = 0; i < changes->n; i++) {
        nf_json_out_object(o);
        nf_json_put_str(o, "status", nf_task_status_name(changes->v[i].status));
        nf_web_put_time(o, "at", changes->v[i].at_ms);
        put_reason(o, changes->v[i].reason);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

enum nf_code nf_web_task_get(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_task_details_done) struct nf_task_details d = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = (size_t)64 << 20 };
    struct nf_json_out o;
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_task_show(w->o.app, &nf_web_who(x)->user, id, &d, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put_task(&o, &d.task);
    if (d.task.kind == NF_TASK_TOOL)
        put_call(&o, &d.task);
    put_steps(&o, &d.steps);
    put_changes(&o, &d.changes);
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_task_cancel(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    static const char done[] = "{\"cancelled\":true}";
    struct nf_web *w = arg;
    NF_CLEANUP(nf_task_details_done) struct nf_task_details d = { 0 };
    int64_t id;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_task_show(w->o.app, &nf_web_who(x)->user, id, &d, err));
    if (nf_task_is_final(d.task.status))
        return nf_err_set(err, NF_E_CONFLICT, "this task is %s already",
                          nf_task_status_name(d.task.status));
    if (d.task.session_id != 0)
        NF_TRY(nf_web_stop_turn(w, &nf_web_who(x)->user, d.task.session_id, d.task.turn_id, err));
    else if (!nf_web_cancel_call(w, id))
        return nf_err_set(err, NF_E_CONFLICT, "this call has ended already");
    return nf_http_respond(x, 200, "application/json", done, sizeof(done) - 1, err);
}
