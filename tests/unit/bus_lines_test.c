#include "persistence/bus_lines.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard {
    struct nf_str text;
    int lines, gaps;
};

static void hear(void *arg, const char *line, size_t n)
{
    struct heard *h = arg;
    struct nf_err err;
    if (!line) {
        h->gaps++;
        return;
    }
    h->lines++;
    h->text.max = (size_t)32 << 20;
    assert_ok(nf_str_add(&h->text, line, n, &err), &err);
    assert_ok(nf_str_add(&h->text, "|", 1, &err), &err);
}

/* All that waits, in pieces of at most `max`, from sender 7 to 8; every piece but `lose`. */
static void pass(struct nf_bus_out *o, size_t max, struct heard *h, int lose)
{
    struct nf_str piece = { 0 };
    struct nf_bus_in in = { 0 };
    for (int n = 0; nf_bus_out_next(o, 7, max, &piece); n++) {
        assert_true(piece.len <= max);
        if (n != lose)
            assert_true(nf_bus_in_take(&in, 8, nf_str_c(&piece), piece.len, hear, h));
    }
    nf_bus_in_reset(&in);
    nf_str_done(&piece);
}

static void short_lines_share_a_piece(void **state)
{
    struct nf_bus_out o = { 0 };
    struct heard h = { 0 };
    (void)state;
    nf_bus_out_add(&o, "one", 3);
    nf_bus_out_add(&o, "two", 3);
    pass(&o, 100, &h, -1);
    assert_string_equal(nf_str_c(&h.text), "one|two|");
    nf_str_done(&h.text);
    nf_bus_out_done(&o);
}

static void a_long_line_is_put_together_again(void **state)
{
    (void)state;
    for (size_t n = 1; n < 300; n += 7) {
        struct nf_bus_out o = { 0 };
        struct heard h = { 0 };
        char *line = malloc(2 * n);
        for (size_t i = 0; i < n; i++)
            memcpy(line + 2 * i, "\xc3\xa4", 2);
        nf_bus_out_add(&o, "before", 6);
        nf_bus_out_add(&o, line, 2 * n);
        nf_bus_out_add(&o, "behind", 6);
        pass(&o, 64, &h, -1);
        assert_int_equal(h.lines, 3);
        assert_int_equal(h.text.len, 7 + 2 * n + 1 + 7);
        assert_memory_equal(h.text.p + 7, line, 2 * n);
        free(line);
        nf_str_done(&h.text);
        nf_bus_out_done(&o);
    }
}

static void nobody_hears_himself(void **state)
{
    struct nf_bus_in in = { 0 };
    struct heard h = { 0 };
    (void)state;
    assert_true(nf_bus_in_take(&in, 7, "7 . mine\n", 9, hear, &h));
    assert_int_equal(h.lines, 0);
    assert_true(nf_bus_in_take(&in, 7, "8 . yours\n", 10, hear, &h));
    assert_int_equal(h.lines, 1);
    nf_str_done(&h.text);
}

static void a_line_that_was_broken_off_is_dropped(void **state)
{
    static const char *const pieces[] = { "7 < one", "7 < tw", "7 + o and", "8 . four\n",
                                          "7 -  a half\n" };
    struct nf_bus_in in = { 0 };
    struct heard h = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_true(nf_bus_in_take(&in, 1, pieces[i], strlen(pieces[i]), hear, &h));
    assert_string_equal(nf_str_c(&h.text), "four|two and a half|");
    nf_str_done(&h.text);
    nf_bus_in_reset(&in);
}

static void a_line_whose_beginning_was_missed_is_dropped(void **state)
{
    struct nf_bus_out o = { 0 };
    struct heard h = { 0 };
    char line[200];
    (void)state;
    memset(line, 'a', sizeof(line));
    nf_bus_out_add(&o, line, sizeof(line));
    nf_bus_out_add(&o, "behind", 6);
    pass(&o, 64, &h, 0);
    assert_string_equal(nf_str_c(&h.text), "behind|");
    nf_str_done(&h.text);
    nf_bus_out_done(&o);
}

static void of_too_many_lines_in_parts_a_gap_is_told(void **state)
{
    struct nf_bus_in in = { 0 };
    struct heard h = { 0 };
    (void)state;
    for (int i = 0; i <= NF_BUS_SENDERS_MAX; i++) {
        char piece[32];
        int n = snprintf(piece, sizeof(piece), "%d < begun", i + 2);
        assert_int_equal(h.gaps, 0);
        assert_true(nf_bus_in_take(&in, 1, piece, (size_t)n, hear, &h));
    }
    assert_int_equal(h.gaps, 1);
    assert_int_equal(h.lines, 0);
    nf_bus_in_reset(&in);
}

static void what_is_no_piece_is_refused(void **state)
{
    static const char *const bad[] = { "", "7", "7 ", "7 .", "x . a\n", "-1 . a\n", " . a\n" };
    struct nf_bus_in in = { 0 };
    struct heard h = { 0 };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(nf_bus_in_take(&in, 1, bad[i], strlen(bad[i]), hear, &h));
    assert_int_equal(h.lines, 0);
}

static void over_the_bound_lines_are_dropped_and_counted(void **state)
{
    struct nf_bus_out o = { 0 };
    size_t n = NF_BUS_LINE_MAX;
    char *line = calloc(1, n + 1);
    (void)state;
    memset(line, 'a', n + 1);
    nf_bus_out_add(&o, line, n + 1);
    assert_int_equal(o.dropped, 1);
    nf_bus_out_add(&o, line, n);
    nf_bus_out_add(&o, line, n); /* there is no room for its end */
    assert_int_equal(o.added, 1);
    assert_int_equal(o.dropped, 2);
    assert_int_equal(o.lines.len, n + 1);
    nf_bus_out_add(&o, "b", 1);
    assert_int_equal(o.added, 2);
    free(line);
    nf_bus_out_done(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lines_share_a_piece),
        cmocka_unit_test(a_long_line_is_put_together_again),
        cmocka_unit_test(nobody_hears_himself),
        cmocka_unit_test(a_line_that_was_broken_off_is_dropped),
        cmocka_unit_test(a_line_whose_beginning_was_missed_is_dropped),
        cmocka_unit_test(of_too_many_lines_in_parts_a_gap_is_told),
        cmocka_unit_test(what_is_no_piece_is_refused),
        cmocka_unit_test(over_the_bound_lines_are_dropped_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
