#include "domain/outbox.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static void sent_failed_and_ambiguous_are_final(void **data)
{
    (void)data;

    assert_false(nf_outbox_is_final(NF_OUTBOX_PENDING));
    assert_false(nf_outbox_is_final(NF_OUTBOX_SENDING));
    assert_true(nf_outbox_is_final(NF_OUTBOX_SENT));
    assert_true(nf_outbox_is_final(NF_OUTBOX_FAILED));
    assert_true(nf_outbox_is_final(NF_OUTBOX_AMBIGUOUS));
    assert_false(nf_outbox_is_final((enum nf_outbox_status)0));
}

static void the_wait_doubles_from_one_second_to_five_minutes(void **data)
{
    static const int64_t waits[] = { 1000,  1000,  2000,   4000,   8000,   16000,
                                     32000, 64000, 128000, 256000, 300000, 300000 };
    (void)data;

    for (int64_t attempt = 0; attempt < 12; attempt++) {
        int64_t wait = waits[attempt];
        uint64_t spread = (uint64_t)wait / 5;

        /* The smallest, the middle, the largest, and from there the smallest again. */
        assert_int_equal(nf_outbox_next_ms(attempt, 7, 0, 0), 7 + wait - wait / 5);
        assert_int_equal(nf_outbox_next_ms(attempt, 7, 0, spread), 7 + wait);
        assert_int_equal(nf_outbox_next_ms(attempt, 7, 0, 2 * spread), 7 + wait + wait / 5);
        assert_int_equal(nf_outbox_next_ms(attempt, 7, 0, 2 * spread + 1), 7 + wait - wait / 5);
    }
}

static void any_attempt_and_any_number_give_a_wait_within_bounds(void **data)
{
    static const uint64_t randoms[] = { 0, 1, 12345, UINT64_MAX / 2, UINT64_MAX };
    static const int64_t attempts[] = { INT64_MIN, -1, 0, 1, 100, INT64_MAX };
    (void)data;

    for (size_t i = 0; i < 5; i++)
        for (size_t k = 0; k < 6; k++)
            assert_in_range(nf_outbox_next_ms(attempts[k], 0, 0, randoms[i]), 800, 360000);
}

static void it_is_never_tried_before_the_network_allows(void **data)
{
    (void)data;

    assert_int_equal(nf_outbox_next_ms(1, 500, 60000, 0), 60500);
    assert_int_equal(nf_outbox_next_ms(1, 500, 799, 0), 1300);
    assert_int_equal(nf_outbox_next_ms(1, 500, 801, 0), 1301);
    assert_true(nf_outbox_next_ms(1, 500, INT64_MAX, 0) == INT64_MAX);
}

static void states_have_names(void **data)
{
    static const char *const names[] = { "?",      "pending",   "sending", "sent",
                                         "failed", "ambiguous", "?" };
    (void)data;

    for (int s = 0; s < 7; s++)
        assert_string_equal(nf_outbox_status_name((enum nf_outbox_status)s), names[s]);
}

static void a_list_can_be_freed_twice(void **data)
{
    struct nf_outbox_items list = { .v = calloc(2, sizeof(*list.v)), .n = 2 };
    (void)data;

    nf_outbox_items_done(&list);
    nf_outbox_items_done(&list);

    assert_null(list.v);
    assert_int_equal(list.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sent_failed_and_ambiguous_are_final),
        cmocka_unit_test(the_wait_doubles_from_one_second_to_five_minutes),
        cmocka_unit_test(any_attempt_and_any_number_give_a_wait_within_bounds),
        cmocka_unit_test(it_is_never_tried_before_the_network_allows),
        cmocka_unit_test(states_have_names),
        cmocka_unit_test(a_list_can_be_freed_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
