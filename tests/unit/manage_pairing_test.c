/* Who may write in chat networks, and how they come to. */
#include "application/admit_person.h"
#include "application/manage_pairing.h"
#include "application/manage_users.h"
#include "application/rate_people.h"
#include "tests/unit/use_case_fixture.h"

#define HOUR INT64_C(3600000)

static const struct nf_chat_rules open_rules = { .pairing = true, .per_minute = 2 };

static struct nf_knock knock(const char *account, const char *event, const char *text)
{
    return (struct nf_knock){ .from = { .network = "telegram",
                                        .account = account,
                                        .name = "Anna",
                                        .channel = "web", /* of the fixture: it can tell */
                                        .address = "77",
                                        .event = event,
                                        .lang = "en" },
                              .chat = "77",
                              .direct = true,
                              .text = text };
}

static struct nf_admission admitted;

static enum nf_admission_kind admit(struct world *w, const struct nf_chat_rules *r,
                                    struct nf_knock k)
{
    nf_admission_done(&admitted);
    assert_ok(nf_admit(&w->app, r, &k, &admitted, &w->err), &w->err);
    return admitted.kind;
}

static int setup_people(void **state)
{
    struct world *w = world_new();
    *state = w;
    assert_ok(nf_rates_new(&w->app.rates, &w->err), &w->err);
    return 0;
}

static int teardown_people(void **state)
{
    struct world *w = *state;
    nf_admission_done(&admitted);
    nf_rates_free(w->app.rates);
    world_free(w);
    return 0;
}

/* The code that somebody was told last: between backquotes. */
static const char *told_code(void)
{
    static char code[16];
    const char *at = strchr(nf_str_c(&admitted.say), '`');
    assert_non_null(at);
    memcpy(code, at + 1, 9);
    code[9] = '\0';
    return code;
}

static struct nf_user approved(struct world *w, const char *account)
{
    struct nf_user u;
    assert_int_equal(admit(w, &open_rules, knock(account, "u1", "hi")), NF_ADMIT_TOLD);
    struct nf_approve in = { .code = told_code() };
    assert_ok(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), &w->err);
    return u;
}

static void an_unknown_account_gets_one_code_and_then_silence_for_an_hour(void **state)
{
    struct world *w = *state;
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", "hi")), NF_ADMIT_TOLD);
    char first[16];
    memcpy(first, told_code(), sizeof(first));
    assert_non_null(strstr(nf_str_c(&admitted.say), "one hour"));
    for (int i = 0; i < 5; i++)
        assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi?")), NF_ADMIT_SILENT);
    w->now += HOUR - 1;
    assert_int_equal(admit(w, &open_rules, knock("1", "u3", "hi?")), NF_ADMIT_SILENT);
    w->now++;
    assert_int_equal(admit(w, &open_rules, knock("1", "u4", "hi!")), NF_ADMIT_TOLD);
    assert_string_not_equal(told_code(), first);
}

static void the_message_that_got_a_code_gets_it_again(void **state)
{
    struct world *w = *state;
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", "hi")), NF_ADMIT_TOLD);
    char first[16];
    memcpy(first, told_code(), sizeof(first));
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", "hi")), NF_ADMIT_TOLD);
    assert_string_equal(told_code(), first);
}

static void a_code_that_may_not_have_arrived_is_told_once_more(void **state)
{
    struct world *w = *state;
    struct nf_knock k = knock("1", "u1", "hi");
    assert_int_equal(admit(w, &open_rules, k), NF_ADMIT_TOLD);
    assert_true(admitted.is_code);
    char first[16];
    memcpy(first, told_code(), sizeof(first));
    assert_ok(nf_admit_unsure(&w->app, &k, &w->err), &w->err);
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi?")), NF_ADMIT_TOLD);
    assert_string_equal(told_code(), first);
    assert_int_equal(admit(w, &open_rules, knock("1", "u3", "hi?")), NF_ADMIT_SILENT);
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi?")), NF_ADMIT_TOLD);
    k = knock("2", "u1", "hi");
    assert_ok(nf_admit_unsure(&w->app, &k, &w->err), &w->err); /* nothing was told */
}

static void people_are_spoken_to_in_their_language(void **state)
{
    struct world *w = *state;
    struct nf_knock k = knock("1", "u1", "hi");
    k.from.lang = "ru";
    assert_int_equal(admit(w, &open_rules, k), NF_ADMIT_TOLD);
    assert_non_null(strstr(nf_str_c(&admitted.say), "Здравствуйте"));
    (void)told_code();
}

static void in_groups_and_without_pairing_nothing_is_said(void **state)
{
    struct world *w = *state;
    struct nf_chat_rules closed = { .per_minute = 2 };
    struct nf_knock group = knock("1", "u1", "hi");
    group.direct = false;
    assert_int_equal(admit(w, &open_rules, group), NF_ADMIT_SILENT);
    assert_int_equal(admit(w, &closed, knock("1", "u1", "hi")), NF_ADMIT_SILENT);
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", "hi")), NF_ADMIT_TOLD);
}

static void strangers_close_pairing_for_nobody(void **state)
{
    struct world *w = *state;
    char account[16];
    for (int i = 0; i < 60; i++) { /* strangers close it for nobody */
        (void)snprintf(account, sizeof(account), "a%d", i);
        assert_int_equal(admit(w, &open_rules, knock(account, "u1", "hi")), NF_ADMIT_TOLD);
    }
    assert_int_equal(admit(w, &open_rules, knock("real", "u1", "hi")), NF_ADMIT_TOLD);
}

static void an_approved_account_is_in_and_is_told(void **state)
{
    struct world *w = *state;
    struct nf_user u = approved(w, "1");
    assert_string_equal(u.name, "Anna");
    assert_int_equal(u.role, NF_USER_USER);
    assert_string_equal(w->web.told_to, "77");
    assert_non_null(strstr(w->web.told, "You are in"));
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi")), NF_ADMIT_IN);
    assert_true(admitted.user.id == u.id);
    assert_int_equal(admit(w, &open_rules, knock("2", "u2", "hi")), NF_ADMIT_TOLD);
}

static void who_cannot_be_told_is_in_all_the_same(void **state)
{
    struct world *w = *state;
    w->web.fail = NF_E_UNAVAILABLE;
    struct nf_user u = approved(w, "1");
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi")), NF_ADMIT_IN);
    assert_true(admitted.user.id == u.id);
}

static void a_code_works_once_and_for_an_hour(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    (void)admit(w, &open_rules, knock("1", "u1", "hi"));
    struct nf_approve in = { .code = told_code() };
    w->now += HOUR;
    assert_code(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), NF_E_NOT_FOUND);
    (void)admit(w, &open_rules, knock("1", "u1", "hi"));
    in.code = told_code();
    assert_ok(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), &w->err);
    assert_code(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), NF_E_NOT_FOUND);
    in.code = "no code";
    assert_code(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), NF_E_NOT_FOUND);
}

static void an_account_can_become_a_further_one_of_somebody(void **state)
{
    struct world *w = *state;
    struct nf_user anna = approved(w, "1"), u;
    (void)admit(w, &open_rules, knock("2", "u1", "hi"));
    struct nf_approve in = { .code = told_code(), .user_id = anna.id, .role = NF_USER_ADMIN };
    assert_code(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), NF_E_INVALID);
    in.role = 0;
    in.user_id = 4711;
    assert_code(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), NF_E_NOT_FOUND);
    in.user_id = anna.id;
    assert_ok(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), &w->err);
    assert_true(u.id == anna.id);
    assert_int_equal(admit(w, &open_rules, knock("2", "u2", "hi")), NF_ADMIT_IN);
    assert_true(admitted.user.id == anna.id);
}

static void who_may_let_people_in(void **state)
{
    struct world *w = *state;
    struct nf_user admin, bob, u;
    struct nf_pairings list = { 0 };
    assert_ok(nf_user_add(&w->app, &w->user, "Root", NF_USER_ADMIN, &admin, &w->err), &w->err);
    w->now++;
    assert_ok(nf_user_add(&w->app, &w->user, "Bob", NF_USER_USER, &bob, &w->err), &w->err);
    (void)admit(w, &open_rules, knock("1", "u1", "hi"));
    struct nf_approve in = { .code = told_code() };
    struct nf_pairing_filter f = { .limit = 9 };
    assert_code(nf_pairing_approve(&w->app, &bob, &in, &u, &w->err), NF_E_DENIED);
    assert_code(nf_pairing_deny(&w->app, &bob, in.code, &w->err), NF_E_DENIED);
    assert_code(nf_pairing_list(&w->app, &bob, &f, &list, &w->err), NF_E_DENIED);
    in.role = NF_USER_OWNER;
    assert_code(nf_pairing_approve(&w->app, &admin, &in, &u, &w->err), NF_E_DENIED);
    in.role = 0;
    in.user_id = w->user.id; /* an admin may not write as the owner */
    assert_code(nf_pairing_approve(&w->app, &admin, &in, &u, &w->err), NF_E_DENIED);
    in.user_id = 0;
    in.name = "Anna K.";
    assert_ok(nf_pairing_list(&w->app, &admin, &f, &list, &w->err), &w->err);
    assert_int_equal(list.n, 1);
    nf_pairings_done(&list);
    f.limit = 201;
    assert_code(nf_pairing_list(&w->app, &admin, &f, &list, &w->err), NF_E_INVALID);
    assert_ok(nf_pairing_approve(&w->app, &admin, &in, &u, &w->err), &w->err);
    assert_string_equal(u.name, "Anna K.");
}

static void a_denied_account_is_not_heard_but_can_be_let_in(void **state)
{
    struct world *w = *state;
    struct nf_user u;
    (void)admit(w, &open_rules, knock("1", "u1", "hi"));
    struct nf_approve in = { .code = told_code() };
    assert_ok(nf_pairing_deny(&w->app, &w->user, in.code, &w->err), &w->err);
    w->now += 24 * HOUR;
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", "hi")), NF_ADMIT_SILENT);
    assert_ok(nf_pairing_approve(&w->app, &w->user, &in, &u, &w->err), &w->err);
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi")), NF_ADMIT_IN);
}

static void a_blocked_person_gets_silence(void **state)
{
    struct world *w = *state;
    struct nf_user u = approved(w, "1");
    assert_ok(nf_user_change(&w->app, &w->user, u.id, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
              &w->err);
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi")), NF_ADMIT_SILENT);
    assert_code(nf_admit_known(&w->app, &open_rules, "telegram", "1", &u, &w->err), NF_E_DENIED);
}

static void who_is_too_fast_is_told_once(void **state)
{
    struct world *w = *state;
    (void)approved(w, "1");
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "a")), NF_ADMIT_IN);
    assert_int_equal(admit(w, &open_rules, knock("1", "u3", "b")), NF_ADMIT_IN);
    assert_int_equal(admit(w, &open_rules, knock("1", "u4", "c")), NF_ADMIT_TOLD);
    assert_non_null(strstr(nf_str_c(&admitted.say), "30 s"));
    assert_int_equal(admit(w, &open_rules, knock("1", "u5", "d")), NF_ADMIT_TOLD);
    assert_int_equal(admitted.say.len, 0);
    w->now += 30000;
    assert_int_equal(admit(w, &open_rules, knock("1", "u6", "e")), NF_ADMIT_IN);
    assert_int_equal(admit(w, &open_rules, knock("1", "u7", "f")), NF_ADMIT_TOLD);
    assert_true(admitted.say.len > 0);
}

/* What all instances have counted. */
static int64_t shared_wait_ms;
static char shared_key[64];

static enum nf_code shared_take(struct nf_shared_rates *s, const char *key, int64_t per_minute,
                                int64_t n, int64_t *wait_ms, struct nf_err *err)
{
    (void)s, (void)per_minute, (void)n;
    (void)snprintf(shared_key, sizeof(shared_key), "%s", key);
    if (shared_wait_ms < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "nobody is there");
    *wait_ms = shared_wait_ms;
    return NF_OK;
}

static void what_other_instances_have_counted_counts_too(void **state)
{
    static const struct nf_shared_rates_ops ops = { .take = shared_take };
    struct nf_shared_rates shared = { &ops };
    struct world *w = *state;
    (void)approved(w, "1");
    w->app.shared_rates = &shared;
    shared_wait_ms = -1;
    assert_int_equal(admit(w, &(struct nf_chat_rules){ .pairing = true, .per_minute = 60 },
                           knock("1", "u1", "a")),
                     NF_ADMIT_IN);
    assert_true(strncmp(shared_key, "chat:", 5) == 0);
    shared_wait_ms = 0;
    assert_int_equal(admit(w, &(struct nf_chat_rules){ .pairing = true, .per_minute = 60 },
                           knock("1", "u2", "b")),
                     NF_ADMIT_IN);
    shared_wait_ms = 7000;
    assert_int_equal(admit(w, &(struct nf_chat_rules){ .pairing = true, .per_minute = 60 },
                           knock("1", "u3", "c")),
                     NF_ADMIT_TOLD);
    assert_non_null(strstr(nf_str_c(&admitted.say), "7 s"));
    assert_int_equal(admit(w, &(struct nf_chat_rules){ .pairing = true, .per_minute = 60 },
                           knock("1", "u4", "d")),
                     NF_ADMIT_TOLD);
    assert_int_equal(admitted.say.len, 0); /* once is enough */
    w->now += 7000;
    assert_int_equal(admit(w, &(struct nf_chat_rules){ .pairing = true, .per_minute = 60 },
                           knock("1", "u5", "e")),
                     NF_ADMIT_TOLD);
    assert_true(admitted.say.len > 0);
}

static void many_people_do_not_share_a_rate(void **state)
{
    struct world *w = *state;
    int64_t wait;
    bool tell;
    int refused = 0;
    for (int64_t id = 1; id <= NF_RATES_MAX / 4; id++)
        refused += !nf_rates_take(w->app.rates, id << 12, 1, w->now, &wait, &tell);
    assert_int_equal(refused, 0);
    for (int64_t id = 1; id <= NF_RATES_MAX / 4; id++)
        refused += !nf_rates_take(w->app.rates, id << 12, 1, w->now, &wait, &tell);
    assert_int_equal(refused, NF_RATES_MAX / 4);
}

static void listed_accounts_need_no_pairing_and_others_are_not_heard(void **state)
{
    static const char *const accounts[] = { "1", "2" };
    static const struct nf_chat_rules rules = {
        .accounts = accounts, .accounts_n = 2, .pairing = true, .per_minute = 9
    };
    struct world *w = *state;
    struct nf_user u = approved(w, "3");
    assert_int_equal(admit(w, &rules, knock("1", "u1", "hi")), NF_ADMIT_IN);
    assert_string_equal(admitted.user.name, "Anna");
    int64_t id = admitted.user.id;
    assert_int_equal(admit(w, &rules, knock("1", "u2", "hi")), NF_ADMIT_IN);
    assert_true(admitted.user.id == id);
    assert_int_equal(admit(w, &rules, knock("3", "u1", "hi")), NF_ADMIT_SILENT);
    assert_int_equal(admit(w, &rules, knock("4", "u1", "hi")), NF_ADMIT_SILENT);
    assert_ok(nf_admit_known(&w->app, &rules, "telegram", "1", &u, &w->err), &w->err);
    assert_true(u.id == id);
    assert_code(nf_admit_known(&w->app, &rules, "telegram", "3", &u, &w->err), NF_E_DENIED);
    assert_code(nf_admit_known(&w->app, &rules, "telegram", "4", &u, &w->err), NF_E_DENIED);
}

static void groups_that_are_not_listed_are_not_answered(void **state)
{
    static const char *const chats[] = { "-100" };
    static const struct nf_chat_rules rules = {
        .chats = chats, .chats_n = 1, .pairing = true, .per_minute = 9
    };
    struct world *w = *state;
    struct nf_knock k = knock("1", "u2", "hi");
    (void)approved(w, "1");
    k.direct = false;
    k.chat = "-200";
    assert_int_equal(admit(w, &rules, k), NF_ADMIT_SILENT);
    k.chat = "-100";
    assert_int_equal(admit(w, &rules, k), NF_ADMIT_IN);
    assert_int_equal(admit(w, &rules, knock("1", "u3", "hi")), NF_ADMIT_IN);
}

/* --- invitations and accounts ------------------------------------------------------------------
 */

static void who_opens_an_invitation_is_whom_it_was_made_for(void **state)
{
    struct world *w = *state;
    char code[NF_INVITE_CODE + 1];
    struct nf_knock k = knock("1", "u1", "");
    assert_ok(nf_invite_create(&w->app, &w->user, USER, code, &w->err), &w->err);
    k.start = code;
    assert_int_equal(admit(w, &open_rules, k), NF_ADMIT_LINKED);
    assert_true(admitted.user.id == USER);
    assert_non_null(strstr(nf_str_c(&admitted.say), "Ada"));
    assert_int_equal(admit(w, &open_rules, knock("1", "u2", "hi")), NF_ADMIT_IN);
    k = knock("2", "u1", code); /* used: as any other message */
    assert_int_equal(admit(w, &open_rules, k), NF_ADMIT_TOLD);
    (void)told_code();
}

static void an_invitation_can_be_the_text_and_expires(void **state)
{
    struct world *w = *state;
    char code[NF_INVITE_CODE + 1];
    assert_ok(nf_invite_create(&w->app, &w->user, USER, code, &w->err), &w->err);
    w->now += NF_INVITE_TTL_MS - 1;
    assert_int_equal(admit(w, &open_rules, knock("1", "u1", nf_code_show(code).s)),
                     NF_ADMIT_LINKED);
    assert_ok(nf_invite_create(&w->app, &w->user, USER, code, &w->err), &w->err);
    w->now += NF_INVITE_TTL_MS;
    assert_int_equal(admit(w, &open_rules, knock("2", "u1", code)), NF_ADMIT_TOLD);
}

static void who_may_invite_whom(void **state)
{
    struct world *w = *state;
    struct nf_user admin, bob, u;
    char code[NF_INVITE_CODE + 1];
    assert_ok(nf_user_add(&w->app, &w->user, "Root", NF_USER_ADMIN, &admin, &w->err), &w->err);
    w->now++;
    assert_ok(nf_user_add(&w->app, &w->user, "Bob", NF_USER_USER, &bob, &w->err), &w->err);
    assert_ok(nf_invite_create(&w->app, &bob, bob.id, code, &w->err), &w->err);
    assert_code(nf_invite_create(&w->app, &bob, admin.id, code, &w->err), NF_E_DENIED);
    assert_code(nf_invite_create(&w->app, &admin, USER, code, &w->err), NF_E_DENIED);
    assert_ok(nf_invite_create(&w->app, &admin, bob.id, code, &w->err), &w->err);
    assert_ok(nf_user_change(&w->app, &w->user, bob.id, NULL, 0, NF_USER_BLOCKED, &u, &w->err),
              &w->err);
    assert_code(nf_invite_accept(&w->app, code, "telegram", "1", &u, &w->err), NF_E_DENIED);
}

static void only_so_many_invitations_are_open_at_once(void **state)
{
    struct world *w = *state;
    char code[NF_INVITE_CODE + 1];
    for (int i = 0; i < NF_INVITES_MAX; i++)
        assert_ok(nf_invite_create(&w->app, &w->user, USER, code, &w->err), &w->err);
    assert_code(nf_invite_create(&w->app, &w->user, USER, code, &w->err), NF_E_LIMIT);
    w->now += NF_INVITE_TTL_MS;
    assert_ok(nf_invite_create(&w->app, &w->user, USER, code, &w->err), &w->err);
}

static void accounts_are_moved_by_those_who_manage_both_people(void **state)
{
    struct world *w = *state;
    struct nf_user admin, anna = approved(w, "1"), u;
    struct nf_identities ids = { 0 };
    w->now++;
    assert_ok(nf_user_add(&w->app, &w->user, "Root", NF_USER_ADMIN, &admin, &w->err), &w->err);
    assert_ok(nf_account_link(&w->app, &w->user, USER, "discord", "9", &w->err), &w->err);
    assert_code(nf_account_link(&w->app, &admin, anna.id, "discord", "9", &w->err), NF_E_DENIED);
    assert_code(nf_account_link(&w->app, &anna, anna.id, "discord", "8", &w->err), NF_E_DENIED);
    assert_ok(nf_account_link(&w->app, &w->user, anna.id, "discord", "9", &w->err), &w->err);
    assert_ok(nf_account_link(&w->app, &w->user, anna.id, "discord", "9", &w->err), &w->err);
    assert_ok(nf_account_list(&w->app, &anna, anna.id, &ids, &w->err), &w->err);
    assert_int_equal(ids.n, 2);
    assert_string_equal(ids.v[0].channel, "discord");
    nf_identities_done(&ids);
    assert_code(nf_account_list(&w->app, &anna, USER, &ids, &w->err), NF_E_DENIED);
    assert_code(nf_account_unlink(&w->app, &anna, USER, "local", "owner", &w->err), NF_E_DENIED);
    assert_code(nf_account_unlink(&w->app, &w->user, USER, "local", "owner", &w->err), NF_E_DENIED);
    assert_code(nf_account_unlink(&w->app, &w->user, USER, "discord", "9", &w->err),
                NF_E_NOT_FOUND);
    assert_ok(nf_account_unlink(&w->app, &anna, anna.id, "discord", "9", &w->err), &w->err);
    assert_code(nf_admit_known(&w->app, &open_rules, "discord", "9", &u, &w->err), NF_E_DENIED);
}

static void out_of_memory_it_can_be_done_again(void **state)
{
    (void)state;
    struct nf_knock k = knock("1", "u1", "hi");
    TORTURE(nf_admission_done(&admitted), nf_admit(&w->app, &open_rules, &k, &admitted, &w->err), {
        assert_int_equal(admit(w, &open_rules, k), NF_ADMIT_TOLD);
        (void)told_code();
    });
    TORTURE((void)0, nf_rates_new(&w->app.rates, &w->err), nf_rates_free(w->app.rates));
    nf_admission_done(&admitted);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup_people, teardown_people)
    const struct CMUnitTest tests[] = {
        T(an_unknown_account_gets_one_code_and_then_silence_for_an_hour),
        T(the_message_that_got_a_code_gets_it_again),
        T(a_code_that_may_not_have_arrived_is_told_once_more),
        T(people_are_spoken_to_in_their_language),
        T(in_groups_and_without_pairing_nothing_is_said),
        T(strangers_close_pairing_for_nobody),
        T(an_approved_account_is_in_and_is_told),
        T(who_cannot_be_told_is_in_all_the_same),
        T(a_code_works_once_and_for_an_hour),
        T(an_account_can_become_a_further_one_of_somebody),
        T(who_may_let_people_in),
        T(a_denied_account_is_not_heard_but_can_be_let_in),
        T(a_blocked_person_gets_silence),
        T(who_is_too_fast_is_told_once),
        T(what_other_instances_have_counted_counts_too),
        T(many_people_do_not_share_a_rate),
        T(listed_accounts_need_no_pairing_and_others_are_not_heard),
        T(groups_that_are_not_listed_are_not_answered),
        T(who_opens_an_invitation_is_whom_it_was_made_for),
        T(an_invitation_can_be_the_text_and_expires),
        T(who_may_invite_whom),
        T(only_so_many_invitations_are_open_at_once),
        T(accounts_are_moved_by_those_who_manage_both_people),
        cmocka_unit_test(out_of_memory_it_can_be_done_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
