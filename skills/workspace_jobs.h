/* What the thread of workspaces is asked to do: nf_work_fn, whose argument is a struct
 * nf_workspace_job. Each leaves the workspace as it was if it fails. */
#pragma once

#include "base/string.h"
#include "skills/workspace.h"

/* Files under construction; no other name begins so. */
#define NF_WORKSPACE_FRESH ".nf-new"

/* What a job needs; all is borrowed. */
struct nf_workspace_job {
    const char *dir; /* of the session */
    const char *parent;
    const char *path;
    int64_t offset;
    size_t limit;
    struct nf_slice data;
    struct nf_workspace_quota quota;
    struct nf_str *ret;
};

enum nf_code nf_workspace_read_job(void *arg, struct nf_err *err);
enum nf_code nf_workspace_write_job(void *arg, struct nf_err *err);
enum nf_code nf_workspace_list_job(void *arg, struct nf_err *err);
enum nf_code nf_workspace_remove_job(void *arg, struct nf_err *err);
enum nf_code nf_workspace_open_job(void *arg, struct nf_err *err);

/* NF_E_LIMIT: with what is to be written the workspace would be over its quota. */
NF_RC nf_workspace_check_quota(const struct nf_workspace_job *j, struct nf_err *err);
