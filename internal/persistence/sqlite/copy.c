#include "persistence/sqlite/copy.h"

#include "base/own.h"
#include "persistence/catalogue.h"
#include "persistence/migrations.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/lock.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- which tables there are ------------------------------------------------------------------- */

static NF_RC copy_name(char to[NF_COPY_NAME_MAX + 1], const char *from, struct nf_err *err)
{
    size_t n = strlen(from);
    if (n > NF_COPY_NAME_MAX)
        return nf_err_set(err, NF_E_INTERNAL, "the name %s is too long", from);
    memcpy(to, from, n + 1);
    return NF_OK;
}

static NF_RC add_table(struct nf_copy_tables *l, const char *name, struct nf_err *err)
{
    struct nf_copy_table *v = realloc(l->v, (l->n + 1) * sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    l->v = v;
    v[l->n] = (struct nf_copy_table){ .n = 0 };
    return copy_name(v[l->n++].name, name, err);
}

static NF_RC add_column(struct nf_copy_table *t, sqlite3_stmt *s, struct nf_err *err)
{
    const char *type = (const char *)sqlite3_column_text(s, 2);
    if (t->n == NF_COPY_COLUMNS_MAX)
        return nf_err_set(err, NF_E_INTERNAL, "table %s has too many columns", t->name);
    struct nf_copy_column *c = &t->columns[t->n++];
    c->is_number = strcmp(type, "INTEGER") == 0;
    c->is_bytes = strcmp(type, "BLOB") == 0;
    c->key = sqlite3_column_int(s, 3);
    return copy_name(c->name, (const char *)sqlite3_column_text(s, 1), err);
}

/* SQLite's index for searching is made of tables; PostgreSQL has none of them. */
static NF_RC is_common(const char *table, bool *ret, struct nf_err *err)
{
    struct nf_migrations all = nf_migrations_all();
    char create[NF_COPY_NAME_MAX + 16];
    (void)snprintf(create, sizeof(create), "CREATE TABLE %s(", table);
    *ret = false;
    for (size_t i = 0; i < all.n && !*ret; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
        NF_TRY(nf_sql_expand(all.v[i].sql, "pg", &sql, err));
        const char *found = strstr(nf_str_c(&sql), create);
        /* What is only for the other engine has stayed a comment. */
        *ret = found && found > sql.p && found[-1] == '\n';
    }
    return NF_OK;
}

/* Of the schema, made in memory. How far a session is indexed is the engine's own business. */
static NF_RC read_tables(sqlite3 *conn, struct nf_copy_tables *ret, struct nf_err *err)
{
    static const char sql[] =
        "SELECT m.name,i.name,i.type,i.pk FROM sqlite_master m JOIN pragma_table_info(m.name) i"
        " WHERE m.type='table' AND m.name NOT IN ('instances','schema_version')"
        " AND i.name<>'indexed_seq' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name,i.cid";
    bool common = false;
    sqlite3_stmt *s = NULL;
    enum nf_code rc = NF_OK;
    if (sqlite3_prepare_v2(conn, sql, -1, &s, NULL) != SQLITE_OK)
        return nf_err_set(err, NF_E_INTERNAL, "%s", sqlite3_errmsg(conn));
    while (rc == NF_OK && sqlite3_step(s) == SQLITE_ROW) {
        const char *table = (const char *)sqlite3_column_text(s, 0);
        rc = is_common(table, &common, err);
        if (rc == NF_OK && common && (ret->n == 0 || strcmp(ret->v[ret->n - 1].name, table) != 0))
            rc = add_table(ret, table, err);
        if (rc == NF_OK && common)
            rc = add_column(&ret->v[ret->n - 1], s, err);
    }
    sqlite3_finalize(s);
    return rc;
}

static NF_RC make_schema(sqlite3 *conn, struct nf_err *err)
{
    struct nf_migrations all = nf_migrations_all();
    for (size_t i = 0; i < all.n; i++) {
        NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
        NF_TRY(nf_sql_expand(all.v[i].sql, "lite", &sql, err));
        NF_TRY(nf_lite_exec(conn, "schema", nf_str_c(&sql), err));
    }
    return NF_OK;
}

enum nf_code nf_sqlite_copy_tables(struct nf_copy_tables *ret, struct nf_err *err)
{
    sqlite3 *conn = NULL;
    *ret = (struct nf_copy_tables){ 0 };
    if (sqlite3_open(":memory:", &conn) != SQLITE_OK) {
        sqlite3_close(conn);
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    enum nf_code rc = make_schema(conn, err);
    if (rc == NF_OK)
        rc = read_tables(conn, ret, err);
    sqlite3_close(conn);
    if (rc != NF_OK)
        free(nf_take(ret->v));
    return rc;
}

/* --- one end ---------------------------------------------------------------------------------- */

struct lite_end {
    struct nf_copy_end base;
    char *path;
    int lock;
    sqlite3 *conn;
    const struct nf_copy_table *table;
    sqlite3_stmt *read, *write;
};

static const struct nf_copy_end_ops ops;

static struct lite_end *end_of(struct nf_copy_end *e)
{
    assert(e->ops == &ops);
    return nf_container_of(e, struct lite_end, base);
}

static NF_RC prepare(struct lite_end *e, const struct nf_str *sql, sqlite3_stmt **ret,
                     struct nf_err *err)
{
    int rc = sqlite3_prepare_v2(e->conn, nf_str_c(sql), -1, ret, NULL);
    return rc == SQLITE_OK ? NF_OK : nf_lite_error(e->conn, e->path, rc, err);
}

static enum nf_code begin_read(struct nf_copy_end *base, const struct nf_copy_table *t,
                               struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    e->table = t;
    NF_TRY(nf_copy_select(t, &sql, err));
    return prepare(e, &sql, &e->read, err);
}

static void read_value(sqlite3_stmt *s, int i, const struct nf_copy_column *c,
                       struct nf_copy_value *v)
{
    *v = (struct nf_copy_value){ .is_null = sqlite3_column_type(s, i) == SQLITE_NULL };
    if (v->is_null)
        return;
    if (c->is_number) {
        v->number = sqlite3_column_int64(s, i);
        return;
    }
    const char *p = sqlite3_column_blob(s, i);
    v->text = (struct nf_slice){ p ? p : "", (size_t)sqlite3_column_bytes(s, i) };
}

static enum nf_code next(struct nf_copy_end *base, struct nf_copy_value *ret, bool *more,
                         struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    int rc = sqlite3_step(e->read);
    *more = rc == SQLITE_ROW;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return nf_lite_error(e->conn, e->path, rc, err);
    for (size_t i = 0; i < e->table->n && *more; i++)
        read_value(e->read, (int)i, &e->table->columns[i], &ret[i]);
    return NF_OK;
}

static void end_read(struct nf_copy_end *base)
{
    struct lite_end *e = end_of(base);
    sqlite3_finalize(nf_take(e->read));
}

static enum nf_code begin_write(struct nf_copy_end *base, const struct nf_copy_table *t,
                                struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    e->table = t;
    NF_TRY(nf_str_addf(&sql, err, "INSERT INTO %s(", t->name));
    NF_TRY(nf_copy_columns(t, &sql, err));
    for (size_t i = 0; i < t->n; i++)
        NF_TRY(nf_str_adds(&sql, i ? ",?" : ") VALUES(?", err));
    NF_TRY(nf_str_adds(&sql, ")", err));
    return prepare(e, &sql, &e->write, err);
}

static enum nf_code put(struct nf_copy_end *base, const struct nf_copy_value *row,
                        struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    for (size_t i = 0; i < e->table->n; i++) {
        const struct nf_copy_value *v = &row[i];
        int k = (int)i + 1;
        /* As the driver binds them, bytes included. */
        if (v->is_null)
            sqlite3_bind_null(e->write, k);
        else if (e->table->columns[i].is_number)
            sqlite3_bind_int64(e->write, k, v->number);
        else
            sqlite3_bind_text64(e->write, k, v->text.p, v->text.n, SQLITE_STATIC, SQLITE_UTF8);
    }
    int rc = sqlite3_step(e->write);
    enum nf_code code = rc == SQLITE_DONE ? NF_OK : nf_lite_error(e->conn, e->path, rc, err);
    sqlite3_reset(e->write);
    sqlite3_clear_bindings(e->write);
    return code;
}

static enum nf_code end_write(struct nf_copy_end *base, struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    (void)err;
    sqlite3_finalize(nf_take(e->write));
    return NF_OK;
}

static enum nf_code commit(struct nf_copy_end *base, struct nf_err *err)
{
    struct lite_end *e = end_of(base);
    return nf_lite_exec(e->conn, e->path, "COMMIT", err);
}

static void end_free(struct nf_copy_end *base)
{
    struct lite_end *e = end_of(base);
    sqlite3_finalize(e->read);
    sqlite3_finalize(e->write);
    if (e->conn && !sqlite3_get_autocommit(e->conn))
        (void)sqlite3_exec(e->conn, "ROLLBACK", NULL, NULL, NULL);
    if (e->conn)
        nf_lite_conn_close(e->conn);
    if (e->lock >= 0)
        close(e->lock);
    free(e->path);
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

static NF_RC open_end(struct lite_end *e, const char *path, bool write, struct nf_err *err)
{
    NF_TRY(nf_strdup(path, &e->path, err));
    NF_TRY(nf_lock_take("database", path, &e->lock, err));
    NF_TRY(nf_lite_conn_open(path, write ? NF_LITE_WRITER : NF_LITE_READER, NF_SQLITE_BUSY_MS,
                             &e->conn, err));
    return nf_lite_exec(e->conn, path, write ? "BEGIN IMMEDIATE" : "BEGIN", err);
}

enum nf_code nf_sqlite_copy_end(const char *path, bool write, struct nf_copy_end **ret,
                                struct nf_err *err)
{
    struct lite_end *e = calloc(1, sizeof(*e));
    if (!e)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    e->base.ops = &ops;
    e->lock = -1;
    enum nf_code rc = open_end(e, path, write, err);
    if (rc != NF_OK) {
        end_free(&e->base);
        return rc;
    }
    *ret = &e->base;
    return NF_OK;
}
