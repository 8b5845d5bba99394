#include "codec/json.h"

#include "base/own.h"
#include "codec/json_scan.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX 9007199254740992.0 /* 2^53: below it a double that is an integer is exact */

/*
 * A `struct nf_json` is a cJSON node under another name. A number that a double may not hold has
 * its text in `valuestring`, which cJSON leaves alone in numbers and frees with the node.
 */
struct nf_json_doc {
    cJSON *root;
};

/* Own allocator in, so that tests can make cJSON's allocations fail as well. */
__attribute__((constructor)) static void use_our_allocator(void)
{
    cJSON_Hooks hooks = { .malloc_fn = malloc, .free_fn = free };
    cJSON_InitHooks(&hooks);
}

static const cJSON *node(const struct nf_json *v)
{
    return (const cJSON *)v;
}

static const struct nf_json *value(const cJSON *v)
{
    return (const struct nf_json *)v;
}

/* --- walking without recursion ---------------------------------------------------------------- */

struct walk {
    const cJSON *at;
    const cJSON *up[NF_JSON_DEPTH_MAX];
    int depth;
};

/* The value after w->at in the order of the text, NULL after the last. */
static const cJSON *walk_next(struct walk *w)
{
    if (w->at->child) {
        w->up[w->depth++] = w->at;
        w->at = w->at->child;
        return w->at;
    }
    while (w->depth > 0 && !w->at->next)
        w->at = w->up[--w->depth];
    w->at = w->depth > 0 ? w->at->next : NULL;
    return w->at;
}

/* --- parsing ---------------------------------------------------------------------------------- */

static enum nf_code keep_digits(cJSON *root, const char *text, const struct nf_json_numbers *noted,
                                struct nf_err *err)
{
    struct walk w = { .at = root };
    uint32_t index = 0;
    for (size_t i = 0; i < noted->n && w.at; walk_next(&w)) {
        if (!cJSON_IsNumber(w.at) || index++ != noted->v[i].index)
            continue;
        cJSON *number = (cJSON *)w.at; /* root is ours to change */
        NF_TRY(nf_strndup(text + noted->v[i].at, noted->v[i].n, &number->valuestring, err));
        i++;
    }
    return NF_OK;
}

enum nf_code nf_json_parse(const char *p, size_t n, size_t max, struct nf_json_doc **ret,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_json_numbers_done) struct nf_json_numbers noted = { 0 };
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *d = NULL;
    if (max == 0)
        max = NF_JSON_BYTES_MAX;
    if (n > max)
        return nf_err_set(err, NF_E_LIMIT, "JSON over %zu bytes", max);
    NF_TRY(nf_json_scan(p, n, &noted, err));

    d = calloc(1, sizeof(*d));
    if (!d)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    d->root = cJSON_ParseWithLengthOpts(p, n, NULL, 0);
    if (!d->root) /* the text is good, so this is all that can be wrong */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): nf_json_freep frees it */
        return nf_err_set(err, NF_E_NOMEM, "out of memory for JSON of %zu bytes", n);
    NF_TRY(keep_digits(d->root, p, &noted, err));
    *ret = nf_take(d);
    return NF_OK;
}

void nf_json_free(struct nf_json_doc *d)
{
    if (d)
        cJSON_Delete(d->root);
    free(d);
}

/* --- reading ---------------------------------------------------------------------------------- */

const struct nf_json *nf_json_root(const struct nf_json_doc *d)
{
    return value(d->root);
}

enum nf_json_type nf_json_type(const struct nf_json *v)
{
    if (!v)
        return NF_JSON_ABSENT;
    switch (node(v)->type & 0xff) {
    case cJSON_False:
    case cJSON_True:
        return NF_JSON_BOOL;
    case cJSON_Number:
        return NF_JSON_NUMBER;
    case cJSON_String:
        return NF_JSON_STRING;
    case cJSON_Array:
        return NF_JSON_ARRAY;
    case cJSON_Object:
        return NF_JSON_OBJECT;
    default:
        return NF_JSON_NULL;
    }
}

const struct nf_json *nf_json_get(const struct nf_json *v, const char *key)
{
    const struct nf_json *found = NULL;
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return NULL;
    for (const cJSON *c = node(v)->child; c; c = c->next)
        if (strcmp(c->string, key) == 0)
            found = value(c);
    return found;
}

const struct nf_json *nf_json_first(const struct nf_json *v)
{
    return v ? value(node(v)->child) : NULL;
}

const struct nf_json *nf_json_next(const struct nf_json *v)
{
    return v ? value(node(v)->next) : NULL;
}

const char *nf_json_key(const struct nf_json *v)
{
    return v ? node(v)->string : NULL;
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
    return nf_json_type(v) == NF_JSON_STRING ? node(v)->valuestring : NULL;
}

int64_t nf_json_i64(const struct nf_json *v, int64_t otherwise)
{
    if (nf_json_type(v) != NF_JSON_NUMBER)
        return otherwise;
    const char *text = node(v)->valuestring;
    if (text && !strpbrk(text, ".eE")) {
        errno = 0;
        long long exact = strtoll(text, NULL, 10);
        return errno == 0 ? exact : otherwise;
    }
    double d = node(v)->valuedouble;
    return fabs(d) < EXACT_MAX && d == trunc(d) ? (int64_t)d : otherwise;
}

double nf_json_f64(const struct nf_json *v, double otherwise)
{
    if (nf_json_type(v) != NF_JSON_NUMBER || !isfinite(node(v)->valuedouble))
        return otherwise;
    return node(v)->valuedouble;
}

bool nf_json_bool(const struct nf_json *v, bool otherwise)
{
    return nf_json_type(v) == NF_JSON_BOOL ? (node(v)->type & 0xff) == cJSON_True : otherwise;
}

/* --- duplicate members ------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static bool members_repeat(const cJSON *object)
{
    size_t n = nf_json_count(value(object)), i = 0;
    if (n < 2)
        return false;
    const char **keys = calloc(n, sizeof(*keys));
    if (!keys)
        return true;
    for (const cJSON *c = object->child; c; c = c->next)
        keys[i++] = c->string;
    qsort(keys, n, sizeof(*keys), by_text);
    bool repeat = false;
    for (i = 1; i < n && !repeat; i++)
        repeat = strcmp(keys[i - 1], keys[i]) == 0;
    free(keys);
    return repeat;
}

bool nf_json_has_duplicate_keys(const struct nf_json *v)
{
    struct walk w = { .at = node(v) };
    for (; w.at; walk_next(&w))
        if (cJSON_IsObject(w.at) && members_repeat(w.at))
            return true;
    return false;
}

/* --- printing --------------------------------------------------------------------------------- */

static void out_node(struct nf_json_out *o, const cJSON *v, bool with_key)
{
    if (with_key)
        nf_json_out_key(o, v->string);
    switch (nf_json_type(value(v))) {
    case NF_JSON_OBJECT:
        nf_json_out_object(o);
        break;
    case NF_JSON_ARRAY:
        nf_json_out_array(o);
        break;
    case NF_JSON_STRING:
        nf_json_out_str(o, v->valuestring);
        break;
    case NF_JSON_NUMBER:
        if (v->valuestring)
            nf_json_out_raw(o, v->valuestring, strlen(v->valuestring));
        else
            nf_json_out_f64(o, v->valuedouble);
        break;
    case NF_JSON_BOOL:
        nf_json_out_bool(o, nf_json_bool(value(v), false));
        break;
    default:
        nf_json_out_null(o);
    }
}

static bool is_container(const cJSON *v)
{
    return cJSON_IsArray(v) || cJSON_IsObject(v);
}

void nf_json_out_value(struct nf_json_out *o, const struct nf_json *v)
{
    struct walk w = { .at = node(v) };
    if (!v) {
        nf_json_out_null(o);
        return;
    }
    while (w.at && o->rc == NF_OK) {
        const cJSON *now = w.at;
        int depth = w.depth;
        out_node(o, now, depth > 0 && cJSON_IsObject(w.up[depth - 1]));
        walk_next(&w);
        /* Close what ended here: itself if it is empty, and what it was the last value of. */
        int ended = depth + (is_container(now) ? 1 : 0) - (w.at ? w.depth : 0);
        for (; ended > 0; ended--)
            nf_json_out_end(o);
    }
}
