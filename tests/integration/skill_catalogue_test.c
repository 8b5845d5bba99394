/* Skills as files: what is read, refused, kept and found changed; and their logs. */
#include "skills/catalogue.h"

#include "base/own.h"
#include "skills/package.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MANIFEST                                                                                   \
    "{\"name\":\"hello\",\"version\":\"1.0.0\",\"description\":\"d\",\"entry\":\"hello.so\","      \
    "\"tools\":[{\"name\":\"t\",\"description\":\"d\",\"parameters\":{\"type\":\"object\"}}]}"

static char top[64];
static struct nf_str source, kept;
static struct nf_loop *loop;
static struct nf_executor *executor;
static struct nf_skill_logs *logs;
static struct nf_catalogue *catalogue;
static struct nf_skill_files *files;
static struct nf_skill_package package;
static struct nf_str text;
static struct nf_err err;

static void put(const char *name, const char *content, mode_t mode)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    assert_ok(nf_str_addf(&path, &err, "%s/%s", nf_str_c(&source), name), &err);
    (void)unlink(nf_str_c(&path));
    int fd = open(nf_str_c(&path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    (void)close(fd);
}

static int setup(void **state)
{
    (void)state;
    (void)snprintf(top, sizeof(top), "/tmp/nf-catalogue-XXXXXX");
    if (!mkdtemp(top) || nf_str_addf(&source, &err, "%s/source", top) != NF_OK ||
        nf_str_addf(&kept, &err, "%s/skills", top) != NF_OK || mkdir(nf_str_c(&source), 0700) != 0)
        return -1;
    NF_CLEANUP(nf_str_done) struct nf_str log_dir = { 0 };
    struct nf_catalogue_options o = { .dir = nf_str_c(&kept) };
    if (nf_str_addf(&log_dir, &err, "%s/logs", top) != NF_OK || nf_loop_new(&loop, &err) != NF_OK ||
        nf_executor_new(loop, "skills", 1, 16, &executor, &err) != NF_OK ||
        nf_skill_logs_new(nf_str_c(&log_dir), executor, &logs, &err) != NF_OK)
        return -1;
    o.executor = executor;
    o.logs = logs;
    if (nf_catalogue_new(&o, &catalogue, &err) != NF_OK)
        return -1;
    files = nf_catalogue_port(catalogue);
    put("skill.json", MANIFEST, 0600);
    put("hello.so", "not really", 0600);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nf_skill_package_done(&package);
    nf_str_done(&text);
    nf_str_done(&source);
    nf_str_done(&kept);
    nf_catalogue_free(catalogue);
    nf_skill_logs_free(logs);
    nf_executor_free(executor);
    nf_loop_free(loop);
    return nf_tree_remove(top, &err) == NF_OK ? 0 : -1;
}

/* --- the operations, each in a fiber of its own -------------------------------------------------
 */

struct call {
    enum { INSPECT, IMPORT, LOAD, REMOVE, READ_LOG } what;
    const char *name, *hash;
    size_t max;
};

static enum nf_code in_fiber(void *arg, struct nf_err *e)
{
    const struct call *c = arg;
    switch (c->what) {
    case INSPECT:
        return files->ops->inspect(files, nf_str_c(&source), &package, e);
    case IMPORT:
        return files->ops->import(files, nf_str_c(&source), c->hash, &package, e);
    case LOAD:
        return files->ops->load(files, c->name, c->hash, &package, e);
    case REMOVE:
        return files->ops->remove(files, c->name, c->hash, e);
    case READ_LOG:
        return files->ops->read_log(files, c->name, c->max, &text, e);
    }
    return NF_E_INTERNAL;
}

static enum nf_code run(struct call c)
{
    if (c.what <= LOAD)
        nf_skill_package_done(&package);
    return nf_loop_run(loop, in_fiber, &c, &err);
}

static enum nf_code inspect(void)
{
    return run((struct call){ .what = INSPECT });
}

static void path_of_entry(char path[256])
{
    (void)snprintf(path, 256, "%s/hello/%s/hello.so", nf_str_c(&kept), package.hash);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void the_hash_is_over_names_contents_and_executability(void **state)
{
    (void)state;
    char first[NF_SKILL_HASH + 1], second[NF_SKILL_HASH + 1];

    assert_ok(inspect(), &err);
    assert_string_equal(package.manifest.name, "hello");
    memcpy(first, package.hash, sizeof(first));
    put(".git", "left out", 0600);
    assert_ok(inspect(), &err);
    assert_string_equal(package.hash, first);

    put("hello.so", "not reallz", 0600);
    assert_ok(inspect(), &err);
    assert_string_not_equal(package.hash, first);
    memcpy(second, package.hash, sizeof(second));
    put("hello.so", "not reallz", 0700);
    assert_ok(inspect(), &err);
    assert_string_not_equal(package.hash, second);
    put("hello.so", "not really", 0600);
    put("more", "", 0600);
    assert_ok(inspect(), &err);
    assert_string_not_equal(package.hash, first);
}

static void links_and_special_files_are_refused(void **state)
{
    (void)state;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    assert_ok(nf_str_addf(&path, &err, "%s/extra", nf_str_c(&source)), &err);

    assert_int_equal(symlink("/etc/passwd", nf_str_c(&path)), 0);
    assert_code(inspect(), NF_E_INVALID);
    assert_non_null(strstr(err.msg, "'extra' is neither a file nor a directory"));
    (void)unlink(nf_str_c(&path));

    assert_int_equal(mkfifo(nf_str_c(&path), 0600), 0);
    assert_code(inspect(), NF_E_INVALID);
    (void)unlink(nf_str_c(&path));

    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    memcpy(a.sun_path, nf_str_c(&path), path.len + 1);
    assert_int_equal(bind(s, (const struct sockaddr *)&a, sizeof(a)), 0);
    assert_code(inspect(), NF_E_INVALID);
    (void)close(s);
    (void)unlink(nf_str_c(&path));
    assert_ok(inspect(), &err);
}

static void what_is_no_skill_says_what_is_missing(void **state)
{
    (void)state;
    put("skill.json", "{}", 0600);
    assert_code(inspect(), NF_E_INVALID);
    assert_string_equal(err.msg, "name is missing");
    put("skill.json", MANIFEST, 0600);
    put("hello.so", "x", 0600);
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    assert_ok(nf_str_addf(&path, &err, "%s/hello.so", nf_str_c(&source)), &err);
    (void)unlink(nf_str_c(&path));
    assert_code(inspect(), NF_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "entry names 'hello.so'"));
    nf_str_reset(&path);
    assert_ok(nf_str_addf(&path, &err, "%s/skill.json", nf_str_c(&source)), &err);
    (void)unlink(nf_str_c(&path));
    assert_code(inspect(), NF_E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no skill.json"));
    assert_ok(nf_str_adds(&source, "/nowhere", &err), &err);
    assert_code(inspect(), NF_E_NOT_FOUND);
}

static void files_are_counted(void **state)
{
    (void)state;
    char name[16];
    for (int i = 2; i < NF_PACKAGE_FILES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "f%d", i);
        put(name, "", 0600);
    }
    assert_ok(inspect(), &err);
    put("onemore", "", 0600);
    assert_code(inspect(), NF_E_LIMIT);
}

static void bytes_are_counted(void **state)
{
    (void)state;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    assert_ok(nf_str_addf(&path, &err, "%s/hello.so", nf_str_c(&source)), &err);
    off_t rest = (off_t)(NF_PACKAGE_BYTES_MAX - strlen(MANIFEST));
    assert_int_equal(truncate(nf_str_c(&path), rest), 0);
    assert_ok(inspect(), &err);
    assert_int_equal(truncate(nf_str_c(&path), rest + 1), 0);
    assert_code(inspect(), NF_E_LIMIT);
}

static void directories_are_followed_so_deep(void **state)
{
    (void)state;
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    assert_ok(nf_str_adds(&path, nf_str_c(&source), &err), &err);
    for (int i = 0; i < NF_PACKAGE_DEPTH_MAX; i++) {
        assert_ok(nf_str_adds(&path, "/d", &err), &err);
        assert_int_equal(mkdir(nf_str_c(&path), 0700), 0);
    }
    assert_ok(inspect(), &err);
    assert_ok(nf_str_adds(&path, "/d", &err), &err);
    assert_int_equal(mkdir(nf_str_c(&path), 0700), 0);
    assert_code(inspect(), NF_E_LIMIT);
}

static void what_is_imported_is_found_again(void **state)
{
    (void)state;
    char hash[NF_SKILL_HASH + 1], entry[256];
    struct stat st;
    NF_CLEANUP(nf_str_done) struct nf_str sub = { 0 };
    assert_ok(nf_str_addf(&sub, &err, "%s/words", nf_str_c(&source)), &err);
    assert_int_equal(mkdir(nf_str_c(&sub), 0700), 0);
    put("words/en.txt", "one", 0600);

    assert_ok(run((struct call){ .what = IMPORT }), &err);
    memcpy(hash, package.hash, sizeof(hash));
    assert_ok(run((struct call){ .what = IMPORT, .hash = hash }), &err);
    assert_ok(run((struct call){ .what = LOAD, .name = "hello", .hash = hash }), &err);
    assert_string_equal(package.hash, hash);
    assert_string_equal(package.manifest.entry, "hello.so");
    path_of_entry(entry);
    assert_int_equal(stat(entry, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0444);

    /* The source changes: what is kept does not. */
    put("hello.so", "other", 0600);
    assert_ok(run((struct call){ .what = LOAD, .name = "hello", .hash = hash }), &err);
    assert_code(run((struct call){ .what = IMPORT, .hash = hash }), NF_E_CONFLICT);
    assert_non_null(strstr(err.msg, "look again"));
}

static void a_changed_file_is_noticed(void **state)
{
    (void)state;
    char hash[NF_SKILL_HASH + 1], entry[256];

    assert_ok(run((struct call){ .what = IMPORT }), &err);
    memcpy(hash, package.hash, sizeof(hash));
    path_of_entry(entry);
    assert_int_equal(chmod(entry, 0644), 0);
    assert_int_equal(truncate(entry, 3), 0);
    assert_code(run((struct call){ .what = LOAD, .name = "hello", .hash = hash }), NF_E_CONFLICT);
    assert_non_null(strstr(err.msg, "were changed: install it again"));

    assert_ok(run((struct call){ .what = IMPORT, .hash = hash }), &err);
    assert_ok(run((struct call){ .what = LOAD, .name = "hello", .hash = hash }), &err);
}

static void removing_spares_what_is_in_use(void **state)
{
    (void)state;
    char first[NF_SKILL_HASH + 1], second[NF_SKILL_HASH + 1];

    assert_ok(run((struct call){ .what = IMPORT }), &err);
    memcpy(first, package.hash, sizeof(first));
    put("hello.so", "newer", 0600);
    assert_ok(run((struct call){ .what = IMPORT }), &err);
    memcpy(second, package.hash, sizeof(second));

    assert_ok(run((struct call){ .what = REMOVE, .name = "hello", .hash = second }), &err);
    assert_code(run((struct call){ .what = LOAD, .name = "hello", .hash = first }), NF_E_NOT_FOUND);
    assert_ok(run((struct call){ .what = LOAD, .name = "hello", .hash = second }), &err);
    assert_ok(run((struct call){ .what = REMOVE, .name = "hello" }), &err);
    assert_code(run((struct call){ .what = LOAD, .name = "hello", .hash = second }),
                NF_E_NOT_FOUND);
    assert_ok(run((struct call){ .what = REMOVE, .name = "hello" }), &err);
}

static void names_that_are_paths_are_refused(void **state)
{
    (void)state;
    assert_code(run((struct call){ .what = REMOVE, .name = "../x" }), NF_E_INVALID);
    assert_code(run((struct call){ .what = LOAD, .name = "hello", .hash = "../../etc" }),
                NF_E_INVALID);
    assert_code(run((struct call){ .what = READ_LOG, .name = "a/b", .max = 9 }), NF_E_INVALID);
}

static void a_log_keeps_its_newest_lines(void **state)
{
    (void)state;
    assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 1000 }), &err);
    assert_string_equal(nf_str_c(&text), "");

    nf_skill_logs_add(logs, "hello", "info", "first", 5, 0);
    nf_skill_logs_add(logs, "hello", "warn", "a\x1b[31m\nb\xff\xc2\x9b", 11, 1000);
    assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 1000 }), &err);
    assert_string_equal(nf_str_c(&text), "1970-01-01T00:00:00.000Z info first\n"
                                         "1970-01-01T00:00:01.000Z warn a?[31m?b???\n");
    nf_str_reset(&text);
    assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 50 }), &err);
    assert_string_equal(nf_str_c(&text), "1970-01-01T00:00:01.000Z warn a?[31m?b???\n");
    nf_str_reset(&text);
    assert_ok(run((struct call){ .what = REMOVE, .name = "hello" }), &err);
    assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 1000 }), &err);
    assert_string_equal(nf_str_c(&text), "");
}

static void a_log_is_bounded_in_lines_bytes_and_files(void **state)
{
    (void)state;
    char line[NF_SKILL_LOG_LINE_MAX + 100];
    memset(line, 'x', sizeof(line));
    for (int i = 0; i < NF_SKILL_LOG_PER_SECOND + 7; i++)
        nf_skill_logs_add(logs, "hello", "info", "x", 1, 0);
    nf_skill_logs_add(logs, "hello", "info", line, sizeof(line), 1000);
    text.max = NF_SKILL_LOG_FILE_MAX * 4;
    assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 10000 }), &err);
    assert_non_null(strstr(nf_str_c(&text), "warn 7 lines were too many and are not here\n"));
    const char *last = strrchr(nf_str_c(&text), ' ') + 1;
    assert_int_equal(strspn(last, "x"), NF_SKILL_LOG_LINE_MAX);

    for (int64_t s = 2; s < 40; s++) {
        for (int i = 0; i < 40; i++)
            nf_skill_logs_add(logs, "hello", "info", line, sizeof(line), s * 1000);
        nf_str_reset(&text);
        assert_ok(run((struct call){ .what = READ_LOG, .name = "hello", .max = 1 << 20 }), &err);
    }
    assert_true(text.len <= 2 * NF_SKILL_LOG_FILE_MAX);
    assert_true(text.len > NF_SKILL_LOG_FILE_MAX);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_hash_is_over_names_contents_and_executability),
        T(links_and_special_files_are_refused),
        T(what_is_no_skill_says_what_is_missing),
        T(files_are_counted),
        T(bytes_are_counted),
        T(directories_are_followed_so_deep),
        T(what_is_imported_is_found_again),
        T(a_changed_file_is_noticed),
        T(removing_spares_what_is_in_use),
        T(names_that_are_paths_are_refused),
        T(a_log_keeps_its_newest_lines),
        T(a_log_is_bounded_in_lines_bytes_and_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
