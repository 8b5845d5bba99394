/* UTF-8 as Unicode 15, section 3.9, table 3-7 defines it: no overlong forms, no surrogates. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool nf_utf8_valid(const char *p, size_t n);

/* The largest k <= max, k <= n, at which `p`, which is valid, can be cut without splitting a
 * character. */
size_t nf_utf8_cut(const char *p, size_t n, size_t max);

/* As much of `from`, which is valid, as fits into `to` of `size` bytes, its end included; size is 1
 * at least. */
void nf_utf8_copy(char *to, size_t size, const char *from);

/* Streaming check: feed pieces cut anywhere. Zero value to start. */
struct nf_utf8 {
    uint8_t need;   /* continuation bytes still to come */
    uint8_t lo, hi; /* range of the next one */
};

/* False as soon as the input cannot be UTF-8 whatever follows. */
bool nf_utf8_feed(struct nf_utf8 *u, const char *p, size_t n);

/* True if what was fed ends with a whole character. */
static inline bool nf_utf8_complete(const struct nf_utf8 *u)
{
    return u->need == 0;
}

/* True if `part` stands somewhere in `text`, both valid, whatever the case of letters: of
 * Latin, Greek and Cyrillic ones in use, one for one as Unicode 15, CaseFolding.txt, has them
 * (status C). */
bool nf_utf8_has(const char *text, size_t n, const char *part, size_t part_n);

/* UTF-16 code units that `p`, which is valid, would have. */
size_t nf_utf16_units(const char *p, size_t n);
