/* Tags and text, after the HTML Standard, section 13.2.5, as far as text needs it. */
#include "skills/bundled/web/html.h"

#include "skills/bundled/common/html_entity.h"
#include "skills/bundled/common/text.h"
#include "skills/bundled/common/utf8.h"

#include <string.h>

#define ATTRIBUTE_MAX 4096

struct scanner {
    struct nf_args *a;
    struct nf_html *to;
    const char *p;
    size_t n, i, room;
};

static bool is_letter(char c)
{
    return nf_text_lower(c) >= 'a' && nf_text_lower(c) <= 'z';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static struct nf_html_token *add(struct scanner *s, enum nf_html_kind kind, size_t from, size_t to)
{
    struct nf_html_token *t;

    if (s->to->n == NF_HTML_TOKENS_MAX) {
        nf_args_fail(s->a, NF_SKILL_E_LIMIT, "the page has over %d tags", NF_HTML_TOKENS_MAX);
        return NULL;
    }
    if (s->to->n == s->room) {
        size_t room = s->room > 0 ? s->room * 2 : 256;
        struct nf_html_token *more = nf_args_alloc(s->a, room, sizeof(*more));

        if (!more)
            return NULL;
        if (s->to->n > 0)
            memcpy(more, s->to->at, s->to->n * sizeof(*more));
        s->to->at = more;
        s->room = room;
    }
    t = &s->to->at[s->to->n++];
    *t = (struct nf_html_token){ .kind = (uint8_t)kind, .p = s->p + from, .n = to - from };
    return t;
}

/* Where `mark` begins at or behind `from`, in either case; n: nowhere. */
static size_t find(const struct scanner *s, size_t from, const char *mark)
{
    size_t len = strlen(mark);

    while (from + len <= s->n) {
        const char *hit = memchr(s->p + from, mark[0], s->n - from - len + 1);

        if (!hit)
            return s->n;
        from = (size_t)(hit - s->p);
        if (nf_text_ieq(hit, mark, len))
            return from;
        from++;
    }
    return s->n;
}

/* Behind the '>' that ends the tag, quotes respected; *end: where its attributes end. */
static size_t tag_end(const struct scanner *s, size_t i, size_t *end)
{
    char quote = 0;
    bool value = false;

    for (; i < s->n; i++) {
        char c = s->p[i];

        if (quote) {
            if (c == quote)
                quote = 0;
        } else if (c == '>') {
            *end = i;
            return i + 1;
        } else if ((c == '"' || c == '\'') && value) {
            quote = c;
            value = false;
        } else if (c == '=') {
            value = true;
        } else if (!is_blank(c)) {
            value = false;
        }
    }
    *end = s->n;
    return s->n;
}

static bool named(const struct nf_html_token *t, const char *name)
{
    return strcmp(t->name, name) == 0;
}

/* Behind a start tag whose content is no markup: its text is kept or dropped. */
static void raw_text(struct scanner *s, const struct nf_html_token *t)
{
    static const char *const dropped[] = { "script",   "style",  "template", "svg",
                                           "noframes", "iframe", NULL };
    static const char *const kept[] = { "title", "textarea", NULL };
    char mark[NF_HTML_NAME_MAX + 3] = "</";

    for (size_t k = 0; dropped[k]; k++)
        if (named(t, dropped[k])) {
            strncat(mark, t->name, NF_HTML_NAME_MAX);
            s->i = find(s, s->i, mark);
            return;
        }
    for (size_t k = 0; kept[k]; k++)
        if (named(t, kept[k])) {
            size_t from = s->i;

            strncat(mark, t->name, NF_HTML_NAME_MAX);
            s->i = find(s, s->i, mark);
            if (s->i > from)
                (void)add(s, NF_HTML_TEXT, from, s->i);
            return;
        }
}

/* At a '<' that begins a tag. */
static void tag(struct scanner *s)
{
    bool end = s->p[s->i + 1] == '/';
    size_t from = s->i + 1 + end, name = from, attributes;
    struct nf_html_token *t;

    while (name < s->n && !is_blank(s->p[name]) && s->p[name] != '>' && s->p[name] != '/')
        name++;
    s->i = tag_end(s, name, &attributes);
    t = add(s, end ? NF_HTML_END : NF_HTML_START, name, attributes);
    if (!t)
        return;
    for (size_t k = 0; from + k < name && k + 1 < NF_HTML_NAME_MAX; k++)
        t->name[k] = nf_text_lower(s->p[from + k]);
    if (!end && !(attributes > name && s->p[attributes - 1] == '/' && named(t, "svg")))
        raw_text(s, t);
}

bool nf_html_parse(struct nf_args *a, const char *p, size_t n, struct nf_html *ret)
{
    struct scanner s = { .a = a, .to = ret, .p = p, .n = n };

    *ret = (struct nf_html){ 0 };
    while (s.i < n && a->rc == NF_SKILL_OK) {
        const char *lt = memchr(p + s.i, '<', n - s.i);
        size_t at = lt ? (size_t)(lt - p) : n;

        /* A '<' that begins nothing is text. */
        while (at < n &&
               !(at + 1 < n && (is_letter(p[at + 1]) || p[at + 1] == '!' || p[at + 1] == '?' ||
                                (p[at + 1] == '/' && at + 2 < n && is_letter(p[at + 2]))))) {
            lt = memchr(p + at + 1, '<', n - at - 1);
            at = lt ? (size_t)(lt - p) : n;
        }
        if (at > s.i)
            (void)add(&s, NF_HTML_TEXT, s.i, at);
        s.i = at;
        if (at >= n)
            break;
        if (p[at + 1] == '!' || p[at + 1] == '?') {
            bool comment = n - at >= 4 && memcmp(p + at, "<!--", 4) == 0;

            s.i = find(&s, at + (comment ? 4 : 2), comment ? "-->" : ">");
            s.i += s.i < n ? (comment ? 3 : 1) : 0;
        } else {
            tag(&s);
        }
    }
    return a->rc == NF_SKILL_OK;
}

/* --- attributes ------------------------------------------------------------------------------- */

static const char *decoded(struct nf_args *a, const char *p, size_t n)
{
    struct nf_buf b = nf_buf_of(a->h, (size_t)ATTRIBUTE_MAX * 4);

    n = n > ATTRIBUTE_MAX ? nf_utf8_clip(p, n, ATTRIBUTE_MAX) : n;
    for (size_t i = 0; i < n;) {
        size_t used = p[i] == '&' ? nf_html_reference(p + i, n - i, &b) : 0;

        if (used == 0)
            nf_buf_addc(&b, p[i]);
        i += used > 0 ? used : 1;
    }
    if (a->rc == NF_SKILL_OK)
        a->rc = b.rc;
    return nf_buf_c(&b);
}

const char *nf_html_attribute(struct nf_args *a, const struct nf_html_token *t, const char *name)
{
    size_t i = 0, n = t->n, wanted = strlen(name);
    const char *p = t->p;

    while (i < n) {
        size_t from, len, value, end;

        while (i < n && (is_blank(p[i]) || p[i] == '/'))
            i++;
        from = i;
        while (i < n && !is_blank(p[i]) && (p[i] != '=' || i == from) && p[i] != '/')
            i++;
        len = i - from;
        while (i < n && is_blank(p[i]))
            i++;
        value = end = i;
        if (i < n && p[i] == '=') {
            char quote;

            for (i++; i < n && is_blank(p[i]);)
                i++;
            quote = '\0';
            if (i < n && (p[i] == '"' || p[i] == '\''))
                quote = p[i++];
            value = i;
            while (i < n && (quote ? p[i] != quote : !is_blank(p[i])))
                i++;
            end = i;
            i += quote && i < n;
        }
        if (len == wanted && nf_text_ieq(p + from, name, len))
            return decoded(a, p + value, end - value);
        if (len == 0 && i == from)
            i++;
    }
    return NULL;
}

bool nf_html_has_class(struct nf_args *a, const struct nf_html_token *t, const char *word)
{
    const char *p = nf_html_attribute(a, t, "class");
    size_t n = strlen(word);

    for (; p && *p; p += strcspn(p, " \t\n")) {
        p += strspn(p, " \t\n");
        if (strncmp(p, word, n) == 0 && strchr(" \t\n", p[n]))
            return true;
    }
    return false;
}

size_t nf_html_end_of(const struct nf_html *h, size_t i)
{
    const char *name = h->at[i].name;
    size_t depth = 0;

    for (; i < h->n; i++) {
        if (h->at[i].kind == NF_HTML_TEXT || strcmp(h->at[i].name, name) != 0)
            continue;
        if (h->at[i].kind == NF_HTML_START)
            depth++;
        else if (--depth == 0)
            return i + 1;
    }
    return h->n;
}

void nf_html_text(const struct nf_html *h, size_t from, size_t to, struct nf_buf *out)
{
    bool gap = false;

    for (size_t k = from; k < to && k < h->n; k++) {
        const struct nf_html_token *t = &h->at[k];

        for (size_t i = 0; t->kind == NF_HTML_TEXT && i < t->n;) {
            size_t used = 0;

            if (is_blank(t->p[i])) {
                gap = out->len > 0;
                i++;
                continue;
            }
            if (gap)
                nf_buf_addc(out, ' ');
            gap = false;
            if (t->p[i] == '&')
                used = nf_html_reference(t->p + i, t->n - i, out);
            if (used == 0)
                nf_buf_addc(out, t->p[i]);
            i += used > 0 ? used : 1;
        }
    }
}

void nf_html_title(const struct nf_html *h, struct nf_buf *out)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->at[i].kind == NF_HTML_START && named(&h->at[i], "title")) {
            nf_html_text(h, i, i + 2, out);
            return;
        }
}
