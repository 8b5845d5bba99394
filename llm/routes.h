/*
 * The models there are, what they are called, and how they are doing: the router's table. Built
 * from the settings as a whole and replaced as a whole; calls under way keep the one they began
 * with. Used on one thread. Does no I/O and reads no clock.
 */
#pragma once

#include "llm/codec.h"
#include "llm/settings.h"

struct nf_llm_route {
    char name[NF_MODEL_NAME_MAX + 1]; /* "provider/model" */
    const char *model;                /* the part of `name` after the provider's */
    const char *provider;             /* borrowed from the table */
    const struct nf_llm_codec *codec;
    struct nf_llm_target target;
    char *url;
    struct nf_secret key;
    int64_t first_token_timeout_ms, idle_timeout_ms, total_timeout_ms;
    /* How it is doing. A route stands for one (provider, model, key). */
    int64_t failures;        /* in a row */
    int64_t closed_until_ms; /* monotonic: not asked before; 0: no such time */
    bool probing;            /* one request tries whether it works again */
};

struct nf_llm_chain {
    struct nf_llm_route *v[NF_LLM_CHAIN_MAX];
    size_t n;
};

struct nf_llm_named_chain {
    char name[NF_NAME_MAX + 1];
    struct nf_llm_chain chain;
};

struct nf_llm_routes {
    int refs;
    struct nf_llm_route *v;
    size_t n;
    struct nf_llm_named_chain *aliases;
    size_t aliases_n;
    char *providers[NF_LLM_PROVIDERS_MAX];
    size_t providers_n;
    char default_name[NF_MODEL_NAME_MAX + 1]; /* "" if there is no model at all */
    int64_t retries, retry_wait_ms, breaker_failures, breaker_pause_ms;
};

const struct nf_llm_codec *nf_llm_codec_of(enum nf_llm_type type);

/* Checks and copies everything. NF_E_INVALID names the key that is wrong; NF_E_NOMEM. */
NF_RC nf_llm_routes_new(const struct nf_llm_settings *s, struct nf_llm_routes **ret,
                        struct nf_err *err);
void nf_llm_routes_ref(struct nf_llm_routes *r);
void nf_llm_routes_unref(struct nf_llm_routes *r); /* NULL is allowed */

/* What `name` stands for; NULL or "": the default. NF_E_NOT_FOUND says what to do. */
NF_RC nf_llm_routes_find(struct nf_llm_routes *r, const char *name, struct nf_llm_chain *ret,
                         struct nf_err *err);

/* --- breaker ---------------------------------------------------------------------------------- */

/* Milliseconds until the route may be asked, 0 if now. While it is probed others wait. */
int64_t nf_llm_route_wait(const struct nf_llm_routes *r, const struct nf_llm_route *t,
                          int64_t mono_ms);
/* A call to it begins; every begin is followed by one of the two. */
void nf_llm_route_begin(const struct nf_llm_routes *r, struct nf_llm_route *t);
/* It works: the answer, or a refusal that is the request's fault, or nobody waited for it. */
void nf_llm_route_worked(struct nf_llm_route *t);
/* It failed; `retry_after_ms`: it asked to be left alone that long, 0: it did not. */
void nf_llm_route_failed(const struct nf_llm_routes *r, struct nf_llm_route *t,
                         int64_t retry_after_ms, int64_t mono_ms);
/* Nobody waited for the outcome: as if it had not been asked. */
void nf_llm_route_abandoned(struct nf_llm_route *t);
bool nf_llm_route_is_broken(const struct nf_llm_routes *r, const struct nf_llm_route *t);
