/* Answering a turn with tool calls. */
#include "application/offer_tools.h"
#include "tests/unit/use_case_fixture.h"

static int with_tools(void **state)
{
    struct world *w = world_new();
    w->app.tools = &w->tools.port;
    *state = w;
    return 0;
}

static void a_tool_is_called_and_its_result_read(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Let me see.", .calls = { { "c1", "clock", "{\"tz\":1}" } } },
               { .text = "It is noon." });
    struct nf_accepted a = write_message(w, "m1", "time?");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:time?|assistant:Let me see.|tool:noon {\"tz\":1}|"
                                 "assistant:It is noon.|");
    assert_string_equal(w->model.context,
                        "user:time?|assistant:Let me see.|call:clock|tool:noon {\"tz\":1}|");
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|2 tool completed|"
                                               "3 model completed|");
    static const enum nf_run_event_type types[] = {
        NF_RUN_STARTED,    NF_RUN_TEXT_START, NF_RUN_TEXT,     NF_RUN_TEXT_END,
        NF_RUN_TOOL_START, NF_RUN_TOOL_ARGS,  NF_RUN_TOOL_END, NF_RUN_TOOL_RESULT,
        NF_RUN_TEXT_START, NF_RUN_TEXT,       NF_RUN_TEXT_END, NF_RUN_FINISHED,
    };
    assert_int_equal(w->web.seen.n, sizeof(types) / sizeof(types[0]));
    for (size_t i = 0; i < w->web.seen.n; i++)
        assert_int_equal(w->web.seen.v[i].e.type, types[i]);
    assert_int_equal(w->web.seen.v[w->web.seen.n - 1].e.tokens.output, 10); /* of both calls */
    check_replay(w, a.run_id);
    assert_string_equal(w->web.last, "It is noon.");
}

static void several_calls_run_in_order(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(
        w, { .calls = { { "a", "clock", "1" }, { "b", "clock", NULL }, { "c", "clock", "3" } } },
        { .text = "done" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon 1|tool:noon {}|tool:noon 3|"
                                 "assistant:done|");
    check_replay(w, a.run_id);
}

static void a_failing_tool_is_told_to_the_model(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "fails", "{}" } } }, { .text = "sorry" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:go|call:fails|tool:error: the tool broke|");
    assert_string_equal(steps_of(w, a.run_id),
                        "1 model completed|2 tool failed|3 model completed|");
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    check_replay(w, a.run_id);
}

static void a_failure_at_length_is_told_as_a_whole(void **state)
{
    struct world *w = *state;
    w->tools.words = "the tool broke, and here is what may be done about it";
    MODEL_SAYS(w, { .calls = { { "a", "fails", "{}" } } }, { .text = "sorry" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:go|call:fails|tool:error: the tool broke, and here "
                                          "is what may be done about it|");
    check_replay(w, a.run_id);
}

static void words_that_are_no_text_are_not_passed_on(void **state)
{
    struct world *w = *state;
    w->tools.words = "\xff\xfe";
    MODEL_SAYS(w, { .calls = { { "a", "fails", "{}" } } }, { .text = "sorry" });
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:go|call:fails|tool:error: the tool broke|");
}

static void an_unknown_tool_is_told_to_the_model(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "teleport", "{}" } } }, { .text = "sorry" });
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context,
                        "user:go|call:teleport|tool:error: there is no tool 'teleport'|");
    w->app.tools = NULL; /* nor are there any at all */
    write_message(w, "m2", "again");
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(w->model.context, "user:again|call:teleport|tool:error: there is no"));
}

static char *result_of(struct world *w, size_t bytes)
{
    MODEL_SAYS(w, { .calls = { { "a", "long", "{}" } } }, { .text = "done" });
    struct nf_tasks steps = { 0 };
    w->tools.result_bytes = bytes;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    check_replay(w, a.run_id);
    assert_ok(w->s.turns->ops->steps(w->s.turns, a.run_id, &steps, &w->err), &w->err);
    assert_int_equal(steps.n, 3);
    char *text = nf_take(steps.v[1].result);
    nf_tasks_done(&steps);
    return text;
}

static void a_result_at_the_limit_is_whole(void **state)
{
    char *text = result_of(*state, (size_t)256 * 1024);
    assert_int_equal(strlen(text), 256 * 1024);
    free(text);
}

static void a_longer_result_is_cut_at_a_character_and_says_so(void **state)
{
    char *text = result_of(*state, (size_t)256 * 1024 + 4);
    assert_string_equal(text + (size_t)256 * 1024 - 4,
                        "\xf0\x9f\x95\x90\n[cut here: the result has 262148 bytes, more than "
                        "262144]");
    free(text);
}

static void a_result_that_no_memory_should_hold_is_an_error(void **state)
{
    char *text = result_of(*state, (size_t)2 << 20);
    assert_string_equal(text, "error: text over 1048575 bytes");
    free(text);
}

/* Of a window of 8192 tokens tools get 2048, and a token is reckoned as 3 bytes. */
static void a_small_window_gets_the_tools_that_fit(void **state)
{
    struct world *w = *state;
    static char wordy[3 * 8192 + 1];
    size_t fit, all;
    MODEL_SAYS(w, { .text = "hello" });
    w->model.endless = true;
    w->model.context_tokens = 8192;
    w->tools.wordy = wordy;
    memset(wordy, 'x', sizeof(wordy) - 1);
    (void)write_message(w, "m1", "hi");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->model.offered, 1);
    assert_ok(nf_offer_count(&w->app, 8192, &fit, &all, &w->err), &w->err);
    assert_int_equal(fit, 1);
    assert_int_equal(all, 2);

    wordy[(size_t)3 * 2000] = '\0';
    (void)write_message(w, "m2", "again");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->model.offered, 2);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
}

static void thinking_stays_with_tool_calls_only(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .thinking = "which clock", .calls = { { "a", "clock", "{}" } } },
               { .thinking = "good", .text = "noon" });
    struct nf_messages m = { 0 };
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:go|thinking:which clock|call:clock|tool:noon {}|");
    assert_ok(w->s.sessions->ops->run_messages(w->s.sessions, w->session, a.run_id, &m, &w->err),
              &w->err);
    assert_int_equal(m.n, 4);
    assert_int_equal(m.v[1].parts.n, 2);
    assert_string_equal(m.v[1].parts.v[0].text, "which clock");
    assert_string_equal(m.v[1].parts.v[0].signature, "signed");
    assert_int_equal(m.v[3].parts.n, 0);
    nf_messages_done(&m);
}

static const char *const digits[40] = {
    "0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",  "10", "11", "12", "13",
    "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24", "25", "26", "27",
    "28", "29", "30", "31", "32", "33", "34", "35", "36", "37", "38", "39",
};

static void a_turn_that_never_ends_is_ended_after_32_steps(void **state)
{
    struct world *w = *state;
    static struct fake_reply replies[40];
    for (size_t i = 0; i < 40; i++)
        replies[i] = (struct fake_reply){ .calls = { { "a", "clock", digits[i] } } };
    model_says(w, replies, 40);
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_int_equal(w->tools.calls, 16);
    assert_int_equal(w->model.asked, 16);
    assert_string_equal(w->web.last,
                        "stopped after 32 steps without an answer: ask for less at once");
    check_replay(w, a.run_id);
}

/* 15 rounds of a model call and a tool call each: the answer is the 31st step. */
static void an_answer_within_32_steps_is_one(void **state)
{
    struct world *w = *state;
    static struct fake_reply replies[16];
    for (size_t i = 0; i < 15; i++)
        replies[i] = (struct fake_reply){ .calls = { { "a", "clock", digits[i] } } };
    replies[15] = (struct fake_reply){ .text = "done" };
    model_says(w, replies, 16);
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_non_null(strstr(steps_of(w, a.run_id), "31 model completed|"));
    check_replay(w, a.run_id);
}

#define CALL(n)                                                                                    \
    {                                                                                              \
        "a", "clock", n                                                                            \
    }
#define CALLS_4(n) CALL(n "1"), CALL(n "2"), CALL(n "3"), CALL(n "4")

static void sixteen_calls_at_once_run(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { CALLS_4("1"), CALLS_4("2"), CALLS_4("3"), CALLS_4("4") } },
               { .text = "done" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_int_equal(w->tools.calls, 16);
    check_replay(w, a.run_id);
}

static void a_seventeenth_call_at_once_is_refused(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w,
               { .text = "So:",
                 .calls = { CALLS_4("1"), CALLS_4("2"), CALLS_4("3"), CALLS_4("4"), CALL("5") } });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_string_equal(said(w), "user:go|assistant:So:|notice:the model made more than 16 tool "
                                 "calls at once|");
    check_replay(w, a.run_id);
}

static void the_same_call_a_fifth_time_ends_the_turn(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "clock", "{}" } } });
    w->model.endless = true;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_int_equal(w->tools.calls, NF_CALL_REPEATS_MAX);
    assert_non_null(strstr(w->web.last, "called clock with the same arguments more than 4 times"));
    check_replay(w, a.run_id);
}

static void other_arguments_are_another_call(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { CALLS_4("1"), CALL("11"), CALL("11"), CALL("11") } },
               { .text = "done" });
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_int_equal(w->tools.calls, 7);
}

static void calls_that_exceed_the_steps_of_a_turn_do_not_run(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { CALLS_4("1"), CALLS_4("2"), CALLS_4("3"), CALLS_4("4") } },
               { .calls = { CALLS_4("5"), CALLS_4("6"), CALLS_4("7"), CALLS_4("8") } });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_int_equal(w->tools.calls, 16);
    check_replay(w, a.run_id);
}

static void arguments_that_do_not_fit_never_reach_the_tool(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "clock", "{\"x\":\"bad\"}" } } }, { .text = "sorry" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_string_equal(w->model.context,
                        "user:go|call:clock|tool:error: arguments.x: must be good|");
    assert_string_equal(steps_of(w, a.run_id),
                        "1 model completed|2 tool failed|3 model completed|");
    check_replay(w, a.run_id);
}

static void how_a_call_ran_is_in_its_row(void **state)
{
    struct world *w = *state;
    struct nf_tasks steps = { 0 };
    MODEL_SAYS(w, { .calls = { { "a", "clock", "{}" } } }, { .text = "done" });
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_ok(w->s.turns->ops->steps(w->s.turns, a.run_id, &steps, &w->err), &w->err);
    assert_int_equal(steps.v[1].worker, 4);
    assert_string_equal(steps.v[1].level, "L3");
    assert_int_equal(steps.v[1].wall_us, 1500);
    assert_int_equal(steps.v[1].bytes, 64);
    assert_string_equal(steps.v[1].args, "{}");
    nf_tasks_done(&steps);
    struct nf_messages said = { 0 };
    assert_ok(w->s.sessions->ops->run_messages(w->s.sessions, w->session, a.run_id, &said, &w->err),
              &w->err);
    for (size_t i = 0; i < said.n; i++)
        if (said.v[i].role == NF_ROLE_TOOL)
            assert_int_equal(said.v[i].parts.v[0].wall_us, 1500);
    nf_messages_done(&said);
    assert_int_equal(w->web.progressed, 1); /* shown, and no part of what is replayed */
    check_replay(w, a.run_id);
}

static void what_is_no_text_is_no_result(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "clock", "{}" } } }, { .text = "done" });
    w->tools.binary = "a\xff";
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(w->model.context, "tool:error: what the tool answered is not text"));
    w->tools.binary = "a"; /* and its NUL */
    write_message(w, "m2", "go");
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(w->model.context, "user:go|call:clock|tool:error: what the tool"));
}

/* --- several at once -------------------------------------------------------------------------- */

/* Runs them in the order that it is told, as they might come to an end. */
struct shuffle {
    struct nf_parallel port;
    size_t order[3];
    enum nf_code rc;
    size_t run; /* so many are run */
};

static enum nf_code run_shuffled(struct nf_parallel *p, size_t n, void (*fn)(void *arg, size_t i),
                                 void *arg, struct nf_err *err)
{
    struct shuffle *s = nf_container_of(p, struct shuffle, port);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < s->run; i++)
        fn(arg, s->order[i]);
    return s->rc ? nf_err_set(err, s->rc, "stopped") : NF_OK;
}

static const struct nf_parallel_ops shuffle_ops = { run_shuffled };
static const struct fake_reply three_calls[] = {
    { .calls = { { "a", "clock", "1" }, { "b", "clock", "2" }, { "c", "clock", "3" } } },
    { .text = "done" },
};

static void results_are_in_the_order_of_the_calls(void **state)
{
    static const size_t orders[][3] = { { 0, 1, 2 }, { 2, 1, 0 }, { 1, 2, 0 }, { 2, 0, 1 } };
    struct world *w = *state;
    model_says(w, three_calls, 2);
    for (size_t i = 0; i < 4; i++) {
        struct shuffle s = { .port.ops = &shuffle_ops, .run = 3 };
        memcpy(s.order, orders[i], sizeof(s.order));
        w->app.parallel = &s.port;
        w->session = 0;
        struct nf_accepted a = write_message(w, digits[i], "go");
        assert_ok(answer(w), &w->err);
        assert_string_equal(said(w), "user:go|assistant:|tool:noon 1|tool:noon 2|tool:noon 3|"
                                     "assistant:done|");
        check_replay(w, a.run_id);
    }
}

static void stopped_in_the_middle_what_is_done_is_kept_and_the_rest_cancelled(void **state)
{
    struct world *w = *state;
    struct shuffle s = {
        .port.ops = &shuffle_ops, .order = { 2, 0 }, .run = 2, .rc = NF_E_CANCELED
    };
    model_says(w, three_calls, 2);
    w->app.parallel = &s.port;
    w->control.end = NF_TURN_STOPPED;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon 1|tool:noon 3|notice:Stopped.|");
    assert_string_equal(steps_of(w, a.run_id),
                        "1 model completed|2 tool completed|4 tool completed|");
    check_replay(w, a.run_id);
}

static void after_a_crash_with_a_gap_only_what_is_missing_runs(void **state)
{
    struct world *w = *state;
    struct shuffle s = {
        .port.ops = &shuffle_ops, .order = { 2, 0 }, .run = 2, .rc = NF_E_CANCELED
    };
    model_says(w, three_calls, 2);
    w->app.parallel = &s.port;
    w->control.end = NF_TURN_PARKED;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 2);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    w->app.parallel = NULL;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 3);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon 1|tool:noon 2|tool:noon 3|"
                                 "assistant:done|");
    check_replay(w, a.run_id);
}

static void stopped_while_a_tool_ran_the_step_is_cancelled(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "a", "clock", "{}" }, { "b", "fails", "{}" } } });
    w->tools.fail = NF_E_CANCELED;
    w->control.end = NF_TURN_STOPPED;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(steps_of(w, a.run_id),
                        "1 model completed|2 tool completed|3 tool cancelled|");
    assert_string_equal(said(w), "user:go|assistant:|tool:noon {}|notice:Stopped.|");
    check_replay(w, a.run_id);

    MODEL_SAYS(w, { .text = "yes" });
    w->control = (struct nf_turn_control){ 0 };
    write_message(w, "m2", "and now?");
    assert_ok(answer(w), &w->err);
    /* The call without a result got one: no provider takes it else. */
    assert_non_null(strstr(w->model.context, "call:clock|call:fails|tool:noon {}|tool:"));
}

static void stopped_while_a_repeated_tool_ran_its_step_is_cancelled_too(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "b", "fails", "{}" } } });
    w->tools.fail = NF_E_CANCELED;
    w->tools.idempotent = true;
    w->control.end = NF_TURN_PARKED;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|2 tool running|");
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    w->control.end = NF_TURN_STOPPED;
    assert_ok(answer(w), &w->err);
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|2 tool cancelled|");
    check_replay(w, a.run_id);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, with_tools, teardown)
    const struct CMUnitTest tests[] = {
        T(a_tool_is_called_and_its_result_read),
        T(several_calls_run_in_order),
        T(a_failing_tool_is_told_to_the_model),
        T(a_failure_at_length_is_told_as_a_whole),
        T(words_that_are_no_text_are_not_passed_on),
        T(an_unknown_tool_is_told_to_the_model),
        T(a_result_at_the_limit_is_whole),
        T(a_longer_result_is_cut_at_a_character_and_says_so),
        T(a_result_that_no_memory_should_hold_is_an_error),
        T(a_small_window_gets_the_tools_that_fit),
        T(thinking_stays_with_tool_calls_only),
        T(a_turn_that_never_ends_is_ended_after_32_steps),
        T(an_answer_within_32_steps_is_one),
        T(sixteen_calls_at_once_run),
        T(a_seventeenth_call_at_once_is_refused),
        T(the_same_call_a_fifth_time_ends_the_turn),
        T(other_arguments_are_another_call),
        T(calls_that_exceed_the_steps_of_a_turn_do_not_run),
        T(arguments_that_do_not_fit_never_reach_the_tool),
        T(how_a_call_ran_is_in_its_row),
        T(what_is_no_text_is_no_result),
        T(results_are_in_the_order_of_the_calls),
        T(stopped_in_the_middle_what_is_done_is_kept_and_the_rest_cancelled),
        T(after_a_crash_with_a_gap_only_what_is_missing_runs),
        T(stopped_while_a_tool_ran_the_step_is_cancelled),
        T(stopped_while_a_repeated_tool_ran_its_step_is_cancelled_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
