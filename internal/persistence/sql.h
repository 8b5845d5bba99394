/*
 * Port of the SQL drivers. A transaction is data: an array of commands, each a statement of the
 * catalogue (queries.def) with its arguments and the number of rows it must touch. The same array
 * drops into SQLite's writer thread (group commit: many fibers share one fsync) and into a
 * PostgreSQL pipeline.
 */
#pragma once

#include "base/error.h"
#include "base/string.h"

#include <stddef.h>
#include <stdint.h>

typedef int64_t i64;
typedef struct nf_slice str; /* p NULL is SQL NULL */

/* Pass 1 over the catalogue: argument struct <name>_in and row struct <name>_row. */
#define I(t, n) t n;
#define O(t, n) t n;
#define QUERY(q, in, out, sql)                                                                     \
    struct q##_in {                                                                                \
        char unused_;                                                                              \
        in                                                                                         \
    };                                                                                             \
    struct q##_row {                                                                               \
        char unused_;                                                                              \
        out                                                                                        \
    };
#include "persistence/queries.def"
#undef QUERY
#undef I
#undef O

/* Pass 2: the statements' numbers. */
#define QUERY(q, in, out, sql) NF_Q_##q,
enum nf_query {
#include "persistence/queries.def"
    NF_QUERY_COUNT
};
#undef QUERY

/* Called for each row; strings are borrowed for the call. Of nf_db_tx it runs after the commit, on
 * the loop's thread. An error ends the read. */
typedef enum nf_code (*nf_row_fn)(void *to, const void *row, struct nf_err *err);

#define NF_ROWS_ANY (-1)
struct nf_cmd {
    enum nf_query q;
    int expect; /* rows it must touch or return; NF_ROWS_ANY */
    const void *in;
    nf_row_fn row; /* NULL: rows are only counted */
    void *to;
};

#define NF_CMD(q_, expect_, ...)                                                                   \
    ((struct nf_cmd){ .q = NF_Q_##q_,                                                              \
                      .expect = (expect_),                                                         \
                      .in = &(struct q_##_in){ .unused_ = 0, __VA_ARGS__ } })
#define NF_CMD_ROW(q_, expect_, fn_, to_, ...)                                                     \
    ((struct nf_cmd){ .q = NF_Q_##q_,                                                              \
                      .expect = (expect_),                                                         \
                      .in = &(struct q_##_in){ .unused_ = 0, __VA_ARGS__ },                        \
                      .row = (fn_),                                                                \
                      .to = (to_) })

struct nf_db {
    const struct nf_db_ops *ops;
};

/* Since it was opened; for metrics. */
struct nf_db_stats {
    uint64_t commits;      /* syncs of the disk that were waited for */
    uint64_t transactions; /* that shared them, refused and failed ones included */
    uint64_t reads;
    uint64_t write_queue; /* transactions that wait now */
    uint64_t commit_us_total, commit_us_max;
    uint64_t retries;    /* of transactions, after a conflict or a lost connection */
    uint64_t reconnects; /* of connections; SQLite has none */
    uint64_t damaged;    /* transactions and reads that ended with NF_E_IO */
};

struct nf_db_ops {
    /* Run all commands in one durable transaction. NF_E_CONFLICT: a command touched another number
     * of rows than expected, *failed is its index, and nothing happened. NF_E_UNAVAILABLE: full,
     * locked, gone: nothing happened; or the server was lost during the commit, and the message
     * says that nobody knows: as if we had been killed there. NF_E_IO: corrupt. Suspends until it
     * is on disk. */
    enum nf_code (*tx)(struct nf_db *db, const struct nf_cmd *cmds, size_t n, size_t *failed,
                       struct nf_err *err);
    /* One statement on a snapshot of what is committed. *rows: how many. Suspends. */
    enum nf_code (*read)(struct nf_db *db, const struct nf_cmd *cmd, size_t *rows,
                         struct nf_err *err);
    /* Write a consistent copy of the database to a new file. NF_E_CONFLICT: it exists;
     * NF_E_INVALID: this engine has tools of its own for that, which the message names. */
    enum nf_code (*backup)(struct nf_db *db, const char *path, struct nf_err *err);
    /* From any thread that may use the database. */
    void (*stats)(struct nf_db *db, struct nf_db_stats *ret);
    void (*free)(struct nf_db *db);
};

static inline NF_RC nf_db_tx(struct nf_db *db, const struct nf_cmd *cmds, size_t n, size_t *failed,
                             struct nf_err *err)
{
    return db->ops->tx(db, cmds, n, failed, err);
}

static inline NF_RC nf_db_read(struct nf_db *db, const struct nf_cmd *cmd, size_t *rows,
                               struct nf_err *err)
{
    return db->ops->read(db, cmd, rows, err);
}

static inline NF_RC nf_db_backup(struct nf_db *db, const char *path, struct nf_err *err)
{
    return db->ops->backup(db, path, err);
}

static inline void nf_db_stats(struct nf_db *db, struct nf_db_stats *ret)
{
    db->ops->stats(db, ret);
}

/* Nobody may be using it. NULL is allowed. */
static inline void nf_db_free(struct nf_db *db)
{
    if (db)
        db->ops->free(db);
}
