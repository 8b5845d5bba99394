#include "tests/contract/fixture.h"

#include <time.h>

#define STORE(f) ((f)->s.instances)

static struct nf_instance given(struct fixture *f, const char *identity, int64_t token,
                                int64_t now_ms)
{
    struct nf_instance i = { .token = token,
                             .address = "127.0.0.1:1",
                             .version = "1",
                             .started_ms = now_ms,
                             .lease_until_ms = now_ms + LEASE };
    (void)snprintf(i.identity, sizeof(i.identity), "%s", identity);
    assert_ok(STORE(f)->ops->join(STORE(f), &i, &f->err), &f->err);
    return i;
}

static void each_gets_the_lowest_number_that_is_free(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(given(f, "a", 11, 100).number, 1);
    assert_int_equal(given(f, "b", 12, 100).number, 2);
    assert_int_equal(given(f, "c", 13, 100).number, 3);
}

static void after_a_restart_it_has_its_number_again(void **state)
{
    struct fixture *f = *state;
    (void)given(f, "a", 11, 100);
    (void)given(f, "b", 12, 100);
    assert_int_equal(given(f, "a", 21, 200).number, 1);
    assert_code(STORE(f)->ops->keep(STORE(f), 1, 11, 9999, &f->err), NF_E_CONFLICT);
    assert_ok(STORE(f)->ops->keep(STORE(f), 1, 21, 9999, &f->err), &f->err);
}

static void a_number_rests_for_an_hour(void **state)
{
    struct fixture *f = *state;
    (void)given(f, "a", 11, 100);
    (void)given(f, "b", 12, 100);
    assert_ok(STORE(f)->ops->leave(STORE(f), 1, 11, 500, &f->err), &f->err);
    assert_int_equal(given(f, "c", 13, 500 + NF_INSTANCE_REST_MS).number, 3);
    assert_int_equal(given(f, "d", 14, 501 + NF_INSTANCE_REST_MS).number, 1);
}

static void who_was_given_up_is_told(void **state)
{
    struct fixture *f = *state;
    struct nf_instances all = { 0 };
    (void)given(f, "a", 11, 100);
    assert_ok(STORE(f)->ops->leave(STORE(f), 1, 99, 500, &f->err), &f->err); /* another process */
    assert_ok(STORE(f)->ops->keep(STORE(f), 1, 11, 2000, &f->err), &f->err);
    assert_ok(STORE(f)->ops->leave(STORE(f), 1, 11, 500, &f->err), &f->err);
    assert_code(STORE(f)->ops->keep(STORE(f), 1, 11, 3000, &f->err), NF_E_CONFLICT);
    assert_ok(STORE(f)->ops->list(STORE(f), &all, &f->err), &f->err);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.v[0].state, NF_INSTANCE_GONE);
    assert_int_equal(all.v[0].lease_until_ms, 500);
    assert_string_equal(all.v[0].address, "127.0.0.1:1");
    nf_instances_done(&all);
}

static void the_clock_that_all_share_is_this_ones_or_the_servers(void **state)
{
    struct fixture *f = *state;
    int64_t now = 0, asked = (int64_t)time(NULL) * 1000;
    assert_ok(STORE(f)->ops->now(STORE(f), asked, &now, &f->err), &f->err);
    assert_true(now >= asked && now < asked + 60000);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    struct nf_instances all = { 0 };
    (void)given(f, "a", 11, 100);
    TORTURE(STORE(f)->ops->list(STORE(f), &all, &f->err), assert_int_equal(all.n, 0));
    assert_int_equal(all.n, 1);
    nf_instances_done(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gets_the_lowest_number_that_is_free),
        cmocka_unit_test(after_a_restart_it_has_its_number_again),
        cmocka_unit_test(a_number_rests_for_an_hour),
        cmocka_unit_test(who_was_given_up_is_told),
        cmocka_unit_test(the_clock_that_all_share_is_this_ones_or_the_servers),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
    };
    return RUN_SUITE("instance store", tests);
}
