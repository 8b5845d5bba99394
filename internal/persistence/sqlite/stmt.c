#include "persistence/sqlite/stmt.h"

#include "base/own.h"
#include "persistence/sqlite/conn.h"

#include <sqlite3.h>
#include <string.h>

/* *to = the statement for SQLite. One of several rows that breaks a constraint in the middle is
 * undone with its whole transaction, so SQLite need not be able to undo it alone ("OR ABORT", else
 * the default): for that it copies each page that the statement is about to change. */
static NF_RC write_sql(const char *sql, struct nf_str *to, struct nf_err *err)
{
    static const char *const verbs[] = { "INSERT ", "UPDATE " };
    NF_CLEANUP(nf_str_done) struct nf_str own = { 0 };
    if (strstr(sql, "/*lite:")) { /* few have something of their own */
        NF_TRY(nf_sql_expand(sql, "lite", &own, err));
        sql = nf_str_c(&own);
    }
    nf_str_reset(to);
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        size_t n = strlen(verbs[i]);
        if (strncmp(sql, verbs[i], n) != 0)
            continue;
        NF_TRY(nf_str_addf(to, err, "%sOR FAIL ", verbs[i]));
        sql += n;
        break;
    }
    return nf_str_adds(to, sql, err);
}

/* `sql` is scratch. */
static NF_RC prepare(struct nf_lite_stmts *s, enum nf_query q, struct nf_str *sql,
                     struct nf_err *err)
{
    NF_TRY(write_sql(s->queries[q].sql, sql, err));
    int rc =
        sqlite3_prepare_v3(s->conn, nf_str_c(sql), -1, SQLITE_PREPARE_PERSISTENT, &s->v[q], NULL);
    if (rc != SQLITE_OK)
        return nf_err_wrap(err, nf_lite_error(s->conn, s->path, rc, err), "statement %s",
                           s->queries[q].name);
    return NF_OK;
}

static NF_RC prepare_late(struct nf_lite_stmts *s, enum nf_query q, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    return prepare(s, q, &sql, err);
}

enum nf_code nf_lite_stmts_check(struct nf_lite_stmts *s, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    for (int q = 0; q < NF_QUERY_COUNT; q++) {
        const struct nf_query_info *i = &s->queries[q];
        NF_TRY(prepare(s, (enum nf_query)q, &sql, err));
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
        NF_TRY(prepare_late(s, c->q, err));
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
