/* Jails for programs that are made before their program is known. That they then are like any other
 * is seen by the tests of programs, which run a second time with them. */
#include "sandbox/impl.h" /* a warden that is not root */
#include "tests/integration/program_rig.h"

#include <sched.h>
#include <sys/mount.h>

static const char *const no_variables[] = { NULL };

static enum nf_code make_spare(struct rig *r, int *order, struct nf_err *err)
{
    const struct nf_program_options o = { .env = no_variables, .proxy = r->proxy, .processes = 8 };
    enum nf_code rc = nf_program_spare(r->sandbox, &o, &r->process, order, err);
    return rc == NF_OK ? nf_jail_wait(&r->process, WAIT_MS, err) : rc;
}

static enum nf_code use(struct rig *r, struct nf_err *err)
{
    static const char *const argv[] = { "/bin/true", NULL };
    const struct nf_program_options o = options(r, argv);
    enum nf_code rc = nf_program_use(r->sandbox, &o, &r->process, err);
    return rc == NF_OK ? nf_jail_wait(&r->process, WAIT_MS, err) : rc;
}

static int run_once(const struct rig *r, int order)
{
    struct nf_err err;
    int status = -1;
    bool last = true;
    const int fds[] = { r->out[0], r->out[1], r->out[1] };
    assert_ok(nf_program_run(order, fds, 3, &err), &err);
    assert_ok(nf_program_ran(order, &status, &err), &err);
    assert_ok(nf_program_was_last(order, &last, &err), &err);
    assert_false(last);
    return status;
}

static void a_program_runs_in_it(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    assert_ok(make_spare(r, &order, &err), &err);

    assert_ok(use(r, &err), &err);

    assert_int_equal(run_once(r, order), 0);
    assert_int_equal(run_once(r, order), 0);
    assert_false(r->process.spare);
    close(order);
}

/* What is used is filtered and nobody; what waits has done nothing yet. */
static long status_number(const struct rig *r, const char *key)
{
    char path[64], line[256];
    long value = -1;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)r->process.pid);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, strncmp(key, "Cap", 3) == 0 ? 16 : 10);
    }
    if (f)
        (void)fclose(f);
    return value;
}

static void from_then_on_it_is_nobody(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    assert_ok(make_spare(r, &order, &err), &err);

    assert_ok(use(r, &err), &err);

    assert_int_equal(status_number(r, "NoNewPrivs:"), 1);
    assert_int_equal(status_number(r, "Seccomp:"), 2);
    assert_int_equal(status_number(r, "CapEff:"), 0);
    assert_int_equal(status_number(r, "CapPrm:"), 0);
    if (has(r, NF_LAYER_UID))
        assert_int_equal(status_number(r, "Uid:"), NF_JAIL_UID_FIRST + 9);
    close(order);
}

/* The limits of the tree are those of its user, not those it was made with. */
static void it_has_the_limits_of_who_uses_it(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    static const char *const argv[] = { "/bin/bash", "-c",
                                        "for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done", NULL };
    needs(r, NF_LAYER_CGROUP);
    r->processes = 3;
    assert_ok(make_spare(r, &order, &err), &err);
    const struct nf_program_options o = options(r, argv);
    assert_ok(nf_program_use(r->sandbox, &o, &r->process, &err), &err);
    assert_ok(nf_jail_wait(&r->process, WAIT_MS, &err), &err);

    assert_int_not_equal(run_once(r, order), 0);

    assert_string_equal(nf_cgroup_hit(r->process.cgroup), "processes");
    close(order);
}

static void what_cannot_run_in_it_says_why(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    static const char *const argv[] = { "/usr/bin/no-such-program", NULL };
    needs(r, NF_LAYER_NAMESPACES);
    assert_ok(make_spare(r, &order, &err), &err);
    const struct nf_program_options o = options(r, argv);
    assert_ok(nf_program_use(r->sandbox, &o, &r->process, &err), &err);
    assert_ok(nf_jail_wait(&r->process, WAIT_MS, &err), &err);

    assert_int_equal(run_once(r, order), NF_PROGRAM_NOT_RUN);

    assert_string_equal(output(r), "/usr/bin/no-such-program: No such file or directory\n");
    close(order);
}

static void there_is_none_without_namespaces(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    take_away(r, NF_LAYER_NAMESPACES, NF_LAYER_CGROUP);

    assert_code(make_spare(r, &order, &err), NF_E_DENIED);
    assert_int_equal(order, -1);
}

static void nor_for_programs_with_a_proxy(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    r->proxy = true;

    assert_code(make_spare(r, &order, &err), NF_E_DENIED);
}

static void nor_below_the_level_of_programs(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    take_away(r, NF_LAYER_LANDLOCK, NF_LAYER_LANDLOCK);

    assert_code(make_spare(r, &order, &err), NF_E_DENIED);
}

static void mount_over_work_dir(const struct rig *r)
{
    char path[128];
    assert_int_equal(mount("other", r->work, "tmpfs", 0, NULL), 0);
    (void)snprintf(path, sizeof(path), "%s/seen", r->work);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void mount_for_ourselves(void)
{
    assert_int_equal(unshare(CLONE_NEWNS), 0);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
}

static void it_shows_what_was_mounted_meanwhile(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    static const char *const argv[] = { "/usr/bin/test", "-e", "seen", NULL };
    needs(r, NF_LAYER_NAMESPACES);
    needs(r, NF_LAYER_UID); /* root mounts, and hands in mounts */
    mount_for_ourselves();
    assert_ok(make_spare(r, &order, &err), &err);
    mount_over_work_dir(r);

    const struct nf_program_options o = options(r, argv);
    assert_ok(nf_program_use(r->sandbox, &o, &r->process, &err), &err);
    assert_ok(nf_jail_wait(&r->process, WAIT_MS, &err), &err);

    assert_int_equal(run_once(r, order), 0);
    nf_jail_end(&r->process, NULL);
    assert_int_equal(umount2(r->work, MNT_DETACH), 0);
    close(order);
}

/* Its view of files is as old as itself. */
static void if_it_has_paths_only_it_is_then_of_no_use(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    needs(r, NF_LAYER_UID); /* root mounts */
    mount_for_ourselves();
    take_away(r, NF_LAYER_UID, NF_LAYER_UID);
    r->sandbox->root = false; /* as if it were not */
    assert_ok(make_spare(r, &order, &err), &err);
    mount_over_work_dir(r);

    assert_code(use(r, &err), NF_E_UNAVAILABLE);

    assert_int_equal(umount2(r->work, MNT_DETACH), 0);
    close(order);
}

static void with_paths_only_it_runs_as_well(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    take_away(r, NF_LAYER_UID, NF_LAYER_UID);
    r->sandbox->root = false;
    assert_ok(make_spare(r, &order, &err), &err);

    assert_ok(use(r, &err), &err);

    assert_int_equal(run_once(r, order), 0);
    close(order);
}

static void one_that_has_ended_is_of_no_use(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    siginfo_t info;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    assert_ok(make_spare(r, &order, &err), &err);
    kill(r->process.pid, SIGKILL);
    waitid(P_PID, (id_t)r->process.pid, &info, WEXITED | WNOWAIT);

    assert_code(use(r, &err), NF_E_UNAVAILABLE);
    close(order);
}

static void without_a_warden_it_ends(void **data)
{
    struct rig *r = *data;
    struct nf_err err;
    struct pollfd gone;
    int order = -1;
    needs(r, NF_LAYER_NAMESPACES);
    assert_ok(make_spare(r, &order, &err), &err);

    close(r->process.order_fd);
    r->process.order_fd = -1;

    gone = (struct pollfd){ .fd = r->process.pidfd, .events = POLLIN };
    assert_int_equal(poll(&gone, 1, WAIT_MS), 1);
    close(order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_program_runs_in_it),
        PROGRAM_TEST(from_then_on_it_is_nobody),
        PROGRAM_TEST(it_has_the_limits_of_who_uses_it),
        PROGRAM_TEST(what_cannot_run_in_it_says_why),
        PROGRAM_TEST(there_is_none_without_namespaces),
        PROGRAM_TEST(nor_for_programs_with_a_proxy),
        PROGRAM_TEST(nor_below_the_level_of_programs),
        PROGRAM_TEST(it_shows_what_was_mounted_meanwhile),
        PROGRAM_TEST(if_it_has_paths_only_it_is_then_of_no_use),
        PROGRAM_TEST(with_paths_only_it_runs_as_well),
        PROGRAM_TEST(one_that_has_ended_is_of_no_use),
        PROGRAM_TEST(without_a_warden_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
