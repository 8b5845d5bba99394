#include "domain/completion.h"

#include "base/own.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct nf_completion_request r;
    struct nf_err err;
};

static int setup(void **data)
{
    struct fixture *f = calloc(1, sizeof(*f));

    nf_completion_request_init(&f->r);
    *data = f;
    return 0;
}

static int teardown(void **data)
{
    struct fixture *f = *data;

    nf_fail_alloc_at(0);
    nf_completion_request_done(&f->r);
    free(f);
    return 0;
}

static void a_new_request_sets_nothing(void **data)
{
    struct fixture *f = *data;

    assert_true(f->r.temperature < 0 && f->r.top_p < 0);
    assert_int_equal(f->r.max_tokens, 0);
    assert_null(f->r.model);
    assert_int_equal(f->r.messages_n + f->r.stop_n + f->r.system.n, 0);
    assert_null(f->r.tools);
}

static void what_is_added_is_copied_and_everything_is_freed(void **data)
{
    struct fixture *f = *data;
    struct nf_chat_message *m;

    assert_ok(nf_completion_add_system(&f->r, "first", &f->err), &f->err);
    assert_ok(nf_completion_add_system(&f->r, "second", &f->err), &f->err);
    assert_ok(nf_completion_add_message(&f->r, NF_ROLE_USER, &m, &f->err), &f->err);
    assert_ok(nf_parts_add_text(&m->parts, "hello", &f->err), &f->err);
    assert_ok(nf_toolset_new(&f->r.tools, &f->err), &f->err);
    /* What only codecs set: teardown finds a leak if one is forgotten. */
    assert_ok(nf_strdup("m", &f->r.model, &f->err), &f->err);
    assert_ok(nf_strdup("n", &f->r.tool_choice_name, &f->err), &f->err);
    assert_ok(nf_strdup("f", &f->r.format_name, &f->err), &f->err);
    assert_ok(nf_strdup("s", &f->r.format_schema, &f->err), &f->err);
    assert_ok(nf_strdup("u", &f->r.user, &f->err), &f->err);
    for (; f->r.stop_n < NF_STOP_SEQUENCES_MAX; f->r.stop_n++)
        assert_ok(nf_strdup("end", &f->r.stop[f->r.stop_n], &f->err), &f->err);

    assert_string_equal(f->r.system.v[1].text, "second");
    assert_int_equal(f->r.messages[0].role, NF_ROLE_USER);
    assert_string_equal(f->r.messages[0].parts.v[0].text, "hello");
}

static void messages_end_at_their_limit(void **data)
{
    struct fixture *f = *data;
    struct nf_chat_message *m;

    for (int i = 0; i < NF_REQUEST_MESSAGES_MAX; i++)
        assert_ok(nf_completion_add_message(&f->r, NF_ROLE_USER, &m, &f->err), &f->err);

    assert_code(nf_completion_add_message(&f->r, NF_ROLE_USER, &m, &f->err), NF_E_LIMIT);
    assert_non_null(strstr(f->err.msg, "messages"));
    assert_int_equal(f->r.messages_n, NF_REQUEST_MESSAGES_MAX);
}

static void out_of_memory_leaves_the_request_as_it_was(void **data)
{
    struct fixture *f = *data;
    struct nf_chat_message *m;

    nf_fail_alloc_at(1);
    assert_code(nf_completion_add_message(&f->r, NF_ROLE_USER, &m, &f->err), NF_E_NOMEM);
    for (size_t n = 1; n <= 2; n++) {
        nf_fail_alloc_at(n);
        assert_code(nf_completion_add_system(&f->r, "s", &f->err), NF_E_NOMEM);
    }

    assert_int_equal(f->r.messages_n + f->r.system.n, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_request_sets_nothing),
        TEST(what_is_added_is_copied_and_everything_is_freed),
        TEST(messages_end_at_their_limit),
        TEST(out_of_memory_leaves_the_request_as_it_was),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
