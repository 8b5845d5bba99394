/*
 * The head of an HTTP/1.x request (RFC 9112 sections 2 to 7), strictly: what two parsers could read
 * differently is refused. Pure; spans are offsets, so that the buffer may move.
 */
#pragma once

#include "base/string.h"

#include <stdint.h>
#include <sys/types.h>

#define NF_HTTPD_FIELDS_MAX 128 /* what a head can hold; a server's limit may be lower */
#define NF_HTTPD_HEAD_MAX 65535 /* bytes, since a span has 16 bits */
#define NF_HTTPD_METHOD_MAX 32

struct nf_httpd_span {
    uint16_t at, n;
};

struct nf_httpd_field {
    struct nf_httpd_span name, value;
};

struct nf_httpd_head {
    struct nf_httpd_span method, target, host;
    int64_t content_length; /* -1: none */
    uint16_t fields_n;
    bool http10, keep_alive, chunked, expect_continue;
    bool connection_upgrade; /* Connection names "upgrade" */
    bool has_host, has_expect, connection_close;
    struct nf_httpd_field fields[NF_HTTPD_FIELDS_MAX];
};

/* The length of the head at `p`, with its empty line; 0: not all of it is there; -1: a bare LF.
 * *scanned (0 at first) remembers what was looked at, so that trickled input costs linear time. */
ssize_t nf_httpd_head_scan(const char *p, size_t n, size_t *scanned);

struct nf_httpd_head_limits {
    size_t fields_max, target_max;
};

/* Parse the `n` bytes that scan found (n <= NF_HTTPD_HEAD_MAX). 0, or the status to refuse it with
 * (400, 414, 417, 431) and *why (a literal). */
int nf_httpd_head_parse(const char *p, size_t n, const struct nf_httpd_head_limits *l,
                        struct nf_httpd_head *h, const char **why);

static inline struct nf_slice nf_httpd_slice(const char *p, struct nf_httpd_span s)
{
    return (struct nf_slice){ p + s.at, s.n };
}

/* A token as of RFC 9110 section 5.6.2, such as a header's name. */
bool nf_httpd_is_token(struct nf_slice s);
/* A header's value: visible characters, blanks, tabs and bytes over 127. */
bool nf_httpd_is_value(struct nf_slice s);
/* True if the comma-separated list has that element, in any case. */
bool nf_httpd_list_has(struct nf_slice list, const char *element);
