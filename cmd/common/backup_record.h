/*
 * When the last copy of a SQLite database was made: `nexflow backup create` leaves a file beside
 * the database, and the daemon tells what it says. It says nothing of copies that others made.
 * Blocks.
 */
#pragma once

#include "base/string.h"

struct nf_backup_record {
    int64_t at_ms; /* 0: no copy was made yet */
    char *file;    /* its absolute path then; NULL: none */
};
void nf_backup_record_done(struct nf_backup_record *r);

/* Let the file beside `database` say that the copy `file` was made at `at_ms`. It belongs to whom
 * the database belongs. NF_E_IO. */
NF_RC nf_backup_record_write(const char *database, const char *file, int64_t at_ms,
                             struct nf_err *err);
/* NF_OK with at_ms 0: there is no such file. NF_E_IO; NF_E_INVALID: it is none of ours. */
NF_RC nf_backup_record_read(const char *database, struct nf_backup_record *ret, struct nf_err *err);
