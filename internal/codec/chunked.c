#include "codec/chunked.h"

#include <string.h>

enum state {
    SIZE, /* hex digits */
    EXT,  /* after ";" */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START, /* at the beginning of a line after the last chunk */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,
};

#define DIGITS_MAX 8 /* leading zeros included */

/* RFC 9110 sections 5.5 and 5.6.2. */
static bool is_value(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static int hex(char c)
{
    const unsigned digit = (unsigned char)c - (unsigned)'0';
    const unsigned letter = ((unsigned char)c | 0x20U) - (unsigned)'a';
    if (digit < 10)
        return (int)digit;
    return letter < 6 ? (int)letter + 10 : -1;
}

/* One byte of framing. */
static enum nf_chunked_result size_byte(struct nf_chunked *d, char c)
{
    int v = hex(c);
    if (v >= 0) {
        if (d->digits++ == DIGITS_MAX)
            return NF_CHUNKED_BAD;
        d->left = d->left * 16 + (uint64_t)v;
        return NF_CHUNKED_MORE;
    }
    if (d->digits == 0 || (c != '\r' && c != ';'))
        return NF_CHUNKED_BAD;
    d->state = c == '\r' ? SIZE_LF : EXT;
    return NF_CHUNKED_MORE;
}

static enum nf_chunked_result ext_byte(struct nf_chunked *d, char c)
{
    if (c == '\r') {
        d->state = SIZE_LF;
        return NF_CHUNKED_MORE;
    }
    if (d->ext++ == NF_CHUNK_EXT_MAX || !is_value(c))
        return NF_CHUNKED_BAD;
    return NF_CHUNKED_MORE;
}

static enum nf_chunked_result trailer_byte(struct nf_chunked *d, char c)
{
    if (d->trailer++ == NF_CHUNK_TRAILER_MAX)
        return NF_CHUNKED_BAD;
    if (d->state == TRAILER_VALUE) {
        if (c == '\r')
            d->state = TRAILER_LF;
        else if (!is_value(c))
            return NF_CHUNKED_BAD;
        return NF_CHUNKED_MORE;
    }
    if (c == '\r' && d->state == TRAILER_START)
        d->state = END_LF;
    else if (c == ':' && d->state == TRAILER_NAME)
        d->state = TRAILER_VALUE;
    else if (is_token(c))
        d->state = TRAILER_NAME;
    else
        return NF_CHUNKED_BAD;
    return NF_CHUNKED_MORE;
}

static enum nf_chunked_result lf_byte(struct nf_chunked *d, char c)
{
    if (c != '\n')
        return NF_CHUNKED_BAD;
    switch (d->state) {
    case SIZE_LF:
        d->state = d->left > 0 ? DATA : TRAILER_START;
        d->digits = 0;
        if (d->long_lived)
            d->ext = 0;
        return NF_CHUNKED_MORE;
    case DATA_LF:
        d->state = SIZE;
        return NF_CHUNKED_MORE;
    case TRAILER_LF:
        d->state = TRAILER_START;
        return NF_CHUNKED_MORE;
    default:
        return NF_CHUNKED_DONE;
    }
}

static enum nf_chunked_result framing_byte(struct nf_chunked *d, char c)
{
    switch (d->state) {
    case SIZE:
        return size_byte(d, c);
    case EXT:
        return ext_byte(d, c);
    case DATA_CR:
        d->state = DATA_LF;
        return c == '\r' ? NF_CHUNKED_MORE : NF_CHUNKED_BAD;
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return trailer_byte(d, c);
    default:
        return lf_byte(d, c);
    }
}

/* A size without extensions that is here as a whole, as nearly all are: what it takes, else 0. */
static size_t take_size(struct nf_chunked *d, const char *p, size_t n)
{
    uint64_t size = 0;
    size_t i = 0;
    int v;
    for (; i < n && i < DIGITS_MAX && (v = hex(p[i])) >= 0; i++)
        size = size * 16 + (uint64_t)v;
    if (i == 0 || n - i < 2 || p[i] != '\r' || p[i + 1] != '\n')
        return 0;
    d->left = size;
    d->state = size > 0 ? DATA : TRAILER_START;
    if (d->long_lived)
        d->ext = 0;
    return i + 2;
}

static size_t take_framing(struct nf_chunked *d, const char *p, size_t n)
{
    if (d->state == SIZE && d->digits == 0)
        return take_size(d, p, n);
    if (d->state != DATA_CR || n < 2 || p[0] != '\r' || p[1] != '\n')
        return 0;
    d->state = SIZE;
    return 2;
}

enum nf_chunked_result nf_chunked_decode(struct nf_chunked *d, char *p, size_t n, size_t *in,
                                         size_t *out, size_t max)
{
    while (*in < n) {
        if (d->state != DATA) {
            size_t taken = take_framing(d, p + *in, n - *in);
            *in += taken;
            enum nf_chunked_result r = taken > 0 ? NF_CHUNKED_MORE : framing_byte(d, p[(*in)++]);
            if (r != NF_CHUNKED_MORE)
                return r;
            if (d->state == DATA && d->left > max - *out)
                return NF_CHUNKED_TOO_LONG;
            continue;
        }
        size_t take = n - *in < d->left ? n - *in : (size_t)d->left;
        memmove(p + *out, p + *in, take);
        *in += take;
        *out += take;
        d->left -= take;
        if (d->left == 0)
            d->state = DATA_CR;
    }
    return NF_CHUNKED_MORE;
}
