/*
 * A subset of JSON Schema 2020-12, for the arguments of tools.
 *
 * Held:      type, enum, const; properties, required, additionalProperties, minProperties,
 *            maxProperties, dependentRequired; items, prefixItems, minItems, maxItems, uniqueItems;
 *            minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf; minLength, maxLength
 *            in code points; allOf, anyOf, oneOf, not; boolean schemas; $ref to "#",
 *            "#/$defs/NAME" and "#/definitions/NAME".
 * Refused:   what would silently let through what it forbids if it were ignored: pattern,
 *            patternProperties, propertyNames, contains and its bounds, if/then/else,
 *            dependentSchemas, dependencies, unevaluated*, $dynamicRef, $recursiveRef, other $ref,
 *            and spellings of earlier drafts (items as an array, exclusiveMinimum as a boolean).
 * Ignored:   all else: title, description, default, examples, format, ...
 *
 * Numbers are compared as 64-bit integers where both are, else as doubles; a multiple of a fraction
 * is one within 1e-9. The work is bounded by NF_JSON_SCHEMA_STEPS_MAX and the nesting by
 * NF_JSON_SCHEMA_DEPTH_MAX, whatever schema and value are.
 */
#pragma once

#include "codec/json.h"

#define NF_JSON_SCHEMA_DEPTH_MAX 64     /* schemas applied within each other, $ref included */
#define NF_JSON_SCHEMA_STEPS_MAX 200000 /* schemas applied and values compared */
#define NF_JSON_SCHEMA_BYTES_MAX ((size_t)64 * 1024)
#define NF_JSON_ARGS_BYTES_MAX ((size_t)1 << 20)

/* Whether `schema` is one that we can hold. NF_E_INVALID names the place: "schema.properties.city:
 * pattern is not supported". NF_E_LIMIT. */
NF_RC nf_json_schema_check(const struct nf_json *schema, struct nf_err *err);

/* Whether `v` fits `schema`, which was checked; `name` is what the value is called. NF_E_INVALID
 * says where and how it must be: "arguments.city: must be a string"; NF_E_LIMIT. */
NF_RC nf_json_schema_fits(const struct nf_json *schema, const struct nf_json *v, const char *name,
                          struct nf_err *err);

/* The same on texts. A tool's schema must have "type": "object", and so must the arguments be one,
 * in which no name stands twice. */
NF_RC nf_json_schema_check_text(const char *schema, struct nf_err *err);
NF_RC nf_json_schema_check_args(const char *schema, const char *args, struct nf_err *err);

/* For the sources of the validator: where in a value or schema one is. */
struct nf_json_path {
    const struct nf_json_path *up; /* NULL: the root */
    const char *key;               /* NULL: an index */
    size_t index;
};
#define NF_JSON_PATH_TEXT 160
/* "arguments.list[2].city", cut in front if it is longer. */
const char *nf_json_path_text(const struct nf_json_path *p, const char *root,
                              char buf[NF_JSON_PATH_TEXT]);
/* What "$ref": `ref` points to in the schema `root`; NULL if it is none that we take. */
const struct nf_json *nf_json_schema_ref(const struct nf_json *root, const char *ref);
