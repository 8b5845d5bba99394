/* When the last copy of the database was made, as `nexflow backup create` left word. */
#pragma once

#include "cmd/common/backup_record.h"
#include "runtime/executor.h"

struct nf_daemon_backups {
    const char *database; /* borrowed: its path; NULL: it is not SQLite's, and has its own tools */
    struct nf_executor *files;
    struct nf_backup_record last; /* of a moment ago */
};

/* Look again and again, until it is cancelled. */
enum nf_code nf_daemon_backups_watch(void *backups, struct nf_err *err);
void nf_daemon_backups_done(struct nf_daemon_backups *b);
