/* One transaction or read on one connection, begun again where that does no harm. */
#pragma once

#include "persistence/postgres/stmt.h"

#define NF_PG_ATTEMPTS_MAX 10  /* of a transaction that others are in the way of */
#define NF_PG_RETRY_MS 5000    /* how long to try to get a lost connection back */
#define NF_PG_RESOLVE_MS 15000 /* and to learn what became of what was being committed */

struct nf_pg_job {
    const struct nf_cmd *cmds;
    size_t n;
    PGresult **results; /* of each command, once it is done */
    bool *prepares;
    size_t failed;   /* NF_E_CONFLICT: the command that was refused */
    int64_t touched; /* by the last command */
    uint64_t retries, reconnects;
    int64_t commit_us;
};

NF_RC nf_pg_job_init(struct nf_pg_job *j, const struct nf_cmd *cmds, size_t n, struct nf_err *err);
void nf_pg_job_done(struct nf_pg_job *j);

/* Commit all or nothing, as the port says. */
NF_RC nf_pg_tx(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
               struct nf_err *err);
/* Run the one command. */
NF_RC nf_pg_read(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_pg_job *j,
                 struct nf_err *err);
