/*
 * The SQLite driver: one file, one thread that writes with group commit, one that reads beside it.
 * What it says is committed has been synced to the disk.
 */
#pragma once

#include "persistence/sql.h"

struct nf_loop;

/* Open or create the database at `path`, bring its schema up to date and check every statement
 * against it. `loop` NULL: calls block the calling thread instead of suspending a fiber; for
 * programs without a loop. NF_E_CONFLICT: another process serves this file; NF_E_INVALID: a newer
 * schema, or not a database of ours; NF_E_IO: damaged; NF_E_UNAVAILABLE: cannot be opened. */
NF_RC nf_sqlite_open(struct nf_loop *loop, const char *path, struct nf_db **ret,
                     struct nf_err *err);

/* How long to wait for the lock of another program that looks into the file. */
#define NF_SQLITE_BUSY_MS 5000

/* As nf_sqlite_open, waiting `busy_ms` for such a lock. */
NF_RC nf_sqlite_open_with(struct nf_loop *loop, const char *path, int busy_ms, struct nf_db **ret,
                          struct nf_err *err);
