#include "llm/routes.h"

#include "base/own.h"
#include "domain/reason.h"
#include "llm/anthropic_messages.h"
#include "llm/ollama_chat.h"
#include "llm/openai_chat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODELS_MAX ((size_t)NF_LLM_PROVIDERS_MAX * NF_LLM_PROVIDER_MODELS_MAX)

struct defaults {
    int64_t context_tokens, output_tokens;
};

static struct defaults defaults_of(int type)
{
    switch (type) {
    case NF_LLM_ANTHROPIC:
        return (struct defaults){ 200000, 8192 };
    case NF_LLM_OLLAMA:
        return (struct defaults){ 8192, 2048 };
    default:
        return (struct defaults){ 128000, 4096 };
    }
}

const struct nf_llm_codec *nf_llm_codec_of(enum nf_llm_type type)
{
    switch (type) {
    case NF_LLM_ANTHROPIC:
        return &nf_anthropic_messages;
    case NF_LLM_OLLAMA:
        return &nf_ollama_chat;
    default:
        return &nf_openai_chat;
    }
}

static const struct nf_llm_provider *providers(const struct nf_llm_settings *s)
{
    return s->providers.v;
}

static const struct nf_llm_model *models(const struct nf_llm_settings *s)
{
    return s->models.v;
}

static const struct nf_llm_alias *aliases(const struct nf_llm_settings *s)
{
    return s->aliases.v;
}

/* --- finding ---------------------------------------------------------------------------------- */

static struct nf_llm_route *by_name(const struct nf_llm_routes *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->v[i].name, name) == 0)
            return &r->v[i];
    return NULL;
}

static NF_RC by_model(const struct nf_llm_routes *r, const char *name, struct nf_llm_route **ret,
                      struct nf_err *err)
{
    struct nf_llm_route *found = by_name(r, name);
    for (size_t i = 0; i < r->n && !found; i++) {
        if (strcmp(r->v[i].model, name) != 0)
            continue;
        for (size_t k = i + 1; k < r->n; k++)
            if (strcmp(r->v[k].model, name) == 0)
                return nf_err_set(err, NF_E_NOT_FOUND,
                                  "model '%.80s' is offered by %s and %s: say which, as in %.60s",
                                  name, r->v[i].provider, r->v[k].provider, r->v[i].name);
        found = &r->v[i];
    }
    if (!found)
        return nf_err_set(
            err, NF_E_NOT_FOUND,
            "there is no model '%.80s': add it under llm.providers, or choose another", name);
    *ret = found;
    return NF_OK;
}

enum nf_code nf_llm_routes_find(struct nf_llm_routes *r, const char *name, struct nf_llm_chain *ret,
                                struct nf_err *err)
{
    struct nf_llm_chain one = { .n = 1 };
    if (!name || name[0] == '\0')
        name = r->default_name;
    if (name[0] == '\0')
        return nf_err_set(err, NF_E_NOT_FOUND, NF_REASON_NO_MODEL);
    for (size_t i = 0; i < r->aliases_n; i++)
        if (strcmp(r->aliases[i].name, name) == 0) {
            *ret = r->aliases[i].chain;
            return NF_OK;
        }
    NF_TRY(by_model(r, name, &one.v[0], err));
    *ret = one;
    return NF_OK;
}

/* --- building --------------------------------------------------------------------------------- */

static NF_RC check_provider(const struct nf_llm_settings *s, size_t at, struct nf_err *err)
{
    const struct nf_llm_provider *p = &providers(s)[at];
    char key[64];
    if (p->name[strcspn(p->name, "/ \t\r\n")] != '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "llm.providers[%zu].name: must have neither slash nor blank", at);
    for (size_t i = 0; i < at; i++)
        if (strcmp(providers(s)[i].name, p->name) == 0)
            return nf_err_set(err, NF_E_INVALID, "llm.providers[%zu].name: '%s' is taken", at,
                              p->name);
    if (strpbrk(nf_secret_reveal(&p->api_key), "\t\r\n"))
        return nf_err_set(
            err, NF_E_INVALID,
            "llm.providers[%zu].api_key: has a line break or a tab in it: give the key "
            "alone",
            at);
    bool has_url = p->base_url && p->base_url[0];
    (void)snprintf(key, sizeof(key), "llm.providers[%zu].base_url", at);
    if (p->type == NF_LLM_CUSTOM && !has_url)
        return nf_err_set(err, NF_E_INVALID, "%s: a custom provider needs one", key);
    if (has_url)
        return nf_llm_check_url(key, p->base_url, err);
    if (p->type != NF_LLM_OLLAMA && !nf_secret_is_set(&p->api_key))
        return nf_err_set(err, NF_E_INVALID, "llm.providers[%zu].api_key: '%s' needs its key", at,
                          p->name);
    return NF_OK;
}

static void set_bounds(struct nf_llm_route *t, const struct nf_llm_settings *s, int type,
                       const char *base)
{
    struct defaults d = defaults_of(type);
    bool local = nf_llm_is_local(base);
    t->target.context_tokens = d.context_tokens;
    t->target.output_tokens = d.output_tokens;
    t->first_token_timeout_ms = local ? 300000 : 60000;
    t->idle_timeout_ms = local ? 120000 : 60000;
    t->total_timeout_ms = local ? 1800000 : 600000;
    for (size_t i = 0; i < s->models.n; i++) {
        const struct nf_llm_model *m = &models(s)[i];
        if (strcmp(m->name, t->name) != 0)
            continue;
        if (m->context_tokens)
            t->target.context_tokens = m->context_tokens;
        if (m->output_tokens)
            t->target.output_tokens = m->output_tokens;
        if (m->first_token_timeout_ms)
            t->first_token_timeout_ms = m->first_token_timeout_ms;
        if (m->idle_timeout_ms)
            t->idle_timeout_ms = m->idle_timeout_ms;
        if (m->total_timeout_ms)
            t->total_timeout_ms = m->total_timeout_ms;
    }
}

static NF_RC add_route(struct nf_llm_routes *r, const struct nf_llm_settings *s, size_t at,
                       const char *model, struct nf_err *err)
{
    const struct nf_llm_provider *p = &providers(s)[at];
    const char *base =
        p->base_url && p->base_url[0] ? p->base_url : nf_llm_default_url((enum nf_llm_type)p->type);
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };

    if (r->n == MODELS_MAX)
        return nf_err_set(err, NF_E_INVALID, "llm.providers: over %zu models", MODELS_MAX);
    struct nf_llm_route *t = &r->v[r->n];
    int len = snprintf(t->name, sizeof(t->name), "%s/%s", p->name, model);
    if (model[0] == '\0' || len < 0 || (size_t)len >= sizeof(t->name))
        return nf_err_set(err, NF_E_INVALID,
                          "llm.providers[%zu].models: names must have 1 to %zu bytes", at,
                          NF_MODEL_NAME_MAX - strlen(p->name) - 1);
    if (by_name(r, t->name))
        return nf_err_set(err, NF_E_INVALID, "llm.providers[%zu].models: '%.80s' stands twice", at,
                          model);
    t->provider = r->providers[at];
    t->model = t->name + strlen(p->name) + 1;
    t->codec = nf_llm_codec_of((enum nf_llm_type)p->type);
    t->target.model = t->model;
    t->target.compatible = p->type == NF_LLM_CUSTOM;
    set_bounds(t, s, p->type, base);
    r->n++;
    NF_TRY(nf_secret_copy(&t->key, &p->api_key, err));
    NF_TRY(nf_llm_url(base, t->codec->http.chat_path, &url, err));
    t->url = nf_take(url).p;
    return NF_OK;
}

/* A name that other settings use: added if its provider lists no models of its own. */
static NF_RC add_named(struct nf_llm_routes *r, const struct nf_llm_settings *s, const char *name,
                       struct nf_err *err)
{
    const char *slash = strchr(name, '/');
    if (!slash || by_name(r, name))
        return NF_OK;
    for (size_t i = 0; i < s->providers.n; i++) {
        const struct nf_llm_provider *p = &providers(s)[i];
        size_t n = strlen(p->name);
        if (p->models.n == 0 && n == (size_t)(slash - name) && strncmp(p->name, name, n) == 0)
            return add_route(r, s, i, slash + 1, err);
    }
    return NF_OK;
}

static NF_RC add_routes(struct nf_llm_routes *r, const struct nf_llm_settings *s,
                        struct nf_err *err)
{
    for (size_t i = 0; i < s->providers.n; i++) {
        NF_TRY(check_provider(s, i, err));
        NF_TRY(nf_strdup(providers(s)[i].name, &r->providers[i], err));
        r->providers_n++;
        for (size_t k = 0; k < providers(s)[i].models.n; k++)
            NF_TRY(add_route(r, s, i, providers(s)[i].models.v[k], err));
    }
    if (s->default_model)
        NF_TRY(add_named(r, s, s->default_model, err));
    for (size_t i = 0; i < s->aliases.n; i++)
        for (size_t k = 0; k < aliases(s)[i].models.n; k++)
            NF_TRY(add_named(r, s, aliases(s)[i].models.v[k], err));
    for (size_t i = 0; i < s->models.n; i++) {
        NF_TRY(add_named(r, s, models(s)[i].name, err));
        if (!by_name(r, models(s)[i].name))
            return nf_err_set(err, NF_E_INVALID, "llm.models[%zu].name: no provider has '%.80s'", i,
                              models(s)[i].name);
    }
    return NF_OK;
}

static NF_RC add_alias(struct nf_llm_routes *r, const struct nf_llm_alias *a, size_t at,
                       struct nf_err *err)
{
    struct nf_llm_named_chain *c = &r->aliases[at];
    struct nf_llm_route *t = NULL;
    if (strlen(a->name) > NF_NAME_MAX || a->models.n == 0 || a->models.n > NF_LLM_CHAIN_MAX)
        return nf_err_set(err, NF_E_INVALID, "llm.aliases[%zu].models: 1 to %d", at,
                          NF_LLM_CHAIN_MAX);
    for (size_t i = 0; i < at; i++)
        if (strcmp(r->aliases[i].name, a->name) == 0)
            return nf_err_set(err, NF_E_INVALID, "llm.aliases[%zu].name: '%s' is taken", at,
                              a->name);
    if (by_name(r, a->name))
        return nf_err_set(err, NF_E_INVALID, "llm.aliases[%zu].name: '%s' is a model's name", at,
                          a->name);
    (void)snprintf(c->name, sizeof(c->name), "%s", a->name);
    for (size_t i = 0; i < a->models.n; i++) {
        if (by_model(r, a->models.v[i], &t, err) != NF_OK)
            return nf_err_set(err, NF_E_INVALID,
                              "llm.aliases[%zu].models: no provider has '%.80s', or more than one",
                              at, a->models.v[i]);
        c->chain.v[c->chain.n++] = t;
    }
    return NF_OK;
}

static NF_RC set_default(struct nf_llm_routes *r, const struct nf_llm_settings *s,
                         struct nf_err *err)
{
    struct nf_llm_chain ignored;
    const char *name = s->default_model ? s->default_model : "";
    if (name[0] == '\0') {
        (void)snprintf(r->default_name, sizeof(r->default_name), "%s", r->n ? r->v[0].name : "");
        return NF_OK;
    }
    if (strlen(name) > NF_MODEL_NAME_MAX || nf_llm_routes_find(r, name, &ignored, err) != NF_OK)
        return nf_err_set(err, NF_E_INVALID,
                          "llm.default: no provider and no alias has '%.80s', or more than one",
                          name);
    (void)snprintf(r->default_name, sizeof(r->default_name), "%s", name);
    return NF_OK;
}

static NF_RC fill(struct nf_llm_routes *r, const struct nf_llm_settings *s, struct nf_err *err)
{
    size_t most = 1 + s->models.n;
    for (size_t i = 0; i < s->providers.n; i++)
        most += providers(s)[i].models.n;
    for (size_t i = 0; i < s->aliases.n; i++)
        most += aliases(s)[i].models.n;
    if (s->providers.n > NF_LLM_PROVIDERS_MAX || s->aliases.n > NF_LLM_ALIASES_MAX)
        return nf_err_set(err, NF_E_INVALID, "llm: over %d providers or %d aliases",
                          NF_LLM_PROVIDERS_MAX, NF_LLM_ALIASES_MAX);
    r->v = calloc(most, sizeof(*r->v));
    r->aliases = calloc(s->aliases.n + 1, sizeof(*r->aliases));
    if (!r->v || !r->aliases)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    NF_TRY(add_routes(r, s, err));
    for (size_t i = 0; i < s->aliases.n; i++) {
        NF_TRY(add_alias(r, &aliases(s)[i], i, err));
        r->aliases_n++;
    }
    r->retries = s->retries;
    r->retry_wait_ms = s->retry_wait_ms;
    r->breaker_failures = s->breaker_failures;
    r->breaker_pause_ms = s->breaker_pause_ms;
    return set_default(r, s, err);
}

enum nf_code nf_llm_routes_new(const struct nf_llm_settings *s, struct nf_llm_routes **ret,
                               struct nf_err *err)
{
    struct nf_llm_routes *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    r->refs = 1;
    enum nf_code rc = fill(r, s, err);
    if (rc != NF_OK)
        nf_llm_routes_unref(r);
    else
        *ret = r;
    return rc;
}

void nf_llm_routes_ref(struct nf_llm_routes *r)
{
    r->refs++;
}

void nf_llm_routes_unref(struct nf_llm_routes *r)
{
    if (!r || --r->refs > 0)
        return;
    for (size_t i = 0; i < r->n; i++) {
        free(r->v[i].url);
        nf_secret_done(&r->v[i].key);
    }
    for (size_t i = 0; i < NF_LLM_PROVIDERS_MAX; i++)
        free(r->providers[i]);
    free(r->v);
    free(r->aliases);
    free(r);
}

/* --- breaker ---------------------------------------------------------------------------------- */

bool nf_llm_route_is_broken(const struct nf_llm_routes *r, const struct nf_llm_route *t)
{
    return t->failures >= r->breaker_failures;
}

int64_t nf_llm_route_wait(const struct nf_llm_routes *r, const struct nf_llm_route *t,
                          int64_t mono_ms)
{
    if (t->closed_until_ms > mono_ms)
        return t->closed_until_ms - mono_ms;
    return t->probing && nf_llm_route_is_broken(r, t) ? r->breaker_pause_ms : 0;
}

void nf_llm_route_begin(const struct nf_llm_routes *r, struct nf_llm_route *t)
{
    t->probing = nf_llm_route_is_broken(r, t);
}

void nf_llm_route_worked(struct nf_llm_route *t)
{
    t->failures = 0;
    t->closed_until_ms = 0;
    t->probing = false;
}

void nf_llm_route_failed(const struct nf_llm_routes *r, struct nf_llm_route *t,
                         int64_t retry_after_ms, int64_t mono_ms)
{
    int64_t pause = 0;
    t->failures++;
    t->probing = false;
    if (nf_llm_route_is_broken(r, t))
        pause = r->breaker_pause_ms;
    if (retry_after_ms > pause)
        pause = retry_after_ms;
    if (pause > 0)
        t->closed_until_ms = mono_ms + pause;
}

void nf_llm_route_abandoned(struct nf_llm_route *t)
{
    t->probing = false;
}
