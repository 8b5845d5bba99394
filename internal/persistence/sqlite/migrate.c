#include "persistence/sqlite/migrate.h"

#include "base/own.h"
#include "base/string.h"
#include "persistence/catalogue.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/conn.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum nf_code nf_lite_schema_version(sqlite3 *conn, const char *path, int64_t *ret,
                                    struct nf_err *err)
{
    int64_t tables, versioned, version = 0;
    NF_TRY(nf_lite_ask(conn, path, "SELECT count(*) FROM sqlite_master", 0, &tables, err));
    NF_TRY(nf_lite_ask(conn, path,
                       "SELECT count(*) FROM sqlite_master WHERE type='table' AND "
                       "name='schema_version'",
                       0, &versioned, err));
    if (tables > 0 && !versioned)
        return nf_err_set(err, NF_E_INVALID,
                          "'%s' is a database of another program: give another path", path);
    if (versioned)
        NF_TRY(
            nf_lite_ask(conn, path, "SELECT max(version) FROM schema_version", 0, &version, err));
    *ret = version;
    return NF_OK;
}

static NF_RC check_applied(sqlite3 *conn, const char *path, const struct nf_migration *m,
                           struct nf_err *err)
{
    int64_t same;
    char *sql = sqlite3_mprintf("SELECT count(*) FROM schema_version WHERE version=%lld AND "
                                "sha256=%Q",
                                (long long)m->version, m->sha256);
    if (!sql)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    enum nf_code rc = nf_lite_ask(conn, path, sql, 0, &same, err);
    sqlite3_free(sql);
    NF_TRY(rc);
    if (!same)
        return nf_err_set(err, NF_E_INVALID,
                          "database '%s' was made with another migration %s: install the version "
                          "of Nexflow that made it",
                          path, m->name);
    return NF_OK;
}

static NF_RC apply(sqlite3 *conn, const char *path, const struct nf_migration *m, int64_t now_ms,
                   struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    NF_TRY(nf_sql_expand(m->sql, "lite", &sql, err));
    NF_TRY(nf_lite_exec(conn, path, nf_str_c(&sql), err));
    nf_str_reset(&sql);
    NF_TRY(nf_str_addf(&sql, err,
                       "INSERT INTO schema_version(version,sha256,applied_at) VALUES(%lld,'%s',"
                       "%lld)",
                       (long long)m->version, m->sha256, (long long)now_ms));
    return nf_lite_exec(conn, path, nf_str_c(&sql), err);
}

static NF_RC apply_all(sqlite3 *conn, const char *path, struct nf_migrations all, int64_t version,
                       int64_t now_ms, struct nf_err *err)
{
    NF_TRY(nf_lite_exec(conn, path,
                        "CREATE TABLE IF NOT EXISTS schema_version(version INTEGER PRIMARY KEY,"
                        "sha256 TEXT NOT NULL,applied_at INTEGER NOT NULL)",
                        err));
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].version > version) {
            enum nf_code rc = apply(conn, path, &all.v[i], now_ms, err);
            if (rc != NF_OK)
                return nf_err_wrap(err, rc, "migration %s", all.v[i].name);
        }
    return nf_lite_exec(conn, path, "COMMIT", err);
}

/* *to: its path. */
static NF_RC back_up(const char *path, int64_t version, int64_t now_ms, struct nf_str *to,
                     struct nf_err *err)
{
    NF_TRY(
        nf_str_addf(to, err, "%s.backup-v%lld-%lld", path, (long long)version, (long long)now_ms));
    enum nf_code rc = nf_sqlite_backup(path, nf_str_c(to), err);
    return rc == NF_OK ? NF_OK : nf_err_wrap(err, rc, "backup before the migration");
}

enum nf_code nf_lite_migrate(sqlite3 *conn, const char *path, struct nf_migrations all,
                             struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str backup = { 0 };
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    int64_t now_ms = (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
    int64_t version = 0, known = all.v[all.n - 1].version;

    NF_TRY(nf_lite_schema_version(conn, path, &version, err));
    if (version > known)
        return nf_err_set(
            err, NF_E_INVALID,
            "database is from a newer Nexflow (schema %lld, this program knows %lld): "
            "install the newer version or restore the backup '%s.backup-v%lld-...'",
            (long long)version, (long long)known, path, (long long)known);
    for (size_t i = 0; i < all.n && all.v[i].version <= version; i++)
        NF_TRY(check_applied(conn, path, &all.v[i], err));
    if (version == known)
        return NF_OK;
    if (version > 0)
        NF_TRY(back_up(path, version, now_ms, &backup, err));

    NF_TRY(nf_lite_exec(conn, path, "BEGIN IMMEDIATE", err));
    enum nf_code rc = apply_all(conn, path, all, version, now_ms, err);
    if (rc == NF_OK)
        return NF_OK;
    if (!sqlite3_get_autocommit(conn))
        (void)sqlite3_exec(conn, "ROLLBACK", NULL, NULL, NULL);
    /* Nothing has changed. Whoever starts the program again and again gets no copy each time. */
    if (backup.len > 0 && sqlite3_get_autocommit(conn))
        (void)unlink(nf_str_c(&backup));
    return rc;
}
