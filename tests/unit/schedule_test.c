#include "domain/schedule.h"

#include "tests/support/test.h"

#include <string.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 (20000 * DAY) /* a midnight */

/* "0 * * * *" from T0 on: the first run is an hour later; NULL: once, then. */
static struct nf_schedule_spec spec_of(const char *expression, enum nf_missed missed, int64_t max)
{
    return (struct nf_schedule_spec){ .id = 1,
                                      .user_id = 2,
                                      .kind = NF_SCHEDULE_REMINDER,
                                      .text = "water the plants",
                                      .expression = expression,
                                      .at_ms = expression ? 0 : T0 + HOUR,
                                      .missed = missed,
                                      .missed_max = max };
}

static struct nf_schedule made(const struct nf_schedule_spec *spec)
{
    struct nf_schedule s;
    struct nf_err err;

    assert_ok(nf_schedule_init(&s, spec, &nf_zone_utc, T0, &err), &err);
    assert_ok(nf_schedule_check(&s, &err), &err);
    return s;
}

static struct nf_schedule hourly(enum nf_missed missed, int64_t max)
{
    struct nf_schedule_spec spec = spec_of("0 * * * *", missed, max);

    return made(&spec);
}

static struct nf_schedule once(enum nf_missed missed)
{
    struct nf_schedule_spec spec = spec_of(NULL, missed, 0);

    return made(&spec);
}

/* What is taken at `now`: how many runs; what was missed is in *missed. */
static int take(struct nf_schedule *s, int64_t now, int *missed)
{
    struct nf_due due;
    struct nf_err err;
    int runs = 0;

    *missed = 0;
    while (nf_schedule_take(s, &nf_zone_utc, now, &due)) {
        runs += due.run;
        *missed += !due.run;
        assert_ok(nf_schedule_check(s, &err), &err);
    }
    return runs;
}

static int runs_at(struct nf_schedule *s, int64_t now)
{
    int ignored;

    return take(s, now, &ignored);
}

static void a_new_schedule_is_active_and_knows_its_next_run(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 5);
    (void)data;

    assert_int_equal(s.id, 1);
    assert_int_equal(s.user_id, 2);
    assert_int_equal(s.status, NF_SCHEDULE_ACTIVE);
    assert_string_equal(s.expression, "0 * * * *");
    assert_string_equal(s.text, "water the plants");
    assert_string_equal(s.zone, "UTC");
    assert_int_equal(s.next_ms, T0 + HOUR);
    assert_int_equal(s.last_ms, 0);
    assert_int_equal(s.missed_max, 5);
    assert_int_equal(hourly(NF_MISSED_ONCE, 5).missed_max, 0);
    assert_int_equal(once(NF_MISSED_ONCE).next_ms, T0 + HOUR);
}

static enum nf_code try_spec(const struct nf_schedule_spec *spec, struct nf_err *err)
{
    struct nf_schedule s;

    return nf_schedule_init(&s, spec, &nf_zone_utc, T0, err);
}

static void what_is_wrong_is_refused_by_name(void **data)
{
    struct nf_schedule_spec good = spec_of("* * * * *", NF_MISSED_SKIP, 0), bad;
    struct nf_err err;
    (void)data;

    bad = good, bad.expression = "x";
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    bad = good, bad.missed = (enum nf_missed)0;
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    bad = good, bad.missed = (enum nf_missed)4;
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "missed"));
    bad = good, bad.kind = (enum nf_schedule_kind)3;
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "kind"));
    bad = good, bad.at_ms = T0 + 1;
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    bad = good, bad.text = "";
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    bad = good, bad.text = "\xff";
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "text"));
    bad = good, bad.expression = NULL, bad.at_ms = T0;
    assert_code(try_spec(&bad, &err), NF_E_INVALID);
    bad.at_ms = T0 + 1;
    assert_code(try_spec(&bad, &err), NF_OK);
    for (int64_t max = 0; max <= NF_SCHEDULE_MISSED_MAX + 1; max++) {
        bool fine = max >= 1 && max <= NF_SCHEDULE_MISSED_MAX;

        bad = spec_of("* * * * *", NF_MISSED_ALL, max);
        assert_code(try_spec(&bad, &err), fine ? NF_OK : NF_E_LIMIT);
    }
}

static void a_text_ends_at_its_limit(void **data)
{
    char text[NF_SCHEDULE_TEXT_MAX + 2];
    struct nf_schedule_spec spec = spec_of("* * * * *", NF_MISSED_SKIP, 0);
    struct nf_err err;
    (void)data;

    memset(text, 'x', sizeof(text));
    spec.text = text;
    text[NF_SCHEDULE_TEXT_MAX + 1] = '\0';
    assert_code(try_spec(&spec, &err), NF_E_LIMIT);
    text[NF_SCHEDULE_TEXT_MAX] = '\0';
    assert_ok(try_spec(&spec, &err), &err);
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
            assert_code(nf_schedule_become(&s, (enum nf_schedule_status)to, &nf_zone_utc, T0, &err),
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

    assert_int_equal(runs_at(&s, T0 + HOUR - 1), 0);
    assert_int_equal(s.next_ms, T0 + HOUR);
    assert_int_equal(s.last_ms, 0);
    assert_int_equal(runs_at(&s, T0 + HOUR), 1);
    assert_int_equal(s.next_ms, T0 + 2 * HOUR);
    assert_int_equal(s.last_ms, T0 + HOUR);
    assert_int_equal(runs_at(&s, T0 + HOUR), 0);
}

static void a_skipped_run_is_one_that_is_over_a_minute_late(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_SKIP, 0);
    int missed;
    (void)data;

    assert_int_equal(take(&s, T0 + HOUR + NF_SCHEDULE_LATE_MS, &missed), 1);
    assert_int_equal(missed, 0);
    assert_int_equal(take(&s, T0 + 2 * HOUR + NF_SCHEDULE_LATE_MS + 1, &missed), 0);
    assert_int_equal(missed, 1);
    assert_int_equal(s.next_ms, T0 + 3 * HOUR);
    /* Days later, and just in time for one of them. */
    assert_int_equal(take(&s, T0 + 3 * DAY + 5, &missed), 1);
    assert_int_equal(missed, 1);
    assert_int_equal(take(&s, T0 + 6 * DAY + 2 * MINUTE, &missed), 0);
}

static void one_run_makes_up_for_all(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ONCE, 0);
    struct nf_due due;
    (void)data;

    assert_true(nf_schedule_take(&s, &nf_zone_utc, T0 + 3 * DAY + 2 * MINUTE, &due));
    assert_true(due.run);
    assert_true(due.late);
    assert_int_equal(due.due_ms, T0 + HOUR);
    assert_int_equal(s.next_ms, T0 + 3 * DAY + HOUR);
}

static void all_are_made_up_for_up_to_the_bound(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 4);
    int missed;
    (void)data;

    assert_int_equal(take(&s, T0 + 3 * HOUR + 5 * MINUTE, &missed), 3);
    assert_int_equal(missed, 0);
    assert_int_equal(take(&s, T0 + 4 * HOUR, &missed), 1); /* in time: counted anew */
    assert_int_equal(take(&s, T0 + 12 * HOUR + 5 * MINUTE, &missed), 4);
    assert_int_equal(missed, 1);
    assert_int_equal(s.next_ms, T0 + 13 * HOUR);
    assert_int_equal(s.made_up, 0);
}

static void a_single_time_ends_it(void **data)
{
    (void)data;

    for (enum nf_missed m = NF_MISSED_SKIP; m <= NF_MISSED_ALL; m++) {
        struct nf_schedule in_time = once(m), late = once(m);

        assert_int_equal(runs_at(&in_time, T0 + HOUR - 1), 0);
        assert_int_equal(runs_at(&in_time, T0 + HOUR), 1);
        assert_int_equal(in_time.status, NF_SCHEDULE_DONE);
        assert_int_equal(in_time.next_ms, 0);
        assert_int_equal(runs_at(&in_time, T0 + HOUR), 0);

        assert_int_equal(runs_at(&late, T0 + 2 * HOUR), m == NF_MISSED_SKIP ? 0 : 1);
        assert_int_equal(late.status, NF_SCHEDULE_DONE);
    }
}

static void what_passes_during_a_pause_is_not_missed(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 10), single = once(NF_MISSED_ONCE);
    const struct nf_zone *utc = &nf_zone_utc;
    struct nf_err err;
    (void)data;

    assert_ok(nf_schedule_become(&s, NF_SCHEDULE_PAUSED, utc, T0, &err), &err);
    assert_int_equal(runs_at(&s, T0 + 5 * HOUR), 0);
    assert_ok(nf_schedule_become(&s, NF_SCHEDULE_ACTIVE, utc, T0 + 5 * HOUR, &err), &err);
    assert_int_equal(s.next_ms, T0 + 6 * HOUR);

    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_PAUSED, utc, T0, &err), &err);
    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_ACTIVE, utc, T0 + HOUR - 1, &err), &err);
    assert_int_equal(single.next_ms, T0 + HOUR);
    assert_ok(nf_schedule_become(&single, NF_SCHEDULE_PAUSED, utc, T0, &err), &err);
    assert_code(nf_schedule_become(&single, NF_SCHEDULE_ACTIVE, utc, T0 + HOUR, &err),
                NF_E_INVALID);
    assert_int_equal(single.status, NF_SCHEDULE_PAUSED);
}

static void a_clock_that_jumps_brings_neither_a_storm_nor_silence(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_ALL, 3);
    int missed;
    (void)data;

    /* Forward, also beyond any calendar: as many as may be made up for. */
    assert_int_equal(take(&s, T0 + 900 * DAY + 5 * MINUTE, &missed), 3);
    assert_false(nf_schedule_rewind(&s, &nf_zone_utc, T0 + 900 * DAY + 4 * MINUTE));
    /* And back: it does not wait for those days to come again. */
    assert_true(nf_schedule_rewind(&s, &nf_zone_utc, T0 + HOUR + MINUTE));
    assert_int_equal(s.next_ms, T0 + 2 * HOUR);
    assert_false(nf_schedule_rewind(&s, &nf_zone_utc, T0 + HOUR + MINUTE));
    assert_int_equal(take(&s, INT64_MAX / 2, &missed), 3);
    assert_int_equal(missed, 1);
    (void)nf_schedule_rewind(&s, &nf_zone_utc, INT64_MIN / 2);
    assert_true(s.next_ms > 0);
}

static void the_next_runs_are_known(void **data)
{
    struct nf_schedule s = hourly(NF_MISSED_SKIP, 0), single = once(NF_MISSED_SKIP);
    int64_t next[NF_SCHEDULE_NEXT_SHOWN];
    struct nf_err err;
    (void)data;

    assert_int_equal(nf_schedule_ahead(&s, &nf_zone_utc, 3, next), 3);
    assert_int_equal(next[2], T0 + 3 * HOUR);
    assert_int_equal(nf_schedule_ahead(&single, &nf_zone_utc, 3, next), 1);
    assert_ok(nf_schedule_become(&s, NF_SCHEDULE_PAUSED, &nf_zone_utc, T0, &err), &err);
    assert_int_equal(nf_schedule_ahead(&s, &nf_zone_utc, 3, next), 0);
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
    bad = s, bad.kind = (enum nf_schedule_kind)0;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.at_ms = 1;
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.expression[0] = '\0';
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.expression[0] = 'x';
    assert_code(nf_schedule_check(&bad, &err), NF_E_INVALID);
    bad = s, bad.zone[0] = '\0';
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
        cmocka_unit_test(a_text_ends_at_its_limit),
        cmocka_unit_test(a_clock_that_jumps_brings_neither_a_storm_nor_silence),
        cmocka_unit_test(the_next_runs_are_known),
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
