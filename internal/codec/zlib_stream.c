#include "codec/zlib_stream.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define FLUSHED "\x00\x00\xff\xff"
#define FLUSHED_N 4
#define KEEP_BYTES ((size_t)64 << 10) /* a bigger buffer is freed before the next message */

struct nf_zlib_stream {
    z_stream z;
    struct nf_str in, out;
};

enum nf_code nf_zlib_stream_new(size_t max, struct nf_zlib_stream **ret, struct nf_err *err)
{
    struct nf_zlib_stream *s = calloc(1, sizeof(*s));

    assert(max > 0 && max < UINT_MAX);
    if (!s)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    s->in.max = s->out.max = max + 1;
    if (inflateInit(&s->z) != Z_OK) {
        free(s);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    *ret = s;
    return NF_OK;
}

void nf_zlib_stream_free(struct nf_zlib_stream *s)
{
    if (!s)
        return;
    (void)inflateEnd(&s->z);
    nf_str_done(&s->in);
    nf_str_done(&s->out);
    free(s);
}

static void empty(struct nf_str *s)
{
    size_t max = s->max;
    if (s->cap > KEEP_BYTES) {
        nf_str_done(s);
        s->max = max;
    }
    nf_str_reset(s);
}

static NF_RC inflate_all(struct nf_zlib_stream *s, struct nf_err *err)
{
    Bytef part[16384];

    s->z.next_in = (z_const Bytef *)s->in.p;
    s->z.avail_in = (uInt)s->in.len;
    do {
        s->z.next_out = part;
        s->z.avail_out = sizeof(part);
        int rc = inflate(&s->z, Z_SYNC_FLUSH);
        if (rc == Z_MEM_ERROR)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        if (rc != Z_OK && rc != Z_BUF_ERROR) /* nothing is left to do: that was all */
            return nf_err_set(err, NF_E_INVALID, "zlib-stream: %s",
                              rc == Z_STREAM_END ? "it ended" : "it is none");
        NF_TRY(nf_str_add(&s->out, (const char *)part, sizeof(part) - s->z.avail_out, err));
    } while (s->z.avail_out == 0);
    return s->z.avail_in == 0 ? NF_OK
                              : nf_err_set(err, NF_E_INVALID, "zlib-stream: bytes are left over");
}

enum nf_code nf_zlib_stream_feed(struct nf_zlib_stream *s, const char *p, size_t n,
                                 const char **ret, size_t *ret_n, struct nf_err *err)
{
    *ret = NULL;
    NF_TRY(nf_str_add(&s->in, p, n, err));
    if (s->in.len < FLUSHED_N || memcmp(s->in.p + s->in.len - FLUSHED_N, FLUSHED, FLUSHED_N) != 0)
        return NF_OK;
    empty(&s->out);
    NF_TRY(inflate_all(s, err));
    empty(&s->in);
    *ret = nf_str_c(&s->out);
    *ret_n = s->out.len;
    return NF_OK;
}
