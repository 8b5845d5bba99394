/* The SQLite driver: opening, schema, statements, backup. */
#include "persistence/catalogue.h"
#include "persistence/migrations.h"
#include "persistence/sqlite/backup.h"
#include "persistence/sqlite/checkpoint.h"
#include "persistence/sqlite/migrate.h"
#include "tests/unit/sqlite_fixture.h"

static void assert_refused(struct world *w, enum nf_code code, const char *text)
{
    assert_code(nf_sqlite_open_with(NULL, w->path, 50, &w->db, &w->err), code);
    if (!strstr(w->err.msg, text))
        fail_msg("'%s' does not say '%s'", w->err.msg, text);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* --- opening --------------------------------------------------------------------------------- */

static void all_files_are_private(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock" };
    struct world *w = *state;
    umask(0);
    write_file(w->path, "");
    assert_int_equal(chmod(w->path, 0644), 0);
    open_db(w);
    for (size_t i = 0; i < 4; i++) {
        char path[112];
        struct stat st;
        (void)snprintf(path, sizeof(path), "%s%s", w->path, suffixes[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    umask(022);
}

static void a_second_daemon_is_told_who_has_the_database(void **state)
{
    struct world *w = *state;
    struct nf_db *second;
    char pid[32];
    open_db(w);
    (void)snprintf(pid, sizeof(pid), "process %d:", (int)getpid());
    assert_code(nf_sqlite_open(NULL, w->path, &second, &w->err), NF_E_CONFLICT);
    assert_non_null(strstr(w->err.msg, pid));
    close_db(w);
    open_db(w);
}

static void what_is_stored_is_there_after_opening_again(void **state)
{
    struct world *w = *state;
    struct nf_user u = { .id = 1, .name = "N", .role = NF_USER_OWNER, .status = NF_USER_ACTIVE };
    struct nf_identity i = { .user_id = 1, .channel = "local", .account = "owner" };
    open_db(w);
    assert_ok(w->s.users->ops->create(w->s.users, &u, &i, &w->err), &w->err);
    close_db(w);
    open_db(w);
    assert_ok(w->s.users->ops->get(w->s.users, 1, &u, &w->err), &w->err);
}

static void a_file_that_is_no_database_is_refused_and_kept(void **state)
{
    struct world *w = *state;
    struct stat st;
    write_file(w->path, "These are notes of mine, and not a database at all. They matter to me. "
                        "They are longer than a database's header, which has a hundred bytes.\n");
    assert_refused(w, NF_E_IO, "is not a database");
    assert_int_equal(stat(w->path, &st), 0);
    assert_true(st.st_size > 100);
}

static void a_damaged_database_is_refused_with_what_to_do(void **state)
{
    struct world *w = *state;
    open_db(w);
    close_db(w);
    /* The first page holds the schema. */
    int fd = open(w->path, O_RDWR);
    char rubbish[3000];
    memset(rubbish, 0xa5, sizeof(rubbish));
    assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), 100), sizeof(rubbish));
    close(fd);
    assert_refused(w, NF_E_IO, "restore");
}

static void a_missing_directory_is_named(void **state)
{
    struct world *w = *state;
    (void)snprintf(w->path, sizeof(w->path), "%s/no/db", w->dir);
    assert_refused(w, NF_E_UNAVAILABLE, "/no/db");
}

static void a_newer_schema_is_refused_with_what_to_do(void **state)
{
    struct world *w = *state;
    open_db(w);
    close_db(w);
    char want[80];
    raw_exec(w, "INSERT INTO schema_version VALUES(99,'x',0)");
    (void)snprintf(want, sizeof(want), "newer Nexflow (schema 99, this program knows %zu)",
                   nf_migrations_all().n);
    assert_refused(w, NF_E_INVALID, want);
}

static void a_changed_migration_is_noticed(void **state)
{
    struct world *w = *state;
    open_db(w);
    close_db(w);
    raw_exec(w, "UPDATE schema_version SET sha256='x'");
    assert_refused(w, NF_E_INVALID, "0001_init");
}

static void a_database_of_another_program_is_refused(void **state)
{
    struct world *w = *state;
    raw_exec(w, "CREATE TABLE recipes(a)");
    assert_refused(w, NF_E_INVALID, "another program");
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM sqlite_master"), 1);
}

static void a_schema_that_does_not_fit_the_statements_is_a_start_up_error(void **state)
{
    struct world *w = *state;
    open_db(w);
    close_db(w);
    raw_exec(w, "ALTER TABLE outbox RENAME COLUMN next_at TO later");
    assert_refused(w, NF_E_INTERNAL, "statement outbox_");
}

static void a_database_that_somebody_writes_to_is_unavailable(void **state)
{
    struct world *w = *state;
    struct nf_session s = { .id = 7, .user_id = 1, .channel = "web" };
    assert_ok(nf_sqlite_open_with(NULL, w->path, 50, &w->db, &w->err), &w->err);
    assert_ok(nf_repositories_new(w->db, &w->s, &w->err), &w->err);
    raw_exec(w, "BEGIN IMMEDIATE");
    assert_code(w->s.sessions->ops->create(w->s.sessions, &s, &w->err), NF_E_UNAVAILABLE);
    assert_non_null(strstr(w->err.msg, "locked by another program"));
    assert_code(w->s.sessions->ops->get(w->s.sessions, 7, 0, &s, &w->err), NF_E_NOT_FOUND);

    raw_exec(w, "ROLLBACK");
    assert_ok(w->s.sessions->ops->create(w->s.sessions, &s, &w->err), &w->err);
}

static void opening_survives_every_failed_allocation(void **state)
{
    struct world *w = *state;
    for (size_t n = 1;; n++) {
        nf_fail_alloc_at(n);
        enum nf_code rc = nf_sqlite_open(NULL, w->path, &w->db, &w->err);
        nf_fail_alloc_at(0);
        if (rc == NF_OK)
            break;
        assert_code(rc, NF_E_NOMEM);
        assert_true(n < 200);
    }
}

/* --- migrations ------------------------------------------------------------------------------ */

static const struct nf_migration two[] = {
    { 1, "0001_a", "CREATE TABLE a(x {i64}) /*lite:STRICT*/ /*pg:WITH (fillfactor=70)*/;", "s1" },
    { 2, "0002_b", "CREATE TABLE b(y TEXT); INSERT INTO a VALUES(1);", "s2" },
};

static size_t count_backups(const struct world *w)
{
    size_t n = 0;
    DIR *d = opendir(w->dir);
    for (struct dirent *e; (e = readdir(d));)
        n += strncmp(e->d_name, "db.backup-v1-", 13) == 0;
    closedir(d);
    return n;
}

static void migrations_are_applied_one_after_the_other_behind_a_backup(void **state)
{
    struct world *w = *state;
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    struct nf_migrations first = { two, 1 }, both = { two, 2 };
    assert_ok(nf_lite_migrate(w->raw, w->path, first, &w->err), &w->err);
    assert_int_equal(count_backups(w), 0); /* there was nothing to lose */
    assert_ok(nf_lite_migrate(w->raw, w->path, first, &w->err), &w->err);
    assert_ok(nf_lite_migrate(w->raw, w->path, both, &w->err), &w->err);
    assert_int_equal(raw_ask(w, "SELECT x FROM a"), 1);
    assert_int_equal(raw_ask(w, "SELECT max(version) FROM schema_version WHERE applied_at>0"), 2);
    assert_int_equal(count_backups(w), 1);
    assert_code(nf_lite_migrate(w->raw, w->path, first, &w->err), NF_E_INVALID);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    static const struct nf_migration bad[] = {
        { 1, "0001_a", "CREATE TABLE a(x {i64});", "s1" },
        { 2, "0002_b", "CREATE TABLE b(y); INSERT INTO a VALUES(1); INSERT INTO nowhere VALUES(1);",
          "s2" },
    };
    struct world *w = *state;
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    struct nf_migrations first = { bad, 1 }, both = { bad, 2 };
    assert_ok(nf_lite_migrate(w->raw, w->path, first, &w->err), &w->err);
    assert_code(nf_lite_migrate(w->raw, w->path, both, &w->err), NF_E_INTERNAL);
    assert_non_null(strstr(w->err.msg, "migration 0002_b"));
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM a"), 0);
    assert_int_equal(raw_ask(w, "SELECT max(version) FROM schema_version"), 1);
    assert_int_equal(raw_ask(w, "SELECT count(*) FROM sqlite_master WHERE name='b'"), 0);
    assert_int_equal(count_backups(w), 0); /* else each start would leave one */
}

static void a_database_of_the_first_schema_is_brought_up_to_date_with_its_data(void **state)
{
    static const char old[] =
        "INSERT INTO users VALUES(1,'Owner',1,1,5);"
        "INSERT INTO sessions VALUES(7,1,'web','','T',1,1,10,0,0,3,10,10);"
        "INSERT INTO messages VALUES(7,1,1,20,10,'m','', 'question', NULL);"
        "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,seq,created_at,changed_at)"
        " VALUES(20,20,0,7,1,1,2,1,10,10);"
        "INSERT INTO tasks(id,turn_id,n,session_id,user_id,kind,status,created_at,changed_at,name,"
        "call_id,args,result) VALUES(21,20,1,7,1,3,4,10,11,'clock','c','{}','noon')";
    struct world *w = *state;
    struct nf_task t = { 0 };
    struct nf_messages m = { 0 };
    struct nf_skills skills = { 0 };
    struct nf_migrations all = nf_migrations_all();
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    assert_ok(nf_lite_migrate(w->raw, w->path, (struct nf_migrations){ all.v, 1 }, &w->err),
              &w->err);
    raw_exec(w, old);
    assert_int_equal(sqlite3_close(nf_take(w->raw)), SQLITE_OK);

    open_db(w);

    assert_int_equal(count_backups(w), 1);
    assert_ok(w->s.tasks->ops->get(w->s.tasks, 21, 1, &t, &w->err), &w->err);
    assert_string_equal(t.result, "noon");
    assert_int_equal(t.worker, 0);
    assert_string_equal(t.level, "");
    nf_task_done(&t);
    assert_ok(w->s.sessions->ops->messages(w->s.sessions, 7, 0, 10, &m, &w->err), &w->err);
    assert_int_equal(m.n, 1);
    nf_messages_done(&m);
    struct nf_claim c;
    assert_ok(w->s.turns->ops->claim(w->s.turns, 7, 0, 1, 1000, 100, &c, &w->err), &w->err);
    assert_int_equal(c.run_id, 20);
    assert_ok(w->s.skills->ops->list(w->s.skills, &skills, &w->err), &w->err);
    assert_int_equal(skills.n, 0);
    close_db(w);
    open_db(w); /* and again, with nothing to do */
    assert_int_equal(count_backups(w), 1);
}

/* --- statements ------------------------------------------------------------------------------ */

/* A SCAN of a whole table or index grows with the database, and so does sorting. These may: */
static bool is_listed(const char *query, const char *detail)
{
    static const struct {
        const char *query, *detail;
    } exceptions[] = {
        { "user_update", "SCAN o USING INDEX users_owner" }, /* holds the active owners only */
        { "schedule_runs_ended", "SCAN r USING INDEX schedule_runs_open" }, /* those under way */
        { "schedules_outlook", "SCAN CONSTANT ROW" },
        { "schedules_outlook", "USING INDEX schedule_runs_open" }, /* one of those under way */
        { "held_prune", "SCAN chat_held" }, /* once an hour, of what waits to be taken in */
        /* What one turn said and did: a few rows. */
        { "run_messages", "TEMP B-TREE" },
        { "task_list_turn", "TEMP B-TREE" },
        { "pairing_room", "RIGHT PART OF ORDER BY" }, /* those of one millisecond */
        { "usage_hours", "TEMP B-TREE" }, /* the hours of a period, and the models in each */
        /* What was walked to: a bounded number of sessions. */
        { "inbox_put", "SCAN w" },
        { "sessions_take", "SCAN w" },
        { "sessions_waiting", "SCAN w" },
        { "kv_put", "SCAN CONSTANT ROW" }, /* no table at all */
        { "pairing_put", "SCAN CONSTANT ROW" },
        { "invite_put", "SCAN CONSTANT ROW" },
        { "schedule_day_take", "SCAN CONSTANT ROW" },
        { "shared_clock", "SCAN CONSTANT ROW" },
        { "instance_put", "SCAN" },                           /* of at most 1,023, once per start */
        { "search_find", "SCAN search VIRTUAL TABLE INDEX" }, /* by words, which its index knows */
    };
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
        if (strcmp(query, exceptions[i].query) == 0 && strstr(detail, exceptions[i].detail))
            return true;
    return false;
}

static void no_statement_reads_a_whole_table(void **state)
{
    struct world *w = *state;
    struct nf_query_info q[NF_QUERY_COUNT];
    open_db(w);
    close_db(w);
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    nf_catalogue_describe(q);
    for (int i = 0; i < NF_QUERY_COUNT; i++) {
        struct nf_str own = { 0 };
        assert_ok(nf_sql_expand(q[i].sql, "lite", &own, &w->err), &w->err);
        char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", nf_str_c(&own));
        nf_str_done(&own);
        sqlite3_stmt *s = NULL;
        assert_int_equal(sqlite3_prepare_v2(w->raw, sql, -1, &s, NULL), SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(s, 3);
            bool grows = strncmp(detail, "SCAN", 4) == 0 || strstr(detail, "TEMP B-TREE");
            if (getenv("NF_SHOW_PLANS"))
                print_message("%s: %s\n", q[i].name, detail);
            if (grows && !is_listed(q[i].name, detail))
                fail_msg("%s: %s", q[i].name, detail);
        }
        sqlite3_finalize(s);
        sqlite3_free(sql);
    }
}

static void the_last_messages_are_a_range_of_the_key_without_sorting(void **state)
{
    struct world *w = *state;
    struct nf_query_info q[NF_QUERY_COUNT];
    open_db(w);
    close_db(w);
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    nf_catalogue_describe(q);
    char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", q[NF_Q_messages_last].sql);
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_prepare_v2(w->raw, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal(sqlite3_column_text(s, 3),
                        "SEARCH messages USING PRIMARY KEY (session_id=? AND seq<?)");
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_free(sql);
}

/* --- backup ---------------------------------------------------------------------------------- */

static void given_messages(struct world *w, int64_t n)
{
    struct nf_session s = { .id = 7, .user_id = 1, .channel = "web" };
    struct nf_accepted got;
    for (int64_t i = 1; i <= n; i++) {
        char id[32];
        (void)snprintf(id, sizeof(id), "m%lld", (long long)i);
        struct nf_accept in = { .source = "s",
                                .client_id = id,
                                .user_id = 1,
                                .session_id = 7,
                                .create = i == 1 ? &s : NULL,
                                .run_id = 10 * i,
                                .step_id = 10 * i + 1,
                                .content = "text",
                                .now_ms = i,
                                .owner = 1,
                                .lease_ms = 1000 };
        assert_ok(w->s.turns->ops->accept(w->s.turns, &in, &got, &w->err), &w->err);
    }
}

static void a_backup_of_a_live_database_is_whole_and_private(void **state)
{
    struct world *w = *state;
    struct nf_sqlite_verified v;
    struct stat st;
    open_db(w);
    given_messages(w, 5);

    assert_ok(nf_db_backup(w->db, w->copy, &w->err), &w->err);

    assert_ok(nf_sqlite_verify(w->copy, &v, &w->err), &w->err);
    assert_int_equal(v.schema, nf_migrations_all().n);
    assert_int_equal(v.sessions, 1);
    assert_int_equal(v.messages, 5);
    assert_int_equal(stat(w->copy, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_code(nf_db_backup(w->db, w->copy, &w->err), NF_E_CONFLICT);
    assert_ok(nf_sqlite_verify(w->path, &v, &w->err), &w->err); /* beside the daemon */
}

static void a_restore_brings_back_what_was_and_keeps_what_is(void **state)
{
    struct world *w = *state;
    struct nf_sqlite_verified v;
    open_db(w);
    given_messages(w, 3);
    assert_ok(nf_sqlite_backup(w->path, w->copy, &w->err), &w->err);
    struct nf_session s;
    assert_ok(w->s.turns->ops->cancel_pending(w->s.turns, 7, 30, 99, &w->err), &w->err);
    assert_code(nf_sqlite_restore(w->copy, w->path, &w->err), NF_E_CONFLICT);
    close_db(w);

    assert_ok(nf_sqlite_restore(w->copy, w->path, &w->err), &w->err);

    open_db(w);
    assert_ok(w->s.sessions->ops->get(w->s.sessions, 7, 0, &s, &w->err), &w->err);
    assert_int_equal(s.pending, 3);
    assert_ok(nf_sqlite_verify(w->path, &v, &w->err), &w->err);
    assert_int_equal(v.messages, 3);
}

static void a_restore_brings_back_skills_and_what_they_keep(void **state)
{
    static char hash[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const struct nf_kv_key k = { "notes", 1, "a" };
    struct world *w = *state;
    struct nf_skill skill;
    struct nf_str value = { 0 };
    open_db(w);
    assert_ok(nf_skill_init(&skill, 1, "notes", "1.0.0", hash, 5, &w->err), &w->err);
    assert_ok(w->s.skills->ops->create(w->s.skills, &skill, 1, &w->err), &w->err);
    assert_ok(w->s.kv->ops->put(w->s.kv, &k, "a\0b", 3, 100, 5, &w->err), &w->err);
    assert_ok(nf_sqlite_backup(w->path, w->copy, &w->err), &w->err);
    assert_ok(w->s.kv->ops->clear(w->s.kv, "notes", &w->err), &w->err);
    close_db(w);

    assert_ok(nf_sqlite_restore(w->copy, w->path, &w->err), &w->err);

    open_db(w);
    assert_ok(w->s.skills->ops->find(w->s.skills, "notes", &skill, &w->err), &w->err);
    assert_ok(w->s.kv->ops->get(w->s.kv, &k, &value, &w->err), &w->err);
    assert_int_equal(value.len, 3);
    assert_memory_equal(value.p, "a\0b", 3);
    nf_str_done(&value);
}

static void a_damaged_backup_is_found_out(void **state)
{
    struct world *w = *state;
    struct nf_sqlite_verified v;
    open_db(w);
    given_messages(w, 30);
    assert_ok(nf_sqlite_backup(w->path, w->copy, &w->err), &w->err);
    int fd = open(w->copy, O_RDWR);
    struct stat st;
    char rubbish[600];
    memset(rubbish, 0x5a, sizeof(rubbish));
    assert_int_equal(fstat(fd, &st), 0);
    for (off_t at = 4096; at + 700 < st.st_size; at += 4096)
        assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), at), sizeof(rubbish));
    close(fd);

    assert_code(nf_sqlite_verify(w->copy, &v, &w->err), NF_E_IO);
    close_db(w);
    assert_code(nf_sqlite_restore(w->copy, w->path, &w->err), NF_E_IO);
    open_db(w); /* what is there was not touched */
    (void)snprintf(w->copy, sizeof(w->copy), "%s/none", w->dir);
    assert_code(nf_sqlite_verify(w->copy, &v, &w->err), NF_E_NOT_FOUND);
}

/* --- the log --------------------------------------------------------------------------------- */

static void a_log_that_has_grown_is_copied_beside_the_writer(void **state)
{
    struct world *w = *state;
    struct nf_lite_checkpointer *c = NULL;
    open_db(w);
    given_messages(w, 5);
    assert_ok(nf_lite_checkpointer_new(w->path, 50, &c, &w->err), &w->err);
    bool rest = nf_lite_checkpointer_tell(c, NF_LITE_WAL_DUE - 1);
    assert_false(rest);
    rest = nf_lite_checkpointer_tell(c, NF_LITE_WAL_DUE);
    assert_false(rest);
    for (int i = 0; i < 1000 && !rest; i++) {
        usleep(10000);
        rest = nf_lite_checkpointer_tell(c, NF_LITE_WAL_DUE - 1);
    }
    bool again = nf_lite_checkpointer_tell(c, NF_LITE_WAL_DUE - 1);
    bool late = nf_lite_checkpointer_tell(c, NF_LITE_WAL_MAX);
    nf_lite_checkpointer_free(c);
    assert_true(rest);
    assert_false(again);
    assert_true(late); /* the writer waits for nobody */

    int frames = -1, copied = -2;
    assert_int_equal(sqlite3_open(w->path, &w->raw), SQLITE_OK);
    assert_int_equal(
        sqlite3_wal_checkpoint_v2(w->raw, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &copied),
        SQLITE_OK);
    assert_int_equal(frames, copied);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(all_files_are_private),
        T(a_second_daemon_is_told_who_has_the_database),
        T(what_is_stored_is_there_after_opening_again),
        T(a_file_that_is_no_database_is_refused_and_kept),
        T(a_damaged_database_is_refused_with_what_to_do),
        T(a_missing_directory_is_named),
        T(a_newer_schema_is_refused_with_what_to_do),
        T(a_changed_migration_is_noticed),
        T(a_database_of_another_program_is_refused),
        T(a_schema_that_does_not_fit_the_statements_is_a_start_up_error),
        T(a_database_that_somebody_writes_to_is_unavailable),
        T(opening_survives_every_failed_allocation),
        T(migrations_are_applied_one_after_the_other_behind_a_backup),
        T(a_migration_that_fails_changes_nothing),
        T(a_database_of_the_first_schema_is_brought_up_to_date_with_its_data),
        T(no_statement_reads_a_whole_table),
        T(the_last_messages_are_a_range_of_the_key_without_sorting),
        T(a_backup_of_a_live_database_is_whole_and_private),
        T(a_restore_brings_back_what_was_and_keeps_what_is),
        T(a_restore_brings_back_skills_and_what_they_keep),
        T(a_damaged_backup_is_found_out),
        T(a_log_that_has_grown_is_copied_beside_the_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
