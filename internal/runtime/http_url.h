/*
 * URLs of requests: http and https, or ws and wss, with a host, and only visible ASCII. Read here
 * and not by libcurl, which is not even loaded for a server that is named by its address. Private
 * to runtime/.
 */
#pragma once

#include "base/string.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_HTTP_URL_MAX 8192 /* bytes */

/* Slices are pieces of `text`, a copy. The zero value is empty. */
struct nf_http_url {
    char *text;
    bool tls;
    bool has_user, has_port, has_query;
    struct nf_slice user, password; /* with their percent signs */
    struct nf_slice host;           /* an IPv6 address with its brackets, without a zone */
    struct nf_slice zone;           /* the link of a link-local address (RFC 6874) */
    uint16_t port;
    struct nf_slice path; /* "" means "/" */
    struct nf_slice query;
};
void nf_http_url_done(struct nf_http_url *u);

/* `websocket`: ws and wss, which are connected to as http and https are. A fragment is left out.
 * NF_E_INVALID, NF_E_NOMEM; the message does not quote it. */
NF_RC nf_http_url_parse(const char *url, bool websocket, struct nf_http_url *ret,
                        struct nf_err *err);

/* "https://host:port" for error messages: the path may be a secret too. */
struct nf_http_origin {
    char s[160];
};
struct nf_http_origin nf_http_origin_of(const struct nf_http_url *u);
/* The same as a whole, however long, for libcurl and to tell what is alike for URLs of one server.
 */
NF_RC nf_http_origin_write(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err);

/* "host" or "host:port" as the URL has it. */
NF_RC nf_http_url_add_host(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err);
/* "/path?query" */
NF_RC nf_http_url_add_path(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err);
/* The user and the password, decoded, with a colon between. */
NF_RC nf_http_url_add_user(const struct nf_http_url *u, struct nf_str *ret, struct nf_err *err);
