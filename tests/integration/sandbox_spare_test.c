/* Spares before and when they become templates. That they then are like any other is seen by the
 * tests of templates, which run a second time with them. */
#include "tests/integration/jail_rig.h"

/* --- helpers ---------------------------------------------------------------------------------- */

static enum nf_code make_spare(struct jail *j, struct nf_err *err)
{
    const struct nf_jail_options o = { .memory_bytes = MEMORY, .slot = 7, .run = answers };
    enum nf_code rc = nf_jail_spare(j->sandbox, &o, &j->process, err);
    return rc == NF_OK ? nf_jail_wait(&j->process, WAIT_MS, err) : rc;
}

static struct nf_jail_options use_of(const struct jail *j, const int fds[2])
{
    return (struct nf_jail_options){ .code_fd = j->code,
                                     .fds = fds,
                                     .fds_n = 2,
                                     .out_fd = -1,
                                     .memory_bytes = MEMORY,
                                     .group_memory_bytes = 2 * MEMORY,
                                     .group_processes = 8 };
}

/* A line of its status in /proc. */
static long status_number(const struct jail *j, const char *key)
{
    char path[64], line[256];
    long value = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)j->process.pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, strncmp(key, "Cap", 3) == 0 ? 16 : 10);
    }
    if (f)
        (void)fclose(f);
    return value;
}

/* --- before ----------------------------------------------------------------------------------- */

static void it_is_jailed_before_it_has_a_plugin(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    assert_ok(make_spare(j, &err), &err);

    assert_int_equal(status_number(j, "NoNewPrivs:"), 1);
    assert_int_equal(status_number(j, "Seccomp:"), 2);
    assert_int_equal(status_number(j, "CapEff:"), 0);
    assert_int_equal(status_number(j, "CapPrm:"), 0);
    if (has(j, NF_LAYER_UID))
        assert_int_equal(status_number(j, "Uid:"), NF_JAIL_UID_FIRST + 7);
}

/* Its socket, and the file that it is to fill. */
static void it_has_no_descriptor_that_it_does_not_need(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    char path[64];
    struct stat st;
    int stray = open("/etc/passwd", O_RDONLY); /* without close-on-exec, as if forgotten */
    needs(j, NF_LAYER_NAMESPACES);
    needs(j, NF_LAYER_UID); /* root looks */
    assert_ok(make_spare(j, &err), &err);

    int n = 0;
    for (int fd = 3; fd < 256; fd++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)j->process.pid, fd);
        n += lstat(path, &st) == 0;
    }
    assert_true(n <= 3); /* while it gives the listener away there is that, too */
    close(stray);
}

static void where_there_are_no_templates_there_are_no_spares(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    keep_only(j, WITHOUT(NF_LAYER_SECCOMP));

    assert_code(make_spare(j, &err), NF_E_DENIED);
}

/* --- use -------------------------------------------------------------------------------------- */

static int says_what_it_was_told(const struct nf_jail *j, void *arg)
{
    say("%s %s %d\n", (const char *)arg, j->plugin, (int)(j->memory_bytes >> 20));
    return 0;
}

static void its_user_is_told_what_it_is_for(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    static const char told[] = "clock";
    const struct nf_jail_options blank = { .memory_bytes = MEMORY, .run = says_what_it_was_told };
    const int fds[] = { j->report[1], j->order[0] };
    needs(j, NF_LAYER_NAMESPACES);
    assert_ok(nf_jail_spare(j->sandbox, &blank, &j->process, &err), &err);
    assert_ok(nf_jail_wait(&j->process, WAIT_MS, &err), &err);

    struct nf_jail_options o = use_of(j, fds);
    o.arg = (void *)told;
    o.arg_n = sizeof(told);
    assert_ok(nf_jail_use(&o, &j->process, &err), &err);
    assert_ok(nf_jail_wait(&j->process, WAIT_MS, &err), &err);

    assert_string_equal(report(j), "clock /plugin.so 128\n");
    assert_int_equal(ended(j), 0);
    assert_false(j->process.spare);
}

static int stays(const struct nf_jail *j, void *arg)
{
    char c;
    (void)j;
    (void)arg;
    say("r");
    return (int)read(ORDER_FD, &c, 1);
}

/* Root's own way into its root, where no right of the template's is in the way. */
static void its_root_then_holds_the_plugin_and_cannot_be_changed(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    struct stat st, code;
    char path[64], bytes[4096], want[4096];
    const struct nf_jail_options blank = { .memory_bytes = MEMORY, .run = stays };
    const int fds[] = { j->report[1], j->order[0] };
    needs(j, NF_LAYER_NAMESPACES);
    needs(j, NF_LAYER_UID);
    assert_ok(nf_jail_spare(j->sandbox, &blank, &j->process, &err), &err);
    assert_ok(nf_jail_wait(&j->process, WAIT_MS, &err), &err);
    const struct nf_jail_options o = use_of(j, fds);
    assert_ok(nf_jail_use(&o, &j->process, &err), &err);
    assert_ok(nf_jail_wait(&j->process, WAIT_MS, &err), &err);
    assert_int_equal(read(j->report[0], path, 1), 1);

    (void)snprintf(path, sizeof(path), "/proc/%d/root/more", (int)j->process.pid);
    assert_int_equal(mkdir(path, 0700), -1);
    assert_int_equal(errno, EROFS);
    (void)snprintf(path, sizeof(path), "/proc/%d/root/plugin.so", (int)j->process.pid);
    assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
    assert_int_equal(errno, EROFS);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(fstat(j->code, &code), 0);
    assert_int_equal(st.st_size, code.st_size);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(pread(j->code, want, sizeof(want), 0), sizeof(want));
    assert_memory_equal(bytes, want, sizeof(want));
    close(fd);
    for (fd = ORDER_FD + 1; fd < NF_JAIL_NOFILE; fd++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)j->process.pid, fd);
        assert_int_equal(lstat(path, &st), -1);
    }
}

static void it_takes_no_plugin_with_threads_and_none_that_is_too_big(void **data)
{
    struct jail *j = *data;
    struct nf_jail_options o = { .code_fd = j->code, .memory_bytes = MEMORY };
    assert_true(nf_jail_spare_fits(&o));
    o.profile = NF_JAIL_THREADS;
    assert_false(nf_jail_spare_fits(&o));
    o.profile = NF_JAIL_PLAIN;
    o.arg_n = NF_JAIL_ARG_MAX + 1;
    assert_false(nf_jail_spare_fits(&o));

    int big = memfd_create("big", MFD_CLOEXEC);
    o.arg_n = 0;
    o.code_fd = big;
    assert_int_equal(ftruncate(big, NF_JAIL_CODE_MAX + 1), 0);
    assert_false(nf_jail_spare_fits(&o));
    assert_int_equal(ftruncate(big, NF_JAIL_CODE_MAX), 0);
    assert_true(nf_jail_spare_fits(&o));
    close(big);
}

static void one_that_has_ended_is_of_no_use(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    siginfo_t info;
    const int fds[] = { j->report[1], j->order[0] };
    const struct nf_jail_options o = use_of(j, fds);
    assert_ok(make_spare(j, &err), &err);
    kill(j->process.pid, SIGKILL);
    waitid(P_PID, (id_t)j->process.pid, &info, WEXITED | WNOWAIT);

    assert_code(nf_jail_use(&o, &j->process, &err), NF_E_UNAVAILABLE);
}

/* Nobody has the other end of its socket any more. */
static void without_a_warden_it_ends(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    struct pollfd gone;
    assert_ok(make_spare(j, &err), &err);

    close(j->process.order_fd);
    j->process.order_fd = -1;

    gone = (struct pollfd){ .fd = j->process.pidfd, .events = POLLIN };
    assert_int_equal(poll(&gone, 1, WAIT_MS), 1);
}

int main(void)
{
#define SPARE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        SPARE_TEST(it_is_jailed_before_it_has_a_plugin),
        SPARE_TEST(it_has_no_descriptor_that_it_does_not_need),
        SPARE_TEST(where_there_are_no_templates_there_are_no_spares),
        SPARE_TEST(its_user_is_told_what_it_is_for),
        SPARE_TEST(its_root_then_holds_the_plugin_and_cannot_be_changed),
        SPARE_TEST(it_takes_no_plugin_with_threads_and_none_that_is_too_big),
        SPARE_TEST(one_that_has_ended_is_of_no_use),
        SPARE_TEST(without_a_warden_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
