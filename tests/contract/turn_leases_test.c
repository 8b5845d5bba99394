/* The turn store: who may work on a session, and the steps of a turn. */
#include "tests/contract/fixture.h"

#define TURNS(f) ((f)->s.turns)

static size_t waiting(struct fixture *f, int64_t now_ms)
{
    size_t n = 0;
    assert_ok(TURNS(f)->ops->waiting(TURNS(f), now_ms, 100, &n, &f->err), &f->err);
    return n;
}

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

    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, 0, 4, LEASE, 999 + LEASE, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, 4, LEASE, 1000 + LEASE, &c, &f->err), &f->err);

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
    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, 0, 4, LEASE, 5000, &c, &f->err), NF_E_NOT_FOUND);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 8, 0, 4, LEASE, 5000, &c, &f->err), NF_E_NOT_FOUND);
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
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, 4, LEASE, 9000, &c, &f->err), &f->err);

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

    assert_int_equal(waiting(f, 1100), 1);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, 0, 4, LEASE, 1100, &c, &f->err), &f->err);
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

/* Session `id` of `user` with a message that waits since `now_ms`. */
static void given_waiting(struct fixture *f, int64_t id, int64_t user, int64_t now_ms)
{
    char client_id[16] = "";
    struct nf_session s = { .id = id, .user_id = user, .channel = "web" };
    struct nf_accepted got;
    struct nf_accept in = message(id, id, client_id);
    (void)snprintf(client_id, sizeof(client_id), "m%lld", (long long)id);
    assert_ok(f->s.sessions->ops->create(f->s.sessions, &s, &f->err), &f->err);
    in.user_id = user;
    in.now_ms = now_ms;
    in.lease_ms = 0;
    assert_ok(TURNS(f)->ops->accept(TURNS(f), &in, &got, &f->err), &f->err);
    assert_false(got.claimed);
}

/* What a round takes, as "<session> <session>". */
static const char *taken(struct fixture *f, int64_t after, size_t each, size_t limit, int64_t now)
{
    static char text[256];
    size_t n = 0;
    const struct nf_round round = { .owner = OWNER,
                                    .lease_ms = LEASE,
                                    .now_ms = now,
                                    .after_user = after,
                                    .each = each,
                                    .limit = limit };
    text[0] = '\0';
    nf_leases_done(&f->leases);
    assert_ok(TURNS(f)->ops->take(TURNS(f), &round, &f->leases, &f->err), &f->err);
    for (int64_t id = 1; id < 100; id++)
        for (size_t i = 0; i < f->leases.n; i++)
            if (f->leases.v[i].session_id == id)
                n += (size_t)snprintf(text + n, sizeof(text) - n, n ? " %lld" : "%lld",
                                      (long long)id);
    return text;
}

static void people_take_turns(void **state)
{
    struct fixture *f = *state;
    for (int64_t i = 0; i < 5; i++)
        given_waiting(f, 10 + i, 1, 2000 + i);
    given_waiting(f, 30, 3, 4000);
    given_waiting(f, 31, 3, 3000); /* waits longer than 30 */
    given_waiting(f, 20, 2, 5000);
    assert_int_equal(waiting(f, 6000), 8);

    assert_string_equal(taken(f, 1, 1, 1, 6000), "20");
    assert_string_equal(taken(f, 2, 1, 2, 6000), "31");
    assert_string_equal(taken(f, 0, 1, 5, 6000), "10 30");
    assert_string_equal(taken(f, 0, 3, 2, 6000), "11 12");
    assert_string_equal(taken(f, 0, 5, 5, 6000), "13 14");
    assert_string_equal(taken(f, 0, 5, 5, 6000), "");
    assert_int_equal(waiting(f, 6000), 0);
}

static void a_round_goes_on_to_the_next_person_where_one_has_had_enough(void **state)
{
    struct fixture *f = *state;
    for (int64_t user = 1; user <= 3; user++)
        for (int64_t i = 0; i < 3; i++)
            given_waiting(f, user * 10 + i, user, 2000 + i);

    assert_string_equal(taken(f, 0, 2, 5, 6000), "10 11 20 21 30");
    assert_string_equal(taken(f, 2, 2, 5, 6000), "31 32");
}

static void what_is_worked_on_is_not_taken_until_its_lease_ends(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    (void)given_message(f, 7, 1, "m1");

    assert_string_equal(taken(f, 0, 1, 5, 999 + LEASE), "");
    assert_int_equal(waiting(f, 999 + LEASE), 0);
    assert_string_equal(taken(f, 0, 1, 5, 1000 + LEASE), "7");
    assert_int_equal(f->leases.v[0].fence, 2); /* what a claim will move it to */
    assert_int_equal(f->leases.v[0].user_id, 1);
}

static void a_turn_is_claimed_with_the_lease_it_was_taken_with(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_waiting(f, 7, 1, 1000);
    assert_string_equal(taken(f, 0, 1, 1, 2000), "7");
    int64_t fence = f->leases.v[0].fence;

    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, 0, OWNER, LEASE, 2100, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, fence, OWNER + 1, LEASE, 2100, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, fence - 1, OWNER, LEASE, 2100, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, fence, OWNER, LEASE, 2100, &c, &f->err), &f->err);
    assert_int_equal(c.fence, fence);
    assert_int_equal(c.run_id, 700);
    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, fence, OWNER, LEASE, 2100, &c, &f->err),
                NF_E_NOT_FOUND);
}

static void who_lost_a_lease_before_the_claim_claims_nothing(void **state)
{
    struct fixture *f = *state;
    struct nf_claim c;
    given_waiting(f, 7, 1, 1000);
    assert_string_equal(taken(f, 0, 1, 1, 2000), "7");
    int64_t fence = f->leases.v[0].fence;
    const struct nf_round later = {
        .owner = OWNER + 1, .lease_ms = LEASE, .now_ms = 2000 + LEASE, .each = 1, .limit = 1
    };
    nf_leases_done(&f->leases);
    assert_ok(TURNS(f)->ops->take(TURNS(f), &later, &f->leases, &f->err), &f->err);
    assert_int_equal(f->leases.n, 1);

    assert_code(TURNS(f)->ops->claim(TURNS(f), 7, fence, OWNER, LEASE, 2001 + LEASE, &c, &f->err),
                NF_E_NOT_FOUND);
    assert_ok(TURNS(f)->ops->claim(TURNS(f), 7, fence, OWNER + 1, LEASE, 2001 + LEASE, &c, &f->err),
              &f->err);
    assert_int_equal(c.attempt, 1);
}

static enum nf_code accept_waiting(struct fixture *f, int64_t session, int64_t n, int64_t max,
                                   int64_t full_at, struct nf_accepted *got)
{
    char client_id[16] = "";
    struct nf_accept in = message(session, n, client_id);
    (void)snprintf(client_id, sizeof(client_id), "n%lld", (long long)n);
    in.lease_ms = 0;
    in.user_waiting_max = max;
    in.full_at = full_at;
    return TURNS(f)->ops->accept(TURNS(f), &in, got, &f->err);
}

static void only_so_many_messages_of_a_person_wait(void **state)
{
    struct fixture *f = *state;
    struct nf_accepted got;
    given_session(f, 7);
    given_session(f, 8);
    (void)given_message(f, 7, 1, "m1"); /* is worked on: does not count */
    assert_ok(accept_waiting(f, 7, 2, 3, 0, &got), &f->err);
    assert_ok(accept_waiting(f, 8, 3, 3, 0, &got), &f->err);
    assert_ok(accept_waiting(f, 8, 4, 3, 0, &got), &f->err);

    assert_code(accept_waiting(f, 8, 5, 3, 0, &got), NF_E_LIMIT);
    assert_non_null(strstr(f->err.msg, "3 of your messages"));
    assert_ok(accept_waiting(f, 8, 4, 3, 0, &got), &f->err);
    assert_true(got.duplicate);
    assert_ok(accept_waiting(f, 8, 5, 4, 0, &got), &f->err);
    given_waiting(f, 9, 2, 1000);
}

static void when_it_is_full_only_doubles_are_answered(void **state)
{
    struct fixture *f = *state;
    struct nf_accepted got, first;
    given_session(f, 7);
    assert_ok(accept_waiting(f, 7, 1, 0, 0, &first), &f->err);

    assert_code(accept_waiting(f, 7, 2, 0, 500, &got), NF_E_LIMIT);
    assert_non_null(strstr(f->err.msg, "500 messages wait"));
    assert_ok(accept_waiting(f, 7, 1, 0, 500, &got), &f->err);
    assert_true(got.duplicate && got.run_id == first.run_id);
}

static void taking_is_all_or_nothing_without_memory(void **state)
{
    struct fixture *f = *state;
    const struct nf_round round = {
        .owner = OWNER, .lease_ms = LEASE, .now_ms = 6000, .each = 30, .limit = 30
    };
    for (int64_t i = 0; i < 20; i++)
        given_waiting(f, 10 + i, 1, 2000 + i);
    TORTURE(TURNS(f)->ops->take(TURNS(f), &round, &f->leases, &f->err),
            assert_int_equal(waiting(f, 6000), 20));
    assert_int_equal(f->leases.n, 20);
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
        cmocka_unit_test(people_take_turns),
        cmocka_unit_test(a_round_goes_on_to_the_next_person_where_one_has_had_enough),
        cmocka_unit_test(what_is_worked_on_is_not_taken_until_its_lease_ends),
        cmocka_unit_test(a_turn_is_claimed_with_the_lease_it_was_taken_with),
        cmocka_unit_test(who_lost_a_lease_before_the_claim_claims_nothing),
        cmocka_unit_test(only_so_many_messages_of_a_person_wait),
        cmocka_unit_test(when_it_is_full_only_doubles_are_answered),
        cmocka_unit_test(taking_is_all_or_nothing_without_memory),
        cmocka_unit_test(a_clock_that_steps_back_does_not_turn_changes_round),
    };
    return RUN_SUITE("turn_leases", tests);
}
