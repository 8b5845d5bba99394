/* Every contract suite runs on each adapter: list the tests, hand them to run_suite. */
#pragma once

#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/memory.h"
#include "persistence/postgres/postgres.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/sqlite.h"
#include "tests/support/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWNER 3
#define LEASE INT64_C(1000)

struct fixture {
    struct nf_stores s;
    struct nf_db *db; /* NULL: memory */
    char dir[64];
    struct nf_err err;
    /* What a test reads, freed in teardown. */
    struct nf_messages messages;
    struct nf_tasks tasks;
    struct nf_task task;
    struct nf_task_changes changes;
    struct nf_usage_hours hours;
    struct nf_sessions sessions;
    struct nf_users users;
    struct nf_identities identities;
    struct nf_outbox_items items;
    struct nf_leases leases;
};

static void forget(struct fixture *f)
{
    nf_messages_done(&f->messages);
    nf_tasks_done(&f->tasks);
    nf_task_done(&f->task);
    nf_task_changes_done(&f->changes);
    nf_usage_hours_done(&f->hours);
    nf_sessions_done(&f->sessions);
    nf_users_done(&f->users);
    nf_identities_done(&f->identities);
    nf_outbox_items_done(&f->items);
    nf_leases_done(&f->leases);
}

static int setup_memory(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    assert_ok(nf_memory_store_new(&f->s, &f->err), &f->err);
    return 0;
}

static int setup_sqlite(void **state)
{
    char path[96];
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/nf-contract-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(path, sizeof(path), "%s/db", f->dir);
    assert_ok(nf_sqlite_open(NULL, path, &f->db, &f->err), &f->err);
    assert_ok(nf_repositories_new(f->db, &f->s, &f->err), &f->err);
    return 0;
}

/* A schema of its own on the server that ctest has started. */
static int setup_postgres(void **state)
{
    static int schemas;
    char server[128] = "", url[256], create[64];
    struct fixture *f = calloc(1, sizeof(*f));
    *state = f;
    FILE *file = fopen(getenv("NF_POSTGRES_FILE"), "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%127s", server), 1);
    (void)fclose(file);
    int n = schemas++;
    (void)snprintf(create, sizeof(create), "CREATE SCHEMA t%d_%d", (int)getpid(), n);
    (void)snprintf(url, sizeof(url), "%s?options=-csearch_path%%3Dt%d_%d", server, (int)getpid(),
                   n);
    PGconn *raw = PQconnectdb(server);
    PGresult *created = PQexec(raw, create);
    assert_int_equal(PQresultStatus(created), PGRES_COMMAND_OK);
    PQclear(created);
    PQfinish(raw);
    assert_ok(
        nf_postgres_open(NULL,
                         &(struct nf_postgres_options){
                             .url = url, .connections = 1, .statement_ms = 15000, .lock_ms = 5000 },
                         &f->db, &f->err),
        &f->err);
    assert_ok(nf_repositories_new(f->db, &f->s, &f->err), &f->err);
    return 0;
}

static int teardown(void **state)
{
    static const char *const names[] = { "db", "db-wal", "db-shm", "db.lock" };
    struct fixture *f = *state;
    nf_fail_alloc_at(0);
    forget(f);
    nf_stores_done(&f->s);
    nf_db_free(f->db);
    for (size_t i = 0; f->dir[0] && i < sizeof(names) / sizeof(names[0]); i++) {
        char path[96];
        (void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
        (void)unlink(path);
    }
    if (f->dir[0])
        (void)rmdir(f->dir);
    free(f);
    return 0;
}

static int run_suite(const char *name, const struct CMUnitTest *tests, size_t n)
{
    static const struct {
        const char *name;
        CMFixtureFunction setup;
    } adapters[] = { { "memory", setup_memory },
                     { "sqlite", setup_sqlite },
                     { "postgres", setup_postgres } };
    /* Without ctest there may be no server. */
    size_t adapters_n = getenv("NF_POSTGRES_FILE") ? 3 : 2;
    int failed = 0;
    for (size_t i = 0; i < adapters_n; i++) {
        struct CMUnitTest *run = calloc(n, sizeof(*run));
        char title[64];
        (void)snprintf(title, sizeof(title), "%s on %s", name, adapters[i].name);
        for (size_t k = 0; k < n; k++) {
            run[k] = tests[k];
            run[k].setup_func = adapters[i].setup;
            run[k].teardown_func = teardown;
        }
        failed += _cmocka_run_group_tests(title, run, n, NULL, NULL);
        free(run);
    }
    return failed;
}

#define RUN_SUITE(name, tests) run_suite((name), (tests), sizeof(tests) / sizeof((tests)[0]))

/* --- shorthands ------------------------------------------------------------------------------ */

/* User 1 with a session `id` on the web. */
__attribute__((unused)) static void given_session(struct fixture *f, int64_t id)
{
    struct nf_session s = { .id = id,
                            .user_id = 1,
                            .channel = "web",
                            .title = "Title",
                            .created_ms = 10,
                            .updated_ms = 10 };
    assert_ok(f->s.sessions->ops->create(f->s.sessions, &s, &f->err), &f->err);
}

/* A message of user 1; run ids are 100 and its first step 101 for `n` = 1, then 200, 201. */
__attribute__((unused)) static struct nf_accept message(int64_t session, int64_t n,
                                                        const char *client_id)
{
    return (struct nf_accept){ .source = "web:1",
                               .client_id = client_id,
                               .user_id = 1,
                               .session_id = session,
                               .run_id = 100 * n,
                               .step_id = 100 * n + 1,
                               .content = "question",
                               .now_ms = 1000 * n,
                               .owner = OWNER,
                               .lease_ms = LEASE };
}

__attribute__((unused)) static struct nf_accepted given_message(struct fixture *f, int64_t session,
                                                                int64_t n, const char *client_id)
{
    struct nf_accept in = message(session, n, client_id);
    struct nf_accepted got;
    assert_ok(f->s.turns->ops->accept(f->s.turns, &in, &got, &f->err), &f->err);
    return got;
}

/* An answer of one message, with its step, its cost and an outbox item. */
struct answer {
    struct nf_message m;
    struct nf_task step;
    struct nf_usage usage;
    struct nf_outbox_item item;
    struct nf_finish f;
};

__attribute__((unused)) static struct nf_finish *answer(struct answer *a, const struct nf_claim *c,
                                                        int64_t now_ms)
{
    static char text[] = "answer";
    *a = (struct answer){
        .m = { .role = NF_ROLE_ASSISTANT, .created_ms = now_ms, .content = text, .model = "p/m" },
        .step = { .id = c->run_id + 1,
                  .turn_id = c->run_id,
                  .n = 1,
                  .kind = NF_TASK_MODEL,
                  .status = NF_TASK_COMPLETED,
                  .created_ms = now_ms,
                  .started_ms = now_ms,
                  .ended_ms = now_ms,
                  .name = "p/m",
                  .tokens = { 10, 20, -1, -1 } },
        .usage = { .n = 1, .at_ms = now_ms, .model = "p/m", .tokens = { 10, 20, -1, -1 } },
        .item = { .channel = "web", .next_ms = now_ms },
    };
    a->f = (struct nf_finish){ .claim = *c,
                               .status = NF_TASK_COMPLETED,
                               .model = "p/m",
                               .messages = &a->m,
                               .messages_n = 1,
                               .step = &a->step,
                               .usage = &a->usage,
                               .usage_n = 1,
                               .outbox = &a->item,
                               .now_ms = now_ms };
    return &a->f;
}

/* Call until it does not run out of memory any more; `check` after each failure, and that there
 * was one at all. */
#define TORTURE(call, check)                                                                       \
    do {                                                                                           \
        size_t n_ = 1;                                                                             \
        for (;; n_++) {                                                                            \
            nf_fail_alloc_at(n_);                                                                  \
            enum nf_code torture_rc_ = (call);                                                     \
            nf_fail_alloc_at(0);                                                                   \
            if (torture_rc_ == NF_OK)                                                              \
                break;                                                                             \
            assert_code(torture_rc_, NF_E_NOMEM);                                                  \
            assert_true(n_ < 500);                                                                 \
            check;                                                                                 \
        }                                                                                          \
    } while (0)
