/*
 * The PostgreSQL driver: libpq without blocking on the loop, a few connections, a pipeline for each
 * transaction. What it says is committed the server has synced to its disk.
 *
 * Transactions run at READ COMMITTED: what a transaction decides by, its statements lock first (in
 * the catalogue: a fragment for PostgreSQL, FOR UPDATE). Those of one session follow each other, so
 * that they wait here and not for each other's locks; whichever connection is free takes the next.
 *
 * A lost connection is made again, to another host of the URL if need be. What was not committed by
 * then runs again; what was being committed is asked for by its transaction number.
 */
#pragma once

#include "persistence/sql.h"

struct nf_loop;

struct nf_postgres_options {
    const char *url;      /* postgresql://USER:PASSWORD@HOST:PORT,HOST:PORT/NAME?OPTIONS */
    int64_t connections;  /* 1 to NF_POSTGRES_CONNECTIONS_MAX */
    int64_t statement_ms; /* the server ends a statement after that */
    int64_t lock_ms;      /* or one that waits so long for another's lock */
};
#define NF_POSTGRES_CONNECTIONS_MAX 64
#define NF_POSTGRES_STATEMENT_MS 15000
#define NF_POSTGRES_LOCK_MS 5000
#define NF_POSTGRES_WAITING_MAX 8192 /* transactions and reads that wait for a connection */

/* Whether `url` could be such a URL, without asking anybody. NF_E_INVALID says what is wrong. */
NF_RC nf_postgres_check_url(const char *url, struct nf_err *err);

/* Connect, bring the schema up to date (one instance at a time does) and check every statement
 * against it. `loop` NULL: calls block the calling thread instead of suspending a fiber; for
 * programs without a loop. NF_E_INVALID: a newer schema, or tables of another program, or a URL
 * that is none; NF_E_UNAVAILABLE: no host of the URL lets us in. */
NF_RC nf_postgres_open(struct nf_loop *loop, const struct nf_postgres_options *o,
                       struct nf_db **ret, struct nf_err *err);
