/* A SQLite file as one end of a copy, and which tables there are on every engine. */
#pragma once

#include "persistence/copy.h"

/* All tables that the migrations make, but those that are about processes. Free ret->v. */
NF_RC nf_sqlite_copy_tables(struct nf_copy_tables *ret, struct nf_err *err);

/* The file must exist with the newest schema; it is locked meanwhile. NF_E_CONFLICT: a daemon runs
 * on it. */
NF_RC nf_sqlite_copy_end(const char *path, bool write, struct nf_copy_end **ret,
                         struct nf_err *err);
