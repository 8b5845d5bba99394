/* Which tools a model is offered. */
#pragma once

#include "application/deps.h"

/*
 * *ret = a reference to the person's tools, NULL if there are none, and how many tokens their
 * descriptions take: a quarter of the window at most. A model with a small window must not be left
 * without room for the conversation: it gets the tools that fit, in the order of their names, so
 * that every call of a turn gets the same. What fits is remembered for the next turn.
 */
NF_RC nf_offer_tools(struct nf_app *a, const struct nf_claim *c, int64_t window,
                     struct nf_toolset **ret, int64_t *tokens, struct nf_err *err);

/* Of *all tools that everybody has, how many a model with such a window is offered: for who has to
 * be told that some are not. */
NF_RC nf_offer_count(struct nf_app *a, int64_t window, size_t *fit, size_t *all,
                     struct nf_err *err);

void nf_offer_done(struct nf_offer *o);
