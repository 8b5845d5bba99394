#include "domain/task.h"

#include "base/own.h"
#include "base/string.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#define FIRST NF_TASK_PENDING
#define LAST NF_TASK_UNKNOWN

/* The picture in task.h, by hand. */
static bool is_drawn(enum nf_task_status from, enum nf_task_status to)
{
    static const enum nf_task_status arrows[][2] = {
        { NF_TASK_PENDING, NF_TASK_RUNNING },
        { NF_TASK_PENDING, NF_TASK_CANCELLED },
        { NF_TASK_RUNNING, NF_TASK_WAITING_APPROVAL },
        { NF_TASK_RUNNING, NF_TASK_COMPLETED },
        { NF_TASK_RUNNING, NF_TASK_FAILED },
        { NF_TASK_RUNNING, NF_TASK_CANCELLED },
        { NF_TASK_RUNNING, NF_TASK_UNKNOWN },
        { NF_TASK_WAITING_APPROVAL, NF_TASK_RUNNING },
        { NF_TASK_WAITING_APPROVAL, NF_TASK_FAILED },
        { NF_TASK_WAITING_APPROVAL, NF_TASK_CANCELLED },
    };

    for (size_t i = 0; i < sizeof(arrows) / sizeof(arrows[0]); i++)
        if (arrows[i][0] == from && arrows[i][1] == to)
            return true;
    return false;
}

static void exactly_the_drawn_arrows_are_allowed(void **data)
{
    struct nf_err err;
    (void)data;

    for (int from = FIRST - 1; from <= LAST + 1; from++)
        for (int to = FIRST - 1; to <= LAST + 1; to++) {
            enum nf_task_status a = (enum nf_task_status)from, b = (enum nf_task_status)to;

            assert_code(nf_task_may_become(a, b, &err), is_drawn(a, b) ? NF_OK : NF_E_CONFLICT);
        }
}

static void a_refusal_names_both_states(void **data)
{
    struct nf_err err;
    (void)data;

    assert_code(nf_task_may_become(NF_TASK_COMPLETED, NF_TASK_RUNNING, &err), NF_E_CONFLICT);
    assert_string_equal(err.msg, "task is completed: it cannot become running");
}

static void final_states_are_those_without_an_arrow(void **data)
{
    (void)data;

    for (enum nf_task_status s = FIRST; s <= LAST; s++) {
        bool leaves = false;

        for (enum nf_task_status to = FIRST; to <= LAST; to++)
            leaves = leaves || is_drawn(s, to);
        assert_int_equal(nf_task_is_final(s), !leaves);
    }
    assert_false(nf_task_is_final((enum nf_task_status)0));
}

static void beginning_and_ending_are_stamped_once(void **data)
{
    struct nf_task t = { .status = NF_TASK_PENDING, .created_ms = 100 };
    struct nf_err err;
    (void)data;

    assert_ok(nf_task_become(&t, NF_TASK_RUNNING, 200, NULL, &err), &err);
    assert_ok(nf_task_become(&t, NF_TASK_WAITING_APPROVAL, 300, "asked", &err), &err);
    assert_string_equal(t.reason, "asked");
    assert_ok(nf_task_become(&t, NF_TASK_RUNNING, 400, NULL, &err), &err);
    assert_string_equal(t.reason, "");
    assert_int_equal(t.ended_ms, 0);
    assert_ok(nf_task_become(&t, NF_TASK_FAILED, 500, "why", &err), &err);

    assert_int_equal(t.started_ms, 200);
    assert_int_equal(t.ended_ms, 500);
    assert_string_equal(t.reason, "why");
}

static void a_refused_change_changes_nothing(void **data)
{
    struct nf_task t = { .status = NF_TASK_COMPLETED, .ended_ms = 5, .reason = "old" };
    struct nf_err err;
    (void)data;

    assert_code(nf_task_become(&t, NF_TASK_RUNNING, 9, "new", &err), NF_E_CONFLICT);

    assert_int_equal(t.status, NF_TASK_COMPLETED);
    assert_int_equal(t.ended_ms, 5);
    assert_int_equal(t.started_ms, 0);
    assert_string_equal(t.reason, "old");
}

static void times_do_not_decrease_when_the_clock_does(void **data)
{
    struct nf_task t = { .status = NF_TASK_PENDING, .created_ms = 1000 };
    struct nf_err err;
    (void)data;

    assert_ok(nf_task_become(&t, NF_TASK_RUNNING, 900, NULL, &err), &err);
    assert_int_equal(t.started_ms, 1000);
    t.started_ms = 1500;
    assert_ok(nf_task_become(&t, NF_TASK_COMPLETED, 1400, NULL, &err), &err);
    assert_int_equal(t.ended_ms, 1500);
}

static void a_reason_is_cut_at_a_character_within_its_limit(void **data)
{
    char why[NF_REASON_MAX + 3];
    struct nf_err err;
    (void)data;
    memset(why, 'x', sizeof(why));
    why[NF_REASON_MAX] = '\0';

    struct nf_task t = { .status = NF_TASK_RUNNING };
    assert_ok(nf_task_become(&t, NF_TASK_FAILED, 1, why, &err), &err);
    assert_int_equal(strlen(t.reason), NF_REASON_MAX);

    memcpy(why + NF_REASON_MAX - 1, "\xc3\xa9", 3);
    t = (struct nf_task){ .status = NF_TASK_RUNNING };
    assert_ok(nf_task_become(&t, NF_TASK_FAILED, 1, why, &err), &err);
    assert_int_equal(strlen(t.reason), NF_REASON_MAX - 1);
}

static void a_reason_that_was_cut_in_a_character_loses_the_rest_of_it(void **data)
{
    struct nf_task t = { .status = NF_TASK_RUNNING };
    struct nf_err err;
    (void)data;

    assert_ok(nf_task_become(&t, NF_TASK_FAILED, 1, "smile \xf0\x9f\x98", &err), &err);

    assert_string_equal(t.reason, "smile ");
}

static void states_and_kinds_have_names(void **data)
{
    (void)data;

    for (enum nf_task_status s = FIRST; s <= LAST; s++)
        assert_string_not_equal(nf_task_status_name(s), "?");
    assert_string_equal(nf_task_status_name(NF_TASK_WAITING_APPROVAL), "waiting_approval");
    assert_string_equal(nf_task_status_name((enum nf_task_status)0), "?");
    assert_string_equal(nf_task_status_name((enum nf_task_status)8), "?");
    assert_string_equal(nf_task_kind_name(NF_TASK_TURN), "turn");
    assert_string_equal(nf_task_kind_name(NF_TASK_MODEL), "model");
    assert_string_equal(nf_task_kind_name(NF_TASK_TOOL), "tool");
    assert_string_equal(nf_task_kind_name((enum nf_task_kind)0), "?");
}

static void pushing_moves_and_failing_to_push_does_not(void **data)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks list = { 0 };
    NF_CLEANUP(nf_task_done) struct nf_task t = { .id = 7 };
    struct nf_err err;
    (void)data;
    assert_ok(nf_strdup("{}", &t.args, &err), &err);
    assert_ok(nf_strdup("result", &t.result, &err), &err);
    assert_ok(nf_parts_add_text(&t.reply, "reply", &err), &err);

    nf_fail_alloc_at(1);
    assert_code(nf_tasks_push(&list, &t, &err), NF_E_NOMEM);
    assert_int_equal(list.n, 0);
    assert_string_equal(t.result, "result");

    assert_ok(nf_tasks_push(&list, &t, &err), &err);
    assert_null(t.args);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.v[0].id, 7);
    assert_string_equal(list.v[0].reply.v[0].text, "reply");
}

static int allocations_work(void **data)
{
    (void)data;
    nf_fail_alloc_at(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_the_drawn_arrows_are_allowed),
        cmocka_unit_test(a_refusal_names_both_states),
        cmocka_unit_test(final_states_are_those_without_an_arrow),
        cmocka_unit_test(beginning_and_ending_are_stamped_once),
        cmocka_unit_test(a_refused_change_changes_nothing),
        cmocka_unit_test(times_do_not_decrease_when_the_clock_does),
        cmocka_unit_test(a_reason_is_cut_at_a_character_within_its_limit),
        cmocka_unit_test(a_reason_that_was_cut_in_a_character_loses_the_rest_of_it),
        cmocka_unit_test(states_and_kinds_have_names),
        cmocka_unit_test_teardown(pushing_moves_and_failing_to_push_does_not, allocations_work),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
