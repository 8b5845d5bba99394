/* A person looks at and tidies up conversations. */
#include "application/manage_sessions.h"
#include "tests/unit/use_case_fixture.h"

static struct nf_session opened(struct world *w, const char *title)
{
    struct nf_session s;
    w->now++;
    assert_ok(nf_session_open(&w->app, &w->user, title, &s, &w->err), &w->err);
    return s;
}

static void a_session_is_opened_renamed_and_deleted(void **state)
{
    struct world *w = *state;
    struct nf_session s = opened(w, "Plans"), got;
    assert_string_equal(s.title, "Plans");
    assert_ok(nf_session_set_title(&w->app, &w->user, s.id, "More plans", &got, &w->err), &w->err);
    assert_ok(nf_session_show(&w->app, &w->user, s.id, &got, &w->err), &w->err);
    assert_string_equal(got.title, "More plans");
    assert_code(nf_session_set_title(&w->app, &w->user, s.id, "a\nb", &got, &w->err), NF_E_INVALID);
    assert_ok(nf_session_delete(&w->app, &w->user, s.id, &w->err), &w->err);
    assert_code(nf_session_show(&w->app, &w->user, s.id, &got, &w->err), NF_E_NOT_FOUND);
}

static void sessions_of_others_do_not_exist(void **state)
{
    struct world *w = *state;
    struct nf_session got;
    struct nf_sessions list = { 0 };
    struct nf_messages m = { 0 };
    struct nf_session s = opened(w, "Mine");
    struct nf_user other = { .id = 8, .role = NF_USER_OWNER, .status = NF_USER_ACTIVE };
    assert_code(nf_session_show(&w->app, &other, s.id, &got, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_session_set_title(&w->app, &other, s.id, "x", &got, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_session_delete(&w->app, &other, s.id, &w->err), NF_E_NOT_FOUND);
    assert_code(nf_session_messages(&w->app, &other, s.id, 0, 10, &m, &w->err), NF_E_NOT_FOUND);
    assert_ok(nf_session_list(&w->app, &other, 0, 0, 10, &list, &w->err), &w->err);
    assert_int_equal(list.n, 0);
    nf_sessions_done(&list);
    assert_ok(nf_session_show(&w->app, &w->user, s.id, &got, &w->err), &w->err);
    assert_string_equal(got.title, "Mine");
}

static void pages_follow_each_other(void **state)
{
    struct world *w = *state;
    struct nf_sessions page = { 0 };
    struct nf_session a = opened(w, "a"), b = opened(w, "b"), c = opened(w, "c");
    assert_ok(nf_session_list(&w->app, &w->user, 0, 0, 2, &page, &w->err), &w->err);
    assert_int_equal(page.n, 2);
    assert_true(page.v[0].id == c.id && page.v[1].id == b.id);
    nf_sessions_done(&page);
    assert_ok(nf_session_list(&w->app, &w->user, b.updated_ms, b.id, 2, &page, &w->err), &w->err);
    assert_int_equal(page.n, 1);
    assert_true(page.v[0].id == a.id);
    nf_sessions_done(&page);
}

static void a_page_has_1_to_200_rows(void **state)
{
    struct world *w = *state;
    struct nf_sessions page = { 0 };
    struct nf_messages m = { 0 };
    struct nf_session s = opened(w, "a");
    assert_code(nf_session_list(&w->app, &w->user, 0, 0, 0, &page, &w->err), NF_E_INVALID);
    assert_code(nf_session_list(&w->app, &w->user, 0, 0, 201, &page, &w->err), NF_E_INVALID);
    assert_ok(nf_session_list(&w->app, &w->user, 0, 0, 200, &page, &w->err), &w->err);
    nf_sessions_done(&page);
    assert_code(nf_session_messages(&w->app, &w->user, s.id, 0, 0, &m, &w->err), NF_E_INVALID);
    assert_code(nf_session_messages(&w->app, &w->user, s.id, 0, 201, &m, &w->err), NF_E_INVALID);
    assert_ok(nf_session_messages(&w->app, &w->user, s.id, 0, 1, &m, &w->err), &w->err);
    nf_messages_done(&m);
}

static void a_session_at_work_is_not_deleted(void **state)
{
    struct world *w = *state;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "m1", "hello");
    assert_code(nf_session_delete(&w->app, &w->user, w->session, &w->err), NF_E_CONFLICT);
    assert_ok(answer(w), &w->err);
    assert_ok(nf_session_delete(&w->app, &w->user, w->session, &w->err), &w->err);
}

static void out_of_memory_a_session_is_whole_or_absent(void **state)
{
    (void)state;
    struct nf_session s, got;
    TORTURE(memset(&s, 0, sizeof(s)), nf_session_open(&w->app, &w->user, "Plans", &s, &w->err), {
        assert_code(nf_session_show(&w->app, &w->user, s.id, &got, &w->err),
                    rc == NF_OK ? NF_OK : NF_E_NOT_FOUND);
    });
    TORTURE(s = opened(w, "Plans"),
            nf_session_set_title(&w->app, &w->user, s.id, "New", &got, &w->err), {
                assert_ok(nf_session_show(&w->app, &w->user, s.id, &got, &w->err), &w->err);
                assert_string_equal(got.title, rc == NF_OK ? "New" : "Plans");
            });
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_session_is_opened_renamed_and_deleted),
        T(sessions_of_others_do_not_exist),
        T(pages_follow_each_other),
        T(a_page_has_1_to_200_rows),
        T(a_session_at_work_is_not_deleted),
        cmocka_unit_test(out_of_memory_a_session_is_whole_or_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
