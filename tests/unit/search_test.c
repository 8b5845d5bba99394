#include "domain/search.h"

#include "tests/support/test.h"

#include <string.h>

static struct nf_search_words words;
static struct nf_err err;

static enum nf_code split(const char *text)
{
    return nf_search_words_of(text, strlen(text), &words, &err);
}

static void words_are_split_at_blanks(void **state)
{
    (void)state;
    assert_ok(split("  plan\tthe h\xc3\xb6liday "), &err);
    assert_int_equal(words.n, 3);
    assert_true(nf_slice_eq(words.v[0], "plan"));
    assert_true(nf_slice_eq(words.v[2], "h\xc3\xb6liday"));
    assert_false(words.open);
    assert_ok(split("hol"), &err);
    assert_true(words.open);
}

static void what_has_no_letter_is_left_out(void **state)
{
    (void)state;
    assert_ok(split("a -- \"b\" *"), &err);
    assert_int_equal(words.n, 2);
    assert_true(nf_slice_eq(words.v[1], "\"b\""));
    assert_code(split(""), NF_E_INVALID);
    assert_code(split(" \"* -"), NF_E_INVALID);
    assert_code(split("\xff"), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "q:"));
}

static void there_are_bounds(void **state)
{
    char text[NF_SEARCH_BYTES_MAX + 2];
    (void)state;
    memset(text, 'a', sizeof(text));
    assert_ok(nf_search_words_of(text, NF_SEARCH_BYTES_MAX, &words, &err), &err);
    assert_code(nf_search_words_of(text, NF_SEARCH_BYTES_MAX + 1, &words, &err), NF_E_LIMIT);
    for (size_t i = 1; i < NF_SEARCH_BYTES_MAX; i += 2)
        text[i] = ' ';
    assert_ok(nf_search_words_of(text, NF_SEARCH_BYTES_MAX, &words, &err), &err);
    assert_int_equal(words.n, NF_SEARCH_WORDS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_at_blanks),
        cmocka_unit_test(what_has_no_letter_is_left_out),
        cmocka_unit_test(there_are_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
