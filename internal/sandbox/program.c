#include "sandbox/program.h"

#include "sandbox/program_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Landlock keeps signals and abstract sockets to its own domain from version 6 on. */
#define ABI_OF_SIGNALS 6
#define PROXY_BACKLOG 16

static int join_network(struct nf_setup *s)
{
    if (s->net_ns < 0 || !s->have[NF_LAYER_NAMESPACES])
        return 0;
    return setns(s->net_ns, CLONE_NEWNET) == 0 ? 0 : -errno;
}

/* Who accepts is outside: a socket belongs to the network in which it was made. */
static int listen_for_proxy(struct nf_setup *s)
{
    struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
    const struct sockaddr_in a = { .sin_family = AF_INET,
                                   .sin_port = htons(NF_PROGRAM_PROXY_PORT),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (!nf_program_of(s)->o->proxy)
        return 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0 ||
        bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, PROXY_BACKLOG) != 0)
        return -errno;
    s->listener = fd;
    return 0;
}

/* A jail that stays has nothing but its socket yet. */
static int place(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    const struct nf_program_options *o = p->o;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    int fds[3 + NF_PROGRAM_FDS_MAX + 3] = { null, null, null };
    size_t n = 3;
    if (p->order >= 0) {
        fds[n++] = p->order;
    } else {
        const int given[] = { o->in_fd, o->out_fd, o->err_fd };
        for (size_t i = 0; i < 3; i++)
            fds[i] = given[i] >= 0 ? given[i] : null;
        for (size_t i = 0; i < o->fds_n; i++)
            fds[n++] = o->fds[i];
    }
    fds[n++] = s->ready;
    fds[n++] = s->listener;
    int rc = nf_place_descriptors(fds, n);
    if (rc != 0)
        return rc;
    s->ready = (int)n - 2;
    if (p->order >= 0)
        p->order = s->ready - 1;
    if (s->listener >= 0)
        s->listener = s->ready + 1;
    if (fcntl(s->ready, F_SETFD, FD_CLOEXEC) != 0 ||
        (s->listener >= 0 && fcntl(s->listener, F_SETFD, FD_CLOEXEC) != 0) ||
        (p->order >= 0 && fcntl(p->order, F_SETFD, FD_CLOEXEC) != 0))
        return -errno;
    return 0;
}

/* Before Landlock hides it. */
static int watch_children(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    char path[64];
    p->children = -1;
    if (s->have[NF_LAYER_NAMESPACES])
        return 0;
    (void)snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    p->children = open(path, O_RDONLY | O_CLOEXEC);
    return p->children >= 0 ? 0 : -errno;
}

/* The same for all programs. No limit of address space: V8 and Go reserve far more than they use.
 */
static int limit_any(struct nf_setup *s)
{
    (void)s;
    int rc = nf_limit(RLIMIT_CORE, 0);
    rc = rc ? rc : nf_limit(RLIMIT_NOFILE, NF_PROGRAM_NOFILE);
    rc = rc ? rc : nf_limit(RLIMIT_MEMLOCK, 0);
    return rc ? rc : nf_limit(RLIMIT_MSGQUEUE, 0);
}

static int limit(struct nf_setup *s)
{
    const struct nf_program_options *o = nf_program_of(s)->o;
    int rc = nf_limit(RLIMIT_FSIZE, (uint64_t)o->file_bytes);
    if (rc == 0 && o->cpu_seconds > 0)
        rc = nf_limit(RLIMIT_CPU, (uint64_t)o->cpu_seconds);
    /* It counts a user's processes, so it is for where that user has no others: its own, or in a
     * namespace for users. */
    if (rc == 0 && o->processes > 0 && !s->have[NF_LAYER_CGROUP] && (s->drop_uid || s->user_ns))
        rc = nf_limit(RLIMIT_NPROC, (uint64_t)o->processes + 1);
    return rc;
}

static int filter(struct nf_setup *s)
{
    int rc = nf_filter_install(&s->policy->at[NF_PHASE_TEMPLATE], false);
    return rc < 0 ? rc : 0;
}

static const struct nf_step steps[] = {
    { "open the directories", nf_program_open_sources },
    { "join the empty network", join_network },
    { "listen for the proxy", listen_for_proxy },
    { "become another user", nf_step_user },
    { "begin a session", nf_step_session },
    { "make a root", nf_program_mount_root },
    { "become another user", nf_step_user_late },
    { "place descriptors", place },
    { "watch children", watch_children },
    { "set limits", limit_any },
    { "set limits", limit },
    { "drop capabilities", nf_step_capabilities },
    { "set no_new_privs", nf_step_no_new_privs },
    { "restrict by Landlock", nf_program_landlock },
    { "reset signals", nf_step_signals },
    { "clear the environment", nf_step_environment },
    { "end with the warden", nf_step_with_parent },
    { "filter system calls", filter },
};

/* What a spare has done before it knows the program, and what is left then. */
static const struct nf_step ahead[] = {
    { "join the empty network", join_network },
    { "become another user", nf_step_user },
    { "begin a session", nf_step_session },
    { "drop capabilities to come", nf_step_bounding_set },
    { "make a root", nf_program_begin_root },
    { "place descriptors", place },
    { "watch children", watch_children },
    { "set limits", limit_any },
    { "begin the rules of Landlock", nf_program_begin_landlock },
    { "reset signals", nf_step_signals },
    { "clear the environment", nf_step_environment },
    { "end with the warden", nf_step_with_parent },
};
static const struct nf_step behind[] = {
    { "finish the root", nf_program_finish_root },
    { "become another user", nf_step_user_late },
    { "set limits", limit },
    { "drop capabilities", nf_step_capabilities },
    { "set no_new_privs", nf_step_no_new_privs },
    { "restrict by Landlock", nf_program_landlock },
    { "end with the warden", nf_step_with_parent },
    { "filter system calls", filter },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void close_sources(struct nf_program_setup *p)
{
    close(p->work);
    for (size_t i = 0; i < p->read_only_n; i++)
        close(p->read_only[i]);
}

static int wait_for_program(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    int rc = 0;
    if (!nf_program_take_order(p))
        return 0;
    for (size_t i = 0; rc == 0 && i < COUNT(behind); i++) {
        rc = behind[i].fn(s);
        if (rc != 0)
            nf_clone_tell(s, behind[i].name, -rc);
    }
    if (rc != 0)
        return 1;
    close_sources(p);
    nf_clone_tell(s, "", 0);
    close(s->ready);
    return nf_program_init(s);
}

/* Making a network is most of the price of a jail. An empty one can be shared by programs that have
 * no socket; only root can come back from making it. */
static int shared_network(struct nf_sandbox *sb, bool online)
{
    if (!sb->root || !sb->report.have[NF_LAYER_NAMESPACES] || online)
        return -1;
    if (sb->empty_net >= 0)
        return sb->empty_net;
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (home < 0)
        return -1;
    if (unshare(CLONE_NEWNET) == 0) {
        sb->empty_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        int rc = setns(home, CLONE_NEWNET);
        assert(rc == 0); /* a warden that stays in an empty network would be broken for ever */
    }
    close(home);
    return sb->empty_net;
}

NF_RC nf_program_check(const struct nf_sandbox *sb, const struct nf_program_options *o,
                       struct nf_err *err)
{
    size_t n = 0;
    assert(o->fds_n <= NF_PROGRAM_FDS_MAX && o->slot < NF_JAIL_SLOTS && o->file_bytes >= 0);
    NF_TRY(nf_sandbox_require(sb, NF_LEVEL_L1, err));
    if (o->argv[0][0] != '/' || o->work_dir[0] != '/')
        return nf_err_set(err, NF_E_INVALID, "'%s' in '%s': both must be absolute paths",
                          o->argv[0], o->work_dir);
    for (; o->read_only && o->read_only[n]; n++) {
        if (o->read_only[n][0] != '/')
            return nf_err_set(err, NF_E_INVALID, "'%s' is not an absolute path", o->read_only[n]);
    }
    if (n > NF_PROGRAM_READ_ONLY_MAX)
        return nf_err_set(err, NF_E_LIMIT, "more than %d directories to read",
                          NF_PROGRAM_READ_ONLY_MAX);
    if (!sb->report.have[NF_LAYER_NAMESPACES] && !sb->report.have[NF_LAYER_UID] &&
        sb->report.landlock_abi < ABI_OF_SIGNALS)
        return nf_err_set(err, NF_E_DENIED,
                          "a program could end the daemon by a signal, since it is the same user: "
                          "it needs namespaces or Linux 6.12");
    if (o->proxy && !sb->report.have[NF_LAYER_NAMESPACES])
        return nf_err_set(err, NF_E_DENIED,
                          "a program with a proxy needs namespaces, else it could connect to any "
                          "port of the machine");
    return NF_OK;
}

static NF_RC set_environment(struct nf_program_setup *p, struct nf_err *err)
{
    bool own_root = p->base.have[NF_LAYER_NAMESPACES];
    size_t n = 0;
    (void)snprintf(p->home, sizeof(p->home), "HOME=%s", own_root ? "/work" : p->o->work_dir);
    (void)snprintf(p->tmp, sizeof(p->tmp), "TMPDIR=%s", own_root ? "/tmp" : p->o->work_dir);
    for (const char *const *e = p->o->env; *e; e++) {
        if (strncmp(*e, "HOME=", 5) == 0 || strncmp(*e, "TMPDIR=", 7) == 0)
            continue;
        if (n == NF_PROGRAM_ENV_MAX)
            return nf_err_set(err, NF_E_LIMIT, "more than %d variables for a program",
                              NF_PROGRAM_ENV_MAX);
        p->env[n++] = *e;
    }
    p->env[n++] = p->home;
    p->env[n++] = p->tmp;
    return NF_OK;
}

static struct nf_program_setup setup_of(struct nf_sandbox *sb, const struct nf_program_options *o,
                                        int order)
{
    bool online = o->proxy;
    struct nf_program_setup p = {
        .base = {
            .sandbox = sb,
            .user_ns = sb->report.user_ns,
            .group_memory_bytes = o->memory_bytes,
            .group_processes = o->processes > 0 ? o->processes + 1 : 0, /* and the first process */
            .policy = sb->program[!sb->report.have[NF_LAYER_NAMESPACES] ? NF_BARE
                                  : online                              ? NF_ONLINE
                                                                        : NF_OFFLINE],
            .net_ns = shared_network(sb, online),
        },
        .o = o,
        .ruleset = -1,
        .order = order,
    };
    struct nf_setup *s = &p.base;
    memcpy(s->have, sb->report.have, sizeof(s->have));
    if (s->net_ns >= 0)
        s->user_ns = false; /* it belongs to root, and so must who joins it */
    s->ends_itself = !s->have[NF_LAYER_NAMESPACES] && !s->have[NF_LAYER_CGROUP];
    nf_setup_user(s, o->slot);
    return p;
}

static NF_RC spawn(struct nf_sandbox *sb, const struct nf_program_options *o, int order,
                   struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_failure failed;
    NF_TRY(nf_program_check(sb, o, err));
    struct nf_program_setup p = setup_of(sb, o, order);
    struct nf_setup *s = &p.base;
    NF_TRY(set_environment(&p, err));
    if (s->drop_uid)
        NF_TRY(nf_program_adopt(o->work_dir, s->uid, s->gid, err));
    return nf_clone(s, steps, COUNT(steps), nf_program_init, ret, &failed, err);
}

/* Its user is known when its program is, so that there may be no namespace for users that needs to
 * know it before. */
static NF_RC spawn_spare(struct nf_sandbox *sb, const struct nf_program_options *o, int order,
                         struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_failure failed;
    NF_TRY(nf_sandbox_require(sb, NF_LEVEL_L1, err));
    struct nf_program_setup p = setup_of(sb, o, order);
    struct nf_setup *s = &p.base;
    if (!s->have[NF_LAYER_NAMESPACES] || o->proxy || (s->drop_uid && s->user_ns))
        return nf_err_set(err, NF_E_DENIED, "here a jail for programs cannot be made beforehand");
    s->spare = true;
    p.entered = nf_program_hands_trees(sb);
    NF_TRY(set_environment(&p, err));
    return nf_clone(s, ahead, COUNT(ahead), wait_for_program, ret, &failed, err);
}

NF_RC nf_program_spawn(struct nf_sandbox *sb, const struct nf_program_options *o,
                       struct nf_jail_process *ret, struct nf_err *err)
{
    return spawn(sb, o, -1, ret, err);
}

NF_RC nf_program_adopt_again(const struct nf_sandbox *sb, const struct nf_program_options *o,
                             struct nf_err *err)
{
    struct nf_setup s = { .sandbox = sb };
    memcpy(s.have, sb->report.have, sizeof(s.have));
    nf_setup_user(&s, o->slot);
    return s.drop_uid ? nf_program_adopt(o->work_dir, s.uid, s.gid, err) : NF_OK;
}

/* `spawn_it` with a socket for orders, of which *order is our end. */
static NF_RC keep(struct nf_sandbox *sb, const struct nf_program_options *o,
                  enum nf_code (*spawn_it)(struct nf_sandbox *, const struct nf_program_options *,
                                           int, struct nf_jail_process *, struct nf_err *),
                  struct nf_jail_process *ret, int *order, struct nf_err *err)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "open a socket: %s", strerror(errno));
    enum nf_code rc = spawn_it(sb, o, ends[1], ret, err);
    close(ends[1]);
    if (rc == NF_OK)
        *order = ends[0];
    else
        close(ends[0]);
    return rc;
}

NF_RC nf_program_keep(struct nf_sandbox *sb, const struct nf_program_options *o,
                      struct nf_jail_process *ret, int *order, struct nf_err *err)
{
    return keep(sb, o, spawn, ret, order, err);
}

NF_RC nf_program_spare(struct nf_sandbox *sb, const struct nf_program_options *o,
                       struct nf_jail_process *ret, int *order, struct nf_err *err)
{
    return order ? keep(sb, o, spawn_spare, ret, order, err) : spawn_spare(sb, o, -1, ret, err);
}
