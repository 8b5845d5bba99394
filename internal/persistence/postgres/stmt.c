#include "persistence/postgres/stmt.h"

#include "base/own.h"
#include "persistence/postgres/error.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 32
#define ROW_MAX 1024 /* bytes of a row struct */

/* Object identifiers of types: the server's src/include/catalog/pg_type.dat. */
enum { BYTEA = 17, INT8 = 20, INT2 = 21, INT4 = 23, TEXT = 25 };

/* --- texts ------------------------------------------------------------------------------------ */

static NF_RC translate(const char *sql, char **ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    NF_TRY(nf_sql_expand(sql, "pg", &s, err));
    for (char *p = s.p; p && *p; p++)
        if (p[0] == '?' && p[1] >= '1' && p[1] <= '9')
            *p = '$';
    return nf_strdup(nf_str_c(&s), ret, err);
}

enum nf_code nf_pg_texts_init(struct nf_pg_texts *t, const struct nf_query_info *queries,
                              struct nf_err *err)
{
    for (int q = 0; q < NF_QUERY_COUNT; q++)
        NF_TRY(translate(queries[q].sql, &t->v[q], err));
    return NF_OK;
}

void nf_pg_texts_done(struct nf_pg_texts *t)
{
    for (int q = 0; q < NF_QUERY_COUNT; q++)
        free(t->v[q]);
    *t = (struct nf_pg_texts){ 0 };
}

/* --- preparing -------------------------------------------------------------------------------- */

/* Integers are said to be such, so that ?1=0 does not make one of 32 bits; a text may also be for a
 * column of bytes, which the server finds out. */
static int send_prepare(struct nf_pg_conn *c, const struct nf_pg_texts *t, size_t q)
{
    const struct nf_query_info *i = &c->queries[q];
    Oid types[ARGUMENTS_MAX];
    assert(i->in_n <= ARGUMENTS_MAX && i->row_size <= ROW_MAX);
    for (size_t k = 0; k < i->in_n; k++)
        types[k] = i->in[k].type == NF_FIELD_I64 ? INT8 : 0;
    return PQsendPrepare(c->pg, i->name, t->v[q], (int)i->in_n, types);
}

static bool fits(enum nf_field_type type, Oid oid)
{
    return type == NF_FIELD_I64 ? oid == INT8 || oid == INT4 || oid == INT2
                                : oid == TEXT || oid == BYTEA;
}

static NF_RC compare(const struct nf_query_info *i, const PGresult *r, struct nf_err *err)
{
    size_t in = (size_t)PQnparams(r), out = (size_t)PQnfields(r);
    if (in != i->in_n || out != i->out_n)
        return nf_err_set(err, NF_E_INTERNAL,
                          "statement %s: %zu parameters and %zu columns, the catalogue says %zu "
                          "and %zu",
                          i->name, in, out, i->in_n, i->out_n);
    for (size_t k = 0; k < in; k++)
        if (!fits(i->in[k].type, PQparamtype(r, (int)k)))
            return nf_err_set(err, NF_E_INTERNAL, "statement %s: parameter %s has the type %u",
                              i->name, i->in[k].name, PQparamtype(r, (int)k));
    for (size_t k = 0; k < out; k++)
        if (!fits(i->out[k].type, PQftype(r, (int)k)))
            return nf_err_set(err, NF_E_INTERNAL, "statement %s: column %s has the type %u",
                              i->name, i->out[k].name, PQftype(r, (int)k));
    return NF_OK;
}

/* One command's result and the NULL behind it; `q`: the statement to compare it with, or none. */
static NF_RC read_check(struct nf_pg_conn *c, const struct nf_query_info *q, bool described,
                        struct nf_err *err)
{
    PGresult *r = NULL, *end = NULL;
    NF_TRY(nf_pg_next(c, &r, err));
    enum nf_code rc = NF_OK;
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        rc = nf_err_wrap(err, nf_pg_result_error(r, err), "statement %s", q->name);
    else if (described)
        rc = compare(q, r, err);
    PQclear(r);
    if (rc == NF_OK)
        rc = nf_pg_next(c, &end, err);
    PQclear(end);
    return rc;
}

static NF_RC check_all(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_err *err)
{
    for (size_t q = 0; q < NF_QUERY_COUNT; q++)
        if (!send_prepare(c, t, q) || !PQsendDescribePrepared(c->pg, c->queries[q].name))
            return nf_pg_conn_error(c->pg, "database", err);
    if (!PQpipelineSync(c->pg))
        return nf_pg_conn_error(c->pg, "database", err);
    for (size_t q = 0; q < NF_QUERY_COUNT; q++) {
        NF_TRY(read_check(c, &c->queries[q], false, err));
        NF_TRY(read_check(c, &c->queries[q], true, err));
        c->prepared[q] = true;
    }
    PGresult *sync = NULL;
    NF_TRY(nf_pg_next(c, &sync, err));
    assert(PQresultStatus(sync) == PGRES_PIPELINE_SYNC);
    PQclear(sync);
    return NF_OK;
}

enum nf_code nf_pg_check(struct nf_pg_conn *c, const struct nf_pg_texts *t, struct nf_err *err)
{
    NF_TRY(nf_pg_pipeline(c, true, err));
    NF_TRY(check_all(c, t, err));
    return nf_pg_pipeline(c, false, err);
}

/* --- arguments -------------------------------------------------------------------------------- */

static uint64_t big_endian(i64 n)
{
    uint64_t u = (uint64_t)n;
    return (uint64_t)htonl((uint32_t)(u >> 32)) | (uint64_t)htonl((uint32_t)u) << 32;
}

static int send_execute(struct nf_pg_conn *c, const struct nf_query_info *q, const void *in)
{
    uint64_t numbers[ARGUMENTS_MAX];
    const char *values[ARGUMENTS_MAX];
    int lengths[ARGUMENTS_MAX], formats[ARGUMENTS_MAX];
    for (size_t i = 0; i < q->in_n; i++) {
        const void *field = (const char *)in + q->in[i].offset;
        formats[i] = 1;
        if (q->in[i].type == NF_FIELD_I64) {
            numbers[i] = big_endian(*(const i64 *)field);
            values[i] = (const char *)&numbers[i];
            lengths[i] = 8;
        } else {
            const str *text = field;
            values[i] = text->p;
            lengths[i] = (int)text->n;
        }
    }
    return PQsendQueryPrepared(c->pg, q->name, (int)q->in_n, values, lengths, formats, 1);
}

enum nf_code nf_pg_send(struct nf_pg_conn *c, const struct nf_pg_texts *t, const struct nf_cmd *cmd,
                        bool *prepares, struct nf_err *err)
{
    *prepares = !c->prepared[cmd->q];
    if (*prepares && !send_prepare(c, t, cmd->q))
        return nf_pg_conn_error(c->pg, "database", err);
    if (!send_execute(c, &c->queries[cmd->q], cmd->in))
        return nf_pg_conn_error(c->pg, "database", err);
    c->prepared[cmd->q] = true;
    return NF_OK;
}

/* --- rows ------------------------------------------------------------------------------------- */

int64_t nf_pg_touched(const struct nf_query_info *q, const PGresult *r)
{
    int64_t n = 0;
    if (q->out_n > 0)
        return PQntuples(r);
    /* A statement that touches none, such as a CREATE, says "". */
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): const is taken away, which libpq forgot */
    return nf_slice_u63(nf_slice_of(PQcmdTuples((PGresult *)(uintptr_t)r)), &n) ? n : 0;
}

static i64 read_number(const char *p, int length)
{
    uint64_t u = (unsigned char)p[0] & 0x80 ? ~UINT64_C(0) : 0;
    for (int i = 0; i < length; i++)
        u = u << 8 | (unsigned char)p[i];
    return (i64)u;
}

static void read_row(const struct nf_query_info *q, const PGresult *r, int row, char *to)
{
    memset(to, 0, q->row_size);
    for (size_t i = 0; i < q->out_n; i++) {
        void *field = to + q->out[i].offset;
        if (PQgetisnull(r, row, (int)i))
            continue;
        const char *p = PQgetvalue(r, row, (int)i);
        int length = PQgetlength(r, row, (int)i);
        if (q->out[i].type == NF_FIELD_I64)
            *(i64 *)field = read_number(p, length);
        else
            *(str *)field = (str){ p, (size_t)length };
    }
}

enum nf_code nf_pg_rows(const struct nf_query_info *q, const struct nf_cmd *cmd, const PGresult *r,
                        struct nf_err *err)
{
    _Alignas(max_align_t) char row[ROW_MAX];
    for (int i = 0; cmd->row && i < PQntuples(r); i++) {
        read_row(q, r, i, row);
        NF_TRY(cmd->row(cmd->to, row, err));
    }
    return NF_OK;
}
