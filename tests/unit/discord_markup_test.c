#include "channels/discord/markup.h"

#include "base/own.h"
#include "base/utf8.h"
#include "codec/markdown.h"
#include "tests/support/discord_markup.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_text(const char *markdown, const char *want, bool shown)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    const char *why = "";
    struct nf_err err;

    assert_ok(nf_markdown_read(markdown, strlen(markdown), &s, &err), &err);
    assert_ok(nf_discord_write(&s, &got, &err), &err);
    assert_string_equal(nf_str_c(&got), want);
    if (shown && !nf_discord_shows(nf_str_c(&got), got.len, &s, &why))
        fail_msg("%s: %s", nf_str_c(&got), why);
}

static void expect(const char *markdown, const char *want)
{
    expect_text(markdown, want, true);
}

static void styles_are_marked(void **data)
{
    (void)data;
    expect("plain", "plain");
    expect("**bold** *it* ~~gone~~ `code`", "**bold** *it* ~~gone~~ `code`");
    expect("***both***", "***both***");
    expect("a **b *c* d** e", "a **b *c* d** e");
    expect("**b *i***", "**b *i***");
    expect("*i **b***", "*i **b***");
    expect("***b** i*", "***b** i*");
    expect("# Title\ntext", "**Title**\n\ntext");
    expect("_under_ and __score__", "*under* and **score**");
}

static void what_is_no_markup_stays_text(void **data)
{
    (void)data;
    expect("1 \\* 2 \\* 3", "1 \\* 2 \\* 3");
    expect("snake_case_name", "snake\\_case\\_name");
    expect("a || b ~ c", "a \\|\\| b \\~ c");
    expect("\\# no heading", "\\# no heading");
    expect("\\> no quote", "\\> no quote");
    expect("\\- no item\n\\-# nor small", "\\- no item\n\\-# nor small");
    expect("7\\. May", "7\\. May");
    expect("v1.2 is 3. of all", "v1.2 is 3. of all");
    expect("<@123> <#4> \\<:x:5> \\<t:6>", "\\<@123> \\<#4> \\<\\:x:5> \\<t:6>");
    expect("1 < 2 <= 3", "1 < 2 <= 3");
    expect(":smile: and 10:30", "\\:smile: and 10:30");
    expect("\\[x\\](https\\://e.org)", "\\[x](https\\://e.org)");
    expect("C:\\dir\\*", "C:\\\\dir\\*");
    expect("@everyone", "@everyone"); /* allowed_mentions sees to it */
}

static void blocks_of_code_keep_what_is_in_them(void **data)
{
    (void)data;
    expect("```c\nint *a;\n```", "```c\nint *a;\n```");
    expect("```\nfirst\nx```y\n```", "```\nfirst\nx``\xE2\x80\x8B`y\n```");
    expect("```what?\nx\n```", "```\nx\n```");
    expect("|a|b|\n|---|---|\n|1|2|", "```\na | b\n--+--\n1 | 2\n```");
    expect("`` a`b ``", "``a`b``");
    expect("`` ` ``", "`` ` ``");
    expect("``` a`b``c ```", "a\\`b\\`\\`c");
}

static void links_hide_nothing(void **data)
{
    (void)data;
    expect("[here](https://example.org/a_b?c=(d))", "[here](<https://example.org/a_b?c=%28d%29>)");
    expect("https://example.org/a_b", "<https://example.org/a_b>");
    expect("[https://bank.example](https://evil.example)",
           "https\\://bank.example (<https://evil.example>)");
    expect("[a\\[0\\]](https://example.org)", "a\\[0] (<https://example.org>)");
    expect_text("[mail](mailto:a@example.org)", "mail (a@example.org)", false); /* plain text */
    expect("**[b](https://example.org/~)**", "[**b**](<https://example.org/%7E>)");
}

static void quotes_mark_each_line(void **data)
{
    (void)data;
    expect("> one\n> two\n\nafter", "> one\n> two\n\nafter");
    expect("> # head\n>\n> `c`", "> **head**\n> \n> `c`");
    expect("> ```\n> a\n> b\n> ```\n\nend", "> ```\n> a\n> b\n> ```\n\nend");
}

static void a_style_that_cannot_be_told_is_left_out(void **data)
{
    (void)data;
    expect("*a***b**", "*a*b");
    expect("**`a**b`**", "`a**b`");
    expect("~~a\\~b~~", "a\\~b");
}

/* --- parts ------------------------------------------------------------------------------------ */

static void check(const char *markdown)
{
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts parts = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;
    const char *why = "";
    size_t at = 0;

    assert_ok(nf_discord_parts_read(markdown, &parts, &err), &err);
    for (size_t i = 0; i < parts.ranges.n; i++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        struct nf_styled_range r = parts.ranges.v[i];
        assert_ok(nf_discord_parts_write(&parts, i, &got, &err), &err);
        assert_true(nf_utf16_units(nf_str_c(&got), got.len) <= NF_DISCORD_PART_MAX);
        assert_true(nf_utf16_units(nf_str_c(&got), got.len) <=
                    nf_discord_measure.size(&nf_discord_measure, &parts.text, r.at, r.end));
        assert_ok(nf_styled_slice(&parts.text, r.at, r.end, &part, &err), &err);
        if (!nf_discord_shows(nf_str_c(&got), got.len, &part, &why))
            fail_msg("part %zu: %s\n%s\nof\n%s", i, why, nf_str_c(&got), markdown);
        for (; at < r.at; at++) /* between parts nothing but blanks */
            assert_non_null(strchr(" \n\t\r", parts.text.text.p[at]));
        at = r.end;
    }
}

static void long_texts_are_cut_and_nothing_is_lost(void **data)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts parts = { 0 };
    struct nf_err err;

    (void)data;
    for (int i = 0; i < 300; i++)
        assert_ok(nf_str_addf(&text, &err,
                              "**line %d** with `code_%d` and [a link](https://e.org)%s", i, i,
                              i % 5 ? " " : "\n\n"),
                  &err);
    check(nf_str_c(&text));
    nf_str_reset(&text);
    for (int i = 0; i < 2000; i++)
        assert_ok(nf_str_adds(&text, "\xF0\x9F\x98\x80_", &err), &err);
    check(nf_str_c(&text));
    nf_str_reset(&text);
    assert_ok(nf_str_adds(&text, "```py\n", &err), &err);
    for (int i = 0; i < 40; i++)
        assert_ok(nf_str_addf(&text, &err, "print(%d)\n", i), &err);
    check(nf_str_c(&text));
    assert_ok(nf_discord_parts_read(nf_str_c(&text), &parts, &err), &err);
    assert_int_equal(nf_discord_parts_count(&parts), 3); /* 17 lines each */
}

static void an_empty_text_is_one_empty_part(void **data)
{
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts parts = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;

    (void)data;
    assert_ok(nf_discord_parts_read(" \n", &parts, &err), &err);
    assert_int_equal(nf_discord_parts_count(&parts), 1);
    assert_ok(nf_discord_parts_write(&parts, 0, &got, &err), &err);
    assert_string_equal(nf_str_c(&got), "");
    assert_code(nf_discord_parts_write(&parts, 1, &got, &err), NF_E_NOT_FOUND);
}

static void a_part_is_as_long_as_it_may_be(void **data)
{
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts at = { 0 };
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts over = { 0 };
    char text[NF_DISCORD_PART_MAX + 2];
    struct nf_err err;

    (void)data;
    memset(text, 'x', sizeof(text));
    text[NF_DISCORD_PART_MAX] = '\0';
    assert_ok(nf_discord_parts_read(text, &at, &err), &err);
    assert_int_equal(nf_discord_parts_count(&at), 1);
    text[NF_DISCORD_PART_MAX] = 'x';
    text[NF_DISCORD_PART_MAX + 1] = '\0';
    assert_ok(nf_discord_parts_read(text, &over, &err), &err);
    assert_int_equal(nf_discord_parts_count(&over), 2);
}

static void a_longer_address_is_left_out(void **data)
{
    char text[NF_DISCORD_LINK_MAX + 32] = "[a](https://", url[NF_DISCORD_LINK_MAX + 1];
    (void)data;
    memset(url, 'x', sizeof(url));
    url[NF_DISCORD_LINK_MAX - 8] = '\0';
    (void)snprintf(text, sizeof(text), "[a](https://%s)", url);
    char want[NF_DISCORD_LINK_MAX + 32];
    (void)snprintf(want, sizeof(want), "[a](<https://%s>)", url);
    expect(text, want);
    (void)snprintf(text, sizeof(text), "[a](https://%sx)", url);
    expect(text, "a");
}

/* What is likely to be taken for markup, in any order. */
static void whatever_is_written_discord_shows_it(void **data)
{
    static const char *const pieces[] = { "*",
                                          "**",
                                          "_",
                                          "__",
                                          "~~",
                                          "`",
                                          "``",
                                          "```",
                                          "\n",
                                          "\n\n",
                                          " ",
                                          "a",
                                          "b c",
                                          "> ",
                                          "# ",
                                          "- ",
                                          "1. ",
                                          "[",
                                          "](https://e.org/x_*)",
                                          "https://e.org/~a",
                                          "<@1>",
                                          ":ok:",
                                          "\\",
                                          "|",
                                          "||",
                                          "\xF0\x9F\x98\x80",
                                          "\xC3\xA9",
                                          "(",
                                          ")",
                                          "```c\n",
                                          "|a|b|\n|---|---|\n",
                                          "-# ",
                                          "***" };
    unsigned seed = 1;
    (void)data;
    for (int round = 0; round < 20000; round++) {
        char text[512] = "";
        for (int i = 0; i < 24; i++) {
            seed = seed * 1103515245 + 12345;
            strcat(text, pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))]);
        }
        check(text);
    }
}

static void it_survives_every_failing_allocation(void **data)
{
    (void)data;
    for (size_t n = 1;; n++) {
        NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts parts = { 0 };
        NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
        struct nf_err err;
        nf_fail_alloc_at(n);
        enum nf_code rc =
            nf_discord_parts_read("> **a** [b](https://e.org) `c`\n\n```\nd\n```", &parts, &err);
        if (rc == NF_OK)
            rc = nf_discord_parts_write(&parts, 0, &got, &err);
        nf_fail_alloc_at(0);
        if (rc == NF_OK)
            return;
        assert_code(rc, NF_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(styles_are_marked),
        cmocka_unit_test(what_is_no_markup_stays_text),
        cmocka_unit_test(blocks_of_code_keep_what_is_in_them),
        cmocka_unit_test(links_hide_nothing),
        cmocka_unit_test(quotes_mark_each_line),
        cmocka_unit_test(a_style_that_cannot_be_told_is_left_out),
        cmocka_unit_test(long_texts_are_cut_and_nothing_is_lost),
        cmocka_unit_test(an_empty_text_is_one_empty_part),
        cmocka_unit_test(a_part_is_as_long_as_it_may_be),
        cmocka_unit_test(a_longer_address_is_left_out),
        cmocka_unit_test(whatever_is_written_discord_shows_it),
        cmocka_unit_test(it_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
