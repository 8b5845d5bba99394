/*
 * Workers in their jails: at each level a worker loads a plugin and answers; what it then cannot
 * do, and what becomes of it when it tries. What a hostile plugin cannot do is the matter of
 * tests/attack.
 */
#include "tests/integration/jail_rig.h"

/* --- a worker --------------------------------------------------------------------------------- */

static void assert_answers(struct jail *j)
{
    spawn(j, answers);
    assert_string_equal(report(j), "answer 42\n");
    assert_int_equal(ended(j), 0);
}

static void a_worker_loads_its_plugin_at_the_best_level(void **data)
{
    struct jail *j = *data;

    print_message("level %s\n", nf_level_name(nf_sandbox_report(j->sandbox)->level));
    assert_answers(j);
}

static void it_does_so_with_landlock_alone(void **data)
{
    struct jail *j = *data;
    needs(j, NF_LAYER_LANDLOCK);
    keep_only(j, UP_TO(NF_LAYER_LANDLOCK));

    assert_int_equal(nf_sandbox_report(j->sandbox)->level, NF_LEVEL_L1);
    assert_answers(j);
}

static void it_does_so_with_seccomp_alone(void **data)
{
    struct jail *j = *data;
    keep_only(j, 1u << NF_LAYER_SECCOMP);

    assert_int_equal(nf_sandbox_report(j->sandbox)->level, NF_LEVEL_L0_5);
    assert_answers(j);
}

static void without_seccomp_there_are_no_templates(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    keep_only(j, WITHOUT(NF_LAYER_SECCOMP));

    assert_int_equal(nf_sandbox_report(j->sandbox)->level, NF_LEVEL_NONE);
    assert_code(spawn_with(j, answers, NF_JAIL_PLAIN, &err), NF_E_DENIED);
    assert_non_null(strstr(err.msg, "seccomp: switched off"));
}

#define CALLS(function)                                                                            \
    static int calls_##function(const struct nf_jail *j, void *arg)                                \
    {                                                                                              \
        (void)arg;                                                                                 \
        return in_worker(j, #function);                                                            \
    }
CALLS(opens_a_file)
CALLS(makes_code)
CALLS(starts_a_thread)
CALLS(starts_a_process)
CALLS(does_ptrace)
CALLS(uses_the_c_library)

static void the_c_library_works_in_it(void **data)
{
    struct jail *j = *data;
    spawn(j, calls_uses_the_c_library);
    assert_string_equal(report(j), "uses_the_c_library 0\n");
}

static void a_locked_worker_opens_nothing(void **data)
{
    struct jail *j = *data;
    spawn(j, calls_opens_a_file);
    assert_string_equal(report(j), "opens_a_file 13\n"); /* EACCES */
}

static void a_worker_makes_no_code(void **data)
{
    struct jail *j = *data;
    spawn(j, calls_makes_code);
    assert_string_equal(report(j), "makes_code 1\n"); /* EPERM */
}

static void a_worker_does_not_fork(void **data)
{
    struct jail *j = *data;
    spawn(j, calls_starts_a_process);
    assert_string_equal(report(j), "starts_a_process 11\n"); /* EAGAIN */
}

static void a_worker_has_no_threads(void **data)
{
    struct jail *j = *data;
    spawn(j, calls_starts_a_thread);
    assert_string_equal(report(j), "starts_a_thread -11\n");
}

static void with_the_profile_for_threads_it_has(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    assert_ok(spawn_with(j, calls_starts_a_thread, NF_JAIL_THREADS, &err), &err);
    assert_string_equal(report(j), "starts_a_thread 7\n");
}

static void with_the_profile_for_threads_it_still_does_not_fork(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    assert_ok(spawn_with(j, calls_starts_a_process, NF_JAIL_THREADS, &err), &err);
    assert_string_equal(report(j), "starts_a_process 11\n");
}

/* --- violations ------------------------------------------------------------------------------- */

static void a_violation_is_recorded_and_ends_the_worker(void **data)
{
    struct jail *j = *data;
    struct nf_violation v;
    struct nf_err err;
    needs(j, NF_LAYER_NOTIFY);

    spawn(j, calls_does_ptrace);
    struct pollfd p = { .fd = j->process.listener, .events = POLLIN };
    assert_int_equal(poll(&p, 1, WAIT_MS), 1);
    assert_ok(nf_violation_take(j->process.listener, &v, &err), &err);

    assert_string_equal(v.name, "ptrace");
    assert_int_equal(v.number, SYS_ptrace);
    assert_true(v.pid > 0 && v.ip != 0);
    assert_string_equal(report(j), "");
    assert_int_equal(WEXITSTATUS(ended(j)), 100 + SIGKILL);
}

static void without_a_listener_it_ends_by_sigsys(void **data)
{
    struct jail *j = *data;
    keep_only(j, WITHOUT(NF_LAYER_NOTIFY));

    spawn(j, calls_does_ptrace);

    assert_string_equal(report(j), "");
    assert_int_equal(WEXITSTATUS(ended(j)), 100 + SIGSYS);
}

/* Who reads the records has gone: the call is refused, not done. */
static void when_nobody_listens_a_violation_is_refused(void **data)
{
    struct jail *j = *data;
    needs(j, NF_LAYER_NOTIFY);

    spawn(j, calls_does_ptrace);
    close(j->process.listener);
    j->process.listener = -1;

    assert_string_equal(report(j), "does_ptrace 38\n"); /* ENOSYS */
}

/* --- failures --------------------------------------------------------------------------------- */

static void a_step_that_fails_is_named(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    close(j->order[0]);
    j->order[0] = 999;

    assert_code(spawn_with(j, answers, NF_JAIL_PLAIN, &err), NF_E_UNAVAILABLE);

    assert_string_equal(err.msg, "start a sandbox: place descriptors: Bad file descriptor");
    j->order[0] = -1;
}

static void files_are_no_descriptors_for_a_jail(void **data)
{
    struct jail *j = *data;
    struct nf_err err;
    close(j->order[0]);
    j->order[0] = open(TEST_PLUGIN, O_RDONLY | O_CLOEXEC);

    assert_code(spawn_with(j, answers, NF_JAIL_PLAIN, &err), NF_E_INVALID);

    assert_non_null(strstr(err.msg, "must be a pipe"));
}

/* --- the plugin's bytes ----------------------------------------------------------------------- */

static void sealed_code_cannot_be_changed(void **data)
{
    struct jail *j = *data;

    assert_int_equal(pwrite(j->code, "x", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(j->code, 0), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, j->code, 0), MAP_FAILED);
}

static void code_has_a_limit_and_must_be_a_file(void **data)
{
    (void)data;
    struct stat st;
    struct nf_err err;
    int fd = -1;
    assert_int_equal(stat(TEST_PLUGIN, &st), 0);

    assert_code(nf_code_seal(TEST_PLUGIN, st.st_size - 1, &fd, &err), NF_E_LIMIT);
    assert_code(nf_code_seal("/nonexistent/x.so", 100, &fd, &err), NF_E_NOT_FOUND);
    assert_code(nf_code_seal("/proc", 100, &fd, &err), NF_E_INVALID);
    assert_int_equal(fd, -1);
    assert_ok(nf_code_seal(TEST_PLUGIN, st.st_size, &fd, &err), &err);
    close(fd);
}

int main(void)
{
#define JAIL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        JAIL_TEST(a_worker_loads_its_plugin_at_the_best_level),
        JAIL_TEST(it_does_so_with_landlock_alone),
        JAIL_TEST(it_does_so_with_seccomp_alone),
        JAIL_TEST(without_seccomp_there_are_no_templates),
        JAIL_TEST(the_c_library_works_in_it),
        JAIL_TEST(a_locked_worker_opens_nothing),
        JAIL_TEST(a_worker_makes_no_code),
        JAIL_TEST(a_worker_does_not_fork),
        JAIL_TEST(a_worker_has_no_threads),
        JAIL_TEST(with_the_profile_for_threads_it_has),
        JAIL_TEST(with_the_profile_for_threads_it_still_does_not_fork),
        JAIL_TEST(a_violation_is_recorded_and_ends_the_worker),
        JAIL_TEST(without_a_listener_it_ends_by_sigsys),
        JAIL_TEST(when_nobody_listens_a_violation_is_refused),
        JAIL_TEST(a_step_that_fails_is_named),
        JAIL_TEST(files_are_no_descriptors_for_a_jail),
        JAIL_TEST(sealed_code_cannot_be_changed),
        JAIL_TEST(code_has_a_limit_and_must_be_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
