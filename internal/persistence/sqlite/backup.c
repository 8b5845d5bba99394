#include "persistence/sqlite/backup.h"

#include "base/own.h"
#include "base/string.h"
#include "persistence/migrations.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/migrate.h"
#include "runtime/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MS 5000

static void close_conn(sqlite3 **conn)
{
    if (*conn)
        nf_lite_conn_close(*conn);
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static NF_RC must_exist(const char *path, struct nf_err *err)
{
    if (access(path, F_OK) == 0)
        return NF_OK;
    return nf_err_set(err, errno == ENOENT ? NF_E_NOT_FOUND : NF_E_UNAVAILABLE, "database '%s': %s",
                      path, strerror(errno));
}

static NF_RC sync_path(const char *path, int flags, struct nf_err *err)
{
    NF_CLEANUP(close_fd) int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot sync '%s': %s", path, strerror(errno));
    return NF_OK;
}

static NF_RC sync_dir_of(const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };
    const char *slash = strrchr(path, '/');
    NF_TRY(nf_str_add(&dir, slash ? path : ".",
                      slash == path || !slash ? 1 : (size_t)(slash - path), err));
    return sync_path(nf_str_c(&dir), O_RDONLY | O_DIRECTORY, err);
}

static NF_RC copy(sqlite3 *conn, const char *to, struct nf_err *err)
{
    char *sql = sqlite3_mprintf("VACUUM INTO %Q", to);
    if (!sql)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    enum nf_code rc = nf_lite_exec(conn, to, sql, err);
    sqlite3_free(sql);
    NF_TRY(rc);
    NF_TRY(sync_path(to, O_RDWR, err));
    return sync_dir_of(to, err);
}

enum nf_code nf_sqlite_backup(const char *from, const char *to, struct nf_err *err)
{
    NF_TRY(must_exist(from, err));
    NF_CLEANUP(close_conn) sqlite3 *conn = NULL;
    NF_TRY(nf_lite_conn_open(from, NF_LITE_COPIER, BUSY_MS, &conn, err));

    /* Made here, empty and private, since SQLite would make it readable to others. */
    NF_CLEANUP(close_fd) int fd = open(to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return nf_err_set(err, errno == EEXIST ? NF_E_CONFLICT : NF_E_UNAVAILABLE,
                          "cannot create '%s': %s", to, strerror(errno));
    enum nf_code rc = copy(conn, to, err);
    if (rc != NF_OK)
        (void)unlink(to);
    return rc;
}

static NF_RC check_structure(sqlite3 *conn, const char *path, struct nf_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(conn, "PRAGMA integrity_check(1)", -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    enum nf_code code = NF_OK;
    if (rc != SQLITE_ROW) {
        code = nf_lite_error(conn, path, rc, err);
    } else {
        const char *found = (const char *)sqlite3_column_text(s, 0);
        if (!found || strcmp(found, "ok") != 0)
            code = nf_err_set(err, NF_E_IO, "'%s' is damaged: %s", path, found ? found : "?");
    }
    sqlite3_finalize(s);
    return code;
}

enum nf_code nf_sqlite_verify(const char *path, struct nf_sqlite_verified *ret, struct nf_err *err)
{
    struct nf_sqlite_verified v = { 0 };
    struct nf_migrations all = nf_migrations_all();
    int64_t known = all.v[all.n - 1].version;
    NF_TRY(must_exist(path, err));
    NF_CLEANUP(close_conn) sqlite3 *conn = NULL;
    NF_TRY(nf_lite_conn_open(path, NF_LITE_READER, BUSY_MS, &conn, err));
    NF_TRY(check_structure(conn, path, err));
    NF_TRY(nf_lite_schema_version(conn, path, &v.schema, err));
    if (v.schema == 0)
        return nf_err_set(err, NF_E_INVALID, "'%s' is empty", path);
    if (v.schema > known)
        return nf_err_set(err, NF_E_INVALID,
                          "'%s' is from a newer Nexflow (schema %lld, this program knows %lld)",
                          path, (long long)v.schema, (long long)known);
    NF_TRY(nf_lite_ask(conn, path, "SELECT count(*) FROM users", 0, &v.users, err));
    NF_TRY(nf_lite_ask(conn, path, "SELECT count(*) FROM sessions", 0, &v.sessions, err));
    NF_TRY(nf_lite_ask(conn, path, "SELECT count(*) FROM messages", 0, &v.messages, err));
    *ret = v;
    return NF_OK;
}

/* Move the database away with its side files, so that an old log is never applied to a new file. */
static NF_RC set_aside(const char *path, struct nf_err *err)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    long long now = (long long)time(NULL);
    for (size_t i = 0; i < 3; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str from = { 0 }, to = { 0 };
        NF_TRY(nf_str_addf(&from, err, "%s%s", path, suffixes[i]));
        NF_TRY(nf_str_addf(&to, err, "%s.before-restore-%lld%s", path, now, suffixes[i]));
        if (rename(nf_str_c(&from), nf_str_c(&to)) != 0 && errno != ENOENT)
            return nf_err_set(err, NF_E_UNAVAILABLE, "cannot move '%s': %s", nf_str_c(&from),
                              strerror(errno));
    }
    return NF_OK;
}

enum nf_code nf_sqlite_restore(const char *from, const char *to, struct nf_err *err)
{
    struct nf_sqlite_verified v;
    NF_TRY(nf_sqlite_verify(from, &v, err));
    NF_CLEANUP(close_fd) int lock = -1;
    NF_TRY(nf_lock_take("database", to, &lock, err));

    /* The copy is complete before anything is moved. */
    NF_CLEANUP(nf_str_done) struct nf_str fresh = { 0 };
    NF_TRY(nf_str_addf(&fresh, err, "%s" NF_SQLITE_RESTORING, to));
    (void)unlink(nf_str_c(&fresh));
    NF_TRY(nf_sqlite_backup(from, nf_str_c(&fresh), err));
    NF_TRY(set_aside(to, err));
    if (rename(nf_str_c(&fresh), to) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot move '%s': %s", nf_str_c(&fresh),
                          strerror(errno));
    return sync_dir_of(to, err);
}
