/*
 * A parser by precedence that computes as it reads. From loose to tight:
 *   + -    * / % // (left)    unary + -    ^ ** (right)    postfix ! %
 * So -2^2 is -4, 2^-1 is 0.5, and 50% is 0.5 where no operand follows.
 */
#include "skills/bundled/calc/eval.h"

#include <string.h>

struct parser {
    struct nf_calc *c;
    const char *text;
    size_t at, n;
    int depth;
    const struct nf_variable *variables;
    size_t variables_n;
};

enum op { NONE = 0, ADD, SUB, MUL, DIV, MOD, FLOOR_DIV, POW };
enum { PREC_SUM = 1, PREC_PRODUCT, PREC_UNARY, PREC_POWER };

/* NOLINTBEGIN(misc-no-recursion): NF_EXPRESSION_DEPTH bounds it */

static struct nf_num expression(struct parser *p, int min);

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static bool is_name(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' || is_digit(ch);
}

static void blanks(struct parser *p)
{
    while (p->at < p->n && strchr(" \t\r\n", p->text[p->at]))
        p->at++;
}

/* If `word` stands next, go behind it. */
static bool take(struct parser *p, const char *word)
{
    size_t len = strlen(word);

    blanks(p);
    if (p->n - p->at < len || memcmp(p->text + p->at, word, len) != 0)
        return false;
    p->at += len;
    return true;
}

/* The parse fails where it stands: what was expected. */
static struct nf_num expected(struct parser *p, const char *what)
{
    const char *at = p->text + p->at;

    if (p->at >= p->n)
        nf_calc_fail(p->c, NF_SKILL_E_INVALID,
                     "argument \"expression\": %s expected at the end, behind character %zu", what,
                     p->at);
    else
        nf_calc_fail(p->c, NF_SKILL_E_INVALID,
                     "argument \"expression\": %s expected at character %zu, not \"%.12s\"", what,
                     p->at + 1, at);
    return nf_num_of(p->c, 0);
}

/* One level deeper; false: too deep, which fails the call. */
static bool enter(struct parser *p)
{
    if (++p->depth > NF_EXPRESSION_DEPTH)
        nf_calc_fail(p->c, NF_SKILL_E_LIMIT,
                     "argument \"expression\": nested over %d deep at character %zu",
                     NF_EXPRESSION_DEPTH, p->at + 1);
    return p->c->rc == NF_SKILL_OK;
}

/* 0x, 0b and 0o numbers. */
static bool prefixed(struct parser *p, struct nf_num *ret)
{
    static const struct {
        const char *prefix;
        uint32_t base;
    } kinds[] = { { "0x", 16 }, { "0X", 16 }, { "0b", 2 }, { "0B", 2 }, { "0o", 8 }, { "0O", 8 } };

    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        size_t from;

        if (!take(p, kinds[k].prefix))
            continue;
        from = p->at;
        while (p->at < p->n && is_name(p->text[p->at]) && p->text[p->at] != '_') {
            char ch = p->text[p->at];
            uint32_t v = is_digit(ch) ? (uint32_t)(ch - '0') : (uint32_t)((ch | 32) - 'a' + 10);

            if (v >= kinds[k].base)
                break;
            p->at++;
        }
        if (p->at == from || (p->at < p->n && is_name(p->text[p->at]))) {
            *ret = expected(p, "a digit of this base");
            return true;
        }
        *ret = nf_num_ratio(p->c, false,
                            nf_big_parse(p->c, p->text + from, p->at - from, kinds[k].base),
                            nf_big_of(p->c, 1));
        return true;
    }
    return false;
}

static struct nf_num number(struct parser *p)
{
    struct nf_num v;
    size_t n;

    blanks(p);
    if (prefixed(p, &v))
        return v;
    n = nf_num_parse(p->c, p->text + p->at, p->n - p->at, &v);
    if (n == 0)
        return expected(p, "a number");
    p->at += n;
    if (p->at < p->n && is_name(p->text[p->at]))
        return expected(p, "an operator such as *");
    return v;
}

static struct nf_num call(struct parser *p, const struct nf_function *f)
{
    struct nf_num *args = p->c->h->alloc(p->c->h, NF_FUNCTION_ARGS_MAX * sizeof(*args));
    size_t n = 0;

    if (!args) {
        nf_calc_fail(p->c, NF_SKILL_E_LIMIT, "no memory left: use a shorter expression");
        return nf_num_of(p->c, 0);
    }
    if (!take(p, ")"))
        do {
            if (n == NF_FUNCTION_ARGS_MAX)
                nf_calc_fail(p->c, NF_SKILL_E_LIMIT, "%s takes at most %d arguments", f->name,
                             NF_FUNCTION_ARGS_MAX);
            if (p->c->rc != NF_SKILL_OK)
                return nf_num_of(p->c, 0);
            args[n++] = expression(p, PREC_SUM);
        } while (take(p, ",") || take(p, ";"));
    if (n > 0 && !take(p, ")"))
        return expected(p, "\")\" or \",\"");
    if (n < f->min || n > f->max) {
        nf_calc_fail(
            p->c, NF_SKILL_E_INVALID, "%s takes %zu%s%.0zu argument%s, not %zu", f->name, f->min,
            f->max == f->min     ? ""
            : f->max == SIZE_MAX ? " or more"
                                 : " to ",
            f->max == f->min || f->max == SIZE_MAX ? (size_t)0 : f->max, f->max == 1 ? "" : "s", n);
        return nf_num_of(p->c, 0);
    }
    return p->c->rc == NF_SKILL_OK ? f->call(p->c, args, n) : args[0];
}

static struct nf_num named(struct parser *p)
{
    const char *name = p->text + p->at;
    const struct nf_function *f;
    struct nf_num v;
    size_t from = p->at, n;

    while (p->at < p->n && is_name(p->text[p->at]))
        p->at++;
    n = p->at - from;
    for (size_t k = 0; k < p->variables_n; k++)
        if (strlen(p->variables[k].name) == n && memcmp(p->variables[k].name, name, n) == 0)
            return p->variables[k].value;
    f = nf_function_find(name, n);
    if (f && take(p, "("))
        return call(p, f);
    if (f) {
        nf_calc_fail(p->c, NF_SKILL_E_INVALID,
                     "argument \"expression\": \"%s\" is a function: write %s(...)", f->name,
                     f->name);
        return nf_num_of(p->c, 0);
    }
    if (nf_constant_find(p->c, name, n, &v))
        return v;
    nf_calc_fail(p->c, NF_SKILL_E_INVALID,
                 "argument \"expression\": there is no function, constant or variable \"%.*s\" "
                 "(character %zu); the tool's description lists them",
                 (int)(n < 40 ? n : 40), name, from + 1);
    return nf_num_of(p->c, 0);
}

static struct nf_num primary(struct parser *p)
{
    struct nf_num v;

    blanks(p);
    if (p->at < p->n && !is_digit(p->text[p->at]) && is_name(p->text[p->at]))
        return named(p);
    if (take(p, "\xcf\x80") || take(p, "\xcf\x84")) { /* pi, tau */
        (void)nf_constant_find(p->c, p->text[p->at - 1] == '\x80' ? "pi" : "tau",
                               p->text[p->at - 1] == '\x80' ? 2 : 3, &v);
        return v;
    }
    if (take(p, "\xe2\x88\x9a")) /* the root sign binds like a function */
        return nf_num_sqrt(p->c, expression(p, PREC_POWER));
    if (!take(p, "("))
        return number(p);
    v = expression(p, PREC_SUM);
    return take(p, ")") ? v : expected(p, "\")\" or an operator");
}

/* Whether an operand begins here, so that a '%' before it is an operator. A sign does not count:
 * 50% + 1 is a sum. */
static bool operand_follows(struct parser *p)
{
    blanks(p);
    return p->at < p->n && (is_name(p->text[p->at]) || p->text[p->at] == '(' ||
                            p->text[p->at] == '.' || (unsigned char)p->text[p->at] == 0xcf);
}

static struct nf_num postfix(struct parser *p)
{
    struct nf_num v = primary(p);

    while (p->c->rc == NF_SKILL_OK) {
        size_t before = p->at;

        if (take(p, "!")) {
            v = nf_factorial(p->c, v);
        } else if (take(p, "%")) {
            if (operand_follows(p)) {
                p->at = before;
                break;
            }
            v = nf_num_div(p->c, v, nf_num_of(p->c, 100));
        } else {
            break;
        }
    }
    return v;
}

static struct nf_num unary(struct parser *p)
{
    struct nf_num v;

    if (!enter(p))
        return nf_num_of(p->c, 0);
    if (take(p, "-") || take(p, "\xe2\x88\x92")) /* U+2212, minus */
        v = nf_num_neg(expression(p, PREC_UNARY));
    else if (take(p, "+"))
        v = expression(p, PREC_UNARY);
    else
        v = postfix(p);
    p->depth--;
    return v;
}

/* The operator that stands next, if it binds at least as tightly as `min`; *prec: how tightly. */
static enum op operator(struct parser *p, int min, int *prec) {
    static const struct { const char * sign; enum op op; int prec; }
all[] = {
    { "**", POW, PREC_POWER },
    { "^", POW, PREC_POWER },
    { "+", ADD, PREC_SUM },
    { "-", SUB, PREC_SUM },
    { "\xe2\x88\x92", SUB, PREC_SUM },
    { "*", MUL, PREC_PRODUCT },
    { "\xc3\x97", MUL, PREC_PRODUCT },
    { "\xc2\xb7", MUL, PREC_PRODUCT },
    { "//", FLOOR_DIV, PREC_PRODUCT },
    { "/", DIV, PREC_PRODUCT },
    { "\xc3\xb7", DIV, PREC_PRODUCT },
    { "%", MOD, PREC_PRODUCT },
};

for (size_t k = 0; k < sizeof(all) / sizeof(all[0]); k++)
    if (all[k].prec >= min && take(p, all[k].sign)) {
        *prec = all[k].prec;
        return all[k].op;
    } else if (take(p, all[k].sign)) {
        p->at -= strlen(all[k].sign);
        return NONE;
    }
return NONE;
}

static struct nf_num apply(struct nf_calc *c, enum op op, struct nf_num a, struct nf_num b)
{
    switch (op) {
    case ADD:
        return nf_num_add(c, a, b);
    case SUB:
        return nf_num_sub(c, a, b);
    case MUL:
        return nf_num_mul(c, a, b);
    case DIV:
        return nf_num_div(c, a, b);
    case MOD:
        return nf_num_mod(c, a, b);
    case FLOOR_DIV:
        return nf_num_floor(c, nf_num_div(c, a, b));
    case POW:
        return nf_num_pow(c, a, b);
    case NONE:
        break;
    }
    return a;
}

static struct nf_num expression(struct parser *p, int min)
{
    struct nf_num v;

    if (!enter(p))
        return nf_num_of(p->c, 0);
    v = unary(p);
    while (p->c->rc == NF_SKILL_OK) {
        int prec = 0;
        enum op op = operator(p, min, &prec);

        if (op == NONE)
            break;
        /* Powers group to the right and take a sign: 2^-3^2 is 2^(-(3^2)). */
        v = apply(p->c, op, v, expression(p, op == POW ? PREC_UNARY : prec + 1));
    }
    p->depth--;
    return v;
}

struct nf_num nf_eval(struct nf_calc *c, const char *text, const struct nf_variable *variables,
                      size_t n)
{
    struct parser p = {
        .c = c, .text = text, .n = strlen(text), .variables = variables, .variables_n = n
    };
    struct nf_num v = expression(&p, PREC_SUM);

    blanks(&p);
    if (c->rc == NF_SKILL_OK && p.at < p.n) {
        if (text[p.at] == ',' || text[p.at] == '\'')
            nf_calc_fail(c, NF_SKILL_E_INVALID,
                         "argument \"expression\": \"%c\" at character %zu: write numbers without "
                         "separators, with \".\" before decimals",
                         text[p.at], p.at + 1);
        (void)expected(&p, "an operator");
    }
    return v;
}

/* NOLINTEND(misc-no-recursion) */
