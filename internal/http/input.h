/*
 * What one connection has received of the current request and of those behind it: collects pieces
 * cut anywhere until a request is whole. Pure, and memory grows with what arrived only.
 */
#pragma once

#include "codec/chunked.h"
#include "http/head.h"

struct nf_httpd_input {
    char *buf;
    size_t len, cap;
    size_t scanned, head_n, body_n;
    size_t used;     /* bytes of buf that belong to the current request */
    size_t body_max; /* the caller may set it when step said HEAD */
    int state;
    int status;      /* after REFUSED */
    const char *why; /* a literal */
    struct nf_chunked chunked;
    struct nf_httpd_head head;
};

struct nf_httpd_input_limits {
    size_t head_max, body_max;
    struct nf_httpd_head_limits head;
};

enum nf_httpd_step {
    NF_HTTPD_MORE,    /* feed */
    NF_HTTPD_HEAD,    /* the head is there: said once per request */
    NF_HTTPD_DONE,    /* the request is whole */
    NF_HTTPD_REFUSED, /* with `status`, for good */
};

/* Append. Not between DONE and next, unless nothing borrows from buf. */
NF_RC nf_httpd_input_feed(struct nf_httpd_input *in, const char *p, size_t n, struct nf_err *err);
enum nf_httpd_step nf_httpd_input_step(struct nf_httpd_input *in,
                                       const struct nf_httpd_input_limits *l);
/* After DONE: forget the request; what lies behind it becomes the beginning of the next. */
void nf_httpd_input_next(struct nf_httpd_input *in);
/* Forget everything and keep up to `keep` bytes of buffer. */
void nf_httpd_input_reset(struct nf_httpd_input *in, size_t keep);

static inline struct nf_slice nf_httpd_input_body(const struct nf_httpd_input *in)
{
    return (struct nf_slice){ in->buf ? in->buf + in->head_n : "", in->body_n };
}
