#include "persistence/postgres/copy.h"

#include "base/own.h"
#include "persistence/postgres/conn.h"
#include "persistence/postgres/error.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define FETCH "1000" /* rows at a time */
#define BATCH 256    /* rows that are sent before the answers are read */

struct pg_end {
    struct nf_copy_end base;
    struct nf_pg_target target;
    struct nf_pg_conn conn;
    const struct nf_copy_table *table;
    PGresult *rows;
    int at;
    size_t sent; /* rows whose answer was not read */
};

static const struct nf_copy_end_ops ops;

static struct pg_end *end_of(struct nf_copy_end *e)
{
    assert(e->ops == &ops);
    return nf_container_of(e, struct pg_end, base);
}

/* --- reading ---------------------------------------------------------------------------------- */

static NF_RC fetch(struct pg_end *e, struct nf_err *err)
{
    PQclear(nf_take(e->rows));
    e->at = 0;
    PGresult *r =
        PQexecParams(e->conn.pg, "FETCH " FETCH " FROM copied", 0, NULL, NULL, NULL, NULL, 1);
    if (PQresultStatus(r) != PGRES_TUPLES_OK) {
        enum nf_code rc = nf_pg_result_error(r, err);
        PQclear(r);
        return rc;
    }
    e->rows = r;
    return NF_OK;
}

static enum nf_code begin_read(struct nf_copy_end *base, const struct nf_copy_table *t,
                               struct nf_err *err)
{
    struct pg_end *e = end_of(base);
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    e->table = t;
    NF_TRY(nf_str_adds(&sql, "DECLARE copied CURSOR FOR ", err));
    NF_TRY(nf_copy_select(t, &sql, err));
    NF_TRY(nf_pg_exec(&e->conn, nf_str_c(&sql), err));
    return fetch(e, err);
}

static int64_t number(const char *p)
{
    uint32_t half[2];
    memcpy(half, p, 8);
    return (int64_t)((uint64_t)ntohl(half[0]) << 32 | ntohl(half[1]));
}

static enum nf_code next(struct nf_copy_end *base, struct nf_copy_value *ret, bool *more,
                         struct nf_err *err)
{
    struct pg_end *e = end_of(base);
    if (e->at == PQntuples(e->rows) && e->at > 0)
        NF_TRY(fetch(e, err));
    *more = e->at < PQntuples(e->rows);
    for (int i = 0; *more && i < (int)e->table->n; i++) {
        const char *p = PQgetvalue(e->rows, e->at, i);
        ret[i] = (struct nf_copy_value){ .is_null = PQgetisnull(e->rows, e->at, i) == 1 };
        if (!ret[i].is_null && e->table->columns[i].is_number)
            ret[i].number = number(p);
        else if (!ret[i].is_null)
            ret[i].text = (struct nf_slice){ p, (size_t)PQgetlength(e->rows, e->at, i) };
    }
    e->at += *more;
    return NF_OK;
}

static void end_read(struct nf_copy_end *base)
{
    struct pg_end *e = end_of(base);
    PQclear(nf_take(e->rows));
    if (nf_pg_exec(&e->conn, "CLOSE copied", NULL) != NF_OK)
        nf_pg_conn_close(&e->conn);
}

/* --- writing ---------------------------------------------------------------------------------- */

static enum nf_code begin_write(struct nf_copy_end *base, const struct nf_copy_table *t,
                                struct nf_err *err)
{
    struct pg_end *e = end_of(base);
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    e->table = t;
    NF_TRY(nf_str_addf(&sql, err, "DEALLOCATE ALL;PREPARE row AS INSERT INTO %s(", t->name));
    NF_TRY(nf_copy_columns(t, &sql, err));
    for (size_t i = 0; i < t->n; i++)
        NF_TRY(nf_str_addf(&sql, err, "%s$%zu", i ? "," : ") VALUES(", i + 1));
    NF_TRY(nf_str_adds(&sql, ")", err));
    NF_TRY(nf_pg_exec(&e->conn, nf_str_c(&sql), err));
    e->sent = 0;
    return nf_pg_pipeline(&e->conn, true, err);
}

static NF_RC read_answers(struct pg_end *e, struct nf_err *err)
{
    e->sent = 0;
    return nf_pg_drain(&e->conn, err);
}

static enum nf_code put(struct nf_copy_end *base, const struct nf_copy_value *row,
                        struct nf_err *err)
{
    struct pg_end *e = end_of(base);
    const char *values[NF_COPY_COLUMNS_MAX];
    uint32_t numbers[NF_COPY_COLUMNS_MAX][2];
    int lengths[NF_COPY_COLUMNS_MAX], formats[NF_COPY_COLUMNS_MAX];
    for (size_t i = 0; i < e->table->n; i++) {
        const struct nf_copy_value *v = &row[i];
        bool is_number = e->table->columns[i].is_number;
        numbers[i][0] = htonl((uint32_t)((uint64_t)v->number >> 32));
        numbers[i][1] = htonl((uint32_t)v->number);
        values[i] = v->is_null ? NULL : is_number ? (const char *)numbers[i] : v->text.p;
        lengths[i] = is_number ? 8 : (int)v->text.n;
        formats[i] = 1;
    }
    if (!PQsendQueryPrepared(e->conn.pg, "row", (int)e->table->n, values, lengths, formats, 1))
        return nf_pg_conn_error(e->conn.pg, "database", err);
    return ++e->sent < BATCH ? NF_OK : read_answers(e, err);
}

static enum nf_code end_write(struct nf_copy_end *base, struct nf_err *err)
{
    struct pg_end *e = end_of(base);
    NF_TRY(read_answers(e, err));
    return nf_pg_pipeline(&e->conn, false, err);
}

static enum nf_code commit(struct nf_copy_end *base, struct nf_err *err)
{
    return nf_pg_exec(&end_of(base)->conn, "COMMIT;ANALYZE", err);
}

static void end_free(struct nf_copy_end *base)
{
    struct pg_end *e = end_of(base);
    PQclear(e->rows);
    nf_pg_conn_close(&e->conn);
    nf_pg_target_done(&e->target);
    free(e);
}

static const struct nf_copy_end_ops ops = {
    .begin_read = begin_read,
    .next = next,
    .end_read = end_read,
    .begin_write = begin_write,
    .put = put,
    .end_write = end_write,
    .commit = commit,
    .free = end_free,
};

static NF_RC open_end(struct pg_end *e, const struct nf_postgres_options *o, struct nf_err *err)
{
    struct nf_pg_answer there;
    NF_TRY(nf_pg_target_init(&e->target, o->url, 0, o->lock_ms, err));
    e->conn = (struct nf_pg_conn){ .target = &e->target, .answer_ms = INT64_C(3600000) };
    NF_TRY(nf_pg_conn_open(&e->conn, err));
    NF_TRY(nf_pg_ask(&e->conn,
                     "SELECT address FROM instances WHERE state=1 AND "
                     "lease_until>extract(epoch FROM clock_timestamp())*1000 LIMIT 1",
                     NULL, &there, err));
    if (there.found)
        return nf_err_set(err, NF_E_CONFLICT, "the daemon at %s runs on it: stop it first",
                          there.text);
    return nf_pg_exec(&e->conn,
                      "SET idle_in_transaction_session_timeout=0;SET enable_seqscan=on;"
                      "BEGIN ISOLATION LEVEL REPEATABLE READ",
                      err);
}

enum nf_code nf_postgres_copy_end(const struct nf_postgres_options *o, struct nf_copy_end **ret,
                                  struct nf_err *err)
{
    struct pg_end *e = calloc(1, sizeof(*e));
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    e->base.ops = &ops;
    enum nf_code rc = open_end(e, o, err);
    if (rc != NF_OK) {
        end_free(&e->base);
        return rc;
    }
    *ret = &e->base;
    return NF_OK;
}
