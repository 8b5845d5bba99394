/* JSON for plugins: codec/json.h behind the functions of skill.h. The arguments are parsed when the
 * plugin first looks into them: many only want their text. */
#include "cmd/nexflow-skill/host.h"

static_assert((int)NF_SKILL_JSON_OBJECT == (int)NF_JSON_OBJECT &&
                  (int)NF_SKILL_JSON_NULL == (int)NF_JSON_NULL,
              "types have the same numbers");

static const struct nf_skill_json *given(const struct nf_json *v)
{
    return (const struct nf_skill_json *)(const void *)v;
}

static bool is_args(const struct host *h, const struct nf_skill_json *v)
{
    return (const void *)v == (const void *)&h->args;
}

static const struct nf_json *value(const struct nf_skill_host *api, const struct nf_skill_json *v)
{
    struct host *h = host_of(api);
    if (!v || !is_args(h, v))
        return (const struct nf_json *)(const void *)v;
    if (h->args_parsed)
        return h->args_doc ? nf_json_root(h->args_doc) : NULL;
    struct nf_err err;
    h->args_parsed = true;
    if (nf_json_parse(h->args.p, h->args.n, 0, &h->args_doc, &err) != NF_OK)
        (void)host_error(h, NF_SKILL_E_INVALID, "arguments: %s", err.msg);
    return h->args_doc ? nf_json_root(h->args_doc) : NULL;
}

static const struct nf_skill_json *json_parse(const struct nf_skill_host *api, const char *p,
                                              size_t n)
{
    struct host *h = host_of(api);
    struct nf_json_doc *d = NULL;
    struct nf_err err;
    if (h->docs_n == HOST_DOCS_MAX) {
        (void)host_error(h, NF_SKILL_E_LIMIT, "more than %d JSON texts in one call", HOST_DOCS_MAX);
        return NULL;
    }
    enum nf_code rc = nf_json_parse(p, n, 0, &d, &err);
    if (rc != NF_OK) {
        (void)host_error(h, rc == NF_E_INVALID ? NF_SKILL_E_INVALID : NF_SKILL_E_LIMIT, "%s",
                         err.msg);
        return NULL;
    }
    h->docs[h->docs_n++] = d;
    return given(nf_json_root(d));
}

static int json_type(const struct nf_skill_host *api, const struct nf_skill_json *v)
{
    return (int)nf_json_type(value(api, v));
}

static const struct nf_skill_json *json_get(const struct nf_skill_host *api,
                                            const struct nf_skill_json *v, const char *key)
{
    return given(nf_json_get(value(api, v), key));
}

static const struct nf_skill_json *json_first(const struct nf_skill_host *api,
                                              const struct nf_skill_json *v)
{
    return given(nf_json_first(value(api, v)));
}

static const struct nf_skill_json *json_next(const struct nf_skill_host *api,
                                             const struct nf_skill_json *v)
{
    return given(nf_json_next(value(api, v)));
}

static size_t json_count(const struct nf_skill_host *api, const struct nf_skill_json *v)
{
    return nf_json_count(value(api, v));
}

static const char *json_key(const struct nf_skill_host *api, const struct nf_skill_json *v)
{
    return nf_json_key(value(api, v));
}

static const char *json_str(const struct nf_skill_host *api, const struct nf_skill_json *v)
{
    return nf_json_str(value(api, v));
}

static int64_t json_i64(const struct nf_skill_host *api, const struct nf_skill_json *v,
                        int64_t otherwise)
{
    return nf_json_i64(value(api, v), otherwise);
}

static double json_f64(const struct nf_skill_host *api, const struct nf_skill_json *v,
                       double otherwise)
{
    return nf_json_f64(value(api, v), otherwise);
}

static int json_bool(const struct nf_skill_host *api, const struct nf_skill_json *v, int otherwise)
{
    return nf_json_bool(value(api, v), otherwise);
}

/* The document as memory of the call; {NULL, 0}: none was left. */
static struct nf_skill_bytes finish(struct host *h, struct nf_json_out *o, struct nf_str *s)
{
    struct nf_err err;
    struct nf_skill_bytes ret = { NULL, 0 };
    if (nf_json_end_doc(o, &err) != NF_OK) {
        (void)host_error(h, NF_SKILL_E_LIMIT, "%s", err.msg);
    } else {
        ret.p = arena_copy(&h->arena, nf_str_c(s), s->len);
        ret.n = ret.p ? s->len : 0;
        if (!ret.p)
            (void)host_error(h, NF_SKILL_E_LIMIT, "no memory for %zu bytes", s->len);
    }
    nf_str_done(s);
    return ret;
}

static struct nf_skill_bytes json_text(const struct nf_skill_host *api,
                                       const struct nf_skill_json *v)
{
    struct host *h = host_of(api);
    struct nf_json_out o;
    struct nf_str s = { .max = NF_WIRE_BULK_MAX };
    if (v && is_args(h, v))
        return (struct nf_skill_bytes){ h->args.p, h->args.n };
    nf_json_begin_doc(&o, &s);
    nf_json_out_value(&o, value(api, v));
    return finish(h, &o, &s);
}

static struct nf_skill_bytes json_quote(const struct nf_skill_host *api, const char *p, size_t n)
{
    struct nf_json_out o;
    struct nf_str s = { .max = NF_WIRE_BULK_MAX };
    nf_json_begin_doc(&o, &s);
    nf_json_out_strn(&o, p, n);
    return finish(host_of(api), &o, &s);
}

void host_set_json(struct nf_skill_host *api)
{
    api->json_parse = json_parse;
    api->json_type = json_type;
    api->json_get = json_get;
    api->json_first = json_first;
    api->json_next = json_next;
    api->json_count = json_count;
    api->json_key = json_key;
    api->json_str = json_str;
    api->json_i64 = json_i64;
    api->json_f64 = json_f64;
    api->json_bool = json_bool;
    api->json_text = json_text;
    api->json_quote = json_quote;
}
