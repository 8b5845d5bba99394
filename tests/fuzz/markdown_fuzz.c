/* Any text can be read, sliced and split: every part fits, is whole UTF-8, and only white space is
 * lost between parts. The first byte of the input says how long a part may be. */
#include "base/own.h"
#include "base/utf8.h"
#include "codec/markdown.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int right)
{
    if (!right)
        abort();
}

static void check_spans(const struct nf_styled *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct nf_styled_span *a = &s->v[i];
        expect(a->at < a->end && a->end <= s->text.len);
        expect(((uint8_t)s->text.p[a->at] & 0xC0) != 0x80);
        expect(a->end == s->text.len || ((uint8_t)s->text.p[a->end] & 0xC0) != 0x80);
        if (i > 0) /* apart, or one in the other */
            expect(a->at >= s->v[i - 1].at);
        for (size_t k = i > 8 ? i - 8 : 0; k < i; k++)
            expect(s->v[k].end <= a->at || s->v[k].end >= a->end);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
    struct nf_err err;
    size_t at = 0;

    if (size == 0 || !nf_utf8_valid((const char *)data + 1, size - 1))
        return 0;
    size_t max = 8 + (size_t)data[0];
    expect(nf_markdown_read((const char *)data + 1, size - 1, &s, &err) == NF_OK);
    check_spans(&s);
    expect(nf_styled_split(&s, &nf_styled_utf16, max, &parts, &err) == NF_OK);
    for (size_t i = 0; i <= parts.n; i++) {
        size_t to = i < parts.n ? parts.v[i].at : s.text.len;
        for (; at < to; at++)
            expect(strchr(" \n\t\r", s.text.p[at]) != NULL && s.text.p[at] != '\0');
        if (i == parts.n)
            break;
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        expect(nf_styled_slice(&s, at, parts.v[i].end, &part, &err) == NF_OK);
        expect(nf_utf8_valid(part.text.p, part.text.len));
        expect(nf_utf16_units(part.text.p, part.text.len) <= max);
        check_spans(&part);
        at = parts.v[i].end;
    }
    return 0;
}
