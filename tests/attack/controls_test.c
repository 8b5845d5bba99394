/*
 * The positive controls: each attack is carried out in a child without any sandbox and has to work
 * there. What cannot work on this machine (no such call in the kernel, not root) is said to be "not
 * testable here" with the reason, and never counts as stopped.
 */
#include "tests/attack/world.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum control {
    WORKS,   /* for everybody */
    ROOT,    /* for root; for others it is not testable */
    BECOMES, /* another program, which exits with 0 */
    CRASHES, /* the process: what must be contained */
    ENDLESS, /* it has to be ended */
};

static const struct {
    const char *name, *wants;
    enum control control;
} attacks[] = {
#define A(name, wants, control, ...) { #name, wants, control },
#include "tests/attack/attacks.def"
#undef A
};

/* What a kernel may have been built or started without. */
static const struct {
    const char *name;
    int error;
    const char *reason;
} absent[] = {
    { "x32_getpid", ENOSYS, "a kernel without x32" },
    { "init_module", ENOSYS, "a kernel without modules" },
    { "delete_module", ENOSYS, "a kernel without modules" },
    { "init_module", EPERM, "modules are locked" },
    { "delete_module", EPERM, "modules are locked" },
    { "iopl", ENOSYS, "a kernel without I/O ports for programs" },
    { "ioperm", ENOSYS, "a kernel without I/O ports for programs" },
    { "kexec", ENOSYS, "a kernel without kexec" },
    { "acct", ENOSYS, "a kernel without accounting" },
    { "set_xattr", EOPNOTSUPP, "a file system without attributes" },
    { "quota", ENOSYS, "a kernel without quotas" },
    { "type_into_terminal", EIO, "dev.tty.legacy_tiocsti is 0" },
    { "memfd_secret", ENOSYS, "memfd_secret is off" },
    { "compare_kernel_objects", ENOSYS, "a kernel without kcmp" },
    { "futex_waitv", ENOSYS, "before Linux 5.16" },
    { "landlock", ENOSYS, "a kernel without Landlock" },
    { "landlock", EOPNOTSUPP, "Landlock is off" },
    { "socket_vsock", EAFNOSUPPORT, "a kernel without vsock" },
    { "socket_alg", EAFNOSUPPORT, "a kernel without AF_ALG" },
    { "socket_inet6", EAFNOSUPPORT, "a kernel without IPv6" },
    { "modify_ldt", ENOSYS, "a kernel without modify_ldt" },
    { "int80_getpid", -ENOSYS, "a kernel without ia32" },
    { "uprobe", ENXIO, "it does nothing for its caller, here as there" },
    { "uprobe", ENOSYS, "before Linux 6.18" },
    { "io_uring", EPERM, "kernel.io_uring_disabled" },
    { "perf_event", EACCES, "kernel.perf_event_paranoid" },
    { "memory_policy", ENOSYS, "a kernel without NUMA" },
    { "move_pages_of_daemon", ENOSYS, "a kernel without NUMA" },
};

static volatile long *outcome;
#define UNTOLD 88888L

/* Standard input is a terminal of its own, and mounts are its own. */
static void be_alone(const struct attack_orders *o)
{
    int pty, tty;
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (openpty(&pty, &tty, NULL, NULL, NULL) == 0) {
        (void)dup2(tty, 0);
        (void)ioctl(0, TIOCSCTTY, 0);
    }
    if (geteuid() == 0 && unshare(CLONE_NEWNS) == 0)
        (void)mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (chdir(o->dir) != 0)
        _exit(3);
}

static pid_t start(const struct attack_orders *o)
{
    *outcome = UNTOLD;
    pid_t pid = fork();
    if (pid == 0) {
        be_alone(o);
        *outcome = attack_run(o);
        _exit(0);
    }
    return pid;
}

/* True: it ended by itself; else it is killed. */
static bool wait_for(pid_t pid, int *status)
{
    struct pollfd p = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
    bool ended = poll(&p, 1, ATTACK_BUSY_MS * 10) == 1;
    (void)close(p.fd);
    if (!ended)
        (void)kill(pid, SIGKILL);
    (void)waitpid(pid, status, 0);
    return ended;
}

static bool wait_for_endless(pid_t pid, int *status)
{
    (void)usleep(50000);
    bool ended = waitpid(pid, status, WNOHANG) == pid;
    if (!ended) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, status, 0);
    }
    return ended;
}

static const char *not_testable(const char *name, enum control c, long r)
{
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        if (strcmp(absent[i].name, name) == 0 && r == -absent[i].error)
            return absent[i].reason;
    if (c == ROOT && geteuid() != 0)
        return "needs root";
    return NULL;
}

static bool works(enum control c, bool ended, int status, long r)
{
    switch (c) {
    case BECOMES:
        return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0 && r == UNTOLD;
    case CRASHES:
        return ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
    case ENDLESS:
        return !ended;
    case WORKS:
    case ROOT:
        break;
    }
    return ended && r > 0 && r != UNTOLD;
}

int main(void)
{
    struct attack_world w;
    size_t worked = 0, untestable = 0, n = sizeof attacks / sizeof *attacks;
    outcome = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED || !attack_world_new(&w))
        return 1;
    for (size_t i = 0; i < n; i++) {
        struct attack_orders o = w.orders;
        int status = 0;
        (void)strncpy(o.name, attacks[i].name, sizeof o.name - 1);
        attack_world_restore(&w);
        pid_t pid = start(&o);
        bool ended =
            attacks[i].control == ENDLESS ? wait_for_endless(pid, &status) : wait_for(pid, &status);
        const char *why = not_testable(attacks[i].name, attacks[i].control, *outcome);
        if (works(attacks[i].control, ended, status, *outcome)) {
            worked++;
        } else if (why) {
            untestable++;
            (void)printf("%-24s not testable here: %s\n", attacks[i].name, why);
        } else {
            (void)printf("%-24s DOES NOT WORK: %s%s (status %x)\n", attacks[i].name,
                         *outcome == UNTOLD ? "no outcome" : attack_outcome(*outcome),
                         ended ? "" : ", killed", (unsigned)status);
        }
        (void)fflush(stdout);
    }
    attack_world_free(&w);
    (void)printf("%zu attacks: %zu work without a sandbox, %zu are not testable here\n", n, worked,
                 untestable);
    return worked + untestable == n ? 0 : 1;
}
