#include "application/offer_tools.h"

#include "application/context.h"
#include "base/own.h"

#include <string.h>

static int64_t tokens_in(const char *text)
{
    return text ? nf_tokens_of(text, strlen(text)) : 0;
}

static int64_t tokens_of(const struct nf_tool *t)
{
    return tokens_in(t->schema) + tokens_in(t->description) + tokens_in(t->name);
}

void nf_offer_done(struct nf_offer *o)
{
    nf_toolset_unref(o->all);
    nf_toolset_unref(o->fits);
    *o = (struct nf_offer){ 0 };
}

static NF_RC cut(const struct nf_toolset *all, int64_t most, struct nf_toolset **ret,
                 struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *fits = NULL;
    int64_t sum = 0;

    NF_TRY(nf_toolset_new(&fits, err));
    for (size_t i = 0; i < all->n; i++) {
        const struct nf_tool *t = &all->v[i];
        if (sum + tokens_of(t) > most)
            continue;
        sum += tokens_of(t);
        NF_TRY(nf_toolset_add(fits, t->name, t->description, t->schema, err));
    }
    *ret = nf_take(fits);
    return NF_OK;
}

static int64_t tokens_of_all(const struct nf_toolset *s)
{
    int64_t sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += tokens_of(&s->v[i]);
    return sum;
}

static NF_RC fit(struct nf_toolset *all, int64_t window, struct nf_offer *ret, struct nf_err *err)
{
    struct nf_offer fresh = { .window = window };
    if (tokens_of_all(all) <= window / 4)
        fresh.fits = nf_toolset_ref(all);
    else
        NF_TRY(cut(all, window / 4, &fresh.fits, err));
    fresh.all = nf_toolset_ref(all);
    fresh.tokens = tokens_of_all(fresh.fits);
    nf_offer_done(ret);
    *ret = fresh;
    return NF_OK;
}

enum nf_code nf_offer_count(struct nf_app *a, int64_t window, size_t *fit_n, size_t *all_n,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *all = NULL;
    NF_CLEANUP(nf_offer_done) struct nf_offer o = { 0 };

    *fit_n = *all_n = 0;
    if (a->tools)
        NF_TRY(nf_tools_offer(a->tools, 0, 0, &all, err));
    if (!all)
        return NF_OK;
    NF_TRY(fit(all, window, &o, err));
    *fit_n = o.fits->n;
    *all_n = all->n;
    return NF_OK;
}

enum nf_code nf_offer_tools(struct nf_app *a, const struct nf_claim *c, int64_t window,
                            struct nf_toolset **ret, int64_t *tokens, struct nf_err *err)
{
    NF_CLEANUP(nf_toolset_unrefp) struct nf_toolset *all = NULL;

    *tokens = 0;
    *ret = NULL;
    if (a->tools)
        NF_TRY(nf_tools_offer(a->tools, c->user_id, c->session_id, &all, err));
    if (!all)
        return NF_OK;
    if (a->offer.all != all || a->offer.window != window)
        NF_TRY(fit(all, window, &a->offer, err));
    *tokens = a->offer.tokens;
    *ret = nf_toolset_ref(a->offer.fits);
    return NF_OK;
}
