/*
 * What a program asks of its proxy: the head of a request of HTTP/1.1 (RFC 9112), read strictly and
 * written anew, so that the server cannot understand another one than was judged. No system calls.
 */
#pragma once

#include "base/string.h"
#include "skills/url.h"

#include <stdbool.h>

#define NF_PROXY_HEAD_MAX ((size_t)16384) /* bytes with the empty line */
#define NF_PROXY_HEADERS_MAX 100

struct nf_proxy_request {
    bool tunnel; /* CONNECT: whatever is said through it is between program and server */
    struct nf_str url;
    struct nf_url to;   /* of a tunnel the root of a server by https */
    struct nf_str head; /* what the server gets; not of a tunnel */
    int64_t body_n;     /* bytes that follow, no more; -1: nothing is said of any */
};

/* Bytes of the head at p, its empty line included; 0: it is not whole. */
size_t nf_proxy_head_end(const char *p, size_t n);

/* Read the whole head p[0..n) into *ret, a zeroed one, to be released in any case. NF_E_INVALID:
 * no such head, or one that can be read in two ways; NF_E_LIMIT: more than NF_PROXY_HEADERS_MAX
 * headers; NF_E_NOMEM. The server is told that the connection ends behind its answer. */
NF_RC nf_proxy_head_read(const char *p, size_t n, struct nf_proxy_request *ret, struct nf_err *err);
void nf_proxy_request_done(struct nf_proxy_request *r);
