/* Requests of llm/openai_chat.h. */
#pragma once

#include "llm/codec.h"

NF_RC nf_openai_encode(const struct nf_completion_request *r, const struct nf_llm_target *t,
                       struct nf_llm_body *to, struct nf_err *err);
