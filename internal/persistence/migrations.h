/* The files of migrations/, embedded. Forward only: what was released is never changed. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct nf_migration {
    int64_t version;    /* from 1, without gaps */
    const char *name;   /* "0001_init" */
    const char *sql;    /* with tokens, see nf_sql_expand */
    const char *sha256; /* of the file, 64 hex digits */
};

struct nf_migrations {
    const struct nf_migration *v;
    size_t n;
};

struct nf_migrations nf_migrations_all(void);
