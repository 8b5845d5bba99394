/*
 * What the HTTP client and the WebSocket client share: checking and preparing a request. Private to
 * runtime/.
 */
#pragma once

#include "runtime/curl_loop.h"
#include "runtime/http_client.h"
#include "runtime/http_url.h"

struct nf_stream;
struct nf_http_trust_waiter;

/* See http_trust.h. */
struct nf_http_trust {
    bool curl, tls, loading; /* ready for connections, for those by TLS; a thread is at it */
    void *store;             /* an X509_STORE; NULL: libcurl reads the certificates itself */
    struct nf_http_trust_waiter *waiters;
};

struct nf_http_client {
    struct nf_loop *loop;
    struct nf_curl_loop *curl;
    /* TLS sessions, so that a new connection to a known host is cheaper; NULL before the first. */
    CURLSH *sessions;
    char *user_agent, *ca_file;
    struct nf_http_trust trust;
    char *scratch; /* what is being received; NULL before the first response */
    size_t scratch_max, calls;
    struct nf_stream *idle; /* connections for the next request */
    size_t idle_n, idle_max;
};

/* A handle to connect with: sockets, TLS, no proxy but `proxy` (NULL: none). After
 * nf_http_trust_ready. */
NF_RC nf_http_easy_new(struct nf_http_client *c, const char *proxy, CURL **ret, struct nf_err *err);

/* Where it connects to. */
NF_RC nf_http_easy_url(CURL *easy, const struct nf_http_url *url, struct nf_err *err);

/* True if `s` is a token (RFC 9110 section 5.6.2): a method or the name of a header. */
bool nf_http_is_token(const char *s);
/* True if a header may have it as its value: no control characters but tabs. */
bool nf_http_is_field_value(const char *s);

/* Check the headers of a request. NF_E_INVALID, NF_E_LIMIT; no message contains a value. */
NF_RC nf_http_headers_check(const struct nf_http_header *h, size_t n, const char *secret_header,
                            const char *secret_prefix, const struct nf_secret *secret,
                            struct nf_err *err);
bool nf_http_headers_have(const struct nf_http_header *h, size_t n, const char *name);

/* Bytes of the body. */
size_t nf_http_body_n(const struct nf_http_request *r);

/* The head of a request as it goes out; to `proxy`, NULL: none, with the whole URL. A body of at
 * most `joined_max` bytes follows it. It contains the secret: to be wiped. *ret has no memory yet.
 */
NF_RC nf_http_request_write(const struct nf_http_client *c, const struct nf_http_url *url,
                            const struct nf_http_url *proxy, const struct nf_http_request *r,
                            size_t joined_max, struct nf_str *ret, struct nf_err *err);

/* What a failed transfer means. NF_E_UNAVAILABLE, NF_E_TIMEOUT, NF_E_NOMEM or NF_E_INTERNAL.
 * `detail` is libcurl's own text, used where it says more and cannot contain a request's secrets.
 */
enum nf_code nf_http_curl_error(CURL *easy, const struct nf_http_url *url, CURLcode rc,
                                const char *detail, struct nf_err *err);
