#include "skills/bundled/clock/when.h"
#include "tests/support/skill_host.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern const struct nf_skill_v1 nf_skill_v1;

/* The rig's clock shows Friday 2025-11-28T11:35:44Z. */

static int setup(void **data)
{
    *data = skill_rig_new(&nf_skill_v1);
    return 0;
}

static int teardown(void **data)
{
    skill_rig_free(*data);
    return 0;
}

static void now_is_told_for_any_zone(void **data)
{
    skill_is(*data, "now", "{}",
             "{\"time\":\"2025-11-28T11:35:44+00:00\",\"weekday\":\"Friday\",\"zone\":\"UTC\","
             "\"abbreviation\":\"UTC\",\"utc_offset\":\"+00:00\",\"dst\":false,"
             "\"iso_week\":\"2025-W48\",\"unix\":1764329744}");
    skill_is(
        *data, "now", "{\"zone\":\"europe/berlin\"}",
        "{\"time\":\"2025-11-28T12:35:44+01:00\",\"weekday\":\"Friday\","
        "\"zone\":\"Europe/Berlin\",\"abbreviation\":\"CET\",\"utc_offset\":\"+01:00\","
        "\"dst\":false,\"iso_week\":\"2025-W48\",\"unix\":1764329744,"
        "\"next_clock_change\":{\"time\":\"2026-03-29T03:00:00+02:00\",\"shift_minutes\":60}}");
    skill_has(*data, "now", "{\"zone\":\"New York\"}", "\"America/New_York\"");
    skill_has(*data, "now", "{\"zone\":\"Kathmandu\"}", "\"+05:45\"");
    skill_has(*data, "now", "{\"zone\":[\"Tokyo\",\"UTC-3\"]}", "\"2025-11-28T20:35:44+09:00\"");
    skill_has(*data, "now", "{\"zone\":[\"Tokyo\",\"UTC-3\"]}", "\"2025-11-28T08:35:44-03:00\"");
    skill_has(*data, "now", "{\"zone\":\"Australia/Sydney\"}", "\"dst\":true");
    skill_has(*data, "now", "{\"zone\":\"+0530\"}", "\"zone\":\"+05:30\"");
    skill_has(*data, "now", "{\"zone\":\"US/Pacific\"}", "\"abbreviation\":\"PST\"");
    skill_fails(*data, "now", "{\"zone\":\"Berln\"}", NF_SKILL_E_INVALID,
                "\"zone\": there is no time zone \"Berln\"; close are: ");
    skill_fails(*data, "now", "{\"zone\":\"PST\"}", NF_SKILL_E_INVALID,
                "did you mean America/Los_Angeles?");
    skill_fails(*data, "now", "{\"zone\":\"+19:00\"}", NF_SKILL_E_INVALID, "\"zone\"");
    skill_fails(*data, "now", "{\"zone\":[]}", NF_SKILL_E_INVALID, "1 to 20");
}

static void convert(void **data, const char *time, const char *from, const char *to,
                    const char *want)
{
    char args[512];

    (void)snprintf(args, sizeof(args), "{\"time\":\"%s\",\"from\":\"%s\",\"to\":\"%s\"}", time,
                   from, to);
    skill_has(*data, "convert", args, want);
}

static void times_convert_between_zones(void **data)
{
    convert(data, "2026-07-01 09:00", "Europe/Berlin", "America/New_York",
            "\"2026-07-01T03:00:00-04:00\"");
    convert(data, "2026-01-15T12:00:00Z", "Asia/Tokyo", "Asia/Kolkata",
            "\"2026-01-15T17:30:00+05:30\"");
    convert(data, "1969-07-20T20:17:40Z", "UTC", "America/Chicago",
            "\"1969-07-20T15:17:40-05:00\"");
    convert(data, "2050-07-01 12:00", "Europe/London", "UTC", "\"2050-07-01T11:00:00+00:00\"");
    convert(data, "2026-02-01 08:00 [Asia/Tokyo]", "UTC", "Europe/Paris",
            "\"2026-02-01T00:00:00+01:00\"");
    convert(data, "@0", "UTC", "UTC", "\"1970-01-01T00:00:00+00:00\"");
    skill_has(*data, "convert", "{\"to\":[\"UTC\",\"Asia/Dubai\"]}",
              "\"2025-11-28T15:35:44+04:00\"");
}

static void gaps_and_folds_are_said(void **data)
{
    convert(data, "2026-03-29 02:30", "Europe/Berlin", "UTC",
            "does not exist there: clocks are set forward over it; 2026-03-29T03:30:00+02:00 is "
            "used");
    convert(data, "2026-03-29 02:30", "Europe/Berlin", "UTC", "\"2026-03-29T01:30:00+00:00\"");
    convert(data, "2026-10-25 02:30", "Europe/Berlin", "UTC", "\"2026-10-25T00:30:00+00:00\"");
    convert(data, "2026-10-25 02:30", "Europe/Berlin", "UTC",
            "twice there, because clocks are set back: 2026-10-25T02:30:00+02:00 and "
            "2026-10-25T02:30:00+01:00; the earlier is used");
    skill_has(*data, "convert",
              "{\"time\":\"2026-10-25 02:30\",\"from\":\"Europe/Berlin\",\"to\":\"UTC\","
              "\"fold\":\"later\"}",
              "\"2026-10-25T01:30:00+00:00\"");
    /* A whole day that Samoa skipped; half an hour at Lord Howe. */
    convert(data, "2011-12-30 12:00", "Pacific/Apia", "UTC", "does not exist");
    convert(data, "2026-10-04 02:15", "Australia/Lord_Howe", "UTC", "2026-10-04T02:45:00+11:00");
    skill_lacks(*data, "convert",
                "{\"time\":\"2026-10-25 03:00\",\"from\":\"Europe/Berlin\",\"to\":\"UTC\"}",
                "note");
    skill_lacks(*data, "convert",
                "{\"time\":\"2026-10-25 01:59\",\"from\":\"Europe/Berlin\",\"to\":\"UTC\"}",
                "note");
}

static void common_formats_are_read(void **data)
{
    static const struct {
        const char *text, *utc;
    } cases[] = {
        { "2026-11-28", "2026-11-28T00:00:00" },
        { "2026-11-28T15:30", "2026-11-28T15:30:00" },
        { "2026-11-28 15:30:45", "2026-11-28T15:30:45" },
        { "2026-11-28T15:30:45.123Z", "2026-11-28T15:30:45" },
        { "2026-11-28T15:30:45,5+02:00", "2026-11-28T13:30:45" },
        { "2026-11-28T15:30-0330", "2026-11-28T19:00:00" },
        { "20261128", "2026-11-28T00:00:00" },
        { "20261128T153045", "2026-11-28T15:30:45" },
        { "20261128T1530Z", "2026-11-28T15:30:00" },
        { "2026/11/28", "2026-11-28T00:00:00" },
        { "2026-W48-6", "2026-11-28T00:00:00" },
        { "2026-W48", "2026-11-23T00:00:00" },
        { "2026-332", "2026-11-28T00:00:00" },
        { "2026-11", "2026-11-01T00:00:00" },
        { "Sat, 28 Nov 2026 15:30:00 +0000", "2026-11-28T15:30:00" },
        { "Sat, 28 Nov 2026 15:30:00 GMT (a comment)", "2026-11-28T15:30:00" },
        { "28 November 2026", "2026-11-28T00:00:00" },
        { "28. Nov. 2026 at 7:05 pm", "2026-11-28T19:05:00" },
        { "November 28, 2026 3:30 PM", "2026-11-28T15:30:00" },
        { "Nov 28th 2026, 12:15 a.m.", "2026-11-28T00:15:00" },
        { "28-Nov-2026", "2026-11-28T00:00:00" },
        { "3 Sept 2026", "2026-09-03T00:00:00" },
        { "28.11.2026", "2026-11-28T00:00:00" },
        { "28.11.2026 8:30", "2026-11-28T08:30:00" },
        { "11/28/2026", "2026-11-28T00:00:00" },
        { "28/11/2026", "2026-11-28T00:00:00" },
        { "07/07/2026", "2026-07-07T00:00:00" },
        { "@1764329744", "2025-11-28T11:35:44" },
        { "1764329744", "2025-11-28T11:35:44" },
        { "1764329744000", "2025-11-28T11:35:44" },
        { "@-1", "1969-12-31T23:59:59" },
        { "now", "2025-11-28T11:35:44" },
        { "today", "2025-11-28T00:00:00" },
        { "Tomorrow 9:00", "2025-11-29T09:00:00" },
        { "tomorrow at noon", "2025-11-29T12:00:00" },
        { "yesterday 5pm", "2025-11-27T17:00:00" },
        { "15:30", "2025-11-28T15:30:00" },
        { "2026-12-31T24:00", "2027-01-01T00:00:00" },
        { "2016-12-31T23:59:60Z", "2016-12-31T23:59:59" },
        { "2026-11-28T15:30 Europe/Berlin", "2026-11-28T14:30:00" },
        { "2026-11-28T15:30:00+01:00[Europe/Berlin]", "2026-11-28T14:30:00" },
    };
    char want[64];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(want, sizeof(want), "\"to\":[{\"time\":\"%s+00:00\"", cases[i].utc);
        convert(data, cases[i].text, "UTC", "UTC", want);
    }
}

static void other_texts_are_refused(void **data)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "no time that is understood" },
        { "soon", "no time zone \"soon\"" },
        { "2026-13-01", "no such day" },
        { "2026-02-29", "no such day" },
        { "0000-01-01", "no such day" },
        { "2026-11-28T25:00", "no such time of day" },
        { "2026-11-28T24:01", "no such time of day" },
        { "2026-11-28T15:60", "no such time of day" },
        { "13:00 pm", "1 to 12" },
        { "2026-W54-1", "no such week" },
        { "2025-W53-1", "no such week" },
        { "2026-366", "no such day of the year" },
        { "03/04/2026", "which number is the month" },
        { "3.4.26", "four digits" },
        { "2026-11-28 2026-11-29", "two dates" },
        { "2026-11-28 1:00 2:00", "two times" },
        { "2026-11-28T1:3", "two digits" },
        { "@999999999999999999", "1 to 9999" },
        { "@12x", "1 to 9999" },
        { "28 Foo 2026", "no time that is understood" },
        { "12345678901234567890", "no time that is understood" },
        { "2026-11-28T15:30+99:00", "time zone" },
        { "#!", "no time that is understood" },
    };
    char args[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(args, sizeof(args), "{\"time\":\"%s\",\"to\":\"UTC\"}", cases[i].text);
        skill_fails(*data, "convert", args, NF_SKILL_E_INVALID, cases[i].want);
    }
}

static void add(void **data, const char *args, const char *want)
{
    char json[512];

    (void)snprintf(json, sizeof(json), "{\"time\":%s}", args);
    skill_has(*data, "add", json, want);
}

static void adding_follows_the_calendar(void **data)
{
    add(data, "\"2026-01-31\",\"months\":1", "{\"date\":\"2026-02-28\",\"weekday\":\"Saturday\"}");
    add(data, "\"2024-02-29\",\"years\":1", "\"2025-02-28\"");
    add(data, "\"2024-02-29\",\"years\":4", "\"2028-02-29\"");
    add(data, "\"2026-03-31\",\"months\":-1", "\"2026-02-28\"");
    add(data, "\"2026-11-28\",\"weeks\":2,\"days\":-3", "\"2026-12-09\"");
    add(data, "\"2026-11-27\",\"business_days\":1", "\"2026-11-30\"");
    add(data, "\"2026-11-28\",\"business_days\":1", "\"2026-11-30\"");
    add(data, "\"2026-11-30\",\"business_days\":-1", "\"2026-11-27\"");
    add(data, "\"2026-12-24\",\"business_days\":1,\"holidays\":[\"2026-12-25\",\"2026-12-26\"]",
        "\"2026-12-28\"");
    add(data, "\"2026-11-28\",\"hours\":36", "\"2026-11-29T12:00:00+00:00\"");
    /* A day over the clock change keeps the wall clock's reading; 24 hours do not. */
    add(data, "\"2026-03-28 12:00\",\"zone\":\"Europe/Berlin\",\"days\":1",
        "\"2026-03-29T12:00:00+02:00\"");
    add(data, "\"2026-03-28 12:00\",\"zone\":\"Europe/Berlin\",\"hours\":24",
        "\"2026-03-29T13:00:00+02:00\"");
    add(data, "\"2026-02-28 02:30\",\"zone\":\"Europe/Berlin\",\"months\":1,\"days\":1",
        "does not exist");
    add(data, "\"now\",\"minutes\":-36", "\"2025-11-28T10:59:44+00:00\"");
    skill_has(*data, "add", "{\"days\":1,\"zone\":\"Asia/Tokyo\"}",
              "\"2025-11-29T20:35:44+09:00\"");
    skill_fails(*data, "add", "{\"years\":9000}", NF_SKILL_E_LIMIT, "1 to 9999");
    skill_fails(*data, "add", "{\"days\":3999999}", NF_SKILL_E_LIMIT, "1 to 9999");
    skill_fails(*data, "add", "{\"days\":4000001}", NF_SKILL_E_INVALID, "\"days\"");
    skill_fails(*data, "add", "{\"seconds\":345600000000}", NF_SKILL_E_LIMIT, "1 to 9999");
    skill_fails(*data, "add", "{\"time\":\"9999-12-30\",\"business_days\":9}", NF_SKILL_E_LIMIT,
                "1 to 9999");
    skill_fails(*data, "add", "{\"holidays\":[\"now\"]}", NF_SKILL_E_INVALID, "item 1");
    skill_fails(*data, "add", "{\"days\":1.5}", NF_SKILL_E_INVALID, "whole number");
}

static void difference(void **data, const char *start, const char *end, const char *want)
{
    char args[512];

    (void)snprintf(args, sizeof(args), "{\"start\":\"%s\",\"end\":\"%s\"}", start, end);
    skill_has(*data, "difference", args, want);
}

static void differences_read_like_people_count(void **data)
{
    difference(data, "1990-05-17", "2026-11-28", "\"text\":\"36 years, 6 months, 11 days\"");
    difference(data, "2024-02-29", "2025-02-28", "\"text\":\"1 year\"");
    difference(data, "2026-01-31", "2026-02-28", "\"text\":\"1 month\"");
    difference(data, "2026-11-28 23:00", "2026-11-29 01:30", "\"text\":\"2 hours, 30 minutes\"");
    difference(data, "2026-11-28", "2026-11-28", "\"text\":\"no time\"");
    difference(data, "2026-11-29", "2026-11-28", "\"end_is_before_start\":true");
    difference(data, "2026-11-23", "2026-11-30", "\"business_days\":5");
    difference(data, "2026-11-28", "2026-11-30", "\"business_days\":0");
    difference(data, "2026-01-01", "2027-01-01", "\"calendar_days\":365");
    difference(data, "0001-01-02", "9999-12-30", "\"years\":9998");
    skill_has(*data, "difference",
              "{\"start\":\"2026-03-29 00:00\",\"end\":\"2026-03-30 00:00\","
              "\"zone\":\"Europe/Berlin\"}",
              "\"total_seconds\":82800");
    skill_has(*data, "difference",
              "{\"start\":\"2026-12-21\",\"end\":\"2026-12-28\","
              "\"holidays\":[\"2026-12-25\",\"2026-12-25\",\"2026-12-26\"]}",
              "\"business_days\":4");
    skill_has(*data, "difference", "{\"start\":\"2025-11-27T11:35:44Z\"}", "\"text\":\"1 day\"");
    skill_fails(*data, "difference", "{}", NF_SKILL_E_INVALID, "\"start\" is missing");
}

static void a_date_is_described(void **data)
{
    skill_is(*data, "date_info", "{\"date\":\"2024-12-30\"}",
             "{\"date\":\"2024-12-30\",\"weekday\":\"Monday\",\"month\":\"December\","
             "\"iso_week_date\":\"2025-W01-1\",\"day_of_year\":365,\"days_in_month\":31,"
             "\"days_in_year\":366,\"weeks_in_iso_year\":52,\"leap_year\":true,\"quarter\":4,"
             "\"weekend\":false}");
    skill_has(*data, "date_info", "{\"zone\":\"Pacific/Kiritimati\"}", "\"2025-11-29\"");
    skill_has(*data, "date_info", "{\"date\":\"2020-06-01\"}", "\"weeks_in_iso_year\":53");
}

static void next_occurrences_are_found(void **data)
{
    skill_has(*data, "next", "{\"weekday\":\"friday\"}",
              "{\"date\":\"2025-12-05\",\"weekday\":\"Friday\",\"days_ahead\":7}");
    skill_has(*data, "next", "{\"weekday\":\"friday\",\"day\":13}", "\"2026-02-13\"");
    skill_has(*data, "next", "{\"month\":2,\"day\":29}", "\"2028-02-29\"");
    skill_has(*data, "next", "{\"time\":\"12:00\"}", "\"2025-11-28T12:00:00+00:00\"");
    skill_has(*data, "next", "{\"time\":\"11:35\"}", "\"2025-11-29T11:35:00+00:00\"");
    skill_has(*data, "next",
              "{\"time\":\"9:00 am\",\"weekday\":\"weekday\",\"count\":2,"
              "\"zone\":\"America/New_York\"}",
              "\"2025-12-01T09:00:00-05:00\"");
    skill_has(*data, "next", "{\"weekday\":\"weekend\"}", "\"2025-11-29\"");
    skill_has(*data, "next", "{\"month\":2,\"day\":29,\"weekday\":\"sunday\"}", "\"2032-02-29\"");
    skill_has(*data, "next",
              "{\"time\":\"02:30\",\"after\":\"2026-03-28 12:00\","
              "\"zone\":\"Europe/Berlin\"}",
              "does not exist");
    skill_fails(*data, "next", "{\"month\":2,\"day\":30}", NF_SKILL_E_NOT_FOUND, "40 years");
    skill_fails(*data, "next", "{}", NF_SKILL_E_INVALID, "at least one");
    skill_fails(*data, "next", "{\"time\":\"tomorrow\"}", NF_SKILL_E_INVALID, "time of day");
    skill_fails(*data, "next", "{\"weekday\":\"moonday\"}", NF_SKILL_E_INVALID, "monday, tuesday");
}

static void zones_are_found_by_name(void **data)
{
    skill_has(*data, "zones", "{\"query\":\"berlin\"}", "\"name\":\"Europe/Berlin\"");
    skill_has(*data, "zones", "{\"query\":\"calcutta\"}", "\"alias_of\":\"Asia/Kolkata\"");
    skill_has(*data, "zones", "{\"query\":\"CET\"}", "\"Europe/Paris\"");
    skill_has(*data, "zones", "{\"query\":\"nowhere\"}",
              "\"zones\":[],\"found\":0,\"tzdata\":\"20");
    skill_has(*data, "zones", "{\"query\":\"a\"}", "\"found\":");
}

/* Every zone against the C library's reading of the same database. */
static void offsets_are_those_of_the_c_library(void **data)
{
    int64_t step = getenv("NF_UNDER_VALGRIND") ? 86400 * 200 : 86400 * 9 + 3600 * 7 + 1;
    (void)data;

    assert_true(nf_zones_n > 400);
    for (size_t i = 0; i < nf_zones_n; i++) {
        struct nf_place place = { .zone = &nf_zones[i] };

        (void)setenv("TZ", nf_zones[i].name, 1);
        tzset();
        for (int64_t t = -2208988800; t < INT64_C(4102444800); t += step) {
            time_t clock = t;
            struct tm tm;
            struct nf_zone_kind k = nf_place_at(&place, t);

            (void)localtime_r(&clock, &tm);
            if (tm.tm_gmtoff != k.offset || strcmp(tm.tm_zone, k.abbreviation) != 0)
                fail_msg("%s at %lld: %ld %s, not %d %s", nf_zones[i].name, (long long)t,
                         tm.tm_gmtoff, tm.tm_zone, k.offset, k.abbreviation);
        }
    }
    (void)unsetenv("TZ");
}

/* From an instant to the wall clock and back. */
static void a_wall_clock_leads_back(void **data)
{
    (void)data;
    for (size_t i = 0; i < nf_zones_n; i += 7)
        for (int64_t t = -1000000000; t < INT64_C(3000000000); t += 86400 * 3 + 1801) {
            struct nf_place place = { .zone = &nf_zones[i] };
            struct nf_local local = nf_place_local(&place, t + nf_place_at(&place, t).offset);

            assert_true(local.n >= 1 && (local.utc[0] == t || (local.n == 2 && local.utc[1] == t)));
        }
}

static void days_and_dates_agree(void **data)
{
    struct nf_date last = nf_date_of(nf_days_of(1, 1, 1) - 1);
    (void)data;

    assert_int_equal(last.year, 0);
    for (int64_t day = nf_days_of(1, 1, 1); day <= nf_days_of(9999, 12, 31); day += 11) {
        struct nf_date d = nf_date_of(day);
        int year, week = nf_iso_week(day, &year);

        assert_true(nf_date_ok(d.year, d.month, d.day));
        assert_int_equal(nf_days_of(d.year, d.month, d.day), day);
        assert_int_equal(nf_iso_week_start(year, week) + nf_weekday(day) - 1, day);
    }
}

static void rules_are_read_or_refused(void **data)
{
    static const char *const good[] = { "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<-03>3",
                                        "EST5EDT,J60/2,J300", "IST-1GMT0,0/0,J365/23" };
    static const char *const bad[] = { "",
                                       "X0",
                                       "CET",
                                       "CET-1CEST",
                                       "CET-1CEST,M3.5.0",
                                       "CET-1CEST,M13.5.0,M1.1.1",
                                       "CET-1CEST,M3.6.0,M1.1.1",
                                       "CET-1CEST,M3.5.7,M1.1.1",
                                       "CET-999",
                                       "<+01-1",
                                       "CET-1CEST,M3.5.0,M10.5.0/3x",
                                       "CET-1CEST,J0,J1" };
    struct nf_tz_rule r;
    (void)data;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(nf_tz_rule_parse(good[i], &r));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(nf_tz_rule_parse(bad[i], &r));
}

static void memory_may_end_anywhere(void **data)
{
    skill_survives_no_memory(*data, "now", "{\"zone\":[\"Europe/Berlin\",\"+01:00\"]}");
    skill_survives_no_memory(*data, "convert",
                             "{\"time\":\"2026-10-25 02:30\","
                             "\"from\":\"Europe/Berlin\",\"to\":[\"UTC\"]}");
    skill_survives_no_memory(*data, "difference", "{\"start\":\"2026-01-01\"}");
    skill_survives_no_memory(*data, "next", "{\"time\":\"12:00\",\"count\":3}");
    skill_survives_no_memory(*data, "add", "{\"days\":3,\"time\":\"today\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(now_is_told_for_any_zone, setup, teardown),
        cmocka_unit_test_setup_teardown(times_convert_between_zones, setup, teardown),
        cmocka_unit_test_setup_teardown(gaps_and_folds_are_said, setup, teardown),
        cmocka_unit_test_setup_teardown(common_formats_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(other_texts_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(adding_follows_the_calendar, setup, teardown),
        cmocka_unit_test_setup_teardown(differences_read_like_people_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_date_is_described, setup, teardown),
        cmocka_unit_test_setup_teardown(next_occurrences_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(zones_are_found_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_are_those_of_the_c_library, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wall_clock_leads_back, setup, teardown),
        cmocka_unit_test_setup_teardown(days_and_dates_agree, setup, teardown),
        cmocka_unit_test_setup_teardown(rules_are_read_or_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_may_end_anywhere, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
