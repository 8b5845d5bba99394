#include "domain/session.h"

#include "base/utf8.h"
#include "tests/support/test.h"

#include <string.h>

#define DOTS "\xe2\x80\xa6"

static void a_new_session_is_empty_and_free(void **data)
{
    struct nf_session s;
    struct nf_err err;
    (void)data;

    assert_ok(nf_session_init(&s, 5, 7, "telegram", "-100", 99, &err), &err);

    assert_int_equal(s.id, 5);
    assert_int_equal(s.user_id, 7);
    assert_string_equal(s.channel, "telegram");
    assert_string_equal(s.address, "-100");
    assert_string_equal(s.title, "");
    assert_int_equal(s.last_seq + s.pending + s.fence + s.lease_until_ms, 0);
    assert_int_equal(s.created_ms, 99);
    assert_int_equal(s.updated_ms, 99);
}

static void channel_and_address_are_checked(void **data)
{
    char address[NF_ADDRESS_MAX + 2];
    struct nf_session s;
    struct nf_err err;
    (void)data;
    memset(address, '1', sizeof(address));
    address[NF_ADDRESS_MAX + 1] = '\0';

    assert_ok(nf_session_init(&s, 1, 1, "web", "", 1, &err), &err);
    assert_code(nf_session_init(&s, 1, 1, "", "", 1, &err), NF_E_INVALID);
    assert_code(nf_session_init(&s, 1, 1, "We b", "", 1, &err), NF_E_INVALID);
    assert_code(nf_session_init(&s, 1, 1, "web", "a b", 1, &err), NF_E_INVALID);
    assert_code(nf_session_init(&s, 1, 1, "web", address, 1, &err), NF_E_INVALID);
    address[NF_ADDRESS_MAX] = '\0';
    assert_ok(nf_session_init(&s, 1, 1, "web", address, 1, &err), &err);
    assert_string_equal(s.address, address);
}

static void titles_end_at_their_limit(void **data)
{
    char title[NF_TITLE_MAX + 2];
    struct nf_session s = { .title = "old" };
    struct nf_err err;
    (void)data;
    memset(title, 'x', sizeof(title));
    title[NF_TITLE_MAX + 1] = '\0';

    assert_code(nf_session_rename(&s, title, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "title"));
    assert_string_equal(s.title, "old");
    title[NF_TITLE_MAX] = '\0';
    assert_ok(nf_session_rename(&s, title, &err), &err);
    assert_string_equal(s.title, title);
    assert_ok(nf_session_rename(&s, "", &err), &err);
    assert_string_equal(s.title, "");
    assert_code(nf_session_rename(&s, "two\nlines", &err), NF_E_INVALID);
    assert_code(nf_session_rename(&s, "\xff", &err), NF_E_INVALID);
}

static const char *title_from(const char *text)
{
    static char title[NF_TITLE_MAX + 1];
    struct nf_session s = { 0 };
    struct nf_err err;

    memset(title, 'Z', sizeof(title));
    nf_session_title_from(text, title);
    assert_ok(nf_session_rename(&s, title, &err), &err);
    return title;
}

static void a_title_is_the_first_line(void **data)
{
    (void)data;

    assert_string_equal(title_from("What is C?"), "What is C?");
    assert_string_equal(title_from("\n\n  First \t\nsecond"), "First");
    assert_string_equal(title_from("one\r\ntwo"), "one");
    assert_string_equal(title_from("tab\there"), "tab here");
    assert_string_equal(title_from(""), "");
    assert_string_equal(title_from(" \n "), "");
    assert_string_equal(title_from("\xff\xfe"), "");
}

#define TEN "123456789 "

static void a_long_first_line_is_cut_at_a_word(void **data)
{
    (void)data;

    /* Exactly 60 characters stay; of 61 the last words go. */
    assert_string_equal(title_from(TEN TEN TEN TEN TEN "1234567890"),
                        TEN TEN TEN TEN TEN "1234567890");
    assert_string_equal(title_from(TEN TEN TEN TEN TEN "12345678901"),
                        TEN TEN TEN TEN "123456789" DOTS);
    assert_string_equal(title_from(TEN TEN TEN TEN TEN "1234567890 and more"),
                        TEN TEN TEN TEN TEN "1234567890" DOTS);
}

static void a_word_that_is_too_long_is_cut_inside(void **data)
{
    char text[200];
    const char *title;
    (void)data;
    memset(text, 'x', sizeof(text));
    text[199] = '\0';
    text[1] = ' ';

    title = title_from(text);

    assert_int_equal(strlen(title), 60 + strlen(DOTS));
}

static void a_title_of_wide_characters_keeps_both_limits(void **data)
{
    char text[4 * 100 + 1];
    const char *title;
    (void)data;
    for (size_t i = 0; i < 100; i++)
        memcpy(text + 4 * i, "\xf0\x9f\x98\x80", 5);

    title = title_from(text);

    assert_int_equal(strlen(title), 4 * ((NF_TITLE_MAX - strlen(DOTS)) / 4) + strlen(DOTS));
    assert_true(nf_utf8_valid(title, strlen(title)));
}

static void only_so_many_messages_wait(void **data)
{
    struct nf_session s = { .pending = NF_SESSION_QUEUE_MAX - 1 };
    struct nf_err err;
    (void)data;

    assert_ok(nf_session_may_queue(&s, &err), &err);
    s.pending++;
    assert_code(nf_session_may_queue(&s, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "32"));
    assert_non_null(strstr(err.msg, "stop"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_session_is_empty_and_free),
        cmocka_unit_test(channel_and_address_are_checked),
        cmocka_unit_test(titles_end_at_their_limit),
        cmocka_unit_test(a_title_is_the_first_line),
        cmocka_unit_test(a_long_first_line_is_cut_at_a_word),
        cmocka_unit_test(a_word_that_is_too_long_is_cut_inside),
        cmocka_unit_test(a_title_of_wide_characters_keeps_both_limits),
        cmocka_unit_test(only_so_many_messages_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
