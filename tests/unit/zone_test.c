#include "domain/zone.h"

#include "tests/support/test.h"
#include "tests/support/zone.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void names_are_those_of_the_database(void **data)
{
    static const char *const good[] = { "UTC", "Europe/Berlin", "Etc/GMT+5",
                                        "America/Port-au-Prince",
                                        "America/Argentina/Buenos_Aires" };
    static const char *const bad[] = { "",    "/etc/passwd", "../x", "Europe//Berlin", "Europe/",
                                       "a b", "x.y",         "é",    "Europe/../UTC" };
    struct nf_err err;
    char longest[NF_ZONE_NAME_MAX + 2];
    (void)data;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_zone_check_name(good[i], &err), &err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(nf_zone_check_name(bad[i], &err), NF_E_INVALID);
    memset(longest, 'x', sizeof(longest));
    longest[NF_ZONE_NAME_MAX + 1] = '\0';
    assert_code(nf_zone_check_name(longest, &err), NF_E_INVALID);
    longest[NF_ZONE_NAME_MAX] = '\0';
    assert_ok(nf_zone_check_name(longest, &err), &err);
}

static void assert_as_the_c_library(const struct nf_zone *z, int64_t at)
{
    struct tm tm;
    time_t when = (time_t)at;

    assert_non_null(localtime_r(&when, &tm));
    if (tm.tm_gmtoff != nf_zone_offset(z, at))
        fail_msg("%s at %lld: %d, not %ld", z->name, (long long)at, nf_zone_offset(z, at),
                 tm.tm_gmtoff);
}

/* Every eleven days from 1970 to 2090, and around each change. */
static void offsets_are_those_of_the_c_library(void **data)
{
    static const char *const names[] = {
        "Europe/Berlin",     "America/New_York", "Australia/Lord_Howe",
        "Africa/Casablanca", "Pacific/Apia",     "Europe/Dublin",
        "Asia/Gaza",         "America/Santiago", "UTC"
    };
    const char *before = getenv("TZ");
    (void)data;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct nf_zone z;

        nf_test_zone(names[i], &z);
        assert_int_equal(setenv("TZ", names[i], 1), 0);
        tzset();
        for (int64_t t = 0; t < INT64_C(3786912000); t += 11 * 86400 + 3600) {
            int64_t change = t;

            (void)nf_zone_next_change(&z, t, &change);
            assert_as_the_c_library(&z, t);
            assert_as_the_c_library(&z, change);
            assert_as_the_c_library(&z, change > t ? change - 1 : t);
        }
        nf_zone_done(&z);
    }
    if (before)
        (void)setenv("TZ", before, 1);
    else
        (void)unsetenv("TZ");
    tzset();
}

static void a_clock_reading_becomes_a_moment(void **data)
{
    struct nf_zone z;
    (void)data;

    nf_test_zone("Europe/Berlin", &z);
    /* 2024-03-31 02:30 is skipped, 2024-10-27 02:30 comes twice. */
    int64_t gap = nf_zone_utc_of(&z, INT64_C(1711852200)),
            twice = nf_zone_utc_of(&z, INT64_C(1729996200));
    assert_int_equal(gap, INT64_C(1711846800));
    assert_int_equal(twice, INT64_C(1729989000));
    assert_string_equal(nf_zone_show(&z, gap * 1000, NF_LANG_EN).s, "Sun 31 Mar 2024 03:00");
    assert_string_equal(nf_zone_show(&z, twice * 1000, NF_LANG_RU).s, "вс 27 окт 2024 02:30");
    for (int64_t t = 0; t < INT64_C(3786912000); t += 13 * 86400 + 1800)
        assert_int_equal(nf_zone_utc_of(&z, t + nf_zone_offset(&z, t)), t);
    nf_zone_done(&z);
}

/* A file of version 2 with one type, no change and the rule "UTC0". */
static size_t smallest(uint8_t *to)
{
    static const char rule[] = "\nUTC0\n";
    size_t n = 0;

    for (int block = 0; block < 2; block++) {
        memset(to + n, 0, 44 + 6 + 4);
        memcpy(to + n, "TZif2", 5);
        to[n + 39] = 1; /* types */
        to[n + 43] = 4; /* characters of their names */
        memcpy(to + n + 44 + 6, "UTC", 4);
        n += 44 + 6 + 4;
    }
    memcpy(to + n, rule, sizeof(rule) - 1);
    return n + sizeof(rule) - 1;
}

static void what_is_no_zone_is_refused(void **data)
{
    uint8_t file[200], bad[200];
    size_t n = smallest(file);
    struct nf_zone z = { 0 };
    struct nf_err err;
    (void)data;

    assert_ok(nf_zone_parse("Test", file, n, &z, &err), &err);
    nf_zone_done(&z);
    for (size_t i = 0; i < n; i++) /* cut anywhere */
        assert_code(nf_zone_parse("Test", file, i, &z, &err), NF_E_INVALID);
    for (size_t i = 0; i < n; i++) { /* with any byte broken: an answer, whatever it is */
        memcpy(bad, file, n);
        bad[i] ^= 0xff;
        if (nf_zone_parse("Test", bad, n, &z, &err) == NF_OK)
            nf_zone_done(&z);
    }
    assert_code(nf_zone_parse("../x", file, n, &z, &err), NF_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_database),
        cmocka_unit_test(offsets_are_those_of_the_c_library),
        cmocka_unit_test(a_clock_reading_becomes_a_moment),
        cmocka_unit_test(what_is_no_zone_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
