/* Fibers: starting, waiting, cancelling, deadlines. See fiber_scope_test.c for many at once. */
#include "tests/unit/fiber_fixture.h"

/* --- starting --------------------------------------------------------------------------------- */

static void the_outcome_of_the_main_fiber_is_that_of_the_loop(void **state)
{
    (void)state;
    enum nf_code ok = NF_OK, bad = NF_E_DENIED;

    assert_ok(run(fail_with, &ok), &err);
    assert_code(run(fail_with, &bad), NF_E_DENIED);

    assert_string_equal(err.msg, "as told");
    assert_null(nf_fiber_current());
}

static enum nf_code see_it(void *arg, struct nf_err *e)
{
    (void)e;
    see(*(char *)arg);
    return NF_OK;
}

static enum nf_code spawn_and_see(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, see_it, "b", NULL, e));
    NF_TRY(nf_scope_spawn(&s, see_it, "c", NULL, e));
    see('a');
    NF_TRY(nf_scope_join(&s, e));
    see('d');
    return NF_OK;
}

static void a_child_begins_after_its_parent_waits(void **state)
{
    (void)state;

    assert_ok(run(spawn_and_see, NULL), &err);

    assert_string_equal(seen, "abcd");
}

static enum nf_code wait_at_gate(void *arg, struct nf_err *e)
{
    (void)arg;
    enum nf_code rc = nf_wait(&gate, -1, "the gate", e);
    if (rc == NF_OK)
        see('o');
    if (rc == NF_E_TIMEOUT)
        see('t');
    return rc;
}

static enum nf_code wake_and_see(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, wait_at_gate, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    nf_wait_wake(&gate, NF_OK);
    nf_wait_wake(&gate, NF_E_IO);
    see('a');
    return nf_scope_join(&s, e);
}

static void a_woken_fiber_runs_later_and_the_first_wake_counts(void **state)
{
    (void)state;

    assert_ok(run(wake_and_see, NULL), &err);

    assert_string_equal(seen, "ao");
}

static enum nf_code wait_after_the_wake(void *arg, struct nf_err *e)
{
    (void)arg;
    nf_wait_wake(&gate, NF_E_IO);
    return nf_wait(&gate, 0, "the gate", e);
}

static enum nf_code spawn_and_see_it(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, see_it, arg, NULL, e));
    see('b');
    return nf_scope_join(&s, e);
}

static enum nf_code wake_and_spawn(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, wait_at_gate, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    nf_wait_wake(&gate, NF_OK);
    NF_TRY(nf_scope_spawn(&s, spawn_and_see_it, "c", NULL, e));
    see('a');
    return nf_scope_join(&s, e);
}

static void who_is_new_begins_before_who_was_woken_goes_on(void **state)
{
    (void)state;

    assert_ok(run(wake_and_spawn, NULL), &err);

    assert_string_equal(seen, "abco");
}

static void see_the_end(void *arg)
{
    (void)arg;
    assert_null(nf_fiber_current());
    see('e');
}

static enum nf_code ask_for_the_end(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < 2; i++) {
        see('a');
        nf_loop_at_round_end(loop, arg);
        NF_TRY(nf_scope_spawn(&s, see_it, "b", NULL, e));
        NF_TRY(nf_yield(e));
    }
    return nf_scope_join(&s, e);
}

static void the_end_of_a_round_comes_behind_its_fibers_and_once(void **state)
{
    struct nf_round_end end = { .fn = see_the_end };
    (void)state;

    assert_ok(run(ask_for_the_end, &end), &err);

    assert_string_equal(seen, "abeabe");
}

static void a_wait_that_was_woken_before_returns_at_once(void **state)
{
    (void)state;

    assert_code(run(wait_after_the_wake, NULL), NF_E_IO);

    assert_string_equal(err.msg, "the gate: io");
}

/* --- time ------------------------------------------------------------------------------------- */

static void sleeping_takes_as_long_as_asked(void **state)
{
    (void)state;
    int ms = 30;
    int64_t from = now_us();

    assert_ok(run(sleep_some, &ms), &err);

    assert_true(now_us() - from >= 30000);
}

static enum nf_code wait_for_20_ms(void *arg, struct nf_err *e)
{
    (void)arg;
    return nf_wait(&gate, 20, "the gate", e);
}

static void a_wait_ends_with_its_timeout(void **state)
{
    (void)state;
    int64_t from = now_us();

    assert_code(run(wait_for_20_ms, NULL), NF_E_TIMEOUT);

    assert_true(now_us() - from >= 20000);
    assert_string_equal(err.msg, "the gate: time is up");
}

static int64_t delays[300], order[300];
static size_t order_n;

static enum nf_code sleep_and_note(void *arg, struct nf_err *e)
{
    int64_t ms = *(int64_t *)arg, from = now_us();
    NF_TRY(nf_sleep(ms, e));
    assert_true(now_us() - from >= ms * 1000);
    order[order_n++] = ms;
    return NF_OK;
}

static enum nf_code sleep_all(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    unsigned seed = 1;
    for (int i = 0; i < 300; i++) {
        seed = seed * 1103515245 + 12345;
        /* 20 ms apart, so that a slow start of one does not change the order. */
        delays[i] = 100 + 20 * ((seed >> 16) % 20);
        NF_TRY(nf_scope_spawn(&s, sleep_and_note, &delays[i], NULL, e));
    }
    return nf_scope_join(&s, e);
}

static void hundreds_of_sleepers_wake_in_the_order_of_their_times(void **state)
{
    (void)state;
    order_n = 0;

    assert_ok(run(sleep_all, NULL), &err);

    assert_int_equal(order_n, 300);
    for (size_t i = 1; i < order_n && !under_valgrind() && !SANITIZED; i++)
        assert_true(order[i - 1] <= order[i]);
}

static enum nf_code nest_deadlines(void *arg, struct nf_err *e)
{
    (void)arg;
    int64_t from = now_us();
    struct nf_deadline outer, later, earlier;
    nf_deadline_push(&outer, 500);

    nf_deadline_push(&later, 10000);
    nf_deadline_push(&earlier, 10);
    assert_code(nf_sleep(5000, e), NF_E_TIMEOUT);
    assert_true(now_us() - from < 500000);
    assert_code(nf_yield(e), NF_E_TIMEOUT);
    nf_deadline_pop(&earlier);
    assert_ok(nf_sleep(1, e), e);
    assert_code(nf_sleep(5000, e), NF_E_TIMEOUT);
    nf_deadline_pop(&later);
    nf_deadline_pop(&outer);

    assert_true(now_us() - from >= 500000);
    assert_true(now_us() - from < 5000000);
    return nf_sleep(1, e);
}

static void of_nested_deadlines_the_earlier_one_holds(void **state)
{
    (void)state;

    assert_ok(run(nest_deadlines, NULL), &err);
}

static struct nf_fiber *waiter;
static enum nf_code waiter_rc;

static enum nf_code wait_with_a_deadline(void *arg, struct nf_err *e)
{
    const int64_t *ms = arg;
    struct nf_deadline d;
    nf_deadline_push(&d, *ms);
    waiter_rc = nf_wait(&gate, -1, "gate", e);
    nf_deadline_pop(&d);
    return NF_OK;
}

/* The deadline of one that waits moves by `by` ms; then, 100 ms later, it is let through. */
static enum nf_code move_a_deadline(int64_t ms, int64_t by, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    gate = (struct nf_wait){ 0 };
    NF_TRY(nf_scope_spawn(&s, wait_with_a_deadline, &ms, &waiter, e));
    NF_TRY(nf_yield(e));
    NF_TRY(nf_yield(e));
    nf_fiber_move_deadline(waiter, by);
    NF_TRY(nf_sleep(100, e));
    nf_wait_wake(&gate, NF_OK);
    return nf_scope_join(&s, e);
}

static enum nf_code move_deadlines(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_TRY(move_a_deadline(50, 60000, e));
    assert_code(waiter_rc, NF_OK);
    NF_TRY(move_a_deadline(60000, -60000, e));
    assert_code(waiter_rc, NF_E_TIMEOUT);
    nf_fiber_move_deadline(nf_fiber_current(), 5); /* it has none: nothing happens */
    return nf_sleep(10, e);
}

static void a_deadline_can_be_moved_while_it_is_waited_for(void **state)
{
    (void)state;

    assert_ok(run(move_deadlines, NULL), &err);
}

static enum nf_code hand_down_a_deadline(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_scope_init(&s, loop);
    nf_deadline_push(&d, 30);
    NF_TRY(nf_scope_spawn(&s, wait_at_gate, NULL, NULL, e));
    return nf_scope_join(&s, e);
}

static void a_child_inherits_the_deadline(void **state)
{
    (void)state;

    assert_code(run(hand_down_a_deadline, NULL), NF_E_TIMEOUT);

    assert_string_equal(seen, "t");
}

/* --- cancelling ------------------------------------------------------------------------------- */

static struct nf_chan *chan;

static enum nf_code in_wait(void *arg, struct nf_err *e)
{
    (void)arg;
    struct nf_wait w = { 0 };
    return nf_wait(&w, 60000, "nothing", e);
}

static enum nf_code in_send(void *arg, struct nf_err *e)
{
    (void)arg;
    for (;;)
        NF_TRY(nf_chan_send(chan, NULL, e));
}

static enum nf_code in_recv(void *arg, struct nf_err *e)
{
    (void)arg;
    void *item;
    for (;;)
        NF_TRY(nf_chan_recv(chan, &item, e));
}

static enum nf_code in_join(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, in_sleep, NULL, NULL, e));
    return nf_scope_join(&s, e);
}

static void a_cancel_ends_every_kind_of_wait(void **state)
{
    (void)state;
    const nf_fiber_fn waits[] = { in_sleep, in_yield, in_wait, in_send, in_recv, in_join };
    int64_t from = now_us();
    assert_ok(nf_chan_new(3, &chan, &err), &err);

    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        for (int64_t after = -1; after <= 5; after += 3) {
            struct cancelled c = { .fn = waits[i], .with = NF_E_CANCELED, .after_ms = after };
            assert_code(run(cancel_a_child, &c), NF_E_CANCELED);
            void *item;
            while (nf_chan_count(chan) > 0)
                assert_ok(nf_chan_recv(chan, &item, &err), &err);
        }
    }

    nf_chan_free(chan);
    assert_true(now_us() - from < 30000000);
}

static void a_cancel_may_bring_a_better_code(void **state)
{
    (void)state;
    struct cancelled c = { .fn = in_sleep, .with = NF_E_UNAVAILABLE, .after_ms = 2 };

    assert_code(run(cancel_a_child, &c), NF_E_UNAVAILABLE);

    c.with = NF_E_TIMEOUT;
    assert_code(run(cancel_a_child, &c), NF_E_TIMEOUT);
}

static enum nf_code outlive_a_cancel(void *arg, struct nf_err *e)
{
    (void)arg;
    assert_code(nf_fiber_cancelled(), NF_OK);
    assert_code(nf_sleep(60000, e), NF_E_CANCELED);
    assert_code(nf_fiber_cancelled(), NF_E_CANCELED);
    assert_code(nf_sleep(1, e), NF_E_CANCELED);
    assert_code(nf_yield(e), NF_E_CANCELED);
    nf_fiber_uncancel();
    return nf_sleep(1, e);
}

static void a_cancelled_fiber_waits_again_only_when_it_says_so(void **state)
{
    (void)state;
    struct cancelled c = { .fn = outlive_a_cancel, .with = NF_E_CANCELED, .after_ms = 2 };

    assert_ok(run(cancel_a_child, &c), &err);
}

static struct nf_wait firm;

static enum nf_code wait_firmly(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_deadline_push(&d, 5);
    enum nf_code rc = nf_wait_uninterruptible(&firm);
    see('w');
    assert_code(rc, NF_E_CONFLICT);
    return nf_sleep(1, e);
}

static enum nf_code wake_the_firm(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    firm = (struct nf_wait){ 0 };
    NF_TRY(nf_scope_spawn(&s, wait_firmly, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    nf_scope_cancel(&s);
    NF_TRY(nf_sleep(20, e));
    see('a');
    nf_wait_wake(&firm, NF_E_CONFLICT);
    return nf_scope_join(&s, e);
}

static void an_uninterruptible_wait_outlasts_cancel_and_deadline(void **state)
{
    (void)state;

    assert_code(run(wake_the_firm, NULL), NF_E_CANCELED);

    assert_string_equal(seen, "aw");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_outcome_of_the_main_fiber_is_that_of_the_loop),
        T(a_child_begins_after_its_parent_waits),
        T(a_woken_fiber_runs_later_and_the_first_wake_counts),
        T(who_is_new_begins_before_who_was_woken_goes_on),
        T(the_end_of_a_round_comes_behind_its_fibers_and_once),
        T(a_wait_that_was_woken_before_returns_at_once),
        T(sleeping_takes_as_long_as_asked),
        T(a_wait_ends_with_its_timeout),
        T(hundreds_of_sleepers_wake_in_the_order_of_their_times),
        T(of_nested_deadlines_the_earlier_one_holds),
        T(a_deadline_can_be_moved_while_it_is_waited_for),
        T(a_child_inherits_the_deadline),
        T(a_cancel_ends_every_kind_of_wait),
        T(a_cancel_may_bring_a_better_code),
        T(a_cancelled_fiber_waits_again_only_when_it_says_so),
        T(an_uninterruptible_wait_outlasts_cancel_and_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
