/* Who may decide, and what a decision is bound to. */
#include "base/own.h"
#include "domain/approval.h"
#include "tests/support/test.h"

#include <string.h>

static const struct nf_user owner = {
    .id = 1, .name = "Owner", .role = NF_USER_OWNER, .status = NF_USER_ACTIVE
};
static const struct nf_user admin = {
    .id = 2, .name = "Admin", .role = NF_USER_ADMIN, .status = NF_USER_ACTIVE
};
static const struct nf_user admin2 = {
    .id = 3, .name = "Admin2", .role = NF_USER_ADMIN, .status = NF_USER_ACTIVE
};
static const struct nf_user plain = {
    .id = 4, .name = "Plain", .role = NF_USER_USER, .status = NF_USER_ACTIVE
};
static const struct nf_user other = {
    .id = 5, .name = "Other", .role = NF_USER_USER, .status = NF_USER_ACTIVE
};
static const struct nf_user blocked = {
    .id = 6, .name = "Blocked", .role = NF_USER_OWNER, .status = NF_USER_BLOCKED
};

static void who_may_decide_follows_from_the_roles(void **state)
{
    static const struct {
        const struct nf_user *decider, *requester;
        bool self, allow, deny;
    } cases[] = {
        { &owner, &owner, false, true, true },      { &owner, &admin, false, true, true },
        { &owner, &plain, false, true, true },      { &admin, &admin, false, true, true },
        { &admin, &plain, false, true, true },      { &admin, &admin2, false, false, false },
        { &admin, &owner, false, false, false },    { &plain, &plain, false, false, true },
        { &plain, &plain, true, true, true },       { &plain, &other, true, false, false },
        { &plain, &owner, true, false, false },     { &blocked, &plain, true, false, false },
        { &blocked, &blocked, true, false, false },
    };
    struct nf_err err;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_code(
            nf_approval_may_allow(cases[i].decider, cases[i].requester, cases[i].self, &err),
            cases[i].allow ? NF_OK : NF_E_DENIED);
        assert_code(nf_approval_may_deny(cases[i].decider, cases[i].requester, cases[i].self, &err),
                    cases[i].deny ? NF_OK : NF_E_DENIED);
    }
}

static struct nf_approval_request question(void)
{
    static char args[] = "{}";
    return (struct nf_approval_request){ .id = 1,
                                         .user_id = 2,
                                         .session_id = 3,
                                         .tool = "t",
                                         .version = "v",
                                         .workspace = "w",
                                         .args = args,
                                         .status = NF_APPROVAL_PENDING,
                                         .created_ms = 10,
                                         .expires_ms = 100 };
}

static void assert_differs(const struct nf_approval_request *r)
{
    struct nf_approval_request base = question();
    NF_CLEANUP(nf_str_done) struct nf_str a = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str b = { 0 };
    struct nf_err err;
    assert_ok(nf_approval_bind(&base, &a, &err), &err);
    assert_ok(nf_approval_bind(r, &b, &err), &err);
    assert_string_not_equal(nf_str_c(&a), nf_str_c(&b));
}

static void it_is_bound_to_all_that_makes_the_call(void **state)
{
    static char args[] = "{ }";
    struct nf_approval_request r[7];
    (void)state;
    for (size_t i = 0; i < 7; i++)
        r[i] = question();
    r[0].user_id = 9;
    r[1].session_id = 9;
    r[2].tool[0] = 'x';
    r[3].version[0] = 'x';
    r[4].workspace[0] = 'x';
    r[5].args = args;
    /* A text that reads like the next field is not it. */
    memcpy(r[6].tool, "t\nversion 1 v", sizeof("t\nversion 1 v"));
    for (size_t i = 0; i < 7; i++)
        assert_differs(&r[i]);
}

static void it_is_decided_once_and_in_time(void **state)
{
    struct nf_approval_request r = question();
    struct nf_err err;
    (void)state;
    assert_true(nf_approval_is_open(&r, 99));
    assert_false(nf_approval_is_open(&r, 100));
    assert_code(nf_approval_decide(&r, true, 5, NULL, 100, &err), NF_E_CONFLICT);
    assert_ok(nf_approval_decide(&r, false, 5, "too dear", 99, &err), &err);
    assert_int_equal(r.status, NF_APPROVAL_DENIED);
    assert_int_equal(r.decided_by, 5);
    assert_string_equal(r.reason, "too dear");
    assert_code(nf_approval_decide(&r, true, 5, NULL, 50, &err), NF_E_CONFLICT);
    assert_string_equal(err.msg, "this approval is denied already");
    assert_false(nf_approval_is_open(&r, 50));
}

static void a_reason_is_one_line_of_bounded_length(void **state)
{
    struct nf_approval_request r = question();
    char text[NF_APPROVAL_REASON_MAX + 2];
    struct nf_err err;
    (void)state;
    memset(text, 'x', sizeof(text));
    text[NF_APPROVAL_REASON_MAX + 1] = '\0';
    assert_code(nf_approval_decide(&r, false, 5, text, 50, &err), NF_E_LIMIT);
    assert_code(nf_approval_decide(&r, false, 5, "a\nb", 50, &err), NF_E_INVALID);
    assert_int_equal(r.status, NF_APPROVAL_PENDING);
    text[NF_APPROVAL_REASON_MAX] = '\0';
    assert_ok(nf_approval_decide(&r, false, 5, text, 50, &err), &err);
}

static void every_status_has_its_name(void **state)
{
    static const char *const names[] = { "pending", "allowed",   "denied",
                                         "expired", "cancelled", "used" };
    (void)state;
    for (int s = NF_APPROVAL_PENDING; s <= NF_APPROVAL_USED; s++)
        assert_string_equal(nf_approval_status_name((enum nf_approval_status)s), names[s - 1]);
    assert_string_equal(nf_approval_status_name((enum nf_approval_status)9), "?");
}

static void a_tool_is_named_by_its_skill(void **state)
{
    char name[NF_CALL_NAME_MAX + 1], tool[64];
    struct nf_err err;
    (void)state;
    assert_ok(nf_skill_tool_name("web-page", "fetch", name, &err), &err);
    assert_string_equal(name, "web-page_fetch");
    memset(tool, 't', sizeof(tool));
    tool[63] = '\0';
    assert_code(nf_skill_tool_name("s", tool, name, &err), NF_E_LIMIT);
    tool[62] = '\0';
    assert_ok(nf_skill_tool_name("s", tool, name, &err), &err);
    assert_int_equal(strlen(name), NF_CALL_NAME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_decide_follows_from_the_roles),
        cmocka_unit_test(it_is_bound_to_all_that_makes_the_call),
        cmocka_unit_test(it_is_decided_once_and_in_time),
        cmocka_unit_test(a_reason_is_one_line_of_bounded_length),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(a_tool_is_named_by_its_skill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
