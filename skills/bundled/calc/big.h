/*
 * Whole numbers without sign, as long as NF_BIG_BITS. Values are never changed once made, and live
 * in the memory of the call. Every operation is charged for: an expression that would take too long
 * or grow too far ends the call with the limit it hit, and from then on all results are 0.
 */
#pragma once

#include <nexflow/skill.h>

#include <stdbool.h>

#define NF_BIG_BITS 16384u /* 4,932 digits */
/* Steps over one limb for a whole call: a few tenths of a second. */
#define NF_BIG_WORK INT64_C(200000000)

struct nf_big {
    const uint32_t *limb; /* lowest first, the highest not 0 */
    uint32_t n;           /* 0: the number 0 */
};

/* What the numbers of one call share. */
struct nf_calc {
    const struct nf_skill_host *h;
    int64_t work; /* spent */
    int rc;       /* the first failure; sticks */
    bool degrees; /* trigonometric functions take and give degrees */
};

/* Fail the call unless it has failed already. */
void nf_calc_fail(struct nf_calc *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Count `steps` more over one limb; whether the call may go on. */
bool nf_calc_charge(struct nf_calc *c, uint64_t steps);

struct nf_big nf_big_of(struct nf_calc *c, uint64_t v);
/* Digits of base 2 to 16, any number of them; the caller has checked them. */
struct nf_big nf_big_parse(struct nf_calc *c, const char *p, size_t n, uint32_t base);
/* Its digits in `base`, NUL-terminated; "0" after a failure. */
const char *nf_big_text(struct nf_calc *c, struct nf_big a, uint32_t base);

int nf_big_cmp(struct nf_big a, struct nf_big b);
uint32_t nf_big_bits(struct nf_big a);
bool nf_big_fits(struct nf_big a, uint64_t *ret); /* whether it is below 2^64, and then what */
static inline bool nf_big_is(struct nf_big a, uint32_t v)
{
    return v == 0 ? a.n == 0 : a.n == 1 && a.limb[0] == v;
}

struct nf_big nf_big_add(struct nf_calc *c, struct nf_big a, struct nf_big b);
struct nf_big nf_big_sub(struct nf_calc *c, struct nf_big a, struct nf_big b); /* a >= b */
struct nf_big nf_big_mul(struct nf_calc *c, struct nf_big a, struct nf_big b);
struct nf_big nf_big_shl(struct nf_calc *c, struct nf_big a, uint32_t bits);
struct nf_big nf_big_shr(struct nf_calc *c, struct nf_big a, uint32_t bits);
/* b > 0, else the call fails. `rest` may be NULL. */
struct nf_big nf_big_div(struct nf_calc *c, struct nf_big a, struct nf_big b, struct nf_big *rest);
struct nf_big nf_big_pow(struct nf_calc *c, struct nf_big a, uint64_t e);
struct nf_big nf_big_gcd(struct nf_calc *c, struct nf_big a, struct nf_big b);
/* The whole part of the square root. */
struct nf_big nf_big_sqrt(struct nf_calc *c, struct nf_big a);
/* Bit by bit: '&', '|' or '^'. */
struct nf_big nf_big_bitwise(struct nf_calc *c, struct nf_big a, struct nf_big b, char op);
