/* What bots have in the configuration, whatever their network. */
#include "channels/chat/settings.h"
#include "channels/discord/settings.h"
#include "channels/telegram/settings.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DISCORD_TOKEN "MTIzNDU2Nzg5.GabcDE.planted-0123456789_abcdefghijklmnopqrs"

struct bots {
    struct nf_setting_list telegram, discord;
};
static const struct nf_setting rows[] = {
    NF_SETTING(struct bots, "telegram", NF_SET_GROUPS, telegram,
               .items = &nf_telegram_setting_group, .max = 4, .help = "Bots."),
    NF_SETTING(struct bots, "discord", NF_SET_GROUPS, discord, .items = &nf_discord_setting_group,
               .max = 4, .help = "Bots."),
};
static const struct nf_setting_group group = { "channels", rows, NF_COUNT(rows),
                                               sizeof(struct bots) };

struct fix {
    struct bots b;
    struct nf_config_part part;
    struct nf_err err;
    char yaml[4096];
};

static int setup(void **state)
{
    struct fix *f = calloc(1, sizeof(*f));
    f->part = (struct nf_config_part){ &group, &f->b };
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fix *f = *state;
    nf_config_done(&f->part, 1);
    free(f);
    return 0;
}

static enum nf_code load(struct fix *f, const char *network, const char *token, const char *more)
{
    nf_config_done(&f->part, 1);
    int n = snprintf(f->yaml, sizeof(f->yaml), "channels:\n  %s:\n    - token: \"%s\"\n%s", network,
                     token, more);
    return nf_config_load_text("t.yaml", f->yaml, (size_t)n, &f->part, 1, &f->err);
}

static void a_token_is_enough(void **state)
{
    struct fix *f = *state;
    assert_ok(load(f, "discord", DISCORD_TOKEN, ""), &f->err);
    const struct nf_discord_settings *d = f->b.discord.v;
    assert_string_equal(d->name, "discord");
    assert_string_equal(d->api_base, "https://discord.com/api/v10");
    struct nf_chat_rules r = nf_chat_rules_of(&d->people);
    assert_true(r.pairing);
    assert_int_equal(r.per_minute, 30);
    assert_int_equal(r.accounts_n + r.chats_n, 0);
    assert_ok(load(f, "telegram", "123:abc", ""), &f->err);
    const struct nf_telegram_settings *t = f->b.telegram.v;
    assert_string_equal(t->name, "telegram");
    assert_true(t->people.pairing);
}

static void lists_and_rates_become_rules(void **state)
{
    struct fix *f = *state;
    assert_ok(load(f, "telegram", "123:abc",
                   "      accounts: [\"4711\", \"5\"]\n      chats: [\"-100\"]\n"
                   "      pairing: false\n      messages_per_minute: 60000\n"),
              &f->err);
    const struct nf_telegram_settings *t = f->b.telegram.v;
    struct nf_chat_rules r = nf_chat_rules_of(&t->people);
    assert_int_equal(r.accounts_n, 2);
    assert_string_equal(r.accounts[1], "5");
    assert_int_equal(r.chats_n, 1);
    assert_string_equal(r.chats[0], "-100");
    assert_false(r.pairing);
    assert_int_equal(r.per_minute, 60000);
}

static void what_cannot_be_is_refused_by_key_and_without_the_token(void **state)
{
    static const struct {
        const char *more, *says;
    } cases[] = {
        { "      name: Work\n", "channels.discord[0].name" },
        { "      name: web\n", "Nexflow's own" },
        { "      name: local\n", "Nexflow's own" },
        { "      name: abcdefghijklmnopq\n", "16" },
        { "      accounts: [\"a b\"]\n", "channels.discord[0].accounts" },
        { "      accounts: [\"\"]\n", "channels.discord[0].accounts" },
        { "      messages_per_minute: 0\n", "messages_per_minute" },
        { "      messages_per_minute: 60001\n", "messages_per_minute" },
        { "      api_base: http://example.org\n", "https" },
        { "      api_base: ftp://example.org\n", "https" },
        { "      api_base: https://me@example.org\n", "api_base" },
    };
    struct fix *f = *state;
    for (size_t i = 0; i < NF_COUNT(cases); i++) {
        enum nf_code rc = load(f, "discord", DISCORD_TOKEN, cases[i].more);
        assert_true(rc == NF_E_INVALID || rc == NF_E_LIMIT);
        if (!strstr(f->err.msg, cases[i].says) || strstr(f->err.msg, "planted"))
            fail_msg("%s: %s", cases[i].more, f->err.msg);
    }
}

static void tokens_of_discord_have_three_pieces(void **state)
{
    static const char *const wrong[] = { "",     "a",       "a.b",     "a..c",     "a.b.",
                                         ".b.c", "a.b.c.d", "a.b.c d", "Bot a.b.c" };
    struct nf_err err;
    char longest[130];
    (void)state;
    for (size_t i = 0; i < NF_COUNT(wrong); i++)
        assert_code(nf_discord_token_check(wrong[i], &err), NF_E_INVALID);
    memset(longest, 'x', sizeof(longest));
    longest[1] = longest[3] = '.';
    longest[128] = '\0';
    assert_ok(nf_discord_token_check(longest, &err), &err);
    longest[128] = 'x';
    longest[129] = '\0';
    assert_code(nf_discord_token_check(longest, &err), NF_E_INVALID);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_token_is_enough),
        T(lists_and_rates_become_rules),
        T(what_cannot_be_is_refused_by_key_and_without_the_token),
        T(tokens_of_discord_have_three_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
