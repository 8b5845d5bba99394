#include "channels/telegram/budget.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdlib.h>

#define NOW INT64_C(1000000)

static struct nf_telegram_budget budget;

static int set_up(void **data)
{
    (void)data;
    nf_telegram_budget_init(&budget, 30);
    return 0;
}

static int tear_down(void **data)
{
    (void)data;
    nf_telegram_budget_done(&budget);
    return 0;
}

static int64_t take(int64_t chat, int64_t now)
{
    struct nf_err err;
    int64_t wait;
    assert_ok(nf_telegram_budget_take(&budget, chat, false, now, &wait, &err), &err);
    return wait;
}

static bool may_edit(int64_t chat, int64_t now)
{
    struct nf_err err;
    int64_t wait = -1;
    enum nf_code rc = nf_telegram_budget_take(&budget, chat, true, now, &wait, &err);
    assert_true(rc == NF_E_LIMIT || (rc == NF_OK && wait == 0));
    return rc == NF_OK;
}

static void a_chat_gets_a_burst_and_then_one_a_second(void **data)
{
    (void)data;
    for (int i = 0; i < NF_TELEGRAM_CHAT_BURST; i++)
        assert_int_equal(take(5, NOW), 0);
    assert_int_equal(take(5, NOW), NF_TELEGRAM_CHAT_EVERY_MS);
    assert_int_equal(take(5, NOW), 2 * NF_TELEGRAM_CHAT_EVERY_MS);
    assert_int_equal(take(6, NOW), 0);
}

static void a_group_never_gets_more_than_twenty_a_minute(void **data)
{
    int64_t out[200];
    size_t n = 0;

    (void)data;
    for (int64_t now = NOW; n < 200; now += 100)
        out[n++] = now + take(-7, now);
    for (size_t i = 0; i < n; i++) {
        size_t in_minute = 0;
        for (size_t k = i; k < n && out[k] < out[i] + 60000; k++)
            in_minute++;
        assert_true(in_minute <= 20);
    }
}

static void a_chat_that_is_edited_gets_its_last_edit_a_second_after(void **data)
{
    (void)data;
    assert_int_equal(take(5, NOW), 0);
    assert_false(may_edit(5, NOW + 999));
    assert_true(may_edit(5, NOW + 1000));
    assert_false(may_edit(5, NOW + 1500));
    assert_true(may_edit(5, NOW + 2000));
    assert_int_equal(take(5, NOW + 2100), 900);
    assert_int_equal(take(5, NOW + 2100), 1900);
    assert_int_equal(take(5, NOW + 60000), 0);
    assert_int_equal(take(5, NOW + 60000), 0);
}

static void edits_of_a_group_leave_the_burst_to_what_must_go(void **data)
{
    (void)data;
    assert_true(may_edit(-5, NOW));
    assert_false(may_edit(-5, NOW + NF_TELEGRAM_GROUP_EVERY_MS - 1));
    assert_int_equal(take(-5, NOW + 500), 0);
    assert_int_equal(take(-5, NOW + 500), 0);
    assert_false(may_edit(-5, NOW + NF_TELEGRAM_GROUP_EVERY_MS));
    assert_true(may_edit(-5, NOW + INT64_C(3) * NF_TELEGRAM_GROUP_EVERY_MS));
}

static void all_chats_together_keep_to_the_second(void **data)
{
    int64_t out[300];

    (void)data;
    for (int i = 0; i < 300; i++)
        out[i] = NOW + nf_telegram_budget_take_all(&budget, NOW);
    for (int i = 0; i < 300; i++) {
        int n = 0;
        for (int k = i; k < 300 && out[k] < out[i] + 1140; k++)
            n++;
        assert_true(n <= 30);
    }
    assert_true(out[299] <= NOW + 14500);
    assert_false(may_edit(99, NOW)); /* others wait already */
}

static void a_refused_chat_is_left_alone_and_two_of_them_stop_all(void **data)
{
    (void)data;
    nf_telegram_budget_refused(&budget, 5, NOW, 7000);
    assert_int_equal(take(5, NOW), 7000);
    assert_int_equal(take(6, NOW), 0);
    assert_int_equal(nf_telegram_budget_take_all(&budget, NOW), 0);
    nf_telegram_budget_refused(&budget, 5, NOW + 10, 7000);
    assert_int_equal(nf_telegram_budget_take_all(&budget, NOW + 10), 0);
    nf_telegram_budget_refused(&budget, 6, NOW + 20, 3000);
    assert_int_equal(nf_telegram_budget_take_all(&budget, NOW + 20), 3000);
}

static void who_is_quiet_is_forgotten(void **data)
{
    (void)data;
    for (int64_t i = 1; i <= 100000; i++)
        assert_int_equal(take(i, NOW + i * 100), 0);
    struct nf_err err;
    int64_t wait;
    for (int64_t i = 1; i <= NF_TELEGRAM_CHATS_MAX; i++) {
        enum nf_code rc = nf_telegram_budget_take(&budget, 1000000 + i, false, 1, &wait, &err);
        if (rc != NF_OK) {
            assert_code(rc, NF_E_LIMIT);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_chat_gets_a_burst_and_then_one_a_second, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_group_never_gets_more_than_twenty_a_minute, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_chat_that_is_edited_gets_its_last_edit_a_second_after,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(edits_of_a_group_leave_the_burst_to_what_must_go, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(all_chats_together_keep_to_the_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refused_chat_is_left_alone_and_two_of_them_stop_all,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_quiet_is_forgotten, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
