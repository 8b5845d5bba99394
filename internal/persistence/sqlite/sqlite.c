#include "persistence/sqlite/sqlite.h"

#include "base/own.h"
#include "base/string.h"
#include "persistence/migrations.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/checkpoint.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/lane.h"
#include "persistence/sqlite/migrate.h"
#include "persistence/sqlite/writer.h"
#include "runtime/executor.h"
#include "runtime/lock.h"
#include "runtime/mono.h"

#include <stdlib.h>
#include <unistd.h>

struct sqlite {
    struct nf_db base;
    struct nf_loop *loop; /* NULL: callers block */
    char *path;
    int lock, busy_ms;
    struct nf_query_info queries[NF_QUERY_COUNT];
    struct nf_lite_writer writer;              /* the write lane's */
    struct nf_lite_stmts reader;               /* the read lane's */
    struct nf_lite_checkpointer *checkpointer; /* told by the write lane */
    struct nf_lite_lane write, read;
    struct nf_lite_job *held, *held_last; /* of this round */
    size_t held_n;
    bool round_ends; /* we are told of it */
    struct nf_round_end round_end;
    struct nf_post *post;
    pthread_mutex_t mu;
    pthread_cond_t done_wake; /* callers that block */
    struct nf_lite_job *done; /* under mu: on their way back */
    struct nf_db_stats stats; /* under mu */
    bool quick;               /* under mu: the disk, as NF_LITE_QUICK_US says */
};

/* What `waiter` of a job points to. */
struct waiter {
    struct nf_wait wait;
    bool done; /* under mu; callers that block */
};

static const struct nf_db_ops ops;

static struct sqlite *sqlite_of(struct nf_db *db)
{
    assert(db->ops == &ops);
    return nf_container_of(db, struct sqlite, base);
}

/* --- the way back ---------------------------------------------------------------------------- */

static void give_back(struct sqlite *db, struct nf_lite_job *const *jobs, size_t n)
{
    pthread_mutex_lock(&db->mu);
    for (size_t i = 0; i < n; i++) {
        if (db->loop) {
            jobs[i]->next = db->done;
            db->done = jobs[i];
        } else {
            ((struct waiter *)jobs[i]->waiter)->done = true;
        }
    }
    if (!db->loop)
        pthread_cond_broadcast(&db->done_wake);
    pthread_mutex_unlock(&db->mu);
    if (db->loop)
        nf_post_signal(db->post);
}

/* On the loop's thread. */
static void wake_callers(void *arg)
{
    struct sqlite *db = arg;
    pthread_mutex_lock(&db->mu);
    struct nf_lite_job *done = nf_take(db->done);
    pthread_mutex_unlock(&db->mu);
    /* In the order in which they were committed: the newest is first in the list. */
    struct nf_lite_job *j = NULL;
    while (done) {
        struct nf_lite_job *older = done->next;
        done->next = j;
        j = done;
        done = older;
    }
    while (j) {
        struct waiter *w = j->waiter;
        j = j->next;
        nf_wait_wake(&w->wait, NF_OK);
    }
}

/* --- threads --------------------------------------------------------------------------------- */

static void *write_main(void *arg)
{
    struct nf_lite_lane *l = arg;
    struct sqlite *db = l->owner;
    struct nf_lite_job *jobs[NF_LITE_BATCH_MAX];
    size_t max = NF_LITE_BATCH_MAX;
    for (size_t n; (n = nf_lite_lane_take(l, jobs, max)) > 0;) {
        int64_t began = nf_mono_us();
        nf_lite_writer_run(&db->writer, jobs, n);
        int64_t commit_us = db->writer.commit_us;
        bool quick = commit_us > 0 && commit_us < NF_LITE_QUICK_US;
        max = quick ? NF_LITE_QUICK_BATCH_MAX : NF_LITE_BATCH_MAX;
        uint64_t us = (uint64_t)(nf_mono_us() - began);
        pthread_mutex_lock(&db->mu);
        db->quick = quick;
        db->stats.commits++;
        db->stats.transactions += n;
        db->stats.commit_us_total += us;
        if (us > db->stats.commit_us_max)
            db->stats.commit_us_max = us;
        pthread_mutex_unlock(&db->mu);
        give_back(db, jobs, n);
        if (nf_lite_checkpointer_tell(db->checkpointer, db->writer.wal_frames))
            nf_lite_writer_checkpoint(&db->writer);
    }
    return NULL;
}

static void *read_main(void *arg)
{
    struct nf_lite_lane *l = arg;
    struct sqlite *db = l->owner;
    for (struct nf_lite_job *j; nf_lite_lane_take(l, &j, 1) > 0;) {
        int rc;
        j->rc = nf_lite_run(&db->reader, &j->cmds[0], 0, &j->rows, &j->touched, &rc, &j->err);
        give_back(db, &j, 1);
    }
    return NULL;
}

/* --- to a lane and back ---------------------------------------------------------------------- */

/* What the fibers of a round want written is handed over together: it shares a commit, which costs
 * more than the transactions do, and the thread is woken once. */
static void hand_over(struct sqlite *db)
{
    struct nf_lite_job *first = nf_take(db->held);
    nf_lite_lane_put(&db->write, first, nf_take(db->held_last), nf_take(db->held_n));
}

static void end_round(void *arg)
{
    struct sqlite *db = arg;
    db->round_ends = false;
    if (db->held)
        hand_over(db);
}

static bool is_quick(struct sqlite *db)
{
    pthread_mutex_lock(&db->mu);
    bool quick = db->quick;
    pthread_mutex_unlock(&db->mu);
    return quick;
}

static void hold(struct sqlite *db, struct nf_lite_job *j)
{
    if (db->held_last)
        db->held_last->next = j;
    else
        db->held = j;
    db->held_last = j;
    db->held_n++;
    if (db->held_n >= NF_LITE_QUICK_HANDOVER && is_quick(db)) {
        hand_over(db);
    } else if (!db->round_ends) {
        db->round_ends = true;
        nf_loop_at_round_end(db->loop, &db->round_end);
    }
}

/* Hand the job to the lane's thread and wait for it. Not to be interrupted: the thread uses the
 * caller's frame, and who hears "cancelled" could not know whether it was committed. */
static void run_on(struct sqlite *db, struct nf_lite_lane *l, struct nf_lite_job *j)
{
    struct waiter w = { 0 };
    /* cppcheck-suppress autoVariables ; nobody has the job when this returns */
    j->waiter = &w;
    j->next = NULL;
    if (db->loop && l == &db->write)
        hold(db, j);
    else
        nf_lite_lane_put(l, j, j, 1);
    if (db->loop) {
        (void)nf_wait_uninterruptible(&w.wait);
        return;
    }
    pthread_mutex_lock(&db->mu);
    while (!w.done)
        pthread_cond_wait(&db->done_wake, &db->mu);
    pthread_mutex_unlock(&db->mu);
}

/* --- the port -------------------------------------------------------------------------------- */

static NF_RC finish_job(struct sqlite *db, struct nf_lite_job *j, struct nf_err *err)
{
    enum nf_code rc = j->rc;
    if (rc != NF_OK && err)
        *err = j->err;
    if (rc == NF_OK)
        rc = nf_lite_rows_replay(&j->rows, db->queries, j->cmds, err);
    nf_lite_rows_done(&j->rows);
    if (rc == NF_E_IO) {
        pthread_mutex_lock(&db->mu);
        db->stats.damaged++;
        pthread_mutex_unlock(&db->mu);
    }
    return rc;
}

static enum nf_code sqlite_tx(struct nf_db *base, const struct nf_cmd *cmds, size_t n,
                              size_t *failed, struct nf_err *err)
{
    struct sqlite *db = sqlite_of(base);
    struct nf_lite_job job = { .cmds = cmds, .n = n };
    assert(n > 0);
    run_on(db, &db->write, &job);
    if (failed)
        *failed = job.failed;
    return finish_job(db, &job, err);
}

static enum nf_code sqlite_read(struct nf_db *base, const struct nf_cmd *cmd, size_t *rows,
                                struct nf_err *err)
{
    struct sqlite *db = sqlite_of(base);
    struct nf_lite_job job = { .cmds = cmd, .n = 1 };
    run_on(db, &db->read, &job);
    pthread_mutex_lock(&db->mu);
    db->stats.reads++;
    pthread_mutex_unlock(&db->mu);
    NF_TRY(finish_job(db, &job, err));
    if (rows)
        *rows = (size_t)job.touched;
    return NF_OK;
}

static void sqlite_free(struct nf_db *base)
{
    struct sqlite *db = sqlite_of(base);
    nf_lite_lane_stop(&db->write);
    nf_lite_lane_stop(&db->read);
    nf_lite_checkpointer_free(db->checkpointer);
    nf_post_free(db->post);
    nf_lite_stmts_done(&db->reader);
    nf_lite_writer_done(&db->writer);
    /* The reader first: the last connection copies the log into the file and removes it. */
    if (db->reader.conn)
        nf_lite_conn_close(db->reader.conn);
    if (db->writer.stmts.conn)
        nf_lite_conn_close(db->writer.stmts.conn);
    if (db->lock >= 0)
        close(db->lock);
    pthread_cond_destroy(&db->done_wake);
    pthread_mutex_destroy(&db->mu);
    nf_lite_lane_done(&db->write);
    nf_lite_lane_done(&db->read);
    free(db->path);
    free(db);
}

struct backup_call {
    const char *from, *to;
};

static enum nf_code back_up(void *arg, struct nf_err *err)
{
    const struct backup_call *c = arg;
    return nf_sqlite_backup(c->from, c->to, err);
}

static enum nf_code sqlite_backup(struct nf_db *base, const char *path, struct nf_err *err)
{
    struct sqlite *db = sqlite_of(base);
    struct backup_call call = { db->path, path };
    if (!db->loop)
        return back_up(&call, err);
    struct nf_executor *e = NULL;
    NF_TRY(nf_executor_new(db->loop, "db-backup", 1, 1, &e, err));
    enum nf_code rc = nf_executor_call(e, back_up, &call, err);
    nf_executor_free(e);
    return rc;
}

static void sqlite_stats(struct nf_db *base, struct nf_db_stats *ret)
{
    struct sqlite *db = sqlite_of(base);
    pthread_mutex_lock(&db->mu);
    *ret = db->stats;
    pthread_mutex_unlock(&db->mu);
    ret->write_queue = nf_lite_lane_waiting(&db->write) + db->held_n;
}

static const struct nf_db_ops ops = {
    .tx = sqlite_tx,
    .read = sqlite_read,
    .backup = sqlite_backup,
    .stats = sqlite_stats,
    .free = sqlite_free,
};

/* A restore that was cut off after it had moved the database away: to begin with an empty one would
 * look as if everything were lost. */
static NF_RC check_restored(const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str copy = { 0 };
    NF_TRY(nf_str_addf(&copy, err, "%s" NF_SQLITE_RESTORING, path));
    if (access(path, F_OK) == 0 || access(nf_str_c(&copy), F_OK) != 0)
        return NF_OK;
    return nf_err_set(err, NF_E_CONFLICT,
                      "a restore was cut off: run `nexflow backup restore` again, or remove '%s' "
                      "to begin with an empty database",
                      nf_str_c(&copy));
}

static NF_RC open_files(struct sqlite *db, const char *path, struct nf_err *err)
{
    struct nf_lite_stmts *w = &db->writer.stmts, *r = &db->reader;
    NF_TRY(nf_strdup(path, &db->path, err));
    NF_TRY(nf_lock_take("database", path, &db->lock, err));
    NF_TRY(check_restored(path, err));
    NF_TRY(nf_lite_conn_open(path, NF_LITE_WRITER, db->busy_ms, &w->conn, err));
    NF_TRY(nf_lite_migrate(w->conn, path, nf_migrations_all(), err));
    NF_TRY(nf_lite_conn_open(path, NF_LITE_READER, db->busy_ms, &r->conn, err));
    nf_catalogue_describe(db->queries);
    w->path = r->path = db->path;
    w->queries = r->queries = db->queries;
    NF_TRY(nf_lite_stmts_check(w, err));
    nf_lite_writer_watch(&db->writer);
    return NF_OK;
}

static NF_RC open_all(struct sqlite *db, const char *path, struct nf_err *err)
{
    NF_TRY(open_files(db, path, err));
    if (db->loop)
        NF_TRY(nf_post_new(db->loop, wake_callers, db, &db->post, err));
    NF_TRY(nf_lite_checkpointer_new(db->path, db->busy_ms, &db->checkpointer, err));
    NF_TRY(nf_lite_lane_start(&db->write, "db-write", write_main, db, err));
    return nf_lite_lane_start(&db->read, "db-read", read_main, db, err);
}

enum nf_code nf_sqlite_open(struct nf_loop *loop, const char *path, struct nf_db **ret,
                            struct nf_err *err)
{
    return nf_sqlite_open_with(loop, path, NF_SQLITE_BUSY_MS, ret, err);
}

enum nf_code nf_sqlite_open_with(struct nf_loop *loop, const char *path, int busy_ms,
                                 struct nf_db **ret, struct nf_err *err)
{
    struct sqlite *db = calloc(1, sizeof(*db));
    if (!db)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    db->base.ops = &ops;
    db->loop = loop;
    db->lock = -1;
    db->busy_ms = busy_ms;
    pthread_mutex_init(&db->mu, NULL);
    pthread_cond_init(&db->done_wake, NULL);
    nf_lite_lane_init(&db->write);
    nf_lite_lane_init(&db->read);
    db->round_end = (struct nf_round_end){ .fn = end_round, .arg = db };
    enum nf_code rc = open_all(db, path, err);
    if (rc != NF_OK) {
        sqlite_free(&db->base);
        return rc;
    }
    *ret = &db->base;
    return NF_OK;
}
