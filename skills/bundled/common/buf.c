/* Growing text. Memory of a call is never given back before its end, so doubling costs at most as
 * much again as the text has. */
#include "skills/bundled/common/buf.h"

#include "skills/bundled/common/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_CAP 256

/* Room for n more bytes and a NUL. */
static bool reserve(struct nf_buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    char *p;

    if (b->rc != NF_SKILL_OK)
        return false;
    if (n > b->max - b->len) {
        b->rc = b->h->fail(b->h, NF_SKILL_E_LIMIT,
                           "the result is over %zu bytes: ask for a smaller part", b->max);
        return false;
    }
    if (b->cap > b->len + n)
        return true;
    while (cap <= b->len + n)
        cap *= 2;
    p = b->h->alloc(b->h, cap);
    if (!p) {
        b->rc =
            b->h->fail(b->h, NF_SKILL_E_LIMIT, "no memory for the result: ask for a smaller part");
        return false;
    }
    if (b->len > 0)
        memcpy(p, b->p, b->len);
    b->p = p;
    b->cap = cap;
    return true;
}

void nf_buf_add(struct nf_buf *b, const char *p, size_t n)
{
    if (n == 0 || !reserve(b, n))
        return;
    memcpy(b->p + b->len, p, n);
    b->len += n;
    b->p[b->len] = '\0';
}

void nf_buf_adds(struct nf_buf *b, const char *text)
{
    nf_buf_add(b, text, strlen(text));
}

void nf_buf_addc(struct nf_buf *b, char c)
{
    nf_buf_add(b, &c, 1);
}

void nf_buf_addf(struct nf_buf *b, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n <= 0 || !reserve(b, (size_t)n))
        return;
    va_start(ap, format);
    (void)vsnprintf(b->p + b->len, (size_t)n + 1, format, ap);
    va_end(ap);
    b->len += (size_t)n;
}

void nf_buf_add_rune(struct nf_buf *b, uint32_t rune)
{
    char bytes[NF_RUNE_BYTES];

    nf_buf_add(b, bytes, nf_rune_encode(rune, bytes));
}

/* A comma, unless this is the first item or a member's value. */
static void separate(struct nf_buf *b)
{
    int last = b->len > 0 ? b->p[b->len - 1] : '[';

    if (last != '{' && last != '[' && last != ':')
        nf_buf_addc(b, ',');
}

void nf_out_open(struct nf_buf *b, char bracket)
{
    separate(b);
    nf_buf_addc(b, bracket);
}

void nf_out_close(struct nf_buf *b, char bracket)
{
    nf_buf_addc(b, bracket);
}

static void add_escaped(struct nf_buf *b, uint32_t rune)
{
    switch (rune) {
    case '"':
        nf_buf_adds(b, "\\\"");
        return;
    case '\\':
        nf_buf_adds(b, "\\\\");
        return;
    case '\n':
        nf_buf_adds(b, "\\n");
        return;
    case '\r':
        nf_buf_adds(b, "\\r");
        return;
    case '\t':
        nf_buf_adds(b, "\\t");
        return;
    default:
        /* The host's JSON has no NUL in strings. */
        if (rune == 0)
            nf_buf_add_rune(b, NF_RUNE_BAD);
        else if (rune < 0x20)
            nf_buf_addf(b, "\\u%04x", (unsigned)rune);
        else
            nf_buf_add_rune(b, rune);
    }
}

static void add_string(struct nf_buf *b, const char *p, size_t n)
{
    size_t plain = 0, i = 0;

    nf_buf_addc(b, '"');
    while (i < n) {
        unsigned char c = (unsigned char)p[i];

        if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
            i++;
            continue;
        }
        nf_buf_add(b, p + plain, i - plain);
        add_escaped(b, nf_rune_next(p, n, &i));
        plain = i;
    }
    nf_buf_add(b, p + plain, i - plain);
    nf_buf_addc(b, '"');
}

void nf_out_key(struct nf_buf *b, const char *key)
{
    separate(b);
    add_string(b, key, strlen(key));
    nf_buf_addc(b, ':');
}

void nf_out_strn(struct nf_buf *b, const char *p, size_t n)
{
    separate(b);
    add_string(b, p, n);
}

void nf_out_str(struct nf_buf *b, const char *text)
{
    if (text)
        nf_out_strn(b, text, strlen(text));
    else
        nf_out_raw(b, "null", 4);
}

void nf_out_i64(struct nf_buf *b, int64_t v)
{
    separate(b);
    nf_buf_addf(b, "%lld", (long long)v);
}

void nf_out_bool(struct nf_buf *b, bool v)
{
    nf_out_raw(b, v ? "true" : "false", v ? 4 : 5);
}

void nf_out_raw(struct nf_buf *b, const char *json, size_t n)
{
    separate(b);
    nf_buf_add(b, json, n);
}

int nf_buf_reply(struct nf_buf *b)
{
    return b->rc != NF_SKILL_OK ? b->rc : b->h->reply(b->h, nf_buf_c(b), b->len);
}
