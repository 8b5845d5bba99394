/* Whose turn it is among those that wait. */
#include "application/take_turns.h"
#include "tests/unit/use_case_fixture.h"

/* A conversation of `user` with one message that waits. */
static void given_waiting(struct world *w, int64_t user)
{
    struct nf_user u = { .id = user, .role = NF_USER_USER, .status = NF_USER_ACTIVE };
    struct nf_accepted a;
    char id[24] = "";
    struct nf_incoming in = incoming(w, id, "hello");
    (void)snprintf(id, sizeof(id), "m%lld", (long long)w->now);
    in.user = &u;
    in.session_id = 0;
    w->runner.is_full = true;
    w->now += 10;
    assert_ok(nf_receive_message(&w->app, &in, &a, &w->err), &w->err);
}

/* Whose sessions are taken for `limit` places, as "1 2 2". */
static const char *taken(struct world *w, int64_t *after, size_t limit)
{
    static char text[512];
    struct nf_leases got = { 0 };
    size_t n = 0;
    text[0] = '\0';
    assert_ok(nf_take_turns(&w->app, after, limit, &got, &w->err), &w->err);
    for (size_t i = 0; i < got.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, n ? " %lld" : "%lld",
                              (long long)got.v[i].user_id);
    nf_leases_done(&got);
    return text;
}

static void nobody_waits_longer_than_one_turn_of_each_other(void **state)
{
    struct world *w = *state;
    int64_t after = 0;
    for (int i = 0; i < 1000; i++)
        given_waiting(w, 1);
    assert_string_equal(taken(w, &after, 1), "1");
    given_waiting(w, 3);
    given_waiting(w, 2);

    assert_string_equal(taken(w, &after, 1), "2");
    assert_string_equal(taken(w, &after, 1), "3");
    assert_string_equal(taken(w, &after, 1), "1");
    assert_string_equal(taken(w, &after, 1), "1");
}

static void with_more_places_than_people_none_stays_empty(void **state)
{
    struct world *w = *state;
    int64_t after = 1;
    for (int i = 0; i < 10; i++)
        given_waiting(w, 1);
    given_waiting(w, 2);

    assert_string_equal(taken(w, &after, 6), "2 1 1 1 1 1");
    assert_int_equal(after, 1);
    assert_string_equal(taken(w, &after, 64), "1 1 1 1 1");
    assert_string_equal(taken(w, &after, 64), "");
}

static void those_before_the_last_come_round_again(void **state)
{
    struct world *w = *state;
    int64_t after = 2;
    for (int64_t user = 1; user <= 3; user++) {
        given_waiting(w, user);
        given_waiting(w, user);
    }

    assert_string_equal(taken(w, &after, 2), "3 1");
    assert_string_equal(taken(w, &after, 2), "2 3");
    assert_string_equal(taken(w, &after, 2), "1 2");
}

/* Fails from the n-th round on. */
static struct nf_turn_store failing, *working;
static int rounds_left;

static enum nf_code take_some(struct nf_turn_store *s, const struct nf_round *round,
                              struct nf_leases *ret, struct nf_err *err)
{
    (void)s;
    if (rounds_left-- <= 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "the database is gone");
    return working->ops->take(working, round, ret, err);
}

static void what_was_taken_before_a_failure_is_kept(void **state)
{
    static const struct nf_turn_store_ops ops = { .take = take_some };
    struct world *w = *state;
    struct nf_leases got = { 0 };
    int64_t after = 0;
    given_waiting(w, 1);
    given_waiting(w, 1);
    working = w->s.turns;
    failing.ops = &ops;
    w->app.turns = &failing;

    rounds_left = 1;
    assert_string_equal(taken(w, &after, 2), "1");
    assert_code(nf_take_turns(&w->app, &after, 2, &got, &w->err), NF_E_UNAVAILABLE);
    assert_null(got.v);
}

static void without_memory_nothing_is_taken(void **state)
{
    struct nf_leases got = { 0 };
    int64_t after = 0;
    (void)state;
    TORTURE(given_waiting(w, 1), nf_take_turns(&w->app, &after, 1, &got, &w->err), {
        if (rc != NF_OK)
            assert_ok(nf_take_turns(&w->app, &after, 1, &got, &w->err), &w->err);
        assert_int_equal(got.n, 1);
        nf_leases_done(&got);
        after = 0;
    });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(nobody_waits_longer_than_one_turn_of_each_other),
        T(with_more_places_than_people_none_stays_empty),
        T(those_before_the_last_come_round_again),
        T(what_was_taken_before_a_failure_is_kept),
        cmocka_unit_test(without_memory_nothing_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
