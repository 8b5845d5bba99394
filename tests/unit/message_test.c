#include "domain/message.h"

#include "base/own.h"
#include "base/string.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static char big[NF_MESSAGE_BYTES_MAX + 2];
static const int most = NF_MESSAGE_BYTES_MAX;

static enum nf_code content(const char *text, size_t n, struct nf_err *err)
{
    return nf_message_check_content(text, n, err);
}

static void a_person_may_write_any_text(void **data)
{
    struct nf_err err;
    (void)data;

    assert_ok(content("x", 1, &err), &err);
    assert_ok(content("  two\nlines\t", 12, &err), &err);
    assert_ok(content("\xe4\xbd\xa0\xf0\x9f\x98\x80", 7, &err), &err);
    assert_ok(content("\x01", 1, &err), &err); /* odd, and harmless */
}

static void content_ends_at_its_limit(void **data)
{
    struct nf_err err;
    (void)data;
    memset(big, 'x', sizeof(big));

    assert_ok(content(big, (size_t)most, &err), &err);
    assert_code(content(big, (size_t)most + 1, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "content"));
    assert_non_null(strstr(err.msg, "262144"));
}

static void content_that_says_nothing_or_is_no_text_is_refused(void **data)
{
    static const struct {
        const char *text;
        size_t n;
    } wrong[] = { { "", 0 },     { " \t\r\n\v\f", 6 },  { "a\0b", 3 },    { "\xc3", 1 },
                  { "\xff", 1 }, { "\xed\xa0\x80", 3 }, { "\xc0\xaf", 2 } };
    struct nf_err err;
    (void)data;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_code(content(wrong[i].text, wrong[i].n, &err), NF_E_INVALID);
        assert_true(strncmp(err.msg, "content ", 8) == 0);
    }
}

static void client_ids_have_their_alphabet(void **data)
{
    struct nf_err err;
    (void)data;

    for (int c = 0; c < 256; c++) {
        char id[2] = { 'a', (char)c };
        bool allowed = c && strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "._:-",
                                   c);

        assert_code(nf_message_check_client_id(id, 2, &err), allowed ? NF_OK : NF_E_INVALID);
    }
}

static void client_ids_end_at_their_limits(void **data)
{
    struct nf_err err;
    (void)data;
    memset(big, 'x', sizeof(big));

    assert_code(nf_message_check_client_id("", 0, &err), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "message_id"));
    assert_ok(nf_message_check_client_id(big, NF_CLIENT_ID_MAX, &err), &err);
    assert_code(nf_message_check_client_id(big, NF_CLIENT_ID_MAX + 1, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "message_id"));
    assert_non_null(strstr(err.msg, "64"));
}

static void pushing_moves_and_failing_to_push_does_not(void **data)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages list = { 0 };
    NF_CLEANUP(nf_message_done) struct nf_message m = { .role = NF_ROLE_USER, .seq = 7 };
    struct nf_err err;
    (void)data;
    assert_ok(nf_strdup("text", &m.content, &err), &err);
    assert_ok(nf_parts_add_text(&m.parts, "part", &err), &err);

    nf_fail_alloc_at(1);
    assert_code(nf_messages_push(&list, &m, &err), NF_E_NOMEM);
    assert_int_equal(list.n, 0);
    assert_string_equal(m.content, "text");

    assert_ok(nf_messages_push(&list, &m, &err), &err);
    assert_null(m.content);
    assert_null(m.parts.v);
    assert_int_equal(m.seq, 0);
    assert_string_equal(list.v[0].content, "text");
    assert_string_equal(list.v[0].parts.v[0].text, "part");
    assert_int_equal(list.v[0].seq, 7);
}

static void many_messages_keep_their_order(void **data)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages list = { 0 };
    struct nf_err err;
    (void)data;

    for (int64_t i = 0; i < 100; i++) {
        struct nf_message m = { .seq = i };

        assert_ok(nf_messages_push(&list, &m, &err), &err);
    }
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(list.v[i].seq, i);
}

static void roles_have_names(void **data)
{
    (void)data;
    assert_string_equal(nf_role_name(NF_ROLE_USER), "user");
    assert_string_equal(nf_role_name(NF_ROLE_ASSISTANT), "assistant");
    assert_string_equal(nf_role_name(NF_ROLE_TOOL), "tool");
    assert_string_equal(nf_role_name(NF_ROLE_NOTICE), "notice");
    assert_string_equal(nf_role_name((enum nf_role)0), "?");
}

static int allocations_work(void **data)
{
    (void)data;
    nf_fail_alloc_at(0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_may_write_any_text),
        cmocka_unit_test(content_ends_at_its_limit),
        cmocka_unit_test(content_that_says_nothing_or_is_no_text_is_refused),
        cmocka_unit_test(client_ids_have_their_alphabet),
        cmocka_unit_test(client_ids_end_at_their_limits),
        cmocka_unit_test_teardown(pushing_moves_and_failing_to_push_does_not, allocations_work),
        cmocka_unit_test(many_messages_keep_their_order),
        cmocka_unit_test(roles_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
