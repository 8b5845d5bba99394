/*
 * The probe in situations that other machines are in, made here: each runs in a process that takes
 * something away from itself first, and says what the probe then found. Where even the best level
 * of this machine lacks something, a test that needs it is skipped and says so.
 */
#include "sandbox/policy.h"
#include "sandbox/program.h"
#include "sandbox/sandbox.h"

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534
#define CALLS_MAX 16
#define ALLOCATIONS 90 /* more than there are */

/* What a process found, handed over a pipe. */
struct found {
    enum nf_code rc;
    struct nf_sandbox_report report;
    enum nf_code required; /* of asking for L3 */
    struct nf_err err;
};

/* --- taking away ------------------------------------------------------------------------------ */

struct refused {
    int nr, error;
    uint32_t mask; /* of the first argument; 0: always */
};

/* As a container runtime does: these calls fail, all others pass. */
static void refuse(const struct refused *r, size_t n)
{
    struct sock_filter code[4 * CALLS_MAX + 2];
    unsigned short k = 0;
    code[k++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < n; i++) {
        const uint32_t action = SECCOMP_RET_ERRNO | (uint32_t)r[i].error;
        if (r[i].mask == 0) {
            code[k++] =
                (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r[i].nr, 0, 1);
            code[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
            continue;
        }
        assert_int_equal(i, n - 1); /* it loads something else: the last only */
        code[k++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r[i].nr, 0, 3);
        code[k++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct seccomp_data, args[0]));
        code[k++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, r[i].mask, 0, 1);
        code[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action);
    }
    code[k++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct nf_filter f = { .code = code, .n = k };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (nf_filter_install(&f, false) < 0)
        _exit(3);
}
#define REFUSE(...)                                                                                \
    refuse((const struct refused[]){ __VA_ARGS__ },                                                \
           sizeof((struct refused[]){ __VA_ARGS__ }) / sizeof(struct refused))
#define NAMESPACE_FLAGS 0x7e020000u

static void nothing(void)
{
}

static void be_nobody(void)
{
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(3);
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* The profile that Docker starts containers with, as far as it matters (moby,
 * profiles/seccomp/default.json): without CAP_SYS_ADMIN no namespaces and no mounts; clone3 is said
 * not to exist. */
static void be_in_docker(void)
{
    REFUSE({ SYS_unshare, EPERM, 0 }, { SYS_mount, EPERM, 0 }, { SYS_umount2, EPERM, 0 },
           { SYS_pivot_root, EPERM, 0 }, { SYS_setns, EPERM, 0 }, { SYS_clone3, ENOSYS, 0 },
           { SYS_clone, EPERM, NAMESPACE_FLAGS });
}

static void be_nobody_in_docker(void)
{
    be_nobody();
    be_in_docker();
}

/* As sysctl user.max_user_namespaces=0, but for us only. */
static void have_no_user_namespaces(void)
{
    REFUSE({ SYS_clone3, ENOSYS, 0 }, { SYS_clone, ENOSPC, 0x10000000u });
}

static void be_nobody_without_user_namespaces(void)
{
    be_nobody();
    have_no_user_namespaces();
}

/* As Ubuntu's AppArmor: they can be made, but give no capabilities. */
static void have_useless_user_namespaces(void)
{
    be_nobody();
    REFUSE({ SYS_mount, EACCES, 0 });
}

static void have_no_landlock(void)
{
    REFUSE({ SYS_landlock_create_ruleset, ENOSYS, 0 });
}

static void have_no_seccomp(void)
{
    REFUSE({ SYS_seccomp, EPERM, 0 });
}

/* A supervisor outside has the listener: a second is refused (EBUSY). */
static void have_a_supervisor(void)
{
    struct sock_filter code[] = { BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW) };
    const struct nf_filter f = { .code = code, .n = 1 };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (nf_filter_install(&f, true) < 0)
        _exit(3);
}

/* --- finding ---------------------------------------------------------------------------------- */

static struct found found;

/* Also that what the report says can be had: a program runs. */
static void probe(void (*take_away)(void), int to)
{
    struct nf_sandbox *s = NULL;
    struct found f = { 0 };
    take_away();
    f.rc = nf_sandbox_new(&s, &f.err);
    if (f.rc == NF_OK) {
        f.report = *nf_sandbox_report(s);
        f.required = nf_sandbox_require(s, NF_LEVEL_L3, &f.err);
    }
    nf_sandbox_free(s);
    if (write(to, &f, sizeof(f)) != sizeof(f))
        _exit(4);
    _exit(0);
}

static const struct nf_sandbox_report *find(void (*take_away)(void))
{
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        probe(take_away, ends[1]);
    close(ends[1]);
    ssize_t n = read(ends[0], &found, sizeof(found));
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(n, sizeof(found));
    assert_ok(found.rc, &found.err);

    char gaps[2048];
    nf_sandbox_gaps_text(&found.report, gaps, sizeof(gaps));
    print_message("%s; %s\n", nf_level_name(found.report.level), gaps);
    return &found.report;
}

static const struct nf_gap *gap(const struct nf_sandbox_report *r, enum nf_layer l)
{
    for (size_t i = 0; i < r->gaps_n; i++) {
        if (r->gaps[i].layer == l)
            return &r->gaps[i];
    }
    fail_msg("no gap is reported for %s", nf_layer_name(l));
    return NULL;
}

static bool here(enum nf_layer l)
{
    static struct nf_sandbox_report plain;
    static bool known;
    if (!known)
        plain = *find(nothing);
    known = true;
    return plain.have[l];
}

#define needs(layer)                                                                               \
    do {                                                                                           \
        if (!here(layer)) {                                                                        \
            print_message("skipped: this machine has no %s\n", nf_layer_name(layer));              \
            skip();                                                                                \
        }                                                                                          \
    } while (0)

static void assert_gap(const struct nf_sandbox_report *r, enum nf_layer l, int error,
                       const char *fix)
{
    const struct nf_gap *g = gap(r, l);
    assert_false(r->have[l]);
    assert_int_equal(g->error, error);
    if (error)
        assert_non_null(strstr(g->why, strerror(error)));
    if (!strstr(g->fix, fix))
        fail_msg("the fix is '%s'", g->fix);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void the_report_agrees_with_itself(void **data)
{
    (void)data;
    const struct nf_sandbox_report *r = find(nothing);
    size_t missing = 0;

    for (enum nf_layer l = 0; l < NF_LAYERS; l++)
        missing += !r->have[l] && (l != NF_LAYER_UID || getuid() == 0);
    assert_int_equal(r->gaps_n, missing);
    assert_int_equal(r->have[NF_LAYER_CGROUP], r->cgroup_version > 0);
    assert_int_equal(r->have[NF_LAYER_LANDLOCK], r->landlock_abi > 0);
    for (size_t i = 0; i < r->gaps_n; i++)
        assert_true(r->gaps[i].why[0] && r->gaps[i].fix[0]);
}

static void an_ordinary_user_has_all_but_the_cgroup(void **data)
{
    (void)data;
    needs(NF_LAYER_NAMESPACES);
    needs(NF_LAYER_LANDLOCK);
    const struct nf_sandbox_report *r = find(be_nobody);

    if (r->have[NF_LAYER_CGROUP])
        skip(); /* delegated to everybody */
    assert_int_equal(r->level, NF_LEVEL_L2);
    assert_true(r->user_ns);
    assert_gap(r, NF_LAYER_CGROUP, gap(r, NF_LAYER_CGROUP)->error, "Delegate=yes");
    assert_code(found.required, NF_E_DENIED);
    assert_non_null(strstr(found.err.msg, "cgroup"));
}

static void a_container_has_seccomp_and_landlock(void **data)
{
    (void)data;
    needs(NF_LAYER_LANDLOCK);
    const struct nf_sandbox_report *r = find(be_in_docker);

    assert_int_equal(r->level, NF_LEVEL_L1);
    assert_gap(r, NF_LAYER_NAMESPACES, EPERM, "--security-opt");
}

static void so_has_an_ordinary_user_in_a_container(void **data)
{
    (void)data;
    needs(NF_LAYER_LANDLOCK);
    const struct nf_sandbox_report *r = find(be_nobody_in_docker);

    assert_int_equal(r->level, NF_LEVEL_L1);
    assert_gap(r, NF_LAYER_NAMESPACES, EPERM, "--security-opt");
}

static void root_needs_no_user_namespaces(void **data)
{
    (void)data;
    needs(NF_LAYER_UID);
    needs(NF_LAYER_NAMESPACES);
    const struct nf_sandbox_report *r = find(have_no_user_namespaces);

    assert_true(r->have[NF_LAYER_NAMESPACES]);
    assert_false(r->user_ns);
}

static void an_ordinary_user_does(void **data)
{
    (void)data;
    needs(NF_LAYER_LANDLOCK);
    const struct nf_sandbox_report *r = find(be_nobody_without_user_namespaces);

    assert_int_equal(r->level, NF_LEVEL_L1);
    assert_gap(r, NF_LAYER_NAMESPACES, ENOSPC, "user.max_user_namespaces");
}

static void namespaces_that_give_nothing_do_not_count(void **data)
{
    (void)data;
    needs(NF_LAYER_LANDLOCK);
    const struct nf_sandbox_report *r = find(have_useless_user_namespaces);

    assert_int_equal(r->level, NF_LEVEL_L1);
    assert_non_null(strstr(gap(r, NF_LAYER_NAMESPACES)->why, "make an empty root"));
}

static void without_landlock_the_level_is_that_of_seccomp(void **data)
{
    (void)data;
    const struct nf_sandbox_report *r = find(have_no_landlock);

    assert_int_equal(r->level, NF_LEVEL_L0_5);
    assert_int_equal(r->landlock_abi, 0);
    assert_gap(r, NF_LAYER_LANDLOCK, ENOSYS, "CONFIG_SECURITY_LANDLOCK");
}

static void without_seccomp_there_is_no_level(void **data)
{
    (void)data;
    const struct nf_sandbox_report *r = find(have_no_seccomp);

    assert_int_equal(r->level, NF_LEVEL_NONE);
    assert_gap(r, NF_LAYER_SECCOMP, EPERM, "allows seccomp");
}

static void a_second_listener_is_not_to_be_had(void **data)
{
    (void)data;
    needs(NF_LAYER_NOTIFY);
    const struct nf_sandbox_report *r = find(have_a_supervisor);

    assert_true(r->have[NF_LAYER_SECCOMP]);
    assert_gap(r, NF_LAYER_NOTIFY, EBUSY, "supervisor");
}

/* Each allocation once, also those of the probe, in which it may count as a layer that is not
 * there. */
static void out_of_memory_is_an_error_or_a_gap(void **data)
{
    struct nf_sandbox *sb = NULL;
    struct nf_err err;
    (void)data;
    for (size_t n = 1; n <= ALLOCATIONS; n++) {
        nf_fail_alloc_at(n);
        enum nf_code rc = nf_sandbox_new(&sb, &err);
        nf_fail_alloc_at(0);
        if (rc == NF_OK)
            nf_sandbox_free(sb);
        else
            assert_int_equal(rc, NF_E_NOMEM);
    }
}

static void levels_have_names(void **data)
{
    (void)data;
    enum nf_level l;
    for (enum nf_level i = NF_LEVEL_NONE; i <= NF_LEVEL_L3; i++) {
        assert_true(nf_level_parse(nf_level_name(i), &l));
        assert_int_equal(l, i);
    }
    assert_false(nf_level_parse("L4", &l));
    assert_false(nf_level_parse("", &l));
    assert_string_equal(nf_level_name(NF_LEVEL_L0_5), "L0.5");
}

static void a_list_of_gaps_is_cut_at_its_size(void **data)
{
    (void)data;
    struct nf_sandbox_report r = { .gaps_n = 2,
                                   .gaps = { { NF_LAYER_CGROUP, 0, "why", "fix" },
                                             { NF_LAYER_MDWE, 0, "why", "fix" } } };
    char text[40];

    nf_sandbox_gaps_text(&r, text, sizeof(text));
    assert_string_equal(text, "cgroup: why (fix); mdwe: why (fix)");
    nf_sandbox_gaps_text(&r, text, 10);
    assert_string_equal(text, "cgroup: w");
    nf_sandbox_gaps_text(&r, text, 1);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_agrees_with_itself),
        cmocka_unit_test(an_ordinary_user_has_all_but_the_cgroup),
        cmocka_unit_test(a_container_has_seccomp_and_landlock),
        cmocka_unit_test(so_has_an_ordinary_user_in_a_container),
        cmocka_unit_test(root_needs_no_user_namespaces),
        cmocka_unit_test(an_ordinary_user_does),
        cmocka_unit_test(namespaces_that_give_nothing_do_not_count),
        cmocka_unit_test(without_landlock_the_level_is_that_of_seccomp),
        cmocka_unit_test(without_seccomp_there_is_no_level),
        cmocka_unit_test(a_second_listener_is_not_to_be_had),
        cmocka_unit_test(out_of_memory_is_an_error_or_a_gap),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(a_list_of_gaps_is_cut_at_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
