/* Calls that need a person's consent: what is asked, who decides, and what happens meanwhile. */
#include "tests/unit/use_case_fixture.h"

static int with_asking(void **state)
{
    struct world *w = world_new();
    w->app.tools = &w->tools.port;
    w->app.turns = &w->turns.port;
    w->tools.approval = NF_APPROVAL_ASK;
    *state = w;
    return 0;
}

#define CALL_AND_ANSWER                                                                            \
    { .calls = { { "c1", "clock", "{\"a\":1}" } } },                                               \
    {                                                                                              \
        .text = "So be it."                                                                        \
    }

static struct nf_user user_of(struct world *w, int64_t id, const char *name, enum nf_user_role role)
{
    struct nf_user u;
    struct nf_identity i;
    assert_ok(nf_user_init(&u, id, name, role, START, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, id, "web", name, START, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &u, &i, &w->err), &w->err);
    return u;
}

static struct nf_approval_request newest(struct world *w)
{
    struct nf_approval_request r = { 0 };
    assert_ok(w->s.approvals->ops->get(w->s.approvals, w->web.asked_id, &r, &w->err), &w->err);
    return r;
}

static enum nf_approval_status newest_status(struct world *w)
{
    struct nf_approval_request r = newest(w);
    enum nf_approval_status s = r.status;
    nf_approval_done(&r);
    return s;
}

static enum nf_code decide_as(struct world *w, const struct nf_user *who, bool allow,
                              const char *reason)
{
    struct nf_approval_view v = { .yours = false };
    struct nf_err err = { .msg = "" };
    enum nf_code rc = nf_approval_answer(&w->app, who, w->web.asked_id, allow, reason, &v, &err);
    nf_approval_view_done(&v);
    return rc;
}

static void allow(struct world *w)
{
    assert_code(decide_as(w, &w->user, true, NULL), NF_OK);
}

static void deny(struct world *w)
{
    assert_code(decide_as(w, &w->user, false, "too dear"), NF_OK);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void what_is_allowed_runs_once(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = allow;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon {\"a\":1}|assistant:So be it.|");
    assert_int_equal(w->tools.calls, 1);
    assert_int_equal(newest_status(w), NF_APPROVAL_USED);
    struct nf_approval_request r = newest(w);
    assert_string_equal(history_of(w, r.task_id), "running waiting_approval running completed");
    assert_string_equal(r.args, "{\"a\":1}");
    assert_int_equal(r.expires_ms - r.created_ms, NF_APPROVAL_TTL_MS);
    nf_approval_done(&r);
    assert_int_equal(w->web.asked, 2); /* the question, and what became of it */
    assert_int_equal(w->web.statuses, 2);
    check_replay(w, a.run_id);
}

static void what_is_denied_does_not_run_and_the_model_reads_why(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = deny;
    struct nf_accepted a = write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "denied this call, saying: too dear. It was not run."));
    assert_string_equal(steps_of(w, a.run_id),
                        "1 model completed|2 tool failed|3 model completed|");
    assert_int_equal(newest_status(w), NF_APPROVAL_DENIED);
    check_replay(w, a.run_id);
}

static void what_nobody_decides_is_denied_in_time(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    struct nf_accepted a = write_message(w, "m1", "go");
    int64_t begun = w->now;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_true(w->now - begun >= NF_APPROVAL_TTL_MS);
    assert_true(w->now - begun < NF_APPROVAL_TTL_MS + 1000);
    assert_non_null(strstr(said(w), "nobody approved this call within 30 minutes"));
    assert_int_equal(newest_status(w), NF_APPROVAL_EXPIRED);
    assert_int_equal(w->web.asked_status, NF_APPROVAL_EXPIRED);
    check_replay(w, a.run_id);
}

static void how_long_it_waited_is_said_in_its_own_unit(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->app.settings.approval_ttl_ms = 10000;
    (void)write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(said(w), "nobody approved this call within 10 seconds"));
}

static void never_and_always_are_what_they_say(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = allow;
    w->tools.approval = NF_APPROVAL_NEVER;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->web.asked, 0);
    w->tools.approval = NF_APPROVAL_ALWAYS;
    write_message(w, "m2", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->web.asked, 2);
    assert_int_equal(w->tools.calls, 2);
}

static void wrong_arguments_are_not_asked_about(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .calls = { { "c1", "clock", "{\"a\":\"bad\"}" } } }, { .text = "sorry" });
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->web.asked, 0);
}

/* --- who decides ------------------------------------------------------------------------------ */

static const struct nf_user *decider;
static enum nf_code decided_rc;

/* Somebody tries; then the person themself says no. */
static void somebody_tries(struct world *w)
{
    decided_rc = decide_as(w, decider, true, NULL);
    if (decided_rc != NF_OK)
        (void)decide_as(w, &w->user, false, NULL);
}

static void nobody_else_of_a_group_can_press_it(void **state)
{
    static const struct {
        enum nf_user_role role;
        enum nf_code rc;
    } cases[] = { { NF_USER_USER, NF_E_NOT_FOUND },
                  { NF_USER_ADMIN, NF_E_NOT_FOUND },
                  { NF_USER_OWNER, NF_OK } };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        void *fresh;
        assert_int_equal(with_asking(&fresh), 0);
        struct world *w = fresh;
        struct nf_user other = user_of(w, 8, "bob", cases[i].role);
        MODEL_SAYS(w, CALL_AND_ANSWER);
        decider = &other;
        w->bell.meanwhile = somebody_tries;
        write_message(w, "m1", "go");
        assert_ok(answer(w), &w->err);
        assert_code(decided_rc, cases[i].rc);
        assert_int_equal(w->tools.calls, cases[i].rc == NF_OK);
        world_free(w);
    }
}

static struct nf_user plain_user(struct world *w)
{
    struct nf_user plain = user_of(w, 9, "eve", NF_USER_USER);
    w->user = plain;
    return plain;
}

static void a_plain_users_call_goes_to_those_who_may_decide(void **state)
{
    struct world *w = *state;
    struct nf_user owner = w->user, plain = plain_user(w);
    MODEL_SAYS(w, CALL_AND_ANSWER);
    decider = &owner;
    w->bell.meanwhile = somebody_tries;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_code(decided_rc, NF_OK);
    assert_int_equal(w->web.asked, 4); /* each to the owner, and to who asked */
    assert_int_equal(w->web.asked_user, plain.id);
    assert_false(w->web.asked_yours);
    assert_int_equal(w->tools.calls, 1);
}

static void a_plain_user_may_deny_and_allow_only_if_it_is_set_so(void **state)
{
    struct world *w = *state;
    struct nf_user plain = plain_user(w);
    MODEL_SAYS(w, CALL_AND_ANSWER);
    decider = &plain;
    w->bell.meanwhile = somebody_tries;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_code(decided_rc, NF_E_DENIED);
    assert_int_equal(newest_status(w), NF_APPROVAL_DENIED);
    w->app.settings.approval_self = true;
    write_message(w, "m2", "go");
    assert_ok(answer(w), &w->err);
    assert_code(decided_rc, NF_OK);
    assert_int_equal(w->tools.calls, 1);
}

static void two_at_once(struct world *w)
{
    struct nf_user second = {
        .id = 8, .name = "bob", .role = NF_USER_OWNER, .status = NF_USER_ACTIVE
    };
    assert_code(decide_as(w, &w->user, true, NULL), NF_OK);
    assert_code(decide_as(w, &second, false, NULL), NF_E_CONFLICT);
}

static void of_two_deciders_the_first_counts(void **state)
{
    struct world *w = *state;
    user_of(w, 8, "bob", NF_USER_OWNER);
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = two_at_once;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 1);
}

static void too_late(struct world *w)
{
    w->now += NF_APPROVAL_TTL_MS;
    assert_code(decide_as(w, &w->user, true, NULL), NF_E_CONFLICT);
}

static void a_decision_after_its_time_is_none(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = too_late;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_int_equal(newest_status(w), NF_APPROVAL_EXPIRED);
}

static struct nf_user list_owner, list_other;
static size_t listed_owner, listed_plain, listed_other;

static void list_for_all(struct world *w)
{
    const struct nf_user *who[] = { &list_owner, &w->user, &list_other };
    size_t *n[] = { &listed_owner, &listed_plain, &listed_other };
    for (size_t i = 0; i < 3; i++) {
        struct nf_approval_views v = { 0 };
        assert_ok(nf_approval_list(&w->app, who[i], &v, &w->err), &w->err);
        *n[i] = v.n;
        if (v.n) {
            assert_string_equal(v.v[0].requester.name, "eve");
            assert_int_equal(v.v[0].yours, i == 0);
        }
        nf_approval_views_done(&v);
    }
    assert_code(decide_as(w, &list_owner, true, NULL), NF_OK);
}

static void what_is_open_is_listed_for_whom_it_concerns(void **state)
{
    struct world *w = *state;
    list_owner = w->user;
    list_other = user_of(w, 8, "bob", NF_USER_USER);
    plain_user(w);
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = list_for_all;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(listed_owner, 1);
    assert_int_equal(listed_plain, 1);
    assert_int_equal(listed_other, 0);
    struct nf_approval_views v = { 0 };
    assert_ok(nf_approval_list(&w->app, &list_owner, &v, &w->err), &w->err);
    assert_int_equal(v.n, 0);
    nf_approval_views_done(&v);
}

/* --- what changes meanwhile ------------------------------------------------------------------- */

static void allow_and_change_the_skill(struct world *w)
{
    allow(w);
    w->tools.version = "2";
}

static void other_files_by_the_time_it_runs_are_refused_by_the_tool(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    w->bell.meanwhile = allow_and_change_the_skill;
    write_message(w, "m1", "go");
    /* The call names the version that was asked about; the port refuses another. */
    w->tools.refuse_version = true;
    assert_ok(answer(w), &w->err);
    assert_non_null(strstr(said(w), "tool:error: the skill was changed"));
}

/* The turn is cut off while it waits, and goes on with the next start. */
static void stop_waiting(struct world *w, enum nf_turn_end end)
{
    w->bell.fail = NF_E_CANCELED;
    w->control.end = end;
    assert_ok(answer(w), &w->err);
    w->bell.fail = NF_OK;
    w->control = (struct nf_turn_control){ 0 };
}

static void parked(struct world *w)
{
    MODEL_SAYS(w, CALL_AND_ANSWER);
    write_message(w, "m1", "go");
    stop_waiting(w, NF_TURN_PARKED);
    assert_int_equal(newest_status(w), NF_APPROVAL_PENDING);
    assert_ok(nf_claim_turn(&w->app, w->session, &w->runner.claim, &w->err), &w->err);
}

static void after_a_restart_it_waits_on(void **state)
{
    struct world *w = *state;
    parked(w);
    int64_t id = w->web.asked_id;
    w->bell.meanwhile = allow;
    assert_ok(answer(w), &w->err);
    assert_true(w->web.asked_id == id); /* it was not asked again */
    assert_int_equal(w->tools.calls, 1);
    assert_string_equal(said(w), "user:go|assistant:|tool:noon {\"a\":1}|assistant:So be it.|");
}

static void decided_while_we_were_down_it_runs_or_not(void **state)
{
    (void)state;
    for (int yes = 0; yes <= 1; yes++) {
        void *fresh;
        assert_int_equal(with_asking(&fresh), 0);
        struct world *w = fresh;
        parked(w);
        assert_code(decide_as(w, &w->user, yes, NULL), NF_OK);
        assert_ok(answer(w), &w->err);
        assert_int_equal(w->tools.calls, yes);
        assert_int_equal(w->bell.waits, 1); /* of the first attempt */
        world_free(w);
    }
}

static void allowed_but_run_after_its_time_it_is_refused(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    w->now += NF_APPROVAL_TTL_MS;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "tool:error: there is no approval for this call as it is now"));
}

static void a_skill_changed_while_we_were_down_is_not_what_was_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    w->tools.version = "2";
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "there is no approval for this call as it is now"));
}

/* Between two attempts somebody writes other arguments into the journal. */
static struct nf_turn_store_ops forged_ops;

static enum nf_code forged_steps(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                                 struct nf_err *err)
{
    enum nf_code rc = fake_steps(s, run_id, ret, err);
    for (size_t i = 0; rc == NF_OK && i < ret->n; i++)
        if (ret->v[i].kind == NF_TASK_TOOL)
            ret->v[i].args[5] = '9';
    return rc;
}

static void arguments_changed_in_the_database_are_not_what_was_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    allow(w);
    forged_ops = *w->turns.port.ops;
    forged_ops.steps = forged_steps;
    w->turns.port.ops = &forged_ops;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "there is no approval for this call as it is now"));
}

/* The question itself is changed: who decides sees another call than the one that was asked. */
static struct nf_approval_store_ops forged_approvals;
static struct nf_approval_store forged_store;
static struct nf_approval_store *real_approvals;

static enum nf_code forged_get(struct nf_approval_store *s, int64_t id,
                               struct nf_approval_request *ret, struct nf_err *err)
{
    (void)s;
    enum nf_code rc = real_approvals->ops->get(real_approvals, id, ret, err);
    if (rc == NF_OK)
        ret->args[5] = '9';
    return rc;
}

static void a_question_that_was_changed_cannot_be_allowed(void **state)
{
    struct world *w = *state;
    parked(w);
    real_approvals = w->s.approvals;
    forged_approvals = (struct nf_approval_store_ops){ .get = forged_get };
    forged_store.ops = &forged_approvals;
    w->app.approvals = &forged_store;
    assert_code(decide_as(w, &w->user, true, NULL), NF_E_CONFLICT);
    w->app.approvals = real_approvals;
    assert_int_equal(newest_status(w), NF_APPROVAL_PENDING);
}

static void stopped_while_it_waits_the_question_is_void(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    struct nf_accepted a = write_message(w, "m1", "go");
    stop_waiting(w, NF_TURN_STOPPED);
    assert_int_equal(newest_status(w), NF_APPROVAL_CANCELLED);
    assert_int_equal(w->web.asked_status, NF_APPROVAL_CANCELLED);
    assert_string_equal(steps_of(w, a.run_id), "1 model completed|2 tool cancelled|");
    assert_code(decide_as(w, &w->user, true, NULL), NF_E_CONFLICT);
    check_replay(w, a.run_id);
}

static void given_up_after_too_many_attempts_the_question_is_void(void **state)
{
    struct world *w = *state;
    parked(w);
    w->runner.claim.attempt = NF_TURN_ATTEMPTS_MAX + 1;
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_FAILED);
    assert_int_equal(newest_status(w), NF_APPROVAL_CANCELLED);
}

static int waits_seen, waiting_now;

static void count_waiting(struct nf_turn_control *c, bool waits)
{
    (void)c;
    waits_seen += waits;
    waiting_now += waits ? 1 : -1;
    assert_in_range(waiting_now, 0, 1);
}

static void the_clock_of_the_turn_is_told_to_stand_still(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    waits_seen = waiting_now = 0;
    w->control.waiting = count_waiting;
    w->bell.meanwhile = allow;
    write_message(w, "m1", "go");
    assert_ok(answer(w), &w->err);
    assert_int_equal(waits_seen, 1);
    assert_int_equal(waiting_now, 0);
}

static void who_asks_too_much_gets_no_answer(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, CALL_AND_ANSWER);
    write_message(w, "m0", "go");
    for (int64_t i = 0; i < NF_APPROVALS_OPEN_MAX; i++) { /* of calls by hand, say */
        struct nf_claim c = { .user_id = USER, .run_id = 1000 + i };
        struct nf_task t = {
            .id = 1000 + i, .kind = NF_TASK_TOOL, .created_ms = 1, .started_ms = 1, .name = "clock"
        };
        struct nf_approval_request r = { .id = 5000 + i,
                                         .task_id = t.id,
                                         .user_id = USER,
                                         .tool = "clock",
                                         .created_ms = w->now,
                                         .expires_ms = w->now + 100000 };
        assert_ok(w->s.turns->ops->step_begin(w->s.turns, &c, &t, &w->err), &w->err);
        assert_ok(w->s.approvals->ops->ask(w->s.approvals, &c, &r, &w->err), &w->err);
    }
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->tools.calls, 0);
    assert_non_null(strstr(said(w), "too many calls wait for an approval already"));
}

/* --- crashes, memory -------------------------------------------------------------------------- */

/* Writes of such a turn that the fake counts: end of step 1, begin and end of the tool, begin of
 * the second model step, finish. */
static void a_crash_at_any_write_runs_it_once_at_most(void **state)
{
    (void)state;
    for (int write = 1; write <= 5; write++)
        for (int applied = 0; applied <= 1; applied++) {
            void *fresh;
            assert_int_equal(with_asking(&fresh), 0);
            struct world *w = fresh;
            MODEL_SAYS(w, CALL_AND_ANSWER);
            w->bell.meanwhile = allow;
            write_message(w, "m1", "go");
            w->turns.crash_at = write;
            w->turns.applied = applied;
            assert_code(answer(w), NF_E_IO);
            w->turns.crash_at = 0;
            if (write < 5 || !applied) {
                claim_again(w);
                assert_ok(answer(w), &w->err);
            }
            /* What had been allowed when we died may have run, for all that the journal says. */
            bool known = strstr(said(w), "It is unknown whether it took effect") == NULL;
            assert_true(known || write == 3);
            assert_in_range(w->tools.calls, known ? 1 : 0, 1);
            assert_non_null(strstr(said(w), "assistant:So be it.|"));
            world_free(w);
        }
}

static void no_allocation_that_fails_runs_it_unasked(void **state)
{
    bool done = false;
    (void)state;
    for (size_t n = 1; !done; n++) {
        void *fresh;
        assert_int_equal(with_asking(&fresh), 0);
        struct world *w = fresh;
        MODEL_SAYS(w, CALL_AND_ANSWER);
        w->bell.meanwhile = NULL;
        struct nf_accepted a = write_message(w, "m1", "go");
        nf_fail_alloc_at(n);
        enum nf_code rc = answer(w);
        done = !allocation_failed();
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
        assert_int_equal(w->tools.calls, 0);
        if (w->control.status == 0) {
            claim_again(w);
            assert_ok(answer(w), &w->err);
        }
        assert_null(strstr(steps_of(w, a.run_id), "running"));
        assert_null(strstr(steps_of(w, a.run_id), "waiting"));
        assert_true(n < 2000);
        world_free(w);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, with_asking, teardown)
    const struct CMUnitTest tests[] = {
        T(what_is_allowed_runs_once),
        T(what_is_denied_does_not_run_and_the_model_reads_why),
        T(what_nobody_decides_is_denied_in_time),
        T(how_long_it_waited_is_said_in_its_own_unit),
        T(never_and_always_are_what_they_say),
        T(wrong_arguments_are_not_asked_about),
        cmocka_unit_test(nobody_else_of_a_group_can_press_it),
        T(a_plain_users_call_goes_to_those_who_may_decide),
        T(a_plain_user_may_deny_and_allow_only_if_it_is_set_so),
        T(of_two_deciders_the_first_counts),
        T(a_decision_after_its_time_is_none),
        T(what_is_open_is_listed_for_whom_it_concerns),
        T(other_files_by_the_time_it_runs_are_refused_by_the_tool),
        T(after_a_restart_it_waits_on),
        cmocka_unit_test(decided_while_we_were_down_it_runs_or_not),
        T(allowed_but_run_after_its_time_it_is_refused),
        T(a_skill_changed_while_we_were_down_is_not_what_was_allowed),
        T(arguments_changed_in_the_database_are_not_what_was_allowed),
        T(a_question_that_was_changed_cannot_be_allowed),
        T(stopped_while_it_waits_the_question_is_void),
        T(given_up_after_too_many_attempts_the_question_is_void),
        T(the_clock_of_the_turn_is_told_to_stand_still),
        T(who_asks_too_much_gets_no_answer),
        cmocka_unit_test(a_crash_at_any_write_runs_it_once_at_most),
        cmocka_unit_test(no_allocation_that_fails_runs_it_unasked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
