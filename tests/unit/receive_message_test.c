/* A person writes: what is accepted, into which session, and who hears of it. */
#include "tests/unit/use_case_fixture.h"

static void a_first_message_makes_a_session_with_a_title(void **state)
{
    struct world *w = *state;
    struct nf_session s;
    struct nf_accepted a = write_message(w, "m1", "Hello there\nand more");
    assert_false(a.duplicate);
    assert_true(a.claimed);
    assert_int_equal(a.seq, 1);
    assert_ok(w->s.sessions->ops->get(w->s.sessions, a.session_id, USER, &s, &w->err), &w->err);
    assert_string_equal(s.channel, "web");
    assert_true(strncmp(s.title, "Hello there", 11) == 0);
    assert_null(strchr(s.title, '\n'));
    assert_int_equal(w->runner.started, 1);
    assert_int_equal(w->runner.woken, 0);
    assert_true(w->runner.claim.run_id == a.run_id);
    assert_true(w->runner.claim.step_id > a.run_id);
    assert_string_equal(history_of(w, a.run_id), "pending running");
}

static void a_message_to_a_session_at_work_waits(void **state)
{
    struct world *w = *state;
    struct nf_accepted first = write_message(w, "m1", "one");
    struct nf_accepted second = write_message(w, "m2", "two");
    assert_true(second.session_id == first.session_id);
    assert_false(second.claimed);
    assert_int_equal(second.seq, 2);
    assert_int_equal(w->runner.started, 1);
    assert_int_equal(w->runner.woken, 1);
    assert_true(w->runner.woken_session == first.session_id);
    assert_string_equal(history_of(w, second.run_id), "pending");
}

static void the_same_message_again_gets_the_first_outcome(void **state)
{
    struct world *w = *state;
    struct nf_accepted first = write_message(w, "m1", "one"), again;
    struct nf_incoming in = incoming(w, "m1", "other words");
    in.session_id = 0; /* also if it does not know its session yet */
    assert_ok(nf_receive_message(&w->app, &in, &again, &w->err), &w->err);
    assert_true(again.duplicate);
    assert_false(again.claimed);
    assert_true(again.run_id == first.run_id && again.session_id == first.session_id &&
                again.seq == first.seq);
    assert_int_equal(w->runner.started + w->runner.woken, 1);
    assert_string_equal(said(w), "user:one|");
}

static void the_same_id_from_another_source_is_another_message(void **state)
{
    struct world *w = *state;
    struct nf_accepted first = write_message(w, "m1", "one"), other;
    struct nf_incoming in = incoming(w, "m1", "one");
    in.source = "tg:1";
    assert_ok(nf_receive_message(&w->app, &in, &other, &w->err), &w->err);
    assert_false(other.duplicate);
    assert_true(other.run_id != first.run_id);
}

static void a_chat_has_one_session(void **state)
{
    struct world *w = *state;
    struct nf_accepted a, b;
    struct nf_incoming in = incoming(w, "m1", "one");
    in.channel = "telegram";
    in.address = "4711";
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
    in.client_id = "m2";
    assert_ok(nf_receive_message(&w->app, &in, &b, &w->err), &w->err);
    assert_true(a.session_id == b.session_id);
    in.client_id = "m3";
    in.address = "4712";
    assert_ok(nf_receive_message(&w->app, &in, &b, &w->err), &w->err);
    assert_true(a.session_id != b.session_id);
}

/* Another message of the chat comes between looking for its session and making one. */
static struct world *racing;

static enum nf_code find_too_early(struct nf_session_store *s, int64_t user_id, const char *channel,
                                   const char *address, struct nf_session *ret, struct nf_err *err)
{
    struct world *w = racing;
    struct nf_accepted a;
    struct nf_incoming in = incoming(w, "first", "one");
    in.channel = channel;
    in.address = address;
    (void)s;
    w->app.sessions = w->s.sessions; /* from now on it looks properly */
    enum nf_code rc = w->s.sessions->ops->find(w->s.sessions, user_id, channel, address, ret, err);
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
    w->session = a.session_id;
    return rc;
}

static void two_first_messages_at_once_share_the_session(void **state)
{
    static const struct nf_session_store_ops ops = { .find = find_too_early };
    struct nf_session_store early = { &ops };
    struct world *w = *state;
    struct nf_accepted a;
    struct nf_incoming in = incoming(w, "second", "two");
    in.channel = "telegram";
    in.address = "4711";
    racing = w;
    w->app.sessions = &early;
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
    assert_true(a.session_id == w->session);
    assert_int_equal(a.seq, 2);
    assert_string_equal(said(w), "user:one|user:two|");
}

static enum nf_code receive(struct world *w, const struct nf_incoming *in)
{
    struct nf_accepted a;
    return nf_receive_message(&w->app, in, &a, &w->err);
}

static void nothing_of_a_refused_message_is_stored(struct world *w)
{
    struct nf_sessions all = { 0 };
    assert_ok(w->s.sessions->ops->list(w->s.sessions, USER, 0, 0, 10, &all, &w->err), &w->err);
    assert_int_equal(all.n, 0);
    nf_sessions_done(&all);
    assert_int_equal(w->runner.started + w->runner.woken, 0);
}

static void a_blocked_person_is_refused(void **state)
{
    struct world *w = *state;
    struct nf_incoming in = incoming(w, "m1", "one");
    w->user.status = NF_USER_BLOCKED;
    assert_code(receive(w, &in), NF_E_DENIED);
    nothing_of_a_refused_message_is_stored(w);
}

static void while_shutting_down_nothing_is_accepted(void **state)
{
    struct world *w = *state;
    struct nf_incoming in = incoming(w, "m1", "one");
    w->app.intake_closed = true;
    assert_code(receive(w, &in), NF_E_UNAVAILABLE);
    nothing_of_a_refused_message_is_stored(w);
}

static void what_is_no_message_is_refused(void **state)
{
    struct world *w = *state;
    struct nf_incoming in = incoming(w, "m1", "");
    assert_code(receive(w, &in), NF_E_INVALID);
    in = incoming(w, "m1", " \n ");
    assert_code(receive(w, &in), NF_E_INVALID);
    in = incoming(w, "m1", "\xff");
    assert_code(receive(w, &in), NF_E_INVALID);
    in = incoming(w, "", "one");
    assert_code(receive(w, &in), NF_E_INVALID);
    in = incoming(w, "a b", "one");
    assert_code(receive(w, &in), NF_E_INVALID);
    nothing_of_a_refused_message_is_stored(w);
}

static void a_message_may_have_256_kib(void **state)
{
    struct world *w = *state;
    static char text[NF_MESSAGE_BYTES_MAX + 2];
    memset(text, 'x', NF_MESSAGE_BYTES_MAX + 1);
    struct nf_incoming in = incoming(w, "m1", text);
    assert_code(receive(w, &in), NF_E_LIMIT);
    nothing_of_a_refused_message_is_stored(w);
    text[NF_MESSAGE_BYTES_MAX] = '\0';
    in = incoming(w, "m1", text);
    assert_ok(receive(w, &in), &w->err);
}

static void somebody_elses_session_is_not_found(void **state)
{
    struct world *w = *state;
    write_message(w, "m1", "one");
    struct nf_user stranger = { .id = 8, .status = NF_USER_ACTIVE, .role = NF_USER_USER };
    struct nf_incoming in = incoming(w, "m2", "let me in");
    in.user = &stranger;
    assert_code(receive(w, &in), NF_E_NOT_FOUND);
    in.user = &w->user;
    in.session_id = w->session + 1;
    assert_code(receive(w, &in), NF_E_NOT_FOUND);
    assert_string_equal(said(w), "user:one|");
}

static void a_question_goes_on_from_one_of_its_session(void **state)
{
    struct world *w = *state;
    struct nf_messages said = { 0 };
    struct nf_accepted a;
    (void)write_message(w, "m1", "one");
    struct nf_incoming in = incoming(w, "m2", "one, but otherwise");
    in.branch = 1;
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
    assert_int_equal(a.seq, 2);
    in = incoming(w, "m3", "on from the first");
    in.branch = 2;
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
    in = incoming(w, "m4", "on from nothing");
    in.branch = 9;
    assert_code(nf_receive_message(&w->app, &in, &a, &w->err), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "parent_seq"));
    in = incoming(w, "m5", "without a session");
    in.branch = 1;
    in.session_id = 0;
    assert_code(nf_receive_message(&w->app, &in, &a, &w->err), NF_E_INVALID);
    assert_ok(w->s.sessions->ops->messages(w->s.sessions, w->session, 0, 9, &said, &w->err),
              &w->err);
    assert_int_equal(said.n, 3);
    assert_int_equal(said.v[1].branch, 1);
    assert_int_equal(said.v[2].branch, 2);
    nf_messages_done(&said);
}

static void thirty_two_messages_may_wait(void **state)
{
    struct world *w = *state;
    char id[16];
    for (int i = 0; i < NF_SESSION_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        write_message(w, id, "one");
    }
    struct nf_incoming in = incoming(w, "too-many", "one");
    assert_code(receive(w, &in), NF_E_LIMIT);
    MODEL_SAYS(w, { .text = "yes" });
    assert_ok(answer(w), &w->err);
    assert_ok(receive(w, &in), &w->err);
}

static void without_room_a_message_waits_for_its_turn(void **state)
{
    struct world *w = *state;
    w->runner.is_full = true;
    struct nf_accepted a = write_message(w, "m1", "one");
    assert_false(a.claimed);
    assert_int_equal(w->runner.started, 0);
    assert_int_equal(w->runner.woken, 1);
    assert_int_equal(w->app.waiting, 1);
    assert_string_equal(history_of(w, a.run_id), "pending");
}

static void so_many_of_a_person_wait_and_so_many_of_all(void **state)
{
    struct world *w = *state;
    struct nf_incoming in;
    w->runner.is_full = true;
    w->app.settings.user_waiting_max = 2;
    w->app.settings.waiting_max = 3;
    write_message(w, "m1", "one");
    w->session = 0; /* another conversation */
    write_message(w, "m2", "two");
    in = incoming(w, "m3", "three");
    assert_code(receive(w, &in), NF_E_LIMIT);
    assert_non_null(strstr(w->err.msg, "2 of your messages wait"));
    w->app.settings.user_waiting_max = 100;
    assert_ok(receive(w, &in), &w->err);

    in = incoming(w, "m4", "four");
    assert_code(receive(w, &in), NF_E_LIMIT);
    assert_non_null(strstr(w->err.msg, "3 messages wait"));
    assert_int_equal(w->app.refused, 2);
    in = incoming(w, "m1", "one"); /* what was taken stays taken */
    assert_ok(receive(w, &in), &w->err);
    w->app.waiting = 2; /* as it was found in the database */
    in = incoming(w, "m4", "four");
    assert_ok(receive(w, &in), &w->err);
}

static void out_of_memory_nothing_or_all_of_it_is_stored(void **state)
{
    (void)state;
    struct nf_incoming in;
    struct nf_accepted a;
    TORTURE(in = incoming(w, "m1", "one"), nf_receive_message(&w->app, &in, &a, &w->err), {
        if (rc != NF_OK) {
            nothing_of_a_refused_message_is_stored(w);
            assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
            assert_false(a.duplicate);
        }
        w->session = a.session_id;
        assert_string_equal(said(w), "user:one|");
        assert_int_equal(w->runner.started, 1);
    });
}

static void what_is_attached_has_a_bound(void **state)
{
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    const size_t most = (size_t)NF_MEDIA_BYTES_MAX / 3 * 4; /* as base64 */
    struct nf_part *p;
    struct nf_err err;
    (void)state;
    for (int i = 0; i < NF_MEDIA_FILES_MAX; i++)
        assert_ok(nf_parts_add(&parts, NF_PART_IMAGE, &p, &err), &err);
    assert_ok(nf_check_media(&parts, &err), &err);
    assert_ok(nf_parts_add(&parts, NF_PART_DOCUMENT, &p, &err), &err);
    assert_code(nf_check_media(&parts, &err), NF_E_LIMIT);
    nf_parts_done(&parts);

    assert_ok(nf_parts_add(&parts, NF_PART_IMAGE, &p, &err), &err);
    p->data = calloc(1, most + 5);
    assert_non_null(p->data);
    memset(p->data, 'A', most);
    assert_ok(nf_check_media(&parts, &err), &err);
    memset(p->data + most, 'A', 4);
    assert_code(nf_check_media(&parts, &err), NF_E_LIMIT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_first_message_makes_a_session_with_a_title),
        T(a_message_to_a_session_at_work_waits),
        T(the_same_message_again_gets_the_first_outcome),
        T(the_same_id_from_another_source_is_another_message),
        T(a_chat_has_one_session),
        T(two_first_messages_at_once_share_the_session),
        T(a_blocked_person_is_refused),
        T(while_shutting_down_nothing_is_accepted),
        T(what_is_no_message_is_refused),
        T(a_message_may_have_256_kib),
        T(somebody_elses_session_is_not_found),
        T(a_question_goes_on_from_one_of_its_session),
        T(thirty_two_messages_may_wait),
        T(without_room_a_message_waits_for_its_turn),
        T(so_many_of_a_person_wait_and_so_many_of_all),
        cmocka_unit_test(what_is_attached_has_a_bound),
        cmocka_unit_test(out_of_memory_nothing_or_all_of_it_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
