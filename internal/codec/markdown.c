/*
 * md4c tells of blocks, spans and text as it comes to them; here they become text with styles.
 * Nothing is nested by recursion: md4c keeps its own stack, we keep counters and one of spans.
 */
#include "codec/markdown.h"

#include "base/own.h"

#include <md4c.h>
#include <stdlib.h>
#include <string.h>

#define SPANS_OPEN_MAX 64 /* deeper ones stay plain */
#define LISTS_MAX 16      /* deeper lists are not indented further */
#define COLUMNS_MAX 32    /* of a table; what is beyond stands in the last */
#define CELL_MAX 400      /* bytes that a cell is padded to; longer ones push the others aside */

struct list {
    bool ordered;
    unsigned next;
};

/* The table that is being read: cells one after the other in `text`. */
struct table {
    struct nf_str text;
    size_t *ends; /* of each cell */
    enum MD_ALIGN align[COLUMNS_MAX];
    size_t columns, cells;
    size_t column; /* of the cell that is being read */
    bool open;
};

struct reader {
    struct nf_styled *out;
    struct nf_err *err;
    enum nf_code rc;
    size_t spans[SPANS_OPEN_MAX]; /* where they began */
    size_t spans_n;
    size_t block_at; /* where the heading or block of code began */
    size_t quote_at;
    char *language;
    struct list lists[LISTS_MAX];
    size_t lists_n, quotes;
    bool fresh; /* behind a bullet or at the start of a quote: no line end is wanted */
    struct table table;
};

/* --- writing ---------------------------------------------------------------------------------- */

static int note(struct reader *r, enum nf_code rc)
{
    if (r->rc == NF_OK)
        r->rc = rc;
    return rc == NF_OK ? 0 : -1;
}

static int put(struct reader *r, const char *p, size_t n)
{
    struct nf_str *to = r->table.open ? &r->table.text : &r->out->text;
    if (n > 0)
        r->fresh = false;
    return note(r, nf_str_add(to, p, n, r->err));
}

static int put_text(struct reader *r, const char *text)
{
    return put(r, text, strlen(text));
}

/* See that what comes next stands behind `lines` line ends, unless it is the first. */
static int separate(struct reader *r, size_t lines)
{
    struct nf_str *to = &r->out->text;
    size_t have = 0;
    if (r->fresh || to->len == 0)
        return 0;
    while (have < to->len && to->p[to->len - 1 - have] == '\n')
        have++;
    for (; have < lines; have++)
        if (note(r, nf_str_add(to, "\n", 1, r->err)) != 0)
            return -1;
    return 0;
}

static int style(struct reader *r, enum nf_style s, size_t at, const char *extra)
{
    return note(r, nf_styled_add(r->out, s, at, r->out->text.len, extra, r->err));
}

/* --- attributes and entities ------------------------------------------------------------------ */

static int put_code_point(struct nf_str *to, unsigned long c, struct nf_err *err)
{
    char u[4];
    size_t n = 0;
    if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = 0xFFFD; /* CommonMark 0.31 section 2.5 */
    if (c < 0x80) {
        u[n++] = (char)c;
    } else if (c < 0x800) {
        u[n++] = (char)(0xC0 | c >> 6);
        u[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        u[n++] = (char)(0xE0 | c >> 12);
        u[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        u[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        u[n++] = (char)(0xF0 | c >> 18);
        u[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        u[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        u[n++] = (char)(0x80 | (c & 0x3F));
    }
    return nf_str_add(to, u, n, err) == NF_OK ? 0 : -1;
}

/* "&amp;", "&#38;", "&#x26;". One that we do not know is what it looks like. */
static int put_entity(struct nf_str *to, const char *p, size_t n, struct nf_err *err)
{
    static const struct {
        const char *name, *text;
    } known[] = { { "&amp;", "&" },
                  { "&lt;", "<" },
                  { "&gt;", ">" },
                  { "&quot;", "\"" },
                  { "&apos;", "'" },
                  { "&nbsp;", "\xC2\xA0" },
                  { "&copy;", "\xC2\xA9" },
                  { "&mdash;", "\xE2\x80\x94" },
                  { "&ndash;", "\xE2\x80\x93" },
                  { "&hellip;", "\xE2\x80\xA6" },
                  { "&rarr;", "\xE2\x86\x92" },
                  { "&larr;", "\xE2\x86\x90" },
                  { "&times;", "\xC3\x97" },
                  { "&deg;", "\xC2\xB0" },
                  { "&euro;", "\xE2\x82\xAC" } };

    if (n > 3 && p[1] == '#') { /* at most 7 digits, as md4c sees to */
        bool hex = p[2] == 'x' || p[2] == 'X';
        return put_code_point(to, strtoul(p + (hex ? 3 : 2), NULL, hex ? 16 : 10), err);
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == n && memcmp(known[i].name, p, n) == 0)
            return nf_str_adds(to, known[i].text, err) == NF_OK ? 0 : -1;
    return nf_str_add(to, p, n, err) == NF_OK ? 0 : -1;
}

static int read_attribute(struct reader *r, const MD_ATTRIBUTE *a, struct nf_str *to)
{
    for (size_t i = 0; a->text && a->substr_offsets[i] < a->size; i++) {
        const char *p = a->text + a->substr_offsets[i];
        size_t n = a->substr_offsets[i + 1] - a->substr_offsets[i];
        int rc = a->substr_types[i] == MD_TEXT_ENTITY
                     ? put_entity(to, p, n, r->err)
                     : (nf_str_add(to, p, n, r->err) == NF_OK ? 0 : -1);
        if (rc != 0)
            return note(r, NF_E_NOMEM);
    }
    return 0;
}

/* --- tables ----------------------------------------------------------------------------------- */

static void table_done(struct table *t)
{
    nf_str_done(&t->text);
    free(t->ends);
    *t = (struct table){ 0 };
}

static int open_table(struct reader *r, const MD_BLOCK_TABLE_DETAIL *d)
{
    if (separate(r, 2) != 0)
        return -1;
    r->fresh = false;
    table_done(&r->table);
    r->table.text.max = 2 * NF_MARKDOWN_MAX;
    r->table.columns = d->col_count < COLUMNS_MAX ? d->col_count : COLUMNS_MAX;
    r->table.open = true;
    return 0;
}

static int open_cell(struct reader *r)
{
    return r->table.column < r->table.columns ? 0 : put_text(r, " | ");
}

static int close_cell(struct reader *r, const MD_BLOCK_TD_DETAIL *d)
{
    struct table *t = &r->table;
    if (t->column++ >= t->columns) {
        t->ends[t->cells - 1] = t->text.len;
        return 0;
    }
    if ((t->cells & (t->cells - 1)) == 0) { /* the room is the next power of two */
        size_t *ends = realloc(t->ends, (t->cells ? 2 * t->cells : 1) * sizeof(*ends));
        if (!ends)
            return note(r, nf_err_set(r->err, NF_E_NOMEM, "out of memory"));
        t->ends = ends;
    }
    if (t->cells < t->columns)
        t->align[t->cells] = d->align;
    t->ends[t->cells++] = t->text.len;
    return 0;
}

/* The characters of a cell, each a column wide: what a terminal does with wide ones, fonts on a
 * phone do not. */
static size_t cell_width(const struct table *t, size_t cell)
{
    size_t width = 0;
    for (size_t i = cell ? t->ends[cell - 1] : 0; i < t->ends[cell]; i++)
        width += ((uint8_t)t->text.p[i] & 0xC0) != 0x80;
    return width;
}

static int put_blanks(struct reader *r, size_t n, char c)
{
    for (; n > 0; n--)
        if (put(r, &c, 1) != 0)
            return -1;
    return 0;
}

static int put_cell(struct reader *r, const struct table *t, size_t cell, size_t width, bool last)
{
    size_t at = cell ? t->ends[cell - 1] : 0, have = cell_width(t, cell);
    size_t pad = width > have ? width - have : 0, left = 0;
    if (t->align[cell % t->columns] == MD_ALIGN_RIGHT)
        left = pad;
    else if (t->align[cell % t->columns] == MD_ALIGN_CENTER)
        left = pad / 2;
    if (put_blanks(r, left, ' ') != 0 || put(r, nf_str_c(&t->text) + at, t->ends[cell] - at) != 0)
        return -1;
    return last ? 0 : (put_blanks(r, pad - left, ' ') != 0 ? -1 : put_text(r, " | "));
}

static int put_table(struct reader *r, const struct table *t)
{
    size_t width[COLUMNS_MAX] = { 0 }, at = r->out->text.len;
    const size_t columns = t->columns;
    if (columns == 0)
        return 0;
    for (size_t i = 0; i < t->cells; i++) {
        size_t w = cell_width(t, i), *max = &width[i % columns];
        if (w > *max)
            *max = w < CELL_MAX ? w : CELL_MAX;
    }
    for (size_t i = 0; i < t->cells; i++) {
        bool last = i % columns == columns - 1;
        if (put_cell(r, t, i, width[i % columns], last) != 0)
            return -1;
        if (last && (i + 1 < t->cells || i + 1 == columns) && put_text(r, "\n") != 0)
            return -1;
        for (size_t c = 0; i == columns - 1 && c < columns; c++) /* under the head */
            if (put_blanks(r, width[c], '-') != 0 || put_text(r, c + 1 < columns      ? "-+-"
                                                                 : t->cells > columns ? "\n"
                                                                                      : "") != 0)
                return -1;
    }
    return style(r, NF_STYLE_PRE, at, NULL);
}

static int close_table(struct reader *r)
{
    r->table.open = false;
    int rc = put_table(r, &r->table);
    table_done(&r->table);
    return rc;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static int open_list(struct reader *r, bool ordered, unsigned start)
{
    if (separate(r, r->lists_n > 0 ? 1 : 2) != 0)
        return -1;
    if (r->lists_n < LISTS_MAX)
        r->lists[r->lists_n] = (struct list){ ordered, start };
    r->lists_n++;
    return 0;
}

static int open_item(struct reader *r, const MD_BLOCK_LI_DETAIL *d)
{
    size_t depth = r->lists_n < LISTS_MAX ? r->lists_n : LISTS_MAX;
    struct list *l = &r->lists[depth - 1];

    if (separate(r, 1) != 0 || put_blanks(r, 2 * (depth - 1), ' ') != 0)
        return -1;
    if (l->ordered) {
        if (note(r, nf_str_addf(&r->out->text, r->err, "%u. ", l->next++)) != 0)
            return -1;
    } else if (put_text(r, d->is_task && d->task_mark != ' ' ? "\xE2\x98\x91 " /* U+2611 */
                           : d->is_task                      ? "\xE2\x98\x90 " /* U+2610 */
                                                             : "\xE2\x80\xA2 ")                     /* U+2022 */
               != 0) {
        return -1;
    }
    r->fresh = true;
    return 0;
}

static int open_code(struct reader *r, const MD_BLOCK_CODE_DETAIL *d)
{
    NF_CLEANUP(nf_str_done) struct nf_str language = { 0 };
    if (separate(r, r->lists_n > 0 ? 1 : 2) != 0 || read_attribute(r, &d->lang, &language) != 0)
        return -1;
    free(r->language);
    r->language = NULL;
    r->block_at = r->out->text.len;
    r->fresh = false;
    return language.len == 0 ? 0 : note(r, nf_strdup(nf_str_c(&language), &r->language, r->err));
}

static int close_code(struct reader *r)
{
    struct nf_str *to = &r->out->text;
    if (to->len > r->block_at && to->p[to->len - 1] == '\n')
        to->p[--to->len] = '\0';
    return style(r, NF_STYLE_PRE, r->block_at, r->language);
}

static int open_quote(struct reader *r)
{
    if (separate(r, 2) != 0)
        return -1;
    if (r->quotes++ == 0)
        r->quote_at = r->out->text.len;
    r->fresh = true;
    return 0;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct reader *r = arg;
    switch (type) {
    case MD_BLOCK_QUOTE:
        return open_quote(r);
    case MD_BLOCK_UL:
        return open_list(r, false, 0);
    case MD_BLOCK_OL:
        return open_list(r, true, ((const MD_BLOCK_OL_DETAIL *)detail)->start);
    case MD_BLOCK_LI:
        return open_item(r, detail);
    case MD_BLOCK_HR:
        return separate(r, 2) != 0 ? -1 : put_text(r, "\xE2\x80\x94\xE2\x80\x94\xE2\x80\x94");
    case MD_BLOCK_H:
        if (separate(r, 2) != 0)
            return -1;
        r->block_at = r->out->text.len;
        return 0;
    case MD_BLOCK_CODE:
        return open_code(r, detail);
    case MD_BLOCK_HTML:
    case MD_BLOCK_P:
        return separate(r, r->lists_n > 0 ? 1 : 2);
    case MD_BLOCK_TABLE:
        return open_table(r, detail);
    case MD_BLOCK_TR:
        r->table.column = 0;
        return 0;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        return open_cell(r);
    default:
        return 0;
    }
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct reader *r = arg;
    switch (type) {
    case MD_BLOCK_QUOTE:
        r->fresh = false;
        return --r->quotes == 0 ? style(r, NF_STYLE_QUOTE, r->quote_at, NULL) : 0;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        r->lists_n--;
        return 0;
    case MD_BLOCK_LI:
        r->fresh = false;
        return 0;
    case MD_BLOCK_H:
        return style(r, NF_STYLE_BOLD, r->block_at, NULL);
    case MD_BLOCK_CODE:
        return close_code(r);
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        return close_cell(r, detail);
    case MD_BLOCK_TABLE:
        return close_table(r);
    default:
        return 0;
    }
}

/* --- spans and text --------------------------------------------------------------------------- */

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct reader *r = arg;
    (void)type;
    (void)detail;
    if (r->spans_n < SPANS_OPEN_MAX)
        r->spans[r->spans_n] = r->out->text.len;
    r->spans_n++;
    return 0;
}

/* What a person may be sent to; of anything else only the text is kept. */
static bool may_link(const char *url)
{
    static const char *const schemes[] = { "https://", "http://", "mailto:", "tg://" };
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncmp(url, schemes[i], strlen(schemes[i])) == 0)
            return url[strlen(schemes[i])] != '\0';
    return false;
}

static int close_link(struct reader *r, size_t at, const MD_ATTRIBUTE *to, bool image)
{
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    if (read_attribute(r, to, &url) != 0)
        return -1;
    if (image && r->out->text.len == at && !r->table.open && put_text(r, "image") != 0)
        return -1;
    return may_link(nf_str_c(&url)) ? style(r, NF_STYLE_LINK, at, nf_str_c(&url)) : 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct reader *r = arg;
    if (--r->spans_n >= SPANS_OPEN_MAX)
        return 0;
    size_t at = r->spans[r->spans_n];
    if (r->table.open) /* code has no styles in it */
        return 0;
    switch (type) {
    case MD_SPAN_EM:
        return style(r, NF_STYLE_ITALIC, at, NULL);
    case MD_SPAN_STRONG:
        return style(r, NF_STYLE_BOLD, at, NULL);
    case MD_SPAN_DEL:
        return style(r, NF_STYLE_STRIKE, at, NULL);
    case MD_SPAN_CODE:
        return style(r, NF_STYLE_CODE, at, NULL);
    case MD_SPAN_A:
        return close_link(r, at, &((const MD_SPAN_A_DETAIL *)detail)->href, false);
    case MD_SPAN_IMG:
        return close_link(r, at, &((const MD_SPAN_IMG_DETAIL *)detail)->src, true);
    default:
        return 0;
    }
}

static int text(MD_TEXTTYPE type, const MD_CHAR *p, MD_SIZE n, void *arg)
{
    struct reader *r = arg;
    struct nf_str *to = r->table.open ? &r->table.text : &r->out->text;
    switch (type) {
    case MD_TEXT_NULLCHAR:
        return put_text(r, "\xEF\xBF\xBD");
    case MD_TEXT_BR:
    case MD_TEXT_SOFTBR:
        return put_text(r, r->table.open ? " " : "\n");
    case MD_TEXT_ENTITY:
        r->fresh = false;
        return put_entity(to, p, n, r->err) == 0 ? 0 : note(r, NF_E_NOMEM);
    default:
        return put(r, p, n);
    }
}

enum nf_code nf_markdown_read(const char *p, size_t n, struct nf_styled *ret, struct nf_err *err)
{
    static const MD_PARSER parser = { .flags = MD_DIALECT_GITHUB | MD_FLAG_NOHTML |
                                               MD_FLAG_NOINDENTEDCODEBLOCKS,
                                      .enter_block = enter_block,
                                      .leave_block = leave_block,
                                      .enter_span = enter_span,
                                      .leave_span = leave_span,
                                      .text = text };
    NF_CLEANUP(nf_styled_done) struct nf_styled out = { .text.max = 4 * NF_MARKDOWN_MAX };
    /* md4c 0.4.8 looks at the character behind a link that ends the text: let it be ours. */
    NF_CLEANUP(nf_str_done) struct nf_str copy = { .max = NF_MARKDOWN_MAX + 2 };
    struct reader r = { .out = &out, .err = err, .rc = NF_OK };

    assert(ret->text.len == 0 && ret->n == 0);
    if (n > NF_MARKDOWN_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a text of %zu bytes is longer than %zu", n,
                          NF_MARKDOWN_MAX);
    NF_TRY(nf_str_add(&copy, p, n, err));
    if (n == 0 || p[n - 1] != '\n')
        NF_TRY(nf_str_adds(&copy, "\n", err));
    int rc = md_parse(copy.p, (MD_SIZE)copy.len, &parser, &r);
    table_done(&r.table);
    free(r.language);
    NF_TRY(r.rc);
    if (rc != 0)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    nf_styled_sort(&out);
    *ret = nf_take(out);
    return NF_OK;
}
