#include "domain/toolset.h"

#include "base/own.h"
#include "domain/list.h"

#include <stdlib.h>

static void tool_done(struct nf_tool *t)
{
    free(t->name);
    free(t->description);
    free(t->schema);
    *t = (struct nf_tool){ 0 };
}

enum nf_code nf_toolset_new(struct nf_toolset **ret, struct nf_err *err)
{
    struct nf_toolset *s = calloc(1, sizeof(*s));
    if (!s)
        return nf_list_nomem(err);
    s->refs = 1;
    *ret = s;
    return NF_OK;
}

struct nf_toolset *nf_toolset_ref(struct nf_toolset *s)
{
    if (s)
        s->refs++;
    return s;
}

void nf_toolset_unref(struct nf_toolset *s)
{
    if (!s || --s->refs > 0)
        return;
    for (size_t i = 0; i < s->n; i++)
        tool_done(&s->v[i]);
    for (size_t i = 0; i < s->forms_n; i++)
        nf_str_done(&s->forms[i].text);
    free(s->v);
    free(s);
}

enum nf_code nf_toolset_add(struct nf_toolset *s, const char *name, const char *description,
                            const char *schema, struct nf_err *err)
{
    NF_CLEANUP(tool_done) struct nf_tool t = { 0 };
    struct nf_tool *v;

    assert(s->refs == 1 && s->forms_n == 0);
    if (s->n >= NF_REQUEST_TOOLS_MAX)
        return nf_err_set(err, NF_E_LIMIT, "tools has more than %d entries: offer fewer",
                          NF_REQUEST_TOOLS_MAX);
    NF_TRY(nf_strdup(name, &t.name, err));
    if (description)
        NF_TRY(nf_strdup(description, &t.description, err));
    if (schema)
        NF_TRY(nf_strdup(schema, &t.schema, err));
    v = nf_list_grow(s->v, s->n + 1, sizeof(*v));
    if (!v)
        return nf_list_nomem(err);
    s->v = v;
    v[s->n++] = nf_take(t);
    return NF_OK;
}

const struct nf_str *nf_toolset_form(const struct nf_toolset *s, const void *key)
{
    for (size_t i = 0; i < s->forms_n; i++)
        if (s->forms[i].key == key)
            return &s->forms[i].text;
    return NULL;
}

const struct nf_str *nf_toolset_keep(struct nf_toolset *s, const void *key, struct nf_str *text)
{
    assert(s->forms_n < NF_TOOLSET_FORMS_MAX && !nf_toolset_form(s, key));
    struct nf_toolset_form *f = &s->forms[s->forms_n++];
    *f = (struct nf_toolset_form){ .key = key, .text = nf_take(*text) };
    return &f->text;
}
