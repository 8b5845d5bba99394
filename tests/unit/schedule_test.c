#include "domain/schedule.h"

#include "tests/support/test.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (20000 * DAY) /* a midnight */

/* Every hour, from T0 on: the first run is an hour later. */
static struct nf_schedule hourly(enum nf_missed missed, int64_t max)
{
    struct nf_schedule s;
    struct nf_err err;

    assert_ok(nf_schedule_init(&s, 1, 2, "0 * * * *", missed, max, 0, T0, &err), &err);
    assert_ok(nf_schedule_check(&s, &err), &err);
    return s;
}

static struct nf_schedule once(enum nf_missed missed)
{
    struct nf_schedule s;
    struct nf_err err;

    assert_ok(nf_schedule_init_once(&s, 1, 2, T0 + HOUR, missed, T0, &err), &err);
    assert_ok(nf_schedule_check(&s, &err), &err);
    return s;
}

static int64_t take(struct nf_schedule *s, int64_t now)
{
    struct nf_err err;
    int64_t runs = nf_schedule_take_due(s, 0, now);

    assert_ok(nf_schedule_check(s, &err), &err);
    return runs;
}

static void a_new_schedule_is_active_and_knows_its_next_run(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 5);
    (void)data;

    assert_int_equal(s.id, 1);
    assert_int_equal(s.user_id, 2);
    assert_int_equal(s.status, NF_SCHEDULE_ACTIVE);
    assert_string_equal(s.expression, "0 * * * *");
    assert_int_equal(s.next_ms, T0 + HOUR);
    assert_int_equal(s.last_ms, 0);
    assert_int_equal(s.missed_max, 5);
    assert_int_equal(hourly(NF_MISSED_ONCE, 5).missed_max, 0);
}

static void what_is_wrong_is_refused_by_name(void **data)
{
    struct nf_schedule s;
    struct nf_err err;
    (void)data;

    assert_code(nf_schedule_init(&s, 1, 2, "x", NF_MISSED_SKIP, 0, 0, T0, &err), NF_E_INVALID);
    assert_code(nf_schedule_init(&s, 1, 2, "* * * * *", (enum nf_missed)0, 0, 0, T0, &err),
                NF_E_INVALID);
    assert_code(nf_schedule_init(&s, 1, 2, "* * * * *", (enum nf_missed)4, 0, 0, T0, &err),
                NF_E_INVALID);
    assert_non_null(strstr(err.msg, "missed"));
    for (int64_t max = 0; max <= NF_SCHEDULE_MISSED_MAX + 1; max++) {
        bool good = max >= 1 && max <= NF_SCHEDULE_MISSED_MAX;

        assert_code(nf_schedule_init(&s, 1, 2, "* * * * *", NF_MISSED_ALL, max, 0, T0, &err),
                    good ? NF_OK : NF_E_LIMIT);
    }
}

static void a_single_time_lies_ahead(void **data)
{
    struct nf_schedule s;
    struct nf_err err;
    (void)data;

    assert_code(nf_schedule_init_once(&s, 1, 2, T0, NF_MISSED_ONCE, T0, &err), NF_E_INVALID);
    assert_ok(nf_schedule_init_once(&s, 1, 2, T0 + 1, NF_MISSED_ONCE, T0, &err), &err);
    assert_int_equal(s.next_ms, T0 + 1);
}

static void exactly_the_drawn_arrows_are_allowed(void **data)
{
    struct nf_err err;
    (void)data;

    for (int from = 0; from <= 4; from++)
        for (int to = 0; to <= 4; to++) {
            struct nf_schedule s = hourly(NF_MISSED_SKIP, 0);
            bool drawn = (from == NF_SCHEDULE_ACTIVE && to == NF_SCHEDULE_PAUSED) ||
                         (from == NF_SCHEDULE_PAUSED && to == NF_SCHEDULE_ACTIVE) ||
                         ((from == NF_SCHEDULE_ACTIVE || from == NF_SCHEDULE_PAUSED) &&
                          to == NF_SCHEDULE_DONE);

            s.status = (enum nf_schedule_status)from;
            assert_code(nf_schedule_become(&s, (enum nf_schedule_status)to, 0, T0, &err),
                        drawn ? NF_OK : NF_E_CONFLICT);
            assert_int_equal(s.status, drawn ? to : from);
            if (drawn)
                assert_ok(nf_schedule_check(&s, &err), &err);
        }
    assert_true(nf_schedule_is_final(NF_SCHEDULE_DONE));
    assert_false(nf_schedule_is_final(NF_SCHEDULE_PAUSED));
    assert_false(nf_schedule_is_final((enum nf_schedule_status)0));
}

static void nothing_is_due_before_its_time(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_SKIP, 0);
    (void)data;

    assert_int_equal(take(&s, T0 + HOUR - 1), 0);
    assert_int_equal(s.next_ms, T0 + HOUR);
    assert_int_equal(s.last_ms, 0);
    assert_int_equal(take(&s, T0 + HOUR), 1);
    assert_int_equal(s.next_ms, T0 + 2 * HOUR);
    assert_int_equal(s.last_ms, T0 + HOUR);
    assert_int_equal(take(&s, T0 + HOUR), 0);
}

static void a_skipped_run_is_one_that_is_over_a_minute_late(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_SKIP, 0);
    (void)data;

    assert_int_equal(take(&s, T0 + HOUR + NF_SCHEDULE_LATE_MS), 1);
    assert_int_equal(take(&s, T0 + 2 * HOUR + NF_SCHEDULE_LATE_MS + 1), 0);
    assert_int_equal(s.next_ms, T0 + 3 * HOUR);
    /* Days later, and just in time for one of them. */
    assert_int_equal(take(&s, T0 + 3 * DAY + 5), 1);
    assert_int_equal(take(&s, T0 + 6 * DAY + 2 * MINUTE), 0);
}

static void one_run_makes_up_for_all(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ONCE, 0);
    (void)data;

    assert_int_equal(take(&s, T0 + 3 * DAY + 2 * MINUTE), 1);
    assert_int_equal(s.next_ms, T0 + 3 * DAY + HOUR);
}

static void all_are_made_up_for_up_to_the_bound(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 4);
    (void)data;

    assert_int_equal(take(&s, T0 + 3 * HOUR + 5 * MINUTE), 3);
    assert_int_equal(take(&s, T0 + 7 * HOUR), 4);
    assert_int_equal(take(&s, T0 + 12 * HOUR), 4);
    assert_int_equal(s.next_ms, T0 + 13 * HOUR);
}

static void a_single_time_ends_it(void **data)
{
    (void)data;

    for (enum nf_missed m = NF_MISSED_SKIP; m <= NF_MISSED_ALL; m++) {
        struct nf_schedule in_time = once(m), late = once(m);

        assert_int_equal(take(&in_time, T0 + HOUR - 1), 0);
        assert_int_equal(take(&in_time, T0 + HOUR), 1);
        assert_int_equal(in_time.status, NF_SCHEDULE_DONE);
        assert_int_equal(in_time.next_ms, 0);
        assert_int_equal(take(&in_time, T0 + HOUR), 0);

        assert_int_equal(take(&late, T0 + 2 * HOUR), m == NF_MISSED_SKIP ? 0 : 1);
        assert_int_equal(late.status, NF_SCHEDULE_DONE);
    }
}

static void what_passes_during_a_pause_is_not_missed(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 10), single = once(NF_MISSED_ONCE);
    struct nf_err err;
    (void)data;

    assert_ok(nf_schedule_become(&s, NF_SCHEDULE_PAUSED, 0, T0, &err), &err);
    assert_int_equal(take(&s, T0 + 5 * HOUR), 0);
    assert_ok(nf_schedule_become(&s, NF_SCHEDULE_ACTIVE, 0, T0 + 5 * HOUR, &err), &err);
    assert_int_equal(s.next_ms, T0 + 6 * HOUR);

    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_PAUSED, 0, T0, &err), &err);
    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_ACTIVE, 0, T0 + HOUR - 1, &err), &err);
    assert_int_equal(single.next_ms, T0 + HOUR);
    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_PAUSED, 0, T0, &err), &err);
    assert_code(nf_schedule_become(&single, NF_SCHEDULE_ACTIVE, 0, T0 + HOUR, &err), NF_E_INVALID);
    assert_int_equal(single.status, NF_SCHEDULE_PAUSED);
}

static void a_row_that_cannot_be_is_refused(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_SKIP, 0), bad;
    struct nf_err err;
    (void)data;

    memset(&s.cron, 0, sizeof(s.cron)); /* not stored: the check brings it back */
    assert_ok(nf_schedule_check(&s, &err), &err);
    assert_true(s.cron.minutes == 1);
    bad = s, bad.next_ms = 0;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.status = NF_SCHEDULE_DONE;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.status = (enum nf_schedule_status)0;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.at_ms = 1;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.expression[0] = '\0';
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.expression[0] = 'x';
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.missed = (enum nf_missed)9;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
}

static void states_and_rules_have_names(void **data)
{
    enum nf_missed back = 0;
    (void)data;

    assert_string_equal(nf_schedule_status_name(NF_SCHEDULE_ACTIVE), "active");
    assert_string_equal(nf_schedule_status_name(NF_SCHEDULE_PAUSED), "paused");
    assert_string_equal(nf_schedule_status_name(NF_SCHEDULE_DONE), "done");
    assert_string_equal(nf_schedule_status_name((enum nf_schedule_status)0), "?");
    for (enum nf_missed m = NF_MISSED_SKIP; m <= NF_MISSED_ALL; m++) {
        assert_true(nf_missed_from_name(nf_missed_name(m), &back));
        assert_int_equal(back, m);
    }
    assert_string_equal(nf_missed_name(NF_MISSED_SKIP), "skip");
    assert_false(nf_missed_from_name("never", &back));
    assert_string_equal(nf_missed_name((enum nf_missed)0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_schedule_is_active_and_knows_its_next_run),
        cmocka_unit_test(what_is_wrong_is_refused_by_name),
        cmocka_unit_test(a_single_time_lies_ahead),
        cmocka_unit_test(exactly_the_drawn_arrows_are_allowed),
        cmocka_unit_test(nothing_is_due_before_its_time),
        cmocka_unit_test(a_skipped_run_is_one_that_is_over_a_minute_late),
        cmocka_unit_test(one_run_makes_up_for_all),
        cmocka_unit_test(all_are_made_up_for_up_to_the_bound),
        cmocka_unit_test(a_single_time_ends_it),
        cmocka_unit_test(what_passes_during_a_pause_is_not_missed),
        cmocka_unit_test(a_row_that_cannot_be_is_refused),
        cmocka_unit_test(states_and_rules_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
