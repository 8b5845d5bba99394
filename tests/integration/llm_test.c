/* The router and the codecs over the real HTTP client, against tests/fakes/provider.py. What runs
 * in a fiber returns its outcome: an assertion of cmocka must not jump out of it. */
#include "base/own.h"
#include "llm/router.h"
#include "observe/log.h"
#include "runtime/http_client.h"
#include "tests/support/test.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPECT(cond)                                                                               \
    do {                                                                                           \
        if (!(cond))                                                                               \
            return nf_err_set(err, NF_E_INTERNAL, "line %d: not so: %s: %.100s | %.60s", __LINE__, \
                              #cond, f->said.msg, nf_str_c(&f->text));                             \
    } while (0)

#define KEY "sk-planted-0123456789"

static pid_t provider;
static int port;

struct fix {
    struct nf_loop *loop;
    struct nf_http_client *http;
    struct nf_model_sink sink;
    struct nf_secret key;
    enum nf_llm_type type;     /* the protocol under test */
    int64_t first_ms, idle_ms; /* timeouts of the model; 0: the default */
    int64_t retries;
    /* What the last call gave. */
    struct nf_str text, other; /* text; thinking, calls and the rest */
    struct nf_tokens tokens;
    bool ended;
    enum nf_code rc;
    struct nf_err said;
    struct nf_model_outcome outcome;
    enum nf_code (*body)(struct fix *f, struct nf_err *err);
};

static enum nf_code on_event(struct nf_model_sink *sink, const struct nf_completion_event *e,
                             struct nf_err *err)
{
    struct fix *f = nf_container_of(sink, struct fix, sink);
    switch (e->type) {
    case NF_EVENT_TEXT:
        return nf_str_add(&f->text, e->text.p, e->text.n, err);
    case NF_EVENT_THINKING:
    case NF_EVENT_TOOL_ARGS:
        return nf_str_addf(&f->other, err, "%d:%.*s ", e->index, (int)e->text.n, e->text.p);
    case NF_EVENT_TOOL_START:
        return nf_str_addf(&f->other, err, "%d=%s ", e->index, e->name);
    case NF_EVENT_USAGE:
        f->tokens = e->tokens;
        return NF_OK;
    case NF_EVENT_END:
        f->ended = true;
        return NF_OK;
    default:
        return NF_OK;
    }
}

/* Ask a chain of the fake's models. */
static NF_RC ask(struct fix *f, const char *first, const char *second, struct nf_err *err)
{
    char url[64], name[2][NF_MODEL_NAME_MAX + 1];
    char *models[2] = { (char *)first, (char *)second }, *chain[2] = { name[0], name[1] };
    size_t n = second ? 2 : 1;
    struct nf_llm_model bounds[2];
    struct nf_llm_router *router = NULL;
    struct nf_completion_request r;
    struct nf_chat_message *m;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port,
                   f->type == NF_LLM_CUSTOM ? "/v1" : "");
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name[i], sizeof(name[i]), "fake/%s", models[i]);
        bounds[i] = (struct nf_llm_model){ .name = name[i],
                                           .first_token_timeout_ms = f->first_ms,
                                           .idle_timeout_ms = f->idle_ms };
    }
    struct nf_llm_provider p = {
        .name = "fake",
        .type = (int)f->type,
        .base_url = url,
        .api_key = f->key,
        .models = { models, n },
    };
    struct nf_llm_alias a = { .name = "chain", .models = { chain, n } };
    struct nf_llm_settings s = { .default_model = "chain",
                                 .providers = { &p, 1 },
                                 .models = { bounds, n },
                                 .aliases = { &a, 1 },
                                 .retries = f->retries,
                                 .retry_wait_ms = 5000,
                                 .breaker_failures = 5,
                                 .breaker_pause_ms = 1000 };
    nf_str_reset(&f->text);
    nf_str_reset(&f->other);
    f->ended = false;
    f->said.msg[0] = '\0';
    nf_completion_request_init(&r);
    enum nf_code rc = nf_completion_add_message(&r, NF_ROLE_USER, &m, err);
    if (rc == NF_OK)
        rc = nf_parts_add_text(&m->parts, "hello w\xc3\xb6rld \xf0\x9f\x98\x80", err);
    if (rc == NF_OK)
        rc = nf_llm_router_new(&s, f->http, &router, err);
    if (rc == NF_OK)
        f->rc = nf_model_complete(nf_llm_router_model(router), &r, &f->sink, &f->outcome, &f->said);
    nf_llm_router_free(router);
    nf_completion_request_done(&r);
    if (rc == NF_OK && strstr(f->said.msg, KEY))
        return nf_err_set(err, NF_E_INTERNAL, "the key is in an error");
    return rc;
}

static enum nf_code in_fiber(void *arg, struct nf_err *err)
{
    struct fix *f = arg;
    NF_TRY(nf_http_client_new(f->loop, NULL, &f->http, err));
    enum nf_code rc = f->body(f, err);
    nf_http_client_free(f->http);
    return rc;
}

/* Run the body once per protocol. */
static void run_all(enum nf_code (*body)(struct fix *f, struct nf_err *err))
{
    static const enum nf_llm_type types[] = { NF_LLM_CUSTOM, NF_LLM_ANTHROPIC, NF_LLM_OLLAMA };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct nf_err err;
        struct fix f = { .type = types[i], .body = body, .sink.event = on_event };
        assert_ok(nf_secret_set(&f.key, KEY, &err), &err);
        assert_ok(nf_loop_new(&f.loop, &err), &err);
        enum nf_code rc = nf_loop_run(f.loop, in_fiber, &f, &err);
        nf_loop_free(f.loop);
        nf_secret_done(&f.key);
        nf_str_done(&f.text);
        nf_str_done(&f.other);
        if (rc != NF_OK)
            fail_msg("protocol %d: %s: %s", (int)types[i], nf_code_name(rc), err.msg);
    }
}

#define ECHO "echo: hello w\xc3\xb6rld \xf0\x9f\x98\x80"

/* --- tests ------------------------------------------------------------------------------------ */

static enum nf_code answers(struct fix *f, struct nf_err *err)
{
    NF_TRY(ask(f, "echo", NULL, err));
    EXPECT(f->rc == NF_OK && f->ended);
    EXPECT(strcmp(nf_str_c(&f->text), ECHO) == 0);
    EXPECT(f->tokens.input == 10 && f->tokens.output > 0);
    EXPECT(strcmp(f->outcome.model, "fake/echo") == 0);

    NF_TRY(ask(f, "echo;split_every=1", NULL, err));
    EXPECT(f->rc == NF_OK && strcmp(nf_str_c(&f->text), ECHO) == 0);
    NF_TRY(ask(f, "echo;framing=close", NULL, err));
    EXPECT(f->rc == NF_OK && strcmp(nf_str_c(&f->text), ECHO) == 0);
    NF_TRY(ask(f, "think", NULL, err));
    EXPECT(f->rc == NF_OK && strcmp(nf_str_c(&f->other), "0:Let me think. ") == 0);
    NF_TRY(ask(f, "long", NULL, err));
    EXPECT(f->rc == NF_OK && f->text.len == strlen("word ") * 2000);
    return NF_OK;
}

static void every_protocol_answers(void **state)
{
    (void)state;
    run_all(answers);
}

static enum nf_code calls(struct fix *f, struct nf_err *err)
{
    NF_TRY(ask(f, "parallel", NULL, err));
    EXPECT(f->rc == NF_OK);
    if (f->type == NF_LLM_CUSTOM)
        EXPECT(strcmp(nf_str_c(&f->other), "0=alpha 1=beta 0:{\"n\" 1:{\"n\" 0:: 1} 1:: 2} ") == 0);
    else if (f->type == NF_LLM_ANTHROPIC)
        EXPECT(strcmp(nf_str_c(&f->other), "0=alpha 0:{\"n\" 0:: 1} 1=beta 1:{\"n\" 1:: 2} ") == 0);
    else
        EXPECT(strcmp(nf_str_c(&f->other), "0=alpha 0:{\"n\":1} 1=beta 1:{\"n\":2} ") == 0);
    return NF_OK;
}

static void parallel_calls_come_through(void **state)
{
    (void)state;
    run_all(calls);
}

/* A stream that ends anywhere before its mark is no success, however the connection ends. */
static enum nf_code cuts(struct fix *f, struct nf_err *err)
{
    static const char *const endings[] = { "", ";framing=close", ";reset=true" };
    for (size_t k = 0; k < sizeof(endings) / sizeof(endings[0]); k++) {
        bool success = false;
        for (int cut = 0; cut < 20000 && !success; cut += cut < 40 ? 1 : 37) {
            char model[64];
            (void)snprintf(model, sizeof(model), "echo;cut=%d%s", cut, endings[k]);
            NF_TRY(ask(f, model, NULL, err));
            success = f->rc == NF_OK;
            EXPECT(success == f->ended);
            EXPECT(success || f->rc == NF_E_UNAVAILABLE);
            EXPECT(!success || strcmp(nf_str_c(&f->text), ECHO) == 0);
            EXPECT(strncmp(ECHO, nf_str_c(&f->text), f->text.len) == 0);
        }
        EXPECT(success);
    }
    return NF_OK;
}

static void a_cut_stream_is_never_a_success(void **state)
{
    (void)state;
    run_all(cuts);
}

static enum nf_code failures(struct fix *f, struct nf_err *err)
{
    static const struct {
        const char *model;
        enum nf_code code;
    } cases[] = {
        { "badrequest", NF_E_INVALID },     { "toolong", NF_E_LIMIT },
        { "denied", NF_E_DENIED },          { "missing", NF_E_NOT_FOUND },
        { "ratelimit", NF_E_UNAVAILABLE },  { "down", NF_E_UNAVAILABLE },
        { "overloaded", NF_E_UNAVAILABLE }, { "midstream", NF_E_UNAVAILABLE },
        { "nomark", NF_E_UNAVAILABLE },     { "garbage", NF_E_UNAVAILABLE },
        { "html", NF_E_UNAVAILABLE },       { "huge", NF_E_UNAVAILABLE },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        NF_TRY(ask(f, cases[i].model, NULL, err));
        if (f->rc != cases[i].code || f->ended)
            return nf_err_set(err, NF_E_INTERNAL, "%s: %s: %.150s", cases[i].model,
                              nf_code_name(f->rc), f->said.msg);
    }
    return NF_OK;
}

static void every_failure_has_its_code(void **state)
{
    (void)state;
    run_all(failures);
}

static enum nf_code next_answers(struct fix *f, struct nf_err *err)
{
    static const char *const models[] = {
        "overloaded", "ratelimit", "down",     "denied",    "missing",
        "html",       "garbage",   "hanghead", "hangfirst", "midstream;error_after=0"
    };
    f->first_ms = 1000;
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        NF_TRY(ask(f, models[i], "echo", err));
        EXPECT(f->rc == NF_OK && strcmp(nf_str_c(&f->text), ECHO) == 0);
        EXPECT(f->outcome.attempts == 2 && strcmp(f->outcome.model, "fake/echo") == 0);
    }
    /* Not once a word was seen. */
    NF_TRY(ask(f, "midstream", "echo", err));
    EXPECT(f->rc == NF_E_UNAVAILABLE && strcmp(nf_str_c(&f->text), "echo: ") == 0);
    return NF_OK;
}

static void the_next_model_answers_for_one_that_cannot(void **state)
{
    (void)state;
    run_all(next_answers);
}

static enum nf_code silences(struct fix *f, struct nf_err *err)
{
    f->first_ms = f->idle_ms = 1000; /* so that a busy machine is not taken for silence */
    NF_TRY(ask(f, "hanghead", NULL, err));
    EXPECT(f->rc == NF_E_TIMEOUT && strstr(f->said.msg, "first_token_timeout"));
    NF_TRY(ask(f, "hangfirst", NULL, err));
    EXPECT(f->rc == NF_E_TIMEOUT && strstr(f->said.msg, "first_token_timeout"));
    f->first_ms = 5000;
    NF_TRY(ask(f, "echo;piece=1;hang=mid", NULL, err));
    EXPECT(f->rc == NF_E_TIMEOUT && strstr(f->said.msg, "idle_timeout"));
    NF_TRY(ask(f, "echo;delay=0.05", NULL, err));
    EXPECT(f->rc == NF_OK);
    /* Nobody is there. */
    int was = port;
    port = 1;
    NF_TRY(ask(f, "echo", NULL, err));
    port = was;
    EXPECT(f->rc == NF_E_UNAVAILABLE && strstr(f->said.msg, "cannot be reached"));
    return NF_OK;
}

static void silence_is_told_from_slowness(void **state)
{
    (void)state;
    run_all(silences);
}

static enum nf_code again(struct fix *f, struct nf_err *err)
{
    f->retries = 2;
    NF_TRY(ask(f, "overloaded", NULL, err));
    EXPECT(f->rc == NF_E_UNAVAILABLE && f->outcome.attempts == 3);
    return NF_OK;
}

static void a_model_is_asked_again(void **state)
{
    (void)state;
    run_all(again);
}

static enum nf_code ask_hanging(void *arg, struct nf_err *err)
{
    return ask(arg, "hangmid", NULL, err);
}

static enum nf_code cancelled(struct fix *f, struct nf_err *err)
{
    struct timespec from, to;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, f->loop);
    NF_TRY(nf_scope_spawn(&s, ask_hanging, f, NULL, err));
    NF_TRY(nf_sleep(100, err));
    clock_gettime(CLOCK_MONOTONIC, &from);
    nf_scope_cancel(&s);
    (void)!nf_scope_join(&s, NULL);
    clock_gettime(CLOCK_MONOTONIC, &to);
    EXPECT(f->rc == NF_E_CANCELED);
    EXPECT((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 30000);
    return NF_OK;
}

static void a_cancel_ends_a_call_at_once(void **state)
{
    (void)state;
    run_all(cancelled);
}

static enum nf_code probed(struct fix *f, struct nf_err *err)
{
    NF_CLEANUP(nf_llm_names_done) struct nf_llm_names names = { 0 };
    char url[64];
    bool has_echo = false;
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port,
                   f->type == NF_LLM_CUSTOM ? "/v1" : "");
    NF_TRY(nf_llm_probe(f->http, f->type, url, &f->key, 5000, &names, err));
    for (size_t i = 0; i < names.n; i++)
        has_echo = has_echo || strcmp(names.v[i], "echo") == 0;
    EXPECT(has_echo);
    return NF_OK;
}

static void a_probe_lists_what_a_provider_has(void **state)
{
    (void)state;
    run_all(probed);
}

/* --- the fake --------------------------------------------------------------------------------- */

static int start_provider(void **state)
{
    (void)state;
    int fds[2];
    char line[64] = "";
    char *argv[] = { (char *)"python3", (char *)"tests/fakes/provider.py", NULL };
    posix_spawn_file_actions_t actions;

    nf_log_setup(2, NF_LOG_ERROR, NF_LOG_JSON);
    if (pipe(fds) != 0 || posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    int rc = posix_spawn(&provider, "/usr/bin/python3", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    size_t n = 0;
    while (rc == 0 && n < sizeof(line) - 1 && read(fds[0], line + n, 1) == 1 && line[n++] != '\n')
        ;
    close(fds[0]);
    return rc == 0 && sscanf(line, "listening %d", &port) == 1 ? 0 : -1;
}

static int stop_provider(void **state)
{
    (void)state;
    kill(provider, SIGTERM);
    return waitpid(provider, NULL, 0) == provider ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_answers),
        cmocka_unit_test(parallel_calls_come_through),
        cmocka_unit_test(a_cut_stream_is_never_a_success),
        cmocka_unit_test(every_failure_has_its_code),
        cmocka_unit_test(the_next_model_answers_for_one_that_cannot),
        cmocka_unit_test(silence_is_told_from_slowness),
        cmocka_unit_test(a_model_is_asked_again),
        cmocka_unit_test(a_cancel_ends_a_call_at_once),
        cmocka_unit_test(a_probe_lists_what_a_provider_has),
    };
    return cmocka_run_group_tests(tests, start_provider, stop_provider);
}
