/*
 * The table of system calls (policy.def) as data, and the filters compiled from it. See sandbox.h
 * for who installs which when.
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sock_filter;

enum nf_policy_arch { NF_ARCH_X86_64, NF_ARCH_AARCH64, NF_ARCHS };
#ifdef __aarch64__
#define NF_ARCH_NATIVE NF_ARCH_AARCH64
#else
#define NF_ARCH_NATIVE NF_ARCH_X86_64
#endif

/* Bits, so that a row can name several. */
enum nf_policy_profile {
    NF_PROFILE_PLAIN = 1,
    NF_PROFILE_THREADS = 2,
    NF_PROFILE_PLAIN_SANITIZED = 4,
    NF_PROFILE_THREADS_SANITIZED = 8,
    NF_PROFILE_PROGRAM_OFFLINE = 16,
    NF_PROFILE_PROGRAM_ONLINE = 32,
    NF_PROFILE_PROGRAM_BARE = 64, /* without namespaces */
};

/* Where a filter belongs. A program has only the first. */
enum nf_phase { NF_PHASE_TEMPLATE, NF_PHASE_LOADER, NF_PHASE_RUN, NF_PHASES };

/* Of arguments; conditions.c has each as the comparisons that allow and those that refuse. */
enum nf_condition {
    NF_COND_NONE,
    NF_COND_READ_ONLY,
    NF_COND_CODE_OR_DATA,
    NF_COND_NOT_EXECUTABLE,
    NF_COND_BRANCH_TARGETS,
    NF_COND_WAIT_OR_WAKE,
    NF_COND_ADD_FILTER,
    NF_COND_DIE_WITH_PARENT,
    NF_COND_NEW_THREAD,
    NF_COND_SAME_NAMESPACES,
    NF_COND_NO_TYPING,
    NF_COND_TCP_SOCKET,
    NF_COND_OF_ITSELF,
    NF_COND_WHO_ITSELF,
    NF_COND_NO_NAME,
    NF_CONDS,
};
/* In words, for the documents: "flags: read only". */
const char *nf_condition_text(enum nf_condition c);

struct nf_verdict {
    enum nf_condition cond; /* of `allow` */
    bool allow;
    int error; /* if not allowed, or if the condition does not hold */
};

struct nf_policy_row {
    const char *name; /* of the system call */
    unsigned profiles;
    bool on[NF_ARCHS];
    struct nf_verdict at[NF_PHASES];
    const char *why;
};

/* All rows, in the order of the table. */
const struct nf_policy_row *nf_policy_rows(size_t *n);

/* Its number on `arch`, -1: there is no such call. */
int nf_syscall_number(enum nf_policy_arch arch, const char *name);
/* Into ret[n]; "syscall 999" if it has no name. */
void nf_syscall_name(enum nf_policy_arch arch, int number, char *ret, size_t n);

#define NF_FILTER_MAX 4096 /* instructions of one: BPF_MAXINSNS */
struct nf_filter {
    struct sock_filter *code;
    unsigned short n;
};

/* Filters of one profile, each installed on top of those before it. */
struct nf_policy {
    struct nf_filter at[NF_PHASES];
};

/* What the kernel knows beyond the youngest call that libseccomp and this table were written for
 * is refused to programs with ENOSYS, as an older kernel would. */
#define NF_SYSCALL_NEWEST 450 /* set_mempolicy_home_node, Linux 5.17 */

/* Compile. `notify`: a violation goes to the listener instead of killing the process at once.
 * NF_E_NOMEM, NF_E_INTERNAL. */
NF_RC nf_policy_new(enum nf_policy_profile profile, enum nf_policy_arch arch, bool notify,
                    struct nf_policy **ret, struct nf_err *err);
void nf_policy_free(struct nf_policy *p);

/* Take out of a filter what says nothing: comparisons of no bits and, of one that is installed on
 * top of a first (`later`), which machine it is for. What the filters of a process say together
 * stays the same. The number of instructions that are left. */
size_t nf_filter_shorten(struct sock_filter *code, size_t n, bool later);

/* Install in this thread; it cannot be taken back. 0 or, with `listener`, its descriptor
 * (close-on-exec); -errno. Needs no_new_privs or CAP_SYS_ADMIN. Async-signal-safe. */
int nf_filter_install(const struct nf_filter *f, bool listener);

/* The profile of this build: with a sanitizer or without. */
enum nf_policy_profile nf_policy_profile_of(bool threads);
