/* nexflow migrate: all that is kept into another database, of the other engine or the same. */
#include "cmd/nexflow/cli.h"
#include "persistence/postgres/copy.h"
#include "persistence/sqlite/copy.h"
#include "persistence/sqlite/sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SQLITE "sqlite:"

struct migration {
    const char *from, *to;
    int64_t tables, rows;
};

static struct nf_postgres_options options(const char *url)
{
    return (struct nf_postgres_options){ .url = url,
                                         .connections = 1,
                                         .statement_ms = NF_POSTGRES_STATEMENT_MS,
                                         .lock_ms = NF_POSTGRES_LOCK_MS };
}

/* Open it as the daemon would, which brings its schema up to date, then as an end. */
static NF_RC open_end(const char *url, bool write, struct nf_copy_end **ret, struct nf_err *err)
{
    struct nf_postgres_options o = options(url);
    struct nf_db *db = NULL;
    if (strncmp(url, SQLITE, strlen(SQLITE)) != 0) {
        NF_TRY(nf_postgres_open(NULL, &o, &db, err));
        nf_db_free(db);
        return nf_postgres_copy_end(&o, ret, err);
    }
    const char *path = url + strlen(SQLITE);
    if (!write && access(path, F_OK) != 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no database '%s'", path);
    NF_TRY(nf_sqlite_open(NULL, path, &db, err));
    nf_db_free(db);
    return nf_sqlite_copy_end(path, write, ret, err);
}

static void on_table(void *arg, const char *table, int64_t rows)
{
    struct migration *m = arg;
    m->tables++;
    m->rows += rows;
    (void)printf("  %-18s %10lld rows, compared\n", table, (long long)rows);
    (void)fflush(stdout);
}

/* Blocks, so it runs beside the loop. */
static enum nf_code work(void *arg, struct nf_err *err)
{
    struct migration *m = arg;
    struct nf_copy_tables tables = { 0 };
    struct nf_copy_end *from = NULL, *to = NULL;
    enum nf_code rc = open_end(m->from, false, &from, err);
    if (rc == NF_OK)
        rc = nf_err_wrap(err, open_end(m->to, true, &to, err), "target");
    if (rc == NF_OK)
        rc = nf_sqlite_copy_tables(&tables, err);
    if (rc == NF_OK)
        rc = nf_copy_all(from, to, &tables, on_table, m, err);
    free(tables.v);
    if (to)
        to->ops->free(to);
    if (from)
        from->ops->free(from);
    return rc;
}

static bool is_url(const char *url)
{
    struct nf_err ignored;
    bool lite = strncmp(url, SQLITE, strlen(SQLITE)) == 0 && url[strlen(SQLITE)] != '\0';
    bool pg = strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
    return lite || (pg && nf_postgres_check_url(url, &ignored) == NF_OK);
}

static int run_migrate(struct nf_cli *cli, int argc, char **argv)
{
    struct migration m = { 0 };
    struct nf_err err;
    if (argc != 2 || !is_url(argv[1]))
        return nf_cli_misused(&nf_cli_migrate);
    enum nf_code rc = nf_cli_config_needed(cli, &err);
    m.from = rc == NF_OK ? cli->config.database.url : "";
    m.to = argv[1];
    if (rc == NF_OK && strcmp(m.from, m.to) == 0)
        rc = nf_err_set(&err, NF_E_INVALID, "this is the database that is configured already");
    if (rc == NF_OK)
        rc = nf_executor_call(cli->blocking, work, &m, &err);
    if (rc != NF_OK)
        return nf_cli_fail(&err);
    (void)printf(
        "%lld rows of %lld tables, all the same in both. Now set database.url, and keep the "
        "old database until you have looked around.\n",
        (long long)m.rows, (long long)m.tables);
    return NF_CLI_OK;
}

const struct nf_cli_command nf_cli_migrate = {
    .name = "migrate",
    .usage = "URL",
    .help = "copy everything into another database, SQLite or PostgreSQL",
    .details =
        "  URL is sqlite:PATH or postgresql://USER@HOST/NAME of an empty database. No daemon may\n"
        "  run on either. Every row is read again from both and compared before it counts; the\n"
        "  configured database is only read.\n",
    .run = run_migrate,
};
