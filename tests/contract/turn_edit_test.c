/* The turn store: groups, messages that wait and are edited or answered by another's turn, and
 * chats that begin a new session. */
#include "tests/contract/fixture.h"

#define TURNS(f) ((f)->s.turns)

static void given_chat(struct fixture *f, int64_t id, bool shared)
{
    struct nf_session s = {
        .id = id, .user_id = 1, .channel = "tg", .address = "-5", .shared = shared, .model = "fast"
    };
    assert_ok(f->s.sessions->ops->create(f->s.sessions, &s, &f->err), &f->err);
}

static struct nf_accepted writes(struct fixture *f, int64_t user, int64_t n, const char *client_id)
{
    struct nf_accept in = message(7, n, client_id);
    struct nf_accepted got;
    in.user_id = user;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);
    return got;
}

static const char *content(struct fixture *f, size_t i)
{
    nf_messages_done(&f->messages);
    assert_ok(f->s.sessions->ops->messages(f->s.sessions, 7, 0, 9, &f->messages, &f->err), &f->err);
    assert_true(i < f->messages.n);
    return f->messages.v[i].content;
}

static enum nf_task_status status(struct fixture *f, int64_t run)
{
    nf_task_done(&f->task);
    assert_ok(f->s.tasks->ops->get(f->s.tasks, run, 0, &f->task, &f->err), &f->err);
    return f->task.status;
}

static void in_a_group_each_turn_is_of_who_wrote(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_chat(f, 7, true);

    struct nf_accepted first = writes(f, 2, 1, "a");
    (void)writes(f, 3, 2, "b");

    assert_int_equal(first.claim.user_id, 2);
    assert_string_equal(first.claim.model, "fast");
    assert_ok(TURNS(f)->ops->park(TURNS(f), &first.claim, 1500, &f->err), &f->err);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, OWNER, LEASE, 5000, &c, &f->err), &f->err);
    assert_int_equal(c.user_id, 2);
    assert_string_equal(c.model, "fast");
    (void)status(f, 200);
    assert_int_equal(f->task.user_id, 3);
}

static void nobody_writes_in_the_private_chat_of_another(void **state)
{
    struct fixture *f = *state;
    struct nf_accept in = message(7, 1, "a");
    struct nf_accepted got;
    given_chat(f, 7, false);
    in.user_id = 2;
    assert_code(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), NF_E_NOT_FOUND);
}

static void a_chat_has_one_session_in_which_it_goes_on(void **state)
{
    struct fixture *f = *state;
    struct nf_session_store *store = f->s.sessions;
    struct nf_session s = { .id = 8, .user_id = 1, .channel = "tg", .address = "-5" };
    struct nf_session got;
    given_chat(f, 7, false);
    assert_code(store->ops->create(store, &s, &f->err), NF_E_CONFLICT);
    struct nf_accept in = message(7, 1, "new");
    struct nf_accepted accepted;
    in.retires = true;

    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &accepted, &f->err), &f->err);

    assert_true(accepted.claimed); /* it is answered where it was written */
    assert_code(store->ops->find(store, 1, "tg", "-5", &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(store->ops->create(store, &s, &f->err), &f->err);
    assert_ok(store->ops->find(store, 1, "tg", "-5", &got, &f->err), &f->err);
    assert_int_equal(got.id, 8);
    assert_ok(store->ops->get(store, 7, 1, &got, &f->err), &f->err);
    assert_true(got.retired);
}

static void a_groups_session_is_not_a_private_one(void **state)
{
    struct fixture *f = *state;
    struct nf_session_store *store = f->s.sessions;
    struct nf_session s = { .id = 8, .user_id = 2, .channel = "tg", .address = "-5" };
    struct nf_session got;
    given_chat(f, 7, true);
    assert_code(store->ops->find(store, 1, "tg", "-5", &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(store->ops->find(store, 0, "tg", "-5", &got, &f->err), &f->err);
    assert_true(got.shared);
    assert_ok(store->ops->create(store, &s, &f->err), &f->err);
    s.id = 9;
    s.shared = true;
    assert_code(store->ops->create(store, &s, &f->err), NF_E_CONFLICT);
}

static void a_session_keeps_its_model(void **state)
{
    struct fixture *f = *state;
    struct nf_session_store *store = f->s.sessions;
    struct nf_session got;
    given_chat(f, 7, false);
    assert_ok(store->ops->set_model(store, 7, "slow", &f->err), &f->err);
    assert_ok(store->ops->get(store, 7, 0, &got, &f->err), &f->err);
    assert_string_equal(got.model, "slow");
    assert_code(store->ops->set_model(store, 8, "slow", &f->err), NF_E_NOT_FOUND);
    assert_string_equal(writes(f, 1, 1, "a").claim.model, "slow");
}

/* --- edits ----------------------------------------------------------------------------------- */

static struct nf_revise edit(int64_t run, const char *key, const char *text)
{
    return (struct nf_revise){ .source = "tg:1",
                               .client_id = key,
                               .user_id = 1,
                               .session_id = 7,
                               .run_id = run,
                               .content = text,
                               .cursor_source = "tg:1",
                               .cursor = key,
                               .now_ms = 9000 };
}

static void a_message_that_waits_can_be_edited(void **state)
{
    struct fixture *f = *state;
    struct nf_revise in = edit(200, "e1", "better");
    char place[NF_CURSOR_MAX + 1];
    given_session(f, 7);
    (void)writes(f, 1, 1, "a");
    (void)writes(f, 1, 2, "b");

    assert_ok(TURNS(f)->ops->revise(TURNS(f), &in, &f->err), &f->err);

    assert_string_equal(content(f, 1), "better");
    assert_ok(f->s.chats->ops->cursor(f->s.chats, "tg:1", place, &f->err), &f->err);
    assert_string_equal(place, "e1");
    in.content = "a double changes nothing";
    assert_ok(TURNS(f)->ops->revise(TURNS(f), &in, &f->err), &f->err);
    assert_string_equal(content(f, 1), "better");
}

static void a_message_that_does_not_wait_or_is_anothers_cannot(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    (void)writes(f, 1, 1, "a");
    (void)writes(f, 1, 2, "b");
    struct nf_revise in = edit(100, "e1", "it runs");
    assert_code(TURNS(f)->ops->revise(TURNS(f), &in, &f->err), NF_E_NOT_FOUND);
    in = edit(200, "e2", "not theirs");
    in.user_id = 2;
    assert_code(TURNS(f)->ops->revise(TURNS(f), &in, &f->err), NF_E_NOT_FOUND);
    in = edit(300, "e3", "there is none");
    assert_code(TURNS(f)->ops->revise(TURNS(f), &in, &f->err), NF_E_NOT_FOUND);
    assert_string_equal(content(f, 0), "question");
    assert_string_equal(content(f, 1), "question");
}

/* --- answered together ----------------------------------------------------------------------- */

static void a_turn_takes_in_the_message_that_waits_behind_it(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    given_session(f, 7);
    struct nf_accepted first = writes(f, 1, 1, "a");
    (void)writes(f, 1, 2, "b");

    assert_ok(TURNS(f)->ops->join(TURNS(f), &first.claim, 200, 2500, &f->err), &f->err);

    assert_int_equal(status(f, 200), NF_TASK_COMPLETED);
    assert_string_equal(f->task.reason, NF_JOINED_REASON);
    (void)content(f, 1);
    assert_int_equal(f->messages.v[1].run_id, 100);
    assert_ok(f->s.sessions->ops->get(f->s.sessions, 7, 0, &s, &f->err), &f->err);
    assert_int_equal(s.pending, 1);
    assert_code(TURNS(f)->ops->join(TURNS(f), &first.claim, 200, 2500, &f->err), NF_E_NOT_FOUND);
}

static void it_takes_in_nobody_elses_and_nothing_once_it_lost_its_claim(void **state)
{
    struct fixture *f = *state;
    struct nf_claim old;
    given_chat(f, 7, true);
    struct nf_accepted first = writes(f, 1, 1, "a");
    (void)writes(f, 2, 2, "b");
    (void)writes(f, 1, 3, "c");
    old = first.claim;
    assert_code(TURNS(f)->ops->join(TURNS(f), &old, 200, 2500, &f->err), NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->park(TURNS(f), &old, 2600, &f->err), &f->err);
    assert_code(TURNS(f)->ops->join(TURNS(f), &old, 300, 2700, &f->err), NF_E_CONFLICT);
    assert_int_equal(status(f, 300), NF_TASK_PENDING);
}

/* --- out of memory --------------------------------------------------------------------------- */

static void what_fails_for_lack_of_memory_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct nf_parts parts = { 0 };
    struct nf_accepted got;
    given_session(f, 7);
    struct nf_accept in = message(7, 1, "a");
    assert_ok(nf_parts_add_text(&parts, "text", &f->err), &f->err);
    in.parts = &parts;
    in.ref = "55";
    in.cursor_source = "tg:1";
    in.cursor = "1";
    in.retires = true;
    TORTURE(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), {
        struct nf_session s;
        assert_ok(f->s.sessions->ops->get(f->s.sessions, 7, 0, &s, &f->err), &f->err);
        assert_int_equal(s.last_seq, 0);
        assert_false(s.retired);
    });
    (void)writes(f, 1, 2, "b");
    (void)writes(f, 1, 3, "c");
    struct nf_revise change = edit(300, "e1", "better");
    change.parts = &parts;
    TORTURE(TURNS(f)->ops->revise(TURNS(f), &change, &f->err),
            assert_string_equal(content(f, 2), "question"));
    nf_parts_done(&parts);
    assert_string_equal(content(f, 2), "better");
    TORTURE(TURNS(f)->ops->join(TURNS(f), &got.claim, 200, 9000, &f->err),
            assert_int_equal(status(f, 200), NF_TASK_PENDING));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_a_group_each_turn_is_of_who_wrote),
        cmocka_unit_test(nobody_writes_in_the_private_chat_of_another),
        cmocka_unit_test(a_chat_has_one_session_in_which_it_goes_on),
        cmocka_unit_test(a_groups_session_is_not_a_private_one),
        cmocka_unit_test(a_session_keeps_its_model),
        cmocka_unit_test(a_message_that_waits_can_be_edited),
        cmocka_unit_test(a_message_that_does_not_wait_or_is_anothers_cannot),
        cmocka_unit_test(a_turn_takes_in_the_message_that_waits_behind_it),
        cmocka_unit_test(it_takes_in_nobody_elses_and_nothing_once_it_lost_its_claim),
        cmocka_unit_test(what_fails_for_lack_of_memory_leaves_no_trace),
    };
    return RUN_SUITE("turn_edit", tests);
}
