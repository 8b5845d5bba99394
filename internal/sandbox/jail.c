/* The jail of plugins: what a template does to itself, and what its workers do. */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not in Debian 12's header: include/uapi/linux/prctl.h, Linux 6.3. */
#define SET_MDWE 65
#define MDWE_REFUSE_EXEC_GAIN 1UL
#define ROOT_SPARE 16384 /* bytes of the tmpfs besides the plugin */
#define SIGNALS_PENDING 32

/* --- the plugin's bytes ----------------------------------------------------------------------- */

static NF_RC copy_code(const char *path, int from, int to, int64_t max, struct nf_err *err)
{
    struct stat st;
    if (fstat(from, &st) != 0)
        return nf_err_set(err, NF_E_IO, "read '%s': %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return nf_err_set(err, NF_E_INVALID, "'%s' is not a file", path);
    if (st.st_size > max)
        return nf_err_set(err, NF_E_LIMIT, "'%s' has %lld bytes, the limit is %lld", path,
                          (long long)st.st_size, (long long)max);
    off_t at = 0;
    while (at < st.st_size) {
        ssize_t n = sendfile(to, from, &at, (size_t)(st.st_size - at));
        if (n <= 0)
            return nf_err_set(err, NF_E_IO, "read '%s': %s", path,
                              n == 0 ? "it became shorter" : strerror(errno));
    }
    return NF_OK;
}

NF_RC nf_code_seal(const char *path, int64_t max, int *ret, struct nf_err *err)
{
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (from < 0)
        return nf_err_set(err, errno == ENOENT || errno == ENOTDIR ? NF_E_NOT_FOUND : NF_E_IO,
                          "open '%s': %s", path, strerror(errno));
    int to = memfd_create("plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    enum nf_code rc = NF_OK;
    if (to < 0)
        rc = nf_err_set(err, NF_E_IO, "make memory for '%s': %s", path, strerror(errno));
    else
        rc = copy_code(path, from, to, max, err);
    if (rc == NF_OK &&
        fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        rc = nf_err_set(err, NF_E_IO, "seal '%s': %s", path, strerror(errno));
    close(from);
    if (rc == NF_OK)
        *ret = to;
    else if (to >= 0)
        close(to);
    return rc;
}

/* --- steps ------------------------------------------------------------------------------------ */

/* 0 is /dev/null, 1 and 2 the log, then what the host handed in, the plugin, our socket. */
static int place(struct nf_setup *s)
{
    const struct nf_jail_options *o = s->jail;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return -errno;
    int log = o->out_fd >= 0 ? o->out_fd : null;
    int fds[3 + NF_JAIL_FDS_MAX + 2] = { null, log, log };
    size_t n = 3;
    for (size_t i = 0; i < o->fds_n; i++)
        fds[n++] = o->fds[i];
    fds[n++] = o->code_fd;
    fds[n++] = s->ready;
    int rc = nf_place_descriptors(fds, n);
    if (rc != 0)
        return rc;
    s->ready = (int)n - 1;
    if (s->spare)
        return nf_spare_put_aside(&s->ready, NF_SPARE_ORDER_FD);
    if (o->code_fd < 0)
        return 0;
    /* Out of the way of what workers put in place. */
    if (dup3((int)n - 2, NF_JAIL_CODE_FD, 0) < 0)
        return -errno;
    s->code = NF_JAIL_CODE_FD;
    return close((int)n - 2) == 0 ? 0 : -errno;
}

static int write_plugin(const struct nf_setup *s, off_t size)
{
    int to = open("plugin.so", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (to < 0)
        return -errno;
    off_t at = 0;
    int rc = 0;
    while (rc == 0 && at < size) {
        ssize_t n = sendfile(to, s->code, &at, (size_t)(size - at));
        rc = n > 0 ? 0 : n < 0 ? -errno : -EIO;
    }
    close(to);
    return rc;
}

/* A root that holds the plugin and nothing else, read-only. */
static int mount_root(struct nf_setup *s)
{
    if (!s->have[NF_LAYER_NAMESPACES])
        return 0;
    if (s->spare)
        return nf_spare_mount_root(s);
    struct stat st = { 0 };
    if (s->jail->code_fd >= 0 && fstat(s->code, &st) != 0)
        return -errno;
    char options[64];
    (void)snprintf(options, sizeof(options), "size=%lld,nr_inodes=4,mode=755",
                   (long long)st.st_size + ROOT_SPARE);
    const char *dir = nf_mount_tmpfs(NULL, options);
    if (!dir || chdir(dir) != 0)
        return -errno;
    int rc = s->jail->code_fd >= 0 ? write_plugin(s, st.st_size) : 0;
    if (rc == 0 && mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
        rc = -errno;
    return rc ? rc : nf_enter_root(".");
}

/* Without a root of its own the plugin stays a descriptor, which Landlock lets through: it guards
 * files that a path leads to, and no path leads to a memfd. */
static int name_plugin(struct nf_setup *s)
{
    bool given = s->jail->code_fd >= 0 && !s->spare;
    if (s->have[NF_LAYER_NAMESPACES] || !(given || s->spare)) {
        (void)snprintf(s->plugin, sizeof(s->plugin), "/plugin.so");
        if (given)
            close(s->code);
    } else {
        (void)snprintf(s->plugin, sizeof(s->plugin), "/proc/self/fd/%d", NF_JAIL_CODE_FD);
    }
    return 0;
}

int nf_limit_memory(const struct nf_setup *s, int64_t memory_bytes)
{
    /* A sanitizer's shadow is terabytes of address space, of which it uses little. */
    return s->have[NF_LAYER_PLAIN] ? nf_limit(RLIMIT_AS, s->mapped_bytes + (uint64_t)memory_bytes)
                                   : 0;
}

static int limit(struct nf_setup *s)
{
    const struct {
        int resource;
        uint64_t value;
    } limits[] = {
        { RLIMIT_CORE, 0 },
        { RLIMIT_FSIZE, s->spare ? (uint64_t)NF_JAIL_CODE_MAX : 0 }, /* until it has a plugin */
        { RLIMIT_MEMLOCK, 0 },
        { RLIMIT_MSGQUEUE, 0 },
        { RLIMIT_NOFILE, NF_JAIL_NOFILE },
        { RLIMIT_SIGPENDING, SIGNALS_PENDING },
        { RLIMIT_STACK, NF_JAIL_STACK_BYTES },
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(limits) / sizeof(limits[0]); i++)
        rc = nf_limit(limits[i].resource, limits[i].value);
    return rc || s->spare ? rc : nf_limit_memory(s, s->jail->memory_bytes);
}

static int refuse_exec_gain(struct nf_setup *s)
{
    if (!s->have[NF_LAYER_MDWE])
        return 0;
    return prctl(SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 ? 0 : -errno;
}

static int hide(struct nf_setup *s)
{
    (void)s;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : -errno;
}

static int landlock(struct nf_setup *s)
{
    const struct nf_land_rule plugin = { .path = "/plugin.so", .may = NF_LAND_READ };
    if (!s->have[NF_LAYER_LANDLOCK])
        return 0;
    return nf_landlock_restrict(&plugin, s->have[NF_LAYER_NAMESPACES] ? 1 : 0);
}

static int filter(struct nf_setup *s)
{
    if (!s->have[NF_LAYER_SECCOMP])
        return 0;
    int rc = nf_filter_install(&s->policy->at[NF_PHASE_TEMPLATE], s->have[NF_LAYER_NOTIFY]);
    if (rc >= 0 && s->have[NF_LAYER_NOTIFY])
        s->listener = rc;
    return rc < 0 ? rc : 0;
}

static const struct nf_step steps[] = {
    { "place descriptors", place },
    { "become another user", nf_step_user },
    /* No session of its own: a terminal is out of reach of who has no ioctl, and with
     * sched_autogroup a session is a group of the scheduler, to switch into which costs a sixth of
     * a call (measured: 3.2 us instead of 2.75). */
    { "name the host", nf_step_name },
    { "make an empty root", mount_root },
    { "become another user", nf_step_user_late },
    { "name the plugin", name_plugin },
    { "set limits", limit },
    { "drop capabilities", nf_step_capabilities },
    { "set no_new_privs", nf_step_no_new_privs },
    { "refuse executable memory", refuse_exec_gain },
    { "hide from others", hide },
    { "restrict by Landlock", landlock },
    { "reset signals", nf_step_signals },
    { "clear the environment", nf_step_environment },
    { "end with the warden", nf_step_with_parent },
    { "filter system calls", filter },
};

/* --- spawn ------------------------------------------------------------------------------------ */

int nf_template_run(struct nf_setup *s, int64_t memory_bytes, void *arg)
{
    const struct nf_jail j = {
        .profile = s->jail->profile,
        .level = s->sandbox->report.level,
        .plugin = s->plugin,
        .seccomp = s->have[NF_LAYER_SECCOMP],
        .policy = s->policy,
        .memory_bytes = memory_bytes,
    };
    return s->jail->run(&j, arg);
}

static int run_template(struct nf_setup *s)
{
    return nf_template_run(s, s->jail->memory_bytes, s->jail->arg);
}

/* Of this process, which the new one copies: /proc/self/statm begins with it, in pages. */
static size_t mapped_bytes(void)
{
    char text[32] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0)
        close(fd);
    unsigned long pages = n > 0 ? strtoul(text, NULL, 10) : 0;
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static NF_RC spawn(struct nf_sandbox *sb, const struct nf_jail_options *o, bool spare,
                   struct nf_jail_process *ret, struct nf_failure *failed, struct nf_err *err)
{
    assert(o->fds_n <= NF_JAIL_FDS_MAX && o->slot < NF_JAIL_SLOTS && o->run &&
           o->memory_bytes >= NF_JAIL_MEMORY_MIN);
    struct nf_setup s = {
        .sandbox = sb,
        .user_ns = sb->report.user_ns,
        .net_ns = -1,
        .spare = spare,
        .plugin_fd = -1,
        .jail = o,
        .mapped_bytes = mapped_bytes(),
        .group_memory_bytes = o->group_memory_bytes,
        .group_processes = o->group_processes,
        .policy = sb->plugin[o->profile == NF_JAIL_THREADS][sb->report.have[NF_LAYER_NOTIFY]],
    };
    memcpy(s.have, sb->report.have, sizeof(s.have));
    nf_setup_user(&s, o->slot);
    return nf_clone(&s, steps, sizeof(steps) / sizeof(steps[0]),
                    spare ? nf_spare_wait : run_template, ret, failed, err);
}

NF_RC nf_jail_spawn_failing(struct nf_sandbox *sb, const struct nf_jail_options *o,
                            struct nf_jail_process *ret, struct nf_failure *failed,
                            struct nf_err *err)
{
    return spawn(sb, o, false, ret, failed, err);
}

/* With RLIMIT_FSIZE 0 a write to a file ends the process (SIGXFSZ), also that of a last message. */
NF_RC nf_jail_check_descriptors(const struct nf_jail_options *o, struct nf_err *err)
{
    for (size_t i = 0; i <= o->fds_n; i++) {
        int fd = i < o->fds_n ? o->fds[i] : o->out_fd;
        struct stat st;
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
            return nf_err_set(err, NF_E_INVALID,
                              "descriptor %d for a sandbox is a file: it must be a pipe or socket",
                              fd);
    }
    return NF_OK;
}

NF_RC nf_jail_spawn(struct nf_sandbox *sb, const struct nf_jail_options *o,
                    struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_failure failed;
    NF_TRY(nf_sandbox_require(sb, NF_LEVEL_L0_5, err));
    NF_TRY(nf_jail_check_descriptors(o, err));
    return nf_jail_spawn_failing(sb, o, ret, &failed, err);
}

NF_RC nf_jail_spare(struct nf_sandbox *sb, const struct nf_jail_options *o,
                    struct nf_jail_process *ret, struct nf_err *err)
{
    struct nf_failure failed;
    NF_TRY(nf_sandbox_require(sb, NF_LEVEL_L0_5, err));
    struct nf_jail_options blank = *o;
    blank.code_fd = blank.out_fd = -1;
    blank.fds_n = 0;
    return spawn(sb, &blank, true, ret, &failed, err);
}
