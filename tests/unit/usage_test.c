#include "domain/usage.h"

#include "tests/support/test.h"

#define MOST (INT64_C(1) << 40)

static int64_t sum(int64_t a, int64_t b)
{
    struct nf_tokens t =
        nf_tokens_add((struct nf_tokens){ a, a, a, a }, (struct nf_tokens){ b, b, b, b });

    assert_true(t.input == t.output && t.output == t.cache_read && t.cache_read == t.cache_write);
    return t.input;
}

static void counts_are_added_each_for_itself(void **data)
{
    struct nf_tokens t =
        nf_tokens_add((struct nf_tokens){ 1, 2, 3, 4 }, (struct nf_tokens){ 10, 20, 30, 40 });
    (void)data;

    assert_int_equal(t.input, 11);
    assert_int_equal(t.output, 22);
    assert_int_equal(t.cache_read, 33);
    assert_int_equal(t.cache_write, 44);
}

static void unknown_counts_as_nothing_unless_both_are(void **data)
{
    (void)data;

    assert_int_equal(sum(-1, 5), 5);
    assert_int_equal(sum(5, -1), 5);
    assert_int_equal(sum(-1, 0), 0);
    assert_int_equal(sum(-1, -1), -1);
}

static void a_sum_stops_at_the_largest_number(void **data)
{
    (void)data;

    assert_true(sum(INT64_MAX - 1, 1) == INT64_MAX);
    assert_true(sum(INT64_MAX, 1) == INT64_MAX);
    assert_true(sum(INT64_MAX, INT64_MAX) == INT64_MAX);
}

static void counts_from_outside_are_made_sane(void **data)
{
    struct nf_tokens t = nf_tokens_sane((struct nf_tokens){ INT64_MIN, 0, MOST, MOST + 1 });
    (void)data;

    assert_int_equal(t.input, -1);
    assert_int_equal(t.output, 0);
    assert_true(t.cache_read == MOST);
    assert_true(t.cache_write == MOST);
    assert_int_equal(nf_tokens_sane((struct nf_tokens){ .output = -2 }).output, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_added_each_for_itself),
        cmocka_unit_test(unknown_counts_as_nothing_unless_both_are),
        cmocka_unit_test(a_sum_stops_at_the_largest_number),
        cmocka_unit_test(counts_from_outside_are_made_sane),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
