/* What the parts of an encoding share: anthropic_head.c has the members before the messages, and
 * the marks for the cache, anthropic_encode.c the messages. */
#pragma once

#include "llm/anthropic_encode.h"
#include "llm/anthropic_messages.h"
#include "llm/request.h"

/* An encoding under way. */
struct nf_anthropic_enc {
    struct nf_json_out o;
    const struct nf_completion_request *r;
    const struct nf_llm_target *t;
    struct nf_llm_body *to;
    size_t cache_skip; /* breakpoints to leave out before the last NF_ANTHROPIC_CACHE_MAX */
};

/* The breakpoints that the request asks for. */
size_t nf_anthropic_marks(const struct nf_completion_request *r);

/* The member "cache_control" of a block that is marked, if it is among the last that are allowed.
 */
void nf_anthropic_put_cache(struct nf_anthropic_enc *e, bool marked);

/* The tools as they go out, in e->to. NF_E_INVALID, NF_E_LIMIT, NF_E_NOMEM: as nf_llm_tools. */
NF_RC nf_anthropic_make_tools(struct nf_anthropic_enc *e, struct nf_err *err);

/* The members of the request but its messages and its system text. */
void nf_anthropic_put_settings(struct nf_anthropic_enc *e, int64_t max_tokens);
