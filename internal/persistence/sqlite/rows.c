#include "persistence/sqlite/rows.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 48 /* of a row */

/* A record: this, the row struct, its texts with a NUL behind each. All records are aligned to 8.
 * While the buffer can still move, a text's pointer is its offset plus 1. */
struct record {
    size_t size, cmd;
};
_Static_assert(sizeof(struct record) % 8 == 0, "rows are aligned");

void nf_lite_rows_done(struct nf_lite_rows *r)
{
    free(r->p);
    *r = (struct nf_lite_rows){ 0 };
}

static NF_RC reserve(struct nf_lite_rows *r, size_t n, struct nf_err *err)
{
    if (n > NF_LITE_ROWS_MAX - r->len)
        return nf_err_set(err, NF_E_LIMIT, "more than %zu bytes of rows: ask for fewer",
                          NF_LITE_ROWS_MAX);
    if (r->len + n <= r->cap)
        return NF_OK;
    size_t cap = r->cap ? r->cap : 1024;
    while (cap < r->len + n)
        cap *= 2;
    char *p = realloc(r->p, cap);
    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "out of memory (%zu bytes of rows)", cap);
    r->p = p;
    r->cap = cap;
    return NF_OK;
}

static size_t aligned(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* The texts of the row at hand; asking SQLite is not free, so it is asked once. */
static size_t read_texts(const struct nf_query_info *q, sqlite3_stmt *s, str texts[])
{
    size_t n = 0;
    for (size_t i = 0; i < q->out_n; i++) {
        texts[i] = (str){ 0 };
        if (q->out[i].type != NF_FIELD_STR)
            continue;
        const char *p = (const char *)sqlite3_column_text(s, (int)i);
        texts[i] = (str){ p, p ? (size_t)sqlite3_column_bytes(s, (int)i) : 0 };
        n += texts[i].n + 1;
    }
    return n;
}

static void put_text(struct nf_lite_rows *r, str *to, size_t *at, str text)
{
    if (!text.p)
        return;
    memcpy(r->p + *at, text.p, text.n);
    r->p[*at + text.n] = '\0';
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): an offset until the buffer stays in its place */
    *to = (str){ (const char *)(uintptr_t)(*at + 1), text.n };
    *at += text.n + 1;
}

enum nf_code nf_lite_rows_add(struct nf_lite_rows *r, const struct nf_query_info *q, size_t cmd,
                              sqlite3_stmt *s, struct nf_err *err)
{
    str texts[COLUMNS_MAX];
    assert(q->out_n <= COLUMNS_MAX);
    size_t head = sizeof(struct record) + aligned(q->row_size);
    size_t size = aligned(head + read_texts(q, s, texts));
    NF_TRY(reserve(r, size, err));

    char *record = r->p + r->len, *row = record + sizeof(struct record);
    *(struct record *)(void *)record = (struct record){ size, cmd };
    memset(row, 0, q->row_size);
    size_t at = r->len + head;
    for (size_t i = 0; i < q->out_n; i++) {
        void *field = row + q->out[i].offset;
        if (q->out[i].type == NF_FIELD_I64)
            *(i64 *)field = sqlite3_column_int64(s, (int)i);
        else
            put_text(r, field, &at, texts[i]);
    }
    r->len += size;
    return NF_OK;
}

static void point(struct nf_lite_rows *r, const struct nf_query_info *q, char *row)
{
    for (size_t i = 0; i < q->out_n; i++) {
        if (q->out[i].type != NF_FIELD_STR)
            continue;
        str *text = (str *)(void *)(row + q->out[i].offset);
        if (text->p)
            text->p = r->p + ((uintptr_t)text->p - 1);
    }
}

enum nf_code nf_lite_rows_replay(struct nf_lite_rows *r, const struct nf_query_info *queries,
                                 const struct nf_cmd *cmds, struct nf_err *err)
{
    for (size_t at = 0; at < r->len;) {
        const struct record *head = (const struct record *)(const void *)(r->p + at);
        const struct nf_cmd *c = &cmds[head->cmd];
        char *row = r->p + at + sizeof(*head);
        point(r, &queries[c->q], row);
        NF_TRY(c->row(c->to, row, err));
        at += head->size;
    }
    return NF_OK;
}
