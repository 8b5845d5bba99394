#include "domain/user.h"

#include "tests/support/test.h"

#include <string.h>

static void a_new_user_is_active(void **data)
{
    struct nf_user u;
    struct nf_err err;
    (void)data;

    assert_ok(nf_user_init(&u, 7, "Ren\xc3\xa9", NF_USER_ADMIN, 99, &err), &err);

    assert_int_equal(u.id, 7);
    assert_string_equal(u.name, "Ren\xc3\xa9");
    assert_int_equal(u.role, NF_USER_ADMIN);
    assert_int_equal(u.status, NF_USER_ACTIVE);
    assert_int_equal(u.created_ms, 99);
}

static void names_end_at_their_limit(void **data)
{
    char name[NF_NAME_MAX + 2];
    struct nf_user u = { .name = "old" };
    struct nf_err err;
    (void)data;
    memset(name, 'x', sizeof(name));
    name[NF_NAME_MAX + 1] = '\0';

    assert_code(nf_user_rename(&u, name, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "name"));
    assert_non_null(strstr(err.msg, "64"));
    assert_string_equal(u.name, "old");

    name[NF_NAME_MAX] = '\0';
    assert_ok(nf_user_rename(&u, name, &err), &err);
    assert_string_equal(u.name, name);
    assert_ok(nf_user_rename(&u, "x", &err), &err);
    assert_string_equal(u.name, "x");
}

static void names_that_are_empty_or_hold_controls_are_refused(void **data)
{
    static const char *const wrong[] = { "",     "  ",   "a\nb",     "\x1b[0m",
                                         "\x7f", "\xff", "\xc2\x85", "a\xc2\x9f" };
    struct nf_user u = { .name = "old" };
    struct nf_err err;
    (void)data;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_code(nf_user_rename(&u, wrong[i], &err), NF_E_INVALID);
        assert_code(nf_user_init(&u, 1, wrong[i], NF_USER_USER, 1, &err), NF_E_INVALID);
        assert_string_equal(u.name, "old");
    }
    assert_ok(nf_user_rename(&u, "\xc2\xa0", &err), &err); /* just behind the controls */
}

static void a_role_from_outside_is_checked(void **data)
{
    struct nf_user u, owner;
    struct nf_err err;
    (void)data;
    assert_ok(nf_user_init(&owner, 1, "o", NF_USER_OWNER, 1, &err), &err);
    assert_ok(nf_user_init(&u, 2, "u", NF_USER_USER, 1, &err), &err);

    for (int role = 0; role <= 4; role += 4) {
        assert_code(nf_user_init(&u, 2, "u", (enum nf_user_role)role, 1, &err), NF_E_INVALID);
        assert_code(nf_user_set_role(&owner, &u, (enum nf_user_role)role, &err), NF_E_INVALID);
    }
    assert_code(nf_user_set_status(&owner, &u, (enum nf_user_status)0, &err), NF_E_INVALID);
    assert_code(nf_user_set_status(&owner, &u, (enum nf_user_status)3, &err), NF_E_INVALID);
    assert_int_equal(u.role, NF_USER_USER);
}

static void identities_end_at_their_limits(void **data)
{
    char channel[] = "seventeen-letters", account[NF_ADDRESS_MAX + 2];
    struct nf_identity i;
    struct nf_err err;
    (void)data;
    assert_int_equal(strlen(channel), NF_CHANNEL_MAX + 1);
    memset(account, '1', sizeof(account));
    account[NF_ADDRESS_MAX + 1] = '\0';

    assert_code(nf_identity_init(&i, 7, "web", account, 9, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "account"));
    account[NF_ADDRESS_MAX] = '\0';
    assert_code(nf_identity_init(&i, 7, channel, account, 9, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "channel"));
    channel[NF_CHANNEL_MAX] = '\0';
    assert_ok(nf_identity_init(&i, 7, channel, account, 9, &err), &err);

    assert_string_equal(i.channel, channel);
    assert_string_equal(i.account, account);
    assert_int_equal(i.user_id, 7);
    assert_int_equal(i.created_ms, 9);
}

static void channels_and_accounts_have_their_alphabets(void **data)
{
    struct nf_identity i;
    struct nf_err err;
    (void)data;

    for (int c = 1; c < 256; c++) {
        const char text[] = { (char)c, '\0' };
        bool channel = strchr("abcdefghijklmnopqrstuvwxyz0123456789-", c) != NULL;

        assert_code(nf_identity_init(&i, 1, text, "a", 1, &err), channel ? NF_OK : NF_E_INVALID);
        assert_code(nf_identity_init(&i, 1, "web", text, 1, &err),
                    c > 0x20 && c < 0x7f ? NF_OK : NF_E_INVALID);
    }
    assert_code(nf_identity_init(&i, 1, "", "a", 1, &err), NF_E_INVALID);
    assert_code(nf_identity_init(&i, 1, "web", "", 1, &err), NF_E_INVALID);
}

/* Every pair of roles and states, against the sentence in user.h. */
static void who_may_manage_whom(void **data)
{
    struct nf_err err;
    (void)data;

    for (enum nf_user_role a = NF_USER_OWNER; a <= NF_USER_USER; a++)
        for (enum nf_user_role b = NF_USER_OWNER; b <= NF_USER_USER; b++)
            for (enum nf_user_status s = NF_USER_ACTIVE; s <= NF_USER_BLOCKED; s++)
                for (int self = 0; self < 2; self++) {
                    struct nf_user actor = { .id = 1, .role = a, .status = s };
                    struct nf_user target = { .id = self ? 1 : 2,
                                              .role = b,
                                              .status = NF_USER_ACTIVE };
                    bool may = s == NF_USER_ACTIVE && !self &&
                               (a == NF_USER_OWNER || (a == NF_USER_ADMIN && b == NF_USER_USER));

                    assert_code(nf_user_may_manage(&actor, &target, &err),
                                may ? NF_OK : NF_E_DENIED);
                    assert_code(nf_user_set_status(&actor, &target, NF_USER_BLOCKED, &err),
                                may ? NF_OK : NF_E_DENIED);
                    assert_int_equal(target.status, may ? NF_USER_BLOCKED : NF_USER_ACTIVE);
                    for (enum nf_user_role to = NF_USER_OWNER; to <= NF_USER_USER; to++) {
                        bool gives = may && (a == NF_USER_OWNER || to == NF_USER_USER);

                        target.role = b;
                        assert_code(nf_user_set_role(&actor, &target, to, &err),
                                    gives ? NF_OK : NF_E_DENIED);
                        assert_int_equal(target.role, gives ? to : b);
                    }
                }
}

static void roles_and_states_have_names(void **data)
{
    enum nf_user_role role = 0;
    (void)data;

    for (enum nf_user_role r = NF_USER_OWNER; r <= NF_USER_USER; r++) {
        assert_true(nf_user_role_from_name(nf_user_role_name(r), &role));
        assert_int_equal(role, r);
    }
    assert_string_equal(nf_user_role_name(NF_USER_OWNER), "owner");
    assert_string_equal(nf_user_role_name((enum nf_user_role)0), "?");
    assert_false(nf_user_role_from_name("root", &role));
    assert_false(nf_user_role_from_name("?", &role));
    assert_string_equal(nf_user_status_name(NF_USER_ACTIVE), "active");
    assert_string_equal(nf_user_status_name(NF_USER_BLOCKED), "blocked");
    assert_string_equal(nf_user_status_name((enum nf_user_status)0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_user_is_active),
        cmocka_unit_test(names_end_at_their_limit),
        cmocka_unit_test(names_that_are_empty_or_hold_controls_are_refused),
        cmocka_unit_test(a_role_from_outside_is_checked),
        cmocka_unit_test(identities_end_at_their_limits),
        cmocka_unit_test(channels_and_accounts_have_their_alphabets),
        cmocka_unit_test(who_may_manage_whom),
        cmocka_unit_test(roles_and_states_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
