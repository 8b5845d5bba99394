/* From nested spans to entities that keep Telegram's rules of nesting. */
#include "channels/telegram/render.h"

#include "base/own.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [NF_TELEGRAM_BOLD] = "bold",
    [NF_TELEGRAM_ITALIC] = "italic",
    [NF_TELEGRAM_STRIKE] = "strikethrough",
    [NF_TELEGRAM_CODE] = "code",
    [NF_TELEGRAM_PRE] = "pre",
    [NF_TELEGRAM_LINK] = "text_link",
    [NF_TELEGRAM_QUOTE] = "blockquote",
};

void nf_telegram_entities_done(struct nf_telegram_entities *e)
{
    free(e->v);
    *e = (struct nf_telegram_entities){ 0 };
}

/* --- how long a text is ----------------------------------------------------------------------- */

static bool is_code(enum nf_style s)
{
    return s == NF_STYLE_CODE || s == NF_STYLE_PRE;
}

/* Bold, italic and strike come first among the styles. */
static bool is_look(enum nf_style s)
{
    return s <= NF_STYLE_STRIKE;
}

/* Entities of bytes [at, end), never less than there will be: one for a span, and code cuts each
 * look that is around it in two. */
static size_t count_entities(const struct nf_styled *s, size_t at, size_t end)
{
    size_t n = 0, look_end[NF_STYLE_STRIKE + 1] = { 0 };

    for (size_t i = 0; i < s->n && s->v[i].at < end; i++) {
        const struct nf_styled_span *v = &s->v[i];
        if (is_look(v->style) && v->end > look_end[v->style])
            look_end[v->style] = v->end;
        if (v->end <= at)
            continue;
        n++;
        for (int look = NF_STYLE_BOLD; is_code(v->style) && look <= NF_STYLE_STRIKE; look++)
            n += look_end[look] > v->at;
    }
    return n;
}

static size_t size_of(const struct nf_styled_measure *m, const struct nf_styled *s, size_t at,
                      size_t end)
{
    (void)m;
    size_t units = nf_utf16_units(nf_str_c(&s->text) + at, end - at);
    bool too_many = units <= NF_TELEGRAM_PART_MAX && units > 8 &&
                    count_entities(s, at, end) > NF_TELEGRAM_ENTITIES_MAX;
    return too_many ? NF_TELEGRAM_PART_MAX + 1 : units;
}

enum nf_code nf_telegram_split(const struct nf_styled *s, size_t max, struct nf_styled_ranges *ret,
                               struct nf_err *err)
{
    static const struct nf_styled_measure measure = { .size = size_of };
    assert(max <= NF_TELEGRAM_PART_MAX);
    return nf_styled_split(s, &measure, max, ret, err);
}

/* --- entities --------------------------------------------------------------------------------- */

struct writing {
    const struct nf_styled *s;
    struct nf_telegram_entities *to;
    size_t room;
};

static bool is_blank_text(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr(" \n\t\r", p[i]) || p[i] == '\0')
            return false;
    return true;
}

/* What is over the limit, or shows nothing, is left out. */
static NF_RC add(struct writing *w, enum nf_telegram_entity_type type, size_t at, size_t end,
                 const char *extra, struct nf_err *err)
{
    if (w->to->n >= NF_TELEGRAM_ENTITIES_MAX || at >= end ||
        is_blank_text(nf_str_c(&w->s->text) + at, end - at))
        return NF_OK;
    if (w->to->n == w->room) {
        size_t room = w->room ? 2 * w->room : 8;
        struct nf_telegram_entity *v = realloc(w->to->v, room * sizeof(*v));
        if (!v)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        w->to->v = v;
        w->room = room;
    }
    w->to->v[w->to->n++] =
        (struct nf_telegram_entity){ .type = type, .at = at, .end = end, .extra = extra };
    return NF_OK;
}

/* The server refuses a message for a link that is none. What it asks of a URL beyond that (tdlib,
 * LinkManager::get_checked_link) it may say itself. */
static bool is_good_url(const char *url)
{
    const char *host = strstr(url, "://");
    size_t n = strnlen(url, NF_TELEGRAM_URL_MAX + 1);
    if (!host || n > NF_TELEGRAM_URL_MAX ||
        (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return false;
    host += 3;
    size_t host_n = strcspn(host, "/?#");
    if (host_n == 0 || host[0] == '.' || host[0] == ':' || host[0] == '@')
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)url[i] <= ' ' || url[i] == 0x7F)
            return false;
    return true;
}

static bool is_link(const struct nf_styled_span *v)
{
    return v->style == NF_STYLE_LINK && v->extra && is_good_url(v->extra);
}

/* The language of a block as a word; what a model makes of it may be anything. */
static bool is_language(const char *p)
{
    size_t n = strnlen(p, 33);
    if (n == 0 || n > 32)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] <= ' ' || p[i] == 0x7F)
            return false;
    return true;
}

/* A look without the code in it: the stretches between. */
static NF_RC add_look(struct writing *w, size_t i, struct nf_err *err)
{
    const struct nf_styled_span *look = &w->s->v[i];
    enum nf_telegram_entity_type type =
        (enum nf_telegram_entity_type)(look->style - NF_STYLE_BOLD + NF_TELEGRAM_BOLD);
    size_t from = look->at, link_end = 0;

    for (size_t k = i + 1; k < w->s->n && w->s->v[k].at < look->end; k++) {
        const struct nf_styled_span *in = &w->s->v[k];
        if (is_link(in) && in->end > link_end)
            link_end = in->end;
        if (!is_code(in->style) || in->end <= link_end || in->at < from)
            continue; /* code in a link is no code */
        NF_TRY(add(w, type, from, in->at, NULL, err));
        from = in->end;
    }
    return add(w, type, from, look->end, NULL, err);
}

/* Of what is around the place, the ends. */
struct around {
    size_t code, link, quote, looks[NF_STYLE_STRIKE + 1];
};

static NF_RC add_span(struct writing *w, size_t i, struct around *a, struct nf_err *err)
{
    const struct nf_styled_span *v = &w->s->v[i];

    if (v->at < a->code) /* in code nothing else is */
        return NF_OK;
    if (is_look(v->style)) {
        size_t *end = &a->looks[v->style];
        if (v->at < *end) /* bold within bold */
            return NF_OK;
        *end = v->end;
        /* In a link, what is around the link's code is around the link. */
        return v->at < a->link
                   ? add(w, v->style - NF_STYLE_BOLD + NF_TELEGRAM_BOLD, v->at, v->end, NULL, err)
                   : add_look(w, i, err);
    }
    if (v->style == NF_STYLE_QUOTE) {
        if (v->at < a->quote)
            return NF_OK;
        a->quote = v->end;
        return add(w, NF_TELEGRAM_QUOTE, v->at, v->end, NULL, err);
    }
    if (v->at < a->link)
        return NF_OK;
    if (is_code(v->style)) {
        bool pre = v->style == NF_STYLE_PRE;
        a->code = v->end;
        return add(w, pre ? NF_TELEGRAM_PRE : NF_TELEGRAM_CODE, v->at, v->end,
                   pre && v->extra && is_language(v->extra) ? v->extra : NULL, err);
    }
    if (!is_link(v))
        return NF_OK;
    a->link = v->end;
    return add(w, NF_TELEGRAM_LINK, v->at, v->end, v->extra, err);
}

static int by_place(const void *a, const void *b)
{
    const struct nf_telegram_entity *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    if (x->end != y->end)
        return x->end > y->end ? -1 : 1;
    return (int)y->type - (int)x->type; /* the quotation without, the looks within */
}

enum nf_code nf_telegram_entities(const struct nf_styled *s, struct nf_telegram_entities *ret,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_entities_done) struct nf_telegram_entities all = { 0 };
    struct writing w = { .s = s, .to = &all };
    struct around a = { 0 };

    assert(ret->n == 0);
    for (size_t i = 0; i < s->n; i++)
        NF_TRY(add_span(&w, i, &a, err));
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), by_place);
    *ret = nf_take(all);
    return NF_OK;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_entity(struct nf_json_out *o, const char *text, const struct nf_telegram_entity *e,
                       size_t offset)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "type", type_names[e->type]);
    nf_json_put_i64(o, "offset", (int64_t)offset);
    nf_json_put_i64(o, "length", (int64_t)nf_utf16_units(text + e->at, e->end - e->at));
    nf_json_put_str(o, e->type == NF_TELEGRAM_LINK ? "url" : "language", e->extra);
    nf_json_out_end(o);
}

static void put_entities(struct nf_json_out *o, const char *text,
                         const struct nf_telegram_entities *all)
{
    size_t at = 0, units = 0; /* of the last entity's place, in bytes and as Telegram counts */

    nf_json_out_key(o, "entities");
    nf_json_out_array(o);
    for (size_t i = 0; i < all->n; i++) {
        units += nf_utf16_units(text + at, all->v[i].at - at);
        at = all->v[i].at;
        put_entity(o, text, &all->v[i], units);
    }
    nf_json_out_end(o);
}

enum nf_code nf_telegram_put_text(struct nf_json_out *o, const struct nf_styled *s, bool plain,
                                  struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_entities_done) struct nf_telegram_entities all = { 0 };

    nf_json_out_key(o, "text");
    nf_json_out_strn(o, nf_str_c(&s->text), s->text.len);
    if (plain || s->n == 0)
        return NF_OK;
    NF_TRY(nf_telegram_entities(s, &all, err));
    if (all.n > 0)
        put_entities(o, nf_str_c(&s->text), &all);
    return NF_OK; /* NOLINT(clang-analyzer-unix.Malloc): `all` is freed by its cleanup */
}
