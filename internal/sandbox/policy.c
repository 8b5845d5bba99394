#include "sandbox/policy.h"

#include "base/own.h"
#include "sandbox/conditions.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/memfd.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define API_WITH_NOTIFY 5 /* seccomp_api_get(3) */

/* --- the table -------------------------------------------------------------------------------- */

#define FORKLESS (NF_PROFILE_PLAIN | NF_PROFILE_PLAIN_SANITIZED)
#define THREADS (NF_PROFILE_THREADS | NF_PROFILE_THREADS_SANITIZED)
#define PRODUCT (NF_PROFILE_PLAIN | NF_PROFILE_THREADS)
#define SANITIZED (NF_PROFILE_PLAIN_SANITIZED | NF_PROFILE_THREADS_SANITIZED)
#define PLUGINS (FORKLESS | THREADS)
#define OFFLINE NF_PROFILE_PROGRAM_OFFLINE
#define ONLINE NF_PROFILE_PROGRAM_ONLINE
#define BARE NF_PROFILE_PROGRAM_BARE
#define PROGRAMS (OFFLINE | ONLINE | BARE)
#define ALL (PLUGINS | PROGRAMS)
#define ON_X86 0x100u
#define ON_ARM 0x200u
#define WHERE(who)                                                                                 \
    {                                                                                              \
        !((who)&ON_ARM), !((who)&ON_X86)                                                           \
    }

#define ALLOW                                                                                      \
    {                                                                                              \
        NF_COND_NONE, true, 0                                                                      \
    }
#define NO(error)                                                                                  \
    {                                                                                              \
        NF_COND_NONE, false, error                                                                 \
    }
#define IF(cond, error)                                                                            \
    {                                                                                              \
        NF_COND_##cond, true, error                                                                \
    }

#define NF_PLUGIN(who, name, template_, loader, run, why)                                          \
    { #name, (who)&PLUGINS, WHERE(who), { template_, loader, run }, why },
#define NF_PROGRAM(who, name, what, why)                                                           \
    { #name, (who)&PROGRAMS, WHERE(who), { what, ALLOW, ALLOW }, why },

static const struct nf_policy_row rows[] = {
#include "sandbox/policy.def"
};

const struct nf_policy_row *nf_policy_rows(size_t *n)
{
    *n = sizeof(rows) / sizeof(rows[0]);
    return rows;
}

static uint32_t token(enum nf_policy_arch arch)
{
    return arch == NF_ARCH_X86_64 ? SCMP_ARCH_X86_64 : SCMP_ARCH_AARCH64;
}

int nf_syscall_number(enum nf_policy_arch arch, const char *name)
{
    int nr = seccomp_syscall_resolve_name_arch(token(arch), name);
    assert(nr != __NR_SCMP_ERROR); /* a name of our own table */
    return nr < 0 ? -1 : nr;       /* libseccomp has numbers below zero for what is elsewhere */
}

void nf_syscall_name(enum nf_policy_arch arch, int number, char *ret, size_t n)
{
    char *name = seccomp_syscall_resolve_num_arch(token(arch), number);
    if (name)
        (void)snprintf(ret, n, "%s", name);
    else
        (void)snprintf(ret, n, "syscall %d", number);
    free(name);
}

/* --- rules ------------------------------------------------------------------------------------ */

static int add(scmp_filter_ctx ctx, const char *name, uint32_t action, const struct nf_clause *c)
{
    /* In the numbering of this machine, whatever the filter is for. */
    int nr = seccomp_syscall_resolve_name(name);
    return seccomp_rule_add_exact_array(ctx, action, nr, c ? c->n : 0, c ? c->args : NULL);
}

static int add_clauses(scmp_filter_ctx ctx, const char *name, uint32_t action,
                       const struct nf_clause *c)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < NF_CLAUSES && c[i].n > 0; i++)
        rc = add(ctx, name, action, &c[i]);
    return rc;
}

static bool same(const struct nf_verdict *a, const struct nf_verdict *b)
{
    return a->cond == b->cond && a->allow == b->allow && a->error == b->error;
}

/* The first filter of a plugin: it allows what it names. */
static int add_first(scmp_filter_ctx ctx, const struct nf_policy_row *r)
{
    const struct nf_verdict *v = &r->at[NF_PHASE_TEMPLATE];
    const struct nf_condition_clauses *c = &nf_conditions[v->cond];
    if (!v->allow)
        return add(ctx, r->name, SCMP_ACT_ERRNO((unsigned)v->error), NULL);
    if (v->cond == NF_COND_NONE)
        return add(ctx, r->name, SCMP_ACT_ALLOW, NULL);
    int rc = add_clauses(ctx, r->name, SCMP_ACT_ALLOW, c->allow);
    return rc ? rc : add_clauses(ctx, r->name, SCMP_ACT_ERRNO((unsigned)v->error), c->refuse);
}

/* A filter that allows what it does not name: refuse what `before` allowed and `now` does not. It
 * may not name more, since of two errors the later filter's wins. */
static int add_refusal(scmp_filter_ctx ctx, const struct nf_policy_row *r,
                       const struct nf_verdict *before, const struct nf_verdict *now)
{
    if (same(before, now) || !before->allow)
        return 0;
    uint32_t action = SCMP_ACT_ERRNO((unsigned)now->error);
    if (now->allow)
        return add_clauses(ctx, r->name, action, nf_conditions[now->cond].refuse);
    if (before->cond == NF_COND_NONE)
        return add(ctx, r->name, action, NULL);
    return add_clauses(ctx, r->name, action, nf_conditions[before->cond].allow);
}

static int add_rows(scmp_filter_ctx ctx, enum nf_policy_profile profile, enum nf_policy_arch arch,
                    enum nf_phase phase)
{
    static const struct nf_verdict anything = ALLOW;
    bool program = profile & PROGRAMS;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct nf_policy_row *r = &rows[i];
        if (!(r->profiles & profile) || !r->on[arch] || nf_syscall_number(arch, r->name) < 0)
            continue;
        if (program)
            rc = add_refusal(ctx, r, &anything, &r->at[phase]);
        else if (phase == NF_PHASE_TEMPLATE)
            rc = add_first(ctx, r);
        else
            rc = add_refusal(ctx, r, &r->at[phase - 1], &r->at[phase]);
    }
    return rc;
}

/* --- compile ---------------------------------------------------------------------------------- */

static void done_ctx(scmp_filter_ctx *ctx)
{
    if (*ctx)
        seccomp_release(*ctx);
}

static int only_arch(scmp_filter_ctx ctx, enum nf_policy_arch arch)
{
    if (token(arch) == seccomp_arch_native())
        return 0;
    int rc = seccomp_arch_add(ctx, token(arch));
    return rc ? rc : seccomp_arch_remove(ctx, seccomp_arch_native());
}

/* A program's filter allows by default: in front of it comes that a call younger than the table is
 * not there. Other architectures and x32 go on to what libseccomp says of them. */
static size_t put_prologue(struct sock_filter *to, enum nf_policy_arch arch)
{
    const struct sock_filter prologue[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, token(arch), 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NF_SYSCALL_NEWEST, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
    };
    memcpy(to, prologue, sizeof(prologue));
    return sizeof(prologue) / sizeof(prologue[0]);
}

static NF_RC export(scmp_filter_ctx ctx, bool prologue, enum nf_policy_arch arch, bool later,
                    struct nf_filter *ret, struct nf_err *err)
{
    struct sock_filter *code = malloc(NF_FILTER_MAX * sizeof(*code));
    int fd = memfd_create("filter", MFD_CLOEXEC);
    size_t n = code && prologue ? put_prologue(code, arch) : 0;
    ssize_t got = -1;
    if (code && fd >= 0 && seccomp_export_bpf(ctx, fd) == 0)
        got = pread(fd, code + n, (NF_FILTER_MAX - n) * sizeof(*code), 0);
    if (fd >= 0)
        close(fd);
    if (got > 0)
        n = nf_filter_shorten(code, n + (size_t)got / sizeof(*code), later);
    struct sock_filter *fit = got > 0 ? realloc(code, n * sizeof(*code)) : NULL;
    if (!fit) {
        free(code);
        return nf_err_set(err, NF_E_NOMEM, "no memory to compile the policy of system calls");
    }
    *ret = (struct nf_filter){ .code = fit, .n = (unsigned short)n };
    return NF_OK;
}

static NF_RC compile(enum nf_policy_profile profile, enum nf_policy_arch arch, bool notify,
                     enum nf_phase phase, struct nf_filter *ret, struct nf_err *err)
{
    bool program = profile & PROGRAMS;
    uint32_t otherwise = program || phase != NF_PHASE_TEMPLATE ? SCMP_ACT_ALLOW
                         : notify                              ? SCMP_ACT_NOTIFY
                                                               : SCMP_ACT_KILL_PROCESS;
    /* libseccomp asks the kernel what it knows, who may be forbidden to answer: we compile here,
     * and whether it can be installed is found by installing it. */
    seccomp_api_set(API_WITH_NOTIFY);
    NF_CLEANUP(done_ctx) scmp_filter_ctx ctx = seccomp_init(otherwise);
    if (!ctx)
        return nf_err_set(err, NF_E_NOMEM, "no memory to compile the policy of system calls");
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (phase == NF_PHASE_TEMPLATE) /* a ladder for few calls, a tree for many: measured */
        rc = rc ? rc : seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    rc = rc ? rc : only_arch(ctx, arch);
    rc = rc ? rc : add_rows(ctx, profile, arch, phase);
    if (rc)
        return nf_err_set(err, NF_E_INTERNAL, "compile the policy of system calls: %s",
                          strerror(-rc));
    return export(ctx, program, arch, phase != NF_PHASE_TEMPLATE, ret, err);
}

enum nf_code nf_policy_new(enum nf_policy_profile profile, enum nf_policy_arch arch, bool notify,
                           struct nf_policy **ret, struct nf_err *err)
{
    struct nf_policy *p = calloc(1, sizeof(*p));
    if (!p)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a policy of system calls");
    enum nf_phase last = profile & PROGRAMS ? NF_PHASE_TEMPLATE : NF_PHASE_RUN;
    for (enum nf_phase i = NF_PHASE_TEMPLATE; i <= last; i++) {
        enum nf_code rc = compile(profile, arch, notify, i, &p->at[i], err);
        if (rc != NF_OK) {
            nf_policy_free(p);
            return rc;
        }
    }
    *ret = p;
    return NF_OK;
}

void nf_policy_free(struct nf_policy *p)
{
    for (enum nf_phase i = 0; p && i < NF_PHASES; i++)
        free(p->at[i].code);
    free(p);
}

/* --- install ---------------------------------------------------------------------------------- */

int nf_filter_install(const struct nf_filter *f, bool listener)
{
    struct sock_fprog program = { .len = f->n, .filter = f->code };
    unsigned flags = listener ? SECCOMP_FILTER_FLAG_NEW_LISTENER : 0;
    long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
    return rc < 0 ? -errno : (int)rc;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZER true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZER true
#endif
#endif
#ifndef SANITIZER
#define SANITIZER false
#endif

enum nf_policy_profile nf_policy_profile_of(bool threads)
{
    if (SANITIZER)
        return threads ? NF_PROFILE_THREADS_SANITIZED : NF_PROFILE_PLAIN_SANITIZED;
    return threads ? NF_PROFILE_THREADS : NF_PROFILE_PLAIN;
}
