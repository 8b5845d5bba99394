/* JSON is written: values, numbers, nesting, and texts that fit or do not. */
#include "tests/unit/json_fixture.h"

#include <math.h>

static void a_value_prints_as_it_was_read(void **state)
{
    static const char *const all[] = {
        "null",
        "\"\"",
        "[]",
        "{}",
        "[[],{},[[]]]",
        "{\"a\":[1,{\"b\":[]},{}],\"c\":{\"d\":null,\"e\":{}},\"f\":[true,false]}",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xe2\x82\xac\"",
        "[9223372036854775807,1e400,0.1,-2.5,1E+2,123456789012345678901234567890,0]",
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_string_equal(reprinted(*state, all[i]), all[i]);
}

static const char *encoded_f64(struct fixture *f, double v)
{
    nf_str_reset(&f->text);
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_f64(&f->o, v);
    assert_ok(nf_json_end_doc(&f->o, &err), &err);
    return nf_str_c(&f->text);
}

static void doubles_are_written_short_and_read_back_equal(void **state)
{
    assert_string_equal(encoded_f64(*state, 0.1), "0.1");
    assert_string_equal(encoded_f64(*state, 1e300), "1e+300");
    assert_string_equal(encoded_f64(*state, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(encoded_f64(*state, 3), "3");
    assert_string_equal(encoded_f64(*state, NAN), "null");
    assert_string_equal(encoded_f64(*state, -INFINITY), "null");
    static const double all[] = { 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.7, 123456.789e-7 };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_true(strtod(encoded_f64(*state, all[i]), NULL) == all[i]);
}

static void commas_and_nesting_are_kept_track_of(void **state)
{
    struct fixture *f = *state;
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_object(&f->o);
    nf_json_put_str(&f->o, "s", "x\ny");
    nf_json_put_str(&f->o, "left out", NULL);
    nf_json_put_i64(&f->o, "i", INT64_MIN);
    nf_json_out_key(&f->o, "a");
    nf_json_out_array(&f->o);
    nf_json_out_array(&f->o);
    nf_json_out_end(&f->o);
    nf_json_out_raw(&f->o, "{\"r\":1}", 7);
    nf_json_out_strn(&f->o, "abc", 2);
    nf_json_out_str(&f->o, NULL);
    nf_json_out_value(&f->o, NULL);
    nf_json_out_end(&f->o);
    nf_json_put_bool(&f->o, "k\"", true);
    nf_json_out_end(&f->o);
    assert_ok(nf_json_end_doc(&f->o, &err), &err);

    assert_string_equal(nf_str_c(&f->text),
                        "{\"s\":\"x\\ny\",\"i\":-9223372036854775808,"
                        "\"a\":[[],{\"r\":1},\"ab\",null,null],\"k\\\"\":true}");
    assert_ok(parse(f, nf_str_c(&f->text)), &err);
}

static void a_string_may_stand_in_a_value_that_is_written_already(void **state)
{
    static const char *const texts[] = { "plain", "a \"quote\"\n", "\xff", "\xc3\xa9", "" };
    static const char want[] = "[{\"a\":1,\"t\":\"plain\"},{\"a\":1,\"t\":\"a \\\"quote\\\"\\n\"},"
                               "{\"a\":1,\"t\":\"\xef\xbf\xbd\"},{\"a\":1,\"t\":\"\xc3\xa9\"},"
                               "{\"a\":1,\"t\":\"\"}]";
    struct fixture *f = *state;
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_array(&f->o);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        nf_json_out_around(&f->o, NF_SLICE("{\"a\":1,\"t\":\""), nf_slice_of(texts[i]),
                           NF_SLICE("\"}"));
    nf_json_out_end(&f->o);
    assert_ok(nf_json_end_doc(&f->o, &err), &err);
    assert_string_equal(nf_str_c(&f->text), want);

    nf_str_reset(&f->text);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_ok(nf_json_add_around(&f->text,
                                     nf_slice_of(i ? ",{\"a\":1,\"t\":\"" : "[{\"a\":1,\"t\":\""),
                                     nf_slice_of(texts[i]), NF_SLICE("\"}"), &err),
                  &err);
    assert_ok(nf_str_adds(&f->text, "]", &err), &err);
    assert_string_equal(nf_str_c(&f->text), want);
    f->text.max = f->text.len + 8;
    assert_code(
        nf_json_add_around(&f->text, NF_SLICE("[\""), NF_SLICE("longer"), NF_SLICE("\"]"), &err),
        NF_E_LIMIT);
    assert_code(
        nf_json_add_around(&f->text, NF_SLICE("[\""), NF_SLICE("a\nb"), NF_SLICE("\"]"), &err),
        NF_E_LIMIT);
    assert_string_equal(nf_str_c(&f->text), want);
}

static void invalid_utf8_becomes_the_replacement_character(void **state)
{
    struct fixture *f = *state;
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_str(&f->o, "a\xff\"\xe2\x82\xac\xe2\x82");
    assert_ok(nf_json_end_doc(&f->o, &err), &err);
    assert_string_equal(nf_str_c(&f->text),
                        "\"a\xef\xbf\xbd\\\"\xe2\x82\xac\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void what_does_not_fit_leaves_the_string_as_it_was(void **state)
{
    struct fixture *f = *state;
    f->text.max = 16; /* with the NUL */
    assert_ok(nf_str_adds(&f->text, "before", &err), &err);

    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_str(&f->o, "1234567"); /* 9 with its quotes: the last that fits */
    assert_ok(nf_json_end_doc(&f->o, &err), &err);
    assert_string_equal(nf_str_c(&f->text), "before\"1234567\"");

    f->text.len = 6;
    nf_json_begin_doc(&f->o, &f->text);
    nf_json_out_str(&f->o, "12345678");
    assert_code(nf_json_end_doc(&f->o, &err), NF_E_LIMIT);
    assert_string_equal(nf_str_c(&f->text), "before");
}

static void writing_deeper_than_the_limit_fails(void **state)
{
    struct fixture *f = *state;
    for (int depth = NF_JSON_DEPTH_MAX; depth <= NF_JSON_DEPTH_MAX + 1; depth++) {
        nf_json_begin_doc(&f->o, &f->text);
        for (int i = 0; i < depth; i++)
            nf_json_out_array(&f->o);
        for (int i = 0; i < depth; i++)
            nf_json_out_end(&f->o);
        assert_code(nf_json_end_doc(&f->o, &err), depth == NF_JSON_DEPTH_MAX ? NF_OK : NF_E_LIMIT);
    }
}

/* Bytes are looked at in groups: what must be escaped is found wherever it is in one. */
static void special_characters_are_found_at_every_place(void **state)
{
    static const char *const special[] = { "\x01", "\x1f", "\"", "\\", "\x7f", "\xc3\xa9", " " };
    struct fixture *f = *state;
    for (size_t k = 0; k < sizeof(special) / sizeof(special[0]); k++)
        for (size_t at = 0; at < 50; at++) {
            char text[64] = "";
            memset(text, 'a', 50);
            memcpy(text + at, special[k], strlen(special[k]));
            nf_str_reset(&f->text);
            nf_json_begin_doc(&f->o, &f->text);
            nf_json_out_str(&f->o, text);
            assert_ok(nf_json_end_doc(&f->o, &err), &err);
            assert_ok(nf_json_parse(f->text.p, f->text.len, 0, &f->doc, &err), &err);
            assert_string_equal(nf_json_str(nf_json_root(f->doc)), text);
            nf_json_free(nf_take(f->doc));

            /* As it is, a control character is refused. */
            if ((unsigned char)special[k][0] >= 0x20)
                continue;
            nf_str_reset(&f->text);
            assert_ok(nf_str_addf(&f->text, &err, "\"%s\"", text), &err);
            assert_code(nf_json_parse(f->text.p, f->text.len, 0, &f->doc, &err), NF_E_INVALID);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(special_characters_are_found_at_every_place),
        T(a_value_prints_as_it_was_read),
        T(doubles_are_written_short_and_read_back_equal),
        T(commas_and_nesting_are_kept_track_of),
        T(a_string_may_stand_in_a_value_that_is_written_already),
        T(invalid_utf8_becomes_the_replacement_character),
        T(what_does_not_fit_leaves_the_string_as_it_was),
        T(writing_deeper_than_the_limit_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
