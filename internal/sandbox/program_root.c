/* What a program sees of the file system. */
#include "sandbox/program_impl.h"

#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The system's own, if it is there: a directory to bind, or the symbolic link that it is today. */
static const char *const system_dirs[] = { "/usr", "/lib", "/lib64", "/lib32", "/bin", "/sbin" };
static const char *const system_files[] = { "/etc/ssl", "/etc/ld.so.cache", "/etc/localtime",
                                            "/etc/alternatives" };
static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/full", "/dev/random",
                                       "/dev/urandom" };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROOT_FILES 16384 /* inodes of the tmpfs */

/* include/uapi/linux/mount.h; mount_setattr is newer (Linux 5.12) than the wrappers of glibc. */
#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define WHOLE_TREE 0x8000u   /* AT_RECURSIVE */
#define MOVE_EMPTY_PATH 0x4u /* MOVE_MOUNT_F_EMPTY_PATH, Linux 5.2 */
struct attributes {
    uint64_t set, clear, propagation, userns_fd;
};

int nf_program_open_sources(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    p->work = open(p->o->work_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (p->work < 0)
        return -errno;
    for (size_t i = 0; p->o->read_only && p->o->read_only[i]; i++) {
        p->read_only[i] = open(p->o->read_only[i], O_PATH | O_CLOEXEC);
        if (p->read_only[i] < 0)
            return -errno;
        p->read_only_n++;
    }
    return 0;
}

/* --- building, in the directory that becomes the root -------------------------------------------
 */

/* "/a/b/c" as a/b/c, with all directories above it; the last a directory or an empty file. */
static int make_place(const char *path, bool directory)
{
    char part[PATH_MAX];
    const char *relative = path + 1;
    if (strlen(relative) >= sizeof(part))
        return -ENAMETOOLONG;
    for (const char *slash = strchr(relative, '/'); slash; slash = strchr(slash + 1, '/')) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - relative), relative);
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return -errno;
    }
    if (directory)
        return mkdir(relative, 0755) == 0 || errno == EEXIST ? 0 : -errno;
    int fd = open(relative, O_WRONLY | O_CREAT | O_CLOEXEC, 0444);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int set_attributes(const char *where, bool read_only, bool device)
{
    struct attributes a = { .set = ATTR_NOSUID | (read_only ? ATTR_RDONLY : 0) |
                                   (device ? 0 : ATTR_NODEV),
                            .propagation = MS_PRIVATE };
    if (syscall(SYS_mount_setattr, AT_FDCWD, where, WHOLE_TREE, &a, sizeof(a)) == 0)
        return 0;
    if (errno != ENOSYS)
        return -errno;
    unsigned long flags =
        MS_REMOUNT | MS_BIND | MS_NOSUID | (read_only ? MS_RDONLY : 0) | (device ? 0 : MS_NODEV);
    return mount(NULL, where, NULL, flags, NULL) == 0 ? 0 : -errno;
}

/* By descriptor, since the path may lie below what was just mounted over. */
static int bind_fd(int fd, const char *path, bool read_only, bool device)
{
    struct stat st;
    char source[32];
    if (fstat(fd, &st) != 0)
        return -errno;
    int rc = make_place(path, S_ISDIR(st.st_mode));
    if (rc != 0)
        return rc;
    (void)snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    if (mount(source, path + 1, NULL, MS_BIND | MS_REC, NULL) != 0)
        return -errno;
    return set_attributes(path + 1, read_only, device);
}

/* A tree of mounts that is in no namespace yet (open_tree). Without mount_setattr, which is
 * younger, the warden hands out none. */
static int attach(int tree, const char *path, bool read_only)
{
    struct stat st;
    if (fstat(tree, &st) != 0)
        return -errno;
    int rc = make_place(path, S_ISDIR(st.st_mode));
    if (rc != 0)
        return rc;
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, path + 1, MOVE_EMPTY_PATH) != 0)
        return -errno;
    return set_attributes(path + 1, read_only, false);
}

static int show(const struct nf_program_setup *p, int fd, const char *path, bool read_only)
{
    return p->entered ? attach(fd, path, read_only) : bind_fd(fd, path, read_only, false);
}

static int bind_path(const char *path, bool read_only, bool device)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    int rc = bind_fd(fd, path, read_only, device);
    close(fd);
    return rc;
}

static int show_system(void)
{
    char link[PATH_MAX];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COUNT(system_dirs); i++) {
        ssize_t n = readlink(system_dirs[i], link, sizeof(link) - 1);
        if (n < 0) {
            rc = bind_path(system_dirs[i], true, false);
        } else {
            link[n] = '\0';
            rc = symlink(link, system_dirs[i] + 1) == 0 ? 0 : -errno;
        }
    }
    for (size_t i = 0; rc == 0 && i < COUNT(system_files); i++)
        rc = bind_path(system_files[i], true, false);
    for (size_t i = 0; rc == 0 && i < COUNT(devices); i++)
        rc = bind_path(devices[i], false, true);
    return rc;
}

static int make_rest(void)
{
    static const char *const links[][2] = { { "/proc/self/fd", "dev/fd" },
                                            { "/proc/self/fd/0", "dev/stdin" },
                                            { "/proc/self/fd/1", "dev/stdout" },
                                            { "/proc/self/fd/2", "dev/stderr" } };
    if (mkdir("tmp", 0700) != 0 || mkdir("dev/shm", 0700) != 0 || mkdir("proc", 0555) != 0)
        return -errno;
    for (size_t i = 0; i < COUNT(links); i++) {
        if (symlink(links[i][0], links[i][1]) != 0)
            return -errno;
    }
    /* A container that hides parts of its own /proc gets none here (EPERM): do without. */
    if (mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 &&
        errno != EPERM)
        return -errno;
    return 0;
}

static int name_user(const struct nf_setup *s)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "skill:x:%u:%u:skill:/work:/bin/sh\n", s->uid, s->gid);
    int fd = open("etc/passwd", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0444);
    if (fd < 0)
        return -errno;
    int rc = write(fd, line, (size_t)n) == n ? 0 : -EIO;
    close(fd);
    return rc;
}

/* At `place`, or NULL: anywhere. We stand in it then. */
static int begin_root(const char *place)
{
    char options[64];
    (void)snprintf(options, sizeof(options), "size=%d,nr_inodes=%d,mode=755", NF_PROGRAM_TMP_BYTES,
                   ROOT_FILES);
    const char *dir = nf_mount_tmpfs(place, options);
    if (!dir || chdir(dir) != 0 || mkdir("etc", 0755) != 0)
        return -errno;
    int rc = show_system();
    return rc ? rc : make_rest();
}

/* A mount over the one we stand on hides paths, not what is open: so the old root's names are used
 * from its own top, before the new one covers a part of it. */
int nf_program_mount_root(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    if (!s->have[NF_LAYER_NAMESPACES])
        return fchdir(p->work) == 0 ? 0 : -errno;
    int rc = begin_root(NULL);
    return rc ? rc : nf_program_finish_root(s);
}

/* To leave the old root takes long, so that is done now if the warden can hand in what is to be
 * shown. If not, the new root lies where nothing is that a program could be shown: it is found by
 * its path then. */
int nf_program_begin_root(struct nf_setup *s)
{
    bool enter = nf_program_of(s)->entered;
    int rc = begin_root(enter ? NULL : "/sys");
    rc = rc ? rc : name_user(s); /* of nobody yet: so that it only has to be written anew */
    return rc || !enter ? rc : nf_enter_root(".");
}

int nf_program_finish_root(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    int rc = name_user(s);
    rc = rc ? rc : show(p, p->work, "/work", false);
    for (size_t i = 0; rc == 0 && i < p->read_only_n; i++)
        rc = show(p, p->read_only[i], p->o->read_only[i], true);
    if (rc == 0 && s->drop_uid && !s->user_ns) { /* made by root, used by somebody else */
        if (chown("tmp", s->uid, s->gid) != 0 || chown("dev/shm", s->uid, s->gid) != 0)
            rc = -errno;
    }
    rc = rc || p->entered ? rc : nf_enter_root(".");
    return rc || chdir("/work") == 0 ? rc : -errno;
}

/* --- Landlock --------------------------------------------------------------------------------- */

/* What all programs may, by its names in their root. */
static int allow_system(int ruleset, bool own_root)
{
    struct nf_land_rule rules[COUNT(system_dirs) + COUNT(system_files) + COUNT(devices) + 4];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(system_dirs); i++)
        rules[n++] = (struct nf_land_rule){ .path = system_dirs[i], .may = NF_LAND_RUN };
    for (size_t i = 0; i < COUNT(system_files); i++)
        rules[n++] = (struct nf_land_rule){ .path = system_files[i], .may = NF_LAND_READ };
    for (size_t i = 0; i < COUNT(devices); i++)
        rules[n++] = (struct nf_land_rule){ .path = devices[i], .may = NF_LAND_DEVICE };
    if (own_root) {
        rules[n++] = (struct nf_land_rule){ .path = "/etc", .may = NF_LAND_READ };
        rules[n++] = (struct nf_land_rule){ .path = "/proc", .may = NF_LAND_READ };
        rules[n++] = (struct nf_land_rule){ .path = "/tmp", .may = NF_LAND_WRITE };
        rules[n++] = (struct nf_land_rule){ .path = "/dev/shm", .may = NF_LAND_WRITE };
    }
    return nf_landlock_add(ruleset, rules, n);
}

/* And this one: its directories, the first of which is the current one. */
static int allow_program(int ruleset, const struct nf_program_setup *p)
{
    struct nf_land_rule rules[NF_PROGRAM_READ_ONLY_MAX + 2];
    size_t n = 0;
    rules[n++] = (struct nf_land_rule){ .path = ".", .may = NF_LAND_WRITE };
    for (size_t i = 0; i < p->read_only_n; i++)
        rules[n++] = (struct nf_land_rule){ .path = p->o->read_only[i], .may = NF_LAND_RUN };
    if (p->o->proxy)
        rules[n++] = (struct nf_land_rule){ .port = NF_PROGRAM_PROXY_PORT, .may = NF_LAND_CONNECT };
    return nf_landlock_add(ruleset, rules, n);
}

static int begin_rules(struct nf_program_setup *p)
{
    p->ruleset = nf_landlock_begin();
    return p->ruleset < 0 ? p->ruleset
                          : allow_system(p->ruleset, p->base.have[NF_LAYER_NAMESPACES]);
}

int nf_program_begin_landlock(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    return s->have[NF_LAYER_LANDLOCK] && p->entered ? begin_rules(p) : 0;
}

int nf_program_landlock(struct nf_setup *s)
{
    struct nf_program_setup *p = nf_program_of(s);
    if (!s->have[NF_LAYER_LANDLOCK])
        return 0;
    int rc = p->ruleset < 0 ? begin_rules(p) : 0;
    rc = rc ? rc : allow_program(p->ruleset, p);
    return rc ? rc : nf_landlock_enforce(p->ruleset);
}

/* --- changing hands --------------------------------------------------------------------------- */

struct adoption {
    uid_t uid;
    gid_t gid;
    int files;
    DIR *path[NF_PROGRAM_DEPTH_MAX]; /* the directories that we are in */
    int depth;
};

static void adoption_done(struct adoption *a)
{
    while (a->depth > 0)
        closedir(a->path[--a->depth]);
}

/* Takes `fd` over. */
static NF_RC enter_dir(struct adoption *a, int fd, struct nf_err *err)
{
    DIR *d = a->depth < NF_PROGRAM_DEPTH_MAX ? fdopendir(fd) : NULL;
    if (d) {
        a->path[a->depth++] = d;
        return NF_OK;
    }
    int error = errno;
    close(fd);
    if (a->depth == NF_PROGRAM_DEPTH_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the work directory is nested more than %d deep",
                          NF_PROGRAM_DEPTH_MAX);
    return nf_err_set(err, NF_E_IO, "read the work directory: %s", strerror(error));
}

static NF_RC adopt_entry(struct adoption *a, int dir, const char *name, struct nf_err *err)
{
    struct stat st;
    if (++a->files > NF_PROGRAM_FILES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the work directory has more than %d files",
                          NF_PROGRAM_FILES_MAX);
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return NF_OK; /* removed meanwhile */
    /* A file that has another name elsewhere keeps its owner: it may be no file of ours. */
    if (st.st_uid != a->uid && (S_ISDIR(st.st_mode) || st.st_nlink == 1) &&
        fchownat(dir, name, a->uid, a->gid, AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT)
        return nf_err_set(err, NF_E_IO, "give the work directory to the program: %s",
                          strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return NF_OK;
    int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below >= 0 ? enter_dir(a, below, err) : NF_OK;
}

NF_RC nf_program_adopt(const char *path, uid_t uid, gid_t gid, struct nf_err *err)
{
    NF_CLEANUP(adoption_done) struct adoption a = { .uid = uid, .gid = gid };
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchown(fd, uid, gid) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return nf_err_set(err, NF_E_IO, "open the work directory '%s': %s", path, strerror(error));
    }
    NF_TRY(enter_dir(&a, fd, err));
    while (a.depth > 0) {
        DIR *d = a.path[a.depth - 1];
        struct dirent *e = readdir(d);
        if (!e)
            closedir(a.path[--a.depth]);
        else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            NF_TRY(adopt_entry(&a, dirfd(d), e->d_name, err));
    }
    return NF_OK;
}
