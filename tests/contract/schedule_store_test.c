#include "tests/contract/schedule_rig.h"

static void what_is_kept_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    given_people(f);
    struct nf_schedule want = given(f, 5, 1), got = read_back(f, 5);

    assert_memory_equal(&got, &want, sizeof(got));
    assert_ok(store(f)->ops->of_call(store(f), 1005, &got, &f->err), &f->err);
    assert_int_equal(got.id, 5);
    assert_code(store(f)->ops->of_call(store(f), 0, &got, &f->err), NF_E_NOT_FOUND);
    assert_code(store(f)->ops->get(store(f), 5, 2, &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(store(f)->ops->get(store(f), 5, 1, &got, &f->err), &f->err);
}

static void a_call_makes_one_and_a_person_so_many(void **state)
{
    struct fixture *f = *state;
    given_people(f);
    struct nf_schedule again = given(f, 5, 1), more = hourly(f, 9, 1);

    again.id = 6;
    assert_code(store(f)->ops->create(store(f), &again, MAX, &f->err), NF_E_CONFLICT);
    (void)given(f, 7, 1);
    struct nf_schedule done = given(f, 8, 1);
    assert_code(store(f)->ops->create(store(f), &more, MAX, &f->err), NF_E_LIMIT);
    (void)given(f, 10, 2);
    assert_ok(nf_schedule_become(&done, NF_SCHEDULE_DONE, &nf_zone_utc, T0, &f->err), &f->err);
    assert_ok(store(f)->ops->update(store(f), &done, &f->err), &f->err);
    assert_ok(store(f)->ops->create(store(f), &more, MAX, &f->err), &f->err);
}

static void pages_go_from_the_newest_on(void **state)
{
    struct fixture *f = *state;
    given_people(f);
    (void)given(f, 5, 1);
    (void)given(f, 6, 2);
    struct nf_schedule paused = given(f, 7, 1);
    assert_ok(nf_schedule_become(&paused, NF_SCHEDULE_PAUSED, &nf_zone_utc, T0, &f->err), &f->err);
    assert_ok(store(f)->ops->update(store(f), &paused, &f->err), &f->err);

    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9 }), "7 6 5 ");
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 2 }), "7 6 ");
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 2, .before_id = 6 }),
                        "5 ");
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9, .user_id = 1 }),
                        "7 5 ");
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9,
                                                                .user_id = 1,
                                                                .status = NF_SCHEDULE_PAUSED }),
                        "7 ");
    assert_string_equal(
        listed(f, &(struct nf_schedule_filter){ .limit = 9, .status = NF_SCHEDULE_ACTIVE }),
        "6 5 ");
}

static void who_comes_second_is_refused(void **state)
{
    struct fixture *f = *state;
    given_people(f);
    struct nf_schedule mine = given(f, 5, 1), theirs = mine;

    memcpy(mine.text, "mine\0", 6);
    memcpy(theirs.text, "theirs\0", 8);
    assert_ok(store(f)->ops->update(store(f), &mine, &f->err), &f->err);
    assert_code(store(f)->ops->update(store(f), &theirs, &f->err), NF_E_CONFLICT);
    assert_string_equal(read_back(f, 5).text, "mine");
    assert_int_equal(read_back(f, 5).version, 2);
    mine.id = 6;
    assert_code(store(f)->ops->update(store(f), &mine, &f->err), NF_E_CONFLICT);
}

static void what_is_due_is_found_longest_waiting_first(void **state)
{
    struct fixture *f = *state;
    given_people(f);
    struct nf_schedule early = given(f, 7, 1), paused, ahead;
    (void)given(f, 6, 1);
    paused = given(f, 5, 1);
    ahead = given(f, 8, 2);

    early.next_ms -= 5;
    assert_ok(store(f)->ops->update(store(f), &early, &f->err), &f->err);
    assert_ok(nf_schedule_become(&paused, NF_SCHEDULE_PAUSED, &nf_zone_utc, T0, &f->err), &f->err);
    assert_ok(store(f)->ops->update(store(f), &paused, &f->err), &f->err);
    ahead.next_ms = T0 + 900 * HOUR;
    ahead.last_ms = T0 + 899 * HOUR; /* by a clock that was wrong */
    assert_ok(store(f)->ops->update(store(f), &ahead, &f->err), &f->err);

    assert_string_equal(due(f, T0 + HOUR - 6, 9), "");
    assert_string_equal(due(f, T0 + HOUR - 5, 9), "7 ");
    assert_string_equal(due(f, T0 + HOUR, 9), "7 6 ");
    assert_string_equal(due(f, T0 + HOUR, 1), "7 ");
    assert_string_equal(set_back(f, T0 + HOUR), "8 ");
    assert_string_equal(set_back(f, T0 + 899 * HOUR - NF_SCHEDULE_BACK_MS), "");
    struct nf_schedule_outlook o = outlook(f);
    assert_int_equal(o.next_ms, T0 + HOUR - 5);
    assert_int_equal(o.last_ms, T0 + 899 * HOUR);
    assert_false(o.under_way);
}

static void a_page_says_where_to_go_on(void **state)
{
    struct fixture *f = *state;
    struct nf_schedules page = { 0 };
    given_people(f);
    (void)given(f, 5, 1);
    (void)given(f, 6, 2);

    assert_ok(store(f)->ops->due(store(f), T0 + HOUR, &all, 1, &page, &f->err), &f->err);
    assert_int_equal(page.last.next_ms, T0 + HOUR);
    assert_int_equal(page.last.id, 5);
    struct nf_schedule_place after = page.last;
    nf_schedules_done(&page);
    assert_ok(store(f)->ops->due(store(f), T0 + HOUR, &after, 9, &page, &f->err), &f->err);
    assert_int_equal(page.last.id, 0);
    assert_string_equal(ids(&page), "6 ");
}

static void a_damaged_one_hides_no_other_and_can_be_set_aside(void **state)
{
    struct fixture *f = *state;
    struct nf_schedules page = { 0 };
    given_people(f);
    struct nf_schedule bad = given(f, 5, 1);
    (void)given(f, 6, 1);
    memcpy(bad.expression, "61 * * * *", 11);
    assert_ok(store(f)->ops->update(store(f), &bad, &f->err), &f->err);

    assert_string_equal(due(f, T0 + HOUR, 9), "6 !5 ");
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9 }), "6 !5 ");
    assert_ok(store(f)->ops->due(store(f), T0 + HOUR, &all, 1, &page, &f->err), &f->err);
    assert_int_equal(nf_schedules_rows(&page), 1);
    assert_int_equal(page.last.id, 5);
    assert_non_null(strstr(page.damaged[0].why, "minute"));
    nf_schedules_done(&page);

    assert_ok(store(f)->ops->set_aside(store(f), 5, "why", &f->err), &f->err);
    assert_string_equal(due(f, T0 + HOUR, 9), "6 ");
    assert_code(store(f)->ops->set_aside(store(f), 5, "why", &f->err), NF_E_CONFLICT);
    assert_code(store(f)->ops->set_aside(store(f), 7, "why", &f->err), NF_E_CONFLICT);
    assert_ok(store(f)->ops->remove(store(f), 5, 1, &f->err), &f->err);
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9 }), "6 ");
}

static void out_of_memory_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct nf_schedules found = { 0 };
    given_people(f);
    (void)given(f, 5, 1);

    TORTURE(store(f)->ops->due(store(f), T0 + HOUR, &all, 9, &found, &f->err),
            assert_int_equal(found.n, 0));
    assert_string_equal(ids(&found), "5 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_kept_comes_back_as_it_was),
        cmocka_unit_test(a_call_makes_one_and_a_person_so_many),
        cmocka_unit_test(pages_go_from_the_newest_on),
        cmocka_unit_test(who_comes_second_is_refused),
        cmocka_unit_test(what_is_due_is_found_longest_waiting_first),
        cmocka_unit_test(a_page_says_where_to_go_on),
        cmocka_unit_test(a_damaged_one_hides_no_other_and_can_be_set_aside),
        cmocka_unit_test(out_of_memory_leaves_nothing_behind),
    };

    return RUN_SUITE("schedule_store", tests);
}
