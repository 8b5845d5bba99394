/* Whether a schema is one that we can hold: looked at once, when a skill is installed. */
#include "codec/json_schema.h"

#include "base/own.h"

#include <string.h>

struct check {
    const struct nf_json *root;
    int steps, depth;
};

typedef enum nf_code (*check_fn)(struct check *c, const struct nf_json *v,
                                 const struct nf_json_path *at, struct nf_err *err);

static NF_RC check_schema(struct check *c, const struct nf_json *s, const struct nf_json_path *at,
                          struct nf_err *err);

static NF_RC wrong(const struct nf_json_path *at, const char *what, struct nf_err *err)
{
    char place[NF_JSON_PATH_TEXT];

    return nf_err_set(err, NF_E_INVALID, "%s: %s", nf_json_path_text(at, "schema", place), what);
}

static bool is_type_name(const struct nf_json *v)
{
    static const char *const names[] = { "null",   "boolean", "number", "integer",
                                         "string", "array",   "object" };
    const char *name = nf_json_str(v);

    for (size_t i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static NF_RC check_type(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                        struct nf_err *err)
{
    bool good = is_type_name(v) || (nf_json_type(v) == NF_JSON_ARRAY && nf_json_count(v) > 0);

    (void)c;
    for (const struct nf_json *t = nf_json_first(v); good && t; t = nf_json_next(t))
        good = is_type_name(t);
    return good ? NF_OK
                : wrong(at,
                        "must be null, boolean, number, integer, string, array or object, or a "
                        "list of them",
                        err);
}

static NF_RC check_array(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                         struct nf_err *err)
{
    (void)c;
    return nf_json_type(v) == NF_JSON_ARRAY ? NF_OK : wrong(at, "must be an array", err);
}

static NF_RC check_any(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                       struct nf_err *err)
{
    (void)c, (void)v, (void)at, (void)err;
    return NF_OK;
}

static NF_RC check_bool(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                        struct nf_err *err)
{
    (void)c;
    return nf_json_type(v) == NF_JSON_BOOL ? NF_OK : wrong(at, "must be true or false", err);
}

static NF_RC check_number(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                          struct nf_err *err)
{
    (void)c;
    return nf_json_type(v) == NF_JSON_NUMBER ? NF_OK : wrong(at, "must be a number", err);
}

static NF_RC check_positive(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                            struct nf_err *err)
{
    (void)c;
    return nf_json_f64(v, 0) > 0 ? NF_OK : wrong(at, "must be a number above 0", err);
}

static NF_RC check_count(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                         struct nf_err *err)
{
    (void)c;
    return nf_json_i64(v, -1) >= 0 ? NF_OK : wrong(at, "must be an integer from 0 on", err);
}

static NF_RC check_names(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                         struct nf_err *err)
{
    NF_TRY(check_array(c, v, at, err));
    for (const struct nf_json *n = nf_json_first(v); n; n = nf_json_next(n))
        if (!nf_json_str(n))
            return wrong(at, "must be an array of names", err);
    return NF_OK;
}

static NF_RC check_each(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                        check_fn fn, struct nf_err *err)
{
    struct nf_json_path here = { .up = at };

    for (const struct nf_json *m = nf_json_first(v); m; m = nf_json_next(m), here.index++) {
        here.key = nf_json_key(m);
        NF_TRY(fn(c, m, &here, err));
    }
    return NF_OK;
}

static NF_RC check_map(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                       struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return wrong(at, "must be an object of schemas", err);
    return check_each(c, v, at, check_schema, err);
}

static NF_RC check_list(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                        struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_ARRAY || nf_json_count(v) == 0)
        return wrong(at, "must be an array of schemas, and not empty", err);
    return check_each(c, v, at, check_schema, err);
}

static NF_RC check_name_lists(struct check *c, const struct nf_json *v,
                              const struct nf_json_path *at, struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return wrong(at, "must be an object of lists of names", err);
    return check_each(c, v, at, check_names, err);
}

/* It must lead somewhere, and not only from one $ref to the next. */
static NF_RC check_ref(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                       struct nf_err *err)
{
    for (int hops = 0; hops < NF_JSON_SCHEMA_DEPTH_MAX; hops++) {
        const char *ref = nf_json_str(v);
        const struct nf_json *to = ref ? nf_json_schema_ref(c->root, ref) : NULL;
        if (!to)
            return wrong(at,
                         "must be \"#\", \"#/$defs/NAME\" or \"#/definitions/NAME\" of a "
                         "schema that is there",
                         err);
        v = nf_json_get(to, "$ref");
        if (!v)
            return NF_OK;
    }
    return wrong(at, "refers to itself", err);
}

static NF_RC refuse(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                    struct nf_err *err)
{
    (void)c, (void)v;
    return wrong(at,
                 "is not supported, and to ignore it would let through what it forbids: check "
                 "it in the tool",
                 err);
}

static NF_RC check_root_only(struct check *c, const struct nf_json *v,
                             const struct nf_json_path *at, struct nf_err *err)
{
    (void)c, (void)v;
    return at->up ? wrong(at, "is allowed at the root only", err) : NF_OK;
}

static const struct {
    const char *key;
    check_fn fn;
} keywords[] = {
    { "type", check_type },
    { "enum", check_array },
    { "const", check_any },
    { "properties", check_map },
    { "required", check_names },
    { "additionalProperties", check_schema },
    { "minProperties", check_count },
    { "maxProperties", check_count },
    { "dependentRequired", check_name_lists },
    { "items", check_schema },
    { "prefixItems", check_list },
    { "minItems", check_count },
    { "maxItems", check_count },
    { "uniqueItems", check_bool },
    { "minimum", check_number },
    { "maximum", check_number },
    { "exclusiveMinimum", check_number },
    { "exclusiveMaximum", check_number },
    { "multipleOf", check_positive },
    { "minLength", check_count },
    { "maxLength", check_count },
    { "allOf", check_list },
    { "anyOf", check_list },
    { "oneOf", check_list },
    { "not", check_schema },
    { "$ref", check_ref },
    { "$defs", check_map },
    { "definitions", check_map },
    { "$id", check_root_only }, /* within, it would change what a $ref means */
    { "pattern", refuse },
    { "patternProperties", refuse },
    { "propertyNames", refuse },
    { "contains", refuse },
    { "minContains", refuse },
    { "maxContains", refuse },
    { "if", refuse },
    { "then", refuse },
    { "else", refuse },
    { "dependentSchemas", refuse },
    { "dependencies", refuse },
    { "unevaluatedItems", refuse },
    { "unevaluatedProperties", refuse },
    { "additionalItems", refuse },
    { "$dynamicRef", refuse },
    { "$recursiveRef", refuse },
};

static NF_RC check_keyword(struct check *c, const struct nf_json *v, const struct nf_json_path *at,
                           struct nf_err *err)
{
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
        if (strcmp(keywords[i].key, at->key) == 0)
            return keywords[i].fn(c, v, at, err);
    return NF_OK;
}

/* The recursion is bounded by NF_JSON_SCHEMA_DEPTH_MAX. */
static NF_RC check_schema(struct check *c, const struct nf_json *s, const struct nf_json_path *at,
                          struct nf_err *err)
{
    if (nf_json_type(s) == NF_JSON_BOOL)
        return NF_OK;
    if (nf_json_type(s) != NF_JSON_OBJECT)
        return wrong(at, "must be a schema: an object, true or false", err);
    if (c->depth == NF_JSON_SCHEMA_DEPTH_MAX / 2)
        return nf_err_set(err, NF_E_LIMIT, "schema: more than %d deep",
                          NF_JSON_SCHEMA_DEPTH_MAX / 2);
    c->depth++;
    enum nf_code rc = check_each(c, s, at, check_keyword, err);
    c->depth--;
    return rc;
}

enum nf_code nf_json_schema_check(const struct nf_json *schema, struct nf_err *err)
{
    struct check c = { .root = schema };

    if (nf_json_has_duplicate_keys(schema))
        return nf_err_set(err, NF_E_INVALID, "schema: a name stands twice in an object");
    return check_schema(&c, schema, NULL, err);
}
