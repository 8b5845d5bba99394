/* A connection to the file: opening it with our settings, and what SQLite's errors mean to us. */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sqlite3;

enum nf_lite_kind {
    NF_LITE_WRITER, /* creates the file, 0600, and makes it a WAL database */
    NF_LITE_READER, /* of a file that is one */
    NF_LITE_COPIER, /* may write to other files */
};

/* NF_E_IO: damaged or no database; NF_E_UNAVAILABLE: cannot be opened or is locked. `busy_ms`: how
 * long to wait for another program's lock. */
NF_RC nf_lite_conn_open(const char *path, enum nf_lite_kind kind, int busy_ms, struct sqlite3 **ret,
                        struct nf_err *err);
void nf_lite_conn_close(struct sqlite3 *conn);

/* Run statements whose rows do not matter. */
NF_RC nf_lite_exec(struct sqlite3 *conn, const char *path, const char *sql, struct nf_err *err);

/* The first column of a statement's first row, `otherwise` if there is none. */
NF_RC nf_lite_ask(struct sqlite3 *conn, const char *path, const char *sql, int64_t otherwise,
                  int64_t *ret, struct nf_err *err);

/* The one place where SQLite's result `rc` becomes an error of ours. `conn` may be NULL. */
enum nf_code nf_lite_error(struct sqlite3 *conn, const char *path, int rc, struct nf_err *err);

/* True if after `rc` the whole transaction is in doubt, not only the statement. */
bool nf_lite_is_fatal(int rc);
