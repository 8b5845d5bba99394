#include "domain/log_entry.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static struct nf_log_entry entry;
static struct nf_err err;

static int setup(void **data)
{
    (void)data;
    return nf_log_entry_init(&entry, 7, NF_LOG_ENTRY_WARN, "channel.send.failed", 99, &err) !=
           NF_OK;
}

static int teardown(void **data)
{
    (void)data;
    nf_fail_alloc_at(0);
    nf_log_entry_done(&entry);
    return 0;
}

static void a_new_entry_has_no_fields(void **data)
{
    (void)data;

    assert_int_equal(entry.id, 7);
    assert_int_equal(entry.at_ms, 99);
    assert_int_equal(entry.level, NF_LOG_ENTRY_WARN);
    assert_string_equal(entry.event, "channel.send.failed");
    assert_int_equal(entry.fields_n, 0);
    assert_null(nf_log_entry_get(&entry, "chat"));
}

static void events_are_words_between_dots(void **data)
{
    static const char *const good[] = { "a.b", "turn.end", "http2.conn_reset.by.peer" };
    static const char *const bad[] = {
        "",     "turn",  "turn.", ".turn", "a..b", "A.b",    "a.B",
        "a.1b", "a.b-c", "a.b c", "a.b.",  "_a.b", "a.\xc3", "a.b\n"
    };
    struct nf_log_entry e;
    (void)data;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_log_entry_init(&e, 1, NF_LOG_ENTRY_INFO, good[i], 1, &err), &err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(nf_log_entry_init(&e, 1, NF_LOG_ENTRY_INFO, bad[i], 1, &err), NF_E_INVALID);
}

static void events_and_levels_end_at_their_limits(void **data)
{
    char event[NF_LOG_ENTRY_EVENT_MAX + 2] = "a.";
    struct nf_log_entry e;
    (void)data;
    memset(event + 2, 'x', sizeof(event) - 2);
    event[NF_LOG_ENTRY_EVENT_MAX + 1] = '\0';

    assert_code(nf_log_entry_init(&e, 1, NF_LOG_ENTRY_INFO, event, 1, &err), NF_E_INVALID);
    event[NF_LOG_ENTRY_EVENT_MAX] = '\0';
    assert_ok(nf_log_entry_init(&e, 1, NF_LOG_ENTRY_INFO, event, 1, &err), &err);
    assert_string_equal(e.event, event);
    for (int level = 0; level <= 5; level++)
        assert_code(nf_log_entry_init(&e, 1, (enum nf_log_entry_level)level, "a.b", 1, &err),
                    level >= 1 && level <= 4 ? NF_OK : NF_E_INVALID);
}

static void fields_are_found_by_name_and_come_once(void **data)
{
    (void)data;

    assert_ok(nf_log_entry_add(&entry, "chat", "42", &err), &err);
    assert_ok(nf_log_entry_add(&entry, "err", "", &err), &err);
    assert_code(nf_log_entry_add(&entry, "chat", "43", &err), NF_E_INVALID);

    assert_int_equal(entry.fields_n, 2);
    assert_string_equal(nf_log_entry_get(&entry, "chat"), "42");
    assert_string_equal(nf_log_entry_get(&entry, "err"), "");
    assert_null(nf_log_entry_get(&entry, "cha"));
}

static void field_names_are_words_within_their_limit(void **data)
{
    static const char *const bad[] = { "", "1a", "A", "a.b", "a-b", "a b", "_a" };
    char key[NF_LOG_ENTRY_KEY_MAX + 2];
    (void)data;
    memset(key, 'k', sizeof(key));
    key[NF_LOG_ENTRY_KEY_MAX + 1] = '\0';

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(nf_log_entry_add(&entry, bad[i], "v", &err), NF_E_INVALID);
    assert_code(nf_log_entry_add(&entry, key, "v", &err), NF_E_INVALID);
    key[NF_LOG_ENTRY_KEY_MAX] = '\0';
    assert_ok(nf_log_entry_add(&entry, key, "v", &err), &err);
    assert_string_equal(nf_log_entry_get(&entry, key), "v");
}

static void values_are_cut_at_a_character(void **data)
{
    char value[NF_LOG_ENTRY_VALUE_MAX + 2];
    (void)data;
    memset(value, 'v', sizeof(value));
    value[NF_LOG_ENTRY_VALUE_MAX + 1] = '\0';

    assert_ok(nf_log_entry_add(&entry, "long", value, &err), &err);
    memcpy(value + NF_LOG_ENTRY_VALUE_MAX - 1, "\xc3\xa9", 2);
    assert_ok(nf_log_entry_add(&entry, "wide", value, &err), &err);
    assert_ok(nf_log_entry_add(&entry, "broken", "ok\xff and more", &err), &err);

    assert_int_equal(strlen(nf_log_entry_get(&entry, "long")), NF_LOG_ENTRY_VALUE_MAX);
    assert_int_equal(strlen(nf_log_entry_get(&entry, "wide")), NF_LOG_ENTRY_VALUE_MAX - 1);
    assert_string_equal(nf_log_entry_get(&entry, "broken"), "ok");
}

static void an_entry_holds_so_many_fields(void **data)
{
    char key[8];
    (void)data;

    for (int i = 0; i <= NF_LOG_ENTRY_FIELDS_MAX; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_code(nf_log_entry_add(&entry, key, key, &err),
                    i < NF_LOG_ENTRY_FIELDS_MAX ? NF_OK : NF_E_LIMIT);
    }
    assert_string_equal(nf_log_entry_get(&entry, "k31"), "k31");
}

static void out_of_memory_adds_nothing(void **data)
{
    (void)data;

    nf_fail_alloc_at(1);
    assert_code(nf_log_entry_add(&entry, "chat", "42", &err), NF_E_NOMEM);
    assert_int_equal(entry.fields_n, 0);
    assert_ok(nf_log_entry_add(&entry, "chat", "42", &err), &err);
}

static void levels_have_names(void **data)
{
    enum nf_log_entry_level back = 0;
    (void)data;

    for (enum nf_log_entry_level l = NF_LOG_ENTRY_DEBUG; l <= NF_LOG_ENTRY_ERROR; l++) {
        assert_true(nf_log_entry_level_from_name(nf_log_entry_level_name(l), &back));
        assert_int_equal(back, l);
    }
    assert_string_equal(nf_log_entry_level_name(NF_LOG_ENTRY_WARN), "warn");
    assert_string_equal(nf_log_entry_level_name((enum nf_log_entry_level)0), "?");
    assert_false(nf_log_entry_level_from_name("WARN", &back));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_entry_has_no_fields),
        TEST(events_are_words_between_dots),
        TEST(events_and_levels_end_at_their_limits),
        TEST(fields_are_found_by_name_and_come_once),
        TEST(field_names_are_words_within_their_limit),
        TEST(values_are_cut_at_a_character),
        TEST(an_entry_holds_so_many_fields),
        TEST(out_of_memory_adds_nothing),
        TEST(levels_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
