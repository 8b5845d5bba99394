#include "codec/hash.h"
#include "runtime/http_internal.h"
#include "runtime/http_trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_MAX (NF_SECRET_MAX + 1024) /* bytes of a name and value */

/* --- headers ---------------------------------------------------------------------------------- */

static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

bool nf_http_is_token(const char *s)
{
    size_t n = 0;

    while (is_token_char(s[n]))
        n++;
    return n > 0 && s[n] == '\0';
}

/* CR and LF would begin another header or another request; other control characters have no
 * business here either (RFC 9110 section 5.5). */
bool nf_http_is_field_value(const char *s)
{
    for (; *s != '\0'; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 127)
            return false;
    return true;
}

/* Those that frame the message, which is done here. */
static bool is_ours(const char *name)
{
    static const char *const ours[] = { "Content-Length", "Transfer-Encoding",
                                        "Connection",     "Upgrade",
                                        "Expect",         "TE",
                                        "Trailer",        "Keep-Alive" };

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (nf_slice_ieq(nf_slice_of(name), ours[i]))
            return true;
    return false;
}

static NF_RC check_header(const char *name, const char *prefix, const char *value,
                          struct nf_err *err)
{
    if (!nf_http_is_token(name))
        return nf_err_set(err, NF_E_INVALID, "header: a name is not a token");
    if (is_ours(name))
        return nf_err_set(err, NF_E_INVALID, "header %.40s: set by the client itself", name);
    if (!nf_http_is_field_value(value) || !nf_http_is_field_value(prefix))
        return nf_err_set(err, NF_E_INVALID, "header %.40s: control characters are not allowed",
                          name);
    if (strnlen(name, HEADER_MAX) + strnlen(prefix, HEADER_MAX) + strnlen(value, HEADER_MAX) >
        HEADER_MAX)
        return nf_err_set(err, NF_E_LIMIT, "header %.40s: longer than %d bytes", name, HEADER_MAX);
    return NF_OK;
}

NF_RC nf_http_headers_check(const struct nf_http_header *h, size_t n, const char *secret_header,
                            const char *secret_prefix, const struct nf_secret *secret,
                            struct nf_err *err)
{
    if (n > NF_HTTP_HEADERS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "headers: more than %d", NF_HTTP_HEADERS_MAX);
    for (size_t i = 0; i < n; i++)
        NF_TRY(check_header(h[i].name, "", h[i].value, err));
    if (secret_header)
        NF_TRY(check_header(secret_header, secret_prefix ? secret_prefix : "",
                            nf_secret_reveal(secret), err));
    return NF_OK;
}

bool nf_http_headers_have(const struct nf_http_header *h, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (nf_slice_ieq(nf_slice_of(h[i].name), name))
            return true;
    return false;
}

/* --- the request ------------------------------------------------------------------------------ */

static NF_RC add_target(const struct nf_http_url *u, bool absolute, struct nf_str *ret,
                        struct nf_err *err)
{
    if (absolute) {
        NF_TRY(nf_str_adds(ret, u->tls ? "https://" : "http://", err));
        NF_TRY(nf_http_url_add_host(u, ret, err));
    }
    return nf_http_url_add_path(u, ret, err);
}

/* "user:password" of a URL as basic credentials (RFC 7617). */
static NF_RC add_basic(const struct nf_http_url *u, const char *header, struct nf_str *ret,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str both = { 0 };
    if (!u->has_user)
        return NF_OK;
    NF_TRY(nf_str_reserve(&both, u->user.n + 1 + u->password.n, err)); /* it must not move */
    enum nf_code rc = nf_http_url_add_user(u, &both, err);
    if (rc == NF_OK)
        rc = nf_str_addf(ret, err, "%s: Basic ", header);
    if (rc == NF_OK)
        rc = nf_base64(both.p, both.len, ret, err);
    explicit_bzero(both.p, both.cap);
    NF_TRY(rc);
    return nf_str_adds(ret, "\r\n", err);
}

static NF_RC add_header(struct nf_str *ret, const char *name, const char *prefix, const char *value,
                        struct nf_err *err)
{
    NF_TRY(nf_str_adds(ret, name, err));
    NF_TRY(nf_str_adds(ret, ": ", err));
    NF_TRY(nf_str_adds(ret, prefix, err));
    NF_TRY(nf_str_adds(ret, value, err));
    return nf_str_adds(ret, "\r\n", err);
}

/* Bytes that are enough for the head: text that moves while it grows would leave copies of the
 * secret behind. */
static size_t head_max(const struct nf_http_client *c, const struct nf_http_request *r)
{
    size_t n = 512 + 4 * strlen(r->url) + strlen(c->user_agent);
    n += r->proxy ? 2 * strlen(r->proxy) : 0;
    for (size_t i = 0; i < r->headers_n; i++)
        n += strlen(r->headers[i].name) + strlen(r->headers[i].value) + 4;
    if (r->secret_header && r->secret)
        n += strlen(r->secret_header) + strlen(nf_secret_reveal(r->secret)) + 4 +
             (r->secret_prefix ? strlen(r->secret_prefix) : 0);
    return n;
}

static NF_RC add_headers(const struct nf_http_client *c, const struct nf_http_url *url,
                         const struct nf_http_request *r, struct nf_str *ret, struct nf_err *err)
{
    const struct nf_http_header *h = r->headers;
    if (!nf_http_headers_have(h, r->headers_n, "Host")) {
        NF_TRY(nf_str_adds(ret, "Host: ", err));
        NF_TRY(nf_http_url_add_host(url, ret, err));
        NF_TRY(nf_str_adds(ret, "\r\n", err));
    }
    bool has_secret = r->secret_header && r->secret;
    if (!nf_http_headers_have(h, r->headers_n, "Authorization") &&
        !(has_secret && nf_slice_ieq(nf_slice_of(r->secret_header), "Authorization")))
        NF_TRY(add_basic(url, "Authorization", ret, err));
    if (!nf_http_headers_have(h, r->headers_n, "User-Agent"))
        NF_TRY(add_header(ret, "User-Agent", "", c->user_agent, err));
    for (size_t i = 0; i < r->headers_n; i++)
        NF_TRY(add_header(ret, h[i].name, "", h[i].value, err));
    if (has_secret)
        NF_TRY(add_header(ret, r->secret_header, r->secret_prefix ? r->secret_prefix : "",
                          nf_secret_reveal(r->secret), err));
    return NF_OK;
}

size_t nf_http_body_n(const struct nf_http_request *r)
{
    size_t n = r->body_n;
    for (size_t i = 0; i < NF_HTTP_BODY_MORE; i++)
        n += r->body_more[i].n;
    return n;
}

static bool has_length(const struct nf_http_request *r)
{
    return nf_http_body_n(r) > 0 || strcmp(r->method, "POST") == 0 ||
           strcmp(r->method, "PUT") == 0 || strcmp(r->method, "PATCH") == 0;
}

NF_RC nf_http_request_write(const struct nf_http_client *c, const struct nf_http_url *url,
                            const struct nf_http_url *proxy, const struct nf_http_request *r,
                            size_t joined_max, struct nf_str *ret, struct nf_err *err)
{
    size_t body_n = nf_http_body_n(r), joined = body_n <= joined_max ? body_n : 0;
    NF_TRY(nf_str_reserve(ret, head_max(c, r) + joined, err));
    NF_TRY(nf_str_adds(ret, r->method, err));
    NF_TRY(nf_str_adds(ret, " ", err));
    NF_TRY(add_target(url, proxy != NULL, ret, err));
    NF_TRY(nf_str_adds(ret, " HTTP/1.1\r\n", err));
    NF_TRY(add_headers(c, url, r, ret, err));
    if (proxy)
        NF_TRY(add_basic(proxy, "Proxy-Authorization", ret, err));
    if (has_length(r))
        NF_TRY(nf_str_addf(ret, err, "Content-Length: %zu\r\n", body_n));
    NF_TRY(nf_str_adds(ret, "\r\n", err));
    if (joined == 0)
        return NF_OK;
    NF_TRY(nf_str_add(ret, r->body, r->body_n, err));
    for (size_t i = 0; i < NF_HTTP_BODY_MORE; i++)
        NF_TRY(nf_str_add(ret, r->body_more[i].p, r->body_more[i].n, err));
    return NF_OK;
}

/* --- handles ---------------------------------------------------------------------------------- */

/* With the first handle: libcurl is loaded then, and not before. */
static NF_RC share_sessions(struct nf_http_client *c, struct nf_err *err)
{
    c->sessions = curl_share_init();
    if (!c->sessions)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the HTTP client");
    curl_share_setopt(c->sessions, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    return NF_OK;
}

NF_RC nf_http_easy_new(struct nf_http_client *c, const char *proxy, CURL **ret, struct nf_err *err)
{
    if (!c->sessions)
        NF_TRY(share_sessions(c, err));
    CURL *e = curl_easy_init();
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a connection");
    nf_curl_prepare(c->curl, e);
    curl_easy_setopt(e, CURLOPT_SHARE, c->sessions);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent); /* for a proxy's tunnel */
    /* A CAPATH keeps libcurl from caching the certificates: each new connection would parse all of
     * them, 30 ms on the loop and 0.9 MB. */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    nf_http_trust_use(c, e);
    /* Else TLS would agree on HTTP/2, which is not spoken here. */
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 1024L); /* kept as long as the connection */
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    /* Set, even if empty, so that no environment variable decides where requests go. */
    curl_easy_setopt(e, CURLOPT_PROXY, proxy ? proxy : "");
    *ret = e;
    return NF_OK;
}

NF_RC nf_http_easy_url(CURL *easy, const struct nf_http_url *url, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { 0 };
    NF_TRY(nf_http_origin_write(url, &text, err));
    if (curl_easy_setopt(easy, CURLOPT_URL, nf_str_c(&text)) != CURLE_OK)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a connection");
    return NF_OK;
}

/* --- errors ----------------------------------------------------------------------------------- */

enum nf_code nf_http_curl_error(CURL *easy, const struct nf_http_url *url, CURLcode rc,
                                const char *detail, struct nf_err *err)
{
    struct nf_http_origin o = nf_http_origin_of(url);
    long os = 0;

    switch (rc) {
    case CURLE_OUT_OF_MEMORY:
        return nf_err_set(err, NF_E_NOMEM, "%s: out of memory", o.s);
    case CURLE_OPERATION_TIMEDOUT:
        return nf_err_set(err, NF_E_TIMEOUT, "%s: no connection in time", o.s);
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &os);
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: could not connect: %s", o.s,
                          os ? strerror((int)os) : "nobody listens there");
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: TLS: %.120s", o.s,
                          *detail ? detail : curl_easy_strerror(rc));
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
        return nf_err_set(err, NF_E_INTERNAL, "%s: %s", o.s, curl_easy_strerror(rc));
    default:
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: %s", o.s, curl_easy_strerror(rc));
    }
}
