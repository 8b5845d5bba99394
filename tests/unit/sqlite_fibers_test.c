/* The SQLite driver: transactions and reads of many fibers. */
#include "persistence/sqlite/backup.h"
#include "tests/unit/sqlite_fixture.h"

#define FIBERS 64

struct crowd {
    struct world *w;
    nf_fiber_fn each;
    int next, fresh, duplicates, refused;
};

static enum nf_code crowd_main(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    struct world *w = c->w;
    NF_TRY(nf_sqlite_open(w->loop, w->path, &w->db, err));
    NF_TRY(nf_repositories_new(w->db, &w->s, err));
    struct nf_session s = { .id = 7, .user_id = 1, .channel = "web" };
    NF_TRY(w->s.sessions->ops->create(w->s.sessions, &s, err));
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    nf_scope_init(&scope, w->loop);
    for (int i = 0; i < FIBERS; i++)
        NF_TRY(nf_scope_spawn(&scope, c->each, c, NULL, err));
    enum nf_code rc = nf_scope_join(&scope, err);
    return rc;
}

static enum nf_code closing(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    enum nf_code rc = crowd_main(arg, err);
    close_db(c->w);
    return rc;
}

static void run_crowd(struct crowd *c)
{
    assert_ok(nf_loop_new(&c->w->loop, &c->w->err), &c->w->err);
    assert_ok(nf_loop_run(c->w->loop, closing, c, &c->w->err), &c->w->err);
}

static enum nf_code same_message(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    struct nf_accepted got;
    int n = ++c->next;
    struct nf_accept in = { .source = "s",
                            .client_id = "the one",
                            .user_id = 1,
                            .session_id = 7,
                            .run_id = INT64_C(10) * n,
                            .step_id = INT64_C(10) * n + 1,
                            .content = "text",
                            .now_ms = n,
                            .owner = 1,
                            .lease_ms = 1000 };
    NF_TRY(c->w->s.turns->ops->accept(c->w->s.turns, &in, &got, err));
    if (got.duplicate)
        c->duplicates++;
    else
        c->fresh++;
    return NF_OK;
}

static void of_many_doubles_at_once_one_is_accepted(void **state)
{
    struct crowd c = { .w = *state, .each = same_message };
    run_crowd(&c);
    assert_int_equal(c.fresh, 1);
    assert_int_equal(c.duplicates, FIBERS - 1);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM messages"), 1);
    assert_int_equal(raw_ask(c.w, "SELECT pending FROM sessions"), 1);
}

/* Every third transaction is refused after it has written. */
static enum nf_code some_are_refused(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    int n = ++c->next;
    size_t failed = 99;
    struct nf_cmd cmds[] = {
        NF_CMD(credential_put, 1, .hash = nf_slice_of("h"), .kind = 1, .user = n, .expires = 1),
        NF_CMD(session_guard, n % 3 == 0 ? 7 : NF_ROWS_ANY, .id = 7, .fence = 1),
        NF_CMD(credential_remove, 1, .hash = nf_slice_of("h")),
        NF_CMD(usage_put, 1, .turn = n, .n = 1, .model = nf_slice_of("m")),
    };
    enum nf_code rc = nf_db_tx(c->w->db, cmds, 4, &failed, err);
    if (rc == NF_E_CONFLICT && n % 3 == 0 && failed == 1) {
        c->refused++;
        return NF_OK;
    }
    return rc;
}

static void a_refused_transaction_is_undone_alone(void **state)
{
    struct crowd c = { .w = *state, .each = some_are_refused };
    run_crowd(&c);
    assert_int_equal(c.refused, FIBERS / 3);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM usage"), FIBERS - FIBERS / 3);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM usage WHERE turn_id%3=0"), 0);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM credentials"), 0);
}

/* Every third one breaks a constraint with the second row of a statement. */
static enum nf_code some_break_a_constraint(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    int n = ++c->next;
    size_t failed = 99;
    struct nf_cmd cmds[] = {
        NF_CMD(step_put, 1, .id = n, .turn = n, .n = 1, .session = 7, .user = 1, .kind = 3,
               .created = n, .started = n),
        /* Twice the same note, since it has changed once only. */
        NF_CMD(accept_note, NF_ROWS_ANY, .turn = n % 3 == 0 ? n : 0, .step = n % 3 == 0 ? 0 : n),
    };
    enum nf_code rc = nf_db_tx(c->w->db, cmds, 2, &failed, err);
    if (rc == NF_E_CONFLICT && n % 3 == 0 && failed == 1) {
        c->refused++;
        return NF_OK;
    }
    return rc;
}

static void a_constraint_broken_in_the_middle_undoes_all_of_its_transaction(void **state)
{
    struct crowd c = { .w = *state, .each = some_break_a_constraint };
    run_crowd(&c);
    assert_int_equal(c.refused, FIBERS / 3);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM tasks"), FIBERS - FIBERS / 3);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM task_changes"), FIBERS - FIBERS / 3);
    assert_int_equal(raw_ask(c.w, "SELECT count(*) FROM task_changes WHERE task_id%3=0"), 0);
}

static enum nf_code one_of_each(void *arg, struct nf_err *err)
{
    struct crowd *c = arg;
    int n = ++c->next;
    struct nf_session s = { .id = 100 + n, .user_id = 1, .channel = "web", .title = "T" };
    NF_TRY(c->w->s.sessions->ops->create(c->w->s.sessions, &s, err));
    NF_TRY(
        c->w->s.sessions->ops->get(c->w->s.sessions, 100 + n, 1, &s, err)); /* reads its writes */
    struct nf_db_stats stats;
    nf_db_stats(c->w->db, &stats);
    c->fresh = (int)stats.commits;
    c->duplicates = (int)stats.transactions;
    return NF_OK;
}

static void many_transactions_share_a_commit(void **state)
{
    struct crowd c = { .w = *state, .each = one_of_each };
    run_crowd(&c);
    assert_int_equal(c.duplicates, FIBERS + 1);
    assert_true(c.fresh < FIBERS / 2);
}

static enum nf_code back_up_in_fiber(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    NF_TRY(nf_sqlite_open(w->loop, w->path, &w->db, err));
    enum nf_code rc = nf_db_backup(w->db, w->copy, err);
    close_db(w);
    return rc;
}

static void a_fiber_can_make_a_backup(void **state)
{
    struct world *w = *state;
    struct nf_sqlite_verified v;
    assert_ok(nf_loop_new(&w->loop, &w->err), &w->err);
    assert_ok(nf_loop_run(w->loop, back_up_in_fiber, w, &w->err), &w->err);
    assert_ok(nf_sqlite_verify(w->copy, &v, &w->err), &w->err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(of_many_doubles_at_once_one_is_accepted),
        T(a_refused_transaction_is_undone_alone),
        T(a_constraint_broken_in_the_middle_undoes_all_of_its_transaction),
        T(many_transactions_share_a_commit),
        T(a_fiber_can_make_a_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
