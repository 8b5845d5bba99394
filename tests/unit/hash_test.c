#include "tests/support/test.h"

#include "codec/hash.h"

#include <stdlib.h>
#include <string.h>

static struct nf_err err;

/* FIPS 180-4's examples. */
static void sha256_gives_the_standards_digests(void **state)
{
    (void)state;
    char hex[NF_SHA256_HEX + 1];
    nf_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    nf_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void sha1_gives_the_standards_digest(void **state)
{
    (void)state;
    static const uint8_t want[20] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                      0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    uint8_t got[20];
    nf_sha1("abc", 3, got);
    assert_memory_equal(got, want, sizeof(got));
}

/* RFC 4648, section 10. */
static void base64_gives_the_standards_texts(void **state)
{
    (void)state;
    static const char *const want[] = { "",         "Zg==",     "Zm8=",    "Zm9v",
                                        "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy" };
    for (size_t n = 0; n <= 6; n++) {
        struct nf_str s = { 0 };
        enum nf_code rc = nf_base64("foobar", n, &s, &err);
        int differ = strcmp(nf_str_c(&s), want[n]);
        nf_str_done(&s);
        assert_ok(rc, &err);
        assert_int_equal(differ, 0);
    }
}

static void base64_of_much_is_padded_only_at_the_end(void **state)
{
    (void)state;
    char *zeros = calloc(1, 10000);
    struct nf_str s = { 0 };
    assert_non_null(zeros);
    enum nf_code rc = nf_base64(zeros, 10000, &s, &err);
    size_t a = strspn(nf_str_c(&s), "A"), len = s.len;
    int end = strcmp(nf_str_c(&s) + a, "==");
    nf_str_done(&s);
    free(zeros);
    assert_ok(rc, &err);
    assert_int_equal(len, 13336);
    assert_int_equal(a, 13334);
    assert_int_equal(end, 0);
}

static void base64_is_read_back_and_nothing_else(void **state)
{
    static const char *const wrong[] = { "Zg=",  "Zg==Zg==", "Z===",   "Zh==", "Zm9=",
                                         "Zm 9", "=m9v",     "Zm9v\n", "Zm-_", "A" };
    struct nf_str s = { 0 }, text = { 0 };
    (void)state;
    for (size_t n = 0; n <= 6; n++) {
        nf_str_reset(&s);
        nf_str_reset(&text);
        assert_ok(nf_base64("foobar", n, &text, &err), &err);
        assert_ok(nf_base64_decode(nf_str_c(&text), text.len, &s, &err), &err);
        assert_int_equal(s.len, n);
        assert_memory_equal(nf_str_c(&s), "foobar", n);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_code(nf_base64_decode(wrong[i], strlen(wrong[i]), &s, &err), NF_E_INVALID);
    assert_string_equal(nf_str_c(&s), "foobar");
    nf_str_done(&s);
    nf_str_done(&text);
}

static void base64_appends_up_to_the_ceiling(void **state)
{
    (void)state;
    struct nf_str s = { .max = 10 };
    enum nf_code first = nf_str_adds(&s, ">", &err);
    enum nf_code fits = nf_base64("foobar", 6, &s, &err);
    int differ = strcmp(nf_str_c(&s), ">Zm9vYmFy");
    enum nf_code over = nf_base64("f", 1, &s, &err);
    int same = strcmp(nf_str_c(&s), ">Zm9vYmFy");
    nf_str_done(&s);
    assert_code(first, NF_OK);
    assert_code(fits, NF_OK);
    assert_int_equal(differ, 0);
    assert_code(over, NF_E_LIMIT);
    assert_int_equal(same, 0);
}

static void tokens_differ_and_fit_into_a_url(void **state)
{
    (void)state;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    char a[NF_TOKEN_TEXT + 1], b[NF_TOKEN_TEXT + 1];
    for (int i = 0; i < 200; i++) {
        nf_random_token(a);
        nf_random_token(b);
        assert_int_equal(strspn(a, allowed), NF_TOKEN_TEXT);
        assert_int_equal(a[NF_TOKEN_TEXT], 0);
        assert_string_not_equal(a, b);
    }
}

static void random_bytes_fill_all_of_a_big_buffer(void **state)
{
    (void)state;
    unsigned char big[1000] = { 0 }; /* over what one getrandom call promises */
    nf_random(big, sizeof(big));
    for (size_t i = 0; i + 16 <= sizeof(big); i += 8) {
        unsigned char any = 0;
        for (size_t k = 0; k < 16; k++)
            any |= big[i + k];
        assert_int_not_equal(any, 0); /* by chance once in 2^121 runs */
    }
    assert_true(nf_random_u64() != nf_random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_standards_digests),
        cmocka_unit_test(sha1_gives_the_standards_digest),
        cmocka_unit_test(base64_gives_the_standards_texts),
        cmocka_unit_test(base64_of_much_is_padded_only_at_the_end),
        cmocka_unit_test(base64_is_read_back_and_nothing_else),
        cmocka_unit_test(base64_appends_up_to_the_ceiling),
        cmocka_unit_test(tokens_differ_and_fit_into_a_url),
        cmocka_unit_test(random_bytes_fill_all_of_a_big_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
