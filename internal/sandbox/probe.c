/*
 * What works here: each layer alone, by the code that later builds the jail, in a process that
 * then tries what the layer forbids. Versions are not asked.
 */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROBE_PROCESSES 1
#define PROBE_SLOT (NF_JAIL_SLOTS - 1)

/* --- inside: 0 if the layer holds, else an exit code that is none of errno ----------------------
 */

#define DOES_NOT_HOLD 100

static int breaks_filter(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    syscall(SYS_personality, 0xffffffff); /* asks, changes nothing; no row of the policy has it */
    return DOES_NOT_HOLD;
}

static int opens_root(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    return fd < 0 && errno == EACCES ? 0 : DOES_NOT_HOLD;
}

/* First of its pids, an empty root, no network but a loopback that is down. */
static int looks_around(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    struct ifreq loopback = { .ifr_name = "lo" };
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    bool empty = getpid() == 1 && access("/proc", F_OK) != 0 && access("/etc", F_OK) != 0;
    bool down = s >= 0 && ioctl(s, SIOCGIFFLAGS, &loopback) == 0 &&
                !(loopback.ifr_flags & IFF_UP) && if_nametoindex("eth0") == 0;
    return empty && down ? 0 : DOES_NOT_HOLD;
}

static int forks_over(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid < 0 && errno == EAGAIN ? 0 : DOES_NOT_HOLD;
}

static int gains_exec(const struct nf_jail *j, void *arg)
{
    (void)j;
    (void)arg;
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED && errno == EACCES ? 0 : DOES_NOT_HOLD;
}

static int is_somebody_else(const struct nf_jail *j, void *arg)
{
    (void)j;
    const struct nf_sandbox *sb = arg;
    return getuid() != 0 && geteuid() != 0 && getgid() != 0 && getuid() != sb->uid &&
                   setresuid(0, 0, 0) != 0
               ? 0
               : DOES_NOT_HOLD;
}

/* --- the warden's side ------------------------------------------------------------------------ */

struct tried {
    struct nf_failure failed; /* of a step; error 0: none */
    int status;               /* of waitpid, if it came so far */
    bool recorded;            /* a violation */
};

static bool exited_well(const struct tried *t)
{
    return t->failed.error == 0 && WIFEXITED(t->status) && WEXITSTATUS(t->status) == 0;
}

/* Run `fn` in a jail of nothing but these layers. */
static NF_RC try_layers(struct nf_sandbox *sb, enum nf_layer a, enum nf_layer b,
                        int (*fn)(const struct nf_jail *j, void *arg), struct tried *ret,
                        struct nf_err *err)
{
    struct nf_sandbox_report kept = sb->report;
    memset(sb->report.have, 0, sizeof(sb->report.have));
    sb->report.have[a] = sb->report.have[b] = true;
    const struct nf_jail_options o = {
        .code_fd = -1,
        .out_fd = -1,
        .slot = PROBE_SLOT,
        .memory_bytes = NF_JAIL_MEMORY_MIN,
        .group_memory_bytes = NF_JAIL_MEMORY_MIN,
        .group_processes = PROBE_PROCESSES,
        .run = fn,
        .arg = sb,
    };
    struct nf_jail_process p = NF_JAIL_PROCESS_NONE;
    *ret = (struct tried){ .status = -1 };
    enum nf_code rc = nf_jail_spawn_failing(sb, &o, &p, &ret->failed, err);
    if (rc == NF_OK)
        rc = nf_clone_wait(&p, NF_PROBE_MS, &ret->failed, err);
    if (rc == NF_OK) {
        struct nf_violation v;
        siginfo_t ended;
        struct pollfd either[] = { { .fd = p.pidfd, .events = POLLIN },
                                   { .fd = p.listener, .events = POLLIN } };
        if (p.listener >= 0 && poll(either, 2, NF_PROBE_MS) > 0)
            ret->recorded =
                nf_violation_take(p.listener, &v, err) == NF_OK && v.number == SYS_personality;
        while (waitid(P_PID, (id_t)p.pid, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR)
            ;
    }
    nf_jail_end(&p, &ret->status);
    sb->report = kept;
    return rc == NF_E_NOMEM ? rc : NF_OK;
}

static void note(struct nf_sandbox *sb, enum nf_layer layer, const struct tried *t, bool holds)
{
    if (holds) {
        sb->report.have[layer] = true;
        return;
    }
    char why[sizeof(sb->report.gaps[0].why)];
    int error = t->failed.error;
    if (error)
        (void)snprintf(why, sizeof(why), "%s: %s", t->failed.step, strerror(error));
    else
        (void)snprintf(why, sizeof(why), "it can be set up here, but forbids nothing");
    nf_report_gap(&sb->report, layer, error, why, nf_fix_for(layer, error));
}

static NF_RC probe_seccomp(struct nf_sandbox *sb, struct nf_err *err)
{
    struct tried t;
    NF_TRY(try_layers(sb, NF_LAYER_SECCOMP, NF_LAYER_SECCOMP, breaks_filter, &t, err));
    note(sb, NF_LAYER_SECCOMP, &t,
         t.failed.error == 0 && WIFSIGNALED(t.status) && WTERMSIG(t.status) == SIGSYS);
    if (!sb->report.have[NF_LAYER_SECCOMP])
        return NF_OK;
    NF_TRY(try_layers(sb, NF_LAYER_SECCOMP, NF_LAYER_NOTIFY, breaks_filter, &t, err));
    note(sb, NF_LAYER_NOTIFY, &t, t.failed.error == 0 && t.recorded && WIFSIGNALED(t.status));
    return NF_OK;
}

static NF_RC probe_user(struct nf_sandbox *sb, struct nf_err *err)
{
    struct tried t;
    if (!sb->root)
        return NF_OK; /* it has one user, which is nobody's gap */
    NF_TRY(try_layers(sb, NF_LAYER_UID, NF_LAYER_UID, is_somebody_else, &t, err));
    if (t.failed.error == EINVAL) {
        sb->other_uid = true;
        NF_TRY(try_layers(sb, NF_LAYER_UID, NF_LAYER_UID, is_somebody_else, &t, err));
    }
    note(sb, NF_LAYER_UID, &t, exited_well(&t));
    return NF_OK;
}

/* With one for users first: root's own namespaces need no such, but a process in it has nothing to
 * lose outside of it. */
static NF_RC probe_namespaces(struct nf_sandbox *sb, struct nf_err *err)
{
    enum nf_layer uid = sb->report.have[NF_LAYER_UID] ? NF_LAYER_UID : NF_LAYER_NAMESPACES;
    struct tried t, second;
    sb->report.user_ns = true;
    NF_TRY(try_layers(sb, NF_LAYER_NAMESPACES, uid, looks_around, &t, err));
    if (!exited_well(&t) && sb->root) {
        sb->report.user_ns = false;
        NF_TRY(try_layers(sb, NF_LAYER_NAMESPACES, uid, looks_around, &second, err));
        if (exited_well(&second))
            t = second;
    }
    note(sb, NF_LAYER_NAMESPACES, &t, exited_well(&t));
    if (!sb->report.have[NF_LAYER_NAMESPACES])
        sb->report.user_ns = false;
    return NF_OK;
}

static NF_RC probe_cgroup(struct nf_sandbox *sb, struct nf_err *err)
{
    struct tried t = { 0 };
    struct nf_err why;
    int error;
    enum nf_code rc = nf_cgroup_base_new(&sb->cgroups, &error, &why);
    if (rc == NF_E_NOMEM)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK) {
        nf_report_gap(&sb->report, NF_LAYER_CGROUP, error, why.msg,
                      nf_fix_for(NF_LAYER_CGROUP, error));
        return NF_OK;
    }
    NF_TRY(try_layers(sb, NF_LAYER_CGROUP, NF_LAYER_CGROUP, forks_over, &t, err));
    note(sb, NF_LAYER_CGROUP, &t, exited_well(&t));
    sb->report.cgroup_version =
        sb->report.have[NF_LAYER_CGROUP] ? nf_cgroup_base_version(sb->cgroups) : 0;
    return NF_OK;
}

NF_RC nf_probe(struct nf_sandbox *sb, struct nf_err *err)
{
    struct tried t;
    sb->report = (struct nf_sandbox_report){ 0 };
    NF_TRY(probe_seccomp(sb, err));
    NF_TRY(try_layers(sb, NF_LAYER_LANDLOCK, NF_LAYER_LANDLOCK, opens_root, &t, err));
    note(sb, NF_LAYER_LANDLOCK, &t, exited_well(&t));
    sb->report.landlock_abi = sb->report.have[NF_LAYER_LANDLOCK] ? nf_landlock_abi() : 0;
    NF_TRY(probe_user(sb, err));
    NF_TRY(probe_namespaces(sb, err));
    NF_TRY(probe_cgroup(sb, err));
    NF_TRY(try_layers(sb, NF_LAYER_MDWE, NF_LAYER_MDWE, gains_exec, &t, err));
    note(sb, NF_LAYER_MDWE, &t, exited_well(&t));
    enum nf_policy_profile p = nf_policy_profile_of(false);
    if (p == NF_PROFILE_PLAIN)
        sb->report.have[NF_LAYER_PLAIN] = true;
    else
        nf_report_gap(&sb->report, NF_LAYER_PLAIN, 0,
                      "built with a sanitizer: the profile 'asan', a wider filter and no limit of "
                      "address space",
                      nf_fix_for(NF_LAYER_PLAIN, 0));
    nf_report_level(&sb->report);
    return NF_OK;
}
