#include "domain/branch.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

struct said {
    int seq, run;
    bool question;
    int branch;
};

/* What is kept of `v` on the way to `seq`, as "1 2 5". */
static const char *kept(const struct said *v, size_t n, int seq)
{
    static char line[128];
    struct nf_messages list = { 0 };
    struct nf_err err;
    size_t at = 0;
    line[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct nf_message m = { .session_id = 7,
                                .seq = v[i].seq,
                                .run_id = v[i].run,
                                .role = v[i].question ? NF_ROLE_USER : NF_ROLE_ASSISTANT,
                                .branch = v[i].branch };
        assert_ok(nf_messages_push(&list, &m, &err), &err);
    }
    assert_ok(nf_branch_keep(&list, seq, &err), &err);
    for (size_t i = 0; i < list.n; i++)
        at += (size_t)snprintf(line + at, sizeof(line) - at, "%s%d", i ? " " : "",
                               (int)list.v[i].seq);
    nf_messages_done(&list);
    return line;
}
#define KEPT(v, seq) kept((v), sizeof(v) / sizeof((v)[0]), (seq))

static void without_branches_all_is_kept(void **state)
{
    static const struct said v[] = { { 1, 10, true, 0 }, { 2, 10, false, 0 }, { 3, 20, true, 0 } };
    (void)state;
    assert_string_equal(KEPT(v, 3), "1 2 3");
}

static void a_question_put_anew_does_not_see_the_first_version(void **state)
{
    static const struct said v[] = { { 1, 10, true, 0 },  { 2, 10, false, 0 }, { 3, 20, true, 0 },
                                     { 4, 20, false, 0 }, { 5, 30, true, 2 },  { 6, 30, false, 0 },
                                     { 7, 40, true, 0 } };
    (void)state;
    assert_string_equal(KEPT(v, 5), "1 2 5 6");
    assert_string_equal(KEPT(v, 7), "1 2 5 6 7"); /* it goes on from what is new */
    assert_string_equal(KEPT(v, 3), "1 2 3 4");
}

static void the_first_question_can_be_put_anew(void **state)
{
    static const struct said v[] = { { 1, 10, true, 0 },
                                     { 2, 10, false, 0 },
                                     { 3, 20, true, 1 },
                                     { 4, 20, false, 0 },
                                     { 5, 30, true, 2 } };
    (void)state;
    assert_string_equal(KEPT(v, 3), "3 4");
    assert_string_equal(KEPT(v, 5), "1 2 5"); /* back to the first version */
}

static void what_lies_before_the_page_is_kept_if_the_way_leads_there(void **state)
{
    static const struct said on[] = { { 4, 10, false, 0 },
                                      { 5, 20, true, 0 },
                                      { 6, 20, false, 0 },
                                      { 7, 30, true, 0 },
                                      { 8, 40, true, 6 } };
    static const struct said off[] = { { 4, 10, false, 0 },
                                       { 5, 20, true, 0 },
                                       { 8, 40, true, 2 } };
    (void)state;
    assert_string_equal(KEPT(on, 8), "4 5 6 8");
    assert_string_equal(KEPT(off, 8), "8"); /* from something the page does not show */
}

static void questions_that_one_turn_answered_stay_together(void **state)
{
    static const struct said v[] = {
        { 1, 10, true, 0 }, { 2, 10, true, 0 }, { 3, 10, false, 0 }, { 4, 20, true, 2 }
    };
    (void)state;
    assert_string_equal(KEPT(v, 4), "1 2 3 4");
}

static void a_branch_that_leads_onwards_ends_the_way(void **state)
{
    static const struct said v[] = { { 1, 10, true, 4 }, { 3, 20, true, 2 } };
    (void)state;
    assert_string_equal(KEPT(v, 3), "1 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_branches_all_is_kept),
        cmocka_unit_test(a_question_put_anew_does_not_see_the_first_version),
        cmocka_unit_test(the_first_question_can_be_put_anew),
        cmocka_unit_test(what_lies_before_the_page_is_kept_if_the_way_leads_there),
        cmocka_unit_test(questions_that_one_turn_answered_stay_together),
        cmocka_unit_test(a_branch_that_leads_onwards_ends_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
