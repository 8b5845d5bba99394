/*
 * Responses of HTTP/1.1 servers, for whoever has the bytes: where a head ends, what it says, and
 * how the body is framed (RFC 9112 sections 4 to 7). Forgiving in what reads one way only (a bare
 * LF ends a line, a line may be folded), strict in what decides where the response ends.
 */
#pragma once

#include "base/string.h"
#include "codec/chunked.h"

#include <stdbool.h>

#define NF_HTTP1_HEADERS_MAX 256

enum nf_http1_framing {
    NF_HTTP1_NONE,    /* no body */
    NF_HTTP1_LENGTH,  /* Content-Length */
    NF_HTTP1_CHUNKED, /* Transfer-Encoding: chunked */
    NF_HTTP1_CLOSE,   /* to the end of the connection */
};

struct nf_http1_head {
    int status;
    struct nf_str fields; /* "name\0value\0" again and again; owned */
    size_t fields_n;
    enum nf_http1_framing framing;
    int64_t length;  /* of NF_HTTP1_LENGTH */
    bool keep_alive; /* the connection can be used again behind the body */
};

/* Bytes of the head at p, its empty line included; 0: it is not whole. *scanned, 0 at first, keeps
 * repeated calls with more bytes linear. */
size_t nf_http1_head_end(const char *p, size_t n, size_t *scanned);

/* Read the whole head p[0..n) into *ret, a zeroed one. `no_body`: it answers a HEAD request.
 * NF_E_UNAVAILABLE: it is not HTTP, or does not say where it ends; NF_E_LIMIT: more than
 * NF_HTTP1_HEADERS_MAX headers; NF_E_NOMEM. To be released in any case. */
NF_RC nf_http1_head_parse(const char *p, size_t n, bool no_body, struct nf_http1_head *ret,
                          struct nf_err *err);
void nf_http1_head_done(struct nf_http1_head *h);
/* The first header of that name, in any case; NULL if there is none. */
const char *nf_http1_field(const struct nf_http1_head *h, const char *name);
/* The i-th, from 0; false behind the last. */
bool nf_http1_field_at(const struct nf_http1_head *h, size_t i, const char **name,
                       const char **value);

/* Where a body is. Set by nf_http1_body_begin. */
struct nf_http1_body {
    enum nf_http1_framing framing;
    bool ended;
    int64_t left;
    struct nf_chunked chunked;
};
void nf_http1_body_begin(struct nf_http1_body *b, const struct nf_http1_head *h);
/* Take the framing off the n bytes at p, in place: *out is what is left of them at p, and *used how
 * many belonged to this body. NF_E_UNAVAILABLE: no chunks. */
NF_RC nf_http1_body_decode(struct nf_http1_body *b, char *p, size_t n, size_t *used, size_t *out,
                           struct nf_err *err);
/* The connection ended. True if the body did, too. */
bool nf_http1_body_end(struct nf_http1_body *b);
