/* Text rewritten: case, names for programs, slugs, blanks. */
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/text/tools.h"

#include <string.h>

enum {
    UPPER,
    LOWER,
    TITLE,
    SENTENCE,
    CAMEL,
    PASCAL,
    SNAKE,
    KEBAB,
    CONSTANT,
    SLUG,
    TRIM,
    COLLAPSE,
    REVERSE,
    NUMBER
};

static bool is_upper(uint32_t rune)
{
    return nf_rune_lower(rune) != rune;
}

static bool is_apostrophe(uint32_t rune)
{
    return rune == '\'' || rune == 0x2019;
}

static uint32_t peek(const char *p, size_t n, size_t at)
{
    return at < n ? nf_rune_next(p, n, &at) : 0;
}

/* Case where only the beginning of words or the text decides. */
static void put_cased(struct nf_buf *to, const char *p, size_t n, size_t how)
{
    bool start = true;

    for (size_t i = 0; i < n;) {
        uint32_t rune = nf_rune_next(p, n, &i);
        bool word = nf_rune_is_word(rune);

        if (how == UPPER || ((how == TITLE || how == SENTENCE) && start && word))
            nf_buf_add_rune(to, nf_rune_upper(rune));
        else
            nf_buf_add_rune(to, nf_rune_lower(rune));
        if (how == TITLE)
            start = !word && !is_apostrophe(rune);
        else if (word)
            start = false;
        else if (rune == '.' || rune == '!' || rune == '?')
            start = true;
    }
}

/* The next word of a name: letters and digits, cut also where a capital follows a small letter and
 * before the last of several capitals ("HTTPServer" is HTTP, Server). False: there is none. */
static bool next_word(const char *p, size_t n, size_t *i, size_t *from, size_t *to)
{
    uint32_t before = 0, rune;
    size_t at = *i, next;

    for (; at < n; at = next) {
        next = at;
        rune = nf_rune_next(p, n, &next);
        if (nf_rune_is_word(rune) && rune != '_')
            break;
    }
    *from = at;
    for (; at < n; at = next) {
        uint32_t ahead;

        next = at;
        rune = nf_rune_next(p, n, &next);
        ahead = peek(p, n, next);
        /* An apostrophe within a word is no gap. */
        if (is_apostrophe(rune) && before && nf_rune_is_word(ahead))
            continue;
        if (!nf_rune_is_word(rune) || rune == '_' ||
            (before && is_upper(rune) && (!is_upper(before) || nf_rune_upper(ahead) != ahead)))
            break;
        before = rune;
    }
    *to = *i = at;
    return at > *from;
}

static void put_word(struct nf_buf *to, const char *p, size_t n, size_t how, bool first)
{
    bool start = true;

    for (size_t i = 0; i < n;) {
        uint32_t rune = nf_rune_next(p, n, &i);
        const char *plain = how == SLUG ? nf_rune_plain(rune) : NULL;
        bool up = how == CONSTANT || (start && (how == PASCAL || (how == CAMEL && !first)));

        if (is_apostrophe(rune))
            continue;
        if (plain)
            nf_buf_adds(to, plain);
        else
            nf_buf_add_rune(to, up ? nf_rune_upper(rune) : nf_rune_lower(rune));
        start = false;
    }
}

static void put_name(struct nf_buf *to, const char *p, size_t n, size_t how)
{
    const char *separator = how == SNAKE || how == CONSTANT ? "_"
                            : how == KEBAB || how == SLUG   ? "-"
                                                            : "";
    size_t i = 0, from, end;

    for (size_t k = 0; next_word(p, n, &i, &from, &end); k++) {
        if (k > 0)
            nf_buf_adds(to, separator);
        put_word(to, p + from, end - from, how, k == 0);
    }
}

/* Blanks at both ends of every line and empty lines around; COLLAPSE: also several blanks in a row
 * become one and several empty lines one. */
static void put_trimmed(struct nf_buf *to, const char *p, size_t n, bool collapse)
{
    size_t empty = 0;
    bool any = false;

    while (n > 0) {
        const char *end = memchr(p, '\n', n);
        size_t len = end ? (size_t)(end - p) : n, used = end ? len + 1 : len, from = 0;
        bool gap = false;

        while (from < len && strchr(" \t\r", p[from]))
            from++;
        while (len > from && strchr(" \t\r", p[len - 1]))
            len--;
        if (len == from) {
            empty++;
        } else {
            for (size_t k = any ? (collapse && empty > 1 ? 1 : empty) + 1 : 0; k > 0; k--)
                nf_buf_addc(to, '\n');
            for (size_t i = from; i < len; i++) {
                bool blank = collapse && strchr(" \t\r", p[i]);

                if (!blank)
                    nf_buf_addc(to, p[i]);
                else if (!gap)
                    nf_buf_addc(to, ' ');
                gap = blank;
            }
            any = true;
            empty = 0;
        }
        p += used;
        n -= used;
    }
}

static void put_reversed(struct nf_args *a, struct nf_buf *to, const char *p, size_t n)
{
    char *back = nf_args_alloc(a, n + 1, 1);
    size_t at = n;

    for (size_t i = 0; i < n && back;) {
        size_t from = i;

        (void)nf_rune_next(p, n, &i);
        at -= i - from;
        memcpy(back + at, p + from, i - from);
    }
    if (back)
        nf_buf_add(to, back, n);
}

static void put_numbered(struct nf_buf *to, const char *p, size_t n)
{
    for (size_t line = 1; n > 0; line++) {
        const char *end = memchr(p, '\n', n);
        size_t used = end ? (size_t)(end - p) + 1 : n;

        nf_buf_addf(to, "%zu: ", line);
        nf_buf_add(to, p, used);
        p += used;
        n -= used;
    }
}

int nf_text_transform(struct nf_args *a, struct nf_buf *out)
{
    static const char *const names[] = { "upper",  "lower",    "title",   "sentence",     "camel",
                                         "pascal", "snake",    "kebab",   "constant",     "slug",
                                         "trim",   "collapse", "reverse", "number_lines", NULL };
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    size_t how = nf_args_choice(a, "to", names), n = strlen(text);
    struct nf_buf result = nf_buf_of(a->h, NF_BUF_MAX);

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    if (how <= SENTENCE)
        put_cased(&result, text, n, how);
    else if (how <= SLUG)
        put_name(&result, text, n, how);
    else if (how <= COLLAPSE)
        put_trimmed(&result, text, n, how == COLLAPSE);
    else if (how == REVERSE)
        put_reversed(a, &result, text, n);
    else
        put_numbered(&result, text, n);
    nf_out_open(out, '{');
    nf_put_buf(out, "result", &result);
    nf_out_close(out, '}');
    return a->rc;
}
