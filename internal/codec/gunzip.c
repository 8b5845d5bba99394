#include "codec/gunzip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_ONLY (15 + 16) /* zlib.h, inflateInit2: a gzip header, nothing else */

static enum nf_code failed(int rc, struct nf_err *err)
{
    if (rc == Z_MEM_ERROR)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    return nf_err_set(err, NF_E_INVALID, "gzip: %s",
                      rc == Z_BUF_ERROR ? "it ends in the middle" : "it is none");
}

/* Decode until all input is used. Another member may begin where one ends (RFC 1952 section 2.2).
 */
static NF_RC run(z_stream *z, struct nf_str *ret, struct nf_err *err)
{
    Bytef part[16384];

    for (;;) {
        z->next_out = part;
        z->avail_out = sizeof(part);
        int rc = inflate(z, Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END)
            return failed(rc, err);
        NF_TRY(nf_str_add(ret, (const char *)part, sizeof(part) - z->avail_out, err));
        if (rc == Z_STREAM_END && z->avail_in == 0)
            return NF_OK;
        if (rc == Z_STREAM_END && (rc = inflateReset(z)) != Z_OK)
            return failed(rc, err);
    }
}

enum nf_code nf_gunzip(const char *p, size_t n, struct nf_str *ret, struct nf_err *err)
{
    z_stream z = { .next_in = (z_const Bytef *)p };

    if (n > UINT_MAX)
        return nf_err_set(err, NF_E_LIMIT, "gzip: too long");
    z.avail_in = (uInt)n;
    int rc = inflateInit2(&z, GZIP_ONLY);
    if (rc != Z_OK)
        return failed(rc, err);
    enum nf_code result = run(&z, ret, err);
    (void)inflateEnd(&z);
    return result;
}
