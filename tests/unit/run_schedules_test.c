#include "tests/unit/schedule_rig.h"

static const struct nf_schedule_place all = { 0 };

static void a_reminder_is_said_without_a_model(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, remind("water the plants", "in 20 minutes"));

    w->app.model = NULL;
    assert_int_equal(run_due(w), 0);
    w->now += 20 * MINUTE;
    assert_int_equal(run_due(w), 1);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_DONE);
    assert_string_equal(said(w), "user:water the plants|assistant:\xE2\x8F\xB0 water the plants|");
    assert_int_equal(run_due(w), 0);
    assert_string_equal(history(w, s.id), "ended|");
}

static void a_late_one_says_when_it_was_due(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, remind("tea", "in 20 minutes"));

    w->now += 3 * HOUR;
    assert_int_equal(run_due(w), 1);
    (void)look(w, s.id);
    assert_non_null(strstr(said(w), "_It was due: "));
    assert_non_null(strstr(said(w), "00:20_"));
}

static void it_comes_to_the_conversation_it_was_made_in(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "hi" });
    struct nf_accepted got = write_message(w, "a", "hello");
    assert_ok(answer(w), &w->err);
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    wish.session_id = got.session_id;
    struct nf_schedule s = made(w, wish);

    w->now += 5 * MINUTE;
    assert_int_equal(run_due(w), 1);
    assert_int_equal(look(w, s.id).session_id, got.session_id);
    assert_string_equal(said(w), "user:hello|assistant:hi|user:tea|assistant:\xE2\x8F\xB0 tea|");
    wish.session_id = 999;
    assert_code(nf_schedule_create(&w->app, &w->user, &wish, &s, &w->err), NF_E_NOT_FOUND);
}

static void a_deleted_conversation_is_made_anew(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "hi" });
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    wish.session_id = write_message(w, "a", "hello").session_id;
    assert_ok(answer(w), &w->err);
    struct nf_schedule s = made(w, wish);

    assert_ok(nf_session_delete(&w->app, &w->user, w->session, &w->err), &w->err);
    w->now += 5 * MINUTE;
    assert_int_equal(run_due(w), 1);
    assert_true(look(w, s.id).session_id != wish.session_id);
    assert_string_equal(said(w), "user:tea|assistant:\xE2\x8F\xB0 tea|");
}

static void a_question_is_asked_once_its_person_has_switched_it_on(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, hourly(NF_SCHEDULE_PROMPT));

    assert_int_equal(s.status, NF_SCHEDULE_PAUSED);
    w->now += HOUR;
    assert_int_equal(run_due(w), 0);
    assert_ok(nf_schedule_resume(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    MODEL_SAYS(w, { .text = "nothing" });
    w->now += HOUR;
    assert_int_equal(run_due(w), 1);
    (void)look(w, s.id);
    assert_string_equal(said(w), "user:what is new?|assistant:nothing|");
    assert_int_equal(w->model.asked, 1);
}

static void nobody_is_asked_where_that_is_switched_off(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);

    w->app.settings.schedules.spend = false;
    w->now += HOUR;
    assert_int_equal(run_due(w), 0);
    assert_int_equal(w->model.asked, 0);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_PAUSED);
    assert_non_null(strstr(look(w, s.id).reason, "schedules.spend"));
    assert_code(nf_schedule_resume(&w->app, &w->user, s.id, &s, &w->err), NF_E_DENIED);
    assert_non_null(strstr(w->err.msg, "schedules.spend"));
}

static void a_run_is_skipped_while_the_one_before_runs(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);

    w->now += HOUR;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err); /* and is not answered */
    w->now += HOUR;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    w->now += HOUR;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    assert_string_equal(history(w, s.id), "skipped: the run before it has not ended|"
                                          "skipped: the run before it has not ended|started|");
    assert_int_equal(w->runner.started, 1);
}

static void a_day_has_a_budget_and_the_person_is_told_once(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);
    int64_t used;

    MODEL_SAYS(w, { .text = "nothing", .silent = false });
    w->app.settings.schedules.user_tokens = 100;
    w->now += HOUR;
    assert_int_equal(run_due(w), 1);
    w->now += HOUR;
    assert_int_equal(run_due(w), 1); /* the notice: what was used is less than what was set aside,
                                      * and still too much for another run */
    assert_int_equal(w->model.asked, 1);
    (void)look(w, s.id);
    assert_non_null(strstr(said(w), "notice:This scheduled run was skipped: your schedules have "
                                    "used up their tokens"));
    w->now += HOUR;
    assert_int_equal(run_due(w), 0); /* no second one */
    assert_ok(w->s.schedules->ops->tokens(w->s.schedules, USER, w->now / DAY, &used, &w->err),
              &w->err);
    assert_true(used > 0 && used < 100);
    w->now += DAY;
    assert_int_equal(run_due(w), 1); /* another day */
    assert_int_equal(w->model.asked, 2);
}

static void all_people_together_have_one_too(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);

    w->app.settings.schedules.all_tokens = 99;
    w->now += HOUR;
    (void)run_due(w);
    assert_int_equal(w->model.asked, 0);
    assert_non_null(strstr(history(w, s.id), "all schedules together"));
}

static void a_run_stops_at_its_tokens(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = asking(w);

    MODEL_SAYS(w, { .calls = { { "1", "calc", "{}" } } });
    w->model.endless = true;
    w->app.tools = &w->tools.port;
    w->app.settings.schedules.run_tokens = 50;
    w->now += HOUR;
    assert_int_equal(run_due(w), 1);
    (void)look(w, s.id);
    assert_non_null(strstr(said(w), "50 are allowed"));
    assert_int_equal(w->model.asked, 4); /* of 15 each: over by less than one */
}

static void commands_in_a_text_are_not_obeyed(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = remind("/run calc evaluate {}", "in 5 minutes");
    struct nf_schedule s;

    assert_code(nf_schedule_create(&w->app, &w->user, &wish, &s, &w->err), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "commands"));
    /* Also where one got in. */
    wish.text = "x run";
    s = made(w, wish);
    memcpy(s.text, "/run ", 5);
    s.text[5] = '\0';
    assert_ok(w->s.schedules->ops->update(w->s.schedules, &s, &w->err), &w->err);
    w->now += 5 * MINUTE;
    assert_int_equal(run_due(w), 1);
    (void)look(w, s.id);
    assert_string_equal(said(w), "user:/run |assistant:\xE2\x8F\xB0 /run |");
}

static void a_message_called_like_a_run_is_an_ordinary_one(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "hi" });
    (void)write_message(w, "schedule:5", "hello");
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:hello|assistant:hi|");
}

static void a_blocked_person_gets_nothing_more(void **state)
{
    struct world *w = *state;
    struct nf_user other, stored;
    struct nf_identity i;
    struct nf_schedule s;
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_REMINDER);
    assert_ok(nf_user_init(&other, 8, "Bob", NF_USER_USER, w->now, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, 8, "local", "bob", w->now, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &other, &i, &w->err), &w->err);
    assert_ok(nf_schedule_create(&w->app, &other, &wish, &s, &w->err), &w->err);

    stored = other;
    stored.status = NF_USER_BLOCKED;
    assert_ok(w->s.users->ops->update(w->s.users, &stored, &w->err), &w->err);
    w->now += HOUR;
    assert_int_equal(run_due(w), 0);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_PAUSED);
    assert_string_equal(history(w, s.id), "skipped: its person is blocked|");
}

static void one_whose_chat_cannot_be_written_to_rests(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, hourly(NF_SCHEDULE_REMINDER));

    w->app.chats = w->s.chats;
    memcpy(s.address, "77", 3);
    assert_ok(w->s.schedules->ops->update(w->s.schedules, &s, &w->err), &w->err);
    assert_ok(w->s.chats->ops->set_unreachable(w->s.chats, "web", "77", "blocked", w->now, &w->err),
              &w->err);
    w->now += HOUR;
    assert_int_equal(run_due(w), 0);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_PAUSED);
    assert_non_null(strstr(history(w, s.id), "does not let us write"));
}

/* --- without memory --------------------------------------------------------------------------- */

static struct world *due_world(void)
{
    void *w;
    (void)rig_setup(&w);
    (void)made(w, remind("tea", "in 5 minutes"));
    ((struct world *)w)->now += 5 * MINUTE;
    return w;
}

/* Each allocation fails once: the reminder is started then or at the next look, and only once. */
static void no_allocation_that_fails_loses_or_doubles_a_run(void **state)
{
    bool more = true;
    (void)state;

    for (size_t n = 1; more; n++) {
        struct world *w = due_world();

        nf_fail_alloc_at(n);
        enum nf_code rc = nf_run_due_schedules(&w->app, &quiet_ms, &w->err);
        more = allocation_failed();
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
        assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
        assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
        assert_int_equal(w->runner.started, 1);
        assert_true(n < 200);
        world_free(w);
    }
}

static void a_clock_that_was_wrong_brings_neither_a_storm_nor_silence(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_REMINDER);
    wish.missed = NF_MISSED_ALL;
    wish.missed_max = 2;
    struct nf_schedule s = made(w, wish);
    int64_t begin = w->now;

    w->now = begin + HOUR;
    assert_int_equal(run_due(w), 1);
    w->now = begin + 1000 * DAY + 5 * MINUTE;
    int runs = 0;
    for (int i = 0; i < 10; i++)
        runs += run_due(w);
    assert_int_equal(runs, 2);

    w->now = begin + HOUR + 10 * MINUTE; /* the clock is right again */
    assert_int_equal(run_due(w), 0);
    assert_int_equal(look(w, s.id).next_ms, begin + 2 * HOUR);
    w->now = begin + 2 * HOUR; /* this time was made up for already */
    assert_int_equal(run_due(w), 0);
    assert_int_equal(look(w, s.id).next_ms, begin + 3 * HOUR);
    w->now = begin + 3 * HOUR; /* and this one */
    assert_int_equal(run_due(w), 0);
    w->now = begin + 4 * HOUR; /* not this one: it was only noted as missed */
    assert_int_equal(run_due(w), 1);
}

static void another_instance_that_was_here_first_is_heeded(void **state)
{
    struct world *w = *state;
    struct nf_schedules due = { 0 };
    struct nf_schedule s = made(w, remind("tea", "in 5 minutes"));

    w->now += 5 * MINUTE;
    assert_ok(w->s.schedules->ops->due(w->s.schedules, w->now, &all, 9, &due, &w->err), &w->err);
    assert_int_equal(due.n, 1);
    assert_int_equal(run_due(w), 1);
    struct nf_fire late = { .schedule = &due.v[0],
                            .run = &(struct nf_schedule_run){ .schedule_id = s.id } };
    assert_code(w->s.schedules->ops->note(w->s.schedules, &late, &w->err), NF_E_CONFLICT);
    nf_schedules_done(&due);
    assert_int_equal(run_due(w), 0);
}

static void run_now_runs_beside_its_times(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, hourly(NF_SCHEDULE_PROMPT));
    struct nf_schedule_run run;
    struct nf_user other = w->user;

    MODEL_SAYS(w, { .text = "nothing" });
    w->app.settings.schedules.spend = false; /* a person is there */
    assert_ok(nf_schedule_run_now(&w->app, &w->user, s.id, &run, &w->err), &w->err);
    assert_code(nf_schedule_run_now(&w->app, &w->user, s.id, &run, &w->err), NF_E_CONFLICT);
    assert_ok(answer(w), &w->err);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_PAUSED);
    assert_string_equal(said(w), "user:what is new?|assistant:nothing|");
    other.id = 99;
    assert_code(nf_schedule_run_now(&w->app, &other, s.id, &run, &w->err), NF_E_DENIED);
    w->app.settings.schedules.user_tokens = 10;
    assert_code(nf_schedule_run_now(&w->app, &w->user, s.id, &run, &w->err), NF_E_LIMIT);
    w->app.settings.schedules.enabled = false;
    assert_code(nf_schedule_run_now(&w->app, &w->user, s.id, &run, &w->err), NF_E_DENIED);
}

static void a_reminder_waits_for_room_where_many_messages_wait(void **state)
{
    struct world *w = *state;
    char id[16];
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    for (int i = 0; i < NF_SESSION_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        (void)write_message(w, id, "hello");
    }
    wish.session_id = w->session;
    struct nf_schedule s = made(w, wish);

    w->now += 5 * MINUTE;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_ACTIVE);
    MODEL_SAYS(w, { .text = "hi" });
    assert_ok(answer(w), &w->err);
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_DONE);
}

static void they_keep_nobody_elses_waiting(void **state)
{
    struct world *w = *state;
    char id[16];
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    for (int i = 0; i < NF_SESSION_QUEUE_MAX; i++) {
        (void)snprintf(id, sizeof(id), "m%d", i);
        (void)write_message(w, id, "hello");
    }
    wish.session_id = w->session;
    w->app.settings.schedules.per_user = NF_SCHEDULES_BATCH + 1;
    for (int i = 0; i < NF_SCHEDULES_BATCH; i++)
        (void)made(w, wish);
    struct nf_schedule s = made(w, remind("milk", "in 6 minutes"));

    w->now += 7 * MINUTE;
    for (int i = 0; i < 2; i++)
        assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    assert_int_equal(look(w, s.id).status, NF_SCHEDULE_DONE);
    assert_int_equal(w->app.schedules_seen.id, 0);
}

static void one_that_is_removed_while_its_turn_waits_asks_no_model(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, remind("tea", "in 5 minutes"));

    w->now += 5 * MINUTE;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    (void)look(w, s.id);
    assert_ok(nf_schedule_remove(&w->app, &w->user, s.id, &w->err), &w->err);
    assert_ok(answer(w), &w->err);
    assert_string_equal(said(w), "user:tea|assistant:\xE2\x8F\xB0 tea|");
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(a_reminder_is_said_without_a_model),
        RIG(a_late_one_says_when_it_was_due),
        RIG(it_comes_to_the_conversation_it_was_made_in),
        RIG(a_deleted_conversation_is_made_anew),
        RIG(a_question_is_asked_once_its_person_has_switched_it_on),
        RIG(nobody_is_asked_where_that_is_switched_off),
        RIG(a_run_is_skipped_while_the_one_before_runs),
        RIG(a_day_has_a_budget_and_the_person_is_told_once),
        RIG(all_people_together_have_one_too),
        RIG(a_run_stops_at_its_tokens),
        RIG(commands_in_a_text_are_not_obeyed),
        RIG(a_message_called_like_a_run_is_an_ordinary_one),
        RIG(a_blocked_person_gets_nothing_more),
        RIG(one_whose_chat_cannot_be_written_to_rests),
        cmocka_unit_test(no_allocation_that_fails_loses_or_doubles_a_run),
        RIG(a_clock_that_was_wrong_brings_neither_a_storm_nor_silence),
        RIG(another_instance_that_was_here_first_is_heeded),
        RIG(run_now_runs_beside_its_times),
        RIG(a_reminder_waits_for_room_where_many_messages_wait),
        RIG(they_keep_nobody_elses_waiting),
        RIG(one_that_is_removed_while_its_turn_waits_asks_no_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
