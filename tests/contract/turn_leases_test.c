/* The turn store: who may work on a session, and the steps of a turn. */
#include "tests/contract/fixture.h"

#define TURNS(f) ((f)->s.turns)

static void read_session(struct fixture *f, int64_t id, struct nf_session *ret)
{
    assert_ok(f->s.sessions->ops->get(f->s.sessions, id, 0, ret, &f->err), &f->err);
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

static void a_claim_takes_the_oldest_turn_once_the_lease_has_ended(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");
    (void)given_message(f, 7, 2, "m2");

    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, 4, LEASE, 999 + LEASE, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 4, LEASE, 1000 + LEASE, &c, &f->err), &f->err);

    assert_int_equal(c.run_id, 100);
    assert_int_equal(c.attempt, 2);
    read_changes(f, 100);
    assert_int_equal(f->changes.n, 2); /* it was running already */
    read_task(f, 100);
    assert_int_equal(f->task.started_ms, 1000);
}

static void an_empty_session_cannot_be_claimed(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_session(f, 7);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, 4, LEASE, 5000, &c, &f->err), NF_E_NOT_FOUND);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 8, 4, LEASE, 5000, &c, &f->err), NF_E_NOT_FOUND);
}

static void steps_are_kept_in_order_with_what_came_of_them(void **state)
{
    struct fixture *f = *state;
    static char args[] = "{\"a\":1}", result[] = "it \"said\" \xc3\xa4", said[] = "call",
                id[] = "c1", name[] = "tool";
    struct nf_part parts[] = {
        { .type = NF_PART_TEXT, .text = said },
        { .type = NF_PART_TOOL_CALL, .call_id = id, .name = name, .args = args, .cache = true }
    };
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    struct nf_task model = { .id = 101,
                             .n = 1,
                             .kind = NF_TASK_MODEL,
                             .status = NF_TASK_COMPLETED,
                             .ended_ms = 1100,
                             .name = "p/m",
                             .reply = { parts, 2 },
                             .tokens = { 1, 2, 3, 4 } };
    struct nf_task tool = { .id = 102,
                            .n = 2,
                            .kind = NF_TASK_TOOL,
                            .status = NF_TASK_RUNNING,
                            .created_ms = 1200,
                            .started_ms = 1200,
                            .name = "tool",
                            .call_id = "c1",
                            .args = args };

    assert_ok(TURNS(f)->ops->step_end(TURNS(f), &got.claim, &model, &f->err), &f->err);
    assert_ok(TURNS(f)->ops->step_begin(TURNS(f), &got.claim, &tool, &f->err), &f->err);
    tool.status = NF_TASK_FAILED;
    tool.ended_ms = 1300;
    tool.result = result;
    tool.is_error = true;
    memcpy(tool.reason, "broken", 7);
    assert_ok(TURNS(f)->ops->step_end(TURNS(f), &got.claim, &tool, &f->err), &f->err);
    assert_ok(TURNS(f)->ops->steps(TURNS(f), 100, &f->tasks, &f->err), &f->err);

    assert_int_equal(f->tasks.n, 2);
    const struct nf_task *m = &f->tasks.v[0], *t = &f->tasks.v[1];
    assert_int_equal(m->reply.n, 2);
    assert_string_equal(m->reply.v[0].text, "call");
    assert_int_equal(m->reply.v[1].type, NF_PART_TOOL_CALL);
    assert_string_equal(m->reply.v[1].args, args);
    assert_true(m->reply.v[1].cache);
    assert_int_equal(m->tokens.cache_write, 4);
    assert_string_equal(t->args, args);
    assert_string_equal(t->result, result);
    assert_string_equal(t->reason, "broken");
    assert_string_equal(t->call_id, "c1");
    assert_true(t->is_error);
    assert_int_equal(t->session_id, 7);
    assert_int_equal(t->user_id, 1);
    assert_code(TURNS(f)->ops->step_end(TURNS(f), &got.claim, &tool, &f->err), NF_E_CONFLICT);
    assert_code(TURNS(f)->ops->step_begin(TURNS(f), &got.claim, &tool, &f->err), NF_E_CONFLICT);
}

static void a_step_that_was_cut_off_begins_again(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    struct nf_task tool = { .id = 102,
                            .n = 2,
                            .kind = NF_TASK_TOOL,
                            .status = NF_TASK_RUNNING,
                            .created_ms = 1200,
                            .started_ms = 1200 };
    assert_ok(TURNS(f)->ops->step_begin(TURNS(f), &got.claim, &tool, &f->err), &f->err);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 4, LEASE, 9000, &c, &f->err), &f->err);

    assert_ok(TURNS(f)->ops->step_begin(TURNS(f), &c, &tool, &f->err), &f->err);

    read_task(f, 102);
    assert_int_equal(f->task.attempt, 2);
    assert_int_equal(f->task.status, NF_TASK_RUNNING);
    read_changes(f, 102);
    assert_int_equal(f->changes.n, 1);
    tool.id = 103;
    assert_code(TURNS(f)->ops->step_begin(TURNS(f), &c, &tool, &f->err), NF_E_CONFLICT);
}

static void a_parked_turn_is_claimed_again(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    assert_ok(TURNS(f)->ops->park(TURNS(f), &got.claim, 1100, &f->err), &f->err);
    assert_code(TURNS(f)->ops->park(TURNS(f), &got.claim, 1100, &f->err), NF_E_CONFLICT);

    assert_ok(TURNS(f)->ops->ready(TURNS(f), 1100, 10, &f->claims, &f->err), &f->err);
    assert_int_equal(f->claims.n, 1);
    assert_int_equal(f->claims.session_ids[0], 7);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 4, LEASE, 1100, &c, &f->err), &f->err);
    assert_int_equal(c.attempt, 2);
    assert_int_equal(c.fence, 2);
}

static void only_a_waiting_turn_is_cancelled(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    given_session(f, 7);
    given_session(f, 8);
    (void)given_message(f, 7, 1, "m1");
    (void)given_message(f, 7, 2, "m2");

    assert_code(TURNS(f)->ops->cancel_pending(TURNS(f), 7, 100, 2100, &f->err), NF_E_NOT_FOUND);
    assert_code(TURNS(f)->ops->cancel_pending(TURNS(f), 8, 200, 2100, &f->err), NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->cancel_pending(TURNS(f), 7, 200, 2100, &f->err), &f->err);
    assert_code(TURNS(f)->ops->cancel_pending(TURNS(f), 7, 200, 2100, &f->err), NF_E_NOT_FOUND);

    read_session(f, 7, &s);
    assert_int_equal(s.pending, 1);
    read_task(f, 200);
    assert_int_equal(f->task.status, NF_TASK_CANCELLED);
    assert_int_equal(f->task.ended_ms, 2100);
    read_changes(f, 200);
    assert_int_equal(f->changes.n, 2);
}

static void heartbeat_and_release_touch_only_their_owner(void **state)
{
    struct fixture *f = *state;
    struct nf_session s;
    given_session(f, 7);
    given_session(f, 8);
    given_session(f, 9);
    (void)given_message(f, 7, 1, "m1");
    struct nf_accept in = message(8, 2, "m2");
    struct nf_accepted got;
    in.owner = 4;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);

    assert_ok(TURNS(f)->ops->heartbeat(TURNS(f), OWNER, 5000, 3000, &f->err), &f->err);
    read_session(f, 7, &s);
    assert_int_equal(s.lease_until_ms, 8000);
    read_session(f, 8, &s);
    assert_int_equal(s.lease_until_ms, 2000 + LEASE);
    assert_ok(TURNS(f)->ops->release(TURNS(f), 4, &f->err), &f->err);

    read_session(f, 7, &s);
    assert_int_equal(s.lease_until_ms, 8000);
    read_session(f, 8, &s);
    assert_int_equal(s.lease_until_ms, 0);
    read_session(f, 9, &s);
    assert_int_equal(s.lease_until_ms, 0);
    assert_code(TURNS(f)->ops->park(TURNS(f), &got.claim, 1, &f->err), NF_E_CONFLICT);
}

static void sessions_are_ready_in_the_order_they_wait(void **state)
{
    struct fixture *f = *state;
    for (int64_t n = 1; n <= 3; n++) {
        given_session(f, 6 + n);
        struct nf_accept in = message(6 + n, n, "m");
        struct nf_accepted got;
        char id[] = { 'm', (char)('0' + n), 0 };
        in.client_id = id;
        in.now_ms = 5000 - n;
        in.lease_ms = n == 2 ? LEASE : 0;
        assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);
    }

    assert_ok(TURNS(f)->ops->ready(TURNS(f), 5000, 10, &f->claims, &f->err), &f->err);
    assert_int_equal(f->claims.n, 2);
    assert_int_equal(f->claims.session_ids[0], 9);
    assert_int_equal(f->claims.session_ids[1], 7);
    nf_claims_done(&f->claims);
    assert_ok(TURNS(f)->ops->ready(TURNS(f), 4998 + LEASE, 2, &f->claims, &f->err), &f->err);
    assert_int_equal(f->claims.n, 2);
    assert_int_equal(f->claims.session_ids[1], 8);
}

static void a_clock_that_steps_back_does_not_turn_changes_round(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)answer(&a, &got.claim, 400);
    assert_ok(TURNS(f)->ops->finish(TURNS(f), &a.f, 900, &done, &f->err), &f->err);

    read_changes(f, 100);
    assert_int_equal(f->changes.n, 3);
    assert_int_equal(f->changes.v[2].at_ms, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_claim_takes_the_oldest_turn_once_the_lease_has_ended),
        cmocka_unit_test(an_empty_session_cannot_be_claimed),
        cmocka_unit_test(steps_are_kept_in_order_with_what_came_of_them),
        cmocka_unit_test(a_step_that_was_cut_off_begins_again),
        cmocka_unit_test(a_parked_turn_is_claimed_again),
        cmocka_unit_test(only_a_waiting_turn_is_cancelled),
        cmocka_unit_test(heartbeat_and_release_touch_only_their_owner),
        cmocka_unit_test(sessions_are_ready_in_the_order_they_wait),
        cmocka_unit_test(a_clock_that_steps_back_does_not_turn_changes_round),
    };
    return RUN_SUITE("turn_leases", tests);
}
