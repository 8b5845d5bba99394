/*
 * A spare: a template's process that is in its jail before anybody knows which plugin will be in
 * it. All that takes long is done then (namespaces, a root, Landlock, the filter); what is left is
 * to fill the one file of its root, lower what depends on the plugin, and put descriptors in place.
 */
#include "sandbox/impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT_SPARE 16384              /* bytes of the tmpfs besides the plugin */
#define FDS_MAX (NF_JAIL_FDS_MAX + 2) /* of an order: what the host hands in, log, plugin */
#define FIRST_FD 3                    /* that an order's descriptors get */

struct order {
    int64_t memory_bytes;
    uint32_t fds_n, arg_n;
    uint32_t has_log,
        has_code; /* 0 or 1: such a descriptor comes behind the others, in this order */
    _Alignas(max_align_t) char arg[NF_JAIL_ARG_MAX];
};

/* --- on the way into the jail ----------------------------------------------------------------- */

int nf_spare_put_aside(int *fd, int to)
{
    int from = *fd;
    if (from == to)
        return 0;
    if (dup3(from, to, O_CLOEXEC) < 0)
        return -errno;
    close(from);
    *fd = to;
    return 0;
}

/* The root is a second mount of what it holds, and only that one is read-only: the file can be
 * written by the descriptor, which is of the first, and by nothing else, since the first is gone
 * from sight with the old root. */
int nf_spare_mount_root(struct nf_setup *s)
{
    char options[64];
    (void)snprintf(options, sizeof(options), "size=%lld,nr_inodes=4,mode=755",
                   (long long)NF_JAIL_CODE_MAX + ROOT_SPARE);
    const char *dir = nf_mount_tmpfs(NULL, options);
    if (!dir || chdir(dir) != 0)
        return -errno;
    s->plugin_fd = open("plugin.so", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
    if (s->plugin_fd < 0 || mount(dir, dir, NULL, MS_BIND, NULL) != 0 || chdir(dir) != 0 ||
        mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) != 0)
        return -errno;
    int rc = nf_spare_put_aside(&s->plugin_fd, NF_SPARE_PLUGIN_FD);
    return rc ? rc : nf_enter_root(".");
}

/* --- in it ------------------------------------------------------------------------------------ */

static bool take_order(int from, struct order *o, int fds[FDS_MAX], size_t *n)
{
    ssize_t got;
    while ((got = nf_beside_recv(from, o, sizeof(*o), fds, FDS_MAX, n, 0)) < 0 && errno == EINTR)
        ;
    if (got != (ssize_t)sizeof(*o) || o->fds_n > NF_JAIL_FDS_MAX || o->arg_n > sizeof(o->arg))
        return false; /* the warden has gone, or has no use for it */
    return *n == o->fds_n + o->has_log + o->has_code;
}

static int copy_plugin(int from, int to)
{
    struct stat st;
    if (fstat(from, &st) != 0)
        return -errno;
    size_t size = (size_t)st.st_size;
    if (size == 0)
        return 0;
    char *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, from, 0);
    if (bytes == MAP_FAILED)
        return -errno;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < size;) {
        ssize_t n = write(to, bytes + at, size - at);
        rc = n > 0 ? 0 : n < 0 ? -errno : -EIO;
        at += n > 0 ? (size_t)n : 0;
    }
    munmap(bytes, size);
    return rc;
}

static int take_plugin(struct nf_setup *s, int code)
{
    if (!s->have[NF_LAYER_NAMESPACES])
        return nf_spare_put_aside(&code, NF_JAIL_CODE_FD);
    int rc = copy_plugin(code, s->plugin_fd);
    close(code);
    return rc;
}

/* What came has the numbers from FIRST_FD on, where nothing else is, and is where it belongs. */
static int put_in_place(const struct order *o, const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fds[i] != FIRST_FD + (int)i)
            return -EBADF;
    }
    int log = o->has_log ? fds[o->fds_n] : 0;
    if (dup3(log, 1, 0) < 0 || dup3(log, 2, 0) < 0)
        return -errno;
    if (o->has_log)
        close(log);
    return 0;
}

static int become_template(struct nf_setup *s, const struct order *o, const int *fds, size_t n)
{
    int rc = put_in_place(o, fds, n);
    if (rc == 0 && o->has_code)
        rc = take_plugin(s, fds[n - 1]);
    if (s->plugin_fd >= 0)
        close(s->plugin_fd);
    s->plugin_fd = -1;
    rc = rc ? rc : nf_limit(RLIMIT_FSIZE, 0);
    return rc ? rc : nf_limit_memory(s, o->memory_bytes);
}

int nf_spare_wait(struct nf_setup *s)
{
    struct order o = { 0 };
    int fds[FDS_MAX] = { 0 };
    size_t n;
    if (!take_order(s->ready, &o, fds, &n))
        return 0;
    int rc = become_template(s, &o, fds, n);
    nf_clone_tell(s, "fill a spare", -rc);
    close(s->ready);
    return rc ? 1 : nf_template_run(s, o.memory_bytes, o.arg);
}

/* --- the warden's side ------------------------------------------------------------------------ */

bool nf_jail_spare_fits(const struct nf_jail_options *o)
{
    struct stat st;
    return o->profile == NF_JAIL_PLAIN && o->arg_n <= NF_JAIL_ARG_MAX && o->code_fd >= 0 &&
           fstat(o->code_fd, &st) == 0 && st.st_size <= NF_JAIL_CODE_MAX;
}

static size_t gather(const struct nf_jail_options *o, struct order *order, int fds[FDS_MAX])
{
    size_t n = o->fds_n;
    *order = (struct order){ .memory_bytes = o->memory_bytes,
                             .fds_n = (uint32_t)o->fds_n,
                             .arg_n = (uint32_t)o->arg_n,
                             .has_log = o->out_fd >= 0,
                             .has_code = 1 };
    if (o->arg_n > 0)
        memcpy(order->arg, o->arg, o->arg_n);
    if (n > 0)
        memcpy(fds, o->fds, n * sizeof(int));
    if (order->has_log)
        fds[n++] = o->out_fd;
    fds[n++] = o->code_fd;
    return n;
}

NF_RC nf_jail_use(const struct nf_jail_options *o, struct nf_jail_process *p, struct nf_err *err)
{
    struct order order;
    int fds[FDS_MAX];
    assert(p->spare && p->order_fd >= 0 && nf_jail_spare_fits(o));
    NF_TRY(nf_jail_check_descriptors(o, err));
    int rc = p->cgroup ? nf_cgroup_limit(p->cgroup, o->group_memory_bytes, o->group_processes) : 0;
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "limit the control group of a spare: %s",
                          strerror(-rc));
    size_t n = gather(o, &order, fds);
    if (!nf_beside_send(p->order_fd, &order, sizeof(order), fds, n))
        return nf_err_set(err, NF_E_UNAVAILABLE, "start a sandbox: place descriptors: %s",
                          strerror(errno));
    p->ready_fd = p->order_fd;
    p->order_fd = -1;
    p->spare = false;
    return NF_OK;
}
