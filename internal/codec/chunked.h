/*
 * Decoder of the chunked transfer coding (RFC 9112 section 7.1), in place and in linear time for
 * input cut anywhere. Extensions and trailers are checked, bounded and dropped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_CHUNK_EXT_MAX 4096     /* bytes of extensions in one body, or in one chunk */
#define NF_CHUNK_TRAILER_MAX 4096 /* bytes of trailers */

/* Zero value to start. */
struct nf_chunked {
    bool long_lived; /* a body that goes on for long: the limit of extensions is for each chunk */
    uint8_t state, digits;
    uint16_t ext, trailer; /* bytes seen */
    uint64_t left;         /* data bytes to come of this chunk */
};

enum nf_chunked_result {
    NF_CHUNKED_MORE,
    NF_CHUNKED_DONE,
    NF_CHUNKED_BAD,
    NF_CHUNKED_TOO_LONG, /* more than `max` */
};

/* Decode p[*in..n) and append the data at p[*out] (*out <= *in); moves both on. `max` bounds *out.
 */
enum nf_chunked_result nf_chunked_decode(struct nf_chunked *d, char *p, size_t n, size_t *in,
                                         size_t *out, size_t max);
