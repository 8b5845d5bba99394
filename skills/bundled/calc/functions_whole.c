/* Functions of whole numbers: exact, or refused. */
#include "skills/bundled/calc/functions.h"

#define FACTORIAL_MAX 1600 /* 1600! has 14,800 bits */
#define PRIME_MAX UINT64_C(1000000000000)
#define SHIFT_MAX 16384

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
    int64_t v = nf_calc_need_int(c, a, 0, FACTORIAL_MAX, "the argument of a factorial");

    return whole(c, product(c, 2, (uint64_t)v));
}

NF_CALL(fact)
{
    (void)n;
    return nf_factorial(c, a[0]);
}

NF_CALL(permutations)
{
    int64_t all = nf_calc_need_int(c, a[0], 0, INT32_MAX, "nPr: the first argument");
    int64_t some = nf_calc_need_int(c, a[1], 0, FACTORIAL_MAX, "nPr: the second argument");
    (void)n;

    if (some > all || c->rc != NF_SKILL_OK)
        return nf_num_of(c, 0);
    return some == 0 ? nf_num_of(c, 1)
                     : whole(c, product(c, (uint64_t)(all - some + 1), (uint64_t)all));
}

NF_CALL(choose)
{
    int64_t all = nf_calc_need_int(c, a[0], 0, INT32_MAX, "nCr: the first argument");
    int64_t some = nf_calc_need_int(c, a[1], 0, INT32_MAX, "nCr: the second argument");
    struct nf_num pair[2] = { a[0], a[1] };
    (void)n;

    if (some > all || c->rc != NF_SKILL_OK)
        return nf_num_of(c, 0);
    if (some > all - some)
        pair[1] = nf_num_of(c, all - some);
    return nf_num_div(c, nf_calc_permutations(c, pair, 2), nf_factorial(c, pair[1]));
}

NF_CALL(gcd)
{
    struct nf_big v = { 0 };

    if (!need_whole(c, a, n, "gcd"))
        return a[0];
    for (size_t k = 0; k < n; k++)
        v = nf_big_gcd(c, v, a[k].num);
    return whole(c, v);
}

NF_CALL(lcm)
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

NF_CALL(isprime)
{
    int64_t v = nf_calc_need_int(c, a[0], 0, (int64_t)PRIME_MAX, "isprime: the argument");
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
            return nf_calc_refuse(c, "a bitwise function takes no negative numbers");
        v = k == 0 ? v : nf_big_bitwise(c, v, a[k].num, op);
    }
    return whole(c, v);
}

NF_CALL(bitand)
{
    return bits(c, a, n, '&');
}

NF_CALL(bitor)
{
    return bits(c, a, n, '|');
}

NF_CALL(bitxor)
{
    return bits(c, a, n, '^');
}

NF_CALL(shl)
{
    int64_t by = nf_calc_need_int(c, a[1], 0, SHIFT_MAX, "shl: the second argument");

    return need_whole(c, a, n, "shl")
               ? nf_num_ratio(c, a[0].neg, nf_big_shl(c, a[0].num, (uint32_t)by), nf_big_of(c, 1))
               : a[0];
}

NF_CALL(shr)
{
    int64_t by = nf_calc_need_int(c, a[1], 0, SHIFT_MAX, "shr: the second argument");

    if (!need_whole(c, a, n, "shr"))
        return a[0];
    return nf_num_floor(
        c, nf_num_div(c, a[0], whole(c, nf_big_shl(c, nf_big_of(c, 1), (uint32_t)by))));
}
