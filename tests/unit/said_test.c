/* What Nexflow says: read back by tables, values within values, errors with context in front. */
#include "domain/reason.h"
#include "domain/said_bots.h"
#include "domain/said_ready.h"
#include "domain/said_rights.h"
#include "domain/said_schedules.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

static const struct nf_sayings *const tables[] = {
    &nf_turn_sayings,  &nf_schedule_sayings, &nf_bot_sayings,     &nf_sandbox_sayings,
    &nf_ready_sayings, &nf_right_sayings,    &nf_refusal_sayings, &nf_database_sayings,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

/* "code|value|value", a value that is such a text itself in brackets; "" if it is none. */
/* NOLINTNEXTLINE(misc-no-recursion): tables stand in tables, three deep at most */
static size_t write_read(const struct nf_sayings *of, struct nf_slice text, char *to, size_t max)
{
    struct nf_said r, inner;
    if (!nf_said_of(of, text, &r))
        return 0;
    size_t n = (size_t)snprintf(to, max, "%s", r.code);
    for (size_t i = 0; i < r.n; i++) {
        if (!nf_said_of(r.inner, r.values[i], &inner)) {
            n += (size_t)snprintf(to + n, max - n, "|%.*s", (int)r.values[i].n, r.values[i].p);
            continue;
        }
        n += (size_t)snprintf(to + n, max - n, "|[");
        n += write_read(r.inner, r.values[i], to + n, max - n);
        n += (size_t)snprintf(to + n, max - n, "]");
    }
    return n;
}

static const char *read_back(const struct nf_sayings *of, const char *text)
{
    static char all[512];
    all[0] = '\0';
    (void)write_read(of, nf_slice_of(text), all, sizeof(all));
    return all;
}

static char said[512];
#define SAID(of, ...) ((void)snprintf(said, sizeof(said), __VA_ARGS__), read_back(of, said))

static void a_value_is_read_as_well_where_it_is_such_a_text(void **state)
{
    (void)state;
    assert_string_equal(SAID(&nf_turn_sayings, NF_REASON_SCHEDULE_SKIPPED, NF_SKIPPED_RUN_BEFORE),
                        "schedule-skipped|[run-before]");
    assert_string_equal(SAID(&nf_turn_sayings, NF_REASON_SCHEDULE_SKIPPED, "of old"),
                        "schedule-skipped|of old");
    assert_string_equal(
        SAID(&nf_bot_sayings, NF_BOT_MAY_NOT_WRITE, "501", ", and there is more: 2"),
        "bot-may-not-write|[bot-and-more|501|2]");
    assert_string_equal(SAID(&nf_bot_sayings, NF_BOT_MAY_NOT_READ, "501", ""),
                        "bot-may-not-read|501");
    assert_string_equal(SAID(&nf_ready_sayings, NF_UNREADY_DEAF_DO, "tg", NF_BOT_TELEGRAM_TOKEN,
                             NF_BOT_DO_CHECK_BASE),
                        "channel-deaf-do|tg|[telegram-token]|[do-check-base]");
    assert_string_equal(SAID(&nf_ready_sayings, NF_UNREADY_DEAF, "tg", "getUpdates: it broke: off"),
                        "channel-deaf|tg|getUpdates: it broke: off");
    assert_string_equal(SAID(&nf_ready_sayings, NF_UNREADY_DATABASE, NF_DATABASE_DAMAGED),
                        "database|[database-damaged]");
    assert_string_equal(SAID(&nf_ready_sayings, NF_UNREADY_DATABASE, "disk I/O error"),
                        "database|disk I/O error");
}

static void a_layer_that_is_missing_is_read_by_its_parts(void **state)
{
    (void)state;
    assert_string_equal(read_back(&nf_sandbox_sayings,
                                  "namespaces: unshare: Operation not permitted (sysctl -w "
                                  "kernel.unprivileged_userns_clone=1)"),
                        "sandbox-lack|[layer-namespaces]|[lack-not-permitted|unshare]|"
                        "[fix-userns-clone]");
    assert_string_equal(read_back(&nf_sandbox_sayings, "mdwe: prctl: Strange (Linux 6.3 or later)"),
                        "sandbox-lack|[layer-mdwe]|prctl: Strange|[fix-mdwe]");
}

static void the_longer_format_is_taken_first(void **state)
{
    (void)state;
    assert_string_equal(read_back(&nf_right_sayings, NF_MAY_REACH_ALL), "may-reach-all");
    assert_string_equal(SAID(&nf_right_sayings, NF_MAY_REACH, "https://a.b/"),
                        "may-reach|https://a.b/");
    assert_string_equal(SAID(&nf_right_sayings, NF_MAY_PROGRAM_OF, "/bin/sh"),
                        "may-program-of|/bin/sh");
    assert_string_equal(read_back(&nf_right_sayings, NF_MAY_PROGRAM), "may-program");
}

/* "where: code|value"; "" if it is no refusal. */
static const char *refused(const char *message)
{
    static char all[512];
    struct nf_said r;
    size_t where;
    if (!nf_said_of_error(nf_slice_of(message), &where, &r))
        return "";
    size_t n = (size_t)snprintf(all, sizeof(all), "%.*s: %s", (int)where, message, r.code);
    for (size_t i = 0; i < r.n; i++)
        n += (size_t)snprintf(all + n, sizeof(all) - n, "|%.*s", (int)r.values[i].n, r.values[i].p);
    return all;
}

static void an_error_is_read_behind_its_context(void **state)
{
    (void)state;
    assert_string_equal(refused("n.yaml:4: server.listen: must be at least 3 bytes"),
                        "n.yaml:4: server.listen: setting-least|3 bytes");
    assert_string_equal(refused("name: there is a channel 'a' already: give this bot another name"),
                        "name: bot-name-taken|a");
    assert_string_equal(refused("no such session"), ": no-session");
    /* What others refuse is passed on. */
    assert_string_equal(refused(NF_REASON_STOPPED), ": stopped");
    assert_string_equal(refused(NF_SKIPPED_RUN_BEFORE), ": run-before");
    assert_string_equal(refused("token: " NF_BOT_DISCORD_TOKEN), "token: discord-token");
    assert_string_equal(refused("a: b: c: "), "");
    assert_string_equal(refused(": "), "");
    assert_string_equal(refused(""), "");
}

static void no_two_texts_have_the_same_code(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++)
        for (size_t i = 0; i < tables[t]->n; i++)
            for (size_t u = t; u < TABLES; u++)
                for (size_t j = u == t ? i + 1 : 0; j < tables[u]->n; j++)
                    assert_string_not_equal(tables[t]->v[i].code, tables[u]->v[j].code);
}

/* A row that an earlier one of its table always takes would never be said. */
static void every_row_is_read_back_as_itself(void **state)
{
    (void)state;
    for (size_t t = 0; t < TABLES; t++)
        for (size_t i = 0; i < tables[t]->n; i++) {
            struct nf_said r;
            /* A conversion fits itself. */
            assert_true(nf_said_of(tables[t], nf_slice_of(tables[t]->v[i].format), &r));
            assert_string_equal(r.code, tables[t]->v[i].code);
        }
}

/* What is said of a text of a bot in Russian. */
static void values_are_said_in_the_same_language(void **state)
{
    (void)state;
    struct nf_str to = { 0 };
    struct nf_err err;
    (void)SAID(&nf_turn_sayings, NF_REASON_SCHEDULE_SKIPPED, NF_SKIPPED_NO_MODEL);
    assert_ok(nf_said_say(&nf_turn_sayings, nf_slice_of(said), NF_LANG_RU, &to, &err), &err);
    assert_string_equal(nf_str_c(&to), "Запуск по расписанию пропущен: не подключена ни одна "
                                       "языковая модель.");
    to.len = 0;
    assert_ok(nf_said_say(&nf_right_sayings, nf_slice_of(NF_MAY_THREADS), NF_LANG_RU, &to, &err),
              &err);
    assert_string_equal(nf_str_c(&to), NF_MAY_THREADS); /* only the page says it */
    nf_str_done(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_read_as_well_where_it_is_such_a_text),
        cmocka_unit_test(a_layer_that_is_missing_is_read_by_its_parts),
        cmocka_unit_test(the_longer_format_is_taken_first),
        cmocka_unit_test(an_error_is_read_behind_its_context),
        cmocka_unit_test(no_two_texts_have_the_same_code),
        cmocka_unit_test(every_row_is_read_back_as_itself),
        cmocka_unit_test(values_are_said_in_the_same_language),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
