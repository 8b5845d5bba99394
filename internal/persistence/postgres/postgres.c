#include "persistence/postgres/postgres.h"

#include "base/own.h"
#include "persistence/postgres/migrate.h"
#include "persistence/postgres/pool.h"
#include "runtime/mono.h"

#include <stdlib.h>
#include <string.h>

#define DOWN_MS 500 /* after a failure to connect nobody tries for that long */
#define ROWS_BYTES_MAX ((size_t)64 << 20) /* of one transaction's or read's rows */

struct postgres {
    struct nf_db base;
    struct nf_loop *loop;
    struct nf_pg_target target;
    struct nf_executor *names;
    struct nf_query_info queries[NF_QUERY_COUNT];
    struct nf_pg_texts texts;
    struct nf_pg_pool pool;
    struct nf_db_stats stats;
};

static const struct nf_db_ops ops;

static struct postgres *postgres_of(struct nf_db *db)
{
    assert(db->ops == &ops);
    return nf_container_of(db, struct postgres, base);
}

/* --- jobs ------------------------------------------------------------------------------------- */

/* Whoever finds the server gone says so to those who wait behind, so that they do not all find out
 * for themselves. */
static enum nf_code run_on(struct postgres *db, struct nf_pg_slot *s, struct nf_pg_job *j,
                           bool write, struct nf_err *err)
{
    struct nf_pg_pool *p = &db->pool;
    struct nf_err why = { 0 };
    bool was_alive = nf_pg_conn_alive(&s->conn);
    if (!was_alive && nf_mono_ms() < p->down_until_ms)
        return nf_err_set(err, p->down.code, "%s", p->down.msg);
    enum nf_code rc =
        write ? nf_pg_tx(&s->conn, &db->texts, j, &why) : nf_pg_read(&s->conn, &db->texts, j, &why);
    if (rc != NF_OK && err)
        *err = why;
    if (nf_pg_conn_alive(&s->conn)) {
        p->well_ms = nf_mono_ms();
        p->down_until_ms = 0;
    } else if (rc == NF_E_UNAVAILABLE && nf_mono_ms() - p->well_ms > DOWN_MS) {
        p->down_until_ms = nf_mono_ms() + DOWN_MS;
        p->down = why;
        p->down.code = rc;
    }
    return rc;
}

static NF_RC check_size(const struct nf_pg_job *j, struct nf_err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < j->n; i++)
        bytes += j->cmds[i].row ? PQresultMemorySize(j->results[i]) : 0;
    return bytes <= ROWS_BYTES_MAX
               ? NF_OK
               : nf_err_set(err, NF_E_LIMIT, "more than %zu bytes of rows: ask for fewer",
                            ROWS_BYTES_MAX);
}

static NF_RC replay(struct postgres *db, const struct nf_pg_job *j, struct nf_err *err)
{
    NF_TRY(check_size(j, err));
    for (size_t i = 0; i < j->n; i++)
        NF_TRY(nf_pg_rows(&db->queries[j->cmds[i].q], &j->cmds[i], j->results[i], err));
    return NF_OK;
}

static void count(struct postgres *db, const struct nf_pg_job *j, bool write, bool committed)
{
    struct nf_db_stats *s = &db->stats;
    s->retries += j->retries;
    s->reconnects += j->reconnects;
    if (!write) {
        s->reads++;
        return;
    }
    s->transactions++;
    if (!committed)
        return;
    s->commits++;
    s->commit_us_total += (uint64_t)j->commit_us;
    if ((uint64_t)j->commit_us > s->commit_us_max)
        s->commit_us_max = (uint64_t)j->commit_us;
}

static NF_RC run(struct postgres *db, struct nf_pg_job *j, bool write, struct nf_err *err)
{
    struct nf_pg_slot *s = NULL;
    NF_TRY(nf_pg_pool_acquire(&db->pool, db->queries, j->cmds, j->n, write, &s, err));
    enum nf_code rc = run_on(db, s, j, write, err);
    nf_pg_pool_release(&db->pool, s);
    count(db, j, write, rc == NF_OK);
    if (rc == NF_OK)
        rc = replay(db, j, err);
    db->stats.damaged += rc == NF_E_IO;
    return rc;
}

/* --- the port --------------------------------------------------------------------------------- */

static enum nf_code postgres_tx(struct nf_db *base, const struct nf_cmd *cmds, size_t n,
                                size_t *failed, struct nf_err *err)
{
    struct postgres *db = postgres_of(base);
    NF_CLEANUP(nf_pg_job_done) struct nf_pg_job j = { 0 };
    assert(n > 0);
    NF_TRY(nf_pg_job_init(&j, cmds, n, err));
    enum nf_code rc = run(db, &j, true, err);
    if (failed)
        *failed = j.failed;
    return rc;
}

static enum nf_code postgres_read(struct nf_db *base, const struct nf_cmd *cmd, size_t *rows,
                                  struct nf_err *err)
{
    struct postgres *db = postgres_of(base);
    NF_CLEANUP(nf_pg_job_done) struct nf_pg_job j = { 0 };
    NF_TRY(nf_pg_job_init(&j, cmd, 1, err));
    NF_TRY(run(db, &j, false, err));
    if (rows)
        *rows = (size_t)j.touched;
    return NF_OK;
}

static enum nf_code postgres_backup(struct nf_db *base, const char *path, struct nf_err *err)
{
    (void)postgres_of(base);
    (void)path;
    return nf_err_set(err, NF_E_INVALID,
                      "PostgreSQL is backed up with its own tools: pg_dump --format=custom, or "
                      "pg_basebackup");
}

static void postgres_stats(struct nf_db *base, struct nf_db_stats *ret)
{
    struct postgres *db = postgres_of(base);
    *ret = db->stats;
    ret->write_queue = db->pool.waiting;
}

static void postgres_free(struct nf_db *base)
{
    struct postgres *db = postgres_of(base);
    for (size_t i = 0; i < db->pool.n; i++) {
        assert(!db->pool.v[i].busy);
        nf_pg_conn_close(&db->pool.v[i].conn);
    }
    free(db->pool.v);
    nf_executor_free(db->names);
    nf_pg_texts_done(&db->texts);
    nf_pg_target_done(&db->target);
    free(db);
}

static const struct nf_db_ops ops = {
    .tx = postgres_tx,
    .read = postgres_read,
    .backup = postgres_backup,
    .stats = postgres_stats,
    .free = postgres_free,
};

/* --- opening ---------------------------------------------------------------------------------- */

static NF_RC make_slots(struct postgres *db, const struct nf_postgres_options *o,
                        struct nf_err *err)
{
    db->pool.v = calloc((size_t)o->connections, sizeof(*db->pool.v));
    if (!db->pool.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    db->pool.n = (size_t)o->connections;
    nf_pg_pool_init(&db->pool);
    for (size_t i = 0; i < db->pool.n; i++) {
        struct nf_pg_slot *s = &db->pool.v[i];
        s->conn = (struct nf_pg_conn){ .loop = db->loop,
                                       .target = &db->target,
                                       .names = db->names,
                                       .queries = db->queries,
                                       .answer_ms = o->statement_ms + NF_PG_GRACE_MS };
    }
    return NF_OK;
}

static NF_RC open_all(struct postgres *db, const struct nf_postgres_options *o, struct nf_err *err)
{
    NF_TRY(nf_pg_target_init(&db->target, o->url, o->statement_ms, o->lock_ms, err));
    if (db->loop && nf_pg_target_looks_up(&db->target))
        NF_TRY(
            nf_executor_new(db->loop, "db-names", 1, NF_POSTGRES_CONNECTIONS_MAX, &db->names, err));
    nf_catalogue_describe(db->queries);
    NF_TRY(nf_pg_texts_init(&db->texts, db->queries, err));
    NF_TRY(make_slots(db, o, err));
    struct nf_pg_conn *c = &db->pool.v[0].conn;
    NF_TRY(nf_pg_conn_open(c, err));
    NF_TRY(nf_pg_migrate(c, nf_migrations_all(), err));
    return nf_pg_check(c, &db->texts, err);
}

enum nf_code nf_postgres_open(struct nf_loop *loop, const struct nf_postgres_options *o,
                              struct nf_db **ret, struct nf_err *err)
{
    assert(o->connections >= 1 && o->connections <= NF_POSTGRES_CONNECTIONS_MAX);
    struct postgres *db = calloc(1, sizeof(*db));
    if (!db)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    db->base.ops = &ops;
    db->loop = loop;
    enum nf_code rc = open_all(db, o, err);
    if (rc != NF_OK) {
        postgres_free(&db->base);
        return rc;
    }
    *ret = &db->base;
    return NF_OK;
}

enum nf_code nf_postgres_check_url(const char *url, struct nf_err *err)
{
    struct nf_pg_target t;
    NF_TRY(nf_pg_target_init(&t, url, NF_POSTGRES_STATEMENT_MS, NF_POSTGRES_LOCK_MS, err));
    nf_pg_target_done(&t);
    return NF_OK;
}
