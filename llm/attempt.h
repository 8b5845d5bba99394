/* One call to one model: encode, send, decode, watch the time. */
#pragma once

#include "application/ports/model.h"
#include "llm/failure.h"
#include "llm/routes.h"
#include "llm/wire.h"

#define NF_LLM_CONNECT_TIMEOUT_MS 10000
#define NF_LLM_ERROR_BODY_MAX ((size_t)64 << 10) /* of a refusal that is read */

struct nf_llm_attempt {
    bool shown;  /* the sink got something of the answer: there is no other try */
    bool failed; /* `failure` says how; else the returned code is final */
    struct nf_llm_failure failure;
    struct nf_tokens tokens; /* as far as told; -1: not */
    int64_t first_token_ms;  /* since the call began; -1: there was none */
    int64_t took_ms;
};

/* NF_OK: END reached `sink`. With a->failed the code is a->failure.code and the message fit for a
 * person; otherwise it came from the sink, from a cancel or outer deadline, from a request that
 * cannot be expressed, or is NF_E_NOMEM. ERROR events are not handed to the sink; START and the
 * first USAGE wait until there is something to show. Suspends. */
NF_RC nf_llm_attempt_run(struct nf_llm_wire *w, const struct nf_llm_route *t,
                         const struct nf_completion_request *r, struct nf_model_sink *sink,
                         struct nf_llm_attempt *a, struct nf_err *err);

/* What a failure means for a person: which model, what happened, what to do. */
enum nf_code nf_llm_explain(const struct nf_llm_route *t, const struct nf_llm_failure *f,
                            struct nf_err *err);
