/* Channels: order, bounds, closing, and that no wake is lost. */
#include "runtime/fiber.h"

#include "tests/support/test.h"

#include <string.h>

static struct nf_loop *loop;
static struct nf_chan *chan;
static struct nf_err err;
static char seen[64]; /* what was received, in order */

static int setup(void **state)
{
    (void)state;
    seen[0] = '\0';
    if (nf_loop_new(&loop, &err) != NF_OK || nf_chan_new(3, &chan, &err) != NF_OK)
        return -1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nf_fail_alloc_at(0);
    nf_chan_free(chan);
    nf_loop_free(loop);
    return 0;
}

static enum nf_code run(nf_fiber_fn fn, void *arg)
{
    return nf_loop_run(loop, fn, arg, &err);
}

static void see(const void *letter)
{
    strncat(seen, letter, 1);
}

static enum nf_code receive_all(void *arg, struct nf_err *e)
{
    (void)arg;
    for (;;) {
        void *item;
        enum nf_code rc = nf_chan_recv(chan, &item, e);
        if (rc != NF_OK)
            return rc == NF_E_NOT_FOUND ? NF_OK : rc;
        see(item);
    }
}

static enum nf_code receive_one(void *arg, struct nf_err *e)
{
    (void)arg;
    void *item;
    NF_TRY(nf_chan_recv(chan, &item, e));
    see(item);
    return NF_OK;
}

static enum nf_code send_text(void *arg, struct nf_err *e)
{
    for (char *p = arg; *p; p++)
        NF_TRY(nf_chan_send(chan, p, e));
    return NF_OK;
}

/* --- order and bounds ------------------------------------------------------------------------- */

static enum nf_code send_more_than_fits(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope sender, receiver;
    nf_scope_init(&sender, loop);
    nf_scope_init(&receiver, loop);
    NF_TRY(nf_scope_spawn(&sender, send_text, "abcdefghij", NULL, e));
    NF_TRY(nf_sleep(2, e));
    assert_int_equal(nf_chan_count(chan), 3);
    NF_TRY(nf_scope_spawn(&receiver, receive_all, NULL, NULL, e));
    NF_TRY(nf_scope_join(&sender, e));
    nf_chan_close(chan);
    return nf_scope_join(&receiver, e);
}

static void a_sender_waits_for_room_and_order_is_kept(void **state)
{
    (void)state;

    assert_ok(run(send_more_than_fits, NULL), &err);

    assert_string_equal(seen, "abcdefghij");
}

static void trying_to_send_fails_at_the_bound(void **state)
{
    (void)state;

    assert_ok(nf_chan_try_send(chan, "a", &err), &err);
    assert_ok(nf_chan_try_send(chan, "b", &err), &err);
    assert_ok(nf_chan_try_send(chan, "c", &err), &err);
    assert_code(nf_chan_try_send(chan, "d", &err), NF_E_LIMIT);

    assert_int_equal(nf_chan_count(chan), 3);
    nf_chan_close(chan);
    assert_ok(run(receive_all, NULL), &err);
    assert_string_equal(seen, "abc");
}

static enum nf_code many_to_many(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope senders, receivers;
    nf_scope_init(&senders, loop);
    nf_scope_init(&receivers, loop);
    for (int i = 0; i < 4; i++) {
        NF_TRY(nf_scope_spawn(&senders, send_text, "0123456789", NULL, e));
        NF_TRY(nf_scope_spawn(&receivers, receive_all, NULL, NULL, e));
    }
    NF_TRY(nf_scope_join(&senders, e));
    nf_chan_close(chan);
    return nf_scope_join(&receivers, e);
}

static void many_senders_and_receivers_lose_nothing(void **state)
{
    (void)state;
    int count[10] = { 0 };

    assert_ok(run(many_to_many, NULL), &err);

    assert_int_equal(strlen(seen), 40);
    for (char *p = seen; *p; p++)
        count[*p - '0']++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(count[i], 4);
}

/* --- closing ---------------------------------------------------------------------------------- */

static enum nf_code close_while_sending(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, send_text, "abcd", NULL, e));
    NF_TRY(nf_sleep(2, e));
    nf_chan_close(chan);
    return nf_scope_join(&s, e);
}

static void closing_refuses_senders_and_leaves_what_was_sent(void **state)
{
    (void)state;

    assert_code(run(close_while_sending, NULL), NF_E_CONFLICT);
    assert_code(nf_chan_try_send(chan, "e", &err), NF_E_CONFLICT);

    assert_ok(run(receive_all, NULL), &err);
    assert_string_equal(seen, "abc");
}

static enum nf_code close_while_receiving(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, receive_one, NULL, NULL, e));
    NF_TRY(nf_scope_spawn(&s, receive_one, NULL, NULL, e));
    NF_TRY(nf_sleep(2, e));
    nf_chan_close(chan);
    return nf_scope_join(&s, e);
}

static void closing_wakes_all_receivers(void **state)
{
    (void)state;

    assert_code(run(close_while_receiving, NULL), NF_E_NOT_FOUND);
}

/* --- wakes ------------------------------------------------------------------------------------ */

static enum nf_code cancel_the_first_receiver(void *arg, struct nf_err *e)
{
    bool cancel_first = *(bool *)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct nf_fiber *first;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, receive_one, NULL, &first, e));
    NF_TRY(nf_scope_spawn(&s, receive_one, NULL, NULL, e));
    NF_TRY(nf_sleep(2, e));
    if (cancel_first)
        nf_fiber_cancel(first, NF_E_CANCELED);
    NF_TRY(nf_chan_send(chan, "x", e));
    if (!cancel_first)
        nf_fiber_cancel(first, NF_E_CANCELED);
    NF_TRY(nf_sleep(2, e));
    assert_string_equal(seen, "x");
    assert_int_equal(s.running, cancel_first ? 0 : 1);
    nf_chan_close(chan);
    return nf_scope_join(&s, e);
}

static void an_item_wakes_somebody_else_than_who_was_cancelled(void **state)
{
    (void)state;
    bool cancel_first = true;

    assert_code(run(cancel_the_first_receiver, &cancel_first), NF_E_CANCELED);

    assert_string_equal(seen, "x");
}

static void who_was_woken_for_an_item_takes_it_though_cancelled_after(void **state)
{
    (void)state;
    bool cancel_first = false;

    assert_code(run(cancel_the_first_receiver, &cancel_first), NF_E_NOT_FOUND);

    assert_string_equal(seen, "x");
}

static enum nf_code receive_until_a_deadline(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_deadline_push(&d, 10);
    return receive_one(arg, e);
}

static void receiving_ends_with_the_deadline(void **state)
{
    (void)state;

    assert_code(run(receive_until_a_deadline, NULL), NF_E_TIMEOUT);
}

static void a_failing_allocation_is_an_error(void **state)
{
    (void)state;
    struct nf_chan *c = NULL;

    nf_fail_alloc_at(1);
    assert_code(nf_chan_new(1, &c, &err), NF_E_NOMEM);

    assert_null(c);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sender_waits_for_room_and_order_is_kept),
        T(trying_to_send_fails_at_the_bound),
        T(many_senders_and_receivers_lose_nothing),
        T(closing_refuses_senders_and_leaves_what_was_sent),
        T(closing_wakes_all_receivers),
        T(an_item_wakes_somebody_else_than_who_was_cancelled),
        T(who_was_woken_for_an_item_takes_it_though_cancelled_after),
        T(receiving_ends_with_the_deadline),
        T(a_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
