#include "llm/failure.h"

#include "codec/json.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#define KEY "planted/key+0123456789"

static struct nf_llm_failure of(int status, const char *body)
{
    struct nf_llm_failure f;
    nf_llm_failure_of_answer(status, body, strlen(body), KEY, &f);
    return f;
}

/* Statuses decide, whether the body is JSON or not. */
static void every_status_has_its_meaning(void **state)
{
    (void)state;
    static const struct {
        int status;
        enum nf_code code;
        bool retry, next;
    } cases[] = {
        { 400, NF_E_INVALID, false, false },    { 401, NF_E_DENIED, false, true },
        { 402, NF_E_DENIED, false, true },      { 403, NF_E_DENIED, false, true },
        { 404, NF_E_NOT_FOUND, false, true },   { 408, NF_E_UNAVAILABLE, true, true },
        { 409, NF_E_UNAVAILABLE, true, true },  { 413, NF_E_LIMIT, false, false },
        { 415, NF_E_INVALID, false, false },    { 422, NF_E_INVALID, false, false },
        { 429, NF_E_UNAVAILABLE, true, true },  { 500, NF_E_UNAVAILABLE, true, true },
        { 502, NF_E_UNAVAILABLE, true, true },  { 503, NF_E_UNAVAILABLE, true, true },
        { 504, NF_E_UNAVAILABLE, true, true },  { 529, NF_E_UNAVAILABLE, true, true },
        { 301, NF_E_UNAVAILABLE, false, true },
    };
    static const char *const bodies[] = {
        "",
        "<html><b>nginx</b></html>",
        "null",
        "[]",
        "{\"error\":null}",
        "{\"error\":{}}",
        "\xff\xfe",
        "{\"error\":{\"message\":\"status 404 or 500\",\"code\":404}}",
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t k = 0; k < sizeof(bodies) / sizeof(bodies[0]); k++) {
            if (cases[i].status < 400 && k == 7)
                continue;
            struct nf_llm_failure f = of(cases[i].status, bodies[k]);
            if (f.code != cases[i].code || f.retry != cases[i].retry || f.next != cases[i].next)
                fail_msg("%d with %s: %s", cases[i].status, bodies[k], nf_code_name(f.code));
        }
}

static void every_form_of_error_body_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *body, *kind, *detail;
    } cases[] = {
        { "{\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"param\":null,\"code\":null}}",
          "server_error", "m" },
        { "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}", "api_error",
          "m" },
        { "{\"error\":\"m\"}", "", "m" },
        { "{\"object\":\"error\",\"message\":\"m\",\"type\":\"BadThing\",\"code\":500}", "BadThing",
          "m" },
        { "[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]",
          "UNAVAILABLE", "m" },
        { "{\"detail\":\"m\"}", "", "m" },
        { "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"m\"}]}", "", "m" },
        { "{\"message\":\"m\"}", "", "m" },
        { "{\"error\":{\"message\":\"a\\nb\\tc\\u007f\",\"type\":7}}", "", "a b c " },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_llm_failure f = of(500, cases[i].body);
        assert_string_equal(f.kind, cases[i].kind);
        assert_string_equal(f.detail, cases[i].detail);
    }
}

static void what_a_refusal_is_about_is_understood(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *body;
        enum nf_code code;
        bool next;
    } cases[] = {
        { 400,
          "{\"error\":{\"code\":\"context_length_exceeded\",\"type\":\"invalid_request_error\","
          "\"message\":\"This model's maximum context length is 8192 tokens.\"}}",
          NF_E_LIMIT, false },
        { 400, "{\"error\":{\"type\":\"exceed_context_size_error\",\"message\":\"x\"}}", NF_E_LIMIT,
          false },
        { 400, "{\"error\":{\"message\":\"prompt is too long: 9 tokens > 8 maximum\"}}", NF_E_LIMIT,
          false },
        { 429,
          "{\"error\":{\"code\":\"insufficient_quota\",\"type\":\"insufficient_quota\","
          "\"message\":\"You exceeded your current quota\"}}",
          NF_E_DENIED, true },
        { 400,
          "{\"error\":{\"type\":\"invalid_request_error\",\"message\":\"Your credit balance is "
          "too low to access the API.\"}}",
          NF_E_DENIED, true },
        /* A server that is down and talks about context is down. */
        { 500, "{\"error\":{\"message\":\"context length\"}}", NF_E_UNAVAILABLE, true },
        /* A success that is none. */
        { 200, "{\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", NF_E_UNAVAILABLE,
          true },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_llm_failure f = of(cases[i].status, cases[i].body);
        if (f.code != cases[i].code || f.next != cases[i].next)
            fail_msg("%s: %s", cases[i].body, nf_code_name(f.code));
    }
}

static void an_error_in_a_stream_stands_for_a_status(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        int status;
    } cases[] = {
        { "{\"error\":{\"type\":\"overloaded_error\"}}", 529 },
        { "{\"error\":{\"type\":\"rate_limit_error\"}}", 429 },
        { "{\"error\":{\"code\":502}}", 502 },
        { "{\"error\":{\"code\":\"503\"}}", 503 },
        { "{\"error\":{\"code\":12}}", 0 },
        { "{\"error\":{\"code\":\"rate_limit_exceeded\",\"type\":\"requests\"}}", 429 },
        { "\"boom\"", 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nf_err err;
        struct nf_json_doc *doc = NULL;
        struct nf_llm_failure f;
        assert_ok(nf_json_parse(cases[i].json, strlen(cases[i].json), 0, &doc, &err), &err);
        nf_llm_failure_of_json(nf_json_root(doc), 0, &f);
        nf_json_free(doc);
        if (f.status != cases[i].status)
            fail_msg("%s: %d", cases[i].json, f.status);
    }
}

static void long_words_are_cut_at_a_character(void **state)
{
    (void)state;
    char body[1000] = "{\"error\":\"";
    for (int i = 0; i < 200; i++)
        strcat(body, "\xc3\xa4");
    strcat(body, "\"}");

    struct nf_llm_failure f = of(500, body);

    assert_int_equal(strlen(f.detail), NF_LLM_DETAIL_MAX - 1);
}

static void keys_are_struck_out(void **state)
{
    (void)state;
    static const struct {
        const char *body, *detail;
    } cases[] = {
        { "{\"error\":\"bad key " KEY ".\"}", "bad key [key]." },
        { "{\"error\":\"" KEY KEY "\"}", "[key][key]" },
        { "{\"error\":\"Incorrect API key provided: sk-ab***xyz. See https://x\"}",
          "Incorrect API key provided: [key] See https://x" },
        { "{\"error\":\"'AIzaSyABCDEFG' is off\"}", "'[key]' is off" },
        { "{\"error\":\"ask a task-force\"}", "ask a task-force" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(of(400, cases[i].body).detail, cases[i].detail);

    /* A key that the cut at the end goes through. */
    for (size_t pad = NF_LLM_DETAIL_MAX - sizeof(KEY); pad < NF_LLM_DETAIL_MAX; pad++) {
        char body[400];
        (void)snprintf(body, sizeof(body), "{\"error\":\"%*s" KEY " tail\"}", (int)pad, ".");
        struct nf_llm_failure f = of(400, body);
        if (strstr(f.detail, "plante"))
            fail_msg("%s", f.detail);
    }
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    const int64_t now = INT64_C(784111777000); /* Sun, 06 Nov 1994 08:49:37 GMT */
    static const struct {
        const char *value;
        int64_t want;
    } cases[] = {
        { NULL, 0 },
        { "", 0 },
        { "0", 0 },
        { "1", 1000 },
        { " 2 ", 2000 },
        { "1.5", 1500 },
        { "-1", 0 },
        { "1e3", 0 },
        { "86400", NF_LLM_RETRY_AFTER_MAX_MS },
        { "86401", NF_LLM_RETRY_AFTER_MAX_MS },
        { "9223372036854775807", NF_LLM_RETRY_AFTER_MAX_MS },
        { "99999999999999999999", 0 },
        { "Sun, 06 Nov 1994 08:49:47 GMT", 10000 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:27 GMT", 0 },
        { "Mon, 07 Nov 1994 08:49:38 GMT", NF_LLM_RETRY_AFTER_MAX_MS },
        { "Sun, 06 Now 1994 08:49:47 GMT", 0 },
        { "Sun, 06 Nov 1994 08:49:47 CET", 0 },
        { "Sun, 06 Nov 1994 25:49:47 GMT", 0 },
        { "soon", 0 },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (nf_llm_retry_after(cases[i].value, now) != cases[i].want)
            fail_msg("%s: %lld", cases[i].value,
                     (long long)nf_llm_retry_after(cases[i].value, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_meaning),
        cmocka_unit_test(every_form_of_error_body_is_read),
        cmocka_unit_test(what_a_refusal_is_about_is_understood),
        cmocka_unit_test(an_error_in_a_stream_stands_for_a_status),
        cmocka_unit_test(long_words_are_cut_at_a_character),
        cmocka_unit_test(keys_are_struck_out),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
