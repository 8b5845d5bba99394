#include "persistence/repositories/schedule_runs.h"

#include "base/own.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_schedule_store *s)
{
    assert(s->ops == &nf_repository_schedules);
    return nf_container_of(s, struct nf_repositories, schedules)->db;
}

_Static_assert(sizeof(struct schedule_runs_row) == sizeof(struct schedule_runs_ended_row),
               "row structs differ");

static enum nf_code on_run(void *to, const void *row, struct nf_err *err)
{
    const struct schedule_runs_row *r = row;
    struct nf_schedule_run run = { .schedule_id = r->schedule_id,
                                   .due_ms = r->due_at,
                                   .user_id = r->user_id,
                                   .fired_ms = r->fired_at,
                                   .run_id = r->run_id,
                                   .reserved = r->reserved,
                                   .tokens = r->tokens,
                                   .by_hand = r->by_hand != 0 };

    NF_TRY(
        nf_row_enum(r->outcome, NF_SCHEDULE_STARTED, NF_SCHEDULE_SKIPPED, "outcome of a run", err));
    run.outcome = (enum nf_schedule_outcome)r->outcome;
    NF_TRY(nf_row_copy(run.reason, sizeof(run.reason), r->reason, "a reason", err));
    *(struct nf_schedule_run *)to = run;
    return NF_OK;
}

static enum nf_code on_runs(void *to, const void *row, struct nf_err *err)
{
    struct nf_schedule_runs *list = to;

    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_schedule_run *v = &list->v[list->n];
    NF_TRY(on_run(v, row, err));
    list->n++;
    return NF_OK;
}

size_t nf_repository_fire_cmds(const struct nf_fire *f, struct nf_fire_cmds *c, struct nf_cmd *to)
{
    const struct nf_schedule_run *r = f->run;
    size_t n = 0;

    c->update = nf_repository_schedule_update_of(f->schedule);
    c->run = (struct schedule_run_put_in){ .schedule = r->schedule_id,
                                           .due = r->due_ms,
                                           .user = r->user_id,
                                           .fired = r->fired_ms,
                                           .outcome = r->outcome,
                                           .run = r->run_id,
                                           .reserved = r->reserved,
                                           .by_hand = r->by_hand,
                                           .reason = nf_slice_of(r->reason) };
    c->user = (struct schedule_day_take_in){
        .user = r->user_id, .day = f->day, .tokens = r->reserved, .max = f->user_max
    };
    c->all =
        (struct schedule_day_take_in){ .day = f->day, .tokens = r->reserved, .max = f->all_max };
    to[n++] = (struct nf_cmd){ .q = NF_Q_schedule_update, .expect = 1, .in = &c->update };
    to[n++] = (struct nf_cmd){ .q = NF_Q_schedule_run_put, .expect = 1, .in = &c->run };
    if (r->reserved == 0)
        return n;
    to[n++] = (struct nf_cmd){ .q = NF_Q_schedule_day_take, .expect = 1, .in = &c->user };
    to[n++] = (struct nf_cmd){ .q = NF_Q_schedule_day_take, .expect = 1, .in = &c->all };
    return n;
}

enum nf_code nf_repository_fire_refused(struct nf_fire *f, size_t n, struct nf_err *err)
{
    static const enum nf_fire_refusal why[NF_FIRE_CMDS] = { NF_FIRE_MOVED, NF_FIRE_RUN_BEFORE,
                                                            NF_FIRE_BUDGET, NF_FIRE_BUDGET_ALL };
    assert(n < NF_FIRE_CMDS);
    f->refused = why[n];
    return nf_err_set(err, NF_E_CONFLICT, "this run of the schedule was refused");
}

enum nf_code nf_repository_schedule_note(struct nf_schedule_store *s, struct nf_fire *fire,
                                         struct nf_err *err)
{
    struct nf_fire_cmds args;
    struct nf_cmd cmds[NF_FIRE_CMDS];
    size_t n = nf_repository_fire_cmds(fire, &args, cmds), failed = 0;
    enum nf_code rc = nf_db_tx(db_of(s), cmds, n, &failed, err);

    return rc == NF_E_CONFLICT ? nf_repository_fire_refused(fire, failed, err) : rc;
}

enum nf_code nf_repository_schedule_runs(struct nf_schedule_store *s, int64_t schedule_id,
                                         int64_t before, size_t limit, struct nf_schedule_runs *ret,
                                         struct nf_err *err)
{
    NF_CLEANUP(nf_schedule_runs_done) struct nf_schedule_runs found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(schedule_runs, NF_ROWS_ANY, on_runs, &found, .schedule = schedule_id,
                   .before = before ? before : INT64_MAX, .limit = (i64)limit);

    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

enum nf_code nf_repository_schedule_of_turn(struct nf_schedule_store *s, int64_t run_id,
                                            struct nf_schedule_run *ret, struct nf_err *err)
{
    struct nf_schedule_run r = { 0 };
    size_t rows;
    struct nf_cmd cmd = NF_CMD_ROW(schedule_run_of_turn, NF_ROWS_ANY, on_run, &r, .run = run_id);

    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "run of a schedule", err));
    *ret = r;
    return NF_OK;
}

enum nf_code nf_repository_schedule_ended(struct nf_schedule_store *s, size_t limit,
                                          struct nf_schedule_runs *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_schedule_runs_done) struct nf_schedule_runs found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(schedule_runs_ended, NF_ROWS_ANY, on_runs, &found, .limit = (i64)limit);

    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

enum nf_code nf_repository_schedule_settle(struct nf_schedule_store *s,
                                           const struct nf_schedule_run *r, int64_t day,
                                           struct nf_err *err)
{
    const i64 more = r->tokens - r->reserved;
    struct nf_cmd cmds[] = {
        NF_CMD(schedule_run_settle, 1, .schedule = r->schedule_id, .due = r->due_ms,
               .outcome = r->outcome, .tokens = r->tokens, .reason = nf_slice_of(r->reason)),
        NF_CMD(schedule_day_add, NF_ROWS_ANY, .user = r->user_id, .day = day, .tokens = more),
        NF_CMD(schedule_day_add, NF_ROWS_ANY, .user = 0, .day = day, .tokens = more),
    };

    return nf_db_tx(db_of(s), cmds, r->reserved ? 3 : 1, NULL, err);
}

static enum nf_code on_tokens(void *to, const void *row, struct nf_err *err)
{
    const struct schedule_day_get_row *r = row;

    (void)err;
    *(int64_t *)to = r->tokens;
    return NF_OK;
}

enum nf_code nf_repository_schedule_tokens(struct nf_schedule_store *s, int64_t user_id,
                                           int64_t day, int64_t *ret, struct nf_err *err)
{
    int64_t n = 0;
    struct nf_cmd cmd =
        NF_CMD_ROW(schedule_day_get, NF_ROWS_ANY, on_tokens, &n, .user = user_id, .day = day);

    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = n;
    return NF_OK;
}

enum nf_code nf_repository_schedule_tidy(struct nf_schedule_store *s, int64_t before_ms,
                                         int64_t day, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(schedule_runs_tidy, NF_ROWS_ANY, .before = before_ms),
        NF_CMD(schedules_tidy, NF_ROWS_ANY, .before = before_ms),
        NF_CMD(schedule_days_tidy, NF_ROWS_ANY, .day = day, .kept = NF_SCHEDULE_DAYS_KEPT),
    };

    return nf_db_tx(db_of(s), cmds, 3, NULL, err);
}
