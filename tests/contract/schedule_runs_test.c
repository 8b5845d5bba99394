#include "tests/contract/schedule_rig.h"

/* The run of *s that is due at T0 + HOUR, as turn 100 * n in the session. */
struct shot {
    struct nf_schedule next;
    struct nf_schedule_run run;
    struct nf_fire fire;
    struct nf_accept accept;
};

static struct shot *shoot(struct shot *x, const struct nf_schedule *s, int64_t n, int64_t reserved,
                          int64_t user_max, int64_t all_max)
{
    struct nf_due taken;
    memset(x, 0, sizeof(*x));
    x->next = *s;
    assert_true(nf_schedule_take(&x->next, &nf_zone_utc, s->next_ms, &taken));
    x->next.last_run_id = 100 * n;
    x->run = (struct nf_schedule_run){ .schedule_id = s->id,
                                       .due_ms = taken.due_ms,
                                       .user_id = s->user_id,
                                       .fired_ms = s->next_ms + 3,
                                       .outcome = NF_SCHEDULE_STARTED,
                                       .run_id = 100 * n,
                                       .reserved = reserved,
                                       .by_hand = true,
                                       .reason = "because" };
    x->fire = (struct nf_fire){
        .schedule = &x->next, .run = &x->run, .day = 9, .user_max = user_max, .all_max = all_max
    };
    x->accept = message(SESSION, n, n == 1 ? "schedule:1" : "schedule:2");
    x->accept.fire = &x->fire;
    return x;
}

static enum nf_code fire(struct fixture *f, struct shot *x)
{
    struct nf_accepted got;
    return f->s.turns->ops->accept(f->s.turns, &x->accept, &got, &f->err);
}

static int64_t tokens_of(struct fixture *f, int64_t user_id, int64_t day)
{
    int64_t n;
    assert_ok(store(f)->ops->tokens(store(f), user_id, day, &n, &f->err), &f->err);
    return n;
}

static int64_t tokens(struct fixture *f, int64_t user_id)
{
    return tokens_of(f, user_id, 9);
}

static int64_t pending(struct fixture *f)
{
    struct nf_session s;
    assert_ok(f->s.sessions->ops->get(f->s.sessions, SESSION, 0, &s, &f->err), &f->err);
    return s.pending;
}

static void a_run_is_written_with_its_turn_or_not_at_all(void **state)
{
    struct fixture *f = *state;
    struct shot x, zombie;
    struct nf_schedule_run r;
    given_people(f);
    struct nf_schedule s = given(f, 5, 1);

    shoot(&zombie, &s, 2, 40, 100, 100);
    assert_ok(fire(f, shoot(&x, &s, 1, 40, 100, 100)), &f->err);
    assert_int_equal(pending(f), 1);
    assert_int_equal(read_back(f, 5).next_ms, T0 + 2 * HOUR);
    assert_int_equal(read_back(f, 5).last_run_id, 100);
    assert_ok(store(f)->ops->of_turn(store(f), 100, &r, &f->err), &f->err);
    assert_memory_equal(&r, &x.run, sizeof(r));
    assert_code(store(f)->ops->of_turn(store(f), 200, &r, &f->err), NF_E_NOT_FOUND);

    /* Somebody who read it before, and wakes up late. */
    assert_code(fire(f, &zombie), NF_E_CONFLICT);
    assert_int_equal(zombie.fire.refused, NF_FIRE_MOVED);
    assert_int_equal(pending(f), 1);
    assert_int_equal(tokens(f, 1), 40);
}

static void a_time_runs_once_also_when_the_clock_was_set_back(void **state)
{
    struct fixture *f = *state;
    struct shot x, again;
    given_people(f);
    struct nf_schedule s = given(f, 5, 1);

    assert_ok(fire(f, shoot(&x, &s, 1, 0, 0, 0)), &f->err);
    s = read_back(f, 5);
    s.next_ms = x.run.due_ms;
    assert_ok(store(f)->ops->update(store(f), &s, &f->err), &f->err);
    s = read_back(f, 5);
    assert_code(fire(f, shoot(&again, &s, 2, 0, 0, 0)), NF_E_CONFLICT);
    assert_int_equal(again.fire.refused, NF_FIRE_RUN_BEFORE);
    again.fire.refused = NF_FIRE_NOT_REFUSED;
    assert_code(store(f)->ops->note(store(f), &again.fire, &f->err), NF_E_CONFLICT);
    assert_int_equal(again.fire.refused, NF_FIRE_RUN_BEFORE);
    assert_int_equal(pending(f), 1);
    assert_int_equal(read_back(f, 5).version, s.version);
}

static void what_was_only_missed_can_still_run(void **state)
{
    struct fixture *f = *state;
    struct shot x;
    struct nf_schedule_run r;
    given_people(f);
    struct nf_schedule s = given(f, 5, 1);

    shoot(&x, &s, 1, 0, 0, 0);
    x.run.outcome = NF_SCHEDULE_MISSED;
    x.run.run_id = 0;
    assert_ok(store(f)->ops->note(store(f), &x.fire, &f->err), &f->err);
    s = read_back(f, 5);
    s.next_ms = x.run.due_ms;
    assert_ok(store(f)->ops->update(store(f), &s, &f->err), &f->err);
    s = read_back(f, 5);
    assert_ok(fire(f, shoot(&x, &s, 2, 0, 0, 0)), &f->err);
    assert_ok(store(f)->ops->of_turn(store(f), 200, &r, &f->err), &f->err);
    assert_memory_equal(&r, &x.run, sizeof(r));
}

static void a_day_has_so_many_tokens_for_each_and_for_all(void **state)
{
    struct fixture *f = *state;
    struct shot x;
    given_people(f);
    struct nf_schedule one = given(f, 5, 1), other = given(f, 6, 1), theirs = given(f, 7, 2);

    assert_code(fire(f, shoot(&x, &one, 1, 101, 100, 1000)), NF_E_CONFLICT);
    assert_int_equal(x.fire.refused, NF_FIRE_BUDGET);
    assert_ok(fire(f, shoot(&x, &one, 1, 60, 100, 150)), &f->err);
    assert_code(fire(f, shoot(&x, &other, 2, 41, 100, 150)), NF_E_CONFLICT);
    assert_int_equal(x.fire.refused, NF_FIRE_BUDGET);
    assert_ok(fire(f, shoot(&x, &other, 2, 40, 100, 150)), &f->err);
    shoot(&x, &theirs, 3, 51, 100, 150);
    assert_code(store(f)->ops->note(store(f), &x.fire, &f->err), NF_E_CONFLICT);
    assert_int_equal(x.fire.refused, NF_FIRE_BUDGET_ALL);
    assert_int_equal(tokens(f, 1), 100);
    assert_int_equal(tokens(f, 2), 0);
    assert_int_equal(tokens(f, 0), 100);
    x.run.reserved = 50;
    assert_ok(store(f)->ops->note(store(f), &x.fire, &f->err), &f->err);
    assert_int_equal(tokens(f, 0), 150);
}

static void what_was_set_aside_becomes_what_was_used(void **state)
{
    struct fixture *f = *state;
    struct nf_schedule_runs ended = { 0 };
    struct nf_claim claim;
    struct answer a;
    struct shot x;
    given_people(f);
    struct nf_schedule s = given(f, 5, 1);
    struct nf_accepted got;

    shoot(&x, &s, 1, 60, 100, 100);
    assert_ok(f->s.turns->ops->accept(f->s.turns, &x.accept, &got, &f->err), &f->err);
    claim = got.claim;
    assert_ok(store(f)->ops->ended(store(f), 9, &ended, &f->err), &f->err);
    assert_int_equal(ended.n, 0);
    nf_schedule_runs_done(&ended);
    assert_true(outlook(f).under_way);

    struct nf_finished done;
    assert_ok(f->s.turns->ops->finish(f->s.turns, answer(&a, &claim, 2000), 0, &done, &f->err),
              &f->err);
    assert_ok(store(f)->ops->ended(store(f), 9, &ended, &f->err), &f->err);
    assert_int_equal(ended.n, 1);
    struct nf_schedule_run r = ended.v[0];
    nf_schedule_runs_done(&ended);
    assert_int_equal(r.outcome, NF_SCHEDULE_ENDED);
    assert_int_equal(r.tokens, 30);
    assert_int_equal(r.reserved, 60);
    assert_string_equal(r.reason, "");
    assert_ok(store(f)->ops->settle(store(f), &r, 9, &f->err), &f->err);
    assert_int_equal(tokens(f, 1), 30);
    assert_int_equal(tokens(f, 0), 30);
    assert_code(store(f)->ops->settle(store(f), &r, 9, &f->err), NF_E_CONFLICT);
    assert_int_equal(tokens(f, 0), 30);
    assert_ok(store(f)->ops->ended(store(f), 9, &ended, &f->err), &f->err);
    assert_int_equal(ended.n, 0);
    nf_schedule_runs_done(&ended);
    assert_false(outlook(f).under_way);
}

static void runs_are_read_newest_first_and_go_with_their_schedule(void **state)
{
    struct fixture *f = *state;
    struct nf_schedule_runs list = { 0 };
    given_people(f);
    (void)given(f, 5, 1);
    for (int i = 1; i <= 3; i++) {
        struct nf_schedule s = read_back(f, 5);
        struct shot x;
        shoot(&x, &s, i, 0, 0, 0);
        x.run.outcome = NF_SCHEDULE_MISSED;
        x.run.run_id = 0;
        assert_ok(store(f)->ops->note(store(f), &x.fire, &f->err), &f->err);
    }
    assert_ok(store(f)->ops->runs(store(f), 5, 0, 2, &list, &f->err), &f->err);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.v[0].due_ms, T0 + 3 * HOUR);
    assert_int_equal(list.v[1].due_ms, T0 + 2 * HOUR);
    nf_schedule_runs_done(&list);
    assert_ok(store(f)->ops->runs(store(f), 5, T0 + 2 * HOUR, 2, &list, &f->err), &f->err);
    assert_int_equal(list.n, 1);
    nf_schedule_runs_done(&list);
    assert_code(store(f)->ops->remove(store(f), 5, 2, &f->err), NF_E_NOT_FOUND);
    assert_ok(store(f)->ops->remove(store(f), 5, 1, &f->err), &f->err);
    assert_ok(store(f)->ops->runs(store(f), 5, 0, 2, &list, &f->err), &f->err);
    assert_int_equal(list.n, 0);
    nf_schedule_runs_done(&list);
    assert_code(store(f)->ops->remove(store(f), 5, 1, &f->err), NF_E_NOT_FOUND);
}

static void what_is_old_goes(void **state)
{
    struct fixture *f = *state;
    struct nf_schedule_runs list = { 0 };
    struct shot x;
    given_people(f);
    struct nf_schedule s = given(f, 5, 1), done = given(f, 6, 1);

    shoot(&x, &s, 1, 10, 100, 100);
    x.run.outcome = NF_SCHEDULE_MISSED;
    assert_ok(store(f)->ops->note(store(f), &x.fire, &f->err), &f->err);
    assert_ok(nf_schedule_become(&done, NF_SCHEDULE_DONE, &nf_zone_utc, T0, &f->err), &f->err);
    assert_ok(store(f)->ops->update(store(f), &done, &f->err), &f->err);

    assert_ok(store(f)->ops->tidy(store(f), T0, 9, &f->err), &f->err);
    assert_int_equal(tokens(f, 1), 10);
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9 }), "6 5 ");
    assert_ok(store(f)->ops->tidy(store(f), T0 + 5 * HOUR, 10, &f->err), &f->err);
    assert_string_equal(listed(f, &(struct nf_schedule_filter){ .limit = 9 }), "5 ");
    assert_ok(store(f)->ops->runs(store(f), 5, 0, 2, &list, &f->err), &f->err);
    assert_int_equal(list.n, 0);
    nf_schedule_runs_done(&list);
}

/* A clock that was a year ahead for a while. */
static void the_newest_days_of_each_person_stay(void **state)
{
    struct fixture *f = *state;
    struct shot x;
    given_people(f);
    for (int64_t day = 1; day <= NF_SCHEDULE_DAYS_KEPT + 1; day++) {
        struct nf_schedule s = day == 1 ? given(f, 5, 1) : read_back(f, 5);
        shoot(&x, &s, day, 10, 100, 100);
        x.fire.day = day;
        x.run.run_id = 0;
        x.run.outcome = NF_SCHEDULE_MISSED;
        assert_ok(store(f)->ops->note(store(f), &x.fire, &f->err), &f->err);
    }

    assert_ok(store(f)->ops->tidy(store(f), T0, 2, &f->err), &f->err);
    assert_int_equal(tokens_of(f, 1, 1), 0);
    assert_int_equal(tokens_of(f, 1, 2), 10);
    assert_ok(store(f)->ops->tidy(store(f), T0, 1000, &f->err), &f->err);
    assert_int_equal(tokens_of(f, 1, 2), 10);
    assert_int_equal(tokens_of(f, 0, 2), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_is_written_with_its_turn_or_not_at_all),
        cmocka_unit_test(a_time_runs_once_also_when_the_clock_was_set_back),
        cmocka_unit_test(what_was_only_missed_can_still_run),
        cmocka_unit_test(a_day_has_so_many_tokens_for_each_and_for_all),
        cmocka_unit_test(what_was_set_aside_becomes_what_was_used),
        cmocka_unit_test(runs_are_read_newest_first_and_go_with_their_schedule),
        cmocka_unit_test(what_is_old_goes),
        cmocka_unit_test(the_newest_days_of_each_person_stay),
    };

    return RUN_SUITE("schedule_runs", tests);
}
