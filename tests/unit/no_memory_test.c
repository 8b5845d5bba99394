/* Use cases whose allocations fail one after the other: each fails as a whole and says so, and
 * works the next time. Those of turns have theirs beside their own tests. */
#include "application/manage_pairing.h"
#include "application/search_history.h"
#include "application/shorten.h"
#include "tests/unit/schedule_rig.h"

/* TORTURE with the world of schedules: `given`, then `call` with its n-th allocation failing, then
 * `check`, which sees `rc`, and `again` if it failed. */
#define EACH_FAILS(given, call, check)                                                             \
    do {                                                                                           \
        bool more_ = true;                                                                         \
        for (size_t n_ = 1; more_; n_++) {                                                         \
            void *world_;                                                                          \
            assert_int_equal(rig_setup(&world_), 0);                                               \
            struct world *w = world_;                                                              \
            given;                                                                                 \
            nf_fail_alloc_at(n_);                                                                  \
            enum nf_code rc = (call);                                                              \
            more_ = allocation_failed();                                                           \
            if (rc != NF_OK)                                                                       \
                assert_code(rc, NF_E_NOMEM);                                                       \
            assert_true(n_ < 500);                                                                 \
            check;                                                                                 \
            if (rc != NF_OK)                                                                       \
                assert_ok((call), &w->err);                                                        \
            rig_teardown(&world_);                                                                 \
        }                                                                                          \
    } while (0)

static size_t schedules_of(struct world *w)
{
    struct nf_schedules all = { 0 };
    struct nf_schedule_filter f = { .limit = NF_PAGE_MAX };
    assert_ok(nf_schedule_list(&w->app, &w->user, &f, &all, &w->err), &w->err);
    size_t n = all.n;
    nf_schedules_done(&all);
    return n;
}

static void a_schedule_is_there_or_not(void **state)
{
    struct nf_schedule_wish wish = hourly(NF_SCHEDULE_REMINDER);
    struct nf_schedule s;
    (void)state;
    EACH_FAILS((void)0, nf_schedule_create(&w->app, &w->user, &wish, &s, &w->err),
               assert_int_equal(schedules_of(w), rc == NF_OK ? 1 : 0));
}

static void a_schedule_is_changed_or_not(void **state)
{
    struct nf_schedule_wish wish = { .text = "something else", .cron = "30 * * * *" };
    struct nf_schedule s = { 0 };
    (void)state;
    EACH_FAILS(s = made(w, hourly(NF_SCHEDULE_REMINDER)),
               nf_schedule_change(&w->app, &w->user, s.id, &wish, &s, &w->err), {
                   struct nf_schedule now = look(w, s.id);
                   assert_string_equal(now.text, rc == NF_OK ? "something else" : "what is new?");
               });
}

static void a_schedule_is_paused_resumed_and_removed_or_not(void **state)
{
    struct nf_schedule s = { 0 }, t;
    (void)state;
    EACH_FAILS(s = made(w, hourly(NF_SCHEDULE_REMINDER)),
               nf_schedule_pause(&w->app, &w->user, s.id, &t, &w->err), (void)0);
    EACH_FAILS(s = made(w, hourly(NF_SCHEDULE_PROMPT)),
               nf_schedule_resume(&w->app, &w->user, s.id, &t, &w->err), (void)0);
    EACH_FAILS(s = made(w, hourly(NF_SCHEDULE_REMINDER)),
               nf_schedule_remove(&w->app, &w->user, s.id, &w->err),
               assert_int_equal(schedules_of(w), rc == NF_OK ? 0 : 1));
}

static void a_due_run_is_there_once(void **state)
{
    struct nf_schedule s = { 0 };
    (void)state;
    EACH_FAILS(
        {
            s = made(w, hourly(NF_SCHEDULE_REMINDER));
            w->now += HOUR;
        },
        nf_run_due_schedules(&w->app, &quiet_ms, &w->err),
        assert_in_range(w->runner.started, 0, 1));
    EACH_FAILS(
        {
            s = made(w, hourly(NF_SCHEDULE_REMINDER));
            w->now += HOUR;
            if (nf_run_due_schedules(&w->app, &quiet_ms, &w->err) != NF_OK)
                fail();
        },
        nf_run_due_schedules(&w->app, &quiet_ms, &w->err),
        {
            assert_int_equal(w->runner.started, 1);
            assert_string_equal(history(w, s.id), "started|");
        });
}

static void what_a_schedule_was_is_read_or_not(void **state)
{
    struct nf_schedule s = { 0 };
    struct nf_schedule_runs runs = { 0 };
    struct nf_schedules all = { 0 };
    struct nf_schedule_filter f = { .limit = NF_PAGE_MAX };
    struct nf_str text = { 0 };
    (void)state;
    EACH_FAILS(
        {
            s = made(w, hourly(NF_SCHEDULE_REMINDER));
            w->now += HOUR;
            run_due(w);
            nf_schedule_runs_done(&runs);
        },
        nf_schedule_history(&w->app, &w->user, s.id, 0, 20, &runs, &w->err),
        assert_int_equal(runs.n, rc == NF_OK ? 1 : 0));
    nf_schedule_runs_done(&runs);
    EACH_FAILS(
        {
            s = made(w, hourly(NF_SCHEDULE_REMINDER));
            nf_schedules_done(&all);
        },
        nf_schedule_list(&w->app, &w->user, &f, &all, &w->err),
        assert_int_equal(all.n, rc == NF_OK ? 1 : 0));
    nf_schedules_done(&all);
    EACH_FAILS(
        {
            s = made(w, hourly(NF_SCHEDULE_REMINDER));
            nf_str_done(&text);
        },
        nf_schedule_say(&w->app, &s, NF_LANG_EN, &text, &w->err), nf_str_reset(&text));
    nf_str_done(&text);
}

/* --- accounts --------------------------------------------------------------------------------- */

static size_t accounts_of(struct world *w)
{
    struct nf_identities all = { 0 };
    assert_ok(w->s.users->ops->identities(w->s.users, USER, &all, &w->err), &w->err);
    size_t n = all.n;
    nf_identities_done(&all);
    return n;
}

static void an_account_is_linked_or_not(void **state)
{
    (void)state;
    EACH_FAILS((void)0, nf_account_link(&w->app, &w->user, USER, "discord", "9", &w->err),
               assert_int_equal(accounts_of(w), rc == NF_OK ? 2 : 1));
}

static void an_account_is_unlinked_or_not(void **state)
{
    struct nf_err err;
    (void)state;
    EACH_FAILS(
        assert_ok(nf_account_link(&w->app, &w->user, USER, "discord", "9", &w->err), &w->err),
        nf_account_unlink(&w->app, &w->user, USER, "discord", "9", &err),
        { assert_int_equal(accounts_of(w), rc == NF_OK ? 1 : 2); });
}

/* --- what was said ---------------------------------------------------------------------------- */

static void a_search_finds_it_or_fails(void **state)
{
    const struct nf_search_ask ask = { .text = "hello", .text_n = 5, .limit = 10 };
    struct nf_search_hits hits = { 0 };
    bool complete = false;
    (void)state;
    EACH_FAILS(
        {
            MODEL_SAYS(w, { .text = "yes" });
            write_message(w, "m1", "hello there");
            assert_ok(answer(w), &w->err);
            nf_search_hits_done(&hits);
        },
        nf_search_history(&w->app, &w->user, &ask, &hits, &complete, &w->err),
        {
            assert_int_equal(hits.n, rc == NF_OK ? 1 : 0);
            assert_true(rc != NF_OK || complete);
        });
    nf_search_hits_done(&hits);
}

static void a_text_is_cut_or_not(void **state)
{
    char text[4000], *cut = NULL;
    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    EACH_FAILS(free(nf_take(cut)), nf_shorten(text, 100, &cut, &w->err),
               assert_true((cut != NULL) == (rc == NF_OK)));
    assert_true(strlen(cut) < 320);
    free(cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schedule_is_there_or_not),
        cmocka_unit_test(a_schedule_is_changed_or_not),
        cmocka_unit_test(a_schedule_is_paused_resumed_and_removed_or_not),
        cmocka_unit_test(a_due_run_is_there_once),
        cmocka_unit_test(what_a_schedule_was_is_read_or_not),
        cmocka_unit_test(an_account_is_linked_or_not),
        cmocka_unit_test(an_account_is_unlinked_or_not),
        cmocka_unit_test(a_search_finds_it_or_fails),
        cmocka_unit_test(a_text_is_cut_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
