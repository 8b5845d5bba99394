#include "channels/discord/markup.h"

#include "channels/discord/markup_rules.h"

#include <string.h>

#define OPEN_MAX 16 /* spans within spans; deeper ones stay plain */

struct open {
    const struct nf_styled_span *span;
    size_t end; /* less the blanks before it */
};

struct writer {
    const struct nf_styled *s;
    const char *p; /* its text */
    size_t len;
    struct nf_str *to;
    struct nf_err *err;
    struct open open[OPEN_MAX];
    size_t open_n;
    bool line_start;   /* only blanks so far */
    size_t quote_end;  /* inside of a quote until there; 0: in none */
    size_t closed_len; /* to->len behind the last marker of asterisks that closes, */
    size_t code_len;   /* and behind the last code */
};

static NF_RC put(struct writer *w, const char *text)
{
    return nf_str_adds(w->to, text, w->err);
}

/* `next`: where the line's text begins. */
static NF_RC put_newline(struct writer *w, size_t next)
{
    w->line_start = true;
    return put(w, next < w->quote_end ? "\n> " : "\n");
}

/* --- text ------------------------------------------------------------------------------------- */

/* Write the character at *at and go behind it. */
static NF_RC put_character(struct writer *w, size_t *at)
{
    char c = w->p[*at];
    size_t digits = w->line_start ? nf_markup_number(w->p, *at, w->len) : 0;

    if (c == '\n')
        return put_newline(w, ++*at);
    if (digits > 0) {
        NF_TRY(nf_str_add(w->to, w->p + *at, digits, w->err));
        NF_TRY(put(w, "\\."));
        *at += digits + 1;
        w->line_start = false;
        return NF_OK;
    }
    if (nf_markup_is_special(w->p, *at, w->len) ||
        (w->line_start && nf_markup_is_special_first(w->p, *at, w->len)))
        NF_TRY(put(w, "\\"));
    if (!nf_markup_is_blank(c))
        w->line_start = false;
    (*at)++;
    return nf_str_add(w->to, &c, 1, w->err);
}

/* --- code ------------------------------------------------------------------------------------- */

static NF_RC put_code(struct writer *w, size_t at, size_t end)
{
    const char *p = w->p + at;
    size_t n = end - at;
    const char *fence = nf_markup_code_fence(p, n) == 1 ? "`" : "``";

    w->line_start = false;
    NF_TRY(put(w, fence));
    if (nf_markup_needs_pad(p, n, false))
        NF_TRY(put(w, " "));
    for (size_t i = 0; i < n; i++) /* a line's end would let a quote begin anew */
        NF_TRY(nf_str_add(w->to, p[i] == '\n' ? " " : p + i, 1, w->err));
    if (nf_markup_needs_pad(p, n, true))
        NF_TRY(put(w, " "));
    NF_TRY(put(w, fence));
    w->code_len = w->to->len;
    return NF_OK;
}

/* Nothing escapes a fence within a block: a character without width stands between. */
static NF_RC put_block(struct writer *w, const struct nf_styled_span *v)
{
    NF_TRY(put(w, "```"));
    if (v->extra && nf_markup_is_language(v->extra))
        NF_TRY(put(w, v->extra));
    NF_TRY(put_newline(w, v->at));
    for (size_t i = v->at, run = 0; i < v->end; i++) {
        run = w->p[i] == '`' ? run + 1 : 0;
        if (run == 3) {
            NF_TRY(put(w, "\xE2\x80\x8B"));
            run = 1;
        }
        if (w->p[i] == '\n')
            NF_TRY(put_newline(w, v->at));
        else
            NF_TRY(nf_str_add(w->to, w->p + i, 1, w->err));
    }
    NF_TRY(put_newline(w, v->at));
    w->line_start = false;
    return put(w, "```");
}

/* --- links ------------------------------------------------------------------------------------ */

static NF_RC put_address(struct writer *w, const char *url)
{
    for (; *url; url++)
        if (nf_markup_is_unsafe(*url))
            NF_TRY(nf_str_addf(w->to, w->err, "%%%02X", (unsigned char)*url));
        else
            NF_TRY(nf_str_add(w->to, url, 1, w->err));
    return NF_OK;
}

static enum nf_markup_link link_of(const struct writer *w, const struct nf_styled_span *v)
{
    return nf_markup_link(w->p + v->at, v->end - v->at, v->extra ? v->extra : "");
}

static NF_RC close_link(struct writer *w, const struct nf_styled_span *v)
{
    enum nf_markup_link form = link_of(w, v);

    if (form == NF_LINK_NONE)
        return NF_OK;
    if (form == NF_LINK_BEHIND && !nf_markup_is_web(v->extra)) {
        NF_TRY(put(w, " ("));
        NF_TRY(put_address(w, strncmp(v->extra, "mailto:", 7) == 0 ? v->extra + 7 : v->extra));
        return put(w, ")");
    }
    NF_TRY(put(w, form == NF_LINK_MASKED ? "](<" : " (<"));
    NF_TRY(put_address(w, v->extra));
    return put(w, ">)");
}

/* --- spans ------------------------------------------------------------------------------------ */

static const char *marker(enum nf_style style)
{
    switch (style) {
    case NF_STYLE_BOLD:
        return "**";
    case NF_STYLE_ITALIC:
        return "*";
    case NF_STYLE_STRIKE:
        return "~~";
    default:
        return NULL;
    }
}

static bool is_open(const struct writer *w, enum nf_style style)
{
    for (size_t i = 0; i < w->open_n; i++)
        if (w->open[i].span->style == style)
            return true;
    return false;
}

/* Whether code or an address within holds what would end the style: Discord looks for the end
 * without reading what is between. */
static bool holds(const struct writer *w, size_t at, size_t end, char c)
{
    for (size_t i = 0; i < w->s->n && w->s->v[i].at < end; i++) {
        const struct nf_styled_span *v = &w->s->v[i];
        bool code = v->style == NF_STYLE_CODE || v->style == NF_STYLE_PRE;
        if (code && v->at >= at && memchr(w->p + v->at, c, v->end - v->at))
            return true;
    }
    return c == '~' && memchr(w->p + at, c, end - at);
}

/* Whether the style can be told from what is around it, between the blanks at its ends. */
static bool can_mark(const struct writer *w, const struct nf_styled_span *v, size_t end)
{
    if (is_open(w, v->style) || w->open_n == OPEN_MAX)
        return false;
    if (v->style == NF_STYLE_STRIKE)
        return !holds(w, v->at, end, '~');
    return w->closed_len != w->to->len && !holds(w, v->at, end, '*');
}

static NF_RC close_spans(struct writer *w, size_t at)
{
    while (w->open_n > 0 && w->open[w->open_n - 1].end <= at) {
        const struct nf_styled_span *v = w->open[--w->open_n].span;
        if (v->style == NF_STYLE_LINK) {
            NF_TRY(close_link(w, v));
        } else {
            NF_TRY(put(w, marker(v->style)));
            if (v->style != NF_STYLE_STRIKE)
                w->closed_len = w->to->len;
        }
    }
    return NF_OK;
}

static void open_quote(struct writer *w, const struct nf_styled_span *v)
{
    if (v->at == 0 || w->p[v->at - 1] == '\n')
        w->quote_end = v->end;
}

/* Where the span ends, less the blanks at its end: markers stand right behind the text. */
static size_t ends_at(const struct writer *w, const struct nf_styled_span *v)
{
    size_t end = v->end;
    while (end > v->at && nf_markup_is_blank(w->p[end - 1]))
        end--;
    return end;
}

static NF_RC open_marked(struct writer *w, const struct nf_styled_span *v, size_t at)
{
    size_t end = ends_at(w, v);
    if (end <= at || !can_mark(w, v, end))
        return NF_OK;
    NF_TRY(put(w, marker(v->style)));
    w->line_start = false;
    w->open[w->open_n++] = (struct open){ v, end };
    return NF_OK;
}

static NF_RC open_link(struct writer *w, const struct nf_styled_span *v, size_t *at)
{
    switch (is_open(w, NF_STYLE_LINK) ? NF_LINK_NONE : link_of(w, v)) {
    case NF_LINK_BARE:
        NF_TRY(put(w, "<"));
        NF_TRY(put_address(w, v->extra));
        *at = v->end;
        w->line_start = false;
        return put(w, ">");
    case NF_LINK_MASKED:
        if (w->open_n == OPEN_MAX)
            return NF_OK;
        w->line_start = false;
        w->open[w->open_n++] = (struct open){ v, ends_at(w, v) };
        return put(w, "[");
    case NF_LINK_BEHIND:
        if (w->open_n < OPEN_MAX)
            w->open[w->open_n++] = (struct open){ v, ends_at(w, v) };
        return NF_OK;
    default:
        return NF_OK;
    }
}

/* Begin one span, whose text begins at *at but for blanks; code is written as a whole. */
static NF_RC open_span(struct writer *w, const struct nf_styled_span *v, size_t *at)
{
    switch (v->style) {
    case NF_STYLE_QUOTE:
        open_quote(w, v);
        return w->quote_end == v->end ? put(w, "> ") : NF_OK;
    case NF_STYLE_PRE:
        if (nf_markup_is_all_blank(w->p + v->at, v->end - v->at))
            return NF_OK;
        *at = v->end;
        return put_block(w, v);
    case NF_STYLE_CODE:
        if (nf_markup_code_fence(w->p + v->at, v->end - v->at) == 0 || w->code_len == w->to->len)
            return NF_OK;
        *at = v->end;
        return put_code(w, v->at, v->end);
    case NF_STYLE_LINK:
        return open_link(w, v, at);
    default:
        return open_marked(w, v, *at);
    }
}

/* A marker stands right before the text, behind the blanks that its span begins with. */
static size_t begins_at(const struct writer *w, const struct nf_styled_span *v)
{
    size_t at = v->at;
    if (marker(v->style))
        while (at < v->end && nf_markup_is_blank(w->p[at]))
            at++;
    return at;
}

/* Spans that begin here, from the i-th on; what was passed is behind us. */
static NF_RC open_spans(struct writer *w, size_t *i, size_t *at)
{
    while (*i < w->s->n && begins_at(w, &w->s->v[*i]) <= *at) {
        const struct nf_styled_span *v = &w->s->v[(*i)++];
        size_t here = *at;
        if (begins_at(w, v) == here && v->end > here)
            NF_TRY(open_span(w, v, at));
        if (*at != here)
            return NF_OK;
    }
    return NF_OK;
}

enum nf_code nf_discord_write(const struct nf_styled *s, struct nf_str *to, struct nf_err *err)
{
    struct writer w = { .s = s,
                        .p = nf_str_c(&s->text),
                        .len = s->text.len,
                        .to = to,
                        .err = err,
                        .line_start = true,
                        .closed_len = SIZE_MAX,
                        .code_len = SIZE_MAX };
    size_t span = 0;

    for (size_t at = 0; at < w.len;) {
        size_t here = at;
        NF_TRY(close_spans(&w, at));
        NF_TRY(open_spans(&w, &span, &at));
        if (at == here)
            NF_TRY(put_character(&w, &at));
    }
    return close_spans(&w, w.len);
}
