/*
 * The tools that a model is offered: a list that is built once and then shared, since it is the
 * same in request after request and as long as many a conversation. What encoders make of it is
 * kept with it for the same reason. References are counted without locks: one thread. Pure.
 */
#pragma once

#include "base/error.h"
#include "base/string.h"

#include <stdbool.h>
#include <stddef.h>

#define NF_REQUEST_TOOLS_MAX 256
#define NF_TOOLSET_FORMS_MAX 4

/* Strings are owned, UTF-8, and NULL when absent. */
struct nf_tool {
    char *name, *description;
    char *schema; /* JSON Schema of the arguments as text */
    bool cache;
};

/* A text that was made of the whole list, by the name of whoever made it. */
struct nf_toolset_form {
    const void *key;
    struct nf_str text;
};

struct nf_toolset {
    struct nf_tool *v;
    size_t n;
    size_t refs;
    struct nf_toolset_form forms[NF_TOOLSET_FORMS_MAX];
    size_t forms_n;
};

/* An empty list with one reference. NF_E_NOMEM. */
NF_RC nf_toolset_new(struct nf_toolset **ret, struct nf_err *err);
struct nf_toolset *nf_toolset_ref(struct nf_toolset *s); /* NULL is allowed, in all of these */
void nf_toolset_unref(struct nf_toolset *s);
static inline void nf_toolset_unrefp(struct nf_toolset **s)
{
    nf_toolset_unref(*s);
}
static inline size_t nf_toolset_n(const struct nf_toolset *s)
{
    return s ? s->n : 0;
}

/* Append a tool, whose description and schema may be NULL, to a list that nobody shares yet. Copies
 * what it is given; on failure *s is as before. NF_E_NOMEM, NF_E_LIMIT. */
NF_RC nf_toolset_add(struct nf_toolset *s, const char *name, const char *description,
                     const char *schema, struct nf_err *err);

/* What was kept under `key`, NULL: nothing. Valid as long as the list. */
const struct nf_str *nf_toolset_form(const struct nf_toolset *s, const void *key);
/* Keep *text, which is zeroed, under a `key` that has none yet. From now on the list must not be
 * changed. There is room for NF_TOOLSET_FORMS_MAX. */
const struct nf_str *nf_toolset_keep(struct nf_toolset *s, const void *key, struct nf_str *text);
