#include "application/ports/schedule_store.h"

#include "base/own.h"
#include "base/utf8.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"
#include "persistence/repositories/schedule_runs.h"

#include <string.h>

static struct nf_db *db_of(struct nf_schedule_store *s)
{
    assert(s->ops == &nf_repository_schedules);
    return nf_container_of(s, struct nf_repositories, schedules)->db;
}

/* --- rows ------------------------------------------------------------------------------------- */

_Static_assert(sizeof(struct schedule_get_row) == sizeof(struct schedules_due_row) &&
                   sizeof(struct schedule_get_row) == sizeof(struct schedule_list_user_row),
               "row structs differ");

static NF_RC read_texts(struct nf_schedule *s, const struct schedule_get_row *r, struct nf_err *err)
{
    NF_TRY(nf_row_copy(s->text, sizeof(s->text), r->text, "a schedule's text", err));
    NF_TRY(nf_row_copy(s->channel, sizeof(s->channel), r->channel, "a channel", err));
    NF_TRY(nf_row_copy(s->address, sizeof(s->address), r->address, "an address", err));
    NF_TRY(nf_row_copy(s->expression, sizeof(s->expression), r->expression, "an expression", err));
    NF_TRY(nf_row_copy(s->zone, sizeof(s->zone), r->zone, "a time zone", err));
    return nf_row_copy(s->reason, sizeof(s->reason), r->reason, "a reason", err);
}

static enum nf_code on_schedule(void *to, const void *row, struct nf_err *err)
{
    const struct schedule_get_row *r = row;
    struct nf_schedule s = { .id = r->id,
                             .user_id = r->user_id,
                             .session_id = r->session_id,
                             .shared = r->shared != 0,
                             .at_ms = r->at,
                             .missed_max = r->missed_max,
                             .made_up = r->made_up,
                             .next_ms = r->next_at,
                             .last_ms = r->last_at,
                             .last_run_id = r->last_run_id,
                             .created_ms = r->created_at,
                             .by_model = r->by_model != 0,
                             .call_id = r->call_id,
                             .version = r->version };
    struct nf_err why;

    NF_TRY(nf_row_enum(r->kind, NF_SCHEDULE_REMINDER, NF_SCHEDULE_PROMPT, "kind of schedule", err));
    NF_TRY(
        nf_row_enum(r->status, NF_SCHEDULE_ACTIVE, NF_SCHEDULE_DONE, "status of a schedule", err));
    NF_TRY(nf_row_enum(r->missed, NF_MISSED_SKIP, NF_MISSED_ALL, "rule of a schedule", err));
    s.kind = (enum nf_schedule_kind)r->kind;
    s.status = (enum nf_schedule_status)r->status;
    s.missed = (enum nf_missed)r->missed;
    NF_TRY(read_texts(&s, r, err));
    if (nf_schedule_check(&s, &why) != NF_OK)
        return nf_err_set(err, NF_E_IO, "database: %s", why.msg);
    *(struct nf_schedule *)to = s;
    return NF_OK;
}

static NF_RC leave_out(struct nf_schedules *list, i64 id, const char *why, struct nf_err *err)
{
    struct nf_schedule_damage *v = nf_row_grow(list->damaged, list->damaged_n, sizeof(*v), err);

    if (!v)
        return NF_E_NOMEM;
    list->damaged = v;
    v[list->damaged_n] = (struct nf_schedule_damage){ .id = id };
    memcpy(v[list->damaged_n++].why, why, nf_utf8_cut(why, strlen(why), NF_REASON_MAX));
    return NF_OK;
}

static enum nf_code on_schedules(void *to, const void *row, struct nf_err *err)
{
    struct nf_schedules *list = to;
    const struct schedule_get_row *r = row;
    struct nf_err why;

    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_schedule *v = &list->v[list->n];
    list->last = (struct nf_schedule_place){ r->next_at, r->id };
    if (on_schedule(v, row, &why) != NF_OK)
        return leave_out(list, r->id, why.msg, err);
    list->n++;
    return NF_OK;
}

static NF_RC read_one(struct nf_db *db, struct nf_cmd *cmd, struct nf_schedule *ret,
                      struct nf_err *err)
{
    struct nf_schedule s = { 0 };
    size_t rows;

    cmd->row = on_schedule;
    cmd->to = &s;
    NF_TRY(nf_db_read(db, cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "schedule", err));
    *ret = s;
    return NF_OK;
}

static NF_RC read_list(struct nf_db *db, struct nf_cmd *cmd, struct nf_schedules *list,
                       struct nf_err *err)
{
    cmd->row = on_schedules;
    cmd->to = list;
    return nf_db_read(db, cmd, NULL, err);
}

/* --- schedules -------------------------------------------------------------------------------- */

static enum nf_code get(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                        struct nf_schedule *ret, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(schedule_get, NF_ROWS_ANY, .id = id, .user = user_id);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code of_call(struct nf_schedule_store *s, int64_t call_id, struct nf_schedule *ret,
                            struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(schedule_of_call, NF_ROWS_ANY, .call = call_id);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code list(struct nf_schedule_store *s, const struct nf_schedule_filter *f,
                         struct nf_schedules *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };
    const i64 before = f->before_id ? f->before_id : INT64_MAX, status = f->status;
    const i64 limit = (i64)f->limit;
    struct nf_cmd all =
        NF_CMD(schedule_list, NF_ROWS_ANY, .before = before, .status = status, .limit = limit);
    struct nf_cmd own = NF_CMD(schedule_list_user, NF_ROWS_ANY, .user = f->user_id,
                               .before = before, .status = status, .limit = limit);

    NF_TRY(read_list(db_of(s), f->user_id ? &own : &all, &found, err));
    *ret = nf_take(found);
    return NF_OK;
}

/* The user's row is held first: two who make one at once see each other. */
static enum nf_code create(struct nf_schedule_store *s, const struct nf_schedule *in, int64_t max,
                           struct nf_err *err)
{
    struct nf_schedule first;
    struct nf_cmd cmds[] = {
        NF_CMD(user_hold, 1, .id = in->user_id),
        NF_CMD(schedule_put, 1, .id = in->id, .user = in->user_id, .kind = in->kind,
               .status = in->status, .text = nf_slice_of(in->text), .session = in->session_id,
               .channel = nf_slice_of(in->channel), .address = nf_slice_of(in->address),
               .shared = in->shared, .expression = nf_slice_of(in->expression), .at = in->at_ms,
               .zone = nf_slice_of(in->zone), .missed = in->missed, .missed_max = in->missed_max,
               .next = in->next_ms, .created = in->created_ms, .by_model = in->by_model,
               .call = in->call_id, .reason = nf_slice_of(in->reason), .max = max),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, NULL, err);

    if (rc != NF_E_CONFLICT)
        return rc;
    if (in->call_id && of_call(s, in->call_id, &first, err) == NF_OK)
        return nf_err_set(err, NF_E_CONFLICT, "this call has made a schedule before");
    return nf_err_set(err, NF_E_LIMIT,
                      "there are %lld schedules already: remove or finish some first",
                      (long long)max);
}

struct schedule_update_in nf_repository_schedule_update_of(const struct nf_schedule *s)
{
    return (struct schedule_update_in){ .id = s->id,
                                        .version = s->version,
                                        .status = s->status,
                                        .text = nf_slice_of(s->text),
                                        .session = s->session_id,
                                        .expression = nf_slice_of(s->expression),
                                        .at = s->at_ms,
                                        .zone = nf_slice_of(s->zone),
                                        .missed = s->missed,
                                        .missed_max = s->missed_max,
                                        .made_up = s->made_up,
                                        .next = s->next_ms,
                                        .last = s->last_ms,
                                        .last_run = s->last_run_id,
                                        .reason = nf_slice_of(s->reason) };
}

static enum nf_code update(struct nf_schedule_store *s, const struct nf_schedule *in,
                           struct nf_err *err)
{
    const struct schedule_update_in args = nf_repository_schedule_update_of(in);
    struct nf_cmd cmd = { .q = NF_Q_schedule_update, .expect = 1, .in = &args };
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);

    return rc == NF_E_CONFLICT
               ? nf_err_set(err, rc, "the schedule was changed meanwhile: look at it again")
               : rc;
}

static enum nf_code remove_one(struct nf_schedule_store *s, int64_t id, int64_t user_id,
                               struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(schedule_remove, 1, .id = id, .user = user_id),
        NF_CMD(schedule_remove_runs, NF_ROWS_ANY, .id = id),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, NULL, err);

    return rc == NF_E_CONFLICT ? nf_row_found(0, "schedule", err) : rc;
}

static enum nf_code due(struct nf_schedule_store *s, int64_t now_ms,
                        const struct nf_schedule_place *after, size_t limit,
                        struct nf_schedules *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };
    struct nf_cmd cmd = NF_CMD(schedules_due, NF_ROWS_ANY, .now = now_ms, .next = after->next_ms,
                               .id = after->id, .limit = (i64)limit);

    NF_TRY(read_list(db_of(s), &cmd, &found, err));
    if (nf_schedules_rows(&found) < limit)
        found.last = (struct nf_schedule_place){ 0 };
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code ahead(struct nf_schedule_store *s, int64_t now_ms, size_t limit,
                          struct nf_schedules *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules found = { 0 };
    struct nf_cmd cmd = NF_CMD(schedules_ahead, NF_ROWS_ANY, .after = now_ms + NF_SCHEDULE_BACK_MS,
                               .limit = (i64)limit);

    NF_TRY(read_list(db_of(s), &cmd, &found, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_outlook(void *to, const void *row, struct nf_err *err)
{
    const struct schedules_outlook_row *r = row;

    (void)err;
    *(struct nf_schedule_outlook *)to = (struct nf_schedule_outlook){
        .next_ms = r->next, .last_ms = r->last, .under_way = r->under_way != 0
    };
    return NF_OK;
}

static enum nf_code outlook(struct nf_schedule_store *s, struct nf_schedule_outlook *ret,
                            struct nf_err *err)
{
    struct nf_schedule_outlook found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(schedules_outlook, NF_ROWS_ANY, on_outlook, &found,
                                   .active = NF_SCHEDULE_ACTIVE);

    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = found;
    return NF_OK;
}

static enum nf_code set_aside(struct nf_schedule_store *s, int64_t id, const char *reason,
                              struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(schedule_set_aside, 1, .id = id, .reason = nf_row_cut(reason, NF_REASON_MAX));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);

    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "schedule is not active any more") : rc;
}

const struct nf_schedule_store_ops nf_repository_schedules = {
    .get = get,
    .list = list,
    .create = create,
    .of_call = of_call,
    .update = update,
    .remove = remove_one,
    .outlook = outlook,
    .due = due,
    .ahead = ahead,
    .set_aside = set_aside,
    .note = nf_repository_schedule_note,
    .runs = nf_repository_schedule_runs,
    .of_turn = nf_repository_schedule_of_turn,
    .ended = nf_repository_schedule_ended,
    .settle = nf_repository_schedule_settle,
    .tokens = nf_repository_schedule_tokens,
    .tidy = nf_repository_schedule_tidy,
};
