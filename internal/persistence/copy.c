#include "persistence/copy.h"

#include <string.h>

struct row {
    struct nf_copy_value v[NF_COPY_COLUMNS_MAX];
};

enum nf_code nf_copy_columns(const struct nf_copy_table *t, struct nf_str *sql, struct nf_err *err)
{
    for (size_t i = 0; i < t->n; i++)
        NF_TRY(nf_str_addf(sql, err, "%s%s", i ? "," : "", t->columns[i].name));
    return NF_OK;
}

enum nf_code nf_copy_select(const struct nf_copy_table *t, struct nf_str *sql, struct nf_err *err)
{
    const char *before = " ORDER BY ";
    NF_TRY(nf_str_adds(sql, "SELECT ", err));
    NF_TRY(nf_copy_columns(t, sql, err));
    NF_TRY(nf_str_addf(sql, err, " FROM %s", t->name));
    for (int k = 1; k <= (int)t->n; k++)
        for (size_t i = 0; i < t->n; i++)
            if (t->columns[i].key == k) {
                NF_TRY(nf_str_addf(sql, err, "%s%s", before, t->columns[i].name));
                before = ",";
            }
    return NF_OK;
}

static NF_RC check_empty(struct nf_copy_end *to, const struct nf_copy_table *t, struct nf_err *err)
{
    struct row r;
    bool more = false;
    NF_TRY(to->ops->begin_read(to, t, err));
    enum nf_code rc = to->ops->next(to, r.v, &more, err);
    to->ops->end_read(to);
    NF_TRY(rc);
    return more ? nf_err_set(err, NF_E_CONFLICT,
                             "the target's table %s has rows already: give an empty database",
                             t->name)
                : NF_OK;
}

static NF_RC copy_rows(struct nf_copy_end *from, struct nf_copy_end *to, int64_t *rows,
                       struct nf_err *err)
{
    struct row r;
    for (bool more = true;; (*rows)++) {
        NF_TRY(from->ops->next(from, r.v, &more, err));
        if (!more)
            return NF_OK;
        NF_TRY(to->ops->put(to, r.v, err));
    }
}

static NF_RC copy_table(struct nf_copy_end *from, struct nf_copy_end *to,
                        const struct nf_copy_table *t, int64_t *rows, struct nf_err *err)
{
    NF_TRY(check_empty(to, t, err));
    NF_TRY(from->ops->begin_read(from, t, err));
    enum nf_code rc = to->ops->begin_write(to, t, err);
    if (rc == NF_OK)
        rc = copy_rows(from, to, rows, err);
    from->ops->end_read(from);
    NF_TRY(nf_err_wrap(err, rc, "table %s, row %lld", t->name, (long long)*rows + 1));
    return nf_err_wrap(err, to->ops->end_write(to, err), "table %s", t->name);
}

static bool same(const struct nf_copy_column *c, const struct nf_copy_value *a,
                 const struct nf_copy_value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    if (c->is_number)
        return a->number == b->number;
    return a->text.n == b->text.n && memcmp(a->text.p, b->text.p, a->text.n) == 0;
}

static NF_RC compare_rows(struct nf_copy_end *from, struct nf_copy_end *to,
                          const struct nf_copy_table *t, struct nf_err *err)
{
    struct row a, b;
    for (int64_t row = 1;; row++) {
        bool more_a = false, more_b = false;
        NF_TRY(from->ops->next(from, a.v, &more_a, err));
        NF_TRY(to->ops->next(to, b.v, &more_b, err));
        if (more_a != more_b)
            return nf_err_set(err, NF_E_IO, "table %s has %s rows in the target", t->name,
                              more_b ? "more" : "fewer");
        if (!more_a)
            return NF_OK;
        for (size_t i = 0; i < t->n; i++)
            if (!same(&t->columns[i], &a.v[i], &b.v[i]))
                return nf_err_set(err, NF_E_IO, "table %s, row %lld: column %s differs", t->name,
                                  (long long)row, t->columns[i].name);
    }
}

static NF_RC compare_table(struct nf_copy_end *from, struct nf_copy_end *to,
                           const struct nf_copy_table *t, struct nf_err *err)
{
    NF_TRY(from->ops->begin_read(from, t, err));
    enum nf_code rc = to->ops->begin_read(to, t, err);
    if (rc == NF_OK) {
        rc = compare_rows(from, to, t, err);
        to->ops->end_read(to);
    }
    from->ops->end_read(from);
    return rc;
}

enum nf_code nf_copy_all(struct nf_copy_end *from, struct nf_copy_end *to,
                         const struct nf_copy_tables *tables, nf_copy_fn fn, void *arg,
                         struct nf_err *err)
{
    for (size_t i = 0; i < tables->n; i++) {
        int64_t rows = 0;
        NF_TRY(copy_table(from, to, &tables->v[i], &rows, err));
        NF_TRY(compare_table(from, to, &tables->v[i], err));
        fn(arg, tables->v[i].name, rows);
    }
    return to->ops->commit(to, err);
}
