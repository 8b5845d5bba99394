/* What is computed with the operations of big.c: powers, roots, common divisors, bits. */
#include "skills/bundled/calc/big.h"

#include <string.h>

struct nf_big nf_big_pow(struct nf_calc *c, struct nf_big a, uint64_t e)
{
    struct nf_big power = nf_big_of(c, 1);

    if (e == 0 || nf_big_is(a, 1))
        return power;
    /* Without this, squaring would run into the limit one step too early. */
    if (a.n > 0 && e > NF_BIG_BITS)
        return nf_big_shl(c, power, NF_BIG_BITS + 64); /* says that it is too long */
    for (;;) {
        if (e & 1)
            power = nf_big_mul(c, power, a);
        e >>= 1;
        if (e == 0 || c->rc != NF_SKILL_OK)
            return power;
        a = nf_big_mul(c, a, a);
    }
}

static uint64_t gcd_small(uint64_t a, uint64_t b)
{
    while (b > 0) {
        uint64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

/* Limbs in place, for the binary method: *n is kept without leading zeros. */
static void shift_out_zeros(uint32_t *p, uint32_t *n)
{
    uint32_t words = 0, bits;

    while (p[words] == 0)
        words++;
    bits = (uint32_t)__builtin_ctz(p[words]);
    for (uint32_t k = words; k < *n; k++) {
        uint64_t v = (uint64_t)(k + 1 < *n ? p[k + 1] : 0) << 32 | p[k];

        p[k - words] = (uint32_t)(v >> bits);
    }
    *n -= words;
    while (p[*n - 1] == 0)
        --*n;
}

static void subtract(uint32_t *a, uint32_t *n, const uint32_t *b, uint32_t bn)
{
    uint32_t borrow = 0;

    for (uint32_t k = 0; k < *n; k++) {
        uint64_t v = (uint64_t)a[k] - (k < bn ? b[k] : 0) - borrow;

        a[k] = (uint32_t)v;
        borrow = (uint32_t)(v >> 63);
    }
    while (*n > 0 && a[*n - 1] == 0)
        --*n;
}

static uint32_t trailing_zeros(struct nf_big a)
{
    uint32_t k = 0;

    while (a.limb[k] == 0)
        k++;
    return k * 32 + (uint32_t)__builtin_ctz(a.limb[k]);
}

/* Stein's method on copies: subtract and shift. Both are over 0. */
static struct nf_big gcd_long(struct nf_calc *c, struct nf_big a, struct nf_big b)
{
    uint32_t za = trailing_zeros(a), zb = trailing_zeros(b), n = a.n > b.n ? a.n : b.n;
    uint32_t *u = c->h->alloc(c->h, (size_t)n * 8), *v = u ? u + n : NULL, un = a.n, vn = b.n;

    if (!u) {
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "no memory left: use smaller numbers");
        return nf_big_of(c, 1);
    }
    memcpy(u, a.limb, un * sizeof(*u));
    memcpy(v, b.limb, vn * sizeof(*v));
    shift_out_zeros(u, &un);
    shift_out_zeros(v, &vn);
    for (;;) {
        int cmp = nf_big_cmp((struct nf_big){ u, un }, (struct nf_big){ v, vn });

        c->work += (int64_t)un + vn;
        if (cmp == 0 || c->work > NF_BIG_WORK)
            break;
        if (cmp > 0) {
            subtract(u, &un, v, vn);
            shift_out_zeros(u, &un);
        } else {
            subtract(v, &vn, u, un);
            shift_out_zeros(v, &vn);
        }
    }
    return nf_big_shl(c, (struct nf_big){ u, un }, za < zb ? za : zb);
}

struct nf_big nf_big_gcd(struct nf_calc *c, struct nf_big a, struct nf_big b)
{
    uint64_t x, y;

    /* Division brings numbers of different length together at once. */
    while (b.n > 0 && (a.n > 2 || b.n > 2) && a.n != b.n && c->rc == NF_SKILL_OK) {
        struct nf_big rest;

        (void)nf_big_div(c, a, b, &rest);
        a = b;
        b = rest;
    }
    if (b.n == 0 || a.n == 0)
        return b.n == 0 ? a : b;
    if (nf_big_fits(a, &x) && nf_big_fits(b, &y))
        return nf_big_of(c, gcd_small(x, y));
    return gcd_long(c, a, b);
}

struct nf_big nf_big_sqrt(struct nf_calc *c, struct nf_big a)
{
    struct nf_big root;

    if (a.n == 0)
        return a;
    /* Newton's method from above falls until it is there. */
    root = nf_big_shl(c, nf_big_of(c, 1), (nf_big_bits(a) + 1) / 2);
    while (c->rc == NF_SKILL_OK) {
        struct nf_big next = nf_big_shr(c, nf_big_add(c, root, nf_big_div(c, a, root, NULL)), 1);

        if (nf_big_cmp(next, root) >= 0)
            break;
        root = next;
    }
    return root;
}

struct nf_big nf_big_bitwise(struct nf_calc *c, struct nf_big a, struct nf_big b, char op)
{
    uint32_t n = a.n > b.n ? a.n : b.n;
    uint32_t *to = c->h->alloc(c->h, (size_t)(n > 0 ? n : 1) * sizeof(*to));

    if (!to) {
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "no memory left: use smaller numbers");
        return (struct nf_big){ 0 };
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t x = k < a.n ? a.limb[k] : 0, y = k < b.n ? b.limb[k] : 0;

        to[k] = op == '&' ? x & y : op == '|' ? x | y : x ^ y;
    }
    while (n > 0 && to[n - 1] == 0)
        n--;
    return (struct nf_big){ to, n };
}
