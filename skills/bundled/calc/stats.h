/* What is known of a list of numbers, exact where they are. */
#pragma once

#include "skills/bundled/calc/num.h"

#define NF_STATS_VALUES_MAX 10000
#define NF_STATS_MODES_MAX 10

struct nf_stats {
    struct nf_num sum, mean, min, max, median, q1, q3;
    struct nf_num population_variance, sample_variance; /* the latter of two values or more */
    struct nf_num modes[NF_STATS_MODES_MAX]; /* the most frequent, of those that repeat */
    size_t modes_n;
};

/* Of n >= 1 values, which are sorted. Quartiles interpolate between the two nearest ranks, as
 * spreadsheets do (QUARTILE.INC). False after a failure. */
bool nf_stats(struct nf_calc *c, struct nf_num *values, size_t n, struct nf_stats *ret);
