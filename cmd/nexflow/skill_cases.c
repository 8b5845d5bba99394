#include "cmd/nexflow/skill_cases.h"

#include "config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const expects[] = { [NF_EXPECT_EXACT] = "exact",
                                       [NF_EXPECT_CONTAINS] = "contains",
                                       [NF_EXPECT_EQUALS] = "equals",
                                       [NF_EXPECT_ERROR] = "error" };

const char *nf_skill_expect_name(enum nf_skill_expect e)
{
    return expects[e];
}

void nf_skill_cases_done(struct nf_skill_cases *c)
{
    nf_json_free(c->doc);
    free(c->v);
    *c = (struct nf_skill_cases){ 0 };
}

/* Every member of the object is one of `names`. */
static NF_RC check_members(const struct nf_json *v, const char *const *names, const char *path,
                           struct nf_err *err)
{
    if (nf_json_type(v) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "%s must be an object", path);
    for (const struct nf_json *m = nf_json_first(v); m; m = nf_json_next(m)) {
        const char *const *name = names;
        while (*name && strcmp(*name, nf_json_key(m)) != 0)
            name++;
        if (!*name)
            return nf_err_set(err, NF_E_INVALID, "%s.%.60s: there is no such member", path,
                              nf_json_key(m));
    }
    return NF_OK;
}

static NF_RC parse_expect(const struct nf_json *v, struct nf_skill_case *c, const char *path,
                          struct nf_err *err)
{
    const struct nf_json *only = nf_json_type(v) == NF_JSON_OBJECT ? nf_json_first(v) : NULL;
    for (size_t i = 0; only && !nf_json_next(only) && i < NF_COUNT(expects); i++) {
        if (strcmp(nf_json_key(only), expects[i]) != 0)
            continue;
        c->expect = (enum nf_skill_expect)i;
        c->want = only;
        if (i == NF_EXPECT_EQUALS || nf_json_str(only))
            return NF_OK;
        return nf_err_set(err, NF_E_INVALID, "%s.expect.%s must be a string", path, expects[i]);
    }
    return nf_err_set(err, NF_E_INVALID,
                      "%s.expect must be an object with one of exact, contains, equals, error",
                      path);
}

static NF_RC parse_case(const struct nf_json *v, size_t i, struct nf_skill_case *c,
                        struct nf_err *err)
{
    static const char *const members[] = { "name", "tool", "args", "expect", NULL };
    char path[32];
    (void)snprintf(path, sizeof(path), "tests[%zu]", i);
    NF_TRY(check_members(v, members, path, err));
    c->name = nf_json_str(nf_json_get(v, "name"));
    c->tool = nf_json_str(nf_json_get(v, "tool"));
    c->args = nf_json_get(v, "args");
    if (!c->tool)
        return nf_err_set(err, NF_E_INVALID, "%s.tool must be the name of a tool", path);
    if (c->args && nf_json_type(c->args) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "%s.args must be an object", path);
    return parse_expect(nf_json_get(v, "expect"), c, path, err);
}

/* A list of objects whose members are strings; `last` must be there, and the first. */
static NF_RC check_list(const struct nf_json *v, const char *key, const char *const *names,
                        const char *last, struct nf_err *err)
{
    size_t i = 0;
    char path[32];
    if (v && nf_json_type(v) != NF_JSON_ARRAY)
        return nf_err_set(err, NF_E_INVALID, "%s must be a list", key);
    for (const struct nf_json *o = nf_json_first(v); o; o = nf_json_next(o), i++) {
        (void)snprintf(path, sizeof(path), "%s[%zu]", key, i);
        NF_TRY(check_members(o, names, path, err));
        for (const struct nf_json *m = nf_json_first(o); m; m = nf_json_next(m))
            if (!nf_json_str(m))
                return nf_err_set(err, NF_E_INVALID, "%s.%s must be a string", path,
                                  nf_json_key(m));
        if (!nf_json_get(o, names[0]) || !nf_json_get(o, last))
            return nf_err_set(err, NF_E_INVALID, "%s must have %s and %s", path, names[0], last);
    }
    return NF_OK;
}

static NF_RC parse(struct nf_skill_cases *c, struct nf_err *err)
{
    static const char *const members[] = { "tests", "http", "files", NULL };
    static const char *const http[] = { "url", "type", "body", NULL };
    static const char *const files[] = { "path", "text", NULL };
    const struct nf_json *root = nf_json_root(c->doc);
    const struct nf_json *tests = nf_json_get(root, "tests");
    size_t n = nf_json_count(tests);

    NF_TRY(check_members(root, members, "the file", err));
    c->http = nf_json_get(root, "http");
    c->files = nf_json_get(root, "files");
    NF_TRY(check_list(c->http, "http", http, "body", err));
    NF_TRY(check_list(c->files, "files", files, "text", err));
    if (nf_json_type(tests) != NF_JSON_ARRAY || n == 0)
        return nf_err_set(err, NF_E_INVALID, "tests must be a list of at least one case");
    if (n > NF_SKILL_CASES_MAX)
        return nf_err_set(err, NF_E_LIMIT, "tests has %zu cases, at most %d are allowed", n,
                          NF_SKILL_CASES_MAX);
    c->v = calloc(n, sizeof(c->v[0]));
    if (!c->v)
        return nf_err_set(err, NF_E_NOMEM, "no memory for %zu cases", n);
    for (const struct nf_json *t = nf_json_first(tests); t; t = nf_json_next(t), c->n++)
        NF_TRY(parse_case(t, c->n, &c->v[c->n], err));
    return NF_OK;
}

enum nf_code nf_skill_cases_parse(const char *p, size_t n, struct nf_skill_cases *ret,
                                  struct nf_err *err)
{
    struct nf_skill_cases c = { 0 };
    NF_TRY(nf_json_parse(p, n, 0, &c.doc, err));
    enum nf_code rc = parse(&c, err);
    if (rc == NF_OK)
        *ret = c;
    else
        nf_skill_cases_done(&c);
    return rc;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool same(const struct nf_json *a, const struct nf_json *b);

/* NOLINTNEXTLINE(misc-no-recursion): bounded, see same() */
static bool same_members(const struct nf_json *a, const struct nf_json *b)
{
    if (nf_json_count(a) != nf_json_count(b))
        return false;
    for (const struct nf_json *m = nf_json_first(a); m; m = nf_json_next(m))
        if (!same(m, nf_json_get(b, nf_json_key(m))))
            return false;
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): both were parsed, so nested at most NF_JSON_DEPTH_MAX deep */
static bool same(const struct nf_json *a, const struct nf_json *b)
{
    if (nf_json_type(a) != nf_json_type(b))
        return false;
    switch (nf_json_type(a)) {
    case NF_JSON_STRING:
        return strcmp(nf_json_str(a), nf_json_str(b)) == 0;
    case NF_JSON_NUMBER:
        return nf_json_f64(a, 0) == nf_json_f64(b, 0) && nf_json_i64(a, 0) == nf_json_i64(b, 0);
    case NF_JSON_BOOL:
        return nf_json_bool(a, false) == nf_json_bool(b, false);
    case NF_JSON_OBJECT:
        return same_members(a, b);
    case NF_JSON_ARRAY:
        if (nf_json_count(a) != nf_json_count(b))
            return false;
        for (a = nf_json_first(a), b = nf_json_first(b); a;
             a = nf_json_next(a), b = nf_json_next(b))
            if (!same(a, b))
                return false;
        return true;
    default:
        return true;
    }
}

bool nf_skill_case_holds(const struct nf_skill_case *c, const char *result, const char *message)
{
    if (c->expect == NF_EXPECT_ERROR)
        return !result && strstr(message, nf_json_str(c->want));
    if (!result)
        return false;
    if (c->expect == NF_EXPECT_EXACT)
        return strcmp(result, nf_json_str(c->want)) == 0;
    if (c->expect == NF_EXPECT_CONTAINS)
        return strstr(result, nf_json_str(c->want)) != NULL;
    struct nf_json_doc *doc;
    struct nf_err ignored;
    if (nf_json_parse(result, strlen(result), 0, &doc, &ignored) != NF_OK)
        return false;
    bool equal = same(c->want, nf_json_root(doc));
    nf_json_free(doc);
    return equal;
}
