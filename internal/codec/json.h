/*
 * JSON. Decoded by tables into plain structs, or read through a cursor where a protocol's fields
 * change type; encoded by small functions.
 *
 * Parsing is one pass without recursion that holds size, nesting and RFC 8259 to the letter; a text
 * with \u0000, half a surrogate pair or invalid UTF-8 is refused, so C strings hold all there is.
 * Numbers keep their digits: integers are exact to 2^63. How a parsed text lies in memory:
 * json_tree.h.
 */
#pragma once

#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_JSON_DEPTH_MAX 64
#define NF_JSON_BYTES_MAX ((size_t)16 << 20)
#define NF_JSON_VALUES_MAX 262144 /* a parsed value needs 32 bytes beside its text */
#define NF_JSON_NUMBER_MAX 63     /* characters */

/* Refuse texts nested deeper than `depth`, 1 to NF_JSON_DEPTH_MAX (which holds until it is called),
 * in the whole process. Call it at start. */
void nf_json_set_depth(int depth);

struct nf_json_doc; /* owns a parsed text */
struct nf_json;     /* a value in it; NULL stands for "absent" everywhere below */

/* NF_E_INVALID: not JSON, with the byte at which; NF_E_LIMIT: over one of the limits above or
 * longer than `max` (0: NF_JSON_BYTES_MAX); NF_E_NOMEM. Blanks around it are allowed, else nothing.
 */
NF_RC nf_json_parse(const char *p, size_t n, size_t max, struct nf_json_doc **ret,
                    struct nf_err *err);
/* The same for an event of a stream, whose text a server may have cut in the middle of a character
 * that it writes as a surrogate pair. For half a pair U+FFFD stands in the string; if it is the
 * first or last of the string, nf_json_first_half or nf_json_last_half is which one, so that the
 * pieces can be joined. */
NF_RC nf_json_parse_piece(const char *p, size_t n, struct nf_json_doc **ret, struct nf_err *err);
/* Whether `v` is a string that stands in the text *d was made of, `text`, as it is: without an
 * escape. *ret is where. */
bool nf_json_plain(const struct nf_json_doc *d, const struct nf_json *v, const char *text, size_t n,
                   struct nf_slice *ret);
/* Whether p can stand between two quotes as it is. */
bool nf_json_is_plain(const char *p, size_t n);
/* In *ret, how much of that there is at p: to the first byte that does not stand for itself, or all
 * n. False: what there is is not UTF-8. */
bool nf_json_plain_run(const char *p, size_t n, size_t *ret);
void nf_json_free(struct nf_json_doc *d);
static inline void nf_json_freep(struct nf_json_doc **d)
{
    nf_json_free(*d);
}
const struct nf_json *nf_json_root(const struct nf_json_doc *d);

enum nf_json_type {
    NF_JSON_ABSENT = 0,
    NF_JSON_NULL,
    NF_JSON_BOOL,
    NF_JSON_NUMBER,
    NF_JSON_STRING,
    NF_JSON_ARRAY,
    NF_JSON_OBJECT,
};
enum nf_json_type nf_json_type(const struct nf_json *v);

/* Member of an object by its exact name; of a name that stands twice, the last. Absent if `v` is no
 * object. */
const struct nf_json *nf_json_get(const struct nf_json *v, const char *key);
/* Children of an array or object, in order. */
const struct nf_json *nf_json_first(const struct nf_json *v);
const struct nf_json *nf_json_next(const struct nf_json *v);
const char *nf_json_key(const struct nf_json *v); /* its name in its object, NULL in an array */
size_t nf_json_count(const struct nf_json *v);
/* The text of a string, NULL if it is none. Valid as long as the document. */
const char *nf_json_str(const struct nf_json *v);
/* 0: there is none. */
int nf_json_first_half(const struct nf_json *v);
int nf_json_last_half(const struct nf_json *v);
/* `otherwise` if it is no number, has a fraction or is out of range. 1.0 and 1e3 are integers, as
 * in JSON Schema, below 2^53. */
int64_t nf_json_i64(const struct nf_json *v, int64_t otherwise);
double nf_json_f64(const struct nf_json *v, double otherwise);
bool nf_json_bool(const struct nf_json *v, bool otherwise);
/* True if `v` or an object within has a member twice: policies must not be fooled by that. True as
 * well if there is no memory to find out. */
bool nf_json_has_duplicate_keys(const struct nf_json *v);

/* --- decoding by table -------------------------------------------------------------------------
 *
 *     static const struct nf_json_field fields[] = {
 *         NF_JSON_FIELD(struct frame, "content", NF_JSON_F_STR, content, NF_JSON_REQUIRED, 1,
 * 262144), NF_JSON_FIELD_OBJECT(struct frame, "usage", usage, 0, &usage_table),
 *     };
 */
enum nf_json_field_type {
    NF_JSON_F_STR,    /* char *: owned copy; min to max bytes */
    NF_JSON_F_I64,    /* int64_t; min to max */
    NF_JSON_F_F64,    /* double */
    NF_JSON_F_BOOL,   /* bool */
    NF_JSON_F_RAW,    /* char *: owned JSON text of any value; max: bytes, 0: NF_STR_MAX */
    NF_JSON_F_OBJECT, /* a struct decoded by `sub` */
};
/* min and max both 0: no bound. */
enum { NF_JSON_REQUIRED = 1, NF_JSON_NULLABLE = 2 /* null counts as absent */ };

struct nf_json_field {
    const char *key;
    enum nf_json_field_type type;
    unsigned flags;
    size_t offset;
    int64_t min, max;
    const struct nf_json_table *sub;
};
struct nf_json_table {
    const struct nf_json_field *fields;
    size_t n;
    bool strict; /* an unknown key is an error: configuration; networks ignore it */
};

#define NF_JSON_FIELD(type_, key_, kind_, member_, flags_, min_, max_)                             \
    {                                                                                              \
        .key = (key_), .type = (kind_), .flags = (flags_), .offset = offsetof(type_, member_),     \
        .min = (min_), .max = (max_)                                                               \
    }

#define NF_JSON_FIELD_OBJECT(type_, key_, member_, flags_, sub_)                                   \
    {                                                                                              \
        .key = (key_), .type = NF_JSON_F_OBJECT, .flags = (flags_),                                \
        .offset = offsetof(type_, member_), .sub = (sub_)                                          \
    }

/* Decode the object `v` into `out`, which holds the defaults; its strings are NULL or owned.
 * NF_E_INVALID or NF_E_LIMIT name the field, what it must be and its bound; then strings already
 * decoded are the caller's to free, as after success, with nf_json_table_done. */
NF_RC nf_json_decode(const struct nf_json *v, const struct nf_json_table *t, void *out,
                     struct nf_err *err);
void nf_json_table_done(const struct nf_json_table *t, void *out);

/* --- encoding ----------------------------------------------------------------------------------
 *
 * Write into a string. The first failure (NF_E_LIMIT, NF_E_NOMEM) sticks and is returned by
 * nf_json_end_doc, which then removes what was written, so the calls between need no check. Commas
 * and nesting are kept track of, to NF_JSON_DEPTH_MAX; strings are escaped, invalid UTF-8 in them
 * becomes U+FFFD.
 */
struct nf_json_out {
    struct nf_str *to;
    enum nf_code rc;
    struct nf_err err;
    size_t start;                /* where the document begins in *to */
    uint64_t has_item, is_array; /* a bit per depth, the first container's lowest */
    int depth;
    bool after_key, complete;
};

void nf_json_begin_doc(struct nf_json_out *o, struct nf_str *to);
NF_RC nf_json_end_doc(struct nf_json_out *o, struct nf_err *err);

void nf_json_out_object(struct nf_json_out *o); /* { */
void nf_json_out_array(struct nf_json_out *o);  /* [ */
void nf_json_out_end(struct nf_json_out *o);    /* } or ] */
void nf_json_out_key(struct nf_json_out *o, const char *key);
void nf_json_out_str(struct nf_json_out *o, const char *s); /* NULL writes null */
void nf_json_out_strn(struct nf_json_out *o, const char *s, size_t n);
void nf_json_out_i64(struct nf_json_out *o, int64_t v);
void nf_json_out_f64(struct nf_json_out *o, double v); /* reads back equal; null if not finite */
void nf_json_out_bool(struct nf_json_out *o, bool v);
void nf_json_out_null(struct nf_json_out *o);
/* `json` is the text of one JSON value already; written as it is. */
void nf_json_out_raw(struct nf_json_out *o, const char *json, size_t n);
/* A value as JSON but for one string in it, which is written between `begin`, up to its first
 * quote, and `end`, from its last. */
void nf_json_out_around(struct nf_json_out *o, struct nf_slice begin, struct nf_slice s,
                        struct nf_slice end);
/* The same without the bookkeeping of a document, for who writes the rest by hand. On failure *to
 * is as before. */
NF_RC nf_json_add_around(struct nf_str *to, struct nf_slice begin, struct nf_slice s,
                         struct nf_slice end, struct nf_err *err);
/* One or more members of an object, already as JSON: "a":1,"b":2. Written as they are. */
void nf_json_out_members(struct nf_json_out *o, const char *members, size_t n);
/* A parsed value, printed compactly; absent writes null. */
void nf_json_out_value(struct nf_json_out *o, const struct nf_json *v);

/* Key and value in one. A NULL string is left out. */
void nf_json_put_str(struct nf_json_out *o, const char *key, const char *s);
void nf_json_put_i64(struct nf_json_out *o, const char *key, int64_t v);
void nf_json_put_bool(struct nf_json_out *o, const char *key, bool v);
