/*
 * Durable turns per second of the PostgreSQL driver, by one, two and three instances at once,
 * beside the same rows written by a bare program over libpq's pipeline on the same server; how long
 * it takes to find out who is next in a long queue.
 *
 * usage: postgres_bench turns URL INSTANCES SECONDS    one line of JSON each
 *        postgres_bench bare URL CONNECTIONS SECONDS
 *        postgres_bench claim URL WAITING SECONDS
 *
 * A turn, of the web's, is two transactions: accept (claimed) and finish. Each instance is a
 * process with 8 connections and 64 turns at once. The bare program has as many threads as
 * connections, each with one turn, and one round trip for each of its two transactions: as many
 * syncs as ours.
 */
#include "base/own.h"
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"
#include "runtime/fiber.h"
#include "tests/bench/bench_turn.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SESSIONS 1000 /* of each instance */
#define FIBERS 64
#define SAMPLES 400000
#define LEASE_MS 60000
#define CONNECTIONS 8

/* Opening connections and preparing statements is not what is measured. */
#define LEAD_US 1000000

/* Shared by the processes of a run. */
struct shared {
    int64_t turns, samples, from_us; /* what begins before is not counted */
    uint64_t retries;
    int32_t us[SAMPLES];
};

struct bench {
    struct nf_loop *loop;
    const char *url;
    struct nf_db *db;
    struct nf_stores s;
    struct shared *shared;
    int64_t instance, ends_us, started, next_id;
    char answer[BENCH_ANSWER_BYTES + 1];
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "postgres_bench: %s: %s\n", what, why);
    exit(1);
}

static struct shared *share(void)
{
    void *p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    if (p == MAP_FAILED)
        die("mmap", "no memory");
    return p;
}

/* Something that began then has ended now. */
static void count(struct shared *s, int64_t began_us)
{
    if (began_us < s->from_us)
        return;
    (void)__atomic_fetch_add(&s->turns, 1, __ATOMIC_RELAXED);
    int64_t us = now_us() - began_us;
    int64_t i = __atomic_fetch_add(&s->samples, 1, __ATOMIC_RELAXED);
    s->us[i % SAMPLES] = (int32_t)us;
}

/* When it ends. */
static int64_t begin(struct shared *s, double seconds)
{
    s->from_us = now_us() + LEAD_US;
    return s->from_us + (int64_t)(seconds * 1e6);
}

static int by_size(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static void print(struct shared *s, double seconds)
{
    size_t n = (size_t)(s->samples < SAMPLES ? s->samples : SAMPLES);
    qsort(s->us, n, sizeof(s->us[0]), by_size);
    printf("{\"per_s\":%.1f,\"p50_us\":%d,\"p99_us\":%d,\"retries\":%llu}\n",
           (double)s->turns / seconds, n ? s->us[n / 2] : 0, n ? s->us[n * 99 / 100] : 0,
           (unsigned long long)s->retries);
}

static void sql(const char *url, const char *text)
{
    PGconn *c = PQconnectdb(url);
    PGresult *r = PQexec(c, text);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        die(text, PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
}

static NF_RC open_stores(struct bench *b, struct nf_err *err)
{
    const struct nf_postgres_options o = { .url = b->url,
                                           .connections = CONNECTIONS,
                                           .statement_ms = NF_POSTGRES_STATEMENT_MS,
                                           .lock_ms = NF_POSTGRES_LOCK_MS };
    NF_TRY(nf_postgres_open(b->loop, &o, &b->db, err));
    return nf_repositories_new(b->db, &b->s, err);
}

static void close_stores(struct bench *b)
{
    struct nf_db_stats stats;
    nf_db_stats(b->db, &stats);
    (void)__atomic_fetch_add(&b->shared->retries, stats.retries, __ATOMIC_RELAXED);
    nf_stores_done(&b->s);
    nf_db_free(b->db);
}

/* --- ours ------------------------------------------------------------------------------------- */

static enum nf_code worker(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    const struct bench_lease lease = { .owner = b->instance, .ms = LEASE_MS };
    int64_t first = b->instance * SESSIONS + ++b->started, session = first;
    while (now_us() < b->ends_us) {
        int64_t began = now_us();
        NF_TRY(bench_turn(&b->s, session, b->next_id += 4, &lease, b->answer, err));
        count(b->shared, began);
        session += FIBERS;
        if (session > (b->instance + 1) * SESSIONS)
            session = first;
    }
    return NF_OK;
}

static enum nf_code instance_main(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    NF_TRY(open_stores(b, err));
    nf_scope_init(&scope, b->loop);
    for (int i = 0; i < FIBERS; i++)
        NF_TRY(nf_scope_spawn(&scope, worker, b, NULL, err));
    enum nf_code rc = nf_scope_join(&scope, err);
    close_stores(b);
    return rc;
}

static void in_loop(struct bench *b, nf_fiber_fn fn)
{
    struct nf_err err;
    memset(b->answer, 'a', BENCH_ANSWER_BYTES);
    if (nf_loop_new(&b->loop, &err) != NF_OK || nf_loop_run(b->loop, fn, b, &err) != NF_OK)
        die("driver", err.msg);
    nf_loop_free(b->loop);
}

static int64_t id_base(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000;
}

/* The schema, and `n` thousand sessions that are free. */
static void prepare(const char *url, int n)
{
    char text[600];
    struct bench b = { .url = url, .shared = share() };
    struct nf_err err;
    if (open_stores(&b, &err) != NF_OK)
        die("open", err.msg);
    close_stores(&b);
    (void)snprintf(text, sizeof(text),
                   "DELETE FROM sessions; INSERT INTO sessions(id,user_id,channel,address,title,"
                   "last_seq,pending,ready_at,owner,lease_until,fence,created_at,updated_at)"
                   " SELECT i,1,'web','','',coalesce((SELECT max(seq) FROM messages m WHERE"
                   " m.session_id=i),0),0,0,0,0,coalesce((SELECT max(fence) FROM tasks t WHERE"
                   " t.session_id=i AND kind=1),0),0,0 FROM generate_series(%d,%d) i;ANALYZE",
                   SESSIONS + 1, (n + 1) * SESSIONS);
    sql(url, text);
}

static void turns(const char *url, int instances, double seconds)
{
    struct shared *shared = share();
    prepare(url, instances);
    int64_t base = id_base(), ends = begin(shared, seconds);
    for (int i = 1; i <= instances; i++) {
        if (fork() != 0)
            continue;
        struct bench b = { .url = url,
                           .shared = shared,
                           .instance = i,
                           .ends_us = ends,
                           .next_id = base + i * INT64_C(100000000) };
        in_loop(&b, instance_main);
        _exit(0);
    }
    for (int status; wait(&status) > 0;)
        if (status != 0)
            die("instance", "it failed");
    print(shared, seconds);
}

/* --- bare ------------------------------------------------------------------------------------- */

/* The rows that a turn leaves, as directly as SQL can say it. $1 id, $2 session, $3 seq, $4 text.
 */
static const char *const bare[2][6] = {
    { "UPDATE sessions SET last_seq=$3,pending=1,updated_at=$1,ready_at=$1,owner=1,lease_until=$1,"
      "fence=fence+1 WHERE id=$2",
      "INSERT INTO inbox VALUES('web:1',CAST($1 AS TEXT),$2,$1,$3,$1)",
      "INSERT INTO messages(session_id,seq,role,run_id,created_at,client_id,content)"
      " VALUES($2,$3,1,$1,$1,CAST($1 AS TEXT),$4)",
      "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,seq,attempt,changes,"
      "created_at,started_at,changed_at) VALUES($1,$1,0,$2,1,1,2,$3,1,2,$1,$1,$1)",
      "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,attempt,created_at,started_at,"
      "changed_at) VALUES($1+1,$1,1,$2,1,2,2,1,$1,$1,$1)",
      "INSERT INTO task_changes VALUES($1,1,1,$1,NULL),($1,2,2,$1,NULL),($1+1,1,2,$1,NULL)" },
    { "UPDATE sessions SET last_seq=$3,pending=0,updated_at=$1,ready_at=$1,owner=0,lease_until=0"
      " WHERE id=$2",
      "INSERT INTO messages(session_id,seq,role,run_id,created_at,model,content)"
      " VALUES($2,$3,2,$1,$1,'provider/model',$4)",
      "INSERT INTO usage VALUES($1,1,$2,1,$1,'provider/model',0,0,0,0)",
      "UPDATE tasks SET status=4,ended_at=$1,name='provider/model',changes=2,changed_at=$1"
      " WHERE id=$1+1",
      "UPDATE tasks SET status=4,ended_at=$1,name='provider/model',changes=3,changed_at=$1,"
      "fence=$3,out_first=$3,out_last=$3 WHERE id=$1",
      "INSERT INTO task_changes VALUES($1,3,4,$1,NULL),($1+1,2,4,$1,NULL)" },
};

struct bare_thread {
    const char *url;
    struct shared *shared;
    int64_t ends_us, id, session, last;
    pthread_t thread;
};

static uint64_t big_endian(int64_t n)
{
    return __builtin_bswap64((uint64_t)n); /* on the machines that we measure */
}

static int parameters(const char *text)
{
    int n = 0;
    for (const char *p = text; (p = strchr(p, '$')); p++)
        n = p[1] - '0' > n ? p[1] - '0' : n;
    return n;
}

static PGconn *bare_connect(const char *url)
{
    static const Oid types[] = { 20, 20, 20, 25 }; /* int8, int8, int8, text */
    PGconn *c = PQconnectdb(url);
    char name[8];
    if (PQstatus(c) != CONNECTION_OK)
        die("connect", PQerrorMessage(c));
    PQclear(PQexec(c, "SET enable_seqscan=off;SET synchronous_commit=on"));
    for (int i = 0; i < 12; i++) {
        const char *text = bare[i / 6][i % 6];
        (void)snprintf(name, sizeof(name), "s%d", i);
        PGresult *r = PQprepare(c, name, text, parameters(text), types);
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            die(text, PQerrorMessage(c));
        PQclear(r);
    }
    (void)PQenterPipelineMode(c);
    return c;
}

static void bare_phase(PGconn *c, int phase, int64_t id, int64_t session, int64_t seq,
                       const char *text)
{
    const uint64_t numbers[] = { big_endian(id), big_endian(session), big_endian(seq) };
    const char *const values[] = { (const char *)&numbers[0], (const char *)&numbers[1],
                                   (const char *)&numbers[2], text };
    const int lengths[] = { 8, 8, 8, (int)strlen(text) }, formats[] = { 1, 1, 1, 1 };
    char name[8];
    for (int i = 0; i < 6; i++) {
        (void)snprintf(name, sizeof(name), "s%d", phase * 6 + i);
        (void)PQsendQueryPrepared(c, name, parameters(bare[phase][i]), values, lengths, formats, 1);
    }
    (void)PQpipelineSync(c);
    for (bool end = false; !end;) {
        PGresult *r = PQgetResult(c);
        ExecStatusType s = r ? PQresultStatus(r) : PGRES_COMMAND_OK;
        if (s == PGRES_FATAL_ERROR)
            die("bare", PQresultErrorMessage(r));
        end = s == PGRES_PIPELINE_SYNC;
        PQclear(r);
    }
}

static void *bare_main(void *arg)
{
    struct bare_thread *t = arg;
    PGconn *c = bare_connect(t->url);
    char answer[BENCH_ANSWER_BYTES + 1] = { 0 };
    int64_t session = t->session, seq = t->id;
    memset(answer, 'a', BENCH_ANSWER_BYTES);
    while (now_us() < t->ends_us) {
        int64_t began = now_us(), id = t->id += 4;
        bare_phase(c, 0, id, session, ++seq, BENCH_QUESTION);
        bare_phase(c, 1, id, session, ++seq, answer);
        count(t->shared, began);
        session = session < t->last ? session + 1 : t->session;
    }
    PQfinish(c);
    return NULL;
}

static void run_bare(const char *url, int connections, double seconds)
{
    struct bare_thread t[64];
    struct shared *shared = share();
    prepare(url, 1);
    int64_t base = id_base(), ends = begin(shared, seconds);
    connections = connections < 64 ? connections : 64;
    for (int i = 0; i < connections; i++) {
        int64_t own = SESSIONS / connections, first = SESSIONS + 1 + i * own;
        t[i] = (struct bare_thread){ .url = url,
                                     .shared = shared,
                                     .ends_us = ends,
                                     .id = base + i * INT64_C(100000000),
                                     .session = first,
                                     .last = first + own - 1 };
        (void)pthread_create(&t[i].thread, NULL, bare_main, &t[i]);
    }
    for (int i = 0; i < connections; i++)
        (void)pthread_join(t[i].thread, NULL);
    print(shared, seconds);
}

/* --- who is next ------------------------------------------------------------------------------ */

static enum nf_code claim_worker(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    int64_t after = b->started++;
    while (now_us() < b->ends_us) {
        NF_CLEANUP(nf_leases_done) struct nf_leases got = { 0 };
        struct nf_claim c;
        int64_t began = now_us();
        const struct nf_round round = { .owner = 1,
                                        .lease_ms = LEASE_MS,
                                        .now_ms = 1000,
                                        .after_user = after,
                                        .each = 1,
                                        .limit = 1 };
        NF_TRY(b->s.turns->ops->take(b->s.turns, &round, &got, err));
        after = got.n > 0 ? got.v[0].user_id : 0;
        if (got.n == 0)
            continue;
        NF_TRY(b->s.turns->ops->claim(b->s.turns, got.v[0].session_id, got.v[0].fence, 1, LEASE_MS,
                                      1000, &c, err));
        count(b->shared, began);
        NF_TRY(b->s.turns->ops->park(b->s.turns, &c, 1000, err)); /* for the next time */
    }
    return NF_OK;
}

static enum nf_code claim_main(void *arg, struct nf_err *err)
{
    struct bench *b = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    NF_TRY(open_stores(b, err));
    nf_scope_init(&scope, b->loop);
    for (int i = 0; i < CONNECTIONS; i++)
        NF_TRY(nf_scope_spawn(&scope, claim_worker, b, NULL, err));
    enum nf_code rc = nf_scope_join(&scope, err);
    close_stores(b);
    return rc;
}

/* One person has all of what waits but a hundred sessions of a hundred others. */
static void claim(const char *url, int waiting, double seconds)
{
    char text[1200];
    struct bench b = { .url = url, .shared = share(), .ends_us = 0 };
    prepare(url, 1);
    (void)snprintf(text, sizeof(text),
                   "DELETE FROM tasks; UPDATE sessions SET pending=0; INSERT INTO sessions(id,"
                   "user_id,channel,address,title,last_seq,pending,ready_at,owner,lease_until,"
                   "fence,created_at,updated_at) SELECT i,CASE WHEN i%%%d=0 THEN i ELSE 1 END,"
                   "'web','','',1,1,i,0,0,0,0,0 FROM generate_series(1000000,1000000+%d) i;"
                   "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,seq,created_at,"
                   "changed_at) SELECT id,id,0,id,user_id,1,1,1,0,0 FROM sessions WHERE pending>0;"
                   "ANALYZE",
                   waiting / 100 + 1, waiting);
    sql(url, text);
    b.ends_us = begin(b.shared, seconds);
    in_loop(&b, claim_main);
    print(b.shared, seconds);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "turns") == 0)
        turns(argv[2], atoi(argv[3]), atof(argv[4]));
    else if (argc == 5 && strcmp(argv[1], "bare") == 0)
        run_bare(argv[2], atoi(argv[3]), atof(argv[4]));
    else if (argc == 5 && strcmp(argv[1], "claim") == 0)
        claim(argv[2], atoi(argv[3]), atof(argv[4]));
    else
        die("usage", "postgres_bench turns|bare|claim URL N SECONDS");
    return 0;
}
