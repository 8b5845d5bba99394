/* Rate limits. */
#include "channels/web/rate.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE INT64_C(60000000)

static int setup(void **state)
{
    struct nf_err err;
    struct nf_rate *r;
    assert_ok(nf_rate_new(&r, &err), &err);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    nf_rate_free(*state);
    return 0;
}

static void a_minutes_worth_may_come_at_once_and_no_more(void **state)
{
    int64_t wait = 0;
    for (int i = 0; i < 30; i++) {
        assert_true(nf_rate_has(*state, "a", 30, 5));
        assert_true(nf_rate_take(*state, "a", 30, 5, &wait));
    }
    assert_false(nf_rate_has(*state, "a", 30, 5));
    assert_false(nf_rate_take(*state, "a", 30, 5, &wait));
    assert_int_equal(wait, 2001); /* one in two seconds, rounded up */
}

static void what_was_refused_costs_nothing(void **state)
{
    int64_t wait = 0;
    for (int i = 0; i < 60; i++)
        assert_true(nf_rate_take(*state, "a", 60, 0, &wait));
    for (int i = 0; i < 100; i++)
        assert_false(nf_rate_take(*state, "a", 60, 0, &wait));
    assert_false(nf_rate_take(*state, "a", 60, 999999, &wait));
    assert_true(nf_rate_take(*state, "a", 60, 1000000, &wait)); /* one second: one more */
    assert_false(nf_rate_take(*state, "a", 60, 1000000, &wait));
}

static void who_waits_as_long_as_told_may_go_on(void **state)
{
    int64_t wait = 0, now = 1;
    for (int i = 0; i < 7; i++)
        assert_true(nf_rate_take(*state, "a", 7, now, &wait));
    for (int i = 0; i < 20; i++) {
        assert_false(nf_rate_take(*state, "a", 7, now, &wait));
        assert_in_range(wait, 1, 60000);
        now += wait * 1000;
        assert_true(nf_rate_has(*state, "a", 7, now));
        assert_true(nf_rate_take(*state, "a", 7, now, &wait));
    }
}

static void after_a_minute_it_is_full_again_and_not_fuller(void **state)
{
    int64_t wait = 0;
    for (int i = 0; i < 10; i++)
        assert_true(nf_rate_take(*state, "a", 10, 0, &wait));
    for (int i = 0; i < 10; i++)
        assert_true(nf_rate_take(*state, "a", 10, 10 * MINUTE, &wait));
    assert_false(nf_rate_take(*state, "a", 10, 10 * MINUTE, &wait));
}

static void one_a_minute_is_one_a_minute(void **state)
{
    int64_t wait = 0;
    assert_true(nf_rate_take(*state, "a", 1, 0, &wait));
    assert_false(nf_rate_take(*state, "a", 1, MINUTE - 1, &wait));
    assert_int_equal(wait, 1);
    assert_true(nf_rate_take(*state, "a", 1, MINUTE, &wait));
}

static void keys_do_not_share(void **state)
{
    int64_t wait = 0;
    assert_true(nf_rate_take(*state, "a", 1, 0, &wait));
    assert_true(nf_rate_take(*state, "b", 1, 0, &wait));
    assert_true(nf_rate_take(*state, "", 1, 0, &wait));
    assert_false(nf_rate_take(*state, "a", 1, 0, &wait));
}

static const char *key(int i)
{
    static char text[32];
    (void)snprintf(text, sizeof(text), "key%d", i);
    return text;
}

static void the_key_unused_for_longest_makes_room(void **state)
{
    int64_t wait = 0;
    for (int i = 0; i < NF_RATE_KEYS_MAX; i++)
        assert_true(nf_rate_take(*state, key(i), 1, 0, &wait));
    assert_false(nf_rate_take(*state, key(0), 1, 0, &wait)); /* used: now key1 is the oldest */
    assert_true(nf_rate_take(*state, "one more", 1, 0, &wait));
    assert_true(nf_rate_has(*state, key(1), 1, 0)); /* forgotten */
    assert_false(nf_rate_has(*state, key(0), 1, 0));
    assert_false(nf_rate_has(*state, key(2), 1, 0));
    assert_false(nf_rate_has(*state, "one more", 1, 0));
}

static void a_long_key_is_one_key(void **state)
{
    int64_t wait = 0;
    char long_key[201];
    for (int i = 0; i < 200; i++)
        long_key[i] = 'k';
    long_key[200] = '\0';
    assert_true(nf_rate_take(*state, long_key, 1, 0, &wait));
    assert_false(nf_rate_take(*state, long_key, 1, 0, &wait));
    assert_false(nf_rate_has(*state, long_key, 1, 0));
}

static void out_of_memory_people_are_served(void **state)
{
    int64_t wait = 0;
    struct nf_err err;
    struct nf_rate *r;
    (void)state;
    nf_fail_alloc_at(1);
    assert_code(nf_rate_new(&r, &err), NF_E_NOMEM);
    for (size_t n = 1; n < 8; n++) {
        assert_ok(nf_rate_new(&r, &err), &err);
        nf_fail_alloc_at(n);
        for (int i = 0; i < 100; i++) /* the table grows meanwhile */
            assert_true(nf_rate_take(r, key(i), 1, 0, &wait));
        for (int i = 0; i < 3; i++)
            assert_true(nf_rate_take(r, "often", 3, 0, &wait));
        nf_fail_alloc_at(0);
        nf_rate_free(r);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_minutes_worth_may_come_at_once_and_no_more),
        T(what_was_refused_costs_nothing),
        T(who_waits_as_long_as_told_may_go_on),
        T(after_a_minute_it_is_full_again_and_not_fuller),
        T(one_a_minute_is_one_a_minute),
        T(keys_do_not_share),
        T(the_key_unused_for_longest_makes_room),
        T(a_long_key_is_one_key),
        T(out_of_memory_people_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
