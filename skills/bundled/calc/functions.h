/* What the files of functions share. Each function gets as many arguments as functions.def allows,
 * and fails the call if they are outside its domain. */
#pragma once

#include "skills/bundled/calc/eval.h"

#define NF_CALL(name)                                                                              \
    struct nf_num nf_calc_##name(struct nf_calc *c, const struct nf_num *a, size_t n)

#define NF_FUNCTION(text, min, max, name) NF_CALL(name);
#include "skills/bundled/calc/functions.def"
#undef NF_FUNCTION

/* Fail the call; 0. */
struct nf_num nf_calc_refuse(struct nf_calc *c, const char *why);
/* A whole argument from min to max; fails the call otherwise. */
int64_t nf_calc_need_int(struct nf_calc *c, struct nf_num a, int64_t min, int64_t max,
                         const char *what);
