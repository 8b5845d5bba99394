/* The catalogue prepared on one connection. */
#pragma once

#include "persistence/sqlite/rows.h"

struct sqlite3;

struct nf_lite_stmts {
    struct sqlite3 *conn;
    const char *path; /* for messages */
    const struct nf_query_info *queries;
    struct sqlite3_stmt *v[NF_QUERY_COUNT]; /* NULL: not needed yet */
};

/* Prepare every statement against the live schema and compare its parameters and columns with the
 * catalogue's. NF_E_INTERNAL names the statement that does not fit. Those that only read are
 * prepared again when first used: mostly that is on another connection. */
NF_RC nf_lite_stmts_check(struct nf_lite_stmts *s, struct nf_err *err);
void nf_lite_stmts_done(struct nf_lite_stmts *s);

/* Run one command. *touched: rows returned, or changed by a statement that returns none. *rc is
 * SQLite's result when the database itself failed, else SQLITE_OK. Rows go to `rows` if the command
 * wants them. */
NF_RC nf_lite_run(struct nf_lite_stmts *s, const struct nf_cmd *c, size_t index,
                  struct nf_lite_rows *rows, int64_t *touched, int *rc, struct nf_err *err);
