/* UTF-8 and letters, without the C library's locale: a plugin has none. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_RUNE_BYTES 4
#define NF_RUNE_BAD UINT32_C(0xFFFD)

/* The character at p[*i], *i < n; *i moves behind it. Bytes that are no UTF-8 (Unicode 15, table
 * 3-7) are NF_RUNE_BAD, one at a time. */
uint32_t nf_rune_next(const char *p, size_t n, size_t *i);
/* Bytes written, 1 to NF_RUNE_BYTES; what is no character is written as NF_RUNE_BAD. */
size_t nf_rune_encode(uint32_t rune, char *ret);
bool nf_utf8_ok(const char *p, size_t n);
size_t nf_utf8_count(const char *p, size_t n); /* characters */
/* The largest k <= max, k <= n, that cuts no character in two. */
size_t nf_utf8_clip(const char *p, size_t n, size_t max);

/* Case and kind of ASCII, Latin-1, Latin Extended-A, Greek and Cyrillic letters, by the simple
 * mappings of UnicodeData.txt; others have no case. */
uint32_t nf_rune_lower(uint32_t rune);
uint32_t nf_rune_upper(uint32_t rune);
/* Letters and digits; of the characters beyond ASCII all but blanks, punctuation and symbols. */
bool nf_rune_is_word(uint32_t rune);
bool nf_rune_is_space(uint32_t rune);
/* The ASCII letter or letters below the accents of a Latin letter ("e" for U+00E9), NULL: none. */
const char *nf_rune_plain(uint32_t rune);
