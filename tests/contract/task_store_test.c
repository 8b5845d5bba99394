#include "tests/contract/fixture.h"

#define TASKS(f) ((f)->s.tasks)

/* Sessions 7 of user 1 (a turn that ended, one that runs, one that waits) and 8 of user 2. */
static void given_tasks(struct fixture *f)
{
    struct answer a;
    struct nf_finished done;
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    (void)answer(&a, &got.claim, 1500);
    a.f.status = NF_TASK_FAILED;
    a.f.reason = "no model";
    assert_ok(f->s.turns->ops->finish(f->s.turns, &a.f, 901, &done, &f->err), &f->err);
    (void)given_message(f, 7, 2, "m2");
    (void)given_message(f, 7, 3, "m3");

    struct nf_session other = { .id = 8, .user_id = 2, .channel = "web" };
    struct nf_accept in = message(8, 4, "m4");
    in.user_id = 2;
    in.create = &other;
    assert_ok(f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err), &f->err);
}

static void assert_listed(struct fixture *f, struct nf_task_filter filter, const char *ids)
{
    char got[128] = "";
    size_t used = 0;
    nf_tasks_done(&f->tasks);
    if (filter.limit == 0)
        filter.limit = 9;
    assert_ok(TASKS(f)->ops->list(TASKS(f), &filter, &f->tasks, &f->err), &f->err);
    for (size_t i = 0; i < f->tasks.n; i++)
        used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%lld", i ? " " : "",
                                 (long long)f->tasks.v[i].id);
    assert_string_equal(got, ids);
}

static void turns_are_listed_newest_first_by_every_filter(void **state)
{
    struct fixture *f = *state;
    given_tasks(f);
    assert_listed(f, (struct nf_task_filter){ 0 }, "400 300 200 100");
    assert_listed(f, (struct nf_task_filter){ .limit = 2 }, "400 300");
    assert_listed(f, (struct nf_task_filter){ .before_id = 300 }, "200 100");
    assert_listed(f, (struct nf_task_filter){ .user_id = 1 }, "300 200 100");
    assert_listed(f, (struct nf_task_filter){ .user_id = 1, .before_id = 300, .limit = 1 }, "200");
    assert_listed(f, (struct nf_task_filter){ .user_id = 2, .session_id = 7 }, "");
    assert_listed(f, (struct nf_task_filter){ .session_id = 7 }, "300 200 100");
    assert_listed(f, (struct nf_task_filter){ .session_id = 7, .status = NF_TASK_PENDING }, "300");
    assert_listed(f, (struct nf_task_filter){ .status = NF_TASK_RUNNING }, "400 200");
    assert_listed(f, (struct nf_task_filter){ .user_id = 2, .status = NF_TASK_FAILED }, "");
}

static void titles_are_how_what_was_asked_begins(void **state)
{
    struct fixture *f = *state;
    NF_CLEANUP(nf_task_titles_done) struct nf_task_titles t = { 0 };
    char wide[4 * NF_TASK_ASKED_CHARS + 1] = "";
    struct nf_accepted got;
    given_tasks(f);
    for (size_t i = 0; i < NF_TASK_ASKED_CHARS; i++)
        memcpy(wide + 4 * i, "\xF0\x9F\x98\x80", 4);
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    assert_ok(nf_str_addf(&text, &f->err, "%s and more", wide), &f->err);
    struct nf_accept in = message(7, 5, "m5");
    in.content = nf_str_c(&text);
    assert_ok(f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err), &f->err);

    assert_ok(TASKS(f)->ops->titles(TASKS(f), 7, 3, &t, &f->err), &f->err);

    assert_int_equal(t.n, 3);
    assert_int_equal(t.v[0].id, 500);
    assert_string_equal(t.v[0].asked, wide); /* by characters, not bytes */
    assert_int_equal(t.v[0].status, NF_TASK_PENDING);
    assert_int_equal(t.v[1].id, 300);
    assert_string_equal(t.v[1].asked, message(7, 3, "m3").content);
    assert_int_equal(t.v[2].status, NF_TASK_RUNNING);
    nf_task_titles_done(&t);
    assert_ok(TASKS(f)->ops->titles(TASKS(f), 77, 3, &t, &f->err), &f->err);
    assert_int_equal(t.n, 0);
}

static void a_turn_is_listed_with_its_steps(void **state)
{
    struct fixture *f = *state;
    given_tasks(f);
    assert_listed(f, (struct nf_task_filter){ .turn_id = 100 }, "101 100");
    assert_listed(f, (struct nf_task_filter){ .turn_id = 100, .user_id = 2 }, "");
    assert_listed(f, (struct nf_task_filter){ .turn_id = 100, .session_id = 8 }, "");
    assert_listed(f, (struct nf_task_filter){ .turn_id = 100, .status = NF_TASK_COMPLETED }, "101");
    assert_listed(f, (struct nf_task_filter){ .turn_id = 100, .before_id = 101 }, "100");
}

static void a_task_of_somebody_else_is_not_found(void **state)
{
    struct fixture *f = *state;
    given_tasks(f);
    assert_ok(TASKS(f)->ops->get(TASKS(f), 100, 1, &f->task, &f->err), &f->err);
    assert_int_equal(f->task.status, NF_TASK_FAILED);
    assert_string_equal(f->task.reason, "no model");
    assert_int_equal(f->task.seq, 1);
    assert_int_equal(f->task.turn_id, 100);
    nf_task_done(&f->task);
    assert_code(TASKS(f)->ops->get(TASKS(f), 100, 2, &f->task, &f->err), NF_E_NOT_FOUND);
    assert_code(TASKS(f)->ops->get(TASKS(f), 555, 0, &f->task, &f->err), NF_E_NOT_FOUND);
}

static void changes_say_what_a_task_became_and_why(void **state)
{
    struct fixture *f = *state;
    given_tasks(f);
    assert_ok(TASKS(f)->ops->changes(TASKS(f), 100, &f->changes, &f->err), &f->err);
    assert_int_equal(f->changes.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(f->changes.v[i].n, i + 1);
        assert_int_equal(f->changes.v[i].task_id, 100);
    }
    assert_int_equal(f->changes.v[2].status, NF_TASK_FAILED);
    assert_string_equal(f->changes.v[2].reason, "no model");
    assert_string_equal(f->changes.v[1].reason, "");
}

static void a_reason_that_is_too_long_is_cut_at_a_character(void **state)
{
    struct fixture *f = *state;
    struct answer a;
    struct nf_finished done;
    char reason[NF_REASON_MAX + 3];
    given_session(f, 7);
    struct nf_accepted got = given_message(f, 7, 1, "m1");
    memset(reason, 'x', sizeof(reason));
    memcpy(reason + NF_REASON_MAX - 1, "\xc3\xa4", 3);
    (void)answer(&a, &got.claim, 1500);
    a.f.reason = reason;
    assert_ok(f->s.turns->ops->finish(f->s.turns, &a.f, 901, &done, &f->err), &f->err);

    assert_ok(TASKS(f)->ops->get(TASKS(f), 100, 1, &f->task, &f->err), &f->err);

    assert_int_equal(strlen(f->task.reason), NF_REASON_MAX - 1);
}

/* A turn of user 1 that ends at now_ms with one call of a model: 10 tokens in, 20 out. */
static void given_usage(struct fixture *f, int64_t session, int64_t n, const char *id,
                        int64_t now_ms)
{
    struct answer a;
    struct nf_finished done;
    struct nf_accepted got = given_message(f, session, n, id);
    (void)answer(&a, &got.claim, now_ms);
    assert_ok(f->s.turns->ops->finish(f->s.turns, &a.f, 900 + n, &done, &f->err), &f->err);
}

static void what_models_used_is_added_up_by_the_hour(void **state)
{
    struct fixture *f = *state;
    struct nf_usage_hours *h = &f->hours;
    given_session(f, 7);
    given_usage(f, 7, 1, "m1", NF_HOUR_MS - 1);
    given_usage(f, 7, 2, "m2", NF_HOUR_MS);
    given_usage(f, 7, 3, "m3", 2 * NF_HOUR_MS - 1);

    assert_ok(TASKS(f)->ops->usage(TASKS(f), 0, 0, h, &f->err), &f->err);
    assert_int_equal(h->n, 2);
    assert_int_equal(h->v[0].at_ms, 0);
    assert_int_equal(h->v[0].calls, 1);
    assert_int_equal(h->v[1].at_ms, NF_HOUR_MS);
    assert_int_equal(h->v[1].calls, 2);
    assert_string_equal(h->v[1].model, "p/m");
    assert_int_equal(h->v[1].tokens.input, 20);
    assert_int_equal(h->v[1].tokens.output, 40);
    assert_int_equal(h->v[1].tokens.cache_read, 0);
    nf_usage_hours_done(h);

    assert_ok(TASKS(f)->ops->usage(TASKS(f), 1, NF_HOUR_MS + 1, h, &f->err), &f->err);
    assert_int_equal(h->n, 1);
    assert_int_equal(h->v[0].calls, 1);
    nf_usage_hours_done(h);
    assert_ok(TASKS(f)->ops->usage(TASKS(f), 2, 0, h, &f->err), &f->err);
    assert_int_equal(h->n, 0);
    TORTURE(TASKS(f)->ops->usage(TASKS(f), 0, 0, h, &f->err), assert_int_equal(h->n, 0));
    assert_int_equal(h->n, 2);
}

static void out_of_memory_is_an_error_and_no_crash(void **state)
{
    struct fixture *f = *state;
    given_tasks(f);
    struct nf_task_filter filter = { .limit = 9 };
    TORTURE(TASKS(f)->ops->list(TASKS(f), &filter, &f->tasks, &f->err),
            assert_int_equal(f->tasks.n, 0));
    assert_int_equal(f->tasks.n, 4);
    TORTURE(TASKS(f)->ops->get(TASKS(f), 100, 0, &f->task, &f->err), (void)0);
    TORTURE(TASKS(f)->ops->changes(TASKS(f), 100, &f->changes, &f->err),
            assert_int_equal(f->changes.n, 0));
    assert_int_equal(f->changes.n, 3);
    struct nf_task_titles t = { 0 };
    TORTURE(TASKS(f)->ops->titles(TASKS(f), 7, 9, &t, &f->err), assert_int_equal(t.n, 0));
    assert_int_equal(t.n, 3);
    nf_task_titles_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_listed_newest_first_by_every_filter),
        cmocka_unit_test(titles_are_how_what_was_asked_begins),
        cmocka_unit_test(a_turn_is_listed_with_its_steps),
        cmocka_unit_test(a_task_of_somebody_else_is_not_found),
        cmocka_unit_test(changes_say_what_a_task_became_and_why),
        cmocka_unit_test(a_reason_that_is_too_long_is_cut_at_a_character),
        cmocka_unit_test(what_models_used_is_added_up_by_the_hour),
        cmocka_unit_test(out_of_memory_is_an_error_and_no_crash),
    };
    return RUN_SUITE("task_store", tests);
}
