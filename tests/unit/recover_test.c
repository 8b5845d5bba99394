/* After a crash or a restart. */
#include "application/deliver_reply.h"
#include "application/recover.h"
#include "tests/unit/use_case_fixture.h"

/* What the daemon does every second. */
static enum nf_code keep_going(struct world *w)
{
    size_t n;
    NF_TRY(nf_keep_going(&w->app, &w->err));
    return deliver_due(w, &n, &w->err);
}

static void an_unfinished_turn_is_taken_up_again(void **state)
{
    struct world *w = *state;
    struct nf_recovered r;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "m1", "hello"); /* and now we die */
    assert_code(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), NF_E_NOT_FOUND);
    assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
    assert_int_equal(r.turns, 1);
    assert_int_equal(w->runner.pulled, 1);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:yes|");
}

static void what_another_instance_works_on_is_left_to_it(void **state)
{
    struct world *w = *state;
    struct nf_recovered r;
    write_message(w, "m1", "hello");
    w->app.owner = 4;
    assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
    assert_int_equal(r.turns, 0);
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->runner.pulled, 0);
    w->now += LEASE; /* it died, too */
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->runner.pulled, 1);
}

static void leases_that_are_kept_do_not_run_out(void **state)
{
    struct world *w = *state;
    write_message(w, "m1", "hello");
    w->now += LEASE - 1;
    assert_ok(nf_keep_leases(&w->app, &w->err), &w->err);
    w->now += LEASE - 1;
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->runner.pulled, 0);
    w->now += 1;
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->runner.pulled, 1);
}

/* An item that was being sent when we died. */
static struct world *given_sending(bool repeatable)
{
    struct world *w = world_new();
    struct nf_outbox_items due = { 0 };
    MODEL_SAYS(w, { .text = "yes" });
    w->web.fail = NF_E_UNAVAILABLE;
    write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    w->web.fail = NF_OK;
    w->web.port.repeatable = repeatable;
    w->now += 10000;
    assert_ok(w->s.outbox->ops->due(w->s.outbox, w->now, 10, &due, &w->err), &w->err);
    assert_int_equal(due.n, 1);
    assert_ok(w->s.outbox->ops->begin(w->s.outbox, due.v[0].id, w->app.owner, &w->err), &w->err);
    nf_outbox_items_done(&due);
    return w;
}

static void what_may_be_sent_twice_is_sent_again(void **state)
{
    (void)state;
    struct world *w = given_sending(true);
    struct nf_recovered r;
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->web.delivered, 0);
    assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
    assert_int_equal(r.outbox, 1);
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->web.delivered, 1);
    world_free(w);
}

static void what_may_not_is_left_ambiguous(void **state)
{
    (void)state;
    struct world *w = given_sending(false);
    struct nf_recovered r;
    assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
    assert_int_equal(r.outbox, 1);
    assert_ok(keep_going(w), &w->err);
    assert_int_equal(w->web.delivered, 0);
    assert_int_equal(outbox_due(w), 0);
    world_free(w);
}

static void with_nothing_to_do_nothing_is_done(void **state)
{
    struct world *w = *state;
    struct nf_recovered r;
    assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
    assert_int_equal(r.turns + (size_t)r.outbox, 0);
    assert_ok(keep_going(w), &w->err);
    assert_ok(nf_tidy_up(&w->app, &w->err), &w->err);
    assert_int_equal(w->runner.pulled + w->runner.started, 0);
}

static void out_of_memory_it_can_be_done_again(void **state)
{
    (void)state;
    struct nf_recovered r;
    TORTURE(write_message(w, "m1", "hello"), nf_recover(&w->app, &r, &w->err), {
        if (rc != NF_OK)
            assert_ok(nf_recover(&w->app, &r, &w->err), &w->err);
        assert_int_equal(r.turns, 1);
        assert_int_equal(w->runner.pulled, 1);
    });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_unfinished_turn_is_taken_up_again),
        T(what_another_instance_works_on_is_left_to_it),
        T(leases_that_are_kept_do_not_run_out),
        cmocka_unit_test(what_may_be_sent_twice_is_sent_again),
        cmocka_unit_test(what_may_not_is_left_ambiguous),
        T(with_nothing_to_do_nothing_is_done),
        cmocka_unit_test(out_of_memory_it_can_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
