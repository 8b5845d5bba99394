#include "tests/support/test.h"

#include "base/context.h"
#include "base/id.h"
#include "base/own.h"
#include "base/secret.h"
#include "base/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct nf_err err;

/* --- errors ----------------------------------------------------------------------------------- */

static void an_error_has_code_and_message(void **state)
{
    (void)state;
    assert_code(nf_err_set(&err, NF_E_LIMIT, "%s over %d", "name", 7), NF_E_LIMIT);
    assert_int_equal(err.code, NF_E_LIMIT);
    assert_string_equal(err.msg, "name over 7");
    assert_code(nf_err_set(NULL, NF_E_IO, "nobody wants to know"), NF_E_IO);
}

static void context_comes_in_front(void **state)
{
    (void)state;
    (void)nf_err_set(&err, NF_E_IO, "disk full");
    assert_code(nf_err_wrap(&err, NF_E_IO, "open '%s'", "a.db"), NF_E_IO);
    assert_string_equal(err.msg, "open 'a.db': disk full");
    assert_code(nf_err_wrap(&err, NF_OK, "nothing"), NF_OK);
    assert_string_equal(err.msg, "open 'a.db': disk full");
    assert_code(nf_err_wrap(NULL, NF_E_IO, "x"), NF_E_IO);
}

static void long_messages_are_cut_and_stay_texts(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    (void)nf_err_set(&err, NF_E_IO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    (void)nf_err_wrap(&err, NF_E_IO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
}

static void messages_are_texts_whatever_is_put_in(void **state)
{
    (void)state;
    (void)nf_err_set(&err, NF_E_IO, "'%.2s' \xff %s", "a\xc3\xa4", "\xe2\x82\xac");
    assert_string_equal(err.msg, "'a?' ? \xe2\x82\xac");
    (void)nf_err_wrap(&err, NF_E_IO, "'%.1s'", "\xc3\xa4");
    assert_string_equal(err.msg, "'?': 'a?' ? \xe2\x82\xac");
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = NF_OK; i <= NF_E_INTERNAL; i++) {
        assert_string_not_equal(nf_code_name((enum nf_code)i), "?");
        for (int k = NF_OK; k < i; k++)
            assert_string_not_equal(nf_code_name((enum nf_code)i), nf_code_name((enum nf_code)k));
    }
    assert_string_equal(nf_code_name((enum nf_code)(NF_E_INTERNAL + 1)), "?");
    assert_string_equal(nf_code_name((enum nf_code) - 1), "?");
}

/* --- ids -------------------------------------------------------------------------------------- */

static void ids_grow_strictly_even_if_the_clock_steps_back(void **state)
{
    (void)state;
    struct nf_idgen g = { .instance = 5 };
    const int64_t now = NF_ID_EPOCH_MS + 1000;
    int64_t last = 0;
    for (int i = 0; i < 10000; i++) { /* more than two milliseconds' worth */
        int64_t id = nf_id_next(&g, i < 5000 ? now : now - 500);
        assert_true(id > last);
        last = id;
    }
    assert_int_equal(nf_id_time_ms(last), now + 2); /* borrowed, at 4096 to a millisecond */
    assert_true(nf_id_next(&g, now + 5000) > last);
}

static void ids_of_two_instances_differ(void **state)
{
    (void)state;
    struct nf_idgen a = { .instance = 0 }, b = { .instance = NF_ID_INSTANCE_MAX };
    for (int i = 0; i < 5000; i++) {
        int64_t now = NF_ID_EPOCH_MS + i / 4096;
        assert_true(nf_id_next(&a, now) != nf_id_next(&b, now));
    }
}

static void the_first_id_is_positive_whatever_the_clock_says(void **state)
{
    (void)state;
    struct nf_idgen g = { 0 };
    assert_true(nf_id_next(&g, NF_ID_EPOCH_MS) > 0);
    struct nf_idgen early = { 0 };
    assert_true(nf_id_next(&early, 0) > 0);
}

static void the_time_of_an_id_lasts_until_2094(void **state)
{
    (void)state;
    struct nf_idgen g = { .instance = NF_ID_INSTANCE_MAX };
    int64_t last_ms = NF_ID_EPOCH_MS + ((INT64_C(1) << 41) - 1);
    int64_t id = nf_id_next(&g, last_ms);
    assert_true(id > 0);
    assert_true(nf_id_time_ms(id) == last_ms);
    assert_memory_equal(nf_time_to_text(last_ms).s, "2094-", 5);
}

static void ids_survive_the_way_through_text_and_sort_as_it_does(void **state)
{
    (void)state;
    static const int64_t all[] = { 1, 31, 32, 1000, INT64_C(1) << 53, INT64_MAX - 1, INT64_MAX };
    char before[NF_ID_TEXT + 1] = "";
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct nf_id_text t = nf_id_to_text(all[i]);
        int64_t back = 0;
        assert_int_equal(strlen(t.s), NF_ID_TEXT);
        assert_true(nf_id_from_text(t.s, NF_ID_TEXT, &back) && back == all[i]);
        assert_true(strcmp(before, t.s) < 0);
        memcpy(before, t.s, sizeof(before));
    }
}

static void what_is_no_id_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0000000000000",
        "000000000001",
        "00000000000001",
        "8000000000000",
        "000000000000i",
        "000000000000l",
        "000000000000o",
        "000000000000u",
        "000000000000A",
        "-000000000001",
        "000000000000 ",
        "zzzzzzzzzzzzz",
    };
    int64_t id = -1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (nf_id_from_text(bad[i], strlen(bad[i]), &id))
            fail_msg("accepted: %s", bad[i]);
    assert_false(nf_id_from_text("000000000000\0", 13, &id));
    assert_int_equal(id, -1);
    assert_true(nf_id_from_text("7zzzzzzzzzzzz", 13, &id) && id == INT64_MAX);
}

/* --- time ------------------------------------------------------------------------------------- */

static void times_are_written_as_rfc_3339(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } all[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { 951782400000, "2000-02-29T00:00:00.000Z" },
        { 1769903999123, "2026-01-31T23:59:59.123Z" },
        { 253402300799999, "9999-12-31T23:59:59.999Z" },
        { 253402300800000, "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
        { -62167219200000, "0000-01-01T00:00:00.000Z" },
        { -62167219200001, "0000-01-01T00:00:00.000Z" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_string_equal(nf_time_to_text(all[i].ms).s, all[i].text);
}

static void dates_agree_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t days = -800000; days <= 800000; days += 37) {
        time_t t = (time_t)(days * 86400);
        struct tm tm;
        struct nf_date d = nf_date_from_days(days);
        assert_non_null(gmtime_r(&t, &tm));
        if (d.year != tm.tm_year + 1900 || d.month != tm.tm_mon + 1 || d.day != tm.tm_mday)
            fail_msg("day %lld", (long long)days);
        assert_true(nf_days_from_date(d.year, d.month, d.day) == days);
    }
}

/* --- secrets ---------------------------------------------------------------------------------- */

static void a_secret_is_set_copied_and_emptied(void **state)
{
    (void)state;
    NF_CLEANUP(nf_secret_done) struct nf_secret a = { 0 };
    NF_CLEANUP(nf_secret_done) struct nf_secret b = { 0 };
    assert_false(nf_secret_is_set(&a));
    assert_string_equal(nf_secret_reveal(&a), "");

    assert_ok(nf_secret_set(&a, "key", &err), &err);
    assert_ok(nf_secret_copy(&b, &a, &err), &err);
    nf_secret_done(&a);
    assert_false(nf_secret_is_set(&a));
    assert_string_equal(nf_secret_reveal(&b), "key");

    assert_ok(nf_secret_set(&b, nf_secret_reveal(&b), &err), &err); /* by its own text */
    assert_string_equal(nf_secret_reveal(&b), "key");
    assert_ok(nf_secret_set(&b, "", &err), &err);
    assert_false(nf_secret_is_set(&b));
}

static void a_secret_ends_at_its_limit_and_no_error_shows_it(void **state)
{
    (void)state;
    NF_CLEANUP(nf_secret_done) struct nf_secret s = { 0 };
    char text[NF_SECRET_MAX + 2];
    memset(text, 'S', sizeof(text));
    text[NF_SECRET_MAX + 1] = '\0';
    assert_code(nf_secret_set(&s, text, &err), NF_E_LIMIT);
    assert_null(strstr(err.msg, "SS"));
    assert_false(nf_secret_is_set(&s));
    text[NF_SECRET_MAX] = '\0';
    enum nf_code rc = nf_secret_set(&s, text, &err);
    bool same = strcmp(nf_secret_reveal(&s), text) == 0;
    nf_fail_alloc_at(1);
    enum nf_code failed = nf_secret_set(&s, "other", &err);
    nf_fail_alloc_at(0);
    bool kept = strcmp(nf_secret_reveal(&s), text) == 0;
    nf_secret_done(&s);
    assert_code(rc, NF_OK);
    assert_true(same);
    assert_code(failed, NF_E_NOMEM);
    assert_true(kept);
}

/* --- context ---------------------------------------------------------------------------------- */

static void context_is_a_chain_of_frames(void **state)
{
    (void)state;
    char longer[NF_CONTEXT_VALUE_MAX + 2];
    memset(longer, 'x', sizeof(longer));
    longer[NF_CONTEXT_VALUE_MAX + 1] = '\0';
    assert_null(nf_context_current());

    struct nf_context outer, inner;
    nf_context_push(&outer, "session", "s1");
    nf_context_push(&inner, "task", longer);
    const struct nf_context *now = nf_context_current();
    assert_ptr_equal(now, &inner);
    assert_int_equal(strlen(now->value), NF_CONTEXT_VALUE_MAX); /* cut */
    assert_ptr_equal(now->up, &outer);
    assert_string_equal(now->up->value, "s1");

    assert_ptr_equal(nf_context_swap(NULL), &inner); /* another fiber runs */
    assert_null(nf_context_current());
    assert_null(nf_context_swap(&inner));
    nf_context_pop(&inner);
    assert_ptr_equal(nf_context_current(), &outer);
    nf_context_pop(&outer);
    assert_null(nf_context_current());
}

/* --- ownership -------------------------------------------------------------------------------- */

struct holder {
    int before;
    int member;
};

static void taking_leaves_nothing_behind_and_members_lead_to_their_struct(void **state)
{
    (void)state;
    struct holder h = { 1, 2 };
    int *member = &h.member;
    assert_ptr_equal(nf_container_of(member, struct holder, member), &h);
    struct holder taken = nf_take(h);
    assert_int_equal(taken.member, 2);
    assert_int_equal(h.before, 0);
    assert_int_equal(h.member, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_code_and_message),
        cmocka_unit_test(context_comes_in_front),
        cmocka_unit_test(long_messages_are_cut_and_stay_texts),
        cmocka_unit_test(messages_are_texts_whatever_is_put_in),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
        cmocka_unit_test(ids_grow_strictly_even_if_the_clock_steps_back),
        cmocka_unit_test(ids_of_two_instances_differ),
        cmocka_unit_test(the_first_id_is_positive_whatever_the_clock_says),
        cmocka_unit_test(the_time_of_an_id_lasts_until_2094),
        cmocka_unit_test(ids_survive_the_way_through_text_and_sort_as_it_does),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(times_are_written_as_rfc_3339),
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(a_secret_is_set_copied_and_emptied),
        cmocka_unit_test(a_secret_ends_at_its_limit_and_no_error_shows_it),
        cmocka_unit_test(context_is_a_chain_of_frames),
        cmocka_unit_test(taking_leaves_nothing_behind_and_members_lead_to_their_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
