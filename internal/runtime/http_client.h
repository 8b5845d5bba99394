/*
 * HTTP client: requests as straight-line code in a fiber. HTTP/1.1 is spoken here (codec/http1.h);
 * names, TLS and tunnels are libcurl's (stream.h).
 *
 * The body of a response is pulled, so a slow reader slows the sender (backpressure), and closing a
 * call at any time ends the transfer. Nothing here follows redirects. Proxies only where asked for.
 */
#pragma once

#include "base/secret.h"
#include "base/string.h"
#include "runtime/fiber.h"

struct sockaddr;
struct nf_http_client;
struct nf_http_call;

#define NF_HTTP_HEADERS_MAX 32 /* of a request */
#define NF_HTTP_BODY_MORE 2
#define NF_HTTP_RESPONSE_HEAD_MAX 65536 /* bytes, interim heads included; trailers: chunked.h */
#define NF_HTTP_RESPONSE_HEADERS_MAX 256

struct nf_http_header {
    const char *name, *value;
};

/* Borrowed until nf_http_open returns. */
struct nf_http_request {
    const char *method;      /* "GET" */
    const char *url;         /* http:// or https:// */
    const char *unix_socket; /* connect to this path instead of the URL's host; NULL: no */
    const struct nf_http_header *headers;
    size_t headers_n;
    /* A header whose value is a secret: "Authorization", "Bearer ", &key. NULL: none. */
    const char *secret_header, *secret_prefix;
    const struct nf_secret *secret;
    const char *body;
    size_t body_n;
    struct nf_slice body_more[NF_HTTP_BODY_MORE]; /* sent behind it, not copied if it is long */
    int64_t connect_timeout_ms;                   /* 0: 10,000 */
    int64_t head_timeout_ms;                      /* until the response's head arrived; 0: 60,000 */
    const char *proxy;                            /* NULL: none */
    /* Set by nf_http_open, also when it fails: whether the server may have seen any of the request.
     * False after a refused connection, an unknown name or failed TLS: another try cannot do
     * anything twice. NULL: nobody asks. */
    bool *sent;
    /* Twice does no harm, whatever the method. It is sent once more when a kept connection breaks
     * before an answer, as GET, HEAD, PUT, DELETE, OPTIONS and TRACE are in any case: a server may
     * have closed it long ago without our hearing of it. */
    bool repeatable;
    /* Asked before a connection is made, for each address that the host's name has: a name may have
     * another address every time somebody looks. False: not to that one. NULL: to any. A connection
     * that was kept is used again without asking: who has rules has a client of his own. */
    bool (*may_connect)(void *arg, const struct sockaddr *address);
    void *may_connect_arg;
};

struct nf_http_client_options {
    const char *user_agent; /* NULL: "nexflow" */
    const char *ca_file;    /* NULL: the system's */
    size_t connections_max; /* kept alive while idle; 0: 64 */
    size_t buffer_max;      /* bytes received at once; 0: 65,536 */
};

/* `o` NULL: the defaults. NF_E_INVALID: a user agent that no header can have; NF_E_NOMEM. */
NF_RC nf_http_client_new(struct nf_loop *l, const struct nf_http_client_options *o,
                         struct nf_http_client **ret, struct nf_err *err);
/* All calls must be closed. May suspend until its handles are closed. NULL is allowed. */
void nf_http_client_free(struct nf_http_client *c);

/* Send a request and wait for the head of the response. NF_E_INVALID: the URL or a header is no
 * such thing (CR, LF and NUL are refused); NF_E_DENIED: may_connect let it go nowhere;
 * NF_E_UNAVAILABLE: could not connect, or it broke before the head; NF_E_TIMEOUT; NF_E_CANCELED;
 * NF_E_LIMIT: the head is too long. Suspends. No error message contains a header's value or the
 * URL's query or user part. */
NF_RC nf_http_open(struct nf_http_client *c, const struct nf_http_request *r,
                   struct nf_http_call **ret, struct nf_err *err);

/* Of the response; interim ones (1xx but 101) were passed over. */
int nf_http_status(const struct nf_http_call *h);
/* The first header of that name, in any case; NULL if there is none. Valid until closed. */
const char *nf_http_header(const struct nf_http_call *h, const char *name);

/* The i-th header, from 0; false behind the last. Valid until closed. */
bool nf_http_header_at(const struct nf_http_call *h, size_t i, const char **name,
                       const char **value);

/* The next piece of the body, borrowed until the next call on `h`. *n == 0: the body ended as its
 * framing says; a connection that broke before is NF_E_UNAVAILABLE. NF_E_TIMEOUT if nothing came
 * for `idle_timeout_ms`. Suspends. */
NF_RC nf_http_read(struct nf_http_call *h, int64_t idle_timeout_ms, const char **p, size_t *n,
                   struct nf_err *err);

/* Read the rest into *ret, whose ceiling counts. For error bodies and short answers. Suspends. */
NF_RC nf_http_read_all(struct nf_http_call *h, int64_t idle_timeout_ms, struct nf_str *ret,
                       struct nf_err *err);

/* A bare connection to host and port of an http:// URL, for who relays what others say: *ret is a
 * non-blocking TCP socket, the caller's. `may_connect` as above, not NULL. Errors as nf_http_open.
 * Suspends. */
NF_RC nf_http_dial(struct nf_http_client *c, const char *url,
                   bool (*may_connect)(void *arg, const struct sockaddr *address), void *arg,
                   int64_t timeout_ms, int *ret, struct nf_err *err);

/* End the transfer, wherever it is. NULL is allowed. Never suspends. */
void nf_http_close(struct nf_http_call *h);
static inline void nf_http_closep(struct nf_http_call **h)
{
    nf_http_close(*h);
}
