#include "codec/json.h"

#include "codec/json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: below it a double that is an integer is exact */

/* --- reading ---------------------------------------------------------------------------------- */

const struct nf_json *nf_json_root(const struct nf_json_doc *d)
{
    return &d->v[0];
}

enum nf_json_type nf_json_type(const struct nf_json *v)
{
    return v ? (enum nf_json_type)v->type : NF_JSON_ABSENT;
}

const struct nf_json *nf_json_first(const struct nf_json *v)
{
    return v && v->size > 1 ? v + 1 : NULL;
}

const struct nf_json *nf_json_next(const struct nf_json *v)
{
    return v && !v->is_last ? v + v->size : NULL;
}

const struct nf_json *nf_json_get(const struct nf_json *v, const char *key)
{
    const struct nf_json *found = NULL, *c = nf_json_first(v);
    if (!c || v->type != NF_JSON_OBJECT)
        return NULL;
    for (;; c += c->size) {
        if (c->key[0] == key[0] && (!key[0] || c->key[1] == key[1]) && strcmp(c->key, key) == 0)
            found = c;
        if (c->is_last)
            return found;
    }
}

const char *nf_json_key(const struct nf_json *v)
{
    return v ? v->key : NULL;
}

size_t nf_json_count(const struct nf_json *v)
{
    size_t n = 0;
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c))
        n++;
    return n;
}

const char *nf_json_str(const struct nf_json *v)
{
    return nf_json_type(v) == NF_JSON_STRING ? v->text : NULL;
}

int nf_json_first_half(const struct nf_json *v)
{
    return nf_json_type(v) == NF_JSON_STRING ? v->first_half : 0;
}

int nf_json_last_half(const struct nf_json *v)
{
    return nf_json_type(v) == NF_JSON_STRING ? v->last_half : 0;
}

/* What stands behind a number in a text ends it for strtod. */
static double real(const struct nf_json *v)
{
    return strtod(v->text, NULL);
}

int64_t nf_json_i64(const struct nf_json *v, int64_t otherwise)
{
    if (nf_json_type(v) != NF_JSON_NUMBER)
        return otherwise;
    bool negative = v->text[0] == '-';
    struct nf_slice digits = { v->text + negative, v->n - negative };
    int64_t exact;
    if (nf_slice_u63(digits, &exact))
        return negative ? -exact : exact;
    if (strspn(digits.p, "0123456789") == digits.n) /* -2^63, or out of range */
        return nf_slice_eq((struct nf_slice){ v->text, v->n }, "-9223372036854775808") ? INT64_MIN
                                                                                       : otherwise;
    double d = real(v);
    return fabs(d) < EXACT_MAX && d == trunc(d) ? (int64_t)d : otherwise;
}

double nf_json_f64(const struct nf_json *v, double otherwise)
{
    if (nf_json_type(v) != NF_JSON_NUMBER)
        return otherwise;
    double d = real(v);
    return isfinite(d) ? d : otherwise;
}

bool nf_json_bool(const struct nf_json *v, bool otherwise)
{
    return nf_json_type(v) == NF_JSON_BOOL ? v->truth : otherwise;
}

/* --- duplicate members ------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool members_repeat(const struct nf_json *object)
{
    size_t n = nf_json_count(object), i = 0;
    if (n < 2)
        return false;
    const char **keys = calloc(n, sizeof(*keys));
    if (!keys)
        return true;
    for (const struct nf_json *c = nf_json_first(object); c; c = nf_json_next(c))
        keys[i++] = c->key;
    qsort(keys, n, sizeof(*keys), by_text);
    bool repeat = false;
    for (i = 1; i < n && !repeat; i++)
        repeat = strcmp(keys[i - 1], keys[i]) == 0;
    free(keys);
    return repeat;
}

bool nf_json_has_duplicate_keys(const struct nf_json *v)
{
    for (uint32_t i = 0; v && i < v->size; i++)
        if (v[i].type == NF_JSON_OBJECT && members_repeat(&v[i]))
            return true;
    return false;
}

/* --- printing --------------------------------------------------------------------------------- */

static void out_scalar(struct nf_json_out *o, const struct nf_json *v)
{
    switch (nf_json_type(v)) {
    case NF_JSON_STRING:
        nf_json_out_strn(o, v->text, v->n);
        break;
    case NF_JSON_NUMBER:
        nf_json_out_raw(o, v->text, v->n);
        break;
    case NF_JSON_BOOL:
        nf_json_out_bool(o, v->truth);
        break;
    default:
        nf_json_out_null(o);
    }
}

void nf_json_out_value(struct nf_json_out *o, const struct nf_json *v)
{
    const struct nf_json *end[NF_JSON_DEPTH_MAX]; /* of the containers that are open */
    int depth = 0;
    if (!v) {
        nf_json_out_null(o);
        return;
    }
    for (const struct nf_json *at = v; at < v + v->size && o->rc == NF_OK; at++) {
        if (at != v && at->key)
            nf_json_out_key(o, at->key);
        if (at->type == NF_JSON_OBJECT || at->type == NF_JSON_ARRAY) {
            at->type == NF_JSON_OBJECT ? nf_json_out_object(o) : nf_json_out_array(o);
            end[depth++] = at + at->size;
        } else {
            out_scalar(o, at);
        }
        for (; depth > 0 && end[depth - 1] == at + 1; depth--)
            nf_json_out_end(o);
    }
}
