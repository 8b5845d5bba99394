#include "persistence/sqlite/conn.h"

#include "base/own.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pages of cache, in KiB (negative: not pages). Small: what is hot is the newest messages, and the
 * kernel caches the file as well. */
#define PRAGMAS_BOTH                                                                               \
    "PRAGMA temp_store=MEMORY;PRAGMA mmap_size=0;PRAGMA trusted_schema=OFF;PRAGMA "                \
    "cell_size_check=ON;"
#define PRAGMAS_WRITER PRAGMAS_BOTH "PRAGMA synchronous=FULL;PRAGMA cache_size=-2048;"
#define PRAGMAS_READER PRAGMAS_BOTH "PRAGMA query_only=ON;PRAGMA cache_size=-1024;"

bool nf_lite_is_fatal(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
        return false;
    default:
        return true;
    }
}

static bool is_full(sqlite3 *conn, int rc)
{
    if ((rc & 0xff) == SQLITE_FULL)
        return true;
    int e = (rc & 0xff) == SQLITE_IOERR && conn ? sqlite3_system_errno(conn) : 0;
    return e == ENOSPC || e == EDQUOT;
}

enum nf_code nf_lite_error(sqlite3 *conn, const char *path, int rc, struct nf_err *err)
{
    const char *slash = strrchr(path, '/');
    int dir_n = slash ? (int)(slash - path) : 1;
    const char *dir = slash ? path : ".";
    int e = conn ? sqlite3_system_errno(conn) : 0;

    if (is_full(conn, rc))
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "disk is full: free space in %.*s; what was stored before is safe", dir_n,
                          dir);
    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL: /* a lock could not be taken, and not since somebody has it */
    case SQLITE_LOCKED:
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "database '%s' is locked by another program: close it", path);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "database '%s' cannot be written: it and its directory must belong to "
                          "the user that runs Nexflow",
                          path);
    case SQLITE_CANTOPEN:
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot open database '%s'%s%s", path,
                          e ? ": " : "", e ? strerror(e) : "");
    case SQLITE_IOERR:
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot read or write database '%s': %s", path,
                          e ? strerror(e) : sqlite3_errstr(rc));
    case SQLITE_CORRUPT:
        return nf_err_set(err, NF_E_IO,
                          "database '%s' is damaged: restore it from a backup "
                          "(nexflow backup restore)",
                          path);
    case SQLITE_NOTADB:
        return nf_err_set(err, NF_E_IO,
                          "'%s' is not a database: give another path, or restore it from a backup",
                          path);
    case SQLITE_CONSTRAINT:
        return nf_err_set(err, NF_E_CONFLICT, "refused by the database: %s",
                          conn ? sqlite3_errmsg(conn) : "constraint");
    case SQLITE_TOOBIG:
        return nf_err_set(err, NF_E_LIMIT, "text too big for the database");
    case SQLITE_NOMEM:
        return nf_err_set(err, NF_E_NOMEM, "out of memory in the database");
    default:
        return nf_err_set(err, NF_E_INTERNAL, "database '%s': %s", path,
                          conn ? sqlite3_errmsg(conn) : sqlite3_errstr(rc));
    }
}

enum nf_code nf_lite_exec(sqlite3 *conn, const char *path, const char *sql, struct nf_err *err)
{
    int rc = sqlite3_exec(conn, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? NF_OK : nf_lite_error(conn, path, rc, err);
}

enum nf_code nf_lite_ask(sqlite3 *conn, const char *path, const char *sql, int64_t otherwise,
                         int64_t *ret, struct nf_err *err)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(conn, sql, -1, &s, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : otherwise;
    enum nf_code code = NF_OK;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        code = nf_lite_error(conn, path, rc, err);
    sqlite3_finalize(s);
    if (code == NF_OK)
        *ret = value;
    return code;
}

/* SQLite gives its side files the mode of the file itself, so that one must exist before. */
static NF_RC make_private(const char *path, struct nf_err *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot open database '%s': %s", path,
                          strerror(errno));
    struct stat st;
    bool is_open = fstat(fd, &st) == 0 && (st.st_mode & 077) != 0;
    int rc = is_open ? fchmod(fd, 0600) : 0;
    int e = errno;
    close(fd);
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot make database '%s' private: %s", path,
                          strerror(e));
    return NF_OK;
}

static NF_RC configure(sqlite3 *conn, const char *path, enum nf_lite_kind kind, struct nf_err *err)
{
    static const char *const pragmas[] = {
        [NF_LITE_WRITER] = PRAGMAS_WRITER,
        [NF_LITE_READER] = PRAGMAS_READER,
        [NF_LITE_COPIER] = PRAGMAS_BOTH,
    };
    NF_TRY(nf_lite_exec(conn, path, pragmas[kind], err));
    if (kind != NF_LITE_WRITER)
        return NF_OK;
    /* The mode is answered as a text: "wal". Checkpoints are ours to time. */
    int64_t is_wal = 0;
    NF_TRY(nf_lite_exec(conn, path, "PRAGMA journal_mode=WAL;PRAGMA wal_autocheckpoint=0", err));
    NF_TRY(nf_lite_ask(conn, path, "SELECT journal_mode='wal' FROM pragma_journal_mode", 0, &is_wal,
                       err));
    if (!is_wal)
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "the file system of '%s' cannot hold a shared write-ahead log: use a "
                          "local disk",
                          path);
    return NF_OK;
}

/* What a savepoint must be able to undo is kept in memory: the file it would go to from 64 KiB on
 * costs more than the commit. Nobody asks how much memory SQLite has: counting it takes a lock that
 * all connections share, twice for every allocation. Only the first call in a process has an
 * effect. */
static void configure_library(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum nf_code nf_lite_conn_open(const char *path, enum nf_lite_kind kind, int busy_ms, sqlite3 **ret,
                               struct nf_err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure_library);
    if (kind == NF_LITE_WRITER)
        NF_TRY(make_private(path, err));
    sqlite3 *conn = NULL;
    /* One thread at a time uses a connection: SQLite need not lock. */
    int rc = sqlite3_open_v2(path, &conn, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    enum nf_code code = NF_OK;
    if (rc != SQLITE_OK) {
        code = nf_lite_error(conn, path, rc, err);
    } else {
        sqlite3_extended_result_codes(conn, 1);
        sqlite3_busy_timeout(conn, busy_ms);
        code = configure(conn, path, kind, err);
    }
    if (code != NF_OK) {
        nf_lite_conn_close(conn);
        return code;
    }
    *ret = conn;
    return NF_OK;
}

void nf_lite_conn_close(sqlite3 *conn)
{
    int rc = sqlite3_close(conn);
    assert(rc == SQLITE_OK); /* every statement was finalised */
}
