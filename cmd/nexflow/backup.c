/* nexflow backup: copies of the database, made beside a running daemon or without one. */
#include "persistence/sqlite/backup.h"
#include "cmd/common/backup_record.h"
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct backup {
    const char *verb, *file, *database;
    struct nf_sqlite_verified found;
    struct nf_err unrecorded; /* code NF_OK: the daemon will know of the copy */
};

/* The copy is whole by then: that nobody is told of it does not make it worse. */
static void record(struct backup *b)
{
    if (nf_backup_record_write(b->database, b->file, (int64_t)time(NULL) * 1000, &b->unrecorded) ==
        NF_OK)
        b->unrecorded.code = NF_OK;
}

/* Blocks, so it runs beside the loop. */
static enum nf_code work(void *arg, struct nf_err *err)
{
    struct backup *b = arg;
    if (strcmp(b->verb, "create") == 0)
        NF_TRY(nf_sqlite_backup(b->database, b->file, err));
    NF_TRY(nf_sqlite_verify(b->file, &b->found, err));
    if (strcmp(b->verb, "create") == 0)
        record(b);
    return strcmp(b->verb, "restore") == 0 ? nf_sqlite_restore(b->file, b->database, err) : NF_OK;
}

/* nexflow-20260131-235959.db */
static NF_RC default_name(struct nf_str *ret, struct nf_err *err)
{
    time_t now = time(NULL);
    struct tm tm;
    char stamp[32];
    if (!gmtime_r(&now, &tm) || strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm) == 0)
        return nf_err_set(err, NF_E_INTERNAL, "the clock tells no time");
    return nf_str_addf(ret, err, "nexflow-%s.db", stamp);
}

static int run_backup(struct nf_cli *cli, int argc, char **argv)
{
    NF_CLEANUP(nf_str_done) struct nf_str name = { 0 };
    struct backup b = { 0 };
    struct nf_err err;

    if (argc < 2 || argc > 3 ||
        (strcmp(argv[1], "create") != 0 && strcmp(argv[1], "verify") != 0 &&
         strcmp(argv[1], "restore") != 0) ||
        (argc == 2 && strcmp(argv[1], "create") != 0))
        return nf_cli_misused(&nf_cli_backup);
    b.verb = argv[1];
    enum nf_code rc = argc == 3 ? nf_str_set(&name, argv[2], &err) : default_name(&name, &err);
    if (rc == NF_OK)
        rc = nf_cli_config_needed(cli, &err);
    if (rc == NF_OK)
        rc = nf_daemon_config_sqlite(&cli->config, &b.database, &err);
    b.file = nf_str_c(&name);
    if (rc == NF_OK)
        rc = nf_executor_call(cli->blocking, work, &b, &err);
    if (rc != NF_OK)
        return nf_cli_fail(&err);
    (void)printf("%s: whole, schema %lld, %lld users, %lld sessions, %lld messages\n", b.file,
                 (long long)b.found.schema, (long long)b.found.users, (long long)b.found.sessions,
                 (long long)b.found.messages);
    if (b.unrecorded.code != NF_OK)
        (void)fprintf(stderr, "nexflow: the daemon does not know of this copy: %s\n",
                      b.unrecorded.msg);
    if (strcmp(b.verb, "restore") == 0)
        (void)printf("restored to %s; start the daemon again\n", b.database);
    return NF_CLI_OK;
}

const struct nf_cli_command nf_cli_backup = {
    .name = "backup",
    .usage = "create [FILE] | verify FILE | restore FILE",
    .help = "copy the database, check a copy, put one back",
    .details =
        "  create   write a consistent copy, also while the daemon runs, and read it back whole\n"
        "  verify   read a copy whole and say what is in it\n"
        "  restore  verify a copy and put it in the database's place; the daemon must not run.\n"
        "           What was there is kept beside it.\n",
    .run = run_backup,
};
