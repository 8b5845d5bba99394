/*
 * WebSocket client (RFC 6455) over libcurl's CONNECT_ONLY, so with its name resolution, proxies and
 * TLS. No extensions. One fiber reads, any may write.
 */
#pragma once

#include "runtime/http_client.h"

struct nf_ws_client;

struct nf_ws_client_options {
    const char *url;                      /* ws:// or wss:// */
    const char *unix_socket;              /* instead of the URL's host; NULL: no */
    const struct nf_http_header *headers; /* in addition, such as Cookie or Origin */
    size_t headers_n;
    const char *secret_header, *secret_prefix; /* as in nf_http_request */
    const struct nf_secret *secret;
    size_t message_max;           /* bytes, in either direction; 0: 1 MiB */
    int64_t handshake_timeout_ms; /* 0: 10,000 */
};

/* Connect and shake hands; checks Sec-WebSocket-Accept (RFC 6455 section 4.1). NF_E_DENIED: the
 * server answered 401 or 403; NF_E_UNAVAILABLE: it answered something else, or nobody was there.
 * Suspends. */
NF_RC nf_ws_client_open(struct nf_http_client *c, const struct nf_ws_client_options *o,
                        struct nf_ws_client **ret, struct nf_err *err);

/* The next message, borrowed until the next call; *text tells text from binary. Pings are answered
 * within. NF_E_NOT_FOUND: the peer closed, nf_ws_client_close_code tells how. NF_E_INVALID: it
 * broke the protocol; NF_E_LIMIT: its message is too long; it was told so, and only closing is
 * left. NF_E_TIMEOUT: no message for `timeout_ms` (< 0: no limit of its own); the connection stays
 * usable. NF_E_UNAVAILABLE: the connection broke. Suspends. */
NF_RC nf_ws_client_recv(struct nf_ws_client *w, int64_t timeout_ms, const char **p, size_t *n,
                        bool *text, struct nf_err *err);

/* Suspends until the kernel has taken it. After NF_E_CANCELED or NF_E_TIMEOUT it may still be sent,
 * whole or not at all. NF_E_LIMIT: over message_max; NF_E_UNAVAILABLE: the connection broke or is
 * closing. */
NF_RC nf_ws_client_send(struct nf_ws_client *w, const char *p, size_t n, bool text,
                        struct nf_err *err);

/* The code of the peer's close frame, 1005 if it had none, 1006 if there was no frame. */
int nf_ws_client_close_code(const struct nf_ws_client *w);

/* Send a close frame with `code` (0: none) and drop the connection. NULL is allowed. Never
 * suspends. */
void nf_ws_client_close(struct nf_ws_client *w, int code);
