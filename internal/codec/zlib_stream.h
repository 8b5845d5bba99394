/*
 * One zlib stream (RFC 1950) that carries messages, each flushed so that it ends with the bytes 00
 * 00 FF FF (Z_SYNC_FLUSH): Discord's transport compression "zlib-stream" (Gateway, section
 * "Transport Compression"). What a message may become is bounded before it is written down.
 */
#pragma once

#include "base/string.h"

struct nf_zlib_stream;

/* `max`: bytes of a message, as it comes and as it becomes. */
NF_RC nf_zlib_stream_new(size_t max, struct nf_zlib_stream **ret, struct nf_err *err);
void nf_zlib_stream_free(struct nf_zlib_stream *z); /* NULL is allowed */

/* Take in a piece. *ret: the message that ends with it, borrowed until the next call; NULL: it goes
 * on in the next piece. NF_E_INVALID: it is no such stream; NF_E_LIMIT: over `max`; NF_E_NOMEM:
 * then only freeing is left. */
NF_RC nf_zlib_stream_feed(struct nf_zlib_stream *z, const char *p, size_t n, const char **ret,
                          size_t *ret_n, struct nf_err *err);
