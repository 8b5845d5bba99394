/* What a worker does to itself, and what is seen of it if it does something else. */
#include "sandbox/impl.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's structs may grow (seccomp_unotify(2), SECCOMP_GET_NOTIF_SIZES): room for that. */
#define GROWTH 256

static NF_RC worker_failed(const char *what, int rc, struct nf_err *err)
{
    return nf_err_set(err, NF_E_INTERNAL, "jail a worker: %s: %s", what, strerror(-rc));
}

static NF_RC narrow(const struct nf_jail *j, enum nf_phase phase, struct nf_err *err)
{
    int rc = j->seccomp ? nf_filter_install(&j->policy->at[phase], false) : 0;
    return rc < 0 ? worker_failed("filter system calls", rc, err) : NF_OK;
}

/* First SIGXCPU, which says why; a second later SIGKILL for whoever has blocked that
 * (setrlimit(2)). */
static int limit_cpu(uint64_t seconds)
{
    struct rlimit l;
    int rc = nf_limit(RLIMIT_CPU, seconds + 1);
    if (rc != 0 || getrlimit(RLIMIT_CPU, &l) != 0 || l.rlim_max <= seconds)
        return rc;
    l.rlim_cur = seconds;
    return setrlimit(RLIMIT_CPU, &l) == 0 ? 0 : -errno;
}

NF_RC nf_worker_enter(const struct nf_jail *j, int64_t cpu_seconds, struct nf_err *err)
{
    int rc = nf_step_with_parent(NULL);
    if (rc == 0 && cpu_seconds > 0)
        rc = limit_cpu((uint64_t)cpu_seconds);
    /* Threads count as processes. The limit does not bind root, the filter does. */
    if (rc == 0 && j->profile == NF_JAIL_PLAIN)
        rc = nf_limit(RLIMIT_NPROC, 0);
    if (rc != 0)
        return worker_failed("set limits", rc, err);
    return narrow(j, NF_PHASE_LOADER, err);
}

NF_RC nf_worker_lock(const struct nf_jail *j, struct nf_err *err)
{
    (void)close(NF_JAIL_CODE_FD); /* if it is there */
    return narrow(j, NF_PHASE_RUN, err);
}

/* --- violations ------------------------------------------------------------------------------- */

/* The notification says who, and its id whether that number still is who it was. */
static void kill_violator(int listener, const struct seccomp_notif *n)
{
    int pidfd = n->pid > 0 ? (int)syscall(SYS_pidfd_open, (pid_t)n->pid, 0) : -1;
    if (pidfd < 0)
        return;
    uint64_t id = n->id;
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    close(pidfd);
}

NF_RC nf_violation_take(int listener, struct nf_violation *ret, struct nf_err *err)
{
    union {
        struct seccomp_notif n;
        char room[sizeof(struct seccomp_notif) + GROWTH];
    } in;
    struct pollfd p = { .fd = listener, .events = POLLIN };
    if (poll(&p, 1, 0) == 1 && !(p.revents & POLLIN))
        return nf_err_set(err, NF_E_CANCELED, "nobody is left who could violate");
    if (!(p.revents & POLLIN))
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no violation");
    memset(&in, 0, sizeof(in)); /* else EINVAL */
    int rc;
    while ((rc = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &in)) != 0 && errno == EINTR)
        ;
    if (rc != 0 && errno == ENOENT)
        return nf_err_set(err, NF_E_NOT_FOUND, "the process has ended meanwhile");
    if (rc != 0)
        return nf_err_set(err, NF_E_CANCELED, "read a violation: %s", strerror(errno));
    kill_violator(listener, &in.n);
    *ret = (struct nf_violation){ .pid = (pid_t)in.n.pid,
                                  .number = in.n.data.nr,
                                  .ip = in.n.data.instruction_pointer };
    memcpy(ret->args, in.n.data.args, sizeof(ret->args));
    nf_syscall_name(NF_ARCH_NATIVE, in.n.data.nr, ret->name, sizeof(ret->name));
    return NF_OK;
}
