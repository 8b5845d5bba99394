/*
 * Port: the files of skills, apart from what the owner decided about them (ports/skill_store.h).
 * Whatever is installed lies in a directory of its own, by name and hash, and is never changed
 * there: another version is another directory. All operations may suspend.
 */
#pragma once

#include "base/string.h"
#include "domain/skill_manifest.h"

/* What one directory holds. */
struct nf_skill_package {
    struct nf_skill_manifest manifest;
    char hash[NF_SKILL_HASH + 1]; /* SHA-256 over names and contents of all files */
};
void nf_skill_package_done(struct nf_skill_package *p);

struct nf_skill_files {
    const struct nf_skill_files_ops *ops;
};

struct nf_skill_files_ops {
    /* Look at the directory `path`; nothing is kept. NF_E_NOT_FOUND: there is no such directory, or
     * it has no skill.json or not the entry that this names; NF_E_INVALID: the manifest is wrong,
     * or something is neither file nor directory; NF_E_LIMIT: too many or too large files. Names
     * that begin with a dot are left out, here and below. */
    enum nf_code (*inspect)(struct nf_skill_files *f, const char *path,
                            struct nf_skill_package *ret, struct nf_err *err);
    /* Copy the directory `path` to where skills are kept, whole or not at all. NF_E_CONFLICT: its
     * hash is not `hash`, which the owner looked at (NULL: nobody did). To have it already is fine.
     */
    enum nf_code (*import)(struct nf_skill_files *f, const char *path, const char *hash,
                           struct nf_skill_package *ret, struct nf_err *err);
    /* What is kept as `name` and `hash`. NF_E_NOT_FOUND; NF_E_CONFLICT: its files were changed. */
    enum nf_code (*load)(struct nf_skill_files *f, const char *name, const char *hash,
                         struct nf_skill_package *ret, struct nf_err *err);
    /* Remove all that is kept of `name` but `hash` (NULL: nothing is spared, its log neither). */
    enum nf_code (*remove)(struct nf_skill_files *f, const char *name, const char *hash,
                           struct nf_err *err);
    /* Append the newest lines of a skill's log, whole lines of at most `max` bytes; nothing if it
     * never wrote any. */
    enum nf_code (*read_log)(struct nf_skill_files *f, const char *name, size_t max,
                             struct nf_str *ret, struct nf_err *err);
    /* Something was decided about `name`, and the store has it: what is offered is looked up again,
     * and processes of what may not run any more are ended. */
    enum nf_code (*changed)(struct nf_skill_files *f, const char *name, struct nf_err *err);
};
