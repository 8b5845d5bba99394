/* A path of query.c as it is read: RFC 9535, section 2, as far as it is taken. */
#pragma once

#include "skills/bundled/text/tools.h"

#define NF_QUERY_MAX 1000 /* bytes of a path */
#define NF_STEPS_MAX 64

enum nf_step_kind { NF_STEP_NAME, NF_STEP_INDEX, NF_STEP_SLICE, NF_STEP_ALL, NF_STEP_FILTER };
struct nf_step {
    enum nf_step_kind kind;
    bool deep; /* behind "..": of the value and all within */
    char *name;
    int64_t from, to; /* NF_STEP_INDEX: from. NF_STEP_SLICE */
    const char *op;   /* NF_STEP_FILTER: NULL: the member is there */
    const struct nf_skill_json *literal;
};

struct nf_query {
    struct nf_args *a;
    const char *text, *p;
    struct nf_step steps[NF_STEPS_MAX];
    size_t steps_n;
    int64_t visits;
};

/* Read q->text into q->steps; what is wrong fails the call, and says where. */
void nf_query_read(struct nf_query *q);

/* True if a name without quotes may have it. */
bool nf_query_is_name(char c);
