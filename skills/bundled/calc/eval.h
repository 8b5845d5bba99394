/* Expressions: what `evaluate` of the skill calc understands. */
#pragma once

#include "skills/bundled/calc/num.h"

#define NF_EXPRESSION_MAX 4096  /* bytes */
#define NF_EXPRESSION_DEPTH 128 /* a pair of parentheses, a sign or a power takes two */
#define NF_FUNCTION_ARGS_MAX 256

/* A name's value: what `variables` holds. */
struct nf_variable {
    const char *name;
    struct nf_num value;
};

struct nf_function {
    const char *name;
    size_t min, max; /* arguments */
    struct nf_num (*call)(struct nf_calc *c, const struct nf_num *a, size_t n);
};

/* The value of `text`; a failure is in c->rc and says at which character. */
struct nf_num nf_eval(struct nf_calc *c, const char *text, const struct nf_variable *variables,
                      size_t n);

/* NULL: there is none of that name. */
const struct nf_function *nf_function_find(const char *name, size_t n);
bool nf_constant_find(struct nf_calc *c, const char *name, size_t n, struct nf_num *ret);
/* n! of a whole number from 0 up. */
struct nf_num nf_factorial(struct nf_calc *c, struct nf_num a);
