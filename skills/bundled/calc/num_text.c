/* Numbers from decimal text and back. */
#include "skills/bundled/calc/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these powers of ten a rounded number is written with an exponent. */
#define PLAIN_MIN (-7)
#define PLAIN_MAX 21

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

/* Digits, '_' between two of them, at p[*i] up to p[n]: append them to *to; how many. */
static size_t take_digits(const char *p, size_t n, size_t *i, struct nf_buf *to)
{
    size_t digits = 0;

    while (*i < n) {
        if (is_digit(p[*i])) {
            nf_buf_addc(to, p[*i]);
            digits++;
        } else if (p[*i] != '_' || digits == 0 || *i + 1 >= n || !is_digit(p[*i + 1])) {
            break;
        }
        ++*i;
    }
    return digits;
}

/* An exponent at p[*i], 0 if there is none. */
static int64_t take_exponent(struct nf_calc *c, const char *p, size_t n, size_t *i)
{
    size_t k = *i + 1;
    int64_t e = 0;
    bool neg = false;

    if (*i >= n || (p[*i] != 'e' && p[*i] != 'E'))
        return 0;
    if (k < n && (p[k] == '+' || p[k] == '-'))
        neg = p[k++] == '-';
    if (k >= n || !is_digit(p[k]))
        return 0;
    for (; k < n && is_digit(p[k]); k++)
        e = e > NF_NUM_EXPONENT_MAX ? e : e * 10 + (p[k] - '0');
    if (e > NF_NUM_EXPONENT_MAX)
        nf_calc_fail(c, NF_SKILL_E_LIMIT, "an exponent is over %d", NF_NUM_EXPONENT_MAX);
    *i = k;
    return neg ? -e : e;
}

size_t nf_num_parse(struct nf_calc *c, const char *p, size_t n, struct nf_num *ret)
{
    struct nf_buf digits = nf_buf_of(c->h, NF_BIG_BITS / 2);
    size_t i = 0, before, after = 0;
    bool neg = false;
    int64_t e;
    struct nf_big num, ten;

    if (n > 0 && (p[0] == '-' || p[0] == '+'))
        neg = p[i++] == '-';
    before = take_digits(p, n, &i, &digits);
    if (i < n && p[i] == '.') {
        i++;
        after = take_digits(p, n, &i, &digits);
    }
    if (before + after == 0)
        return 0;
    e = take_exponent(c, p, n, &i) - (int64_t)after;
    if (digits.rc != NF_SKILL_OK && c->rc == NF_SKILL_OK)
        c->rc = digits.rc;
    num = nf_big_parse(c, nf_buf_c(&digits), digits.len, 10);
    ten = e == 0 ? nf_big_of(c, 1) : nf_big_pow(c, nf_big_of(c, 10), (uint64_t)(e < 0 ? -e : e));
    *ret = e < 0 ? nf_num_ratio(c, neg, num, ten)
                 : nf_num_ratio(c, neg, nf_big_mul(c, num, ten), nf_big_of(c, 1));
    return i;
}

static struct nf_num round_exact(struct nf_calc *c, struct nf_num a, int64_t places)
{
    struct nf_big ten, num, den, rest, q;
    uint64_t power = (uint64_t)(places < 0 ? -places : places);

    ten = nf_big_pow(c, nf_big_of(c, 10), power);
    num = places > 0 ? nf_big_mul(c, a.num, ten) : a.num;
    den = places > 0 ? a.den : nf_big_mul(c, a.den, ten);
    q = nf_big_div(c, num, den, &rest);
    if (nf_big_cmp(nf_big_add(c, rest, rest), den) >= 0)
        q = nf_big_add(c, q, nf_big_of(c, 1));
    return places > 0 ? nf_num_ratio(c, a.neg, q, ten)
                      : nf_num_ratio(c, a.neg, nf_big_mul(c, q, ten), nf_big_of(c, 1));
}

struct nf_num nf_num_round(struct nf_calc *c, struct nf_num a, int64_t places)
{
    struct nf_num exact = a;
    char text[64];

    if (a.exact)
        return round_exact(c, a, places);
    /* A double has no digits there. */
    if (fabs(a.approx) >= 1e15 || places > 15 || places < -15)
        return places < -15 ? nf_num_of(c, 0) : a;
    (void)snprintf(text, sizeof(text), "%.*f", places < 0 ? 0 : (int)places, a.approx);
    if (nf_num_parse(c, text, strlen(text), &exact) == 0)
        return a;
    return places < 0 && exact.exact ? round_exact(c, exact, places) : exact;
}

/* digits * 10^exponent, without zeros at the end. */
static void write_decimal(const char *digits, size_t n, int64_t exponent, struct nf_buf *to)
{
    int64_t point; /* digits before the point */

    while (n > 1 && digits[n - 1] == '0') {
        n--;
        exponent++;
    }
    point = (int64_t)n + exponent;
    if (point - 1 < PLAIN_MIN || point - 1 >= PLAIN_MAX) {
        nf_buf_addc(to, digits[0]);
        if (n > 1) {
            nf_buf_addc(to, '.');
            nf_buf_add(to, digits + 1, n - 1);
        }
        nf_buf_addf(to, "e%lld", (long long)(point - 1));
        return;
    }
    if (point <= 0)
        nf_buf_adds(to, "0.");
    for (int64_t k = point; k < 0; k++)
        nf_buf_addc(to, '0');
    for (size_t k = 0; k < n; k++) {
        if (k > 0 && (int64_t)k == point)
            nf_buf_addc(to, '.');
        nf_buf_addc(to, digits[k]);
    }
    for (int64_t k = (int64_t)n; k < point; k++)
        nf_buf_addc(to, '0');
}

static bool double_text(double v, int digits, struct nf_buf *to)
{
    char text[64], plain[32] = "";
    size_t n = 0;

    if (v == 0) {
        nf_buf_addc(to, '0');
        return false;
    }
    (void)snprintf(text, sizeof(text), "%.*e", (digits < 17 ? digits : 17) - 1, fabs(v));
    for (const char *p = text; *p && *p != 'e'; p++)
        if (is_digit(*p))
            plain[n++] = *p;
    if (v < 0)
        nf_buf_addc(to, '-');
    write_decimal(plain, n, strtol(strchr(text, 'e') + 1, NULL, 10) - (long)n + 1, to);
    return false;
}

/* How many decimal places the fraction has, -1: it does not end or is longer than allowed. */
static int64_t places_of(struct nf_calc *c, struct nf_big den)
{
    int64_t twos = 0, fives = 0;
    struct nf_big q, rest, five = nf_big_of(c, 5);

    while (twos <= NF_NUM_PLACES_MAX && den.n > 0 && !(den.limb[0] & 1)) {
        den = nf_big_shr(c, den, 1);
        twos++;
    }
    while (fives <= NF_NUM_PLACES_MAX && den.n > 0 && !nf_big_is(den, 1)) {
        q = nf_big_div(c, den, five, &rest);
        if (rest.n > 0)
            return -1;
        den = q;
        fives++;
    }
    if (!nf_big_is(den, 1) || twos > NF_NUM_PLACES_MAX || fives > NF_NUM_PLACES_MAX)
        return -1;
    return twos > fives ? twos : fives;
}

static struct nf_big tens(struct nf_calc *c, int64_t n)
{
    return nf_big_pow(c, nf_big_of(c, 10), (uint64_t)n);
}

/* Round to `digits` significant digits. */
static void rounded_text(struct nf_calc *c, struct nf_num a, int digits, struct nf_buf *to)
{
    /* log10 of the number, one too small at most. */
    int64_t e = (int64_t)floor(((double)nf_big_bits(a.num) - nf_big_bits(a.den) - 1) * 0.30103);
    const char *text = "0";

    for (;;) {
        int64_t scale = digits - 1 - e;
        struct nf_big num = scale > 0 ? nf_big_mul(c, a.num, tens(c, scale)) : a.num;
        struct nf_big den = scale < 0 ? nf_big_mul(c, a.den, tens(c, -scale)) : a.den;
        struct nf_big rest, q = nf_big_div(c, num, den, &rest);

        if (nf_big_cmp(nf_big_add(c, rest, rest), den) >= 0)
            q = nf_big_add(c, q, nf_big_of(c, 1));
        text = nf_big_text(c, q, 10);
        if ((int)strlen(text) <= digits || c->rc != NF_SKILL_OK) {
            write_decimal(text, strlen(text), -scale, to);
            return;
        }
        e++; /* one digit too many: again with less */
    }
}

bool nf_num_text(struct nf_calc *c, struct nf_num a, int digits, struct nf_buf *to)
{
    int64_t places;
    const char *text;

    if (!a.exact)
        return double_text(a.approx, digits, to);
    if (a.neg)
        nf_buf_addc(to, '-');
    if (nf_big_is(a.den, 1)) {
        nf_buf_adds(to, nf_big_text(c, a.num, 10));
        return true;
    }
    places = places_of(c, a.den);
    if (places < 0) {
        rounded_text(c, a, digits, to);
        return false;
    }
    text = nf_big_text(c, nf_big_div(c, nf_big_mul(c, a.num, tens(c, places)), a.den, NULL), 10);
    write_decimal(text, strlen(text), -places, to);
    return true;
}

void nf_num_fraction(struct nf_calc *c, struct nf_num a, struct nf_buf *to)
{
    nf_buf_addf(to, "%s%s", a.neg ? "-" : "", nf_big_text(c, a.num, 10));
    if (!nf_big_is(a.den, 1))
        nf_buf_addf(to, "/%s", nf_big_text(c, a.den, 10));
}
