/* The events of a run under way: whoever joins in its middle gets exactly the rest. */
#include "channels/web/live_run.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#define FENCE 5

struct recording {
    struct nf_run_event v[400];
    char text[16384];
    size_t n, used, stop_after;
};

static bool record(void *arg, const struct nf_run_event *e)
{
    struct recording *r = arg;
    assert_true(r->n < 400 && r->used + e->text.n < sizeof(r->text));
    struct nf_run_event *to = &r->v[r->n++];
    *to = *e;
    to->text.p = r->text + r->used;
    if (e->text.n)
        memcpy(r->text + r->used, e->text.p, e->text.n);
    r->used += e->text.n;
    return r->stop_after == 0 || r->n < r->stop_after;
}

static unsigned seed;

static unsigned dice(unsigned sides)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % sides;
}

static void add(struct nf_live_run *run, struct nf_run_cursor *c, struct nf_run_event e)
{
    struct nf_err err;
    nf_run_stamp(c, &e);
    assert_ok(nf_live_run_add(run, &e, &err), &err);
}

/* Texts in pieces cut anywhere, also within a character; calls and results in between. */
static void make_run(struct nf_live_run *run)
{
    static const char text[] = "Gr\xc3\xbc\xc3\x9f"
                               "e \xf0\x9f\x95\x90 and so on";
    struct nf_run_cursor c = { .fence = FENCE };
    add(run, &c, (struct nf_run_event){ .type = NF_RUN_STARTED, .input_seq = 9 });
    for (unsigned i = dice(6) + 1; i > 0; i--) {
        if (dice(2)) {
            char args[] = "{\"a\":1}"; /* gone after the call: it must be copied */
            char id[] = "c1", name[] = "clock";
            add(run, &c,
                (struct nf_run_event){ .type = NF_RUN_TOOL_START, .call_id = id, .name = name });
            add(run, &c,
                (struct nf_run_event){
                    .type = NF_RUN_TOOL_ARGS, .call_id = id, .text = { args, strlen(args) } });
            add(run, &c, (struct nf_run_event){ .type = NF_RUN_TOOL_END, .call_id = id });
            add(run, &c,
                (struct nf_run_event){ .type = NF_RUN_TOOL_RESULT,
                                       .call_id = id,
                                       .text = NF_SLICE("noon"),
                                       .is_error = dice(2) });
            memset(args, '#', sizeof(args) - 1);
            memset(id, '#', sizeof(id) - 1);
            memset(name, '#', sizeof(name) - 1);
            continue;
        }
        add(run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT_START });
        for (size_t at = 0; at < sizeof(text) - 1;) {
            size_t n = dice(5) + 1;
            n = n > sizeof(text) - 1 - at ? sizeof(text) - 1 - at : n;
            add(run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT, .text = { text + at, n } });
            at += n;
        }
        if (i > 1)
            add(run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT_END });
    }
}

static bool is_cut(const struct nf_run_event *e)
{
    return e->type == NF_RUN_TEXT || e->type == NF_RUN_TOOL_ARGS;
}

/* What lies behind `after`, worked out from the whole. */
static void expect_rest(const struct recording *whole, const struct recording *rest, int64_t after)
{
    size_t k = 0;
    for (size_t i = 0; i < whole->n; i++) {
        const struct nf_run_event *e = &whole->v[i];
        struct nf_slice text = e->text;
        if (e->seq <= after)
            continue;
        int64_t begins = e->seq - nf_run_event_width(e->type, e->text.n);
        if (is_cut(e) && after > begins) {
            text.p += after - begins;
            text.n -= (size_t)(after - begins);
            while (text.n > 0 && ((unsigned char)text.p[0] & 0xc0) == 0x80) {
                text.p++;
                text.n--;
            }
            if (text.n == 0)
                continue;
        }
        assert_true(k < rest->n);
        const struct nf_run_event *got = &rest->v[k++];
        assert_int_equal(got->type, e->type);
        assert_true(got->seq == e->seq);
        assert_int_equal(got->message, e->message);
        assert_int_equal(got->text.n, text.n);
        assert_memory_equal(got->text.p, text.p, text.n);
        if (e->call_id)
            assert_string_equal(got->call_id, "c1");
        if (e->type == NF_RUN_TOOL_START)
            assert_string_equal(got->name, "clock");
    }
    assert_int_equal(k, rest->n);
}

static void after_any_position_exactly_the_rest_comes(void **state)
{
    struct recording *whole = calloc(2, sizeof(*whole)), *rest = whole + 1;
    (void)state;
    assert_non_null(whole);
    for (seed = 1; seed < 60; seed++) {
        unsigned begun = seed;
        struct nf_live_run run = { 0 };
        make_run(&run);
        *whole = (struct recording){ 0 };
        nf_live_run_replay(&run, 0, record, whole);
        assert_true(whole->n > 0);
        int64_t end = whole->v[whole->n - 1].seq;
        for (int64_t after = nf_run_seq(FENCE, 0) - 1; after <= end + 1; after++) {
            *rest = (struct recording){ 0 };
            nf_live_run_replay(&run, after, record, rest);
            expect_rest(whole, rest, after);
        }
        nf_live_run_done(&run);
        seed = begun;
    }
    free(whole);
}

static void the_pieces_of_a_text_become_one(void **state)
{
    struct nf_live_run run = { 0 };
    struct nf_run_cursor c = { .fence = FENCE };
    struct recording got = { 0 };
    (void)state;
    add(&run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT_START });
    for (int i = 0; i < 100; i++)
        add(&run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT, .text = NF_SLICE("ab") });
    add(&run, &c, (struct nf_run_event){ .type = NF_RUN_TEXT_END });
    assert_int_equal(run.n, 3);
    nf_live_run_replay(&run, 0, record, &got);
    assert_int_equal(got.v[1].text.n, 200);
    nf_live_run_done(&run);
}

static void who_has_enough_is_told_no_more(void **state)
{
    struct nf_live_run run = { 0 };
    struct recording got = { .stop_after = 2 };
    (void)state;
    seed = 3;
    make_run(&run);
    nf_live_run_replay(&run, 0, record, &got);
    assert_int_equal(got.n, 2);
    nf_live_run_done(&run);
}

static void out_of_memory_it_is_given_up_without_a_leak(void **state)
{
    static const char call[] = "c1";
    bool failed = true;
    (void)state;
    for (size_t n = 1; failed; n++) {
        struct nf_live_run run = { 0 };
        struct nf_run_cursor c = { .fence = FENCE };
        struct nf_err err;
        const struct nf_run_event events[] = {
            { .type = NF_RUN_TEXT_START },
            { .type = NF_RUN_TEXT, .text = NF_SLICE("ab") },
            { .type = NF_RUN_TEXT, .text = NF_SLICE("cd") },
            { .type = NF_RUN_TOOL_START, .call_id = call, .name = "clock" },
            { .type = NF_RUN_TOOL_ARGS, .call_id = call, .text = NF_SLICE("{}") },
            { .type = NF_RUN_TOOL_RESULT, .call_id = call, .text = NF_SLICE("noon") },
        };
        failed = false;
        nf_fail_alloc_at(n);
        for (size_t i = 0; i < 6 && !failed; i++) {
            struct nf_run_event e = events[i];
            nf_run_stamp(&c, &e);
            enum nf_code rc = nf_live_run_add(&run, &e, &err);
            failed = rc != NF_OK;
            if (failed)
                assert_code(rc, NF_E_NOMEM);
        }
        nf_fail_alloc_at(0);
        assert_true(n < 50);
        nf_live_run_done(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_any_position_exactly_the_rest_comes),
        cmocka_unit_test(the_pieces_of_a_text_become_one),
        cmocka_unit_test(who_has_enough_is_told_no_more),
        cmocka_unit_test(out_of_memory_it_is_given_up_without_a_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
