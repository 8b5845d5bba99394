/* Items of lists put into and taken out of a file that a person wrote. */
#include "config/edit.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM "name: a\ntoken: \"1:x\"\n"

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct nf_str));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    nf_str_done(*state);
    free(*state);
    return 0;
}

static void check_put(struct nf_str *s, const char *before, const char *after)
{
    struct nf_err err;
    assert_ok(nf_config_put_item("f", before, "channels", "telegram", ITEM, s, &err), &err);
    assert_string_equal(nf_str_c(s), after);
}

static void an_item_is_put_where_it_belongs(void **state)
{
    static const char item[] = "  telegram:\n    - name: a\n      token: \"1:x\"\n";
    static const char made[] = "channels:\n  telegram:\n    - name: a\n      token: \"1:x\"\n";
    char want[512];
    struct nf_str *s = *state;
    check_put(s, "", made);
    check_put(s, "# only a comment\n",
              "# only a comment\n"
              "channels:\n  telegram:\n    - name: a\n"
              "      token: \"1:x\"\n");
    check_put(s, "log: {level: info}",
              "log: {level: info}\nchannels:\n  telegram:\n    - name: a\n"
              "      token: \"1:x\"\n");
    check_put(s, "channels:\nlog:\n  level: info\n",
              "channels:\n  telegram:\n    - name: a\n      token: \"1:x\"\nlog:\n"
              "  level: info\n");
    (void)snprintf(want, sizeof(want), "channels: # bots\n%s  discord:\n  - token: a.b.c\n", item);
    check_put(s, "channels: # bots\n  discord:\n  - token: a.b.c\n", want);
}

static void what_is_there_stays_as_it_is(void **state)
{
    struct nf_str *s = *state;
    check_put(s,
              "# mine\nchannels:\n    telegram: # private\n"
              "    # the old one\n    - {token: \"9:y\"} # yes\n\nlog: {level: info}\n",
              "# mine\nchannels:\n    telegram: # private\n"
              "    - name: a\n      token: \"1:x\"\n"
              "    # the old one\n    - {token: \"9:y\"} # yes\n\nlog: {level: info}\n");
    check_put(s, "channels:\n  telegram:\n",
              "channels:\n  telegram:\n    - name: a\n"
              "      token: \"1:x\"\n");
}

static void what_is_not_written_by_lines_is_left_to_a_person(void **state)
{
    static const char *const texts[] = {
        "channels: {}\n",
        "channels: {telegram: []}\n",
        "channels:\n  telegram: []\n",
        "channels:\n  telegram: [{token: \"1:x\"}]\n",
        "{channels: }\n",
        "channels: 5\n",
        "channels:\n  telegram: 5\n",
    };
    struct nf_str *s = *state;
    struct nf_err err;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_code(nf_config_put_item("f", texts[i], "channels", "telegram", ITEM, s, &err),
                    NF_E_CONFLICT);
        assert_non_null(strstr(err.msg, "by hand"));
    }
    assert_code(nf_config_put_item("f", "a: [", "channels", "telegram", ITEM, s, &err),
                NF_E_INVALID);
    assert_code(nf_config_put_item("f", "- a\n", "channels", "telegram", ITEM, s, &err),
                NF_E_INVALID);
    assert_int_equal(s->len, 0);
}

static void an_item_is_taken_out_alone(void **state)
{
    static const char text[] = "channels:\n"
                               "  telegram:\n"
                               "    # first\n"
                               "    - name: a\n"
                               "      # of a\n"
                               "      token: \"1:x\"\n"
                               "\n"
                               "    # second\n"
                               "    - token: \"2:y\" # here\n"
                               "      accounts:\n"
                               "        - \"4\"\n"
                               "    - {token: \"3:z\", name: c}\n"
                               "log: {level: info}\n";
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_config_drop_item("f", text, "channels", "telegram", 1, s, &err), &err);
    assert_string_equal(nf_str_c(s), "channels:\n  telegram:\n    # first\n    - name: a\n"
                                     "      # of a\n      token: \"1:x\"\n\n    # second\n"
                                     "    - {token: \"3:z\", name: c}\nlog: {level: info}\n");
    assert_ok(nf_config_drop_item("f", text, "channels", "telegram", 2, s, &err), &err);
    assert_null(strstr(nf_str_c(s), "3:z"));
    assert_non_null(strstr(nf_str_c(s), "        - \"4\"\nlog:"));
    assert_code(nf_config_drop_item("f", text, "channels", "telegram", 3, s, &err), NF_E_NOT_FOUND);
    assert_code(nf_config_drop_item("f", text, "channels", "discord", 0, s, &err), NF_E_NOT_FOUND);
}

static void the_last_item_takes_list_and_group_with_it(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_config_drop_item("f",
                                  "log: {level: info}\nchannels: # bots\n  telegram:\n"
                                  "    - name: a\n      token: \"1:x\"\nllm: {}\n",
                                  "channels", "telegram", 0, s, &err),
              &err);
    assert_string_equal(nf_str_c(s), "log: {level: info}\nllm: {}\n");
    assert_ok(nf_config_drop_item("f",
                                  "channels:\n  telegram:\n  - token: \"1:x\"\n  discord:\n"
                                  "  - token: a.b.c\n",
                                  "channels", "telegram", 0, s, &err),
              &err);
    assert_string_equal(nf_str_c(s), "channels:\n  discord:\n  - token: a.b.c\n");
}

static void what_was_put_in_can_be_taken_out(void **state)
{
    static const char *const texts[] = {
        "log: {level: info}\n",
        "channels:\n  discord:\n    - token: a.b.c\n",
        "channels:\n  telegram:\n    - token: \"2:x\"\n",
    };
    struct nf_str *s = *state;
    struct nf_err err;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        NF_CLEANUP(nf_str_done) struct nf_str back = { 0 };
        assert_ok(nf_config_put_item("f", texts[i], "channels", "telegram", ITEM, s, &err), &err);
        assert_ok(nf_config_drop_item("f", nf_str_c(s), "channels", "telegram", 0, &back, &err),
                  &err);
        assert_string_equal(nf_str_c(&back), texts[i]);
    }
}

static void quoted_texts_stay_what_they_are(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_ok(nf_config_add_quoted(s, "a\"b\\c${D}$e", &err), &err);
    assert_string_equal(nf_str_c(s), "\"a\\\"b\\\\c$${D}$e\"");
    assert_code(nf_config_add_quoted(s, "a\nb", &err), NF_E_INVALID);
}

static void check_set(struct nf_str *s, const char *before, const char *key, const char *value,
                      const char *after)
{
    struct nf_err err;
    assert_ok(nf_config_set_value("f", before, key, value, s, &err), &err);
    assert_string_equal(nf_str_c(s), after);
}

static void a_value_is_changed_where_it_stands(void **state)
{
    struct nf_str *s = *state;
    check_set(s, "a:\n  # why\n  b: 1 # so\n  c: 2\n", "a.b", "3",
              "a:\n  # why\n  b: 3 # so\n  c: 2\n");
    check_set(s, "a:\n  b: \"x # y\"  # z\n", "a.b", "\"n\"", "a:\n  b: \"n\" # z\n");
    check_set(s, "a:\n  b: 'x # y'\nc:\n  d: 1\n", "a.b", "2", "a:\n  b: 2\nc:\n  d: 1\n");
    check_set(s, "a:\n  b:\n    - x\n    - y\n  c: 1\n", "a.b", "[\"z\"]",
              "a:\n  b: [\"z\"]\n  c: 1\n");
    check_set(s, "a:\n  b: |\n    long\n    text\n  c: 1\n", "a.b", "\"t\"",
              "a:\n  b: \"t\"\n  c: 1\n");
}

static void a_value_that_is_not_there_is_begun(void **state)
{
    struct nf_str *s = *state;
    check_set(s, "", "a.b", "1", "a:\n  b: 1\n");
    check_set(s, "x:\n  y: 1\n", "a.b.c", "1", "x:\n  y: 1\na:\n  b:\n    c: 1\n");
    check_set(s, "a:\n    x: 1\nz:\n  y: 2\n", "a.b", "1", "a:\n    b: 1\n    x: 1\nz:\n  y: 2\n");
    check_set(s, "a:\nz:\n  y: 2\n", "a.b", "1", "a:\n  b: 1\nz:\n  y: 2\n");
}

static void a_value_can_be_taken_out(void **state)
{
    struct nf_str *s = *state;
    check_set(s, "a:\n  b: 1\n  c: 2\n", "a.b", NULL, "a:\n  c: 2\n");
    check_set(s, "a:\n  c: 2\n", "a.b", NULL, "a:\n  c: 2\n");
    check_set(s, "a:\n  b: 1\nz:\n  y: 2\n", "a.b", NULL, "a:\nz:\n  y: 2\n");
}

static void a_value_in_braces_is_left_to_a_person(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    assert_code(nf_config_set_value("f", "a: {b: 1}\n", "a.b", "2", s, &err), NF_E_CONFLICT);
    assert_code(nf_config_set_value("f", "{a: {b: 1}}\n", "a.b", "2", s, &err), NF_E_CONFLICT);
    assert_code(nf_config_set_value("f", "a:\n  b: 1\n", "a.b", "2\nc: 3", s, &err), NF_E_CONFLICT);
    assert_int_equal(s->len, 0);
}

static void set_token(struct nf_str *s, const char *before, size_t index, const char *after)
{
    struct nf_err err;
    assert_ok(nf_config_set_in_item("f", before, "channels", "telegram", index, "token", "\"2:y\"",
                                    s, &err),
              &err);
    assert_string_equal(nf_str_c(s), after);
}

static void a_key_of_an_item_is_changed_and_the_rest_of_it_stays(void **state)
{
    struct nf_str *s = *state;
    /* In lines, in braces, and where it was not said. */
    set_token(s,
              "channels:\n  telegram: # mine\n    - name: a\n      token: \"1:x\"\n"
              "      accounts:\n        - \"7\"\n        - 8 9\n    - name: b\n      token: 3:z\n"
              "log:\n  level: info # loud\n",
              0,
              "channels:\n  telegram: # mine\n    - name: a\n      token: \"2:y\"\n"
              "      accounts:\n        - \"7\"\n        - 8 9\n    - name: b\n      token: 3:z\n"
              "log:\n  level: info # loud\n");
    set_token(s,
              "channels:\n  telegram:\n    - {name: a, token: \"1:x\"}\n"
              "    - {token: '${T}', name: \"b \\\"c\\\" $${d}\", drafts: true, poll: 30s}\n",
              1,
              "channels:\n  telegram:\n    - token: \"2:y\"\n      name: \"b \\\"c\\\" $${d}\"\n"
              "      drafts: true\n      poll: 30s\n    - {name: a, token: \"1:x\"}\n");
    set_token(s, "channels:\n  telegram:\n  - name: only\n", 0,
              "channels:\n  telegram:\n    - name: only\n      token: \"2:y\"\n");
}

static void a_key_in_a_line_of_its_own_leaves_every_other_line_as_it_is(void **state)
{
    struct nf_str *s = *state;
    set_token(s,
              "channels:\n  telegram:\n    - name: a\n      token: 1:x\n    # for the family\n"
              "    - name: b # hers\n      # from @BotFather\n      token: \"3:#z\" # of May\n\n"
              "      accounts: [1,\n        2]\n    - name: c\n",
              1,
              "channels:\n  telegram:\n    - name: a\n      token: 1:x\n    # for the family\n"
              "    - name: b # hers\n      # from @BotFather\n      token: \"2:y\" # of May\n\n"
              "      accounts: [1,\n        2]\n    - name: c\n");
    set_token(s, "channels:\n  telegram:\n  -   token: x # mine\n      # more\n      name: a", 0,
              "channels:\n  telegram:\n  -   token: \"2:y\" # mine\n      # more\n      name: a\n");
    /* It goes on below: no line of its own. */
    set_token(s, "channels:\n  telegram:\n    - name: a\n      token: >\n        1:x\n", 0,
              "channels:\n  telegram:\n    - name: a\n      token: \"2:y\"\n");
    set_token(s, "channels:\n  telegram:\n    - name: a\n      token: \"1:\n        x\"\n", 0,
              "channels:\n  telegram:\n    - name: a\n      token: \"2:y\"\n");
}

static void a_key_of_an_item_that_is_not_there_changes_nothing(void **state)
{
    struct nf_str *s = *state;
    struct nf_err err;
    static const char *const texts[] = { "", "channels:\n  telegram:\n",
                                         "channels: {telegram: []}\n",
                                         "channels:\n  telegram:\n    - one\n    - {name: a}\n" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_code(nf_config_set_in_item("f", texts[i], "channels", "telegram", i == 3 ? 0 : 1,
                                          "token", "x", s, &err),
                    NF_E_NOT_FOUND);
    assert_code(nf_config_set_in_item("f", "channels:\n  telegram:\n    - {more: {a: b}}\n",
                                      "channels", "telegram", 0, "token", "x", s, &err),
                NF_E_CONFLICT);
    assert_int_equal(s->len, 0);
}

static void an_item_is_found_by_what_it_is_called_in_this_very_text(void **state)
{
    static const char text[] =
        "channels:\n  telegram:\n    - {name: \"${NF_TEST_NAME}\"}\n    - token: x\n"
        "    - one\n    - {name: 'b', token: y}\n    - name: a\n";
    static const struct {
        const char *name;
        size_t at;
    } there[] = { { "from-env", 0 }, { "telegram", 1 }, { "b", 3 }, { "a", 4 } };
    struct nf_err err;
    size_t at;
    (void)state;
    assert_int_equal(setenv("NF_TEST_NAME", "from-env", 1), 0);
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        assert_ok(nf_config_find_item("f", text, "channels", "telegram", "name", there[i].name,
                                      "telegram", &at, &err),
                  &err);
        assert_int_equal(at, there[i].at);
    }
    assert_code(
        nf_config_find_item("f", text, "channels", "telegram", "name", "telegram", NULL, &at, &err),
        NF_E_NOT_FOUND);
    assert_code(nf_config_find_item("f", text, "channels", "discord", "name", "a", "a", &at, &err),
                NF_E_NOT_FOUND);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(an_item_is_found_by_what_it_is_called_in_this_very_text),
        T(a_key_in_a_line_of_its_own_leaves_every_other_line_as_it_is),
        T(an_item_is_put_where_it_belongs),
        T(what_is_there_stays_as_it_is),
        T(what_is_not_written_by_lines_is_left_to_a_person),
        T(an_item_is_taken_out_alone),
        T(the_last_item_takes_list_and_group_with_it),
        T(what_was_put_in_can_be_taken_out),
        T(quoted_texts_stay_what_they_are),
        T(a_value_is_changed_where_it_stands),
        T(a_value_that_is_not_there_is_begun),
        T(a_value_can_be_taken_out),
        T(a_value_in_braces_is_left_to_a_person),
        T(a_key_of_an_item_is_changed_and_the_rest_of_it_stays),
        T(a_key_of_an_item_that_is_not_there_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
