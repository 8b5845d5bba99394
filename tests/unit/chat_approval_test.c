/* Questions whether a call may run, in a network in memory. */
#include "application/present_approval.h"
#include "channels/chat/chat_internal.h"
#include "tests/unit/chat_rig.h"

#define PERSON INT64_C(8)

/* The model calls a tool that asks first. */
#define CALLS(args_)                                                                               \
    MODEL_SAYS(r->w, { .calls = { { "c1", "clock", args_ } }, .stop = NF_STOP_TOOL_CALLS },        \
               { .text = "It is done." })

static void use_tools(struct rig *r)
{
    r->w->app.tools = &r->w->tools.port;
    r->w->tools.approval = NF_APPROVAL_ASK;
}

static void add_person(struct rig *r)
{
    struct nf_user u;
    struct nf_identity i = { .user_id = PERSON, .channel = "telegram", .account = "200" };
    struct nf_user_store *users = r->w->s.users;
    assert_ok(nf_user_init(&u, PERSON, "B*b", NF_USER_USER, START, &r->w->err), &r->w->err);
    assert_ok(users->ops->create(users, &u, &i, &r->w->err), &r->w->err);
}

/* The first message there with buttons; waits for it. */
static struct post *question(struct rig *r, const char *address)
{
    for (int i = 0; i < 4000; i++) {
        for (size_t k = 0; k < r->n; k++)
            if (strcmp(r->v[k].address, address) == 0 && r->v[k].buttons_n > 0)
                return &r->v[k];
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    }
    fail_msg("nobody was asked at %s", address);
    return NULL;
}

static const char *press(struct rig *r, const char *account, const char *data)
{
    static char answer[NF_CHAT_ANSWER_MAX + 1];
    assert_ok(nf_chat_pressed(r->channel, account, "home-100", data, answer, &r->w->err),
              &r->w->err);
    return answer;
}

/* Until what it says has this in it. */
static void wait_for(struct rig *r, const struct post *m, const char *text)
{
    for (int i = 0; i < 4000 && !strstr(m->text, text); i++)
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    if (!strstr(m->text, text))
        fail_msg("'%s' does not say '%s'", m->text, text);
}

RIG_TEST(a_call_is_allowed_once_by_a_button)
{
    use_tools(r);
    CALLS("{\"x\":\"``` y\"}");
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");

    assert_non_null(strstr(q->text, "**Ada**: may this run? `clock`"));
    assert_non_null(strstr(q->text, "````json\n{\"x\":\"``` y\"}\n````"));
    assert_int_equal(q->buttons_n, 2);
    assert_int_equal(q->buttons[0].look, NF_BUTTON_YES);
    assert_string_equal(q->buttons[0].label, "Allow once");
    assert_true(strlen(q->buttons[0].data) <= NF_BUTTON_DATA_MAX);
    assert_true(strlen(q->key) <= 25);
    assert_int_equal(r->w->tools.calls, 0);
    char yes[NF_BUTTON_DATA_MAX + 1];
    memcpy(yes, q->buttons[0].data, sizeof(yes));

    assert_string_equal(press(r, "100", yes), "Allowed once");
    rig_settle(r);

    assert_int_equal(r->w->tools.calls, 1);
    wait_for(r, q, "Allowed once: Ada, ");
    assert_non_null(strstr(q->text, " UTC"));
    assert_int_equal(q->buttons_n, 0);
    assert_string_equal(press(r, "100", yes), "It was decided already, or is no longer needed.");
    assert_int_equal(r->w->tools.calls, 1);
}

RIG_TEST(a_call_is_denied_by_a_button)
{
    use_tools(r);
    CALLS("{}");
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");

    assert_string_equal(press(r, "100", q->buttons[1].data), "Denied");
    rig_settle(r);

    assert_int_equal(r->w->tools.calls, 0);
    wait_for(r, q, "Denied: Ada, ");
}

/* Whoever sees a button may press it; that decides nothing. */
RIG_TEST(the_button_of_another_decides_nothing)
{
    use_tools(r);
    add_person(r);
    CALLS("{}");
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");

    assert_string_equal(press(r, "200", q->buttons[0].data), "This is not yours to decide.");
    assert_string_equal(press(r, "200", q->buttons[1].data), "This is not yours to decide.");
    assert_string_equal(press(r, "666", q->buttons[0].data), "This is not yours to decide.");
    assert_string_equal(press(r, "100", "a1:o:0000000000000"), "");
    assert_string_equal(press(r, "100", "something else"), "");
    assert_int_equal(r->w->tools.calls, 0);
    assert_int_equal(q->buttons_n, 2);
    (void)press(r, "100", q->buttons[0].data);
    rig_settle(r);
    assert_int_equal(r->w->tools.calls, 1);
}

/* A plain person's call is for the owner to allow; they may withdraw it. */
RIG_TEST(who_asked_sees_that_it_waits_and_who_may_allows_it)
{
    struct nf_chat_said s = rig_said(r, "what time is it?");
    use_tools(r);
    add_person(r);
    CALLS("{}");
    s.account = s.address = s.chat = "200";
    rig_receive(r, &s);
    struct post *owners = question(r, "home-100"), *theirs = question(r, "home-200");

    assert_non_null(strstr(owners->text, "**B\\*b**: may this run?"));
    assert_int_equal(owners->buttons_n, 2);
    assert_non_null(strstr(theirs->text, "It waits for somebody who may allow it."));
    assert_int_equal(theirs->buttons_n, 1);
    assert_int_equal(theirs->buttons[0].look, NF_BUTTON_NO);

    (void)press(r, "100", owners->buttons[0].data);
    rig_settle(r);
    wait_for(r, owners, "Allowed once: Ada");
    wait_for(r, theirs, "Allowed once: Ada");
}

RIG_TEST(a_call_too_long_to_look_at_cannot_be_allowed_here)
{
    static char args[NF_PRESENT_CALL_MAX + 32];
    static struct fake_reply replies[] = {
        { .calls = { { "c1", "clock", args } }, .stop = NF_STOP_TOOL_CALLS }, { .text = "ok" }
    };
    int n = snprintf(args, sizeof(args), "{\"x\":\"");
    memset(args + n, 'y', NF_PRESENT_CALL_MAX);
    memcpy(args + n + NF_PRESENT_CALL_MAX, "\"}", 3);
    use_tools(r);
    model_says(r->w, replies, 2);
    rig_say(r, "what time is it?");

    struct post *q = question(r, "home-100");
    assert_int_equal(q->buttons_n, 1);
    assert_int_equal(q->buttons[0].look, NF_BUTTON_NO);
    (void)press(r, "100", q->buttons[0].data);
    rig_settle(r);
}

RIG_TEST(a_stopped_turn_takes_its_question_back)
{
    use_tools(r);
    CALLS("{}");
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");

    rig_say(r, "/stop");
    rig_settle(r);

    wait_for(r, q, "No longer needed");
    assert_int_equal(q->buttons_n, 0);
}

/* Until it is written down that the question was asked. */
static void wait_until_kept(struct rig *r, const struct post *q)
{
    struct nf_chat_store *store = r->w->s.chats;
    int64_t id = 0;
    bool allow;
    assert_true(nf_approval_button_read(q->buttons[0].data, &id, &allow));
    for (int i = 0; i < 4000; i++) {
        NF_CLEANUP(nf_chat_refs_done) struct nf_chat_refs refs = { 0 };
        assert_ok(store->ops->refs(store, id, &refs, &r->w->err), &r->w->err);
        if (refs.n > 0)
            return;
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    }
}

RIG_TEST(who_was_asked_is_not_asked_again)
{
    use_tools(r);
    CALLS("{}");
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");
    wait_until_kept(r, q);
    size_t n = r->n;

    assert_ok(nf_approvals_ask_again(&r->w->app, &r->w->err), &r->w->err);
    assert_ok(nf_sleep(50, &r->w->err), &r->w->err);

    assert_int_equal(r->n, n);
    (void)press(r, "100", q->buttons[1].data);
    rig_settle(r);
}

RIG_TEST(who_cannot_be_asked_at_one_account_is_asked_at_the_next)
{
    const struct nf_identity second = { .user_id = USER, .channel = "telegram", .account = "101" };
    struct nf_user_store *users = r->w->s.users;
    assert_ok(users->ops->link(users, &second, &r->w->err), &r->w->err);
    use_tools(r);
    CALLS("{}");
    r->fail_asks = true; /* a placeholder may come first */
    r->fail = NF_E_DENIED;
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-101");
    (void)press(r, "100", q->buttons[1].data);
    rig_settle(r);
}

/* Nobody knows whether the question arrived: it is asked again, and still decided once. */
RIG_TEST(a_question_that_may_be_lost_is_asked_again)
{
    use_tools(r);
    CALLS("{}");
    r->fail_asks = true; /* a placeholder may come first */
    r->fail = NF_E_CONFLICT;
    rig_say(r, "what time is it?");
    struct post *q = question(r, "home-100");
    (void)press(r, "100", q->buttons[0].data);
    rig_settle(r);
    assert_int_equal(r->w->tools.calls, 1);
}

static void ask_without_memory(struct rig *r)
{
    struct nf_approval_requests open = { 0 };
    enum nf_code rc = NF_E_NOMEM;
    use_tools(r);
    CALLS("{\"x\":\"y\"}");
    r->fail_asks = true;    /* a placeholder may come first */
    r->fail = NF_E_INVALID; /* the channel's own attempt */
    rig_say(r, "what time is it?");
    for (int i = 0; i < 4000 && open.n == 0; i++) {
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
        nf_approval_requests_done(&open);
        assert_ok(r->w->s.approvals->ops->open(r->w->s.approvals, 0, nf_app_now(&r->w->app), 0, 9,
                                               &open, &r->w->err),
                  &r->w->err);
    }
    int64_t id = open.n ? open.v[0].id : 0;
    nf_approval_requests_done(&open);
    assert_ok(nf_sleep(50, &r->w->err), &r->w->err);
    assert_int_equal(r->n, 0);
    for (size_t n = 1; rc != NF_OK; n++) {
        assert_true(n < 300);
        nf_fail_alloc_at(n);
        rc = nf_present_approval(&r->w->app, &r->chat, "100", id, USER, &r->w->err);
        nf_fail_alloc_at(0);
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
    }
    (void)press(r, "100", question(r, "home-100")->buttons[1].data);
    rig_settle(r);
}

RIG_TEST(questions_at_once_have_a_bound)
{
    for (int i = 0; i < NF_CHAT_ASKING_MAX + 10; i++)
        nf_chat_ask(r->channel, 1, USER);
    assert_int_equal(r->channel->asking, NF_CHAT_ASKING_MAX);
    for (int i = 0; i < 4000 && r->channel->asking > 0; i++)
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    assert_int_equal(r->channel->asking, 0);
}

/* In memory only: else the turn that waits would run meanwhile, without memory too. */
static void without_memory_it_is_asked_again(void **state)
{
    (void)state;
    rig_run(ask_without_memory, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_allowed_once_by_a_button),
        cmocka_unit_test(a_call_is_denied_by_a_button),
        cmocka_unit_test(the_button_of_another_decides_nothing),
        cmocka_unit_test(who_asked_sees_that_it_waits_and_who_may_allows_it),
        cmocka_unit_test(a_call_too_long_to_look_at_cannot_be_allowed_here),
        cmocka_unit_test(a_stopped_turn_takes_its_question_back),
        cmocka_unit_test(who_was_asked_is_not_asked_again),
        cmocka_unit_test(who_cannot_be_asked_at_one_account_is_asked_at_the_next),
        cmocka_unit_test(a_question_that_may_be_lost_is_asked_again),
        cmocka_unit_test(without_memory_it_is_asked_again),
        cmocka_unit_test(questions_at_once_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
