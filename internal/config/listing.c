#include "base/own.h"
#include "codec/json.h"
#include "config/settings.h"
#include "config/table.h"
#include "config/value.h"

#include <string.h>

static const char *type_name(enum nf_setting_type type)
{
    static const char *const names[] = {
        [NF_SET_STR] = "text",      [NF_SET_INT] = "integer", [NF_SET_BOOL] = "bool",
        [NF_SET_MS] = "duration",   [NF_SET_BYTES] = "size",  [NF_SET_ENUM] = "choice",
        [NF_SET_SECRET] = "secret", [NF_SET_STRS] = "texts",  [NF_SET_GROUPS] = "groups",
    };
    return names[type];
}

static void put_bounds(struct nf_json_out *o, const struct nf_setting *s)
{
    if (nf_value_has_min(s))
        nf_json_put_str(o, "min", nf_value_bound(s, s->min).s);
    if (nf_value_has_max(s))
        nf_json_put_str(o, "max", nf_value_bound(s, s->max).s);
}

static void put_choices(struct nf_json_out *o, const struct nf_setting *s)
{
    nf_json_out_key(o, "choices");
    nf_json_out_array(o);
    for (size_t i = 0; s->choices[i]; i++)
        nf_json_out_str(o, s->choices[i]);
    nf_json_out_end(o);
}

static void put_texts(struct nf_json_out *o, const struct nf_setting_strs *list)
{
    nf_json_out_key(o, "value");
    nf_json_out_array(o);
    for (size_t i = 0; i < list->n; i++)
        nf_json_out_str(o, list->v[i]);
    nf_json_out_end(o);
}

static NF_RC put_value(struct nf_json_out *o, const struct nf_setting *s, const void *at,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = NF_CONFIG_VALUE_MAX + 1 };
    switch (s->type) {
    case NF_SET_STRS:
        put_texts(o, at);
        return NF_OK;
    case NF_SET_GROUPS:
        nf_json_put_i64(o, "value", (int64_t)((const struct nf_setting_list *)at)->n);
        return NF_OK;
    case NF_SET_SECRET:
        nf_json_put_bool(o, "value", nf_secret_is_set(at));
        return NF_OK;
    default:
        break;
    }
    if (s->hides_password) { /* a password may be in it: only whether there is one is told */
        nf_json_put_bool(o, "value", *(char *const *)at && **(char *const *)at);
        return NF_OK;
    }
    NF_TRY(nf_value_text(s, at, &text, err));
    nf_json_put_str(o, "value", nf_str_c(&text));
    return NF_OK;
}

static NF_RC put_setting(struct nf_json_out *o, const struct nf_entry *e, struct nf_err *err)
{
    const struct nf_setting *s = e->s;
    nf_json_out_object(o);
    nf_json_put_str(o, "key", e->name);
    nf_json_put_str(o, "type", s->hides_password ? "secret" : type_name(s->type));
    nf_json_put_str(o, "default", s->def ? s->def : "");
    put_bounds(o, s);
    if (s->type == NF_SET_ENUM)
        put_choices(o, s);
    nf_json_put_str(o, "help", s->help);
    nf_json_put_bool(o, "reloadable", s->reloadable);
    NF_TRY(put_value(o, s, nf_value_at(s, e->base), err));
    nf_json_out_end(o);
    return NF_OK;
}

enum nf_code nf_config_list(const struct nf_config_part *parts, size_t n, struct nf_str *ret,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_table_done) struct nf_table t = { 0 };
    struct nf_json_out o;
    NF_TRY(nf_table_init(&t, parts, n, err));
    nf_json_begin_doc(&o, ret);
    nf_json_out_array(&o);
    for (size_t i = 0; i < t.n; i++)
        NF_TRY(put_setting(&o, &t.v[i], err));
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
