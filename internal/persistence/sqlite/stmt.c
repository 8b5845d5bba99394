#include "persistence/sqlite/stmt.h"

#include "persistence/sqlite/conn.h"

#include <sqlite3.h>

static NF_RC prepare(struct nf_lite_stmts *s, enum nf_query q, struct nf_err *err)
{
    int rc = sqlite3_prepare_v3(s->conn, s->queries[q].sql, -1, SQLITE_PREPARE_PERSISTENT, &s->v[q],
                                NULL);
    if (rc != SQLITE_OK)
        return nf_err_wrap(err, nf_lite_error(s->conn, s->path, rc, err), "statement %s",
                           s->queries[q].name);
    return NF_OK;
}

enum nf_code nf_lite_stmts_check(struct nf_lite_stmts *s, struct nf_err *err)
{
    for (int q = 0; q < NF_QUERY_COUNT; q++) {
        const struct nf_query_info *i = &s->queries[q];
        NF_TRY(prepare(s, (enum nf_query)q, err));
        size_t in = (size_t)sqlite3_bind_parameter_count(s->v[q]);
        size_t out = (size_t)sqlite3_column_count(s->v[q]);
        if (in != i->in_n || out != i->out_n)
            return nf_err_set(err, NF_E_INTERNAL,
                              "statement %s: %zu parameters and %zu columns, "
                              "the catalogue says %zu and %zu",
                              i->name, in, out, i->in_n, i->out_n);
        if (sqlite3_stmt_readonly(s->v[q])) {
            sqlite3_finalize(s->v[q]);
            s->v[q] = NULL;
        }
    }
    return NF_OK;
}

void nf_lite_stmts_done(struct nf_lite_stmts *s)
{
    for (int q = 0; q < NF_QUERY_COUNT; q++) {
        sqlite3_finalize(s->v[q]);
        s->v[q] = NULL;
    }
}

static int bind(sqlite3_stmt *s, const struct nf_query_info *q, const void *in)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < q->in_n && rc == SQLITE_OK; i++) {
        const void *field = (const char *)in + q->in[i].offset;
        if (q->in[i].type == NF_FIELD_I64) {
            rc = sqlite3_bind_int64(s, (int)i + 1, *(const i64 *)field);
        } else {
            const str *text = field;
            rc = sqlite3_bind_text64(s, (int)i + 1, text->p, text->n, SQLITE_STATIC, SQLITE_UTF8);
        }
    }
    return rc;
}

enum nf_code nf_lite_run(struct nf_lite_stmts *s, const struct nf_cmd *c, size_t index,
                         struct nf_lite_rows *rows, int64_t *touched, int *rc, struct nf_err *err)
{
    const struct nf_query_info *q = &s->queries[c->q];
    *rc = SQLITE_OK;
    if (!s->v[c->q])
        NF_TRY(prepare(s, c->q, err));
    sqlite3_stmt *stmt = s->v[c->q];
    enum nf_code code = NF_OK;
    int64_t n = 0;
    int step = bind(stmt, q, c->in);
    if (step == SQLITE_OK)
        while ((step = sqlite3_step(stmt)) == SQLITE_ROW && code == NF_OK) {
            n++;
            if (c->row)
                code = nf_lite_rows_add(rows, q, index, stmt, err);
        }
    if (code == NF_OK && step != SQLITE_DONE) {
        *rc = step;
        code = nf_lite_error(s->conn, s->path, step, err);
    }
    /* Arguments are bound by address: nothing may remember them. */
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    *touched = q->out_n ? n : sqlite3_changes64(s->conn);
    return code;
}
