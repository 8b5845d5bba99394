/* Requests of llm/anthropic_messages.h. */
#pragma once

#include "llm/codec.h"

NF_RC nf_anthropic_encode(const struct nf_completion_request *r, const struct nf_llm_target *t,
                          struct nf_llm_body *to, struct nf_err *err);

/* How much a model can be told to think, by the version in its name: "claude-sonnet-4-5" is 4.5. A
 * name without a version counts as new. */
enum nf_anthropic_thinking {
    NF_ANTHROPIC_NO_THINKING, /* before 3.7 */
    NF_ANTHROPIC_BUDGET,      /* 3.7 to 4.5 */
    NF_ANTHROPIC_ADAPTIVE,    /* from 4.6 on */
};
enum nf_anthropic_thinking nf_anthropic_thinking_of(const char *model);

/* Whether temperature, top_p and top_k may be sent: from 4.7 on they are an error ("What's new in
 * Claude 4.7", sampling parameters removed). */
bool nf_anthropic_takes_sampling(const char *model);
