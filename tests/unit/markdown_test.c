#include "codec/markdown.h"

#include "base/own.h"
#include "base/utf8.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text with its styles written down: {b}bold{/b}, {a=URL}text{/a}. */
static void describe(const struct nf_styled *s, struct nf_str *to)
{
    static const char *const names[] = { "", "b", "i", "s", "c", "pre", "a", "q" };
    struct nf_err err;
    for (size_t at = 0; at <= s->text.len; at++) {
        for (size_t i = s->n; i-- > 0;)
            if (s->v[i].end == at)
                assert_ok(nf_str_addf(to, &err, "{/%s}", names[s->v[i].style]), &err);
        for (size_t i = 0; i < s->n; i++)
            if (s->v[i].at == at)
                assert_ok(nf_str_addf(to, &err, s->v[i].extra ? "{%s=%s}" : "{%s}",
                                      names[s->v[i].style], s->v[i].extra),
                          &err);
        if (at < s->text.len)
            assert_ok(nf_str_add(to, s->text.p + at, 1, &err), &err);
    }
}

static void expect(const char *markdown, const char *want)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;

    assert_ok(nf_markdown_read(markdown, strlen(markdown), &s, &err), &err);
    describe(&s, &got);
    assert_string_equal(nf_str_c(&got), want);
}

static void spans_become_styles(void **data)
{
    (void)data;
    expect("plain", "plain");
    expect("**bold** *it* ~~gone~~ `code`", "{b}bold{/b} {i}it{/i} {s}gone{/s} {c}code{/c}");
    expect("***both***", "{i}{b}both{/b}{/i}");
    expect("a **b *c* d**", "a {b}b {i}c{/i} d{/b}");
    expect("1 < 2 && snake_case_name * 3", "1 < 2 && snake_case_name * 3");
    expect("AT&amp;T &#65; &#x1F600; &unknown;", "AT&T A \xF0\x9F\x98\x80 &unknown;");
}

static void links_lead_to_the_web_and_nowhere_else(void **data)
{
    (void)data;
    expect("[here](https://example.org/?a=1&amp;b=2)", "{a=https://example.org/?a=1&b=2}here{/a}");
    expect("https://example.org", "{a=https://example.org}https://example.org{/a}");
    expect("[x](javascript:alert(1)) [y](/etc/passwd) [z](https://)", "x y z");
    expect("![a cat](https://example.org/cat.png) ![](https://example.org/b.png)",
           "{a=https://example.org/cat.png}a cat{/a} {a=https://example.org/b.png}image{/a}");
}

static void blocks_stand_apart_as_a_person_would_write_them(void **data)
{
    (void)data;
    expect("# Title\ntext\n\nmore", "{b}Title{/b}\n\ntext\n\nmore");
    expect("one\ntwo  \nthree", "one\ntwo\nthree");
    expect("a\n\n---\n\nb", "a\n\n\xE2\x80\x94\xE2\x80\x94\xE2\x80\x94\n\nb");
    expect("> said\n> twice\n>\n> end\n\nafter", "{q}said\ntwice\n\nend{/q}\n\nafter");
    expect("<b>no</b> <!-- x -->", "<b>no</b> <!-- x -->");
}

static void lists_have_bullets_numbers_and_boxes(void **data)
{
    (void)data;
    expect("para\n\n- a\n- b\n  - c\n\n    more\n- d\n\nend",
           "para\n\n\xE2\x80\xA2 a\n\xE2\x80\xA2 b\n  \xE2\x80\xA2 c\nmore\n\xE2\x80\xA2 d\n\nend");
    expect("3. x\n4. y", "3. x\n4. y");
    expect("- [ ] to do\n- [x] done", "\xE2\x98\x90 to do\n\xE2\x98\x91 done");
}

static void code_keeps_its_lines_and_its_language(void **data)
{
    (void)data;
    expect("```c\nint *a;\n\n  b\n```\nafter", "{pre=c}int *a;\n\n  b{/pre}\n\nafter");
    expect("```\nplain\n", "{pre}plain{/pre}");
    expect("    indented is not code", "indented is not code");
}

static void a_table_is_code_with_its_columns_aligned(void **data)
{
    (void)data;
    expect("| a | right |\n|---|---:|\n| **long** | 1 |\n| \xC3\xA9 | 22 |",
           "{pre}a    | right\n-----+------\nlong |     1\n\xC3\xA9    |    22{/pre}");
}

static void what_is_too_long_is_refused(void **data)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    char *big = calloc(1, NF_MARKDOWN_MAX + 1);
    struct nf_err err;

    (void)data;
    assert_non_null(big);
    memset(big, 'a', NF_MARKDOWN_MAX + 1);
    enum nf_code over = nf_markdown_read(big, NF_MARKDOWN_MAX + 1, &s, &err);
    enum nf_code at = nf_markdown_read(big, NF_MARKDOWN_MAX, &s, &err);
    free(big);
    assert_code(over, NF_E_LIMIT);
    assert_code(at, NF_OK);
}

static void it_survives_every_failing_allocation(void **data)
{
    static const char md[] = "# T\n\n- **a** [b](https://example.org)\n\n|x|y|\n|-|-|\n|1|2|\n\n"
                             "```c\nz\n```\n> q";
    (void)data;
    for (size_t n = 1;; n++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
        struct nf_err err;
        nf_fail_alloc_at(n);
        enum nf_code rc = nf_markdown_read(md, sizeof(md) - 1, &s, &err);
        nf_fail_alloc_at(0);
        if (rc == NF_OK)
            return;
        assert_code(rc, NF_E_NOMEM);
        assert_true(n < 1000);
    }
}

/* --- splitting -------------------------------------------------------------------------------- */

/* The parts, each with its styles, between bars. */
static void expect_parts(const char *markdown, size_t max, const char *want)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;

    assert_ok(nf_markdown_read(markdown, strlen(markdown), &s, &err), &err);
    assert_ok(nf_styled_split(&s, &nf_styled_utf16, max, &parts, &err), &err);
    for (size_t i = 0; i < parts.n; i++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        assert_ok(nf_styled_slice(&s, parts.v[i].at, parts.v[i].end, &part, &err), &err);
        assert_ok(nf_str_adds(&got, i ? "|" : "", &err), &err);
        describe(&part, &got);
    }
    assert_string_equal(nf_str_c(&got), want);
}

static void a_part_ends_where_it_hurts_least(void **data)
{
    (void)data;
    expect_parts("short", 8, "short");
    expect_parts("", 8, "");
    expect_parts("first one\n\nsecond", 12, "first one|second");
    expect_parts("a line\nanother line", 14, "a line|another line");
    expect_parts("It is. So it was", 13, "It is.|So it was");
    expect_parts("three small words", 14, "three small|words");
    expect_parts("0123456789", 8, "01234567|89");
}

static void styles_go_on_in_the_next_part(void **data)
{
    (void)data;
    expect_parts("**bold and bold**", 11, "{b}bold and{/b}|{b}bold{/b}");
    expect_parts("```c\none\ntwo\n```", 8, "{pre=c}one\ntwo{/pre}");
    expect_parts("```c\nthree\n two\n```", 8, "{pre=c}three{/pre}|{pre=c} two{/pre}");
    expect_parts("before it\n\n```\none\ntwo\n```", 16, "before it|{pre}one\ntwo{/pre}");
}

static void symbols_are_not_torn(void **data)
{
    (void)data;
    /* A pair of UTF-16 counts 2, and a family of three is held together by joiners. */
    expect_parts("xxxxxxx\xF0\x9F\x98\x80", 8, "xxxxxxx|\xF0\x9F\x98\x80");
    expect_parts("xxxxx\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7", 9,
                 "xxxxx|\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7");
    expect_parts("xxxxxxxe\xCC\x81", 8, "xxxxxxx|e\xCC\x81");
}

static uint32_t lot(uint32_t *state, uint32_t n)
{
    *state = *state * 1664525U + 1013904223U;
    return (*state >> 8) % n;
}

/* Whatever is split: every part fits, only white space is between them, nothing is lost. */
static void parts_rejoin_to_the_text(void **data)
{
    static const char *const words[] = { "word",
                                         " ",
                                         "\n",
                                         "\n\n",
                                         "**",
                                         "*",
                                         "`",
                                         "\n```\n",
                                         "# ",
                                         "> ",
                                         "- ",
                                         "[a](https://b.c)",
                                         "\xF0\x9F\x98\x80",
                                         "\xC3\xA9",
                                         "1. ",
                                         ". ",
                                         "|a|b|\n|-|-|\n|1|2|\n\n",
                                         "~~" };
    uint32_t seed = 7;

    (void)data;
    for (int round = 0; round < 2000; round++) {
        NF_CLEANUP(nf_str_done) struct nf_str md = { 0 };
        NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
        NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
        struct nf_err err;
        size_t max = 8 + lot(&seed, 60), at = 0;

        for (uint32_t i = lot(&seed, 80); i > 0; i--)
            assert_ok(nf_str_adds(&md, words[lot(&seed, sizeof(words) / sizeof(*words))], &err),
                      &err);
        assert_ok(nf_markdown_read(nf_str_c(&md), md.len, &s, &err), &err);
        assert_ok(nf_styled_split(&s, &nf_styled_utf16, max, &parts, &err), &err);
        for (size_t i = 0; i <= parts.n; i++) {
            size_t to = i < parts.n ? parts.v[i].at : s.text.len;
            for (; at < to; at++)
                assert_non_null(strchr(" \n\t\r", s.text.p[at]));
            if (i == parts.n)
                break;
            NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
            assert_ok(nf_styled_slice(&s, at, parts.v[i].end, &part, &err), &err);
            assert_in_range(nf_utf16_units(part.text.p, part.text.len), 1, max);
            assert_true(nf_utf8_valid(part.text.p, part.text.len));
            at = parts.v[i].end;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_become_styles),
        cmocka_unit_test(links_lead_to_the_web_and_nowhere_else),
        cmocka_unit_test(blocks_stand_apart_as_a_person_would_write_them),
        cmocka_unit_test(lists_have_bullets_numbers_and_boxes),
        cmocka_unit_test(code_keeps_its_lines_and_its_language),
        cmocka_unit_test(a_table_is_code_with_its_columns_aligned),
        cmocka_unit_test(what_is_too_long_is_refused),
        cmocka_unit_test(it_survives_every_failing_allocation),
        cmocka_unit_test(a_part_ends_where_it_hurts_least),
        cmocka_unit_test(styles_go_on_in_the_next_part),
        cmocka_unit_test(symbols_are_not_torn),
        cmocka_unit_test(parts_rejoin_to_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
