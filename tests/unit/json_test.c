/* JSON is read: what is accepted and refused, what values are, and where it ends. */
#include "tests/unit/json_fixture.h"

/* `open` n times, then `close` n times, in *ret. */
static void nest(struct nf_str *ret, const char *open, const char *close, int n)
{
    nf_str_reset(ret);
    for (int i = 0; i < n; i++)
        assert_ok(nf_str_adds(ret, open, &err), &err);
    for (int i = 0; i < n; i++)
        assert_ok(nf_str_adds(ret, close, &err), &err);
}

static void every_kind_of_value_is_read(void **state)
{
    const struct nf_json *v = parsed(
        *state, " { \"s\" : \"a\\u00e9\\ud83d\\ude00\\n\\/\" , \"n\":null, \"t\":true,\"f\":false,"
                "\"i\":-12, \"d\":2.5, \"a\":[1,2,3], \"o\":{} }\r\n\t ");

    assert_int_equal(nf_json_type(v), NF_JSON_OBJECT);
    assert_int_equal(nf_json_count(v), 8);
    assert_string_equal(nf_json_str(nf_json_get(v, "s")), "a\xc3\xa9\xf0\x9f\x98\x80\n/");
    assert_int_equal(nf_json_type(nf_json_get(v, "n")), NF_JSON_NULL);
    assert_true(nf_json_bool(nf_json_get(v, "t"), false));
    assert_false(nf_json_bool(nf_json_get(v, "f"), true));
    assert_int_equal(nf_json_i64(nf_json_get(v, "i"), 0), -12);
    assert_true(nf_json_f64(nf_json_get(v, "d"), 0) == 2.5);
    const struct nf_json *second = nf_json_next(nf_json_first(nf_json_get(v, "a")));
    assert_int_equal(nf_json_i64(second, 0), 2);
    assert_null(nf_json_key(second));
    assert_string_equal(nf_json_key(nf_json_next(nf_json_first(v))), "n");
    assert_int_equal(nf_json_type(nf_json_get(v, "o")), NF_JSON_OBJECT);
    assert_null(nf_json_first(nf_json_get(v, "o")));
}

static void what_is_absent_or_of_another_type_gives_the_other_value(void **state)
{
    const struct nf_json *v = parsed(*state, "{\"s\":\"x\",\"n\":1}");

    assert_int_equal(nf_json_type(nf_json_get(v, "gone")), NF_JSON_ABSENT);
    assert_null(nf_json_get(NULL, "s"));
    assert_null(nf_json_get(nf_json_get(v, "s"), "s"));
    assert_null(nf_json_str(nf_json_get(v, "n")));
    assert_null(nf_json_next(NULL));
    assert_null(nf_json_first(NULL));
    assert_null(nf_json_key(NULL));
    assert_int_equal(nf_json_count(NULL), 0);
    assert_int_equal(nf_json_i64(nf_json_get(v, "s"), 7), 7);
    assert_true(nf_json_f64(NULL, 7) == 7);
    assert_true(nf_json_bool(nf_json_get(v, "n"), true));
}

static void integers_are_exact_to_63_bits(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } all[] = {
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "9007199254740993", 9007199254740993 }, /* 2^53 + 1: no double is that */
        { "-9007199254740993", -9007199254740993 },
        { "999999999999999", 999999999999999 },
        { "1234567890123456", 1234567890123456 },
        { "0", 0 },
        { "-0", 0 },
        { "3.0", 3 },
        { "1e3", 1000 },
        { "9223372036854775808", 42 },
        { "-9223372036854775809", 42 },
        { "0.5", 42 },
        { "9007199254740993.0", 42 },
        { "1e400", 42 },
        { "1e-400", 0 },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (nf_json_i64(parsed(*state, all[i].text), 42) != all[i].want)
            fail_msg("%s", all[i].text);
}

static void exact_integers_are_found_among_other_numbers(void **state)
{
    const struct nf_json *v = parsed(*state, "{\"a\":[1,{\"b\":2.5},9007199254740993,[]],"
                                             "\"c\":{\"d\":{},\"e\":9007199254740995},\"f\":3}");

    const struct nf_json *third = nf_json_next(nf_json_next(nf_json_first(nf_json_get(v, "a"))));
    assert_true(nf_json_i64(third, 0) == 9007199254740993);
    assert_true(nf_json_i64(nf_json_get(nf_json_get(v, "c"), "e"), 0) == 9007199254740995);
    assert_int_equal(nf_json_i64(nf_json_get(v, "f"), 0), 3);
}

static void numbers_without_end_are_no_doubles(void **state)
{
    assert_true(nf_json_f64(parsed(*state, "1e400"), 7) == 7);
    assert_true(nf_json_f64(parsed(*state, "1e308"), 7) == 1e308);
}

static const char *const not_json[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "{",
    "{]",
    "[}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{1:2}",
    "{\"a\" 1}",
    "{,}",
    "1 2",
    "[] []",
    "01",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e1",
    "1e",
    "1e+",
    "-01",
    "0x1",
    "NaN",
    "Infinity",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\n\"",
    "\"\t\"",
    "'a'",
    "// c\n1",
    "/**/1",
    "\xef\xbb\xbf[]",
    "[1]x",
    "1\v",
    "{\"a\":1 b}",
    "\"\xff\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    ("\xc2\xa0"
     "1"),
};

static void what_is_not_json_is_refused(void **state)
{
    for (size_t i = 0; i < sizeof(not_json) / sizeof(not_json[0]); i++)
        if (parse(*state, not_json[i]) != NF_E_INVALID)
            fail_msg("accepted: %s", not_json[i]);
}

static void an_error_says_at_which_byte(void **state)
{
    assert_code(parse(*state, "[1, x]"), NF_E_INVALID);
    assert_string_equal(err.msg, "not JSON at byte 4: unexpected character");
}

static void nul_bytes_and_half_surrogates_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_code(nf_json_parse("\"a\0b\"", 5, 0, &f->doc, &err), NF_E_INVALID);
    assert_code(nf_json_parse("1\0", 2, 0, &f->doc, &err), NF_E_INVALID);
    assert_code(parse(f, "\"\\u0000\""), NF_E_INVALID);
    assert_code(parse(f, "{\"\\u0000\":1}"), NF_E_INVALID);
    assert_code(parse(f, "\"\\ud800\""), NF_E_INVALID);
    assert_code(parse(f, "\"\\udc00\""), NF_E_INVALID);
    assert_code(parse(f, "\"\\ud800\\u0041\""), NF_E_INVALID);
    assert_code(parse(f, "\"\\ud800\\ud800\""), NF_E_INVALID);
    assert_string_equal(nf_json_str(parsed(f, "\"\\u0001\\ud7ff\\ue000\\uDBFF\\uDFFF\"")),
                        "\x01\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf");
}

static void a_piece_of_a_stream_may_begin_and_end_with_half_a_character(void **state)
{
    static const char text[] = "[\"\\ude00a\\ud83d\",\"a\\ud83db\",\"\\ud83d\\ude00\",\"\\ud83d\"]";
    struct fixture *f = *state;
    assert_ok(nf_json_parse_piece(text, sizeof(text) - 1, &f->doc, &err), &err);
    const struct nf_json *v = nf_json_first(nf_json_root(f->doc));
    assert_string_equal(nf_json_str(v), "\xef\xbf\xbd"
                                        "a\xef\xbf\xbd");
    assert_int_equal(nf_json_first_half(v), 0xde00);
    assert_int_equal(nf_json_last_half(v), 0xd83d);
    v = nf_json_next(v);
    assert_string_equal(nf_json_str(v), "a\xef\xbf\xbd"
                                        "b");
    assert_int_equal(nf_json_first_half(v) + nf_json_last_half(v), 0);
    v = nf_json_next(v);
    assert_string_equal(nf_json_str(v), "\xf0\x9f\x98\x80");
    assert_int_equal(nf_json_first_half(v) + nf_json_last_half(v), 0);
    v = nf_json_next(v);
    assert_int_equal(nf_json_first_half(v), 0xd83d);
    assert_int_equal(nf_json_last_half(v), 0xd83d);
}

static void nesting_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;

    nest(&f->text, "[", "]", NF_JSON_DEPTH_MAX);
    assert_ok(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), &err);
    nf_json_free(f->doc);
    f->doc = NULL;
    nest(&f->text, "[", "]", NF_JSON_DEPTH_MAX + 1);
    assert_code(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), NF_E_LIMIT);
    nest(&f->text, "[", "", 100000);
    assert_code(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), NF_E_LIMIT);

    nf_json_set_depth(8);
    assert_code(parse(f, "[[[[[[[[[1]]]]]]]]]"), NF_E_LIMIT);
    assert_ok(parse(f, "[[[[[[[[1]]]]]]]]"), &err);
    nf_json_set_depth(NF_JSON_DEPTH_MAX);
}

static void the_deepest_nesting_is_walked_and_printed(void **state)
{
    struct fixture *f = *state;
    nest(&f->text, "{\"a\":", "", NF_JSON_DEPTH_MAX);
    assert_ok(nf_str_adds(&f->text, "9007199254740993", &err), &err);
    for (int i = 0; i < NF_JSON_DEPTH_MAX; i++)
        assert_ok(nf_str_adds(&f->text, "}", &err), &err);
    char *text = strdup(nf_str_c(&f->text));
    assert_non_null(text);

    const char *again = reprinted(f, text);
    int differ = strcmp(again, text);
    free(text);

    assert_int_equal(differ, 0);
    assert_false(nf_json_has_duplicate_keys(nf_json_root(f->doc)));
}

static void size_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_json_parse("\"abc\"", 5, 5, &f->doc, &err), &err);
    nf_json_free(f->doc);
    f->doc = NULL;
    assert_code(nf_json_parse("\"abc\"", 5, 4, &f->doc, &err), NF_E_LIMIT);
}

static void the_number_of_values_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_str_adds(&f->text, "[1", &err), &err);
    for (int i = 0; i < NF_JSON_VALUES_MAX - 2; i++)
        assert_ok(nf_str_adds(&f->text, ",1", &err), &err);
    assert_ok(nf_str_adds(&f->text, "]", &err), &err);
    assert_ok(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), &err);
    nf_json_free(f->doc);
    f->doc = NULL;

    f->text.p[f->text.len - 1] = ',';
    assert_ok(nf_str_adds(&f->text, "1]", &err), &err);
    assert_code(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), NF_E_LIMIT);
}

static void a_numbers_length_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < NF_JSON_NUMBER_MAX; i++)
        assert_ok(nf_str_adds(&f->text, "1", &err), &err);
    assert_ok(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), &err);
    assert_true(nf_json_f64(nf_json_root(f->doc), 0) > 1e62);
    nf_json_free(f->doc);
    f->doc = NULL;

    assert_ok(nf_str_adds(&f->text, "1", &err), &err);
    assert_code(nf_json_parse(nf_str_c(&f->text), f->text.len, 0, &f->doc, &err), NF_E_LIMIT);
}

static void of_a_member_that_stands_twice_the_last_counts(void **state)
{
    const struct nf_json *v = parsed(*state, "{\"a\":1,\"b\":{\"c\":1,\"d\":[{\"e\":1}]},\"a\":2}");
    assert_int_equal(nf_json_i64(nf_json_get(v, "a"), 0), 2);
    assert_true(nf_json_has_duplicate_keys(v));
    assert_false(nf_json_has_duplicate_keys(nf_json_get(v, "b")));
    assert_true(
        nf_json_has_duplicate_keys(parsed(*state, "[1,{\"x\":[{\"e\":1,\"E\":1,\"e\":1}]}]")));
    assert_false(nf_json_has_duplicate_keys(parsed(*state, "[{\"a\":1},{\"a\":1}]")));
}

static void without_memory_members_count_as_repeated(void **state)
{
    const struct nf_json *v = parsed(*state, "{\"a\":1,\"b\":2}");
    nf_fail_alloc_at(1);
    bool repeat = nf_json_has_duplicate_keys(v);
    nf_fail_alloc_at(0);
    assert_true(repeat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_of_value_is_read),
        T(what_is_absent_or_of_another_type_gives_the_other_value),
        T(integers_are_exact_to_63_bits),
        T(exact_integers_are_found_among_other_numbers),
        T(numbers_without_end_are_no_doubles),
        T(what_is_not_json_is_refused),
        T(an_error_says_at_which_byte),
        T(nul_bytes_and_half_surrogates_are_refused),
        T(a_piece_of_a_stream_may_begin_and_end_with_half_a_character),
        T(nesting_ends_at_its_limit),
        T(the_deepest_nesting_is_walked_and_printed),
        T(size_ends_at_its_limit),
        T(the_number_of_values_ends_at_its_limit),
        T(a_numbers_length_ends_at_its_limit),
        T(of_a_member_that_stands_twice_the_last_counts),
        T(without_memory_members_count_as_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
