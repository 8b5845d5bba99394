/* Statistics of a list. */
#include "skills/bundled/calc/stats.h"

#include <string.h>

/* Merge sort by value: comparing fails the call at most, it never lies about the order of two. */
static bool sort(struct nf_calc *c, struct nf_num *v, size_t n)
{
    struct nf_num *to = c->h->alloc(c->h, n * sizeof(*to));

    if (!to) {
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "no memory left: give fewer values");
        return false;
    }
    for (size_t width = 1; width < n && c->rc == NF_SKILL_OK; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t mid = from + width < n ? from + width : n;
            size_t end = from + 2 * width < n ? from + 2 * width : n;
            size_t l = from, r = mid;

            for (size_t k = from; k < end; k++)
                if (l < mid && (r >= end || nf_num_cmp(c, v[l], v[r]) <= 0))
                    to[k] = v[l++];
                else
                    to[k] = v[r++];
        }
        memcpy(v, to, n * sizeof(*v));
    }
    return c->rc == NF_SKILL_OK;
}

/* The value at `quarters` quarters of the way from the first to the last. */
static struct nf_num quantile(struct nf_calc *c, const struct nf_num *v, size_t n, size_t quarters)
{
    size_t at = (n - 1) * quarters, low = at / 4, part = at % 4;
    struct nf_num step;

    if (part == 0)
        return v[low];
    step = nf_num_mul(c, nf_num_sub(c, v[low + 1], v[low]), nf_num_of(c, (int64_t)part));
    return nf_num_add(c, v[low], nf_num_div(c, step, nf_num_of(c, 4)));
}

static void find_modes(struct nf_calc *c, const struct nf_num *v, size_t n, struct nf_stats *ret)
{
    size_t best = 2;

    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && nf_num_cmp(c, v[from], v[to]) == 0;)
            to++;
        if (to - from > best || (to - from == best && ret->modes_n == 0)) {
            best = to - from;
            ret->modes_n = 0;
        }
        if (to - from == best && ret->modes_n < NF_STATS_MODES_MAX)
            ret->modes[ret->modes_n++] = v[from];
    }
}

bool nf_stats(struct nf_calc *c, struct nf_num *values, size_t n, struct nf_stats *ret)
{
    struct nf_num squares = nf_num_of(c, 0), count = nf_num_of(c, (int64_t)n), deviation;

    *ret = (struct nf_stats){ .sum = nf_num_of(c, 0) };
    if (!sort(c, values, n))
        return false;
    for (size_t k = 0; k < n; k++) {
        ret->sum = nf_num_add(c, ret->sum, values[k]);
        squares = nf_num_add(c, squares, nf_num_mul(c, values[k], values[k]));
    }
    ret->mean = nf_num_div(c, ret->sum, count);
    ret->min = values[0];
    ret->max = values[n - 1];
    ret->median = quantile(c, values, n, 2);
    ret->q1 = quantile(c, values, n, 1);
    ret->q3 = quantile(c, values, n, 3);
    find_modes(c, values, n, ret);
    /* Exact, so the difference of large sums loses nothing. */
    deviation = nf_num_sub(c, squares, nf_num_mul(c, ret->sum, ret->mean));
    ret->population_variance = nf_num_div(c, deviation, count);
    if (n > 1)
        ret->sample_variance = nf_num_div(c, deviation, nf_num_of(c, (int64_t)n - 1));
    return c->rc == NF_SKILL_OK;
}
