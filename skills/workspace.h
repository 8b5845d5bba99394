/*
 * The files of a session, for skills: `dir`/SESSION/. Paths are relative, with '/' between names;
 * they are resolved by the kernel beneath the session's directory, without following any link.
 * Calls run on the executor, which has one thread, so that quotas hold.
 */
#pragma once

#include "base/string.h"
#include "runtime/executor.h"

#include <stdbool.h>
#include <stdint.h>

#define NF_WORKSPACE_PATH_MAX 1024 /* bytes */
#define NF_WORKSPACE_NAME_MAX 200  /* bytes of one name */
#define NF_WORKSPACE_DEPTH_MAX 16  /* names in a path */
#define NF_WORKSPACE_READ_MAX ((size_t)1 << 20)
#define NF_WORKSPACE_WRITE_MAX ((size_t)4 << 20)
#define NF_WORKSPACE_LIST_MAX 5000 /* entries of a directory that are listed */

struct nf_workspaces;

struct nf_workspace_quota {
    int64_t bytes, files; /* directories count as files */
};

NF_RC nf_workspaces_new(const char *dir, struct nf_executor *executor, struct nf_workspaces **ret,
                        struct nf_err *err);
void nf_workspaces_free(struct nf_workspaces *w); /* NULL is allowed */

/* The id of the files that a call works on: those of its session; of a call by hand, which has
 * none, the user's own. */
static inline int64_t nf_workspace_of(int64_t session_id, int64_t user_id)
{
    return session_id > 0 ? session_id : -user_id;
}

/* NF_E_INVALID: no path, as the message says. "" is one only where a directory is meant. */
NF_RC nf_workspace_check_path(const char *path, struct nf_err *err);

/* Append at most `limit` bytes from `offset`; fewer at the end. NF_E_NOT_FOUND; NF_E_INVALID: it is
 * no file; NF_E_DENIED: a link is in the way. Suspends, as all of these. */
NF_RC nf_workspace_read(struct nf_workspaces *w, int64_t session_id, const char *path,
                        int64_t offset, size_t limit, struct nf_str *ret, struct nf_err *err);
/* Let the file hold `data`, whole or as before; directories above it are made. NF_E_LIMIT: over the
 * quota. */
NF_RC nf_workspace_write(struct nf_workspaces *w, int64_t session_id, const char *path,
                         struct nf_slice data, const struct nf_workspace_quota *quota,
                         struct nf_err *err);
/* Append a JSON array of {"name", "type", "size", "modified_ms"} by name; what is neither file nor
 * directory is left out. "" is the workspace, which may not be there yet. */
NF_RC nf_workspace_list(struct nf_workspaces *w, int64_t session_id, const char *path,
                        struct nf_str *ret, struct nf_err *err);
/* A file or an empty directory. */
NF_RC nf_workspace_remove(struct nf_workspaces *w, int64_t session_id, const char *path,
                          struct nf_err *err);
/* NF_E_LIMIT: the directory `path`, a session's or a scratch one, is over the quota. */
NF_RC nf_workspace_look(struct nf_workspaces *w, const char *path,
                        const struct nf_workspace_quota *quota, struct nf_err *err);
/* Make an empty directory that belongs to no session and replace *ret by its path; and remove it
 * with what is in it, as far as that is possible. */
NF_RC nf_workspace_scratch(struct nf_workspaces *w, struct nf_str *ret, struct nf_err *err);
void nf_workspace_drop(struct nf_workspaces *w, const char *path);
/* Remove what is in it. False: not all of it. */
bool nf_workspace_empty(struct nf_workspaces *w, const char *path);
/* Make the session's directory if it is not there and replace *ret by its path. NF_E_LIMIT: it is
 * over the quota already. For programs, which work in it. */
NF_RC nf_workspace_open(struct nf_workspaces *w, int64_t session_id,
                        const struct nf_workspace_quota *quota, struct nf_str *ret,
                        struct nf_err *err);
