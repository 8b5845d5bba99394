/* The skill calc: expressions, units, percentages and statistics, exact wherever that is possible.
 */
#include "skills/bundled/calc/eval.h"
#include "skills/bundled/calc/stats.h"
#include "skills/bundled/calc/units.h"
#include "skills/bundled/common/args.h"

#include <stdlib.h>
#include <string.h>

#define VARIABLES_MAX 64
#define NAME_MAX_BYTES 64
#define NUMBER_MAX 5000 /* bytes of a number given as text */

/* Whether the fraction is worth showing: short enough to read. */
#define FRACTION_BITS 128

/* A JSON number or its text, exactly. */
static struct nf_num number_of(struct nf_args *a, struct nf_calc *c, const char *key,
                               const struct nf_skill_json *v)
{
    int type = a->h->json_type(a->h, v);
    struct nf_skill_bytes text = { "", 0 };
    struct nf_num n = nf_num_of(c, 0);

    if (type == NF_SKILL_JSON_NUMBER)
        text = a->h->json_text(a->h, v);
    else if (type == NF_SKILL_JSON_STRING)
        text = (struct nf_skill_bytes){ a->h->json_str(a->h, v), strlen(a->h->json_str(a->h, v)) };
    if (text.n == 0 || text.n > NUMBER_MAX || nf_num_parse(c, text.p, text.n, &n) != text.n)
        nf_calc_fail(
            c, NF_SKILL_E_INVALID,
            "argument \"%s\" must be a decimal number such as 12.5 or \"1e-3\", of at most "
            "%d characters",
            key, NUMBER_MAX);
    return n;
}

static struct nf_num number(struct nf_args *a, struct nf_calc *c, const char *key)
{
    const struct nf_skill_json *v = a->h->json_get(a->h, a->v, key);

    if (!v)
        nf_calc_fail(c, NF_SKILL_E_INVALID, "argument \"%s\" is missing", key);
    return number_of(a, c, key, v);
}

static int digits_of(struct nf_args *a)
{
    return (int)nf_args_int_or(a, "digits", 1, NF_NUM_DIGITS_MAX, NF_NUM_DIGITS);
}

static void put_number(struct nf_buf *out, struct nf_calc *c, const char *key, struct nf_num v,
                       int digits)
{
    struct nf_buf text = nf_buf_of(c->h, NF_BUF_MAX);

    (void)nf_num_text(c, v, digits, &text);
    nf_put_buf(out, key, &text);
}

/* result, exact and, where the decimal is rounded, the fraction that it stands for. */
static void put_result(struct nf_buf *out, struct nf_calc *c, struct nf_num v, int digits)
{
    struct nf_buf text = nf_buf_of(c->h, NF_BUF_MAX), fraction = nf_buf_of(c->h, NF_BUF_MAX);
    bool exact = nf_num_text(c, v, digits, &text);

    nf_put_buf(out, "result", &text);
    nf_put_bool(out, "exact", exact);
    if (v.exact && !exact && nf_big_bits(v.num) + nf_big_bits(v.den) <= FRACTION_BITS) {
        nf_num_fraction(c, v, &fraction);
        nf_put_buf(out, "fraction", &fraction);
    }
}

/* The whole result in another base: 0xff. */
static void put_in_base(struct nf_buf *out, struct nf_calc *c, struct nf_num v, int64_t base)
{
    struct nf_buf text = nf_buf_of(c->h, NF_BUF_MAX);

    if (!nf_num_is_int(v)) {
        nf_calc_fail(c, NF_SKILL_E_INVALID,
                     "argument \"base\": only a whole result can be shown in another base");
        return;
    }
    nf_buf_addf(&text, "%s%s%s", v.neg ? "-" : "",
                base == 16  ? "0x"
                : base == 8 ? "0o"
                            : "0b",
                nf_big_text(c, v.num, (uint32_t)base));
    nf_put_buf(out, "result", &text);
    nf_put_bool(out, "exact", true);
    put_number(out, c, "decimal", v, NF_NUM_DIGITS);
}

static size_t read_variables(struct nf_args *a, struct nf_calc *c, struct nf_variable *ret)
{
    const struct nf_skill_host *h = a->h;
    const struct nf_skill_json *all = h->json_get(h, a->v, "variables");
    size_t n = 0;

    if (all && h->json_type(h, all) != NF_SKILL_JSON_OBJECT)
        nf_args_fail(a, NF_SKILL_E_INVALID,
                     "argument \"variables\" must be an object of names and numbers");
    for (const struct nf_skill_json *v = h->json_first(h, all); v && a->rc == NF_SKILL_OK;
         v = h->json_next(h, v)) {
        const char *name = h->json_key(h, v);

        if (n == VARIABLES_MAX || strlen(name) > NAME_MAX_BYTES)
            nf_args_fail(a, NF_SKILL_E_LIMIT,
                         "argument \"variables\": at most %d, with names of at most %d bytes",
                         VARIABLES_MAX, NAME_MAX_BYTES);
        else
            ret[n++] = (struct nf_variable){ name, number_of(a, c, "variables", v) };
    }
    return n;
}

static int evaluate(struct nf_args *a, struct nf_buf *out)
{
    static const char *const angles[] = { "radians", "degrees", NULL };
    static const char *const bases[] = { "10", "2", "8", "16", NULL };
    struct nf_calc c = { .h = a->h };
    struct nf_variable *variables = nf_args_alloc(a, VARIABLES_MAX, sizeof(*variables));
    const char *text = nf_args_text(a, "expression", NF_EXPRESSION_MAX);
    int64_t base = nf_args_int_or(a, "base", 2, 16, 10);
    int digits = digits_of(a);
    struct nf_num v;
    size_t n;

    c.degrees = nf_args_choice_or(a, "angle", angles, 0) == 1;
    if (base != 2 && base != 8 && base != 10 && base != 16)
        nf_args_fail(a, NF_SKILL_E_INVALID, "argument \"base\" must be one of: %s, %s, %s, %s",
                     bases[1], bases[2], bases[0], bases[3]);
    if (a->rc != NF_SKILL_OK)
        return a->rc;
    n = read_variables(a, &c, variables);
    if (a->rc != NF_SKILL_OK || c.rc != NF_SKILL_OK)
        return a->rc != NF_SKILL_OK ? a->rc : c.rc;
    v = nf_eval(&c, text, variables, n);
    nf_out_open(out, '{');
    if (base == 10)
        put_result(out, &c, v, digits);
    else
        put_in_base(out, &c, v, base);
    nf_out_close(out, '}');
    return c.rc;
}

static int convert(struct nf_args *a, struct nf_buf *out)
{
    struct nf_calc c = { .h = a->h };
    const char *from = nf_args_text(a, "from", NF_UNIT_TEXT_MAX);
    const char *to = nf_args_text(a, "to", NF_UNIT_TEXT_MAX);
    struct nf_buf text = nf_buf_of(a->h, NF_BUF_MAX);
    int digits = digits_of(a);
    struct nf_num v = number(a, &c, "value"), converted;
    struct nf_unit source, target;
    bool inverted, exact;

    if (a->rc != NF_SKILL_OK || !nf_unit_parse(&c, "from", from, &source) ||
        !nf_unit_parse(&c, "to", to, &target))
        return a->rc != NF_SKILL_OK ? a->rc : c.rc;
    converted = nf_unit_convert(&c, v, &source, &target, &inverted);
    exact = nf_num_text(&c, converted, digits, &text) && !source.approximate && !target.approximate;
    nf_out_open(out, '{');
    nf_put_buf(out, "result", &text);
    nf_put_str(out, "unit", to);
    nf_put_bool(out, "exact", exact);
    if (nf_unit_quantity(&target))
        nf_put_str(out, "quantity", nf_unit_quantity(&target));
    if (inverted)
        nf_put_str(out, "note", "the units are reciprocals: the value was inverted");
    nf_out_close(out, '}');
    return c.rc;
}

static int percent(struct nf_args *a, struct nf_buf *out)
{
    static const char *const operations[] = { "of",       "share",  "change", "increase",
                                              "decrease", "before", NULL };
    enum { OF, SHARE, CHANGE, INCREASE, DECREASE, BEFORE };
    struct nf_calc c = { .h = a->h };
    size_t operation = nf_args_choice(a, "operation", operations);
    struct nf_num x = number(a, &c, "a"), y = number(a, &c, "b"), v, hundred = nf_num_of(&c, 100);
    int digits = digits_of(a);

    if (a->rc != NF_SKILL_OK || c.rc != NF_SKILL_OK)
        return a->rc != NF_SKILL_OK ? a->rc : c.rc;
    switch (operation) {
    case OF:
        v = nf_num_div(&c, nf_num_mul(&c, x, y), hundred);
        break;
    case SHARE:
        v = nf_num_mul(&c, nf_num_div(&c, x, y), hundred);
        break;
    case CHANGE:
        v = nf_num_mul(&c, nf_num_div(&c, nf_num_sub(&c, y, x), nf_num_abs(x)), hundred);
        break;
    case INCREASE:
        v = nf_num_mul(&c, x, nf_num_div(&c, nf_num_add(&c, hundred, y), hundred));
        break;
    case DECREASE:
        v = nf_num_mul(&c, x, nf_num_div(&c, nf_num_sub(&c, hundred, y), hundred));
        break;
    default: /* BEFORE */
        v = nf_num_div(&c, nf_num_mul(&c, x, hundred), nf_num_add(&c, hundred, y));
    }
    nf_out_open(out, '{');
    put_result(out, &c, v, digits);
    if (operation == SHARE || operation == CHANGE)
        nf_put_str(out, "unit", "%");
    nf_out_close(out, '}');
    return c.rc;
}

static int statistics(struct nf_args *a, struct nf_buf *out)
{
    struct nf_calc c = { .h = a->h };
    const struct nf_skill_json *list = nf_args_list(a, "values", 1, NF_STATS_VALUES_MAX);
    int digits = digits_of(a);
    size_t n = a->h->json_count(a->h, list), k = 0;
    struct nf_num *values = nf_args_alloc(a, n + 1, sizeof(*values));
    struct nf_stats s;

    if (a->rc != NF_SKILL_OK)
        return a->rc;
    for (const struct nf_skill_json *v = a->h->json_first(a->h, list); v && k < n;
         v = a->h->json_next(a->h, v))
        values[k++] = number_of(a, &c, "values", v);
    if (c.rc != NF_SKILL_OK || !nf_stats(&c, values, n, &s))
        return c.rc;
    nf_out_open(out, '{');
    nf_put_i64(out, "count", (int64_t)n);
    put_number(out, &c, "sum", s.sum, digits);
    put_number(out, &c, "mean", s.mean, digits);
    put_number(out, &c, "median", s.median, digits);
    nf_out_key(out, "mode");
    nf_out_open(out, '[');
    for (size_t i = 0; i < s.modes_n; i++) {
        struct nf_buf text = nf_buf_of(a->h, NF_BUF_MAX);

        (void)nf_num_text(&c, s.modes[i], digits, &text);
        nf_out_buf(out, &text);
    }
    nf_out_close(out, ']');
    put_number(out, &c, "min", s.min, digits);
    put_number(out, &c, "max", s.max, digits);
    put_number(out, &c, "range", nf_num_sub(&c, s.max, s.min), digits);
    put_number(out, &c, "q1", s.q1, digits);
    put_number(out, &c, "q3", s.q3, digits);
    put_number(out, &c, "population_variance", s.population_variance, digits);
    put_number(out, &c, "population_stdev", nf_num_sqrt(&c, s.population_variance), digits);
    if (n > 1) {
        put_number(out, &c, "sample_variance", s.sample_variance, digits);
        put_number(out, &c, "sample_stdev", nf_num_sqrt(&c, s.sample_variance), digits);
    }
    nf_out_close(out, '}');
    return c.rc;
}

static int call(const struct nf_skill_host *h, const struct nf_skill_request *r)
{
    static const struct nf_tool tools[] = {
        { "evaluate", evaluate },
        { "convert", convert },
        { "percent", percent },
        { "statistics", statistics },
    };

    return nf_tools_run(h, r, tools, sizeof(tools) / sizeof(tools[0]));
}

NF_SKILL("calc", "1.0.0", call)
