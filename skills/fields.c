/* Fields: bytes from a hostile process. No system calls. */
#include "skills/fields.h"

#include "base/utf8.h"

#include <string.h>

#define HEAD ((size_t)4)
#define NUMBER ((size_t)8)

static bool is_number(enum nf_field f)
{
    return f == NF_FIELD_TIMEOUT_MS || f == NF_FIELD_MAX_BYTES || f == NF_FIELD_LIMIT ||
           f == NF_FIELD_OFFSET || f == NF_FIELD_LEVEL || f == NF_FIELD_PERCENT;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_head(char p[HEAD], enum nf_field f, size_t n)
{
    p[0] = (char)f;
    for (size_t i = 1; i < HEAD; i++)
        p[i] = (char)(n >> 8 * (i - 1));
}

enum nf_code nf_fields_put_text(struct nf_str *to, enum nf_field f, const char *text,
                                struct nf_err *err)
{
    char head[HEAD];
    if (!text)
        return NF_OK;
    size_t n = strlen(text) + 1;
    if (n > NF_FIELD_TEXT_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a text of %zu bytes, over %zu", n - 1,
                          NF_FIELD_TEXT_MAX - 1);
    NF_TRY(nf_str_reserve(to, HEAD + n, err));
    put_head(head, f, n);
    NF_TRY(nf_str_add(to, head, sizeof head, err));
    return nf_str_add(to, text, n, err);
}

enum nf_code nf_fields_put_number(struct nf_str *to, enum nf_field f, int64_t v, struct nf_err *err)
{
    char bytes[HEAD + NUMBER];
    put_head(bytes, f, NUMBER);
    for (size_t i = 0; i < NUMBER; i++)
        bytes[HEAD + i] = (char)((uint64_t)v >> 8 * i);
    return nf_str_add(to, bytes, sizeof bytes, err);
}

/* --- reading ---------------------------------------------------------------------------------- */

static uint64_t get(const char *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return v;
}

static bool is_text(const char *p, size_t n)
{
    return n > 0 && memchr(p, '\0', n) == p + n - 1 && nf_utf8_valid(p, n - 1);
}

enum nf_code nf_fields_read(struct nf_slice bytes, struct nf_fields *ret, struct nf_err *err)
{
    *ret = (struct nf_fields){ .all = bytes };
    for (size_t at = 0; at < bytes.n;) {
        if (bytes.n - at < HEAD)
            return nf_err_set(err, NF_E_INVALID, "a field without an end");
        const char *p = bytes.p + at + HEAD;
        enum nf_field f = (enum nf_field)(unsigned char)bytes.p[at];
        size_t n = get(bytes.p + at + 1, HEAD - 1);
        if (f < NF_FIELD_METHOD || f >= NF_FIELDS)
            return nf_err_set(err, NF_E_INVALID, "the unknown field %d", (int)f);
        if (n > bytes.n - at - HEAD)
            return nf_err_set(err, NF_E_INVALID, "a field without an end");
        if (is_number(f) ? n != NUMBER : !is_text(p, n))
            return nf_err_set(err, NF_E_INVALID, "field %d is no %s", (int)f,
                              is_number(f) ? "number" : "text: UTF-8 without NUL is");
        bool first = !(ret->have & 1u << f);
        if (!first && f != NF_FIELD_HEADER)
            return nf_err_set(err, NF_E_INVALID, "field %d stands twice", (int)f);
        if (first && is_number(f))
            ret->v[f].number = (int64_t)get(p, NUMBER);
        else if (first)
            ret->v[f].text = p;
        ret->have |= 1u << f;
        at += HEAD + n;
    }
    return NF_OK;
}

const char *nf_fields_text(const struct nf_fields *q, enum nf_field f)
{
    assert(!is_number(f));
    return q->have & 1u << f ? q->v[f].text : NULL;
}

int64_t nf_fields_number(const struct nf_fields *q, enum nf_field f, int64_t otherwise)
{
    assert(is_number(f));
    return q->have & 1u << f ? q->v[f].number : otherwise;
}

const char *nf_fields_header(const struct nf_fields *q, size_t *at)
{
    while (*at < q->all.n) {
        const char *p = q->all.p + *at;
        *at += HEAD + get(p + 1, HEAD - 1);
        if (*p == NF_FIELD_HEADER)
            return p + HEAD;
    }
    return NULL;
}
