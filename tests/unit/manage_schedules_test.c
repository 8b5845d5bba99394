#include "tests/unit/schedule_rig.h"

static enum nf_code create(struct world *w, struct nf_schedule_wish wish)
{
    struct nf_schedule s;
    return nf_schedule_create(&w->app, &w->user, &wish, &s, &w->err);
}

static void limits_are_named(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_PROMPT);

    wish.cron = "*/14 * * * *";
    assert_code(create(w, wish), NF_E_LIMIT);
    assert_non_null(strstr(w->err.msg, "cron"));
    wish.cron = "*/15 * * * *";
    assert_ok(create(w, wish), &w->err);
    wish.kind = NF_SCHEDULE_REMINDER;
    wish.cron = "* * * * *";
    assert_ok(create(w, wish), &w->err);
    w->app.settings.schedules.interval_min = 2;
    assert_code(create(w, wish), NF_E_LIMIT);
    wish.cron = "*/2 * * * *";
    assert_ok(create(w, wish), &w->err);
    assert_code(create(w, wish), NF_E_LIMIT); /* the fourth of three */
    assert_non_null(strstr(w->err.msg, "3"));
    w->app.settings.schedules.enabled = false;
    assert_code(create(w, wish), NF_E_DENIED);
    assert_non_null(strstr(w->err.msg, "schedules.enabled"));
}

static void wishes_that_cannot_be_are_refused_by_name(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");

    wish.cron = "0 * * * *";
    assert_code(create(w, wish), NF_E_INVALID);
    wish.cron = wish.when = NULL;
    assert_code(create(w, wish), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "when"));
    wish = remind("tea", "some day");
    assert_code(create(w, wish), NF_E_INVALID);
    wish = remind("tea", "in 5 minutes");
    wish.zone = "Mars/Base";
    assert_code(create(w, wish), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "time zone"));
    wish = remind(NULL, "in 5 minutes");
    assert_code(create(w, wish), NF_E_INVALID);
}

static void moments_are_those_of_the_persons_clock(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, remind("tea", "9:00"));

    assert_int_equal(s.at_ms, w->now + 9 * HOUR);
    assert_code(nf_person_set_zone(&w->app, &w->user, "Mars/Base", &w->err), NF_E_INVALID);
    assert_ok(nf_person_set_zone(&w->app, &w->user, "Test/Ahead", &w->err), &w->err);
    assert_ok(w->s.users->ops->get(w->s.users, USER, &w->user, &w->err), &w->err);
    assert_string_equal(w->user.zone, "Test/Ahead");
    s = made(w, remind("tea", "9:00"));
    assert_int_equal(s.at_ms, w->now + 7 * HOUR);
    assert_string_equal(s.zone, "Test/Ahead");
    assert_ok(nf_person_set_zone(&w->app, &w->user, "", &w->err), &w->err);
    assert_ok(w->s.users->ops->get(w->s.users, USER, &w->user, &w->err), &w->err);
    w->app.settings.schedules.zone = "Test/Ahead";
    s = made(w, remind("tea", "9:00"));
    assert_int_equal(s.at_ms, w->now + 7 * HOUR);
}

static void the_same_call_makes_one(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    wish.by_model = true;
    wish.call_id = 77;

    struct nf_schedule first = made(w, wish), again = made(w, wish);
    assert_int_equal(first.id, again.id);
    assert_true(again.by_model);
}

static void a_preview_keeps_nothing(void **state)
{
    struct world *w = *state;
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_REMINDER);
    struct nf_schedule s;
    int64_t next[NF_SCHEDULE_NEXT_SHOWN];
    const struct nf_zone *zone;
    struct nf_str words = { 0 };
    struct nf_schedules list = { 0 };
    size_t n;

    assert_ok(nf_schedule_preview(&w->app, &w->user, &wish, &s, &w->err), &w->err);
    assert_ok(nf_schedule_next(&w->app, &s, &zone, next, &n, &w->err), &w->err);
    assert_int_equal(n, 3);
    assert_int_equal(next[2], w->now + 3 * HOUR);
    assert_ok(nf_schedule_say(&w->app, &s, NF_LANG_RU, &words, &w->err), &w->err);
    assert_string_equal(nf_str_c(&words), "каждый час");
    nf_str_done(&words);
    assert_ok(nf_schedule_list(&w->app, &w->user, &(struct nf_schedule_filter){ .limit = 9 }, &list,
                               &w->err),
              &w->err);
    assert_int_equal(list.n, 0);
    nf_schedules_done(&list);
}

static void what_is_said_changes_and_the_rest_stays(void **state)
{
    struct world *w = *state;
    struct nf_schedule s = made(w, hourly(NF_SCHEDULE_REMINDER)), once;
    struct nf_schedule_wish text = { .text = "new" }, cron = { .cron = "30 * * * *" };
    struct nf_schedule_wish when = { .when = "in 2 hours" };

    assert_ok(nf_schedule_change(&w->app, &w->user, s.id, &text, &s, &w->err), &w->err);
    assert_string_equal(s.text, "new");
    assert_string_equal(s.expression, "0 * * * *");
    assert_ok(nf_schedule_change(&w->app, &w->user, s.id, &cron, &s, &w->err), &w->err);
    assert_int_equal(s.next_ms, w->now + HOUR / 2);
    assert_ok(nf_schedule_pause(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    assert_ok(nf_schedule_change(&w->app, &w->user, s.id, &when, &s, &w->err), &w->err);
    assert_string_equal(s.expression, "");
    assert_int_equal(s.at_ms, w->now + 2 * HOUR);
    assert_int_equal(s.next_ms, 0);
    assert_ok(nf_schedule_resume(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    assert_int_equal(s.next_ms, s.at_ms);
    once = s;
    assert_ok(nf_schedule_change(&w->app, &w->user, s.id, &text, &s, &w->err), &w->err);
    assert_int_equal(s.at_ms, once.at_ms);
}

static void others_see_their_own_and_an_owner_all(void **state)
{
    struct world *w = *state;
    struct nf_user other;
    struct nf_identity i;
    struct nf_schedule mine = made(w, hourly(NF_SCHEDULE_REMINDER)), theirs, got;
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_PROMPT);
    struct nf_schedule_filter f = { .limit = 9 };
    struct nf_schedules list = { 0 };
    assert_ok(nf_user_init(&other, 8, "Bob", NF_USER_USER, w->now, &w->err), &w->err);
    assert_ok(nf_identity_init(&i, 8, "local", "bob", w->now, &w->err), &w->err);
    assert_ok(w->s.users->ops->create(w->s.users, &other, &i, &w->err), &w->err);
    assert_ok(nf_schedule_create(&w->app, &other, &wish, &theirs, &w->err), &w->err);

    assert_code(nf_schedule_show(&w->app, &other, mine.id, &got, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_schedule_pause(&w->app, &other, mine.id, &got, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_schedule_remove(&w->app, &other, mine.id, &w->err), NF_E_NOT_FOUND);
    assert_ok(nf_schedule_list(&w->app, &other, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 1);
    nf_schedules_done(&list);
    f = (struct nf_schedule_filter){ .limit = 9 };
    assert_ok(nf_schedule_list(&w->app, &w->user, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 2);
    nf_schedules_done(&list);
    f.limit = NF_PAGE_MAX + 1;
    assert_code(nf_schedule_list(&w->app, &w->user, &f, &list, &w->err), NF_E_INVALID);

    /* Money is spent by whom it belongs to. */
    assert_code(nf_schedule_resume(&w->app, &w->user, theirs.id, &got, &w->err), NF_E_DENIED);
    assert_ok(nf_schedule_resume(&w->app, &other, theirs.id, &got, &w->err), &w->err);
    struct nf_schedule_wish change = { .text = "buy all of it" };
    assert_ok(nf_schedule_change(&w->app, &w->user, theirs.id, &change, &got, &w->err), &w->err);
    assert_int_equal(got.status, NF_SCHEDULE_PAUSED);
    assert_ok(nf_schedule_remove(&w->app, &w->user, theirs.id, &w->err), &w->err);
}

static void only_its_own_person_names_a_shared_conversation(void **state)
{
    struct world *w = *state;
    struct nf_user other = { .id = 8, .role = NF_USER_USER };
    struct nf_session group;
    struct nf_schedule s;
    struct nf_schedule_wish wish = remind("tea", "in 5 minutes");
    assert_ok(nf_session_init(&group, 50, USER, "web", "77", w->now, &w->err), &w->err);
    group.shared = true;
    assert_ok(w->s.sessions->ops->create(w->s.sessions, &group, &w->err), &w->err);
    wish.session_id = group.id;

    assert_ok(nf_schedule_preview(&w->app, &w->user, &wish, &s, &w->err), &w->err);
    assert_code(nf_schedule_preview(&w->app, &other, &wish, &s, &w->err), NF_E_NOT_FOUND);
    wish.by_model = true; /* it is asked there */
    assert_ok(nf_schedule_preview(&w->app, &other, &wish, &s, &w->err), &w->err);
    assert_true(s.shared);
}

#define RIG(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(limits_are_named),
        RIG(wishes_that_cannot_be_are_refused_by_name),
        RIG(moments_are_those_of_the_persons_clock),
        RIG(the_same_call_makes_one),
        RIG(a_preview_keeps_nothing),
        RIG(what_is_said_changes_and_the_rest_stays),
        RIG(others_see_their_own_and_an_owner_all),
        RIG(only_its_own_person_names_a_shared_conversation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
