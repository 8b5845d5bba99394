/* Arithmetic on fractions, and on doubles where one takes part. */
#include "skills/bundled/calc/num.h"

#include <math.h>

struct nf_num nf_num_ratio(struct nf_calc *c, bool neg, struct nf_big num, struct nf_big den)
{
    struct nf_num r = { .exact = true };

    if (den.n == 0) {
        nf_calc_fail(c, NF_SKILL_E_INVALID, "division by zero");
        den = nf_big_of(c, 1);
    }
    if (!nf_big_is(den, 1) && c->rc == NF_SKILL_OK) {
        struct nf_big common = nf_big_gcd(c, num, den);

        if (!nf_big_is(common, 1) && common.n > 0) {
            num = nf_big_div(c, num, common, NULL);
            den = nf_big_div(c, den, common, NULL);
        }
    }
    r.neg = neg && num.n > 0;
    r.num = num;
    r.den = den;
    return r;
}

static struct nf_num whole(struct nf_calc *c, bool neg, struct nf_big num)
{
    return (struct nf_num){
        .exact = true, .neg = neg && num.n > 0, .num = num, .den = nf_big_of(c, 1)
    };
}

struct nf_num nf_num_of(struct nf_calc *c, int64_t v)
{
    return whole(c, v < 0, nf_big_of(c, v < 0 ? 0 - (uint64_t)v : (uint64_t)v));
}

struct nf_num nf_num_approx(struct nf_calc *c, double v, const char *what)
{
    if (isnan(v))
        nf_calc_fail(c, NF_SKILL_E_INVALID, "%s is not defined there", what);
    else if (isinf(v))
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "%s is too large, over 1.8e308", what);
    return (struct nf_num){ .approx = isfinite(v) ? v : 0 };
}

/* The highest 128 bits at most; *dropped: how many were below them. */
static struct nf_big highest(struct nf_calc *c, struct nf_big a, int *dropped)
{
    uint32_t bits = nf_big_bits(a);

    *dropped = bits > 128 ? (int)bits - 128 : 0;
    return *dropped > 0 ? nf_big_shr(c, a, (uint32_t)*dropped) : a;
}

/* num / den, correct to the last bit or the one before it. */
static double quotient(struct nf_calc *c, struct nf_big num, struct nf_big den)
{
    int below_num, below_den, shift;
    uint64_t top = 0;
    struct nf_big q;

    num = highest(c, num, &below_num);
    den = highest(c, den, &below_den);
    /* 65 bits or 66. */
    shift = (int)nf_big_bits(den) - (int)nf_big_bits(num) + 65;
    q = nf_big_div(c, shift > 0 ? nf_big_shl(c, num, (uint32_t)shift) : num, den, NULL);
    if (shift < 0)
        shift = 0;
    if (nf_big_bits(q) > 64) {
        int over = (int)nf_big_bits(q) - 64;

        q = nf_big_shr(c, q, (uint32_t)over);
        shift -= over;
    }
    (void)nf_big_fits(q, &top);
    return ldexp((double)top, below_num - below_den - shift);
}

double nf_num_f64(struct nf_calc *c, struct nf_num a)
{
    double v;

    if (!a.exact)
        return a.approx;
    v = quotient(c, a.num, a.den);
    if (isinf(v)) {
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "a number is too large to approximate, over 1.8e308");
        v = 0;
    }
    return a.neg ? -v : v;
}

bool nf_num_is_zero(struct nf_num a)
{
    return a.exact ? a.num.n == 0 : a.approx == 0;
}

bool nf_num_is_int(struct nf_num a)
{
    return a.exact && nf_big_is(a.den, 1);
}

bool nf_num_is_neg(struct nf_num a)
{
    return a.exact ? a.neg : a.approx < 0;
}

bool nf_num_i64(struct nf_num a, int64_t *ret)
{
    uint64_t v;

    if (!nf_num_is_int(a) || !nf_big_fits(a.num, &v) || v > INT64_MAX)
        return false;
    *ret = a.neg ? -(int64_t)v : (int64_t)v;
    return true;
}

int nf_num_cmp(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    struct nf_num d;

    if (!a.exact || !b.exact) {
        double x = nf_num_f64(c, a), y = nf_num_f64(c, b);

        return x < y ? -1 : x > y;
    }
    if (a.neg != b.neg)
        return a.neg ? -1 : 1;
    d = nf_num_sub(c, a, b);
    return nf_num_is_zero(d) ? 0 : d.neg ? -1 : 1;
}

struct nf_num nf_num_neg(struct nf_num a)
{
    a.neg = !a.neg && a.num.n > 0;
    a.approx = -a.approx;
    return a;
}

struct nf_num nf_num_abs(struct nf_num a)
{
    return nf_num_is_neg(a) ? nf_num_neg(a) : a;
}

struct nf_num nf_num_add(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    struct nf_big x, y, den;

    if (!a.exact || !b.exact)
        return nf_num_approx(c, nf_num_f64(c, a) + nf_num_f64(c, b), "the sum");
    if (nf_big_cmp(a.den, b.den) == 0) {
        x = a.num;
        y = b.num;
        den = a.den;
    } else {
        x = nf_big_mul(c, a.num, b.den);
        y = nf_big_mul(c, b.num, a.den);
        den = nf_big_mul(c, a.den, b.den);
    }
    if (a.neg == b.neg)
        return nf_num_ratio(c, a.neg, nf_big_add(c, x, y), den);
    if (nf_big_cmp(x, y) >= 0)
        return nf_num_ratio(c, a.neg, nf_big_sub(c, x, y), den);
    return nf_num_ratio(c, b.neg, nf_big_sub(c, y, x), den);
}

struct nf_num nf_num_sub(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    return nf_num_add(c, a, nf_num_neg(b));
}

struct nf_num nf_num_mul(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    if (!a.exact || !b.exact)
        return nf_num_approx(c, nf_num_f64(c, a) * nf_num_f64(c, b), "the product");
    return nf_num_ratio(c, a.neg != b.neg, nf_big_mul(c, a.num, b.num),
                        nf_big_mul(c, a.den, b.den));
}

struct nf_num nf_num_div(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    if (nf_num_is_zero(b)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID, "division by zero");
        return a;
    }
    if (!a.exact || !b.exact)
        return nf_num_approx(c, nf_num_f64(c, a) / nf_num_f64(c, b), "the quotient");
    return nf_num_ratio(c, a.neg != b.neg, nf_big_mul(c, a.num, b.den),
                        nf_big_mul(c, a.den, b.num));
}

struct nf_num nf_num_floor(struct nf_calc *c, struct nf_num a)
{
    struct nf_big rest, q;

    if (!a.exact) {
        double v = floor(a.approx);

        /* A whole double below 2^53 is known exactly. */
        return fabs(v) < 9007199254740992.0 ? nf_num_of(c, (int64_t)v)
                                            : nf_num_approx(c, v, "the result");
    }
    q = nf_big_div(c, a.num, a.den, &rest);
    if (a.neg && rest.n > 0)
        q = nf_big_add(c, q, nf_big_of(c, 1));
    return whole(c, a.neg, q);
}

struct nf_num nf_num_mod(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    if (nf_num_is_zero(b)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID, "division by zero: the right side of %% is 0");
        return a;
    }
    return nf_num_sub(c, a, nf_num_mul(c, b, nf_num_floor(c, nf_num_div(c, a, b))));
}

struct nf_num nf_num_sqrt(struct nf_calc *c, struct nf_num a)
{
    if (nf_num_is_neg(a)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID, "the square root of a negative number is not real");
        return a;
    }
    if (a.exact) {
        struct nf_big num = nf_big_sqrt(c, a.num), den = nf_big_sqrt(c, a.den);

        if (nf_big_cmp(nf_big_mul(c, num, num), a.num) == 0 &&
            nf_big_cmp(nf_big_mul(c, den, den), a.den) == 0)
            return nf_num_ratio(c, false, num, den);
    }
    return nf_num_approx(c, sqrt(nf_num_f64(c, a)), "the square root");
}

struct nf_num nf_num_pow(struct nf_calc *c, struct nf_num a, struct nf_num b)
{
    uint64_t e;

    if (nf_num_is_zero(a) && nf_num_is_neg(b)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID, "division by zero: 0 to a negative power");
        return a;
    }
    if (a.exact && nf_num_is_int(b)) {
        struct nf_big num, den;

        if (a.num.n == 0 || (nf_big_is(a.num, 1) && nf_big_is(a.den, 1))) {
            if (b.num.n == 0)
                return nf_num_of(c, 1);
            return whole(c, a.neg && (b.num.limb[0] & 1), a.num);
        }
        if (!nf_big_fits(b.num, &e))
            e = UINT64_MAX; /* says that it is too long */
        num = nf_big_pow(c, a.num, e);
        den = nf_big_pow(c, a.den, e);
        if (b.neg && c->rc == NF_SKILL_OK)
            return (
                struct nf_num){ .exact = true, .neg = a.neg && (e & 1), .num = den, .den = num };
        return (struct nf_num){ .exact = true, .neg = a.neg && (e & 1), .num = num, .den = den };
    }
    if (b.exact && nf_big_is(b.den, 2) && nf_big_is(b.num, 1) && !nf_num_is_neg(a))
        return b.neg ? nf_num_div(c, nf_num_of(c, 1), nf_num_sqrt(c, a)) : nf_num_sqrt(c, a);
    if (nf_num_is_neg(a) && !(b.exact && nf_big_is(b.den, 1)) &&
        floor(nf_num_f64(c, b)) != nf_num_f64(c, b)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID,
                     "a negative number to a power that is not whole is not real; for an odd root "
                     "use root(x, n)");
        return a;
    }
    return nf_num_approx(c, pow(nf_num_f64(c, a), nf_num_f64(c, b)), "the power");
}
