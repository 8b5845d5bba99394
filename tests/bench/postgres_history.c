/*
 * Reading the last 50 messages of a session of a big database on PostgreSQL.
 *
 * usage: postgres_history URL ROWS READS    fills an empty database first; lines of JSON
 *
 * Sessions have 200 messages of 250 bytes on average, written interleaved, as in life: the messages
 * of one lie on pages far from each other, as many as there are messages. The times are those of
 * the store: over the socket, with all messages copied. What a read that finds nothing takes is the
 * way to the server and back: on a busy machine that, and not the reading, is what the slowest wait
 * for. The index for searching is left out, since it is not what is measured and takes longer than
 * all the rest.
 */
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PER_SESSION 200
#define LAST 50

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "postgres_history: %s: %s\n", what, why);
    exit(1);
}

static void sql(PGconn *c, const char *text)
{
    PGresult *r = PQexec(c, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        die(text, PQerrorMessage(c));
    PQclear(r);
}

/* 7919 is prime and no divisor of the sessions: in each round all of them get one message. */
static void fill(const char *url, long long rows, long long sessions)
{
    char text[700];
    PGconn *c = PQconnectdb(url);
    sql(c, "DROP INDEX messages_search;ALTER TABLE messages DROP CONSTRAINT messages_pkey;"
           "SET synchronous_commit=off;SET maintenance_work_mem='512MB'");
    (void)snprintf(
        text, sizeof(text),
        "INSERT INTO messages(session_id,seq,role,run_id,created_at,content)"
        " SELECT CAST(i AS BIGINT)*7919%%%lld+1,i/%lld+1,2,1,1,repeat('m',200+CAST(i%%100 AS INT))"
        " FROM generate_series(0,%lld-1) i",
        sessions, sessions, rows);
    sql(c, text);
    sql(c, "ALTER TABLE messages ADD PRIMARY KEY(session_id,seq)");
    sql(c, "VACUUM ANALYZE messages");
    PQfinish(c);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Of the first `sessions` sessions; 0: of none that there is. */
static void measure(struct nf_stores *s, const char *what, long long sessions, size_t reads)
{
    int64_t *us = calloc(reads, sizeof(*us));
    for (size_t i = 0; us && i < reads; i++) {
        struct nf_messages m = { 0 };
        struct nf_err err;
        int64_t session = sessions ? (int64_t)(i * 104729u % (size_t)sessions) + 1 : INT64_MAX;
        int64_t began = now_us();
        if (s->sessions->ops->messages(s->sessions, session, 0, LAST, &m, &err) != NF_OK)
            die("read", err.msg);
        us[i] = now_us() - began;
        if (m.n != (sessions ? LAST : 0))
            die("read", "not as many messages as there should be");
        nf_messages_done(&m);
    }
    if (!us)
        die("memory", "none");
    qsort(us, reads, sizeof(*us), by_size);
    printf("{\"what\":\"%s\",\"p50_us\":%lld,\"p99_us\":%lld}\n", what, (long long)us[reads / 2],
           (long long)us[reads * 99 / 100]);
    free(us);
}

int main(int argc, char **argv)
{
    struct nf_db *db = NULL;
    struct nf_stores s;
    struct nf_err err;
    if (argc != 4)
        die("usage", "postgres_history URL ROWS READS");
    const struct nf_postgres_options o = { .url = argv[1],
                                           .connections = 1,
                                           .statement_ms = NF_POSTGRES_STATEMENT_MS,
                                           .lock_ms = NF_POSTGRES_LOCK_MS };
    long long rows = atoll(argv[2]), sessions = rows / PER_SESSION;
    size_t reads = (size_t)atoll(argv[3]);
    if (sessions < 10 || reads < 100 || nf_postgres_open(NULL, &o, &db, &err) != NF_OK)
        die("open", sessions < 10 || reads < 100 ? "too few" : err.msg);
    fill(argv[1], rows, sessions);
    if (nf_repositories_new(db, &s, &err) != NF_OK)
        die("open", err.msg);
    measure(&s, "none: there and back", 0, reads);
    measure(&s, "last 50, 10 sessions", 10, reads);
    measure(&s, "last 50, all sessions", sessions, reads);
    nf_stores_done(&s);
    nf_db_free(db);
    return 0;
}
