/* A directory for a database, the driver on it, and a look into it past the driver. */
#pragma once

#include "base/own.h"
#include "persistence/repositories/repositories.h"
#include "persistence/sqlite/conn.h"
#include "persistence/sqlite/sqlite.h"
#include "runtime/fiber.h"
#include "tests/support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct world {
    char dir[64], path[96], copy[96];
    struct nf_db *db;
    struct nf_stores s;
    struct nf_loop *loop;
    sqlite3 *raw;
    struct nf_err err;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){ .dir = "/tmp/nf-sqlite-XXXXXX" };
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.path, sizeof(w.path), "%s/db", w.dir);
    (void)snprintf(w.copy, sizeof(w.copy), "%s/copy", w.dir);
    *state = &w;
    return 0;
}

static void close_db(struct world *w)
{
    nf_stores_done(&w->s);
    nf_db_free(nf_take(w->db));
}

static int teardown(void **state)
{
    struct world *w = *state;
    nf_fail_alloc_at(0);
    close_db(w);
    sqlite3_close(w->raw);
    nf_loop_free(w->loop);
    DIR *d = opendir(w->dir);
    for (struct dirent *e; d && (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    (void)rmdir(w->dir);
    return 0;
}

__attribute__((unused)) static void open_db(struct world *w)
{
    assert_ok(nf_sqlite_open(NULL, w->path, &w->db, &w->err), &w->err);
    assert_ok(nf_repositories_new(w->db, &w->s, &w->err), &w->err);
}

__attribute__((unused)) static void raw_exec(struct world *w, const char *sql)
{
    if (!w->raw)
        assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    if (sqlite3_exec(w->raw, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(w->raw));
}

__attribute__((unused)) static int64_t raw_ask(struct world *w, const char *sql)
{
    int64_t n = -1;
    if (!w->raw)
        assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    assert_ok(nf_lite_ask(w->raw, w->path, sql, -2, &n, &w->err), &w->err);
    return n;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
