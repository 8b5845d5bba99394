/* JSON as plugins see it, from codec. */
#include "tests/support/skill_host_impl.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

static const struct nf_json *in(const struct nf_skill_json *v)
{
    return (const struct nf_json *)v;
}

static const struct nf_skill_json *out(const struct nf_json *v)
{
    return (const struct nf_skill_json *)v;
}

const struct nf_skill_json *rig_json_parse(const struct nf_skill_host *h, const char *p, size_t n)
{
    struct nf_json_doc *doc;
    struct rig_doc *kept;
    struct nf_err err;

    if (nf_json_parse(p, n, 0, &doc, &err) != NF_OK) {
        (void)rig_fail(rig_of(h), NF_SKILL_E_INVALID, err.msg);
        return NULL;
    }
    kept = rig_must(calloc(1, sizeof(*kept)));
    kept->doc = doc;
    kept->next = rig_of(h)->docs;
    rig_of(h)->docs = kept;
    return out(nf_json_root(doc));
}

static int json_type(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    static const int types[] = {
        [NF_JSON_ABSENT] = NF_SKILL_JSON_ABSENT, [NF_JSON_NULL] = NF_SKILL_JSON_NULL,
        [NF_JSON_BOOL] = NF_SKILL_JSON_BOOL,     [NF_JSON_NUMBER] = NF_SKILL_JSON_NUMBER,
        [NF_JSON_STRING] = NF_SKILL_JSON_STRING, [NF_JSON_ARRAY] = NF_SKILL_JSON_ARRAY,
        [NF_JSON_OBJECT] = NF_SKILL_JSON_OBJECT,
    };
    (void)h;

    return types[nf_json_type(in(v))];
}

static const struct nf_skill_json *json_get(const struct nf_skill_host *h,
                                            const struct nf_skill_json *v, const char *key)
{
    (void)h;
    return out(nf_json_get(in(v), key));
}

static const struct nf_skill_json *json_first(const struct nf_skill_host *h,
                                              const struct nf_skill_json *v)
{
    (void)h;
    return out(nf_json_first(in(v)));
}

static const struct nf_skill_json *json_next(const struct nf_skill_host *h,
                                             const struct nf_skill_json *v)
{
    (void)h;
    return out(nf_json_next(in(v)));
}

static size_t json_count(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_count(in(v));
}

static const char *json_key(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_key(in(v));
}

static const char *json_str(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    (void)h;
    return nf_json_str(in(v));
}

static int64_t json_i64(const struct nf_skill_host *h, const struct nf_skill_json *v,
                        int64_t otherwise)
{
    (void)h;
    return nf_json_i64(in(v), otherwise);
}

static double json_f64(const struct nf_skill_host *h, const struct nf_skill_json *v,
                       double otherwise)
{
    (void)h;
    return nf_json_f64(in(v), otherwise);
}

static int json_bool(const struct nf_skill_host *h, const struct nf_skill_json *v, int otherwise)
{
    (void)h;
    return nf_json_bool(in(v), otherwise != 0);
}

/* What was written, in memory of the call. */
struct nf_skill_bytes rig_written(struct skill_rig *rig, struct nf_json_out *o, struct nf_str *s)
{
    struct nf_skill_bytes b = { "", 0 };
    struct nf_err err;

    assert_ok(nf_json_end_doc(o, &err), &err);
    b.n = s->len;
    b.p = memcpy(rig_own_alloc(rig, s->len + 1), nf_str_c(s), s->len + 1);
    nf_str_done(s);
    return b;
}

static struct nf_skill_bytes json_text(const struct nf_skill_host *h, const struct nf_skill_json *v)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &s);
    nf_json_out_value(&o, in(v));
    return rig_written(rig_of(h), &o, &s);
}

struct nf_skill_bytes rig_json_quote(const struct nf_skill_host *h, const char *p, size_t n)
{
    struct nf_str s = { .max = NF_JSON_BYTES_MAX };
    struct nf_json_out o;

    nf_json_begin_doc(&o, &s);
    nf_json_out_strn(&o, p, n);
    return rig_written(rig_of(h), &o, &s);
}

void rig_set_json(struct nf_skill_host *h)
{
    h->json_parse = rig_json_parse;
    h->json_type = json_type;
    h->json_get = json_get;
    h->json_first = json_first;
    h->json_next = json_next;
    h->json_count = json_count;
    h->json_key = json_key;
    h->json_str = json_str;
    h->json_i64 = json_i64;
    h->json_f64 = json_f64;
    h->json_bool = json_bool;
    h->json_text = json_text;
    h->json_quote = rig_json_quote;
}
