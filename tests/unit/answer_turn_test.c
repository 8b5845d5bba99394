/* Answering a turn: what is said, shown, written down and delivered. */
#include "tests/unit/use_case_fixture.h"

static struct nf_task turn_of(struct world *w, int64_t run_id)
{
    struct nf_task t = { 0 };
    assert_ok(w->s.tasks->ops->get(w->s.tasks, run_id, USER, &t, &w->err), &w->err);
    return t;
}

static void an_answer_is_shown_stored_counted_and_delivered(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Good morning!" });
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);

    assert_string_equal(said(w), "user:hello|assistant:Good morning!|");
    assert_string_equal(w->model.context, "user:hello|");
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_false(w->control.more);
    assert_string_equal(history_of(w, a.run_id), "pending running completed");
    assert_string_equal(history_of(w, a.claim.step_id), "running completed");
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|");
    struct nf_task t = turn_of(w, a.run_id);
    assert_int_equal(t.tokens.input, 10);
    assert_int_equal(t.tokens.output, 5);
    assert_string_equal(t.name, "fake/one");
    nf_task_done(&t);

    static const enum nf_run_event_type types[] = { NF_RUN_STARTED, NF_RUN_TEXT_START, NF_RUN_TEXT,
                                                    NF_RUN_TEXT_END, NF_RUN_FINISHED };
    static const int64_t positions[] = { 1, 2, 15, 16, 17 };
    assert_int_equal(w->web.seen.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(w->web.seen.v[i].e.type, types[i]);
        assert_true(w->web.seen.v[i].e.seq == nf_run_seq(a.claim.fence, positions[i]));
    }
    check_replay(w, a.run_id);
    assert_int_equal(w->web.delivered, 1);
    assert_string_equal(w->web.last, "Good morning!");
    assert_int_equal(outbox_due(w), 0);
}

#define CUT_MARK "\n\n[The answer is longer than 1 MiB. It was cut here.]"
#define UNCUT_MAX (NF_REPLY_BYTES_MAX - (sizeof(CUT_MARK) - 1))

/* The model says `n` times "a"; what is kept of it, for the caller to free. */
static char *kept_of(struct world *w, size_t n)
{
    char *text = calloc(1, n + 1);
    struct nf_messages m = { 0 };
    assert_non_null(text);
    memset(text, 'a', n);
    const struct fake_reply reply = { .text = text };
    w->model.replies = &reply;
    w->model.n = 1;
    w->channels.n = 0; /* the fake has no room for so much */
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_ok(w->s.sessions->ops->messages(w->s.sessions, a.session_id, 0, 9, &m, &w->err),
              &w->err);
    assert_int_equal(m.n, 2);
    free(text);
    char *kept = nf_take(m.v[1].content);
    nf_messages_done(&m);
    return kept;
}

static void an_answer_may_be_a_mebibyte_long(void **state)
{
    char *kept = kept_of(*state, UNCUT_MAX);
    assert_int_equal(strspn(kept, "a"), UNCUT_MAX);
    assert_int_equal(strlen(kept), UNCUT_MAX);
    free(kept);
}

static void what_is_longer_is_cut_and_says_so(void **state)
{
    char *kept = kept_of(*state, UNCUT_MAX + 1);
    assert_int_equal(strspn(kept, "a"), UNCUT_MAX);
    assert_string_equal(kept + UNCUT_MAX, CUT_MARK);
    free(kept);
}

static void a_second_message_is_answered_with_the_first_in_mind(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "m1", "one");
    assert_ok(answer(w), &w->err);
    write_message(w, "m2", "two");
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two|");
}

static void questions_asked_meanwhile_come_behind_the_answer(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "m1", "one");
    write_message(w, "m2", "two");
    struct nf_accepted third = write_message(w, "m3", "three");
    assert_int_equal(w->runner.started, 1);
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:one|");
    assert_true(w->control.more);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context, "user:one|assistant:yes|user:two|");
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    assert_ok(answer(w), &w->err);
    assert_string_equal(w->model.context,
                        "user:one|assistant:yes|user:two|assistant:yes|user:three|");
    assert_false(w->control.more);
    assert_string_equal(said(w),
                        "user:one|user:two|user:three|assistant:yes|assistant:yes|assistant:yes|");
    check_replay(w, third.run_id);
    assert_code(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), NF_E_NOT_FOUND);
}

/* --- what is no answer ------------------------------------------------------------------------ */

static void expect_notice(struct world *w, const struct nf_accepted *a, const char *want)
{
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), want);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_string_equal(history_of(w, a->run_id), "pending running failed");
    assert_int_equal(w->web.seen.v[w->web.seen.n - 1].e.type, NF_RUN_ERROR);
    check_replay(w, a->run_id);
    assert_int_equal(w->web.delivered, 1);
    assert_int_equal(outbox_due(w), 0);
}

static void an_empty_answer_is_said_to_be_one(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "" });
    struct nf_accepted a = write_message(w, "m1", "hello");
    expect_notice(
        w, &a, "user:hello|notice:fake/one answered nothing: ask again, or choose another model|");
    struct nf_task t = turn_of(w, a.run_id);
    assert_int_equal(t.tokens.output, 5); /* it has cost something all the same */
    nf_task_done(&t);
}

static void an_answer_of_thinking_alone_says_what_to_change(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .thinking = "hm", .stop = NF_STOP_MAX_TOKENS });
    struct nf_accepted a = write_message(w, "m1", "hello");
    expect_notice(w, &a,
                  "user:hello|notice:fake/one used up its output limit before it said anything: "
                  "ask for less, or raise its output_tokens|");
}

static void without_a_model_the_notice_says_how_to_get_one(void **state)
{
    struct world *w = *state;
    w->app.model = NULL;
    struct nf_accepted a = write_message(w, "m1", "hello");
    expect_notice(w, &a,
                  "user:hello|notice:no language model is configured: run `nexflow up`, or add one "
                  "under llm.providers in the configuration file|");
    assert_string_equal(steps_of(w, a.run_id), "1 model failed|");
}

static void each_failure_of_the_model_becomes_a_notice(void **state)
{
    static const enum nf_code codes[] = { NF_E_INVALID,  NF_E_LIMIT,  NF_E_NOT_FOUND,
                                          NF_E_CONFLICT, NF_E_DENIED, NF_E_UNAVAILABLE,
                                          NF_E_TIMEOUT,  NF_E_IO,     NF_E_CANCELED,
                                          NF_E_INTERNAL };
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct world *w = world_new();
        const struct fake_reply reply = { .fail = codes[i], .why = "the key was refused" };
        model_says(w, &reply, 1);
        struct nf_accepted a = write_message(w, "m1", "hello");
        expect_notice(w, &a, "user:hello|notice:the key was refused|");
        assert_string_equal(steps_of(w, a.run_id), "1 model failed|");
        /* A later message is answered as if nothing had been. */
        MODEL_SAYS(w, { .text = "yes" });
        write_message(w, "m2", "again");
        assert_ok(answer(w), &w->err);
        assert_string_equal(w->model.context, "user:hello|user:again|");
        world_free(w);
    }
}

static void text_before_a_failure_is_kept(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Once upon", .fail = NF_E_UNAVAILABLE, .why = "connection lost" });
    struct nf_accepted a = write_message(w, "m1", "tell");
    expect_notice(w, &a, "user:tell|assistant:Once upon|notice:connection lost|");
}

static void a_refusal_is_an_answer(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "I cannot.", .refusal = true, .stop = NF_STOP_REFUSAL });
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:I cannot.|");
    check_replay(w, a.run_id);
}

static void why_it_refused_is_told_behind_what_it_had_said(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "First,", .stop = NF_STOP_REFUSAL, .detail = "This is not done." });
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:First,\n\nThis is not done.|");
    check_replay(w, a.run_id);
    MODEL_SAYS(w, { .stop = NF_STOP_REFUSAL, .detail = "Nor is this." });
    write_message(w, "m2", "hm");
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(said(w), "user:hm|assistant:Nor is this.|"));
}

static void who_says_nothing_is_told_by_its_reason(void **state)
{
    struct world *w = *state;
    static const struct {
        enum nf_stop_reason stop;
        const char *words;
    } cases[] = {
        { NF_STOP_END, "answered nothing: ask again" },
        { NF_STOP_MAX_TOKENS, "used up its output limit" },
        { NF_STOP_REFUSAL, "refused to answer, and did not say why" },
        { NF_STOP_CONTEXT, "had no room for an answer" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "m%zu", i);
        const struct fake_reply nothing = { .stop = cases[i].stop };
        w->model.replies = &nothing;
        w->model.n = 1;
        write_message(w, id, "hello");
        assert_ok(answer(w), &w->err);
        if (!strstr(said(w), cases[i].words))
            fail_msg("'%s' is not in %s", cases[i].words, said(w));
    }
}

static void an_answer_cut_at_the_token_limit_is_kept(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "So it beg", .stop = NF_STOP_MAX_TOKENS });
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:So it beg|");
}

static void tokens_that_nobody_counted_stay_unknown(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes", .silent = true });
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    struct nf_task t = turn_of(w, a.run_id);
    assert_int_equal(t.tokens.input, -1);
    assert_int_equal(t.tokens.output, -1);
    nf_task_done(&t);
    check_replay(w, a.run_id);
}

static void a_context_too_long_is_shrunk_once(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    w->model.overflows = 1;
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:yes|");
    assert_int_equal(w->model.asked, 2);
}

static void shrunk_means_half_of_the_window(void **state)
{
    static char one[3001], two[3001];
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    memset(one, '1', 3000);
    memset(two, '2', 3000);
    w->model.context_tokens = 4000;
    w->app.settings.reply_tokens = 500;
    write_message(w, "m1", one);
    assert_ok(answer(w), &w->err);
    write_message(w, "m2", two);
    w->model.overflows = 1;
    assert_ok(answer(w), &w->err);
    assert_null(strstr(w->model.context, "user:1"));
    assert_non_null(strstr(w->model.context, "user:2"));
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
}

static void what_the_person_has_read_is_not_asked_again(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Once", .fail = NF_E_LIMIT, .why = "too long" });
    struct nf_accepted a = write_message(w, "m1", "hello");
    expect_notice(w, &a, "user:hello|assistant:Once|notice:too long|");
    assert_int_equal(w->model.asked, 1);
}

static void a_context_still_too_long_is_told(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    w->model.overflows = 2;
    struct nf_accepted a = write_message(w, "m1", "hello");
    expect_notice(w, &a, "user:hello|notice:the context is too long|");
    assert_int_equal(w->model.asked, 2);
}

static void a_channel_that_is_gone_needs_no_delivery(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    w->channels.n = 0;
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:yes|");
    assert_int_equal(outbox_due(w), 0);
}

static void an_answer_does_not_overtake_one_that_waits(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" }, { .text = "no" });
    write_message(w, "m1", "one");
    w->web.fail = NF_E_UNAVAILABLE;
    assert_ok(answer(w), &w->err);
    w->web.fail = NF_OK;

    write_message(w, "m2", "two");
    assert_ok(answer(w), &w->err);

    assert_int_equal(w->web.delivered, 0);
    assert_int_equal(w->web.dropped, 1);
}

static void an_answer_not_delivered_now_waits_in_the_outbox(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    w->web.fail = NF_E_UNAVAILABLE;
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
    assert_int_equal(outbox_due(w), 1);
}

/* --- stopped, parked -------------------------------------------------------------------------- */

static void stopped_before_the_first_word_it_says_so(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .fail = NF_E_CANCELED });
    struct nf_accepted a = write_message(w, "m1", "hello");
    w->control.end = NF_TURN_STOPPED;
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|notice:Stopped.|");
    assert_string_equal(history_of(w, a.run_id), "pending running cancelled");
    assert_string_equal(steps_of(w, a.run_id), "1 model cancelled|");
    assert_true(w->web.seen.v[w->web.seen.n - 1].e.stopped);
    check_replay(w, a.run_id);
}

static void stopped_in_the_middle_it_keeps_what_was_said(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Once upon", .fail = NF_E_CANCELED });
    struct nf_accepted a = write_message(w, "m1", "hello");
    w->control.end = NF_TURN_STOPPED;
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:Once upon|");
    check_replay(w, a.run_id);
    assert_int_equal(w->web.seen.v[w->web.seen.n - 1].e.type, NF_RUN_FINISHED);
}

static void a_parked_turn_is_answered_after_the_next_start(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "Once upon", .fail = NF_E_CANCELED });
    struct nf_accepted a = write_message(w, "m1", "hello");
    w->control.end = NF_TURN_PARKED;
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|");
    assert_int_equal(w->control.status, 0);

    static const struct fake_reply whole[] = { { .text = "Once upon a time" } };
    model_says(w, whole, 1);
    w->control = (struct nf_turn_control){ 0 };
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    assert_int_equal(w->runner.claim.attempt, 2);
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:Once upon a time|");
    check_replay(w, a.run_id);
    assert_string_equal(steps_of(w, a.run_id), "1 model failed|2 model completed|");
}

static int endings;

static void count_ending(struct nf_turn_control *c)
{
    (void)c;
    endings++;
}

static void its_runner_hears_once_that_a_turn_ends(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    endings = 0;
    w->control.ending = count_ending;
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    assert_int_equal(endings, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_answer_is_shown_stored_counted_and_delivered),
        T(an_answer_may_be_a_mebibyte_long),
        T(what_is_longer_is_cut_and_says_so),
        T(a_second_message_is_answered_with_the_first_in_mind),
        T(questions_asked_meanwhile_come_behind_the_answer),
        T(an_empty_answer_is_said_to_be_one),
        T(an_answer_of_thinking_alone_says_what_to_change),
        T(without_a_model_the_notice_says_how_to_get_one),
        cmocka_unit_test(each_failure_of_the_model_becomes_a_notice),
        T(text_before_a_failure_is_kept),
        T(a_refusal_is_an_answer),
        T(why_it_refused_is_told_behind_what_it_had_said),
        T(who_says_nothing_is_told_by_its_reason),
        T(an_answer_cut_at_the_token_limit_is_kept),
        T(tokens_that_nobody_counted_stay_unknown),
        T(a_context_too_long_is_shrunk_once),
        T(shrunk_means_half_of_the_window),
        T(what_the_person_has_read_is_not_asked_again),
        T(a_context_still_too_long_is_told),
        T(a_channel_that_is_gone_needs_no_delivery),
        T(an_answer_not_delivered_now_waits_in_the_outbox),
        T(an_answer_does_not_overtake_one_that_waits),
        T(stopped_before_the_first_word_it_says_so),
        T(stopped_in_the_middle_it_keeps_what_was_said),
        T(a_parked_turn_is_answered_after_the_next_start),
        T(its_runner_hears_once_that_a_turn_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
