/* The cases of a skill's tests.json: what is called, and what must come of it. */
#pragma once

#include "codec/json.h"

#define NF_SKILL_CASES_MAX 1000

enum nf_skill_expect {
    NF_EXPECT_EXACT,    /* the result is this text */
    NF_EXPECT_CONTAINS, /* the result has this in it */
    NF_EXPECT_EQUALS,   /* the result is this JSON, however it is written */
    NF_EXPECT_ERROR,    /* the call fails, with this in its message */
};

/* Borrowed from the document. */
struct nf_skill_case {
    const char *name; /* NULL: none */
    const char *tool;
    const struct nf_json *args; /* an object; NULL: {} */
    enum nf_skill_expect expect;
    const struct nf_json *want; /* a string, but for EQUALS */
};

struct nf_skill_cases {
    struct nf_json_doc *doc;
    struct nf_skill_case *v;
    size_t n;
    const struct nf_json *http;  /* [{"url","type"?,"body"}]: what the network answers; or NULL */
    const struct nf_json *files; /* [{"path","text"}]: what the workspace holds; or NULL */
};
void nf_skill_cases_done(struct nf_skill_cases *c);

/* NF_E_INVALID and NF_E_LIMIT name the field: "tests[1].expect". */
NF_RC nf_skill_cases_parse(const char *p, size_t n, struct nf_skill_cases *ret, struct nf_err *err);

/* Whether what came of a call is what the case wants: `result` if it succeeded, else NULL and the
 * message. */
bool nf_skill_case_holds(const struct nf_skill_case *c, const char *result, const char *message);

/* "exact", ... */
const char *nf_skill_expect_name(enum nf_skill_expect e);
