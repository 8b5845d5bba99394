/* Names of functions and constants of expressions, and the functions that round and gather. */
#include "skills/bundled/calc/functions.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct nf_num nf_calc_refuse(struct nf_calc *c, const char *why)
{
    nf_calc_fail(c, NF_SKILL_E_INVALID, "%s", why);
    return nf_num_of(c, 0);
}

int64_t nf_calc_need_int(struct nf_calc *c, struct nf_num a, int64_t min, int64_t max,
                         const char *what)
{
    int64_t v;

    if (nf_num_i64(a, &v) && v >= min && v <= max)
        return v;
    nf_calc_fail(c, NF_SKILL_E_INVALID, "%s must be a whole number from %lld to %lld", what,
                 (long long)min, (long long)max);
    return min;
}

/* --- rounding and lists ---------------------------------------------------------------------- */

NF_CALL(absolute)
{
    (void)c;
    (void)n;
    return nf_num_abs(a[0]);
}

NF_CALL(sign)
{
    (void)n;
    return nf_num_of(c, nf_num_is_zero(a[0]) ? 0 : nf_num_is_neg(a[0]) ? -1 : 1);
}

NF_CALL(floor_of)
{
    (void)n;
    return nf_num_floor(c, a[0]);
}

NF_CALL(ceil_of)
{
    (void)n;
    return nf_num_neg(nf_num_floor(c, nf_num_neg(a[0])));
}

NF_CALL(trunc_of)
{
    return nf_num_is_neg(a[0]) ? nf_calc_ceil_of(c, a, n) : nf_calc_floor_of(c, a, n);
}

NF_CALL(frac)
{
    return nf_num_sub(c, a[0], nf_calc_trunc_of(c, a, n));
}

NF_CALL(round_of)
{
    int64_t places =
        n > 1 ? nf_calc_need_int(c, a[1], -300, 300, "round: the number of places") : 0;

    return nf_num_round(c, a[0], places);
}

NF_CALL(mod)
{
    (void)n;
    return nf_num_mod(c, a[0], a[1]);
}

NF_CALL(quotient)
{
    (void)n;
    return nf_num_floor(c, nf_num_div(c, a[0], a[1]));
}

NF_CALL(sum)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_add(c, v, a[k]);
    return v;
}

NF_CALL(mean)
{
    return nf_num_div(c, nf_calc_sum(c, a, n), nf_num_of(c, (int64_t)n));
}

NF_CALL(min)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_cmp(c, a[k], v) < 0 ? a[k] : v;
    return v;
}

NF_CALL(max)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_cmp(c, a[k], v) > 0 ? a[k] : v;
    return v;
}

NF_CALL(median)
{
    struct nf_num sorted[NF_FUNCTION_ARGS_MAX];

    assert(n > 0); /* functions.def */
    for (size_t k = 0; k < n; k++) {
        size_t at = k;

        for (; at > 0 && nf_num_cmp(c, sorted[at - 1], a[k]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = a[k];
    }
    if (n % 2 == 1)
        return sorted[n / 2];
    return nf_num_div(c, nf_num_add(c, sorted[n / 2 - 1], sorted[n / 2]), nf_num_of(c, 2));
}

/* --- names ----------------------------------------------------------------------------------- */

static const struct nf_function functions[] = {
#define NF_FUNCTION(text, min, max, name) { text, min, max, nf_calc_##name },
#include "skills/bundled/calc/functions.def"
#undef NF_FUNCTION
};

static const struct {
    const char *name;
    double value;
} constants[] = {
    { "pi", M_PI },
    { "e", M_E },
    { "tau", 2 * M_PI },
    { "phi", 1.6180339887498948482 },
};

static bool same(const char *name, const char *p, size_t n)
{
    return strlen(name) == n && memcmp(name, p, n) == 0;
}

const struct nf_function *nf_function_find(const char *name, size_t n)
{
    for (size_t k = 0; k < sizeof(functions) / sizeof(functions[0]); k++)
        if (same(functions[k].name, name, n))
            return &functions[k];
    return NULL;
}

bool nf_constant_find(struct nf_calc *c, const char *name, size_t n, struct nf_num *ret)
{
    for (size_t k = 0; k < sizeof(constants) / sizeof(constants[0]); k++)
        if (same(constants[k].name, name, n)) {
            *ret = nf_num_approx(c, constants[k].value, constants[k].name);
            return true;
        }
    return false;
}
