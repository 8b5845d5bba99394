/* Fields of questions: what is written comes back, and nothing else is taken. */
#include "skills/fields.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

static struct nf_str bytes;
static struct nf_fields q;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_str_done(&bytes);
    return 0;
}

static enum nf_code read_all(void)
{
    return nf_fields_read((struct nf_slice){ bytes.p, bytes.len }, &q, &err);
}

static enum nf_code read_raw(const char *p, size_t n)
{
    nf_str_reset(&bytes);
    assert_ok(nf_str_add(&bytes, p, n, &err), &err);
    return read_all();
}
#define RAW(literal) read_raw(literal, sizeof(literal) - 1)

static void a_field_has_the_documented_bytes(void **state)
{
    (void)state;
    assert_ok(nf_fields_put_text(&bytes, NF_FIELD_KEY, "k", &err), &err);
    assert_ok(nf_fields_put_number(&bytes, NF_FIELD_LIMIT, 258, &err), &err);

    assert_int_equal(bytes.len, 4 + 2 + 4 + 8);
    assert_memory_equal(bytes.p, "\6\2\0\0k\0\11\10\0\0\2\1\0\0\0\0\0\0", bytes.len);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    size_t at = 0;
    assert_ok(nf_fields_put_text(&bytes, NF_FIELD_URL, "https://a/", &err), &err);
    assert_ok(nf_fields_put_text(&bytes, NF_FIELD_HEADER, "A: 1", &err), &err);
    assert_ok(nf_fields_put_number(&bytes, NF_FIELD_OFFSET, INT64_MIN, &err), &err);
    assert_ok(nf_fields_put_text(&bytes, NF_FIELD_HEADER, "", &err), &err);
    assert_ok(nf_fields_put_text(&bytes, NF_FIELD_PATH, NULL, &err), &err);

    assert_ok(read_all(), &err);

    assert_string_equal(nf_fields_text(&q, NF_FIELD_URL), "https://a/");
    assert_true(nf_fields_number(&q, NF_FIELD_OFFSET, 1) == INT64_MIN);
    assert_string_equal(nf_fields_header(&q, &at), "A: 1");
    assert_string_equal(nf_fields_header(&q, &at), "");
    assert_null(nf_fields_header(&q, &at));
    assert_null(nf_fields_text(&q, NF_FIELD_PATH));
    assert_int_equal(nf_fields_number(&q, NF_FIELD_LIMIT, 7), 7);
}

static void nothing_is_a_question_too(void **state)
{
    (void)state;
    size_t at = 0;
    assert_ok(read_all(), &err);
    assert_null(nf_fields_text(&q, NF_FIELD_KEY));
    assert_null(nf_fields_header(&q, &at));
}

static void what_is_no_field_is_refused(void **state)
{
    (void)state;
    assert_code(RAW("\6"), NF_E_INVALID);
    assert_code(RAW("\6\2\0\0"), NF_E_INVALID);
    assert_code(RAW("\6\2\0\0k"), NF_E_INVALID);
    assert_code(RAW("\6\377\377\377k"), NF_E_INVALID);
    assert_code(RAW("\0\1\0\0\0"), NF_E_INVALID);
    assert_code(RAW("\16\1\0\0\0"), NF_E_INVALID);
    assert_code(RAW("\377\1\0\0\0"), NF_E_INVALID);
    assert_code(RAW("\11\7\0\0\0\0\0\0\0\0\0"), NF_E_INVALID);
    assert_code(RAW("\11\0\0\0"), NF_E_INVALID);
}

static void a_text_is_text(void **state)
{
    (void)state;
    assert_code(RAW("\6\0\0\0"), NF_E_INVALID);
    assert_code(RAW("\6\1\0\0k"), NF_E_INVALID);
    assert_code(RAW("\6\3\0\0k\0\0"), NF_E_INVALID);
    assert_code(RAW("\6\3\0\0\377\376\0"), NF_E_INVALID);
    assert_ok(RAW("\6\1\0\0\0"), &err);
    assert_string_equal(nf_fields_text(&q, NF_FIELD_KEY), "");
}

static void only_headers_stand_again_and_again(void **state)
{
    (void)state;
    assert_code(RAW("\6\2\0\0a\0\6\2\0\0b\0"), NF_E_INVALID);
    assert_ok(RAW("\3\2\0\0a\0\3\2\0\0b\0"), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_field_has_the_documented_bytes, teardown),
        cmocka_unit_test_teardown(what_was_written_is_read, teardown),
        cmocka_unit_test_teardown(nothing_is_a_question_too, teardown),
        cmocka_unit_test_teardown(what_is_no_field_is_refused, teardown),
        cmocka_unit_test_teardown(a_text_is_text, teardown),
        cmocka_unit_test_teardown(only_headers_stand_again_and_again, teardown),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
