#include "tests/contract/fixture.h"

#define USERS(f) ((f)->s.users)

static struct nf_user user(int64_t id, enum nf_user_role role)
{
    return (struct nf_user){
        .id = id, .name = "Name", .role = role, .status = NF_USER_ACTIVE, .created_ms = 5
    };
}

static struct nf_identity account(int64_t user_id, const char *name)
{
    struct nf_identity i = { .user_id = user_id, .channel = "local", .created_ms = 6 };
    memcpy(i.account, name, strlen(name) + 1);
    return i;
}

static void given_user(struct fixture *f, int64_t id, enum nf_user_role role, const char *name)
{
    struct nf_user u = user(id, role);
    struct nf_identity i = account(id, name);
    assert_ok(USERS(f)->ops->create(USERS(f), &u, &i, &f->err), &f->err);
}

static void a_user_is_found_by_id_and_account(void **state)
{
    struct fixture *f = *state;
    struct nf_user u;
    given_user(f, 1, NF_USER_OWNER, "owner");

    assert_ok(USERS(f)->ops->get(USERS(f), 1, &u, &f->err), &f->err);
    assert_string_equal(u.name, "Name");
    assert_int_equal(u.role, NF_USER_OWNER);
    assert_int_equal(u.status, NF_USER_ACTIVE);
    assert_int_equal(u.created_ms, 5);
    assert_ok(USERS(f)->ops->find(USERS(f), "local", "owner", &u, &f->err), &f->err);
    assert_int_equal(u.id, 1);
    assert_code(USERS(f)->ops->get(USERS(f), 2, &u, &f->err), NF_E_NOT_FOUND);
    assert_code(USERS(f)->ops->find(USERS(f), "web", "owner", &u, &f->err), NF_E_NOT_FOUND);
    assert_code(USERS(f)->ops->find(USERS(f), "local", "Owner", &u, &f->err), NF_E_NOT_FOUND);
}

static void a_taken_id_or_account_creates_nothing(void **state)
{
    struct fixture *f = *state;
    given_user(f, 1, NF_USER_OWNER, "owner");
    struct nf_user u = user(1, NF_USER_USER), got;
    struct nf_identity i = account(1, "other");
    assert_code(USERS(f)->ops->create(USERS(f), &u, &i, &f->err), NF_E_CONFLICT);
    assert_code(USERS(f)->ops->find(USERS(f), "local", "other", &got, &f->err), NF_E_NOT_FOUND);
    u.id = 2;
    i = account(2, "owner");
    assert_code(USERS(f)->ops->create(USERS(f), &u, &i, &f->err), NF_E_CONFLICT);
    assert_code(USERS(f)->ops->get(USERS(f), 2, &got, &f->err), NF_E_NOT_FOUND);
}

static void users_are_listed_by_id(void **state)
{
    struct fixture *f = *state;
    given_user(f, 3, NF_USER_USER, "c");
    given_user(f, 1, NF_USER_OWNER, "a");
    given_user(f, 2, NF_USER_ADMIN, "b");
    struct nf_user_filter one = { .after_id = 1, .limit = 1 }, all = { .limit = 9 };

    assert_ok(USERS(f)->ops->list(USERS(f), &one, &f->users, &f->err), &f->err);
    assert_int_equal(f->users.n, 1);
    assert_int_equal(f->users.v[0].id, 2);
    nf_users_done(&f->users);
    assert_ok(USERS(f)->ops->list(USERS(f), &all, &f->users, &f->err), &f->err);
    assert_int_equal(f->users.n, 3);
    assert_int_equal(f->users.v[2].id, 3);
}

/* The ids of those that are listed, as one number. */
static int64_t ids(struct fixture *f, struct nf_user_filter of)
{
    int64_t all = 0;
    assert_ok(USERS(f)->ops->list(USERS(f), &of, &f->users, &f->err), &f->err);
    for (size_t i = 0; i < f->users.n; i++)
        all = all * 10 + f->users.v[i].id;
    nf_users_done(&f->users);
    return all;
}

static void users_are_listed_by_role_and_status(void **state)
{
    struct fixture *f = *state;
    given_user(f, 1, NF_USER_OWNER, "a");
    given_user(f, 2, NF_USER_USER, "b");
    given_user(f, 3, NF_USER_ADMIN, "c");
    given_user(f, 4, NF_USER_USER, "d");
    struct nf_user u = user(4, NF_USER_USER);
    u.status = NF_USER_BLOCKED;
    assert_ok(USERS(f)->ops->update(USERS(f), &u, &f->err), &f->err);

    assert_int_equal(ids(f, (struct nf_user_filter){ .limit = 9, .role = NF_USER_USER }), 24);
    assert_int_equal(ids(f, (struct nf_user_filter){ .limit = 1, .role = NF_USER_USER }), 2);
    assert_int_equal(
        ids(f, (struct nf_user_filter){ .limit = 1, .role = NF_USER_USER, .after_id = 2 }), 4);
    assert_int_equal(ids(f, (struct nf_user_filter){ .limit = 9, .status = NF_USER_ACTIVE }), 123);
    assert_int_equal(ids(f, (struct nf_user_filter){ .limit = 9,
                                                     .role = NF_USER_OWNER,
                                                     .status = NF_USER_BLOCKED }),
                     0);
}

static void the_last_active_owner_stays_one(void **state)
{
    struct fixture *f = *state;
    given_user(f, 1, NF_USER_OWNER, "a");
    given_user(f, 2, NF_USER_USER, "b");
    struct nf_user u = user(1, NF_USER_ADMIN), got;

    assert_code(USERS(f)->ops->update(USERS(f), &u, &f->err), NF_E_CONFLICT);
    u = user(1, NF_USER_OWNER);
    u.status = NF_USER_BLOCKED;
    assert_code(USERS(f)->ops->update(USERS(f), &u, &f->err), NF_E_CONFLICT);
    u = user(2, NF_USER_OWNER);
    u.status = NF_USER_BLOCKED;
    assert_ok(USERS(f)->ops->update(USERS(f), &u, &f->err), &f->err);
    u = user(1, NF_USER_ADMIN);
    assert_code(USERS(f)->ops->update(USERS(f), &u, &f->err), NF_E_CONFLICT);
    u = user(2, NF_USER_OWNER);
    assert_ok(USERS(f)->ops->update(USERS(f), &u, &f->err), &f->err);
    u = user(1, NF_USER_ADMIN);
    memcpy(u.name, "Other", 6);
    assert_ok(USERS(f)->ops->update(USERS(f), &u, &f->err), &f->err);

    assert_ok(USERS(f)->ops->get(USERS(f), 1, &got, &f->err), &f->err);
    assert_int_equal(got.role, NF_USER_ADMIN);
    assert_string_equal(got.name, "Other");
    u.id = 9;
    assert_code(USERS(f)->ops->update(USERS(f), &u, &f->err), NF_E_NOT_FOUND);
}

static void an_account_belongs_to_one_user(void **state)
{
    struct fixture *f = *state;
    struct nf_user got;
    given_user(f, 1, NF_USER_OWNER, "b");
    given_user(f, 2, NF_USER_USER, "x");
    struct nf_identity i = account(1, "a");

    assert_ok(USERS(f)->ops->link(USERS(f), &i, &f->err), &f->err);
    i.user_id = 2;
    assert_code(USERS(f)->ops->link(USERS(f), &i, &f->err), NF_E_CONFLICT);
    i = account(9, "z");
    assert_code(USERS(f)->ops->link(USERS(f), &i, &f->err), NF_E_NOT_FOUND);
    assert_ok(USERS(f)->ops->identities(USERS(f), 1, &f->identities, &f->err), &f->err);
    assert_int_equal(f->identities.n, 2);
    assert_string_equal(f->identities.v[0].account, "a");
    assert_string_equal(f->identities.v[1].account, "b");
    assert_int_equal(f->identities.v[1].created_ms, 6);

    i = account(2, "a");
    assert_code(USERS(f)->ops->unlink(USERS(f), &i, &f->err), NF_E_NOT_FOUND);
    i.user_id = 1;
    assert_ok(USERS(f)->ops->unlink(USERS(f), &i, &f->err), &f->err);
    assert_code(USERS(f)->ops->find(USERS(f), "local", "a", &got, &f->err), NF_E_NOT_FOUND);
}

static void an_account_moves_from_one_user_to_another(void **state)
{
    struct fixture *f = *state;
    struct nf_user got;
    given_user(f, 1, NF_USER_OWNER, "a");
    given_user(f, 2, NF_USER_USER, "b");
    struct nf_identity i = account(2, "a");
    assert_code(USERS(f)->ops->move(USERS(f), &i, 2, &f->err), NF_E_NOT_FOUND);
    i.user_id = 9;
    assert_code(USERS(f)->ops->move(USERS(f), &i, 1, &f->err), NF_E_NOT_FOUND);
    assert_ok(USERS(f)->ops->find(USERS(f), "local", "a", &got, &f->err), &f->err);
    assert_int_equal(got.id, 1);
    i.user_id = 2;
    assert_ok(USERS(f)->ops->move(USERS(f), &i, 1, &f->err), &f->err);
    assert_ok(USERS(f)->ops->find(USERS(f), "local", "a", &got, &f->err), &f->err);
    assert_int_equal(got.id, 2);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    struct nf_user u = user(1, NF_USER_OWNER), got;
    struct nf_identity i = account(1, "a");
    TORTURE(USERS(f)->ops->create(USERS(f), &u, &i, &f->err),
            assert_code(USERS(f)->ops->get(USERS(f), 1, &got, &f->err), NF_E_NOT_FOUND));
    i = account(1, "b");
    TORTURE(USERS(f)->ops->link(USERS(f), &i, &f->err), (void)0);
    const struct nf_user_filter all = { .limit = 9 };
    TORTURE(USERS(f)->ops->list(USERS(f), &all, &f->users, &f->err), (void)0);
    TORTURE(USERS(f)->ops->identities(USERS(f), 1, &f->identities, &f->err), (void)0);
    assert_int_equal(f->identities.n, 2);
}

static void a_user_has_the_language_that_was_set_last(void **state)
{
    struct fixture *f = *state;
    struct nf_user u = {
        .id = 1, .name = "Ada", .role = NF_USER_OWNER, .status = NF_USER_ACTIVE, .lang = NF_LANG_EN
    };
    struct nf_identity i = { .user_id = 1, .channel = "local", .account = "owner" };
    struct nf_user got;
    assert_ok(USERS(f)->ops->create(USERS(f), &u, &i, &f->err), &f->err);
    assert_ok(USERS(f)->ops->get(USERS(f), 1, &got, &f->err), &f->err);
    assert_int_equal(got.lang, NF_LANG_EN);

    assert_ok(USERS(f)->ops->set_lang(USERS(f), 1, NF_LANG_RU, &f->err), &f->err);
    assert_ok(USERS(f)->ops->update(USERS(f), &u, &f->err), &f->err); /* does not touch it */

    assert_ok(USERS(f)->ops->find(USERS(f), "local", "owner", &got, &f->err), &f->err);
    assert_int_equal(got.lang, NF_LANG_RU);
    assert_code(USERS(f)->ops->set_lang(USERS(f), 2, NF_LANG_RU, &f->err), NF_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_found_by_id_and_account),
        cmocka_unit_test(a_taken_id_or_account_creates_nothing),
        cmocka_unit_test(users_are_listed_by_id),
        cmocka_unit_test(users_are_listed_by_role_and_status),
        cmocka_unit_test(the_last_active_owner_stays_one),
        cmocka_unit_test(an_account_belongs_to_one_user),
        cmocka_unit_test(an_account_moves_from_one_user_to_another),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
        cmocka_unit_test(a_user_has_the_language_that_was_set_last),
    };
    return RUN_SUITE("user_store", tests);
}
