#include "domain/toolset.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <string.h>

static int setup(void **data)
{
    struct nf_err err;
    struct nf_toolset *s = NULL;
    assert_ok(nf_toolset_new(&s, &err), &err);
    *data = s;
    return 0;
}

static int teardown(void **data)
{
    nf_fail_alloc_at(0);
    nf_toolset_unref(*data);
    return 0;
}

static void tools_are_copied_and_keep_their_order(void **data)
{
    struct nf_toolset *s = *data;
    struct nf_err err;
    char name[] = "search";

    assert_ok(nf_toolset_add(s, name, "finds", "{}", &err), &err);
    assert_ok(nf_toolset_add(s, "bare", NULL, NULL, &err), &err);
    name[0] = 'X';

    assert_int_equal(nf_toolset_n(s), 2);
    assert_string_equal(s->v[0].name, "search");
    assert_string_equal(s->v[0].description, "finds");
    assert_string_equal(s->v[0].schema, "{}");
    assert_null(s->v[1].description);
    assert_null(s->v[1].schema);
}

static void there_is_a_limit(void **data)
{
    struct nf_toolset *s = *data;
    struct nf_err err;

    for (int i = 0; i < NF_REQUEST_TOOLS_MAX; i++)
        assert_ok(nf_toolset_add(s, "t", NULL, NULL, &err), &err);

    assert_code(nf_toolset_add(s, "t", NULL, NULL, &err), NF_E_LIMIT);
    assert_non_null(strstr(err.msg, "tools"));
    assert_int_equal(s->n, NF_REQUEST_TOOLS_MAX);
}

static void it_lives_as_long_as_somebody_holds_it(void **data)
{
    struct nf_toolset *s = *data, *more = nf_toolset_ref(s);

    nf_toolset_unref(s);
    assert_int_equal(more->refs, 1); /* teardown takes the last: sanitizers see one too many */
    assert_null(nf_toolset_ref(NULL));
    nf_toolset_unref(NULL);
    assert_int_equal(nf_toolset_n(NULL), 0);
}

static void what_is_made_of_it_is_kept_by_its_key(void **data)
{
    struct nf_toolset *s = *data;
    struct nf_err err;
    struct nf_str text = { 0 };
    const int one = 1, other = 2;

    assert_null(nf_toolset_form(s, &one));
    assert_ok(nf_str_adds(&text, "[]", &err), &err);
    const struct nf_str *kept = nf_toolset_keep(s, &one, &text);

    assert_null(text.p);
    assert_ptr_equal(nf_toolset_form(s, &one), kept);
    assert_string_equal(nf_str_c(kept), "[]");
    assert_null(nf_toolset_form(s, &other));
}

static void out_of_memory_leaves_it_as_it_was(void **data)
{
    struct nf_toolset *s = *data;
    struct nf_err err;

    for (size_t n = 1; n <= 4; n++) {
        nf_fail_alloc_at(n);
        assert_code(nf_toolset_add(s, "t", "d", "{}", &err), NF_E_NOMEM);
    }
    assert_int_equal(s->n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tools_are_copied_and_keep_their_order), TEST(there_is_a_limit),
        TEST(it_lives_as_long_as_somebody_holds_it), TEST(what_is_made_of_it_is_kept_by_its_key),
        TEST(out_of_memory_leaves_it_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
