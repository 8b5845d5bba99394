#include "channels/discord/limits.h"

#include "tests/support/test.h"

#include <stdio.h>

static struct nf_limits *limits;
static struct nf_limits_key send_key;

static int setup(void **data)
{
    struct nf_err err;
    (void)data;
    send_key = (struct nf_limits_key){ .route = 1, .major = "100" };
    return nf_limits_new(NF_LIMITS_GLOBAL, &limits, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **data)
{
    (void)data;
    nf_limits_free(limits);
    return 0;
}

static struct nf_limits_told told(int64_t limit, int64_t remaining, int64_t reset_after_ms)
{
    return (struct nf_limits_told){ .status = 200,
                                    .bucket = "abcd",
                                    .limit = limit,
                                    .remaining = remaining,
                                    .reset_after_ms = reset_after_ms };
}

static void headers_are_heeded_before_a_limit_is_hit(void **data)
{
    struct nf_limits_told t = told(3, 2, 1000);
    (void)data;
    assert_int_equal(nf_limits_take(limits, &send_key, 10000), 0);
    nf_limits_done(limits, &send_key, &t, 10010);

    assert_int_equal(nf_limits_take(limits, &send_key, 10020), 0);
    assert_int_equal(nf_limits_take(limits, &send_key, 10020), 0);
    int64_t wait = nf_limits_take(limits, &send_key, 10020);
    assert_in_range(wait, 990, 1060);
    assert_int_equal(nf_limits_take(limits, &send_key, 10020 + wait), 0);
}

static void what_nobody_knows_goes_one_by_one(void **data)
{
    struct nf_limits_told t = told(5, 4, 1000);
    (void)data;
    assert_int_equal(nf_limits_take(limits, &send_key, 0), 0);
    assert_true(nf_limits_take(limits, &send_key, 0) > 0);
    nf_limits_done(limits, &send_key, &t, 5);
    for (int i = 0; i < 4; i++)
        assert_int_equal(nf_limits_take(limits, &send_key, 6), 0);
    assert_true(nf_limits_take(limits, &send_key, 6) > 0);
}

static void a_bucket_is_shared_by_its_routes_and_not_by_channels(void **data)
{
    struct nf_limits_key edit = { .route = 2, .major = "100" };
    struct nf_limits_key other = { .route = 1, .major = "200" };
    struct nf_limits_told t = told(2, 1, 1000);
    (void)data;
    assert_int_equal(nf_limits_take(limits, &send_key, 0), 0);
    nf_limits_done(limits, &send_key, &t, 1);
    assert_int_equal(nf_limits_take(limits, &edit, 2), 0);
    t.remaining = 0;
    nf_limits_done(limits, &edit, &t, 3); /* both are "abcd" */
    assert_true(nf_limits_take(limits, &send_key, 4) > 0);
    assert_true(nf_limits_take(limits, &edit, 4) > 0);
    assert_int_equal(nf_limits_take(limits, &other, 4), 0);
}

static void a_429_closes_its_bucket_and_a_global_one_all(void **data)
{
    struct nf_limits_key other = { .route = 3, .major = "200" };
    struct nf_limits_key callback = { .route = 4, .major = "i", .free = true };
    struct nf_limits_told t = { .status = 429, .reset_after_ms = -1, .retry_after_ms = 5000 };
    (void)data;
    assert_int_equal(nf_limits_take(limits, &send_key, 0), 0);
    nf_limits_done(limits, &send_key, &t, 0);
    assert_in_range(nf_limits_take(limits, &send_key, 0), 5000, 5100);
    assert_int_equal(nf_limits_take(limits, &other, 0), 0);
    t.global = true;
    nf_limits_done(limits, &other, &t, 0);
    assert_in_range(nf_limits_take(limits, &other, 0), 5000, 5100);
    assert_int_equal(nf_limits_take(limits, &callback, 0), 0);
}

static const struct nf_limits_told nothing = { .reset_after_ms = -1 };

static struct nf_limits_key ones[NF_LIMITS_GLOBAL];

static void take_one(int i, int64_t now_ms)
{
    static char majors[NF_LIMITS_GLOBAL][16];
    (void)snprintf(majors[i], sizeof(majors[i]), "%d", i);
    ones[i] = (struct nf_limits_key){ .route = 1, .major = majors[i] };
    assert_int_equal(nf_limits_take(limits, &ones[i], now_ms), 0);
}

static void end_one(int i, int64_t now_ms)
{
    nf_limits_done(limits, &ones[i], &nothing, now_ms);
}

static void fifty_a_second_are_all(void **data)
{
    struct nf_limits_key over = { .route = 1, .major = "x" };
    (void)data;
    for (int i = 0; i < NF_LIMITS_GLOBAL; i++) {
        take_one(i, 1000 + i);
        end_one(i, 1000 + i);
    }
    int64_t wait = nf_limits_take(limits, &over, 1050);
    assert_int_equal(wait, NF_LIMITS_SECOND_MS - 50);
    assert_int_equal(nf_limits_take(limits, &over, 1000 + NF_LIMITS_SECOND_MS), 0);
    assert_true(nf_limits_take(limits, &send_key, 1000 + NF_LIMITS_SECOND_MS) > 0);
}

/* Discord may count a request late, just before it answers. */
static void a_second_begins_when_a_request_has_ended(void **data)
{
    struct nf_limits_key over = { .route = 1, .major = "x" };
    (void)data;
    for (int i = 0; i < NF_LIMITS_GLOBAL; i++)
        take_one(i, 1000);
    assert_true(nf_limits_take(limits, &over, 9000) > 0);
    end_one(7, 9000);
    assert_int_equal(nf_limits_take(limits, &over, 9001), NF_LIMITS_SECOND_MS - 1);
    assert_int_equal(nf_limits_take(limits, &over, 9000 + NF_LIMITS_SECOND_MS), 0);
    assert_true(nf_limits_take(limits, &send_key, 9000 + NF_LIMITS_SECOND_MS) > 0);
}

static void what_is_not_sent_gives_its_place_back(void **data)
{
    struct nf_limits_told t = told(1, 0, 60000);
    (void)data;
    for (int i = 0; i < NF_LIMITS_GLOBAL; i++)
        take_one(i, 0);
    nf_limits_give_back(limits, &ones[0]);
    assert_int_equal(nf_limits_take(limits, &send_key, 0), 0);
    nf_limits_done(limits, &send_key, &t, 0); /* its bucket is empty now, for a minute */
    for (int i = 1; i < NF_LIMITS_GLOBAL; i++)
        end_one(i, 0);
    assert_in_range(nf_limits_take(limits, &send_key, 5000), 50000, 60000);
    assert_int_equal(nf_limits_take(limits, &send_key, 60060), 0);
    nf_limits_give_back(limits, &send_key);
    assert_int_equal(nf_limits_take(limits, &send_key, 60060), 0);
    assert_true(nf_limits_take(limits, &send_key, 60060) > 0);
}

/* Messages of different age are deleted in different buckets, by one route. */
static void a_route_may_change_its_bucket_while_requests_are_on_their_way(void **data)
{
    struct nf_limits_key k[2] = { send_key, send_key };
    struct nf_limits_told t[2] = { told(5, 4, 1000), told(5, 4, 1000) };
    (void)data;
    t[1].bucket = "efgh";
    assert_int_equal(nf_limits_take(limits, &k[0], 0), 0);
    nf_limits_done(limits, &k[0], &t[0], 0);
    for (int64_t i = 1; i < 10; i++) {
        int64_t at = i * 10000;
        for (int j = 0; j < 2; j++)
            assert_int_equal(nf_limits_take(limits, &k[j], at), 0);
        for (int j = 0; j < 2; j++)
            nf_limits_done(limits, &k[j], &t[(i + j) % 2], at);
    }
    t[0].remaining = 5; /* none is on its way any more: all five places are there */
    assert_int_equal(nf_limits_take(limits, &send_key, 200000), 0);
    nf_limits_done(limits, &send_key, &t[0], 200000);
    for (int i = 0; i < 5; i++)
        assert_int_equal(nf_limits_take(limits, &send_key, 200000), 0);
}

/* Two channels whose bucket nobody knew: both are told of it. */
static void who_was_first_in_a_bucket_learns_of_it_as_well(void **data)
{
    struct nf_limits_key other = { .route = 1, .major = "200" };
    struct nf_limits_told t = told(1, 0, 60000);
    (void)data;
    assert_int_equal(nf_limits_take(limits, &send_key, 0), 0);
    assert_int_equal(nf_limits_take(limits, &other, 0), 0);
    nf_limits_done(limits, &send_key, &t, 0);
    nf_limits_done(limits, &other, &t, 0);
    assert_in_range(nf_limits_take(limits, &other, 1), 50000, 60100);
}

static void refusals_stop_everything_long_before_the_ban(void **data)
{
    struct nf_limits_told t = { .status = 403, .reset_after_ms = -1 };
    struct nf_limits_told shared = { .status = 429, .shared = true, .reset_after_ms = -1 };
    struct nf_limits_key callback = { .route = 4, .major = "", .free = true };
    (void)data;
    for (int i = 0; i < 2 * NF_LIMITS_REFUSED_MAX; i++) /* those of a resource are not counted */
        nf_limits_done(limits, &send_key, &shared, 700000);
    for (int i = 0; i + 1 < NF_LIMITS_REFUSED_MAX; i++)
        nf_limits_done(limits, &send_key, &t, 700000);
    assert_int_equal(nf_limits_take(limits, &callback, 700000), 0);
    nf_limits_done(limits, &send_key, &t, 700000);
    assert_int_equal(nf_limits_take(limits, &callback, 700001), NF_LIMITS_REFUSED_MS - 1);
    assert_int_equal(nf_limits_take(limits, &send_key, 700000 + NF_LIMITS_REFUSED_MS), 0);
}

static void no_more_buckets_are_kept_than_may_be(void **data)
{
    char major[16];
    struct nf_limits_told t = told(5, 4, 10);
    (void)data;
    for (int i = 0; i < NF_LIMITS_BUCKETS_MAX + 10; i++) {
        (void)snprintf(major, sizeof(major), "%d", i);
        struct nf_limits_key k = { .route = 1, .major = major, .free = true };
        assert_int_equal(nf_limits_take(limits, &k, i), 0);
        nf_limits_done(limits, &k, &t, i);
    }
    assert_true(nf_limits_buckets(limits) <= NF_LIMITS_BUCKETS_MAX);
}

static void seconds_have_fractions(void **data)
{
    (void)data;
    assert_int_equal(nf_limits_seconds("1"), 1000);
    assert_int_equal(nf_limits_seconds("64.57"), 64570);
    assert_int_equal(nf_limits_seconds("0.0001"), 1);
    assert_int_equal(nf_limits_seconds("-1"), -1);
    assert_int_equal(nf_limits_seconds("nan"), -1);
    assert_int_equal(nf_limits_seconds("1s"), -1);
    assert_int_equal(nf_limits_seconds("9e99"), -1);
    assert_int_equal(nf_limits_seconds(NULL), -1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(headers_are_heeded_before_a_limit_is_hit),
        WITH(what_nobody_knows_goes_one_by_one),
        WITH(a_bucket_is_shared_by_its_routes_and_not_by_channels),
        WITH(a_429_closes_its_bucket_and_a_global_one_all),
        WITH(fifty_a_second_are_all),
        WITH(a_second_begins_when_a_request_has_ended),
        WITH(what_is_not_sent_gives_its_place_back),
        WITH(a_route_may_change_its_bucket_while_requests_are_on_their_way),
        WITH(who_was_first_in_a_bucket_learns_of_it_as_well),
        WITH(refusals_stop_everything_long_before_the_ban),
        WITH(no_more_buckets_are_kept_than_may_be),
        WITH(seconds_have_fractions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
