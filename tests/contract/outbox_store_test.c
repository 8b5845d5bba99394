#include "tests/contract/fixture.h"

#define OUTBOX(f) ((f)->s.outbox)

/* A session `n` of its own with an item 900 + n that is due at 1000 * n + 500. */
static void given_item(struct fixture *f, int64_t session, int64_t n)
{
    char id[16];
    struct answer a;
    struct nf_finished done;
    (void)snprintf(id, sizeof(id), "m%d", (int)n);
    struct nf_accepted got = given_message(f, session, n, id);
    assert_ok(f->s.turns->ops->finish(f->s.turns, answer(&a, &got.claim, 1000 * n + 500), 900 + n,
                                      &done, &f->err),
              &f->err);
}

static size_t due(struct fixture *f, int64_t now_ms, size_t limit)
{
    nf_outbox_items_done(&f->items);
    assert_ok(OUTBOX(f)->ops->due(OUTBOX(f), now_ms, limit, &f->items, &f->err), &f->err);
    return f->items.n;
}

static void items_are_due_from_their_time_on_oldest_first(void **state)
{
    struct fixture *f = *state;
    for (int64_t n = 1; n <= 3; n++) {
        given_session(f, n);
        given_item(f, n, n);
    }
    assert_int_equal(due(f, 1499, 9), 0);
    assert_int_equal(due(f, 1500, 9), 1);
    assert_int_equal(due(f, 9999, 2), 2);
    assert_int_equal(f->items.v[0].id, 901);
    assert_int_equal(f->items.v[1].id, 902);
    assert_int_equal(f->items.v[0].session_id, 1);
    assert_int_equal(f->items.v[0].seq, 2);
    assert_int_equal(f->items.v[0].created_ms, 1500);
    assert_int_equal(f->items.v[0].status, NF_OUTBOX_PENDING);
    assert_string_equal(f->items.v[0].channel, "web");
}

static void a_reply_does_not_overtake_an_earlier_one_of_its_session(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_item(f, 7, 1);
    given_item(f, 7, 2);
    assert_int_equal(due(f, 9999, 9), 1);
    assert_int_equal(f->items.v[0].id, 901);

    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 0);
    assert_ok(
        OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER, NF_OUTBOX_PENDING, 99999, "busy", &f->err),
        &f->err);
    assert_int_equal(due(f, 9999, 9), 0);
    assert_ok(OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER, NF_OUTBOX_AMBIGUOUS, 0, "?", &f->err),
              &f->err);
    assert_int_equal(due(f, 9999, 9), 1);
    assert_int_equal(f->items.v[0].id, 902);
}

static void an_item_is_taken_once_and_gone_when_sent(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_item(f, 7, 1);

    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), &f->err);
    assert_code(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), NF_E_CONFLICT);
    assert_ok(OUTBOX(f)->ops->sent(OUTBOX(f), 901, &f->err), &f->err);
    assert_code(OUTBOX(f)->ops->sent(OUTBOX(f), 901, &f->err), NF_E_NOT_FOUND);
    assert_code(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), NF_E_CONFLICT);
    assert_code(OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER, NF_OUTBOX_FAILED, 0, NULL, &f->err),
                NF_E_NOT_FOUND);
}

static void what_comes_before_a_run_is_known(void **state)
{
    struct fixture *f = *state;
    bool ahead = false;
    given_session(f, 7);
    given_session(f, 8);
    given_item(f, 7, 1);
    struct nf_accepted next = given_message(f, 7, 2, "m2"), other = given_message(f, 8, 3, "m3");

    assert_ok(OUTBOX(f)->ops->ahead(OUTBOX(f), next.run_id, &ahead, &f->err), &f->err);
    assert_true(ahead);
    assert_ok(OUTBOX(f)->ops->ahead(OUTBOX(f), other.run_id, &ahead, &f->err), &f->err);
    assert_false(ahead);
    assert_ok(OUTBOX(f)->ops->sent(OUTBOX(f), 901, &f->err), &f->err);
    assert_ok(OUTBOX(f)->ops->ahead(OUTBOX(f), next.run_id, &ahead, &f->err), &f->err);
    assert_false(ahead);
    assert_ok(OUTBOX(f)->ops->ahead(OUTBOX(f), 12345678, &ahead, &f->err), &f->err);
    assert_false(ahead);
}

static void trying_again_counts_and_waits(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_item(f, 7, 1);
    assert_ok(OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER, NF_OUTBOX_PENDING, 5000, NULL, &f->err),
              &f->err);
    assert_int_equal(due(f, 4999, 9), 0);
    assert_int_equal(due(f, 5000, 9), 1);
    assert_int_equal(f->items.v[0].attempt, 1);
    assert_int_equal(f->items.v[0].next_ms, 5000);
}

static void recovery_settles_what_was_being_sent_on_that_channel(void **state)
{
    struct fixture *f = *state;
    int64_t n = -1;
    for (int64_t k = 1; k <= 3; k++) {
        given_session(f, k);
        given_item(f, k, k);
        if (k < 3)
            assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 900 + k, OWNER, &f->err), &f->err);
    }
    assert_ok(OUTBOX(f)->ops->recover(OUTBOX(f), "tg", OWNER, NF_OUTBOX_PENDING, &n, &f->err),
              &f->err);
    assert_int_equal(n, 0);
    assert_ok(OUTBOX(f)->ops->recover(OUTBOX(f), "web", OWNER + 1, NF_OUTBOX_PENDING, &n, &f->err),
              &f->err);
    assert_int_equal(n, 0); /* another instance sends them */
    assert_ok(OUTBOX(f)->ops->recover(OUTBOX(f), "web", OWNER, NF_OUTBOX_PENDING, &n, &f->err),
              &f->err);
    assert_int_equal(n, 2);
    assert_int_equal(due(f, 9999, 9), 3);
}

static void what_another_sends_is_not_changed(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    given_item(f, 7, 1);
    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER + 1, &f->err), &f->err);

    assert_code(
        OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER, NF_OUTBOX_FAILED, 0, "stale", &f->err),
        NF_E_NOT_FOUND);
    assert_ok(
        OUTBOX(f)->ops->update(OUTBOX(f), 901, OWNER + 1, NF_OUTBOX_PENDING, 5, "later", &f->err),
        &f->err);
    assert_int_equal(due(f, 9999, 9), 1);
    assert_int_equal(f->items.v[0].attempt, 1);
}

static void what_one_sends_that_is_gone_is_recovered_by_anybody(void **state)
{
    struct fixture *f = *state;
    struct nf_instance i = { .identity = "gone", .address = "a", .version = "v", .token = 5 };
    int64_t n = -1;
    given_session(f, 7);
    given_item(f, 7, 1);
    assert_ok(f->s.instances->ops->join(f->s.instances, &i, &f->err), &f->err);
    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, i.number, &f->err), &f->err);
    int64_t other = i.number + 1;
    assert_ok(OUTBOX(f)->ops->recover(OUTBOX(f), "web", other, NF_OUTBOX_PENDING, &n, &f->err),
              &f->err);
    assert_int_equal(n, 0);

    assert_ok(f->s.instances->ops->leave(f->s.instances, i.number, 5, 2000, &f->err), &f->err);
    assert_ok(OUTBOX(f)->ops->recover(OUTBOX(f), "web", other, NF_OUTBOX_PENDING, &n, &f->err),
              &f->err);
    assert_int_equal(n, 1);
    assert_int_equal(due(f, 9999, 9), 1);
}

static void a_reply_can_be_brought_again(void **state)
{
    struct fixture *f = *state;
    given_session(f, 7);
    assert_ok(OUTBOX(f)->ops->again(OUTBOX(f), 990, 12345678, 5000, &f->err), &f->err);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    assert_ok(OUTBOX(f)->ops->again(OUTBOX(f), 991, got.run_id, 5000, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 0); /* it goes on: its end brings one */

    struct answer a;
    struct nf_finished done;
    assert_ok(
        f->s.turns->ops->finish(f->s.turns, answer(&a, &got.claim, 1500), 901, &done, &f->err),
        &f->err);
    assert_ok(OUTBOX(f)->ops->again(OUTBOX(f), 992, got.run_id, 5000, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 1); /* it waits as a whole */
    struct nf_outbox_item first = f->items.v[0];
    assert_int_equal(first.id, 901);

    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), &f->err);
    assert_ok(OUTBOX(f)->ops->again(OUTBOX(f), 993, got.run_id, 5000, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 0); /* behind the one that is under way */
    assert_ok(OUTBOX(f)->ops->sent(OUTBOX(f), 901, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 1);
    const struct nf_outbox_item *i = &f->items.v[0];
    assert_int_equal(i->id, 993);
    assert_int_equal(i->next_ms, 5000);
    assert_true(i->run_id == first.run_id && i->user_id == first.user_id && i->seq == first.seq &&
                i->created_ms == first.created_ms);
    assert_string_equal(i->channel, "web");
    assert_string_equal(i->address, first.address);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    int64_t n = 0;
    for (int64_t k = 1; k <= 3; k++) {
        given_session(f, k);
        given_item(f, k, k);
    }
    TORTURE(OUTBOX(f)->ops->due(OUTBOX(f), 9999, 9, &f->items, &f->err),
            assert_int_equal(f->items.n, 0));
    assert_int_equal(f->items.n, 3);
    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), &f->err);
    TORTURE(OUTBOX(f)->ops->recover(OUTBOX(f), "web", OWNER, NF_OUTBOX_PENDING, &n, &f->err),
            (void)0);
    assert_int_equal(n, 1);
    assert_ok(OUTBOX(f)->ops->begin(OUTBOX(f), 901, OWNER, &f->err), &f->err);
    TORTURE(OUTBOX(f)->ops->again(OUTBOX(f), 990, 100, 5000, &f->err), (void)0);
    assert_ok(OUTBOX(f)->ops->sent(OUTBOX(f), 901, &f->err), &f->err);
    assert_int_equal(due(f, 9999, 9), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_are_due_from_their_time_on_oldest_first),
        cmocka_unit_test(a_reply_does_not_overtake_an_earlier_one_of_its_session),
        cmocka_unit_test(what_comes_before_a_run_is_known),
        cmocka_unit_test(an_item_is_taken_once_and_gone_when_sent),
        cmocka_unit_test(trying_again_counts_and_waits),
        cmocka_unit_test(recovery_settles_what_was_being_sent_on_that_channel),
        cmocka_unit_test(what_another_sends_is_not_changed),
        cmocka_unit_test(what_one_sends_that_is_gone_is_recovered_by_anybody),
        cmocka_unit_test(a_reply_can_be_brought_again),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
    };
    return RUN_SUITE("outbox_store", tests);
}
