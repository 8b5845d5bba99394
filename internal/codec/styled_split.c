/* Where to cut a styled text. Sizes are asked of the network's measure; places are ours. */
#include "codec/styled.h"

#include "base/own.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define MEASURE_MIN 8 /* less than that may not hold one character in its markup */

void nf_styled_ranges_done(struct nf_styled_ranges *r)
{
    free(r->v);
    *r = (struct nf_styled_ranges){ 0 };
}

static size_t utf16_size(const struct nf_styled_measure *m, const struct nf_styled *s, size_t at,
                         size_t end)
{
    (void)m;
    return nf_utf16_units(nf_str_c(&s->text) + at, end - at);
}
const struct nf_styled_measure nf_styled_utf16 = { .size = utf16_size };

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* The block of code in whose inside `at` is, NULL if it is in none. */
static const struct nf_styled_span *pre_around(const struct nf_styled *s, size_t at)
{
    for (size_t i = 0; i < s->n && s->v[i].at < at; i++)
        if (s->v[i].style == NF_STYLE_PRE && at < s->v[i].end)
            return &s->v[i];
    return NULL;
}

/* Characters that belong to the one before them: combining marks, joiners, variation selectors,
 * skin tones (Unicode Standard Annex 29, rules GB9 and GB11; regional indicators are not looked
 * at). */
static bool joins_previous(const char *p, size_t n)
{
    const uint8_t *b = (const uint8_t *)p;
    if (n >= 2 && (b[0] == 0xCC || (b[0] == 0xCD && b[1] < 0xB0))) /* U+0300 to U+036F */
        return true;
    if (n >= 3 && b[0] == 0xE2 && b[1] == 0x80 && b[2] == 0x8D) /* U+200D */
        return true;
    if (n >= 3 && b[0] == 0xEF && b[1] == 0xB8 && b[2] >= 0x80 && b[2] <= 0x8F) /* U+FE00 ff. */
        return true;
    return n >= 4 && b[0] == 0xF0 && b[1] == 0x9F && b[2] == 0x8F && b[3] >= 0xBB; /* U+1F3FB ff. */
}

static bool ends_with_joiner(const char *p, size_t at)
{
    return at >= 3 && memcmp(p + at - 3, "\xE2\x80\x8D", 3) == 0;
}

/* The largest end <= len for which [at, end) fits; > at in any case. */
static size_t longest(const struct nf_styled *s, const struct nf_styled_measure *m, size_t max,
                      size_t at)
{
    const char *p = nf_str_c(&s->text);
    size_t len = s->text.len;
    size_t fits = at, over = len - at > 4 * max ? at + 4 * max : len; /* 4 bytes count 1 at least */
    over = at + nf_utf8_cut(p + at, len - at, over - at);

    if (m->size(m, s, at, over) <= max)
        return over;
    while (over - fits > 1) {
        size_t mid = at + nf_utf8_cut(p + at, len - at, fits + (over - fits) / 2 - at);
        if (mid <= fits) { /* one character is left between them */
            mid = fits + 1;
            while (mid < over && ((uint8_t)p[mid] & 0xC0) == 0x80)
                mid++;
            if (mid == over)
                break;
        }
        if (m->size(m, s, at, mid) <= max)
            fits = mid;
        else
            over = mid;
    }
    return fits > at ? fits : over;
}

/* Kinds of places to cut at, the best first. */
enum place { PARAGRAPH, LINE, SENTENCE, WORD, PLACES };

static bool is_place(const char *p, size_t at, enum place kind)
{
    char before = p[at - 1], here = p[at];
    switch (kind) {
    case PARAGRAPH:
        return here == '\n' && p[at + 1] == '\n';
    case LINE:
        return here == '\n';
    case SENTENCE:
        return is_blank(here) && strchr(".!?:;", before) != NULL && before != '\0';
    case WORD:
        return is_blank(here);
    case PLACES:
        break;
    }
    return false;
}

/* The last place of a kind in (from, end], 0 if there is none. */
static size_t last_place(const char *p, size_t from, size_t end, enum place kind)
{
    for (size_t at = end; at > from; at--)
        if (is_place(p, at, kind))
            return at;
    return 0;
}

static size_t between_characters(const char *p, size_t at, size_t end, size_t len)
{
    size_t cut = end;
    while (cut > at + 1 && (((uint8_t)p[cut] & 0xC0) == 0x80 ||
                            joins_previous(p + cut, len - cut) || ends_with_joiner(p, cut)))
        cut--;
    return cut > at + 1 ? cut : end;
}

/* Where the part that begins at `at` ends, when `end` is the furthest it may. */
static size_t choose_cut(const struct nf_styled *s, const struct nf_styled_measure *m, size_t max,
                         size_t at, size_t end)
{
    const char *p = nf_str_c(&s->text);
    size_t third = at + (end - at) / 3; /* a better place is worth no shorter part than that */
    const struct nf_styled_span *pre = pre_around(s, end);

    if (pre && pre->at > third && m->size(m, s, pre->at, pre->end) <= max)
        return pre->at;
    for (enum place kind = PARAGRAPH; kind < PLACES; kind++) {
        size_t cut = last_place(p, kind == WORD ? at : third, end, kind);
        /* In code a blank is no place: its lines are. */
        if (cut && !(kind > LINE && pre_around(s, cut)))
            return cut;
    }
    return between_characters(p, at, end, s->text.len);
}

static bool pre_begins(const struct nf_styled *s, size_t at)
{
    for (size_t i = 0; i < s->n && s->v[i].at <= at; i++)
        if (s->v[i].at == at && s->v[i].style == NF_STYLE_PRE)
            return true;
    return false;
}

/* Where the next part begins: the spaces that begin a line of code are part of it. */
static size_t skip_blanks(const struct nf_styled *s, size_t at)
{
    const char *p = nf_str_c(&s->text);
    if (pre_around(s, at))
        return p[at] == '\n' ? at + 1 : at;
    while (at < s->text.len && is_blank(p[at]) && !pre_begins(s, at))
        at++;
    return at;
}

static NF_RC add_range(struct nf_styled_ranges *r, size_t at, size_t end, struct nf_err *err)
{
    struct nf_styled_range *v = realloc(r->v, (r->n + 1) * sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->v = v;
    r->v[r->n++] = (struct nf_styled_range){ at, end };
    return NF_OK;
}

enum nf_code nf_styled_split(const struct nf_styled *s, const struct nf_styled_measure *m,
                             size_t max, struct nf_styled_ranges *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_styled_ranges_done) struct nf_styled_ranges parts = { 0 };
    const char *p = nf_str_c(&s->text);

    assert(max >= MEASURE_MIN && ret->n == 0);
    for (size_t at = skip_blanks(s, 0); at < s->text.len;) {
        size_t end = longest(s, m, max, at);
        if (end < s->text.len)
            end = choose_cut(s, m, max, at, end);
        size_t stop = end;
        while (stop > at && is_blank(p[stop - 1]))
            stop--;
        if (stop > at)
            NF_TRY(add_range(&parts, at, stop, err));
        at = skip_blanks(s, end);
    }
    *ret = nf_take(parts);
    return NF_OK;
}
