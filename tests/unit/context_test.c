/* The context builder, case by case. */
#include "application/context.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct nf_messages history;
    struct nf_completion_request r;
    struct nf_context_report report;
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
    nf_messages_done(&f->history);
    nf_completion_request_done(&f->r);
    free(f);
    return 0;
}

static struct nf_message *say(struct fixture *f, enum nf_role role, const char *content)
{
    struct nf_message m = { .role = role };

    assert_ok(nf_strdup(content, &m.content, &f->err), &f->err);
    assert_ok(nf_messages_push(&f->history, &m, &f->err), &f->err);
    return &f->history.v[f->history.n - 1];
}

static void add(struct fixture *f, struct nf_message *m, enum nf_part_type type, const char *id,
                const char *what)
{
    struct nf_part *p;

    assert_ok(nf_parts_add(&m->parts, type, &p, &f->err), &f->err);
    if (id)
        assert_ok(nf_strdup(id, &p->call_id, &f->err), &f->err);
    if (type == NF_PART_TOOL_CALL) {
        assert_ok(nf_strdup(what, &p->name, &f->err), &f->err);
        assert_ok(nf_strdup("{}", &p->args, &f->err), &f->err);
    } else {
        assert_ok(nf_strdup(what, &p->text, &f->err), &f->err);
    }
}

/* A text of n bytes. */
static const char *long_text(size_t n)
{
    static char text_of[400001];

    assert_true(n < sizeof(text_of));
    memset(text_of, 'x', n);
    text_of[n] = '\0';
    return text_of;
}

static enum nf_code build_in(struct fixture *f, int64_t window, int64_t reply)
{
    struct nf_context_input in = { .system = "Be brief.",
                                   .summary = "",
                                   .history = &f->history,
                                   .window_tokens = window,
                                   .reply_tokens = reply };

    nf_completion_request_done(&f->r);
    nf_completion_request_init(&f->r);
    return nf_context_build(&in, &f->r, &f->report, &f->err);
}

static const struct nf_part *sent(const struct fixture *f, size_t message, size_t at)
{
    assert_true(message < f->r.messages_n && at < f->r.messages[message].parts.n);
    return &f->r.messages[message].parts.v[at];
}

static void tokens_are_a_third_of_the_bytes_and_three_for_four_byte_characters(void **data)
{
    (void)data;
    assert_int_equal(nf_tokens_of("", 0), 0);
    assert_int_equal(nf_tokens_of("abc", 3), 1);
    assert_int_equal(nf_tokens_of("abcd", 4), 2);
    assert_int_equal(nf_tokens_of("\xe4\xb8\xad\xe6\x96\x87", 6), 2);
    assert_int_equal(nf_tokens_of("\xf0\x9f\x98\x80", 4), 3);
    assert_int_equal(nf_tokens_of("0123456789\xf0\x9f\x98\x80", 14), 7);
}

static void what_fits_is_sent_as_it_is_without_notices(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, "question");
    say(f, NF_ROLE_ASSISTANT, "answer");
    say(f, NF_ROLE_NOTICE, "for the person only");
    say(f, NF_ROLE_USER, "next");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 3);
    assert_string_equal(f->r.system.v[0].text, "Be brief.");
    assert_string_equal(sent(f, 0, 0)->text, "question");
    assert_string_equal(sent(f, 1, 0)->text, "answer");
    assert_string_equal(sent(f, 2, 0)->text, "next");
    assert_int_equal(f->report.steps, 0);
    assert_int_equal(f->report.dropped, 0);
    assert_int_equal(f->r.max_tokens, 0);
}

static void add_round(struct fixture *f, const char *id, size_t result_bytes)
{
    add(f, say(f, NF_ROLE_ASSISTANT, ""), NF_PART_TOOL_CALL, id, "search");
    add(f, say(f, NF_ROLE_TOOL, ""), NF_PART_TOOL_RESULT, id, long_text(result_bytes));
}

static void old_tool_results_are_shortened_before_anything_is_dropped(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, "first");
    add_round(f, "old", 9000);
    say(f, NF_ROLE_ASSISTANT, "done");
    say(f, NF_ROLE_USER, "second");
    add_round(f, "new", 6000);

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->report.steps, 1);
    assert_int_equal(f->report.shortened, 1);
    assert_int_equal(f->r.messages_n, 7);
    assert_non_null(strstr(sent(f, 2, 0)->text, " bytes left out "));
    assert_true(strlen(sent(f, 2, 0)->text) <= 384);
    assert_int_equal(strlen(sent(f, 6, 0)->text), 6000);
}

static void whole_turns_are_dropped_oldest_first(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, "first");
    say(f, NF_ROLE_ASSISTANT, long_text(7000));
    say(f, NF_ROLE_NOTICE, "notice");
    say(f, NF_ROLE_USER, "second");
    say(f, NF_ROLE_ASSISTANT, long_text(5000));
    say(f, NF_ROLE_USER, "third");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->report.steps, 2);
    assert_int_equal(f->report.dropped, 3);
    assert_int_equal(f->r.messages_n, 3);
    assert_string_equal(sent(f, 0, 0)->text, "second");
}

static void an_answer_whose_question_was_not_read_is_left_out(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "answer");
    say(f, NF_ROLE_USER, "question");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 1);
    assert_int_equal(f->report.dropped, 1);
}

static void older_rounds_of_the_current_turn_go_before_the_newest_is_cut(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, "question");
    for (int i = 0; i < 40; i++)
        add_round(f, "same", 600);
    add_round(f, "newest", 8000);

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->report.steps, 2);
    assert_true(f->report.rounds > 0 && f->report.rounds < 40);
    assert_int_equal(f->r.messages_n, 1 + 2 * (41 - f->report.rounds));
    assert_int_equal(strlen(sent(f, f->r.messages_n - 1, 0)->text), 8000);
}

static void the_newest_result_is_cut_before_the_newest_question(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, long_text(6000)); /* most of the room */
    add_round(f, "id", 300000);

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->report.steps, 3);
    assert_int_equal(strlen(sent(f, 0, 0)->text), 6000);
    assert_non_null(strstr(sent(f, 2, 0)->text, " bytes left out "));
    assert_true(f->report.tokens > 3000); /* not more is cut than must be */
}

static void the_newest_question_is_cut_last_and_says_so(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, long_text(200000));
    add_round(f, "id", 300000);

    assert_ok(build_in(f, 8192, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 3);
    assert_non_null(strstr(sent(f, 0, 0)->text, " bytes left out "));
    assert_non_null(strstr(sent(f, 2, 0)->text, " bytes left out "));
    assert_int_equal(f->report.shortened, 2);
}

static void a_call_without_a_result_is_closed_and_a_result_without_a_call_left_out(void **data)
{
    struct fixture *f = *data;
    struct nf_message *m;
    say(f, NF_ROLE_USER, "question");
    m = say(f, NF_ROLE_ASSISTANT, "");
    add(f, m, NF_PART_TOOL_CALL, "a", "search");
    add(f, m, NF_PART_TOOL_CALL, "b", "fetch");
    add(f, say(f, NF_ROLE_TOOL, ""), NF_PART_TOOL_RESULT, "b", "found");
    add(f, say(f, NF_ROLE_TOOL, ""), NF_PART_TOOL_RESULT, "c", "whose?");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 3);
    assert_int_equal(f->r.messages[2].parts.n, 2);
    assert_string_equal(sent(f, 2, 0)->call_id, "a");
    assert_true(sent(f, 2, 0)->is_error);
    assert_string_equal(sent(f, 2, 0)->name, "search");
    assert_string_equal(sent(f, 2, 1)->call_id, "b");
    assert_string_equal(sent(f, 2, 1)->text, "found");
}

static void a_notice_does_not_part_a_call_from_its_result(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_NOTICE, "before everything");
    say(f, NF_ROLE_USER, "question");
    add(f, say(f, NF_ROLE_ASSISTANT, ""), NF_PART_TOOL_CALL, "a", "search");
    say(f, NF_ROLE_NOTICE, "still searching");
    add(f, say(f, NF_ROLE_TOOL, ""), NF_PART_TOOL_RESULT, "a", "found");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 3);
    assert_string_equal(sent(f, 2, 0)->text, "found");
    assert_int_equal(f->report.dropped, 0);
}

static void a_reply_of_nothing_but_thinking_is_left_out(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, "question");
    add(f, say(f, NF_ROLE_ASSISTANT, ""), NF_PART_THINKING, NULL, "hm");
    say(f, NF_ROLE_ASSISTANT, "");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages_n, 1);
}

static void calls_that_share_an_id_get_their_results_in_order(void **data)
{
    struct fixture *f = *data;
    struct nf_message *m;
    say(f, NF_ROLE_USER, "question");
    m = say(f, NF_ROLE_ASSISTANT, "");
    add(f, m, NF_PART_TOOL_CALL, "x", "one");
    add(f, m, NF_PART_TOOL_CALL, "x", "two");
    m = say(f, NF_ROLE_TOOL, "");
    add(f, m, NF_PART_TOOL_RESULT, "x", "first");
    add(f, m, NF_PART_TOOL_RESULT, "x", "second");
    add(f, m, NF_PART_TOOL_RESULT, "x", "third");

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages[2].parts.n, 2);
    assert_string_equal(sent(f, 2, 0)->text, "first");
    assert_string_equal(sent(f, 2, 1)->text, "second");
}

static void thinking_goes_first_in_the_current_turn_and_nowhere_else(void **data)
{
    struct fixture *f = *data;
    for (int i = 0; i < 2; i++) {
        struct nf_message *m;

        say(f, NF_ROLE_USER, "question");
        m = say(f, NF_ROLE_ASSISTANT, "");
        add(f, m, NF_PART_TEXT, NULL, "let me see");
        add(f, m, NF_PART_TOOL_CALL, "a", "search");
        add(f, m, NF_PART_THINKING, NULL, "hm");
        add(f, say(f, NF_ROLE_TOOL, ""), NF_PART_TOOL_RESULT, "a", "found");
    }

    assert_ok(build_in(f, 4096, 1000), &f->err);

    assert_int_equal(f->r.messages[1].parts.n, 2);
    assert_int_equal(sent(f, 1, 0)->type, NF_PART_TEXT);
    assert_int_equal(f->r.messages[4].parts.n, 3);
    assert_int_equal(sent(f, 4, 0)->type, NF_PART_THINKING);
    assert_int_equal(sent(f, 4, 1)->type, NF_PART_TEXT);
    assert_int_equal(sent(f, 4, 2)->type, NF_PART_TOOL_CALL);
}

static void an_image_too_large_for_the_window_leaves_a_mark(void **data)
{
    struct fixture *f = *data;
    struct nf_message *m = say(f, NF_ROLE_USER, "what is this?");
    add(f, m, NF_PART_TEXT, NULL, "what is this?");
    add(f, m, NF_PART_IMAGE, NULL, "");

    assert_ok(build_in(f, 2000, 1000), &f->err);

    assert_int_equal(f->r.messages[0].parts.n, 2);
    assert_string_equal(sent(f, 0, 0)->text, "what is this?");
    assert_int_equal(sent(f, 0, 1)->type, NF_PART_TEXT);
    assert_non_null(strstr(sent(f, 0, 1)->text, "left out"));
}

static void the_summary_takes_a_quarter_of_the_room_at_most(void **data)
{
    struct fixture *f = *data;
    struct nf_context_input in = { .system = "",
                                   .summary = long_text(100000),
                                   .history = &f->history,
                                   .window_tokens = 4096,
                                   .reply_tokens = 96 };
    say(f, NF_ROLE_USER, "question");

    assert_ok(nf_context_build(&in, &f->r, &f->report, &f->err), &f->err);

    assert_int_equal(f->r.system.n, 1);
    assert_in_range(strlen(f->r.system.v[0].text), 2900, 3000);
    assert_true(strncmp(f->r.system.v[0].text, "What was said earlier", 21) == 0);
    assert_string_equal(sent(f, 0, 0)->text, "question");
}

static void a_reserve_over_half_of_the_window_is_cut_to_half_and_asked_for(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_USER, long_text(30000));

    assert_ok(build_in(f, 8192, 4096), &f->err);
    assert_int_equal(f->r.max_tokens, 0);
    assert_in_range(f->report.tokens, 4090, 4096);

    assert_ok(build_in(f, 8192, 4097), &f->err);
    assert_int_equal(f->r.max_tokens, 4096);
    assert_in_range(f->report.tokens, 4090, 4096);
}

static void no_room_at_all_is_refused_and_one_token_more_is_enough(void **data)
{
    struct fixture *f = *data;
    int64_t need = (int64_t)nf_tokens_of("Be brief.", 9) + 8 + 8 + 8 + 32;
    say(f, NF_ROLE_USER, long_text(1000));

    assert_code(build_in(f, need - 1, 0), NF_E_LIMIT);
    assert_non_null(strstr(f->err.msg, "larger window"));
    assert_code(build_in(f, 0, 0), NF_E_LIMIT);
    assert_ok(build_in(f, need, 0), &f->err);
    assert_true(strlen(sent(f, 0, 0)->text) <= 96);
}

static void a_history_without_a_user_is_refused(void **data)
{
    struct fixture *f = *data;
    assert_code(build_in(f, 4096, 0), NF_E_INVALID);
    say(f, NF_ROLE_ASSISTANT, "hello");
    say(f, NF_ROLE_USER, "");
    assert_code(build_in(f, 4096, 0), NF_E_INVALID);
}

static void more_messages_than_a_request_holds_are_dropped(void **data)
{
    struct fixture *f = *data;
    size_t n = NF_REQUEST_MESSAGES_MAX + 3;
    /* Not said one by one: growing a list so often is slow under AddressSanitizer. */
    f->history = (struct nf_messages){ .v = calloc(n, sizeof(*f->history.v)), .n = n };
    for (size_t i = 0; i < n; i++) {
        f->history.v[i].role = i % 2 ? NF_ROLE_ASSISTANT : NF_ROLE_USER;
        assert_ok(nf_strdup(i + 1 < n ? "x" : "newest", &f->history.v[i].content, &f->err),
                  &f->err);
    }

    assert_ok(build_in(f, INT64_C(1) << 30, 0), &f->err);

    assert_int_equal(f->r.messages_n, NF_REQUEST_MESSAGES_MAX - 1);
    assert_string_equal(sent(f, f->r.messages_n - 1, 0)->text, "newest");
}

static void results_count_as_messages(void **data)
{
    struct fixture *f = *data;
    size_t turns = 5463; /* of three messages each: six too many with the newest */
    f->history = (struct nf_messages){ .v = calloc(2 * turns + 1, sizeof(*f->history.v)),
                                       .n = 2 * turns + 1 };
    for (size_t i = 0; i < f->history.n; i++) {
        f->history.v[i].role = i % 2 ? NF_ROLE_ASSISTANT : NF_ROLE_USER;
        if (i % 2)
            add(f, &f->history.v[i], NF_PART_TOOL_CALL, "id", "search");
        else
            assert_ok(nf_strdup("x", &f->history.v[i].content, &f->err), &f->err);
    }

    assert_ok(build_in(f, INT64_C(1) << 30, 0), &f->err);

    assert_int_equal(f->r.messages_n, NF_REQUEST_MESSAGES_MAX);
}

static void running_out_of_memory_leaks_nothing(void **data)
{
    struct fixture *f = *data;
    struct nf_context_input in = { .system = "Be brief.",
                                   .summary = "long ago",
                                   .history = &f->history,
                                   .window_tokens = 2000,
                                   .reply_tokens = 100 };
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;
    say(f, NF_ROLE_USER, "first");
    add_round(f, "a", 3000);
    add(f, say(f, NF_ROLE_USER, "x"), NF_PART_IMAGE, NULL, "");
    add_round(f, "b", 9000);

    while (rc == NF_E_NOMEM && n < 200) {
        nf_completion_request_done(&f->r);
        nf_completion_request_init(&f->r);
        nf_fail_alloc_at(++n);
        rc = nf_context_build(&in, &f->r, NULL, &f->err);
        nf_fail_alloc_at(0);
    }

    assert_ok(rc, &f->err);
    assert_true(n > 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tokens_are_a_third_of_the_bytes_and_three_for_four_byte_characters),
        TEST(what_fits_is_sent_as_it_is_without_notices),
        TEST(old_tool_results_are_shortened_before_anything_is_dropped),
        TEST(whole_turns_are_dropped_oldest_first),
        TEST(an_answer_whose_question_was_not_read_is_left_out),
        TEST(older_rounds_of_the_current_turn_go_before_the_newest_is_cut),
        TEST(the_newest_result_is_cut_before_the_newest_question),
        TEST(the_newest_question_is_cut_last_and_says_so),
        TEST(a_call_without_a_result_is_closed_and_a_result_without_a_call_left_out),
        TEST(a_notice_does_not_part_a_call_from_its_result),
        TEST(a_reply_of_nothing_but_thinking_is_left_out),
        TEST(calls_that_share_an_id_get_their_results_in_order),
        TEST(thinking_goes_first_in_the_current_turn_and_nowhere_else),
        TEST(an_image_too_large_for_the_window_leaves_a_mark),
        TEST(the_summary_takes_a_quarter_of_the_room_at_most),
        TEST(a_reserve_over_half_of_the_window_is_cut_to_half_and_asked_for),
        TEST(no_room_at_all_is_refused_and_one_token_more_is_enough),
        TEST(a_history_without_a_user_is_refused),
        TEST(more_messages_than_a_request_holds_are_dropped),
        TEST(results_count_as_messages),
        TEST(running_out_of_memory_leaks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
