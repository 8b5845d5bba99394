/* Owners hear who waits to be let in, and decide by buttons, in a network in memory. */
#include "application/present_pairing.h"
#include "application/rate_people.h"
#include "application/words.h"
#include "tests/unit/chat_rig.h"

#define PLAIN INT64_C(8)

static void prepare(struct rig *r)
{
    r->w->app.pairings = r->w->s.pairings;
    r->w->app.notes = r->w->s.notes;
}

static void ask(struct rig *r, int64_t id, const char *account, const char *code, const char *name)
{
    int64_t now = nf_app_now(&r->w->app);
    struct nf_pairing p = { .id = id,
                            .network = "telegram",
                            .channel = "tg",
                            .lang = NF_LANG_EN,
                            .status = NF_PAIRING_OPEN,
                            .created_ms = now,
                            .expires_ms = now + NF_PAIRING_TTL_MS };
    (void)snprintf(p.account, sizeof(p.account), "%s", account);
    (void)snprintf(p.address, sizeof(p.address), "%s", account);
    (void)snprintf(p.code, sizeof(p.code), "%s", code);
    (void)snprintf(p.name, sizeof(p.name), "%s", name);
    assert_ok(r->w->s.pairings->ops->ask(r->w->s.pairings, &p, 99, 1, &r->w->err), &r->w->err);
}

static void news(struct rig *r, int64_t *seen)
{
    assert_ok(nf_pairing_news(&r->w->app, seen, &r->w->err), &r->w->err);
}

static const char *press(struct rig *r, const char *account, const char *data)
{
    static char answer[NF_CHAT_ANSWER_MAX + 1];
    assert_ok(nf_chat_pressed(r->channel, account, "home-100", data, answer, &r->w->err),
              &r->w->err);
    return answer;
}

static void wait_for(struct rig *r, const struct post *m, const char *text)
{
    for (int i = 0; i < 4000 && !strstr(m->text, text); i++)
        assert_ok(nf_sleep(5, &r->w->err), &r->w->err);
    if (!strstr(m->text, text))
        fail_msg("'%s' does not say '%s'", m->text, text);
}

static bool is_known(struct rig *r, const char *account)
{
    struct nf_user u;
    struct nf_user_store *s = r->w->s.users;
    return s->ops->find(s, "telegram", account, &u, &r->w->err) == NF_OK;
}

static void add_plain(struct rig *r)
{
    struct nf_user u;
    struct nf_identity i = { .user_id = PLAIN, .channel = "telegram", .account = "200" };
    struct nf_user_store *users = r->w->s.users;
    assert_ok(nf_user_init(&u, PLAIN, "B", NF_USER_USER, START, &r->w->err), &r->w->err);
    assert_ok(users->ops->create(users, &u, &i, &r->w->err), &r->w->err);
}

RIG_TEST(an_owner_hears_of_it_once_and_lets_in_by_a_button)
{
    int64_t seen = 0, another = 0;
    prepare(r);
    news(r, &seen);
    assert_int_equal(r->n, 0);
    ask(r, 11, "300", "AAAA2222", "C*ra");
    news(r, &seen);
    assert_int_equal(r->n, 1);
    struct post *m = &r->v[0];
    assert_string_equal(m->address, "home-100");
    assert_non_null(strstr(m->text, "`AAAA-2222` C\\*ra (telegram `300`)"));
    assert_int_equal(m->buttons_n, 2);
    assert_string_equal(m->buttons[0].label, "Let in");
    news(r, &seen);
    news(r, &another); /* of another instance, or after a restart */
    assert_int_equal(r->n, 1);
    char yes[NF_BUTTON_DATA_MAX + 1];
    memcpy(yes, m->buttons[0].data, sizeof(yes));

    assert_string_equal(press(r, "100", yes), "Let in");

    assert_true(is_known(r, "300"));
    wait_for(r, m, "Nobody waits");
    assert_int_equal(m->buttons_n, 0);
    assert_string_equal(press(r, "100", yes), "It was decided already, or is no longer needed.");
}

RIG_TEST(an_owner_who_was_blocked_does_not_choose_the_language)
{
    int64_t seen = 0;
    struct nf_user u;
    struct nf_identity i = { .user_id = USER - 1, .channel = "telegram", .account = "900" };
    struct nf_user_store *users = r->w->s.users;
    prepare(r);
    assert_ok(nf_user_init(&u, USER - 1, "Old", NF_USER_OWNER, START, &r->w->err), &r->w->err);
    u.lang = NF_LANG_RU;
    u.status = NF_USER_BLOCKED;
    assert_ok(users->ops->create(users, &u, &i, &r->w->err), &r->w->err);
    ask(r, 11, "300", "AAAA2222", "Cara");
    news(r, &seen);
    assert_int_equal(r->n, 1);
    assert_non_null(strstr(r->v[0].text, nf_word(NF_LANG_EN, NF_WORD_SOMEBODY_WAITS)));
}

RIG_TEST(nobody_but_an_owner_can_press_it)
{
    int64_t seen = 0;
    prepare(r);
    add_plain(r);
    ask(r, 11, "300", "AAAA2222", "Cara");
    news(r, &seen);
    const char *yes = r->v[0].buttons[0].data, *no = r->v[0].buttons[1].data;
    assert_string_equal(press(r, "200", yes), "This is not yours to decide.");
    assert_string_equal(press(r, "300", yes), "This is not yours to decide.");
    assert_string_equal(press(r, "300", no), "This is not yours to decide.");
    assert_string_equal(press(r, "100", "p1:a:AAAA2222"), "");
    assert_string_equal(press(r, "100", "p1:a:AAAA222!:0000000000001"), "");
    assert_false(is_known(r, "300"));
    assert_string_equal(press(r, "100", no), "Denied");
    wait_for(r, &r->v[0], "Nobody waits");
    assert_false(is_known(r, "300"));
}

RIG_TEST(those_who_come_meanwhile_are_told_of_together)
{
    static const char *const codes[] = { "BBBB2222", "CCCC2222", "DDDD2222",
                                         "EEEE2222", "FFFF2222", "GGGG2222" };
    int64_t seen = 0;
    char account[8];
    prepare(r);
    ask(r, 11, "300", "AAAA2222", "Cara");
    news(r, &seen);
    for (int i = 0; i < 6; i++) {
        (void)snprintf(account, sizeof(account), "40%d", i);
        ask(r, 12 + i, account, codes[i], account);
    }
    r->ahead += NF_PAIRING_NEWS_MS - 1000;
    news(r, &seen);
    assert_int_equal(r->n, 1);
    r->ahead += 2000;
    news(r, &seen);
    assert_int_equal(r->n, 2);
    struct post *m = &r->v[1];
    assert_non_null(strstr(m->text, "BBBB-2222"));
    assert_non_null(strstr(m->text, "FFFF-2222"));
    assert_null(strstr(m->text, "GGGG-2222"));
    assert_null(strstr(m->text, "AAAA-2222"));
    assert_non_null(strstr(m->text, "More on the page, under People: 1"));
    assert_int_equal(m->buttons_n, 4);
    assert_string_equal(m->buttons[2].label, "Let in 401");
    char no[NF_BUTTON_DATA_MAX + 1];
    memcpy(no, m->buttons[1].data, sizeof(no));
    assert_string_equal(press(r, "100", no), "Denied");
    wait_for(r, m, "GGGG-2222"); /* who comes next is named now */
    assert_string_equal(m->buttons[0].label, "Let in 401");
}

RIG_TEST(who_cannot_be_reached_is_not_told_and_nothing_breaks)
{
    int64_t seen = 0;
    struct nf_identity anna = { .user_id = USER, .channel = "telegram", .account = "100" };
    prepare(r);
    assert_ok(r->w->s.users->ops->unlink(r->w->s.users, &anna, &r->w->err), &r->w->err);
    ask(r, 11, "300", "AAAA2222", "Cara");
    assert_code(nf_pairing_news(&r->w->app, &seen, &r->w->err), NF_E_NOT_FOUND);
    assert_int_equal(r->n, 0);
    news(r, &seen);
}

RIG_TEST(an_account_may_press_so_many_buttons_in_a_minute)
{
    assert_ok(nf_rates_new(&r->w->app.presses, &r->w->err), &r->w->err);
    r->w->app.clock = &r->w->clock; /* which stands still */
    for (int i = 0; i < NF_CHAT_PRESSES_PER_MINUTE; i++)
        assert_string_equal(press(r, "666", "a1:o:0000000000001"), "This is not yours to decide.");
    const char *told = press(r, "666", "a1:o:0000000000001");
    assert_non_null(strstr(told, "That was too fast. Press it again in "));
    assert_string_equal(press(r, "666", "a1:o:0000000000001"), ""); /* told once */
    assert_string_equal(press(r, "667", "a1:o:0000000000001"), "This is not yours to decide.");
    r->w->now += 2500;
    assert_string_equal(press(r, "666", "a1:o:0000000000001"), "This is not yours to decide.");
    nf_rates_free(r->w->app.presses);
    r->w->app.presses = NULL;
    r->w->app.clock = &r->clock;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_owner_hears_of_it_once_and_lets_in_by_a_button),
        cmocka_unit_test(an_owner_who_was_blocked_does_not_choose_the_language),
        cmocka_unit_test(nobody_but_an_owner_can_press_it),
        cmocka_unit_test(those_who_come_meanwhile_are_told_of_together),
        cmocka_unit_test(who_cannot_be_reached_is_not_told_and_nothing_breaks),
        cmocka_unit_test(an_account_may_press_so_many_buttons_in_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
