#include "persistence/catalogue.h"

#include <string.h>

/* A function per statement, since offsetof needs a name for its struct and I and O are not told
 * it. */
#define NF_TYPE_i64 NF_FIELD_I64
#define NF_TYPE_str NF_FIELD_STR
/* NOLINTBEGIN(bugprone-macro-parentheses): the names of members and types. */
#define I(t, n) { NF_TYPE_##t, offsetof(in_row, n), #n },
#define O(t, n) { NF_TYPE_##t, offsetof(out_row, n), #n },
#define QUERY(q, in_, out_, sql_)                                                                  \
    static void describe_##q(struct nf_query_info *ret)                                            \
    {                                                                                              \
        typedef struct q##_in in_row;                                                              \
        typedef struct q##_row out_row;                                                            \
        static const struct nf_field ins[] = { in_{ 0 } };                                         \
        static const struct nf_field outs[] = { out_{ 0 } };                                       \
        (void)sizeof(in_row);                                                                      \
        *ret = (struct nf_query_info){                                                             \
            .name = #q,                                                                            \
            .sql = (sql_),                                                                         \
            .in = ins,                                                                             \
            .out = outs,                                                                           \
            .in_n = sizeof(ins) / sizeof(ins[0]) - 1,                                              \
            .out_n = sizeof(outs) / sizeof(outs[0]) - 1,                                           \
            .row_size = sizeof(out_row),                                                           \
        };                                                                                         \
    }
#include "persistence/queries.def"
/* NOLINTEND(bugprone-macro-parentheses) */
#undef QUERY
#undef I
#undef O

void nf_catalogue_describe(struct nf_query_info *ret)
{
#define QUERY(q, in, out, sql) describe_##q(&ret[NF_Q_##q]);
#include "persistence/queries.def"
#undef QUERY
}

enum nf_code nf_sql_expand(const char *sql, const char *engine, struct nf_str *ret,
                           struct nf_err *err)
{
    bool lite = strcmp(engine, "lite") == 0, open = false;
    size_t n = strlen(engine);
    while (*sql) {
        if (strncmp(sql, "{i64}", 5) == 0) {
            NF_TRY(nf_str_adds(ret, lite ? "INTEGER" : "BIGINT", err));
            sql += 5;
        } else if (strncmp(sql, "/*", 2) == 0 && strncmp(sql + 2, engine, n) == 0 &&
                   sql[2 + n] == ':') {
            sql += 2 + n + 1;
            open = true;
        } else if (open && strncmp(sql, "*/", 2) == 0) {
            sql += 2;
            open = false;
        } else {
            NF_TRY(nf_str_add(ret, sql++, 1, err));
        }
    }
    return NF_OK;
}
