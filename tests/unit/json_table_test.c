/* JSON is decoded by a table into a struct, also where memory runs out. */
#include "tests/unit/json_fixture.h"

struct usage {
    int64_t tokens;
    char *model;
};
struct frame {
    char *content, *input;
    int64_t seq;
    double temperature;
    bool stream;
    struct usage usage;
};

static const struct nf_json_field usage_fields[] = {
    NF_JSON_FIELD(struct usage, "tokens", NF_JSON_F_I64, tokens, NF_JSON_REQUIRED, 0, 1000),
    NF_JSON_FIELD(struct usage, "model", NF_JSON_F_STR, model, 0, 0, 8),
};
static const struct nf_json_table usage_table = { usage_fields, 2, true };
static const struct nf_json_field frame_fields[] = {
    NF_JSON_FIELD(struct frame, "content", NF_JSON_F_STR, content, NF_JSON_REQUIRED, 1, 4),
    NF_JSON_FIELD(struct frame, "input", NF_JSON_F_RAW, input, 0, 0, 10),
    NF_JSON_FIELD(struct frame, "seq", NF_JSON_F_I64, seq, 0, 0, 0),
    NF_JSON_FIELD(struct frame, "temperature", NF_JSON_F_F64, temperature, NF_JSON_NULLABLE, 0, 0),
    NF_JSON_FIELD(struct frame, "stream", NF_JSON_F_BOOL, stream, 0, 0, 0),
    NF_JSON_FIELD_OBJECT(struct frame, "usage", usage, 0, &usage_table),
};
static const struct nf_json_table frame_table = { frame_fields, 6, false };

static enum nf_code decode(struct fixture *f, const char *text, struct frame *out)
{
    return nf_json_decode(parsed(f, text), &frame_table, out, &err);
}

static void a_table_fills_a_struct(void **state)
{
    struct frame fr = { .temperature = 1.5 };
    enum nf_code rc = decode(*state,
                             "{\"content\":\"abcd\",\"input\":{\"a\":[1]},\"seq\":"
                             "-9223372036854775808,\"temperature\":null,\"stream\":true,"
                             "\"usage\":{\"tokens\":1000,\"model\":\"12345678\"},\"unknown\":1}",
                             &fr);
    bool good = rc == NF_OK && strcmp(fr.content, "abcd") == 0 &&
                strcmp(fr.input, "{\"a\":[1]}") == 0 && fr.seq == INT64_MIN &&
                fr.temperature == 1.5 && fr.stream && fr.usage.tokens == 1000 &&
                strcmp(fr.usage.model, "12345678") == 0;
    nf_json_table_done(&frame_table, &fr);
    assert_ok(rc, &err);
    assert_true(good);
    assert_null(fr.content);
    assert_null(fr.usage.model);
}

static void a_table_names_the_field_that_is_wrong(void **state)
{
    static const struct {
        const char *text, *message;
        enum nf_code code;
    } all[] = {
        { "[]", "an object is expected", NF_E_INVALID },
        { "{}", "content is missing", NF_E_INVALID },
        { "{\"content\":null}", "content must be a string", NF_E_INVALID },
        { "{\"content\":\"\"}", "content has 0 bytes; at least 1 are needed", NF_E_INVALID },
        { "{\"content\":\"abcde\"}", "content has 5 bytes; at most 4 are allowed", NF_E_LIMIT },
        { "{\"content\":\"a\",\"seq\":1.5}", "seq must be an integer", NF_E_INVALID },
        { "{\"content\":\"a\",\"stream\":1}", "stream must be true or false", NF_E_INVALID },
        { "{\"content\":\"a\",\"temperature\":\"1\"}", "temperature must be a number",
          NF_E_INVALID },
        { "{\"content\":\"a\",\"input\":\"123456789\"}", "input: text over 10 bytes", NF_E_LIMIT },
        { "{\"content\":\"a\",\"usage\":{}}", "usage: tokens is missing", NF_E_INVALID },
        { "{\"content\":\"a\",\"usage\":{\"tokens\":1001}}",
          "usage: tokens is 1001; 0 to 1000 are allowed", NF_E_LIMIT },
        { "{\"content\":\"a\",\"usage\":{\"tokens\":-1}}",
          "usage: tokens is -1; 0 to 1000 are allowed", NF_E_LIMIT },
        { "{\"content\":\"a\",\"usage\":{\"tokens\":1,\"x\":1}}", "usage: unknown field x",
          NF_E_INVALID },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct frame fr = { 0 };
        enum nf_code rc = decode(*state, all[i].text, &fr);
        nf_json_table_done(&frame_table, &fr);
        assert_code(rc, all[i].code);
        assert_string_equal(err.msg, all[i].message);
    }
}

static void every_failing_allocation_is_told_and_leaks_nothing(void **state)
{
    static const char text[] = "{\"content\":\"abcd\",\"input\":{\"a\":1e5},"
                               "\"usage\":{\"tokens\":1,\"model\":\"m\"},"
                               "\"more\":[1,2,3,4,5,6,7,8,9,10]}"; /* over NF_JSON_FIRST */
    struct fixture *f = *state;
    size_t n = 1;
    for (enum nf_code rc = NF_E_NOMEM; rc != NF_OK && n < 200; n++) {
        struct frame fr = { 0 };
        nf_fail_alloc_at(n);
        rc = nf_json_parse(text, sizeof(text) - 1, 0, &f->doc, &err);
        if (rc == NF_OK)
            rc = nf_json_decode(nf_json_root(f->doc), &frame_table, &fr, &err);
        nf_fail_alloc_at(0);
        nf_json_table_done(&frame_table, &fr);
        nf_json_free(f->doc);
        f->doc = NULL;
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
    }
    assert_in_range(n, 7, 199); /* the text, room for more values and four strings */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_table_fills_a_struct),
        T(a_table_names_the_field_that_is_wrong),
        T(every_failing_allocation_is_told_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
