#include "skills/package.h"

#include "base/own.h"
#include "codec/hash.h"
#include "skills/beneath.h"
#include "skills/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void nf_package_done(struct nf_package *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->v[i].path);
        nf_str_done(&p->v[i].data);
    }
    free(p->v);
    *p = (struct nf_package){ 0 };
}

static void closep(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static void closedirp(DIR **d)
{
    if (*d)
        (void)closedir(*d);
}

static enum nf_code failed(struct nf_err *err, const char *what, const char *path)
{
    return nf_err_set(err, NF_E_IO, "%s '%.150s': %s", what, path, strerror(errno));
}

struct nf_file_mark nf_file_mark_of(const struct stat *st)
{
    return (struct nf_file_mark){
        .device = st->st_dev,
        .inode = st->st_ino,
        .size = (uint64_t)st->st_size,
        .modified_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
        .changed_ns = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec,
    };
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Directories that are still to be looked into, as NUL-terminated paths in a row. */
struct walk {
    int root;
    struct nf_str dirs;
    size_t at, seen;
    struct nf_package *to;
};

static NF_RC read_content(int fd, const char *path, struct walk *w, struct nf_str *to,
                          struct nf_err *err)
{
    char part[16384];

    to->max = NF_PACKAGE_BYTES_MAX + 1;
    for (;;) {
        ssize_t n = read(fd, part, sizeof(part));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(err, "read", path);
        if (n == 0)
            return NF_OK;
        w->to->bytes += (size_t)n;
        if (w->to->bytes > NF_PACKAGE_BYTES_MAX)
            return nf_err_set(err, NF_E_LIMIT, "the skill's files have more than %zu MiB",
                              NF_PACKAGE_BYTES_MAX >> 20);
        NF_TRY(nf_str_add(to, part, (size_t)n, err));
    }
}

static NF_RC add_file(struct walk *w, const char *path, const struct stat *st, int fd,
                      struct nf_err *err)
{
    struct nf_package *p = w->to;

    if (p->n >= NF_PACKAGE_FILES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "the skill has more than %d files",
                          NF_PACKAGE_FILES_MAX);
    struct nf_package_file *v = realloc(p->v, (p->n + 1) * sizeof(*v));
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    p->v = v;
    v[p->n] = (struct nf_package_file){ .executable = (st->st_mode & S_IXUSR) != 0,
                                        .mark = nf_file_mark_of(st) };
    NF_TRY(nf_strdup(path, &v[p->n].path, err));
    p->n++;
    return read_content(fd, path, w, &v[p->n - 1].data, err);
}

static size_t depth_of(const char *path)
{
    size_t n = 1;

    for (; *path; path++)
        n += *path == '/';
    return n;
}

static NF_RC add_dir(struct walk *w, const char *path, struct nf_err *err)
{
    if (depth_of(path) > NF_PACKAGE_DEPTH_MAX)
        return nf_err_set(err, NF_E_LIMIT, "'%.100s': directories are more than %d deep", path,
                          NF_PACKAGE_DEPTH_MAX);
    return nf_str_add(&w->dirs, path, strlen(path) + 1, err);
}

/* A name that can be shown in a terminal and written into a list of lines. */
static bool is_plain(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 127 || *name == '\\')
            return false;
    return true;
}

static NF_RC visit(struct walk *w, const char *dir, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(closep) int fd = -1;
    struct stat st;

    NF_TRY(nf_str_addf(&path, err, "%s%s%s", dir, *dir ? "/" : "", name));
    if (!is_plain(name))
        return nf_err_set(err, NF_E_INVALID,
                          "a file's name in '%.100s' has control characters or a backslash", dir);
    if (path.len > NF_PACKAGE_PATH_MAX)
        return nf_err_set(err, NF_E_LIMIT, "'%.100s...': the path has more than %d bytes",
                          nf_str_c(&path), NF_PACKAGE_PATH_MAX);
    /* Not blocking: what is no file is never waited for. */
    fd = nf_beneath_open(w->root, nf_str_c(&path), O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO))
        return nf_err_set(err, NF_E_INVALID, "'%.150s' is neither a file nor a directory",
                          nf_str_c(&path));
    if (fd < 0 || fstat(fd, &st) != 0)
        return failed(err, "open", nf_str_c(&path));
    if (S_ISDIR(st.st_mode))
        return add_dir(w, nf_str_c(&path), err);
    if (!S_ISREG(st.st_mode))
        return nf_err_set(err, NF_E_INVALID, "'%.150s' is neither a file nor a directory",
                          nf_str_c(&path));
    return add_file(w, nf_str_c(&path), &st, fd, err);
}

static NF_RC read_dir(struct walk *w, const char *dir, struct nf_err *err)
{
    NF_CLEANUP(closedirp) DIR *d = NULL;
    const struct dirent *e;
    int fd = nf_beneath_open(w->root, *dir ? dir : ".", O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return failed(err, "open directory", dir);
    d = fdopendir(fd);
    if (!d) {
        (void)close(fd);
        return failed(err, "open directory", dir);
    }
    while ((e = readdir(d)) != NULL) {
        if (++w->seen > NF_PACKAGE_SEEN_MAX)
            return nf_err_set(err, NF_E_LIMIT,
                              "the directory has more than %d names: it is no "
                              "skill, or holds what does not belong to one",
                              NF_PACKAGE_SEEN_MAX);
        if (e->d_name[0] != '.')
            NF_TRY(visit(w, dir, e->d_name, err));
    }
    return NF_OK;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct nf_package_file *)a)->path,
                  ((const struct nf_package_file *)b)->path);
}

static NF_RC read_all(struct walk *w, struct nf_err *err)
{
    NF_TRY(nf_str_add(&w->dirs, "", 1, err));
    while (w->at < w->dirs.len) {
        NF_CLEANUP(nf_freep) char *dir = NULL; /* the row of paths grows meanwhile */
        NF_TRY(nf_strdup(w->dirs.p + w->at, &dir, err));
        w->at += strlen(dir) + 1;
        NF_TRY(read_dir(w, dir, err));
    }
    if (w->to->n > 1)
        qsort(w->to->v, w->to->n, sizeof(*w->to->v), by_path);
    return NF_OK;
}

enum nf_code nf_package_read(const char *dir, struct nf_package *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_package_done) struct nf_package p = { 0 };
    NF_CLEANUP(closep) int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct walk w = { .root = root, .to = &p };

    if (root < 0)
        return nf_err_set(err, errno == ENOENT || errno == ENOTDIR ? NF_E_NOT_FOUND : NF_E_IO,
                          "directory '%.150s': %s", dir, strerror(errno));
    enum nf_code rc = read_all(&w, err);
    nf_str_done(&w.dirs);
    if (rc == NF_OK)
        *ret = nf_take(p);
    return rc;
}

/* --- what they are ---------------------------------------------------------------------------- */

enum nf_code nf_package_hash(const struct nf_package *p, char ret[NF_SKILL_HASH + 1],
                             struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str lines = { 0 };
    char hex[NF_SHA256_HEX + 1];

    for (size_t i = 0; i < p->n; i++) {
        const struct nf_package_file *f = &p->v[i];
        nf_sha256_hex(nf_str_c(&f->data), f->data.len, hex);
        NF_TRY(nf_str_addf(&lines, err, "%s %c %s\n", hex, f->executable ? 'x' : '-', f->path));
    }
    nf_sha256_hex(nf_str_c(&lines), lines.len, ret);
    return NF_OK;
}

const struct nf_package_file *nf_package_find(const struct nf_package *p, const char *path)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->v[i].path, path) == 0)
            return &p->v[i];
    return NULL;
}

enum nf_code nf_package_manifest(const struct nf_package *p, struct nf_skill_manifest *ret,
                                 struct nf_err *err)
{
    NF_CLEANUP(nf_skill_manifest_done) struct nf_skill_manifest m = { 0 };
    const struct nf_package_file *text = nf_package_find(p, NF_MANIFEST_FILE);

    if (!text)
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "there is no " NF_MANIFEST_FILE ": it is what makes a directory a skill");
    NF_TRY(nf_skill_manifest_parse(nf_str_c(&text->data), text->data.len, &m, err));
    const struct nf_package_file *entry = nf_package_find(p, m.entry);
    if (!entry)
        return nf_err_set(err, NF_E_NOT_FOUND,
                          "entry names '%s', which is not there: `nexflow skill build` makes it",
                          m.entry);
    if (m.kind == NF_SKILL_PROGRAM && !m.interpreter && !entry->executable)
        return nf_err_set(err, NF_E_INVALID,
                          "entry '%s' is not executable: chmod +x it, or name an interpreter",
                          m.entry);
    *ret = nf_take(m);
    return NF_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static NF_RC write_content(int fd, const char *path, const struct nf_str *data, bool durable,
                           struct nf_err *err)
{
    for (size_t done = 0; done < data->len;) {
        ssize_t n = write(fd, data->p + done, data->len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(err, "write", path);
        done += (size_t)n;
    }
    return !durable || fsync(fd) == 0 ? NF_OK : failed(err, "sync", path);
}

/* The directories above `path`, which is below `dir`. */
static NF_RC make_parents(int dir, const char *path, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *copy = NULL;

    NF_TRY(nf_strdup(path, &copy, err));
    for (char *p = strchr(copy, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        if ((mkdirat(dir, copy, 0755) != 0 && errno != EEXIST) || fchmodat(dir, copy, 0755, 0) != 0)
            return failed(err, "create directory", copy);
        *p = '/';
    }
    return NF_OK;
}

static NF_RC write_file(int dir, const struct nf_package_file *f, bool durable, struct nf_err *err)
{
    NF_CLEANUP(closep) int fd = -1;

    NF_TRY(make_parents(dir, f->path, err));
    fd = nf_beneath_open(dir, f->path, O_WRONLY | O_CREAT | O_EXCL, f->executable ? 0555 : 0444);
    /* Whatever the umask is: who may get here is the business of the directories above. */
    if (fd < 0 || fchmod(fd, f->executable ? 0555 : 0444) != 0)
        return failed(err, "create", f->path);
    return write_content(fd, f->path, &f->data, durable, err);
}

static NF_RC write_all(const struct nf_package *p, const char *path, bool durable,
                       struct nf_err *err)
{
    NF_CLEANUP(closep) int dir = -1;

    if (mkdir(path, 0755) != 0 || chmod(path, 0755) != 0)
        return failed(err, "create directory", path);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return failed(err, "open directory", path);
    for (size_t i = 0; i < p->n; i++)
        NF_TRY(write_file(dir, &p->v[i], durable, err));
    return !durable || fsync(dir) == 0 ? NF_OK : failed(err, "sync", path);
}

static NF_RC sync_dir(const char *path, struct nf_err *err)
{
    NF_CLEANUP(closep) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return dir >= 0 && fsync(dir) == 0 ? NF_OK : failed(err, "sync", path);
}

enum nf_code nf_package_write(const struct nf_package *p, const char *parent, const char *name,
                              bool durable, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str fresh = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    struct nf_err ignored;

    NF_TRY(nf_str_addf(&path, err, "%s/%s", parent, name));
    NF_TRY(nf_str_addf(&fresh, err, "%s/.new-%s", parent, name));
    NF_TRY(nf_tree_remove(nf_str_c(&fresh), err)); /* of somebody who was interrupted */
    enum nf_code rc = write_all(p, nf_str_c(&fresh), durable, err);
    if (rc == NF_OK)
        rc = nf_tree_remove(nf_str_c(&path), err);
    if (rc == NF_OK && rename(nf_str_c(&fresh), nf_str_c(&path)) != 0)
        rc = failed(err, "rename to", nf_str_c(&path));
    if (rc == NF_OK)
        return durable ? sync_dir(parent, err) : NF_OK;
    (void)!nf_tree_remove(nf_str_c(&fresh), &ignored);
    return rc;
}

static int sync_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type != FTW_F && type != FTW_DP)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    int rc = fsync(fd), why = errno;
    (void)close(fd);
    errno = why;
    return rc;
}

enum nf_code nf_tree_sync(const char *path, struct nf_err *err)
{
    if (nftw(path, sync_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return NF_OK;
    return nf_err_set(err, errno == ENOENT ? NF_E_NOT_FOUND : NF_E_IO, "sync '%.150s': %s", path,
                      strerror(errno));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

static int remove_below(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return ftw->level == 0 ? 0 : remove_one(path, st, type, ftw);
}

enum nf_code nf_tree_empty(const char *path, struct nf_err *err)
{
    /* Whoever worked there may have locked it. */
    if (chmod(path, 0700) == 0 &&
        nftw(path, remove_below, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0)
        return NF_OK;
    return failed(err, "empty", path);
}

enum nf_code nf_tree_remove(const char *path, struct nf_err *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 || errno == ENOENT)
        return NF_OK;
    return failed(err, "remove", path);
}
