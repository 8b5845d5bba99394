#include "domain/skill.h"

#include "tests/support/test.h"

#include <string.h>

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb0"

static struct nf_skill installed(void)
{
    struct nf_skill s;
    struct nf_err err;

    assert_ok(nf_skill_init(&s, 7, "weather", "1.2.3", HASH_A, 100, &err), &err);
    return s;
}

static struct nf_skill enabled(void)
{
    struct nf_skill s = installed();
    struct nf_err err;

    assert_ok(nf_skill_grant(&s, HASH_A, 3, 200, &err), &err);
    assert_ok(nf_skill_become(&s, NF_SKILL_ENABLED, 300, &err), &err);
    return s;
}

static void a_new_skill_is_installed_and_has_no_grant(void **data)
{
    struct nf_skill s = installed();
    (void)data;

    assert_int_equal(s.id, 7);
    assert_string_equal(s.name, "weather");
    assert_string_equal(s.version, "1.2.3");
    assert_string_equal(s.hash, HASH_A);
    assert_int_equal(s.status, NF_SKILL_INSTALLED);
    assert_false(nf_skill_is_granted(&s));
    assert_int_equal(s.created_ms, 100);
}

static void names_have_their_alphabet_and_limit(void **data)
{
    static const char *const good[] = { "a", "a1", "my-skill", "x9-y" };
    static const char *const bad[] = { "", "1a", "-a", "a-", "A", "a_b", "a.b", "a b", "\xc3\xa9" };
    char name[NF_NAME_MAX + 2];
    struct nf_err err;
    (void)data;
    memset(name, 'x', sizeof(name));
    name[NF_SKILL_NAME_MAX + 1] = '\0';

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_skill_check_name(good[i], &err), &err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(nf_skill_check_name(bad[i], &err), NF_E_INVALID);
    assert_code(nf_skill_check_name(name, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "31"));
    name[NF_SKILL_NAME_MAX] = '\0';
    assert_ok(nf_skill_check_name(name, &err), &err);
}

static void versions_are_semantic(void **data)
{
    static const char *const good[] = { "0.0.0",          "1.2.3",      "10.20.30",
                                        "1.0.0-alpha",    "1.0.0-rc.1", "1.0.0--",
                                        "1.0.0-0a.b-c.0", "1.0.0+001",  "1.0.0-x.7+build.5" };
    static const char *const bad[] = { "",         "1",         "1.2",      "1.2.3.4",
                                       "01.2.3",   "1.02.3",    "1.2.03",   "1.2.3-",
                                       "1.2.3+",   "1.2.3-01",  "1.2.3-a.", "1.2.3-a..b",
                                       "1.2.3-+b", "1.2.3+a+b", "v1.2.3",   "1.2.x",
                                       "1.2.3 ",   "1..3",      "1.2.3-a_b" };
    char version[NF_SKILL_VERSION_MAX + 2] = "1.2.3-";
    struct nf_err err;
    (void)data;
    memset(version + 6, 'x', sizeof(version) - 6);
    version[NF_SKILL_VERSION_MAX + 1] = '\0';

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_skill_check_version(good[i], &err), &err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_code(nf_skill_check_version(bad[i], &err), NF_E_INVALID);
    assert_code(nf_skill_check_version(version, &err), NF_E_INVALID);
    version[NF_SKILL_VERSION_MAX] = '\0';
    assert_ok(nf_skill_check_version(version, &err), &err);
}

static void a_hash_is_64_lower_case_hex_digits(void **data)
{
    struct nf_skill s;
    struct nf_err err;
    (void)data;

    assert_code(nf_skill_init(&s, 1, "a", "1.0.0", "", 1, &err), NF_E_INVALID);
    assert_code(nf_skill_init(&s, 1, "a", "1.0.0", &HASH_A[1], 1, &err), NF_E_INVALID);
    assert_code(nf_skill_init(&s, 1, "a", "1.0.0", "a" HASH_A, 1, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "hash"));
    s = installed();
    assert_code(nf_skill_replace(&s, "1.0.0", "A", 1, &err), NF_E_INVALID);
    assert_code(nf_skill_replace(&s, "1.0", HASH_B, 1, &err), NF_E_INVALID);
    assert_string_equal(s.version, "1.2.3");
}

static void exactly_the_drawn_arrows_are_allowed(void **data)
{
    struct nf_err err;
    (void)data;

    for (int from = 0; from <= 5; from++)
        for (int to = 0; to <= 5; to++) {
            struct nf_skill s = installed();
            bool drawn =
                (from == NF_SKILL_INSTALLED && to == NF_SKILL_ENABLED) ||
                (from == NF_SKILL_ENABLED && to == NF_SKILL_DISABLED) ||
                (from == NF_SKILL_DISABLED && to == NF_SKILL_ENABLED) ||
                (from >= NF_SKILL_INSTALLED && from <= NF_SKILL_DISABLED && to == NF_SKILL_REMOVED);

            assert_ok(nf_skill_grant(&s, HASH_A, 3, 200, &err), &err);
            s.status = (enum nf_skill_status)from;
            assert_code(nf_skill_become(&s, (enum nf_skill_status)to, 300, &err),
                        drawn ? NF_OK : NF_E_CONFLICT);
            assert_int_equal(s.status, drawn ? to : from);
            assert_int_equal(s.updated_ms, drawn ? 300 : 200);
        }
}

static void enabling_needs_a_grant(void **data)
{
    struct nf_skill s = installed();
    struct nf_err err;
    (void)data;

    assert_code(nf_skill_become(&s, NF_SKILL_ENABLED, 1, &err), NF_E_DENIED);
    assert_int_equal(s.status, NF_SKILL_INSTALLED);
    assert_ok(nf_skill_grant(&s, HASH_A, 3, 200, &err), &err);
    assert_int_equal(s.granted_by, 3);
    assert_int_equal(s.granted_ms, 200);
    assert_ok(nf_skill_become(&s, NF_SKILL_ENABLED, 1, &err), &err);
}

static void a_grant_for_other_files_is_refused(void **data)
{
    struct nf_skill s = installed();
    struct nf_err err;
    (void)data;

    assert_code(nf_skill_grant(&s, HASH_B, 3, 200, &err), NF_E_CONFLICT);
    assert_false(nf_skill_is_granted(&s));
}

static void other_files_end_the_grant_and_disable(void **data)
{
    struct nf_skill s = enabled();
    struct nf_err err;
    (void)data;

    assert_ok(nf_skill_replace(&s, "2.0.0", HASH_B, 400, &err), &err);

    assert_string_equal(s.version, "2.0.0");
    assert_string_equal(s.hash, HASH_B);
    assert_int_equal(s.status, NF_SKILL_DISABLED);
    assert_false(nf_skill_is_granted(&s));
    assert_int_equal(s.granted_by, 0);
    assert_code(nf_skill_become(&s, NF_SKILL_ENABLED, 1, &err), NF_E_DENIED);
    assert_code(nf_skill_grant(&s, HASH_A, 3, 500, &err), NF_E_CONFLICT);
    assert_ok(nf_skill_grant(&s, HASH_B, 3, 500, &err), &err);
    assert_ok(nf_skill_become(&s, NF_SKILL_ENABLED, 1, &err), &err);
}

static void the_same_files_again_change_nothing_but_the_version(void **data)
{
    struct nf_skill s = enabled(), fresh = installed();
    struct nf_err err;
    (void)data;

    assert_ok(nf_skill_replace(&s, "1.2.4", HASH_A, 400, &err), &err);
    assert_int_equal(s.status, NF_SKILL_ENABLED);
    assert_true(nf_skill_is_granted(&s));
    assert_string_equal(s.version, "1.2.4");
    /* What was never enabled is not disabled either. */
    assert_ok(nf_skill_replace(&fresh, "2.0.0", HASH_B, 400, &err), &err);
    assert_int_equal(fresh.status, NF_SKILL_INSTALLED);
}

static void a_removed_skill_is_gone(void **data)
{
    struct nf_skill s = enabled();
    struct nf_err err;
    (void)data;

    assert_ok(nf_skill_become(&s, NF_SKILL_REMOVED, 1, &err), &err);

    assert_false(nf_skill_is_granted(&s));
    assert_code(nf_skill_grant(&s, HASH_A, 3, 200, &err), NF_E_CONFLICT);
    assert_code(nf_skill_replace(&s, "2.0.0", HASH_B, 400, &err), NF_E_CONFLICT);
    assert_code(nf_skill_may_run(&s, HASH_A, &err), NF_E_DENIED);
}

static void only_what_is_enabled_and_agreed_to_runs(void **data)
{
    struct nf_skill s = installed();
    struct nf_err err;
    (void)data;

    assert_code(nf_skill_may_run(&s, HASH_A, &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "installed"));
    s = enabled();
    assert_ok(nf_skill_may_run(&s, HASH_A, &err), &err);
    assert_code(nf_skill_may_run(&s, HASH_B, &err), NF_E_DENIED);
    memcpy(s.hash, HASH_B, NF_SKILL_HASH); /* a row that was tampered with */
    assert_code(nf_skill_may_run(&s, HASH_B, &err), NF_E_DENIED);
}

static void states_have_names(void **data)
{
    static const char *const names[] = { "?", "installed", "enabled", "disabled", "removed", "?" };
    (void)data;

    for (int s = 0; s < 6; s++)
        assert_string_equal(nf_skill_status_name((enum nf_skill_status)s), names[s]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_skill_is_installed_and_has_no_grant),
        cmocka_unit_test(names_have_their_alphabet_and_limit),
        cmocka_unit_test(versions_are_semantic),
        cmocka_unit_test(a_hash_is_64_lower_case_hex_digits),
        cmocka_unit_test(exactly_the_drawn_arrows_are_allowed),
        cmocka_unit_test(enabling_needs_a_grant),
        cmocka_unit_test(a_grant_for_other_files_is_refused),
        cmocka_unit_test(other_files_end_the_grant_and_disable),
        cmocka_unit_test(the_same_files_again_change_nothing_but_the_version),
        cmocka_unit_test(a_removed_skill_is_gone),
        cmocka_unit_test(only_what_is_enabled_and_agreed_to_runs),
        cmocka_unit_test(states_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
