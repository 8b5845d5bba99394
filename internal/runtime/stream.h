/*
 * Connections of the HTTP client: bytes to and from a server, whatever lies between. Sockets to
 * addresses and to paths are opened here; what needs a name resolved, TLS or a tunnel is opened by
 * libcurl, which is not even initialised before. Connections that are idle are kept for the next
 * request to the same place. Private to runtime/.
 */
#pragma once

#include "runtime/http_internal.h"

#include <sys/socket.h>

struct nf_stream;

/* Where to: a URL of http or https, of which host and port count. */
struct nf_stream_target {
    const struct nf_http_url *url;
    const char *unix_socket; /* instead of host and port; NULL: no */
    const char *tunnel;      /* proxy that TLS goes through, NULL: none */
    /* Asked about each address before it is connected to; NULL: any will do. */
    bool (*may_connect)(void *arg, const struct sockaddr *address);
    void *may_connect_arg;
    const char *key; /* alike for targets that may share a connection; copied */
};

/* An idle connection to `key`, NULL if there is none. */
struct nf_stream *nf_stream_reuse(struct nf_http_client *c, const char *key);
/* A new one. NF_E_DENIED: may_connect refused all addresses; NF_E_UNAVAILABLE, NF_E_TIMEOUT,
 * NF_E_CANCELED, NF_E_NOMEM. Suspends. */
NF_RC nf_stream_open(struct nf_http_client *c, const struct nf_stream_target *t, int64_t timeout_ms,
                     struct nf_stream **ret, struct nf_err *err);
/* Close it, but not the connection, of which *ret is another descriptor: only for one without TLS.
 * False: there is no descriptor left. */
bool nf_stream_detach(struct nf_stream *s, int *ret);
/* For the next request, if it is in a state for that; else close it. */
void nf_stream_keep(struct nf_stream *s);
void nf_stream_close(struct nf_stream *s);
/* Close all that are idle. */
void nf_streams_close_idle(struct nf_http_client *c);

enum { NF_STREAM_AGAIN = -1, NF_STREAM_BROKEN = -2 };
/* Send pieces one behind the other, of which the first is not empty. Bytes taken, NF_STREAM_AGAIN
 * or NF_STREAM_BROKEN. What was not taken must be offered again as it was. Never suspends. */
ssize_t nf_stream_send(struct nf_stream *s, const struct iovec *v, size_t n);
/* Bytes that came, 0 at the end, NF_STREAM_AGAIN or NF_STREAM_BROKEN. Never suspends. */
ssize_t nf_stream_recv(struct nf_stream *s, char *p, size_t n);
/* True if there is nothing to be received before nf_stream_wait says so. */
bool nf_stream_is_drained(const struct nf_stream *s);
/* Until bytes have come or, with `writing`, can be sent as well. NF_E_TIMEOUT, NF_E_CANCELED. */
NF_RC nf_stream_wait(struct nf_stream *s, bool writing, int64_t timeout_ms, const char *what,
                     struct nf_err *err);
