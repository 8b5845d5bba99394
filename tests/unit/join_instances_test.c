/* Being one of several: who says no more that it is there is given up, and its work taken over. */
#include "application/join_instances.h"
#include "application/recover.h"
#include "tests/unit/use_case_fixture.h"

static int64_t mono_us(struct nf_clock *c)
{
    return nf_container_of(c, struct world, clock)->now * 1000;
}

/* One that others are beside: number 1 is another, we are 2. */
static struct world *given_two(void)
{
    struct world *w = world_new();
    struct nf_instance other = { .identity = "other",
                                 .address = "10.0.0.1:1",
                                 .version = "1",
                                 .token = 11,
                                 .started_ms = w->now,
                                 .lease_until_ms = w->now + LEASE };
    w->clock.mono_us = mono_us;
    w->app.instances = w->s.instances;
    assert_ok(w->s.instances->ops->join(w->s.instances, &other, &w->err), &w->err);
    assert_int_equal(other.number, 1);
    assert_ok(nf_instance_join(&w->app, "we", "10.0.0.2:1", "1", 22, &w->err), &w->err);
    return w;
}

/* A turn that number 1 has begun. */
static void given_turn_of_the_other(struct world *w)
{
    int64_t we = w->app.owner;
    w->app.owner = 1;
    write_message(w, "m1", "hello");
    w->app.owner = we;
}

static enum nf_instance_state state_of(struct world *w, int64_t number)
{
    struct nf_instances all = { 0 };
    enum nf_instance_state state = 0;
    assert_ok(w->s.instances->ops->list(w->s.instances, &all, &w->err), &w->err);
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].number == number)
            state = all.v[i].state;
    nf_instances_done(&all);
    return state;
}

/* Look eight times within each lease, for so many of them. */
static enum nf_code keep_for(struct world *w, struct nf_instance_watch *watch, int leases)
{
    for (int i = 0; i < 8 * leases; i++) {
        NF_TRY(nf_instance_keep(&w->app, watch, &w->err));
        w->now += LEASE / 8;
    }
    return nf_instance_keep(&w->app, watch, &w->err);
}

static void who_joins_has_a_number_and_keeps_it_over_a_restart(void **state)
{
    (void)state;
    struct world *w = given_two();
    assert_int_equal(w->app.owner, 2);
    assert_int_equal(w->app.token, 22);
    assert_ok(nf_instance_leave(&w->app, &w->err), &w->err);
    assert_int_equal(state_of(w, 2), NF_INSTANCE_GONE);
    assert_ok(nf_instance_join(&w->app, "we", "10.0.0.2:1", "1", 23, &w->err), &w->err);
    assert_int_equal(w->app.owner, 2);
    assert_int_equal(state_of(w, 2), NF_INSTANCE_HERE);
    world_free(w);
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    (void)state;
    struct world *w = given_two();
    char longer[NF_INSTANCE_ADDRESS_MAX + 2];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_code(nf_instance_join(&w->app, longer, "a", "1", 1, &w->err), NF_E_LIMIT);
    assert_string_equal(w->err.msg, "an instance's identity has at most 64 bytes");
    assert_code(nf_instance_join(&w->app, "we", longer, "1", 1, &w->err), NF_E_LIMIT);
    assert_string_equal(w->err.msg, "an instance's address has at most 128 bytes");
    assert_code(nf_instance_join(&w->app, "we", "a", longer, 1, &w->err), NF_E_LIMIT);
    assert_string_equal(w->err.msg, "a version has at most 32 bytes");
    world_free(w);
}

static void the_work_of_one_that_died_is_taken_over(void **state)
{
    (void)state;
    struct world *w = given_two();
    struct nf_instance_watch watch = { 0 };
    given_turn_of_the_other(w);
    assert_code(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), NF_E_NOT_FOUND);

    assert_ok(keep_for(w, &watch, 2), &w->err);
    assert_int_equal(watch.taken_over, 1);
    assert_int_equal(state_of(w, 1), NF_INSTANCE_GONE);
    assert_int_equal(state_of(w, 2), NF_INSTANCE_HERE);
    assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
    assert_code(w->s.instances->ops->keep(w->s.instances, 1, 11, w->now + LEASE, &w->err),
                NF_E_CONFLICT);
    world_free(w);
}

static enum nf_code refuse_release(struct nf_turn_store *s, int64_t owner, struct nf_err *err)
{
    (void)s, (void)owner;
    return nf_err_set(err, NF_E_UNAVAILABLE, "away");
}

/* If we fail or die in between, somebody else must do it again. */
static void who_could_not_be_taken_over_is_not_gone_yet(void **state)
{
    static const struct nf_turn_store_ops ops = { .release = refuse_release };
    struct nf_turn_store away = { &ops };
    (void)state;
    struct world *w = given_two();
    struct nf_instance_watch watch = { 0 };
    struct nf_turn_store *real = w->app.turns;
    given_turn_of_the_other(w);
    w->app.turns = &away;
    assert_code(keep_for(w, &watch, 2), NF_E_UNAVAILABLE);
    assert_int_equal(watch.taken_over, 0);
    assert_int_equal(state_of(w, 1), NF_INSTANCE_HERE);

    w->app.turns = real;
    assert_ok(nf_instance_keep(&w->app, &watch, &w->err), &w->err);
    assert_int_equal(watch.taken_over, 1);
    assert_int_equal(state_of(w, 1), NF_INSTANCE_GONE);
    world_free(w);
}

/* The database was away for all: everybody says first that they are there. */
static void after_an_outage_nobody_is_given_up_at_once(void **state)
{
    (void)state;
    struct world *w = given_two();
    struct nf_instance_watch watch = { 0 };
    assert_ok(nf_instance_keep(&w->app, &watch, &w->err), &w->err);
    w->now += 3 * LEASE;
    assert_ok(nf_instance_keep(&w->app, &watch, &w->err), &w->err);
    assert_int_equal(state_of(w, 1), NF_INSTANCE_HERE);
    assert_ok(keep_for(w, &watch, 1), &w->err);
    assert_int_equal(state_of(w, 1), NF_INSTANCE_GONE);
    world_free(w);
}

static void who_was_given_up_is_told(void **state)
{
    (void)state;
    struct world *w = given_two();
    struct nf_instance_watch watch = { 0 };
    struct nf_instance_store *s = w->s.instances;
    assert_ok(s->ops->leave(s, 2, 22, w->now, &w->err), &w->err);
    assert_code(nf_instance_keep(&w->app, &watch, &w->err), NF_E_CONFLICT);
    assert_int_equal(watch.kept_since_ms, 0);
    world_free(w);
}

static void what_runs_here_is_ours_for_three_quarters_of_the_lease(void **state)
{
    (void)state;
    struct world *w = given_two();
    assert_false(nf_app_holds(&w->app));
    nf_app_held(&w->app, mono_us(&w->clock));
    w->now += LEASE * 3 / 4 - 1;
    assert_true(nf_app_holds(&w->app));
    w->now += 1;
    assert_false(nf_app_holds(&w->app));
    w->app.instances = NULL; /* there is nobody else */
    assert_true(nf_app_holds(&w->app));
    world_free(w);
}

/* Without memory for it the dead one stays "here": whoever looks next does it again. */
static void out_of_memory_the_dead_are_taken_over_the_next_time(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        struct world *w = given_two();
        struct nf_instance_watch watch = { 0 };
        given_turn_of_the_other(w);
        assert_ok(nf_instance_keep(&w->app, &watch, &w->err), &w->err);
        watch.kept_since_ms -= 2 * LEASE; /* as if it had said so for long */
        watch.kept_ms += LEASE;
        w->now += LEASE;

        nf_fail_alloc_at(n);
        enum nf_code rc = nf_instance_keep(&w->app, &watch, &w->err);
        bool failed = allocation_failed();
        if (rc != NF_OK) {
            assert_code(rc, NF_E_NOMEM);
            assert_int_equal(state_of(w, 1), NF_INSTANCE_HERE);
            assert_ok(nf_instance_keep(&w->app, &watch, &w->err), &w->err);
        }
        assert_int_equal(watch.taken_over, 1);
        assert_int_equal(state_of(w, 1), NF_INSTANCE_GONE);
        assert_ok(nf_claim_turn(&w->app, w->session, 0, &w->runner.claim, &w->err), &w->err);
        world_free(w);
        assert_true(n < 500);
        if (!failed) {
            assert_true(n > 1);
            break;
        }
    }
}

static void out_of_memory_nobody_has_joined(void **state)
{
    (void)state;
    TORTURE(
        {
            w->clock.mono_us = mono_us;
            w->app.instances = w->s.instances;
            w->app.owner = 0;
        },
        nf_instance_join(&w->app, "we", "10.0.0.2:1", "1", 22, &w->err),
        {
            assert_int_equal(w->app.owner, rc == NF_OK ? 1 : 0);
            assert_int_equal(state_of(w, 1), rc == NF_OK ? NF_INSTANCE_HERE : 0);
        });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_joins_has_a_number_and_keeps_it_over_a_restart),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(the_work_of_one_that_died_is_taken_over),
        cmocka_unit_test(who_could_not_be_taken_over_is_not_gone_yet),
        cmocka_unit_test(after_an_outage_nobody_is_given_up_at_once),
        cmocka_unit_test(who_was_given_up_is_told),
        cmocka_unit_test(what_runs_here_is_ours_for_three_quarters_of_the_lease),
        cmocka_unit_test(out_of_memory_the_dead_are_taken_over_the_next_time),
        cmocka_unit_test(out_of_memory_nobody_has_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
