/*
 * The proxy of a program: unmodified tools in its jail find it by http_proxy and https_proxy, at
 * the one address that their network has. It lets through what http.fetch would: the URLs of the
 * manifest, to public addresses, as many requests, as many bytes, for as long as the call. Plain
 * HTTP is read, judged by its URL and written anew; https is a tunnel, of which only the server is
 * seen, so it needs a manifest that grants the whole server. Secrets do not go this way, and
 * redirects are followed by who was redirected.
 */
#pragma once

#include "skills/broker.h"

#define NF_PROXY_CONNS_MAX 16           /* at once; more wait */
#define NF_PROXY_HEAD_MS 15000          /* for a request to be said */
#define NF_PROXY_CONNECT_MS 15000       /* for its server to be reached */
#define NF_PROXY_SPARE ((int64_t)65536) /* bytes each way beyond bodies: heads, TLS */

struct nf_proxy;

/* For the call of `b`, which is borrowed. */
NF_RC nf_proxy_new(struct nf_broker *b, struct nf_proxy **ret, struct nf_err *err);
/* Serve what connects to the listening socket `fd`, which is taken over. Never suspends. */
NF_RC nf_proxy_listen(struct nf_proxy *p, struct nf_loop *l, int fd, struct nf_err *err);
/* The call is over: so is every connection, also what nobody has taken yet. NULL is allowed.
 * Suspends. */
void nf_proxy_free(struct nf_proxy *p);
static inline void nf_proxy_freep(struct nf_proxy **p)
{
    nf_proxy_free(*p);
}
/* That went through it, both ways. */
int64_t nf_proxy_bytes(const struct nf_proxy *p);
