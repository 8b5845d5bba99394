#include "base/own.h"
#include "codec/json.h"

#include <stdlib.h>
#include <string.h>

/* A member of a struct of which only the offset is known: copied, since its type is the table's. */
static void put(void *out, const struct nf_json_field *f, const void *value, size_t n)
{
    memcpy((char *)out + f->offset, value, n);
}

static void put_text(void *out, const struct nf_json_field *f, char *text)
{
    nf_freep((char *)out + f->offset);
    put(out, f, &text, sizeof(text));
}

static enum nf_code must_be(const struct nf_json_field *f, const char *what, struct nf_err *err)
{
    return nf_err_set(err, NF_E_INVALID, "%s must be %s", f->key, what);
}

static bool is_bounded(const struct nf_json_field *f)
{
    return f->min != 0 || f->max != 0;
}

static enum nf_code decode_str(const struct nf_json *v, const struct nf_json_field *f, void *out,
                               struct nf_err *err)
{
    const char *text = nf_json_str(v);
    if (!text)
        return must_be(f, "a string", err);
    size_t n = strlen(text);
    if (is_bounded(f) && (int64_t)n > f->max)
        return nf_err_set(err, NF_E_LIMIT, "%s has %zu bytes; at most %lld are allowed", f->key, n,
                          (long long)f->max);
    if ((int64_t)n < f->min)
        return nf_err_set(err, NF_E_INVALID, "%s has %zu bytes; at least %lld are needed", f->key,
                          n, (long long)f->min);
    char *copy = NULL;
    NF_TRY(nf_strndup(text, n, &copy, err));
    put_text(out, f, copy);
    return NF_OK;
}

static enum nf_code decode_i64(const struct nf_json *v, const struct nf_json_field *f, void *out,
                               struct nf_err *err)
{
    int64_t number = nf_json_i64(v, INT64_MIN);
    if (number == INT64_MIN && nf_json_i64(v, 0) == 0)
        return must_be(f, "an integer", err);
    if (is_bounded(f) && (number < f->min || number > f->max))
        return nf_err_set(err, NF_E_LIMIT, "%s is %lld; %lld to %lld are allowed", f->key,
                          (long long)number, (long long)f->min, (long long)f->max);
    put(out, f, &number, sizeof(number));
    return NF_OK;
}

static enum nf_code decode_raw(const struct nf_json *v, const struct nf_json_field *f, void *out,
                               struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    struct nf_json_out o;
    if (f->max > 0)
        text.max = (size_t)f->max + 1;
    nf_json_begin_doc(&o, &text);
    nf_json_out_value(&o, v);
    NF_TRY(nf_err_wrap(err, nf_json_end_doc(&o, err), "%s", f->key));
    put_text(out, f, nf_take(text).p);
    return NF_OK;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the tables go, whatever the text holds */

static enum nf_code decode_field(const struct nf_json *v, const struct nf_json_field *f, void *out,
                                 struct nf_err *err)
{
    double real = nf_json_f64(v, 0);
    bool truth = nf_json_bool(v, false);
    switch (f->type) {
    case NF_JSON_F_STR:
        return decode_str(v, f, out, err);
    case NF_JSON_F_I64:
        return decode_i64(v, f, out, err);
    case NF_JSON_F_F64:
        if (nf_json_f64(v, 1) != real)
            return must_be(f, "a number", err);
        put(out, f, &real, sizeof(real));
        return NF_OK;
    case NF_JSON_F_BOOL:
        if (nf_json_type(v) != NF_JSON_BOOL)
            return must_be(f, "true or false", err);
        put(out, f, &truth, sizeof(truth));
        return NF_OK;
    case NF_JSON_F_RAW:
        return decode_raw(v, f, out, err);
    case NF_JSON_F_OBJECT:
        return nf_err_wrap(err, nf_json_decode(v, f->sub, (char *)out + f->offset, err), "%s",
                           f->key);
    }
    return nf_err_set(err, NF_E_INTERNAL, "%s: unknown field type", f->key);
}

static const struct nf_json_field *find(const struct nf_json_table *t, const char *key)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->fields[i].key, key) == 0)
            return &t->fields[i];
    return NULL;
}

static enum nf_code refuse_unknown(const struct nf_json *v, const struct nf_json_table *t,
                                   struct nf_err *err)
{
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c))
        if (!find(t, nf_json_key(c)))
            return nf_err_set(err, NF_E_INVALID, "unknown field %.60s", nf_json_key(c));
    return NF_OK;
}

enum nf_code nf_json_decode(const struct nf_json *v, const struct nf_json_table *t, void *out,
                            struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "an object is expected");
    if (t->strict)
        NF_TRY(refuse_unknown(v, t, err));
    for (size_t i = 0; i < t->n; i++) {
        const struct nf_json_field *f = &t->fields[i];
        const struct nf_json *member = nf_json_get(v, f->key);
        if (nf_json_type(member) == NF_JSON_NULL && (f->flags & NF_JSON_NULLABLE))
            member = NULL;
        if (member)
            NF_TRY(decode_field(member, f, out, err));
        else if (f->flags & NF_JSON_REQUIRED)
            return nf_err_set(err, NF_E_INVALID, "%s is missing", f->key);
    }
    return NF_OK;
}

void nf_json_table_done(const struct nf_json_table *t, void *out)
{
    char *const none = NULL;
    for (size_t i = 0; i < t->n; i++) {
        const struct nf_json_field *f = &t->fields[i];
        if (f->type == NF_JSON_F_OBJECT)
            nf_json_table_done(f->sub, (char *)out + f->offset);
        else if (f->type == NF_JSON_F_STR || f->type == NF_JSON_F_RAW)
            put_text(out, f, none);
    }
}

/* NOLINTEND(misc-no-recursion) */
