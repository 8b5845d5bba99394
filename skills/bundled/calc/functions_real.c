/* Powers, logarithms and angles. What can be exact is; the rest is a double. */
#include "skills/bundled/calc/functions.h"

#include <float.h>
#include <math.h>

/* --- powers and logarithms ------------------------------------------------------------------- */

NF_CALL(sqrt_of)
{
    (void)n;
    return nf_num_sqrt(c, a[0]);
}

/* Exact if the nearest whole number is the root. */
NF_CALL(root)
{
    int64_t degree = nf_calc_need_int(c, a[1], 1, 1000, "root: the degree");
    bool neg = nf_num_is_neg(a[0]) && !nf_num_is_zero(a[0]);
    double x = fabs(nf_num_f64(c, a[0])), r = pow(x, 1.0 / (double)degree);
    (void)n;

    if (neg && degree % 2 == 0)
        return nf_calc_refuse(c, "an even root of a negative number is not real");
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

NF_CALL(cbrt_of)
{
    struct nf_num pair[2] = { a[0], nf_num_of(c, 3) };
    (void)n;

    return nf_calc_root(c, pair, 2);
}

NF_CALL(power)
{
    (void)n;
    return nf_num_pow(c, a[0], a[1]);
}

NF_CALL(exp_of)
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
        (void)nf_calc_refuse(c, "a logarithm needs a number over 0");
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

NF_CALL(ln)
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
        return nf_calc_refuse(c, "the base of a logarithm cannot be 1");
    v /= c->rc == NF_SKILL_OK ? divisor : 1;
    if (x.exact && base.exact && c->rc == NF_SKILL_OK && fabs(v) <= NF_BIG_BITS) {
        struct nf_num guess = nf_num_of(c, llround(v));

        if (fabs(v - (double)llround(v)) < 1e-9 &&
            nf_num_cmp(c, nf_num_pow(c, base, guess), x) == 0)
            return guess;
    }
    return nf_num_approx(c, v, "the logarithm");
}

NF_CALL(log_of)
{
    return log_base(c, a[0], n > 1 ? a[1] : nf_num_of(c, 10));
}

NF_CALL(log2_of)
{
    (void)n;
    return log_base(c, a[0], nf_num_of(c, 2));
}

NF_CALL(hypot_of)
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

NF_CALL(sin_of)
{
    double x = to_radians(c, nf_num_f64(c, a[0]));
    struct nf_num v;
    (void)n;

    if (nf_num_is_zero(a[0]) || simple_sine(c, a[0], &v))
        return nf_num_is_zero(a[0]) ? nf_num_of(c, 0) : v;
    return nf_num_approx(c, denoised(sin(x), x), "sin");
}

NF_CALL(cos_of)
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

NF_CALL(tan_of)
{
    double x = to_radians(c, nf_num_f64(c, a[0]));
    int64_t v;
    (void)n;

    if (denoised(cos(x), x) == 0)
        return nf_calc_refuse(c, "tan is not defined there");
    if (c->degrees && nf_num_i64(nf_num_mod(c, a[0], nf_num_of(c, 180)), &v) && v % 45 == 0)
        return nf_num_of(c, v == 0 ? 0 : v == 45 ? 1 : -1);
    return nf_num_approx(c, denoised(tan(x), x), "tan");
}

#define ANGLE_OF(name, function)                                                                   \
    NF_CALL(name)                                                                                  \
    {                                                                                              \
        (void)n;                                                                                   \
        return from_radians(c, function(nf_num_f64(c, a[0])), #function);                          \
    }
ANGLE_OF(asin_of, asin)
ANGLE_OF(acos_of, acos)
ANGLE_OF(atan_of, atan)

NF_CALL(atan2_of)
{
    (void)n;
    return from_radians(c, atan2(nf_num_f64(c, a[0]), nf_num_f64(c, a[1])), "atan2");
}

#define DOUBLE_OF(name, function)                                                                  \
    NF_CALL(name)                                                                                  \
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

NF_CALL(deg)
{
    (void)n;
    return nf_num_approx(c, nf_num_f64(c, a[0]) * (180 / M_PI), "deg");
}

NF_CALL(rad)
{
    (void)n;
    return nf_num_approx(c, nf_num_f64(c, a[0]) * (M_PI / 180), "rad");
}
