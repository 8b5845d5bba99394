/* The opening handshake of a WebSocket client (RFC 6455 section 4.1) as text, without I/O. Private
 * to runtime/. */
#pragma once

#include "runtime/http_internal.h"
#include "runtime/ws_client.h"

#define NF_WS_KEY_TEXT 24
#define NF_WS_HANDSHAKE_MAX 16384 /* bytes of the server's head */

/* A new random key. */
NF_RC nf_ws_handshake_key(char ret[NF_WS_KEY_TEXT + 1], struct nf_err *err);

/* Check the options' headers and write the request. It contains the secret: wipe it. */
NF_RC nf_ws_handshake_request(const struct nf_http_client *c, const struct nf_http_url *url,
                              const struct nf_ws_client_options *o, const char *key,
                              struct nf_str *ret, struct nf_err *err);

/* Bytes of the head in `p`, with its blank line; 0 if that has not come yet. */
size_t nf_ws_handshake_head(const char *p, size_t n);

/* Check that head. NF_E_DENIED: 401 or 403; NF_E_UNAVAILABLE: anything else but an agreement. */
NF_RC nf_ws_handshake_check(const char *p, size_t n, const char *key, bool asked_protocol,
                            struct nf_err *err);
