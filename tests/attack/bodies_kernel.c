/* Attacks on the kernel's surface: rare calls, other call conventions, the sandbox's own tools, and
 * what belongs to the machine. Those of the last kind have arguments that are always refused. */
#include "tests/attack/attack.h"

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#ifdef __x86_64__
#include <sys/io.h>

#define X32 0x40000000L

static long int80(long nr, long a, long b)
{
    long r;
    __asm__ volatile("int $0x80"
                     : "=a"(r)
                     : "a"(nr), "b"(a), "c"(b), "d"(0L)
                     : "memory", "r8", "r9", "r10", "r11");
    return r;
}

/* Numbers of the 32-bit table: getpid 20, open 5, socketcall 102 (kernel,
 * arch/x86/entry/syscalls/syscall_32.tbl). */
ATTACK(int80_getpid)
{
    long r = int80(20, 0, 0);
    return r > 0 ? ATTACK_WORKED : r;
}

ATTACK(int80_open)
{
    char *low =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return -errno;
    memcpy(low, "/etc/passwd", sizeof "/etc/passwd");
    long r = int80(5, (long)low, 0);
    return r >= 0 ? ATTACK_WORKED : r;
}

ATTACK(int80_socket)
{
    unsigned *low =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (low == MAP_FAILED)
        return -errno;
    low[0] = 2; /* AF_INET */
    low[1] = 1; /* SOCK_STREAM */
    long r = int80(102, 1 /* SYS_SOCKET */, (long)low);
    return r >= 0 ? ATTACK_WORKED : r;
}

ATTACK(x32_getpid)
{
    return attack_result(syscall(X32 | SYS_getpid));
}

ATTACK(modify_ldt)
{
    char buf[16];
    return attack_result(syscall(SYS_modify_ldt, 0, buf, sizeof buf));
}

ATTACK(iopl)
{
    return attack_result(syscall(SYS_iopl, 3));
}

ATTACK(ioperm)
{
    return attack_result(syscall(SYS_ioperm, 0x80, 1, 1));
}

ATTACK(arch_prctl)
{
    unsigned long base;
    return attack_result(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &base));
}
#endif

ATTACK(unknown_number)
{
    return attack_judged(syscall(1023), ENOSYS);
}

ATTACK(negative_number)
{
    return attack_judged(syscall(-2), ENOSYS);
}

ATTACK(bpf)
{
    union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY };
    a.key_size = a.value_size = 4;
    a.max_entries = 1;
    return attack_result(syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof a));
}

ATTACK(perf_event)
{
    struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .size = sizeof a };
    a.exclude_kernel = 1;
    return attack_result(syscall(SYS_perf_event_open, &a, 0, -1, -1, 0));
}

ATTACK(add_key)
{
    return attack_result(
        syscall(SYS_add_key, "user", "nf-attack", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

ATTACK(request_key)
{
    return attack_judged(syscall(SYS_request_key, "nf-no-such-type", "x", NULL, 0), ENOKEY);
}

ATTACK(keyctl)
{
    return attack_result(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

/* A filter of one's own that allows everything: it cannot, but the attempt has no use. */
ATTACK(seccomp_filter)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog p = { 1, &allow };
    return attack_result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p));
}

ATTACK(seccomp_listener)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog p = { 1, &allow };
    return attack_result(
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p));
}

ATTACK(seccomp_strict)
{
    return attack_judged(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL), EINVAL);
}

ATTACK(landlock)
{
    return attack_result(syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* VERSION */));
}

ATTACK(futex_pi)
{
    static int word;
    return attack_result(syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0));
}

ATTACK(futex_requeue)
{
    static int a, b;
    return attack_result(syscall(SYS_futex, &a, FUTEX_REQUEUE_PRIVATE, 0, NULL, &b, 0));
}

/* 449 on every architecture. */
ATTACK(futex_waitv)
{
    return attack_judged(syscall(449, NULL, 0, 0, NULL, 0), EINVAL);
}

ATTACK(membarrier)
{
    return attack_result(syscall(SYS_membarrier, 0, 0, 0));
}

ATTACK(uname)
{
    struct utsname u;
    return attack_result(uname(&u));
}

ATTACK(sysinfo)
{
    struct sysinfo si;
    return attack_result(sysinfo(&si));
}

ATTACK(rusage)
{
    struct rusage u;
    return attack_result(getrusage(RUSAGE_SELF, &u));
}

ATTACK(user_ids)
{
    return attack_result(syscall(SYS_getuid));
}

ATTACK(kernel_log)
{
    return attack_result(syscall(SYS_syslog, 10 /* SIZE_BUFFER */, NULL, 0));
}

ATTACK(init_module)
{
    return attack_judged(syscall(SYS_init_module, "x", 1, ""), ENOEXEC);
}

ATTACK(delete_module)
{
    return attack_judged(syscall(SYS_delete_module, "nf_no_such", 0x800 /* O_NONBLOCK */), ENOENT);
}

ATTACK(kexec)
{
    return attack_judged(syscall(SYS_kexec_load, 0, 0, NULL, ~0UL), EINVAL);
}

ATTACK(reboot)
{
    return attack_judged(syscall(SYS_reboot, 0, 0, 0, NULL), EINVAL);
}

ATTACK(set_time)
{
    struct timeval t = { .tv_sec = 0, .tv_usec = 2000000 };
    return attack_judged(syscall(SYS_settimeofday, &t, NULL), EINVAL);
}

ATTACK(set_clock)
{
    struct timespec t = { .tv_sec = 0, .tv_nsec = 2000000000 };
    return attack_judged(syscall(SYS_clock_settime, CLOCK_REALTIME, &t), EINVAL);
}

ATTACK(adjust_clock)
{
    struct timex t = { .modes = ADJ_TICK, .tick = 1 };
    return attack_judged(syscall(SYS_adjtimex, &t), EINVAL);
}

ATTACK(host_name)
{
    return attack_judged(syscall(SYS_sethostname, "x", 1000), EINVAL);
}

ATTACK(quota)
{
    return attack_judged(syscall(SYS_quotactl, 0x80000700 /* Q_GETFMT */, "/nf-no-such", 0, NULL),
                         ENOENT);
}

/* Linux 6.18 lets it pass through every filter (kernel/seccomp.c, seccomp_uprobe_exception), where
 * what matters is that it does nothing for its caller; before, the filter stops it. */
#ifdef __x86_64__
ATTACK(uprobe)
{
    return attack_result(syscall(336));
}
#endif

ATTACK(spin)
{
    for (volatile uint64_t i = 0;; i = i + 1)
        continue;
    return ATTACK_NOTHING;
}

ATTACK(sleep)
{
    struct timespec t = { .tv_sec = 1000, .tv_nsec = 0 };
    (void)nanosleep(&t, NULL);
    return ATTACK_WORKED;
}

/* With every signal blocked. */
ATTACK(spin_deaf)
{
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, NULL);
    for (volatile uint64_t i = 0;; i = i + 1)
        continue;
    return ATTACK_NOTHING;
}
