#include "llm/settings.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "sk-planted-0123456789"

struct fix {
    struct nf_llm_settings s;
    struct nf_config_part part;
    struct nf_err err;
};

static int setup(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    f->part = (struct nf_config_part){ &nf_llm_setting_group, &f->s };
    setenv("NF_TEST_KEY", KEY, 1);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    nf_config_done(&f->part, 1);
    free(f);
    return 0;
}

static enum nf_code load(struct fix *f, const char *yaml)
{
    nf_config_done(&f->part, 1);
    NF_TRY(nf_config_load_text("t.yaml", yaml, strlen(yaml), &f->part, 1, &f->err));
    return nf_llm_settings_check(&f->s, &f->err);
}

static void an_empty_file_is_no_model_and_the_defaults(void **state)
{
    struct fix *f = *state;

    assert_ok(load(f, ""), &f->err);

    assert_int_equal(f->s.providers.n, 0);
    assert_int_equal(f->s.retries, 2);
    assert_int_equal(f->s.retry_wait_ms, 20000);
    assert_int_equal(f->s.breaker_failures, 5);
    assert_int_equal(f->s.breaker_pause_ms, 30000);
}

static void the_example_of_the_header_is_taken(void **state)
{
    struct fix *f = *state;

    assert_ok(load(f, "llm:\n"
                      "  default: smart\n"
                      "  providers:\n"
                      "    - name: claude\n"
                      "      type: anthropic\n"
                      "      api_key: ${NF_TEST_KEY}\n"
                      "      models: [claude-sonnet-4-5]\n"
                      "    - name: local\n"
                      "      type: ollama\n"
                      "      models: [\"qwen3:8b\"]\n"
                      "  models:\n"
                      "    - name: local/qwen3:8b\n"
                      "      context_tokens: 32768\n"
                      "      first_token_timeout: 10m\n"
                      "  aliases:\n"
                      "    - name: smart\n"
                      "      models: [claude/claude-sonnet-4-5, \"local/qwen3:8b\"]\n"),
              &f->err);

    const struct nf_llm_provider *p = f->s.providers.v;
    const struct nf_llm_model *m = f->s.models.v;
    assert_int_equal(f->s.providers.n, 2);
    assert_int_equal(p[0].type, NF_LLM_ANTHROPIC);
    assert_string_equal(nf_secret_reveal(&p[0].api_key), KEY);
    assert_int_equal(p[1].type, NF_LLM_OLLAMA);
    assert_string_equal(p[1].models.v[0], "qwen3:8b");
    assert_int_equal(m[0].context_tokens, 32768);
    assert_int_equal(m[0].first_token_timeout_ms, 600000);
    assert_int_equal(m[0].idle_timeout_ms, 0);
}

static void assert_refused(struct fix *f, const char *yaml, const char *says)
{
    f->err.msg[0] = '\0';
    enum nf_code rc = load(f, yaml);
    assert_true(rc == NF_E_INVALID || rc == NF_E_LIMIT);
    if (!strstr(f->err.msg, says))
        fail_msg("'%s' does not say '%s'", f->err.msg, says);
    if (strstr(f->err.msg, "planted"))
        fail_msg("the key is in '%s'", f->err.msg);
}

static void what_is_wrong_is_named(void **state)
{
    struct fix *f = *state;
    assert_refused(f, "llm:\n  providers:\n    - name: a\n      type: gemini\n", "type");
    assert_refused(f, "llm:\n  providers:\n    - type: ollama\n", "name");
    assert_refused(f, "llm:\n  providers:\n    - name: a\n      type: custom\n      models: [x]\n",
                   "llm.providers[0].base_url");
    assert_refused(f,
                   "llm:\n  providers:\n    - name: a\n      type: openai\n      api_key: "
                   "${NF_TEST_KEY}\n      base_url: http://api.example.com/v1\n",
                   "plain http is allowed to this machine only");
    assert_refused(f,
                   "llm:\n  providers:\n    - name: a\n      type: openai\n      api_key: "
                   "\"sk-1\\n\"\n",
                   "line break");
    assert_refused(f, "llm:\n  default: nobody\n", "llm.default");
    assert_refused(f, "llm:\n  retries: 11\n", "llm.retries");
    assert_refused(f, "llm:\n  retrys: 1\n", "retrys");
}

static void no_page_shows_a_key(void **state)
{
    struct fix *f = *state;
    NF_CLEANUP(nf_str_done) struct nf_str shown = { 0 };
    assert_ok(load(f, "llm:\n  providers:\n    - name: a\n      type: openai\n      api_key: "
                      "${NF_TEST_KEY}\n      models: [x]\n"),
              &f->err);

    assert_ok(nf_config_show(&f->part, 1, &shown, &f->err), &f->err);

    assert_null(strstr(nf_str_c(&shown), "planted"));
    assert_non_null(strstr(nf_str_c(&shown), "(set)"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_empty_file_is_no_model_and_the_defaults),
        T(the_example_of_the_header_is_taken),
        T(what_is_wrong_is_named),
        T(no_page_shows_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
