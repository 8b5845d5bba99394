/* The writing connection: runs many transactions of ours as one of SQLite's, so that they share
 * one sync of the disk. Used by one thread at a time. */
#pragma once

#include "persistence/sqlite/stmt.h"

#define NF_LITE_BATCH_MAX 256 /* transactions that share a commit */
/* On a disk where a commit takes less than this they need not be so many. Fewer go back to the
 * callers while the next ones run: else one of both threads waits for the other all the time. */
#define NF_LITE_QUICK_US 1000
#define NF_LITE_QUICK_BATCH_MAX 32
#define NF_LITE_QUICK_HANDOVER 16 /* that many are handed over before the round is at its end */

/* One transaction or one read, on its way through a thread and back. Lives in its caller's frame
 * until it is done. */
struct nf_lite_job {
    const struct nf_cmd *cmds;
    size_t n;
    struct nf_lite_rows rows;
    int64_t touched; /* by the last command */
    size_t failed;   /* NF_E_CONFLICT: the command that was refused */
    enum nf_code rc;
    struct nf_err err;
    void *waiter; /* the caller's */
    struct nf_lite_job *next;
};

struct nf_lite_writer {
    struct nf_lite_stmts stmts;
    struct sqlite3_stmt *begin, *commit; /* of a batch; NULL until the first */
    int wal_frames;                      /* in the log after the last commit */
    int64_t commit_us; /* what the last COMMIT that wrote took; 0: there was none */
    bool wrote;        /* this one has */
};

/* `w->stmts` is set. Rows and results of the jobs are filled in; every job of a batch is durable,
 * or refused alone, or fails with all others. */
void nf_lite_writer_run(struct nf_lite_writer *w, struct nf_lite_job *const *jobs, size_t n);

/* Between two batches: copy the log into the file, after which it starts over. */
void nf_lite_writer_checkpoint(struct nf_lite_writer *w);

/* Finalise its statements, those of `stmts` too. Half-built is fine. */
void nf_lite_writer_done(struct nf_lite_writer *w);

/* Begin to watch the log. */
void nf_lite_writer_watch(struct nf_lite_writer *w);
