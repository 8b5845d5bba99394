/* A turn whose process dies, whose session is taken over, or that runs out of memory: in the end
 * there is one answer, and nothing finished is done twice. */
#include "tests/unit/use_case_fixture.h"

static const struct fake_reply with_a_tool[] = {
    { .text = "Let me see.", .thinking = "hm", .calls = { { "c1", "clock", "{}" } } },
    { .text = "It is noon." },
};
static const struct fake_reply plain[] = { { .text = "Good morning!" } };

#define TOOL_ANSWER "user:go|assistant:Let me see.|tool:noon {}|assistant:It is noon.|"
#define UNKNOWN_ANSWER                                                                             \
    "user:go|assistant:Let me see.|tool:error: Nexflow was restarted while this ran. It is "       \
    "unknown whether it took effect; it was not repeated. Check before trying again.|"             \
    "assistant:It is noon.|"

static struct world *tool_world(bool idempotent)
{
    struct world *w = world_new();
    w->app.turns = &w->turns.port;
    w->app.tools = &w->tools.port;
    w->tools.idempotent = idempotent;
    model_says(w, with_a_tool, 2);
    return w;
}

/* The writes of that turn: end of model step 1, begin and end of the tool, begin of the second
 * model step, finish. */
#define WRITES 5
#define TOOL_BEGUN 2
#define TOOL_ENDED 3

static void crash_at(int write, bool applied, bool idempotent)
{
    struct world *w = tool_world(idempotent);
    struct nf_accepted a = write_message(w, "m1", "go");
    w->turns.crash_at = write;
    w->turns.applied = applied;
    assert_code(answer(w), NF_E_IO);
    int asked = w->model.asked;

    w->turns.crash_at = 0;
    if (write == WRITES && applied) { /* it was written: nothing is left to do but to deliver */
        struct nf_claim c;
        assert_ok(w->s.turns->ops->release(w->s.turns, w->app.owner, &w->err), &w->err);
        assert_code(nf_claim_turn(&w->app, w->session, 0, &c, &w->err), NF_E_NOT_FOUND);
        assert_string_equal(said(w), TOOL_ANSWER);
        assert_int_equal(outbox_due(w), 1);
        world_free(w);
        return;
    }
    claim_again(w);
    assert_int_equal(w->runner.claim.attempt, 2);
    assert_ok(answer(w), &w->err);
    /* The first reply is in the journal unless the crash kept it from there. */
    bool journal = write > 1 || applied;
    assert_int_equal(w->model.asked - asked, journal ? 1 : 2);
    bool begun = write > TOOL_BEGUN || (write == TOOL_BEGUN && applied);
    bool ended = write > TOOL_ENDED || (write == TOOL_ENDED && applied);
    assert_string_equal(said(w), begun && !ended && !idempotent ? UNKNOWN_ANSWER : TOOL_ANSWER);
    assert_null(strstr(steps_of(w, a.run_id), "running"));
    assert_string_equal(history_of(w, a.run_id), "pending running completed");
    check_replay(w, a.run_id);
    assert_int_equal(outbox_due(w), 0);
    world_free(w);
}

static void a_crash_at_any_write_leads_to_the_same_answer(void **state)
{
    (void)state;
    for (int write = 1; write <= WRITES; write++)
        for (int i = 0; i < 4; i++)
            crash_at(write, i & 1, i & 2);
    struct world *w = tool_world(true);
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->turns.writes, WRITES);
    world_free(w);
}

static void a_crash_in_any_of_several_rounds_leads_to_the_same_answer(void **state)
{
    static const struct fake_reply rounds[] = {
        { .calls = { { "c1", "clock", "1" } } },
        { .calls = { { "c2", "clock", "2" }, { "c3", "clock", "3" } } },
        { .text = "done" },
    };
    (void)state;
    for (int write = 1; write <= 11; write++) {
        struct world *w = tool_world(true);
        model_says(w, rounds, 3);
        struct nf_accepted a = write_message(w, "m1", "go");
        w->turns.crash_at = write;
        assert_code(answer(w), NF_E_IO);
        w->turns.crash_at = 0;
        claim_again(w);
        assert_ok(answer(w), &w->err);
        assert_string_equal(said(w), "user:go|assistant:|tool:noon 1|assistant:|tool:noon 2|"
                                     "tool:noon 3|assistant:done|");
        check_replay(w, a.run_id);
        world_free(w);
    }
}

static void a_crash_during_each_recovery_too_leads_to_the_same_answer(void **state)
{
    (void)state;
    struct world *w = tool_world(true);
    struct nf_accepted a = write_message(w, "m1", "go");
    w->turns.crash_at = 1; /* each attempt dies one write later */
    for (int i = 1; i < 12; i++) {
        w->turns.writes = 0;
        if (answer(w) == NF_OK)
            break;
        claim_again(w);
        w->turns.crash_at++;
    }
    w->turns.crash_at = 0;
    assert_string_equal(said(w), TOOL_ANSWER);
    assert_null(strstr(steps_of(w, a.run_id), "running"));
    check_replay(w, a.run_id);
    world_free(w);
}

static void a_turn_that_is_always_cut_off_is_given_up(void **state)
{
    struct world *w = *state;
    write_message(w, "m1", "go");
    w->app.turns = &w->turns.port;
    w->turns.crash_at = 1;
    MODEL_SAYS(w, { .text = "never written" });
    for (int i = 1; i <= NF_TURN_ATTEMPTS_MAX; i++) {
        assert_code(answer(w), NF_E_IO);
        claim_again(w);
    }
    int asked = w->model.asked;
    assert_int_equal(w->runner.claim.attempt, NF_TURN_ATTEMPTS_MAX + 1);

    w->turns.crash_at = 0;
    assert_ok(answer(w), &w->err);

    assert_int_equal(w->model.asked, asked);
    assert_non_null(strstr(said(w), "gives up"));
}

static void what_another_attempt_said_is_counted_once(void **state)
{
    (void)state;
    struct world *w = tool_world(true);
    struct nf_task t = { 0 };
    struct nf_accepted a = write_message(w, "m1", "go");
    w->turns.crash_at = 2;
    assert_code(answer(w), NF_E_IO);
    w->turns.crash_at = 0;
    claim_again(w);
    assert_ok(answer(w), &w->err);
    assert_ok(w->s.tasks->ops->get(w->s.tasks, a.run_id, USER, &t, &w->err), &w->err);
    assert_int_equal(t.tokens.input, 20);
    assert_int_equal(t.tokens.output, 10);
    assert_int_equal(w->turns.billed, 2);
    nf_task_done(&t);
    world_free(w);
}

/* --- somebody else owns the session ----------------------------------------------------------- */

static void after_the_session_was_taken_over_nothing_more_is_written(void **state)
{
    (void)state;
    for (int write = 1; write <= WRITES; write++) {
        struct world *w = tool_world(true);
        struct nf_accepted a = write_message(w, "m1", "go");
        w->turns.rival_at = write;
        assert_code(answer(w), NF_E_CONFLICT);
        assert_true(w->turns.rival_in);
        assert_int_equal(w->turns.writes, write); /* it stopped at once */
        assert_int_equal(w->control.status, 0);
        assert_int_equal(w->web.delivered, 0);
        assert_string_equal(said(w), "user:go|");
        assert_string_equal(history_of(w, a.run_id), "pending running");
        /* The rival ends it. */
        w->turns.rival_at = 0;
        w->now += LEASE + 1;
        w->app.owner = 99;
        claim_again(w);
        assert_ok(answer(w), &w->err);
        assert_string_equal(said(w), TOOL_ANSWER);
        check_replay(w, a.run_id);
        world_free(w);
    }
}

static void a_turn_taken_over_cannot_be_parked(void **state)
{
    (void)state;
    struct world *w = tool_world(true);
    const struct fake_reply cut = { .fail = NF_E_CANCELED };
    model_says(w, &cut, 1);
    write_message(w, "m1", "go");
    w->turns.rival_at = 1;
    w->control.end = NF_TURN_PARKED;
    assert_code(answer(w), NF_E_CONFLICT);
    world_free(w);
}

/* --- a database that cannot be read ----------------------------------------------------------- */

static enum nf_code cannot_read(struct nf_session_store *s, int64_t id, int64_t media, size_t limit,
                                struct nf_messages *ret, struct nf_err *err)
{
    (void)s, (void)id, (void)media, (void)limit, (void)ret;
    return nf_err_set(err, NF_E_IO, "the disk is broken");
}

/* Where a turn is heard of comes with its claim, so it needs no other read. */
static void whose_history_cannot_be_read_hears_of_it(void **state)
{
    static const struct nf_session_store_ops ops = { .history = cannot_read };
    struct nf_session_store broken = { &ops };
    struct world *w = world_new();
    (void)state;
    model_says(w, plain, 1);
    struct nf_accepted a = write_message(w, "m1", "go");
    nf_histories_forget(w->app.histories, w->session); /* it is not in memory */
    w->app.sessions = &broken;
    enum nf_code rc = answer(w);
    w->app.sessions = w->s.sessions;
    assert_ok(rc, &w->err);
    assert_string_equal(w->web.last, "the disk is broken");
    check_replay(w, a.run_id);
    world_free(w);
}

/* --- out of memory ---------------------------------------------------------------------------- */

/* However it failed: the turn can be claimed and answered, and there is one end of it. */
static void check_whole(struct world *w, const struct nf_accepted *a, const char *answer_text)
{
    struct nf_claim c;
    if (w->control.status == 0) { /* no outcome was written */
        assert_string_equal(history_of(w, a->run_id), "pending running");
        claim_again(w);
        w->control = (struct nf_turn_control){ 0 };
        assert_ok(answer(w), &w->err);
    }
    const char *all = said(w);
    if (w->control.status == NF_TASK_COMPLETED) {
        /* A tool that ran out of memory tells the model, which goes on. */
        if (!strstr(all, "tool:error: out of memory"))
            assert_string_equal(all, answer_text);
    } else {
        const char *notice = strstr(all, "notice:");
        assert_int_equal(w->control.status, NF_TASK_FAILED);
        assert_non_null(notice);
        assert_null(strstr(notice + 1, "notice:"));
    }
    assert_null(strstr(steps_of(w, a->run_id), "running"));
    assert_code(nf_claim_turn(&w->app, w->session, 0, &c, &w->err), NF_E_NOT_FOUND);
    assert_true(outbox_due(w) + (size_t)w->web.delivered >= 1);
}

static void torture(bool tools, bool recovery, const char *answer_text)
{
    bool done = false;
    for (size_t n = 1; !done; n++) {
        struct world *w = tools ? tool_world(true) : world_new();
        if (!tools)
            model_says(w, plain, 1);
        struct nf_accepted a = write_message(w, "m1", "go");
        if (recovery) {
            w->turns.crash_at = TOOL_ENDED;
            assert_code(answer(w), NF_E_IO);
            w->turns.crash_at = 0;
            claim_again(w);
        }
        nf_fail_alloc_at(n);
        enum nf_code rc = answer(w);
        done = !allocation_failed();
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
        check_whole(w, &a, answer_text);
        assert_true(n < 2000);
        world_free(w);
    }
}

static void no_allocation_that_fails_costs_an_answer_its_end(void **state)
{
    (void)state;
    torture(false, false, "user:go|assistant:Good morning!|");
}

static void nor_does_it_with_tools(void **state)
{
    (void)state;
    torture(true, false, TOOL_ANSWER);
}

static void nor_does_it_after_a_crash(void **state)
{
    (void)state;
    torture(true, true, TOOL_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_at_any_write_leads_to_the_same_answer),
        cmocka_unit_test(a_crash_in_any_of_several_rounds_leads_to_the_same_answer),
        cmocka_unit_test(a_crash_during_each_recovery_too_leads_to_the_same_answer),
        cmocka_unit_test(what_another_attempt_said_is_counted_once),
        cmocka_unit_test_setup_teardown(a_turn_that_is_always_cut_off_is_given_up, setup, teardown),
        cmocka_unit_test(after_the_session_was_taken_over_nothing_more_is_written),
        cmocka_unit_test(a_turn_taken_over_cannot_be_parked),
        cmocka_unit_test(whose_history_cannot_be_read_hears_of_it),
        cmocka_unit_test(no_allocation_that_fails_costs_an_answer_its_end),
        cmocka_unit_test(nor_does_it_with_tools),
        cmocka_unit_test(nor_does_it_after_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
