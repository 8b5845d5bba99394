/* What every jail does to itself, step by step. Runs in the new process. */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW_FDS 64 /* targets are below it, sources are moved above it first */

extern char **environ;

static int rc_of(long rc)
{
    return rc < 0 ? -errno : 0;
}

/* --- user ------------------------------------------------------------------------------------- */

void nf_setup_user(struct nf_setup *s, unsigned slot)
{
    const struct nf_sandbox *sb = s->sandbox;
    s->uid = sb->uid;
    s->gid = sb->gid;
    s->drop_uid = s->have[NF_LAYER_UID];
    if (s->drop_uid)
        s->uid = s->gid = sb->other_uid ? NF_JAIL_UID_OTHER : NF_JAIL_UID_FIRST + slot;
}

/* By number, past the C library, which would have all threads follow. */
static int become(const struct nf_setup *s)
{
    if (s->drop_uid && syscall(SYS_setgroups, 0, NULL) != 0)
        return -errno;
    if (syscall(SYS_setresgid, s->gid, s->gid, s->gid) != 0)
        return -errno;
    return rc_of(syscall(SYS_setresuid, s->uid, s->uid, s->uid));
}

/* What is out of it does not come back, so that once is enough. */
static void drop_bounding_set(struct nf_setup *s)
{
    int have;
    bool all = true;
    if (s->bounded)
        return;
    for (unsigned long cap = 0; (have = prctl(PR_CAPBSET_READ, cap, 0, 0, 0)) >= 0; cap++)
        all = (!have || prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) && all;
    s->bounded = all;
}

/* Before anything is mounted: a tmpfs cannot give a file to a user that is not mapped (EOVERFLOW).
 * The capabilities within the new namespace survive this. */
int nf_step_user(struct nf_setup *s)
{
    return s->user_ns ? become(s) : 0;
}

int nf_step_user_late(struct nf_setup *s)
{
    if (!s->drop_uid || s->user_ns)
        return 0;
    drop_bounding_set(s); /* another user may not */
    return become(s);
}

int nf_step_name(struct nf_setup *s)
{
    static const char name[] = "skill";
    return s->have[NF_LAYER_NAMESPACES] ? rc_of(sethostname(name, sizeof(name) - 1)) : 0;
}

int nf_step_session(struct nf_setup *s)
{
    if (setsid() < 0 && errno != EPERM) /* a leader already: the first of a pid namespace */
        return -errno;
    return nf_step_name(s);
}

/* --- files ------------------------------------------------------------------------------------ */

const char *nf_mount_tmpfs(const char *place, const char *options)
{
    static const char *const places[] = { "/tmp", "/run", "/dev", "/proc", "/mnt" };
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return NULL;
    if (place)
        return mount("nexflow", place, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ? place : NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (mount("nexflow", places[i], "tmpfs", MS_NOSUID | MS_NODEV, options) == 0)
            return places[i];
        if (errno != ENOENT)
            return NULL;
    }
    return NULL;
}

/* Both names "." : the old root comes to lie on top of the new one, and is taken off. */
int nf_enter_root(const char *dir)
{
    if (chdir(dir) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return -errno;
    return 0;
}

int nf_place_descriptors(const int *fds, size_t n)
{
    int above[LOW_FDS];
    if (n > LOW_FDS)
        return -EMFILE;
    for (size_t i = 0; i < n; i++) {
        above[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD, LOW_FDS);
        if (fds[i] >= 0 && above[i] < 0)
            return -errno;
    }
    for (size_t i = 0; i < n; i++) {
        if (above[i] < 0)
            close((int)i);
        else if (dup3(above[i], (int)i, 0) < 0)
            return -errno;
    }
    if (close_range((unsigned)n, ~0u, 0) == 0)
        return 0;
    for (int fd = (int)n; fd < (int)sysconf(_SC_OPEN_MAX); fd++) /* before Linux 5.9 */
        close(fd);
    return 0;
}

/* --- rights ----------------------------------------------------------------------------------- */

int nf_limit(int resource, uint64_t value)
{
    struct rlimit have, want = { .rlim_cur = value, .rlim_max = value };
    /* What is lower already stays: raising it is for the privileged. */
    if (value > 0 && getrlimit((__rlimit_resource_t)resource, &have) == 0 && have.rlim_max < value)
        want = (struct rlimit){ have.rlim_max, have.rlim_max };
    return rc_of(setrlimit((__rlimit_resource_t)resource, &want));
}

int nf_step_bounding_set(struct nf_setup *s)
{
    drop_bounding_set(s);
    return 0;
}

/* None, and none to come: out of the bounding set, too, where we may. */
int nf_step_capabilities(struct nf_setup *s)
{
    drop_bounding_set(s);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0 } };
    return rc_of(syscall(SYS_capset, &head, none));
}

int nf_step_no_new_privs(struct nf_setup *s)
{
    (void)s;
    return rc_of(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/* Wiped, too: the strings lie on the first stack, where anybody in here can read them. */
int nf_step_environment(struct nf_setup *s)
{
    (void)s;
    for (char **e = environ; e && *e; e++)
        explicit_bzero(*e, strlen(*e));
    return clearenv() == 0 ? 0 : -ENOMEM;
}

int nf_step_signals(struct nf_setup *s)
{
    (void)s;
    sigset_t none;
    for (int sig = 1; sig < NSIG; sig++)
        (void)signal(sig, SIG_DFL); /* fails for some, which have no other */
    sigemptyset(&none);
    return rc_of(sigprocmask(SIG_SETMASK, &none, NULL));
}

/* A change of user forgets it, so this comes after. */
int nf_step_with_parent(struct nf_setup *s)
{
    (void)s;
    return rc_of(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}
