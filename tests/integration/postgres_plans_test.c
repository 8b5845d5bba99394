/*
 * How PostgreSQL goes about each statement of the catalogue: none reads a whole table or sorts what
 * grows with one. With the settings of our connections, and generic plans, as an execution after
 * the fifth has them (PostgreSQL, PREPARE, "Notes").
 */
#include "persistence/catalogue.h"
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"
#include "tests/support/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INT8 20 /* the server's src/include/catalog/pg_type.dat */

struct world {
    PGconn *raw;
    struct nf_query_info q[NF_QUERY_COUNT];
    struct nf_err err;
};

static PGresult *raw(struct world *w, const char *sql)
{
    PGresult *r = PQexec(w->raw, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(w->raw));
    return r;
}

static void raw_exec(struct world *w, const char *sql)
{
    PQclear(raw(w, sql));
}

/* Rows in every table: of a table with none all ways are the same to the planner. */
static const char filled[] =
    "DO $$ DECLARE t text; c record; cols text; BEGIN"
    " FOR c IN SELECT conrelid::regclass AS t,conname FROM pg_constraint WHERE contype='c' AND"
    " connamespace=current_schema()::regnamespace LOOP"
    " EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I',c.t,c.conname); END LOOP;"
    " FOR t IN SELECT tablename FROM pg_tables WHERE schemaname=current_schema()"
    " AND tablename<>'schema_version' LOOP"
    " SELECT string_agg(CASE WHEN a.atttypid='bytea'::regtype THEN '''a''::bytea'"
    " WHEN a.atttypid='text'::regtype THEN '''t''||g' WHEN attname='n' THEN 'g%3' WHEN "
    "EXISTS(SELECT 1 FROM pg_index i WHERE"
    " i.indrelid=a.attrelid AND i.indisunique AND a.attnum=ANY(i.indkey)) THEN 'g' ELSE 'g/4' END"
    ",',' ORDER BY attnum) INTO cols FROM pg_attribute a WHERE a.attrelid=t::regclass AND attnum>0;"
    " EXECUTE format('INSERT INTO %I SELECT %s FROM generate_series(1,4000) g',t,cols);"
    " END LOOP; END $$";

/* A schema of our own, made by the driver. */
static int setup(void **state)
{
    static struct world w;
    char server[128] = "", url[256], sql[256];
    struct nf_db *db;
    *state = &w;
    FILE *file = fopen(getenv("NF_POSTGRES_FILE"), "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", server), 1);
    (void)fclose(file);
    w.raw = PQconnectdb(server);
    (void)snprintf(sql, sizeof(sql),
                   "CREATE SCHEMA plans%d;SET search_path=plans%d;SET enable_seqscan=off;"
                   "SET plan_cache_mode=force_generic_plan",
                   (int)getpid(), (int)getpid());
    raw_exec(&w, sql);
    (void)snprintf(url, sizeof(url), "%s?options=-csearch_path%%3Dplans%d", server, (int)getpid());
    const struct nf_postgres_options o = {
        .url = url, .connections = 1, .statement_ms = 15000, .lock_ms = 5000
    };
    assert_ok(nf_postgres_open(NULL, &o, &db, &w.err), &w.err);
    nf_db_free(db);
    raw_exec(&w, filled);
    raw_exec(&w, "ANALYZE");
    nf_catalogue_describe(w.q);
    return 0;
}

static int teardown(void **state)
{
    PQfinish(((struct world *)*state)->raw);
    return 0;
}

static void prepare(struct world *w, const struct nf_query_info *q)
{
    struct nf_str sql = { 0 };
    Oid types[32];
    assert_true(q->in_n <= 32);
    for (size_t i = 0; i < q->in_n; i++)
        types[i] = q->in[i].type == NF_FIELD_I64 ? INT8 : 0;
    assert_ok(nf_sql_expand(q->sql, "pg", &sql, &w->err), &w->err);
    for (char *p = sql.p; *p; p++)
        if (p[0] == '?' && p[1] >= '1' && p[1] <= '9')
            *p = '$';
    PGresult *r = PQprepare(w->raw, q->name, nf_str_c(&sql), (int)q->in_n, types);
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", q->name, PQerrorMessage(w->raw));
    PQclear(r);
    nf_str_done(&sql);
}

/* The lines of its plan, one per row. */
static PGresult *plan_of(struct world *w, const struct nf_query_info *q)
{
    struct nf_str sql = { 0 };
    prepare(w, q);
    assert_ok(nf_str_addf(&sql, &w->err, "EXPLAIN (COSTS OFF) EXECUTE %s", q->name), &w->err);
    for (size_t i = 0; i < q->in_n; i++)
        assert_ok(nf_str_adds(&sql, i ? ",NULL" : "(NULL", &w->err), &w->err);
    if (q->in_n > 0)
        assert_ok(nf_str_adds(&sql, ")", &w->err), &w->err);
    PGresult *plan = raw(w, nf_str_c(&sql));
    nf_str_done(&sql);
    return plan;
}

static const char *line(const PGresult *plan, int i)
{
    return i < PQntuples(plan) ? PQgetvalue(plan, i, 0) : "";
}

/* Its condition stands below it. */
static bool is_narrowed(const PGresult *plan, int i)
{
    return strstr(line(plan, i + 1), "Index Cond:") != NULL;
}

/* What takes longer the more there is. */
static bool grows(const PGresult *plan, int i)
{
    const char *s = line(plan, i);
    if (strstr(s, "Seq Scan on") || strstr(s, "Sort Key:"))
        return true;
    return (strstr(s, "Index Scan ") || strstr(s, "Index Only Scan ")) && !is_narrowed(plan, i);
}

/* These may: see unit/sqlite, which has the same list for the other engine. */
static bool is_listed(const char *query, const char *detail)
{
    static const struct {
        const char *query, *detail;
    } exceptions[] = {
        { "user_update", "using users_owner" },              /* holds the active owners only */
        { "by_hand_unask", "using approvals_open" },         /* those that nobody has decided */
        { "schedules_outlook", "using schedule_runs_open" }, /* the first of those under way */
        { "schedule_runs_ended", "using schedule_runs_open" },
        { "held_prune", "Seq Scan on chat_held" },  /* once an hour, of what waits */
        { "instance_put", "using instances_pkey" }, /* of at most 1,023, once per start */
        { "usage_hours", "Sort Key" },  /* the hours of a period, and the models in each */
        { "run_messages", "Sort Key" }, /* what one turn said and did */
        { "task_list_turn", "Sort Key" },
        { "session_pinned", "Sort Key" }, /* what a person pinned */
        { "identity_list", "Sort Key" },  /* where a person writes from */
        { "skill_list", "Sort Key" },     /* what is installed */
        { "pairing_room", "Sort Key" },   /* who asks to be let in: a bounded number */
        { "chat_asked", "Sort Key" },     /* what one message asked */
        { "search_find", "Sort Key" },    /* what was found, by its index of words */
    };
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (strcmp(query, exceptions[i].query) == 0 && strstr(detail, exceptions[i].detail))
            return true;
    return false;
}

static void no_statement_reads_a_whole_table(void **state)
{
    struct world *w = *state;
    int wrong = 0;
    for (int i = 0; i < NF_QUERY_COUNT; i++) {
        PGresult *plan = plan_of(w, &w->q[i]);
        for (int k = 0; k < PQntuples(plan); k++) {
            if (getenv("NF_SHOW_PLANS"))
                print_message("%s: %s\n", w->q[i].name, line(plan, k));
            if (grows(plan, k) && !is_listed(w->q[i].name, line(plan, k))) {
                print_error("%s: %s\n", w->q[i].name, line(plan, k));
                wrong++;
            }
        }
        PQclear(plan);
    }
    assert_int_equal(wrong, 0);
}

static void the_last_messages_are_a_range_of_the_key_without_sorting(void **state)
{
    struct world *w = *state;
    raw_exec(w, "DEALLOCATE ALL");
    PGresult *plan = plan_of(w, &w->q[NF_Q_messages_last]);
    assert_string_equal(line(plan, 0), "Limit");
    assert_string_equal(line(plan, 1), "  ->  Index Scan Backward using messages_pkey on messages");
    assert_string_equal(line(plan, 2), "        Index Cond: ((session_id = $1) AND (seq < $2))");
    assert_int_equal(PQntuples(plan), 3);
    PQclear(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_statement_reads_a_whole_table),
        cmocka_unit_test(the_last_messages_are_a_range_of_the_key_without_sorting),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
