/* How well notes fit the words of a question. */
#pragma once

#include "skills/bundled/notes/store.h"

struct nf_ranked {
    const struct nf_note *note;
    double score; /* 0: none of the words is in it */
    size_t hit;   /* where in the text a word stands first; SIZE_MAX: in the title or tags only */
};

/* Rank all by the words of `query`, best first; of equals the newest. How many fit at all. */
size_t nf_rank(struct nf_args *a, const struct nf_note *notes, size_t n, const char *query,
               struct nf_ranked *ret);
