#include "runtime/http_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 8192                      /* bytes */
#define HEADER_MAX (NF_SECRET_MAX + 1024) /* bytes of a name and value */

/* --- URLs ------------------------------------------------------------------------------------- */

static bool is_visible(const char *s)
{
    for (; *s != '\0'; s++)
        if (*s <= ' ' || *s >= 127)
            return false;
    return true;
}

/* libcurl 7.88 knows no ws: and connects by http: and https: all the same. */
static NF_RC websocket_scheme(CURLU *u, const char *url, bool tls, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };

    NF_TRY(nf_str_addf(&s, err, "%s%s", tls ? "https" : "http", url + (tls ? 3 : 2)));
    if (curl_url_set(u, CURLUPART_URL, nf_str_c(&s), 0) != CURLUE_OK)
        return nf_err_set(err, NF_E_INVALID, "url: not a valid WebSocket URL");
    return NF_OK;
}

static NF_RC set_url(CURLU *u, const char *url, bool websocket, struct nf_err *err)
{
    if (strnlen(url, URL_MAX + 1) > URL_MAX)
        return nf_err_set(err, NF_E_INVALID, "url: longer than %d bytes", URL_MAX);
    if (!is_visible(url))
        return nf_err_set(err, NF_E_INVALID,
                          "url: only visible ASCII is allowed, percent-encode the rest");

    const char *colon = strstr(url, "://");
    if (colon && colon[3] == '/') /* which libcurl forgives */
        return nf_err_set(err, NF_E_INVALID, "url: has no host");
    if (websocket) {
        bool tls = nf_slice_ieq((struct nf_slice){ url, strnlen(url, 6) }, "wss://");
        if (!tls && !nf_slice_ieq((struct nf_slice){ url, strnlen(url, 5) }, "ws://"))
            return nf_err_set(err, NF_E_INVALID, "url: must begin with ws:// or wss://");
        return websocket_scheme(u, url, tls, err);
    }
    if (!nf_slice_ieq((struct nf_slice){ url, strnlen(url, 8) }, "https://") &&
        !nf_slice_ieq((struct nf_slice){ url, strnlen(url, 7) }, "http://"))
        return nf_err_set(err, NF_E_INVALID, "url: must begin with http:// or https://");

    CURLUcode rc = curl_url_set(u, CURLUPART_URL, url, 0);
    if (rc == CURLUE_OUT_OF_MEMORY)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a URL");
    if (rc != CURLUE_OK)
        return nf_err_set(err, NF_E_INVALID, "url: %s", curl_url_strerror(rc));
    return NF_OK;
}

NF_RC nf_http_url_parse(const char *url, bool websocket, CURLU **ret, struct nf_err *err)
{
    CURLU *u = curl_url();

    if (!u)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for a URL");

    enum nf_code rc = set_url(u, url, websocket, err);
    if (rc != NF_OK) {
        curl_url_cleanup(u);
        return rc;
    }
    *ret = u;
    return NF_OK;
}

struct nf_http_origin nf_http_origin_of(CURLU *url)
{
    struct nf_http_origin o = { "?" };
    char *scheme = NULL, *host = NULL, *port = NULL;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        (void)snprintf(o.s, sizeof o.s, "%s://%.120s:%s", scheme, host, port);
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return o;
}

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

struct writer {
    struct curl_slist *node; /* NULL: only count */
    char *at;
    size_t n, bytes;
};

static void put(struct writer *w, const char *s)
{
    size_t n = strlen(s);

    if (w->node) {
        memcpy(w->at, s, n);
        w->at += n;
    }
    w->bytes += n;
}

static void put_header(struct writer *w, const char *name, const char *prefix, const char *value)
{
    if (w->node) {
        w->node[w->n].data = w->at;
        w->node[w->n].next = &w->node[w->n + 1];
    }
    put(w, name);
    if (*prefix == '\0' && *value == '\0') {
        put(w, ";"); /* how libcurl is told to send an empty value */
    } else {
        put(w, ": ");
        put(w, prefix);
        put(w, value);
    }
    if (w->node)
        *w->at++ = '\0';
    w->bytes++;
    w->n++;
}

/* How libcurl is told to send none. */
static void put_none(struct writer *w, const char *name_colon)
{
    if (w->node) {
        w->node[w->n].data = w->at;
        w->node[w->n].next = &w->node[w->n + 1];
    }
    put(w, name_colon);
    if (w->node)
        *w->at++ = '\0';
    w->bytes++;
    w->n++;
}

static void put_all(struct writer *w, const struct nf_http_request *r)
{
    put_none(w, "Expect:");
    if (!nf_http_headers_have(r->headers, r->headers_n, "Accept"))
        put_none(w, "Accept:");
    if (!nf_http_headers_have(r->headers, r->headers_n, "Content-Type"))
        put_none(w, "Content-Type:");
    for (size_t i = 0; i < r->headers_n; i++)
        put_header(w, r->headers[i].name, "", r->headers[i].value);
    if (r->secret_header && r->secret)
        put_header(w, r->secret_header, r->secret_prefix ? r->secret_prefix : "",
                   nf_secret_reveal(r->secret));
}

NF_RC nf_http_headers_build(const struct nf_http_request *r, struct nf_http_header_list *ret,
                            struct nf_err *err)
{
    struct writer w = { 0 };

    put_all(&w, r);
    size_t nodes = w.n * sizeof(struct curl_slist), bytes = nodes + w.bytes;
    struct curl_slist *list = malloc(bytes);
    if (!list)
        return nf_err_set(err, NF_E_NOMEM, "out of memory for the headers of a request");

    w = (struct writer){ .node = list, .at = (char *)list + nodes };
    put_all(&w, r);
    list[w.n - 1].next = NULL;
    *ret = (struct nf_http_header_list){ list, bytes };
    return NF_OK;
}

void nf_http_headers_done(struct nf_http_header_list *l)
{
    if (l->list)
        explicit_bzero(l->list, l->bytes);
    free(l->list);
    *l = (struct nf_http_header_list){ 0 };
}

/* --- handles ---------------------------------------------------------------------------------- */

/* What is the same for all requests. Set once: curl_easy_reset, in 7.88, forgets a BUFFERSIZE below
 * the default while it keeps the buffer, and the next transfer writes past its end. */
static void set_common(const struct nf_http_client *c, CURL *e)
{
    nf_curl_prepare(c->curl, e);
    curl_easy_setopt(e, CURLOPT_SHARE, c->sessions);
    curl_easy_setopt(e, CURLOPT_USERAGENT, c->user_agent);
    /* A CAPATH keeps libcurl from caching the certificates: each new connection would parse all of
     * them, 30 ms on the loop and 0.9 MB. */
    curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
    if (c->ca_file)
        curl_easy_setopt(e, CURLOPT_CAINFO, c->ca_file);
    /* A paused HTTP/2 stream buffers its whole window, 32 MB, and CONNECT_ONLY cannot use it. */
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_NOPROXY, "");
    curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 1024L); /* kept as long as a model talks */
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 16384L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
}

NF_RC nf_http_easy_take(struct nf_http_client *c, const char *proxy, CURL **ret, struct nf_err *err)
{
    CURL *e = NULL;

    if (c->pool_n > 0) {
        e = c->pool[--c->pool_n];
    } else {
        e = curl_easy_init();
        if (!e)
            return nf_err_set(err, NF_E_NOMEM, "out of memory for a transfer");
        set_common(c, e);
    }
    /* Set, even if empty, so that no environment variable decides where requests go. */
    curl_easy_setopt(e, CURLOPT_PROXY, proxy ? proxy : "");
    *ret = e;
    return NF_OK;
}

/* Undo whatever nf_http_open sets only for some requests, and what points into this one. */
static void forget_request(CURL *e)
{
    curl_easy_setopt(e, CURLOPT_CURLU, NULL);
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, NULL);
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, NULL);
    curl_easy_setopt(e, CURLOPT_HTTPGET, 1L); /* after POSTFIELDS, which means POST, even if NULL */
    curl_easy_setopt(e, CURLOPT_UNIX_SOCKET_PATH, NULL);
    curl_easy_setopt(e, CURLOPT_HEADERDATA, NULL);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, NULL);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, NULL);
    curl_easy_setopt(e, CURLOPT_PRIVATE, NULL);
}

void nf_http_easy_put(struct nf_http_client *c, CURL *easy, bool again)
{
    if (!easy)
        return;
    if (again && c->pool_n < NF_HTTP_EASY_POOL) {
        forget_request(easy);
        c->pool[c->pool_n++] = easy;
    } else {
        curl_easy_cleanup(easy);
    }
}

/* --- errors ----------------------------------------------------------------------------------- */

enum nf_code nf_http_curl_error(CURL *easy, CURLU *url, CURLcode rc, const char *detail,
                                struct nf_err *err)
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
