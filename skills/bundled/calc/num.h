/*
 * A number: exact, as a fraction in lowest terms, as long as it can be; else a double. Decimal
 * fractions are exact, so 0.1 + 0.2 is 0.3.
 */
#pragma once

#include "skills/bundled/calc/big.h"
#include "skills/bundled/common/buf.h"

#define NF_NUM_EXPONENT_MAX 4000 /* of a decimal number: 1e4000 */
#define NF_NUM_PLACES_MAX 60     /* a decimal that ends is written whole up to this */
#define NF_NUM_DIGITS_MAX 100    /* significant digits that may be asked for */
#define NF_NUM_DIGITS 15 /* significant digits, unless asked otherwise: what a double holds */

struct nf_num {
    bool exact, neg;        /* neg: of an exact one that is not 0 */
    struct nf_big num, den; /* exact; den >= 1 */
    double approx;          /* else */
};

struct nf_num nf_num_of(struct nf_calc *c, int64_t v);
/* A double that is no number or too large fails the call, naming `what` it came from. */
struct nf_num nf_num_approx(struct nf_calc *c, double v, const char *what);
struct nf_num nf_num_ratio(struct nf_calc *c, bool neg, struct nf_big num, struct nf_big den);
/* The number of a sign, digits, a point, an exponent at the beginning of p; 0 bytes: there is none.
 * Digits may be grouped by '_'. */
size_t nf_num_parse(struct nf_calc *c, const char *p, size_t n, struct nf_num *ret);
double nf_num_f64(struct nf_calc *c, struct nf_num a);

bool nf_num_is_zero(struct nf_num a);
bool nf_num_is_int(struct nf_num a); /* exact and whole */
bool nf_num_i64(struct nf_num a, int64_t *ret);
int nf_num_cmp(struct nf_calc *c, struct nf_num a, struct nf_num b);
bool nf_num_is_neg(struct nf_num a);

struct nf_num nf_num_neg(struct nf_num a);
struct nf_num nf_num_abs(struct nf_num a);
struct nf_num nf_num_add(struct nf_calc *c, struct nf_num a, struct nf_num b);
struct nf_num nf_num_sub(struct nf_calc *c, struct nf_num a, struct nf_num b);
struct nf_num nf_num_mul(struct nf_calc *c, struct nf_num a, struct nf_num b);
struct nf_num nf_num_div(struct nf_calc *c, struct nf_num a, struct nf_num b);
/* The largest whole number that is not above it. */
struct nf_num nf_num_floor(struct nf_calc *c, struct nf_num a);
/* a - b * floor(a / b): has the sign of b. */
struct nf_num nf_num_mod(struct nf_calc *c, struct nf_num a, struct nf_num b);
struct nf_num nf_num_pow(struct nf_calc *c, struct nf_num a, struct nf_num b);
struct nf_num nf_num_sqrt(struct nf_calc *c, struct nf_num a);
/* To `places` digits behind the point (negative: before it), halves away from 0. */
struct nf_num nf_num_round(struct nf_calc *c, struct nf_num a, int64_t places);

/* As decimal text: whole numbers and decimals that end in full, others to `digits` significant
 * digits. Returns whether that is exactly the number. */
bool nf_num_text(struct nf_calc *c, struct nf_num a, int digits, struct nf_buf *to);
/* "1/3", of an exact one. */
void nf_num_fraction(struct nf_calc *c, struct nf_num a, struct nf_buf *to);
