/* Functions and constants of expressions. What can be exact is; the rest is a double. */
#include "skills/bundled/calc/eval.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define FACTORIAL_MAX 1600 /* 1600! has 14,800 bits */
#define PRIME_MAX UINT64_C(1000000000000)
#define SHIFT_MAX 16384

#define CALL(name) static struct nf_num name(struct nf_calc *c, const struct nf_num *a, size_t n)

static struct nf_num fail(struct nf_calc *c, const char *why)
{
    nf_calc_fail(c, NF_SKILL_E_INVALID, "%s", why);
    return nf_num_of(c, 0);
}

/* --- whole numbers --------------------------------------------------------------------------- */

/* A whole argument from min to max; fails the call otherwise. */
static int64_t need_int(struct nf_calc *c, struct nf_num a, int64_t min, int64_t max,
                        const char *what)
{
    int64_t v;

    if (nf_num_i64(a, &v) && v >= min && v <= max)
        return v;
    nf_calc_fail(c, NF_SKILL_E_INVALID, "%s must be a whole number from %lld to %lld", what,
                 (long long)min, (long long)max);
    return min;
}

static bool need_whole(struct nf_calc *c, const struct nf_num *a, size_t n, const char *what)
{
    for (size_t k = 0; k < n; k++)
        if (!nf_num_is_int(a[k])) {
            nf_calc_fail(c, NF_SKILL_E_INVALID, "%s takes whole numbers only", what);
            return false;
        }
    return true;
}

static struct nf_num whole(struct nf_calc *c, struct nf_big v)
{
    return nf_num_ratio(c, false, v, nf_big_of(c, 1));
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the logarithm of the number of factors */

/* from * (from + 1) * ... * to, in a tree so that factors stay of one length. */
static struct nf_big product(struct nf_calc *c, uint64_t from, uint64_t to)
{
    uint64_t mid = from + (to - from) / 2;

    if (from > to)
        return nf_big_of(c, 1);
    if (from == to)
        return nf_big_of(c, from);
    return nf_big_mul(c, product(c, from, mid), product(c, mid + 1, to));
}

/* NOLINTEND(misc-no-recursion) */

struct nf_num nf_factorial(struct nf_calc *c, struct nf_num a)
{
    int64_t v = need_int(c, a, 0, FACTORIAL_MAX, "the argument of a factorial");

    return whole(c, product(c, 2, (uint64_t)v));
}

CALL(fact)
{
    (void)n;
    return nf_factorial(c, a[0]);
}

CALL(permutations)
{
    int64_t all = need_int(c, a[0], 0, INT32_MAX, "nPr: the first argument");
    int64_t some = need_int(c, a[1], 0, FACTORIAL_MAX, "nPr: the second argument");
    (void)n;

    if (some > all || c->rc != NF_SKILL_OK)
        return nf_num_of(c, 0);
    return some == 0 ? nf_num_of(c, 1)
                     : whole(c, product(c, (uint64_t)(all - some + 1), (uint64_t)all));
}

CALL(choose)
{
    int64_t all = need_int(c, a[0], 0, INT32_MAX, "nCr: the first argument");
    int64_t some = need_int(c, a[1], 0, INT32_MAX, "nCr: the second argument");
    struct nf_num pair[2] = { a[0], a[1] };
    (void)n;

    if (some > all || c->rc != NF_SKILL_OK)
        return nf_num_of(c, 0);
    if (some > all - some)
        pair[1] = nf_num_of(c, all - some);
    return nf_num_div(c, permutations(c, pair, 2), nf_factorial(c, pair[1]));
}

CALL(gcd)
{
    struct nf_big v = { 0 };

    if (!need_whole(c, a, n, "gcd"))
        return a[0];
    for (size_t k = 0; k < n; k++)
        v = nf_big_gcd(c, v, a[k].num);
    return whole(c, v);
}

CALL(lcm)
{
    struct nf_big v = nf_big_of(c, 1);

    if (!need_whole(c, a, n, "lcm"))
        return a[0];
    for (size_t k = 0; k < n && c->rc == NF_SKILL_OK; k++) {
        if (a[k].num.n == 0)
            return nf_num_of(c, 0);
        v = nf_big_mul(c, nf_big_div(c, v, nf_big_gcd(c, v, a[k].num), NULL), a[k].num);
    }
    return whole(c, v);
}

/* The smallest factor over 1 of v >= 2. */
static uint64_t smallest_factor(struct nf_calc *c, uint64_t v)
{
    uint64_t f;

    if (v % 2 == 0)
        return 2;
    for (f = 3; f * f <= v && v % f != 0;)
        f += 2;
    (void)nf_calc_charge(c, f * 4); /* a division is as dear as a few limbs */
    return f * f <= v ? f : v;
}

CALL(isprime)
{
    int64_t v = need_int(c, a[0], 0, (int64_t)PRIME_MAX, "isprime: the argument");
    (void)n;

    return nf_num_of(c, v >= 2 && smallest_factor(c, (uint64_t)v) == (uint64_t)v);
}

static struct nf_num bits(struct nf_calc *c, const struct nf_num *a, size_t n, char op)
{
    struct nf_big v = a[0].num;

    if (!need_whole(c, a, n, "a bitwise function"))
        return a[0];
    for (size_t k = 0; k < n; k++) {
        if (a[k].neg)
            return fail(c, "a bitwise function takes no negative numbers");
        v = k == 0 ? v : nf_big_bitwise(c, v, a[k].num, op);
    }
    return whole(c, v);
}

CALL(bitand)
{
    return bits(c, a, n, '&');
}

CALL(bitor)
{
    return bits(c, a, n, '|');
}

CALL(bitxor)
{
    return bits(c, a, n, '^');
}

CALL(shl)
{
    int64_t by = need_int(c, a[1], 0, SHIFT_MAX, "shl: the second argument");

    return need_whole(c, a, n, "shl")
               ? nf_num_ratio(c, a[0].neg, nf_big_shl(c, a[0].num, (uint32_t)by), nf_big_of(c, 1))
               : a[0];
}

CALL(shr)
{
    int64_t by = need_int(c, a[1], 0, SHIFT_MAX, "shr: the second argument");

    if (!need_whole(c, a, n, "shr"))
        return a[0];
    return nf_num_floor(
        c, nf_num_div(c, a[0], whole(c, nf_big_shl(c, nf_big_of(c, 1), (uint32_t)by))));
}

/* --- rounding and lists ---------------------------------------------------------------------- */

CALL(absolute)
{
    (void)c;
    (void)n;
    return nf_num_abs(a[0]);
}

CALL(sign)
{
    (void)n;
    return nf_num_of(c, nf_num_is_zero(a[0]) ? 0 : nf_num_is_neg(a[0]) ? -1 : 1);
}

CALL(floor_of)
{
    (void)n;
    return nf_num_floor(c, a[0]);
}

CALL(ceil_of)
{
    (void)n;
    return nf_num_neg(nf_num_floor(c, nf_num_neg(a[0])));
}

CALL(trunc_of)
{
    return nf_num_is_neg(a[0]) ? ceil_of(c, a, n) : floor_of(c, a, n);
}

CALL(frac)
{
    return nf_num_sub(c, a[0], trunc_of(c, a, n));
}

CALL(round_of)
{
    int64_t places = n > 1 ? need_int(c, a[1], -300, 300, "round: the number of places") : 0;

    return nf_num_round(c, a[0], places);
}

CALL(mod)
{
    (void)n;
    return nf_num_mod(c, a[0], a[1]);
}

CALL(quotient)
{
    (void)n;
    return nf_num_floor(c, nf_num_div(c, a[0], a[1]));
}

CALL(sum)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_add(c, v, a[k]);
    return v;
}

CALL(mean)
{
    return nf_num_div(c, sum(c, a, n), nf_num_of(c, (int64_t)n));
}

CALL(min)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_cmp(c, a[k], v) < 0 ? a[k] : v;
    return v;
}

CALL(max)
{
    struct nf_num v = a[0];

    for (size_t k = 1; k < n; k++)
        v = nf_num_cmp(c, a[k], v) > 0 ? a[k] : v;
    return v;
}

CALL(median)
{
    struct nf_num sorted[NF_FUNCTION_ARGS_MAX];

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

/* --- powers and logarithms ------------------------------------------------------------------- */

CALL(sqrt_of)
{
    (void)n;
    return nf_num_sqrt(c, a[0]);
}

/* Exact if the nearest whole number is the root. */
CALL(root)
{
    int64_t degree = need_int(c, a[1], 1, 1000, "root: the degree");
    bool neg = nf_num_is_neg(a[0]) && !nf_num_is_zero(a[0]);
    double x = fabs(nf_num_f64(c, a[0])), r = pow(x, 1.0 / (double)degree);
    (void)n;

    if (neg && degree % 2 == 0)
        return fail(c, "an even root of a negative number is not real");
    if (degree == 2)
        return nf_num_sqrt(c, a[0]);
    if (a[0].exact && r < 9007199254740992.0 && c->rc == NF_SKILL_OK) {
        struct nf_num whole_root = nf_num_of(c, (int64_t)llround(r));
        /* Powers of what is close are close: no danger of a number that is too long. */
        struct nf_num power = nf_num_pow(c, whole_root, nf_num_of(c, degree));

        if (nf_num_cmp(c, power, nf_num_abs(a[0])) == 0)
            return neg ? nf_num_neg(whole_root) : whole_root;
    }
    return nf_num_approx(c, neg ? -r : r, "the root");
}

CALL(cbrt_of)
{
    struct nf_num pair[2] = { a[0], nf_num_of(c, 3) };
    (void)n;

    return root(c, pair, 2);
}

CALL(power)
{
    (void)n;
    return nf_num_pow(c, a[0], a[1]);
}

CALL(exp_of)
{
    (void)n;
    return nf_num_is_zero(a[0]) ? nf_num_of(c, 1)
                                : nf_num_approx(c, exp(nf_num_f64(c, a[0])), "exp");
}

/* ln of an exact number that may be beyond the range of a double. */
static double ln_of(struct nf_calc *c, struct nf_num a)
{
    int64_t over;

    if (nf_num_is_neg(a) || nf_num_is_zero(a)) {
        (void)fail(c, "a logarithm needs a number over 0");
        return 0;
    }
    if (!a.exact)
        return log(a.approx);
    over = (int64_t)nf_big_bits(a.num) - nf_big_bits(a.den);
    if (over < 1000 && over > -1000)
        return log(nf_num_f64(c, a));
    /* Bring it near 2^500 or 2^-500, which keeps enough of its digits. */
    over += over > 0 ? -500 : 500;
    if (over > 0)
        a.num = nf_big_shr(c, a.num, (uint32_t)over);
    else
        a.den = nf_big_shr(c, a.den, (uint32_t)-over);
    return log(nf_num_f64(c, a)) + (double)over * M_LN2;
}

CALL(ln)
{
    (void)n;
    return nf_num_is_int(a[0]) && nf_big_is(a[0].num, 1) ? nf_num_of(c, 0)
                                                         : nf_num_approx(c, ln_of(c, a[0]), "ln");
}

/* Exact if it is a whole number. */
static struct nf_num log_base(struct nf_calc *c, struct nf_num x, struct nf_num base)
{
    double v = ln_of(c, x), divisor = ln_of(c, base);

    if (c->rc == NF_SKILL_OK && divisor == 0)
        return fail(c, "the base of a logarithm cannot be 1");
    v /= c->rc == NF_SKILL_OK ? divisor : 1;
    if (x.exact && base.exact && c->rc == NF_SKILL_OK && fabs(v) <= NF_BIG_BITS) {
        struct nf_num guess = nf_num_of(c, llround(v));

        if (fabs(v - (double)llround(v)) < 1e-9 &&
            nf_num_cmp(c, nf_num_pow(c, base, guess), x) == 0)
            return guess;
    }
    return nf_num_approx(c, v, "the logarithm");
}

CALL(log_of)
{
    return log_base(c, a[0], n > 1 ? a[1] : nf_num_of(c, 10));
}

CALL(log2_of)
{
    (void)n;
    return log_base(c, a[0], nf_num_of(c, 2));
}

CALL(hypot_of)
{
    return nf_num_sqrt(
        c, n == 1 ? nf_num_mul(c, a[0], a[0])
                  : nf_num_add(c, nf_num_mul(c, a[0], a[0]), nf_num_mul(c, a[1], a[1])));
}

/* --- angles ---------------------------------------------------------------------------------- */

static double to_radians(struct nf_calc *c, double v)
{
    return c->degrees ? v * (M_PI / 180) : v;
}

static struct nf_num from_radians(struct nf_calc *c, double v, const char *what)
{
    return nf_num_approx(c, c->degrees ? v * (180 / M_PI) : v, what);
}

/* sin of an exact angle in degrees if that is a simple number: sines of multiples of 30 or 90. */
static bool simple_sine(struct nf_calc *c, struct nf_num degrees, struct nf_num *ret)
{
    static const int halves[12] = { 0, 1, 9, 2, 9, 1, 0, -1, 9, -2, 9, -1 };
    int64_t v;

    if (!c->degrees || !nf_num_i64(nf_num_mod(c, degrees, nf_num_of(c, 360)), &v) || v % 30 != 0 ||
        halves[v / 30] == 9)
        return false;
    *ret = nf_num_div(c, nf_num_of(c, halves[v / 30]), nf_num_of(c, 2));
    return true;
}

/* The error of the angle is the error of the sine: below it, a sine is 0. */
static double denoised(double v, double angle)
{
    return fabs(v) < 2 * DBL_EPSILON * fmax(1, fabs(angle)) ? 0 : v;
}

CALL(sin_of)
{
    double x = to_radians(c, nf_num_f64(c, a[0]));
    struct nf_num v;
    (void)n;

    if (nf_num_is_zero(a[0]) || simple_sine(c, a[0], &v))
        return nf_num_is_zero(a[0]) ? nf_num_of(c, 0) : v;
    return nf_num_approx(c, denoised(sin(x), x), "sin");
}

CALL(cos_of)
{
    double x = to_radians(c, nf_num_f64(c, a[0]));
    struct nf_num v;
    (void)n;

    if (nf_num_is_zero(a[0]))
        return nf_num_of(c, 1);
    if (a[0].exact && simple_sine(c, nf_num_add(c, a[0], nf_num_of(c, 90)), &v))
        return v;
    return nf_num_approx(c, denoised(cos(x), x), "cos");
}

CALL(tan_of)
{
    double x = to_radians(c, nf_num_f64(c, a[0]));
    int64_t v;
    (void)n;

    if (denoised(cos(x), x) == 0)
        return fail(c, "tan is not defined there");
    if (c->degrees && nf_num_i64(nf_num_mod(c, a[0], nf_num_of(c, 180)), &v) && v % 45 == 0)
        return nf_num_of(c, v == 0 ? 0 : v == 45 ? 1 : -1);
    return nf_num_approx(c, denoised(tan(x), x), "tan");
}

#define ANGLE_OF(name, function)                                                                   \
    CALL(name)                                                                                     \
    {                                                                                              \
        (void)n;                                                                                   \
        return from_radians(c, function(nf_num_f64(c, a[0])), #function);                          \
    }
ANGLE_OF(asin_of, asin)
ANGLE_OF(acos_of, acos)
ANGLE_OF(atan_of, atan)

CALL(atan2_of)
{
    (void)n;
    return from_radians(c, atan2(nf_num_f64(c, a[0]), nf_num_f64(c, a[1])), "atan2");
}

#define DOUBLE_OF(name, function)                                                                  \
    CALL(name)                                                                                     \
    {                                                                                              \
        (void)n;                                                                                   \
        return nf_num_approx(c, function(nf_num_f64(c, a[0])), #function);                         \
    }
DOUBLE_OF(sinh_of, sinh)
DOUBLE_OF(cosh_of, cosh)
DOUBLE_OF(tanh_of, tanh)
DOUBLE_OF(asinh_of, asinh)
DOUBLE_OF(acosh_of, acosh)
DOUBLE_OF(atanh_of, atanh)

CALL(deg)
{
    (void)n;
    return nf_num_approx(c, nf_num_f64(c, a[0]) * (180 / M_PI), "deg");
}

CALL(rad)
{
    (void)n;
    return nf_num_approx(c, nf_num_f64(c, a[0]) * (M_PI / 180), "rad");
}

/* --- names ----------------------------------------------------------------------------------- */

static const struct nf_function functions[] = {
    { "abs", 1, 1, absolute },
    { "acos", 1, 1, acos_of },
    { "acosh", 1, 1, acosh_of },
    { "asin", 1, 1, asin_of },
    { "asinh", 1, 1, asinh_of },
    { "atan", 1, 1, atan_of },
    { "atan2", 2, 2, atan2_of },
    { "atanh", 1, 1, atanh_of },
    { "avg", 1, SIZE_MAX, mean },
    { "bitand", 1, SIZE_MAX, bitand},
    { "bitor", 1, SIZE_MAX, bitor },
    { "bitxor", 1, SIZE_MAX, bitxor },
    { "cbrt", 1, 1, cbrt_of },
    { "ceil", 1, 1, ceil_of },
    { "cos", 1, 1, cos_of },
    { "cosh", 1, 1, cosh_of },
    { "deg", 1, 1, deg },
    { "exp", 1, 1, exp_of },
    { "fact", 1, 1, fact },
    { "floor", 1, 1, floor_of },
    { "frac", 1, 1, frac },
    { "gcd", 1, SIZE_MAX, gcd },
    { "hypot", 1, 2, hypot_of },
    { "isprime", 1, 1, isprime },
    { "lcm", 1, SIZE_MAX, lcm },
    { "ln", 1, 1, ln },
    { "log", 1, 2, log_of },
    { "log10", 1, 1, log_of },
    { "log2", 1, 1, log2_of },
    { "max", 1, SIZE_MAX, max },
    { "mean", 1, SIZE_MAX, mean },
    { "median", 1, SIZE_MAX, median },
    { "min", 1, SIZE_MAX, min },
    { "mod", 2, 2, mod },
    { "nCr", 2, 2, choose },
    { "nPr", 2, 2, permutations },
    { "pow", 2, 2, power },
    { "quotient", 2, 2, quotient },
    { "rad", 1, 1, rad },
    { "root", 2, 2, root },
    { "round", 1, 2, round_of },
    { "shl", 2, 2, shl },
    { "shr", 2, 2, shr },
    { "sign", 1, 1, sign },
    { "sin", 1, 1, sin_of },
    { "sinh", 1, 1, sinh_of },
    { "sqrt", 1, 1, sqrt_of },
    { "sum", 1, SIZE_MAX, sum },
    { "tan", 1, 1, tan_of },
    { "tanh", 1, 1, tanh_of },
    { "trunc", 1, 1, trunc_of },
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
