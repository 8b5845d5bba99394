/*
 * Conditions on arguments, as libseccomp wants them: each is a list of clauses that allow and one
 * of clauses that refuse, which together are complete and have nothing in common. libseccomp knows
 * no "else", and its masks know no "not equal".
 */
#pragma once

#include "sandbox/policy.h"

#include <seccomp.h>

#define NF_CLAUSE_ARGS 2
#define NF_CLAUSES 12

struct nf_clause {
    unsigned n;
    struct scmp_arg_cmp args[NF_CLAUSE_ARGS];
};

struct nf_condition_clauses {
    const char *text;
    struct nf_clause allow[NF_CLAUSES], refuse[NF_CLAUSES]; /* end at n == 0 */
};

extern const struct nf_condition_clauses nf_conditions[NF_CONDS];
