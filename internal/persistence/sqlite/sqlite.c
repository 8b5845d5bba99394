#include "persistence/sqlite/sqlite.h"

#include "base/own.h"
#include "base/string.h"
#include "persistence/migrations.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/checkpoint.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/lock.h"
#include "persistence/sqlite/migrate.h"
#include "persistence/sqlite/thread.h"
#include "persistence/sqlite/writer.h"
#include "runtime/executor.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A thread with a queue of jobs. */
struct lane {
    struct sqlite *db;
    pthread_t thread;
    pthread_mutex_t mu;
    pthread_cond_t wake;
    struct nf_lite_job *head, **tail; /* under mu */
    size_t waiting;                   /* under mu */
    bool stop;                        /* under mu */
    bool runs;
};

struct sqlite {
    struct nf_db base;
    struct nf_loop *loop; /* NULL: callers block */
    char *path;
    int lock, busy_ms;
    struct nf_query_info queries[NF_QUERY_COUNT];
    struct nf_lite_writer writer;              /* the write lane's */
    struct nf_lite_stmts reader;               /* the read lane's */
    struct nf_lite_checkpointer *checkpointer; /* told by the write lane */
    struct lane write, read;
    struct nf_post *post;
    pthread_mutex_t mu;
    pthread_cond_t done_wake;     /* callers that block */
    struct nf_lite_job *done;     /* under mu: on their way back */
    struct nf_sqlite_stats stats; /* under mu */
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

static int64_t mono_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
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

/* Up to `max` jobs, 0 when the lane stops. Waits for the first. */
static size_t take_jobs(struct lane *l, struct nf_lite_job **ret, size_t max)
{
    size_t n = 0;
    pthread_mutex_lock(&l->mu);
    while (!l->head && !l->stop)
        pthread_cond_wait(&l->wake, &l->mu);
    while (l->head && n < max) {
        ret[n++] = l->head;
        l->head = l->head->next;
    }
    if (!l->head)
        l->tail = &l->head;
    l->waiting -= n;
    pthread_mutex_unlock(&l->mu);
    return n;
}

static void *write_main(void *arg)
{
    struct lane *l = arg;
    struct sqlite *db = l->db;
    struct nf_lite_job *jobs[NF_LITE_BATCH_MAX];
    for (size_t n; (n = take_jobs(l, jobs, NF_LITE_BATCH_MAX)) > 0;) {
        int64_t began = mono_us();
        nf_lite_writer_run(&db->writer, jobs, n);
        uint64_t us = (uint64_t)(mono_us() - began);
        pthread_mutex_lock(&db->mu);
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
    struct lane *l = arg;
    struct sqlite *db = l->db;
    for (struct nf_lite_job *j; take_jobs(l, &j, 1) > 0;) {
        int rc;
        j->rc = nf_lite_run(&db->reader, &j->cmds[0], 0, &j->rows, &j->touched, &rc, &j->err);
        give_back(db, &j, 1);
    }
    return NULL;
}

static NF_RC start_lane(struct sqlite *db, struct lane *l, const char *name,
                        void *(*main_fn)(void *), struct nf_err *err)
{
    l->db = db;
    int rc = nf_lite_thread(&l->thread, name, main_fn, l);
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "cannot start a thread for the database");
    l->runs = true;
    return NF_OK;
}

static void stop_lane(struct lane *l)
{
    if (!l->runs)
        return;
    pthread_mutex_lock(&l->mu);
    assert(!l->head);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mu);
    pthread_join(l->thread, NULL);
    l->runs = false;
}

/* Hand the job to the lane's thread and wait for it. Not to be interrupted: the thread uses the
 * caller's frame, and who hears "cancelled" could not know whether it was committed. */
static void run_on(struct lane *l, struct nf_lite_job *j)
{
    struct sqlite *db = l->db;
    struct waiter w = { 0 };
    /* cppcheck-suppress autoVariables ; nobody has the job when this returns */
    j->waiter = &w;
    j->next = NULL;
    pthread_mutex_lock(&l->mu);
    *l->tail = j;
    l->tail = &j->next;
    l->waiting++;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mu);
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
    return rc;
}

static enum nf_code sqlite_tx(struct nf_db *base, const struct nf_cmd *cmds, size_t n,
                              size_t *failed, struct nf_err *err)
{
    struct sqlite *db = sqlite_of(base);
    struct nf_lite_job job = { .cmds = cmds, .n = n };
    assert(n > 0);
    run_on(&db->write, &job);
    if (failed)
        *failed = job.failed;
    return finish_job(db, &job, err);
}

static enum nf_code sqlite_read(struct nf_db *base, const struct nf_cmd *cmd, size_t *rows,
                                struct nf_err *err)
{
    struct sqlite *db = sqlite_of(base);
    struct nf_lite_job job = { .cmds = cmd, .n = 1 };
    run_on(&db->read, &job);
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
    stop_lane(&db->write);
    stop_lane(&db->read);
    nf_lite_checkpointer_free(db->checkpointer);
    nf_post_free(db->post);
    nf_lite_stmts_done(&db->reader);
    nf_lite_stmts_done(&db->writer.stmts);
    /* The reader first: the last connection copies the log into the file and removes it. */
    if (db->reader.conn)
        nf_lite_conn_close(db->reader.conn);
    if (db->writer.stmts.conn)
        nf_lite_conn_close(db->writer.stmts.conn);
    if (db->lock >= 0)
        close(db->lock);
    pthread_cond_destroy(&db->done_wake);
    pthread_mutex_destroy(&db->mu);
    struct lane *lanes[] = { &db->write, &db->read };
    for (size_t i = 0; i < 2; i++) {
        pthread_cond_destroy(&lanes[i]->wake);
        pthread_mutex_destroy(&lanes[i]->mu);
    }
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

static const struct nf_db_ops ops = {
    .tx = sqlite_tx,
    .read = sqlite_read,
    .backup = sqlite_backup,
    .free = sqlite_free,
};

void nf_sqlite_stats(struct nf_db *base, struct nf_sqlite_stats *ret)
{
    struct sqlite *db = sqlite_of(base);
    pthread_mutex_lock(&db->mu);
    *ret = db->stats;
    pthread_mutex_unlock(&db->mu);
    pthread_mutex_lock(&db->write.mu);
    ret->write_queue = db->write.waiting;
    pthread_mutex_unlock(&db->write.mu);
}

static void init_lane(struct lane *l)
{
    pthread_mutex_init(&l->mu, NULL);
    pthread_cond_init(&l->wake, NULL);
    l->tail = &l->head;
}

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
    NF_TRY(nf_lite_lock(path, &db->lock, err));
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
    NF_TRY(start_lane(db, &db->write, "db-write", write_main, err));
    return start_lane(db, &db->read, "db-read", read_main, err);
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
    init_lane(&db->write);
    init_lane(&db->read);
    enum nf_code rc = open_all(db, path, err);
    if (rc != NF_OK) {
        sqlite_free(&db->base);
        return rc;
    }
    *ret = &db->base;
    return NF_OK;
}
