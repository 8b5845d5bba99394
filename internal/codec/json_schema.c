/* Whether a value fits a schema. */
#include "codec/json_schema.h"

#include "base/own.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* JSON Schema 2020-12: Core (draft-bhutton-json-schema-01) section 8.2 on $ref, 10 on applicators;
 * Validation (draft-bhutton-json-schema-validation-01) section 6 on the rest. */

struct run {
    const struct nf_json *root; /* the whole schema */
    const char *name;           /* what the value is called */
    int steps, depth;
};

static NF_RC apply(struct run *r, const struct nf_json *s, const struct nf_json *v,
                   const struct nf_json_path *at, struct nf_err *err);

/* --- where ------------------------------------------------------------------------------------ */

/* What does not fit is told with its place. */
static NF_RC with_place(const struct run *r, const struct nf_json_path *at, struct nf_err *err,
                        enum nf_code rc)
{
    char place[NF_JSON_PATH_TEXT];

    return nf_err_wrap(err, rc, "%s", nf_json_path_text(at, r->name, place));
}
#define WRONG(r, at, err, ...)                                                                     \
    with_place((r), (at), (err), nf_err_set((err), NF_E_INVALID, __VA_ARGS__))

static NF_RC step(struct run *r, struct nf_err *err)
{
    if (++r->steps <= NF_JSON_SCHEMA_STEPS_MAX)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, "%s: too much work to hold against the schema: send less",
                      r->name);
}

/* --- equality --------------------------------------------------------------------------------- */

static bool is_i64(const struct nf_json *v, int64_t *ret)
{
    *ret = nf_json_i64(v, 0);
    return *ret != 0 || nf_json_i64(v, 1) == 0;
}

/* < 0, 0, > 0. */
static int compare(const struct nf_json *a, const struct nf_json *b)
{
    int64_t x, y;

    if (is_i64(a, &x) && is_i64(b, &y))
        return (x > y) - (x < y);
    double f = nf_json_f64(a, 0), g = nf_json_f64(b, 0);
    return (f > g) - (f < g);
}

/* NOLINTBEGIN(misc-no-recursion): JSON is nested NF_JSON_DEPTH_MAX deep at most, and schemas are
 * applied NF_JSON_SCHEMA_DEPTH_MAX deep */

static bool equal(struct run *r, const struct nf_json *a, const struct nf_json *b)
{
    struct nf_err ignored;

    if (step(r, &ignored) != NF_OK || nf_json_type(a) != nf_json_type(b))
        return false;
    switch (nf_json_type(a)) {
    case NF_JSON_ABSENT:
    case NF_JSON_NULL:
        return true;
    case NF_JSON_BOOL:
        return nf_json_bool(a, false) == nf_json_bool(b, false);
    case NF_JSON_NUMBER:
        return compare(a, b) == 0;
    case NF_JSON_STRING:
        return strcmp(nf_json_str(a), nf_json_str(b)) == 0;
    case NF_JSON_ARRAY:
    case NF_JSON_OBJECT:
        break;
    }
    if (nf_json_count(a) != nf_json_count(b))
        return false;
    const struct nf_json *y = nf_json_first(b);
    for (const struct nf_json *x = nf_json_first(a); x; x = nf_json_next(x)) {
        if (!equal(r, x, nf_json_key(x) ? nf_json_get(b, nf_json_key(x)) : y))
            return false;
        y = nf_json_next(y);
    }
    return true;
}

/* --- of any type ------------------------------------------------------------------------------ */

static bool is_of_type(const struct nf_json *v, const char *type)
{
    static const char *const names[] = {
        [NF_JSON_NULL] = "null",     [NF_JSON_BOOL] = "boolean", [NF_JSON_NUMBER] = "number",
        [NF_JSON_STRING] = "string", [NF_JSON_ARRAY] = "array",  [NF_JSON_OBJECT] = "object"
    };

    if (strcmp(type, "integer") == 0) {
        double d = nf_json_f64(v, 0.5);
        return nf_json_type(v) == NF_JSON_NUMBER && (!isfinite(d) || trunc(d) == d);
    }
    return strcmp(names[nf_json_type(v)], type) == 0;
}

static const char *a_type(const char *type)
{
    return type[0] == 'a' || type[0] == 'i' || type[0] == 'o' ? "an" : "a";
}

static NF_RC hold_type(struct run *r, const struct nf_json *s, const struct nf_json *v,
                       const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *type = nf_json_get(s, "type");
    const char *one = nf_json_str(type);
    char all[120] = "";
    size_t n = 0;

    if (!type || (one && is_of_type(v, one)))
        return NF_OK;
    if (one)
        return WRONG(r, at, err, "must be %s %s",
                     strcmp(one, "null") == 0 ? "the value" : a_type(one), one);
    for (const struct nf_json *t = nf_json_first(type); t; t = nf_json_next(t)) {
        if (is_of_type(v, nf_json_str(t)))
            return NF_OK;
        n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? " or " : "", nf_json_str(t));
        if (n >= sizeof(all))
            break;
    }
    return WRONG(r, at, err, "must be of type %s", all);
}

/* "a", "b", 3: what the model can choose from, as far as there is room. */
static const char *tell_values(const struct nf_json *list, char *buf, size_t size)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = size };
    struct nf_err ignored;
    struct nf_json_out o;

    buf[0] = '\0';
    for (const struct nf_json *v = nf_json_first(list); v; v = nf_json_next(v)) {
        size_t before = text.len;
        if (before && nf_str_adds(&text, ", ", &ignored) != NF_OK)
            break;
        nf_json_begin_doc(&o, &text);
        nf_json_out_value(&o, v);
        if (nf_json_end_doc(&o, &ignored) != NF_OK) {
            text.len = before;
            if (text.p)
                text.p[before] = '\0';
            (void)snprintf(buf, size, "%s, ...", nf_str_c(&text));
            return buf;
        }
    }
    (void)snprintf(buf, size, "%s", nf_str_c(&text));
    return buf;
}

static NF_RC hold_values(struct run *r, const struct nf_json *s, const struct nf_json *v,
                         const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *list = nf_json_get(s, "enum"), *constant = nf_json_get(s, "const");
    bool found = list == NULL;
    char text[200];

    for (const struct nf_json *e = nf_json_first(list); e && !found; e = nf_json_next(e))
        found = equal(r, e, v);
    if (!found)
        return WRONG(r, at, err, "must be one of %s", tell_values(list, text, sizeof(text)));
    if (constant && !equal(r, constant, v))
        return WRONG(r, at, err, "is not the only value that is allowed");
    return NF_OK;
}

/* --- numbers, strings ------------------------------------------------------------------------- */

static NF_RC hold_multiple(struct run *r, const struct nf_json *of, const struct nf_json *v,
                           const struct nf_json_path *at, struct nf_err *err)
{
    int64_t x, y;
    bool good;

    if (is_i64(v, &x) && is_i64(of, &y)) {
        good = y == -1 || x % y == 0;
    } else {
        double q = nf_json_f64(v, 0) / nf_json_f64(of, 1);
        good = isfinite(q) && fabs(q - nearbyint(q)) <= 1e-9 * fmax(1, fabs(q));
    }
    return good ? NF_OK : WRONG(r, at, err, "must be a multiple of %g", nf_json_f64(of, 1));
}

static NF_RC hold_number(struct run *r, const struct nf_json *s, const struct nf_json *v,
                         const struct nf_json_path *at, struct nf_err *err)
{
    static const struct {
        const char *key, *how;
        int sign;
        bool equal;
    } bounds[] = {
        { "minimum", "at least", 1, true },
        { "maximum", "at most", -1, true },
        { "exclusiveMinimum", "more than", 1, false },
        { "exclusiveMaximum", "less than", -1, false },
    };
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        const struct nf_json *bound = nf_json_get(s, bounds[i].key);
        if (!bound)
            continue;
        int c = compare(v, bound) * bounds[i].sign;
        if (c < 0 || (c == 0 && !bounds[i].equal))
            return WRONG(r, at, err, "must be %s %.17g", bounds[i].how, nf_json_f64(bound, 0));
    }
    const struct nf_json *of = nf_json_get(s, "multipleOf");
    return of ? hold_multiple(r, of, v, at, err) : NF_OK;
}

static size_t code_points(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* `n` against the bounds `low` and `high` of the schema. */
static NF_RC hold_count(struct run *r, const struct nf_json *s, const char *low, const char *high,
                        const char *unit, size_t n, const struct nf_json_path *at,
                        struct nf_err *err)
{
    int64_t min = nf_json_i64(nf_json_get(s, low), 0);
    int64_t max = nf_json_i64(nf_json_get(s, high), INT64_MAX);

    if ((int64_t)n < min)
        return WRONG(r, at, err, "must have at least %lld %s, not %zu", (long long)min, unit, n);
    if ((int64_t)n > max)
        return WRONG(r, at, err, "must have at most %lld %s, not %zu", (long long)max, unit, n);
    return NF_OK;
}

/* --- arrays, objects -------------------------------------------------------------------------- */

static NF_RC hold_unique(struct run *r, const struct nf_json *v, const struct nf_json_path *at,
                         struct nf_err *err)
{
    for (const struct nf_json *a = nf_json_first(v); a; a = nf_json_next(a))
        for (const struct nf_json *b = nf_json_next(a); b; b = nf_json_next(b)) {
            NF_TRY(step(r, err));
            if (equal(r, a, b))
                return WRONG(r, at, err, "must not hold the same item twice");
        }
    return NF_OK;
}

static NF_RC hold_array(struct run *r, const struct nf_json *s, const struct nf_json *v,
                        const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *first = nf_json_first(nf_json_get(s, "prefixItems"));
    const struct nf_json *rest = nf_json_get(s, "items");
    struct nf_json_path item = { .up = at };

    NF_TRY(hold_count(r, s, "minItems", "maxItems", "items", nf_json_count(v), at, err));
    for (const struct nf_json *c = nf_json_first(v); c; c = nf_json_next(c), item.index++) {
        const struct nf_json *own = first ? first : rest;
        if (own)
            NF_TRY(apply(r, own, c, &item, err));
        if (first)
            first = nf_json_next(first);
    }
    return nf_json_bool(nf_json_get(s, "uniqueItems"), false) ? hold_unique(r, v, at, err) : NF_OK;
}

static NF_RC hold_required(struct run *r, const struct nf_json *names, const struct nf_json *v,
                           const struct nf_json_path *at, struct nf_err *err)
{
    for (const struct nf_json *n = nf_json_first(names); n; n = nf_json_next(n)) {
        const struct nf_json_path missing = { .up = at, .key = nf_json_str(n) };
        NF_TRY(step(r, err));
        if (!nf_json_get(v, nf_json_str(n)))
            return WRONG(r, &missing, err, "missing");
    }
    return NF_OK;
}

static NF_RC hold_member(struct run *r, const struct nf_json *s, const struct nf_json *member,
                         const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *more = nf_json_get(s, "additionalProperties");
    const struct nf_json *own = nf_json_get(nf_json_get(s, "properties"), nf_json_key(member));
    const struct nf_json_path here = { .up = at, .key = nf_json_key(member) };

    if (own)
        return apply(r, own, member, &here, err);
    if (!more)
        return NF_OK;
    if (nf_json_type(more) == NF_JSON_BOOL && !nf_json_bool(more, true))
        return WRONG(r, &here, err, "there is no such member: leave it out");
    return apply(r, more, member, &here, err);
}

static NF_RC hold_object(struct run *r, const struct nf_json *s, const struct nf_json *v,
                         const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *depend = nf_json_get(s, "dependentRequired");

    NF_TRY(hold_required(r, nf_json_get(s, "required"), v, at, err));
    NF_TRY(
        hold_count(r, s, "minProperties", "maxProperties", "members", nf_json_count(v), at, err));
    for (const struct nf_json *d = nf_json_first(depend); d; d = nf_json_next(d))
        if (nf_json_get(v, nf_json_key(d)))
            NF_TRY(hold_required(r, d, v, at, err));
    for (const struct nf_json *m = nf_json_first(v); m; m = nf_json_next(m))
        NF_TRY(hold_member(r, s, m, at, err));
    return NF_OK;
}

/* --- combinations ----------------------------------------------------------------------------- */

/* How many of the alternatives fit; *first gets why the first did not. */
static NF_RC count_fits(struct run *r, const struct nf_json *list, const struct nf_json *v,
                        const struct nf_json_path *at, size_t enough, size_t *ret,
                        struct nf_err *first, struct nf_err *err)
{
    *ret = 0;
    for (const struct nf_json *s = nf_json_first(list); s && *ret < enough; s = nf_json_next(s)) {
        struct nf_err why;
        enum nf_code rc = apply(r, s, v, at, &why);
        if (rc == NF_OK)
            (*ret)++;
        else if (rc != NF_E_INVALID)
            return nf_err_set(err, rc, "%s", why.msg);
        else if (!first->msg[0])
            *first = why;
    }
    return NF_OK;
}

static NF_RC hold_alternatives(struct run *r, const struct nf_json *s, const struct nf_json *v,
                               const struct nf_json_path *at, struct nf_err *err)
{
    const struct nf_json *any = nf_json_get(s, "anyOf"), *one = nf_json_get(s, "oneOf");
    const struct nf_json *none = nf_json_get(s, "not");
    struct nf_err first = { .msg = "" };
    size_t n;

    if (any) {
        NF_TRY(count_fits(r, any, v, at, 1, &n, &first, err));
        if (n == 0)
            return WRONG(r, at, err, "fits none of the alternatives; the first: %.150s", first.msg);
    }
    if (one) {
        first.msg[0] = '\0';
        NF_TRY(count_fits(r, one, v, at, 2, &n, &first, err));
        if (n == 0)
            return WRONG(r, at, err, "fits none of the alternatives; the first: %.150s", first.msg);
        if (n > 1)
            return WRONG(r, at, err, "fits more than one of the alternatives");
    }
    if (none) {
        enum nf_code rc = apply(r, none, v, at, &first);
        if (rc == NF_OK)
            return WRONG(r, at, err, "is what it must not be");
        if (rc != NF_E_INVALID)
            return nf_err_set(err, rc, "%s", first.msg);
    }
    return NF_OK;
}

static NF_RC hold_all(struct run *r, const struct nf_json *s, const struct nf_json *v,
                      const struct nf_json_path *at, struct nf_err *err)
{
    const char *ref = nf_json_str(nf_json_get(s, "$ref"));

    if (ref) {
        const struct nf_json *target = nf_json_schema_ref(r->root, ref);
        if (!target)
            return nf_err_set(err, NF_E_INTERNAL, "the schema was not checked: no %.64s", ref);
        NF_TRY(apply(r, target, v, at, err));
    }
    NF_TRY(hold_type(r, s, v, at, err));
    NF_TRY(hold_values(r, s, v, at, err));
    for (const struct nf_json *a = nf_json_first(nf_json_get(s, "allOf")); a; a = nf_json_next(a))
        NF_TRY(apply(r, a, v, at, err));
    NF_TRY(hold_alternatives(r, s, v, at, err));
    switch (nf_json_type(v)) {
    case NF_JSON_NUMBER:
        return hold_number(r, s, v, at, err);
    case NF_JSON_STRING:
        return hold_count(r, s, "minLength", "maxLength", "characters", code_points(nf_json_str(v)),
                          at, err);
    case NF_JSON_ARRAY:
        return hold_array(r, s, v, at, err);
    case NF_JSON_OBJECT:
        return hold_object(r, s, v, at, err);
    case NF_JSON_ABSENT:
    case NF_JSON_NULL:
    case NF_JSON_BOOL:
        break;
    }
    return NF_OK;
}

/* The recursion is bounded by NF_JSON_SCHEMA_DEPTH_MAX. */
static NF_RC apply(struct run *r, const struct nf_json *s, const struct nf_json *v,
                   const struct nf_json_path *at, struct nf_err *err)
{
    NF_TRY(step(r, err));
    if (nf_json_type(s) == NF_JSON_BOOL)
        return nf_json_bool(s, false) ? NF_OK : WRONG(r, at, err, "nothing is allowed here");
    if (r->depth == NF_JSON_SCHEMA_DEPTH_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%s: schemas within schemas more than %d deep", r->name,
                          NF_JSON_SCHEMA_DEPTH_MAX);
    r->depth++;
    enum nf_code rc = hold_all(r, s, v, at, err);
    r->depth--;
    return rc;
}

/* NOLINTEND(misc-no-recursion) */

enum nf_code nf_json_schema_fits(const struct nf_json *schema, const struct nf_json *v,
                                 const char *name, struct nf_err *err)
{
    struct run r = { .root = schema, .name = name };

    NF_TRY(apply(&r, schema, v, NULL, err));
    return r.steps > NF_JSON_SCHEMA_STEPS_MAX ? step(&r, err) : NF_OK;
}
