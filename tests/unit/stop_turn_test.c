/* A person wants the current turn to end. */
#include "application/stop_turn.h"
#include "tests/unit/use_case_fixture.h"

static enum nf_code stop(struct world *w, int64_t run_id, int64_t *waited)
{
    return nf_stop_turn(&w->app, &w->user, w->session, run_id, waited, &w->err);
}

static void what_runs_is_stopped_by_its_runner(void **state)
{
    struct world *w = *state;
    int64_t waited = -1;
    struct nf_accepted a = write_message(w, "m1", "one");
    w->runner.runs = true;
    assert_ok(stop(w, 0, &waited), &w->err);
    assert_int_equal(waited, 0);
    assert_string_equal(history_of(w, a.run_id), "pending running");
}

static void a_turn_that_waits_is_cancelled_for_good(void **state)
{
    struct world *w = *state;
    int64_t waited = -1;
    write_message(w, "m1", "one");
    struct nf_accepted second = write_message(w, "m2", "two");
    assert_ok(stop(w, second.run_id, &waited), &w->err);
    assert_true(waited == second.run_id);
    assert_string_equal(history_of(w, second.run_id), "pending cancelled");
    assert_code(stop(w, second.run_id, &waited), NF_E_NOT_FOUND);

    MODEL_SAYS(w, { .text = "yes" });
    assert_ok(answer(w), &w->err);
    assert_false(w->control.more);
}

static void unnamed_it_is_the_one_that_has_waited_longest(void **state)
{
    struct world *w = *state;
    int64_t waited = -1;
    write_message(w, "m1", "one");
    struct nf_accepted second = write_message(w, "m2", "two");
    struct nf_accepted third = write_message(w, "m3", "three");
    assert_ok(stop(w, 0, &waited), &w->err);
    assert_true(waited == second.run_id);
    assert_ok(stop(w, 0, &waited), &w->err);
    assert_true(waited == third.run_id);
    assert_code(stop(w, 0, &waited), NF_E_NOT_FOUND);
}

static void of_a_full_queue_the_oldest_is_found(void **state)
{
    struct world *w = *state;
    int64_t waited = -1, second = 0;
    char id[16];
    for (int i = 0; i < NF_SESSION_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        struct nf_accepted a = write_message(w, id, "one");
        if (i == 1)
            second = a.run_id;
    }
    assert_ok(stop(w, 0, &waited), &w->err);
    assert_true(waited == second);
}

static void nobody_stops_the_turns_of_others(void **state)
{
    struct world *w = *state;
    int64_t waited;
    struct nf_accepted a = write_message(w, "m1", "one");
    write_message(w, "m2", "two");
    w->runner.runs = true;
    w->user.id = 8;
    assert_code(stop(w, 0, &waited), NF_E_NOT_FOUND);
    assert_code(stop(w, a.run_id, &waited), NF_E_NOT_FOUND);
    assert_int_equal(w->runner.stopped, 0);
}

static void a_turn_of_another_session_is_not_found(void **state)
{
    struct world *w = *state;
    int64_t waited;
    write_message(w, "m1", "one");
    struct nf_accepted other = write_message(w, "m2", "two");
    w->session = 0;
    write_message(w, "m3", "elsewhere");
    assert_code(stop(w, other.run_id, &waited), NF_E_NOT_FOUND);
    assert_string_equal(history_of(w, other.run_id), "pending");
}

static void out_of_memory_it_is_stopped_or_still_waits(void **state)
{
    (void)state;
    int64_t waited;
    struct nf_accepted second;
    TORTURE(
        {
            write_message(w, "m1", "one");
            second = write_message(w, "m2", "two");
        },
        stop(w, 0, &waited),
        {
            assert_string_equal(history_of(w, second.run_id),
                                rc == NF_OK ? "pending cancelled" : "pending");
        });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_runs_is_stopped_by_its_runner),
        T(a_turn_that_waits_is_cancelled_for_good),
        T(unnamed_it_is_the_one_that_has_waited_longest),
        T(of_a_full_queue_the_oldest_is_found),
        T(nobody_stops_the_turns_of_others),
        T(a_turn_of_another_session_is_not_found),
        cmocka_unit_test(out_of_memory_it_is_stopped_or_still_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
