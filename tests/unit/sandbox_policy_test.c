/*
 * The filters say what the table says, on both architectures: every number, and for the calls that
 * are named arguments bit by bit and in mixture. What the table means is written here a second
 * time, in C.
 */
#include "sandbox/policy.h"

#include "tests/support/bpf_eval.h"
#include "tests/support/test.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBERS 600
#define X32_BIT 0x40000000u
#define VIOLATION SECCOMP_RET_USER_NOTIF
#define REFUSED(error) (SECCOMP_RET_ERRNO | (uint32_t)(error))
#define SINGLE_BITS ((size_t)4 * 64)
#define MIXTURES ((size_t)400)

static const uint32_t audit_arch[NF_ARCHS] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 };
static const enum nf_policy_profile plugins[] = { NF_PROFILE_PLAIN, NF_PROFILE_THREADS,
                                                  NF_PROFILE_PLAIN_SANITIZED,
                                                  NF_PROFILE_THREADS_SANITIZED };
static const enum nf_policy_profile programs[] = { NF_PROFILE_PROGRAM_OFFLINE,
                                                   NF_PROFILE_PROGRAM_ONLINE,
                                                   NF_PROFILE_PROGRAM_BARE };

/* --- the meaning, again ----------------------------------------------------------------------- */

enum holds { NO_MATTER, HOLDS, FAILS }; /* NO_MATTER: neither, so it is as if there were no row */

static enum holds yes(bool b)
{
    return b ? HOLDS : FAILS;
}

static enum holds futex_holds(uint64_t op)
{
    switch ((uint32_t)op & ~(128u | 256u)) {
    case 0:  /* WAIT */
    case 1:  /* WAKE */
    case 9:  /* WAIT_BITSET */
    case 10: /* WAKE_BITSET */
        return HOLDS;
    default:
        return ((uint32_t)op & ~(128u | 256u)) <= 13 ? FAILS : NO_MATTER;
    }
}

static enum holds holds(enum nf_condition c, const uint64_t *a)
{
    bool x = a[2] & 4, w = a[2] & 2, anonymous = a[3] & 0x20;
    switch (c) {
    case NF_COND_READ_ONLY:
        return yes((a[2] & (3 | 0100 | 01000 | 02000 | 010000000 | 020000000)) == 0);
    case NF_COND_CODE_OR_DATA:
        return yes(!x || (!w && !anonymous));
    case NF_COND_NOT_EXECUTABLE:
        return yes(!x);
    case NF_COND_BRANCH_TARGETS:
        return yes(!x || (!w && (a[2] & 0x10)));
    case NF_COND_WAIT_OR_WAKE:
        return futex_holds(a[1]);
    case NF_COND_ADD_FILTER:
        return yes(a[0] == 1 && a[1] == 0);
    case NF_COND_DIE_WITH_PARENT:
        return a[0] == 1 && a[1] == 9 ? HOLDS : NO_MATTER;
    case NF_COND_NEW_THREAD:
        return yes(a[0] == 0x3d0f00);
    case NF_COND_SAME_NAMESPACES:
        return yes((a[0] & 0x7e020000) == 0);
    case NF_COND_NO_TYPING:
        return yes((uint32_t)a[1] != 0x5412 && (uint32_t)a[1] != 0x541c);
    case NF_COND_TCP_SOCKET:
        return yes(a[0] == 2 && (a[1] & 15) == 1 && a[2] <= 6);
    case NF_COND_OF_ITSELF:
        return yes(a[0] == 0);
    case NF_COND_WHO_ITSELF:
    case NF_COND_NO_NAME:
        return yes(a[1] == 0);
    default:
        return HOLDS;
    }
}

static const struct nf_policy_row *row_of(enum nf_policy_profile p, enum nf_policy_arch arch,
                                          int nr)
{
    size_t n;
    const struct nf_policy_row *r = nf_policy_rows(&n);
    for (size_t i = 0; i < n; i++) {
        if ((r[i].profiles & (unsigned)p) && r[i].on[arch] &&
            nf_syscall_number(arch, r[i].name) == nr)
            return &r[i];
    }
    return NULL;
}

/* What is refused once stays refused, with the error of that time. */
static uint32_t expected(const struct nf_policy_row *r, enum nf_phase phase, const uint64_t *args,
                         uint32_t otherwise)
{
    if (!r)
        return otherwise;
    for (enum nf_phase i = NF_PHASE_TEMPLATE; i <= phase; i++) {
        const struct nf_verdict *v = &r->at[i];
        enum holds h = v->allow ? holds(v->cond, args) : FAILS;
        if (h == NO_MATTER)
            return otherwise;
        if (h == FAILS)
            return REFUSED(v->error);
    }
    return SECCOMP_RET_ALLOW;
}

static uint32_t said(const struct nf_policy *p, enum nf_phase phase, const struct seccomp_data *d)
{
    uint32_t action = SECCOMP_RET_ALLOW;
    for (enum nf_phase i = NF_PHASE_TEMPLATE; i <= phase; i++)
        action = bpf_combine(action, bpf_eval(p->at[i].code, p->at[i].n, d));
    return action;
}

/* --- arguments -------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t *state)
{
    static const uint64_t values[] = {
        0,           1,        2,        3,      4,          5,           6,
        7,           9,        10,       0x10,   0x14,       0x15,        0x17,
        0x20,        0x22,     128,      129,    0x80,       0x89,        0x100,
        0x400,       0x3d0f00, 0x3d0f01, 0x11,   0x10000011, 010000000,   1089,
        577,         65536,    2621440,  0x5412, 0x541c,     0x100005412, 0xffffffffffffffff,
        0x100000001,
    };
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return values[(*state >> 33) % (sizeof(values) / sizeof(values[0]))];
}

/* The i-th vector of arguments; false: there are no more. */
static bool arguments(size_t i, uint64_t *state, uint64_t args[6])
{
    memset(args, 0, 6 * sizeof(args[0]));
    if (i < SINGLE_BITS) {
        args[i / 64] = UINT64_C(1) << (i % 64);
        return true;
    }
    for (size_t k = 0; k < 4; k++)
        args[k] = mixed(state);
    return i < SINGLE_BITS + MIXTURES;
}

static void check_number(const struct nf_policy *p, enum nf_policy_profile profile,
                         enum nf_policy_arch arch, enum nf_phase phase, int nr, uint32_t otherwise)
{
    const struct nf_policy_row *r = row_of(profile, arch, nr);
    struct seccomp_data d = { .nr = nr, .arch = audit_arch[arch] };
    uint64_t args[6] = { 0 }, state = 7;
    size_t i = 0;
    do {
        memcpy(d.args, args, sizeof(args));
        uint32_t want = expected(r, phase, args, otherwise), got = said(p, phase, &d);
        if (want != got)
            fail_msg("arch %d profile %d phase %d: %s(%d)(%llx, %llx, %llx, %llx): %x, not %x",
                     arch, profile, phase, r ? r->name : "?", nr, (unsigned long long)args[0],
                     (unsigned long long)args[1], (unsigned long long)args[2],
                     (unsigned long long)args[3], got, want);
    } while (r && arguments(i++, &state, args));
}

static struct nf_policy *compiled(enum nf_policy_profile profile, enum nf_policy_arch arch,
                                  bool notify)
{
    struct nf_policy *p = NULL;
    struct nf_err err;
    assert_ok(nf_policy_new(profile, arch, notify, &p, &err), &err);
    return p;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void filters_of_plugins_say_what_the_table_says(void **data)
{
    (void)data;
    for (enum nf_policy_arch arch = 0; arch < NF_ARCHS; arch++) {
        for (size_t i = 0; i < sizeof(plugins) / sizeof(plugins[0]); i++) {
            struct nf_policy *p = compiled(plugins[i], arch, true);
            for (enum nf_phase phase = 0; phase < NF_PHASES; phase++) {
                for (int nr = 0; nr < NUMBERS; nr++)
                    check_number(p, plugins[i], arch, phase, nr, VIOLATION);
            }
            nf_policy_free(p);
        }
    }
}

static void filters_of_programs_say_what_the_table_says(void **data)
{
    (void)data;
    for (enum nf_policy_arch arch = 0; arch < NF_ARCHS; arch++) {
        for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
            struct nf_policy *p = compiled(programs[i], arch, false);
            for (int nr = 0; nr < NUMBERS; nr++)
                check_number(p, programs[i], arch, NF_PHASE_TEMPLATE, nr,
                             nr > NF_SYSCALL_NEWEST ? REFUSED(ENOSYS) : SECCOMP_RET_ALLOW);
            nf_policy_free(p);
        }
    }
}

static void without_a_listener_a_violation_kills_the_process(void **data)
{
    struct nf_policy *p = compiled(NF_PROFILE_PLAIN, NF_ARCH_NATIVE, false);
    struct seccomp_data d = { .nr = nf_syscall_number(NF_ARCH_NATIVE, "ptrace"),
                              .arch = audit_arch[NF_ARCH_NATIVE] };
    (void)data;

    assert_int_equal(bpf_eval(p->at[0].code, p->at[0].n, &d), SECCOMP_RET_KILL_PROCESS);

    nf_policy_free(p);
}

static void assert_killed(const struct nf_policy *p, enum nf_phase last,
                          const struct seccomp_data *d)
{
    for (enum nf_phase i = NF_PHASE_TEMPLATE; i <= last; i++)
        assert_int_equal(said(p, i, d), SECCOMP_RET_KILL_PROCESS);
}

/* i386 by int 0x80, arm by a 32-bit program, x32: numbers that mean something else. */
static void another_abi_is_killed_in_every_phase(void **data)
{
    static const uint32_t foreign[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64,
                                        AUDIT_ARCH_AARCH64, 0 };
    static const enum nf_phase last[] = { NF_PHASE_RUN, NF_PHASE_TEMPLATE };
    (void)data;
    for (enum nf_policy_arch arch = 0; arch < NF_ARCHS; arch++) {
        struct nf_policy *p[] = { compiled(NF_PROFILE_PLAIN, arch, true),
                                  compiled(NF_PROFILE_PROGRAM_OFFLINE, arch, false) };
        for (size_t k = 0; k < 2; k++) {
            for (uint32_t nr = 0; nr < NUMBERS; nr++) {
                struct seccomp_data d = { .nr = (int)nr };
                for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
                    d.arch = foreign[i];
                    if (d.arch != audit_arch[arch])
                        assert_killed(p[k], last[k], &d);
                }
                d = (struct seccomp_data){ .nr = (int)(nr | X32_BIT), .arch = AUDIT_ARCH_X86_64 };
                if (arch == NF_ARCH_X86_64)
                    assert_killed(p[k], last[k], &d);
            }
            nf_policy_free(p[k]);
        }
    }
}

/* Filters only intersect: a row that took something and gave it back would be a lie. */
static void no_row_gives_back_what_it_took(void **data)
{
    size_t n;
    const struct nf_policy_row *r = nf_policy_rows(&n);
    (void)data;
    for (size_t i = 0; i < n; i++) {
        for (enum nf_phase p = NF_PHASE_LOADER; p < NF_PHASES && r[i].profiles < 16; p++) {
            const struct nf_verdict *was = &r[i].at[p - 1], *is = &r[i].at[p];
            if (!was->allow)
                assert_true(!is->allow && is->error == was->error);
            else if (was->cond != NF_COND_NONE && is->allow)
                assert_true(is->cond != NF_COND_NONE && is->error == was->error);
        }
    }
}

static void each_call_has_one_row_per_profile(void **data)
{
    size_t n;
    const struct nf_policy_row *r = nf_policy_rows(&n);
    (void)data;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            bool meet = (r[i].profiles & r[k].profiles) &&
                        ((r[i].on[0] && r[k].on[0]) || (r[i].on[1] && r[k].on[1]));
            if (meet && strcmp(r[i].name, r[k].name) == 0)
                fail_msg("%s has two rows", r[i].name);
        }
    }
}

/* What decides the price of a worker (kernel/seccomp.c runs a new filter once per number). */
static void the_filters_of_a_worker_are_small(void **data)
{
    struct nf_policy *p = compiled(NF_PROFILE_PLAIN, NF_ARCH_NATIVE, true);
    (void)data;

    print_message("instructions: template %u, before dlopen %u, after %u\n", p->at[0].n, p->at[1].n,
                  p->at[2].n);
    assert_in_range(p->at[NF_PHASE_TEMPLATE].n, 1, 200);
    assert_in_range(p->at[NF_PHASE_LOADER].n, 1, 32);
    assert_in_range(p->at[NF_PHASE_RUN].n, 1, 32);

    nf_policy_free(p);
}

/* As libseccomp writes it: is it this machine, which numbering, mmap with PROT_EXEC (of 64 bits, of
 * which the upper half is not looked at), else allowed. */
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(k, jt, jf) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, jt, jf)
static const struct sock_filter as_exported[] = {
    LOAD(arch),
    EQUAL(AUDIT_ARCH_X86_64, 0, 13),
    LOAD(nr),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1),
    EQUAL(0xffffffff, 0, 10),
    EQUAL(9, 0, 8),
    LOAD(args[2]) /* the upper half, on a machine whose bytes are in the other order */,
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0),
    EQUAL(0, 0, 4),
    LOAD(args[2]),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 4),
    EQUAL(4, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};
#define EXPORTED (sizeof(as_exported) / sizeof(as_exported[0]))

static void a_first_filter_still_asks_which_machine(void **data)
{
    struct sock_filter code[EXPORTED];
    struct seccomp_data d = { .arch = AUDIT_ARCH_I386 };
    (void)data;
    memcpy(code, as_exported, sizeof(code));

    size_t n = nf_filter_shorten(code, EXPORTED, false);

    assert_int_equal(n, EXPORTED - 3);
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_KILL_PROCESS);
    d = (struct seccomp_data){ .arch = AUDIT_ARCH_X86_64, .nr = 9, .args = { 0, 0, 4 } };
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_ERRNO | 1);
    d.args[2] = 3;
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_ALLOW);
}

static void one_on_top_of_it_does_not(void **data)
{
    struct sock_filter code[EXPORTED];
    struct seccomp_data d = { .arch = AUDIT_ARCH_X86_64, .nr = 9, .args = { 0, 0, 4 } };
    (void)data;
    memcpy(code, as_exported, sizeof(code));

    size_t n = nf_filter_shorten(code, EXPORTED, true);

    assert_int_equal(n, EXPORTED - 8); /* nor is anybody left to be killed */
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_ERRNO | 1);
    d.args[2] = 3;
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_ALLOW);
    d.nr = 10;
    assert_int_equal(bpf_eval(code, (unsigned short)n, &d), SECCOMP_RET_ALLOW);
}

static void out_of_memory_is_an_error(void **data)
{
    struct nf_policy *p = NULL;
    struct nf_err err;
    (void)data;
    enum nf_code rc = NF_E_NOMEM;
    for (size_t n = 1; rc != NF_OK; n++) {
        nf_fail_alloc_at(n);
        rc = nf_policy_new(NF_PROFILE_PLAIN, NF_ARCH_NATIVE, true, &p, &err);
        nf_fail_alloc_at(0);
        if (rc != NF_OK)
            assert_int_equal(rc, NF_E_NOMEM);
    }
    nf_policy_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_of_plugins_say_what_the_table_says),
        cmocka_unit_test(filters_of_programs_say_what_the_table_says),
        cmocka_unit_test(without_a_listener_a_violation_kills_the_process),
        cmocka_unit_test(another_abi_is_killed_in_every_phase),
        cmocka_unit_test(no_row_gives_back_what_it_took),
        cmocka_unit_test(each_call_has_one_row_per_profile),
        cmocka_unit_test(the_filters_of_a_worker_are_small),
        cmocka_unit_test(a_first_filter_still_asks_which_machine),
        cmocka_unit_test(one_on_top_of_it_does_not),
        cmocka_unit_test(out_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
