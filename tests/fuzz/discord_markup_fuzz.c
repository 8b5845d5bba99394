/* Whatever a model writes, Discord shows its text and no style, mention or list that was not meant,
 * in parts that fit. */
#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/markup.h"
#include "tests/support/discord_markup.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool right)
{
    if (!right)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NF_CLEANUP(nf_discord_parts_done) struct nf_discord_parts parts = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str got = { 0 };
    struct nf_err err;
    const char *why;

    if (!nf_utf8_valid((const char *)data, size) || memchr(data, '\0', size) ||
        memmem(data, size, "mailto:", 7) || memmem(data, size, "tg://", 5) ||
        memmem(data, size, "@", 1)) /* addresses that are written as plain text */
        return 0;
    expect(nf_str_add(&text, (const char *)data, size, &err) == NF_OK);
    expect(nf_discord_parts_read(nf_str_c(&text), &parts, &err) == NF_OK);
    for (size_t i = 0; i < parts.ranges.n; i++) {
        NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };
        struct nf_styled_range r = parts.ranges.v[i];
        expect(nf_discord_parts_write(&parts, i, &got, &err) == NF_OK);
        expect(nf_utf16_units(nf_str_c(&got), got.len) <= NF_DISCORD_PART_MAX);
        expect(nf_styled_slice(&parts.text, r.at, r.end, &part, &err) == NF_OK);
        expect(nf_discord_shows(nf_str_c(&got), got.len, &part, &why));
    }
    return 0;
}
