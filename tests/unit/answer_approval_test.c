/* A turn asks before a tool runs: what is asked, who decides, and what comes of it. */
#include "tests/unit/approval_rig.h"

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
    assert_int_equal(r.expires_ms - r.created_ms, APPROVAL_TTL_MS);
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
    assert_true(w->now - begun >= APPROVAL_TTL_MS);
    assert_true(w->now - begun < APPROVAL_TTL_MS + 1000);
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
    w->now += APPROVAL_TTL_MS;
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
