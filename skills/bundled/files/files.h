/* Files of the workspace as the tools of the skill files see them. */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_PATH_MAX 1024
#define NF_FILE_MAX ((size_t)4 << 20) /* bytes of a file that a tool takes in or writes */
#define NF_READ_LINES_MAX 2000
#define NF_READ_BYTES_MAX ((size_t)200 * 1024) /* that one answer shows */

struct nf_file {
    const char *p;
    size_t n;
};

/* The argument `key`, without "./" before it; "" only if `root` allows the workspace itself. */
const char *nf_path_arg(struct nf_args *a, const char *key, bool root);
/* The whole file. Fails the call with its path if it is not there or over NF_FILE_MAX. */
bool nf_file_load(struct nf_args *a, const char *path, struct nf_file *ret);
/* The same, but *found says whether it is there. */
bool nf_file_try(struct nf_args *a, const char *path, struct nf_file *ret, bool *found);
bool nf_file_save(struct nf_args *a, const char *path, const char *p, size_t n);
/* Text, as opposed to pictures and programs: no NUL in the first 8 KiB. */
bool nf_file_is_text(const struct nf_file *f);
/* A host function failed on `path`: so does the call, with its words. */
void nf_file_failed(struct nf_args *a, int code, const char *path);

int nf_files_read(struct nf_args *a, struct nf_buf *out);
int nf_files_write(struct nf_args *a, struct nf_buf *out);
int nf_files_list(struct nf_args *a, struct nf_buf *out);
int nf_files_search(struct nf_args *a, struct nf_buf *out);
int nf_files_patch(struct nf_args *a, struct nf_buf *out);
int nf_files_move(struct nf_args *a, struct nf_buf *out);
int nf_files_delete(struct nf_args *a, struct nf_buf *out);
