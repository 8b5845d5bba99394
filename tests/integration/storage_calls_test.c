/* Every system call of the storage path fails in turn, once and with some behind it: what was
 * acknowledged is there as a whole, nothing is half there, and afterwards it goes on. */
#include "base/own.h"
#include "persistence/postgres/postgres.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/fiber.h"
#include "tests/integration/storage_turn.h"
#include "tests/support/fault_calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOME 6        /* calls in a row. Not for ever: SQLite tries for seconds to get a lock */
#define CALLS_MAX 400 /* more than any turn or start makes */
#define TURN_CALLS 5  /* fewer than any makes */
#define ACKED_MAX 2000

struct world {
    char dir[64], path[96], url[512];
    struct nf_db *db;
    struct nf_stores s;
    PGconn *raw;
    struct nf_loop *loop;
    int64_t id, acked[ACKED_MAX];
    size_t acked_n, points;
    char last[9];
    struct nf_err err, why;
};

static const struct {
    int64_t times;
    int error;
} file_faults[] = { { 1, EIO }, { 1, ENOSPC }, { SOME, EIO }, { SOME, ENOSPC } };

static int setup(void **state)
{
    static struct world w;
    w = (struct world){ .dir = "/tmp/nf-calls-XXXXXX", .id = 100 };
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.path, sizeof(w.path), "%s/db", w.dir);
    *state = &w;
    return 0;
}

static void close_db(struct world *w)
{
    nf_stores_done(&w->s);
    nf_db_free(nf_take(w->db));
}

static int teardown(void **state)
{
    struct world *w = *state;
    nf_fault_call_at(0, 0, 0, 0);
    if (w->db)
        close_db(w);
    nf_loop_free(w->loop);
    PQfinish(w->raw);
    DIR *d = opendir(w->dir);
    for (struct dirent *e; d && (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    (void)rmdir(w->dir);
    return 0;
}

static NF_RC turn(struct world *w, struct nf_err *err)
{
    w->id += 10;
    NF_TRY(one_turn(&w->s, w->id, w->id, "question", err));
    w->acked[w->acked_n++] = w->id;
    return NF_OK;
}

/* A turn whose n-th call fails, and one behind it. *more: it has that many calls. */
static NF_RC turn_with_fault(struct world *w, int64_t n, int64_t times, enum nf_fault_calls calls,
                             int error, bool *more, struct nf_err *err)
{
    nf_fault_call_at(n, times, calls, error);
    enum nf_code rc = turn(w, &w->why);
    nf_fault_call_at(0, 0, 0, 0);
    *more = nf_fault_struck(w->last) > 0 && n < CALLS_MAX && w->acked_n < ACKED_MAX - 2;
    w->points += *more;
    if (rc != NF_OK && rc != NF_E_UNAVAILABLE && rc != NF_E_IO)
        return nf_err_set(err, NF_E_INTERNAL, "call %lld, %s: %s: %s", (long long)n, w->last,
                          nf_code_name(rc), w->why.msg);
    rc = turn(w, err);
    return rc == NF_OK ? NF_OK
                       : nf_err_wrap(err, rc, "behind call %lld, %s", (long long)n, w->last);
}

/* --- SQLite ----------------------------------------------------------------------------------- */

static NF_RC open_sqlite(struct world *w, struct nf_err *err)
{
    NF_TRY(nf_sqlite_open_with(NULL, w->path, 200, &w->db, err));
    return nf_repositories_new(w->db, &w->s, err);
}

static int64_t ask_sqlite(struct world *w, const char *sql)
{
    sqlite3 *raw = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open(w->path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(raw);
    return n;
}

static int64_t ask_postgres(struct world *w, const char *sql)
{
    PGresult *r = PQexec(w->raw, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(w->raw));
    int64_t n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return n;
}

static void assert_whole(struct world *w, int64_t (*ask)(struct world *w, const char *sql))
{
    char sql[128];
    for (size_t i = 0; i < w->acked_n; i++) {
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM tasks WHERE id=%lld AND status=4",
                       (long long)w->acked[i]);
        if (ask(w, sql) != 1)
            fail_msg("turn %lld was acknowledged and is lost", (long long)w->acked[i]);
    }
    for (size_t i = 0; i < sizeof(nf_half_there) / sizeof(nf_half_there[0]); i++)
        if (ask(w, nf_half_there[i]) != 0)
            fail_msg("%s", nf_half_there[i]);
}

static void each_call_of_a_turn_may_fail_on_sqlite(void **state)
{
    struct world *w = *state;
    assert_ok(open_sqlite(w, &w->err), &w->err);
    for (size_t f = 0; f < sizeof(file_faults) / sizeof(file_faults[0]); f++) {
        bool more = true;
        for (int64_t n = 1; more; n++)
            assert_ok(turn_with_fault(w, n, file_faults[f].times, NF_CALLS_FILES,
                                      file_faults[f].error, &more, &w->err),
                      &w->err);
    }
    print_message("%zu calls failed\n", w->points);
    assert_true(w->points >= TURN_CALLS * sizeof(file_faults) / sizeof(file_faults[0]));
    struct nf_sqlite_verified v;
    close_db(w);
    assert_ok(nf_sqlite_verify(w->path, &v, &w->err), &w->err);
    assert_whole(w, ask_sqlite);
}

static void each_call_of_a_start_may_fail_on_sqlite(void **state)
{
    struct world *w = *state;
    assert_ok(open_sqlite(w, &w->err), &w->err);
    assert_ok(turn(w, &w->err), &w->err);
    for (int64_t n = 1; n < CALLS_MAX; n++) {
        close_db(w);
        nf_fault_call_at(n, 1, NF_CALLS_FILES, EIO);
        enum nf_code rc = open_sqlite(w, &w->why);
        nf_fault_call_at(0, 0, 0, 0);
        bool struck = nf_fault_struck(w->last) > 0;
        if (rc != NF_OK) {
            if (w->db)
                close_db(w);
            rc = open_sqlite(w, &w->err);
            if (rc != NF_OK)
                fail_msg("behind call %d, %s: %s", (int)n, w->last, w->err.msg);
        }
        if (!struck)
            break;
        w->points++;
    }
    print_message("%zu calls failed\n", w->points);
    assert_in_range(w->points, TURN_CALLS, CALLS_MAX - 2);
    assert_ok(turn(w, &w->err), &w->err);
    close_db(w);
    assert_whole(w, ask_sqlite);
}

/* --- PostgreSQL ------------------------------------------------------------------------------- */

static void exec_raw(struct world *w, const char *sql)
{
    PGresult *r = PQexec(w->raw, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(w->raw));
    PQclear(r);
}

/* A schema of its own on the server that ctest has started. */
static void make_schema(struct world *w)
{
    static int schemas;
    char server[128], sql[256];
    FILE *file = fopen(getenv("NF_POSTGRES_FILE"), "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", server), 1);
    (void)fclose(file);
    int n = schemas++;
    (void)snprintf(w->url, sizeof(w->url), "%s?options=-csearch_path%%3Dc%d_%d", server,
                   (int)getpid(), n);
    (void)snprintf(sql, sizeof(sql), "CREATE SCHEMA c%d_%d;SET search_path=c%d_%d", (int)getpid(),
                   n, (int)getpid(), n);
    w->raw = PQconnectdb(server);
    exec_raw(w, sql);
}

static NF_RC open_postgres(struct world *w, struct nf_err *err)
{
    const struct nf_postgres_options o = {
        .url = w->url, .connections = 1, .statement_ms = 5000, .lock_ms = 5000
    };
    NF_TRY(nf_postgres_open(w->loop, &o, &w->db, err));
    return nf_repositories_new(w->db, &w->s, err);
}

static NF_RC fail_all_calls(struct world *w, struct nf_err *err)
{
    static const int errors[] = { ECONNRESET, EPIPE, ETIMEDOUT };
    NF_TRY(open_postgres(w, err));
    for (size_t e = 0; e < sizeof(errors) / sizeof(errors[0]); e++) {
        bool more = true;
        for (int64_t n = 1; more; n++)
            NF_TRY(turn_with_fault(w, n, 1 + (int64_t)e, NF_CALLS_SOCKETS, errors[e], &more, err));
    }
    return NF_OK;
}

static enum nf_code fail_all_calls_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    enum nf_code rc = fail_all_calls(w, err);
    close_db(w);
    return rc;
}

static void each_call_of_a_turn_may_fail_on_postgresql(void **state)
{
    struct world *w = *state;
    make_schema(w);
    assert_ok(nf_loop_new(&w->loop, &w->err), &w->err);
    assert_ok(nf_loop_run(w->loop, fail_all_calls_main, w, &w->err), &w->err);
    print_message("%zu calls failed\n", w->points);
    assert_true(w->points >= (size_t)TURN_CALLS * 3);
    assert_whole(w, ask_postgres);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_call_of_a_turn_may_fail_on_sqlite),
        T(each_call_of_a_start_may_fail_on_sqlite),
        T(each_call_of_a_turn_may_fail_on_postgresql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
