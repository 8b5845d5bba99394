/* Tokens become Markdown. Blank lines and blanks are owed until text follows, so that none stands
 * at an end and no two follow each other. */
#include "skills/bundled/common/html_entity.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/web/html.h"
#include "skills/bundled/web/url.h"

#include <string.h>

#define LISTS_MAX 12 /* levels that are indented */
#define QUOTES_MAX 6
#define CELLS_MAX 64
#define UNCLOSED_MAX 100
#define CANDIDATES_MAX 100 /* main parts that are looked at */
#define MAIN_MIN 250       /* bytes of text that make a main part worth it */

struct list {
    bool ordered;
    int64_t next;
};

struct renderer {
    struct nf_args *a;
    struct nf_buf *out;
    const struct nf_html_options *o;
    int lines;     /* line breaks owed */
    bool space;    /* a blank owed */
    bool at_start; /* of a line: a prefix is owed */
    struct list lists[LISTS_MAX];
    int lists_n, quotes, pre, tables, cells;
    bool item; /* a list item's mark is owed */
    bool in_cell, row_open;
    int64_t rows, row_cells;
    const char *href; /* of the link that is open */
    bool link_open;   /* its '[' is written */
    int unclosed;     /* elements to skip whose end was looked for and not found */
};

/* --- writing ---------------------------------------------------------------------------------- */

static void owe_lines(struct renderer *r, int n)
{
    if (r->in_cell) {
        r->space = true;
        return;
    }
    if (r->lines < n)
        r->lines = n;
}

/* What stands before the text of a line. */
static void prefix(struct renderer *r)
{
    int levels = r->lists_n < LISTS_MAX ? r->lists_n : LISTS_MAX;

    for (int i = 0; i < r->quotes && i < QUOTES_MAX; i++)
        nf_buf_adds(r->out, "> ");
    for (int i = 0; i < levels - 1; i++)
        nf_buf_adds(r->out, "  ");
    if (r->item && levels > 0) {
        struct list *l = &r->lists[levels - 1];

        if (l->ordered)
            nf_buf_addf(r->out, "%lld. ", (long long)l->next++);
        else
            nf_buf_adds(r->out, "- ");
    } else if (levels > 0) {
        nf_buf_adds(r->out, "  ");
    }
    r->item = false;
}

/* Pay what is owed: then a character may be written. */
static void ready(struct renderer *r)
{
    if (r->out->len == 0) {
        r->lines = 0;
        r->at_start = true;
    }
    if (r->lines > 0) {
        if (r->link_open) { /* a link that goes over blocks stays one line */
            r->lines = 0;
            r->space = true;
        }
        for (int i = 0; i < r->lines; i++) {
            nf_buf_addc(r->out, '\n');
            if (i + 1 < r->lines)
                for (int k = 0; k < r->quotes && k < QUOTES_MAX; k++)
                    nf_buf_adds(r->out, ">");
        }
        r->at_start |= r->lines > 0;
        r->space &= r->lines == 0;
        r->lines = 0;
    }
    if (r->at_start) {
        r->at_start = false;
        r->space = false;
        prefix(r);
    }
    if (r->space)
        nf_buf_addc(r->out, ' ');
    r->space = false;
    if (r->href && !r->link_open) {
        nf_buf_addc(r->out, '[');
        r->link_open = true;
    }
}

static void put(struct renderer *r, const char *text)
{
    ready(r);
    nf_buf_adds(r->out, text);
}

static void put_pre(struct renderer *r, const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t used = 0;

        if (p[i] == '\n') {
            if (r->in_cell) {
                r->space = true;
                i++;
                continue;
            }
            r->lines++;
            /* Empty lines are kept, but not without end. */
            r->lines = r->lines > 3 ? 3 : r->lines;
            i++;
            continue;
        }
        ready(r);
        if (p[i] == '&')
            used = nf_html_reference(p + i, n - i, r->out);
        if (used == 0 && p[i] != '\r')
            nf_buf_addc(r->out, p[i]);
        i += used > 0 ? used : 1;
    }
}

static void put_text(struct renderer *r, const char *p, size_t n)
{
    if (r->pre > 0) {
        put_pre(r, p, n);
        return;
    }
    for (size_t i = 0; i < n;) {
        size_t used = 0;

        if (strchr(" \t\n\r\f", p[i]) && p[i]) {
            r->space = true;
            i++;
            continue;
        }
        ready(r);
        if (p[i] == '&')
            used = nf_html_reference(p + i, n - i, r->out);
        if (used == 0 && r->in_cell && p[i] == '|')
            nf_buf_addc(r->out, '\\');
        if (used == 0)
            nf_buf_addc(r->out, p[i]);
        i += used > 0 ? used : 1;
    }
}

/* --- elements --------------------------------------------------------------------------------- */

static bool is(const struct nf_html_token *t, const char *name)
{
    return strcmp(t->name, name) == 0;
}

static bool any(const struct nf_html_token *t, const char *const *names)
{
    for (; *names; names++)
        if (is(t, *names))
            return true;
    return false;
}

static void close_link(struct renderer *r)
{
    if (r->link_open) {
        bool space = r->space;

        nf_buf_addf(r->out, "](%s)", r->href);
        r->space = space;
    }
    r->href = NULL;
    r->link_open = false;
}

static void open_link(struct renderer *r, const struct nf_html_token *t)
{
    const char *href = nf_html_attribute(r->a, t, "href");

    close_link(r);
    if (r->pre > 0 || !r->o->links || !href || *href == '#')
        return;
    r->href = nf_url_absolute(r->a, r->o->base, href);
}

static void row_end(struct renderer *r)
{
    if (!r->row_open)
        return;
    nf_buf_adds(r->out, " |");
    r->in_cell = false;
    r->row_open = false;
    r->space = false;
    if (r->rows++ == 0) {
        nf_buf_adds(r->out, "\n|");
        for (int64_t i = 0; i < r->row_cells && i < CELLS_MAX; i++)
            nf_buf_adds(r->out, " --- |");
    }
    r->lines = 1;
}

/* Only the outermost table is one; tables within are text of its cells. */
static void table(struct renderer *r, const struct nf_html_token *t, bool start)
{
    if (is(t, "table")) {
        if (!start && r->tables == 1) {
            row_end(r);
            owe_lines(r, 2);
        }
        r->tables += start ? 1 : r->tables > 0 ? -1 : 0;
        if (start && r->tables == 1) {
            r->rows = 0;
            r->in_cell = false;
            owe_lines(r, 2);
        } else if (r->tables > 0) {
            r->space = true;
        }
        return;
    }
    if (r->tables != 1) {
        r->space = true;
        return;
    }
    if (is(t, "tr")) {
        row_end(r);
        r->row_cells = 0;
    } else if (start && r->row_cells < CELLS_MAX) {
        close_link(r);
        if (!r->row_open) {
            r->in_cell = false;
            owe_lines(r, r->rows == 0 ? 2 : 1);
            put(r, "|");
        } else {
            nf_buf_adds(r->out, " |");
        }
        r->row_open = r->in_cell = true;
        r->row_cells++;
        r->space = true;
    }
}

static void list(struct renderer *r, const struct nf_html_token *t, bool start)
{
    if (is(t, "li")) {
        if (start) {
            owe_lines(r, 1);
            r->item = !r->in_cell;
        }
        return;
    }
    if (start) {
        const char *first = nf_html_attribute(r->a, t, "start");
        int64_t n = 0;

        for (; first && nf_text_is_digit(*first) && n < 1000000; first++)
            n = n * 10 + (*first - '0');
        owe_lines(r, r->lists_n > 0 ? 1 : 2);
        if (r->lists_n < LISTS_MAX)
            r->lists[r->lists_n] = (struct list){ is(t, "ol"), n > 0 ? n : 1 };
        r->lists_n++;
    } else {
        r->lists_n -= r->lists_n > 0;
        r->item = false;
        owe_lines(r, r->lists_n > 0 ? 1 : 2);
    }
}

/* class="language-c" names the language of code, behind the fence. */
static void language(struct renderer *r, const struct nf_html_token *t)
{
    const char *p = nf_html_attribute(r->a, t, "class");

    p = p ? strstr(p, "language-") : NULL;
    if (r->out->len < 3 || memcmp(r->out->p + r->out->len - 3, "```", 3) != 0)
        return;
    for (p = p ? p + 9 : "";
         nf_text_is_digit(*p) || (nf_text_lower(*p) >= 'a' && nf_text_lower(*p) <= 'z') ||
         *p == '+' || *p == '#';
         p++)
        nf_buf_addc(r->out, *p);
}

static void preformatted(struct renderer *r, const struct nf_html_token *t, bool start)
{
    if (start) {
        owe_lines(r, 2);
        if (r->pre++ > 0 || r->in_cell)
            return;
        put(r, "```");
        language(r, t);
        r->lines = 1;
        return;
    }
    if (r->pre == 0 || --r->pre > 0)
        return;
    if (!r->in_cell) {
        r->lines = 1;
        put(r, "```");
    }
    owe_lines(r, 2);
}

static void heading(struct renderer *r, const struct nf_html_token *t, bool start)
{
    owe_lines(r, 2);
    if (!start || r->in_cell)
        return;
    ready(r);
    for (char level = '1'; level <= t->name[1]; level++)
        nf_buf_addc(r->out, '#');
    nf_buf_addc(r->out, ' ');
}

static void image(struct renderer *r, const struct nf_html_token *t)
{
    const char *alt = nf_html_attribute(r->a, t, "alt");

    if (!alt || !alt[strspn(alt, " \t\r\n")])
        return;
    put(r, "(image: ");
    put_text(r, alt, strlen(alt));
    r->space = false;
    put(r, ")");
}

static void element(struct renderer *r, const struct nf_html_token *t)
{
    static const char *const blocks[] = { "p",       "dl",      "fieldset", "figure",
                                          "article", "section", "main",     "header",
                                          "details", "address", "form",     NULL };
    static const char *const breaks[] = { "div",    "dt",     "dd",      "summary", "figcaption",
                                          "option", "legend", "caption", "body",    "nav",
                                          "footer", "aside",  NULL };
    static const char *const tabular[] = { "table", "tr", "td", "th", NULL };
    static const char *const lists[] = { "ul", "ol", "li", "menu", NULL };
    bool start = t->kind == NF_HTML_START;

    if (any(t, blocks)) {
        owe_lines(r, r->lists_n > 0 ? 1 : 2); /* lists stay tight */
    } else if (any(t, breaks)) {
        owe_lines(r, 1);
    } else if (is(t, "br")) {
        owe_lines(r, r->lines + 1 > 2 ? 2 : r->lines + 1);
    } else if (any(t, tabular)) {
        table(r, t, start);
    } else if (any(t, lists)) {
        list(r, t, start);
    } else if (is(t, "a")) {
        if (start)
            open_link(r, t);
        else
            close_link(r);
    } else if (t->name[0] == 'h' && t->name[1] >= '1' && t->name[1] <= '6' && !t->name[2]) {
        heading(r, t, start);
    } else if (is(t, "pre")) {
        preformatted(r, t, start);
    } else if (is(t, "blockquote")) {
        owe_lines(r, 2);
        if (start && !r->in_cell && r->out->len > 0) { /* the blank line before is no part of it */
            nf_buf_adds(r->out, "\n\n");
            r->lines = 0;
            r->at_start = true;
        }
        r->quotes += start ? 1 : r->quotes > 0 ? -1 : 0;
    } else if (is(t, "hr") && start && !r->in_cell) {
        owe_lines(r, 2);
        put(r, "---");
        owe_lines(r, 2);
    } else if (is(t, "img") && start) {
        image(r, t);
    } else if (is(t, "code") && r->pre > 0 && start) {
        language(r, t);
    } else if (is(t, "code") && r->pre == 0) {
        if (start)
            put(r, "`");
        else
            nf_buf_addc(r->out, '`');
    }
}

/* --- what is shown ---------------------------------------------------------------------------- */

/* Navigation and the like, and what is hidden. */
static bool skipped(struct renderer *r, const struct nf_html_token *t)
{
    static const char *const always[] = {
        "head", "noscript", "select", "button", "datalist", NULL
    };
    static const char *const beside[] = { "nav", "footer", "aside", "dialog", NULL };
    static const char *const roles[] = { "navigation", "banner",        "contentinfo", "search",
                                         "dialog",     "complementary", NULL };
    const char *role, *hidden;

    if (t->kind != NF_HTML_START)
        return false;
    if (any(t, always))
        return true;
    if (r->o->whole || t->n == 0)
        return !r->o->whole && any(t, beside);
    role = nf_html_attribute(r->a, t, "role");
    for (size_t i = 0; role && roles[i]; i++)
        if (strcmp(role, roles[i]) == 0)
            return true;
    hidden = nf_html_attribute(r->a, t, "aria-hidden");
    return any(t, beside) || (hidden && strcmp(hidden, "true") == 0) ||
           nf_html_attribute(r->a, t, "hidden");
}

static void render(struct renderer *r, const struct nf_html *h, size_t from, size_t to)
{
    for (size_t i = from; i < to && r->a->rc == NF_SKILL_OK && r->out->rc == NF_SKILL_OK;) {
        const struct nf_html_token *t = &h->at[i];

        if (r->unclosed < UNCLOSED_MAX && skipped(r, t)) {
            size_t end = nf_html_end_of(h, i);

            r->unclosed += end == h->n;

            /* An end tag that is missing must not swallow the page. */
            if (end < h->n || i + 200 > h->n || is(t, "head")) {
                i = is(t, "head") && end == h->n ? i + 1 : end;
                r->space = true;
                continue;
            }
        }
        if (t->kind == NF_HTML_TEXT)
            put_text(r, t->p, t->n);
        else
            element(r, t);
        i++;
    }
    close_link(r);
    if (r->tables > 0)
        row_end(r);
    if (r->pre > 0 && !r->in_cell)
        nf_buf_adds(r->out, "\n```");
}

static size_t text_bytes(const struct nf_html *h, size_t from, size_t to)
{
    size_t n = 0;

    for (; from < to; from++)
        n += h->at[from].kind == NF_HTML_TEXT ? h->at[from].n : 0;
    return n;
}

/* The part that has the content: <main>, else the longest <article>, if there is enough in it. */
static void main_part(struct nf_args *a, const struct nf_html *h, size_t *from, size_t *to)
{
    size_t best = 0, candidates = 0;

    *from = 0;
    *to = h->n;
    for (size_t i = 0; i < h->n && candidates < CANDIDATES_MAX;) {
        const struct nf_html_token *t = &h->at[i];
        bool article = t->kind == NF_HTML_START && is(t, "article");
        bool is_main =
            t->kind == NF_HTML_START &&
            (is(t, "main") || (t->n > 4 && is(t, "div") && nf_html_attribute(a, t, "role") &&
                               strcmp(nf_html_attribute(a, t, "role"), "main") == 0));
        size_t end, n;

        if (!article && !is_main) {
            i++;
            continue;
        }
        candidates++;
        end = nf_html_end_of(h, i);
        n = text_bytes(h, i, end);
        if (n >= MAIN_MIN && (is_main || n > best)) {
            best = n;
            *from = i;
            *to = end;
            if (is_main)
                return;
        }
        /* Articles within are part of this one, a <main> may still come. */
        i = article ? end : i + 1;
    }
    /* One of many articles is not the page. */
    if (best * 2 < text_bytes(h, 0, h->n)) {
        *from = 0;
        *to = h->n;
    }
}

void nf_html_render(struct nf_args *a, const struct nf_html *h, const struct nf_html_options *o,
                    struct nf_buf *out)
{
    struct nf_html_options whole = *o;
    struct renderer r = { .a = a, .out = out, .o = o };
    size_t from = 0, to = h->n;

    if (!o->whole)
        main_part(a, h, &from, &to);
    render(&r, h, from, to);
    if (o->whole || out->len >= MAIN_MIN || a->rc != NF_SKILL_OK || out->rc != NF_SKILL_OK)
        return;
    /* A page that is nearly all navigation, by its tags: better too much than nothing. */
    whole.whole = true;
    out->len = 0;
    r = (struct renderer){ .a = a, .out = out, .o = &whole };
    render(&r, h, 0, h->n);
}
