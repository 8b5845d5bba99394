#include "tests/support/test.h"

#include "base/string.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static struct nf_err err;

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct nf_str));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nf_fail_alloc_at(0);
    nf_str_done(*state);
    free(*state);
    return 0;
}

/* --- nf_str ----------------------------------------------------------------------------------- */

static void an_empty_string_is_valid_without_memory(void **state)
{
    struct nf_str *s = *state;
    nf_fail_alloc_at(1);
    assert_string_equal(nf_str_c(s), "");
    nf_str_reset(s);
    nf_str_drop(s, 0);
    assert_int_equal(s->len, 0);
}

static void appending_grows_it_and_keeps_the_nul(void **state)
{
    struct nf_str *s = *state;
    for (int i = 0; i < 1000; i++) {
        assert_ok(nf_str_addf(s, &err, "%d,", i % 10), &err);
        assert_int_equal(strlen(nf_str_c(s)), s->len);
    }
    assert_int_equal(s->len, 2000);
    assert_ok(nf_str_add(s, "", 0, &err), &err);
    assert_ok(nf_str_add(s, "a\0b", 3, &err), &err);
    assert_int_equal(s->len, 2003);
    assert_memory_equal(s->p + 2000, "a\0b", 4);
}

static void the_ceiling_counts_the_nul(void **state)
{
    struct nf_str *s = *state;
    s->max = 8;
    assert_ok(nf_str_adds(s, "1234567", &err), &err);
    assert_code(nf_str_adds(s, "8", &err), NF_E_LIMIT);
    assert_string_equal(err.msg, "text over 7 bytes");
    assert_code(nf_str_addf(s, &err, "%c", '8'), NF_E_LIMIT);
    assert_string_equal(nf_str_c(s), "1234567");
    assert_ok(nf_str_add(s, NULL, 0, &err), &err);

    assert_code(nf_str_set(s, "12345678", &err), NF_E_LIMIT);
    assert_string_equal(nf_str_c(s), "1234567");
    assert_ok(nf_str_set(s, "7654321", &err), &err);
    assert_string_equal(nf_str_c(s), "7654321");
    assert_int_equal(s->max, 8);
}

static void the_ceiling_is_a_mebibyte_unless_said_otherwise(void **state)
{
    struct nf_str *s = *state;
    assert_ok(nf_str_reserve(s, NF_STR_MAX - 1, &err), &err);
    assert_code(nf_str_reserve(s, NF_STR_MAX, &err), NF_E_LIMIT);
    assert_code(nf_str_reserve(s, SIZE_MAX, &err), NF_E_LIMIT);
}

static void reset_keeps_memory_and_ceiling_and_done_neither(void **state)
{
    struct nf_str *s = *state;
    s->max = 100;
    assert_ok(nf_str_adds(s, "text", &err), &err);
    char *p = s->p;
    nf_str_reset(s);
    assert_string_equal(nf_str_c(s), "");
    assert_ptr_equal(s->p, p);
    assert_int_equal(s->max, 100);
    nf_str_done(s);
    assert_null(s->p);
    assert_int_equal(s->max, 0);
}

static void drop_removes_from_the_front(void **state)
{
    struct nf_str *s = *state;
    assert_ok(nf_str_adds(s, "abcdef", &err), &err);
    nf_str_drop(s, 0);
    nf_str_drop(s, 2);
    assert_string_equal(nf_str_c(s), "cdef");
    nf_str_drop(s, 4);
    assert_string_equal(nf_str_c(s), "");
    assert_int_equal(s->len, 0);
}

static void without_memory_it_stays_as_it_was(void **state)
{
    struct nf_str *s = *state;
    nf_fail_alloc_at(1);
    assert_code(nf_str_adds(s, "a", &err), NF_E_NOMEM);
    assert_string_equal(nf_str_c(s), "");
    assert_ok(nf_str_adds(s, "ab", &err), &err);
    nf_fail_alloc_at(1);
    assert_code(nf_str_reserve(s, 1000, &err), NF_E_NOMEM);
    nf_fail_alloc_at(1);
    assert_code(nf_str_set(s, "other", &err), NF_E_NOMEM);
    assert_string_equal(nf_str_c(s), "ab");
}

/* --- slices and copies ------------------------------------------------------------------------ */

static void slices_compare_by_length_too(void **state)
{
    (void)state;
    struct nf_slice s = { "Content-Length", 7 };
    assert_true(nf_slice_eq(s, "Content"));
    assert_false(nf_slice_eq(s, "Content-Length"));
    assert_false(nf_slice_eq(s, "content"));
    assert_true(nf_slice_ieq(s, "cONTENT"));
    assert_false(nf_slice_ieq(s, "cONTEN"));
    assert_true(nf_slice_ieq(NF_SLICE("az[@`{"), "AZ[@`{"));
    assert_false(nf_slice_ieq(NF_SLICE("[@"), "{`")); /* 0x20 apart, and no letters */
    assert_true(nf_slice_eq((struct nf_slice){ "", 0 }, ""));
    assert_int_equal(nf_slice_of("abc").n, 3);
}

static void trimming_takes_blanks_and_tabs_at_the_ends(void **state)
{
    (void)state;
    assert_true(nf_slice_eq(nf_slice_trim(NF_SLICE(" \t a b\t ")), "a b"));
    assert_true(nf_slice_eq(nf_slice_trim(NF_SLICE(" \t ")), ""));
    assert_true(nf_slice_eq(nf_slice_trim(NF_SLICE("\n a")), "\n a"));
    assert_true(nf_slice_eq(nf_slice_trim((struct nf_slice){ "", 0 }), ""));
}

static void decimal_numbers_are_read_to_63_bits(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "0x1", "9223372036854775808", "00000000000000000001"
    };
    int64_t v = -5;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(nf_slice_u63(nf_slice_of(bad[i]), &v));
    assert_int_equal(v, -5);
    assert_true(nf_slice_u63(NF_SLICE("9223372036854775807"), &v));
    assert_true(v == INT64_MAX);
    assert_true(nf_slice_u63(NF_SLICE("0000000000000000007"), &v));
    assert_int_equal(v, 7);
}

static void copies_end_with_a_nul(void **state)
{
    (void)state;
    char *a = NULL, *b = NULL;
    enum nf_code one = nf_strndup("abc", 2, &a, &err), two = nf_strdup("", &b, &err);
    int differ = strcmp(a, "ab") != 0 || strcmp(b, "") != 0;
    nf_freep(&a);
    nf_freep(&b);
    assert_code(one, NF_OK);
    assert_code(two, NF_OK);
    assert_int_equal(differ, 0);
    char *none = NULL;
    nf_freep(&none);
    nf_fail_alloc_at(1);
    assert_code(nf_strdup("x", &none, &err), NF_E_NOMEM);
    assert_null(none);
}

static void const_time_comparison_sees_every_bit(void **state)
{
    (void)state;
    unsigned char a[33] = { 0 }, b[33] = { 0 };
    assert_true(nf_equal_const_time(a, b, sizeof(a)));
    assert_true(nf_equal_const_time(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++)
        for (int bit = 0; bit < 8; bit++) {
            a[i] = (unsigned char)(1 << bit);
            assert_false(nf_equal_const_time(a, b, sizeof(a)));
            assert_true(nf_equal_const_time(a, b, i));
            a[i] = 0;
        }
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* How the code point would be written by the rules of table 3-6, valid or not. */
static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(lead[n] | c);
    return n;
}

static void every_character_is_valid_and_no_surrogate(void **state)
{
    (void)state;
    char s[4];
    for (uint32_t c = 0; c < 0x120000; c++) {
        bool want = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        if (nf_utf8_valid(s, encode(c, s)) != want)
            fail_msg("U+%04X", c);
    }
}

static void every_pair_of_bytes_is_judged_as_the_table_says(void **state)
{
    (void)state;
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char s[2] = { (char)a, (char)b };
            bool want =
                (a < 0x80 && b < 0x80) || (a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf);
            if (nf_utf8_valid(s, 2) != want)
                fail_msg("%02x %02x", a, b);
        }
}

static void overlong_and_cut_characters_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\x80",
        "a\xbf",
        "\xed\xa0\x80",
        "\xfe",
        "\xff",
        "12345678\xe2\x28\xa1",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_utf8_valid(bad[i], strlen(bad[i])))
            fail_msg("case %zu", i);
    assert_true(nf_utf8_valid("", 0));
    assert_true(nf_utf8_valid("a\0b", 3));
}

/* Texts are looked at by words: wherever a byte lies, it is seen. */
static void one_wrong_byte_is_seen_wherever_it_is(void **state)
{
    (void)state;
    char text[100];
    memset(text, 'a', sizeof(text));
    for (size_t n = 1; n <= sizeof(text); n++) {
        assert_true(nf_utf8_valid(text, n));
        for (size_t i = 0; i < n; i++) {
            text[i] = (char)0xff;
            if (nf_utf8_valid(text, n))
                fail_msg("byte %zu of %zu was not seen", i, n);
            text[i] = 'a';
        }
    }
}

static void it_does_not_matter_where_a_text_is_cut(void **state)
{
    (void)state;
    static const char good[] = "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80, then more of it";
    for (size_t cut = 0; cut < sizeof(good); cut++) {
        struct nf_utf8 u = { 0 };
        assert_true(nf_utf8_feed(&u, good, cut));
        bool whole = ((unsigned char)good[cut] & 0xc0) != 0x80;
        assert_int_equal(nf_utf8_complete(&u), whole);
        assert_true(nf_utf8_feed(&u, good + cut, sizeof(good) - 1 - cut));
        assert_true(nf_utf8_complete(&u));
    }
}

static void a_stream_fails_at_the_first_byte_that_cannot_be(void **state)
{
    (void)state;
    struct nf_utf8 u = { 0 };
    assert_true(nf_utf8_feed(&u, "\xed", 1));
    assert_false(nf_utf8_feed(&u, "\xa0", 1)); /* the third byte cannot mend a surrogate */
    u = (struct nf_utf8){ 0 };
    assert_true(nf_utf8_feed(&u, "\xf4\x8f", 2));
    assert_true(nf_utf8_feed(&u, "\xbf\xbf", 2));
}

static void a_cut_never_splits_a_character(void **state)
{
    (void)state;
    static const char s[] = "a\xf0\x9f\x98\x80z"; /* 1 + 4 + 1 bytes */
    static const size_t want[] = { 0, 1, 1, 1, 1, 5, 6, 6 };
    for (size_t max = 0; max < sizeof(want) / sizeof(want[0]); max++)
        assert_int_equal(nf_utf8_cut(s, 6, max), want[max]);
    assert_int_equal(nf_utf8_cut("", 0, 5), 0);

    char to[5];
    nf_utf8_copy(to, sizeof(to), s);
    assert_string_equal(to, "a");
    nf_utf8_copy(to, sizeof(to), "abcd");
    assert_string_equal(to, "abcd");
    nf_utf8_copy(to, 1, "z");
    assert_string_equal(to, "");
}

static bool has(const char *text, const char *part)
{
    return nf_utf8_has(text, strlen(text), part, strlen(part));
}

static void a_part_is_found_whatever_the_case_of_letters(void **state)
{
    (void)state;
    assert_true(has("Anna Petrova", "PETR"));
    assert_true(has("anna", "A"));
    assert_true(has("Ёлка Щербакова", "щЕРБ"));
    assert_true(has("ёлка", "Ё"));
    assert_true(has("ΣΟΦΟΣ", "σοφος") && has("σοφος", "ΣΟΦΟΣ") && has("σοφος", "σοφοσ"));
    assert_true(has("Ünal Žižek", "ü") && has("ünal žižek", "ŽIŽ") && has("ŁÓDŹ", "łódź"));
    assert_true(has("x", "") && has("", ""));
    assert_true(has("a 🙂 b", "🙂 B"));
    assert_false(has("", "a"));
    assert_false(has("ab", "abc"));
    assert_false(has("anna", "ann4"));
    /* Neither letter stands next to a range of capitals without being one. */
    assert_false(has("@", "`") || has("[", "{") || has("×", "÷") || has("Џ", "п"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_wrong_byte_is_seen_wherever_it_is),
        T(a_part_is_found_whatever_the_case_of_letters),
        T(an_empty_string_is_valid_without_memory),
        T(appending_grows_it_and_keeps_the_nul),
        T(the_ceiling_counts_the_nul),
        T(the_ceiling_is_a_mebibyte_unless_said_otherwise),
        T(reset_keeps_memory_and_ceiling_and_done_neither),
        T(drop_removes_from_the_front),
        T(without_memory_it_stays_as_it_was),
        T(slices_compare_by_length_too),
        T(trimming_takes_blanks_and_tabs_at_the_ends),
        T(decimal_numbers_are_read_to_63_bits),
        T(copies_end_with_a_nul),
        T(const_time_comparison_sees_every_bit),
        T(every_character_is_valid_and_no_surrogate),
        T(every_pair_of_bytes_is_judged_as_the_table_says),
        T(overlong_and_cut_characters_are_refused),
        T(it_does_not_matter_where_a_text_is_cut),
        T(a_stream_fails_at_the_first_byte_that_cannot_be),
        T(a_cut_never_splits_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
