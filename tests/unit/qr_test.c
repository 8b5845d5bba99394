#include "codec/qr.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static int done(void **state)
{
    nf_str_done(*state);
    free(*state);
    return 0;
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct nf_str));
    return *state ? 0 : -1;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void a_short_link_is_a_code_of_25_modules(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_qr_svg("https://t.me/nexflow_bot", s, &err), &err);
    assert_non_null(strstr(nf_str_c(s), "viewBox=\"0 0 33 33\"")); /* version 2: 25 and margins */
    nf_str_reset(s);
    assert_ok(nf_qr_lines("https://t.me/nexflow_bot", true, s, &err), &err);
    assert_int_equal(count(nf_str_c(s), "\n"), 17);
}

/* The finder in the upper left corner: seven dark modules, then light ones around a square. */
static void the_corner_is_a_finder(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_qr_svg("x", s, &err), &err);
    assert_non_null(strstr(nf_str_c(s), "M4 4h7v1h-7z"));
    assert_non_null(strstr(nf_str_c(s), "M4 5h1v1h-1z"));
    assert_non_null(strstr(nf_str_c(s), "M6 6h3v1h-3z"));
}

static void dark_and_light_change_places_on_a_dark_screen(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_qr_lines("x", true, s, &err), &err);
    size_t blanks = count(nf_str_c(s), " "), full = count(nf_str_c(s), "\xe2\x96\x88");
    nf_str_reset(s);
    assert_ok(nf_qr_lines("x", false, s, &err), &err);
    assert_int_equal(count(nf_str_c(s), " "), full);
    assert_int_equal(count(nf_str_c(s), "\xe2\x96\x88"), blanks);
}

static void texts_end_at_their_limit(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    char text[NF_QR_TEXT_MAX + 2];
    memset(text, 'x', sizeof(text));
    text[NF_QR_TEXT_MAX + 1] = '\0';
    assert_code(nf_qr_svg("", s, &err), NF_E_INVALID);
    assert_code(nf_qr_svg(text, s, &err), NF_E_LIMIT);
    assert_code(nf_qr_lines(text, true, s, &err), NF_E_LIMIT);
    assert_int_equal(s->len, 0);
    text[NF_QR_TEXT_MAX] = '\0';
    assert_ok(nf_qr_svg(text, s, &err), &err);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, done)
    const struct CMUnitTest tests[] = {
        T(a_short_link_is_a_code_of_25_modules),
        T(the_corner_is_a_finder),
        T(dark_and_light_change_places_on_a_dark_screen),
        T(texts_end_at_their_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
