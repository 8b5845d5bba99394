/*
 * A program's jail that was made before its program was known: the order that says which. It is
 * told paths, which it opens in its own view of files, as old as itself; and descriptors of what
 * the warden sees under these names, for comparison. If they are not the same it is of no use.
 */
#include "sandbox/program_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/mount.h, Linux 5.2. */
#define TREE_CLONE 1u
#define WHOLE_TREE 0x8000u /* AT_RECURSIVE */

#define TEXT_MAX 16384 /* bytes of all paths and arguments */
#define ARGS_MAX 16
#define SOURCES (1 + NF_PROGRAM_READ_ONLY_MAX)

/* Its strings lie in `text`, one behind the other: work directory, arguments, what it may read. */
struct order {
    uid_t uid;
    gid_t gid;
    int64_t processes, cpu_seconds, file_bytes;
    uint32_t args_n, read_only_n, text_n;
    char text[TEXT_MAX];
};

/* --- inside ----------------------------------------------------------------------------------- */

static bool take(int from, struct order *o, int fds[SOURCES], size_t *n)
{
    ssize_t got;
    while ((got = nf_beside_recv(from, o, sizeof(*o), fds, SOURCES, n, MSG_CMSG_CLOEXEC)) < 0 &&
           errno == EINTR)
        ;
    size_t head = offsetof(struct order, text);
    if (got <= (ssize_t)head)
        return false; /* the warden has gone, or has no use for it */
    return o->args_n > 0 && o->args_n <= ARGS_MAX && o->read_only_n < SOURCES &&
           *n == 1 + o->read_only_n && (size_t)got == head + o->text_n && o->text_n > 0 &&
           o->text[o->text_n - 1] == '\0';
}

/* The next string; NULL: there is none. */
static const char *next(const struct order *o, size_t *at)
{
    const char *s = o->text + *at;
    if (*at >= o->text_n)
        return NULL;
    *at += strlen(s) + 1;
    return s;
}

static bool read_order(const struct order *o, const char *argv[], const char *read_only[],
                       const char **work)
{
    size_t at = 0, n = 0;
    *work = next(o, &at);
    for (; n < o->args_n; n++)
        argv[n] = next(o, &at);
    argv[n] = NULL;
    for (n = 0; n < o->read_only_n; n++)
        read_only[n] = next(o, &at);
    read_only[n] = NULL;
    return at == o->text_n;
}

static bool is_same(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool sees_the_same(const struct nf_program_setup *p, const int *fds)
{
    bool same = is_same(p->work, fds[0]);
    for (size_t i = 0; same && i < p->read_only_n; i++)
        same = is_same(p->read_only[i], fds[1 + i]);
    return same;
}

/* Where files are found by paths. */
static bool find_sources(struct nf_program_setup *p, const int *fds, size_t n)
{
    bool same = nf_program_open_sources(&p->base) == 0 && sees_the_same(p, fds);
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
    return send(p->base.ready, same ? "y" : "n", 1, MSG_NOSIGNAL) == 1 && same;
}

bool nf_program_take_order(struct nf_program_setup *p)
{
    static struct order o; /* the process is nobody else's */
    static const char *argv[ARGS_MAX + 1], *read_only[SOURCES];
    const char *work;
    int fds[SOURCES];
    size_t n = 0;
    if (!take(p->base.ready, &o, fds, &n) || !read_order(&o, argv, read_only, &work))
        return false;
    p->own = *p->o;
    p->own.argv = argv;
    p->own.read_only = read_only;
    p->own.work_dir = work;
    p->own.processes = o.processes;
    p->own.cpu_seconds = o.cpu_seconds;
    p->own.file_bytes = o.file_bytes;
    p->o = &p->own;
    p->base.uid = o.uid;
    p->base.gid = o.gid;
    if (!p->entered)
        return find_sources(p, fds, n);
    p->work = fds[0];
    p->read_only_n = n - 1;
    memcpy(p->read_only, fds + 1, (n - 1) * sizeof(int));
    return true;
}

/* --- the warden's side ------------------------------------------------------------------------ */

static NF_RC put(struct order *o, const char *text, struct nf_err *err)
{
    size_t n = strlen(text) + 1;
    if (n > sizeof(o->text) - o->text_n)
        return nf_err_set(err, NF_E_LIMIT, "paths and arguments of a program over %d bytes",
                          TEXT_MAX);
    memcpy(o->text + o->text_n, text, n);
    o->text_n += (uint32_t)n;
    return NF_OK;
}

static NF_RC write_order(const struct nf_program_options *o, const struct nf_setup *s,
                         struct order *ret, struct nf_err *err)
{
    ret->uid = s->uid;
    ret->gid = s->gid;
    ret->processes = o->processes;
    ret->cpu_seconds = o->cpu_seconds;
    ret->file_bytes = o->file_bytes;
    ret->args_n = ret->read_only_n = ret->text_n = 0;
    NF_TRY(put(ret, o->work_dir, err));
    for (; o->argv[ret->args_n]; ret->args_n++) {
        if (ret->args_n == ARGS_MAX)
            return nf_err_set(err, NF_E_LIMIT, "more than %d arguments of a program", ARGS_MAX);
        NF_TRY(put(ret, o->argv[ret->args_n], err));
    }
    for (; o->read_only && o->read_only[ret->read_only_n]; ret->read_only_n++)
        NF_TRY(put(ret, o->read_only[ret->read_only_n], err));
    return NF_OK;
}

static void close_all(const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

/* Who is root but may not make mounts is in a container, and has no namespaces. */
bool nf_program_hands_trees(const struct nf_sandbox *sb)
{
    return sb->root;
}

static int open_source(const struct nf_sandbox *sb, const char *path)
{
    return nf_program_hands_trees(sb)
               ? (int)syscall(SYS_open_tree, AT_FDCWD, path, TREE_CLONE | WHOLE_TREE | O_CLOEXEC)
               : open(path, O_PATH | O_CLOEXEC);
}

static NF_RC open_sources(const struct nf_sandbox *sb, const struct nf_program_options *o,
                          int fds[SOURCES], size_t *ret, struct nf_err *err)
{
    size_t n = 0;
    *ret = 0;
    const char *path = o->work_dir;
    for (; path; path = o->read_only ? o->read_only[n - 1] : NULL) {
        int fd = open_source(sb, path);
        if (fd < 0) {
            int error = errno;
            close_all(fds, n);
            return nf_err_set(err, NF_E_UNAVAILABLE, "start a sandbox: open '%s': %s", path,
                              strerror(error));
        }
        fds[n++] = fd;
    }
    *ret = n;
    return NF_OK;
}

/* Whether it sees what we see. */
static bool agrees(int with)
{
    char answer = 'n';
    struct pollfd p = { .fd = with, .events = POLLIN };
    while (poll(&p, 1, NF_PROGRAM_USE_MS) < 0 && errno == EINTR)
        ;
    return recv(with, &answer, 1, MSG_DONTWAIT) == 1 && answer == 'y';
}

NF_RC nf_program_use(struct nf_sandbox *sb, const struct nf_program_options *o,
                     struct nf_jail_process *p, struct nf_err *err)
{
    struct order order;
    struct nf_setup s = { .sandbox = sb };
    int fds[SOURCES];
    size_t n;
    assert(p->spare && p->order_fd >= 0 && !o->proxy);
    NF_TRY(nf_program_check(sb, o, err));
    memcpy(s.have, sb->report.have, sizeof(s.have));
    nf_setup_user(&s, o->slot);
    NF_TRY(write_order(o, &s, &order, err));
    if (s.drop_uid)
        NF_TRY(nf_program_adopt(o->work_dir, s.uid, s.gid, err));
    int rc = p->cgroup ? nf_cgroup_limit(p->cgroup, o->memory_bytes,
                                         o->processes > 0 ? o->processes + 1 : 0)
                       : 0;
    if (rc != 0)
        return nf_err_set(err, NF_E_UNAVAILABLE, "limit the control group of a spare: %s",
                          strerror(-rc));
    NF_TRY(open_sources(sb, o, fds, &n, err));
    bool good =
        nf_beside_send(p->order_fd, &order, offsetof(struct order, text) + order.text_n, fds, n) &&
        (nf_program_hands_trees(sb) || agrees(p->order_fd));
    explicit_bzero(order.text, order.text_n); /* what is forked next need not find it there */
    close_all(fds, n);
    if (!good)
        return nf_err_set(err, NF_E_UNAVAILABLE,
                          "a jail that was made beforehand sees other files, or has ended");
    p->ready_fd = p->order_fd;
    p->order_fd = -1;
    p->spare = false;
    return NF_OK;
}
