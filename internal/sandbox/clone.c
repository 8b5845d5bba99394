/*
 * Processes in namespaces and control groups. The new process waits until its user is mapped and
 * it is in its group, does its steps, and says how that went; the listener for violations comes
 * with that message.
 */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
/* linux/sched.h has it as 64 bits, which glibc's header hides (Linux 5.7). */
#define INTO_CGROUP UINT64_C(0x200000000)
#define FAILED_STATUS 125
#define END_MS 2500 /* for a process that ends what it has started */

struct message {
    int error; /* 0: it is jailed */
    char step[32];
};

/* --- inside ----------------------------------------------------------------------------------- */

static void send_message(const struct nf_setup *s, const struct message *m)
{
    (void)nf_beside_send(s->ready, m, sizeof(*m), &s->listener, s->listener >= 0 ? 1 : 0);
}

void nf_clone_tell(const struct nf_setup *s, const char *step, int error)
{
    struct message m = { .error = error };
    (void)snprintf(m.step, sizeof(m.step), "%s", step);
    send_message(s, &m);
}

static _Noreturn void give_up(const struct nf_setup *s, const char *step, int error)
{
    nf_clone_tell(s, step, error);
    _exit(FAILED_STATUS);
}

/* `group`: to join; NULL: none, or it was born there. */
static _Noreturn void inside(struct nf_setup *s, const struct nf_cgroup *group,
                             const struct nf_step *steps, size_t n, int (*then)(struct nf_setup *s))
{
    char go;
    int rc = group ? nf_cgroup_join(group) : 0;
    if (rc != 0)
        give_up(s, "join the control group", -rc);
    if (s->have[NF_LAYER_NAMESPACES] && s->user_ns && read(s->ready, &go, 1) != 1)
        _exit(FAILED_STATUS); /* the warden has gone */
    for (size_t i = 0; i < n; i++) {
        rc = steps[i].fn(s);
        if (rc != 0)
            give_up(s, steps[i].name, -rc);
    }
    nf_clone_tell(s, "", 0);
    if (s->listener >= 0)
        close(s->listener);
    s->listener = -1;
    if (!s->spare)
        close(s->ready);
    _exit(then(s));
}

/* --- the warden's side ------------------------------------------------------------------------ */

static int put_proc(pid_t pid, const char *file, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* One user, itself. Who is not privileged has to give up setgroups first (user_namespaces(7)). */
static int map_user(const struct nf_setup *s, pid_t pid)
{
    char text[64];
    int rc = s->drop_uid ? 0 : put_proc(pid, "setgroups", "deny");
    (void)snprintf(text, sizeof(text), "%u %u 1", s->uid, s->uid);
    rc = rc ? rc : put_proc(pid, "uid_map", text);
    (void)snprintf(text, sizeof(text), "%u %u 1", s->gid, s->gid);
    return rc ? rc : put_proc(pid, "gid_map", text);
}

/* *born: in its control group already. */
static pid_t clone_process(const struct nf_setup *s, const struct nf_jail_process *p, int *pidfd,
                           bool *born)
{
    uint64_t flags = CLONE_PIDFD;
    if (s->have[NF_LAYER_NAMESPACES])
        flags |= NAMESPACES | (s->user_ns ? (uint64_t)CLONE_NEWUSER : 0) |
                 (s->net_ns < 0 ? (uint64_t)CLONE_NEWNET : 0);
    int group = p->cgroup ? nf_cgroup_fd(p->cgroup) : -1;
    *born = group >= 0;
    struct clone_args args = {
        .flags = flags | (group >= 0 ? INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = (__u64)(group >= 0 ? group : 0),
    };
    long pid = syscall(SYS_clone3, &args, sizeof(args));
    /* Container runtimes refuse clone3 like this, since its arguments escape their filters. */
    if (pid < 0 && errno == ENOSYS) {
        *born = false;
        pid = syscall(SYS_clone, flags | SIGCHLD, NULL, pidfd, NULL, NULL);
    }
    return (pid_t)pid;
}

static NF_RC fail(struct nf_failure *failed, const char *step, int error, struct nf_err *err)
{
    failed->error = error;
    (void)snprintf(failed->step, sizeof(failed->step), "%s", step);
    return nf_err_set(err, NF_E_UNAVAILABLE, "start a sandbox: %s: %s", step, strerror(error));
}

/* The files of a process that is not dumpable belong to root, also those for its maps. */
static int set_dumpable(int value)
{
    int was = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
    if (was != value)
        prctl(PR_SET_DUMPABLE, value, 0, 0, 0);
    return was;
}

NF_RC nf_clone(struct nf_setup *s, const struct nf_step *steps, size_t n,
               int (*then)(struct nf_setup *s), struct nf_jail_process *ret,
               struct nf_failure *failed, struct nf_err *err)
{
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    int ends[2], error;
    if (s->have[NF_LAYER_CGROUP] &&
        nf_cgroup_new(s->sandbox->cgroups, s->group_memory_bytes, s->group_processes, &p.cgroup,
                      &error, err) != NF_OK)
        return fail(failed, "make a control group", error, err);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        error = errno;
        nf_cgroup_free(p.cgroup);
        return fail(failed, "open a socket", error, err);
    }
    s->listener = -1;
    s->ready = ends[1];
    p.ends_itself = s->ends_itself;
    p.spare = s->spare;
    int was = set_dumpable(1);
    bool born;
    p.pid = clone_process(s, &p, &p.pidfd, &born);
    error = errno;
    if (p.pid == 0) {
        close(ends[0]);
        inside(s, born ? NULL : p.cgroup, steps, n, then);
    }
    close(ends[1]);
    p.ready_fd = ends[0];
    int rc = p.pid < 0 ? -error : 0;
    bool maps = s->have[NF_LAYER_NAMESPACES] && s->user_ns;
    if (rc == 0 && maps) {
        rc = map_user(s, p.pid);
        (void)!send(p.ready_fd, "g", 1, MSG_NOSIGNAL); /* if it has gone, waiting will tell */
    }
    set_dumpable(was);
    if (rc == 0) {
        *ret = p;
        return NF_OK;
    }
    const char *step = p.pid < 0 ? "make a process in namespaces" : "map the user";
    nf_jail_end(&p, NULL);
    return fail(failed, step, -rc, err);
}

NF_RC nf_clone_wait(struct nf_jail_process *p, int ms, struct nf_failure *failed,
                    struct nf_err *err)
{
    struct pollfd ready = { .fd = p->ready_fd, .events = POLLIN };
    int polled;
    while ((polled = poll(&ready, 1, ms)) < 0 && errno == EINTR)
        ;
    if (polled == 0) {
        failed->error = ETIMEDOUT;
        return nf_err_set(err, NF_E_TIMEOUT, "a sandbox was not ready after %d ms", ms);
    }
    struct message m = { 0 };
    size_t fds_n;
    int listener;
    ssize_t got = nf_beside_recv(p->ready_fd, &m, sizeof(m), &listener, 1, &fds_n,
                                 MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (fds_n == 1)
        p->listener = listener;
    if (p->spare)
        p->order_fd = p->ready_fd;
    else
        close(p->ready_fd);
    p->ready_fd = -1;
    if (got != (ssize_t)sizeof(m))
        return fail(failed, "it ended before it was ready", ECHILD, err);
    m.step[sizeof(m.step) - 1] = '\0';
    return m.error == 0 ? NF_OK : fail(failed, m.step, m.error, err);
}

NF_RC nf_jail_wait(struct nf_jail_process *p, int ms, struct nf_err *err)
{
    struct nf_failure failed = { 0 };
    return nf_clone_wait(p, ms, &failed, err);
}

static void release(struct nf_jail_process *p)
{
    int *fds[] = { &p->pidfd, &p->ready_fd, &p->order_fd, &p->listener };
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
    }
    nf_cgroup_free(p->cgroup);
    *p = NF_JAIL_PROCESS_NONE;
}

void nf_jail_end(struct nf_jail_process *p, int *status)
{
    int st = -1;
    if (p->pid > 0) {
        if (p->ends_itself) {
            struct pollfd gone = { .fd = p->pidfd, .events = POLLIN };
            syscall(SYS_pidfd_send_signal, p->pidfd, SIGTERM, NULL, 0);
            poll(&gone, 1, END_MS);
        }
        syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0);
        if (p->cgroup)
            nf_cgroup_kill(p->cgroup);
        while (waitpid(p->pid, &st, 0) < 0 && errno == EINTR)
            ;
        release(p);
    } else if (p->cgroup || p->ready_fd > 0) { /* half made */
        p->pidfd = -1;
        release(p);
    }
    if (status)
        *status = st;
}

void nf_jail_end_reaped(struct nf_jail_process *p)
{
    if (p->pid <= 0)
        return;
    if (p->cgroup)
        nf_cgroup_kill(p->cgroup);
    release(p);
}
