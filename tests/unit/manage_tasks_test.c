/* A person looks at what the daemon does for them. */
#include "application/manage_tasks.h"
#include "tests/unit/use_case_fixture.h"

static struct nf_accepted given_answered(struct world *w)
{
    MODEL_SAYS(w, { .text = "yes" });
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    return a;
}

static void a_turn_is_shown_with_its_steps_and_changes(void **state)
{
    struct world *w = *state;
    struct nf_task_details d = { 0 };
    struct nf_accepted a = given_answered(w);
    assert_ok(nf_task_show(&w->app, &w->user, a.run_id, &d, &w->err), &w->err);
    assert_int_equal(d.task.status, NF_TASK_COMPLETED);
    assert_int_equal(d.steps.n, 1);
    assert_int_equal(d.changes.n, 3);
    for (size_t i = 1; i < d.changes.n; i++)
        assert_true(d.changes.v[i].at_ms >= d.changes.v[i - 1].at_ms);
    nf_task_details_done(&d);

    assert_ok(nf_task_show(&w->app, &w->user, a.claim.step_id, &d, &w->err), &w->err);
    assert_int_equal(d.task.kind, NF_TASK_MODEL);
    assert_int_equal(d.steps.n, 0);
    nf_task_details_done(&d);
}

static void tasks_of_others_do_not_exist(void **state)
{
    struct world *w = *state;
    struct nf_task_details d = { 0 };
    struct nf_tasks list = { 0 };
    struct nf_accepted a = given_answered(w);
    struct nf_user other = { .id = 8, .role = NF_USER_OWNER, .status = NF_USER_ACTIVE };
    struct nf_task_filter f = { .user_id = USER, .limit = 10 };
    assert_code(nf_task_show(&w->app, &other, a.run_id, &d, &w->err), NF_E_NOT_FOUND);
    assert_ok(nf_task_list(&w->app, &other, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 0);
    nf_tasks_done(&list);
    f = (struct nf_task_filter){ .session_id = w->session, .limit = 10 };
    assert_ok(nf_task_list(&w->app, &other, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 0);
    nf_tasks_done(&list);
}

static void a_list_has_1_to_200_rows(void **state)
{
    struct world *w = *state;
    struct nf_tasks list = { 0 };
    given_answered(w);
    struct nf_task_filter f = { .limit = 0 };
    assert_code(nf_task_list(&w->app, &w->user, &f, &list, &w->err), NF_E_INVALID);
    f.limit = 201;
    assert_code(nf_task_list(&w->app, &w->user, &f, &list, &w->err), NF_E_INVALID);
    f.limit = 200;
    assert_ok(nf_task_list(&w->app, &w->user, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 1);
    nf_tasks_done(&list);
}

static void out_of_memory_nothing_leaks(void **state)
{
    (void)state;
    struct nf_task_details d = { 0 };
    struct nf_accepted a;
    TORTURE(a = given_answered(w), nf_task_show(&w->app, &w->user, a.run_id, &d, &w->err), {
        if (rc == NF_OK)
            nf_task_details_done(&d);
        d = (struct nf_task_details){ 0 };
    });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_turn_is_shown_with_its_steps_and_changes),
        T(tasks_of_others_do_not_exist),
        T(a_list_has_1_to_200_rows),
        cmocka_unit_test(out_of_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
