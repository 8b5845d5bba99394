#include "application/commands.h"

#include "base/utf8.h"
#include "tests/support/test.h"

#include <string.h>

static void a_command_is_found_by_its_name(void **state)
{
    const char *arg = NULL;
    (void)state;

    assert_int_equal(nf_command_of("/help", &arg), NF_COMMAND_HELP);
    assert_string_equal(arg, "");
    assert_int_equal(nf_command_of("/model fast one", &arg), NF_COMMAND_MODEL);
    assert_string_equal(arg, "fast one");
    assert_int_equal(nf_command_of("/model@some_bot \n fast", &arg), NF_COMMAND_MODEL);
    assert_string_equal(arg, "fast");
    assert_int_equal(nf_command_of("/new", NULL), NF_COMMAND_NEW);
}

static void what_only_looks_like_a_command_is_a_message(void **state)
{
    static const char *const texts[] = { "",         "/",           "help",   " /help",
                                         "/helping", "/hel",        "//help", "/Help!",
                                         "/@help",   "/etc/passwd", "/run x" };
    (void)state;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(nf_command_of(texts[i], NULL), NF_COMMAND_NONE);
}

/* Bot API, BotCommand: name 1-32 of [a-z0-9_], description 1-256; Discord, application commands:
 * name 1-32, description 1-100. */
static void every_command_fits_the_menus_of_the_networks(void **state)
{
    (void)state;

    for (enum nf_command c = NF_COMMAND_START; c < NF_COMMAND_COUNT; c++) {
        const struct nf_command_info *i = nf_command_info(c);
        assert_in_range(strlen(i->name), 1, NF_COMMAND_NAME_MAX);
        assert_int_equal(strspn(i->name, "abcdefghijklmnopqrstuvwxyz"), strlen(i->name));
        for (enum nf_lang lang = NF_LANG_EN; lang <= NF_LANG_RU; lang++) {
            const char *words = nf_command_description(c, lang);
            const char *arg = nf_command_arg_description(c, lang);
            assert_in_range(nf_utf16_units(words, strlen(words)), 1, NF_COMMAND_DESCRIPTION_MAX);
            assert_true(nf_utf8_valid(words, strlen(words)));
            assert_int_equal(arg[0] != '\0', i->arg != NULL);
            assert_true(nf_utf16_units(arg, strlen(arg)) <= NF_COMMAND_DESCRIPTION_MAX);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_found_by_its_name),
        cmocka_unit_test(what_only_looks_like_a_command_is_a_message),
        cmocka_unit_test(every_command_fits_the_menus_of_the_networks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
