/* The only place where PostgreSQL's errors become ours. */
#pragma once

#include "base/error.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* What libpq says about the connection, as one line. */
enum nf_code nf_pg_conn_error(PGconn *pg, const char *what, struct nf_err *err);

/* What the server says about a statement. */
enum nf_code nf_pg_result_error(const PGresult *r, struct nf_err *err);

/* Another attempt at the transaction may succeed: a deadlock, or a conflict of serialisation. */
bool nf_pg_is_conflict(const PGresult *r);

/* The server that said so is of no use any more: it shuts down, or cannot be written to. */
bool nf_pg_is_going(const PGresult *r);
