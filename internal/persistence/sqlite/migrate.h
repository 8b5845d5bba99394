/* Bringing a file's schema up to date. */
#pragma once

#include "base/error.h"
#include "persistence/migrations.h"

struct sqlite3;

/* Apply what is missing, in one transaction. A file that had data is copied first, to
 * PATH.backup-v<version>-<time>. NF_E_INVALID: a newer schema than `all` knows, a migration that is
 * not what was applied, or a database of somebody else; then the file is as before. */
NF_RC nf_lite_migrate(struct sqlite3 *conn, const char *path, struct nf_migrations all,
                      struct nf_err *err);

/* The version of the schema, 0 for an empty file. NF_E_INVALID: a database of somebody else. */
NF_RC nf_lite_schema_version(struct sqlite3 *conn, const char *path, int64_t *ret,
                             struct nf_err *err);
