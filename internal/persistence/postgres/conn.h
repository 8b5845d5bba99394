/*
 * One connection. Whoever uses it has it alone. Nothing here can be cancelled: what was begun is
 * known to have ended, or the connection is gone; every wait is bounded.
 */
#pragma once

#include "base/string.h"
#include "persistence/catalogue.h"
#include "persistence/postgres/target.h"
#include "runtime/executor.h"
#include "runtime/poll.h"

#include <libpq-fe.h>

#define NF_PG_CONNECT_MS 4000 /* for one host */
#define NF_PG_GRACE_MS 5000   /* how much longer than its own limit a server may take to answer */
#define NF_PG_LIFE_MAX 64

struct nf_pg_conn {
    struct nf_loop *loop;        /* NULL: waits block */
    struct nf_pg_target *target; /* borrowed */
    struct nf_executor *names;   /* borrowed: looks names up; NULL without a loop */
    const struct nf_query_info *queries;
    int64_t answer_ms; /* how long to wait for the server */

    PGconn *pg; /* NULL: not connected */
    struct nf_poll *poll;
    size_t host; /* that it is connected to, or tries first */
    bool prepared[NF_QUERY_COUNT];
    bool controls;                 /* the statements around a transaction: tx.c */
    char life[NF_PG_LIFE_MAX + 1]; /* another text after each crash of the server, and of another */
};

/* Connect to the first host that takes writes, from the one that did last time on.
 * NF_E_UNAVAILABLE: none does; the message is about the last. NF_E_INVALID: not a server for us. */
NF_RC nf_pg_conn_open(struct nf_pg_conn *c, struct nf_err *err);
void nf_pg_conn_close(struct nf_pg_conn *c);

/* Whether it can still be used; if not, it should be closed. */
bool nf_pg_conn_alive(const struct nf_pg_conn *c);

/* Send what was queued and wait for the next result: NULL ends the results of a command. For the
 * caller to PQclear. NF_E_UNAVAILABLE: the connection is lost. */
NF_RC nf_pg_next(struct nf_pg_conn *c, PGresult **ret, struct nf_err *err);

/* Run statements without arguments, outside of a pipeline. */
NF_RC nf_pg_exec(struct nf_pg_conn *c, const char *sql, struct nf_err *err);
/* The same with one row of one column of at most 64 bytes as the answer; *found: whether there was
 * one. */
struct nf_pg_answer {
    bool found;
    char text[65];
};
NF_RC nf_pg_ask(struct nf_pg_conn *c, const char *sql, const char *argument,
                struct nf_pg_answer *ret, struct nf_err *err);

/* From here on, and back: many statements are sent before the first answer is read. */
NF_RC nf_pg_pipeline(struct nf_pg_conn *c, bool on, struct nf_err *err);

/* In a pipeline: set a point behind what was sent, and read its answers up to there; the first that
 * failed is the error. NF_E_UNAVAILABLE: the connection is lost. */
NF_RC nf_pg_drain(struct nf_pg_conn *c, struct nf_err *err);

/* Wait until the server says something unasked. NF_E_TIMEOUT: not within `ms`; NF_E_UNAVAILABLE:
 * the connection is lost. */
NF_RC nf_pg_listen(struct nf_pg_conn *c, int64_t ms, struct nf_err *err);

/* Let time pass. */
void nf_pg_pause(struct nf_pg_conn *c, int64_t ms);
