/* What a program says, line by line. */
#include "skills/program_lines.h"

#include "base/own.h"
#include "skills/fields.h"
#include "skills/include/nexflow/skill.h"
#include "tests/support/test.h"

#include <string.h>

static struct nf_program_line line;
static struct nf_str text;
static struct nf_err err;

static int teardown(void **state)
{
    (void)state;
    nf_program_line_done(&line);
    nf_str_done(&text);
    return 0;
}

static enum nf_code parse(const char *s)
{
    nf_program_line_done(&line);
    return nf_program_line_parse(s, strlen(s), 4096, &line, &err);
}

static const struct nf_fields *fields(void)
{
    static struct nf_fields q;
    assert_ok(nf_fields_read((struct nf_slice){ line.fields.p, line.fields.len }, &q, &err), &err);
    return &q;
}

static void results_and_errors_are_read(void **state)
{
    (void)state;
    assert_ok(parse("{\"result\":\"text\"}"), &err);
    assert_int_equal(line.type, NF_LINE_RESULT);
    assert_string_equal(nf_json_str(line.result), "text");
    assert_ok(parse("{\"result\":null}"), &err);
    assert_int_equal(line.type, NF_LINE_RESULT);
    assert_ok(parse("{\"error\":\"none\",\"code\":\"not_found\"}"), &err);
    assert_int_equal(line.type, NF_LINE_ERROR);
    assert_int_equal(line.code, NF_E_NOT_FOUND);
    assert_string_equal(line.text, "none");
    assert_ok(parse("{\"error\":1,\"code\":\"ok\"}"), &err);
    assert_int_equal(line.code, NF_E_INTERNAL); /* never a success */
}

static void notes_and_questions_are_those_of_a_plugin(void **state)
{
    (void)state;
    assert_ok(parse("{\"progress\":40,\"text\":\"half\"}"), &err);
    assert_int_equal(line.op, NF_SKILL_OP_PROGRESS);
    assert_int_equal(nf_fields_number(fields(), NF_FIELD_PERCENT, -1), 40);
    assert_string_equal(line.raw, "half");
    assert_ok(parse("{\"log\":\"error\",\"text\":\"oh\"}"), &err);
    assert_int_equal(line.op, NF_SKILL_OP_LOG);
    assert_int_equal(nf_fields_number(fields(), NF_FIELD_LEVEL, -1), NF_SKILL_LOG_ERROR);
    assert_ok(parse("{\"ask\":\"kv.put\",\"key\":\"k\",\"value\":\"v\"}"), &err);
    assert_int_equal(line.type, NF_LINE_ASK);
    assert_int_equal(line.op, NF_SKILL_OP_KV_PUT);
    assert_string_equal(line.raw, "v");
    assert_string_equal(nf_fields_text(fields(), NF_FIELD_KEY), "k");
    assert_ok(parse("{\"ask\":\"http.fetch\",\"url\":\"u\",\"body\":\"b\"}"), &err);
    assert_int_equal(line.op, NF_SKILL_OP_HTTP_FETCH);
    assert_string_equal(line.raw, "b");
    assert_int_equal(line.wrong.code, NF_OK);
}

static void a_question_with_a_wrong_member_is_one_that_is_refused(void **state)
{
    (void)state;
    assert_ok(parse("{\"ask\":\"kv.get\",\"key\":7}"), &err);
    assert_int_equal(line.type, NF_LINE_ASK);
    assert_code(line.wrong.code, NF_E_INVALID);
    assert_string_equal(line.wrong.msg, "key must be a string");
    assert_ok(parse("{\"ask\":\"http.fetch\",\"url\":\"u\",\"headers\":{\"A\":\"b\"}}"), &err);
    assert_string_equal(line.wrong.msg, "headers must be a list");
    assert_ok(parse("{\"ask\":\"http.fetch\",\"url\":\"u\",\"max_bytes\":1.5}"), &err);
    assert_string_equal(line.wrong.msg, "max_bytes must be a whole number");
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "text",
                                       "[]",
                                       "1",
                                       "{}",
                                       "{\"results\":1}",
                                       "{\"ask\":\"files.read\"}",
                                       "{\"ask\":1}",
                                       "{\"result\":1,\"result\":2}",
                                       "{\"result\":1} {\"result\":2}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_code(parse(bad[i]), NF_E_INVALID);
}

static void what_it_is_told_is_one_line(void **state)
{
    (void)state;
    struct nf_skill_answer a = { .code = NF_SKILL_OK };

    assert_ok(nf_program_put_call("t", "{\n \"a\" : [1,\n2] }", 5, &text, &err), &err);
    assert_string_equal(nf_str_c(&text),
                        "{\"tool\":\"t\",\"arguments\":{\"a\":[1,2]},\"left_ms\":5}\n");
    nf_str_reset(&text);
    assert_ok(nf_str_adds(&a.json, "[\"k\"]", &err), &err);
    assert_ok(nf_str_adds(&a.raw, "two\nlines", &err), &err);
    assert_ok(nf_program_put_answer(&a, &text, &err), &err);
    assert_string_equal(nf_str_c(&text),
                        "{\"code\":0,\"result\":[\"k\"],\"body\":\"two\\nlines\"}\n");
    nf_str_reset(&text);
    nf_str_reset(&a.raw);
    assert_ok(nf_str_add(&a.raw, "\0\xff", 2, &err), &err);
    assert_ok(nf_program_put_answer(&a, &text, &err), &err);
    assert_non_null(strstr(nf_str_c(&text), "\"body_base64\":\"AP8=\""));
    nf_str_reset(&text);
    a.code = NF_SKILL_E_DENIED;
    nf_str_reset(&a.raw);
    assert_ok(nf_str_adds(&a.raw, "no", &err), &err);
    assert_ok(nf_program_put_answer(&a, &text, &err), &err);
    assert_string_equal(nf_str_c(&text), "{\"code\":3,\"error\":\"no\"}\n");
    nf_str_done(&a.json);
    nf_str_done(&a.raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(results_and_errors_are_read, teardown),
        cmocka_unit_test_teardown(notes_and_questions_are_those_of_a_plugin, teardown),
        cmocka_unit_test_teardown(a_question_with_a_wrong_member_is_one_that_is_refused, teardown),
        cmocka_unit_test_teardown(anything_else_is_refused, teardown),
        cmocka_unit_test_teardown(what_it_is_told_is_one_line, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
