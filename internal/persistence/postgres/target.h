/* The hosts that a URL names, and what libpq is told to reach one of them. */
#pragma once

#include "base/string.h"

#include <libpq-fe.h>

#define NF_PG_HOSTS_MAX 16
#define NF_PG_ADDRESSES_MAX 4 /* of one host's name */

struct nf_pg_host {
    char *name; /* a directory of Unix sockets, an address or a name */
    char *port;
    bool needs_lookup; /* a name without an address beside it */
    char *address;     /* NULL: none was given */
};

struct nf_pg_target {
    PQconninfoOption *options; /* of the whole URL */
    struct nf_pg_host hosts[NF_PG_HOSTS_MAX];
    size_t hosts_n;
    char *settings; /* what the server is told at once: -c name=value ... */
    const char *words[64], *values[64];
    struct nf_str names, addresses, ports; /* of the host at hand */
};

/* NF_E_INVALID: no such URL. */
NF_RC nf_pg_target_init(struct nf_pg_target *t, const char *url, int64_t statement_ms,
                        int64_t lock_ms, struct nf_err *err);
void nf_pg_target_done(struct nf_pg_target *t);

/* Whether names of its hosts have to be looked up. */
bool nf_pg_target_looks_up(const struct nf_pg_target *t);

/* Fill words and values for PQconnectStartParams: host `i`, at `addresses` (a list with commas;
 * NULL: as the URL has it). Valid until the next call. */
NF_RC nf_pg_target_select(struct nf_pg_target *t, size_t i, const char *addresses,
                          struct nf_err *err);
