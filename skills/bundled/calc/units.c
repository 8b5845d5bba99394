/* Units by name, with prefixes, and the small grammar of products of them. */
#include "skills/bundled/calc/units.h"

#include "skills/bundled/common/text.h"

#include <string.h>

enum { SI = 1, BINARY = 2, APPROXIMATE = 4, CELSIUS = 8, FAHRENHEIT = 16 };

struct row {
    const char *spellings, *factor;
    int8_t dimension[NF_UNIT_DIMENSIONS];
    unsigned flags;
};

static const struct row rows[] = {
#define UNIT(spellings, factor, a, b, c, d, e, f, g, h, flags)                                     \
    { spellings, factor, { a, b, c, d, e, f, g, h }, flags },
#include "skills/bundled/calc/units.def"
#undef UNIT
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* SI Brochure, table 7; IEC 80000-13 for the binary ones. */
static const struct prefix {
    const char *symbol, *name;
    int power; /* of 10, or of 1024 */
    bool binary;
} prefixes[] = {
    { "Ki", "kibi", 1, true },   { "Mi", "mebi", 2, true },       { "Gi", "gibi", 3, true },
    { "Ti", "tebi", 4, true },   { "Pi", "pebi", 5, true },       { "Ei", "exbi", 6, true },
    { "Zi", "zebi", 7, true },   { "Yi", "yobi", 8, true },       { "da", "deca", 1, false },
    { "k", "kilo", 3, false },   { "M", "mega", 6, false },       { "G", "giga", 9, false },
    { "T", "tera", 12, false },  { "P", "peta", 15, false },      { "E", "exa", 18, false },
    { "Z", "zetta", 21, false }, { "Y", "yotta", 24, false },     { "h", "hecto", 2, false },
    { "d", "deci", -1, false },  { "c", "centi", -2, false },     { "m", "milli", -3, false },
    { "u", "micro", -6, false }, { "\xc2\xb5", NULL, -6, false }, { "\xce\xbc", NULL, -6, false },
    { "n", "nano", -9, false },  { "p", "pico", -12, false },     { "f", "femto", -15, false },
    { "a", "atto", -18, false }, { "z", "zepto", -21, false },    { "y", "yocto", -24, false },
    { "K", NULL, 3, false }, /* KB, as many write it */
};
#define PREFIXES (sizeof(prefixes) / sizeof(prefixes[0]))

enum how { EXACTLY, ANY_CASE };

/* Whether p is one of the spellings. In any case a plural s is allowed, and a symbol of one letter
 * is not: m and M differ. */
static bool spelled(const char *spellings, const char *p, size_t n, enum how how)
{
    for (const char *s = spellings; *s;) {
        size_t len = strcspn(s, "|");

        if (how == EXACTLY ? len == n && memcmp(s, p, n) == 0
                           : len > 1 && ((len == n && nf_text_ieq(s, p, n)) ||
                                         (len > 2 && len + 1 == n && (p[n - 1] | 32) == 's' &&
                                          nf_text_ieq(s, p, len))))
            return true;
        s += len + (s[len] == '|');
    }
    return false;
}

static const struct row *find_row(const char *p, size_t n, unsigned flags, enum how how)
{
    for (size_t k = 0; k < ROWS; k++)
        if ((flags == 0 || rows[k].flags & flags) && spelled(rows[k].spellings, p, n, how))
            return &rows[k];
    return NULL;
}

/* A prefix by its symbol before a symbol, or by its name before a name. */
static const struct row *find_prefixed(const char *p, size_t n, const struct prefix **ret,
                                       enum how how)
{
    for (size_t k = 0; k < PREFIXES; k++) {
        const char *text = how == EXACTLY ? prefixes[k].symbol : prefixes[k].name;
        size_t len = text ? strlen(text) : 0;
        const struct row *row;

        if (len == 0 || len >= n ||
            !(how == EXACTLY ? memcmp(text, p, len) == 0 : nf_text_ieq(text, p, len)))
            continue;
        row = find_row(p + len, n - len, prefixes[k].binary ? BINARY : SI, how);
        if (row) {
            *ret = &prefixes[k];
            return row;
        }
    }
    return NULL;
}

static const struct row *find(const char *p, size_t n, const struct prefix **prefix)
{
    const struct row *row;

    *prefix = NULL;
    if ((row = find_row(p, n, 0, EXACTLY)) || (row = find_prefixed(p, n, prefix, EXACTLY)) ||
        (row = find_row(p, n, 0, ANY_CASE)) || (row = find_prefixed(p, n, prefix, ANY_CASE)))
        return row;
    return NULL;
}

/* "1852/3600" */
static struct nf_num factor_of(struct nf_calc *c, const struct row *row,
                               const struct prefix *prefix)
{
    const char *slash = strchr(row->factor, '/');
    size_t n = slash ? (size_t)(slash - row->factor) : strlen(row->factor);
    struct nf_num v, by;

    (void)nf_num_parse(c, row->factor, n, &v);
    if (slash) {
        (void)nf_num_parse(c, slash + 1, strlen(slash + 1), &by);
        v = nf_num_div(c, v, by);
    }
    if (!prefix)
        return v;
    by = nf_num_pow(c, nf_num_of(c, prefix->binary ? 1024 : 10), nf_num_of(c, prefix->power));
    return nf_num_mul(c, v, by);
}

/* The symbols of units that share letters with what was written. */
static void unknown(struct nf_calc *c, const char *name, const char *p, size_t n)
{
    struct nf_buf close = nf_buf_of(c->h, 200);

    for (size_t k = 0; k < ROWS && n >= 2; k++) {
        const char *s = rows[k].spellings;

        while (*s) {
            size_t len = strcspn(s, "|");
            size_t same = n < 3 ? n : 3;

            if (len >= same && nf_text_ieq(s, p, same) && close.len + len + 2 < close.max) {
                nf_buf_addf(&close, "%s%.*s", close.len > 0 ? ", " : "", (int)len, s);
                break;
            }
            s += len + (s[len] == '|');
        }
    }
    nf_calc_fail(
        c, NF_SKILL_E_INVALID,
        "argument \"%s\": there is no unit \"%.*s\"%s%s. Write symbols or names such as km, "
        "mile, kg, \xc2\xb0"
        "C, kWh, MiB, and products of them such as km/h or m^2",
        name, (int)(n < 40 ? n : 40), p, close.len > 0 ? "; close are: " : "", nf_buf_c(&close));
}

struct reader {
    struct nf_calc *c;
    const char *name, *p;
    struct nf_unit *unit;
    size_t factors;
};

static const char *skip_blanks(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

/* Length of the name at p: up to an operator, a power or " per ". */
static size_t name_length(const char *p)
{
    size_t n = 0;

    while (p[n] && !strchr("*/^", p[n]) && strncmp(p + n, "\xc2\xb2", 2) != 0 &&
           strncmp(p + n, "\xc2\xb3", 2) != 0 && strncmp(p + n, "\xc2\xb7", 2) != 0 &&
           strncmp(p + n, " per ", 5) != 0)
        n++;
    while (n > 0 && p[n - 1] == ' ')
        n--;
    return n;
}

/* ^2, ^-1, **2, a superscript; else 1. */
static int read_power(struct reader *r)
{
    const char *p = skip_blanks(r->p);
    int sign = 1;

    if (strncmp(p, "\xc2\xb2", 2) == 0 || strncmp(p, "\xc2\xb3", 2) == 0) {
        r->p = p + 2;
        return p[1] == '\xb2' ? 2 : 3;
    }
    if (*p != '^' && strncmp(p, "**", 2) != 0)
        return 1;
    p = skip_blanks(p + (*p == '^' ? 1 : 2));
    if (*p == '-') {
        sign = -1;
        p++;
    }
    if (*p < '1' || *p > '9' || (p[1] >= '0' && p[1] <= '9')) {
        nf_calc_fail(r->c, NF_SKILL_E_INVALID,
                     "argument \"%s\": a power of a unit must be from -%d to %d and not 0", r->name,
                     NF_UNIT_POWER_MAX, NF_UNIT_POWER_MAX);
        return 1;
    }
    r->p = p + 1;
    return sign * (*p - '0');
}

/* "square feet", "cubic metres", "m2": the words are taken off and the power is theirs. */
static int worded_power(const char **p, size_t *n)
{
    static const struct {
        const char *word;
        int power;
    } words[] = { { "square ", 2 }, { "cubic ", 3 } };
    const struct prefix *prefix;

    for (size_t k = 0; k < 2; k++) {
        size_t len = strlen(words[k].word);

        if (*n > len && nf_text_ieq(words[k].word, *p, len)) {
            *p += len;
            *n -= len;
            return words[k].power;
        }
    }
    if (*n > 1 && ((*p)[*n - 1] == '2' || (*p)[*n - 1] == '3') && find(*p, *n - 1, &prefix))
        return (*p)[--*n] - '0';
    return 1;
}

static void times(struct reader *r, struct nf_num factor, int power)
{
    struct nf_num v = nf_num_pow(r->c, factor, nf_num_of(r->c, power));

    r->unit->factor = nf_num_mul(r->c, r->unit->factor, v);
}

/* One factor: an optional number, a name, a power. */
static void read_factor(struct reader *r, int sign)
{
    const struct prefix *prefix;
    const struct row *row;
    const char *p = skip_blanks(r->p);
    struct nf_num number;
    size_t n;
    int power;

    if (*p >= '0' && *p <= '9') {
        p += nf_num_parse(r->c, p, strlen(p), &number);
        times(r, number, sign);
        r->p = p = skip_blanks(p);
        if (*p == '\0' || *p == '/' || *p == '*')
            return;
    }
    n = name_length(p);
    r->p = p + n;
    power = worded_power(&p, &n) * sign;
    row = find(p, n, &prefix);
    if (!row) {
        unknown(r->c, r->name, p, n);
        return;
    }
    power *= read_power(r);
    r->factors++;
    r->unit->approximate |= (row->flags & APPROXIMATE) != 0;
    for (int k = 0; k < NF_UNIT_DIMENSIONS; k++) {
        int sum = r->unit->dimension[k] + row->dimension[k] * power;

        if (sum > INT8_MAX || sum < -INT8_MAX)
            nf_calc_fail(r->c, NF_SKILL_E_LIMIT,
                         "argument \"%s\": the powers of units add up too far", r->name);
        r->unit->dimension[k] = (int8_t)sum;
    }
    times(r, factor_of(r->c, row, prefix), power);
    if (row->flags & (CELSIUS | FAHRENHEIT) && power == 1 && r->factors == 1) {
        const char *offset = row->flags & CELSIUS ? "273.15" : "459.67";

        (void)nf_num_parse(r->c, offset, strlen(offset), &r->unit->offset);
        if (row->flags & FAHRENHEIT)
            r->unit->offset = nf_num_mul(r->c, r->unit->offset, r->unit->factor);
        r->unit->has_offset = true;
    }
}

bool nf_unit_parse(struct nf_calc *c, const char *name, const char *text, struct nf_unit *ret)
{
    struct reader r = { .c = c, .name = name, .p = skip_blanks(text), .unit = ret };
    int sign = 1;

    *ret = (struct nf_unit){ .factor = nf_num_of(c, 1), .offset = nf_num_of(c, 0) };
    for (;;) {
        read_factor(&r, sign);
        r.p = skip_blanks(r.p);
        if (c->rc != NF_SKILL_OK || *r.p == '\0')
            break;
        if (strncmp(r.p, "per ", 4) == 0 || *r.p == '/') {
            sign = -1;
            r.p += *r.p == '/' ? 1 : 4;
        } else if (*r.p == '*' || strncmp(r.p, "\xc2\xb7", 2) == 0) {
            r.p += *r.p == '*' ? 1 : 2; /* a*b/c*d is a*b*d/c, as people mean it without brackets */
            sign = 1;
        } else {
            nf_calc_fail(c, NF_SKILL_E_INVALID, "argument \"%s\": * or / expected before \"%.20s\"",
                         name, r.p);
        }
        /* A temperature in a product is a difference. */
        ret->has_offset = false;
    }
    return c->rc == NF_SKILL_OK;
}

const char *nf_unit_quantity(const struct nf_unit *u)
{
    static const struct {
        const char *name;
        int8_t dimension[NF_UNIT_DIMENSIONS];
    } names[] = {
        { "a plain number", { 0 } },
        { "length", { 1 } },
        { "area", { 2 } },
        { "volume", { 3 } },
        { "mass", { 0, 1 } },
        { "time", { 0, 0, 1 } },
        { "temperature", { 0, 0, 0, 1 } },
        { "electric current", { 0, 0, 0, 0, 1 } },
        { "amount of substance", { 0, 0, 0, 0, 0, 1 } },
        { "data", { 0, 0, 0, 0, 0, 0, 1 } },
        { "angle", { 0, 0, 0, 0, 0, 0, 0, 1 } },
        { "speed", { 1, 0, -1 } },
        { "acceleration", { 1, 0, -2 } },
        { "frequency", { 0, 0, -1 } },
        { "force", { 1, 1, -2 } },
        { "pressure", { -1, 1, -2 } },
        { "energy", { 2, 1, -2 } },
        { "power", { 2, 1, -3 } },
        { "data rate", { 0, 0, -1, 0, 0, 0, 1 } },
        { "density", { -3, 1 } },
        { "voltage", { 2, 1, -3, 0, -1 } },
        { "electric charge", { 0, 0, 1, 0, 1 } },
        { "resistance", { 2, 1, -3, 0, -2 } },
        { "distance per volume", { -2 } },
    };

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
        if (memcmp(names[k].dimension, u->dimension, sizeof(u->dimension)) == 0)
            return names[k].name;
    return NULL;
}

struct nf_num nf_unit_convert(struct nf_calc *c, struct nf_num v, const struct nf_unit *from,
                              const struct nf_unit *to, bool *inverted)
{
    bool same = true, reciprocal = true;

    for (int k = 0; k < NF_UNIT_DIMENSIONS; k++) {
        same &= from->dimension[k] == to->dimension[k];
        reciprocal &= from->dimension[k] == -to->dimension[k];
    }
    *inverted = !same && reciprocal;
    if (!same && !reciprocal) {
        const char *a = nf_unit_quantity(from), *b = nf_unit_quantity(to);

        nf_calc_fail(c, NF_SKILL_E_INVALID,
                     "arguments \"from\" and \"to\" measure different things: %s and %s",
                     a ? a : "a compound unit", b ? b : "a compound unit");
        return v;
    }
    v = nf_num_mul(c, v, from->factor);
    if (from->has_offset)
        v = nf_num_add(c, v, from->offset);
    if (*inverted)
        v = nf_num_div(c, nf_num_of(c, 1), v);
    if (to->has_offset)
        v = nf_num_sub(c, v, to->offset);
    return nf_num_div(c, v, to->factor);
}
