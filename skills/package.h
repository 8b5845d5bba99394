/*
 * The files of a skill as a whole: read into memory, hashed, written somewhere else. Blocks the
 * thread: for an executor. Links and special files are refused, names that begin with a dot left
 * out.
 */
#pragma once

#include "base/string.h"
#include "domain/skill_manifest.h"

#define NF_PACKAGE_FILES_MAX 512
#define NF_PACKAGE_BYTES_MAX ((size_t)32 << 20)
#define NF_PACKAGE_DEPTH_MAX 8   /* directories within each other */
#define NF_PACKAGE_PATH_MAX 255  /* bytes, seen from the skill's directory */
#define NF_PACKAGE_SEEN_MAX 4096 /* names looked at, those that are left out included */

/* Of a file as it was before it was read: what is changed later has another. */
struct nf_file_mark {
    uint64_t device, inode, size;
    int64_t modified_ns, changed_ns;
};
struct stat;
struct nf_file_mark nf_file_mark_of(const struct stat *st);

struct nf_package_file {
    char *path; /* "words.txt", "lib/x.py" */
    bool executable;
    struct nf_file_mark mark;
    struct nf_str data;
};
struct nf_package {
    struct nf_package_file *v; /* by path */
    size_t n, bytes;
};
void nf_package_done(struct nf_package *p);

/* NF_E_NOT_FOUND: no such directory; NF_E_INVALID names what is neither file nor directory;
 * NF_E_LIMIT the bound; NF_E_IO. */
NF_RC nf_package_read(const char *dir, struct nf_package *ret, struct nf_err *err);

/* SHA-256, in hex, over a line for each file: its path, whether it is executable, and the SHA-256
 * of its content. */
NF_RC nf_package_hash(const struct nf_package *p, char ret[NF_SKILL_HASH + 1], struct nf_err *err);

/* The manifest among the files. NF_E_NOT_FOUND: there is none, or its entry is not there;
 * NF_E_INVALID, NF_E_LIMIT: it is wrong. */
NF_RC nf_package_manifest(const struct nf_package *p, struct nf_skill_manifest *ret,
                          struct nf_err *err);

/* The file of that path; NULL: there is none. */
const struct nf_package_file *nf_package_find(const struct nf_package *p, const char *path);

/* Write the files as the directory `parent`/`name`, readable for everybody (a sandbox has another
 * user; `parent` decides who gets that far) and writable for nobody, whole
 * or not at all; what was there before is replaced. `parent` must exist. Without `durable` the
 * disk need not have them on return: a power cut may leave any part, until nf_tree_sync. NF_E_IO.
 */
NF_RC nf_package_write(const struct nf_package *p, const char *parent, const char *name,
                       bool durable, struct nf_err *err);

/* Have the disk write a directory with all that is in it. NF_E_NOT_FOUND; NF_E_IO. */
NF_RC nf_tree_sync(const char *path, struct nf_err *err);

/* Remove a directory with all that is in it; there being none is fine. NF_E_IO. */
NF_RC nf_tree_remove(const char *path, struct nf_err *err);
/* Remove all that is in a directory. NF_E_IO. */
NF_RC nf_tree_empty(const char *path, struct nf_err *err);
