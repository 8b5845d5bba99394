/* The router: who is asked, again or next, and what becomes of an answer. */
#include "tests/unit/router_fixture.h"

/* --- answers ------------------------------------------------------------------------------------
 */

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

int main(void)
{
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
