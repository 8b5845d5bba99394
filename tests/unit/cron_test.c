#include "domain/cron.h"

#include "tests/support/test.h"
#include "tests/support/zone.h"
#include "tests/unit/cron_reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NF_UTC_OFFSET_MAX (14 * 60)

static struct nf_cron parsed(const char *text)
{
    struct nf_cron c = { 0 };
    struct nf_err err;

    assert_ok(nf_cron_parse(text, &c, &err), &err);
    return c;
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct tm tm = { .tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute };

    return (int64_t)timegm(&tm) * 1000;
}

static int64_t next(const char *text, int64_t after)
{
    struct nf_cron c = parsed(text);

    return nf_cron_next(&c, after, &nf_zone_utc);
}

/* Of the same offset for ever, in minutes. */
static int64_t next_at(const struct nf_cron *c, int64_t after, int offset)
{
    struct nf_zone z = { .name = "Test", .rule.standard = offset * 60 };

    return nf_cron_next(c, after, &z);
}

static void fields_become_bits(void **data)
{
    struct nf_cron c = parsed("0,30-32 */6 1-31/10 JAN,mar-May 1-5");
    (void)data;

    assert_true(c.minutes == (1 | UINT64_C(7) << 30));
    assert_int_equal(c.hours, 1 | 1 << 6 | 1 << 12 | 1 << 18);
    assert_true(c.days == (1U << 1 | 1U << 11 | 1U << 21 | 1U << 31));
    assert_int_equal(c.months, 1 << 1 | 7 << 3);
    assert_int_equal(c.weekdays, 0x3e);
    assert_true(c.either);
    assert_false(parsed("0 0 */2 * 1").either);
    assert_false(parsed("0 0 1 * */2").either);
}

static void sunday_is_0_and_7(void **data)
{
    (void)data;

    assert_int_equal(parsed("0 0 * * 0").weekdays & 0x7f, 1);
    assert_int_equal(parsed("0 0 * * 7").weekdays & 0x7f, 1);
    assert_int_equal(parsed("0 0 * * Sun").weekdays & 0x7f, 1);
    assert_int_equal(parsed("0 0 * * 5-7").weekdays & 0x7f, 0x61);
    assert_int_equal(parsed("0 0 * * FRI-SUN").weekdays & 0x7f, 0x61);
    assert_int_equal(parsed("0 0 * * SUN-TUE").weekdays & 0x7f, 7);
    assert_int_equal(parsed("0 0 * * 0-0").weekdays & 0x7f, 1);
}

static void each_field_ends_at_its_limits(void **data)
{
    static const char *const good[] = { "0 0 1 1 0",       "59 23 31 12 7",
                                        "*/1 * * * *",     "*/59 */23 */31 */12 */7",
                                        "  0\t0 1  1 0  ", "0-59 0-23 1-31 1-12 0-7" };
    static const struct {
        const char *text, *field;
    } bad[] = {
        { "60 0 1 1 0", "minute" },    { "-1 0 1 1 0", "minute" },  { "0 24 1 1 0", "hour" },
        { "0 0 0 1 0", "day" },        { "0 0 32 1 0", "day" },     { "0 0 1 0 0", "month" },
        { "0 0 1 13 0", "month" },     { "0 0 1 1 8", "weekday" },  { "*/0 * * * *", "minute" },
        { "*/60 * * * *", "minute" },  { "* */24 * * *", "hour" },  { "5/2 * * * *", "minute" },
        { "5-1 * * * *", "minute" },   { ", * * * *", "minute" },   { "1, * * * *", "minute" },
        { "1-,2 * * * *", "minute" },  { "x * * * *", "minute" },   { "1x * * * *", "minute" },
        { "** * * * *", "minute" },    { "* * * jax *", "month" },  { "* * * january *", "month" },
        { "* * * * mo", "weekday" },   { "mon * * * *", "minute" }, { "0001 * * * *", "minute" },
        { "1-2-3 * * * *", "minute" }, { "*-5 * * * *", "minute" },
    };
    struct nf_cron c;
    struct nf_err err;
    (void)data;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_cron_parse(good[i], &c, &err), &err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(nf_cron_parse(bad[i].text, &c, &err), NF_E_INVALID);
        assert_non_null(strstr(err.msg, bad[i].field));
    }
}

static void there_are_five_fields(void **data)
{
    struct nf_cron c;
    struct nf_err err;
    (void)data;

    assert_code(nf_cron_parse("", &c, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "0 fields"));
    assert_code(nf_cron_parse("* * * *", &c, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "4 fields"));
    assert_code(nf_cron_parse("* * * * * *", &c, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "more than 5"));
}

static void an_expression_ends_at_its_limit(void **data)
{
    char text[NF_CRON_MAX + 2] = "* * * * *";
    struct nf_cron c;
    struct nf_err err;
    (void)data;
    memset(text + strlen(text), ' ', sizeof(text) - strlen(text));
    text[NF_CRON_MAX + 1] = '\0';

    assert_code(nf_cron_parse(text, &c, &err), NF_E_LIMIT);
    text[NF_CRON_MAX] = '\0';
    assert_ok(nf_cron_parse(text, &c, &err), &err);
}

static void a_date_that_never_comes_is_refused(void **data)
{
    struct nf_cron c;
    struct nf_err err;
    (void)data;

    assert_code(nf_cron_parse("0 0 30 2 *", &c, &err), NF_E_INVALID);
    assert_code(nf_cron_parse("0 0 31 2,4,6,9,11 *", &c, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "never"));
    assert_ok(nf_cron_parse("0 0 29 2 *", &c, &err), &err);
    assert_ok(nf_cron_parse("0 0 30 2 1", &c, &err), &err); /* every Monday in February */
}

static void the_next_time_lies_behind_the_given_one(void **data)
{
    int64_t noon = at(2026, 3, 14, 12, 0);
    (void)data;

    assert_int_equal(next("0 12 * * *", noon - 1), noon);
    assert_int_equal(next("0 12 * * *", noon), at(2026, 3, 15, 12, 0));
    assert_int_equal(next("* * * * *", noon), noon + 60000);
    assert_int_equal(next("* * * * *", noon + 59999), noon + 60000);
    assert_int_equal(next("0 0 1 1 *", noon), at(2027, 1, 1, 0, 0));
    assert_int_equal(next("59 23 31 12 *", noon), at(2026, 12, 31, 23, 59));
    assert_int_equal(next("0 9 * * mon-fri", noon), at(2026, 3, 16, 9, 0)); /* from a Saturday */
}

static void day_and_weekday_are_alternatives_unless_one_begins_with_a_star(void **data)
{
    int64_t begin = at(2026, 3, 1, 0, 0); /* a Sunday */
    (void)data;

    assert_int_equal(next("0 0 13 * 5", begin), at(2026, 3, 6, 0, 0)); /* the first Friday */
    assert_int_equal(next("0 0 13 * */5", begin), at(2026, 3, 13, 0, 0));
    assert_int_equal(next("0 0 */20 * 6", begin), at(2026, 3, 21, 0, 0));
}

static void leap_days_come_also_across_2100(void **data)
{
    (void)data;

    assert_int_equal(next("0 0 29 2 *", at(2026, 1, 1, 0, 0)), at(2028, 2, 29, 0, 0));
    assert_int_equal(next("0 0 29 2 *", at(2096, 2, 29, 0, 0)), at(2104, 2, 29, 0, 0));
    /* On a Sunday: the longest wait there is. */
    assert_int_equal(next("0 0 29 2 */7", at(2088, 2, 29, 0, 0)), at(2128, 2, 29, 0, 0));
}

static void the_offset_moves_what_the_clock_shows(void **data)
{
    struct nf_cron c = parsed("30 9 * * *");
    int64_t midnight = at(2026, 3, 14, 0, 0);
    (void)data;

    assert_int_equal(next_at(&c, midnight, 60), at(2026, 3, 14, 8, 30));
    assert_int_equal(next_at(&c, midnight, -300), at(2026, 3, 14, 14, 30));
    assert_int_equal(next_at(&c, midnight, 345), at(2026, 3, 14, 3, 45));
    assert_int_equal(next_at(&c, midnight, NF_UTC_OFFSET_MAX), at(2026, 3, 14, 19, 30));
    assert_int_equal(next_at(&c, 0, -NF_UTC_OFFSET_MAX), at(1970, 1, 1, 23, 30));
    c = parsed("0 12 31 12 3"); /* 31 December 1969, a Wednesday, has not ended there */
    assert_int_equal(next_at(&c, 0, -NF_UTC_OFFSET_MAX), at(1970, 1, 1, 2, 0));
}

/* --- against the C library's calendar, minute by minute --------------------------------------- */

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);

static unsigned below(unsigned n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* A random field in `text`, what it means in `set`. */
static void random_field(char *text, bool *set, unsigned min, unsigned max)
{
    unsigned a = min + below(max - min + 1), b = a + below(max - a + 1), step = 1 + below(4);

    memset(set, 0, 64);
    switch (below(4)) {
    case 0:
        (void)sprintf(text, "*");
        a = min, b = max, step = 1;
        break;
    case 1:
        (void)sprintf(text, "*/%u", step);
        a = min, b = max;
        break;
    case 2:
        (void)sprintf(text, "%u-%u/%u", a, b, step);
        break;
    default:
        (void)sprintf(text, "%u,%u", b, a);
        set[a] = set[b] = true;
        return;
    }
    for (unsigned i = a; i <= b; i += step)
        set[i] = true;
}

static void random_expressions_agree_with_the_calendar(void **unused)
{
    static const unsigned mins[] = { 0, 0, 1, 1, 0 }, maxs[] = { 59, 23, 31, 12, 7 };
    int rounds = getenv("NF_UNDER_VALGRIND") ? 20 : 1000, found = 0;
    (void)unused;

    for (int i = 0; i < rounds; i++) {
        char field[5][16], text[100];
        bool set[5][64];
        int64_t t = at(2020, 1, 1, 0, 0) + (int64_t)below(3650) * 86400000 + below(86400000);
        int offset = (int)below(2 * NF_UTC_OFFSET_MAX) - NF_UTC_OFFSET_MAX;

        for (unsigned k = 0; k < 5; k++)
            random_field(field[k], set[k], mins[k], maxs[k]);
        set[4][0] = set[4][7] = set[4][0] || set[4][7];
        (void)sprintf(text, "%s %s %s %s %s", field[0], field[1], field[2], field[3], field[4]);
        struct nf_cron c;
        if (nf_cron_parse(text, &c, NULL) != NF_OK)
            continue; /* 31 February */
        int64_t want = next_at(&c, t, offset);

        /* At most ten days on: enough for most. */
        for (int64_t m = t / 60000 + 1; m < t / 60000 + 14400; m++) {
            time_t local = (time_t)((m + offset) * 60);
            struct tm tm;

            assert_non_null(gmtime_r(&local, &tm));
            bool day = set[2][tm.tm_mday], weekday = set[4][tm.tm_wday];
            bool either = field[2][0] != '*' && field[4][0] != '*';
            bool match = set[0][tm.tm_min] && set[1][tm.tm_hour] && set[3][tm.tm_mon + 1] &&
                         (either ? day || weekday : day && weekday);
            if (match || m * 60000 == want) {
                assert_true(match);
                assert_int_equal(want, m * 60000);
                found++;
                break;
            }
        }
    }
    assert_true(found > rounds / 4);
}

static void the_last_and_the_nth_day_are_found(void **data)
{
    int64_t begin = at(2026, 2, 1, 0, 0); /* a Sunday */
    (void)data;

    assert_int_equal(next("0 0 L * *", begin), at(2026, 2, 28, 0, 0));
    assert_int_equal(next("0 0 l,15 * *", begin), at(2026, 2, 15, 0, 0));
    assert_int_equal(next("0 0 L 2 *", at(2028, 2, 1, 0, 0)), at(2028, 2, 29, 0, 0));
    assert_int_equal(next("0 0 * * 5L", begin), at(2026, 2, 27, 0, 0));
    assert_int_equal(next("0 0 * * friL", begin), at(2026, 2, 27, 0, 0));
    assert_int_equal(next("0 0 * * 7L", begin), at(2026, 2, 22, 0, 0));
    assert_int_equal(next("0 0 * * tue#2", begin), at(2026, 2, 10, 0, 0));
    assert_int_equal(next("0 0 * * 1#5", begin), at(2026, 3, 30, 0, 0));
    assert_int_equal(next("0 0 * * 1#1,5L", begin), at(2026, 2, 2, 0, 0));
    static const char *const wrong[] = { "0 0 LL * *",   "0 0 1L * *",     "0 0 * * L",
                                         "0 0 * * 5#0",  "0 0 * * 5#6",    "0 0 * * 5#",
                                         "0 0 * * 1-5L", "0 0 */30 2 5#5", "0 L * * *" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct nf_cron c;

        assert_code(nf_cron_parse(wrong[i], &c, NULL), NF_E_INVALID);
    }
}

static void nicknames_stand_for_expressions(void **data)
{
    int64_t begin = at(2026, 2, 4, 10, 30); /* a Wednesday */
    struct nf_cron c;
    struct nf_err err;
    (void)data;

    assert_int_equal(next("@hourly", begin), at(2026, 2, 4, 11, 0));
    assert_int_equal(next("@daily", begin), at(2026, 2, 5, 0, 0));
    assert_int_equal(next("@midnight", begin), at(2026, 2, 5, 0, 0));
    assert_int_equal(next("@weekly", begin), at(2026, 2, 8, 0, 0));
    assert_int_equal(next("@monthly", begin), at(2026, 3, 1, 0, 0));
    assert_int_equal(next("@yearly", begin), at(2027, 1, 1, 0, 0));
    assert_int_equal(next("@annually", begin), at(2027, 1, 1, 0, 0));
    assert_code(nf_cron_parse("@reboot", &c, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "@daily"));
}

static void the_closest_two_runs_are_known(void **data)
{
    static const struct {
        const char *text;
        int minutes;
    } cases[] = { { "* * * * *", 1 },     { "*/15 * * * *", 15 },  { "0 9,17 * * *", 480 },
                  { "0 9 * * *", 1440 },  { "59 23 * * *", 1440 }, { "0,59 0,23 * * *", 1 },
                  { "7,50 * 1 1 *", 17 }, { "0 */7 * * *", 180 } };
    (void)data;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_cron c = parsed(cases[i].text);

        assert_int_equal(nf_cron_interval(&c), cases[i].minutes);
    }
}

static void expressions_are_told_in_words(void **data)
{
    static const struct {
        const char *text, *en, *ru;
    } cases[] = {
        { "* * * * *", "every minute", "каждую минуту" },
        { "*/15 * * * *", "every 15 minutes", "каждые 15 минут" },
        { "*/2 * * * *", "every 2 minutes", "каждые 2 минуты" },
        { "@hourly", "every hour", "каждый час" },
        { "30 * * * *", "at minute 30 of every hour", "на минуте 30 каждого часа" },
        { "0 */4 * * *", "every 4 hours", "каждые 4 часа" },
        { "5 */2 * * *", "at minute 5, every 2 hours", "на минуте 5, каждые 2 часа" },
        { "0 9 * * *", "every day at 09:00", "каждый день в 09:00" },
        { "0 9,13 * * *", "every day at 09:00 and 13:00", "каждый день в 09:00 и 13:00" },
        { "0 9 * * 1-5", "at 09:00 on weekdays", "в 09:00 по будням" },
        { "0 9 * * 0,6", "at 09:00 on weekends", "в 09:00 по выходным" },
        { "0 9 * * 1,3,7", "at 09:00 on Monday, Wednesday and Sunday",
          "в 09:00 по понедельникам, средам и воскресеньям" },
        { "0 9 1,15-17 * *", "at 09:00 on days 1 and 15-17 of the month",
          "в 09:00 1 и 15-17 числа" },
        { "0 9 L * *", "at 09:00 on the last day of the month", "в 09:00 в последний день месяца" },
        { "0 9 * * tue#2", "at 09:00 on the second Tuesday of the month",
          "в 09:00 во второй вторник месяца" },
        { "0 9 * * 5L", "at 09:00 on the last Friday of the month",
          "в 09:00 в последнюю пятницу месяца" },
        { "0 9 1 1,7 *", "at 09:00 on day 1 of the month in January and July",
          "в 09:00 1 числа в январе и июле" },
        { "0 9 13 * 5", "at 09:00 on day 13 of the month or on Friday",
          "в 09:00 13 числа или по пятницам" },
        { "0 9 */10 * 5", "at 09:00 on days 1, 11, 21 and 31 of the month, but only on Friday",
          "в 09:00 1, 11, 21 и 31 числа, но только по пятницам" },
        { "*/15 9-17 * * *", "every 15 minutes in hours 9-17", "каждые 15 минут в часы 9-17" },
    };
    struct nf_err err;
    (void)data;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_cron c = parsed(cases[i].text);
        struct nf_str en = { 0 }, ru = { 0 };

        assert_ok(nf_cron_describe(&c, NF_LANG_EN, &en, &err), &err);
        assert_ok(nf_cron_describe(&c, NF_LANG_RU, &ru, &err), &err);
        assert_string_equal(nf_str_c(&en), cases[i].en);
        assert_string_equal(nf_str_c(&ru), cases[i].ru);
        nf_str_done(&en);
        nf_str_done(&ru);
    }
}

/* --- where clocks change: against Python's zoneinfo, minute by minute ------------------------- */

static void zones_agree_with_an_outside_reference(void **data)
{
    struct nf_zone z = { 0 };
    (void)data;

    for (size_t i = 0; i < sizeof(cron_reference) / sizeof(cron_reference[0]); i++) {
        struct nf_cron c = parsed(cron_reference[i].text);

        if (strcmp(z.name, cron_reference[i].zone) != 0) {
            nf_zone_done(&z);
            nf_test_zone(cron_reference[i].zone, &z);
        }
        int64_t got = nf_cron_next(&c, cron_reference[i].after * 1000, &z) / 1000;
        if (got != cron_reference[i].next)
            fail_msg("%s in %s after %lld: %lld, not %lld", cron_reference[i].text,
                     cron_reference[i].zone, (long long)cron_reference[i].after, (long long)got,
                     (long long)cron_reference[i].next);
    }
    nf_zone_done(&z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_become_bits),
        cmocka_unit_test(sunday_is_0_and_7),
        cmocka_unit_test(each_field_ends_at_its_limits),
        cmocka_unit_test(there_are_five_fields),
        cmocka_unit_test(an_expression_ends_at_its_limit),
        cmocka_unit_test(a_date_that_never_comes_is_refused),
        cmocka_unit_test(the_next_time_lies_behind_the_given_one),
        cmocka_unit_test(day_and_weekday_are_alternatives_unless_one_begins_with_a_star),
        cmocka_unit_test(leap_days_come_also_across_2100),
        cmocka_unit_test(the_offset_moves_what_the_clock_shows),
        cmocka_unit_test(random_expressions_agree_with_the_calendar),
        cmocka_unit_test(the_last_and_the_nth_day_are_found),
        cmocka_unit_test(nicknames_stand_for_expressions),
        cmocka_unit_test(the_closest_two_runs_are_known),
        cmocka_unit_test(expressions_are_told_in_words),
        cmocka_unit_test(zones_agree_with_an_outside_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
