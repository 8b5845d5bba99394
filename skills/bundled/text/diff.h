/* The shortest edit from one list of lines to another. */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_DIFF_LINES_MAX 50000
/* Insertions and deletions looked for; what differs more is shown as replaced from its first to its
 * last difference. */
#define NF_DIFF_EDITS_MAX 1500

struct nf_line {
    const char *p;
    size_t n;  /* without the line break */
    bool last; /* there is no line break */
};

/* The lines of p[0..n). NULL after a failure, which names `key`. */
struct nf_line *nf_lines_of(struct nf_args *a, const char *key, const char *p, size_t n,
                            size_t *ret_n);

struct nf_diff_counts {
    size_t added, removed;
    bool coarse; /* too many edits: see above */
};
/* A unified diff with `context` lines around changes, without its two head lines. */
struct nf_diff_counts nf_diff(struct nf_args *a, const struct nf_line *x, size_t xn,
                              const struct nf_line *y, size_t yn, size_t context, bool ignore_space,
                              struct nf_buf *out);
