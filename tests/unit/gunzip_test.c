#include "codec/gunzip.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

/* "hello" */
static const unsigned char hello[] = { 0x1f, 0x8b, 8,    0,    0,    0,    0, 0, 0,
                                       3,    0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86,
                                       0xa6, 0x10, 0x36, 5,    0,    0,    0 };
/* 1,000 times 'a' */
static const unsigned char many[] = { 0x1f, 0x8b, 8,    0,    0,    0,    0,    0,    0,    3,
                                      0x4b, 0x4c, 0x1c, 5,    0xa3, 0x60, 0x14, 0x0c, 0x77, 0,
                                      0,    3,    0xda, 0x38, 0x9a, 0xe8, 3,    0,    0 };

static struct nf_str text;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_str_done(&text);
    return 0;
}

static enum nf_code gunzip(const void *p, size_t n)
{
    nf_str_reset(&text);
    return nf_gunzip(p, n, &text, &err);
}

static void members_are_decoded(void **state)
{
    (void)state;
    unsigned char twice[2 * sizeof(hello)];
    memcpy(twice, hello, sizeof(hello));
    memcpy(twice + sizeof(hello), hello, sizeof(hello));

    assert_ok(gunzip(hello, sizeof(hello)), &err);
    assert_string_equal(nf_str_c(&text), "hello");
    assert_ok(gunzip(twice, sizeof(twice)), &err);
    assert_string_equal(nf_str_c(&text), "hellohello");
}

static void what_is_cut_or_no_gzip_is_refused(void **state)
{
    (void)state;
    unsigned char bad[sizeof(hello)];
    for (size_t n = 0; n < sizeof(hello); n++)
        assert_code(gunzip(hello, n), NF_E_INVALID);
    memcpy(bad, hello, sizeof(bad));
    bad[20] ^= 1; /* the check sum */
    assert_code(gunzip(bad, sizeof(bad)), NF_E_INVALID);
    assert_code(gunzip("plain", 5), NF_E_INVALID);
}

static void the_ceiling_counts(void **state)
{
    (void)state;
    text.max = 1001;
    assert_ok(gunzip(many, sizeof(many)), &err);
    assert_int_equal(text.len, 1000);
    nf_str_done(&text);
    text.max = 1000;
    assert_code(gunzip(many, sizeof(many)), NF_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(members_are_decoded, teardown),
        cmocka_unit_test_teardown(what_is_cut_or_no_gzip_is_refused, teardown),
        cmocka_unit_test_teardown(the_ceiling_counts, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
