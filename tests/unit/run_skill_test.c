/* Tools that a person runs by hand: over REST, and with /run in a chat. */
#include "application/recover.h"
#include "tests/unit/use_case_fixture.h"

static int with_tools(void **state)
{
    struct world *w = world_new();
    w->app.tools = &w->tools.port;
    *state = w;
    return 0;
}

static enum nf_code run(struct world *w, const char *name, const char *args,
                        struct nf_run_result *r)
{
    *r = (struct nf_run_result){ .task = { 0 } };
    return nf_run_skill(&w->app, &w->user, name, args, r, &w->err);
}

static void its_result_and_how_it_ran_come_back(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    assert_ok(run(w, "clock", "{\"a\":1}", &r), &w->err);
    assert_string_equal(r.task.result, "noon {\"a\":1}");
    assert_string_equal(r.task.level, "L3");
    assert_int_equal(r.task.worker, 4);
    assert_int_equal(r.task.wall_us, 1500);
    assert_string_equal(history_of(w, r.task.id), "running completed");
    nf_run_result_done(&r);
}

static void a_failure_is_an_error_and_in_the_journal(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    w->tools.fail = NF_E_UNAVAILABLE;
    assert_code(run(w, "fails", "{}", &r), NF_E_UNAVAILABLE);
    assert_string_equal(w->err.msg, "the tool broke");
    assert_string_equal(history_of(w, r.task.id), "running failed");
    nf_run_result_done(&r);
    assert_code(run(w, "teleport", "{}", &r), NF_E_NOT_FOUND);
    nf_run_result_done(&r);
    assert_code(run(w, "clock", "{\"bad\":1}", &r), NF_E_INVALID);
    nf_run_result_done(&r);
}

static void who_runs_it_by_hand_has_said_yes_but_not_always(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    w->tools.approval = NF_APPROVAL_ASK;
    assert_ok(run(w, "clock", "{}", &r), &w->err);
    nf_run_result_done(&r);
    assert_int_equal(w->web.asked, 0);
    w->tools.approval = NF_APPROVAL_ALWAYS;
    assert_code(run(w, "clock", "{}", &r), NF_E_DENIED); /* nobody decided */
    nf_run_result_done(&r);
    assert_int_equal(w->web.asked, 2);
    assert_int_equal(w->tools.calls, 1);
}

static void cancelled_it_ends_in_the_journal(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    w->tools.fail = NF_E_CANCELED;
    assert_code(run(w, "fails", "{}", &r), NF_E_CANCELED);
    assert_string_equal(history_of(w, r.task.id), "running cancelled");
    nf_run_result_done(&r);
    w->tools.approval = NF_APPROVAL_ALWAYS;
    w->bell.fail = NF_E_CANCELED;
    assert_code(run(w, "clock", "{}", &r), NF_E_CANCELED);
    assert_string_equal(history_of(w, r.task.id), "running waiting_approval cancelled");
    nf_run_result_done(&r);
}

static void the_blocked_and_the_late_run_nothing(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    w->user.status = NF_USER_BLOCKED;
    assert_code(run(w, "clock", "{}", &r), NF_E_DENIED);
    w->user.status = NF_USER_ACTIVE;
    w->app.intake_closed = true;
    assert_code(run(w, "clock", "{}", &r), NF_E_UNAVAILABLE);
    assert_int_equal(w->tools.calls, 0);
}

static void cut_off_by_a_crash_it_is_unknown(void **state)
{
    struct world *w = *state;
    struct nf_run_result r;
    struct nf_recovered done;
    w->app.turns = &w->turns.port;
    w->turns.crash_at = 2;
    assert_code(run(w, "clock", "{}", &r), NF_E_IO);
    w->app.turns = w->s.turns;
    assert_ok(nf_recover(&w->app, &done, &w->err), &w->err);
    assert_string_equal(history_of(w, r.task.id), "running unknown");
    nf_run_result_done(&r);
}

static void out_of_memory_is_an_error_and_no_leak(void **state)
{
    (void)state;
    struct nf_run_result r;
    TORTURE(w->app.tools = &w->tools.port, run(w, "clock", "{}", &r),
            /* a tool that ran out of memory has failed; all else is ours */
            (assert_true(rc != NF_OK || r.task.result != NULL), nf_run_result_done(&r)));
}

/* --- /run ------------------------------------------------------------------------------------- */

static void a_message_that_runs_a_tool_is_answered_without_a_model(void **state)
{
    struct world *w = *state;
    w->tools.named_by_skill = true;
    w->tools.approval = NF_APPROVAL_ASK;
    struct nf_accepted a = write_message(w, "m1", "/run fake clock {\"a\":1}");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->model.asked, 0);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_string_equal(said(w), "user:/run fake clock {\"a\":1}|assistant:|"
                                 "tool:noon {\"a\":1}|assistant:noon {\"a\":1}|");
    assert_string_equal(steps_of(w, a.run_id), "1 tool completed|");
    assert_string_equal(w->web.last, "noon {\"a\":1}");
    check_replay(w, a.run_id);
}

static void without_arguments_there_are_none(void **state)
{
    struct world *w = *state;
    w->tools.named_by_skill = true;
    write_message(w, "m1", "/run  fake\tclock \n");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->web.last, "noon {}");
}

static void its_failure_is_the_answer(void **state)
{
    struct world *w = *state;
    w->tools.named_by_skill = true;
    struct nf_accepted a = write_message(w, "m1", "/run fake fails");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->web.last, "error: the tool broke");
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    check_replay(w, a.run_id);
}

static void how_it_is_written_is_told_to_who_did_not(void **state)
{
    struct world *w = *state;
    struct nf_accepted a = write_message(w, "m1", "/run clock");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->web.last, "how to run a tool: /run SKILL TOOL {\"argument\": ...}");
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    check_replay(w, a.run_id);
}

static void what_only_begins_alike_is_a_message(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "hi" });
    write_message(w, "m1", "/running late");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->model.asked, 1);
}

static void a_crash_at_any_write_runs_it_once_at_most(void **state)
{
    (void)state;
    for (int write = 1; write <= 3; write++)
        for (int i = 0; i < 4; i++) {
            void *fresh;
            assert_int_equal(with_tools(&fresh), 0);
            struct world *w = fresh;
            bool applied = i & 1, idempotent = i & 2;
            w->tools.named_by_skill = true;
            w->tools.idempotent = idempotent;
            w->app.turns = &w->turns.port;
            struct nf_accepted a = write_message(w, "m1", "/run fake clock");
            w->turns.crash_at = write;
            w->turns.applied = applied;
            assert_code(answer(w), NF_E_IO);
            w->turns.crash_at = 0;
            if (write < 3 || !applied) {
                claim_again(w);
                assert_ok(answer(w), &w->err);
                check_replay(w, a.run_id);
            }
            if (!idempotent)
                assert_in_range(w->tools.calls, 0, 1);
            else
                assert_non_null(strstr(said(w), "|assistant:noon {}|"));
            assert_null(strstr(steps_of(w, a.run_id), "running"));
            world_free(w);
        }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, with_tools, teardown)
    const struct CMUnitTest tests[] = {
        T(its_result_and_how_it_ran_come_back),
        T(a_failure_is_an_error_and_in_the_journal),
        T(who_runs_it_by_hand_has_said_yes_but_not_always),
        T(cancelled_it_ends_in_the_journal),
        T(the_blocked_and_the_late_run_nothing),
        T(cut_off_by_a_crash_it_is_unknown),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_leak),
        T(a_message_that_runs_a_tool_is_answered_without_a_model),
        T(without_arguments_there_are_none),
        T(its_failure_is_the_answer),
        T(how_it_is_written_is_told_to_who_did_not),
        T(what_only_begins_alike_is_a_message),
        cmocka_unit_test(a_crash_at_any_write_runs_it_once_at_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
