/* A turn waits for an answer, and meanwhile things change: skills, restarts, rows, crashes. */
#include "tests/unit/approval_rig.h"

/* --- what changes meanwhile ------------------------------------------------------------------- */

static void allow_and_change_the_skill(struct world *w)
{
    allow(w);
    w->tools.version = "2";
}

static void other_files_by_the_time_it_runs_are_refused_by_the_tool(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = allow_and_change_the_skill;
    write_message(w, "m1", "go");
    /* The call names the version that was asked about; the port refuses another. */
    w->tools.refuse_version = true;
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(said(w), "tool:error: the skill was changed"));
}

/* The turn is cut off while it waits, and goes on with the next start. */
static void stop_waiting(struct world *w, enum nf_turn_end end)
{
    w->bell.fail = NF_E_CANCELED;
    w->control.end = end;
    assert_ok(answer(w), &w->err);
    w->bell.fail = NF_OK;
    w->control = (struct nf_turn_control){ 0 };
}

static void parked(struct world *w)
{
    MODEL_SAYS(w, CALL_AND_ANSWER);
    write_message(w, "m1", "go");
    stop_waiting(w, NF_TURN_PARKED);
    assert_int_equal(newest_status(w), NF_APPROVAL_PENDING);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
}

static void after_a_restart_it_waits_on(void **state)
{
    struct world *w = *state;
    parked(w);
    int64_t id = w->web.asked_id;
    w->bell.meanwhile = allow;
    assert_ok(answer(w), &w->err);
    assert_true(w->web.asked_id == id); /* it was not asked again */
    assert_int_equal(w->tools.calls, 1);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon {\"a\":1}|assistant:So be it.|");
}

static void decided_while_we_were_down_it_runs_or_not(void **state)
{
    (void)state;
    for (int yes = 0; yes <= 1; yes++) {
        void *fresh;
        assert_int_equal(with_asking(&fresh), 0);
        struct world *w = fresh;
        parked(w);
        assert_code(decide_as(w, &w->user, yes, NULL), NF_OK);
        assert_ok(answer(w), &w->err);
        assert_int_equal(w->tools.calls, yes);
        assert_int_equal(w->bell.waits, 1); /* of the first attempt */
        world_free(w);
    }
}

static void allowed_but_run_after_its_time_it_is_refused(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    w->now += APPROVAL_TTL_MS;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "tool:error: there is no approval for this call as it is now"));
}

static void a_skill_changed_while_we_were_down_is_not_what_was_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    w->tools.version = "2";
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "there is no approval for this call as it is now"));
}

/* Between two attempts somebody writes other arguments into the journal. */
static struct nf_turn_store_ops forged_ops;

static enum nf_code forged_steps(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                                 struct nf_err *err)
{
    enum nf_code rc = fake_steps(s, run_id, ret, err);
    for (size_t i = 0; rc == NF_OK && i < ret->n; i++)
        if (ret->v[i].kind == NF_TASK_TOOL)
            ret->v[i].args[5] = '9';
    return rc;
}

static void arguments_changed_in_the_database_are_not_what_was_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    forged_ops = *w->turns.port.ops;
    forged_ops.steps = forged_steps;
    w->turns.port.ops = &forged_ops;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "there is no approval for this call as it is now"));
}

/* The question itself is changed: who decides sees another call than the one that was asked. */
static struct nf_approval_store_ops forged_approvals;
static struct nf_approval_store forged_store;
static struct nf_approval_store *real_approvals;

static enum nf_code forged_get(struct nf_approval_store *s, int64_t id,
                               struct nf_approval_request *ret, struct nf_err *err)
{
    (void)s;
    enum nf_code rc = real_approvals->ops->get(real_approvals, id, ret, err);
    if (rc == NF_OK)
        ret->args[5] = '9';
    return rc;
}

static void a_question_that_was_changed_cannot_be_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    real_approvals = w->s.approvals;
    forged_approvals = (struct nf_approval_store_ops){ .get = forged_get };
    forged_store.ops = &forged_approvals;
    w->app.approvals = &forged_store;
    assert_code(decide_as(w, &w->user, true, NULL), NF_E_CONFLICT);
    w->app.approvals = real_approvals;
    assert_int_equal(newest_status(w), NF_APPROVAL_PENDING);
}

static void stopped_while_it_waits_the_question_is_void(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    struct nf_accepted a = write_message(w, "m1", "go");
    stop_waiting(w, NF_TURN_STOPPED);
    assert_int_equal(newest_status(w), NF_APPROVAL_CANCELLED);
    assert_int_equal(w->web.asked_status, NF_APPROVAL_CANCELLED);
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|2 tool cancelled|");
    assert_code(decide_as(w, &w->user, true, NULL), NF_E_CONFLICT);
    check_replay(w, a.run_id);
}

static void given_up_after_too_many_attempts_the_question_is_void(void **state)
{
    struct world *w = *state;
    parked(w);
    w->runner.claim.attempt = NF_TURN_ATTEMPTS_MAX + 1;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_int_equal(newest_status(w), NF_APPROVAL_CANCELLED);
}

static int waits_seen, waiting_now;

static void count_waiting(struct nf_turn_control *c, bool waits)
{
    (void)c;
    waits_seen += waits;
    waiting_now += waits ? 1 : -1;
    assert_in_range(waiting_now, 0, 1);
}

static void the_clock_of_the_turn_is_told_to_stand_still(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    waits_seen = waiting_now = 0;
    w->control.waiting = count_waiting;
    w->bell.meanwhile = allow;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(waits_seen, 1);
    assert_int_equal(waiting_now, 0);
}

static void who_asks_too_much_gets_no_answer(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    write_message(w, "m0", "go");
    for (int64_t i = 0; i < NF_APPROVALS_OPEN_MAX; i++) { /* of calls by hand, say */
        struct nf_claim c = { .user_id = USER, .run_id = 1000 + i };
        struct nf_task t = {
            .id = 1000 + i, .kind = NF_TASK_TOOL, .created_ms = 1, .started_ms = 1, .name = "clock"
        };
        struct nf_approval_request r = { .id = 5000 + i,
                                         .task_id = t.id,
                                         .user_id = USER,
                                         .tool = "clock",
                                         .created_ms = w->now,
                                         .expires_ms = w->now + 100000 };
        assert_ok(w->s.turns->ops->step_begin(w->s.turns, &c, &t, &w->err), &w->err);
        assert_ok(w->s.approvals->ops->ask(w->s.approvals, &c, &r, &w->err), &w->err);
    }
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "too many calls wait for an approval already"));
}

/* --- crashes, memory -------------------------------------------------------------------------- */

/* Writes of such a turn that the fake counts: end of step 1, begin and end of the tool, begin of
 * the second model step, finish. */
static void a_crash_at_any_write_runs_it_once_at_most(void **state)
{
    (void)state;
    for (int write = 1; write <= 5; write++)
        for (int applied = 0; applied <= 1; applied++) {
            void *fresh;
            assert_int_equal(with_asking(&fresh), 0);
            struct world *w = fresh;
            MODEL_SAYS(w, CALL_AND_ANSWER);
            w->bell.meanwhile = allow;
            write_message(w, "m1", "go");
            w->turns.crash_at = write;
            w->turns.applied = applied;
            assert_code(answer(w), NF_E_IO);
            w->turns.crash_at = 0;
            if (write < 5 || !applied) {
                claim_again(w);
                assert_ok(answer(w), &w->err);
            }
            /* What had been allowed when we died may have run, for all that the journal says. */
            bool known = strstr(said(w), "It is unknown whether it took effect") == NULL;
            assert_true(known || write == 3);
            assert_in_range(w->tools.calls, known ? 1 : 0, 1);
            assert_non_null(strstr(said(w), "assistant:So be it.|"));
            world_free(w);
        }
}

static void no_allocation_that_fails_runs_it_unasked(void **state)
{
    bool done = false;
    (void)state;
    for (size_t n = 1; !done; n++) {
        void *fresh;
        assert_int_equal(with_asking(&fresh), 0);
        struct world *w = fresh;
        MODEL_SAYS(w, CALL_AND_ANSWER);
        w->bell.meanwhile = NULL;
        struct nf_accepted a = write_message(w, "m1", "go");
        nf_fail_alloc_at(n);
        enum nf_code rc = answer(w);
        done = !allocation_failed();
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
        assert_int_equal(w->tools.calls, 0);
        if (w->control.status == 0) {
            claim_again(w);
            assert_ok(answer(w), &w->err);
        }
        assert_null(strstr(steps_of(w, a.run_id), "running"));
        assert_null(strstr(steps_of(w, a.run_id), "waiting"));
        assert_true(n < 2000);
        world_free(w);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, with_asking, teardown)
    const struct CMUnitTest tests[] = {
        T(other_files_by_the_time_it_runs_are_refused_by_the_tool),
        T(after_a_restart_it_waits_on),
        cmocka_unit_test(decided_while_we_were_down_it_runs_or_not),
        T(allowed_but_run_after_its_time_it_is_refused),
        T(a_skill_changed_while_we_were_down_is_not_what_was_allowed),
        T(arguments_changed_in_the_database_are_not_what_was_allowed),
        T(a_question_that_was_changed_cannot_be_allowed),
        T(stopped_while_it_waits_the_question_is_void),
        T(given_up_after_too_many_attempts_the_question_is_void),
        T(the_clock_of_the_turn_is_told_to_stand_still),
        T(who_asks_too_much_gets_no_answer),
        cmocka_unit_test(a_crash_at_any_write_runs_it_once_at_most),
        cmocka_unit_test(no_allocation_that_fails_runs_it_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
