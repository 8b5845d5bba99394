/*
 * Settings of language models: who offers them, what they are called, how long to wait for them.
 *
 *     llm:
 *       default: smart
 *       providers:
 *         - name: claude
 *           type: anthropic
 *           api_key: ${ANTHROPIC_API_KEY}
 *           models: [claude-sonnet-4-5]
 *         - name: local
 *           type: ollama
 *           models: [qwen3:8b]
 *       models:
 *         - name: local/qwen3:8b
 *           context_tokens: 32768
 *       aliases:
 *         - name: smart
 *           models: [claude/claude-sonnet-4-5, local/qwen3:8b]
 *
 * A model is called "provider/model", by its bare name if only one provider has it, or by an alias,
 * whose models are tried in order.
 */
#pragma once

#include "config/settings.h"

#include <stdint.h>

enum nf_llm_type { NF_LLM_OPENAI = 0, NF_LLM_ANTHROPIC, NF_LLM_OLLAMA, NF_LLM_CUSTOM };

#define NF_LLM_PROVIDERS_MAX 16
#define NF_LLM_PROVIDER_MODELS_MAX 64
#define NF_LLM_ALIASES_MAX 32
#define NF_LLM_CHAIN_MAX 8 /* models of one alias */

struct nf_llm_provider {
    char *name;
    int type;       /* enum nf_llm_type */
    char *base_url; /* "": the type's own */
    struct nf_secret api_key;
    struct nf_setting_strs models; /* the provider's own names */
};

/* What differs from the defaults; 0: does not. */
struct nf_llm_model {
    char *name; /* "provider/model" */
    int64_t context_tokens, output_tokens;
    char *input_price, *output_price; /* of a million tokens, as a decimal; "": not known */
    int64_t first_token_timeout_ms, idle_timeout_ms, total_timeout_ms;
};

struct nf_llm_alias {
    char *name;
    struct nf_setting_strs models;
};

struct nf_llm_settings {
    char *currency;      /* of all prices */
    char *default_model; /* "": the first model of the first provider */
    struct nf_setting_list providers, models, aliases;
    int64_t retries;       /* rounds through a chain after the first */
    int64_t retry_wait_ms; /* the longest wait between two rounds */
    int64_t breaker_failures, breaker_pause_ms;
};

extern const struct nf_setting_group nf_llm_setting_group;

/* The rules between keys: names are unique and known, a custom provider has a base_url, plain http
 * goes to this machine only. NF_E_INVALID names the key. */
NF_RC nf_llm_settings_check(const struct nf_llm_settings *s, struct nf_err *err);

/* Where a type lives unless told otherwise; NULL for custom. */
const char *nf_llm_default_url(enum nf_llm_type type);

/* NF_E_INVALID unless `url` is https, or http to this machine, and has neither user nor query.
 * `key` is named in the message. */
NF_RC nf_llm_check_url(const char *key, const char *url, struct nf_err *err);
/* True for http://127.x.y.z, [::1], localhost: a model that has to be loaded before it answers. */
bool nf_llm_is_local(const char *url);
