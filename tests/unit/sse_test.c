#include "tests/support/test.h"

#include "codec/sse.h"

#include <stdlib.h>
#include <string.h>

static struct nf_err err;

/* Events as "[name|data]", in the order in which they came. */
struct fixture {
    struct nf_sse sse;
    struct nf_str seen;
    size_t longest;
    enum nf_code answer;
};

static enum nf_code on_event(void *arg, const char *event, const char *data, size_t n,
                             struct nf_err *e)
{
    struct fixture *f = arg;
    if (n > f->longest)
        f->longest = n;
    if (f->answer != NF_OK)
        return nf_err_set(e, f->answer, "as told");
    if (n > 1000)
        return NF_OK;
    NF_TRY(nf_str_addf(&f->seen, e, "[%s|", event));
    NF_TRY(nf_str_add(&f->seen, data, n, e));
    return nf_str_adds(&f->seen, "]", e);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    if (!f)
        return -1;
    nf_sse_init(&f->sse, on_event, f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    nf_fail_alloc_at(0);
    nf_sse_done(&f->sse);
    nf_str_done(&f->seen);
    free(f);
    return 0;
}

static void restart(struct fixture *f)
{
    nf_sse_done(&f->sse);
    nf_sse_init(&f->sse, on_event, f);
    nf_str_reset(&f->seen);
}

static enum nf_code feed(struct fixture *f, const char *text)
{
    return nf_sse_feed(&f->sse, text, strlen(text), &err);
}

static const struct {
    const char *stream, *events;
} streams[] = {
    { "data: hello\n\n", "[|hello]" },
    { "data:hello\n\n", "[|hello]" },
    { "data:  two blanks\n\n", "[| two blanks]" },
    { "data: a\ndata: b\ndata\n\n", "[|a\nb\n]" },
    { "event: delta\ndata: {\"x\":1}\n\n", "[delta|{\"x\":1}]" },
    { "event: a\nevent: b\ndata: x\n\n", "[b|x]" },
    { "event: a\ndata: x\n\ndata: y\n\n", "[a|x][|y]" },
    { "event: lost\n\ndata: y\n\n", "[|y]" },
    { "data\n\n", "[|]" },
    { "data:\n\n", "[|]" },
    { "data\ndata\n\n", "[|\n]" },
    { ": a comment\ndata: x\n: another\n\n", "[|x]" },
    { ":\n\n\n\n", "" },
    { "id: 7\nretry: 10\nunknown: z\ndata: x\n\n", "[|x]" },
    { "Data: not a field\ndata : nor this\n\n", "" },
    { "data: x\r\n\r\ndata: y\r\n\r\n", "[|x][|y]" },
    { "data: x\r\rdata: y\r\r", "[|x][|y]" },
    { "data: x\n\rdata: y\r\n\r", "[|x][|y]" },
    { "\xef\xbb\xbf"
      "data: x\n\n",
      "[|x]" },
    { "data: a\n\n\xef\xbb\xbf"
      "data: no field\n\n",
      "[|a]" },
    { "data: \xef\xbb\xbfx\n\n", "[|\xef\xbb\xbfx]" },
    { "data: a:b: c\n\n", "[|a:b: c]" },
    { "data: not ended\n", "" },
    { "data: a\n\ndata: not ended", "[|a]" },
    { "data: [DONE]\n\n", "[|[DONE]]" },
    { "", "" },
};

static void streams_are_read_as_the_standard_says(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        restart(f);
        assert_ok(feed(f, streams[i].stream), &err);
        assert_string_equal(nf_str_c(&f->seen), streams[i].events);
    }
}

static void it_does_not_matter_where_a_stream_is_cut(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        const char *text = streams[i].stream;
        for (size_t size = 1; size <= 4; size++) {
            restart(f);
            for (size_t at = 0; at < strlen(text); at += size) {
                size_t left = strlen(text) - at;
                assert_ok(nf_sse_feed(&f->sse, text + at, left < size ? left : size, &err), &err);
            }
            assert_string_equal(nf_str_c(&f->seen), streams[i].events);
        }
    }
}

static void a_nul_byte_is_data_like_any_other(void **state)
{
    struct fixture *f = *state;
    assert_ok(nf_sse_feed(&f->sse, "data: a\0b\n\n", 11, &err), &err);
    assert_int_equal(f->seen.len, 6);
    assert_memory_equal(nf_str_c(&f->seen), "[|a\0b]", 6);
}

static void an_error_of_the_callback_ends_the_feed(void **state)
{
    struct fixture *f = *state;
    f->answer = NF_E_CANCELED;
    assert_code(feed(f, "data: x\n\ndata: y\n\n"), NF_E_CANCELED);
    assert_string_equal(err.msg, "as told");
}

/* One event of n bytes of data, in pieces, on one line or on lines of 1 MiB. */
static enum nf_code feed_event(struct fixture *f, size_t n, bool lines)
{
    static char piece[1 << 20];
    memset(piece, 'x', sizeof(piece));
    NF_TRY(feed(f, "data: "));
    while (n > 0) {
        size_t k = n < sizeof(piece) ? n : sizeof(piece);
        NF_TRY(nf_sse_feed(&f->sse, piece, k, &err));
        n -= k;
        if (lines && n > 0) {
            NF_TRY(feed(f, "\ndata: "));
            n--; /* the LF that joins them */
        }
    }
    return feed(f, "\n\n");
}

static void an_events_data_ends_at_its_limit(void **state)
{
    struct fixture *f = *state;
    for (int lines = 0; lines < 2; lines++) {
        restart(f);
        assert_ok(feed_event(f, NF_SSE_EVENT_MAX, lines), &err);
        assert_int_equal(f->longest, NF_SSE_EVENT_MAX);
        restart(f);
        assert_code(feed_event(f, NF_SSE_EVENT_MAX + 1, lines), NF_E_LIMIT);
    }
}

static void a_comment_without_end_is_refused(void **state)
{
    struct fixture *f = *state;
    static char piece[1 << 20];
    memset(piece, ':', sizeof(piece));
    enum nf_code rc = NF_OK;
    for (int i = 0; i < 10 && rc == NF_OK; i++)
        rc = nf_sse_feed(&f->sse, piece, sizeof(piece), &err);
    assert_code(rc, NF_E_LIMIT);
}

/* Searched for LF to its end at each CR this would take minutes. */
static void a_stream_of_crs_is_read_in_one_pass(void **state)
{
    struct fixture *f = *state;
    static char piece[4 << 20];
    memset(piece, '\r', sizeof(piece));
    assert_ok(nf_sse_feed(&f->sse, piece, sizeof(piece), &err), &err);
    assert_ok(feed(f, "data: x\r\r"), &err);
    assert_string_equal(nf_str_c(&f->seen), "[|x]");
}

static void failing_allocations_are_told(void **state)
{
    struct fixture *f = *state;
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 1;
    for (; rc != NF_OK && n < 20; n++) {
        restart(f);
        nf_fail_alloc_at(n);
        rc = feed(f, "event: e\nda");
        if (rc == NF_OK)
            rc = feed(f, "ta: x\n\n");
        nf_fail_alloc_at(0);
        if (rc != NF_OK)
            assert_code(rc, NF_E_NOMEM);
    }
    assert_in_range(n, 4, 19);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(streams_are_read_as_the_standard_says), T(it_does_not_matter_where_a_stream_is_cut),
        T(a_nul_byte_is_data_like_any_other),     T(an_error_of_the_callback_ends_the_feed),
        T(an_events_data_ends_at_its_limit),      T(a_comment_without_end_is_refused),
        T(a_stream_of_crs_is_read_in_one_pass),   T(failing_allocations_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
