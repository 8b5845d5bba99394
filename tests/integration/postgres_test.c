/* The PostgreSQL driver: many fibers, several drivers on one database, connections that are cut. */
#include "base/own.h"
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"
#include "runtime/fiber.h"
#include "tests/support/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVERS 2
#define FIBERS 48

struct world {
    char server[128], url[512], schema[64];
    PGconn *raw;
    struct nf_loop *loop;
    struct nf_db *db[DRIVERS];
    struct nf_stores s[DRIVERS];
    nf_fiber_fn each;
    int next, fresh, duplicates, done;
    int lock_ms; /* 0: as everywhere */
    struct nf_err err;
};

static void raw_exec(struct world *w, const char *sql)
{
    PGresult *r = PQexec(w->raw, sql);
    ExecStatusType s = PQresultStatus(r);
    if (s != PGRES_COMMAND_OK && s != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(w->raw));
    PQclear(r);
}

static int64_t raw_ask(struct world *w, const char *sql)
{
    PGresult *r = PQexec(w->raw, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(w->raw));
    int64_t n = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return n;
}

static int setup(void **state)
{
    static struct world w;
    static int schemas;
    char sql[256];
    w = (struct world){ .next = 0 };
    *state = &w;
    FILE *file = fopen(getenv("NF_POSTGRES_FILE"), "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", w.server), 1);
    (void)fclose(file);
    (void)snprintf(w.schema, sizeof(w.schema), "i%d_%d", (int)getpid(), schemas++);
    (void)snprintf(w.url, sizeof(w.url), "%s?options=-csearch_path%%3D%s&application_name=%s",
                   w.server, w.schema, w.schema);
    w.raw = PQconnectdb(w.server);
    (void)snprintf(sql, sizeof(sql), "CREATE SCHEMA %s;SET search_path=%s", w.schema, w.schema);
    raw_exec(&w, sql);
    assert_ok(nf_loop_new(&w.loop, &w.err), &w.err);
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    nf_loop_free(w->loop);
    PQfinish(w->raw);
    return 0;
}

static struct nf_postgres_options options(const char *url)
{
    return (struct nf_postgres_options){
        .url = url, .connections = 4, .statement_ms = 5000, .lock_ms = 5000
    };
}

static NF_RC open_all(struct world *w, struct nf_err *err)
{
    struct nf_postgres_options o = options(w->url);
    if (w->lock_ms)
        o.lock_ms = w->lock_ms;
    for (int i = 0; i < DRIVERS; i++) {
        NF_TRY(nf_postgres_open(w->loop, &o, &w->db[i], err));
        NF_TRY(nf_repositories_new(w->db[i], &w->s[i], err));
    }
    return NF_OK;
}

static void close_all(struct world *w)
{
    for (int i = 0; i < DRIVERS; i++) {
        nf_stores_done(&w->s[i]);
        nf_db_free(nf_take(w->db[i]));
    }
}

static NF_RC crowd(struct world *w, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;
    struct nf_session s = { .id = 7, .user_id = 1, .channel = "web" };
    NF_TRY(open_all(w, err));
    NF_TRY(w->s[0].sessions->ops->create(w->s[0].sessions, &s, err));
    nf_scope_init(&scope, w->loop);
    for (int i = 0; i < FIBERS; i++)
        NF_TRY(nf_scope_spawn(&scope, w->each, w, NULL, err));
    return nf_scope_join(&scope, err);
}

static enum nf_code crowd_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    enum nf_code rc = crowd(w, err);
    close_all(w);
    return rc;
}

static void run_crowd(struct world *w, nf_fiber_fn each)
{
    w->each = each;
    assert_ok(nf_loop_run(w->loop, crowd_main, w, &w->err), &w->err);
}

static NF_RC accept_one(struct world *w, int n, const char *client_id, struct nf_accepted *got,
                        struct nf_err *err)
{
    struct nf_turn_store *t = w->s[n % DRIVERS].turns;
    struct nf_accept in = { .source = "s",
                            .client_id = client_id,
                            .user_id = 1,
                            .session_id = 7,
                            .run_id = INT64_C(10) * n,
                            .step_id = INT64_C(10) * n + 1,
                            .content = "text",
                            .now_ms = n,
                            .owner = 1 + n % DRIVERS,
                            .lease_ms = 1000 };
    return t->ops->accept(t, &in, got, err);
}

static enum nf_code same_message(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    struct nf_accepted got;
    NF_TRY(accept_one(w, ++w->next, "the one", &got, err));
    if (got.duplicate)
        w->duplicates++;
    else
        w->fresh++;
    return NF_OK;
}

static void of_many_doubles_at_once_one_is_accepted(void **state)
{
    struct world *w = *state;
    run_crowd(w, same_message);
    assert_int_equal(w->fresh, 1);
    assert_int_equal(w->duplicates, FIBERS - 1);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM messages"), 1);
    assert_int_equal(raw_ask(w, "SELECT pending FROM sessions"), 1);
}

/* More than wait at most: the others are refused, and each seq is given once. */
static enum nf_code another_message(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    struct nf_accepted got;
    char id[32];
    int n = ++w->next;
    (void)snprintf(id, sizeof(id), "m%d", n);
    enum nf_code rc = accept_one(w, n, id, &got, err);
    w->fresh += rc == NF_OK;
    return rc == NF_E_LIMIT ? NF_OK : rc;
}

static void messages_that_come_at_once_get_places_of_their_own(void **state)
{
    struct world *w = *state;
    run_crowd(w, another_message);
    assert_int_equal(w->fresh, NF_SESSION_QUEUE_MAX);
    assert_int_equal(raw_ask(w, "SELECT pending FROM sessions"), NF_SESSION_QUEUE_MAX);
    assert_int_equal(raw_ask(w, "SELECT count(DISTINCT seq) FROM messages"), NF_SESSION_QUEUE_MAX);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM inbox i JOIN messages m ON "
                                "m.session_id=i.session_id AND m.seq=i.seq AND "
                                "m.client_id=i.client_id"),
                     NF_SESSION_QUEUE_MAX);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM tasks WHERE status=2 AND kind=1"), 1);
}

/* --- rules about more than one row ------------------------------------------------------------ */

static enum nf_code demote_me(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    int n = ++w->next;
    struct nf_user_store *s = w->s[n % DRIVERS].users;
    struct nf_user u = { .id = 1 + n % 2, .role = NF_USER_USER, .status = NF_USER_ACTIVE };
    (void)snprintf(u.name, sizeof(u.name), "u%d", 1 + n % 2);
    enum nf_code rc = s->ops->update(s, &u, err);
    return rc == NF_E_CONFLICT ? NF_OK : rc;
}

static enum nf_code demote_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    enum nf_code rc = open_all(w, err);
    for (int round = 0; round < 20 && rc == NF_OK; round++) {
        NF_CLEANUP(nf_scope_done) struct nf_scope scope;
        raw_exec(w, "DELETE FROM users;INSERT INTO users(id,name,role,status,created_at,lang) "
                    "VALUES(1,'u1',1,1,1,0),(2,'u2',1,1,1,0)");
        nf_scope_init(&scope, w->loop);
        for (int i = 0; i < 4 && rc == NF_OK; i++)
            rc = nf_scope_spawn(&scope, demote_me, w, NULL, err);
        if (rc == NF_OK)
            rc = nf_scope_join(&scope, err);
        /* Not asserted here: a failure would jump out of the fiber. */
        w->done += raw_ask(w, "SELECT count(*) FROM users WHERE role=1 AND status=1") == 1;
    }
    close_all(w);
    return rc;
}

static void two_owners_who_end_each_other_leave_one(void **state)
{
    struct world *w = *state;
    assert_ok(nf_loop_run(w->loop, demote_main, w, &w->err), &w->err);
    assert_int_equal(w->done, 20);
}

/* --- trouble ---------------------------------------------------------------------------------- */

static void cut_connections(struct world *w)
{
    char sql[160];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                   "application_name='%s'",
                   w->schema);
    raw_exec(w, sql);
}

static enum nf_code write_on(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    for (int i = 0; i < 20; i++) {
        int n = ++w->next;
        struct nf_session s = { .id = 1000 + n, .user_id = 1, .channel = "web" };
        NF_TRY(w->s[n % DRIVERS].sessions->ops->create(w->s[n % DRIVERS].sessions, &s, err));
        w->done++;
        if (n % 25 == 0)
            cut_connections(w);
    }
    return NF_OK;
}

static void connections_that_are_cut_lose_nothing_and_double_nothing(void **state)
{
    struct world *w = *state;
    run_crowd(w, write_on);
    assert_int_equal(w->done, FIBERS * 20);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM sessions WHERE id>1000"), FIBERS * 20);
}

static enum nf_code locked_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    struct nf_session s = { .id = 9, .user_id = 1, .channel = "web" };
    w->lock_ms = 300;
    NF_TRY(open_all(w, err));
    raw_exec(w, "BEGIN;LOCK TABLE sessions");
    w->done = w->s[0].sessions->ops->create(w->s[0].sessions, &s, err) == NF_E_UNAVAILABLE &&
              strstr(err->msg, "holds a lock");
    raw_exec(w, "ROLLBACK");
    enum nf_code rc = w->s[0].sessions->ops->create(w->s[0].sessions, &s, err);
    close_all(w);
    return rc;
}

static void a_lock_that_another_holds_is_waited_for_then_told(void **state)
{
    struct world *w = *state;
    assert_ok(nf_loop_run(w->loop, locked_main, w, &w->err), &w->err);
    assert_true(w->done);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM sessions"), 1);
}

static enum nf_code damaged_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    struct nf_session s = { .id = 9, .user_id = 1, .channel = "web" };
    struct nf_db_stats before, after;
    NF_TRY(open_all(w, err));
    /* What PostgreSQL says of a page that it cannot read. */
    raw_exec(w, "CREATE FUNCTION bad() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE"
                " 'invalid page in block 7' USING ERRCODE='XX001'; END$$;"
                "CREATE TRIGGER bad BEFORE INSERT ON sessions EXECUTE FUNCTION bad()");
    nf_db_stats(w->db[0], &before);
    w->done = w->s[0].sessions->ops->create(w->s[0].sessions, &s, err) == NF_E_IO &&
              strstr(err->msg, "damaged");
    nf_db_stats(w->db[0], &after);
    w->fresh = (int)(after.damaged - before.damaged);
    close_all(w);
    return NF_OK;
}

static void damage_that_the_server_tells_is_counted(void **state)
{
    struct world *w = *state;
    assert_ok(nf_loop_run(w->loop, damaged_main, w, &w->err), &w->err);
    assert_true(w->done);
    assert_int_equal(w->fresh, 1);
}

/* As a rival does whose `take` came too late: it has the row until its transaction ends, which it
 * does here when somebody waits for it. */
static void lock_session_until_it_is_waited_for(struct world *w)
{
    raw_exec(w, "BEGIN;SELECT id FROM sessions WHERE id=7 FOR UPDATE");
    assert_true(PQsendQuery(
        w->raw, "DO $$BEGIN FOR i IN 1..1000 LOOP EXIT WHEN EXISTS(SELECT 1 FROM pg_locks WHERE"
                " NOT granted AND pg_backend_pid()=ANY(pg_blocking_pids(pid)));"
                " PERFORM pg_sleep(0.01); END LOOP; END$$;COMMIT"));
}

static NF_RC take_and_claim(struct world *w, struct nf_err *err)
{
    NF_CLEANUP(nf_leases_done) struct nf_leases got = { 0 };
    struct nf_turn_store *t = w->s[0].turns;
    struct nf_session s = { .id = 7, .user_id = 1, .channel = "web" };
    const struct nf_round round = {
        .owner = 1, .lease_ms = 1000, .now_ms = 10, .each = 1, .limit = 1
    };
    struct nf_accepted accepted;
    struct nf_claim c = { 0 };
    struct nf_accept in = { .source = "s",
                            .client_id = "m",
                            .user_id = 1,
                            .session_id = 7,
                            .run_id = 10,
                            .step_id = 11,
                            .content = "text",
                            .now_ms = 1 };
    NF_TRY(w->s[0].sessions->ops->create(w->s[0].sessions, &s, err));
    NF_TRY(t->ops->accept(t, &in, &accepted, err));
    NF_TRY(t->ops->take(t, &round, &got, err));
    lock_session_until_it_is_waited_for(w);
    enum nf_code rc = t->ops->claim(t, 7, got.n == 1 ? got.v[0].fence : 0, 1, 1000, 10, &c, err);
    for (PGresult *r; (r = PQgetResult(w->raw)) != NULL;)
        PQclear(r);
    w->done = c.run_id == 10;
    return rc;
}

static enum nf_code take_and_claim_main(void *arg, struct nf_err *err)
{
    struct world *w = arg;
    NF_TRY(open_all(w, err));
    enum nf_code rc = take_and_claim(w, err);
    close_all(w);
    return rc;
}

static void a_session_that_was_taken_is_claimed_though_a_rival_holds_its_row(void **state)
{
    struct world *w = *state;
    assert_ok(nf_loop_run(w->loop, take_and_claim_main, w, &w->err), &w->err);
    assert_true(w->done);
}

static void the_next_host_is_tried(void **state)
{
    struct world *w = *state;
    struct nf_db *db = NULL;
    char url[640];
    const char *host = strstr(w->url, "@") + 1;
    (void)snprintf(url, sizeof(url), "postgresql://nexflow@127.0.0.1:1,%s", host);
    struct nf_postgres_options o = options(url);
    assert_ok(nf_postgres_open(NULL, &o, &db, &w->err), &w->err);
    nf_db_free(db);
}

static void what_cannot_be_used_is_refused_with_words(void **state)
{
    struct world *w = *state;
    struct nf_db *db = NULL;
    struct nf_postgres_options o = options("postgresql://nexflow@127.0.0.1:1/x");
    assert_code(nf_postgres_open(NULL, &o, &db, &w->err), NF_E_UNAVAILABLE);
    assert_non_null(strstr(w->err.msg, "refused"));
    raw_exec(w, "CREATE TABLE notes(a INTEGER)");
    o = options(w->url);
    assert_code(nf_postgres_open(NULL, &o, &db, &w->err), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "another program"));
    raw_exec(w, "DROP TABLE notes;CREATE TABLE schema_version(version BIGINT,sha256 TEXT,"
                "applied_at BIGINT);INSERT INTO schema_version VALUES(999,'x',1)");
    assert_code(nf_postgres_open(NULL, &o, &db, &w->err), NF_E_INVALID);
    assert_non_null(strstr(w->err.msg, "newer Nexflow"));
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM schema_version"), 1);
}

static void a_url_is_checked_without_asking_anybody(void **state)
{
    static const char *const good[] = {
        "postgresql://u:p@h:1/d",
        "postgres://h/d",
        "postgresql:///d?host=/run/postgresql",
        "postgresql://a,b:2,c/d?sslmode=require",
        "postgresql://[::1]:5/d",
    };
    static const char *const bad[] = { "postgresql://h:x:y/d", "postgresql://h/d?nonsense=1",
                                       "postgresql://u:p%zz@h/d" };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(nf_postgres_check_url(good[i], &w->err), &w->err);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(nf_postgres_check_url(bad[i], &w->err), NF_E_INVALID);
        assert_null(strstr(w->err.msg, "p%zz"));
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(of_many_doubles_at_once_one_is_accepted),
        T(messages_that_come_at_once_get_places_of_their_own),
        T(two_owners_who_end_each_other_leave_one),
        T(connections_that_are_cut_lose_nothing_and_double_nothing),
        T(a_lock_that_another_holds_is_waited_for_then_told),
        T(damage_that_the_server_tells_is_counted),
        T(a_session_that_was_taken_is_claimed_though_a_rival_holds_its_row),
        T(the_next_host_is_tried),
        T(what_cannot_be_used_is_refused_with_words),
        T(a_url_is_checked_without_asking_anybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
