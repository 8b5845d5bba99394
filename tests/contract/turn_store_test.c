/* The turn store: messages come in, answers are written down, zombies are refused. */
#include "tests/contract/fixture.h"

#define TURNS(f) ((f)->s.turns)

static void read_session(struct fixture *f, int64_t id, struct nf_session *ret)
{
    assert_ok(f->s.sessions->ops->get(f->s.sessions, id, 0, ret, &f->err), &f->err);
}

static void read_messages(struct fixture *f, int64_t id)
{
    nf_messages_done(&f->messages);
    assert_ok(f->s.sessions->ops->messages(f->s.sessions, id, 0, 100, &f->messages, &f->err),
              &f->err);
}

static void read_task(struct fixture *f, int64_t id)
{
    nf_task_done(&f->task);
    assert_ok(f->s.tasks->ops->get(f->s.tasks, id, 0, &f->task, &f->err), &f->err);
}

static void read_changes(struct fixture *f, int64_t id)
{
    nf_task_changes_done(&f->changes);
    assert_ok(f->s.tasks->ops->changes(f->s.tasks, id, &f->changes, &f->err), &f->err);
}

static void a_free_session_is_claimed_with_its_first_step(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);

    struct nf_accepted got = given_message(f, 7, 1, "m1");

    assert_false(got.duplicate);
    assert_true(got.claimed);
    assert_int_equal(got.seq, 1);
    assert_int_equal(got.claim.run_id, 100);
    assert_int_equal(got.claim.user_id, 1);
    assert_int_equal(got.claim.fence, 1);
    assert_int_equal(got.claim.attempt, 1);
    assert_int_equal(got.claim.step_id, 101);
    struct nf_session s;
    read_session(f, 7, &s);
    assert_int_equal(s.pending, 1);
    assert_int_equal(s.last_seq, 1);
    assert_int_equal(s.lease_until_ms, 1000 + LEASE);
    assert_int_equal(s.updated_ms, 1000);
    read_messages(f, 7);
    assert_int_equal(f->messages.n, 1);
    assert_string_equal(f->messages.v[0].content, "question");
    assert_string_equal(f->messages.v[0].client_id, "m1");
    assert_int_equal(f->messages.v[0].run_id, 100);
    read_task(f, 101);
    assert_int_equal(f->task.status, NF_TASK_RUNNING);
    assert_int_equal(f->task.kind, NF_TASK_MODEL);
    assert_int_equal(f->task.n, 1);
    read_changes(f, 100);
    assert_int_equal(f->changes.n, 2);
    assert_int_equal(f->changes.v[0].status, NF_TASK_PENDING);
    assert_int_equal(f->changes.v[1].status, NF_TASK_RUNNING);
    read_changes(f, 101);
    assert_int_equal(f->changes.n, 1);
}

static void a_message_behind_another_waits(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");

    struct nf_accepted got = given_message(f, 7, 2, "m2");

    assert_false(got.claimed);
    assert_int_equal(got.seq, 2);
    read_task(f, 200);
    assert_int_equal(f->task.status, NF_TASK_PENDING);
    assert_int_equal(f->task.attempt, 0);
    assert_code(f->s.tasks->ops->get(f->s.tasks, 201, 0, &f->task, &f->err), NF_E_NOT_FOUND);
    read_changes(f, 200);
    assert_int_equal(f->changes.n, 1);
}

static void a_turn_that_waits_in_a_free_session_is_not_overtaken(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    struct nf_accept in = message(7, 1, "m1");
    in.lease_ms = 0;
    struct nf_accepted got;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);
    assert_false(got.claimed);

    got = given_message(f, 7, 2, "m2");

    assert_false(got.claimed);
    struct nf_claim c;
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, OWNER, LEASE, 3000, &c, &f->err), &f->err);
    assert_int_equal(c.run_id, 100);
    assert_int_equal(c.seq, 1);
    assert_int_equal(c.step_id, 0);
}

static void the_same_message_again_gets_the_first_outcome(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");

    struct nf_accepted got = given_message(f, 7, 2, "m1");

    assert_true(got.duplicate);
    assert_false(got.claimed);
    assert_int_equal(got.run_id, 100);
    assert_int_equal(got.session_id, 7);
    assert_int_equal(got.seq, 1);
    struct nf_session s;
    read_session(f, 7, &s);
    assert_int_equal(s.pending, 1);
    assert_int_equal(s.last_seq, 1);
    read_messages(f, 7);
    assert_int_equal(f->messages.n, 1);
}

static void the_same_id_from_another_source_is_another_message(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");
    struct nf_accept in = message(7, 2, "m1");
    struct nf_accepted got;
    in.source = "web:2";

    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);

    assert_false(got.duplicate);
    assert_int_equal(got.seq, 2);
}

static void a_new_session_is_created_with_its_first_message_only(void **state)
{
    struct fixture *f = *state;
    struct nf_session fresh = {
        .id = 7, .user_id = 1, .channel = "tg", .address = "chat", .created_ms = 5, .updated_ms = 5
    };
    struct nf_accept in = message(7, 1, "m1");
    struct nf_accepted got;
    in.create = &fresh;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);
    assert_true(got.claimed);

    struct nf_session other = fresh;
    struct nf_accept again = message(8, 2, "m1");
    other.id = 8;
    again.create = &other;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &again, &got, &f->err), &f->err);

    assert_true(got.duplicate);
    assert_int_equal(got.session_id, 7);
    assert_code(f->s.sessions->ops->get(f->s.sessions, 8, 0, &other, &f->err), NF_E_NOT_FOUND);
    again.client_id = "m2";
    assert_code(TURNS(f)->ops->accept(TURNS(f), &again, &got, &f->err), NF_E_CONFLICT);
}

static void a_session_of_somebody_else_does_not_exist(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    struct nf_accept in = message(7, 1, "m1");
    struct nf_accepted got;
    in.user_id = 2;
    assert_code(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), NF_E_NOT_FOUND);
    in.user_id = 1;
    in.session_id = 8;
    assert_code(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), NF_E_NOT_FOUND);
}

static void the_queue_of_a_session_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    char id[16];
    struct nf_accepted got;
    given_session(f, 7);
    for (int n = 1; n <= NF_SESSION_QUEUE_MAX; n++) {
        (void)snprintf(id, sizeof(id), "m%d", n);
        (void)given_message(f, 7, n, id);
    }
    struct nf_accept in = message(7, 99, "over");

    assert_code(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), NF_E_LIMIT);

    struct nf_session s;
    read_session(f, 7, &s);
    assert_int_equal(s.pending, NF_SESSION_QUEUE_MAX);
    assert_int_equal(s.last_seq, NF_SESSION_QUEUE_MAX);
    got = given_message(f, 7, 99, "m1");
    assert_true(got.duplicate);
}

static void an_answer_is_written_whole(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)given_message(f, 7, 2, "m2");

    assert_ok(TURNS(f)->ops->finish(TURNS(f), answer(&a, &got.claim, 1500), 900, &done, &f->err),
              &f->err);

    assert_int_equal(done.last_seq, 3);
    assert_int_equal(done.pending, 1);
    struct nf_session s;
    read_session(f, 7, &s);
    assert_int_equal(s.lease_until_ms, 0);
    assert_int_equal(s.pending, 1);
    read_messages(f, 7);
    assert_int_equal(f->messages.n, 3);
    assert_string_equal(f->messages.v[2].content, "answer");
    assert_string_equal(f->messages.v[2].model, "p/m");
    assert_int_equal(f->messages.v[2].run_id, 100);
    read_task(f, 100);
    assert_int_equal(f->task.status, NF_TASK_COMPLETED);
    assert_int_equal(f->task.fence, 1);
    assert_int_equal(f->task.ended_ms, 1500);
    assert_string_equal(f->task.name, "p/m");
    read_task(f, 101);
    assert_int_equal(f->task.status, NF_TASK_COMPLETED);
    assert_int_equal(f->task.tokens.output, 20);
    assert_int_equal(f->task.tokens.cache_read, -1);
    read_changes(f, 100);
    assert_int_equal(f->changes.n, 3);
    assert_int_equal(f->changes.v[2].n, 3);
    assert_int_equal(f->changes.v[2].at_ms, 1500);
    assert_ok(f->s.outbox->ops->due(f->s.outbox, 2000, 10, &f->items, &f->err), &f->err);
    assert_int_equal(f->items.n, 1);
    assert_int_equal(f->items.v[0].id, 900);
    assert_int_equal(f->items.v[0].seq, 3);
    assert_int_equal(f->items.v[0].user_id, 1);
    assert_int_equal(f->items.v[0].run_id, 100);
}

static void a_finish_is_refused_the_second_time(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)given_message(f, 7, 2, "m2");
    assert_ok(TURNS(f)->ops->finish(TURNS(f), answer(&a, &got.claim, 1500), 900, &done, &f->err),
              &f->err);

    assert_code(TURNS(f)->ops->finish(TURNS(f), answer(&a, &got.claim, 1600), 901, &done, &f->err),
                NF_E_CONFLICT);

    read_messages(f, 7);
    assert_int_equal(f->messages.n, 3);
}

static void a_step_that_was_never_begun_can_end_with_its_turn(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)answer(&a, &got.claim, 1500);
    a.step.id = 555;
    a.step.n = 2;

    assert_ok(TURNS(f)->ops->finish(TURNS(f), &a.f, 900, &done, &f->err), &f->err);

    read_task(f, 555);
    assert_int_equal(f->task.turn_id, 100);
    assert_int_equal(f->task.session_id, 7);
    assert_int_equal(f->task.status, NF_TASK_COMPLETED);
    read_changes(f, 555);
    assert_int_equal(f->changes.n, 1);
}

static void a_zombie_is_refused_in_everything(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    struct nf_claim c;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    struct nf_task step = {
        .id = 102, .n = 2, .kind = NF_TASK_TOOL, .status = NF_TASK_RUNNING, .started_ms = 5
    };
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, OWNER + 1, LEASE, 1000 + LEASE, &c, &f->err),
              &f->err);
    assert_int_equal(c.fence, got.claim.fence + 1);
    assert_int_equal(c.attempt, 2);

    assert_code(TURNS(f)->ops->step_begin(TURNS(f), &got.claim, &step, &f->err), NF_E_CONFLICT);
    (void)answer(&a, &got.claim, 3000);
    assert_code(TURNS(f)->ops->step_end(TURNS(f), &got.claim, &a.step, &f->err), NF_E_CONFLICT);
    assert_code(TURNS(f)->ops->park(TURNS(f), &got.claim, 3000, &f->err), NF_E_CONFLICT);
    assert_code(TURNS(f)->ops->finish(TURNS(f), &a.f, 900, &done, &f->err), NF_E_CONFLICT);

    read_messages(f, 7);
    assert_int_equal(f->messages.n, 1);
    assert_ok(f->s.outbox->ops->due(f->s.outbox, INT64_MAX, 10, &f->items, &f->err), &f->err);
    assert_int_equal(f->items.n, 0);
    assert_ok(TURNS(f)->ops->finish(TURNS(f), answer(&a, &c, 3000), 901, &done, &f->err), &f->err);
}

static void parts_of_every_kind_come_back_as_they_were(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    struct nf_part parts[NF_PART_REFUSAL];
    char v[] = "line\n\"quoted\" \\ \xf0\x9f\x98\x80 \x01";
    for (int i = 0; i < NF_PART_REFUSAL; i++)
        parts[i] = (struct nf_part){ .type = (enum nf_part_type)(i + 1),
                                     .text = v,
                                     .call_id = v,
                                     .name = v,
                                     .args = v,
                                     .signature = v,
                                     .data = v,
                                     .url = v,
                                     .media_type = i % 2 ? v : NULL,
                                     .is_error = i % 2 };
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)answer(&a, &got.claim, 1500);
    a.m.parts = (struct nf_parts){ parts, NF_PART_REFUSAL };
    assert_ok(TURNS(f)->ops->finish(TURNS(f), &a.f, 900, &done, &f->err), &f->err);

    read_messages(f, 7);

    const struct nf_parts *p = &f->messages.v[1].parts;
    assert_int_equal(p->n, NF_PART_REFUSAL);
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(p->v[i].type, i + 1);
        assert_string_equal(p->v[i].text, v);
        assert_string_equal(p->v[i].url, v);
        assert_string_equal(p->v[i].signature, v);
        assert_int_equal(p->v[i].media_type != NULL, i % 2);
        assert_int_equal(p->v[i].is_error, i % 2);
    }
}

static void assert_untouched(struct fixture *f, int64_t last_seq, int64_t pending)
{
    struct nf_session s;
    read_session(f, 7, &s);
    assert_int_equal(s.last_seq, last_seq);
    assert_int_equal(s.pending, pending);
}

static void out_of_memory_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    struct nf_accepted got;
    static char text[] = "text";
    struct nf_part part = { .type = NF_PART_TEXT, .text = text };
    given_session(f, 7);
    struct nf_accept in = message(7, 1, "m1");

    TORTURE(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), assert_untouched(f, 0, 0));
    (void)answer(&a, &got.claim, 1500);
    a.step.id = 102;
    a.step.n = 2;
    a.step.status = NF_TASK_RUNNING;
    TORTURE(TURNS(f)->ops->step_begin(TURNS(f), &got.claim, &a.step, &f->err), (void)0);
    a.step.status = NF_TASK_COMPLETED;
    a.step.reply = a.m.parts = (struct nf_parts){ &part, 1 };
    TORTURE(TURNS(f)->ops->finish(TURNS(f), &a.f, 900, &done, &f->err), assert_untouched(f, 1, 1));
    assert_untouched(f, 2, 0);

    TORTURE(TURNS(f)->ops->steps(TURNS(f), 100, &f->tasks, &f->err), (void)0);
    size_t waiting;
    TORTURE(TURNS(f)->ops->waiting(TURNS(f), 9000, 9, &waiting, &f->err), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_session_is_claimed_with_its_first_step),
        cmocka_unit_test(a_message_behind_another_waits),
        cmocka_unit_test(a_turn_that_waits_in_a_free_session_is_not_overtaken),
        cmocka_unit_test(the_same_message_again_gets_the_first_outcome),
        cmocka_unit_test(the_same_id_from_another_source_is_another_message),
        cmocka_unit_test(a_new_session_is_created_with_its_first_message_only),
        cmocka_unit_test(a_session_of_somebody_else_does_not_exist),
        cmocka_unit_test(the_queue_of_a_session_ends_at_its_limit),
        cmocka_unit_test(an_answer_is_written_whole),
        cmocka_unit_test(a_finish_is_refused_the_second_time),
        cmocka_unit_test(a_step_that_was_never_begun_can_end_with_its_turn),
        cmocka_unit_test(a_zombie_is_refused_in_everything),
        cmocka_unit_test(parts_of_every_kind_come_back_as_they_were),
        cmocka_unit_test(out_of_memory_leaves_no_trace),
    };
    return RUN_SUITE("turn_store", tests);
}
