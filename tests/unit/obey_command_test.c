/* Commands in a network in memory: answered in turns, without a model. */
#include "application/commands.h"
#include "tests/unit/chat_rig.h"

/* What the newest message there says. */
static const char *last(struct rig *r, const char *address)
{
    for (size_t i = r->n; i > 0; i--)
        if (r->v[i - 1].there && strcmp(r->v[i - 1].address, address) == 0)
            return r->v[i - 1].text;
    return "";
}

static const char *ask(struct rig *r, const char *text)
{
    rig_say(r, text);
    rig_settle(r);
    return last(r, "100");
}

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        const char *text_ = (text);                                                                \
        if (!strstr(text_, part))                                                                  \
            fail_msg("'%s' does not say '%s'", text_, part);                                       \
    } while (0)

RIG_TEST(help_names_every_command_of_the_menu)
{
    char name[NF_COMMAND_NAME_MAX + 4];
    const char *text = ask(r, "/help");
    for (enum nf_command c = NF_COMMAND_START; c < NF_COMMAND_COUNT; c++) {
        (void)snprintf(name, sizeof(name), "/%s", nf_command_info(c)->name);
        if (nf_command_info(c)->menu)
            assert_says(text, name);
    }
    assert_says(text, "/pair [code]"); /* to an owner */
    assert_int_equal(r->w->model.asked, 0);
    assert_says(ask(r, "/start"), "Hello!");
}

RIG_TEST(it_is_answered_once)
{
    struct nf_chat_said s = rig_said(r, "/help");
    rig_receive(r, &s);
    rig_settle(r);
    size_t n = r->n;
    rig_receive(r, &s);
    rig_settle(r);
    assert_int_equal(r->n, n);
}

RIG_TEST(commands_are_no_part_of_what_the_model_reads)
{
    MODEL_SAYS(r->w, { .text = "hi" });
    (void)ask(r, "hello");
    (void)ask(r, "/help");
    (void)ask(r, "again");
    assert_string_equal(r->w->model.context, "user:hello|assistant:hi|user:again|");
}

RIG_TEST(new_begins_a_conversation_for_what_comes_behind_it)
{
    struct nf_session s;
    struct nf_sessions list = { 0 };
    struct nf_session_store *sessions = r->w->s.sessions;
    MODEL_SAYS(r->w, { .text = "hi" });
    (void)ask(r, "hello");
    assert_ok(sessions->ops->find(sessions, USER, "tg", "100", &s, &r->w->err), &r->w->err);
    int64_t first = s.id;

    rig_say(r, "/new");
    rig_say(r, "something else"); /* sent before the former is answered */
    rig_settle(r);

    assert_string_equal(r->w->model.context, "user:something else|");
    assert_non_null(strstr(rig_seen(r, "100"), "begins a new conversation"));
    assert_ok(sessions->ops->find(sessions, USER, "tg", "100", &s, &r->w->err), &r->w->err);
    assert_true(s.id != first);
    assert_string_equal(s.title, "something else");
    assert_ok(sessions->ops->list(sessions, USER, 0, 0, 9, &list, &r->w->err), &r->w->err);
    size_t n = list.n;
    nf_sessions_done(&list);
    assert_int_equal(n, 2);
}

RIG_TEST(a_conversation_that_began_with_a_command_is_named_by_what_follows)
{
    struct nf_session s;
    struct nf_session_store *sessions = r->w->s.sessions;
    MODEL_SAYS(r->w, { .text = "hi" });
    (void)ask(r, "/start");
    (void)ask(r, "plan my week");
    assert_ok(sessions->ops->find(sessions, USER, "tg", "100", &s, &r->w->err), &r->w->err);
    assert_string_equal(s.title, "plan my week");
}

RIG_TEST(model_shows_and_chooses_who_answers)
{
    MODEL_SAYS(r->w, { .text = "hi" });
    assert_says(ask(r, "/model"), "The model here: `default`");
    assert_says(ask(r, "/model"), "There are: `fast`, `small`");
    assert_says(ask(r, "/model nonesuch"), "There is no such model.");
    assert_says(ask(r, "/model fast"), "From now on here: `fast`");
    (void)ask(r, "hello");
    assert_string_equal(r->w->model.name, "fast");
    assert_says(ask(r, "/status"), "Model: `fast`");
    (void)ask(r, "/model default");
    (void)ask(r, "hello");
    assert_string_equal(r->w->model.name, "");
}

RIG_TEST(tasks_and_status_tell_how_it_stands)
{
    MODEL_SAYS(r->w, { .text = "hi" });
    assert_says(ask(r, "/tasks"), "Nothing was done here yet.");
    (void)ask(r, "plan my `week`");
    assert_says(ask(r, "/tasks"), "\xE2\x9C\x93 `plan my 'week'`");
    assert_says(ask(r, "/status"), "Conversation: `plan my 'week'`");
}

RIG_TEST(skills_lists_the_tools)
{
    assert_says(ask(r, "/skills"), "There are no tools.");
    r->w->app.tools = &r->w->tools.port;
    assert_says(ask(r, "/skills"), "`clock` \xE2\x80\x94 Tells the time.");
}

RIG_TEST(it_speaks_the_language_of_who_asks)
{
    struct nf_chat_said s = rig_said(r, "/skills");
    s.lang = "ru-RU";
    rig_receive(r, &s);
    rig_settle(r);
    assert_says(last(r, "100"), "Инструментов нет.");
    assert_says(ask(r, "/settings"), "Язык: русский");
    assert_says(ask(r, "/settings lang en"), "I speak English with you now.");
    assert_says(ask(r, "/skills"), "There are no tools.");
    assert_says(ask(r, "/settings lang xx"), "Language: English");
}

static int forgotten;

static void forget(struct nf_login_cache *c)
{
    (void)c;
    forgotten++;
}

RIG_TEST(the_new_language_holds_for_who_is_signed_in_too)
{
    static const struct nf_login_cache_ops ops = { .forget = forget };
    struct nf_login_cache cache = { .ops = &ops };
    forgotten = 0;
    r->w->app.logins = &cache;
    assert_says(ask(r, "/settings lang ru"), "Теперь я говорю с вами по-русски.");
    assert_int_equal(forgotten, 1);
    r->w->app.logins = NULL;
}

RIG_TEST(pair_lets_somebody_in_by_their_code)
{
    struct nf_pairing p;
    struct nf_user u;
    const unsigned char random[NF_PAIRING_CODE] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const struct nf_pairing_from from = { .network = "telegram",
                                          .account = "300",
                                          .name = "Carl",
                                          .channel = "tg",
                                          .address = "300",
                                          .event = "u9",
                                          .lang = "en" };
    char text[64];
    r->w->app.pairings = r->w->s.pairings;
    assert_ok(nf_pairing_init(&p, 77, &from, random, nf_app_now(&r->w->app), &r->w->err),
              &r->w->err);
    assert_ok(r->w->s.pairings->ops->ask(r->w->s.pairings, &p, 5, 1, &r->w->err), &r->w->err);
    assert_says(ask(r, "/pair"), "Which code?");
    assert_true(strlen(ask(r, "/pair ABCD")) > 0);
    (void)snprintf(text, sizeof(text), "/pair %s", p.code);
    assert_says(ask(r, text), "Let in: `Carl`");
    assert_ok(r->w->s.users->ops->find(r->w->s.users, "telegram", "300", &u, &r->w->err),
              &r->w->err);
}

/* In a group a command of a plain person does not reach what is not theirs. */
RIG_TEST(stop_in_a_group_ends_what_is_ones_own)
{
    struct nf_user u;
    struct nf_identity i = { .user_id = 8, .channel = "telegram", .account = "200" };
    MODEL_SAYS(r->w, { .text = "hi" });
    assert_ok(nf_user_init(&u, 8, "Bob", NF_USER_USER, START, &r->w->err), &r->w->err);
    assert_ok(r->w->s.users->ops->create(r->w->s.users, &u, &i, &r->w->err), &r->w->err);
    struct nf_chat_said anna = rig_said(r, "long work"), bob = rig_said(r, "/stop");
    anna.address = anna.chat = bob.address = bob.chat = "-5";
    anna.direct = bob.direct = false;
    bob.account = "200";
    rig_receive(r, &anna);

    rig_receive(r, &bob);

    assert_says(last(r, "-5"), "Nothing is running here.");
    rig_settle(r);
    assert_non_null(strstr(rig_seen(r, "-5"), "hi"));
}

/* Without memory a command says that it failed, or is not answered yet; never half. */
static void without_memory_nothing_is_half_done(void **state)
{
    static const char *const texts[] = { "/help",   "/model",  "/model fast",      "/tasks",
                                         "/status", "/skills", "/settings lang ru" };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        TORTURE((w->app.tools = &w->tools.port, write_message(w, "m1", texts[i])), answer(w), {
            if (rc == NF_OK)
                assert_int_equal(w->web.delivered, 1);
        });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_names_every_command_of_the_menu),
        cmocka_unit_test(it_is_answered_once),
        cmocka_unit_test(commands_are_no_part_of_what_the_model_reads),
        cmocka_unit_test(new_begins_a_conversation_for_what_comes_behind_it),
        cmocka_unit_test(a_conversation_that_began_with_a_command_is_named_by_what_follows),
        cmocka_unit_test(model_shows_and_chooses_who_answers),
        cmocka_unit_test(tasks_and_status_tell_how_it_stands),
        cmocka_unit_test(skills_lists_the_tools),
        cmocka_unit_test(it_speaks_the_language_of_who_asks),
        cmocka_unit_test(the_new_language_holds_for_who_is_signed_in_too),
        cmocka_unit_test(pair_lets_somebody_in_by_their_code),
        cmocka_unit_test(stop_in_a_group_ends_what_is_ones_own),
        cmocka_unit_test(without_memory_nothing_is_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
