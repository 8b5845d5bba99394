/* Files of a session, as the thread reads and writes them. */
#include "skills/workspace_jobs.h"

#include "base/own.h"
#include "codec/json.h"
#include "skills/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void closep(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static enum nf_code failed(const char *path, struct nf_err *err)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no '%.150s' in the workspace", path);
    case ELOOP:
    case EXDEV:
        return nf_err_set(err, NF_E_DENIED, "'%.150s' leads through a link", path);
    case EISDIR:
        return nf_err_set(err, NF_E_INVALID, "'%.150s' is a directory", path);
    case ENOTEMPTY:
    case EEXIST:
        return nf_err_set(err, NF_E_CONFLICT, "the directory '%.150s' is not empty", path);
    case ENXIO:
        return nf_err_set(err, NF_E_INVALID, "'%.150s' is neither a file nor a directory", path);
    default:
        return nf_err_set(err, NF_E_IO, "'%.150s': %s", path, strerror(errno));
    }
}

static NF_RC open_root(const struct nf_workspace_job *j, int *ret, struct nf_err *err)
{
    *ret = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return *ret >= 0 ? NF_OK : failed(j->path, err);
}

enum nf_code nf_workspace_read_job(void *arg, struct nf_err *err)
{
    struct nf_workspace_job *j = arg;
    NF_CLEANUP(closep) int root = -1;
    NF_CLEANUP(closep) int fd = -1;
    struct stat st;

    NF_TRY(open_root(j, &root, err));
    fd = nf_beneath_open(root, j->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0 || fstat(fd, &st) != 0)
        return failed(j->path, err);
    if (!S_ISREG(st.st_mode))
        return nf_err_set(err, NF_E_INVALID, "'%.150s' is no file", j->path);
    size_t left = st.st_size > j->offset ? (size_t)(st.st_size - j->offset) : 0;
    size_t want = left < j->limit ? left : j->limit;
    NF_TRY(nf_str_reserve(j->ret, want, err));
    while (want > 0) {
        ssize_t n = pread(fd, j->ret->p + j->ret->len, want, (off_t)j->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(j->path, err);
        if (n == 0)
            break; /* it became shorter */
        j->ret->p[j->ret->len += (size_t)n] = '\0';
        want -= (size_t)n;
        j->offset += n;
    }
    return NF_OK;
}

/* What the workspace holds, apart from `path`, which is about to be replaced. */
static NF_RC count(const struct nf_workspace_job *j, int64_t *bytes, int64_t *files,
                   struct nf_err *err)
{
    char *dirs[] = { (char *)j->dir, NULL };
    size_t prefix = strlen(j->dir) + 1;
    FTS *f = fts_open(dirs, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);

    *bytes = *files = 0;
    if (!f)
        return nf_err_set(err, NF_E_IO, "workspace: %s", strerror(errno));
    for (const FTSENT *e; (e = fts_read(f)) != NULL;) {
        if (e->fts_level == 0 || e->fts_info == FTS_DP)
            continue;
        if (j->path && e->fts_pathlen > prefix && strcmp(e->fts_path + prefix, j->path) == 0)
            continue;
        ++*files;
        if (e->fts_info == FTS_F)
            *bytes += e->fts_statp->st_size;
        if (*files > j->quota.files)
            break;
    }
    (void)fts_close(f);
    return NF_OK;
}

enum nf_code nf_workspace_check_quota(const struct nf_workspace_job *j, struct nf_err *err)
{
    int64_t bytes, files;

    NF_TRY(count(j, &bytes, &files, err));
    if (bytes + (int64_t)j->data.n > j->quota.bytes)
        return nf_err_set(err, NF_E_LIMIT,
                          "the files of this conversation would have more than %lld bytes: remove "
                          "some (setting skills.workspace_size)",
                          (long long)j->quota.bytes);
    if (files + (j->path != NULL) > j->quota.files)
        return nf_err_set(err, NF_E_LIMIT,
                          "this conversation has %lld files already: remove some (setting "
                          "skills.workspace_files)",
                          (long long)j->quota.files);
    return NF_OK;
}

static NF_RC make_root(const struct nf_workspace_job *j, struct nf_err *err)
{
    if ((mkdir(j->parent, 0700) != 0 && errno != EEXIST) ||
        (mkdir(j->dir, 0700) != 0 && errno != EEXIST))
        return nf_err_set(err, NF_E_IO, "create the workspace '%.150s': %s", j->dir,
                          strerror(errno));
    return NF_OK;
}

/* The directory that `path` is in, made if it is not there; *name is the last name of the path. */
static NF_RC open_parent(int root, const char *path, bool make, int *ret, const char **name,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *copy = NULL;
    const char *slash = strrchr(path, '/');

    *name = slash ? slash + 1 : path;
    NF_TRY(nf_strndup(slash ? path : ".", slash ? (size_t)(slash - path) : 1, &copy, err));
    int dir = nf_beneath_open(root, ".", O_RDONLY | O_DIRECTORY, 0);
    /* One name at a time: of a longer path mkdirat would follow links. */
    for (char *p = copy, *next; dir >= 0 && p; p = next) {
        NF_CLEANUP(closep) int above = dir;
        next = strchr(p, '/');
        if (next)
            *next++ = '\0';
        if (make && slash && mkdirat(above, p, 0700) != 0 && errno != EEXIST)
            return failed(path, err);
        dir = nf_beneath_open(above, p, O_RDONLY | O_DIRECTORY, 0);
    }
    if (dir < 0)
        return errno == ENOTDIR && make
                   ? nf_err_set(err, NF_E_INVALID, "'%.150s' lies below a file", path)
                   : failed(path, err);
    *ret = dir;
    return NF_OK;
}

static NF_RC write_fresh(int dir, const struct nf_workspace_job *j, struct nf_err *err)
{
    NF_CLEANUP(closep) int fd = -1;

    /* Of one that was interrupted. */
    if (unlinkat(dir, NF_WORKSPACE_FRESH, 0) != 0 && errno != ENOENT)
        return failed(j->path, err);
    fd =
        openat(dir, NF_WORKSPACE_FRESH, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed(j->path, err);
    for (size_t done = 0; done < j->data.n;) {
        ssize_t n = write(fd, j->data.p + done, j->data.n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(j->path, err);
        done += (size_t)n;
    }
    return fsync(fd) == 0 ? NF_OK : failed(j->path, err);
}

enum nf_code nf_workspace_write_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;
    NF_CLEANUP(closep) int root = -1;
    NF_CLEANUP(closep) int dir = -1;
    const char *name;

    NF_TRY(make_root(j, err));
    NF_TRY(nf_workspace_check_quota(j, err));
    NF_TRY(open_root(j, &root, err));
    NF_TRY(open_parent(root, j->path, true, &dir, &name, err));
    enum nf_code rc = write_fresh(dir, j, err);
    if (rc == NF_OK && renameat(dir, NF_WORKSPACE_FRESH, dir, name) != 0)
        rc = failed(j->path, err);
    if (rc != NF_OK)
        (void)unlinkat(dir, NF_WORKSPACE_FRESH, 0);
    return rc;
}

static void put_entry(struct nf_json_out *o, const char *name, const struct stat *st)
{
    bool is_dir = S_ISDIR(st->st_mode);

    nf_json_out_object(o);
    nf_json_put_str(o, "name", name);
    nf_json_put_str(o, "type", is_dir ? "directory" : "file");
    nf_json_put_i64(o, "size", is_dir ? 0 : st->st_size);
    nf_json_put_i64(o, "modified_ms",
                    (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
    nf_json_out_end(o);
}

static int not_ours(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
           strncmp(e->d_name, NF_WORKSPACE_FRESH, sizeof(NF_WORKSPACE_FRESH) - 1) != 0;
}

static NF_RC list_entries(int dir, struct dirent **v, int n, struct nf_str *ret, struct nf_err *err)
{
    struct nf_json_out o;
    struct stat st;

    nf_json_begin_doc(&o, ret);
    nf_json_out_array(&o);
    for (int i = 0; i < n && i < NF_WORKSPACE_LIST_MAX; i++)
        if (fstatat(dir, v[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
            put_entry(&o, v[i]->d_name, &st);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

enum nf_code nf_workspace_list_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;
    NF_CLEANUP(closep) int root = -1;
    NF_CLEANUP(closep) int dir = -1;
    struct dirent **v = NULL;

    enum nf_code rc = open_root(j, &root, err);
    if (rc == NF_E_NOT_FOUND && *j->path == '\0')
        return nf_str_adds(j->ret, "[]", err); /* nothing was written yet */
    NF_TRY(rc);
    dir = nf_beneath_open(root, *j->path ? j->path : ".", O_RDONLY | O_DIRECTORY, 0);
    if (dir < 0)
        return failed(j->path, err);
    int n = scandirat(dir, ".", &v, not_ours, by_name);
    if (n < 0)
        return failed(j->path, err);
    rc = list_entries(dir, v, n, j->ret, err);
    while (n > 0)
        free(v[--n]);
    free(v);
    return rc;
}

enum nf_code nf_workspace_remove_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;
    NF_CLEANUP(closep) int root = -1;
    NF_CLEANUP(closep) int dir = -1;
    const char *name;

    NF_TRY(open_root(j, &root, err));
    NF_TRY(open_parent(root, j->path, false, &dir, &name, err));
    if (unlinkat(dir, name, 0) == 0)
        return NF_OK;
    if ((errno == EISDIR || errno == EPERM) && unlinkat(dir, name, AT_REMOVEDIR) == 0)
        return NF_OK;
    return failed(j->path, err);
}

enum nf_code nf_workspace_open_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;

    NF_TRY(make_root(j, err));
    return nf_workspace_check_quota(j, err);
}
