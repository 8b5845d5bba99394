/*
 * The file that says which skills that came with the program were installed, and with which hash: a
 * line for each version. One whose files may not have reached the disk yet says so. Blocks the
 * thread: for an executor.
 */
#pragma once

#include "domain/skill.h"

#include <stddef.h>

#define NF_BUNDLED_SEEN_MAX 256 /* lines of the file */

struct nf_seen {
    struct nf_seen_line {
        char name[NF_NAME_MAX + 1];
        char hash[NF_SKILL_HASH + 1];
        bool settled; /* its files are on disk */
    } v[NF_BUNDLED_SEEN_MAX];
    size_t n;
};

/* What `path` says; nothing if it is not there. Lines that are none are left out. NF_E_IO. */
NF_RC nf_seen_read(struct nf_seen *s, const char *path, struct nf_err *err);
/* Whole or as before, and on disk. NF_E_IO. */
NF_RC nf_seen_write(const struct nf_seen *s, const char *path, struct nf_err *err);

/* The line of a version, or with NULL for `hash` the newest of that name; NULL: there is none. */
struct nf_seen_line *nf_seen_find(struct nf_seen *s, const char *name, const char *hash);
/* Let one be the newest of its name. Of the others the newest stays: it is installed until this one
 * is. NF_E_LIMIT. */
NF_RC nf_seen_add(struct nf_seen *s, const char *name, const char *hash, bool settled,
                  struct nf_err *err);
