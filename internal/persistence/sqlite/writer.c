#include "persistence/sqlite/writer.h"

#include "persistence/sqlite/conn.h"

#include <sqlite3.h>

static int count_frames(void *arg, sqlite3 *conn, const char *name, int frames)
{
    struct nf_lite_writer *w = arg;
    (void)conn;
    (void)name;
    w->wal_frames = frames;
    return SQLITE_OK;
}

void nf_lite_writer_watch(struct nf_lite_writer *w)
{
    sqlite3_wal_hook(w->stmts.conn, count_frames, w);
}

static NF_RC refuse(struct nf_lite_writer *w, struct nf_lite_job *j, size_t i)
{
    const struct nf_cmd *c = &j->cmds[i];
    j->failed = i;
    return nf_err_set(&j->err, NF_E_CONFLICT, "%s: %lld rows, %d expected",
                      w->stmts.queries[c->q].name, (long long)j->touched, c->expect);
}

/* *rc: SQLite's result where it is the database that failed. */
static NF_RC run_cmds(struct nf_lite_writer *w, struct nf_lite_job *j, int *rc)
{
    for (size_t i = 0; i < j->n; i++) {
        j->failed = i;
        NF_TRY(nf_lite_run(&w->stmts, &j->cmds[i], i, &j->rows, &j->touched, rc, &j->err));
        if (j->cmds[i].expect != NF_ROWS_ANY && j->touched != j->cmds[i].expect)
            return refuse(w, j, i);
    }
    return NF_OK;
}

static void fail_all(struct nf_lite_job *const *jobs, size_t n, enum nf_code code,
                     const struct nf_err *err)
{
    for (size_t i = 0; i < n; i++) {
        jobs[i]->rc = code;
        jobs[i]->err = *err;
    }
}

static int exec(struct nf_lite_writer *w, const char *sql)
{
    return sqlite3_exec(w->stmts.conn, sql, NULL, NULL, NULL);
}

/* A refused job is undone alone; true: something failed that concerns all of them, in *err. */
static bool run_job(struct nf_lite_writer *w, struct nf_lite_job *j, bool alone, struct nf_err *err)
{
    int rc = alone ? SQLITE_OK : exec(w, "SAVEPOINT job");
    if (rc != SQLITE_OK) {
        (void)nf_lite_error(w->stmts.conn, w->stmts.path, rc, err);
        return true;
    }
    j->rc = run_cmds(w, j, &rc);
    bool lost = rc != SQLITE_OK && (nf_lite_is_fatal(rc) || sqlite3_get_autocommit(w->stmts.conn));
    if (lost || (alone && j->rc != NF_OK)) {
        *err = j->err;
        return true;
    }
    if (alone)
        return false;
    rc = exec(w, j->rc == NF_OK ? "RELEASE job" : "ROLLBACK TO job;RELEASE job");
    if (rc != SQLITE_OK)
        (void)nf_lite_error(w->stmts.conn, w->stmts.path, rc, err);
    return rc != SQLITE_OK;
}

static void roll_back(struct nf_lite_writer *w)
{
    if (!sqlite3_get_autocommit(w->stmts.conn))
        (void)exec(w, "ROLLBACK");
}

void nf_lite_writer_run(struct nf_lite_writer *w, struct nf_lite_job *const *jobs, size_t n)
{
    struct nf_err err;
    int rc = exec(w, "BEGIN IMMEDIATE");
    bool lost = rc != SQLITE_OK;
    if (lost)
        (void)nf_lite_error(w->stmts.conn, w->stmts.path, rc, &err);
    for (size_t i = 0; i < n && !lost; i++)
        lost = run_job(w, jobs[i], n == 1, &err);
    if (!lost) {
        /* A refusal is only true once that is stored which it was judged by: so it, too, fails. */
        rc = exec(w, "COMMIT");
        lost = rc != SQLITE_OK;
        if (lost)
            (void)nf_lite_error(w->stmts.conn, w->stmts.path, rc, &err);
    }
    if (lost) {
        roll_back(w);
        fail_all(jobs, n, err.code, &err);
    }
}

void nf_lite_writer_tidy(struct nf_lite_writer *w)
{
    if (w->wal_frames < NF_LITE_WAL_FRAMES)
        return;
    /* PASSIVE waits for nobody and never makes the file shorter: overwriting a log that exists is
     * two to three times faster than making it grow. What a reader still needs stays for later. */
    (void)sqlite3_wal_checkpoint_v2(w->stmts.conn, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    w->wal_frames = 0;
}
