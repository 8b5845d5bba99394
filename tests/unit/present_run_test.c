/* What the presenter shows of a run while it goes on. */
#include "tests/unit/present_rig.h"

static void the_first_text_comes_when_it_is_worth_it(void **state)
{
    struct world *w = *state;
    begin_text(w);
    say(w, "Hi");
    pass(w, 600);
    assert_string_equal(seen(w), "");
    assert_int_equal(w->typings, 1);
    pass(w, 200);
    assert_string_equal(seen(w), "Hi");
    assert_true(w->v[0].rings);
}

static void edits_keep_the_pace_and_show_the_newest(void **state)
{
    struct world *w = *state;
    begin_text(w);
    pass(w, 700);
    for (int i = 0; i < 40; i++) {
        say(w, ".");
        pass(w, 100);
    }
    assert_string_equal(seen(w), "....................|....................");
    assert_in_range(w->edits, 3, 8);
}

static void a_run_without_news_waits(void **state)
{
    struct world *w = *state;
    int64_t wait;
    w->caps.typing_every_ms = 0;
    assert_ok(nf_presenting_step(&w->p, &wait, &w->err), &w->err);
    assert_int_equal(wait, -1);
    assert_int_equal(w->calls, 0);
}

static void what_would_overtake_an_earlier_reply_waits_for_it(void **state)
{
    struct world *w = *state;
    w->ahead = true;
    begin_text(w);
    say(w, "Hi");
    pass(w, 5000);
    assert_string_equal(seen(w), "");
    assert_in_range(w->looks, 2, 12);

    w->ahead = false;
    w->hush = true; /* it ends while it looks */
    pass(w, NF_PRESENT_BEHIND_MS);
    assert_string_equal(seen(w), "");
    w->hush = w->p.quiet = false;
    pass(w, NF_PRESENT_BEHIND_MS);
    assert_string_equal(seen(w), "Hi");
    int looks = w->looks;
    say(w, " there");
    pass(w, 2000);
    assert_string_equal(seen(w), "Hi there");
    assert_int_equal(w->looks, looks);
}

static void typing_goes_on_while_the_model_thinks(void **state)
{
    struct world *w = *state;
    pass(w, 20000);
    assert_int_equal(w->typings, 6);
    assert_int_equal(w->sends, 0);
}

static void tools_are_shown_with_how_they_go(void **state)
{
    struct world *w = *state;
    begin_text(w);
    nf_presenting_take(
        &w->p, &(struct nf_run_event){ .type = NF_RUN_TOOL_START, .call_id = "c", .name = "web" });
    pass(w, 1000);
    assert_string_equal(seen(w), "\xE2\x8F\xB3 `web`");
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TOOL_PROGRESS,
                                                      .call_id = "c",
                                                      .percent = 40,
                                                      .text = NF_SLICE("a") });
    pass(w, 2000);
    assert_string_equal(seen(w), "\xE2\x8F\xB3 `web` 40 % `a`");
    nf_presenting_take(&w->p, &(struct nf_run_event){
                                  .type = NF_RUN_TOOL_RESULT, .call_id = "c", .is_error = true });
    pass(w, 2000);
    assert_string_equal(seen(w), "\xE2\x9C\x97 `web`");
}

static void an_instance_that_stood_still_shows_no_text_beside_the_reply(void **state)
{
    struct world *w = *state;
    w->other_at = 1;
    begin_text(w);
    say(w, "what it had so far");
    nf_presenting_take(&w->p, &(struct nf_run_event){ .type = NF_RUN_TEXT_START });
    say(w, "from the other");
    pass(w, 3000);
    assert_string_equal(seen(w), "from the other");
    assert_int_equal(w->sends, 2);
}

/* One of several, whose leases were kept just now. */
static void given_lease(struct world *w)
{
    w->app.instances = &w->instances;
    w->app.settings.lease_ms = LEASE_MS;
    nf_app_held(&w->app, fake_mono(&w->clock));
}

static void who_may_have_been_taken_over_shows_nothing(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    say(w, "Hi");
    pass(w, 800);
    assert_string_equal(seen(w), "Hi");

    say(w, " there");
    w->now += LEASE_MS;
    pass(w, 3000);
    assert_string_equal(seen(w), "Hi");
    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_int_equal(w->agains, 0);

    nf_app_held(&w->app, fake_mono(&w->clock)); /* nobody has taken it: the database was away */
    pass(w, 1000);
    assert_string_equal(seen(w), "Hi there");
}

/* The older text stands where the reply was: there is no network that could have refused it. */
static void an_edit_that_came_behind_the_reply_lets_it_be_brought_again(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    say(w, "Hi");
    pass(w, 800);
    say(w, " there");
    w->frozen_at = w->edits + 1;
    pass(w, 3000);
    assert_string_equal(seen(w), "Hi there");

    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_int_equal(w->agains, 1);
    assert_ok(reply(w, "from the other"), &w->err);
    assert_string_equal(seen(w), "from the other");
}

static void what_is_owed_is_brought_when_the_database_is_back(void **state)
{
    struct world *w = *state;
    given_lease(w);
    begin_text(w);
    w->frozen_at = w->edits + 1;
    say(w, "Hi");
    pass(w, 800);
    w->away = true;

    assert_ok(nf_presenting_settle(&w->p, &w->err), &w->err);
    assert_code(nf_bring_owed(&w->app, &w->err), NF_E_UNAVAILABLE);
    assert_int_equal(w->agains, 0);
    w->away = false;
    assert_ok(nf_bring_owed(&w->app, &w->err), &w->err);
    assert_ok(nf_bring_owed(&w->app, &w->err), &w->err);
    assert_int_equal(w->agains, 1);
}

static void a_network_that_refuses_ends_the_showing_and_not_the_reply(void **state)
{
    struct world *w = *state;
    w->fail_at = 1;
    w->fail = NF_E_DENIED;
    begin_text(w);
    say(w, "shown");
    pass(w, 5000);
    assert_int_equal(w->calls, 1);
    assert_ok(reply(w, "reply"), &w->err);
    assert_string_equal(seen(w), "reply");
}

static void a_network_without_room_is_asked_again(void **state)
{
    struct world *w = *state;
    w->fail_at = 2;
    w->fail = NF_E_LIMIT;
    begin_text(w);
    say(w, "shown");
    pass(w, 5000);
    assert_string_equal(seen(w), "shown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_text_comes_when_it_is_worth_it),
        TEST(edits_keep_the_pace_and_show_the_newest),
        TEST(a_run_without_news_waits),
        TEST(what_would_overtake_an_earlier_reply_waits_for_it),
        TEST(typing_goes_on_while_the_model_thinks),
        TEST(tools_are_shown_with_how_they_go),
        TEST(an_instance_that_stood_still_shows_no_text_beside_the_reply),
        TEST(who_may_have_been_taken_over_shows_nothing),
        TEST(an_edit_that_came_behind_the_reply_lets_it_be_brought_again),
        TEST(what_is_owed_is_brought_when_the_database_is_back),
        TEST(a_network_that_refuses_ends_the_showing_and_not_the_reply),
        TEST(a_network_without_room_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
