/* The page's own files: embedded, stored compressed and sent like that to whoever takes gzip. */
#include "channels/web/assets.h"
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* inflate() promises not to write into its input */
#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS) /* zlib.h, inflateInit2: expect a gzip header */

/* What a page of ours may do: nothing from elsewhere, no inline script, no string as code. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types nexflow-sw";

static NF_RC add_headers(struct nf_http_exchange *x, const struct nf_asset *a, const char *etag,
                         struct nf_err *err)
{
    const char *const headers[][2] = {
        { "Content-Security-Policy", policy },
        { "Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()" },
        { "Vary", "Accept-Encoding" },
        { "Cache-Control", a->immutable ? "public, max-age=31536000, immutable" : "no-cache" },
        { "ETag", etag },
    };
    for (size_t i = 0; i < NF_COUNT(headers); i++)
        NF_TRY(nf_http_add_header(x, headers[i][0], headers[i][1], err));
    return NF_OK;
}

/* True if "gzip" stands in a list such as "gzip, deflate;q=0.5" and is not refused with q=0. */
static bool takes_gzip(struct nf_slice accept)
{
    while (accept.n > 0) {
        const char *comma = memchr(accept.p, ',', accept.n);
        size_t n = comma ? (size_t)(comma - accept.p) : accept.n;
        const char *semicolon = memchr(accept.p, ';', n);
        struct nf_slice name = { accept.p, semicolon ? (size_t)(semicolon - accept.p) : n };
        struct nf_slice rest = { accept.p + name.n, n - name.n };
        if (nf_slice_ieq(nf_slice_trim(name), "gzip"))
            return !nf_slice_eq(nf_slice_trim(rest), ";q=0");
        n += comma != NULL;
        accept.p += n;
        accept.n -= n;
    }
    return false;
}

static NF_RC respond_plain(struct nf_http_exchange *x, const struct nf_asset *a, const char *etag,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *plain = malloc(a->size ? a->size : 1);
    z_stream z = { .next_in = a->gzip,
                   .avail_in = (uInt)a->gzip_n,
                   .next_out = (Bytef *)plain,
                   .avail_out = (uInt)a->size };
    if (!plain)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    if (inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    int rc = inflate(&z, Z_FINISH);
    (void)inflateEnd(&z);
    if (rc != Z_STREAM_END)
        return nf_err_set(err, NF_E_INTERNAL, "'%s' is stored damaged", a->path);
    NF_TRY(add_headers(x, a, etag, err)); /* not before: an error must not be kept like a file */
    return nf_http_respond(x, 200, a->content_type, plain, a->size, err);
}

enum nf_code nf_web_page(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    const struct nf_asset *a = nf_asset_find(nf_http_path(x));
    char etag[96];
    (void)arg;

    if (!a)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is nothing at this path");
    (void)snprintf(etag, sizeof(etag), "\"%s\"", a->etag);
    bool same = nf_slice_eq(nf_http_request_header(x, "If-None-Match"), etag);
    if (!same && !takes_gzip(nf_http_request_header(x, "Accept-Encoding")))
        return respond_plain(x, a, etag, err);
    NF_TRY(add_headers(x, a, etag, err));
    if (same)
        return nf_http_respond(x, 304, NULL, "", 0, err);
    NF_TRY(nf_http_add_header(x, "Content-Encoding", "gzip", err));
    return nf_http_respond_static(x, 200, a->content_type, (const char *)a->gzip, a->gzip_n, err);
}
