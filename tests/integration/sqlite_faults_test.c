/* The SQLite driver when things go wrong: killed while it writes, a full disk, a lock held by
 * another process. */
#include "base/own.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/sqlite.h"
#include "tests/integration/storage_turn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define WRITERS 4
#define KILLS 25

struct world {
    char dir[64], path[96];
    struct nf_db *db;
    struct nf_stores s;
    struct nf_err err;
    pid_t child;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){ .dir = "/tmp/nf-faults-XXXXXX" };
    assert_non_null(mkdtemp(w.dir));
    (void)snprintf(w.path, sizeof(w.path), "%s/db", w.dir);
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
    if (w->child > 0) {
        (void)kill(w->child, SIGKILL);
        (void)waitpid(w->child, NULL, 0);
    }
    close_db(w);
    (void)umount2(w->dir, MNT_DETACH);
    DIR *d = opendir(w->dir);
    for (struct dirent *e; d && (e = readdir(d));)
        (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    (void)rmdir(w->dir);
    return 0;
}

static NF_RC open_db(struct world *w, struct nf_err *err)
{
    NF_TRY(nf_sqlite_open_with(NULL, w->path, 200, &w->db, err));
    return nf_repositories_new(w->db, &w->s, err);
}

/* --- killed ---------------------------------------------------------------------------------- */

struct writer {
    struct world *w;
    int64_t session, first;
    int acks;
};

static void *write_turns(void *arg)
{
    struct writer *x = arg;
    struct nf_err err;
    for (int64_t id = x->first;; id += 10) {
        if (one_turn(&x->w->s, x->session, id, "question", &err) != NF_OK)
            _exit(3);
        if (write(x->acks, &id, sizeof(id)) != sizeof(id))
            _exit(4);
    }
    return NULL;
}

/* In the child: four threads write turns and say so on the pipe, until the kill. */
static void write_until_killed(struct world *w, int round, int acks)
{
    static struct writer x[WRITERS];
    struct nf_err err;
    pthread_t t[WRITERS];
    if (open_db(w, &err) != NF_OK || w->s.turns->ops->release(w->s.turns, 1, &err) != NF_OK)
        _exit(2);
    int64_t ready = 0;
    if (write(acks, &ready, sizeof(ready)) != sizeof(ready))
        _exit(4);
    for (int i = 0; i < WRITERS; i++) {
        /* A session of its own per round: what the kill cut off stays as it is. */
        x[i] = (struct writer){ w, 1 + round * WRITERS + i,
                                ((int64_t)round * WRITERS + i + 1) * 1000000, acks };
        pthread_create(&t[i], NULL, write_turns, &x[i]);
    }
    for (;;)
        pause();
}

static int64_t ask(struct world *w, const char *sql)
{
    sqlite3 *raw = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open(w->path, &raw), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(raw);
    return n;
}

/* Nothing is half there, whatever was cut off. */
static void assert_consistent(struct world *w)
{
    struct nf_sqlite_verified v;
    assert_ok(nf_sqlite_verify(w->path, &v, &w->err), &w->err);
    for (size_t i = 0; i < sizeof(nf_half_there) / sizeof(nf_half_there[0]); i++)
        if (ask(w, nf_half_there[i]) != 0)
            fail_msg("%s", nf_half_there[i]);
}

static void assert_is_stored(struct world *w, int round, int64_t id)
{
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM tasks WHERE id=%lld AND status=4",
                   (long long)id);
    if (ask(w, sql) != 1)
        fail_msg("round %d: turn %lld was acknowledged and is lost", round, (long long)id);
}

/* Kill it a moment after a few turns, so that the kill falls anywhere within one. */
static void run_and_kill(struct world *w, int round)
{
    int acks[2], status, turns = 1 + rand() % 12;
    int64_t id, seen[16];
    assert_int_equal(pipe2(acks, O_CLOEXEC), 0);
    w->child = fork();
    if (w->child == 0) {
        close(acks[0]);
        write_until_killed(w, round, acks[1]);
    }
    close(acks[1]);
    assert_int_equal(read(acks[0], &id, sizeof(id)), sizeof(id)); /* it is open */
    for (int i = 0; i < turns; i++)
        assert_int_equal(read(acks[0], &seen[i], sizeof(id)), sizeof(id));
    usleep((unsigned)(rand() % 3000));
    assert_int_equal(kill(w->child, SIGKILL), 0);
    assert_true(waitpid(nf_take(w->child), &status, 0) > 0);
    assert_true(WIFSIGNALED(status));

    /* Every turn that was acknowledged before the kill is there, as a whole. */
    for (int i = 0; i < turns; i++)
        assert_is_stored(w, round, seen[i]);
    while (read(acks[0], &id, sizeof(id)) == sizeof(id))
        assert_is_stored(w, round, id);
    close(acks[0]);
    assert_consistent(w);
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
    struct world *w = *state;
    srand(1);
    for (int round = 0; round < KILLS; round++)
        run_and_kill(w, round);
    assert_ok(open_db(w, &w->err), &w->err);
    assert_ok(one_turn(&w->s, 9999, 5, "after", &w->err), &w->err);
}

/* --- full ------------------------------------------------------------------------------------ */

/* A disk of 2 MiB at w->dir, seen by this process only. */
static bool mount_small_disk(struct world *w)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    return mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", w->dir, "tmpfs", 0, "size=2m") == 0;
}

static enum nf_code fill(struct world *w, const char *text, int64_t *stored)
{
    enum nf_code rc = NF_OK;
    for (int64_t id = 100; rc == NF_OK && *stored < 1000; id += 10) {
        rc = one_turn(&w->s, id, id, text, &w->err);
        *stored += rc == NF_OK;
    }
    return rc;
}

static void a_full_disk_loses_nothing_and_is_got_over(void **state)
{
    struct world *w = *state;
    static char text[16384], ballast[96];
    int64_t stored = 0;
    if (!mount_small_disk(w)) {
        print_message("no disk of its own may be mounted here (%s): skipped\n", strerror(errno));
        skip();
    }
    memset(text, 'x', sizeof(text) - 1);
    (void)snprintf(ballast, sizeof(ballast), "%s/ballast", w->dir);
    int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(posix_fallocate(fd, 0, 716800), 0);
    close(fd);
    assert_ok(open_db(w, &w->err), &w->err);

    assert_code(fill(w, text, &stored), NF_E_UNAVAILABLE);

    assert_non_null(strstr(w->err.msg, "disk is full: free space in /tmp/nf-faults-"));
    assert_true(stored > 5);
    char client_id[96];
    (void)snprintf(client_id, sizeof(client_id), "SELECT count(*) FROM tasks WHERE status=4");
    assert_int_equal(unlink(ballast), 0);
    assert_ok(one_turn(&w->s, 7, 5, "after", &w->err), &w->err);
    assert_true(ask(w, client_id) >= stored + 1);
    assert_consistent(w);
    close_db(w);
    assert_ok(open_db(w, &w->err), &w->err);
}

static void a_backup_that_does_not_fit_leaves_no_file(void **state)
{
    struct world *w = *state;
    static char text[16384];
    char copy[96];
    int64_t stored = 0;
    if (!mount_small_disk(w)) {
        print_message("no disk of its own may be mounted here (%s): skipped\n", strerror(errno));
        skip();
    }
    memset(text, 'x', sizeof(text) - 1);
    (void)snprintf(copy, sizeof(copy), "%s/copy", w->dir);
    assert_ok(open_db(w, &w->err), &w->err);
    (void)fill(w, text, &stored);

    assert_code(nf_db_backup(w->db, copy, &w->err), NF_E_UNAVAILABLE);

    assert_non_null(strstr(w->err.msg, "disk is full"));
    assert_int_equal(access(copy, F_OK), -1);
}

/* --- locked ---------------------------------------------------------------------------------- */

static void a_lock_of_another_process_is_waited_for_and_then_told(void **state)
{
    struct world *w = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_ok(open_db(w, &w->err), &w->err);
    w->child = fork();
    if (w->child == 0) {
        sqlite3 *raw = NULL;
        if (sqlite3_open(w->path, &raw) != SQLITE_OK ||
            sqlite3_exec(raw, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
            write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);

    assert_code(one_turn(&w->s, 7, 5, "locked out", &w->err), NF_E_UNAVAILABLE);
    assert_non_null(strstr(w->err.msg, "locked by another program"));
    assert_int_equal(kill(w->child, SIGKILL), 0);
    assert_int_equal(waitpid(nf_take(w->child), NULL, 0) > 0, 1);

    assert_ok(one_turn(&w->s, 7, 5, "free again", &w->err), &w->err);
    assert_consistent(w);
    close(ready[0]);
    close(ready[1]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_was_acknowledged_survives_kill_9),
        T(a_lock_of_another_process_is_waited_for_and_then_told),
        T(a_full_disk_loses_nothing_and_is_got_over),
        T(a_backup_that_does_not_fit_leaves_no_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
