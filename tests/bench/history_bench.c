/*
 * Reading the last 50 messages of a session in a big database: warm and cold.
 *
 * usage: history_bench [ROWS [DIR]]     default 200,000 rows in "."; 10,000,000 take 4 GB
 *
 * Sessions have 200 messages of 250 bytes on average, written interleaved, as in life. The times
 * are those of the store: through the reading thread and back, with all messages copied.
 */
#include "base/own.h"
#include "persistence/migrations.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/migrate.h"
#include "persistence/sqlite/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PER_SESSION 200
#define READS 2000
#define COLD_READS 50
/* Rows of a commit while filling: each session's last page is written once for several of them. */
#define BATCH 500000

static int64_t us[READS];

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "history_bench: %s\n", what);
    exit(1);
}

static void remove_files(const char *path)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
    char name[512];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
}

/* Without syncs: it is reading that is measured. */
static void fill(const char *path, int64_t rows, int64_t sessions)
{
    sqlite3 *conn = NULL;
    sqlite3_stmt *s = NULL;
    struct nf_err err;
    char text[301] = { 0 };
    memset(text, 'm', 300);
    int64_t *seq = calloc((size_t)sessions + 1, sizeof(*seq));
    if (!seq || nf_lite_conn_open(path, NF_LITE_WRITER, 1000, &conn, &err) != NF_OK ||
        nf_lite_migrate(conn, path, nf_migrations_all(), &err) != NF_OK ||
        sqlite3_exec(conn, "PRAGMA synchronous=OFF;PRAGMA cache_size=-500000;BEGIN", NULL, NULL,
                     NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(conn,
                           "INSERT INTO messages(session_id,seq,role,run_id,created_at,content)"
                           " VALUES(?1,?2,2,1,1,?3)",
                           -1, &s, NULL) != SQLITE_OK)
        die("cannot make the database");
    for (int64_t i = 0; i < rows; i++) {
        int64_t n = (int64_t)((uint64_t)i * 2654435761u % (uint64_t)sessions) + 1;
        sqlite3_bind_int64(s, 1, n);
        sqlite3_bind_int64(s, 2, ++seq[n]);
        sqlite3_bind_text(s, 3, text, (int)(200 + i % 100), SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE)
            die(sqlite3_errmsg(conn));
        sqlite3_reset(s);
        if (i % BATCH == BATCH - 1)
            (void)sqlite3_exec(conn, "COMMIT;PRAGMA wal_checkpoint(PASSIVE);BEGIN", NULL, NULL,
                               NULL);
    }
    (void)sqlite3_exec(conn, "COMMIT", NULL, NULL, NULL);
    sqlite3_finalize(s);
    nf_lite_conn_close(conn);
    free(seq);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void forget_pages(const char *path)
{
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fdatasync(fd) != 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) != 0)
        die("cannot drop the file from the page cache");
    close(fd);
}

/* Read the last 50 messages of one after the other of the first `sessions` sessions. */
static void measure(const char *path, const char *what, int64_t sessions, size_t reads, bool cold)
{
    struct nf_db *db;
    struct nf_stores s;
    struct nf_err err;
    if (nf_sqlite_open(NULL, path, &db, &err) != NF_OK ||
        nf_repositories_new(db, &s, &err) != NF_OK)
        die(err.msg);
    for (size_t i = 0; i < reads; i++) {
        struct nf_messages m;
        int64_t session = (int64_t)((i * 7919u) % (uint64_t)sessions) + 1;
        if (cold)
            forget_pages(path);
        int64_t began = now_us();
        if (s.sessions->ops->messages(s.sessions, session, 0, 50, &m, &err) != NF_OK)
            die(err.msg);
        us[i] = now_us() - began;
        if (m.n == 0)
            die("no messages");
        nf_messages_done(&m);
    }
    nf_stores_done(&s);
    nf_db_free(db);
    qsort(us, reads, sizeof(us[0]), by_size);
    printf("%-28s p50 %6lld us, p99 %6lld us\n", what, (long long)us[reads / 2],
           (long long)us[reads * 99 / 100]);
}

int main(int argc, char **argv)
{
    int64_t rows = argc > 1 ? atoll(argv[1]) : 200000;
    int64_t sessions = rows / PER_SESSION > 0 ? rows / PER_SESSION : 1;
    char path[400];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/history-bench-%d", argc > 2 ? argv[2] : ".",
                   (int)getpid());
    remove_files(path);
    fill(path, rows, sessions);
    if (stat(path, &st) != 0)
        die("no file");
    printf("%lld messages in %lld sessions, %lld bytes each in the file\n", (long long)rows,
           (long long)sessions, (long long)st.st_size / (long long)rows);
    measure(path, "last 50, 10 sessions, warm:", sessions < 10 ? sessions : 10, READS, false);
    measure(path, "last 50, all sessions, warm:", sessions, READS, false);
    measure(path, "last 50, cold:", sessions, COLD_READS, true);
    remove_files(path);
    return 0;
}
