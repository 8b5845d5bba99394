/* Rows copied out of the database on one thread, to be handed out on another. */
#pragma once

#include "persistence/catalogue.h"

struct sqlite3_stmt;

#define NF_LITE_ROWS_MAX ((size_t)64 << 20) /* bytes of one transaction's or read's rows */

/* The zero value is empty. */
struct nf_lite_rows {
    char *p;
    size_t len, cap;
};

void nf_lite_rows_done(struct nf_lite_rows *r);

/* Append the statement's current row, tagged with the number of its command. */
NF_RC nf_lite_rows_add(struct nf_lite_rows *r, const struct nf_query_info *q, size_t cmd,
                       struct sqlite3_stmt *s, struct nf_err *err);

/* Call each row's callback, in order, until one fails. */
NF_RC nf_lite_rows_replay(struct nf_lite_rows *r, const struct nf_query_info *queries,
                          const struct nf_cmd *cmds, struct nf_err *err);
