/*
 * The installed skills' files: `dir`/NAME/HASH/, and their logs beside it. Implements the port
 * ports/skill_files.h.
 */
#pragma once

#include "application/ports/skill_files.h"
#include "runtime/executor.h"
#include "skills/logs.h"

struct nf_catalogue;

struct nf_catalogue_options {
    const char *dir;              /* created when something is installed */
    struct nf_executor *executor; /* borrowed */
    struct nf_skill_logs *logs;   /* borrowed */
    /* The port's `changed`. May suspend. */
    enum nf_code (*changed)(void *arg, const char *name, struct nf_err *err);
    void *arg;
};

NF_RC nf_catalogue_new(const struct nf_catalogue_options *o, struct nf_catalogue **ret,
                       struct nf_err *err);
void nf_catalogue_free(struct nf_catalogue *c); /* NULL is allowed */

struct nf_skill_files *nf_catalogue_port(struct nf_catalogue *c);

/* Replace *ret by the directory of a version. */
NF_RC nf_catalogue_path(const struct nf_catalogue *c, const char *name, const char *hash,
                        struct nf_str *ret, struct nf_err *err);
