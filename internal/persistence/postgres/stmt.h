/* The catalogue's statements on one connection: their text, arguments and rows. */
#pragma once

#include "persistence/postgres/conn.h"

/* Texts for PostgreSQL: ?1 becomes $1, fragments for it are uncommented. Borrowed by connections.
 */
struct nf_pg_texts {
    char *v[NF_QUERY_COUNT];
};
NF_RC nf_pg_texts_init(struct nf_pg_texts *t, const struct nf_query_info *queries,
                       struct nf_err *err);
void nf_pg_texts_done(struct nf_pg_texts *t);

/* Prepare all and compare their parameters and columns with the catalogue's; outside of a pipeline.
 * NF_E_INTERNAL names the statement that does not fit. */
NF_RC nf_pg_check(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_err *err);

/* In a pipeline: queue a command, prepared before if it was not yet. *prepares: how many more
 * results come first. */
NF_RC nf_pg_send(struct nf_pg_conn *c, const struct nf_pg_texts *t, const struct nf_cmd *cmd,
                 bool *prepares, struct nf_err *err);

/* Rows that a result has or that its command touched. */
int64_t nf_pg_touched(const struct nf_query_info *q, const PGresult *r);

/* Call `cmd`'s callback for each row. */
NF_RC nf_pg_rows(const struct nf_query_info *q, const struct nf_cmd *cmd, const PGresult *r,
                 struct nf_err *err);
