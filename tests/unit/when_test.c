#include "domain/when.h"

#include "tests/support/test.h"
#include "tests/support/zone.h"

#include <string.h>

struct fixture {
    struct nf_zone berlin;
};

static int setup(void **data)
{
    static struct fixture f;

    nf_test_zone("Europe/Berlin", &f.berlin);
    *data = &f;
    return 0;
}

static int teardown(void **data)
{
    struct fixture *f = *data;

    nf_zone_done(&f->berlin);
    return 0;
}

/* Sat 28 Nov 2026 18:05:30 in Berlin. */
#define NOW INT64_C(1795885530000)

static void moments_are_read_by_the_clock_of_the_place(void **data)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {
        { "2026-11-29T09:00", "Sun 29 Nov 2026 09:00" },
        { "2026-11-29 09:00:30", "Sun 29 Nov 2026 09:00" },
        { "2026-11-29T09:00Z", "Sun 29 Nov 2026 10:00" },
        { "2026-11-29T09:00-05:00", "Sun 29 Nov 2026 15:00" },
        { "2026-11-29T09:00+0100", "" },
        { "20:15", "Sat 28 Nov 2026 20:15" },
        { "9am", "Sun 29 Nov 2026 09:00" },
        { "12am", "Sun 29 Nov 2026 00:00" },
        { "12 pm", "Sun 29 Nov 2026 12:00" },
        { "at noon", "Sun 29 Nov 2026 12:00" },
        { "tomorrow at 9:00", "Sun 29 Nov 2026 09:00" },
        { "Tomorrow 9", "Sun 29 Nov 2026 09:00" },
        { "today 18:30", "Sat 28 Nov 2026 18:30" },
        { "today at 9", "" },
        { "fri 18:30", "Fri 4 Dec 2026 18:30" },
        { "9:00z", "Sun 29 Nov 2026 10:00" },
        { "09:00-05:00", "Sun 29 Nov 2026 15:00" },
        { "sat 09:00+05:30", "Sat 5 Dec 2026 04:30" },
        { "saturday 18:30", "Sat 28 Nov 2026 18:30" },
        { "saturday at 7 am", "Sat 5 Dec 2026 07:00" },
        { "in 20 minutes", "Sat 28 Nov 2026 18:25" },
        { "in 90m", "Sat 28 Nov 2026 19:35" },
        { "in 2 h", "Sat 28 Nov 2026 20:05" },
        { "in 1 day", "Sun 29 Nov 2026 18:05" },
        { "in 20 weeks", "Sat 17 Apr 2027 18:05" }, /* by the clock: it was set meanwhile */
        { "  in 1 day  ", "Sun 29 Nov 2026 18:05" },
        { "2027-03-28T02:30", "Sun 28 Mar 2027 03:00" }, /* there is no half past two */
        { "2027-02-29T09:00", "" },
        { "2026-11-28T18:05", "" },
        { "2026-11-29", "" },
        { "25:00", "" },
        { "13pm", "" },
        { "0am", "" },
        { "in 0 minutes", "" },
        { "in minutes", "" },
        { "in 5 fortnights", "" },
        { "yesterday", "" },
        { "tomorrow", "" },
        { "", "" },
        { "9:00 and more", "" },
    };
    struct fixture *f = *data;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t at = 0;
        struct nf_err err = { 0 };
        enum nf_code rc = nf_when_parse(cases[i].text, &f->berlin, NOW, &at, &err);
        const char *got = rc == NF_OK ? nf_zone_show(&f->berlin, at, NF_LANG_EN).s : "";

        if (strcmp(got, cases[i].shown) != 0)
            fail_msg("'%s' is '%s', not '%s' (%s)", cases[i].text, got, cases[i].shown, err.msg);
        if (rc != NF_OK)
            assert_non_null(strstr(err.msg, "when"));
    }
}

static void a_moment_ends_at_its_limits(void **data)
{
    struct fixture *f = *data;
    char text[NF_WHEN_MAX + 2];
    int64_t at;
    struct nf_err err;

    assert_ok(nf_when_parse("in 3660 days", &f->berlin, NOW, &at, &err), &err);
    assert_code(nf_when_parse("in 3661 days", &f->berlin, NOW, &at, &err), NF_E_LIMIT);
    assert_code(nf_when_parse("2999-01-01T00:00", &f->berlin, NOW, &at, &err), NF_E_LIMIT);
    memset(text, ' ', sizeof(text));
    memcpy(text, "9am", 3);
    text[NF_WHEN_MAX + 1] = '\0';
    assert_code(nf_when_parse(text, &f->berlin, NOW, &at, &err), NF_E_LIMIT);
    text[NF_WHEN_MAX] = '\0';
    assert_ok(nf_when_parse(text, &f->berlin, NOW, &at, &err), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_read_by_the_clock_of_the_place),
        cmocka_unit_test(a_moment_ends_at_its_limits),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
