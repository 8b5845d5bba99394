#include "domain/part.h"

#include "base/own.h"
#include "base/string.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct nf_parts list, copy;
    struct nf_err err;
};

static int setup(void **data)
{
    *data = calloc(1, sizeof(struct fixture));
    return 0;
}

static int teardown(void **data)
{
    struct fixture *f = *data;

    nf_fail_alloc_at(0);
    nf_parts_done(&f->list);
    nf_parts_done(&f->copy);
    free(f);
    return 0;
}

/* A part with everything set. */
static void add_full(struct fixture *f)
{
    struct nf_part *p;

    assert_ok(nf_parts_add(&f->list, NF_PART_TOOL_CALL, &p, &f->err), &f->err);
    assert_ok(nf_strdup("text", &p->text, &f->err), &f->err);
    assert_ok(nf_strdup("id", &p->call_id, &f->err), &f->err);
    assert_ok(nf_strdup("name", &p->name, &f->err), &f->err);
    assert_ok(nf_strdup("{}", &p->args, &f->err), &f->err);
    assert_ok(nf_strdup("sig", &p->signature, &f->err), &f->err);
    assert_ok(nf_strdup("data", &p->data, &f->err), &f->err);
    assert_ok(nf_strdup("url", &p->url, &f->err), &f->err);
    assert_ok(nf_strdup("image/png", &p->media_type, &f->err), &f->err);
    p->is_error = p->cache = true;
}

static void a_new_part_is_empty_but_for_its_type(void **data)
{
    struct fixture *f = *data;
    struct nf_part *p;

    assert_ok(nf_parts_add(&f->list, NF_PART_THINKING, &p, &f->err), &f->err);

    assert_int_equal(f->list.n, 1);
    assert_ptr_equal(p, &f->list.v[0]);
    assert_int_equal(p->type, NF_PART_THINKING);
    assert_null(p->text);
    assert_null(p->args);
    assert_false(p->is_error || p->cache);
}

static void a_copy_has_everything_and_shares_nothing(void **data)
{
    struct fixture *f = *data;
    const struct nf_part *p;
    add_full(f);
    assert_ok(nf_parts_add_text(&f->list, "second", &f->err), &f->err);
    assert_ok(nf_parts_add_text(&f->copy, "was there before", &f->err), &f->err);

    assert_ok(nf_parts_append(&f->copy, &f->list, &f->err), &f->err);
    nf_parts_done(&f->list);

    assert_int_equal(f->copy.n, 3);
    assert_string_equal(f->copy.v[0].text, "was there before");
    p = &f->copy.v[1];
    assert_int_equal(p->type, NF_PART_TOOL_CALL);
    assert_string_equal(p->text, "text");
    assert_string_equal(p->call_id, "id");
    assert_string_equal(p->name, "name");
    assert_string_equal(p->args, "{}");
    assert_string_equal(p->signature, "sig");
    assert_string_equal(p->data, "data");
    assert_string_equal(p->url, "url");
    assert_string_equal(p->media_type, "image/png");
    assert_true(p->is_error && p->cache);
    assert_string_equal(f->copy.v[2].text, "second");
    assert_null(f->copy.v[2].name);
}

static void what_is_lent_stays_its_owners(void **data)
{
    struct fixture *f = *data;

    add_full(f);
    assert_ok(nf_parts_lend(&f->copy, &f->list.v[0], &f->err), &f->err);
    assert_ptr_equal(f->copy.v[0].text, f->list.v[0].text);
    assert_int_equal(f->copy.v[0].type, NF_PART_TOOL_CALL);
    nf_parts_done(&f->copy);
    assert_string_equal(f->list.v[0].text, "text"); /* and teardown frees it, once */

    /* A copy of what is lent is a copy. */
    assert_ok(nf_parts_lend(&f->copy, &f->list.v[0], &f->err), &f->err);
    assert_ok(nf_parts_append(&f->copy, &f->copy, &f->err), &f->err);
    assert_false(f->copy.v[1].lent);
    assert_ptr_not_equal(f->copy.v[1].text, f->list.v[0].text);
}

static void a_list_can_be_appended_to_itself(void **data)
{
    struct fixture *f = *data;
    add_full(f);

    assert_ok(nf_parts_append(&f->list, &f->list, &f->err), &f->err);

    assert_int_equal(f->list.n, 2);
    assert_string_equal(f->list.v[1].text, "text");
    assert_ptr_not_equal(f->list.v[1].text, f->list.v[0].text);
}

static void appending_nothing_allocates_nothing(void **data)
{
    struct fixture *f = *data;

    assert_ok(nf_parts_append(&f->list, &f->copy, &f->err), &f->err);

    assert_null(f->list.v);
}

static void tool_calls_are_counted_and_results_are_not(void **data)
{
    struct fixture *f = *data;
    struct nf_part *p;
    assert_int_equal(nf_parts_tool_calls(&f->list), 0);

    for (enum nf_part_type t = NF_PART_TEXT; t <= NF_PART_REFUSAL; t++)
        assert_ok(nf_parts_add(&f->list, t, &p, &f->err), &f->err);
    assert_ok(nf_parts_add(&f->list, NF_PART_TOOL_CALL, &p, &f->err), &f->err);

    assert_int_equal(nf_parts_tool_calls(&f->list), 2);
}

static void out_of_memory_leaves_the_list_as_it_was(void **data)
{
    struct fixture *f = *data;
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;
    add_full(f);
    assert_ok(nf_parts_add_text(&f->list, "second", &f->err), &f->err);
    assert_ok(nf_parts_add_text(&f->copy, "before", &f->err), &f->err);

    while (rc == NF_E_NOMEM && n < 100) {
        assert_int_equal(f->copy.n, 1);
        assert_string_equal(f->copy.v[0].text, "before");
        nf_fail_alloc_at(++n);
        rc = nf_parts_append(&f->copy, &f->list, &f->err);
    }
    nf_fail_alloc_at(0);

    assert_ok(rc, &f->err);
    assert_int_equal(n, 1 + 8 + 1 + 1);
    assert_int_equal(f->copy.n, 3);
}

static void out_of_memory_adds_no_text(void **data)
{
    struct fixture *f = *data;

    for (size_t n = 1; n <= 2; n++) {
        nf_fail_alloc_at(n);
        assert_code(nf_parts_add_text(&f->list, "text", &f->err), NF_E_NOMEM);
        assert_int_equal(f->list.n, 0);
    }
}

static void what_was_never_filled_can_be_freed_twice(void **data)
{
    struct fixture *f = *data;
    struct nf_part p = { 0 };

    nf_part_done(&p);
    nf_part_done(&p);
    nf_parts_done(&f->list);
    nf_parts_done(&f->list);

    assert_null(f->list.v);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_part_is_empty_but_for_its_type),
        TEST(a_copy_has_everything_and_shares_nothing),
        TEST(what_is_lent_stays_its_owners),
        TEST(a_list_can_be_appended_to_itself),
        TEST(appending_nothing_allocates_nothing),
        TEST(tool_calls_are_counted_and_results_are_not),
        TEST(out_of_memory_leaves_the_list_as_it_was),
        TEST(out_of_memory_adds_no_text),
        TEST(what_was_never_filled_can_be_freed_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
