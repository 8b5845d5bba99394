/*
 * Regular expressions in time linear in the text: threads of a virtual machine advance together
 * over it, none goes back (Thompson; Pike's form with captures). So no pattern is catastrophic, and
 * a budget of steps bounds the product of pattern and text.
 *
 * Understood: . [a-z] [^...] \d \w \s \D \W \S, * + ? {n} {n,} {n,m} and their lazy forms, |,
 * (...),
 * (?:...), (?<name>...), ^ $ \A \z \b \B, \t \n \r \f \v \xHH \x{H...} \uHHHH, flags i m s.
 * Not understood, because they need going back: \1, (?=...), (?!...), (?<=...), (?<!...), (?>...).
 * \w knows letters of all scripts, \d only 0 to 9.
 */
#pragma once

#include "skills/bundled/common/args.h"

#define NF_REGEX_PATTERN_MAX 1000 /* bytes */
#define NF_REGEX_PROGRAM_MAX 8000 /* instructions that it may become */
#define NF_REGEX_REPEAT_MAX 1000
#define NF_REGEX_DEPTH_MAX 50
#define NF_REGEX_GROUPS_MAX 20
/* Instructions that one call may execute, unless it says otherwise: a second or two. */
#define NF_REGEX_STEPS_MAX INT64_C(20000000)

struct nf_regex;

/* Compile the argument `key`; `flags` are letters of "ims". NULL: it failed, which says where. */
struct nf_regex *nf_regex_new(struct nf_args *a, const char *key, const char *pattern,
                              const char *flags);
/* Let it execute so many in all, for calls that have more time. */
void nf_regex_set_steps(struct nf_regex *r, int64_t steps);
size_t nf_regex_groups(const struct nf_regex *r); /* without the whole match */
const char *nf_regex_group_name(const struct nf_regex *r, size_t group); /* from 1; NULL: none */

/* The first match in p[from..n): at[0], at[1] are its ends, at[2k], at[2k+1] those of group k or
 * SIZE_MAX. False: there is none, or the budget is spent, which fails the call. */
bool nf_regex_search(struct nf_regex *r, const char *p, size_t n, size_t from,
                     size_t at[2 * (NF_REGEX_GROUPS_MAX + 1)]);
