#include "skills/catalogue.h"

#include "base/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct nf_catalogue {
    struct nf_skill_files port;
    struct nf_catalogue_options o;
    char *dir;
};

/* What a thread is asked to do. */
struct job {
    const struct nf_catalogue *c;
    const char *path, *name, *hash;
    bool unsettled;
    struct nf_skill_package *ret;
    struct nf_catalogue_entry *entry; /* NULL: nobody wants it */
};

static struct nf_catalogue *of(struct nf_skill_files *f);

enum nf_code nf_catalogue_path(const struct nf_catalogue *c, const char *name, const char *hash,
                               struct nf_str *ret, struct nf_err *err)
{
    nf_str_reset(ret);
    return nf_str_addf(ret, err, "%s/%s/%s", c->dir, name, hash);
}

/* --- on a thread ------------------------------------------------------------------------------ */

static NF_RC look_at(const char *path, struct nf_package *files, struct nf_skill_package *ret,
                     struct nf_err *err)
{
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package p = { 0 };

    NF_TRY(nf_package_read(path, files, err));
    NF_TRY(nf_package_manifest(files, &p.manifest, err));
    NF_TRY(nf_package_hash(files, p.hash, err));
    *ret = nf_take(p);
    return NF_OK;
}

static enum nf_code inspect_job(void *arg, struct nf_err *err)
{
    const struct job *j = arg;
    NF_CLEANUP(nf_package_done) struct nf_package files = { 0 };

    return look_at(j->path, &files, j->ret, err);
}

static NF_RC make_dir(const char *path, struct nf_err *err)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return nf_err_set(err, NF_E_IO, "create directory '%.150s': %s", path, strerror(errno));
    return NF_OK;
}

/* Whether the directory of that name and hash is there and has that hash. */
static bool is_kept(const struct nf_catalogue *c, const char *name, const char *hash)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
    NF_CLEANUP(nf_package_done) struct nf_package files = { 0 };
    char now[NF_SKILL_HASH + 1];

    return nf_catalogue_path(c, name, hash, &path, NULL) == NF_OK &&
           nf_package_read(nf_str_c(&path), &files, NULL) == NF_OK &&
           nf_package_hash(&files, now, NULL) == NF_OK && strcmp(now, hash) == 0;
}

static enum nf_code import_job(void *arg, struct nf_err *err)
{
    const struct job *j = arg;
    NF_CLEANUP(nf_package_done) struct nf_package files = { 0 };
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package p = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str parent = { 0 };

    NF_TRY(look_at(j->path, &files, &p, err));
    if (j->hash && strcmp(j->hash, p.hash) != 0)
        return nf_err_set(
            err, NF_E_CONFLICT,
            "the files of skill %s were changed since they were looked at: look again",
            p.manifest.name);
    NF_TRY(nf_str_addf(&parent, err, "%s/%s", j->c->dir, p.manifest.name));
    NF_TRY(make_dir(j->c->dir, err));
    NF_TRY(make_dir(nf_str_c(&parent), err));
    if (!is_kept(j->c, p.manifest.name, p.hash))
        NF_TRY(nf_package_write(&files, nf_str_c(&parent), p.hash, !j->unsettled, err));
    *j->ret = nf_take(p);
    return NF_OK;
}

static bool fill_and_seal(int fd, const struct nf_str *data)
{
    const char *p = nf_str_c(data);

    for (size_t n = data->len; n > 0;) {
        ssize_t k = write(fd, p, n);
        if (k <= 0 && errno != EINTR)
            return false;
        p += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
    return fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
}

static NF_RC take_entry(const struct nf_package *files, const struct nf_skill_manifest *m,
                        struct nf_catalogue_entry *ret, struct nf_err *err)
{
    const struct nf_package_file *f = nf_package_find(files, m->entry);

    assert(f); /* the manifest was read with it */
    *ret = (struct nf_catalogue_entry){ .code = -1, .mark = f->mark };
    if (m->kind != NF_SKILL_PLUGIN)
        return NF_OK;
    int fd = memfd_create("plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || !fill_and_seal(fd, &f->data)) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return nf_err_set(err, NF_E_UNAVAILABLE, "memory for the plugin of %s: %s", m->name,
                          strerror(error));
    }
    ret->code = fd;
    return NF_OK;
}

static enum nf_code load_job(void *arg, struct nf_err *err)
{
    const struct job *j = arg;
    NF_CLEANUP(nf_package_done) struct nf_package files = { 0 };
    NF_CLEANUP(nf_skill_package_done) struct nf_skill_package p = { 0 };
    char hash[NF_SKILL_HASH + 1];

    /* The hash first: what was changed is not even parsed. */
    NF_TRY(nf_package_read(j->path, &files, err));
    NF_TRY(nf_package_hash(&files, hash, err));
    if (strcmp(hash, j->hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "the files of skill %s in '%.80s' were changed: install it again",
                          j->name, j->path);
    NF_TRY(nf_package_manifest(&files, &p.manifest, err));
    if (strcmp(p.manifest.name, j->name) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "'%.150s' holds another skill", j->path);
    memcpy(p.hash, hash, sizeof(hash));
    if (j->entry)
        NF_TRY(take_entry(&files, &p.manifest, j->entry, err));
    *j->ret = nf_take(p);
    return NF_OK;
}

static enum nf_code settle_job(void *arg, struct nf_err *err)
{
    const struct job *j = arg;

    return nf_tree_sync(j->path, err);
}

static NF_RC remove_but(const char *dir, DIR *d, const char *spare, struct nf_err *err)
{
    const struct dirent *e;

    while ((e = readdir(d)) != NULL) {
        NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            strcmp(e->d_name, spare) == 0)
            continue;
        NF_TRY(nf_str_addf(&path, err, "%s/%s", dir, e->d_name));
        NF_TRY(nf_tree_remove(nf_str_c(&path), err));
    }
    return NF_OK;
}

static enum nf_code remove_job(void *arg, struct nf_err *err)
{
    const struct job *j = arg;

    if (!j->hash)
        return nf_tree_remove(j->path, err);
    DIR *d = opendir(j->path);
    if (!d)
        return errno == ENOENT ? NF_OK
                               : nf_err_set(err, NF_E_IO, "open directory '%.150s': %s", j->path,
                                            strerror(errno));
    enum nf_code rc = remove_but(j->path, d, j->hash, err);
    (void)closedir(d);
    return rc;
}

/* --- the port --------------------------------------------------------------------------------- */

static enum nf_code inspect(struct nf_skill_files *f, const char *path,
                            struct nf_skill_package *ret, struct nf_err *err)
{
    struct nf_catalogue *c = of(f);
    struct job j = { .c = c, .path = path, .ret = ret };

    return nf_executor_call(c->o.executor, inspect_job, &j, err);
}

static enum nf_code import(struct nf_skill_files *f, const char *path, const char *hash,
                           struct nf_skill_package *ret, struct nf_err *err)
{
    struct nf_catalogue *c = of(f);
    struct job j = { .c = c, .path = path, .hash = hash, .ret = ret };

    return nf_executor_call(c->o.executor, import_job, &j, err);
}

enum nf_code nf_catalogue_import_unsettled(struct nf_catalogue *c, const char *path,
                                           const char *hash, struct nf_skill_package *ret,
                                           struct nf_err *err)
{
    struct job j = { .c = c, .path = path, .hash = hash, .unsettled = true, .ret = ret };

    return nf_executor_call(c->o.executor, import_job, &j, err);
}

/* Names and hashes become paths: what is neither cannot. */
static NF_RC check_name(const char *name, const char *hash, struct nf_err *err)
{
    NF_TRY(nf_skill_check_name(name, err));
    if (hash &&
        (strlen(hash) != NF_SKILL_HASH || strspn(hash, "0123456789abcdef") != NF_SKILL_HASH))
        return nf_err_set(err, NF_E_INVALID, "hash must have %d lower-case hex digits",
                          NF_SKILL_HASH);
    return NF_OK;
}

/* NOLINTBEGIN(readability-non-const-parameter): the job writes there */
enum nf_code nf_catalogue_load_entry(struct nf_catalogue *c, const char *name, const char *hash,
                                     struct nf_skill_package *ret, struct nf_catalogue_entry *entry,
                                     struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(check_name(name, hash, err));
    NF_TRY(nf_catalogue_path(c, name, hash, &path, err));
    struct job j = {
        .path = nf_str_c(&path), .name = name, .hash = hash, .ret = ret, .entry = entry
    };
    return nf_executor_call(c->o.executor, load_job, &j, err);
}
/* NOLINTEND(readability-non-const-parameter) */

enum nf_code nf_catalogue_settle(struct nf_catalogue *c, const char *name, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(check_name(name, NULL, err));
    NF_TRY(nf_str_addf(&path, err, "%s/%s", c->dir, name));
    struct job j = { .path = nf_str_c(&path) };
    return nf_executor_call(c->o.executor, settle_job, &j, err);
}

static enum nf_code load(struct nf_skill_files *f, const char *name, const char *hash,
                         struct nf_skill_package *ret, struct nf_err *err)
{
    return nf_catalogue_load_entry(of(f), name, hash, ret, NULL, err);
}

static enum nf_code remove_files(struct nf_skill_files *f, const char *name, const char *hash,
                                 struct nf_err *err)
{
    struct nf_catalogue *c = of(f);
    NF_CLEANUP(nf_str_done) struct nf_str path = { 0 };

    NF_TRY(check_name(name, hash, err));
    NF_TRY(nf_str_addf(&path, err, "%s/%s", c->dir, name));
    struct job j = { .path = nf_str_c(&path), .hash = hash };
    NF_TRY(nf_executor_call(c->o.executor, remove_job, &j, err));
    return hash ? NF_OK : nf_skill_logs_remove(c->o.logs, name, err);
}

static enum nf_code read_log(struct nf_skill_files *f, const char *name, size_t max,
                             struct nf_str *ret, struct nf_err *err)
{
    NF_TRY(check_name(name, NULL, err));
    return nf_skill_logs_read(of(f)->o.logs, name, max, ret, err);
}

static enum nf_code changed(struct nf_skill_files *f, const char *name, struct nf_err *err)
{
    struct nf_catalogue *c = of(f);

    return c->o.changed ? c->o.changed(c->o.arg, name, err) : NF_OK;
}

static const struct nf_skill_files_ops ops = {
    .inspect = inspect,
    .import = import,
    .load = load,
    .remove = remove_files,
    .read_log = read_log,
    .changed = changed,
};

static struct nf_catalogue *of(struct nf_skill_files *f)
{
    assert(f->ops == &ops);
    return nf_container_of(f, struct nf_catalogue, port);
}

enum nf_code nf_catalogue_new(const struct nf_catalogue_options *o, struct nf_catalogue **ret,
                              struct nf_err *err)
{
    struct nf_catalogue *c = calloc(1, sizeof(*c));

    if (!c)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    c->port.ops = &ops;
    c->o = *o;
    enum nf_code rc = nf_strdup(o->dir, &c->dir, err);
    if (rc != NF_OK) {
        free(c);
        return rc;
    }
    *ret = c;
    return NF_OK;
}

void nf_catalogue_free(struct nf_catalogue *c)
{
    if (c)
        free(c->dir);
    free(c);
}

struct nf_skill_files *nf_catalogue_port(struct nf_catalogue *c)
{
    return &c->port;
}
