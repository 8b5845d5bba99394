/* What falls out of a context is told in brief. */
#include "tests/unit/use_case_fixture.h"

#define LONG 3000 /* bytes: four such messages do not fit */

static int small_window(void **state)
{
    struct world *w = world_new();
    w->model.context_tokens = 3000;
    w->app.settings.summary_model = "small";
    w->app.settings.reply_tokens = 500;
    w->model.summary = "They spoke of x.";
    *state = w;
    return 0;
}

/* Write and answer a long message that begins with `id`. */
static void turn(struct world *w, const char *id)
{
    char text[LONG + 1];
    memset(text, 'x', LONG);
    memcpy(text, id, strlen(id));
    text[LONG] = '\0';
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, id, text);
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->control.status, NF_TASK_COMPLETED);
}

static void turns(struct world *w, int n)
{
    for (int i = 0; i < n; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "t%d", i);
        turn(w, id);
    }
}

static void what_fits_needs_no_summary(void **state)
{
    struct world *w = *state;
    turn(w, "first");
    assert_int_equal(w->model.summaries, 0);
}

static bool asked_with(struct world *w, const char *text)
{
    return strstr(w->model.context, text) != NULL;
}

static void what_does_not_fit_is_summarised_for_the_model(void **state)
{
    struct world *w = *state;
    struct nf_messages m = { 0 };
    turns(w, 4);
    assert_true(w->model.summaries > 0);
    assert_false(asked_with(w, "user:t0"));
    assert_true(asked_with(w, "user:t3"));
    assert_true(asked_with(w, "They spoke of x."));
    assert_ok(w->s.sessions->ops->messages(w->s.sessions, w->session, 0, 50, &m, &w->err), &w->err);
    assert_int_equal(m.n, 8); /* nothing of it is stored */
    nf_messages_done(&m);
}

static void a_summary_is_made_once_for_what_it_covers(void **state)
{
    struct world *w = *state;
    turns(w, 3);
    int made = w->model.summaries;
    assert_true(made > 0);
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "short", "short");
    assert_ok(answer(w), &w->err);
    assert_int_equal(w->model.summaries, made);
}

static void without_its_model_the_context_shrinks_all_the_same(void **state)
{
    struct world *w = *state;
    w->model.summary = NULL;
    turns(w, 4);
    assert_true(w->model.summaries > 0);
}

static void an_empty_summary_is_none(void **state)
{
    struct world *w = *state;
    w->model.summary = "";
    turns(w, 4);
    assert_true(w->model.summaries > 1); /* it is tried again */
}

static void switched_off_nobody_is_asked(void **state)
{
    struct world *w = *state;
    w->app.settings.summary_model = "";
    turns(w, 4);
    assert_int_equal(w->model.summaries, 0);
}

/* The summarising model itself: it gets the beginning of a message longer than its window. */
static void of_a_message_longer_than_the_window_the_beginning_is_summarised(void **state)
{
    static char text[60001];
    struct world *w = *state;
    memset(text, 'x', 60000);
    memcpy(text, "Remember 42", 11);
    w->model.context_tokens = 100000;
    MODEL_SAYS(w, { .text = "yes" });
    write_message(w, "long", text);
    assert_ok(answer(w), &w->err);
    w->model.context_tokens = 3000;
    write_message(w, "short", "short");
    assert_ok(answer(w), &w->err);
    assert_true(w->model.summaries > 0);
    assert_non_null(strstr(w->model.summarised, "user: Remember 42"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, small_window, teardown)
    const struct CMUnitTest tests[] = {
        T(what_fits_needs_no_summary),
        T(what_does_not_fit_is_summarised_for_the_model),
        T(a_summary_is_made_once_for_what_it_covers),
        T(without_its_model_the_context_shrinks_all_the_same),
        T(an_empty_summary_is_none),
        T(switched_off_nobody_is_asked),
        T(of_a_message_longer_than_the_window_the_beginning_is_summarised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
