#include "base/id.h"
#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#define TURN_MS (24 * NF_HOUR_MS) /* a turn's calls are not that much younger than it is */

static struct nf_db *db_of(struct nf_task_store *s)
{
    assert(s->ops == &nf_repository_tasks);
    return nf_container_of(s, struct nf_repositories, tasks)->db;
}

static enum nf_code get(struct nf_task_store *s, int64_t id, int64_t user_id, struct nf_task *ret,
                        struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task t = { 0 };
    size_t rows;
    struct nf_cmd cmd =
        NF_CMD_ROW(task_get, NF_ROWS_ANY, nf_row_task_one, &t, .id = id, .user = user_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "task", err));
    *ret = nf_take(t);
    return NF_OK;
}

/* A statement per kind of filter, so that each is a range of an index. */
static enum nf_code list(struct nf_task_store *s, const struct nf_task_filter *f,
                         struct nf_tasks *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks tasks = { 0 };
    const i64 before = f->before_id ? f->before_id : INT64_MAX, limit = (i64)f->limit;
    struct nf_cmd by_turn =
        NF_CMD_ROW(task_list_turn, NF_ROWS_ANY, nf_row_task, &tasks, .turn = f->turn_id,
                   .session = f->session_id, .user = f->user_id, .before = before,
                   .status = f->status, .limit = limit);
    struct nf_cmd by_session =
        NF_CMD_ROW(task_list_session, NF_ROWS_ANY, nf_row_task, &tasks, .session = f->session_id,
                   .user = f->user_id, .before = before, .status = f->status, .limit = limit);
    struct nf_cmd by_user =
        NF_CMD_ROW(task_list_user, NF_ROWS_ANY, nf_row_task, &tasks, .user = f->user_id,
                   .before = before, .status = f->status, .limit = limit);
    struct nf_cmd all = NF_CMD_ROW(task_list, NF_ROWS_ANY, nf_row_task, &tasks, .before = before,
                                   .status = f->status, .limit = limit);
    const struct nf_cmd *cmd = f->turn_id      ? &by_turn
                               : f->session_id ? &by_session
                               : f->user_id    ? &by_user
                                               : &all;
    NF_TRY(nf_db_read(db_of(s), cmd, NULL, err));
    *ret = nf_take(tasks);
    return NF_OK;
}

static enum nf_code on_title(void *to, const void *row, struct nf_err *err)
{
    const struct task_titles_row *r = row;
    struct nf_task_titles *found = to;
    struct nf_task_title t = { .id = r->id };
    NF_TRY(nf_row_enum(r->status, NF_TASK_PENDING, NF_TASK_UNKNOWN, "status of a task", err));
    t.status = (enum nf_task_status)r->status;
    NF_TRY(nf_row_copy(t.asked, sizeof(t.asked), r->asked, "what was asked", err));
    NF_TRY(NF_ROW_ROOM(found, err));
    found->v[found->n++] = t;
    return NF_OK;
}

static enum nf_code titles(struct nf_task_store *s, int64_t session_id, size_t limit,
                           struct nf_task_titles *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_task_titles_done) struct nf_task_titles found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(task_titles, NF_ROWS_ANY, on_title, &found, .session = session_id,
                   .chars = NF_TASK_ASKED_CHARS, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_change(void *to, const void *row, struct nf_err *err)
{
    const struct task_changes_row *r = row;
    struct nf_task_changes *changed = to;
    struct nf_task_change c = { .task_id = r->task_id, .n = r->n, .at_ms = r->at };
    NF_TRY(nf_row_enum(r->status, NF_TASK_PENDING, NF_TASK_UNKNOWN, "status of a task", err));
    c.status = (enum nf_task_status)r->status;
    NF_TRY(nf_row_copy(c.reason, sizeof(c.reason), r->reason, "a reason", err));
    NF_TRY(NF_ROW_ROOM(changed, err));
    changed->v[changed->n++] = c;
    return NF_OK;
}

static enum nf_code changes(struct nf_task_store *s, int64_t task_id, struct nf_task_changes *ret,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_task_changes_done) struct nf_task_changes found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(task_changes, NF_ROWS_ANY, on_change, &found, .task = task_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_hour(void *to, const void *row, struct nf_err *err)
{
    const struct usage_hours_row *r = row;
    struct nf_usage_hours *hours = to;
    struct nf_usage_hour h = { .at_ms = r->at,
                               .calls = r->calls,
                               .tokens = { r->input, r->output, r->cache_read, r->cache_write } };
    NF_TRY(nf_row_copy(h.model, sizeof(h.model), r->model, "a model's name", err));
    NF_TRY(NF_ROW_ROOM(hours, err));
    hours->v[hours->n++] = h;
    return NF_OK;
}

static enum nf_code usage(struct nf_task_store *s, int64_t user_id, int64_t since_ms,
                          struct nf_usage_hours *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_usage_hours_done) struct nf_usage_hours found = { 0 };
    int64_t begun_ms = since_ms > TURN_MS ? since_ms - TURN_MS : 0;
    struct nf_cmd cmd =
        NF_CMD_ROW(usage_hours, NF_ROWS_ANY, on_hour, &found, .id = nf_id_at(begun_ms),
                   .since = since_ms, .user = user_id, .limit = NF_USAGE_ROWS_MAX);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code settle(struct nf_task_store *s, int64_t instance, int64_t now_ms,
                           const char *reason, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(by_hand_note, NF_ROWS_ANY, .now = now_ms, .instance = instance,
               .reason = nf_row_cut(reason, NF_REASON_MAX)),
        NF_CMD(by_hand_settle, NF_ROWS_ANY, .now = now_ms, .instance = instance,
               .reason = nf_row_cut(reason, NF_REASON_MAX)),
        NF_CMD(by_hand_unask, NF_ROWS_ANY, .instance = instance),
    };
    return nf_db_tx(db_of(s), cmds, sizeof(cmds) / sizeof(cmds[0]), NULL, err);
}

const struct nf_task_store_ops nf_repository_tasks = {
    .get = get,
    .list = list,
    .titles = titles,
    .changes = changes,
    .usage = usage,
    .settle = settle,
};
