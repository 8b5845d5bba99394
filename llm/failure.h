/*
 * What went wrong with a call, from whatever a provider answered: its JSON error body in any of the
 * forms in use, a body that is no JSON, an error inside a stream. Pure.
 *
 * Forms: {"error":{"message","type","code"}} (OpenAI API reference, "Error codes"; `code` may be a
 * number), {"type":"error","error":{"type","message"}} (Claude API documentation, "Errors"),
 * {"error":"text"} (Ollama, "Errors"), {"object":"error","message","code"} (vLLM),
 * [{"error":{"code","message","status"}}] (Google), {"detail":...} or {"message":...} (gateways).
 */
#pragma once

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NF_LLM_KIND_MAX 47    /* bytes of a kind */
#define NF_LLM_DETAIL_MAX 159 /* bytes of a provider's own words that are kept */
#define NF_LLM_RETRY_AFTER_MAX_MS INT64_C(86400000) /* more is cut to this */

struct nf_json;

struct nf_llm_failure {
    enum nf_code code; /* as in application/ports/model.h */
    int status; /* the HTTP status, or the one that an error in a stream stands for; 0: none */
    char kind[NF_LLM_KIND_MAX + 1];     /* the provider's own type or code, "" if it said none */
    char detail[NF_LLM_DETAIL_MAX + 1]; /* its words: one line, no key, "" if none */
    int64_t retry_after_ms;             /* 0: not said */
    bool retry;                         /* the same call may succeed a little later */
    bool next; /* another model may succeed: the fault is not the request's */
};

/* From an answer whose status is not 200. `key`: the secret in use, which is struck out wherever it
 * stands; NULL: none. Never fails: what cannot be read is left out. */
void nf_llm_failure_of_answer(int status, const char *body, size_t n, const char *key,
                              struct nf_llm_failure *ret);
/* From the error inside a stream. */
void nf_llm_failure_of_json(const struct nf_json *v, int status, struct nf_llm_failure *ret);
/* code, retry and next of what is known so far; used by the two above. */
void nf_llm_failure_classify(struct nf_llm_failure *f);

/* Strike out `key` and whatever looks like one in f->detail. */
void nf_llm_failure_censor(struct nf_llm_failure *f, const char *key);

/* RFC 9110 section 10.2.3: seconds (a fraction is allowed) or an IMF-fixdate. Milliseconds from
 * `now_ms` on, 0 if `value` is NULL, neither, or past. */
int64_t nf_llm_retry_after(const char *value, int64_t now_ms);
