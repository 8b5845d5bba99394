#include "sandbox/conditions.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define ONE(a)                                                                                     \
    {                                                                                              \
        .n = 1, .args = { a }                                                                      \
    }
#define BOTH(a, b)                                                                                 \
    {                                                                                              \
        .n = 2, .args = { a, b }                                                                   \
    }
#define MASKED(arg, mask, value) SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value)
#define EQ(arg, value) SCMP_CMP64(arg, SCMP_CMP_EQ, value, 0)
#define NE(arg, value) SCMP_CMP64(arg, SCMP_CMP_NE, value, 0)
#define BIT(arg, bit) ONE(MASKED(arg, bit, bit))
#define INT_MASK 0xffffffffu /* what the kernel looks at where its parameter is an int */

/* The bits below have the same value on x86-64 and aarch64; O_DIRECTORY and its like do not. glibc
 * hides the bit of O_TMPFILE that is not O_DIRECTORY (asm-generic/fcntl.h: __O_TMPFILE). */
#define O_TMPFILE_BIT 020000000
#define WRITE_BITS (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH | O_TMPFILE_BIT)
#define WX (PROT_WRITE | PROT_EXEC)
/* arch/arm64/include/uapi/asm/mman.h */
#define PROT_BTI_BIT 0x10
#define FUTEX(op)                                                                                  \
    ONE(MASKED(1, INT_MASK & ~(unsigned)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), op))
/* What pthread_create of glibc and musl passes, without which it is a process: CLONE_VM, FS, FILES,
 * SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID. */
#define THREAD_FLAGS                                                                               \
    (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |            \
     CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)
#define NEW_NAMESPACES                                                                             \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |  \
     CLONE_NEWNET)
#define TYPING(request) ONE(MASKED(1, INT_MASK, request))

const struct nf_condition_clauses nf_conditions[NF_CONDS] = {
    [NF_COND_NONE] = { .text = "" },
    [NF_COND_READ_ONLY] = {
        .text = "for reading, nothing is created",
        .allow = { ONE(MASKED(2, WRITE_BITS, 0)) },
        .refuse = { BIT(2, O_WRONLY), BIT(2, O_RDWR), BIT(2, O_CREAT), BIT(2, O_TRUNC),
                    BIT(2, O_APPEND), BIT(2, O_PATH), BIT(2, O_TMPFILE_BIT) },
    },
    [NF_COND_CODE_OR_DATA] = {
        .text = "executable only from a file and not writable",
        .allow = { ONE(MASKED(2, PROT_EXEC, 0)),
                   BOTH(MASKED(2, WX, PROT_EXEC), MASKED(3, MAP_ANONYMOUS, 0)) },
        .refuse = { ONE(MASKED(2, WX, WX)),
                    BOTH(MASKED(2, WX, PROT_EXEC), MASKED(3, MAP_ANONYMOUS, MAP_ANONYMOUS)) },
    },
    [NF_COND_NOT_EXECUTABLE] = {
        .text = "not executable",
        .allow = { ONE(MASKED(2, PROT_EXEC, 0)) },
        .refuse = { BIT(2, PROT_EXEC) },
    },
    [NF_COND_BRANCH_TARGETS] = {
        .text = "not executable, or adding branch targets to what is not writable",
        .allow = { ONE(MASKED(2, PROT_EXEC, 0)),
                   ONE(MASKED(2, WX | PROT_BTI_BIT, PROT_EXEC | PROT_BTI_BIT)) },
        .refuse = { ONE(MASKED(2, WX, WX)),
                    ONE(MASKED(2, WX | PROT_BTI_BIT, PROT_EXEC)) },
    },
    [NF_COND_WAIT_OR_WAKE] = {
        .text = "wait or wake",
        .allow = { FUTEX(FUTEX_WAIT), FUTEX(FUTEX_WAKE), FUTEX(FUTEX_WAIT_BITSET),
                   FUTEX(FUTEX_WAKE_BITSET) },
        /* Known operations only: another number is a violation. */
        .refuse = { FUTEX(FUTEX_FD), FUTEX(FUTEX_REQUEUE), FUTEX(FUTEX_CMP_REQUEUE),
                    FUTEX(FUTEX_WAKE_OP), FUTEX(FUTEX_LOCK_PI), FUTEX(FUTEX_UNLOCK_PI),
                    FUTEX(FUTEX_TRYLOCK_PI), FUTEX(FUTEX_WAIT_REQUEUE_PI),
                    FUTEX(FUTEX_CMP_REQUEUE_PI), FUTEX(FUTEX_LOCK_PI2) },
    },
    [NF_COND_ADD_FILTER] = {
        .text = "add a filter, without flags",
        .allow = { BOTH(EQ(0, SECCOMP_SET_MODE_FILTER),
                        EQ(1, 0)) },
        .refuse = { ONE(NE(0, SECCOMP_SET_MODE_FILTER)),
                    BOTH(EQ(0, SECCOMP_SET_MODE_FILTER),
                         NE(1, 0)) },
    },
    [NF_COND_DIE_WITH_PARENT] = {
        .text = "be killed with the parent",
        .allow = { BOTH(EQ(0, PR_SET_PDEATHSIG),
                        EQ(1, SIGKILL)) },
        /* Anything else is a violation. */
        .refuse = { { 0 } },
    },
    [NF_COND_NEW_THREAD] = {
        .text = "a thread",
        .allow = { ONE(EQ(0, THREAD_FLAGS)) },
        .refuse = { ONE(NE(0, THREAD_FLAGS)) },
    },
    [NF_COND_SAME_NAMESPACES] = {
        .text = "no new namespace",
        .allow = { ONE(MASKED(0, NEW_NAMESPACES, 0)) },
        .refuse = { BIT(0, CLONE_NEWNS), BIT(0, CLONE_NEWCGROUP), BIT(0, CLONE_NEWUTS),
                    BIT(0, CLONE_NEWIPC), BIT(0, CLONE_NEWUSER), BIT(0, CLONE_NEWPID),
                    BIT(0, CLONE_NEWNET) },
    },
    [NF_COND_NO_TYPING] = {
        .text = "all but TIOCSTI and TIOCLINUX",
        .allow = { { 0 } }, /* the rest: programs are allowed what no rule names */
        .refuse = { TYPING(TIOCSTI), TYPING(TIOCLINUX) },
    },
    [NF_COND_TCP_SOCKET] = {
        .text = "TCP over IPv4",
        .allow = { { 0 } }, /* the rest */
        /* SOCK_STREAM is 1, in the lowest four bits; of the protocols up to that of TCP only 0,
         * which is TCP, and its own are of that type (inet_create, net/ipv4/af_inet.c). */
        .refuse = { ONE(NE(0, AF_INET)), ONE(MASKED(1, 1, 0)), BIT(1, 2), BIT(1, 4), BIT(1, 8),
                    ONE(SCMP_CMP64(2, SCMP_CMP_GT, IPPROTO_TCP, 0)) },
    },
    [NF_COND_OF_ITSELF] = {
        .text = "of itself (0)",
        .allow = { ONE(EQ(0, 0)) },
        .refuse = { ONE(NE(0, 0)) },
    },
    [NF_COND_WHO_ITSELF] = {
        .text = "of itself (0)",
        .allow = { ONE(EQ(1, 0)) },
        .refuse = { ONE(NE(1, 0)) },
    },
    [NF_COND_NO_NAME] = {
        .text = "without a name",
        .allow = { ONE(EQ(1, 0)) },
        .refuse = { ONE(NE(1, 0)) },
    },
};

const char *nf_condition_text(enum nf_condition c)
{
    assert(c < NF_CONDS);
    return nf_conditions[c].text;
}
