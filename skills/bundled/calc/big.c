/* Long whole numbers in limbs of 32 bits. Schoolbook methods: at this size they are fast enough. */
#include "skills/bundled/calc/big.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LIMBS_MAX (NF_BIG_BITS / 32)

void nf_calc_fail(struct nf_calc *c, int code, const char *format, ...)
{
    char text[512];
    va_list ap;

    if (c->rc != NF_SKILL_OK)
        return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    c->rc = c->h->fail(c->h, code, "%s", text);
}

bool nf_calc_charge(struct nf_calc *c, uint64_t steps)
{
    if (c->rc != NF_SKILL_OK)
        return false;
    c->work += (int64_t)steps;
    if (c->work > NF_BIG_WORK) {
        nf_calc_fail(c, NF_SKILL_E_LIMIT,
                     "this takes too long to compute exactly: use smaller numbers");
        return false;
    }
    return true;
}

/* n limbs of 0; NULL: over the limit. */
static uint32_t *limbs(struct nf_calc *c, uint64_t n)
{
    uint32_t *p;

    if (n > LIMBS_MAX + 2) { /* two of room for what shrinks at once */
        nf_calc_fail(c, NF_SKILL_E_LIMIT,
                     "a number grows over %u bits (about 4900 digits): use smaller ones, or a "
                     "decimal point (2.0e0) where an approximation will do",
                     NF_BIG_BITS);
        return NULL;
    }
    if (!nf_calc_charge(c, n))
        return NULL;
    p = c->h->alloc(c->h, (size_t)(n > 0 ? n : 1) * sizeof(*p));
    if (!p)
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "no memory left: use smaller numbers");
    return p;
}

/* A number of what was computed, without leading zeros. */
static struct nf_big made(struct nf_calc *c, const uint32_t *p, uint32_t n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    if (n > LIMBS_MAX) {
        (void)limbs(c, LIMBS_MAX + 3); /* says why */
        n = 0;
    }
    return (struct nf_big){ p, n };
}

struct nf_big nf_big_of(struct nf_calc *c, uint64_t v)
{
    uint32_t *p = limbs(c, 2);

    if (!p)
        return (struct nf_big){ 0 };
    p[0] = (uint32_t)v;
    p[1] = (uint32_t)(v >> 32);
    return made(c, p, 2);
}

static uint32_t digit(char ch)
{
    if (ch >= '0' && ch <= '9')
        return (uint32_t)(ch - '0');
    return (uint32_t)((ch | 32) - 'a' + 10);
}

struct nf_big nf_big_parse(struct nf_calc *c, const char *p, size_t n, uint32_t base)
{
    uint32_t *to, used = 0;

    while (n > 0 && *p == '0') {
        p++;
        n--;
    }
    to = limbs(c, n / 8 + 1); /* 4 bits a digit at most */
    if (!to || !nf_calc_charge(c, (uint64_t)n * (n / 8 + 1)))
        return (struct nf_big){ 0 };
    for (size_t i = 0; i < n; i++) {
        uint64_t carry = digit(p[i]);

        for (uint32_t k = 0; k < used; k++) {
            carry += (uint64_t)to[k] * base;
            to[k] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry > 0)
            to[used++] = (uint32_t)carry;
    }
    return made(c, to, used);
}

/* Divide the n limbs at p by d where they stand; the rest. */
static uint32_t div_small(uint32_t *p, uint32_t n, uint32_t d)
{
    uint64_t rest = 0;

    for (uint32_t k = n; k-- > 0;) {
        rest = rest << 32 | p[k];
        p[k] = (uint32_t)(rest / d);
        rest %= d;
    }
    return (uint32_t)rest;
}

const char *nf_big_text(struct nf_calc *c, struct nf_big a, uint32_t base)
{
    size_t room = (size_t)a.n * 32 + 2, at = room - 1;
    uint32_t *rest = limbs(c, a.n), n = a.n, chunk = base, places = 1;
    char *text = c->h->alloc(c->h, room);

    if (!text)
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "no memory left: use smaller numbers");
    if (!rest || !text || !nf_calc_charge(c, (uint64_t)a.n * a.n * 4))
        return "0";
    while ((uint64_t)chunk * base < UINT64_C(1) << 32) {
        chunk *= base;
        places++;
    }
    if (n > 0)
        memcpy(rest, a.limb, n * sizeof(*rest));
    while (n > 0) {
        uint32_t part = div_small(rest, n, chunk);

        while (n > 0 && rest[n - 1] == 0)
            n--;
        for (uint32_t k = 0; k < places && (n > 0 || part > 0); k++, part /= base)
            text[--at] = "0123456789abcdef"[part % base];
    }
    return at < room - 1 ? text + at : "0";
}

int nf_big_cmp(struct nf_big a, struct nf_big b)
{
    if (a.n != b.n)
        return a.n < b.n ? -1 : 1;
    for (uint32_t k = a.n; k-- > 0;)
        if (a.limb[k] != b.limb[k])
            return a.limb[k] < b.limb[k] ? -1 : 1;
    return 0;
}

uint32_t nf_big_bits(struct nf_big a)
{
    return a.n > 0 ? a.n * 32 - (uint32_t)__builtin_clz(a.limb[a.n - 1]) : 0;
}

bool nf_big_fits(struct nf_big a, uint64_t *ret)
{
    if (a.n > 2)
        return false;
    *ret = (a.n > 0 ? a.limb[0] : 0) | (uint64_t)(a.n > 1 ? a.limb[1] : 0) << 32;
    return true;
}

struct nf_big nf_big_add(struct nf_calc *c, struct nf_big a, struct nf_big b)
{
    uint32_t n = a.n > b.n ? a.n : b.n;
    uint32_t *to = limbs(c, n + 1);
    uint64_t carry = 0;

    if (!to)
        return (struct nf_big){ 0 };
    for (uint32_t k = 0; k < n; k++) {
        carry += (uint64_t)(k < a.n ? a.limb[k] : 0) + (k < b.n ? b.limb[k] : 0);
        to[k] = (uint32_t)carry;
        carry >>= 32;
    }
    to[n] = (uint32_t)carry;
    return made(c, to, n + 1);
}

struct nf_big nf_big_sub(struct nf_calc *c, struct nf_big a, struct nf_big b)
{
    uint32_t *to = limbs(c, a.n), borrow = 0;

    if (!to)
        return (struct nf_big){ 0 };
    for (uint32_t k = 0; k < a.n; k++) {
        uint64_t v = (uint64_t)a.limb[k] - (k < b.n ? b.limb[k] : 0) - borrow;

        to[k] = (uint32_t)v;
        borrow = (uint32_t)(v >> 63);
    }
    return made(c, to, a.n);
}

struct nf_big nf_big_mul(struct nf_calc *c, struct nf_big a, struct nf_big b)
{
    uint32_t *to;

    if (a.n == 0 || b.n == 0)
        return (struct nf_big){ 0 };
    to = limbs(c, (uint64_t)a.n + b.n);
    if (!to || !nf_calc_charge(c, (uint64_t)a.n * b.n))
        return (struct nf_big){ 0 };
    for (uint32_t i = 0; i < a.n; i++) {
        uint64_t carry = 0;

        for (uint32_t k = 0; k < b.n; k++) {
            carry += (uint64_t)a.limb[i] * b.limb[k] + to[i + k];
            to[i + k] = (uint32_t)carry;
            carry >>= 32;
        }
        to[i + b.n] = (uint32_t)carry;
    }
    return made(c, to, a.n + b.n);
}

struct nf_big nf_big_shl(struct nf_calc *c, struct nf_big a, uint32_t bits)
{
    uint32_t words = bits / 32, rest = bits % 32;
    uint32_t *to;

    if (a.n == 0)
        return a;
    to = limbs(c, (uint64_t)a.n + words + 1);
    if (!to)
        return (struct nf_big){ 0 };
    for (uint32_t k = 0; k < a.n; k++) {
        uint64_t v = (uint64_t)a.limb[k] << rest;

        to[k + words] |= (uint32_t)v;
        to[k + words + 1] = (uint32_t)(v >> 32);
    }
    return made(c, to, a.n + words + 1);
}

struct nf_big nf_big_shr(struct nf_calc *c, struct nf_big a, uint32_t bits)
{
    uint32_t words = bits / 32, rest = bits % 32;
    uint32_t *to;

    if (words >= a.n)
        return (struct nf_big){ 0 };
    to = limbs(c, a.n - words);
    if (!to)
        return (struct nf_big){ 0 };
    for (uint32_t k = words; k < a.n; k++) {
        uint64_t v = (uint64_t)(k + 1 < a.n ? a.limb[k + 1] : 0) << 32 | a.limb[k];

        to[k - words] = (uint32_t)(v >> rest);
    }
    return made(c, to, a.n - words);
}

/* Knuth, The Art of Computer Programming, volume 2, section 4.3.1, algorithm D: u has n + m + 1
 * limbs and is left with the remainder, v has n >= 2 with the highest bit set, q gets m + 1. */
static void div_long(uint32_t *u, const uint32_t *v, uint32_t *q, uint32_t n, uint32_t m)
{
    for (uint32_t j = m + 1; j-- > 0;) {
        uint64_t top = (uint64_t)u[j + n] << 32 | u[j + n - 1];
        uint64_t guess = top / v[n - 1], rest = top % v[n - 1], carry = 0, borrow = 0;

        while (guess >> 32 || guess * v[n - 2] > (rest << 32 | u[j + n - 2])) {
            guess--;
            rest += v[n - 1];
            if (rest >> 32)
                break;
        }
        for (uint32_t k = 0; k < n; k++) {
            uint64_t diff;

            carry += guess * v[k];
            diff = (uint64_t)u[j + k] - (uint32_t)carry - borrow;
            u[j + k] = (uint32_t)diff;
            borrow = diff >> 63;
            carry >>= 32;
        }
        top = (uint64_t)u[j + n] - carry - borrow;
        u[j + n] = (uint32_t)top;
        if (top >> 63) { /* one too many */
            guess--;
            carry = 0;
            for (uint32_t k = 0; k < n; k++) {
                carry += (uint64_t)u[j + k] + v[k];
                u[j + k] = (uint32_t)carry;
                carry >>= 32;
            }
            u[j + n] += (uint32_t)carry;
        }
        q[j] = (uint32_t)guess;
    }
}

struct nf_big nf_big_div(struct nf_calc *c, struct nf_big a, struct nf_big b, struct nf_big *rest)
{
    uint32_t shift, *u, *v, *q;

    if (b.n == 0)
        nf_calc_fail(c, NF_SKILL_E_INVALID, "division by zero");
    if (c->rc != NF_SKILL_OK || nf_big_cmp(a, b) < 0) {
        if (rest)
            *rest = c->rc == NF_SKILL_OK ? a : (struct nf_big){ 0 };
        return (struct nf_big){ 0 };
    }
    if (rest)
        *rest = (struct nf_big){ 0 };
    q = limbs(c, a.n - b.n + 1);
    u = limbs(c, a.n + 1);
    v = limbs(c, b.n);
    if (!q || !u || !v || !nf_calc_charge(c, (uint64_t)(a.n - b.n + 1) * b.n))
        return (struct nf_big){ 0 };
    memcpy(u, a.limb, a.n * sizeof(*u));
    if (b.n == 1) {
        uint32_t r = div_small(u, a.n, b.limb[0]);

        if (rest)
            *rest = nf_big_of(c, r);
        return made(c, u, a.n);
    }
    shift = (uint32_t)__builtin_clz(b.limb[b.n - 1]);
    for (uint32_t k = b.n; k-- > 0;)
        v[k] =
            (uint32_t)(((uint64_t)b.limb[k] << 32 | (k > 0 ? b.limb[k - 1] : 0)) >> (32 - shift));
    for (uint32_t k = a.n + 1; k-- > 0;)
        u[k] =
            (uint32_t)(((uint64_t)(k < a.n ? a.limb[k] : 0) << 32 | (k > 0 ? a.limb[k - 1] : 0)) >>
                       (32 - shift));
    div_long(u, v, q, b.n, a.n - b.n);
    if (rest)
        *rest = nf_big_shr(c, made(c, u, b.n), shift);
    return made(c, q, a.n - b.n + 1);
}
