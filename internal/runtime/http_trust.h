/*
 * Getting libcurl ready: to load it takes 10 ms, and to read the certificates that TLS is checked
 * against 20 more, which is too long for the loop. Private to runtime/.
 */
#pragma once

#include "runtime/http_internal.h"

/* Have libcurl loaded and, for `tls`, the client's certificates read, by a thread.
 * NF_E_UNAVAILABLE: they cannot be read; NF_E_CANCELED, NF_E_TIMEOUT. Suspends the first time. */
NF_RC nf_http_trust_ready(struct nf_http_client *c, bool tls, struct nf_err *err);

/* Let a handle check against them. */
void nf_http_trust_use(const struct nf_http_client *c, CURL *easy);

void nf_http_trust_free(struct nf_http_client *c);
