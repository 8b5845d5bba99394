/* The providers of models, as the page changes them, and what a call of one really gives. */
#include "cmd/nexflowd/admin_edit.h"

#include "base/own.h"
#include "base/utf8.h"
#include "cmd/nexflowd/wiring.h"
#include "config/edit.h"

#include <string.h>

#define PROBE_MS 15000
#define ANSWER_SHOWN 200 /* bytes of a model's answer to a test */
#define MODELS_SHOWN 200

static const char *const types[] = { "openai", "anthropic", "ollama", "custom" };

enum nf_code nf_admin_providers(void *arg, struct nf_str *to, struct nf_err *err)
{
    struct nf_wiring *w = arg;
    NF_CLEANUP(nf_admin_file_done) struct nf_admin_file f = { 0 };
    struct nf_json_out o;
    NF_TRY(nf_admin_load(w, &f, err));
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "hash", f.hash);
    nf_json_out_key(&o, "providers");
    nf_json_out_array(&o);
    for (size_t i = 0; i < w->config->llm.providers.n; i++) {
        const struct nf_llm_provider *p =
            &((const struct nf_llm_provider *)w->config->llm.providers.v)[i];
        nf_json_out_object(&o);
        nf_json_put_str(&o, "name", p->name);
        nf_json_put_str(&o, "type", types[p->type]);
        nf_json_put_str(&o, "base_url", p->base_url);
        nf_json_put_bool(&o, "has_key", nf_secret_is_set(&p->api_key));
        nf_json_out_key(&o, "models");
        nf_json_out_array(&o);
        for (size_t k = 0; k < p->models.n; k++)
            nf_json_out_str(&o, p->models.v[k]);
        nf_json_out_end(&o);
        nf_json_out_end(&o);
    }
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

/* The YAML of a provider, as an item of llm.providers. */
static NF_RC write_provider(const struct nf_json *body, struct nf_str *to, struct nf_err *err)
{
    const struct nf_json *models = nf_json_get(body, "models");
    NF_TRY(nf_admin_add_field(to, "name", body, true, err));
    NF_TRY(nf_admin_add_field(to, "type", body, true, err));
    NF_TRY(nf_admin_add_field(to, "base_url", body, false, err));
    NF_TRY(nf_admin_add_field(to, "api_key", body, false, err));
    if (nf_json_type(models) != NF_JSON_ARRAY || nf_json_count(models) == 0)
        return nf_err_set(err, NF_E_INVALID, "models: at least one");
    NF_TRY(nf_str_adds(to, "models: ", err));
    NF_TRY(nf_admin_write_value(models, to, err));
    return nf_str_adds(to, "\n", err);
}

static enum nf_code put_provider(struct nf_wiring *w, const char *path, struct nf_str *text,
                                 const void *item, struct nf_err *err)
{
    (void)w;
    return nf_config_put_item(path, nf_str_c(text), "llm", "providers", item, text, err);
}

enum nf_code nf_admin_provider_add(void *arg, const struct nf_json *body, struct nf_str *to,
                                   struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str item = { 0 };
    NF_TRY(write_provider(body, &item, err));
    return nf_admin_edit(arg, nf_json_str(nf_json_get(body, "hash")), put_provider, nf_str_c(&item),
                         to, err);
}

static enum nf_code drop_provider(struct nf_wiring *w, const char *path, struct nf_str *text,
                                  const void *name, struct nf_err *err)
{
    size_t at;
    (void)w; /* the file may have been changed by hand since it was taken over */
    enum nf_code rc =
        nf_config_find_item(path, nf_str_c(text), "llm", "providers", "name", name, NULL, &at, err);
    if (rc == NF_E_NOT_FOUND)
        return nf_err_set(err, rc, "there is no provider '%s'", (const char *)name);
    NF_TRY(rc);
    return nf_config_drop_item(path, nf_str_c(text), "llm", "providers", at, text, err);
}

enum nf_code nf_admin_provider_remove(void *arg, const char *name, const char *hash,
                                      struct nf_str *to, struct nf_err *err)
{
    return nf_admin_edit(arg, hash, drop_provider, name, to, err);
}

/* --- a real call ------------------------------------------------------------------------------ */

struct listener {
    struct nf_model_sink sink;
    struct nf_str text;
};

static enum nf_code listen(struct nf_model_sink *sink, const struct nf_completion_event *e,
                           struct nf_err *err)
{
    struct listener *l = nf_container_of(sink, struct listener, sink);
    size_t room = ANSWER_SHOWN - l->text.len;
    if (e->type != NF_EVENT_TEXT)
        return NF_OK;
    return nf_str_add(&l->text, e->text.p, nf_utf8_cut(e->text.p, e->text.n, room), err);
}

static NF_RC ask_model(struct nf_model *m, const char *model, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_completion_request_done) struct nf_completion_request r;
    struct listener l = { .sink.event = listen };
    struct nf_model_outcome outcome = { 0 };
    struct nf_chat_message *said;

    nf_completion_request_init(&r);
    NF_TRY(nf_strdup(model, &r.model, err));
    NF_TRY(nf_completion_add_message(&r, NF_ROLE_USER, &said, err));
    NF_TRY(nf_parts_add_text(&said->parts, "Answer with the single word: ready", err));
    enum nf_code rc = nf_model_complete(m, &r, &l.sink, &outcome, err);
    if (rc == NF_OK && l.text.len == 0)
        rc = nf_err_set(err, NF_E_UNAVAILABLE, "%s answered nothing", outcome.model);
    if (rc == NF_OK)
        rc = nf_str_set(to, nf_str_c(&l.text), err);
    nf_str_done(&l.text);
    return rc;
}

/* Ask a model of a provider that is not configured (yet). */
static NF_RC ask_new(struct nf_wiring *w, const struct nf_str *yaml, struct nf_str *to,
                     struct nf_err *err)
{
    struct nf_llm_settings s = { 0 };
    const struct nf_config_part part = { &nf_llm_setting_group, &s };
    struct nf_llm_router *router = NULL;
    NF_TRY(nf_config_load_text("the provider", nf_str_c(yaml), yaml->len, &part, 1, err));
    s.retries = 0;
    enum nf_code rc = nf_llm_router_new(&s, w->http, &router, err);
    if (rc == NF_OK)
        rc = ask_model(nf_llm_router_model(router), nf_llm_router_default(router), to, err);
    nf_llm_router_free(router);
    nf_config_done(&part, 1);
    return rc;
}

static NF_RC list_models(struct nf_wiring *w, const struct nf_json *body, struct nf_llm_names *ret,
                         struct nf_err *err)
{
    const char *type = nf_json_str(nf_json_get(body, "type"));
    const char *url = nf_json_str(nf_json_get(body, "base_url"));
    const char *key = nf_json_str(nf_json_get(body, "api_key"));
    struct nf_secret secret = { 0 };
    for (size_t i = 0; type && i < NF_COUNT(types); i++) {
        if (strcmp(type, types[i]) != 0)
            continue;
        NF_TRY(nf_secret_set(&secret, key ? key : "", err));
        enum nf_code rc = nf_llm_probe(w->http, (enum nf_llm_type)i, url && url[0] ? url : NULL,
                                       &secret, PROBE_MS, ret, err);
        nf_secret_done(&secret);
        return rc;
    }
    return nf_err_set(err, NF_E_INVALID, "type: not openai, anthropic, ollama or custom");
}

/* {"type", "base_url"?, "api_key"?, "models"?: [one]}: what it has, and what that one answers; or
 * {"model"}: what one answers that is configured. */
static NF_RC try_it(struct nf_wiring *w, const struct nf_json *body, struct nf_llm_names *names,
                    struct nf_str *answer, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str yaml = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str models = { 0 };
    const char *model = nf_json_str(nf_json_get(body, "model"));
    if (model)
        return w->app.model ? ask_model(w->app.model, model, answer, err)
                            : nf_err_set(err, NF_E_NOT_FOUND, "no model is configured");
    if (nf_json_count(nf_json_get(body, "models")) == 0)
        return list_models(w, body, names, err);
    NF_TRY(nf_str_adds(&yaml, "llm:\n  providers:\n    - name: test\n", err));
    static const char *const keys[] = { "type", "base_url", "api_key" };
    for (size_t i = 0; i < NF_COUNT(keys); i++) {
        const char *text = nf_json_str(nf_json_get(body, keys[i]));
        if (!text || !text[0])
            continue;
        NF_TRY(nf_str_addf(&yaml, err, "      %s: ", keys[i]));
        NF_TRY(nf_admin_add_text(&yaml, text, err));
        NF_TRY(nf_str_adds(&yaml, "\n", err));
    }
    NF_TRY(nf_admin_write_value(nf_json_get(body, "models"), &models, err));
    NF_TRY(nf_str_addf(&yaml, err, "      models: %s\n", nf_str_c(&models)));
    return ask_new(w, &yaml, answer, err);
}

enum nf_code nf_admin_provider_try(void *arg, const struct nf_json *body, struct nf_str *to,
                                   struct nf_err *err)
{
    struct nf_wiring *w = arg;
    NF_CLEANUP(nf_llm_names_done) struct nf_llm_names names = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str answer = { 0 };
    struct nf_json_out o;
    int64_t begun = nf_clock_mono_us(w->app.clock);

    NF_TRY(try_it(w, body, &names, &answer, err));
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_i64(&o, "ms", (nf_clock_mono_us(w->app.clock) - begun) / 1000);
    nf_json_put_str(&o, "answer", nf_str_c(&answer));
    nf_json_out_key(&o, "models");
    nf_json_out_array(&o);
    for (size_t i = 0; i < names.n && i < MODELS_SHOWN; i++)
        nf_json_out_str(&o, names.v[i]);
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
