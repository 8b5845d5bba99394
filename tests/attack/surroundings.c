#include "tests/attack/surroundings.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The capabilities that container runtimes leave (moby, oci/caps/defaults.go): CHOWN, DAC_OVERRIDE,
 * FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD,
 * AUDIT_WRITE, SETFCAP. */
#define CONTAINER_CAPS 0xa80425fbu
#define NEW_NAMESPACES 0x7e020000u /* CLONE_NEW* of clone */
#define NOBODY 65534

enum { CONTAINER = 1, NO_USERNS = 2, NO_LANDLOCK = 4, NO_SECCOMP = 8, NONROOT = 16 };

static const struct {
    const char *name;
    unsigned lacks;
} known[] = {
    { "native", 0 },
    { "nonroot", NONROOT },
    { "container", CONTAINER },
    { "userns", NONROOT | NO_USERNS },
    { "old", NONROOT | NO_USERNS | NO_LANDLOCK },
    { "no-landlock", CONTAINER | NO_LANDLOCK },
    { "namespaces-only", NO_LANDLOCK },
    { "no-seccomp", CONTAINER | NO_SECCOMP },
};

/* What each takes away (moby, profiles/seccomp/default.json, of a container without CAP_SYS_ADMIN).
 */
static const struct {
    const char *name;
    long number;
    int error;
    unsigned lacks;
} refused[] = {
    { "unshare", SYS_unshare, EPERM, CONTAINER | NO_USERNS },
    { "mount", SYS_mount, EPERM, CONTAINER },
    { "umount2", SYS_umount2, EPERM, CONTAINER },
    { "pivot_root", SYS_pivot_root, EPERM, CONTAINER },
    { "setns", SYS_setns, EPERM, CONTAINER },
    { "keyctl", SYS_keyctl, EPERM, CONTAINER },
    { "add_key", SYS_add_key, EPERM, CONTAINER },
    { "request_key", SYS_request_key, EPERM, CONTAINER },
    { "bpf", SYS_bpf, EPERM, CONTAINER },
    { "userfaultfd", SYS_userfaultfd, EPERM, CONTAINER },
    { "perf_event_open", SYS_perf_event_open, EPERM, CONTAINER },
    { "io_uring_setup", SYS_io_uring_setup, EPERM, CONTAINER },
    { "clone3", SYS_clone3, ENOSYS, CONTAINER | NO_USERNS },
    { "landlock_create_ruleset", SYS_landlock_create_ruleset, ENOSYS, NO_LANDLOCK },
    { "landlock_add_rule", SYS_landlock_add_rule, ENOSYS, NO_LANDLOCK },
    { "landlock_restrict_self", SYS_landlock_restrict_self, ENOSYS, NO_LANDLOCK },
    { "seccomp", SYS_seccomp, EPERM, NO_SECCOMP },
};
#define REFUSED (sizeof refused / sizeof *refused)

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct d[2] = { { CONTAINER_CAPS, CONTAINER_CAPS, 0 }, { 0 } };
    if (geteuid() != 0)
        return true;
    for (int cap = 0; cap < 64; cap++)
        if (cap >= 32 || !((CONTAINER_CAPS >> cap) & 1))
            (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    return syscall(SYS_capset, &h, d) == 0;
}

static bool install(unsigned lacks)
{
    struct sock_filter code[2 * REFUSED + 8];
    unsigned short n = 0;
    code[n++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < REFUSED; i++) {
        if (!(refused[i].lacks & lacks))
            continue;
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                 (uint32_t)refused[i].number, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
                                                 SECCOMP_RET_ERRNO | (uint32_t)refused[i].error);
    }
    if (lacks & (CONTAINER | NO_USERNS)) {
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                                                 offsetof(struct seccomp_data, args[0]));
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_NAMESPACES, 0, 1);
        code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog p = { n, code };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p) == 0;
}

static bool become_nobody(void)
{
    return geteuid() != 0 ||
           (setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
            setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0);
}

static unsigned lacking;

bool attack_refused_outside(const char *call)
{
    for (size_t i = 0; i < REFUSED; i++)
        if ((refused[i].lacks & lacking) && strcmp(refused[i].name, call) == 0)
            return true;
    return false;
}

bool attack_surroundings(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        unsigned lacks = known[i].lacks;
        if (strcmp(known[i].name, name) != 0)
            continue;
        lacking = lacks;
        bool ok = (!(lacks & CONTAINER) || drop_capabilities()) &&
                  (!(lacks & NONROOT) || become_nobody()) &&
                  (!(lacks & ~(unsigned)NONROOT) || install(lacks));
        if (!ok)
            perror("cannot make these surroundings");
        return ok;
    }
    (void)fprintf(stderr, "no such surroundings: %s\n", name);
    return false;
}
