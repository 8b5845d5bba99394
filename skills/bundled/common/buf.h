/*
 * Text that grows in the memory of one call, and JSON written into it. The first failure sticks and
 * has told the host why: the calls between need no check, nf_buf_reply or `rc` says it in the end.
 */
#pragma once

#include <nexflow/skill.h>

#include <stdbool.h>

/* What one tool writes at most; the manifest's output_bytes is the same or more. */
#define NF_BUF_MAX ((size_t)1 << 20)

struct nf_buf {
    const struct nf_skill_host *h;
    char *p; /* NUL-terminated; NULL while empty: read it through nf_buf_c */
    size_t len, cap;
    size_t max; /* bytes without the NUL */
    int rc;
};

static inline struct nf_buf nf_buf_of(const struct nf_skill_host *h, size_t max)
{
    return (struct nf_buf){ .h = h, .max = max };
}

static inline const char *nf_buf_c(const struct nf_buf *b)
{
    return b->p ? b->p : "";
}

/* Append. NF_SKILL_E_LIMIT over `max` or the memory of the call. */
void nf_buf_add(struct nf_buf *b, const char *p, size_t n);
void nf_buf_adds(struct nf_buf *b, const char *text);
void nf_buf_addc(struct nf_buf *b, char c);
void nf_buf_addf(struct nf_buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One character as UTF-8; what is none becomes U+FFFD. */
void nf_buf_add_rune(struct nf_buf *b, uint32_t rune);

/* JSON. Commas are set by looking at what stands before. Strings are escaped, and what is no UTF-8
 * in them becomes U+FFFD. */
void nf_out_open(struct nf_buf *b, char bracket); /* '{' or '[' */
void nf_out_close(struct nf_buf *b, char bracket);
void nf_out_key(struct nf_buf *b, const char *key);
void nf_out_str(struct nf_buf *b, const char *text); /* NULL writes null */
void nf_out_strn(struct nf_buf *b, const char *p, size_t n);
void nf_out_i64(struct nf_buf *b, int64_t v);
void nf_out_bool(struct nf_buf *b, bool v);
void nf_out_raw(struct nf_buf *b, const char *json, size_t n); /* one value, as it is */

static inline void nf_put_str(struct nf_buf *b, const char *key, const char *text)
{
    nf_out_key(b, key);
    nf_out_str(b, text);
}
static inline void nf_put_strn(struct nf_buf *b, const char *key, const char *p, size_t n)
{
    nf_out_key(b, key);
    nf_out_strn(b, p, n);
}
static inline void nf_put_i64(struct nf_buf *b, const char *key, int64_t v)
{
    nf_out_key(b, key);
    nf_out_i64(b, v);
}
static inline void nf_put_bool(struct nf_buf *b, const char *key, bool v)
{
    nf_out_key(b, key);
    nf_out_bool(b, v);
}
/* A failure of `text` becomes one of *b. */
static inline void nf_out_buf(struct nf_buf *b, const struct nf_buf *text)
{
    if (b->rc == NF_SKILL_OK)
        b->rc = text->rc;
    nf_out_strn(b, nf_buf_c(text), text->len);
}
static inline void nf_put_buf(struct nf_buf *b, const char *key, const struct nf_buf *text)
{
    nf_out_key(b, key);
    nf_out_buf(b, text);
}

/* Make it the result of the call. */
int nf_buf_reply(struct nf_buf *b);
