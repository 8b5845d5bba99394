/* Copies of a database, made and checked without the daemon or beside it. They block. */
#pragma once

#include "base/error.h"

#include <stdint.h>

/* Write a consistent copy of the database `from` to the new file `to` (0600) and sync it. A daemon
 * may be writing to `from` meanwhile. NF_E_NOT_FOUND: no such database; NF_E_CONFLICT: `to` exists;
 * NF_E_UNAVAILABLE: full, locked; then `to` is not left behind. */
NF_RC nf_sqlite_backup(const char *from, const char *to, struct nf_err *err);

struct nf_sqlite_verified {
    int64_t schema, users, sessions, messages;
};

/* Read all of it and check its structure and schema. NF_E_NOT_FOUND; NF_E_IO: damaged, with what
 * was found first; NF_E_INVALID: not a database of ours, or from a newer Nexflow. */
NF_RC nf_sqlite_verify(const char *path, struct nf_sqlite_verified *ret, struct nf_err *err);

/* Put the verified copy `from` in the place of the database `to`, which must not be in use:
 * NF_E_CONFLICT names the process. What was there is kept as `to`.before-restore-<time>. */
NF_RC nf_sqlite_restore(const char *from, const char *to, struct nf_err *err);

/* Behind the database's name while it is being restored: the copy that takes its place. */
#define NF_SQLITE_RESTORING ".restoring"
