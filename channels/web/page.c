/* The page's own files, embedded and stored compressed. */
#include "channels/web/web_internal.h"

#include "channels/web/assets.h"

static NF_RC add_page_headers(struct nf_http_exchange *x, const struct nf_asset *a,
                              struct nf_err *err)
{
    static const char policy[] =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; media-src "
        "'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types nexflow nexflow-hl nexflow-sw dompurify";
    NF_TRY(nf_http_add_header(x, "Content-Security-Policy", policy, err));
    NF_TRY(nf_http_add_header(x, "Permissions-Policy",
                              "camera=(), microphone=(), geolocation=(), payment=(), usb=()", err));
    NF_TRY(nf_http_add_header(x, "Vary", "Accept-Encoding", err));
    NF_TRY(nf_http_add_header(x, "Cache-Control",
                              a->immutable ? "public, max-age=31536000, immutable" : "no-cache",
                              err));
    return nf_http_add_header(x, "ETag", a->etag, err);
}

enum nf_code nf_web_page(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    (void)arg;
    (void)add_page_headers;
    return nf_err_set(err, NF_E_NOT_FOUND, "no such page");
}
