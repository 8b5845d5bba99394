/*
 * Durable turns per second of the SQLite driver with 1, 8 and 64 turns at once, beside the same
 * rows written by a bare SQLite program with the same durability, and beside fdatasync.
 *
 * usage: storage_bench [--bare N] [DIR [SECONDS]]
 *   DIR is on the disk to measure; default ".", 3 s per row. With --bare only the bare program with
 *   N turns at once and the disk: one line of JSON.
 *
 * A turn, of the web's, is two transactions: accept (claimed) and finish. The bare program puts as
 * many transactions into one commit as there are turns at once, which is the best that group commit
 * can do, and writes plain rows: no checks, no threads, no loop.
 */
#include "base/own.h"
#include "persistence/migrations.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/migrate.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/fiber.h"
#include "tests/bench/bench_turn.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS 1000
#define PHASES 2

struct bench {
    struct nf_loop *loop;
    const char *path;
    struct nf_db *db;
    struct nf_stores s;
    int fibers;
    double seconds;
    int64_t ends_us, started, turns, next_id, cpu_us;
    char answer[BENCH_ANSWER_BYTES + 1];
    struct nf_db_stats stats;
};

struct result {
    double turns_per_s, cpu_us, per_commit;
};

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "%s: %s\n", what, why);
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

/* --- ours ------------------------------------------------------------------------------------ */

/* Fibers never meet in a session: the n-th has every n-th of them. */
static enum nf_code worker(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    const struct bench_lease lease = { .owner = 1, .ms = 15000 };
    int64_t first = ++b->started, session = first;
    for (; now_us(CLOCK_MONOTONIC) < b->ends_us; b->turns++) {
        NF_TRY(bench_turn(&b->s, session, b->next_id += 4, &lease, b->answer, err));
        session = session + b->fibers <= SESSIONS ? session + b->fibers : first;
    }
    return NF_OK;
}

static enum nf_code ours_main(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    NF_TRY(nf_sqlite_open(b->loop, b->path, &b->db, err));
    NF_TRY(nf_repositories_new(b->db, &b->s, err));
    for (int64_t id = 1; id <= SESSIONS; id++) {
        struct nf_session s = { .id = id, .user_id = 1, .channel = "web" };
        NF_TRY(b->s.sessions->ops->create(b->s.sessions, &s, err));
    }
    struct nf_db_stats before;
    nf_db_stats(b->db, &before);
    b->ends_us = now_us(CLOCK_MONOTONIC) + (int64_t)(b->seconds * 1e6);
    int64_t cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    nf_scope_init(&scope, b->loop);
    for (int i = 0; i < b->fibers; i++)
        NF_TRY(nf_scope_spawn(&scope, worker, b, NULL, err));
    enum nf_code rc = nf_scope_join(&scope, err);
    b->cpu_us = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    nf_db_stats(b->db, &b->stats);
    b->stats.commits -= before.commits;
    b->stats.transactions -= before.transactions;
    nf_stores_done(&b->s);
    nf_db_free(b->db);
    return rc;
}

static struct result ours(const char *path, int fibers, double seconds)
{
    struct bench b = { .path = path, .fibers = fibers, .seconds = seconds, .next_id = 1000000 };
    struct nf_err err;
    memset(b.answer, 'a', BENCH_ANSWER_BYTES);
    remove_files(path);
    if (nf_loop_new(&b.loop, &err) != NF_OK || nf_loop_run(b.loop, ours_main, &b, &err) != NF_OK)
        die("driver", err.msg);
    nf_loop_free(b.loop);
    remove_files(path);
    return (struct result){ (double)b.turns / seconds, (double)b.cpu_us / (double)b.turns,
                            (double)b.stats.transactions / (double)b.stats.commits };
}

/* --- bare SQLite ----------------------------------------------------------------------------- */

/* The rows that a turn leaves, as directly as SQL can say it. ?1 id, ?2 session, ?3 seq, ?4 text.
 */
static const char *const bare_accept[] = {
    "UPDATE sessions SET last_seq=?3,pending=1,updated_at=?1,ready_at=?1,owner=1,lease_until=?1,"
    "fence=fence+1 WHERE id=?2",
    "INSERT INTO inbox VALUES('web:1',?1,?2,?1,?3,?1)",
    "INSERT INTO messages(session_id,seq,role,run_id,created_at,client_id,content)"
    " VALUES(?2,?3,1,?1,?1,?1,?4)",
    "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,seq,attempt,changes,created_at,"
    "started_at,changed_at) VALUES(?1,?1,0,?2,1,1,2,?3,1,2,?1,?1,?1)",
    "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,attempt,created_at,started_at,"
    "changed_at) VALUES(?1+1,?1,1,?2,1,2,2,1,?1,?1,?1)",
    "INSERT INTO task_changes VALUES(?1,1,1,?1,NULL),(?1,2,2,?1,NULL),(?1+1,1,2,?1,NULL)",
};
static const char *const bare_finish[] = {
    "UPDATE sessions SET last_seq=?3,pending=0,updated_at=?1,ready_at=?1,owner=0,lease_until=0"
    " WHERE id=?2",
    "INSERT INTO messages(session_id,seq,role,run_id,created_at,model,content)"
    " VALUES(?2,?3,2,?1,?1,'provider/model',?4)",
    "INSERT INTO usage VALUES(?1,1,?2,1,?1,'provider/model',0,0,0,0)",
    "UPDATE tasks SET status=4,ended_at=?1,name='provider/model',changes=2,changed_at=?1"
    " WHERE id=?1+1",
    "UPDATE tasks SET status=4,ended_at=?1,name='provider/model',changes=3,changed_at=?1,fence=?3,"
    "out_first=?3,out_last=?3 WHERE id=?1",
    "INSERT INTO task_changes VALUES(?1,3,4,?1,NULL),(?1+1,2,4,?1,NULL)",
};

struct bare {
    sqlite3 *conn;
    sqlite3_stmt *v[PHASES][8];
    size_t n[PHASES];
    int wal;
};

static int count_frames(void *arg, sqlite3 *conn, const char *name, int frames)
{
    (void)conn;
    (void)name;
    ((struct bare *)arg)->wal = frames;
    return SQLITE_OK;
}

static void must(sqlite3 *conn, int rc)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        die("bare SQLite", sqlite3_errmsg(conn));
}

static void bare_prepare(struct bare *b, size_t phase, const char *const *sql, size_t n)
{
    b->n[phase] = n;
    for (size_t i = 0; i < n; i++)
        must(b->conn, sqlite3_prepare_v3(b->conn, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                                         &b->v[phase][i], NULL));
}

static void bare_phase(struct bare *b, size_t phase, int64_t id, int64_t session, int64_t seq,
                       const char *text)
{
    for (size_t i = 0; i < b->n[phase]; i++) {
        sqlite3_stmt *s = b->v[phase][i];
        int params = sqlite3_bind_parameter_count(s);
        sqlite3_bind_int64(s, 1, id);
        if (params >= 2)
            sqlite3_bind_int64(s, 2, session);
        if (params >= 3)
            sqlite3_bind_int64(s, 3, seq);
        if (params >= 4)
            sqlite3_bind_text(s, 4, text, -1, SQLITE_STATIC);
        must(b->conn, sqlite3_step(s));
        sqlite3_reset(s);
    }
}

static void bare_open(struct bare *b, const char *path)
{
    struct nf_err err;
    if (nf_lite_conn_open(path, NF_LITE_WRITER, 1000, &b->conn, &err) != NF_OK ||
        nf_lite_migrate(b->conn, path, nf_migrations_all(), &err) != NF_OK)
        die("bare SQLite", err.msg);
    must(b->conn,
         sqlite3_exec(b->conn,
                      "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE "
                      "i<1000) INSERT INTO sessions(id,user_id,channel,address,title,last_seq,"
                      "pending,ready_at,owner,lease_until,fence,created_at,updated_at)"
                      " SELECT i,1,'web','','',0,0,0,0,0,0,0,0 FROM n",
                      NULL, NULL, NULL));
    bare_prepare(b, 0, bare_accept, sizeof(bare_accept) / sizeof(bare_accept[0]));
    bare_prepare(b, 1, bare_finish, sizeof(bare_finish) / sizeof(bare_finish[0]));
    sqlite3_wal_hook(b->conn, count_frames, b);
}

static struct result bare(const char *path, int at_once, double seconds)
{
    struct bare b = { 0 };
    char answer[BENCH_ANSWER_BYTES + 1] = { 0 };
    int64_t turns = 0, next = 1000000, first = 0;
    static int64_t seq[SESSIONS + 1];
    memset(answer, 'a', BENCH_ANSWER_BYTES);
    memset(seq, 0, sizeof(seq));
    remove_files(path);
    bare_open(&b, path);
    int64_t cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
    int64_t ends = now_us(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e6);
    while (now_us(CLOCK_MONOTONIC) < ends) {
        for (size_t phase = 0; phase < PHASES; phase++) {
            must(b.conn, sqlite3_exec(b.conn, "BEGIN IMMEDIATE", NULL, NULL, NULL));
            for (int i = 0; i < at_once; i++) {
                int64_t session = (first + i) % SESSIONS + 1;
                bare_phase(&b, phase, next + (int64_t)i * 4, session, ++seq[session],
                           phase == 0 ? BENCH_QUESTION : answer);
            }
            must(b.conn, sqlite3_exec(b.conn, "COMMIT", NULL, NULL, NULL));
            if (b.wal >= 4000)
                (void)sqlite3_wal_checkpoint_v2(b.conn, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
                                                NULL);
            if (b.wal >= 4000)
                b.wal = 0;
        }
        first += at_once;
        next += (int64_t)at_once * 4;
        turns += at_once;
    }
    cpu = now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    for (size_t phase = 0; phase < PHASES; phase++)
        for (size_t i = 0; i < b.n[phase]; i++)
            sqlite3_finalize(b.v[phase][i]);
    nf_lite_conn_close(b.conn);
    remove_files(path);
    return (struct result){ (double)turns / seconds, (double)cpu / (double)turns, at_once };
}

/* --- the disk -------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t disk(const char *path, int64_t *p99)
{
    enum { N = 400 };
    static int64_t us[N];
    static char page[4096];
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    if (fd < 0)
        die(path, "cannot create");
    for (int i = -16; i < N; i++) {
        int64_t began = now_us(CLOCK_MONOTONIC);
        memset(page, i, sizeof(page));
        if (pwrite(fd, page, sizeof(page), (off_t)((i + 16) % 16) * 4096) < 0 || fdatasync(fd) != 0)
            die(path, "cannot write");
        if (i >= 0)
            us[i] = now_us(CLOCK_MONOTONIC) - began;
    }
    close(fd);
    (void)unlink(path);
    qsort(us, N, sizeof(us[0]), by_size);
    *p99 = us[N * 99 / 100];
    return us[N / 2];
}

static void print_bare(const char *path, int n, double seconds)
{
    int64_t p99, p50 = disk(path, &p99);
    struct result b = bare(path, n, seconds);
    printf("{\"turns_at_once\":%d,\"turns_per_s\":%.1f,\"cpu_us\":%.1f,\"fsync_us\":%lld,"
           "\"fsync_p99_us\":%lld}\n",
           n, b.turns_per_s, b.cpu_us, (long long)p50, (long long)p99);
}

int main(int argc, char **argv)
{
    static const int at_once[] = { 1, 8, 64 };
    char path[400];
    int64_t p99;
    int only = argc > 2 && strcmp(argv[1], "--bare") == 0 ? atoi(argv[2]) : 0;
    argv += only > 0 ? 2 : 0;
    argc -= only > 0 ? 2 : 0;
    double seconds = argc > 2 ? atof(argv[2]) : 3;
    (void)snprintf(path, sizeof(path), "%s/storage-bench-%d", argc > 1 ? argv[1] : ".",
                   (int)getpid());
    if (only > 0) {
        print_bare(path, only < SESSIONS ? only : SESSIONS, seconds);
        return 0;
    }
    int64_t p50 = disk(path, &p99);
    printf("fdatasync of 4 KiB, overwritten: p50 %lld us, p99 %lld us\n\n", (long long)p50,
           (long long)p99);
    printf(
        "turns at once | driver turns/s | us CPU | per commit | bare turns/s | us CPU | ratio\n");
    for (size_t i = 0; i < 3; i++) {
        struct result b = bare(path, at_once[i], seconds), o = ours(path, at_once[i], seconds);
        printf("%13d | %14.0f | %6.0f | %10.1f | %12.0f | %6.0f | %5.2f\n", at_once[i],
               o.turns_per_s, o.cpu_us, o.per_commit, b.turns_per_s, b.cpu_us,
               o.turns_per_s / b.turns_per_s);
        (void)fflush(stdout);
    }
    return 0;
}
