/*
 * Templates and workers in their jails: at each level a worker loads a plugin and answers, and what
 * each step of the jail promises is looked at from inside. What a hostile plugin cannot do is the
 * matter of tests/attack.
 */
#include "sandbox/cgroup.h"
#include "sandbox/sandbox.h"

#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 10000
#define MEMORY ((int64_t)128 << 20)
#define REPORT_FD 3 /* inside: where a test writes what it saw */
#define ORDER_FD 4  /* inside: closed when the template may end */

struct jail {
    struct nf_sandbox *sandbox;
    int code;
    int report[2], order[2];
    struct nf_jail_process process;
    char seen[4096];
};

static int setup(void **data)
{
    static struct jail j;
    struct nf_err err;
    j = (struct jail){ .code = -1, .process = NF_JAIL_PROCESS_NONE };
    setenv("NX_SECRET", "hunter2", 1);
    if (nf_sandbox_new(&j.sandbox, &err) != NF_OK || pipe2(j.report, O_CLOEXEC) != 0 ||
        pipe2(j.order, O_CLOEXEC) != 0 ||
        nf_code_seal(TEST_PLUGIN, NF_JAIL_CODE_MAX, &j.code, &err) != NF_OK)
        return -1;
    *data = &j;
    return 0;
}

static int teardown(void **data)
{
    struct jail *j = *data;
    int fds[] = { j->code, j->report[0], j->report[1], j->order[0], j->order[1] };
    nf_jail_end(&j->process, NULL);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    nf_sandbox_free(j->sandbox);
    return 0;
}

/* --- helpers ---------------------------------------------------------------------------------- */

static bool has(const struct jail *j, enum nf_layer l)
{
    return nf_sandbox_report(j->sandbox)->have[l];
}

/* Skipping has to be said, or a green test means nothing. */
#define needs(j, layer)                                                                            \
    do {                                                                                           \
        if (!has(j, layer)) {                                                                      \
            print_message("skipped: this machine has no %s\n", nf_layer_name(layer));              \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void keep_only(struct jail *j, unsigned layers)
{
    bool keep[NF_LAYERS];
    for (int l = 0; l < NF_LAYERS; l++)
        keep[l] = layers >> l & 1;
    nf_sandbox_restrict(j->sandbox, keep);
}
#define WITHOUT(layer) (~(1u << (layer)))
#define UP_TO(layer)                                                                               \
    (((2u << (layer)) - 1) | 1u << NF_LAYER_NOTIFY | 1u << NF_LAYER_MDWE | 1u << NF_LAYER_UID)

static enum nf_code spawn_with(struct jail *j, int (*run)(const struct nf_jail *, void *),
                               enum nf_jail_profile profile, struct nf_err *err)
{
    int fds[] = { j->report[1], j->order[0] };
    const struct nf_jail_options o = {
        .profile = profile,
        .code_fd = j->code,
        .fds = fds,
        .fds_n = 2,
        .out_fd = -1,
        .slot = 7,
        .memory_bytes = MEMORY,
        .group_memory_bytes = 2 * MEMORY,
        .group_processes = 8,
        .run = run,
    };
    enum nf_code rc = nf_jail_spawn(j->sandbox, &o, &j->process, err);
    return rc == NF_OK ? nf_jail_wait(&j->process, WAIT_MS, err) : rc;
}

static void spawn(struct jail *j, int (*run)(const struct nf_jail *, void *))
{
    struct nf_err err;
    assert_ok(spawn_with(j, run, NF_JAIL_PLAIN, &err), &err);
}

/* Everything that was written to REPORT_FD, once nobody is left who could write more. */
static const char *report(struct jail *j)
{
    size_t n = 0;
    close(j->report[1]);
    j->report[1] = -1;
    struct pollfd p = { .fd = j->report[0], .events = POLLIN };
    ssize_t got = 1;
    while (got > 0) {
        if (poll(&p, 1, WAIT_MS) <= 0)
            fail_msg("the jail says nothing");
        got = read(j->report[0], j->seen + n, sizeof(j->seen) - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    j->seen[n] = '\0';
    return j->seen;
}

static int ended(struct jail *j)
{
    int status = -1;
    siginfo_t info;
    waitid(P_PID, (id_t)j->process.pid, &info, WEXITED | WNOWAIT);
    nf_jail_end(&j->process, &status);
    return status;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    (void)!write(REPORT_FD, text, (size_t)n);
}

/* Fork, go into the jail of a worker, load the plugin, lock, call one function; its result is said.
 * The template's exit code is 100 plus the signal that ended the worker, or its exit code. */
static int in_worker(const struct nf_jail *j, const char *function)
{
    struct nf_err err;
    pid_t pid = fork();
    if (pid < 0)
        return 90;
    if (pid == 0) {
        if (nf_worker_enter(j, 5, &err) != NF_OK)
            _exit(91);
        void *plugin = dlopen(j->plugin, RTLD_NOW | RTLD_LOCAL);
        if (!plugin) {
            say("%s\n", dlerror());
            _exit(92);
        }
        int (*fn)(void) = NULL;
        *(void **)&fn = dlsym(plugin, function); /* as dlsym's page of POSIX has it */
        if (!fn || nf_worker_lock(j, &err) != NF_OK)
            _exit(93);
        say("%s %d\n", function, fn());
        _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int answers(const struct nf_jail *j, void *arg)
{
    (void)arg;
    return in_worker(j, "answer");
}

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

/* --- what is inside --------------------------------------------------------------------------- */

static const struct {
    int resource;
    rlim_t max;
} limits[] = { { RLIMIT_CORE, 0 },
               { RLIMIT_FSIZE, 0 },
               { RLIMIT_MEMLOCK, 0 },
               { RLIMIT_NOFILE, NF_JAIL_NOFILE } };

static int looks_at_itself(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    struct rlimit l;
    extern char **environ;
    say("environment %s\n", environ && *environ ? *environ : "empty");
    say("secret %s\n", getenv("NX_SECRET") ? "there" : "gone");
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (getrlimit((__rlimit_resource_t)limits[i].resource, &l) != 0 ||
            l.rlim_max > limits[i].max)
            say("limit %d is %llu\n", limits[i].resource, (unsigned long long)l.rlim_max);
    }
    say("pid %s\n", getpid() == 1 ? "1" : "other");
    say("root %s\n", access("/etc", F_OK) == 0 ? "there" : "gone"); /* no call of a template */
    return 0;
}

static void a_template_has_no_environment_and_small_limits(void **data)
{
    struct jail *j = *data;
    needs(j, NF_LAYER_NAMESPACES);
    keep_only(j, WITHOUT(NF_LAYER_NOTIFY));

    spawn(j, looks_at_itself);

    assert_string_equal(report(j), "environment empty\nsecret gone\npid 1\n");
    assert_int_equal(WTERMSIG(ended(j)), SIGSYS);
}

static int waits_for_orders(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    char c;
    pid_t pid = fork();
    if (pid == 0) {
        struct nf_err err;
        if (nf_worker_enter(j, 5, &err) != NF_OK)
            _exit(91);
        say("r");
        for (;;)
            (void)!read(ORDER_FD, &c, 1);
    }
    (void)!read(ORDER_FD, &c, 1);
    return 0;
}

/* What /proc says of the template, as its warden sees it. */
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

static void seen_from_outside_a_template_is_nobody(void **data)
{
    struct jail *j = *data;
    spawn(j, waits_for_orders);

    assert_int_equal(status_number(j, "NoNewPrivs:"), 1);
    assert_int_equal(status_number(j, "Seccomp:"), 2);
    assert_int_equal(status_number(j, "CapEff:"), 0);
    assert_int_equal(status_number(j, "CapPrm:"), 0);
    assert_int_equal(status_number(j, "CapInh:"), 0);
    assert_int_equal(status_number(j, "CapAmb:"), 0);
    if (has(j, NF_LAYER_UID)) {
        assert_int_equal(status_number(j, "Uid:"), NF_JAIL_UID_FIRST + 7);
        assert_int_equal(status_number(j, "Gid:"), NF_JAIL_UID_FIRST + 7);
        assert_int_equal(status_number(j, "CapBnd:"), 0);
    }
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/environ", (int)j->process.pid);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 0); /* not dumpable: its files are root's */
}

static void its_descriptors_are_those_that_were_handed_in(void **data)
{
    struct jail *j = *data;
    int stray = open("/etc/passwd", O_RDONLY); /* without close-on-exec, as if forgotten */
    char path[64];
    needs(j, NF_LAYER_UID); /* root looks */

    spawn(j, waits_for_orders);
    assert_int_equal(read(j->report[0], path, 1), 1); /* it has done what it does after its jail */

    for (int fd = 0; fd < 256; fd++) {
        (void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)j->process.pid, fd);
        struct stat st;
        assert_int_equal(lstat(path, &st) == 0, fd <= ORDER_FD);
    }
    close(stray);
}

/* --- the end ---------------------------------------------------------------------------------- */

/* If somebody survived, the pipe would stay open and the report never end. */
static void assert_all_end(struct jail *j)
{
    char c;
    spawn(j, waits_for_orders);
    assert_int_equal(read(j->report[0], &c, 1), 1); /* the worker is there */

    nf_jail_end(&j->process, NULL);

    assert_string_equal(report(j), "");
}

static void the_end_of_a_template_is_that_of_its_workers(void **data)
{
    assert_all_end(*data);
}

/* Without a pid namespace and a cgroup: the signal of a dying parent, which a change of user
 * forgets, so that it is set after it. */
static void also_with_seccomp_alone(void **data)
{
    struct jail *j = *data;
    keep_only(j, 1u << NF_LAYER_SECCOMP | 1u << NF_LAYER_UID);
    assert_all_end(j);
}

static void ending_nothing_does_nothing(void **data)
{
    (void)data;
    struct nf_jail_process zero = { 0 }, none = NF_JAIL_PROCESS_NONE;
    int status = 0;

    nf_jail_end(&zero, &status);
    assert_int_equal(status, -1);
    nf_jail_end(&none, NULL);
    nf_jail_end_reaped(&zero);
    assert_true(fcntl(0, F_GETFD) >= 0 || errno == EBADF);
}

/* --- limits ----------------------------------------------------------------------------------- */

static int allocates(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    pid_t pid = fork();
    if (pid == 0) {
        for (int i = 0; i < 64; i++) {
            char *p =
                mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (p == MAP_FAILED)
                _exit(errno);
            for (size_t k = 0; k < 8 << 20; k += 4096)
                p[k] = 1;
        }
        _exit(0);
    }
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void half_a_gigabyte_is_refused_or_kills(void **data)
{
    struct jail *j = *data;
    bool as = has(j, NF_LAYER_PLAIN);
    if (!as)
        needs(j, NF_LAYER_CGROUP);

    spawn(j, allocates);
    siginfo_t info;
    waitid(P_PID, (id_t)j->process.pid, &info, WEXITED | WNOWAIT);

    if (as) {
        assert_int_equal(info.si_status, ENOMEM);
    } else {
        assert_int_equal(info.si_status, 100 + SIGKILL);
        assert_string_equal(nf_cgroup_hit(j->process.cgroup), "memory");
    }
}

static int forks_much(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    char c;
    int n = 0;
    for (; n < 40; n++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)!read(ORDER_FD, &c, 1);
            _exit(0);
        }
        if (pid < 0)
            break;
    }
    return n;
}

static void a_group_has_a_number_of_processes(void **data)
{
    struct jail *j = *data;
    needs(j, NF_LAYER_CGROUP);

    spawn(j, forks_much);
    siginfo_t info;
    waitid(P_PID, (id_t)j->process.pid, &info, WEXITED | WNOWAIT);

    assert_int_equal(info.si_status, 7); /* eight with itself */
    assert_string_equal(nf_cgroup_hit(j->process.cgroup), "processes");
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
        JAIL_TEST(a_template_has_no_environment_and_small_limits),
        JAIL_TEST(seen_from_outside_a_template_is_nobody),
        JAIL_TEST(its_descriptors_are_those_that_were_handed_in),
        JAIL_TEST(the_end_of_a_template_is_that_of_its_workers),
        JAIL_TEST(also_with_seccomp_alone),
        JAIL_TEST(ending_nothing_does_nothing),
        JAIL_TEST(half_a_gigabyte_is_refused_or_kills),
        JAIL_TEST(a_group_has_a_number_of_processes),
        JAIL_TEST(a_step_that_fails_is_named),
        JAIL_TEST(files_are_no_descriptors_for_a_jail),
        JAIL_TEST(sealed_code_cannot_be_changed),
        JAIL_TEST(code_has_a_limit_and_must_be_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
