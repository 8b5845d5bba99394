/*
 * What a question to the broker says, as fields one behind the other: a few bytes that the process
 * of a plugin writes and the daemon reads, without a text between them.
 *
 *     u8 field | u24 length, little-endian | so many bytes
 *
 * A number has 8 bytes, little-endian. A text ends with a NUL, which is counted; it is UTF-8 and
 * has no other NUL. Headers may stand again and again, everything else once. Which question has
 * which is said with enum nf_skill_op.
 */
#pragma once

#include "base/string.h"

#define NF_FIELD_TEXT_MAX (((size_t)1 << 24) - 1) /* bytes of a text with its NUL */

enum nf_field {
    NF_FIELD_METHOD = 1,
    NF_FIELD_URL,
    NF_FIELD_HEADER, /* "Name: value" */
    NF_FIELD_TIMEOUT_MS,
    NF_FIELD_MAX_BYTES,
    NF_FIELD_KEY,
    NF_FIELD_PREFIX,
    NF_FIELD_AFTER,
    NF_FIELD_LIMIT,
    NF_FIELD_PATH,
    NF_FIELD_OFFSET,
    NF_FIELD_LEVEL,
    NF_FIELD_PERCENT,
    NF_FIELDS,
};

/* --- writing ---------------------------------------------------------------------------------- */

/* Append. NULL writes nothing. Errors as nf_str_add; NF_E_LIMIT also over NF_FIELD_TEXT_MAX. */
NF_RC nf_fields_put_text(struct nf_str *to, enum nf_field f, const char *text, struct nf_err *err);
NF_RC nf_fields_put_number(struct nf_str *to, enum nf_field f, int64_t v, struct nf_err *err);

struct nf_json;
/* Append what the members of an object say: "method", "url", "headers" (a list), "timeout_ms",
 * "max_bytes", "key", "prefix", "after", "limit", "path", "offset". Others, and null, say nothing.
 * NF_E_INVALID names one that is of the wrong type. */
NF_RC nf_fields_from_json(struct nf_str *to, const struct nf_json *v, struct nf_err *err);

/* --- reading ---------------------------------------------------------------------------------- */

/* Borrowed from the bytes. */
struct nf_fields {
    struct nf_slice all;
    uint32_t have; /* bit f: there is a field f */
    union {
        const char *text;
        int64_t number;
    } v[NF_FIELDS]; /* of headers the first */
};

/* NF_E_INVALID: they are no fields. */
NF_RC nf_fields_read(struct nf_slice bytes, struct nf_fields *ret, struct nf_err *err);
/* NULL: there is none. */
const char *nf_fields_text(const struct nf_fields *q, enum nf_field f);
int64_t nf_fields_number(const struct nf_fields *q, enum nf_field f, int64_t otherwise);
/* The next header; *at is 0 to begin with. NULL: there is no more. */
const char *nf_fields_header(const struct nf_fields *q, size_t *at);
