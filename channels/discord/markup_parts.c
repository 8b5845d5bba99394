#include "channels/discord/markup.h"

#include "base/own.h"
#include "base/utf8.h"
#include "channels/discord/markup_rules.h"
#include "codec/markdown.h"

#include <string.h>

#define LINE_COST ((NF_DISCORD_PART_MAX + NF_DISCORD_LINES_MAX - 1) / NF_DISCORD_LINES_MAX)

/* --- how long it is --------------------------------------------------------------------------- */

static size_t span_cost(const struct nf_styled_span *v)
{
    size_t address;
    switch (v->style) {
    case NF_STYLE_BOLD:
    case NF_STYLE_STRIKE:
        return 4;
    case NF_STYLE_ITALIC:
    case NF_STYLE_QUOTE:
        return 2;
    case NF_STYLE_CODE:
        return 6;
    case NF_STYLE_PRE: /* fences, two ends of lines, and the marks of a quote */
        return 12 + (v->extra && nf_markup_is_language(v->extra) ? strlen(v->extra) : 0);
    case NF_STYLE_LINK:
        address = nf_markup_address_length(v->extra ? v->extra : "");
        return address > NF_DISCORD_LINK_MAX ? 0 : address + 6;
    }
    return 0;
}

static size_t text_cost(const char *p, size_t n)
{
    size_t cost = nf_utf16_units(p, n);
    for (size_t i = 0; i < n; i++)
        if (strchr("\\*_~`|[<:>#-.", p[i]) && p[i])
            cost++;
        else if (p[i] == '\n') /* the marks of a quote */
            cost += 2;
    return cost;
}

static size_t size(const struct nf_styled_measure *m, const struct nf_styled *s, size_t at,
                   size_t end)
{
    const char *p = nf_str_c(&s->text);
    size_t cost = text_cost(p + at, end - at), lines = 1;

    (void)m;
    for (size_t i = 0; i < s->n && s->v[i].at < end; i++)
        if (s->v[i].end > at)
            cost += span_cost(&s->v[i]);
    for (size_t i = at; i < end; i++)
        lines += p[i] == '\n';
    size_t tall = lines * LINE_COST;
    return lines > 1 && tall > cost ? tall : cost;
}
const struct nf_styled_measure nf_discord_measure = { .size = size };

/* --- parts ------------------------------------------------------------------------------------ */

void nf_discord_parts_done(struct nf_discord_parts *p)
{
    nf_styled_done(&p->text);
    nf_styled_ranges_done(&p->ranges);
}

enum nf_code nf_discord_parts_read(const char *markdown, struct nf_discord_parts *ret,
                                   struct nf_err *err)
{
    NF_TRY(nf_markdown_read(markdown, strlen(markdown), &ret->text, err));
    return nf_styled_split(&ret->text, &nf_discord_measure, NF_DISCORD_PART_MAX, &ret->ranges, err);
}

size_t nf_discord_parts_count(const struct nf_discord_parts *p)
{
    return p->ranges.n > 0 ? p->ranges.n : 1;
}

static NF_RC slice(const struct nf_discord_parts *p, size_t i, struct nf_styled *ret,
                   struct nf_err *err)
{
    if (i >= nf_discord_parts_count(p))
        return nf_err_set(err, NF_E_NOT_FOUND, "the text has %zu parts", nf_discord_parts_count(p));
    if (p->ranges.n == 0)
        return NF_OK;
    return nf_styled_slice(&p->text, p->ranges.v[i].at, p->ranges.v[i].end, ret, err);
}

enum nf_code nf_discord_parts_write(const struct nf_discord_parts *p, size_t i, struct nf_str *to,
                                    struct nf_err *err)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };

    nf_str_reset(to);
    NF_TRY(slice(p, i, &part, err));
    return nf_discord_write(&part, to, err);
}

enum nf_code nf_discord_parts_plain(const struct nf_discord_parts *p, size_t i, struct nf_str *to,
                                    struct nf_err *err)
{
    NF_CLEANUP(nf_styled_done) struct nf_styled part = { 0 };

    nf_str_reset(to);
    NF_TRY(slice(p, i, &part, err));
    return nf_str_add(to, nf_str_c(&part.text), part.text.len, err);
}
