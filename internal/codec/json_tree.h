/*
 * How a parsed text lies in memory. For json_parse.c, which makes it, and json.c, which reads it.
 *
 * Values stand in the order of the text, each behind the container it is in: the first child of a
 * container follows it, and what follows a value is `size` further on. So a tree is one block, is
 * walked without recursion, and may move while it grows. Texts are decoded where they stand, in the
 * document's own copy, since no escape is shorter than what it means.
 */
#pragma once

#include "codec/json.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct nf_json {
    const char *key;  /* in an object; NULL in an array */
    const char *text; /* of a string, with a NUL behind; of a number, with something else behind */
    uint32_t n;       /* bytes of `text` */
    uint32_t size;    /* values of the subtree: itself and all within */
    uint8_t type;     /* enum nf_json_type */
    bool truth;       /* of a boolean */
    bool is_last;     /* no sibling follows */
    uint16_t first_half, last_half; /* of surrogate pairs, see nf_json_parse_piece */
};

#define NF_JSON_FIRST 16 /* values, most texts have no more */

struct nf_json_doc {
    struct nf_json *v; /* `first`, or memory of its own once there are more */
    size_t n, cap;
    struct nf_json first[NF_JSON_FIRST];
    char text[]; /* the copy, and a NUL */
};

/* Eight bytes as a number, the first lowest. */
static inline uint64_t nf_json_eight(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The highest bit of each byte that may not stand for itself: control characters, quotes,
 * backslashes, and those that have a bit of `also`. Above the lowest of them bits can be wrong. */
static inline uint64_t nf_json_special(uint64_t v, uint64_t also)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
    uint64_t quote = v ^ (ones * '"'), backslash = v ^ (ones * '\\');
    uint64_t hit = ((v - ones * 0x20) | (quote - ones) | (backslash - ones)) & ~v;
    return (hit & highs) | (v & also);
}

/* Bytes at the start of p that stand for themselves in a JSON string: neither quote nor backslash
 * nor control character; with `ascii`, none over 0x7f either. */
static inline size_t nf_json_run(const char *p, size_t n, bool ascii)
{
    const uint64_t also = ascii ? UINT64_C(0x8080808080808080) : 0;
    uint64_t hit = 0;
    size_t i = 0;
#ifdef __SSE2__
    /* Sixteen at once. As signed numbers, bytes over 0x7f are below 0x20 too. */
    const __m128i low = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'),
                  backslash = _mm_set1_epi8('\\');
    for (; i + 16 <= n; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        __m128i below = _mm_cmplt_epi8(v, low);
        if (!ascii)
            below = _mm_andnot_si128(_mm_cmplt_epi8(v, _mm_setzero_si128()), below);
        __m128i any = _mm_or_si128(
            below, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(any);
        if (mask)
            return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i + 8 <= n && !hit; i += 8)
        hit = nf_json_special(nf_json_eight(p + i), also);
    if (hit)
        return i - 8 + (size_t)__builtin_ctzll(hit) / 8;
    for (; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c == '"' || c == '\\' || (ascii && c >= 0x80))
            break;
    }
    return i;
}
