/*
 * The installed skills' files: `dir`/NAME/HASH/, and their logs beside it. Implements the port
 * ports/skill_files.h.
 */
#pragma once

#include "application/ports/skill_files.h"
#include "runtime/executor.h"
#include "skills/logs.h"
#include "skills/package.h"

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

/* What a manifest names as its entry, as it was when its hash was right. */
struct nf_catalogue_entry {
    /* Of a plugin: its bytes, in memory that nobody can change any more (memfd_create(2)), to be
     * closed by who asked; -1 for a program. */
    int code;
    struct nf_file_mark mark;
};
/* The port's `load`, and the entry. Suspends. */
NF_RC nf_catalogue_load_entry(struct nf_catalogue *c, const char *name, const char *hash,
                              struct nf_skill_package *ret, struct nf_catalogue_entry *entry,
                              struct nf_err *err);

/* The port's `import` for who can do it again: a power cut may leave any part of the files, until
 * they are settled. Whatever is left, `load` refuses it unless it is whole. Suspends. */
NF_RC nf_catalogue_import_unsettled(struct nf_catalogue *c, const char *path, const char *hash,
                                    struct nf_skill_package *ret, struct nf_err *err);
/* Have the disk keep what is kept of `name`. NF_E_NOT_FOUND: nothing is. Suspends. */
NF_RC nf_catalogue_settle(struct nf_catalogue *c, const char *name, struct nf_err *err);

/* Replace *ret by the directory of a version. */
NF_RC nf_catalogue_path(const struct nf_catalogue *c, const char *name, const char *hash,
                        struct nf_str *ret, struct nf_err *err);
