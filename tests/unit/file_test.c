/* A file is replaced as a whole or not at all. */
#include "runtime/file.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96], beside[96];

static int setup(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/nf-file-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/kept", dir);
    (void)snprintf(beside, sizeof(beside), "%s/kept.new", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(beside);
    return rmdir(dir);
}

static void assert_holds(const char *text)
{
    char buf[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    (void)close(fd);
    assert_int_equal(n, strlen(text));
    assert_string_equal(buf, text);
}

static void the_whole_content_is_replaced_and_private(void **state)
{
    (void)state;
    struct nf_err err;
    struct stat st;

    assert_ok(nf_file_replace(path, "something long", 14, &err), &err);
    assert_ok(nf_file_replace(path, "short", 5, &err), &err);

    assert_holds("short");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(access(beside, F_OK), -1);
}

static void what_an_earlier_attempt_left_readable_becomes_private(void **state)
{
    (void)state;
    struct nf_err err;
    struct stat st;
    int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0644), 0);
    (void)close(fd);

    assert_ok(nf_file_replace(path, "secret", 6, &err), &err);

    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_link_beside_it_is_not_followed(void **state)
{
    (void)state;
    struct nf_err err;
    assert_ok(nf_file_replace(path, "old", 3, &err), &err);
    assert_int_equal(symlink(path, beside), 0);

    assert_code(nf_file_replace(path, "new", 3, &err), NF_E_IO);

    assert_holds("old");
}

static void a_failure_names_the_path_and_leaves_nothing_beside(void **state)
{
    (void)state;
    struct nf_err err;
    assert_int_equal(mkdir(path, 0700), 0); /* which no file can replace */

    enum nf_code rc = nf_file_replace(path, "new", 3, &err);
    (void)rmdir(path);

    assert_int_equal(rc, NF_E_IO);
    assert_non_null(strstr(err.msg, path));
    assert_int_equal(access(beside, F_OK), -1);
}

static void without_memory_the_file_is_as_before(void **state)
{
    (void)state;
    struct nf_err err;
    assert_ok(nf_file_replace(path, "old", 3, &err), &err);

    nf_fail_alloc_at(1);
    enum nf_code rc = nf_file_replace(path, "new", 3, &err);
    nf_fail_alloc_at(0);

    assert_int_equal(rc, NF_E_NOMEM);
    assert_holds("old");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_whole_content_is_replaced_and_private, setup, teardown),
        cmocka_unit_test_setup_teardown(what_an_earlier_attempt_left_readable_becomes_private,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_beside_it_is_not_followed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failure_names_the_path_and_leaves_nothing_beside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_memory_the_file_is_as_before, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
