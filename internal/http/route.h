/*
 * From a request's target to a handler: percent-decoding, and matching of patterns.
 *
 * A target has one reading only. Segments "." and "..", empty segments, encoded slashes, NULs and
 * other control characters and anything that is not UTF-8 are refused, so that no spelling of a
 * path gets past a check that another one meets. One slash at the end is kept.
 */
#pragma once

#include "http/head.h"
#include "http/server.h"

#define NF_HTTPD_QUERY_MAX 32 /* query parameters of a request */
#define NF_HTTPD_PARAMS_MAX 8 /* "{name}"s of a pattern */

struct nf_httpd_target {
    struct nf_str path;  /* decoded */
    struct nf_str query; /* decoded names and values, see `pairs` */
    unsigned pairs_n;
    struct nf_httpd_field pairs[NF_HTTPD_QUERY_MAX];
};

/* Parse `target` (origin form, or absolute form if its authority is `host`). *status: 0, or what
 * to refuse it with and *why. NF_E_NOMEM. */
NF_RC nf_httpd_target_parse(struct nf_slice target, struct nf_slice host, struct nf_httpd_target *t,
                            int *status, const char **why, struct nf_err *err);
void nf_httpd_target_reset(struct nf_httpd_target *t);
void nf_httpd_target_done(struct nf_httpd_target *t);

struct nf_httpd_param {
    struct nf_slice name, value; /* into the pattern and the path */
};

struct nf_httpd_match {
    const struct nf_http_route *route; /* NULL: none for that method */
    bool path_known;                   /* some other method has a route */
    unsigned params_n;
    struct nf_httpd_param params[NF_HTTPD_PARAMS_MAX];
};

/* The most specific route: at the first place where two patterns differ, literal text beats a
 * parameter, which beats the rest. */
void nf_httpd_route(const struct nf_http_route *routes, size_t n, struct nf_slice method,
                    struct nf_slice path, struct nf_httpd_match *ret);
/* True if the pattern is one: it begins with "/", braces match, names are not empty, "{name...}"
 * ends it, and at most NF_HTTPD_PARAMS_MAX parameters fill whole segments. */
bool nf_httpd_pattern_ok(const char *pattern);
/* "GET, HEAD, POST": what the path can be asked with. */
NF_RC nf_httpd_allow(const struct nf_http_route *routes, size_t n, struct nf_slice path,
                     struct nf_str *ret, struct nf_err *err);
