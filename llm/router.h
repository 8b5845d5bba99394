/*
 * The router: application/ports/model.h over all configured models.
 *
 * A name stands for a chain of models. Its models are asked in order until one begins to answer;
 * then it alone goes on. When all have failed in a way that may pass, the chain is tried again
 * after a wait that grows, and that honours what the providers asked for (Retry-After). A model
 * that fails again and again is left alone for a while, then tried by one request. A refusal that
 * is the request's own fault ends it at once.
 */
#pragma once

#include "application/ports/model.h"
#include "llm/settings.h"

struct nf_http_client;
struct nf_llm_router;
struct nf_llm_wire;

/* `http` is borrowed until free. Checks the settings as nf_llm_settings_check does. */
NF_RC nf_llm_router_new(const struct nf_llm_settings *s, struct nf_http_client *http,
                        struct nf_llm_router **ret, struct nf_err *err);
/* The same over a wire of the caller's, for tests; `wire` is borrowed. */
NF_RC nf_llm_router_new_over(const struct nf_llm_settings *s, struct nf_llm_wire *wire,
                             struct nf_llm_router **ret, struct nf_err *err);
/* No call may be under way. NULL is allowed. */
void nf_llm_router_free(struct nf_llm_router *r);

/* The port. Valid until free. With no model configured every call is NF_E_NOT_FOUND; wiring that
 * wants to say so earlier asks nf_llm_router_models_n. */
struct nf_model *nf_llm_router_model(struct nf_llm_router *r);

/* Take over changed settings; calls under way go on as they began. On failure nothing changes. */
NF_RC nf_llm_router_reload(struct nf_llm_router *r, const struct nf_llm_settings *s,
                           struct nf_err *err);

/* --- what there is, for the page and the command line ----------------------------------------- */

/* Everything is borrowed until the next reload. */
struct nf_llm_model_view {
    const char *name; /* "provider/model" */
    const char *provider;
    struct nf_model_info info;
    bool broken; /* left alone for now, since it failed again and again */
};
struct nf_llm_alias_view {
    const char *name;
    const char *models[NF_LLM_CHAIN_MAX];
    size_t n;
};

const char *nf_llm_router_default(const struct nf_llm_router *r); /* "": there is no model */
size_t nf_llm_router_models_n(const struct nf_llm_router *r);
struct nf_llm_model_view nf_llm_router_model_at(const struct nf_llm_router *r, size_t i);
size_t nf_llm_router_aliases_n(const struct nf_llm_router *r);
struct nf_llm_alias_view nf_llm_router_alias_at(const struct nf_llm_router *r, size_t i);

/* --- asking a provider what it has, for the first run ----------------------------------------- */

#define NF_LLM_PROBE_MODELS_MAX 1000

struct nf_llm_names {
    char **v;
    size_t n;
};
void nf_llm_names_done(struct nf_llm_names *l);

/* The models at `base_url` (NULL: the type's own), by the provider's own names, at most
 * NF_LLM_PROBE_MODELS_MAX. `key` may be NULL. NF_E_DENIED: the key was refused; NF_E_UNAVAILABLE:
 * nobody answers there; NF_E_INVALID: something answers that is no such provider. Suspends for at
 * most timeout_ms. */
NF_RC nf_llm_probe(struct nf_http_client *http, enum nf_llm_type type, const char *base_url,
                   const struct nf_secret *key, int64_t timeout_ms, struct nf_llm_names *ret,
                   struct nf_err *err);
NF_RC nf_llm_probe_over(struct nf_llm_wire *wire, enum nf_llm_type type, const char *base_url,
                        const struct nf_secret *key, int64_t timeout_ms, struct nf_llm_names *ret,
                        struct nf_err *err);
