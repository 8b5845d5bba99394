#include "persistence/sqlite/writer.h"

#include "persistence/sqlite/conn.h"
#include "runtime/mono.h"

#include <sqlite3.h>

static int count_frames(void *arg, sqlite3 *conn, const char *name, int frames)
{
    struct nf_lite_writer *w = arg;
    (void)conn;
    (void)name;
    w->wal_frames = frames;
    w->wrote = true;
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
    *rc = SQLITE_OK;
    j->rows.len = 0; /* of an attempt before */
    for (size_t i = 0; i < j->n; i++) {
        j->failed = i;
        NF_TRY(nf_lite_run(&w->stmts, &j->cmds[i], i, &j->rows, &j->touched, rc, &j->err));
        if (j->cmds[i].expect != NF_ROWS_ANY && j->touched != j->cmds[i].expect)
            return refuse(w, j, i);
    }
    return NF_OK;
}

/* How an attempt at a batch went on after a job. */
enum outcome {
    GO_ON,
    UNDO, /* a refused job has left traces, and nothing marks where they begin */
    LOST, /* the database failed: so does the whole batch */
};

static enum outcome lost(struct nf_lite_writer *w, int rc, struct nf_err *err)
{
    (void)nf_lite_error(w->stmts.conn, w->stmts.path, rc, err);
    return LOST;
}

static int exec(struct nf_lite_writer *w, const char *sql)
{
    return sqlite3_exec(w->stmts.conn, sql, NULL, NULL, NULL);
}

/* What each batch needs is parsed once. */
static int exec_kept(struct nf_lite_writer *w, sqlite3_stmt **kept, const char *sql)
{
    int rc =
        *kept ? SQLITE_OK
              : sqlite3_prepare_v3(w->stmts.conn, sql, -1, SQLITE_PREPARE_PERSISTENT, kept, NULL);
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(*kept);
    (void)sqlite3_reset(*kept); /* says the same once more */
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

void nf_lite_writer_done(struct nf_lite_writer *w)
{
    sqlite3_finalize(w->begin);
    sqlite3_finalize(w->commit);
    w->begin = w->commit = NULL;
    nf_lite_stmts_done(&w->stmts);
}

static enum outcome run_job(struct nf_lite_writer *w, struct nf_lite_job *j, bool marked,
                            struct nf_err *err)
{
    int rc = marked ? exec(w, "SAVEPOINT job") : SQLITE_OK;
    if (rc != SQLITE_OK)
        return lost(w, rc, err);
    sqlite3_int64 changes = sqlite3_total_changes64(w->stmts.conn);
    j->rc = run_cmds(w, j, &rc);
    if (rc != SQLITE_OK && (nf_lite_is_fatal(rc) || sqlite3_get_autocommit(w->stmts.conn))) {
        *err = j->err;
        return LOST;
    }
    if (!marked)
        return j->rc == NF_OK || changes == sqlite3_total_changes64(w->stmts.conn) ? GO_ON : UNDO;
    rc = exec(w, j->rc == NF_OK ? "RELEASE job" : "ROLLBACK TO job;RELEASE job");
    return rc == SQLITE_OK ? GO_ON : lost(w, rc, err);
}

static void roll_back(struct nf_lite_writer *w)
{
    if (!sqlite3_get_autocommit(w->stmts.conn))
        (void)exec(w, "ROLLBACK");
}

/* All jobs in one transaction; `marked`: each behind a savepoint. */
static enum outcome attempt(struct nf_lite_writer *w, struct nf_lite_job *const *jobs, size_t n,
                            bool marked, struct nf_err *err)
{
    int rc = exec_kept(w, &w->begin, "BEGIN IMMEDIATE");
    enum outcome out = rc == SQLITE_OK ? GO_ON : lost(w, rc, err);
    for (size_t i = 0; i < n && out == GO_ON; i++)
        out = run_job(w, jobs[i], marked, err);
    /* A refusal is only true once that is stored which it was judged by: so it, too, can fail. */
    int64_t from = nf_mono_us();
    w->wrote = false;
    if (out == GO_ON && (rc = exec_kept(w, &w->commit, "COMMIT")) != SQLITE_OK)
        out = lost(w, rc, err);
    if (w->wrote)
        w->commit_us = nf_mono_us() - from;
    if (out != GO_ON)
        roll_back(w);
    return out;
}

void nf_lite_writer_run(struct nf_lite_writer *w, struct nf_lite_job *const *jobs, size_t n)
{
    struct nf_err err;
    enum outcome out = attempt(w, jobs, n, false, &err);
    /* Savepoints cost a copy of every page: they are for the rare batch that needs them. Of a job
     * that was alone all is undone. */
    if (out == UNDO && n > 1)
        out = attempt(w, jobs, n, true, &err);
    for (size_t i = 0; i < n && out == LOST; i++) {
        jobs[i]->rc = err.code;
        jobs[i]->err = err;
    }
}

void nf_lite_writer_checkpoint(struct nf_lite_writer *w)
{
    /* What a reader still needs stays for later, and so does what fails: the next commit tells. */
    (void)sqlite3_wal_checkpoint_v2(w->stmts.conn, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    w->wal_frames = 0;
}
