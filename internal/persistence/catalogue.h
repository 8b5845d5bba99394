/* What a driver must know about the catalogue's statements to bind arguments and read rows. */
#pragma once

#include "persistence/sql.h"

enum nf_field_type { NF_FIELD_I64 = 1, NF_FIELD_STR };

struct nf_field {
    enum nf_field_type type;
    size_t offset; /* in the argument or row struct */
    const char *name;
};

struct nf_query_info {
    const char *name, *sql;
    const struct nf_field *in, *out;
    size_t in_n, out_n;
    size_t row_size;
};

/* Fill ret[NF_QUERY_COUNT]. */
void nf_catalogue_describe(struct nf_query_info *ret);

/* The tokens of a migration for one engine: {i64}, and fragments between slash-star `engine`: and
 * star-slash, which are uncommented. `engine` is "lite" or "pg". */
NF_RC nf_sql_expand(const char *sql, const char *engine, struct nf_str *ret, struct nf_err *err);
