#include "tests/contract/fixture.h"

#define SESSIONS(f) ((f)->s.sessions)

static void ask_and_answer(struct fixture *f, int64_t session, int64_t n)
{
    char id[16];
    struct answer a;
    struct nf_finished done;
    (void)snprintf(id, sizeof(id), "m%d", (int)n);
    struct nf_accepted got = given_message(f, session, n, id);
    assert_ok(f->s.turns->ops->finish(f->s.turns, answer(&a, &got.claim, 1000 * n + 500), 9000 + n,
                                      &done, &f->err),
              &f->err);
}

static void a_session_comes_back_as_it_was_created(void **state)
{
    struct fixture *f = *state;
    struct nf_session in = { .id = 7,
                             .user_id = 1,
                             .channel = "telegram",
                             .address = "-100",
                             .title = "Gr\xc3\xbc\xc3\x9f",
                             .created_ms = 5,
                             .updated_ms = 6 },
                      got;
    assert_ok(SESSIONS(f)->ops->create(SESSIONS(f), &in, &f->err), &f->err);

    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &got, &f->err), &f->err);
    assert_string_equal(got.title, in.title);
    assert_string_equal(got.channel, "telegram");
    assert_string_equal(got.address, "-100");
    assert_int_equal(got.created_ms, 5);
    assert_int_equal(got.updated_ms, 6);
    assert_int_equal(got.last_seq, 0);
    assert_int_equal(got.pending, 0);
    assert_ok(SESSIONS(f)->ops->find(SESSIONS(f), 1, "telegram", "-100", &got, &f->err), &f->err);
    assert_int_equal(got.id, 7);
    assert_code(SESSIONS(f)->ops->create(SESSIONS(f), &in, &f->err), NF_E_CONFLICT);
    in.id = 8; /* the same chat */
    assert_code(SESSIONS(f)->ops->create(SESSIONS(f), &in, &f->err), NF_E_CONFLICT);
}

static void sessions_of_somebody_else_are_not_found(void **state)
{
    struct fixture *f = *state;
    struct nf_session got;
    given_session(f, 7);
    assert_code(SESSIONS(f)->ops->get(SESSIONS(f), 7, 2, &got, &f->err), NF_E_NOT_FOUND);
    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 0, &got, &f->err), &f->err);
    assert_code(SESSIONS(f)->ops->remove(SESSIONS(f), 7, 2, &f->err), NF_E_NOT_FOUND);
    got.user_id = 2;
    assert_code(SESSIONS(f)->ops->rename(SESSIONS(f), &got, 9, &f->err), NF_E_NOT_FOUND);
}

static void a_web_session_is_not_found_by_its_empty_address(void **state)
{
    struct fixture *f = *state;
    struct nf_session got;
    given_session(f, 7);
    given_session(f, 8);
    assert_code(SESSIONS(f)->ops->find(SESSIONS(f), 1, "web", "", &got, &f->err), NF_E_NOT_FOUND);
}

static void a_list_is_paged_by_newest_activity(void **state)
{
    struct fixture *f = *state;
    for (int64_t id = 1; id <= 5; id++)
        given_session(f, id);
    struct nf_session s;
    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 2, 1, &s, &f->err), &f->err);
    assert_ok(SESSIONS(f)->ops->rename(SESSIONS(f), &s, 50, &f->err), &f->err);

    assert_ok(SESSIONS(f)->ops->list(SESSIONS(f), 1, 0, 0, 2, &f->sessions, &f->err), &f->err);
    assert_int_equal(f->sessions.n, 2);
    assert_int_equal(f->sessions.v[0].id, 2);
    assert_int_equal(f->sessions.v[1].id, 5);
    nf_sessions_done(&f->sessions);
    assert_ok(SESSIONS(f)->ops->list(SESSIONS(f), 1, 10, 5, 10, &f->sessions, &f->err), &f->err);
    assert_int_equal(f->sessions.n, 3);
    assert_int_equal(f->sessions.v[0].id, 4);
    assert_int_equal(f->sessions.v[2].id, 1);
    nf_sessions_done(&f->sessions);
    assert_ok(SESSIONS(f)->ops->list(SESSIONS(f), 2, 0, 0, 2, &f->sessions, &f->err), &f->err);
    assert_int_equal(f->sessions.n, 0);
}

static void a_title_is_stored(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    given_session(f, 7);
    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &s, &f->err), &f->err);
    memcpy(s.title, "New", 4);

    assert_ok(SESSIONS(f)->ops->rename(SESSIONS(f), &s, 77, &f->err), &f->err);

    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &s, &f->err), &f->err);
    assert_string_equal(s.title, "New");
    assert_int_equal(s.updated_ms, 77);
    s.id = 8;
    assert_code(SESSIONS(f)->ops->rename(SESSIONS(f), &s, 78, &f->err), NF_E_NOT_FOUND);
}

static void what_is_pinned_is_listed_by_when(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    for (int64_t id = 7; id <= 9; id++)
        given_session(f, id);
    assert_ok(SESSIONS(f)->ops->pin(SESSIONS(f), 8, 1, 100, &f->err), &f->err);
    assert_ok(SESSIONS(f)->ops->pin(SESSIONS(f), 7, 1, 200, &f->err), &f->err);
    assert_code(SESSIONS(f)->ops->pin(SESSIONS(f), 9, 2, 300, &f->err), NF_E_NOT_FOUND);

    assert_ok(SESSIONS(f)->ops->pinned(SESSIONS(f), 1, 9, &f->sessions, &f->err), &f->err);
    assert_int_equal(f->sessions.n, 2);
    assert_int_equal(f->sessions.v[0].id, 7);
    assert_int_equal(f->sessions.v[0].pinned_ms, 200);
    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &s, &f->err), &f->err);
    assert_int_equal(s.updated_ms, 10); /* it does not count as something said */
    nf_sessions_done(&f->sessions);
    assert_ok(SESSIONS(f)->ops->pin(SESSIONS(f), 7, 1, 0, &f->err), &f->err);
    assert_ok(SESSIONS(f)->ops->pinned(SESSIONS(f), 1, 1, &f->sessions, &f->err), &f->err);
    assert_int_equal(f->sessions.n, 1);
    assert_int_equal(f->sessions.v[0].id, 8);
}

static void a_question_keeps_what_it_goes_on_from(void **state)
{
    struct fixture *f = *state;
    struct nf_accepted got;
    given_session(f, 7);
    ask_and_answer(f, 7, 1);
    struct nf_accept in = message(7, 2, "m2");
    in.branch = 1;
    assert_ok(f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err), &f->err);
    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 0, 9, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 3);
    assert_int_equal(f->messages.v[0].branch, 0);
    assert_int_equal(f->messages.v[1].branch, 0);
    assert_int_equal(f->messages.v[2].branch, 1);
}

static void removing_takes_messages_and_tasks_along(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_session(f, 8);
    ask_and_answer(f, 7, 1);
    ask_and_answer(f, 8, 2);

    assert_ok(SESSIONS(f)->ops->remove(SESSIONS(f), 7, 1, &f->err), &f->err);

    struct nf_session s;
    assert_code(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &s, &f->err), NF_E_NOT_FOUND);
    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 0, 9, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 0);
    for (int64_t id = 100; id <= 101; id++) {
        assert_code(f->s.tasks->ops->get(f->s.tasks, id, 0, &f->task, &f->err), NF_E_NOT_FOUND);
        assert_ok(f->s.tasks->ops->changes(f->s.tasks, id, &f->changes, &f->err), &f->err);
        assert_int_equal(f->changes.n, 0);
        nf_task_changes_done(&f->changes);
    }
    assert_ok(f->s.outbox->ops->due(f->s.outbox, INT64_MAX, 9, &f->items, &f->err), &f->err);
    assert_int_equal(f->items.n, 1);
    assert_int_equal(f->items.v[0].session_id, 8);
    nf_messages_done(&f->messages);
    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 8, 0, 9, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 2);
}

static void a_session_with_a_turn_is_not_removed(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");
    assert_code(SESSIONS(f)->ops->remove(SESSIONS(f), 7, 1, &f->err), NF_E_CONFLICT);
    assert_ok(SESSIONS(f)->ops->get(SESSIONS(f), 7, 1, &s, &f->err), &f->err);
}

static void messages_are_paged_from_the_newest_each_page_oldest_first(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_session(f, 8);
    for (int64_t n = 1; n <= 3; n++)
        ask_and_answer(f, 7, n);
    ask_and_answer(f, 8, 4);

    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 0, 4, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 4);
    assert_int_equal(f->messages.v[0].seq, 3);
    assert_int_equal(f->messages.v[3].seq, 6);
    nf_messages_done(&f->messages);
    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 3, 4, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 2);
    assert_int_equal(f->messages.v[0].seq, 1);
    assert_int_equal(f->messages.v[1].seq, 2);
    nf_messages_done(&f->messages);
    assert_ok(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 1, 4, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 0);
}

static void the_messages_of_a_run_are_found_between_those_of_others(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)given_message(f, 7, 2, "m2");
    struct nf_message two[2];
    (void)answer(&a, &got.claim, 1500);
    two[0] = two[1] = a.m;
    two[0].role = NF_ROLE_TOOL;
    a.f.messages = two;
    a.f.messages_n = 2;
    assert_ok(f->s.turns->ops->finish(f->s.turns, &a.f, 900, &done, &f->err), &f->err);

    assert_ok(SESSIONS(f)->ops->run_messages(SESSIONS(f), 7, 100, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 3);
    assert_int_equal(f->messages.v[0].seq, 1);
    assert_int_equal(f->messages.v[1].seq, 3);
    assert_int_equal(f->messages.v[1].role, NF_ROLE_TOOL);
    assert_int_equal(f->messages.v[2].seq, 4);
    nf_messages_done(&f->messages);
    assert_ok(SESSIONS(f)->ops->run_messages(SESSIONS(f), 7, 200, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 1);
    assert_int_equal(f->messages.v[0].seq, 2);
    nf_messages_done(&f->messages);
    assert_ok(SESSIONS(f)->ops->run_messages(SESSIONS(f), 8, 100, &f->messages, &f->err), &f->err);
    assert_int_equal(f->messages.n, 0);
}

static void runs_since_a_fence_are_those_that_ended(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    for (int64_t n = 1; n <= 4; n++)
        ask_and_answer(f, 7, n);
    (void)given_message(f, 7, 5, "open");

    assert_ok(SESSIONS(f)->ops->runs_since(SESSIONS(f), 7, 2, 2, &f->tasks, &f->err), &f->err);
    assert_int_equal(f->tasks.n, 2);
    assert_int_equal(f->tasks.v[0].id, 200);
    assert_int_equal(f->tasks.v[0].fence, 2);
    assert_int_equal(f->tasks.v[1].id, 300);
    nf_tasks_done(&f->tasks);
    assert_ok(SESSIONS(f)->ops->runs_since(SESSIONS(f), 7, 0, 9, &f->tasks, &f->err), &f->err);
    assert_int_equal(f->tasks.n, 4);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    struct nf_session s = { .id = 9, .user_id = 1, .channel = "web" };
    given_session(f, 7);
    given_session(f, 8);
    ask_and_answer(f, 7, 1);
    TORTURE(SESSIONS(f)->ops->create(SESSIONS(f), &s, &f->err), (void)0);
    TORTURE(SESSIONS(f)->ops->list(SESSIONS(f), 1, 0, 0, 9, &f->sessions, &f->err),
            assert_int_equal(f->sessions.n, 0));
    assert_int_equal(f->sessions.n, 3);
    TORTURE(SESSIONS(f)->ops->messages(SESSIONS(f), 7, 0, 9, &f->messages, &f->err),
            assert_int_equal(f->messages.n, 0));
    assert_int_equal(f->messages.n, 2);
    TORTURE(SESSIONS(f)->ops->runs_since(SESSIONS(f), 7, 0, 9, &f->tasks, &f->err),
            assert_int_equal(f->tasks.n, 0));
    TORTURE(SESSIONS(f)->ops->remove(SESSIONS(f), 7, 1, &f->err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_comes_back_as_it_was_created),
        cmocka_unit_test(sessions_of_somebody_else_are_not_found),
        cmocka_unit_test(a_web_session_is_not_found_by_its_empty_address),
        cmocka_unit_test(a_list_is_paged_by_newest_activity),
        cmocka_unit_test(a_title_is_stored),
        cmocka_unit_test(what_is_pinned_is_listed_by_when),
        cmocka_unit_test(a_question_keeps_what_it_goes_on_from),
        cmocka_unit_test(removing_takes_messages_and_tasks_along),
        cmocka_unit_test(a_session_with_a_turn_is_not_removed),
        cmocka_unit_test(messages_are_paged_from_the_newest_each_page_oldest_first),
        cmocka_unit_test(the_messages_of_a_run_are_found_between_those_of_others),
        cmocka_unit_test(runs_since_a_fence_are_those_that_ended),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
    };
    return RUN_SUITE("session_store", tests);
}
