#include "skills/workspace.h"

#include "base/own.h"
#include "base/utf8.h"
#include "observe/log.h"
#include "skills/package.h"
#include "skills/workspace_jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct nf_workspaces {
    char *dir;
    struct nf_executor *executor;
    uint64_t scratches; /* made so far */
};

enum nf_code nf_workspaces_new(const char *dir, struct nf_executor *executor,
                               struct nf_workspaces **ret, struct nf_err *err)
{
    struct nf_workspaces *w = calloc(1, sizeof(*w));

    if (!w)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    w->executor = executor;
    enum nf_code rc = nf_strdup(dir, &w->dir, err);
    if (rc != NF_OK) {
        free(w);
        return rc;
    }
    *ret = w;
    return NF_OK;
}

void nf_workspaces_free(struct nf_workspaces *w)
{
    if (w)
        free(w->dir);
    free(w);
}

/* --- paths ------------------------------------------------------------------------------------ */

static NF_RC check_name(const char *p, size_t n, struct nf_err *err)
{
    if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
        return nf_err_set(err, NF_E_INVALID,
                          "path must be relative to the workspace, with names between single '/' "
                          "that are not . or ..");
    if (n > NF_WORKSPACE_NAME_MAX)
        return nf_err_set(err, NF_E_INVALID, "path: a name has more than %d bytes",
                          NF_WORKSPACE_NAME_MAX);
    if (n >= sizeof(NF_WORKSPACE_FRESH) - 1 &&
        memcmp(p, NF_WORKSPACE_FRESH, sizeof(NF_WORKSPACE_FRESH) - 1) == 0)
        return nf_err_set(err, NF_E_INVALID,
                          "path: names that begin with " NF_WORKSPACE_FRESH " are taken");
    return NF_OK;
}

static bool has_control(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < ' ' || *path == 127)
            return true;
    return false;
}

enum nf_code nf_workspace_check_path(const char *path, struct nf_err *err)
{
    size_t n = strnlen(path, NF_WORKSPACE_PATH_MAX + 1), names = 0;

    if (n > NF_WORKSPACE_PATH_MAX)
        return nf_err_set(err, NF_E_INVALID, "path has more than %d bytes", NF_WORKSPACE_PATH_MAX);
    if (!nf_utf8_valid(path, n) || has_control(path))
        return nf_err_set(err, NF_E_INVALID, "path must be UTF-8 without control characters");
    for (const char *p = path;; p++) {
        size_t len = strcspn(p, "/");
        NF_TRY(check_name(p, len, err));
        if (++names > NF_WORKSPACE_DEPTH_MAX)
            return nf_err_set(err, NF_E_INVALID, "path has more than %d names",
                              NF_WORKSPACE_DEPTH_MAX);
        p += len;
        if (*p == '\0')
            return NF_OK;
    }
}

static NF_RC session_dir(const struct nf_workspaces *w, int64_t session_id, struct nf_str *ret,
                         struct nf_err *err)
{
    nf_str_reset(ret);
    return nf_str_addf(ret, err, "%s/%lld", w->dir, (long long)session_id);
}

/* --- the calls -------------------------------------------------------------------------------- */

static NF_RC run(struct nf_workspaces *w, int64_t session_id, nf_work_fn fn,
                 struct nf_workspace_job *j, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str dir = { 0 };

    NF_TRY(session_dir(w, session_id, &dir, err));
    j->dir = nf_str_c(&dir);
    j->parent = w->dir;
    return nf_executor_call(w->executor, fn, j, err);
}

enum nf_code nf_workspace_read(struct nf_workspaces *w, int64_t session_id, const char *path,
                               int64_t offset, size_t limit, struct nf_str *ret, struct nf_err *err)
{
    struct nf_workspace_job j = { .path = path, .offset = offset, .limit = limit, .ret = ret };

    NF_TRY(nf_workspace_check_path(path, err));
    if (offset < 0)
        return nf_err_set(err, NF_E_INVALID, "offset must not be negative");
    if (j.limit == 0 || j.limit > NF_WORKSPACE_READ_MAX)
        j.limit = NF_WORKSPACE_READ_MAX;
    return run(w, session_id, nf_workspace_read_job, &j, err);
}

enum nf_code nf_workspace_write(struct nf_workspaces *w, int64_t session_id, const char *path,
                                struct nf_slice data, const struct nf_workspace_quota *quota,
                                struct nf_err *err)
{
    struct nf_workspace_job j = { .path = path, .data = data, .quota = *quota };

    NF_TRY(nf_workspace_check_path(path, err));
    if (data.n > NF_WORKSPACE_WRITE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a file may have at most %zu bytes",
                          NF_WORKSPACE_WRITE_MAX);
    return run(w, session_id, nf_workspace_write_job, &j, err);
}

enum nf_code nf_workspace_list(struct nf_workspaces *w, int64_t session_id, const char *path,
                               struct nf_str *ret, struct nf_err *err)
{
    struct nf_workspace_job j = { .path = path, .ret = ret };

    if (*path)
        NF_TRY(nf_workspace_check_path(path, err));
    return run(w, session_id, nf_workspace_list_job, &j, err);
}

enum nf_code nf_workspace_remove(struct nf_workspaces *w, int64_t session_id, const char *path,
                                 struct nf_err *err)
{
    struct nf_workspace_job j = { .path = path };

    NF_TRY(nf_workspace_check_path(path, err));
    return run(w, session_id, nf_workspace_remove_job, &j, err);
}

enum nf_code nf_workspace_open(struct nf_workspaces *w, int64_t session_id,
                               const struct nf_workspace_quota *quota, struct nf_str *ret,
                               struct nf_err *err)
{
    struct nf_workspace_job j = { .quota = *quota };

    NF_TRY(run(w, session_id, nf_workspace_open_job, &j, err));
    return session_dir(w, session_id, ret, err);
}

/* --- scratch ---------------------------------------------------------------------------------- */

static enum nf_code scratch_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;

    if (mkdir(j->parent, 0700) != 0 && errno != EEXIST)
        return nf_err_set(err, NF_E_IO, "create '%.150s': %s", j->parent, strerror(errno));
    NF_TRY(nf_tree_remove(j->dir, err)); /* of a daemon that was killed */
    if (mkdir(j->dir, 0700) != 0)
        return nf_err_set(err, NF_E_IO, "create '%.150s': %s", j->dir, strerror(errno));
    return NF_OK;
}

static enum nf_code drop_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;

    return nf_tree_remove(j->dir, err);
}

static enum nf_code empty_job(void *arg, struct nf_err *err)
{
    const struct nf_workspace_job *j = arg;

    return nf_tree_empty(j->dir, err);
}

enum nf_code nf_workspace_scratch(struct nf_workspaces *w, struct nf_str *ret, struct nf_err *err)
{
    nf_str_reset(ret);
    NF_TRY(nf_str_addf(ret, err, "%s/scratch-%llu", w->dir, (unsigned long long)++w->scratches));
    struct nf_workspace_job j = { .dir = nf_str_c(ret), .parent = w->dir };
    return nf_executor_call(w->executor, scratch_job, &j, err);
}

static enum nf_code look_job(void *arg, struct nf_err *err)
{
    return nf_workspace_check_quota(arg, err);
}

enum nf_code nf_workspace_look(struct nf_workspaces *w, const char *path,
                               const struct nf_workspace_quota *quota, struct nf_err *err)
{
    struct nf_workspace_job j = { .dir = path, .quota = *quota };

    return nf_executor_call(w->executor, look_job, &j, err);
}

/* What was cancelled is the call, which is over. */
static enum nf_code afterwards(struct nf_workspaces *w, nf_work_fn fn, const char *path)
{
    struct nf_workspace_job j = { .dir = path };
    struct nf_err why;
    enum nf_code cancelled = nf_fiber_cancelled();

    nf_fiber_uncancel();
    enum nf_code rc = nf_executor_call(w->executor, fn, &j, &why);
    if (cancelled != NF_OK)
        nf_fiber_cancel(nf_fiber_current(), cancelled);
    if (rc != NF_OK)
        nf_log_warn("skill.scratch.left", "path", path, "err", why.msg, NULL);
    return rc;
}

void nf_workspace_drop(struct nf_workspaces *w, const char *path)
{
    (void)!afterwards(w, drop_job, path);
}

bool nf_workspace_empty(struct nf_workspaces *w, const char *path)
{
    return afterwards(w, empty_job, path) == NF_OK;
}
