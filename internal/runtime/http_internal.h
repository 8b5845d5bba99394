/*
 * What the HTTP client and the WebSocket client share: checking and preparing a request. Private to
 * runtime/.
 */
#pragma once

#include "runtime/curl_loop.h"
#include "runtime/http_client.h"

#define NF_HTTP_EASY_POOL 64 /* idle handles kept, about 6 KiB each */

struct nf_http_client {
    struct nf_loop *loop;
    struct nf_curl_loop *curl;
    CURLSH *sessions; /* TLS sessions, so that a new connection to a known host is cheaper */
    char *user_agent, *ca_file;
    size_t buffer_max, calls;
    CURL *pool[NF_HTTP_EASY_POOL];
    size_t pool_n;
};

/* A configured handle: sockets, TLS, user agent, HTTP/1.1, no proxy but `proxy` (NULL: none). */
NF_RC nf_http_easy_take(struct nf_http_client *c, const char *proxy, CURL **ret,
                        struct nf_err *err);
/* Take it back for another request, or end it (`again` false): only one whose transfer went well is
 * used again. It is in no multi. */
void nf_http_easy_put(struct nf_http_client *c, CURL *easy, bool again);

/* A URL that is http or https (or ws and wss, for which the first two are returned), has a host and
 * only visible ASCII. NF_E_INVALID; the message does not quote it. */
NF_RC nf_http_url_parse(const char *url, bool websocket, CURLU **ret, struct nf_err *err);

/* "https://host:port" of a URL for error messages: the path may be a secret too. */
struct nf_http_origin {
    char s[160];
};
struct nf_http_origin nf_http_origin_of(CURLU *url);

/* True if `s` is a token (RFC 9110 section 5.6.2): a method or the name of a header. */
bool nf_http_is_token(const char *s);
/* True if a header may have it as its value: no control characters but tabs. */
bool nf_http_is_field_value(const char *s);

/* Check the headers of a request. NF_E_INVALID, NF_E_LIMIT; no message contains a value. */
NF_RC nf_http_headers_check(const struct nf_http_header *h, size_t n, const char *secret_header,
                            const char *secret_prefix, const struct nf_secret *secret,
                            struct nf_err *err);
bool nf_http_headers_have(const struct nf_http_header *h, size_t n, const char *name);

/* Checked headers as libcurl's list, in one allocation that is wiped when freed. Expect, Accept and
 * Content-Type are left out unless given. */
struct nf_http_header_list {
    struct curl_slist *list;
    size_t bytes;
};
NF_RC nf_http_headers_build(const struct nf_http_request *r, struct nf_http_header_list *ret,
                            struct nf_err *err);
void nf_http_headers_done(struct nf_http_header_list *l);

/* What a failed transfer means. NF_E_UNAVAILABLE, NF_E_TIMEOUT, NF_E_NOMEM or NF_E_INTERNAL.
 * `detail` is libcurl's own text, used where it says more and cannot contain a request's secrets.
 */
enum nf_code nf_http_curl_error(CURL *easy, CURLU *url, CURLcode rc, const char *detail,
                                struct nf_err *err);
