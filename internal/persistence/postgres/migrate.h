/* Brings the schema up to date. */
#pragma once

#include "persistence/migrations.h"
#include "persistence/postgres/conn.h"

/* Apply what is missing, in one transaction under an advisory lock: of several instances that start
 * at once one does, and the others find it done. NF_E_INVALID: a newer schema, other migrations
 * under the same numbers, or tables of another program. */
NF_RC nf_pg_migrate(struct nf_pg_conn *c, struct nf_migrations all, struct nf_err *err);

/* A migration's text for PostgreSQL. Texts are compared byte by byte, as in SQLite, whatever the
 * database's collation is. */
NF_RC nf_pg_migration_text(const char *sql, struct nf_str *ret, struct nf_err *err);
