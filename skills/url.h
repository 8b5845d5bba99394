/*
 * A URL as the broker understands it. Read strictly and written anew, so that whoever reads it next
 * cannot understand another one: no user part, no fragment, a host in lower-case ASCII without a
 * dot at its end, no address in another spelling than a.b.c.d, no "." or ".." in the path.
 */
#pragma once

#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_URL_MAX 4096
#define NF_URL_HOST_MAX 253

struct nf_url {
    bool https, ipv6;
    char host[NF_URL_HOST_MAX + 1]; /* without brackets */
    uint16_t port;
    struct nf_slice path, query; /* borrowed from the text; path "" means "/"; query with its '?' */
};

/* NF_E_INVALID says what is wrong, without the URL. */
NF_RC nf_url_parse(const char *text, struct nf_url *ret, struct nf_err *err);

/* The host as it stands in a URL: an IPv6 address in brackets. */
struct nf_url_host {
    char s[NF_URL_HOST_MAX + 3];
};
struct nf_url_host nf_url_host(const struct nf_url *u);

/* Replace *to by the URL in its one spelling. */
NF_RC nf_url_write(const struct nf_url *u, struct nf_str *to, struct nf_err *err);

/* Where a response says to go on, seen from `base`: an absolute URL, or one that lacks the scheme,
 * or the host too, or is a path. Replaces *to by the text of the absolute one. */
NF_RC nf_url_join(const struct nf_url *base, const char *reference, struct nf_str *to,
                  struct nf_err *err);

bool nf_url_same_origin(const struct nf_url *a, const struct nf_url *b);

/* True if `u` is `prefix` or below it: same origin, and its path is that of the prefix, or begins
 * with it at a '/'. Behind a prefix with a path, nothing that a server may read as another '/' or
 * '.' is taken. */
bool nf_url_within(const struct nf_url *u, const struct nf_url *prefix);

/* What a manifest or the configuration may name as a prefix: a URL without a query, spelled as
 * above, with a '/' behind the host, and no IPv6 address. NF_E_INVALID says what is wrong. */
NF_RC nf_url_check_prefix(const char *text, struct nf_err *err);
