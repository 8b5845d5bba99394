#include "llm/settings.h"

#include "domain/limits.h"
#include "llm/routes.h"

#include <arpa/inet.h>
#include <string.h>

static const char *const types[] = { "openai", "anthropic", "ollama", "custom", NULL };

static const struct nf_setting provider_settings[] = {
    NF_SETTING(struct nf_llm_provider, "name", NF_SET_STR, name, .required = true, .min = 1,
               .max = NF_NAME_MAX,
               .help = "What it is called here: the part before the slash of its models' names."),
    NF_SETTING(struct nf_llm_provider, "type", NF_SET_ENUM, type, .required = true,
               .choices = types,
               .help = "The protocol it speaks; custom is any server with OpenAI's chat "
                       "completions."),
    NF_SETTING(struct nf_llm_provider, "base_url", NF_SET_STR, base_url, .max = 2048,
               .help = "Where it is, if not at the type's usual address. Plain http is for this "
                       "machine only. Required for custom, with its /v1."),
    NF_SETTING(struct nf_llm_provider, "api_key", NF_SET_SECRET, api_key,
               .help = "Its key; ${NAME} takes it from the environment."),
    NF_SETTING(struct nf_llm_provider, "models", NF_SET_STRS, models,
               .max = NF_LLM_PROVIDER_MODELS_MAX,
               .help = "The models to use, by the provider's own names. Those that llm.default, "
                       "llm.aliases and llm.models name are added if the list is empty."),
};
static const struct nf_setting_group provider_group = { "", provider_settings,
                                                        NF_COUNT(provider_settings),
                                                        sizeof(struct nf_llm_provider) };

/* "" or a decimal such as 0.15. */
static enum nf_code check_price(const char *value, struct nf_err *err)
{
    size_t whole = strspn(value, "0123456789");
    const char *rest = value + whole;
    size_t digits = rest[0] == '.' ? strspn(rest + 1, "0123456789") : 0;
    if (value[0] == '\0' || (whole > 0 && rest[0] == '\0') ||
        (whole > 0 && digits > 0 && rest[1 + digits] == '\0'))
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "must be a number such as 2.50");
}

/* ISO 4217: three capital letters. */
static enum nf_code check_currency(const char *value, struct nf_err *err)
{
    if (strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 && value[3] == '\0')
        return NF_OK;
    return nf_err_set(err, NF_E_INVALID, "must be three capital letters such as USD");
}

static const struct nf_setting model_settings[] = {
    NF_SETTING(struct nf_llm_model, "name", NF_SET_STR, name, .required = true, .min = 1,
               .max = NF_MODEL_NAME_MAX, .help = "Which model: provider/model."),
    NF_SETTING(struct nf_llm_model, "context_tokens", NF_SET_INT, context_tokens, .min = 0,
               .max = 100000000,
               .help = "Its window in tokens. 0: 200,000 for anthropic, 8,192 for ollama, else "
                       "128,000. Ollama is told to use as much."),
    NF_SETTING(struct nf_llm_model, "output_tokens", NF_SET_INT, output_tokens, .min = 0,
               .max = 10000000,
               .help = "The most it may answer. 0: 8,192 for anthropic, 2,048 for ollama, else "
                       "4,096."),
    NF_SETTING(struct nf_llm_model, "input_price", NF_SET_STR, input_price, .max = 20,
               .check = check_price,
               .help = "What a million tokens that it reads cost, such as 2.50. Only shown."),
    NF_SETTING(struct nf_llm_model, "output_price", NF_SET_STR, output_price, .max = 20,
               .check = check_price,
               .help = "What a million tokens that it writes cost. Only shown."),
    NF_SETTING(struct nf_llm_model, "first_token_timeout", NF_SET_MS, first_token_timeout_ms,

               .help = "How long it may be silent at first. 0: 60s, and 5m for models on this "
                       "machine, which may have to be loaded."),
    NF_SETTING(struct nf_llm_model, "idle_timeout", NF_SET_MS, idle_timeout_ms,
               .help = "How long it may be silent within an answer. 0: 60s, and 2m on this "
                       "machine."),
    NF_SETTING(struct nf_llm_model, "total_timeout", NF_SET_MS, total_timeout_ms,
               .help = "How long one answer may take. 0: 10m, and 30m on this machine."),
};
static const struct nf_setting_group model_group = { "", model_settings, NF_COUNT(model_settings),
                                                     sizeof(struct nf_llm_model) };

static const struct nf_setting alias_settings[] = {
    NF_SETTING(struct nf_llm_alias, "name", NF_SET_STR, name, .required = true, .min = 1,
               .max = NF_NAME_MAX, .help = "A name of your own, such as fast or smart."),
    NF_SETTING(struct nf_llm_alias, "models", NF_SET_STRS, models, .required = true, .min = 1,
               .max = NF_LLM_CHAIN_MAX,
               .help = "The models it stands for: the next one is asked when one fails before a "
                       "word of its answer was seen."),
};
static const struct nf_setting_group alias_group = { "", alias_settings, NF_COUNT(alias_settings),
                                                     sizeof(struct nf_llm_alias) };

static const struct nf_setting settings[] = {
    NF_SETTING(struct nf_llm_settings, "default", NF_SET_STR, default_model,
               .max = NF_MODEL_NAME_MAX, .reloadable = true,
               .help = "The model or alias that answers. Empty: the first model of the first "
                       "provider."),
    NF_SETTING(struct nf_llm_settings, "currency", NF_SET_STR, currency, .def = "USD",
               .check = check_currency, .reloadable = true,
               .help = "What prices of models are in: the three letters of ISO 4217."),
    NF_SETTING(struct nf_llm_settings, "providers", NF_SET_GROUPS, providers,
               .items = &provider_group, .max = NF_LLM_PROVIDERS_MAX, .reloadable = true,
               .help = "Who offers language models."),
    NF_SETTING(struct nf_llm_settings, "models", NF_SET_GROUPS, models, .items = &model_group,
               .max = (int64_t)NF_LLM_PROVIDERS_MAX * NF_LLM_PROVIDER_MODELS_MAX,
               .reloadable = true, .help = "Bounds and timeouts of single models."),
    NF_SETTING(struct nf_llm_settings, "aliases", NF_SET_GROUPS, aliases, .items = &alias_group,
               .max = NF_LLM_ALIASES_MAX, .reloadable = true,
               .help = "Names of your own, each for a chain of models."),
    NF_SETTING(struct nf_llm_settings, "retries", NF_SET_INT, retries, .def = "2", .min = 0,
               .max = 10, .reloadable = true,
               .help = "How often the models of a chain are tried again after all have failed in "
                       "a way that may pass."),
    NF_SETTING(struct nf_llm_settings, "retry_wait", NF_SET_MS, retry_wait_ms, .def = "20s",
               .min = 0, .max = 600000, .reloadable = true,
               .help = "The longest wait before a retry. A provider that asks for more is not "
                       "asked again."),
    NF_SETTING(struct nf_llm_settings, "breaker_failures", NF_SET_INT, breaker_failures, .def = "5",
               .min = 1, .max = 1000, .reloadable = true,
               .help = "After so many failures in a row a model is left alone for a while."),
    NF_SETTING(struct nf_llm_settings, "breaker_pause", NF_SET_MS, breaker_pause_ms, .def = "30s",
               .min = 1, .max = 3600000, .reloadable = true,
               .help = "How long it is left alone. Then one request tries it."),
};
const struct nf_setting_group nf_llm_setting_group = { "llm", settings, NF_COUNT(settings),
                                                       sizeof(struct nf_llm_settings) };

const char *nf_llm_default_url(enum nf_llm_type type)
{
    switch (type) {
    case NF_LLM_OPENAI:
        return "https://api.openai.com/v1";
    case NF_LLM_ANTHROPIC:
        return "https://api.anthropic.com";
    case NF_LLM_OLLAMA:
        return "http://127.0.0.1:11434";
    case NF_LLM_CUSTOM:
        break;
    }
    return NULL;
}

/* Host of a URL without port and brackets; empty if it has none. */
static struct nf_slice host_of(const char *url)
{
    const char *p = strstr(url, "://");
    p = p ? p + 3 : url;
    size_t n = strcspn(p, "/?#");
    if (n > 0 && p[0] == '[') {
        const char *end = memchr(p, ']', n);
        return (struct nf_slice){ p + 1, end ? (size_t)(end - p) - 1 : 0 };
    }
    const char *colon = memchr(p, ':', n);
    return (struct nf_slice){ p, colon ? (size_t)(colon - p) : n };
}

bool nf_llm_is_local(const char *url)
{
    struct nf_slice h = host_of(url);
    char text[INET_ADDRSTRLEN];
    struct in_addr a;
    if (nf_slice_ieq(h, "localhost") || nf_slice_eq(h, "::1"))
        return true;
    if (h.n >= sizeof(text))
        return false;
    memcpy(text, h.p, h.n);
    text[h.n] = '\0';
    return inet_pton(AF_INET, text, &a) == 1 && ntohl(a.s_addr) >> 24 == 127;
}

enum nf_code nf_llm_check_url(const char *key, const char *url, struct nf_err *err)
{
    bool http = strncmp(url, "http://", 7) == 0;
    if (!http && strncmp(url, "https://", 8) != 0)
        return nf_err_set(err, NF_E_INVALID, "%s: must begin with https:// or http://", key);
    if (host_of(url).n == 0)
        return nf_err_set(err, NF_E_INVALID, "%s: has no host", key);
    if (strpbrk(url, "@?#") || strpbrk(url, " \t\r\n\\"))
        return nf_err_set(err, NF_E_INVALID,
                          "%s: must have neither user nor query nor blanks; the key belongs into "
                          "api_key",
                          key);
    if (http && !nf_llm_is_local(url))
        return nf_err_set(err, NF_E_INVALID,
                          "%s: plain http is allowed to this machine only: use https", key);
    return NF_OK;
}

enum nf_code nf_llm_settings_check(const struct nf_llm_settings *s, struct nf_err *err)
{
    struct nf_llm_routes *r = NULL;
    NF_TRY(nf_llm_routes_new(s, &r, err));
    nf_llm_routes_unref(r);
    return NF_OK;
}
