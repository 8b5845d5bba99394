#include "persistence/postgres/migrate.h"

#include "base/own.h"
#include "persistence/catalogue.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* "nexflow" and a version of this protocol, as a number that no other program is likely to take. */
#define LOCK "7954893301884313601"
#define WAIT_MS "120000" /* for another instance to finish its migrations */

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool follows(const char *p, const char *word)
{
    p += strspn(p, " \n\t");
    return strncmp(p, word, strlen(word)) == 0;
}

enum nf_code nf_pg_migration_text(const char *sql, struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str s = { 0 };
    NF_TRY(nf_sql_expand(sql, "pg", &s, err));
    const char *from = nf_str_c(&s);
    for (const char *p = from; *p; p++) {
        NF_TRY(nf_str_add(ret, p, 1, err));
        /* A column's type: the last letter of the word TEXT, and not that of a cast. */
        bool word = p - from >= 3 && strncmp(p - 3, "TEXT", 4) == 0 && !is_word(p[1]) &&
                    (p - from == 3 || p[-4] == ' ');
        bool cast = word && p - from >= 7 && strncmp(p - 7, " AS ", 4) == 0;
        if (word && !cast && !follows(p + 1, "COLLATE"))
            NF_TRY(nf_str_adds(ret, " COLLATE \"C\"", err));
    }
    return NF_OK;
}

static NF_RC ask_number(struct nf_pg_conn *c, const char *sql, int64_t *ret, struct nf_err *err)
{
    struct nf_pg_answer a;
    NF_TRY(nf_pg_ask(c, sql, NULL, &a, err));
    if (!a.found || !nf_slice_u63(nf_slice_of(a.text), ret))
        *ret = 0;
    return NF_OK;
}

static NF_RC check_applied(struct nf_pg_conn *c, const struct nf_migration *m, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    struct nf_pg_answer a;
    NF_TRY(nf_str_addf(&sql, err, "SELECT sha256 FROM schema_version WHERE version=%lld",
                       (long long)m->version));
    NF_TRY(nf_pg_ask(c, nf_str_c(&sql), NULL, &a, err));
    if (!a.found || strcmp(a.text, m->sha256) != 0)
        return nf_err_set(err, NF_E_INVALID,
                          "the database was made with another migration %s: install the version of "
                          "Nexflow that made it",
                          m->name);
    return NF_OK;
}

static NF_RC apply(struct nf_pg_conn *c, const struct nf_migration *m, int64_t now_ms,
                   struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str sql = { 0 };
    NF_TRY(nf_pg_migration_text(m->sql, &sql, err));
    NF_TRY(nf_pg_exec(c, nf_str_c(&sql), err));
    nf_str_reset(&sql);
    NF_TRY(nf_str_addf(&sql, err,
                       "INSERT INTO schema_version(version,sha256,applied_at) "
                       "VALUES(%lld,'%s',%lld)",
                       (long long)m->version, m->sha256, (long long)now_ms));
    return nf_pg_exec(c, nf_str_c(&sql), err);
}

/* *version: 0 where there is nothing yet. */
static NF_RC look(struct nf_pg_conn *c, int64_t *version, struct nf_err *err)
{
    int64_t tables, versioned;
    static const char of_ours[] = "SELECT count(*) FROM pg_tables WHERE "
                                  "schemaname=current_schema()";
    *version = 0;
    NF_TRY(ask_number(c, of_ours, &tables, err));
    NF_TRY(ask_number(c,
                      "SELECT count(*) FROM pg_tables WHERE schemaname=current_schema() AND "
                      "tablename='schema_version'",
                      &versioned, err));
    if (tables > 0 && !versioned)
        return nf_err_set(err, NF_E_INVALID,
                          "the database holds tables of another program: give Nexflow one of its "
                          "own (CREATE DATABASE)");
    return versioned ? ask_number(c, "SELECT max(version) FROM schema_version", version, err)
                     : NF_OK;
}

static NF_RC bring_up(struct nf_pg_conn *c, struct nf_migrations all, struct nf_err *err)
{
    int64_t version, known = all.v[all.n - 1].version;
    NF_TRY(nf_pg_exec(c, "SELECT pg_advisory_xact_lock(" LOCK ")", err));
    NF_TRY(look(c, &version, err));
    if (version > known)
        return nf_err_set(err, NF_E_INVALID,
                          "database is from a newer Nexflow (schema %lld, this program knows "
                          "%lld): install the newer version or restore a backup",
                          (long long)version, (long long)known);
    for (size_t i = 0; i < all.n && all.v[i].version <= version; i++)
        NF_TRY(check_applied(c, &all.v[i], err));
    if (version == 0)
        NF_TRY(nf_pg_exec(c,
                          "CREATE TABLE schema_version(version BIGINT PRIMARY KEY,"
                          "sha256 TEXT NOT NULL,applied_at BIGINT NOT NULL)",
                          err));
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    for (size_t i = 0; i < all.n; i++)
        if (all.v[i].version > version)
            NF_TRY(nf_err_wrap(
                err, apply(c, &all.v[i], (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000, err),
                "migration %s", all.v[i].name));
    return nf_pg_exec(c, "COMMIT", err);
}

enum nf_code nf_pg_migrate(struct nf_pg_conn *c, struct nf_migrations all, struct nf_err *err)
{
    int64_t answer_ms = c->answer_ms;
    c->answer_ms = 150000; /* beyond WAIT_MS */
    enum nf_code rc = nf_pg_exec(
        c, "BEGIN;SET LOCAL lock_timeout=" WAIT_MS ";SET LOCAL statement_timeout=" WAIT_MS, err);
    if (rc == NF_OK)
        rc = bring_up(c, all, err);
    if (rc != NF_OK && nf_pg_conn_alive(c) && nf_pg_exec(c, "ROLLBACK", NULL) != NF_OK)
        nf_pg_conn_close(c);
    c->answer_ms = answer_ms;
    return rc;
}
