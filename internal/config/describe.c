#include "base/own.h"
#include "codec/json.h"
#include "config/settings.h"
#include "config/table.h"
#include "config/value.h"

#include <string.h>

#define VARIABLE_PATTERN "\\$\\{" /* a value with a variable may be anything */

/* NOLINTBEGIN(misc-no-recursion): as deep as the tables and their names go */

/* --- the effective values, as YAML ------------------------------------------------------------ */

struct shower {
    struct nf_str *to;
    struct nf_err *err;
    int indent;
    bool dash; /* the next line is the first of a list's item */
};

static enum nf_code show_scope(struct shower *w, const struct nf_table *t, const char *prefix);

static enum nf_code begin_line(struct shower *w)
{
    NF_TRY(nf_str_addf(w->to, w->err, "%*s%s", w->dash ? w->indent - 2 : w->indent, "",
                       w->dash ? "- " : ""));
    w->dash = false;
    return NF_OK;
}

/* In double quotes, so that reading it gives the same: no variable, no byte that YAML refuses. */
static enum nf_code show_quoted(struct shower *w, const char *text)
{
    NF_TRY(nf_str_adds(w->to, "\"", w->err));
    for (const char *p = text; *p; p++) {
        unsigned char c = (unsigned char)*p, next = (unsigned char)p[1];
        if (c == '"' || c == '\\')
            NF_TRY(nf_str_addf(w->to, w->err, "\\%c", c));
        else if (c == '$' && next == '{')
            NF_TRY(nf_str_adds(w->to, "$$", w->err));
        else if (c < 0x20 || c == 0x7f)
            NF_TRY(nf_str_addf(w->to, w->err, "\\x%02x", c));
        else if (c == 0xc2 && next < 0xa0) /* U+0080 to U+009F */
            NF_TRY(nf_str_addf(w->to, w->err, "\\x%02x", (unsigned char)*++p));
        else
            NF_TRY(nf_str_add(w->to, p, 1, w->err));
    }
    return nf_str_adds(w->to, "\"", w->err);
}

/* Of scheme://user:password@host the password is left out. */
/* A URL without its password, which ends at the last @ (it may have others), or is an option that
 * libpq takes. */
static NF_RC hide_password(struct nf_str *to, const char *url, struct nf_err *err)
{
    static const char option[] = "password="; /* sslpassword ends so, too */
    const char *user = strstr(url, "://"), *at = user ? strrchr(user + 3, '@') : NULL;
    const char *from = at ? memchr(user + 3, ':', (size_t)(at - user - 3)) : NULL, *rest = url;
    if (from) {
        NF_TRY(nf_str_add(to, url, (size_t)(from + 1 - url), err));
        NF_TRY(nf_str_adds(to, "(set)", err));
        rest = at;
    }
    while (user && (from = strstr(rest, option)) != NULL) {
        from += sizeof(option) - 1;
        NF_TRY(nf_str_add(to, rest, (size_t)(from - rest), err));
        NF_TRY(nf_str_adds(to, "(set)", err));
        rest = from + strcspn(from, "&");
    }
    return nf_str_adds(to, rest, err);
}

static enum nf_code show_text(struct shower *w, const struct nf_setting *s, const char *text)
{
    NF_CLEANUP(nf_str_done) struct nf_str shown = { 0 };
    if (!s->hides_password)
        return show_quoted(w, text);
    NF_TRY(hide_password(&shown, text, w->err));
    return show_quoted(w, nf_str_c(&shown));
}

static enum nf_code show_strs(struct shower *w, const struct nf_setting_strs *l)
{
    if (l->n == 0)
        return nf_str_adds(w->to, " []\n", w->err);
    NF_TRY(nf_str_adds(w->to, "\n", w->err));
    for (size_t i = 0; i < l->n; i++) {
        NF_TRY(nf_str_addf(w->to, w->err, "%*s- ", w->indent + 2, ""));
        NF_TRY(show_quoted(w, l->v[i]));
        NF_TRY(nf_str_adds(w->to, "\n", w->err));
    }
    return NF_OK;
}

static enum nf_code show_groups(struct shower *w, const struct nf_setting *s,
                                const struct nf_setting_list *l)
{
    if (l->n == 0)
        return nf_str_adds(w->to, " []\n", w->err);
    NF_TRY(nf_str_adds(w->to, "\n", w->err));
    for (size_t i = 0; i < l->n; i++) {
        NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
        struct nf_config_part part = { s->items, (char *)l->v + i * s->items->size };
        struct shower item = { w->to, w->err, w->indent + 4, true };
        NF_TRY(nf_table_init(&t, &part, 1, w->err));
        NF_TRY(show_scope(&item, &t, ""));
    }
    return NF_OK;
}

static enum nf_code show_value(struct shower *w, const struct nf_setting *s, const void *at)
{
    if (s->type == NF_SET_STRS)
        return show_strs(w, at);
    if (s->type == NF_SET_GROUPS)
        return show_groups(w, s, at);
    NF_TRY(nf_str_adds(w->to, " ", w->err));
    if (s->type == NF_SET_STR)
        NF_TRY(show_text(w, s, *(char *const *)at ? *(char *const *)at : ""));
    else
        NF_TRY(nf_value_text(s, at, w->to, w->err));
    return nf_str_adds(w->to, "\n", w->err);
}

static enum nf_code show_scope(struct shower *w, const struct nf_table *t, const char *prefix)
{
    size_t i = 0, n = 0, skip = strlen(prefix);
    const struct nf_entry *e = NULL;
    while (nf_table_child(t, prefix, &i, &n, &e)) {
        NF_TRY(begin_line(w));
        NF_TRY(nf_str_addf(w->to, w->err, "%.*s:", (int)(n - skip), e->name + skip));
        if (e->name[n] == '\0') {
            NF_TRY(show_value(w, e->s, nf_value_at(e->s, e->base)));
            continue;
        }
        char deeper[NF_SETTING_NAME_MAX + 1];
        memcpy(deeper, e->name, n + 1); /* with the dot */
        deeper[n + 1] = '\0';
        NF_TRY(nf_str_adds(w->to, "\n", w->err));
        w->indent += 2;
        NF_TRY(show_scope(w, t, deeper));
        w->indent -= 2;
    }
    return NF_OK;
}

enum nf_code nf_config_show(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
    struct shower w = { ret, err, 0, false };
    NF_TRY(nf_table_init(&t, parts, n, err));
    return show_scope(&w, &t, "");
}

/* --- JSON Schema ------------------------------------------------------------------------------ */

static void schema_scope(struct nf_json_out *o, const struct nf_table *t, const char *prefix);

static void put_bounds(struct nf_json_out *o, const struct nf_setting *s, const char *min,
                       const char *max)
{
    if (nf_value_has_min(s))
        nf_json_put_i64(o, min, s->min);
    if (nf_value_has_max(s))
        nf_json_put_i64(o, max, s->max);
}

/* {"type": ...} or what else the value may be, beside a text with a variable in it. */
static void put_alternatives(struct nf_json_out *o, const struct nf_setting *s)
{
    nf_json_out_key(o, "anyOf");
    nf_json_out_array(o);
    nf_json_out_object(o);
    if (s->type == NF_SET_ENUM) {
        nf_json_out_key(o, "enum");
        nf_json_out_array(o);
        for (int i = 0; s->choices[i]; i++)
            nf_json_out_str(o, s->choices[i]);
        nf_json_out_end(o);
    } else if (s->type == NF_SET_BOOL) {
        nf_json_put_str(o, "type", "boolean");
    } else if (s->type != NF_SET_MS) {
        nf_json_put_str(o, "type", "integer");
        put_bounds(o, s, "minimum", "maximum");
    } else {
        nf_json_out_key(o, "const");
        nf_json_out_i64(o, 0);
    }
    nf_json_out_end(o);
    nf_json_out_object(o);
    nf_json_put_str(o, "type", "string");
    nf_json_put_str(o, "pattern",
                    s->type == NF_SET_MS      ? "^[0-9]+(ms|s|m|h|d)$|" VARIABLE_PATTERN
                    : s->type == NF_SET_BYTES ? "^[0-9]+(([KMGT]i)?B)?$|" VARIABLE_PATTERN
                                              : VARIABLE_PATTERN);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static void schema_items(struct nf_json_out *o, const struct nf_setting *s)
{
    NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
    struct nf_config_part part = { s->items, NULL };
    enum nf_code rc = nf_table_init(&t, &part, 1, &o->err);
    nf_json_out_object(o);
    if (rc == NF_OK)
        schema_scope(o, &t, "");
    else
        o->rc = o->rc != NF_OK ? o->rc : rc;
    nf_json_out_end(o);
}

static void schema_value(struct nf_json_out *o, const struct nf_setting *s)
{
    nf_json_put_str(o, "description", s->help);
    switch (s->type) {
    case NF_SET_STR:
    case NF_SET_SECRET:
        nf_json_put_str(o, "type", "string");
        break;
    case NF_SET_STRS:
    case NF_SET_GROUPS:
        nf_json_put_str(o, "type", "array");
        put_bounds(o, s, "minItems", "maxItems");
        nf_json_out_key(o, "items");
        if (s->type == NF_SET_GROUPS) {
            schema_items(o, s);
        } else {
            nf_json_out_object(o);
            nf_json_put_str(o, "type", "string");
            nf_json_out_end(o);
        }
        return;
    default:
        put_alternatives(o, s);
    }
    if (!s->def || s->type == NF_SET_SECRET)
        return;
    nf_json_out_key(o, "default");
    if (s->type == NF_SET_BOOL || s->type == NF_SET_INT)
        nf_json_out_raw(o, s->def, strlen(s->def));
    else
        nf_json_out_str(o, s->def);
}

static void schema_required(struct nf_json_out *o, const struct nf_table *t, const char *prefix)
{
    size_t i = 0, n = 0;
    const struct nf_entry *e = NULL;
    nf_json_out_key(o, "required");
    nf_json_out_array(o);
    while (nf_table_child(t, prefix, &i, &n, &e))
        if (e->name[n] == '\0' && e->s->required)
            nf_json_out_str(o, e->name + strlen(prefix));
    nf_json_out_end(o);
}

/* What describes the object whose keys are under `prefix`; its braces are the caller's. */
static void schema_scope(struct nf_json_out *o, const struct nf_table *t, const char *prefix)
{
    size_t i = 0, n = 0, skip = strlen(prefix);
    const struct nf_entry *e = NULL;
    nf_json_put_str(o, "type", "object");
    nf_json_put_bool(o, "additionalProperties", false);
    schema_required(o, t, prefix);
    nf_json_out_key(o, "properties");
    nf_json_out_object(o);
    while (nf_table_child(t, prefix, &i, &n, &e)) {
        char name[NF_SETTING_NAME_MAX + 1];
        memcpy(name, e->name, n);
        name[n] = '\0';
        nf_json_out_key(o, name + skip);
        nf_json_out_object(o);
        if (e->name[n] == '\0') {
            schema_value(o, e->s);
        } else {
            memcpy(name + n, ".", 2);
            schema_scope(o, t, name);
        }
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

/* NOLINTEND(misc-no-recursion) */

enum nf_code nf_config_schema(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                              struct nf_err *err)
{
    NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
    struct nf_json_out o;
    NF_TRY(nf_table_init(&t, parts, n, err));
    nf_json_begin_doc(&o, ret);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "$schema", "https://json-schema.org/draft/2020-12/schema");
    nf_json_put_str(&o, "title", "Nexflow's configuration");
    schema_scope(&o, &t, "");
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
