/* The connections, and who waits for which. */
#pragma once

#include "persistence/postgres/tx.h"

struct nf_pg_slot {
    struct nf_pg_conn conn;
    bool busy;
    i64 session; /* that its transaction is about; 0: of none */
};

struct nf_pg_pool {
    struct nf_pg_slot *v;
    size_t n;
    struct nf_pg_ticket *head, **tail; /* who waits for one, in order */
    size_t waiting;
    size_t next;           /* where to begin to look for a free one */
    int64_t down_until_ms; /* after a failure to connect others need not try at once */
    struct nf_err down;
    int64_t well_ms; /* when the server last did something for us */
};

void nf_pg_pool_init(struct nf_pg_pool *p);
/*
 * One for the commands. Writes of a session follow each other: while one has a connection the next
 * waits here, not at the first one's locks, and whoever stands behind it gets a connection before.
 * NF_E_UNAVAILABLE: too many wait. Suspends; give it back with nf_pg_pool_release.
 */
NF_RC nf_pg_pool_acquire(struct nf_pg_pool *p, const struct nf_query_info *queries,
                         const struct nf_cmd *cmds, size_t n, bool write, struct nf_pg_slot **ret,
                         struct nf_err *err);
void nf_pg_pool_release(struct nf_pg_pool *p, struct nf_pg_slot *s);

/* The session that the commands are about, or false. */
bool nf_pg_route(const struct nf_query_info *queries, const struct nf_cmd *cmds, size_t n,
                 i64 *ret);
