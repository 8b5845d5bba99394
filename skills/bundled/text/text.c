/* The skill text: searching, sorting, counting and rewriting; the other tools are beside it. */
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/regex.h"
#include "skills/bundled/common/sort.h"
#include "skills/bundled/common/utf8.h"
#include "skills/bundled/text/diff.h"
#include "skills/bundled/text/tools.h"

#include <stdlib.h>
#include <string.h>

#define MATCHES_MAX 1000
#define REPLACEMENT_MAX 4096

/* --- regex ------------------------------------------------------------------------------------ */

enum { FIND, TEST, REPLACE, SPLIT };

static void put_group(struct nf_buf *out, const char *text, const size_t *at)
{
    if (at[0] == SIZE_MAX || at[1] == SIZE_MAX)
        nf_out_str(out, NULL);
    else
        nf_out_strn(out, text + at[0], at[1] - at[0]);
}

/* Where in the text: lines and columns count from 1, columns in characters. */
struct place {
    size_t at, line, line_start;
};

static void go_to(struct place *p, const char *text, size_t at)
{
    for (; p->at < at; p->at++)
        if (text[p->at] == '\n') {
            p->line++;
            p->line_start = p->at + 1;
        }
}

static void put_match(struct nf_buf *out, const struct nf_regex *r, const char *text,
                      const size_t *at, struct place *place)
{
    bool named = false;

    go_to(place, text, at[0]);
    nf_out_open(out, '{');
    nf_out_key(out, "match");
    put_group(out, text, at);
    nf_put_i64(out, "line", (int64_t)place->line);
    nf_put_i64(out, "column",
               (int64_t)nf_utf8_count(text + place->line_start, at[0] - place->line_start) + 1);
    for (size_t g = 1; g <= nf_regex_groups(r); g++)
        named |= nf_regex_group_name(r, g) != NULL;
    if (nf_regex_groups(r) > 0) {
        nf_out_key(out, "groups");
        nf_out_open(out, '[');
        for (size_t g = 1; g <= nf_regex_groups(r); g++)
            put_group(out, text, at + 2 * g);
        nf_out_close(out, ']');
    }
    if (named) {
        nf_out_key(out, "named");
        nf_out_open(out, '{');
        for (size_t g = 1; g <= nf_regex_groups(r); g++)
            if (nf_regex_group_name(r, g)) {
                nf_out_key(out, nf_regex_group_name(r, g));
                put_group(out, text, at + 2 * g);
            }
        nf_out_close(out, '}');
    }
    nf_out_close(out, '}');
}

/* $0 or $& the match, $1 to $20, ${name}, $$ a dollar. */
static const char *put_reference(struct nf_args *a, const struct nf_regex *r, const char *p,
                                 const char *text, const size_t *at, struct nf_buf *to)
{
    size_t group = SIZE_MAX, n = 1;

    if (p[1] == '$') {
        nf_buf_addc(to, '$');
        return p + 2;
    }
    if (p[1] == '&') {
        group = 0;
        n = 2;
    } else if (nf_text_is_digit(p[1])) {
        group = (size_t)(p[1] - '0');
        n = 2;
        if (nf_text_is_digit(p[2]) && group * 10 + (size_t)(p[2] - '0') <= nf_regex_groups(r)) {
            group = group * 10 + (size_t)(p[2] - '0');
            n = 3;
        }
    } else if (p[1] == '{') {
        n = strcspn(p, "}") + 1;
        for (size_t g = 1; g <= nf_regex_groups(r); g++) {
            const char *name = nf_regex_group_name(r, g);

            if (name && strlen(name) == n - 3 && memcmp(name, p + 2, n - 3) == 0)
                group = g;
        }
    } else {
        nf_buf_addc(to, '$');
        return p + 1;
    }
    if (group > nf_regex_groups(r)) {
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"replacement\": the pattern has no group \"%.*s\" ($$ is a dollar)",
                     (int)(n < 40 ? n : 40), p);
        return p + strlen(p);
    }
    if (at[2 * group] != SIZE_MAX && at[2 * group + 1] != SIZE_MAX)
        nf_buf_add(to, text + at[2 * group], at[2 * group + 1] - at[2 * group]);
    return p + n;
}

static void put_replacement(struct nf_args *a, const struct nf_regex *r, const char *replacement,
                            const char *text, const size_t *at, struct nf_buf *to)
{
    for (const char *p = replacement; *p && a->rc == NF_SKILL_OK;)
        if (*p == '$')
            p = put_reference(a, r, p, text, at, to);
        else
            nf_buf_addc(to, *p++);
}

/* The place from which to search after a match: behind it, and on if it was empty. */
static size_t behind(const char *text, size_t n, const size_t *at)
{
    size_t next = at[1];

    if (at[1] == at[0] && next < n)
        (void)nf_rune_next(text, n, &next);
    else if (at[1] == at[0])
        next = n + 1;
    return next;
}

int nf_text_regex(struct nf_args *a, struct nf_buf *out)
{
    static const char *const operations[] = { "find", "test", "replace", "split", NULL };
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    const char *flags = nf_args_text_or(a, "flags", 3, "");
    const char *replacement = nf_args_text_or(a, "replacement", REPLACEMENT_MAX, "");
    size_t operation = nf_args_choice_or(a, "operation", operations, FIND);
    int64_t max = nf_args_int_or(a, "max", 1, MATCHES_MAX, operation == REPLACE ? 0 : 100);
    struct nf_regex *r;
    struct nf_buf text_out = nf_buf_of(a->h, NF_BUF_MAX);
    struct place place = { 0, 1, 0 };
    size_t at[2 * (NF_REGEX_GROUPS_MAX + 1)], n = strlen(text), from = 0, copied = 0;
    int64_t count = 0;

    if (strspn(flags, "ims") != strlen(flags))
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"flags\" may have the letters i (any case), m (^ and $ match at "
                     "lines), s (. matches line breaks)");
    r = nf_regex_new(a, "pattern", nf_args_text(a, "pattern", NF_REGEX_PATTERN_MAX), flags);
    if (!r)
        return a->rc;
    nf_out_open(out, '{');
    if (operation == TEST) {
        nf_put_bool(out, "matches", nf_regex_search(r, text, n, 0, at));
        nf_out_close(out, '}');
        return a->rc;
    }
    if (operation != REPLACE) {
        nf_out_key(out, operation == FIND ? "matches" : "parts");
        nf_out_open(out, '[');
    }
    while (from <= n && (max == 0 || count < max) && out->rc == NF_SKILL_OK &&
           nf_regex_search(r, text, n, from, at)) {
        count++;
        if (operation == FIND) {
            put_match(out, r, text, at, &place);
        } else if (operation == SPLIT) {
            nf_out_strn(out, text + copied, at[0] - copied);
        } else {
            nf_buf_add(&text_out, text + copied, at[0] - copied);
            put_replacement(a, r, replacement, text, at, &text_out);
        }
        copied = at[1];
        from = behind(text, n, at);
    }
    if (operation == SPLIT)
        nf_out_strn(out, text + copied, n - copied);
    if (operation == REPLACE) {
        nf_buf_add(&text_out, text + copied, n - copied);
        nf_put_buf(out, "result", &text_out);
        nf_put_i64(out, "replacements", count);
    } else {
        nf_out_close(out, ']');
        nf_put_i64(out, "count", count);
        if (count == max && from <= n && nf_regex_search(r, text, n, from, at))
            nf_put_bool(out, "more", true);
    }
    nf_out_close(out, '}');
    return a->rc;
}

/* --- lines ------------------------------------------------------------------------------------ */

static int compare_text(const struct nf_line *x, const struct nf_line *y)
{
    int order = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    return order != 0 ? order : x->n < y->n ? -1 : x->n > y->n;
}

static int compare_case(const struct nf_line *x, const struct nf_line *y)
{
    size_t i = 0, k = 0;

    while (i < x->n && k < y->n) {
        uint32_t a = nf_rune_lower(nf_rune_next(x->p, x->n, &i));
        uint32_t b = nf_rune_lower(nf_rune_next(y->p, y->n, &k));

        if (a != b)
            return a < b ? -1 : 1;
    }
    return i < x->n ? 1 : k < y->n ? -1 : 0;
}

/* Digits within compare as numbers: file2 before file10; "-3" before "2". */
static int compare_natural(const struct nf_line *x, const struct nf_line *y)
{
    size_t i = 0, k = 0;

    while (i < x->n && k < y->n) {
        if (nf_text_is_digit(x->p[i]) && nf_text_is_digit(y->p[k])) {
            size_t a, b;
            int order;

            while (i < x->n && x->p[i] == '0')
                i++;
            while (k < y->n && y->p[k] == '0')
                k++;
            for (a = i; a < x->n && nf_text_is_digit(x->p[a]);)
                a++;
            for (b = k; b < y->n && nf_text_is_digit(y->p[b]);)
                b++;
            if (a - i != b - k)
                return a - i < b - k ? -1 : 1;
            order = memcmp(x->p + i, y->p + k, a - i);
            if (order != 0)
                return order;
            i = a;
            k = b;
        } else {
            uint32_t a = nf_rune_lower(nf_rune_next(x->p, x->n, &i));
            uint32_t b = nf_rune_lower(nf_rune_next(y->p, y->n, &k));

            if (a != b)
                return a < b ? -1 : 1;
        }
    }
    return i < x->n ? 1 : k < y->n ? -1 : 0;
}

/* The decimal number at the line's beginning; 0: there is none. */
static double leading_number(const struct nf_line *l)
{
    char digits[64];
    size_t n = l->n < sizeof(digits) - 1 ? l->n : sizeof(digits) - 1, k = 0;

    memcpy(digits, l->p, n);
    digits[n] = '\0';
    while (digits[k] == ' ' || digits[k] == '\t')
        k++;
    /* strtod would also take hexadecimal numbers, infinity and what is no number. */
    digits[k + strspn(digits + k, "+-0123456789.eE")] = '\0';
    return strtod(digits + k, NULL);
}

static int compare_number(const struct nf_line *x, const struct nf_line *y)
{
    double a = leading_number(x), b = leading_number(y);

    return a < b ? -1 : a > b ? 1 : compare_text(x, y);
}

#define BY(name)                                                                                   \
    static int by_##name(const void *a, const void *b)                                             \
    {                                                                                              \
        return compare_##name(a, b);                                                               \
    }
BY(text)
BY(case)
BY(natural)
BY(number)

int nf_text_sort(struct nf_args *a, struct nf_buf *out)
{
    static const char *const orders[] = {
        "text", "ignore_case", "natural", "number", "none", NULL
    };
    static int (*const compare[])(const void *, const void *) = { by_text, by_case, by_natural,
                                                                  by_number };
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    size_t order = nf_args_choice_or(a, "by", orders, 0), n = 0, kept = 0;
    bool reverse = nf_args_bool_or(a, "reverse", false);
    bool unique = nf_args_bool_or(a, "unique", false);
    struct nf_line *lines = nf_lines_of(a, "text", text, strlen(text), &n);
    const void **items = nf_args_alloc(a, 2 * n + 2, sizeof(*items));
    const void **sorted = nf_args_alloc(a, 2 * n + 2, sizeof(*sorted));
    bool *gone = nf_args_alloc(a, n + 1, sizeof(*gone));

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    for (size_t i = 0; i < n; i++)
        items[i] = sorted[i] = &lines[i];
    if (order < 4)
        nf_sort(items, items + n + 1, n, compare[order]);
    if (unique) { /* the first of each stays: a stable sort has it first */
        nf_sort(sorted, sorted + n + 1, n, order == 1 ? by_case : by_text);
        for (size_t i = 1; i < n; i++)
            if ((order == 1 ? by_case : by_text)(sorted[i - 1], sorted[i]) == 0)
                gone[(const struct nf_line *)sorted[i] - lines] = true;
    }
    for (size_t i = 0; i < n; i++) {
        const struct nf_line *l = items[reverse ? n - 1 - i : i];

        if (gone[l - lines])
            continue;
        if (kept++ > 0)
            nf_buf_addc(out, '\n');
        nf_buf_add(out, l->p, l->n);
    }
    return NF_SKILL_OK;
}

int nf_text_count(struct nf_args *a, struct nf_buf *out)
{
    const char *text = nf_args_text(a, "text", NF_TEXT_MAX);
    const char *needle = nf_args_text_or(a, "occurrences_of", 1000, "");
    size_t n = strlen(text), runes = 0, words = 0, lines = 0, paragraphs = 0, found = 0;
    bool in_word = false, in_paragraph = false, blank_line = true;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    for (size_t i = 0; i < n; runes++) {
        uint32_t rune = nf_rune_next(text, n, &i);
        bool space = nf_rune_is_space(rune);

        words += !space && !in_word;
        in_word = !space;
        paragraphs += !space && !in_paragraph;
        in_paragraph |= !space;
        blank_line &= space;
        if (rune == '\n') {
            lines++;
            in_paragraph &= !blank_line;
            blank_line = true;
        }
    }
    lines += n > 0 && text[n - 1] != '\n';
    for (const char *p = text; *needle && (p = strstr(p, needle)); p += strlen(needle))
        found++;
    nf_out_open(out, '{');
    nf_put_i64(out, "characters", (int64_t)runes);
    nf_put_i64(out, "bytes", (int64_t)n);
    nf_put_i64(out, "words", (int64_t)words);
    nf_put_i64(out, "lines", (int64_t)lines);
    nf_put_i64(out, "paragraphs", (int64_t)paragraphs);
    if (*needle)
        nf_put_i64(out, "occurrences", (int64_t)found);
    nf_out_close(out, '}');
    return NF_SKILL_OK;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "hash", nf_text_hash }, { "encode", nf_text_encode }, { "decode", nf_text_decode },
        { "json", nf_text_json }, { "diff", nf_text_diff },     { "regex", nf_text_regex },
        { "sort", nf_text_sort }, { "count", nf_text_count },   { "transform", nf_text_transform },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("text", "1.0.0", call)
