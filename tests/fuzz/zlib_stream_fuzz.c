/* Any bytes, in pieces of any size: a stream ends in messages or in an error, never in more memory
 * than it may have. The first byte says how long the pieces are. */
#include "codec/zlib_stream.h"

#include <stdlib.h>

#define MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nf_zlib_stream *z = NULL;
    struct nf_err err;
    const char *got;
    size_t n;

    if (size < 1 || nf_zlib_stream_new(MAX, &z, &err) != NF_OK)
        return 0;
    size_t piece = 1 + (size_t)data[0];
    for (size_t at = 1; at < size; at += piece) {
        size_t k = size - at < piece ? size - at : piece;
        if (nf_zlib_stream_feed(z, (const char *)data + at, k, &got, &n, &err) != NF_OK)
            break;
        if (got && n > MAX)
            abort();
    }
    nf_zlib_stream_free(z);
    return 0;
}
