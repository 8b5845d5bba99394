/* The router: names, settings and their reload, probes, memory that runs out. */
#include "tests/unit/router_fixture.h"

static char *twice_models[] = { "opus", "opus" };
static char *named_models[] = { "spare/x" };

/* --- names and settings ----------------------------------------------------------------------- */

static void names_are_found_or_explained(void **state)
{
    struct fix *f = *state;
    struct nf_model_info info;
    PLAY(f, O_GOOD);
    struct nf_model *m = nf_llm_router_model(f->router);

    assert_ok(nf_model_info(m, "claude/opus", &info, &f->err), &f->err);
    assert_int_equal(info.context_tokens, 200000);
    assert_int_equal(info.output_tokens, 8192);
    assert_ok(nf_model_info(m, "qwen", &info, &f->err), &f->err);
    assert_int_equal(info.context_tokens, 128000);
    assert_int_equal(info.output_tokens, 4096);
    /* A chain has the least of its models. */
    assert_ok(nf_model_info(m, NULL, &info, &f->err), &f->err);
    assert_int_equal(info.context_tokens, 128000);
    assert_int_equal(info.output_tokens, 4096);

    assert_code(nf_model_info(m, "same", &info, &f->err), NF_E_NOT_FOUND);
    assert_says(f, "offered by claude and local: say which, as in claude/same");
    assert_code(complete(f, "nobody"), NF_E_NOT_FOUND);
    assert_says(f, "there is no model 'nobody'");
}

static void what_there_is_can_be_listed(void **state)
{
    struct fix *f = *state;
    PLAY(f, O_GOOD);

    assert_string_equal(nf_llm_router_default(f->router), "smart");
    assert_int_equal(nf_llm_router_models_n(f->router), 4);
    assert_string_equal(nf_llm_router_model_at(f->router, 0).name, "claude/opus");
    assert_string_equal(nf_llm_router_model_at(f->router, 3).provider, "local");
    assert_int_equal(nf_llm_router_aliases_n(f->router), 1);
    assert_string_equal(nf_llm_router_alias_at(f->router, 0).models[1], "local/qwen");
}

static void without_providers_it_says_how_to_add_one(void **state)
{
    struct fix *f = *state;
    f->s = (struct nf_llm_settings){ .default_model = "" };
    PLAY(f, O_GOOD);

    assert_code(complete(f, NULL), NF_E_NOT_FOUND);
    assert_says(f, "run `nexflow up`, or add one under llm.providers");
    assert_string_equal(nf_llm_router_default(f->router), "");
}

static void a_reload_leaves_the_old_in_place_if_it_fails(void **state)
{
    struct fix *f = *state;
    PLAY(f, O_GOOD);

    f->s.default_model = "nobody";
    assert_code(nf_llm_router_reload(f->router, &f->s, &f->err), NF_E_INVALID);
    assert_string_equal(nf_llm_router_default(f->router), "smart");
    f->s.default_model = "qwen";
    assert_ok(nf_llm_router_reload(f->router, &f->s, &f->err), &f->err);
    assert_ok(complete(f, NULL), &f->err);
    assert_string_equal(f->outcome.model, "local/qwen");
}

static void a_provider_without_a_list_has_the_models_that_are_named(void **state)
{
    struct fix *f = *state;
    struct nf_model_info info;
    f->providers[2] = (struct nf_llm_provider){ .name = "spare", .type = NF_LLM_OLLAMA };
    f->s.providers.n = 3;
    f->aliases[1] = (struct nf_llm_alias){ .name = "s", .models = { named_models, 1 } };
    f->s.aliases.n = 2;
    f->models[0] = (struct nf_llm_model){ .name = "spare/y", .context_tokens = 32768 };
    f->s.models.n = 1;
    PLAY(f, O_GOOD);

    struct nf_model *m = nf_llm_router_model(f->router);
    assert_ok(nf_model_info(m, "spare/x", &info, &f->err), &f->err);
    assert_int_equal(info.context_tokens, 8192);
    assert_int_equal(info.output_tokens, 2048);
    assert_ok(nf_model_info(m, "y", &info, &f->err), &f->err);
    assert_int_equal(info.context_tokens, 32768);
    assert_code(nf_model_info(m, "spare/z", &info, &f->err), NF_E_NOT_FOUND);
}

static void assert_bad(struct fix *f, const char *key)
{
    f->err.msg[0] = '\0';
    assert_code(nf_llm_settings_check(&f->s, &f->err), NF_E_INVALID);
    if (strncmp(f->err.msg, key, strlen(key)) != 0)
        fail_msg("'%s' does not begin with '%s'", f->err.msg, key);
}

static void wrong_settings_are_named_by_their_key(void **state)
{
    struct fix *f = *state;
    assert_ok(nf_llm_settings_check(&f->s, &f->err), &f->err);

    f->s.default_model = "smartest";
    assert_bad(f, "llm.default:");
    f->s.default_model = "same";
    assert_bad(f, "llm.default:");
    f->s.default_model = "";
    f->aliases[0].models.v = named_models;
    f->aliases[0].models.n = 1;
    assert_bad(f, "llm.aliases[0].models: no provider has 'spare/x'");
    f->aliases[0].models.v = smart_models;
    f->aliases[1] = f->aliases[0];
    f->s.aliases.n = 2;
    assert_bad(f, "llm.aliases[1].name: 'smart' is taken");
    f->aliases[1].name = "local/qwen";
    assert_bad(f, "llm.aliases[1].name:");
    f->s.aliases.n = 1;
    f->models[0].name = "local/nix";
    f->s.models.n = 1;
    assert_bad(f, "llm.models[0].name:");
    f->s.models.n = 0;
    f->providers[1].models.v = twice_models;
    assert_bad(f, "llm.providers[1].models: 'opus' stands twice");
    f->providers[1].models.v = local_models;
    f->providers[1].name = "claude";
    assert_bad(f, "llm.providers[1].name: 'claude' is taken");
    f->providers[1].name = "a/b";
    assert_bad(f, "llm.providers[1].name:");
    f->providers[1].name = "local";
    f->providers[1].base_url = "";
    assert_bad(f, "llm.providers[1].base_url: a custom provider needs one");
    f->providers[1].type = NF_LLM_OPENAI;
    assert_bad(f, "llm.providers[1].api_key:");
}

static void plain_http_is_for_this_machine_only(void **state)
{
    struct fix *f = *state;
    static const char *const good[] = { "http://127.0.0.1", "http://127.9.9.9:80/v1",
                                        "http://localhost:11434", "http://[::1]:1/",
                                        "https://api.example.com/v1" };
    static const char *const bad[] = { "http://api.example.com",
                                       "http://127.0.0.1.example.com/",
                                       "http://localhost.example.com",
                                       "http://10.0.0.1",
                                       "http://[::2]:1/",
                                       "http://user@127.0.0.1/",
                                       "https://user:pw@api.example.com/",
                                       "https://api.example.com/?key=1",
                                       "https://",
                                       "http://",
                                       "ftp://127.0.0.1/",
                                       "127.0.0.1:80",
                                       "http://127.0.0.1\\@evil.example/",
                                       "https://a b" };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_llm_check_url("base_url", good[i], &f->err), &f->err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (nf_llm_check_url("base_url", bad[i], &f->err) != NF_E_INVALID)
            fail_msg("%s was taken", bad[i]);
    }
}

static void urls_are_joined_as_people_write_them(void **state)
{
    struct fix *f = *state;
    static const char *const cases[][3] = {
        { "https://a", "/v1/messages", "https://a/v1/messages" },
        { "https://a/v1/", "/v1/messages", "https://a/v1/messages" },
        { "https://a/v1", "/chat/completions", "https://a/v1/chat/completions" },
        { "http://b/api", "/api/chat", "http://b/api/chat" },
        { "http://b/x/v1", "/v1/models?limit=1000", "http://b/x/v1/models?limit=1000" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
        assert_ok(nf_llm_url(cases[i][0], cases[i][1], &url, &f->err), &f->err);
        assert_string_equal(nf_str_c(&url), cases[i][2]);
    }
}

static void a_probe_lists_models(void **state)
{
    struct fix *f = *state;
    struct nf_llm_names names = { 0 };
    PLAY(f, { .pieces = { "{\"data\":[{\"id\":\"b\"},", "{\"id\":\"a\"},{\"x\":1}]}" } },
         { .pieces = { "{\"models\":[{\"name\":\"qwen3:8b\"}]}" } }, { .pieces = { "{}" } },
         { .status = 401, .pieces = { "{}" } }, { .send = NF_E_UNAVAILABLE },
         { .status = 404, .pieces = { "not here" } });
    struct nf_llm_wire *w = &f->wire.base;
    const struct nf_secret *key = &f->providers[0].api_key;

    assert_ok(nf_llm_probe_over(w, NF_LLM_OPENAI, NULL, key, 5000, &names, &f->err), &f->err);
    assert_int_equal(names.n, 2);
    assert_string_equal(names.v[1], "a");
    nf_llm_names_done(&names);
    assert_string_equal(f->wire.urls[0], "https://api.openai.com/v1/models");
    assert_ok(nf_llm_probe_over(w, NF_LLM_OLLAMA, "", NULL, 5000, &names, &f->err), &f->err);
    assert_string_equal(names.v[0], "qwen3:8b");
    nf_llm_names_done(&names);
    assert_string_equal(f->wire.urls[1], "http://127.0.0.1:11434/api/tags");

    assert_code(nf_llm_probe_over(w, NF_LLM_OLLAMA, NULL, NULL, 5000, &names, &f->err),
                NF_E_INVALID);
    assert_says(f, "answers, but lists no models");
    assert_code(nf_llm_probe_over(w, NF_LLM_OPENAI, NULL, key, 5000, &names, &f->err), NF_E_DENIED);
    assert_code(nf_llm_probe_over(w, NF_LLM_OLLAMA, NULL, NULL, 5000, &names, &f->err),
                NF_E_UNAVAILABLE);
    assert_code(nf_llm_probe_over(w, NF_LLM_OLLAMA, NULL, NULL, 5000, &names, &f->err),
                NF_E_INVALID);
    assert_code(nf_llm_probe_over(w, NF_LLM_CUSTOM, NULL, NULL, 5000, &names, &f->err),
                NF_E_INVALID);
    assert_code(
        nf_llm_probe_over(w, NF_LLM_CUSTOM, "http://x.example/v1", NULL, 5000, &names, &f->err),
        NF_E_INVALID);
}

static void every_failed_allocation_is_survived(void **state)
{
    struct fix *f = *state;
    static const struct step steps[] = { A_OVERLOADED, O_GOOD };
    for (size_t at = 1, good = 0; good < 3; at++) {
        struct nf_llm_router *router = NULL;
        play(f, steps, 2);
        nf_llm_router_free(f->router);
        f->router = NULL;
        nf_fail_alloc_at(at);
        enum nf_code rc = nf_llm_router_new_over(&f->s, &f->wire.base, &router, &f->err);
        f->router = router;
        if (rc == NF_OK)
            rc = nf_model_complete(nf_llm_router_model(router), &f->request, &f->sink, &f->outcome,
                                   &f->err);
        nf_fail_alloc_at(0);
        assert_int_equal(f->wire.open, 0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
        good = rc == NF_OK ? good + 1 : 0;
    }
}

/* Settings that change in the middle of an answer. */
static void a_call_goes_on_with_the_settings_it_began_with(void **state)
{
    struct fix *f = *state;
    f->reload_in_text = true;
    PLAY(f, A_GOOD, O_GOOD);

    assert_ok(complete(f, NULL), &f->err);
    assert_string_equal(f->outcome.model, "claude/opus");
    f->reload_in_text = false;
    assert_ok(complete(f, NULL), &f->err);
    assert_string_equal(f->outcome.model, "local/qwen");
}

static void what_happens_is_counted(void **state)
{
    struct fix *f = *state;
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    nf_metrics_reset();
    PLAY(f, A_OVERLOADED, O_GOOD, A_GOOD);
    assert_ok(complete(f, NULL), &f->err);
    assert_ok(complete(f, "opus"), &f->err);

    assert_ok(nf_metrics_write(&text, &f->err), &f->err);

    static const char *const lines[] = {
        "nexflow_model_calls_total{outcome=\"ok\"} 2\n",
        "nexflow_model_calls_total{outcome=\"unavailable\"} 1\n",
        "nexflow_model_tokens_total{kind=\"input\"} 3\n",
        "nexflow_model_failovers_total 1\n",
        "nexflow_model_breakers_open 0\n",
        "nexflow_model_first_token_seconds_count 2\n",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (!strstr(nf_str_c(&text), lines[i]))
            fail_msg("%s is not in\n%s", lines[i], nf_str_c(&text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(names_are_found_or_explained),
        T(what_there_is_can_be_listed),
        T(without_providers_it_says_how_to_add_one),
        T(a_reload_leaves_the_old_in_place_if_it_fails),
        T(a_provider_without_a_list_has_the_models_that_are_named),
        T(wrong_settings_are_named_by_their_key),
        T(plain_http_is_for_this_machine_only),
        T(urls_are_joined_as_people_write_them),
        T(a_probe_lists_models),
        T(every_failed_allocation_is_survived),
        T(a_call_goes_on_with_the_settings_it_began_with),
        T(what_happens_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
