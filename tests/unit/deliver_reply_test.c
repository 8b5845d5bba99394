/* From the outbox to the channel. */
#include "application/deliver_reply.h"
#include "tests/unit/use_case_fixture.h"

/* An answer whose delivery failed at first: its item waits. */
static struct nf_accepted given_undelivered(struct world *w)
{
    MODEL_SAYS(w, { .text = "yes" });
    w->web.fail = NF_E_UNAVAILABLE;
    struct nf_accepted a = write_message(w, "m1", "hello");
    assert_ok(answer(w), &w->err);
    w->web.fail = NF_OK;
    w->web.seen.n = w->web.seen.used = 0;
    return a;
}

static struct nf_outbox_item the_item(struct world *w)
{
    struct nf_outbox_items due = { 0 };
    assert_ok(w->s.outbox->ops->due(w->s.outbox, w->now + 1000000, 10, &due, &w->err), &w->err);
    assert_int_equal(due.n, 1);
    struct nf_outbox_item item = due.v[0];
    nf_outbox_items_done(&due);
    return item;
}

static void what_waits_is_delivered_when_it_is_due(void **state)
{
    struct world *w = *state;
    size_t n;
    struct nf_accepted a = given_undelivered(w);
    assert_ok(deliver_due(w, &n, &w->err), &w->err);
    assert_int_equal(n, 0); /* not before its time */
    w->now = the_item(w).next_ms;
    assert_ok(deliver_due(w, &n, &w->err), &w->err);
    assert_int_equal(n, 1);
    assert_int_equal(w->web.delivered, 1);
    assert_string_equal(w->web.last, "yes");
    assert_int_equal(w->web.last_event, NF_RUN_FINISHED);
    assert_true(w->web.last_event_seq == nf_run_seq(a.claim.fence, 7));
    assert_int_equal(outbox_due(w), 0);
}

static enum nf_outbox_status updated;

static enum nf_code note_update(struct nf_outbox_store *s, int64_t id, int64_t owner,
                                enum nf_outbox_status status, int64_t next_ms, const char *reason,
                                struct nf_err *err)
{
    (void)s, (void)id, (void)owner, (void)next_ms, (void)err;
    assert_string_equal(reason, "the network is down");
    updated = status;
    return NF_OK;
}

static enum nf_code note_begin(struct nf_outbox_store *s, int64_t id, int64_t now_ms,
                               struct nf_err *err)
{
    (void)s, (void)id, (void)now_ms, (void)err;
    return NF_OK;
}

/* What becomes of an item whose delivery fails with `code` after `attempts` tries. */
static enum nf_outbox_status outcome(enum nf_code code, int attempts, bool repeatable)
{
    static const struct nf_outbox_store_ops ops = { .begin = note_begin, .update = note_update };
    struct nf_outbox_store noting = { &ops };
    struct world *w = world_new();
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    item.attempt = attempts;
    w->web.port.repeatable = repeatable;
    w->web.fail = code;
    w->app.outbox = &noting;
    assert_ok(nf_deliver_reply(&w->app, &item, &w->err), &w->err);
    world_free(w);
    return updated;
}

static void what_surely_did_not_arrive_is_tried_ten_times(void **state)
{
    (void)state;
    assert_int_equal(outcome(NF_E_UNAVAILABLE, 1, true), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_TIMEOUT, 8, true), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_TIMEOUT, 8, false), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_UNAVAILABLE, 9, true), NF_OUTBOX_FAILED);
    assert_int_equal(outcome(NF_E_CANCELED, 1, true), NF_OUTBOX_PENDING);
}

/* A disk that cannot be read for a moment says nothing about the network. */
static void what_failed_with_us_is_tried_again(void **state)
{
    (void)state;
    assert_int_equal(outcome(NF_E_IO, 1, true), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_NOMEM, 1, false), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_INTERNAL, 8, true), NF_OUTBOX_PENDING);
    assert_int_equal(outcome(NF_E_IO, 9, true), NF_OUTBOX_FAILED);
}

static void what_never_will_arrive_is_not_tried_again(void **state)
{
    (void)state;
    assert_int_equal(outcome(NF_E_DENIED, 1, true), NF_OUTBOX_FAILED);
    assert_int_equal(outcome(NF_E_INVALID, 1, false), NF_OUTBOX_FAILED);
    assert_int_equal(outcome(NF_E_NOT_FOUND, 1, false), NF_OUTBOX_FAILED);
    assert_int_equal(outcome(NF_E_LIMIT, 1, false), NF_OUTBOX_FAILED);
}

static void what_may_have_arrived_is_not_tried_again(void **state)
{
    (void)state;
    assert_int_equal(outcome(NF_E_CONFLICT, 1, false), NF_OUTBOX_AMBIGUOUS);
}

static void a_later_try_comes_later(void **state)
{
    struct world *w = *state;
    size_t n;
    given_undelivered(w);
    w->web.fail = NF_E_TIMEOUT;
    int64_t wait = 0;
    for (int i = 0; i < 3; i++) {
        w->now = the_item(w).next_ms;
        assert_ok(deliver_due(w, &n, &w->err), &w->err);
        int64_t next = the_item(w).next_ms - w->now;
        assert_true(next > wait);
        wait = next;
    }
}

static void a_channel_that_cannot_repeat_delivers_once(void **state)
{
    struct world *w = *state;
    struct nf_outbox_item item;
    given_undelivered(w);
    w->web.port.repeatable = false;
    item = the_item(w);
    assert_ok(nf_deliver_reply(&w->app, &item, &w->err), &w->err);
    assert_int_equal(w->web.delivered, 1);
    assert_true(nf_deliver_reply(&w->app, &item, &w->err) != NF_OK);
    assert_int_equal(w->web.delivered, 1);
}

static void what_another_fiber_sends_is_left_to_it(void **state)
{
    struct world *w = *state;
    given_undelivered(w);
    w->web.port.repeatable = false;
    struct nf_outbox_item item = the_item(w);
    assert_ok(w->s.outbox->ops->begin(w->s.outbox, item.id, w->app.owner, &w->err), &w->err);
    assert_code(nf_deliver_reply(&w->app, &item, &w->err), NF_E_CONFLICT);
    assert_int_equal(w->web.delivered, 0);
}

/* An outbox that goes away as soon as something was begun. */
static struct nf_outbox_store *behind;

static enum nf_code begin_behind(struct nf_outbox_store *s, int64_t id, int64_t owner,
                                 struct nf_err *err)
{
    (void)s;
    return behind->ops->begin(behind, id, owner, err);
}

static enum nf_code sent_away(struct nf_outbox_store *s, int64_t id, struct nf_err *err)
{
    (void)s, (void)id;
    return nf_err_set(err, NF_E_UNAVAILABLE, "away");
}

static enum nf_code update_away(struct nf_outbox_store *s, int64_t id, int64_t owner,
                                enum nf_outbox_status status, int64_t next_ms, const char *reason,
                                struct nf_err *err)
{
    (void)owner, (void)status, (void)next_ms, (void)reason;
    return sent_away(s, id, err);
}

/* An item whose delivery went as `code`, which could not be written down. */
static struct nf_outbox_item given_unsettled(struct world *w, enum nf_code code, bool resumable)
{
    static const struct nf_outbox_store_ops ops = { .begin = begin_behind,
                                                    .sent = sent_away,
                                                    .update = update_away };
    struct nf_outbox_store going = { &ops };
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    behind = w->s.outbox;
    w->app.outbox = &going;
    w->web.port.repeatable = false;
    w->web.port.resumable = resumable;
    w->web.fail = code;
    assert_code(nf_deliver_reply(&w->app, &item, &w->err), NF_E_UNAVAILABLE);
    assert_code(nf_settle_deliveries(&w->app, &w->err), NF_E_UNAVAILABLE);
    assert_int_equal(w->app.unsettled.n, 1);
    w->app.outbox = behind;
    w->web.fail = NF_OK;
    return item;
}

static void what_could_not_be_written_down_is_delivered_again(void **state)
{
    const enum nf_code codes[] = { NF_OK, NF_E_UNAVAILABLE, NF_E_CONFLICT };
    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct world *w = world_new();
        given_unsettled(w, codes[i], true);
        assert_int_equal(outbox_due(w), 0); /* to everybody it is being sent */

        assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
        assert_int_equal(w->app.unsettled.n, 0);
        assert_int_equal(outbox_due(w), 1);
        world_free(w);
    }
}

static struct world *busy;

/* Another reply of which nobody can write down what became of it. */
static enum nf_code deliver_unsettled(struct world *w)
{
    static const struct nf_outbox_store_ops ops = { .begin = begin_behind,
                                                    .sent = sent_away,
                                                    .update = update_away };
    struct nf_outbox_store away = { &ops }, *there = w->app.outbox;
    struct nf_channel other = { .ops = w->web.port.ops, .name = "other", .repeatable = true };
    const struct nf_outbox_item item = { .id = 12345 };
    w->app.outbox = &away;
    enum nf_code rc = nf_deliver_to(&w->app, &other, &item, &(struct nf_message){ .content = NULL },
                                    &(struct nf_run_event){ 0 }, &w->err);
    w->app.outbox = there;
    return rc;
}

/* Meanwhile there is no room for what else could not be written down, and all that is. */
static enum nf_code deliver_meanwhile(struct nf_channel *c, const struct nf_outbox_item *item,
                                      const struct nf_message *m, const struct nf_run_event *last,
                                      struct nf_err *err)
{
    struct world *w = busy;
    (void)c, (void)item, (void)m, (void)last, (void)err;
    if (w->web.delivered++ > 0)
        return NF_OK;
    w->app.unsettled.n = NF_UNSETTLED_MAX - 1;
    assert_int_not_equal(deliver_unsettled(w), NF_OK);
    assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
    assert_int_equal(w->app.unsettled.n, 0);
    assert_int_equal(outbox_due(w), 0); /* nobody else gets it */
    return NF_OK;
}

static void what_is_being_sent_is_not_taken_back_with_what_could_not_be_noted(void **state)
{
    struct world *w = busy = *state;
    struct nf_channel_ops ops = *w->web.port.ops;
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    ops.deliver = deliver_meanwhile;
    ops.drop = NULL;
    w->web.port.ops = &ops;
    w->web.port.repeatable = false;
    w->web.port.resumable = true;

    assert_ok(nf_deliver_reply(&w->app, &item, &w->err), &w->err);
    assert_int_equal(w->web.delivered, 1);
}

/* No more is begun than there is room to note what becomes of it. */
static void where_too_much_is_not_written_down_nothing_is_begun(void **state)
{
    struct world *w = *state;
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    w->web.port.repeatable = false;
    w->app.unsettled.n = NF_UNSETTLED_MAX;
    assert_code(nf_deliver_reply(&w->app, &item, &w->err), NF_E_LIMIT);
    assert_int_equal(w->web.delivered, 0);

    assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
    assert_int_equal(outbox_due(w), 1);
    assert_ok(nf_deliver_reply(&w->app, &item, &w->err), &w->err);
    assert_int_equal(w->web.delivered, 1);
}

static void what_may_not_be_sent_twice_is_ambiguous_then(void **state)
{
    struct world *w = *state;
    given_unsettled(w, NF_OK, false);
    assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
    assert_int_equal(w->app.unsettled.n, 0);
    assert_int_equal(outbox_due(w), 0);
}

static enum nf_code begin_away(struct nf_outbox_store *s, int64_t id, int64_t owner,
                               struct nf_err *err)
{
    (void)owner;
    return sent_away(s, id, err);
}

static void what_could_not_be_begun_is_sent_once_it_can(void **state)
{
    static const struct nf_outbox_store_ops ops = { .begin = begin_away };
    struct world *w = *state;
    struct nf_outbox_store going = { &ops };
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    struct nf_outbox_store *there = w->s.outbox;
    w->app.outbox = &going;
    w->web.port.repeatable = false;
    assert_code(nf_deliver_reply(&w->app, &item, &w->err), NF_E_UNAVAILABLE);
    assert_int_equal(w->web.delivered, 0);
    w->app.outbox = there;
    assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
    assert_int_equal(outbox_due(w), 1);
}

static void what_another_has_taken_over_meanwhile_is_left_to_it(void **state)
{
    struct world *w = *state;
    int64_t n;
    struct nf_outbox_item item = given_unsettled(w, NF_E_CONFLICT, true);
    struct nf_outbox_store *o = w->s.outbox;
    assert_ok(o->ops->recover(o, "web", w->app.owner, NF_OUTBOX_PENDING, &n, &w->err), &w->err);
    assert_int_equal(n, 1);
    assert_ok(o->ops->begin(o, item.id, w->app.owner + 1, &w->err), &w->err);

    assert_ok(nf_settle_deliveries(&w->app, &w->err), &w->err);
    assert_int_equal(w->app.unsettled.n, 0);
    assert_int_equal(outbox_due(w), 0);
    assert_ok(o->ops->sent(o, item.id, &w->err), &w->err);
}

static void without_its_channel_it_fails(void **state)
{
    struct world *w = *state;
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    w->channels.n = 0;
    assert_ok(nf_deliver_reply(&w->app, &item, &w->err), &w->err);
    assert_int_equal(outbox_due(w), 0);
    w->channels.n = 1;
    assert_int_equal(w->web.delivered, 0);
}

static void without_its_session_it_fails(void **state)
{
    struct world *w = *state;
    given_undelivered(w);
    struct nf_outbox_item item = the_item(w);
    assert_ok(w->s.sessions->ops->remove(w->s.sessions, w->session, USER, &w->err), &w->err);
    enum nf_code rc = nf_deliver_reply(&w->app, &item, &w->err);
    assert_true(rc == NF_OK || rc == NF_E_NOT_FOUND); /* the item may have gone with it */
    assert_int_equal(w->web.delivered, 0);
    assert_int_equal(outbox_due(w), 0);
}

static void out_of_memory_it_is_delivered_or_still_waits(void **state)
{
    (void)state;
    size_t n;
    TORTURE(
        {
            given_undelivered(w);
            w->now = the_item(w).next_ms;
        },
        deliver_due(w, &n, &w->err),
        {
            assert_int_equal(outbox_due(w), rc == NF_OK ? 0 : 1);
            assert_int_equal(w->web.delivered, rc == NF_OK ? 1 : 0);
        });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_waits_is_delivered_when_it_is_due),
        cmocka_unit_test(what_surely_did_not_arrive_is_tried_ten_times),
        cmocka_unit_test(what_failed_with_us_is_tried_again),
        cmocka_unit_test(what_never_will_arrive_is_not_tried_again),
        cmocka_unit_test(what_may_have_arrived_is_not_tried_again),
        T(a_later_try_comes_later),
        T(a_channel_that_cannot_repeat_delivers_once),
        T(what_another_fiber_sends_is_left_to_it),
        cmocka_unit_test(what_could_not_be_written_down_is_delivered_again),
        T(what_is_being_sent_is_not_taken_back_with_what_could_not_be_noted),
        T(where_too_much_is_not_written_down_nothing_is_begun),
        T(what_may_not_be_sent_twice_is_ambiguous_then),
        T(what_could_not_be_begun_is_sent_once_it_can),
        T(what_another_has_taken_over_meanwhile_is_left_to_it),
        T(without_its_channel_it_fails),
        T(without_its_session_it_fails),
        cmocka_unit_test(out_of_memory_it_is_delivered_or_still_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
