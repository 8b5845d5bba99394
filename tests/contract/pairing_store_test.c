#include "tests/contract/fixture.h"

#define PAIRINGS(f) ((f)->s.pairings)
#define MAX 3
#define SHOWN 50

static struct nf_pairing request(int64_t id, const char *account, const char *code, int64_t now)
{
    struct nf_pairing p = { .id = id,
                            .network = "telegram",
                            .name = "Anna",
                            .channel = "telegram-work",
                            .address = "77",
                            .event = "u1",
                            .lang = NF_LANG_RU,
                            .status = NF_PAIRING_OPEN,
                            .created_ms = now,
                            .expires_ms = now + 100 };
    memcpy(p.account, account, strlen(account));
    memcpy(p.code, code, strlen(code));
    return p;
}

static enum nf_code ask(struct fixture *f, int64_t id, const char *account, const char *code,
                        int64_t now)
{
    struct nf_pairing p = request(id, account, code, now);
    return PAIRINGS(f)->ops->ask(PAIRINGS(f), &p, MAX, SHOWN, &f->err);
}

static struct nf_identity account_of(int64_t user_id, const char *account)
{
    struct nf_identity i = { .user_id = user_id, .channel = "telegram", .created_ms = 6 };
    memcpy(i.account, account, strlen(account));
    return i;
}

static struct nf_user user(int64_t id)
{
    return (struct nf_user){
        .id = id, .name = "Name", .role = NF_USER_USER, .status = NF_USER_ACTIVE, .created_ms = 5
    };
}

static void given_user(struct fixture *f, int64_t id, const char *account)
{
    struct nf_user u = user(id);
    struct nf_identity i = account_of(id, account);
    assert_ok(f->s.users->ops->create(f->s.users, &u, &i, &f->err), &f->err);
}

/* "account:code:status " of all that are there, in order. */
static const char *listed_as(struct fixture *f, int64_t now, int64_t after, size_t limit,
                             enum nf_pairing_status status)
{
    static char text[512];
    struct nf_pairings list = { 0 };
    size_t at = 0;
    const struct nf_pairing_filter of = { .after_id = after, .limit = limit, .status = status };
    assert_ok(PAIRINGS(f)->ops->list(PAIRINGS(f), now, &of, &list, &f->err), &f->err);
    text[0] = '\0';
    for (size_t i = 0; i < list.n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s:%s:%s ", list.v[i].account,
                               list.v[i].code, nf_pairing_status_name(list.v[i].status));
    nf_pairings_done(&list);
    return text;
}

static const char *listed(struct fixture *f, int64_t now, int64_t after, size_t limit)
{
    return listed_as(f, now, after, limit, 0);
}

static void a_request_is_found_by_code_and_account_until_it_expires(void **state)
{
    struct fixture *f = *state;
    struct nf_pairing p, want = request(5, "1", "AAAA2222", 10);
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);

    assert_ok(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 109, &p, &f->err), &f->err);
    assert_memory_equal(&p, &want, sizeof(p));
    assert_ok(PAIRINGS(f)->ops->of_account(PAIRINGS(f), "telegram", "1", 109, &p, &f->err),
              &f->err);
    assert_int_equal(p.id, 5);
    assert_code(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 110, &p, &f->err), NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->of_account(PAIRINGS(f), "telegram", "1", 110, &p, &f->err),
                NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->of_account(PAIRINGS(f), "discord", "1", 20, &p, &f->err),
                NF_E_NOT_FOUND);
}

static void another_message_can_be_the_one_that_got_the_code(void **state)
{
    struct fixture *f = *state;
    struct nf_pairing p;
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    assert_ok(PAIRINGS(f)->ops->set_event(PAIRINGS(f), "telegram", "1", "", &f->err), &f->err);
    assert_ok(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 20, &p, &f->err), &f->err);
    assert_string_equal(p.event, "");
    assert_ok(PAIRINGS(f)->ops->set_event(PAIRINGS(f), "telegram", "1", "u9", &f->err), &f->err);
    assert_ok(PAIRINGS(f)->ops->set_event(PAIRINGS(f), "telegram", "2", "u8", &f->err), &f->err);
    assert_ok(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 20, &p, &f->err), &f->err);
    assert_string_equal(p.event, "u9");
}

static void an_account_has_one_request_at_a_time(void **state)
{
    struct fixture *f = *state;
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    assert_code(ask(f, 6, "1", "BBBB2222", 109), NF_E_CONFLICT);
    assert_string_equal(listed(f, 20, 0, 9), "1:AAAA2222:open ");
    assert_ok(ask(f, 7, "1", "CCCC2222", 110), &f->err);
    assert_string_equal(listed(f, 120, 0, 9), "1:CCCC2222:open ");
}

static void no_more_than_so_many_of_a_network_are_open(void **state)
{
    struct fixture *f = *state;
    struct nf_pairing other = request(9, "9", "JJJJ2222", 20);
    assert_ok(ask(f, 2, "2", "BBBB2222", 10), &f->err);
    assert_ok(ask(f, 1, "1", "AAAA2222", 20), &f->err);
    assert_ok(ask(f, 3, "3", "CCCC2222", 20), &f->err);
    assert_code(ask(f, 4, "4", "DDDD2222", 59), NF_E_LIMIT); /* all are young */
    assert_string_equal(listed(f, 59, 0, 9), "1:AAAA2222:open 2:BBBB2222:open 3:CCCC2222:open ");
    memcpy(other.network, "discord\0", 9);
    assert_ok(PAIRINGS(f)->ops->ask(PAIRINGS(f), &other, MAX, SHOWN, &f->err), &f->err);
    assert_ok(PAIRINGS(f)->ops->deny(PAIRINGS(f), 3, 59, 1000, &f->err), &f->err);
    assert_ok(ask(f, 4, "4", "DDDD2222", 59), &f->err); /* who is denied does not wait */
}

static void the_oldest_makes_room_when_its_code_was_shown_long_enough(void **state)
{
    struct fixture *f = *state;
    assert_ok(ask(f, 2, "2", "BBBB2222", 10), &f->err);
    assert_ok(ask(f, 1, "1", "AAAA2222", 20), &f->err);
    assert_ok(ask(f, 3, "3", "CCCC2222", 21), &f->err);
    assert_ok(ask(f, 4, "4", "DDDD2222", 60), &f->err);
    assert_string_equal(listed(f, 60, 0, 9), "1:AAAA2222:open 3:CCCC2222:open 4:DDDD2222:open ");
    assert_code(ask(f, 4, "4", "EEEE2222", 75), NF_E_CONFLICT); /* and nobody made room for it */
    assert_string_equal(listed(f, 75, 0, 9), "1:AAAA2222:open 3:CCCC2222:open 4:DDDD2222:open ");
    assert_ok(ask(f, 5, "2", "EEEE2222", 75), &f->err);
    assert_string_equal(listed(f, 75, 0, 9), "3:CCCC2222:open 4:DDDD2222:open 2:EEEE2222:open ");
}

static void a_denied_request_stays_and_keeps_its_account_out(void **state)
{
    struct fixture *f = *state;
    struct nf_pairing p;
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    assert_code(PAIRINGS(f)->ops->deny(PAIRINGS(f), 6, 20, 500, &f->err), NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->deny(PAIRINGS(f), 5, 110, 500, &f->err), NF_E_NOT_FOUND);
    assert_ok(PAIRINGS(f)->ops->deny(PAIRINGS(f), 5, 20, 500, &f->err), &f->err);
    assert_string_equal(listed(f, 499, 0, 9), "1:AAAA2222:denied ");
    assert_code(ask(f, 6, "1", "BBBB2222", 499), NF_E_CONFLICT);
    assert_ok(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 499, &p, &f->err), &f->err);
    assert_int_equal(p.status, NF_PAIRING_DENIED);
    assert_ok(ask(f, 6, "1", "BBBB2222", 500), &f->err);
}

static void requests_are_listed_by_id(void **state)
{
    struct fixture *f = *state;
    assert_ok(ask(f, 8, "1", "AAAA2222", 10), &f->err);
    assert_ok(ask(f, 7, "2", "BBBB2222", 20), &f->err);
    assert_ok(ask(f, 9, "3", "CCCC2222", 30), &f->err);
    assert_string_equal(listed(f, 30, 0, 2), "2:BBBB2222:open 1:AAAA2222:open ");
    assert_string_equal(listed(f, 30, 8, 2), "3:CCCC2222:open ");
    assert_string_equal(listed(f, 115, 0, 9), "2:BBBB2222:open 3:CCCC2222:open ");
    assert_ok(PAIRINGS(f)->ops->tidy(PAIRINGS(f), 120, &f->err), &f->err);
    assert_string_equal(listed(f, 0, 0, 9), "3:CCCC2222:open ");
}

static void requests_are_listed_by_status(void **state)
{
    struct fixture *f = *state;
    assert_ok(ask(f, 8, "1", "AAAA2222", 10), &f->err);
    assert_ok(ask(f, 7, "2", "BBBB2222", 20), &f->err);
    assert_ok(PAIRINGS(f)->ops->deny(PAIRINGS(f), 7, 30, 500, &f->err), &f->err);
    assert_string_equal(listed_as(f, 30, 0, 1, NF_PAIRING_OPEN), "1:AAAA2222:open ");
    assert_string_equal(listed_as(f, 30, 0, 9, NF_PAIRING_DENIED), "2:BBBB2222:denied ");
    assert_string_equal(listed_as(f, 30, 7, 9, NF_PAIRING_DENIED), "");
}

static void two_requests_with_one_code_are_told_apart_by_nobody(void **state)
{
    struct fixture *f = *state;
    struct nf_pairing p;
    assert_ok(ask(f, 1, "1", "AAAA2222", 10), &f->err);
    assert_ok(ask(f, 2, "2", "AAAA2222", 20), &f->err);
    assert_code(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 30, &p, &f->err), NF_E_CONFLICT);
    assert_ok(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 110, &p, &f->err), &f->err);
}

static void an_admitted_account_belongs_to_the_new_user(void **state)
{
    struct fixture *f = *state;
    struct nf_user u = user(40), got;
    struct nf_identity i = account_of(40, "1");
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);

    assert_code(PAIRINGS(f)->ops->admit(PAIRINGS(f), 6, &u, &i, 20, &f->err), NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, &u, &i, 110, &f->err), NF_E_NOT_FOUND);
    assert_ok(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, &u, &i, 20, &f->err), &f->err);

    assert_ok(f->s.users->ops->find(f->s.users, "telegram", "1", &got, &f->err), &f->err);
    assert_int_equal(got.id, 40);
    assert_string_equal(listed(f, 20, 0, 9), "");
    assert_code(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, &u, &i, 20, &f->err), NF_E_NOT_FOUND);
}

static void an_admitted_account_can_be_a_further_one_of_a_user(void **state)
{
    struct fixture *f = *state;
    struct nf_user got;
    struct nf_identity i = account_of(40, "1");
    given_user(f, 40, "2");
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    i.user_id = 41;
    assert_code(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, NULL, &i, 20, &f->err), NF_E_CONFLICT);
    i.user_id = 40;
    assert_ok(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, NULL, &i, 20, &f->err), &f->err);
    assert_ok(f->s.users->ops->find(f->s.users, "telegram", "1", &got, &f->err), &f->err);
    assert_int_equal(got.id, 40);
}

static void a_taken_account_is_admitted_to_nobody_else(void **state)
{
    struct fixture *f = *state;
    struct nf_user u = user(41), got;
    struct nf_identity i = account_of(41, "1");
    given_user(f, 40, "1");
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    assert_code(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, &u, &i, 20, &f->err), NF_E_CONFLICT);
    assert_code(f->s.users->ops->get(f->s.users, 41, &got, &f->err), NF_E_NOT_FOUND);
    assert_string_equal(listed(f, 20, 0, 9), "1:AAAA2222:open ");
}

static const char *hash(char c)
{
    static char text[NF_INVITE_HASH + 1];
    memset(text, c, NF_INVITE_HASH);
    return text;
}

static enum nf_code invite(struct fixture *f, char c, int64_t user_id)
{
    struct nf_invite v = { .user_id = user_id, .created_ms = 10, .expires_ms = 110 };
    memcpy(v.hash, hash(c), sizeof(v.hash));
    return PAIRINGS(f)->ops->invite(PAIRINGS(f), &v, 2, &f->err);
}

static void an_invitation_lets_one_account_in(void **state)
{
    struct fixture *f = *state;
    struct nf_user got;
    struct nf_invite v;
    struct nf_identity i = account_of(40, "1"), j = account_of(40, "3");
    given_user(f, 40, "2");
    assert_ok(ask(f, 5, "1", "AAAA2222", 10), &f->err);
    assert_ok(invite(f, 'a', 40), &f->err);
    assert_code(invite(f, 'a', 40), NF_E_LIMIT);

    assert_ok(PAIRINGS(f)->ops->invited(PAIRINGS(f), hash('a'), 109, &v, &f->err), &f->err);
    assert_int_equal(v.user_id, 40);
    assert_int_equal(v.expires_ms, 110);
    assert_code(PAIRINGS(f)->ops->invited(PAIRINGS(f), hash('b'), 20, &v, &f->err), NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->join(PAIRINGS(f), hash('b'), &i, 20, &f->err), NF_E_NOT_FOUND);
    assert_ok(PAIRINGS(f)->ops->join(PAIRINGS(f), hash('a'), &i, 109, &f->err), &f->err);

    assert_ok(f->s.users->ops->find(f->s.users, "telegram", "1", &got, &f->err), &f->err);
    assert_int_equal(got.id, 40);
    assert_string_equal(listed(f, 20, 0, 9), "");
    assert_code(PAIRINGS(f)->ops->join(PAIRINGS(f), hash('a'), &j, 109, &f->err), NF_E_NOT_FOUND);
    assert_code(f->s.users->ops->find(f->s.users, "telegram", "3", &got, &f->err), NF_E_NOT_FOUND);
}

static void an_invitation_expires_and_takes_no_account_from_anybody(void **state)
{
    struct fixture *f = *state;
    struct nf_user got;
    struct nf_invite v;
    struct nf_identity i = account_of(40, "1"), theirs = account_of(40, "9");
    given_user(f, 40, "2");
    given_user(f, 41, "9");
    assert_ok(invite(f, 'a', 40), &f->err);
    assert_code(PAIRINGS(f)->ops->join(PAIRINGS(f), hash('a'), &i, 110, &f->err), NF_E_NOT_FOUND);
    assert_code(PAIRINGS(f)->ops->join(PAIRINGS(f), hash('a'), &theirs, 20, &f->err),
                NF_E_CONFLICT);
    assert_ok(f->s.users->ops->find(f->s.users, "telegram", "9", &got, &f->err), &f->err);
    assert_int_equal(got.id, 41);
    assert_ok(PAIRINGS(f)->ops->invited(PAIRINGS(f), hash('a'), 20, &v, &f->err), &f->err);
    assert_ok(PAIRINGS(f)->ops->tidy(PAIRINGS(f), 110, &f->err), &f->err);
    assert_code(PAIRINGS(f)->ops->invited(PAIRINGS(f), hash('a'), 20, &v, &f->err), NF_E_NOT_FOUND);
}

static void no_more_than_so_many_invitations_of_a_user_are_open(void **state)
{
    struct fixture *f = *state;
    struct nf_invite later = { .user_id = 40, .created_ms = 110, .expires_ms = 210 };
    memcpy(later.hash, hash('d'), sizeof(later.hash));
    assert_ok(invite(f, 'a', 40), &f->err);
    assert_ok(invite(f, 'b', 40), &f->err);
    assert_code(invite(f, 'c', 40), NF_E_LIMIT);
    assert_ok(invite(f, 'c', 41), &f->err);
    assert_ok(PAIRINGS(f)->ops->invite(PAIRINGS(f), &later, 2, &f->err), &f->err);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    struct nf_pairings list = { 0 };
    struct nf_pairing p;
    struct nf_user u = user(40);
    struct nf_identity i = account_of(40, "1");
    TORTURE(ask(f, 5, "1", "AAAA2222", 10),
            assert_code(PAIRINGS(f)->ops->get(PAIRINGS(f), "AAAA2222", 20, &p, &f->err),
                        NF_E_NOT_FOUND));
    const struct nf_pairing_filter all = { .limit = 9 };
    TORTURE(PAIRINGS(f)->ops->list(PAIRINGS(f), 20, &all, &list, &f->err), (void)0);
    assert_int_equal(list.n, 1);
    nf_pairings_done(&list);
    TORTURE(PAIRINGS(f)->ops->admit(PAIRINGS(f), 5, &u, &i, 20, &f->err), (void)0);
    TORTURE(invite(f, 'a', 40), (void)0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_found_by_code_and_account_until_it_expires),
        cmocka_unit_test(another_message_can_be_the_one_that_got_the_code),
        cmocka_unit_test(an_account_has_one_request_at_a_time),
        cmocka_unit_test(no_more_than_so_many_of_a_network_are_open),
        cmocka_unit_test(the_oldest_makes_room_when_its_code_was_shown_long_enough),
        cmocka_unit_test(a_denied_request_stays_and_keeps_its_account_out),
        cmocka_unit_test(requests_are_listed_by_id),
        cmocka_unit_test(requests_are_listed_by_status),
        cmocka_unit_test(two_requests_with_one_code_are_told_apart_by_nobody),
        cmocka_unit_test(an_admitted_account_belongs_to_the_new_user),
        cmocka_unit_test(an_admitted_account_can_be_a_further_one_of_a_user),
        cmocka_unit_test(a_taken_account_is_admitted_to_nobody_else),
        cmocka_unit_test(an_invitation_lets_one_account_in),
        cmocka_unit_test(an_invitation_expires_and_takes_no_account_from_anybody),
        cmocka_unit_test(no_more_than_so_many_invitations_of_a_user_are_open),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
    };
    return RUN_SUITE("pairing_store", tests);
}
