/*
 * A whole database into an empty one of another engine, and both read again to compare them row by
 * row. For the command line: it blocks.
 */
#pragma once

#include "base/string.h"

#include <stdint.h>

#define NF_COPY_COLUMNS_MAX 64
#define NF_COPY_NAME_MAX 63

struct nf_copy_column {
    char name[NF_COPY_NAME_MAX + 1];
    bool is_number, is_bytes; /* else text */
    int key;                  /* its place in the primary key from 1; 0: none */
};
struct nf_copy_table {
    char name[NF_COPY_NAME_MAX + 1];
    struct nf_copy_column columns[NF_COPY_COLUMNS_MAX];
    size_t n;
};
struct nf_copy_tables {
    struct nf_copy_table *v;
    size_t n;
};

/* Append the names of the columns, with commas; and the statement that reads all rows in the order
 * of their key. */
NF_RC nf_copy_columns(const struct nf_copy_table *t, struct nf_str *sql, struct nf_err *err);
NF_RC nf_copy_select(const struct nf_copy_table *t, struct nf_str *sql, struct nf_err *err);

/* Borrowed until the next row is read. */
struct nf_copy_value {
    bool is_null;
    int64_t number;
    struct nf_slice text;
};

/* Port: one of the two databases. */
struct nf_copy_end {
    const struct nf_copy_end_ops *ops;
};
struct nf_copy_end_ops {
    /* Read a table in the order of its key. */
    enum nf_code (*begin_read)(struct nf_copy_end *e, const struct nf_copy_table *t,
                               struct nf_err *err);
    /* *more false: there was no further row. */
    enum nf_code (*next)(struct nf_copy_end *e, struct nf_copy_value *ret, bool *more,
                         struct nf_err *err);
    void (*end_read)(struct nf_copy_end *e);
    /* Write a table's rows, all in one transaction for the whole copy. */
    enum nf_code (*begin_write)(struct nf_copy_end *e, const struct nf_copy_table *t,
                                struct nf_err *err);
    enum nf_code (*put)(struct nf_copy_end *e, const struct nf_copy_value *row, struct nf_err *err);
    enum nf_code (*end_write)(struct nf_copy_end *e, struct nf_err *err);
    enum nf_code (*commit)(struct nf_copy_end *e, struct nf_err *err);
    void (*free)(struct nf_copy_end *e); /* rolls back what was not committed */
};

/* Called for each table that was copied and compared. */
typedef void (*nf_copy_fn)(void *arg, const char *table, int64_t rows);

/* Copy all tables, compare them, and only then commit. NF_E_CONFLICT: a table of `to` has rows;
 * NF_E_IO: they differ after the copy, with table and row; then `to` is as before. */
NF_RC nf_copy_all(struct nf_copy_end *from, struct nf_copy_end *to,
                  const struct nf_copy_tables *tables, nf_copy_fn fn, void *arg,
                  struct nf_err *err);
