#include "channels/telegram/render.h"

#include "base/own.h"
#include "base/utf8.h"
#include "codec/markdown.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void render(const char *markdown, bool plain, struct nf_str *to)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    struct nf_json_out o;
    struct nf_err err;

    assert_ok(nf_markdown_read(markdown, strlen(markdown), &s, &err), &err);
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    assert_ok(nf_telegram_put_text(&o, &s, plain, &err), &err);
    nf_json_out_end(&o);
    assert_ok(nf_json_end_doc(&o, &err), &err);
}

static void expect(const char *markdown, const char *want)
{
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    render(markdown, false, &got);
    assert_string_equal(nf_str_c(&got), want);
}

static void looks_become_entities(void **data)
{
    (void)data;
    expect("plain", "{\"text\":\"plain\"}");
    expect("**b** *i* ~~s~~ `c`",
           "{\"text\":\"b i s c\",\"entities\":[{\"type\":\"bold\",\"offset\":0,\"length\":1},"
           "{\"type\":\"italic\",\"offset\":2,\"length\":1},"
           "{\"type\":\"strikethrough\",\"offset\":4,\"length\":1},"
           "{\"type\":\"code\",\"offset\":6,\"length\":1}]}");
    expect("```c\nx\n```",
           "{\"text\":\"x\",\"entities\":[{\"type\":\"pre\",\"offset\":0,\"length\":1,"
           "\"language\":\"c\"}]}");
    expect("> said", "{\"text\":\"said\",\"entities\":[{\"type\":\"blockquote\",\"offset\":0,"
                     "\"length\":4}]}");
}

static void offsets_count_utf16_units(void **data)
{
    (void)data;
    /* U+1F600 is two units, U+00E9 one. */
    expect("\xF0\x9F\x98\x80\xC3\xA9 **\xF0\x9F\x98\x80**",
           "{\"text\":\"\xF0\x9F\x98\x80\xC3\xA9 \xF0\x9F\x98\x80\",\"entities\":[{\"type\":"
           "\"bold\",\"offset\":4,\"length\":2}]}");
}

static void code_is_cut_out_of_what_is_around_it(void **data)
{
    (void)data;
    expect("**a `b` c**",
           "{\"text\":\"a b c\",\"entities\":[{\"type\":\"bold\",\"offset\":0,\"length\":2},"
           "{\"type\":\"code\",\"offset\":2,\"length\":1},"
           "{\"type\":\"bold\",\"offset\":3,\"length\":2}]}");
    expect("**`b`**",
           "{\"text\":\"b\",\"entities\":[{\"type\":\"code\",\"offset\":0,\"length\":1}]}");
    expect("> a `b`", "{\"text\":\"a b\",\"entities\":[{\"type\":\"blockquote\",\"offset\":0,"
                      "\"length\":3},{\"type\":\"code\",\"offset\":2,\"length\":1}]}");
}

static void a_link_is_worth_more_than_the_code_in_it(void **data)
{
    (void)data;
    expect("[`f()`](https://example.org/f)",
           "{\"text\":\"f()\",\"entities\":[{\"type\":\"text_link\",\"offset\":0,\"length\":3,"
           "\"url\":\"https://example.org/f\"}]}");
    expect("**x [`f`](https://example.org) y**",
           "{\"text\":\"x f y\",\"entities\":[{\"type\":\"bold\",\"offset\":0,\"length\":5},"
           "{\"type\":\"text_link\",\"offset\":2,\"length\":1,\"url\":\"https://example.org\"}]}");
}

static void a_link_that_the_server_would_refuse_is_text(void **data)
{
    NF_CLEANUP(nf_str_done) struct nf_str md = { 0 }, got = { 0 };
    struct nf_err err;

    (void)data;
    expect("[a](https:///x)", "{\"text\":\"a\"}");
    assert_ok(nf_str_adds(&md, "[a](https://example.org/", &err), &err);
    while (md.len < NF_TELEGRAM_URL_MAX + 8)
        assert_ok(nf_str_adds(&md, "x", &err), &err);
    assert_ok(nf_str_adds(&md, ")", &err), &err);
    render(nf_str_c(&md), false, &got);
    assert_string_equal(nf_str_c(&got), "{\"text\":\"a\"}");
}

static void a_plain_text_has_no_entities(void **data)
{
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    (void)data;
    render("**b** `c`", true, &got);
    assert_string_equal(nf_str_c(&got), "{\"text\":\"b c\"}");
}

/* Parts of `markdown`, each within both limits. */
static size_t split(const char *markdown)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
    struct nf_err err;

    assert_ok(nf_markdown_read(markdown, strlen(markdown), &s, &err), &err);
    assert_ok(nf_telegram_split(&s, NF_TELEGRAM_PART_MAX, &parts, &err), &err);
    for (size_t i = 0; i < parts.n; i++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        NF_CLEANUP(nf_telegram_entities_done) struct nf_telegram_entities e = { 0 };
        assert_ok(nf_styled_slice(&s, parts.v[i].at, parts.v[i].end, &part, &err), &err);
        assert_ok(nf_telegram_entities(&part, &e, &err), &err);
        assert_true(nf_utf16_units(part.text.p, part.text.len) <= NF_TELEGRAM_PART_MAX);
        assert_true(e.n <= NF_TELEGRAM_ENTITIES_MAX);
    }
    return parts.n;
}

static void a_text_is_cut_at_its_limit(void **data)
{
    NF_CLEANUP(nf_str_done) struct nf_str md = { 0 };
    struct nf_err err;

    (void)data;
    while (md.len < NF_TELEGRAM_PART_MAX)
        assert_ok(nf_str_adds(&md, "x", &err), &err);
    assert_int_equal(split(nf_str_c(&md)), 1);
    assert_ok(nf_str_adds(&md, "x", &err), &err);
    assert_int_equal(split(nf_str_c(&md)), 2);
}

static void entities_count_as_well(void **data)
{
    NF_CLEANUP(nf_str_done) struct nf_str md = { 0 };
    struct nf_err err;

    (void)data;
    for (int i = 0; i < NF_TELEGRAM_ENTITIES_MAX; i++)
        assert_ok(nf_str_adds(&md, "`x` ", &err), &err);
    assert_int_equal(split(nf_str_c(&md)), 1);
    assert_ok(nf_str_adds(&md, "`x`", &err), &err);
    assert_int_equal(split(nf_str_c(&md)), 2);
    nf_str_reset(&md);
    assert_ok(nf_str_adds(&md, "**", &err), &err);
    for (int i = 0; i < NF_TELEGRAM_ENTITIES_MAX; i++)
        assert_ok(nf_str_adds(&md, "a `x` ", &err), &err);
    assert_ok(nf_str_adds(&md, "b**", &err), &err);
    assert_true(split(nf_str_c(&md)) >= 2); /* the bold is cut a hundred times */
}

static void it_survives_every_failing_allocation(void **data)
{
    (void)data;
    for (size_t n = 1;; n++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
        NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
        struct nf_json_out o;
        struct nf_err err;
        static const char md[] = "**a `b`** [c](https://example.org) > d";
        assert_ok(nf_markdown_read(md, strlen(md), &s, &err), &err);
        nf_fail_alloc_at(n);
        nf_json_begin_doc(&o, &got);
        nf_json_out_object(&o);
        enum nf_code rc = nf_telegram_put_text(&o, &s, false, &err);
        nf_json_out_end(&o);
        enum nf_code end = nf_json_end_doc(&o, &err);
        nf_fail_alloc_at(0);
        if (rc == NF_OK && end == NF_OK)
            return;
        assert_true(rc == NF_E_NOMEM || end == NF_E_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_become_entities),
        cmocka_unit_test(offsets_count_utf16_units),
        cmocka_unit_test(code_is_cut_out_of_what_is_around_it),
        cmocka_unit_test(a_link_is_worth_more_than_the_code_in_it),
        cmocka_unit_test(a_link_that_the_server_would_refuse_is_text),
        cmocka_unit_test(a_plain_text_has_no_entities),
        cmocka_unit_test(a_text_is_cut_at_its_limit),
        cmocka_unit_test(entities_count_as_well),
        cmocka_unit_test(it_survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
