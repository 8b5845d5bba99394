/*
 * Work directories of programs that have no files of a session. One that served the same skill for
 * the same person is used again, emptied: what stays is the directory, and so the jail around it,
 * which is what a call of a program costs.
 */
#pragma once

#include "skills/workspace.h"

#define NF_SCRATCHES_KEPT 8 /* as many jails are */

struct nf_scratch;
/* Zero value: none yet. */
struct nf_scratches {
    struct nf_scratch *list; /* the one that was used last is the last */
    size_t n;                /* of them those that are not in use */
};

/* An empty directory for a call of the skill with this hash; it has to be given back. Suspends. */
NF_RC nf_scratch_take(struct nf_scratches *s, struct nf_workspaces *w, const char *hash,
                      int64_t user_id, struct nf_scratch **ret, struct nf_err *err);
const char *nf_scratch_path(const struct nf_scratch *x);
/* The call has ended, and with it everything that could write there. Suspends. */
void nf_scratch_give(struct nf_scratches *s, struct nf_workspaces *w, struct nf_scratch *x);
/* Forget them all; none may be in use. What is left on disk goes when it is in the way. */
void nf_scratches_done(struct nf_scratches *s);
