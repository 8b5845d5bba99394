#include "persistence/repositories/parts_json.h"

#include "base/own.h"
#include "codec/json.h"

static const struct text_field {
    const char *key;
    size_t offset;
} text_fields[] = {
    { "text", offsetof(struct nf_part, text) },
    { "call_id", offsetof(struct nf_part, call_id) },
    { "name", offsetof(struct nf_part, name) },
    { "args", offsetof(struct nf_part, args) },
    { "signature", offsetof(struct nf_part, signature) },
    { "data", offsetof(struct nf_part, data) },
    { "url", offsetof(struct nf_part, url) },
    { "media_type", offsetof(struct nf_part, media_type) },
};
#define TEXT_FIELDS (sizeof(text_fields) / sizeof(text_fields[0]))

enum nf_code nf_parts_to_json(const struct nf_parts *parts, struct nf_str *ret, struct nf_err *err)
{
    if (parts->n == 0)
        return NF_OK;
    struct nf_json_out o;
    nf_json_begin_doc(&o, ret);
    nf_json_out_array(&o);
    for (size_t i = 0; i < parts->n; i++) {
        const struct nf_part *p = &parts->v[i];
        nf_json_out_object(&o);
        nf_json_put_i64(&o, "type", p->type);
        for (size_t k = 0; k < TEXT_FIELDS; k++)
            nf_json_put_str(
                &o, text_fields[k].key,
                *(char *const *)(const void *)((const char *)p + text_fields[k].offset));
        if (p->wall_us > 0)
            nf_json_put_i64(&o, "wall_us", p->wall_us);
        if (p->is_error)
            nf_json_put_bool(&o, "is_error", true);
        if (p->cache)
            nf_json_put_bool(&o, "cache", true);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC add_part(const struct nf_json *v, struct nf_parts *to, struct nf_err *err)
{
    int64_t type = nf_json_i64(nf_json_get(v, "type"), 0);
    if (type < NF_PART_TEXT || type > NF_PART_REFUSAL)
        return nf_err_set(err, NF_E_IO, "database: a part of unknown type %lld", (long long)type);
    struct nf_part *p;
    NF_TRY(nf_parts_add(to, (enum nf_part_type)type, &p, err));
    for (size_t k = 0; k < TEXT_FIELDS; k++) {
        const char *text = nf_json_str(nf_json_get(v, text_fields[k].key));
        if (text)
            NF_TRY(nf_strdup(text, (char **)(void *)((char *)p + text_fields[k].offset), err));
    }
    p->wall_us = nf_json_i64(nf_json_get(v, "wall_us"), 0);
    p->is_error = nf_json_bool(nf_json_get(v, "is_error"), false);
    p->cache = nf_json_bool(nf_json_get(v, "cache"), false);
    return NF_OK;
}

enum nf_code nf_parts_from_json(struct nf_slice text, struct nf_parts *ret, struct nf_err *err)
{
    if (text.n == 0)
        return NF_OK;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    enum nf_code rc = nf_json_parse(text.p, text.n, 0, &doc, err);
    if (rc != NF_OK)
        return nf_err_wrap(err, rc == NF_E_NOMEM ? rc : NF_E_IO, "database: parts of a message");
    for (const struct nf_json *v = nf_json_first(nf_json_root(doc)); v; v = nf_json_next(v))
        NF_TRY(add_part(v, &parts, err));
    *ret = nf_take(parts);
    return NF_OK;
}
