/* Replaying runs: whoever was away gets exactly what is missing. */
#include "application/run_log.h"
#include "base/own.h"
#include "base/utf8.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static size_t below(size_t n) /* xorshift64* */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)((state * UINT64_C(2685821657736338717)) >> 33) % n;
}

/* --- what a client makes of events ------------------------------------------------------------ */

/* The events as text; a text that comes in pieces reads like one that comes as a whole. */
struct client {
    struct nf_str seen;
    int64_t seq; /* of the newest event it got */
    size_t events, stop_after;
};

static void put(struct nf_str *s, const char *text, size_t n)
{
    struct nf_err err;

    s->max = (size_t)1 << 24;
    assert_ok(nf_str_add(s, text, n, &err), &err);
}

static void put_number(struct nf_str *s, int64_t n)
{
    char digits[32];

    put(s, digits, (size_t)snprintf(digits, sizeof(digits), " %lld", (long long)n));
}

static bool receive(void *arg, const struct nf_run_event *e)
{
    struct client *c = arg;

    assert_true(e->seq > c->seq);
    assert_int_equal(e->run_id, 77);
    assert_int_equal(e->session_id, 5);
    assert_int_equal(e->user_id, 3);
    c->seq = e->seq;
    c->events++;
    if (e->type != NF_RUN_TEXT && e->type != NF_RUN_TOOL_ARGS) {
        put(&c->seen, "\n", 1);
        put_number(&c->seen, e->type);
        put_number(&c->seen, e->message);
        put_number(&c->seen, e->input_seq);
        put_number(&c->seen, e->tokens.output);
        put_number(&c->seen, e->stopped + 2 * e->is_error);
        for (int i = 0; i < 3; i++) {
            const char *s = i == 0 ? e->call_id : i == 1 ? e->name : e->model;

            put(&c->seen, ",", 1);
            put(&c->seen, s ? s : "-", strlen(s ? s : "-"));
        }
        put(&c->seen, ":", 1);
    }
    assert_true(nf_utf8_valid(e->text.p, e->text.n));
    put(&c->seen, e->text.p, e->text.n);
    return c->events != c->stop_after;
}

/* --- a run ------------------------------------------------------------------------------------ */

#define EVENTS 400

struct fixture {
    struct nf_task run;
    struct nf_messages messages;
    struct nf_run_event live[EVENTS];
    size_t live_n;
    struct nf_run_cursor cursor;
    struct client whole, part;
    struct nf_err err;
};

static int setup(void **data)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->run = (struct nf_task){ .id = 77, .session_id = 5, .user_id = 3, .seq = 9, .fence = 12 };
    f->run.status = NF_TASK_COMPLETED;
    memcpy(f->run.name, "test/model", 11);
    f->run.tokens = (struct nf_tokens){ .input = 10, .output = 20 };
    f->cursor.fence = f->run.fence;
    *data = f;
    return 0;
}

static int teardown(void **data)
{
    struct fixture *f = *data;

    nf_messages_done(&f->messages);
    nf_task_done(&f->run);
    nf_str_done(&f->whole.seen);
    nf_str_done(&f->part.seen);
    free(f);
    return 0;
}

static void happen(struct fixture *f, struct nf_run_event e)
{
    assert_true(f->live_n < EVENTS);
    e.user_id = 3;
    e.session_id = 5;
    e.run_id = 77;
    nf_run_stamp(&f->cursor, &e);
    f->live[f->live_n++] = e;
}

static struct nf_message *say(struct fixture *f, enum nf_role role, const char *content)
{
    struct nf_message m = { .role = role };

    assert_ok(nf_strdup(content, &m.content, &f->err), &f->err);
    assert_ok(nf_messages_push(&f->messages, &m, &f->err), &f->err);
    return &f->messages.v[f->messages.n - 1];
}

static const char *const texts[] = {
    "Short.",
    "\xe4\xbd\xa0\xe5\xa5\xbd\xef\xbc\x8c\xe4\xb8\x96\xe7\x95\x8c",
    "smile \xf0\x9f\x98\x80 \xf0\x9f\x98\x81\xf0\x9f\x98\x82 and caf\xc3\xa9",
    "{\"city\":\"Z\xc3\xbcrich\",\"days\":3}",
};

static const char *any_text(void)
{
    return texts[below(sizeof(texts) / sizeof(texts[0]))];
}

/* A text in pieces of any size, as a model streams it. */
static void happen_in_pieces(struct fixture *f, struct nf_run_event e, const char *text)
{
    size_t n = strlen(text);

    for (size_t at = 0; at < n;) {
        size_t piece = nf_utf8_cut(text + at, n - at, 1 + below(n));

        if (piece == 0)
            continue;
        e.text = (struct nf_slice){ text + at, piece };
        happen(f, e);
        at += piece;
    }
}

static void answer_with_calls(struct fixture *f, size_t calls, bool with_text)
{
    struct nf_message *m;
    size_t at;

    m = say(f, NF_ROLE_ASSISTANT, with_text ? any_text() : "");
    memcpy(m->model, "test/model", 11);
    if (with_text) {
        happen(f, (struct nf_run_event){ .type = NF_RUN_TEXT_START });
        happen_in_pieces(f, (struct nf_run_event){ .type = NF_RUN_TEXT }, m->content);
        happen(f, (struct nf_run_event){ .type = NF_RUN_TEXT_END });
    }
    at = f->messages.n - 1;
    for (size_t i = 0; i < calls; i++) {
        struct nf_part *p;

        assert_ok(nf_parts_add(&m->parts, NF_PART_TOOL_CALL, &p, &f->err), &f->err);
        assert_ok(nf_strdup(i ? "call-b" : "call-a", &p->call_id, &f->err), &f->err);
        assert_ok(nf_strdup("search", &p->name, &f->err), &f->err);
        assert_ok(nf_strdup(any_text(), &p->args, &f->err), &f->err);
        happen(f, (struct nf_run_event){
                      .type = NF_RUN_TOOL_START, .call_id = p->call_id, .name = p->name });
        happen_in_pieces(
            f, (struct nf_run_event){ .type = NF_RUN_TOOL_ARGS, .call_id = p->call_id }, p->args);
        happen(f, (struct nf_run_event){ .type = NF_RUN_TOOL_END, .call_id = p->call_id });
    }
    for (size_t i = 0; i < calls; i++) {
        struct nf_part *p;

        m = say(f, NF_ROLE_TOOL, "");
        assert_ok(nf_parts_add(&m->parts, NF_PART_TOOL_RESULT, &p, &f->err), &f->err);
        assert_ok(nf_strdup(f->messages.v[at].parts.v[i].call_id, &p->call_id, &f->err), &f->err);
        assert_ok(nf_strdup(any_text(), &p->text, &f->err), &f->err);
        p->is_error = below(3) == 0;
        happen(f, (struct nf_run_event){ .type = NF_RUN_TOOL_RESULT,
                                         .call_id = p->call_id,
                                         .text = nf_slice_of(p->text),
                                         .is_error = p->is_error });
    }
}

static void happen_end(struct fixture *f, enum nf_task_status status)
{
    f->run.status = status;
    if (status == NF_TASK_FAILED) {
        struct nf_message *m = say(f, NF_ROLE_NOTICE, "It broke: try again.");

        happen(f, (struct nf_run_event){ .type = NF_RUN_ERROR, .text = nf_slice_of(m->content) });
        return;
    }
    if (status == NF_TASK_CANCELLED)
        say(f, NF_ROLE_NOTICE, "Stopped.");
    happen(f, (struct nf_run_event){ .type = NF_RUN_FINISHED,
                                     .model = f->run.name,
                                     .tokens = f->run.tokens,
                                     .stopped = status == NF_TASK_CANCELLED });
}

static void happen_at_random(struct fixture *f)
{
    static const enum nf_task_status ends[] = { NF_TASK_COMPLETED, NF_TASK_FAILED,
                                                NF_TASK_CANCELLED };

    say(f, NF_ROLE_USER, "question");
    happen(f, (struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = 9 });
    for (size_t rounds = below(4); rounds > 0; rounds--)
        answer_with_calls(f, 1 + below(2), below(3) > 0);
    if (below(4) > 0)
        answer_with_calls(f, 0, true);
    happen_end(f, ends[below(3)]);
}

static void replay(struct fixture *f, struct client *c, int64_t after)
{
    nf_run_replay(&f->run, &f->messages, after, receive, c);
}

static void assert_same(const struct fixture *f)
{
    assert_string_equal(nf_str_c(&f->part.seen), nf_str_c(&f->whole.seen));
}

static void clear(struct client *c)
{
    nf_str_reset(&c->seen);
    c->seq = 0;
    c->events = 0;
}

/* --- the property ----------------------------------------------------------------------------- */

static void live_up_to_any_event_and_replayed_from_there_is_the_whole_and_nothing_twice(void **data)
{
    int runs = getenv("NF_UNDER_VALGRIND") ? 30 : 1500;
    (void)data;

    state = UINT64_C(0x2545f4914f6cdd1d);
    for (int i = 0; i < runs; i++) {
        void *fixture;
        struct fixture *f;

        setup(&fixture);
        f = fixture;
        happen_at_random(f);
        for (size_t k = 0; k < f->live_n; k++)
            receive(&f->whole, &f->live[k]);
        for (size_t cut = 0; cut <= f->live_n; cut++) {
            clear(&f->part);
            for (size_t k = 0; k < cut; k++)
                receive(&f->part, &f->live[k]);
            replay(f, &f->part, f->part.seq);
            assert_same(f);
            assert_int_equal(f->part.seq, f->whole.seq);
        }
        teardown(&fixture);
    }
}

/* --- single cases ----------------------------------------------------------------------------- */

static void an_empty_run_starts_and_ends(void **data)
{
    struct fixture *f = *data;

    replay(f, &f->part, 0);

    assert_int_equal(f->part.events, 2);
    assert_int_equal(f->part.seq, nf_run_seq(12, 2));
}

static void positions_count_bytes_of_text_and_ones_for_the_rest(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "twelve bytes");

    replay(f, &f->part, 0);

    assert_int_equal(f->part.seq, nf_run_seq(12, 1 + 1 + 12 + 1 + 1));
}

static void texts_are_numbered_from_their_start_to_their_end(void **data)
{
    static const enum nf_run_event_type types[] = { NF_RUN_TEXT_START, NF_RUN_TEXT, NF_RUN_TEXT,
                                                    NF_RUN_TEXT_END };
    struct fixture *f = *data;

    for (int text = 0; text < 3; text++)
        for (size_t i = 0; i < 4; i++) {
            struct nf_run_event e = { .type = types[i], .text = NF_SLICE("x") };

            nf_run_stamp(&f->cursor, &e);
            assert_int_equal(e.message, text);
        }
}

static void an_earlier_attempt_was_seen_in_vain(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "text");

    replay(f, &f->whole, 0);
    replay(f, &f->part, nf_run_seq(11, 500));

    assert_same(f);
}

static void whoever_is_ahead_gets_nothing(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "text");

    replay(f, &f->whole, 0);
    replay(f, &f->part, f->whole.seq);
    replay(f, &f->part, nf_run_seq(13, 0));

    assert_int_equal(f->part.events, 0);
}

static void a_made_up_position_inside_a_character_gets_whole_characters(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "\xe4\xbd\xa0\xe5\xa5\xbd");

    for (int64_t pos = 2; pos <= 8; pos++) {
        clear(&f->part);
        replay(f, &f->part, nf_run_seq(12, pos)); /* receive checks the UTF-8 */
        assert_int_equal(f->part.events, pos <= 5 ? 3 : 2);
        if (pos < 2 + 6 && pos > 2 + 3)
            assert_null(strstr(nf_str_c(&f->part.seen), "\xe5\xa5\xbd"));
    }
}

static void a_turn_that_never_began_has_no_events(void **data)
{
    struct fixture *f = *data;
    f->run.fence = 0;
    f->run.status = NF_TASK_CANCELLED;

    replay(f, &f->part, 0);

    assert_int_equal(f->part.events, 0);
}

static void a_failed_run_tells_its_notice_else_its_reason(void **data)
{
    struct fixture *f = *data;
    f->run.status = NF_TASK_FAILED;
    memcpy(f->run.reason, "the reason", 11);

    replay(f, &f->whole, 0);
    say(f, NF_ROLE_NOTICE, "the notice");
    replay(f, &f->part, 0);

    assert_non_null(strstr(nf_str_c(&f->whole.seen), ":the reason"));
    assert_non_null(strstr(nf_str_c(&f->part.seen), ":the notice"));
}

static void a_reader_that_has_enough_is_not_called_again(void **data)
{
    struct fixture *f = *data;
    say(f, NF_ROLE_ASSISTANT, "text");

    for (size_t n = 1; n <= 4; n++) {
        clear(&f->part);
        f->part.stop_after = n;
        replay(f, &f->part, 0);
        assert_int_equal(f->part.events, n);
    }
}

static void a_run_longer_than_its_positions_still_ends(void **data)
{
    struct fixture *f = *data;
    struct nf_run_event text = { .type = NF_RUN_TEXT, .text = { NULL, (size_t)NF_RUN_POS_MAX } };
    struct nf_run_event more = { .type = NF_RUN_TEXT_END };
    struct nf_run_event end = { .type = NF_RUN_FINISHED };
    (void)f;

    nf_run_stamp(&f->cursor, &text);
    nf_run_stamp(&f->cursor, &more);
    nf_run_stamp(&f->cursor, &end);

    assert_int_equal(text.seq, nf_run_seq(12, NF_RUN_POS_MAX - 1));
    assert_int_equal(more.seq, nf_run_seq(12, NF_RUN_POS_MAX - 1));
    assert_int_equal(end.seq, nf_run_seq(12, NF_RUN_POS_MAX));
    assert_true(end.seq < nf_run_seq(13, 0));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            live_up_to_any_event_and_replayed_from_there_is_the_whole_and_nothing_twice),
        TEST(an_empty_run_starts_and_ends),
        TEST(positions_count_bytes_of_text_and_ones_for_the_rest),
        TEST(texts_are_numbered_from_their_start_to_their_end),
        TEST(an_earlier_attempt_was_seen_in_vain),
        TEST(whoever_is_ahead_gets_nothing),
        TEST(a_made_up_position_inside_a_character_gets_whole_characters),
        TEST(a_turn_that_never_began_has_no_events),
        TEST(a_failed_run_tells_its_notice_else_its_reason),
        TEST(a_reader_that_has_enough_is_not_called_again),
        TEST(a_run_longer_than_its_positions_still_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
