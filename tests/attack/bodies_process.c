/* Attacks on processes: making them, talking to them, becoming someone else, undoing one's jail. */
#include "tests/attack/attack.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Addresses are what this is about. NOLINTBEGIN(performance-no-int-to-ptr) */

#define BOMB_PROCESSES 40

static long child_was_born(pid_t pid)
{
    if (pid < 0)
        return -errno;
    (void)waitpid(pid, NULL, 0);
    return ATTACK_WORKED;
}

ATTACK(fork)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return child_was_born(pid);
}

#ifdef SYS_vfork
ATTACK(vfork)
{
    pid_t pid = vfork(); // NOLINT: the point
    if (pid == 0)
        _exit(0);
    return child_was_born(pid);
}
#endif

#ifdef SYS_fork
ATTACK(fork_legacy)
{
    pid_t pid = (pid_t)syscall(SYS_fork);
    if (pid == 0)
        _exit(0);
    return child_was_born(pid);
}
#endif

ATTACK(clone3)
{
    struct clone_args a = { .exit_signal = SIGCHLD };
    pid_t pid = (pid_t)syscall(SYS_clone3, &a, sizeof a);
    if (pid == 0)
        _exit(0);
    return child_was_born(pid);
}

ATTACK(clone_namespaces)
{
    pid_t pid =
        (pid_t)syscall(SYS_clone, CLONE_NEWUSER | CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0)
        _exit(0);
    return child_was_born(pid);
}

static void *return_at_once(void *arg)
{
    return arg;
}

ATTACK(thread)
{
    pthread_t t;
    int rc = pthread_create(&t, NULL, return_at_once, NULL);
    if (rc)
        return -rc;
    (void)pthread_join(t, NULL);
    return ATTACK_WORKED;
}

ATTACK(fork_bomb)
{
    long born = 0, why = 0;
    for (int i = 0; i < BOMB_PROCESSES; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)usleep(100000);
            _exit(0);
        }
        if (pid < 0)
            why = -errno;
        else
            born++;
    }
    while (born && waitpid(-1, NULL, 0) > 0)
        continue;
    return born ? born : why;
}

ATTACK(execve)
{
    char *argv[] = { "true", NULL };
    (void)execve("/bin/true", argv, NULL);
    return -errno;
}

/* A copy of a program in memory, executed without a file. */
ATTACK(exec_memfd)
{
    char buf[4096], *argv[] = { "true", NULL }, *env[] = { NULL };
    ssize_t n;
    int to = (int)syscall(SYS_memfd_create, "x", 0), from = open("/bin/true", O_RDONLY);
    if (to < 0 || from < 0)
        return -errno;
    while ((n = read(from, buf, sizeof buf)) > 0)
        if (write(to, buf, (size_t)n) != n)
            return -errno;
    (void)syscall(SYS_execveat, to, "", argv, env, AT_EMPTY_PATH);
    return -errno;
}

ATTACK(ptrace_daemon)
{
    if (ptrace(PTRACE_SEIZE, (pid_t)o->daemon, NULL, NULL) != 0)
        return -errno;
    (void)ptrace(PTRACE_DETACH, (pid_t)o->daemon, NULL, NULL);
    return ATTACK_WORKED;
}

ATTACK(ptrace_me)
{
    return attack_result(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

ATTACK(kill_daemon)
{
    return attack_result(kill((pid_t)o->daemon, 0));
}

ATTACK(kill_parent)
{
    return attack_result(kill(getppid() ? getppid() : 1, 0));
}

ATTACK(kill_all)
{
    return attack_result(kill(-1, 0));
}

ATTACK(kill_group)
{
    return attack_result(kill(0, 0));
}

ATTACK(tgkill)
{
    return attack_result(syscall(SYS_tgkill, o->daemon, o->daemon, 0));
}

ATTACK(tkill)
{
    return attack_result(syscall(SYS_tkill, o->daemon, 0));
}

ATTACK(queue_signal)
{
    siginfo_t info = { .si_code = SI_QUEUE };
    return attack_result(syscall(SYS_rt_sigqueueinfo, o->daemon, 0, &info));
}

ATTACK(pidfd_signal)
{
    int fd = (int)syscall(SYS_pidfd_open, o->daemon, 0);
    return fd < 0 ? -errno : attack_result(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

ATTACK(pidfd_steal)
{
    int fd = (int)syscall(SYS_pidfd_open, o->daemon, 0);
    return fd < 0 ? -errno : attack_result(syscall(SYS_pidfd_getfd, fd, o->secret, 0));
}

ATTACK(read_memory)
{
    char buf[8];
    struct iovec to = { buf, sizeof buf };
    struct iovec from = { (void *)(uintptr_t)o->needle, sizeof buf };
    return attack_result(process_vm_readv((pid_t)o->daemon, &to, 1, &from, 1, 0));
}

ATTACK(write_memory)
{
    char buf[8];
    memcpy(buf, ATTACK_NEEDLE, sizeof buf);
    struct iovec from = { buf, sizeof buf };
    struct iovec to = { (void *)(uintptr_t)o->needle, sizeof buf };
    return attack_result(process_vm_writev((pid_t)o->daemon, &from, 1, &to, 1, 0));
}

ATTACK(compare_kernel_objects)
{
    return attack_result(syscall(SYS_kcmp, o->daemon, o->daemon, KCMP_VM, 0, 0));
}

ATTACK(robust_list_of_daemon)
{
    void *head;
    size_t n;
    return attack_result(syscall(SYS_get_robust_list, o->daemon, &head, &n));
}

ATTACK(setuid)
{
    return attack_result(syscall(SYS_setuid, 0));
}

ATTACK(setresuid)
{
    return attack_result(syscall(SYS_setresuid, 0, 0, 0));
}

ATTACK(setgid)
{
    return attack_result(syscall(SYS_setgid, 0));
}

ATTACK(setgroups)
{
    gid_t g = 0;
    return attack_result(syscall(SYS_setgroups, 1, &g));
}

ATTACK(capset)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { 0 } };
    return attack_result(syscall(SYS_capset, &h, d));
}

ATTACK(prctl_dumpable)
{
    return attack_result(prctl(PR_SET_DUMPABLE, 1));
}

ATTACK(prctl_name)
{
    return attack_result(prctl(PR_SET_NAME, "kworker/0:1"));
}

ATTACK(prctl_outlive)
{
    return attack_result(prctl(PR_SET_PDEATHSIG, 0));
}

ATTACK(prctl_subreaper)
{
    return attack_result(prctl(PR_SET_CHILD_SUBREAPER, 1));
}

ATTACK(unshare_user)
{
    return attack_result(unshare(CLONE_NEWUSER));
}

ATTACK(unshare_net)
{
    return attack_result(unshare(CLONE_NEWNET));
}

ATTACK(unshare_files)
{
    return attack_result(unshare(CLONE_FILES));
}

ATTACK(setns)
{
    return attack_judged(syscall(SYS_setns, -1, 0), EBADF);
}

ATTACK(personality)
{
    return attack_result(syscall(SYS_personality, 0x0040000 /* ADDR_NO_RANDOMIZE */));
}

ATTACK(setsid)
{
    return attack_judged(syscall(SYS_setsid), EPERM); /* a leader already, which it may try */
}

ATTACK(affinity)
{
    cpu_set_t s;
    CPU_ZERO(&s);
    CPU_SET(0, &s);
    return attack_result(sched_setaffinity(0, sizeof s, &s));
}

ATTACK(scheduler)
{
    struct sched_param p = { 0 };
    return attack_result(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &p));
}

ATTACK(priority)
{
    return attack_result(setpriority(PRIO_PROCESS, 0, 1));
}

ATTACK(io_priority)
{
    return attack_result(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 7)); /* best effort, lowest */
}

ATTACK(raise_limits)
{
    struct rlimit l = { 1, 1 };
    return attack_result(setrlimit(RLIMIT_CORE, &l));
}

ATTACK(limits_of_daemon)
{
    struct rlimit l;
    return attack_result(syscall(SYS_prlimit64, o->daemon, RLIMIT_NOFILE, NULL, &l));
}

ATTACK(ignore_signal)
{
    struct sigaction sa = { .sa_handler = SIG_IGN };
    return attack_result(sigaction(SIGXCPU, &sa, NULL));
}

ATTACK(signal_stack)
{
    static char stack[16384];
    stack_t s = { .ss_sp = stack, .ss_size = sizeof stack };
    return attack_result(sigaltstack(&s, NULL));
}

ATTACK(interval_timer)
{
    struct itimerval t = { { 0, 0 }, { 1000, 0 } };
    return attack_result(setitimer(ITIMER_REAL, &t, NULL));
}

ATTACK(posix_timer)
{
    struct sigevent e = { .sigev_notify = SIGEV_NONE };
    int id;
    return attack_result(syscall(SYS_timer_create, CLOCK_REALTIME, &e, &id));
}

ATTACK(wait_for_any)
{
    return attack_judged(wait4(-1, NULL, WNOHANG, NULL), ECHILD);
}

/* NOLINTEND(performance-no-int-to-ptr) */
