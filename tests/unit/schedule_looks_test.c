/* When schedules are looked at, and what cannot be read. */
#include "tests/unit/schedule_rig.h"

static void looked(struct world *w)
{
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
}

static void nothing_is_looked_for_before_it_can_be_due(void **state)
{
    struct world *w = *state;

    looked(w);
    assert_int_equal(quiet_ms, NF_SCHEDULES_LOOK_MS);
    (void)made(w, remind("tea", "in 5 minutes"));
    looked(w);
    assert_int_equal(quiet_ms, NF_SCHEDULES_LOOK_MS);
    w->now += 5 * MINUTE - 1200;
    looked(w);
    assert_int_equal(quiet_ms, 1200);
    w->now += 1200;
    looked(w); /* its turn is under way: how that ends is looked for every second */
    assert_int_equal(w->runner.started, 1);
    assert_int_equal(quiet_ms, NF_SCHEDULES_AGAIN_MS);
    assert_ok(answer(w), &w->err);
    looked(w);
    assert_int_equal(quiet_ms, NF_SCHEDULES_LOOK_MS);
}

static void what_is_made_or_changed_is_told_at_once(void **state)
{
    struct world *w = *state;
    uint64_t before = w->bell.rung;
    struct nf_schedule s = made(w, remind("tea", "in 5 minutes"));

    assert_int_equal(w->bell.rung, before + 1);
    assert_ok(nf_schedule_pause(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    assert_ok(nf_schedule_resume(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    assert_int_equal(w->bell.rung, before + 3);
    struct nf_schedule_run run;
    assert_ok(nf_schedule_run_now(&w->app, &w->user, s.id, &run, &w->err), &w->err);
    assert_int_equal(w->bell.rung, before + 4);
}

static void damage(struct world *w, struct nf_schedule *s)
{
    memcpy(s->zone, "../zone", 8);
    assert_ok(w->s.schedules->ops->update(w->s.schedules, s, &w->err), &w->err);
}

static void one_that_cannot_be_read_stops_no_other_and_is_told_once(void **state)
{
    struct world *w = *state;
    struct nf_schedule bad = made(w, remind("tea", "in 5 minutes"));
    struct nf_schedule good = made(w, remind("milk", "in 5 minutes"));
    damage(w, &bad);

    w->now += 5 * MINUTE;
    assert_code(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), NF_E_IO);
    assert_non_null(strstr(w->err.msg, "nexflow schedule remove"));
    assert_non_null(strstr(w->err.msg, nf_id_to_text(bad.id).s));
    assert_int_equal(w->app.schedules_damaged, 1);
    assert_ok(answer(w), &w->err);
    assert_int_equal(look(w, good.id).status, NF_SCHEDULE_DONE);
    assert_string_equal(said(w), "user:milk|assistant:\xE2\x8F\xB0 milk|");
    looked(w);
    assert_int_equal(quiet_ms, NF_SCHEDULES_LOOK_MS);
    assert_int_equal(w->app.schedules_damaged, 1);
    assert_ok(nf_schedule_remove(&w->app, &w->user, bad.id, &w->err), &w->err);
}

/* More of them than are looked at at once, and all before it. */
static void many_that_cannot_be_read_only_come_first(void **state)
{
    struct world *w = *state;
    w->app.settings.schedules.per_user = NF_SCHEDULES_BATCH + 2;
    for (int i = 0; i <= NF_SCHEDULES_BATCH; i++) {
        struct nf_schedule bad = made(w, remind("tea", "in 5 minutes"));
        damage(w, &bad);
    }
    struct nf_schedule good = made(w, remind("milk", "in 6 minutes"));

    w->now += 6 * MINUTE;
    for (int i = 0; i < 2; i++)
        assert_code(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), NF_E_IO);
    assert_int_equal(w->app.schedules_damaged, NF_SCHEDULES_BATCH + 1);
    assert_int_equal(look(w, good.id).status, NF_SCHEDULE_DONE);
}

static void a_clock_that_was_a_year_ahead_gives_no_tokens_out_again(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);
    int64_t today = w->now / DAY, used;
    w->app.settings.schedules.user_tokens = 100;
    MODEL_SAYS(w, { .text = "nothing" });
    w->now += HOUR;
    assert_int_equal(run_due(w), 1);
    looked(w);

    w->now += 365 * DAY;
    assert_ok(nf_tidy_schedules(&w->app, &w->err), &w->err);
    w->now -= 365 * DAY;
    assert_ok(w->s.schedules->ops->tokens(w->s.schedules, w->user.id, today, &used, &w->err),
              &w->err);
    assert_int_equal(used, 15);
    w->now += HOUR;
    (void)run_due(w);
    (void)look(w, s.id);
    assert_non_null(strstr(history(w, s.id), "skipped: your schedules have used up"));
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(nothing_is_looked_for_before_it_can_be_due),
        RIG(what_is_made_or_changed_is_told_at_once),
        RIG(one_that_cannot_be_read_stops_no_other_and_is_told_once),
        RIG(many_that_cannot_be_read_only_come_first),
        RIG(a_clock_that_was_a_year_ahead_gives_no_tokens_out_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
