/* The rules are those of simple-markdown 0.7 as Discord's client extends them: each is looked for
 * at the place that is reached, the first that fits is taken, of emphases the longest. */
#include "tests/support/discord_markup.h"

#include <string.h>

#define DEPTH_MAX 24

struct eye {
    struct nf_seen *out;
    const char *why;
    int depth;
};

void nf_seen_done(struct nf_seen *s)
{
    nf_str_done(&s->text);
    nf_str_done(&s->styles);
    nf_str_done(&s->targets);
}

static bool refuse(struct eye *e, const char *why)
{
    if (!e->why)
        e->why = why;
    return false;
}

static bool show(struct eye *e, const char *p, size_t n, uint8_t style)
{
    struct nf_err err;
    if (nf_str_add(&e->out->text, p, n, &err) != NF_OK)
        return refuse(e, "out of memory");
    for (size_t i = 0; i < n; i++)
        if (nf_str_add(&e->out->styles, (const char *)&style, 1, &err) != NF_OK)
            return refuse(e, "out of memory");
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}
static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static bool is_at(const char *p, size_t n, size_t i, const char *what)
{
    size_t k = strlen(what);
    return i + k <= n && memcmp(p + i, what, k) == 0;
}

/* Each *_end is the length of a match at p, 0 for none; *inner is the length of its content. */

static size_t strong_end(const char *p, size_t n, char c, size_t *inner)
{
    if (n < 5 || p[0] != c || p[1] != c)
        return 0;
    for (size_t i = 2; i + 1 < n;) {
        if (i > 2 && p[i] == c && p[i + 1] == c && (i + 2 == n || p[i + 2] != c)) {
            *inner = i - 2;
            return i + 2;
        }
        i += p[i] == '\\' ? 2 : 1;
    }
    return 0;
}

static size_t em_end(const char *p, size_t n, size_t *inner)
{
    if (n < 3 || p[0] != '*' || is_space(p[1]))
        return 0;
    for (size_t i = 1; i < n;) {
        if (p[i] == '*') {
            if (i > 1 && (i + 1 == n || p[i + 1] != '*')) {
                *inner = i - 1;
                return i + 1;
            }
            if (i + 1 == n || p[i + 1] != '*')
                return 0;
            i += 2;
        } else if (is_space(p[i])) {
            while (i < n && is_space(p[i]))
                i++;
            if (i == n || (p[i] == '*' && (i + 1 == n || p[i + 1] != '*')))
                return 0;
        } else {
            i += p[i] == '\\' ? 2 : 1;
        }
    }
    return 0;
}

static size_t underscore_end(const char *p, size_t n, size_t *inner)
{
    for (size_t i = 1; i < n;) {
        if (p[i] == '_' && i + 1 < n && p[i + 1] == '_') {
            i += 2;
        } else if (p[i] == '_') {
            if (i > 1 && (i + 1 == n || !is_word(p[i + 1]))) {
                *inner = i - 1;
                return i + 1;
            }
            return 0;
        } else {
            i += p[i] == '\\' ? 2 : 1;
        }
    }
    return 0;
}

static size_t pair_end(const char *p, size_t n, const char *mark, size_t *inner)
{
    for (size_t i = 3; is_at(p, n, 0, mark) && i + 1 < n; i++)
        if (is_at(p, n, i, mark) && !(mark[0] == '~' && i + 2 < n && p[i + 2] == '_')) {
            *inner = i - 2;
            return i + 2;
        }
    return 0;
}

static size_t code_end(const char *p, size_t n, size_t fence, size_t *inner)
{
    for (size_t i = fence + 1; i + fence <= n; i++) {
        size_t run = 0;
        while (i + run < n && p[i + run] == '`' && run < fence)
            run++;
        if (run == fence && p[i - 1] != '`' && (i + fence == n || p[i + fence] != '`')) {
            *inner = i - fence;
            return i + fence;
        }
    }
    return 0;
}

static size_t block_end(const char *p, size_t n, size_t *from, size_t *to)
{
    size_t i = 3, k;
    for (k = i; k < n && (is_word(p[k]) || strchr("+-.#", p[k])); k++)
        ;
    if (k > i && k < n && p[k] == '\n')
        i = k + 1;
    while (i < n && p[i] == '\n')
        i++;
    for (k = i + 1; k + 3 <= n; k++)
        if (is_at(p, n, k, "```")) {
            *from = i;
            for (*to = k; *to > i + 1 && p[*to - 1] == '\n'; --*to)
                ;
            return k + 3;
        }
    return 0;
}

/* NOLINTBEGIN(misc-no-recursion): DEPTH_MAX bounds it */
static bool see(struct eye *e, const char *p, size_t n, uint8_t style, bool first);

/* [text](<address>), the only form that is written. */
static size_t see_link(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    struct nf_err err;
    size_t i = 1, from;
    while (i < n && p[i] != '[' && p[i] != ']')
        i++;
    if (i < 2 || !is_at(p, n, i, "]("))
        return 0;
    size_t text_n = i - 1;
    from = i += 2;
    if (i < n && p[i] == '<')
        from = ++i;
    while (i < n && !is_space(p[i]) && p[i] != '>' && p[i] != ')')
        i++;
    size_t to = i;
    i += i < n && p[i] == '>';
    if (i == n || p[i] != ')' || to == from)
        return 0;
    for (size_t k = 1; k < text_n; k++)
        if (is_at(p, n, k, "://")) { /* not masked: Discord shows what it is */
            *ok = refuse(e, "a link's text with an address in it");
            return i + 1;
        }
    *ok = nf_str_add(&e->out->targets, p + from, to - from, &err) == NF_OK &&
          nf_str_adds(&e->out->targets, "\n", &err) == NF_OK &&
          see(e, p + 1, text_n, style | NF_SEEN_LINK, false);
    return i + 1;
}

static size_t see_angle(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    size_t i = 1;
    if (n > 2 && (strchr("@#:/", p[1]) || is_at(p, n, 1, "t:") || is_at(p, n, 1, "a:"))) {
        *ok = refuse(e, "a mention, emoji or time");
        return 1;
    }
    while (i < n && !strchr(": >", p[i]))
        i++;
    if (i == 1 || !is_at(p, n, i, ":/"))
        return 0;
    for (i += 2; i < n && p[i] != ' ' && p[i] != '>'; i++)
        ;
    if (i == n || p[i] != '>')
        return 0;
    *ok = show(e, p + 1, i - 1, style | NF_SEEN_ADDRESS);
    return i + 1;
}

static size_t see_code(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    size_t from, to, inner, fence = 0, end;
    if (is_at(p, n, 0, "```") && (end = block_end(p, n, &from, &to)) > 0) {
        *ok = show(e, p + from, to - from, style | NF_SEEN_PRE);
        return end;
    }
    while (fence < n && p[fence] == '`')
        fence++;
    for (; fence > 0; fence--)
        if ((end = code_end(p, n, fence, &inner)) > 0) {
            size_t at = fence, stop = fence + inner, k;
            for (k = at; k < stop && p[k] == ' '; k++)
                ;
            at += k > at && k < stop && p[k] == '`';
            for (k = stop; k > at && p[k - 1] == ' '; k--)
                ;
            stop -= k < stop && k > at && p[k - 1] == '`';
            *ok = show(e, p + at, stop - at, style | NF_SEEN_CODE);
            return end;
        }
    return 0;
}

static size_t see_emphasis(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    size_t em_n = 0, strong_n = 0, em = 0, strong = 0;
    if (p[0] == '*') {
        em = em_end(p, n, &em_n);
        strong = strong_end(p, n, '*', &strong_n);
    } else if (strong_end(p, n, '_', &strong_n) || underscore_end(p, n, &em_n)) {
        *ok = refuse(e, "underlined or italic by underscores");
        return 1;
    }
    if (em == 0 && strong == 0)
        return 0;
    *ok = em >= strong ? see(e, p + 1, em_n, style | NF_SEEN_ITALIC, false)
                       : see(e, p + 2, strong_n, style | NF_SEEN_BOLD, false);
    return em >= strong ? em : strong;
}

static bool is_shortcode(const char *p, size_t n)
{
    size_t i = 1;
    while (i < n && (is_word(p[i]) || p[i] == '+' || p[i] == '-'))
        i++;
    return i > 1 && i < n && p[i] == ':';
}

/* What stands at the place; 0: nothing but its character. */
static size_t see_markup(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    size_t inner, end;
    switch (p[0]) {
    case '\\':
        if (n < 2 || is_space(p[1]) || (is_word(p[1]) && p[1] != '_'))
            return 0;
        *ok = show(e, p + 1, 1, style);
        return 2;
    case '`':
        return see_code(e, p, n, style, ok);
    case '[':
        return see_link(e, p, n, style, ok);
    case '<':
        return see_angle(e, p, n, style, ok);
    case '*':
    case '_':
        return see_emphasis(e, p, n, style, ok);
    case '~':
        if ((end = pair_end(p, n, "~~", &inner)) > 0)
            *ok = see(e, p + 2, inner, style | NF_SEEN_STRIKE, false);
        return end;
    case '|':
        if (pair_end(p, n, "||", &inner) > 0)
            *ok = refuse(e, "a spoiler");
        return 0;
    case ':':
        if (is_shortcode(p, n))
            *ok = refuse(e, "an emoji's name");
        return 0;
    case 'h':
        if ((is_at(p, n, 0, "http://") && n > 7 && !is_space(p[7])) ||
            (is_at(p, n, 0, "https://") && n > 8 && !is_space(p[8])))
            *ok = refuse(e, "a bare address");
        return 0;
    default:
        return 0;
    }
}

/* Headings, small text and lists at the start of a line. */
static bool check_line(struct eye *e, const char *p, size_t n)
{
    size_t i = 0, k;
    while (i < n && p[i] == ' ')
        i++;
    for (k = i; k < n && p[k] == '#'; k++)
        ;
    if (k > i && k - i <= 3 && k < n && is_space(p[k]))
        return refuse(e, "a heading");
    if (is_at(p, n, i, "-# ") || is_at(p, n, i, "- ") || is_at(p, n, i, "* "))
        return refuse(e, "small text or a list");
    for (k = i; k < n && p[k] >= '0' && p[k] <= '9'; k++)
        ;
    return k > i && is_at(p, n, k, ". ") ? refuse(e, "a numbered list") : true;
}

/* The lines of a quote, without their marks; 0: none begins here. */
static size_t see_quote(struct eye *e, const char *p, size_t n, uint8_t style, bool *ok)
{
    struct nf_str inner = { 0 };
    struct nf_err err;
    size_t i = 0;
    for (;;) {
        size_t k = i;
        while (k < n && p[k] == ' ')
            k++;
        if (is_at(p, n, k, ">>>"))
            *ok = refuse(e, "a quote to the end");
        if (!is_at(p, n, k, "> "))
            break;
        for (k += 1; k < n && p[k] == ' ' && p[k - 1] == '>'; k++)
            ;
        const char *eol = memchr(p + k, '\n', n - k);
        size_t end = eol ? (size_t)(eol - p) + 1 : n;
        if (nf_str_add(&inner, p + k, end - k, &err) != NF_OK)
            *ok = refuse(e, "out of memory");
        i = end;
    }
    if (i > 0 && *ok)
        *ok = see(e, nf_str_c(&inner), inner.len, style | NF_SEEN_QUOTE, true);
    nf_str_done(&inner);
    return i;
}

static bool see(struct eye *e, const char *p, size_t n, uint8_t style, bool first)
{
    bool ok = e->depth++ < DEPTH_MAX || refuse(e, "too deep");
    for (size_t i = 0; ok && i < n;) {
        size_t k = 0;
        if (first && !(style & NF_SEEN_QUOTE))
            k = see_quote(e, p + i, n - i, style, &ok);
        if (first && k == 0 && ok)
            ok = check_line(e, p + i, n - i);
        if (k == 0 && ok)
            k = see_markup(e, p + i, n - i, style, &ok);
        if (k == 0 && ok)
            ok = show(e, p + i, k = 1, style);
        first = i + k > 0 && p[i + k - 1] == '\n';
        i += k;
    }
    e->depth--;
    return ok;
}

/* NOLINTEND(misc-no-recursion) */

bool nf_discord_see(const char *p, size_t n, struct nf_seen *ret, const char **why)
{
    struct eye e = { .out = ret };
    bool ok = see(&e, p, n, 0, true);
    *why = e.why ? e.why : "";
    return ok;
}

/* --- held against what was to be shown -------------------------------------------------------- */

static uint8_t wanted_at(const struct nf_styled *s, size_t at)
{
    static const uint8_t bits[] = {
        [NF_STYLE_BOLD] = NF_SEEN_BOLD,     [NF_STYLE_ITALIC] = NF_SEEN_ITALIC,
        [NF_STYLE_STRIKE] = NF_SEEN_STRIKE, [NF_STYLE_CODE] = NF_SEEN_CODE,
        [NF_STYLE_PRE] = NF_SEEN_PRE,       [NF_STYLE_LINK] = NF_SEEN_LINK | NF_SEEN_ADDRESS,
        [NF_STYLE_QUOTE] = NF_SEEN_QUOTE
    };
    uint8_t all = 0;
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].at <= at && at < s->v[i].end)
            all |= bits[s->v[i].style];
    return all;
}

/* Bytes at `i` of what is seen that no text has: a character without width in code, and an address
 * in brackets behind a link's text. */
static size_t added(const struct nf_seen *s, size_t i)
{
    const char *p = nf_str_c(&s->text), *styles = nf_str_c(&s->styles);
    size_t k = i + 2;
    if ((styles[i] & NF_SEEN_PRE) && is_at(p, s->text.len, i, "\xE2\x80\x8B"))
        return 3;
    if (!is_at(p, s->text.len, i, " (") || k >= s->text.len || !(styles[k] & (char)0x80))
        return 0;
    while (k < s->text.len && (styles[k] & (char)0x80))
        k++;
    return k < s->text.len && p[k] == ')' ? k + 1 - i : 0;
}

static bool is_line_ends(const char *p, size_t at, size_t end)
{
    for (; at < end; at++)
        if (p[at] != '\n')
            return false;
    return true;
}

/* Empty lines at either end of a block of code are not shown. */
static bool is_gone(const struct nf_styled *s, size_t at)
{
    const char *p = nf_str_c(&s->text);
    for (size_t i = 0; i < s->n && p[at] == '\n'; i++) {
        const struct nf_styled_span *v = &s->v[i];
        if (v->style == NF_STYLE_PRE && v->at <= at && at < v->end &&
            !is_line_ends(p, v->at, v->end) &&
            (is_line_ends(p, v->at, at) || is_line_ends(p, at, v->end)))
            return true;
    }
    return false;
}

static bool agrees(const struct nf_seen *seen, const struct nf_styled *part, const char **why)
{
    const char *got = nf_str_c(&seen->text), *want = nf_str_c(&part->text);
    size_t i = 0, k = 0, n;

    for (;;) {
        bool same = i < seen->text.len && k < part->text.len && got[i] == want[k];
        n = i < seen->text.len ? added(seen, i) : 0;
        if (n > 0 && !(k + n <= part->text.len && memcmp(got + i, want + k, n) == 0)) {
            i += n;
            continue;
        }
        if (k < part->text.len && is_gone(part, k)) {
            k++;
            continue;
        }
        bool code_line = k < part->text.len && (wanted_at(part, k) & NF_SEEN_CODE) &&
                         want[k] == '\n' && i < seen->text.len && got[i] == ' ';
        if (same || code_line) {
            uint8_t extra = (uint8_t)nf_str_c(&seen->styles)[i] & (uint8_t)~wanted_at(part, k);
            *why = "a style that nobody asked for";
            if (extra && got[i] != '\n') /* a quote takes the end of its last line with it */
                return false;
            i++;
            k++;
        } else {
            *why = "another text";
            return i == seen->text.len && k == part->text.len;
        }
    }
}

bool nf_discord_shows(const char *p, size_t n, const struct nf_styled *part, const char **why)
{
    struct nf_seen seen = { 0 };
    bool ok = nf_discord_see(p, n, &seen, why) && agrees(&seen, part, why);
    nf_seen_done(&seen);
    return ok;
}
