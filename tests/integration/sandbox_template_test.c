/* Templates in their jails: what they see of the machine and it of them, how they end with all that
 * they started, and what they may use. */
#include "tests/integration/jail_rig.h"

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

int main(void)
{
#define JAIL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        JAIL_TEST(a_template_has_no_environment_and_small_limits),
        JAIL_TEST(seen_from_outside_a_template_is_nobody),
        JAIL_TEST(its_descriptors_are_those_that_were_handed_in),
        JAIL_TEST(the_end_of_a_template_is_that_of_its_workers),
        JAIL_TEST(also_with_seccomp_alone),
        JAIL_TEST(ending_nothing_does_nothing),
        JAIL_TEST(half_a_gigabyte_is_refused_or_kills),
        JAIL_TEST(a_group_has_a_number_of_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
