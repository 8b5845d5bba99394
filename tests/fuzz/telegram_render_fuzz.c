/* Whatever Markdown says, what is sent keeps to the rules of the Bot API, "Formatting options":
 * parts fit, entities lie at character boundaries, one in the other or apart, and only what may is
 * in another. */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/telegram/render.h"
#include "codec/markdown.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int right)
{
    if (!right)
        abort();
}

static bool may_contain(enum nf_telegram_entity_type a, enum nf_telegram_entity_type b)
{
    bool a_code = a == NF_TELEGRAM_CODE || a == NF_TELEGRAM_PRE;
    bool b_code = b == NF_TELEGRAM_CODE || b == NF_TELEGRAM_PRE;
    if (a_code || (b_code && a != NF_TELEGRAM_QUOTE) || (a == NF_TELEGRAM_QUOTE && a == b))
        return false;
    return a != NF_TELEGRAM_LINK || b < NF_TELEGRAM_CODE;
}

static void check_part(const struct nf_styled *part)
{
    NF_CLEANUP(nf_telegram_entities_done) struct nf_telegram_entities all = { 0 };
    struct nf_err err;

    expect(nf_utf16_units(nf_str_c(&part->text), part->text.len) <= NF_TELEGRAM_PART_MAX);
    expect(nf_telegram_entities(part, &all, &err) == NF_OK);
    expect(all.n <= NF_TELEGRAM_ENTITIES_MAX);
    for (size_t i = 0; i < all.n; i++) {
        const struct nf_telegram_entity *a = &all.v[i];
        expect(a->at < a->end && a->end <= part->text.len);
        expect(((uint8_t)part->text.p[a->at] & 0xC0) != 0x80);
        expect(a->end == part->text.len || ((uint8_t)part->text.p[a->end] & 0xC0) != 0x80);
        for (size_t k = i + 1; k < all.n && all.v[k].at < a->end; k++) {
            expect(all.v[k].end <= a->end);
            expect(may_contain(a->type, all.v[k].type));
            expect(all.v[k].type != a->type);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled s = { 0 };
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
    struct nf_err err;

    if (!nf_utf8_valid((const char *)data, size))
        return 0;
    expect(nf_markdown_read((const char *)data, size, &s, &err) == NF_OK);
    expect(nf_telegram_split(&s, NF_TELEGRAM_PART_MAX, &parts, &err) == NF_OK);
    for (size_t i = 0; i < parts.n; i++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        expect(nf_styled_slice(&s, parts.v[i].at, parts.v[i].end, &part, &err) == NF_OK);
        check_part(&part);
    }
    return 0;
}
