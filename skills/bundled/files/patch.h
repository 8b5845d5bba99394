/* Changing a text by a unified diff or by blocks of search and replacement. */
#pragma once

#include "skills/bundled/files/files.h"

#define NF_PATCH_HUNKS_MAX 500

/* Apply `patch`, either kind, to `text`; the new text is appended to *to. How many places changed;
 * 0 after a failure, which says which part does not apply and why. */
size_t nf_patch_apply(struct nf_args *a, const char *text, size_t n, const char *patch,
                      struct nf_buf *to);
