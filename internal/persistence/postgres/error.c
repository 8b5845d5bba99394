/* Codes: PostgreSQL's documentation, appendix A, "PostgreSQL Error Codes". */
#include "persistence/postgres/error.h"

#include <string.h>

#define LINE 200

/* The first line; libpq's messages have several. */
static int first_line(const char *text)
{
    size_t n = text ? strcspn(text, "\r\n") : 0;
    return (int)(n < LINE ? n : LINE);
}

enum nf_code nf_pg_conn_error(PGconn *pg, const char *what, struct nf_err *err)
{
    const char *text = pg ? PQerrorMessage(pg) : NULL;
    int n = first_line(text);
    if (n == 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "%s: the connection was lost", what);
    return nf_err_set(err, NF_E_UNAVAILABLE, "%s: %.*s", what, n, text);
}

static const char *state_of(const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    return state ? state : "";
}

static bool is(const PGresult *r, const char *state)
{
    return strcmp(state_of(r), state) == 0;
}

static bool in_class(const PGresult *r, const char *two)
{
    return strncmp(state_of(r), two, 2) == 0;
}

bool nf_pg_is_conflict(const PGresult *r)
{
    return is(r, "40001") || is(r, "40P01");
}

bool nf_pg_is_going(const PGresult *r)
{
    return is(r, "57P01") || is(r, "57P02") || is(r, "57P03") || is(r, "57P05") || is(r, "25006") ||
           is(r, "25P03") || in_class(r, "08");
}

/* What the code alone does not tell is said in words. */
static const struct {
    const char *state; /* five characters, or the two of a class */
    enum nf_code code;
    const char *words;
} known[] = {
    { "40001", NF_E_UNAVAILABLE, "transactions are in each other's way: try again" },
    { "40P01", NF_E_UNAVAILABLE, "transactions are in each other's way: try again" },
    { "55P03", NF_E_UNAVAILABLE, "another program holds a lock on the database" },
    { "57014", NF_E_UNAVAILABLE, "the database took too long (database.statement_timeout)" },
    { "53100", NF_E_UNAVAILABLE,
      "the database server's disk is full: free space there; what was "
      "stored before is safe" },
    { "53300", NF_E_UNAVAILABLE,
      "the database server has no connection left: raise its "
      "max_connections or lower database.connections" },
    { "53", NF_E_UNAVAILABLE, "the database server is out of resources" },
    { "57", NF_E_UNAVAILABLE, "the database server is shutting down or starting" },
    { "58", NF_E_UNAVAILABLE, "the database server has trouble with its disk" },
    { "25006", NF_E_UNAVAILABLE, "the database server is a standby and takes no writes" },
    { "08", NF_E_UNAVAILABLE, "the connection was lost" },
    { "42501", NF_E_UNAVAILABLE, "the database user lacks a right" },
    { "XX001", NF_E_IO, "the database is damaged: restore it from a backup" },
    { "XX002", NF_E_IO, "an index of the database is damaged: REINDEX it" },
    { "23", NF_E_CONFLICT, "refused by the database" },
    { "22021", NF_E_INVALID, "a text is not valid UTF-8 or holds a zero byte" },
    { "22P05", NF_E_INVALID, "a text cannot be stored in the database's encoding" },
    { "54", NF_E_LIMIT, "too big for the database" },
};

enum nf_code nf_pg_result_error(const PGresult *r, struct nf_err *err)
{
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    int n = first_line(text);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strncmp(state_of(r), known[i].state, strlen(known[i].state)) == 0)
            return nf_err_set(err, known[i].code, "%s: %.*s", known[i].words, n, text ? text : "");
    return nf_err_set(err, NF_E_INTERNAL, "database: %.*s (%s)", n, text ? text : "no message",
                      state_of(r));
}
