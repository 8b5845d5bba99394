#include "cmd/nexflowd/backups.h"

#include "base/own.h"
#include "observe/log.h"

#include <string.h>

#define LOOK_EVERY_MS 2000

struct look {
    const char *database;
    struct nf_backup_record found;
};

static void look_done(struct look *l)
{
    nf_backup_record_done(&l->found);
}

static enum nf_code look(void *arg, struct nf_err *err)
{
    struct look *l = arg;
    return nf_backup_record_read(l->database, &l->found, err);
}

static NF_RC look_once(struct nf_daemon_backups *b, struct nf_err *err)
{
    NF_CLEANUP(look_done) struct look l = { .database = b->database };
    NF_TRY(nf_executor_call(b->files, look, &l, err));
    nf_backup_record_done(&b->last);
    b->last = nf_take(l.found);
    return NF_OK;
}

enum nf_code nf_daemon_backups_watch(void *backups, struct nf_err *err)
{
    struct nf_daemon_backups *b = backups;
    char told[sizeof(err->msg)] = ""; /* the same once */
    for (;;) {
        struct nf_err why = { 0 };
        if (look_once(b, &why) == NF_OK)
            told[0] = '\0';
        else if (why.code != NF_E_CANCELED && strcmp(told, why.msg) != 0) {
            nf_log_warn("backup.unknown", "err", why.msg, NULL);
            memcpy(told, why.msg, sizeof(told));
        }
        NF_TRY(nf_sleep(LOOK_EVERY_MS, err));
    }
}

void nf_daemon_backups_done(struct nf_daemon_backups *b)
{
    nf_backup_record_done(&b->last);
}
