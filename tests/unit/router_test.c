#include "llm/router.h"

#include "base/own.h"
#include "llm/attempt.h"
#include "llm/routes.h"
#include "llm/wire.h"
#include "observe/log.h"
#include "observe/metrics.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "sk-planted-0123456789abcdef"

/* --- a wire that plays a script --------------------------------------------------------------- */

/* What the provider does with one call. */
struct step {
    enum nf_code send; /* other than NF_OK: the call fails so */
    int status;        /* 0: 200 */
    const char *type, *retry_after;
    const char *pieces[6];     /* of the body; NULL ends it */
    enum nf_code end;          /* after the pieces: NF_OK the body's end, else how reading fails */
    int64_t head_ms, piece_ms; /* passed before the head and before each piece */
};

struct answer {
    const struct step *step;
    int piece;
};

struct fake {
    struct nf_llm_wire base;
    const struct step *steps;
    size_t steps_n, at;
    int64_t now_ms, slept_ms;
    int open, sleeps;
    char urls[16][64];
    char header[64];
    enum nf_code cancelled;
    int cancel_at_sleep; /* the sleep that is cancelled, from 1 */
};

static struct fake *of(struct nf_llm_wire *w)
{
    return nf_container_of(w, struct fake, base);
}

static enum nf_code fake_send(struct nf_llm_wire *w, const struct nf_llm_call *c,
                              struct nf_llm_answer **ret, struct nf_err *err)
{
    struct fake *f = of(w);
    if (f->at >= f->steps_n)
        fail_msg("an unexpected call to %s", c->url);
    const struct step *s = &f->steps[f->at];
    (void)snprintf(f->urls[f->at++], sizeof(f->urls[0]), "%s", c->url);
    (void)snprintf(f->header, sizeof(f->header), "%s: %s%s", c->http->auth_header,
                   c->http->auth_prefix, c->key ? nf_secret_reveal(c->key) : "");
    f->now_ms += s->head_ms;
    if (s->send != NF_OK)
        return nf_err_set(err, s->send, "connection refused");
    struct answer *a = calloc(1, sizeof(*a));
    if (!a)
        return NF_E_NOMEM;
    a->step = s;
    f->open++;
    *ret = (struct nf_llm_answer *)a;
    return NF_OK;
}

static int fake_status(const struct nf_llm_answer *a)
{
    int status = ((const struct answer *)a)->step->status;
    return status ? status : 200;
}

static const char *fake_header(const struct nf_llm_answer *a, const char *name)
{
    const struct step *s = ((const struct answer *)a)->step;
    if (strcmp(name, "retry-after") == 0)
        return s->retry_after;
    return strcmp(name, "content-type") == 0 ? s->type : NULL;
}

static enum nf_code fake_read(struct nf_llm_wire *w, struct nf_llm_answer *ans, int64_t timeout_ms,
                              const char **p, size_t *n, struct nf_err *err)
{
    struct answer *a = (struct answer *)ans;
    const char *piece = a->step->pieces[a->piece];
    if (piece && a->step->piece_ms > timeout_ms) {
        of(w)->now_ms += timeout_ms;
        return nf_err_set(err, NF_E_TIMEOUT, "nothing came");
    }
    if (!piece && a->step->end == NF_E_TIMEOUT)
        of(w)->now_ms += timeout_ms;
    if (!piece && a->step->end == NF_E_CANCELED)
        of(w)->cancelled = NF_E_CANCELED;
    if (!piece && a->step->end != NF_OK)
        return nf_err_set(err, a->step->end, "connection reset");
    of(w)->now_ms += a->step->piece_ms;
    *p = piece ? piece : "";
    *n = strlen(*p);
    a->piece += piece != NULL;
    return NF_OK;
}

static struct fake *the_fake; /* close has no other way to it */

static void fake_close(struct nf_llm_answer *a)
{
    the_fake->open--;
    free(a);
}

static enum nf_code fake_sleep(struct nf_llm_wire *w, int64_t ms, struct nf_err *err)
{
    struct fake *f = of(w);
    if (++f->sleeps == f->cancel_at_sleep)
        return nf_err_set(err, NF_E_CANCELED, "cancelled");
    f->slept_ms += ms;
    f->now_ms += ms;
    return NF_OK;
}

static enum nf_code fake_cancelled(struct nf_llm_wire *w)
{
    return of(w)->cancelled;
}

static int64_t fake_ms(struct nf_llm_wire *w)
{
    return of(w)->now_ms;
}

static uint64_t fake_random(struct nf_llm_wire *w)
{
    (void)w;
    return 0;
}

static const struct nf_llm_wire_ops fake_ops = {
    .send = fake_send,
    .status = fake_status,
    .header = fake_header,
    .read = fake_read,
    .close = fake_close,
    .sleep = fake_sleep,
    .cancelled = fake_cancelled,
    .mono_ms = fake_ms,
    .now_ms = fake_ms,
    .random = fake_random,
};

/* --- settings --------------------------------------------------------------------------------- */

static char *claude_models[] = { "opus", "same" }, *local_models[] = { "qwen", "same" };
static char *smart_models[] = { "claude/opus", "local/qwen" };
static char *twice_models[] = { "opus", "opus" };
static char *named_models[] = { "spare/x" };

struct fix {
    struct nf_llm_provider providers[3];
    struct nf_llm_model models[2];
    struct nf_llm_alias aliases[2];
    struct nf_llm_settings s;
    struct fake wire;
    struct nf_llm_router *router;
    struct nf_completion_request request;
    struct nf_model_sink sink;
    struct nf_str seen;
    enum nf_code sink_fails;
    bool reload_in_text;
    struct nf_model_outcome outcome;
    struct nf_err err;
};

static enum nf_code on_event(struct nf_model_sink *sink, const struct nf_completion_event *e,
                             struct nf_err *err)
{
    static const char codes[] = "?S.tgxr([)UOXE";
    struct fix *f = nf_container_of(sink, struct fix, sink);
    if (e->type == NF_EVENT_TEXT && f->sink_fails != NF_OK)
        return nf_err_set(err, f->sink_fails, "the reader had enough");
    if (e->type == NF_EVENT_TEXT && f->reload_in_text) {
        f->s.default_model = "local/qwen";
        NF_TRY(nf_llm_router_reload(f->router, &f->s, err));
    }
    if (e->type == NF_EVENT_TEXT)
        return nf_str_add(&f->seen, e->text.p, e->text.n, err);
    return nf_str_addf(&f->seen, err, "<%c>", codes[e->type]);
}

static int setup(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    struct nf_chat_message *m;
    nf_log_setup(2, NF_LOG_ERROR, NF_LOG_JSON);
    f->providers[0] = (struct nf_llm_provider){ .name = "claude",
                                                .type = NF_LLM_ANTHROPIC,
                                                .base_url = "https://a.example/",
                                                .models = { claude_models, 2 } };
    f->providers[1] = (struct nf_llm_provider){ .name = "local",
                                                .type = NF_LLM_CUSTOM,
                                                .base_url = "http://127.0.0.1:1/v1",
                                                .models = { local_models, 2 } };
    f->aliases[0] = (struct nf_llm_alias){ .name = "smart", .models = { smart_models, 2 } };
    f->s = (struct nf_llm_settings){ .default_model = "smart",
                                     .providers = { f->providers, 2 },
                                     .models = { f->models, 0 },
                                     .aliases = { f->aliases, 1 },
                                     .retries = 2,
                                     .retry_wait_ms = 20000,
                                     .breaker_failures = 3,
                                     .breaker_pause_ms = 30000 };
    if (nf_secret_set(&f->providers[0].api_key, KEY, &f->err) != NF_OK)
        return -1;
    f->wire.base.ops = &fake_ops;
    f->wire.now_ms = 1000000;
    the_fake = &f->wire;
    f->sink.event = on_event;
    nf_completion_request_init(&f->request);
    if (nf_completion_add_message(&f->request, NF_ROLE_USER, &m, &f->err) != NF_OK ||
        nf_parts_add_text(&m->parts, "hi", &f->err) != NF_OK)
        return -1;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    nf_llm_router_free(f->router);
    nf_completion_request_done(&f->request);
    nf_secret_done(&f->providers[0].api_key);
    nf_str_done(&f->seen);
    bool leaked = f->wire.open != 0;
    free(f);
    return leaked ? -1 : 0;
}

static void play(struct fix *f, const struct step *steps, size_t n)
{
    if (!f->router)
        assert_ok(nf_llm_router_new_over(&f->s, &f->wire.base, &f->router, &f->err), &f->err);
    f->wire.steps = steps;
    f->wire.steps_n = n;
    f->wire.at = 0;
    nf_str_reset(&f->seen);
}

static enum nf_code complete(struct fix *f, const char *model)
{
    free(f->request.model);
    f->request.model = model ? strdup(model) : NULL;
    enum nf_code rc = nf_model_complete(nf_llm_router_model(f->router), &f->request, &f->sink,
                                        &f->outcome, &f->err);
    assert_int_equal(f->wire.open, 0);
    if (rc != NF_OK && strstr(f->err.msg, "planted"))
        fail_msg("the key is in '%s'", f->err.msg);
    return rc;
}

#define PLAY(f, ...)                                                                               \
    static const struct step steps_[] = { __VA_ARGS__ };                                           \
    play((f), steps_, sizeof(steps_) / sizeof(steps_[0]))

static void assert_says(const struct fix *f, const char *text)
{
    if (!strstr(f->err.msg, text))
        fail_msg("'%s' does not say '%s'", f->err.msg, text);
}

#define A_START                                                                                    \
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"model\":\"opus\",\"usage\":"   \
    "{\"input_tokens\":3,\"output_tokens\":1}}}\n\n"
#define A_TEXT(t)                                                                                  \
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","      \
    "\"text\":\"" t "\"}}\n\n"
#define A_STOP "data: {\"type\":\"message_stop\"}\n\n"
#define A_GOOD                                                                                     \
    {                                                                                              \
        .type = "text/event-stream", .pieces = { A_START, A_TEXT("Hello"), A_STOP }                \
    }
#define A_OVERLOADED                                                                               \
    {                                                                                              \
        .status = 529, .pieces = {                                                                 \
            "{\"type\":\"error\",\"error\":{\"type\":"                                             \
            "\"overloaded_error\",\"message\":\"Overloaded\"}}"                                    \
        }                                                                                          \
    }
#define O_GOOD                                                                                     \
    {                                                                                              \
        .pieces = {                                                                                \
            "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"Hey\"}}]}\n\n"             \
            "data: [DONE]\n\n"                                                                     \
        }                                                                                          \
    }
#define O_DOWN                                                                                     \
    {                                                                                              \
        .send = NF_E_UNAVAILABLE                                                                   \
    }

/* --- tests ------------------------------------------------------------------------------------ */

static void an_answer_reaches_the_sink_and_says_who_gave_it(void **state)
{
    struct fix *f = *state;
    PLAY(f, A_GOOD);

    assert_ok(complete(f, NULL), &f->err);

    assert_string_equal(nf_str_c(&f->seen), "<S><U>Hello<O><E>");
    assert_string_equal(f->outcome.model, "claude/opus");
    assert_int_equal(f->outcome.attempts, 1);
    assert_string_equal(f->wire.urls[0], "https://a.example/v1/messages");
    assert_string_equal(f->wire.header, "x-api-key: " KEY);
}

static void the_next_model_answers_when_the_first_is_overloaded(void **state)
{
    struct fix *f = *state;
    PLAY(f, A_OVERLOADED, O_GOOD);

    assert_ok(complete(f, "smart"), &f->err);

    assert_string_equal(nf_str_c(&f->seen), "<S>Hey<O><E>");
    assert_string_equal(f->outcome.model, "local/qwen");
    assert_int_equal(f->outcome.attempts, 2);
    assert_string_equal(f->wire.urls[1], "http://127.0.0.1:1/v1/chat/completions");
    assert_int_equal(f->wire.sleeps, 0);
}

static void keys_names_and_limits_of_one_provider_fail_over_too(void **state)
{
    struct fix *f = *state;
    static const struct step cases[][2] = {
        { { .status = 401, .pieces = { "{\"error\":{\"message\":\"bad key " KEY "\"}}" } },
          O_GOOD },
        { { .status = 403, .pieces = { "no" } }, O_GOOD },
        { { .status = 404, .pieces = { "{}" } }, O_GOOD },
        { { .status = 429, .retry_after = "120", .pieces = { "{}" } }, O_GOOD },
        { { .status = 302, .pieces = { "" } }, O_GOOD },
        { { .type = "text/html; charset=utf-8", .pieces = { "<html>" } }, O_GOOD },
        { { .pieces = { "garbage\n\n" } }, O_GOOD },
        { { .pieces = { A_START }, .end = NF_E_UNAVAILABLE }, O_GOOD },
        { { .pieces = { A_START, "data: {\"type\":\"error\",\"error\":{\"type\":"
                                 "\"overloaded_error\",\"message\":\"x\"}}\n\n" } },
          O_GOOD },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        nf_llm_router_free(f->router);
        f->router = NULL;
        play(f, cases[i], 2);
        assert_ok(complete(f, NULL), &f->err);
        assert_string_equal(f->outcome.model, "local/qwen");
        assert_string_equal(nf_str_c(&f->seen), "<S>Hey<O><E>");
    }
}

static void the_requests_own_fault_ends_it_at_once(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .status = 400,
              .pieces = { "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
                          "\"message\":\"messages.0: bad\"}}" } });

    assert_code(complete(f, NULL), NF_E_INVALID);

    assert_says(f, "claude/opus refused the request (400: messages.0: bad)");
    assert_int_equal(f->outcome.attempts, 1);
}

static void too_long_a_conversation_is_a_limit(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .status = 400,
              .pieces = { "{\"error\":{\"type\":\"invalid_request_error\",\"message\":"
                          "\"prompt is too long: 210000 tokens > 200000 maximum\"}}" } });

    assert_code(complete(f, NULL), NF_E_LIMIT);
    assert_says(f, "claude/opus: the conversation is too long");
}

static void a_refused_key_is_named_but_never_shown(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .status = 401,
              .pieces = { "{\"error\":{\"message\":\"invalid x-api-key " KEY "\"}}" } });

    assert_code(complete(f, "opus"), NF_E_DENIED);
    assert_says(f, "claude/opus refused the key (401): check llm.providers: api_key of 'claude'");
}

static void an_error_that_quotes_the_key_is_censored(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .status = 400,
              .pieces = { "{\"error\":{\"message\":\"what is " KEY "? and sk-other99?\"}}" } });

    assert_code(complete(f, "opus"), NF_E_INVALID);
    assert_says(f, "what is [key] and [key]");
}

static void a_model_is_asked_again_after_a_growing_wait(void **state)
{
    struct fix *f = *state;
    PLAY(f, O_DOWN, { .status = 503, .pieces = { "<html>down</html>" } }, O_GOOD);

    assert_ok(complete(f, "local/qwen"), &f->err);

    assert_int_equal(f->outcome.attempts, 3);
    assert_int_equal(f->wire.sleeps, 2);
    assert_int_equal(f->wire.slept_ms, 500 + 1000);
}

static void retries_end(void **state)
{
    struct fix *f = *state;
    PLAY(f, O_DOWN, O_DOWN, O_DOWN);

    assert_code(complete(f, "local/qwen"), NF_E_UNAVAILABLE);

    assert_says(f, "local/qwen cannot be reached (connection refused): is 'local' running");
    assert_int_equal(f->outcome.attempts, 3);
}

static void retry_after_is_honoured_within_bounds(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .status = 429, .retry_after = "20", .pieces = { "{}" } }, O_GOOD,
         { .status = 429, .retry_after = "21", .pieces = { "{}" } });

    assert_ok(complete(f, "local/qwen"), &f->err);
    assert_int_equal(f->wire.slept_ms, 20000);

    /* Longer than a person is made to wait: told so at once. */
    assert_code(complete(f, "local/qwen"), NF_E_UNAVAILABLE);
    assert_says(f, "local/qwen: too many requests (429): try again in 21 s");
    assert_int_equal(f->wire.slept_ms, 20000);
}

static void nothing_is_repeated_once_something_was_shown(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .pieces = { A_START, A_TEXT("Hel") }, .end = NF_E_UNAVAILABLE },
         { .pieces = { A_START, A_TEXT("Hel") } });

    assert_code(complete(f, NULL), NF_E_UNAVAILABLE);
    assert_says(f, "claude/opus: the answer broke off before its end");
    assert_string_equal(nf_str_c(&f->seen), "<S><U>Hel");
    assert_int_equal(f->outcome.attempts, 1);

    /* The same where the body ended in good order but without the stream's mark. */
    assert_code(complete(f, NULL), NF_E_UNAVAILABLE);
    assert_int_equal(f->outcome.attempts, 1);
}

static void text_before_what_is_no_answer_is_shown_although_both_came_at_once(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .type = "text/event-stream", .pieces = { A_START A_TEXT("Hel") "data: {\n\n" } });

    assert_code(complete(f, "smart"), NF_E_UNAVAILABLE);

    assert_string_equal(nf_str_c(&f->seen), "<S><U>Hel");
}

static void a_silent_model_is_given_up_and_the_next_asked(void **state)
{
    struct fix *f = *state;
    f->models[0] = (struct nf_llm_model){ .name = "claude/opus", .first_token_timeout_ms = 5000 };
    f->s.models.n = 1;
    PLAY(f, { .send = NF_E_TIMEOUT, .head_ms = 5000 }, O_GOOD,
         { .pieces = { A_START, ": ping\n\n", ": ping\n\n", ": ping\n\n" }, .piece_ms = 2000 },
         O_GOOD, { .pieces = { A_START }, .end = NF_E_TIMEOUT });

    assert_ok(complete(f, NULL), &f->err);
    assert_string_equal(f->outcome.model, "local/qwen");
    /* Pings are no token. */
    assert_ok(complete(f, NULL), &f->err);
    assert_string_equal(f->outcome.model, "local/qwen");
    /* Alone it is told, and not asked again. */
    assert_code(complete(f, "opus"), NF_E_TIMEOUT);
    assert_says(f, "claude/opus was silent too long (first_token_timeout 5 s)");
    assert_int_equal(f->outcome.attempts, 1);
}

static void silence_within_an_answer_and_endless_ones_time_out(void **state)
{
    struct fix *f = *state;
    f->models[0] = (struct nf_llm_model){ .name = "claude/opus",
                                          .idle_timeout_ms = 1000,
                                          .total_timeout_ms = 2500 };
    f->s.models.n = 1;
    PLAY(f, { .pieces = { A_START, A_TEXT("a"), A_TEXT("b") }, .end = NF_E_TIMEOUT },
         { .pieces = { A_START, A_TEXT("a"), A_TEXT("b"), A_TEXT("c"), A_TEXT("d") },
           .piece_ms = 900 });

    assert_code(complete(f, NULL), NF_E_TIMEOUT);
    assert_says(f, "idle_timeout 1 s");
    assert_code(complete(f, NULL), NF_E_TIMEOUT);
    assert_says(f, "total_timeout 2 s");
}

static void an_outer_deadline_is_not_the_models_fault(void **state)
{
    struct fix *f = *state;
    /* The wait ended although our own patience had not run out. */
    PLAY(f, { .send = NF_E_TIMEOUT, .head_ms = 10 });

    assert_code(complete(f, NULL), NF_E_TIMEOUT);
    assert_int_equal(f->outcome.attempts, 1);
    assert_false(nf_llm_router_model_at(f->router, 0).broken);
}

static void a_cancel_ends_it_wherever_it_is(void **state)
{
    struct fix *f = *state;
    PLAY(f, { .send = NF_E_CANCELED }, { .pieces = { A_START }, .end = NF_E_CANCELED },
         { .status = 500, .end = NF_E_CANCELED }, O_DOWN);

    assert_code(complete(f, NULL), NF_E_CANCELED);
    assert_code(complete(f, NULL), NF_E_CANCELED);
    f->wire.cancelled = NF_OK;
    assert_code(complete(f, NULL), NF_E_CANCELED);
    f->wire.cancelled = NF_OK;
    f->wire.cancel_at_sleep = 1;
    assert_code(complete(f, "local/qwen"), NF_E_CANCELED);
}

static void a_sink_that_fails_ends_it_with_its_own_error(void **state)
{
    struct fix *f = *state;
    f->sink_fails = NF_E_CONFLICT;
    PLAY(f, A_GOOD);

    assert_code(complete(f, NULL), NF_E_CONFLICT);
    assert_string_equal(f->err.msg, "the reader had enough");
    assert_int_equal(f->outcome.attempts, 1);
}

static void a_model_that_keeps_failing_is_left_alone_then_tried_once(void **state)
{
    struct fix *f = *state;
    PLAY(f, O_DOWN, O_DOWN, O_DOWN, O_DOWN, O_GOOD, O_GOOD);

    /* Three failures in a row. */
    assert_code(complete(f, "local/qwen"), NF_E_UNAVAILABLE);
    assert_true(nf_llm_router_model_at(f->router, 2).broken);
    /* Not asked. */
    assert_code(complete(f, "local/qwen"), NF_E_UNAVAILABLE);
    assert_says(f, "local/qwen failed several times and is left alone for 30 s");
    assert_int_equal(f->outcome.attempts, 0);
    /* One probe, which fails: left alone again. */
    f->wire.now_ms += 30000;
    assert_code(complete(f, "local/qwen"), NF_E_UNAVAILABLE);
    assert_int_equal(f->outcome.attempts, 1);
    /* One that succeeds: all is well. */
    f->wire.now_ms += 30000;
    assert_ok(complete(f, "local/qwen"), &f->err);
    assert_false(nf_llm_router_model_at(f->router, 2).broken);
    assert_ok(complete(f, "local/qwen"), &f->err);
}

static void only_one_request_probes(void **state)
{
    struct fix *f = *state;
    struct nf_llm_routes *r = NULL;
    assert_ok(nf_llm_routes_new(&f->s, &r, &f->err), &f->err);
    struct nf_llm_route *t = &r->v[0];
    for (int i = 0; i < 3; i++) {
        assert_int_equal(nf_llm_route_wait(r, t, 0), 0);
        nf_llm_route_begin(r, t);
        nf_llm_route_failed(r, t, 0, 0);
    }
    assert_int_equal(nf_llm_route_wait(r, t, 29999), 1);
    assert_int_equal(nf_llm_route_wait(r, t, 30000), 0);
    nf_llm_route_begin(r, t);
    assert_true(nf_llm_route_wait(r, t, 30000) > 0);
    nf_llm_route_abandoned(t);
    assert_int_equal(nf_llm_route_wait(r, t, 30000), 0);
    nf_llm_route_begin(r, t);
    nf_llm_route_worked(t);
    assert_int_equal(nf_llm_route_wait(r, t, 30000), 0);
    nf_llm_routes_unref(r);
}

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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_answer_reaches_the_sink_and_says_who_gave_it),
        T(the_next_model_answers_when_the_first_is_overloaded),
        T(keys_names_and_limits_of_one_provider_fail_over_too),
        T(the_requests_own_fault_ends_it_at_once),
        T(too_long_a_conversation_is_a_limit),
        T(a_refused_key_is_named_but_never_shown),
        T(an_error_that_quotes_the_key_is_censored),
        T(a_model_is_asked_again_after_a_growing_wait),
        T(retries_end),
        T(retry_after_is_honoured_within_bounds),
        T(nothing_is_repeated_once_something_was_shown),
        T(text_before_what_is_no_answer_is_shown_although_both_came_at_once),
        T(a_silent_model_is_given_up_and_the_next_asked),
        T(silence_within_an_answer_and_endless_ones_time_out),
        T(an_outer_deadline_is_not_the_models_fault),
        T(a_cancel_ends_it_wherever_it_is),
        T(a_sink_that_fails_ends_it_with_its_own_error),
        T(a_model_that_keeps_failing_is_left_alone_then_tried_once),
        T(only_one_request_probes),
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
