#include "domain/pairing.h"

#include "domain/gcra.h"
#include "tests/support/test.h"

#include <string.h>

static const struct nf_pairing_from anna = { .network = "telegram",
                                             .account = "4711",
                                             .name = "Anna",
                                             .channel = "telegram-work",
                                             .address = "77:5",
                                             .event = "u12",
                                             .lang = "ru-RU" };
static const unsigned char random_bytes[NF_PAIRING_CODE] = { 0, 1, 7, 8, 31, 32, 255, 40 };

static void a_request_has_a_code_for_an_hour(void **data)
{
    struct nf_pairing p;
    struct nf_err err;
    (void)data;
    assert_ok(nf_pairing_init(&p, 7, &anna, random_bytes, 1000, &err), &err);
    assert_string_equal(p.code, "239AZ2ZA");
    assert_string_equal(p.name, "Anna");
    assert_string_equal(p.address, "77:5");
    assert_int_equal(p.lang, NF_LANG_RU);
    assert_int_equal(p.expires_ms - p.created_ms, 60 * 60 * 1000);
}

static void hostile_accounts_are_refused(void **data)
{
    struct nf_pairing_from bad = anna;
    struct nf_pairing p;
    struct nf_err err;
    (void)data;
    bad.network = "Tele gram";
    assert_code(nf_pairing_init(&p, 7, &bad, random_bytes, 1, &err), NF_E_INVALID);
    bad = anna;
    bad.account = "";
    assert_code(nf_pairing_init(&p, 7, &bad, random_bytes, 1, &err), NF_E_INVALID);
    bad = anna;
    bad.address = "a b";
    assert_code(nf_pairing_init(&p, 7, &bad, random_bytes, 1, &err), NF_E_INVALID);
    bad = anna;
    bad.event = "12345678901234567890123456789012345678901234567890123456789012345";
    assert_code(nf_pairing_init(&p, 7, &bad, random_bytes, 1, &err), NF_E_LIMIT);
}

static void foreign_names_become_names_of_ours(void **data)
{
    static const struct {
        const char *from, *to;
    } cases[] = {
        { "Anna", "Anna" },
        { "A\x1b[31mnna\n", "A[31mnna" },
        { "\xff\xfe"
          "Anna\xc3",
          "Anna" },
        { "\xc2\x85Ren\xc3\xa9", "Ren\xc3\xa9" },
        { "", "4711" },
        { " \t ", "4711" },
    };
    char ret[NF_NAME_MAX + 1], longest[NF_NAME_MAX * 2];
    (void)data;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        nf_name_from(cases[i].from, "4711", ret);
        assert_string_equal(ret, cases[i].to);
    }
    memset(longest, 'x', sizeof(longest));
    memcpy(longest + NF_NAME_MAX - 1, "\xc3\xa9", 3); /* would be cut in its middle */
    nf_name_from(longest, "4711", ret);
    assert_int_equal(strlen(ret), NF_NAME_MAX - 1);
}

static void codes_are_read_as_people_type_them(void **data)
{
    char code[NF_INVITE_CODE + 1];
    (void)data;
    assert_true(nf_code_read(" abcd-2345 ", NF_PAIRING_CODE, code));
    assert_string_equal(code, "ABCD2345");
    assert_string_equal(nf_code_show(code).s, "ABCD-2345");
    assert_false(nf_code_read("ABCD234", NF_PAIRING_CODE, code));
    assert_false(nf_code_read("ABCD23456", NF_PAIRING_CODE, code));
    assert_false(nf_code_read("ABCD234O", NF_PAIRING_CODE, code)); /* no O, 0, I, 1 */
    assert_false(nf_code_read("ABCD2340", NF_PAIRING_CODE, code));
    assert_false(nf_code_read("ABCD234I", NF_PAIRING_CODE, code));
    assert_false(nf_code_read("ABCD2341", NF_PAIRING_CODE, code));
    assert_false(nf_code_read("", NF_PAIRING_CODE, code));
    assert_true(nf_code_read("ABCDEFGHJKLM2345", NF_INVITE_CODE, code));
    assert_string_equal(nf_code_show(code).s, "ABCD-EFGH-JKLM-2345");
}

static void a_bucket_gives_a_minutes_worth_and_then_a_steady_rate(void **data)
{
    int64_t full_at = 0, wait = 0, now = 1000000;
    (void)data;
    for (int i = 0; i < 6; i++)
        assert_true(nf_gcra_take(&full_at, 6, now, &wait));
    assert_false(nf_gcra_take(&full_at, 6, now, &wait));
    assert_int_equal(wait, 10000);
    now += wait;
    assert_true(nf_gcra_take(&full_at, 6, now, &wait));
    assert_false(nf_gcra_take(&full_at, 6, now + 9999, &wait));
    assert_int_equal(wait, 1);
    now += 10 * NF_MINUTE_MS;
    for (int i = 0; i < 6; i++)
        assert_true(nf_gcra_take(&full_at, 6, now, &wait));
    assert_false(nf_gcra_take(&full_at, 6, now, &wait));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_has_a_code_for_an_hour),
        cmocka_unit_test(hostile_accounts_are_refused),
        cmocka_unit_test(foreign_names_become_names_of_ours),
        cmocka_unit_test(codes_are_read_as_people_type_them),
        cmocka_unit_test(a_bucket_gives_a_minutes_worth_and_then_a_steady_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
