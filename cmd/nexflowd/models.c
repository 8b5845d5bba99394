#include "cmd/nexflowd/models.h"

#include "application/offer_tools.h"
#include "base/utf8.h"

#include <string.h>

/* What it costs, if the owner wrote that down. */
static void put_prices(struct nf_json_out *o, const struct nf_wiring *w, const char *name)
{
    const struct nf_llm_model *v = w->config->llm.models.v;
    for (size_t i = 0; i < w->config->llm.models.n; i++) {
        if (strcmp(v[i].name, name) != 0 || (!v[i].input_price[0] && !v[i].output_price[0]))
            continue;
        nf_json_out_key(o, "prices");
        nf_json_out_object(o);
        if (v[i].input_price[0])
            nf_json_put_str(o, "input", v[i].input_price);
        if (v[i].output_price[0])
            nf_json_put_str(o, "output", v[i].output_price);
        nf_json_out_end(o);
    }
}

/* A small window has no room for the descriptions of all tools. */
static void put_tools(struct nf_json_out *o, struct nf_wiring *w, const struct nf_llm_model_view *m)
{
    size_t fit, all;
    struct nf_err ignored;
    if (nf_offer_count(&w->app, m->info.context_tokens, &fit, &all, &ignored) != NF_OK)
        return;
    nf_json_put_i64(o, "tools", (int64_t)fit);
    nf_json_put_i64(o, "tools_left_out", (int64_t)(all - fit));
}

static void put_model(struct nf_json_out *o, struct nf_wiring *w, const struct nf_llm_model_view *m)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "name", m->name);
    nf_json_put_str(o, "provider", m->provider);
    nf_json_put_i64(o, "context_tokens", m->info.context_tokens);
    nf_json_put_i64(o, "output_tokens", m->info.output_tokens);
    nf_json_put_bool(o, "broken", m->broken);
    put_tools(o, w, m);
    put_prices(o, w, m->name);
    nf_json_out_end(o);
}

static void put_alias(struct nf_json_out *o, const struct nf_llm_alias_view *a)
{
    nf_json_out_object(o);
    nf_json_put_str(o, "name", a->name);
    nf_json_out_key(o, "models");
    nf_json_out_array(o);
    for (size_t i = 0; i < a->n; i++)
        nf_json_out_str(o, a->models[i]);
    nf_json_out_end(o);
    nf_json_out_end(o);
}

static bool is_asked(const struct nf_web_names_ask *ask, const char *name)
{
    return nf_utf8_has(name, strlen(name), ask->part.p, ask->part.n);
}

/* Those of the page that is asked for. What follows has the last one's name as its cursor. */
static void put_models(struct nf_json_out *o, struct nf_wiring *w,
                       const struct nf_web_names_ask *ask)
{
    const struct nf_llm_router *r = w->router;
    const char *last = NULL;
    bool begun = ask->after.n == 0, more = false;
    size_t n = 0;

    nf_json_out_key(o, "models");
    nf_json_out_array(o);
    for (size_t i = 0; i < nf_llm_router_models_n(r) && !more; i++) {
        struct nf_llm_model_view m = nf_llm_router_model_at(r, i);
        bool here = begun && is_asked(ask, m.name);
        begun = begun || nf_slice_eq(ask->after, m.name);
        more = here && ask->limit > 0 && n == ask->limit;
        if (!here || more)
            continue;
        put_model(o, w, &m);
        last = m.name;
        n++;
    }
    nf_json_out_end(o);
    nf_json_out_key(o, "next_cursor");
    nf_json_out_str(o, more ? last : NULL);
}

enum nf_code nf_daemon_models(void *arg, const struct nf_web_names_ask *ask, struct nf_str *to,
                              struct nf_err *err)
{
    struct nf_wiring *w = arg;
    const struct nf_llm_router *r = w->router;
    const char *standard = nf_llm_router_default(r);
    struct nf_json_out o;

    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "default");
    nf_json_out_str(&o, standard[0] ? standard : NULL);
    put_models(&o, w, ask);
    nf_json_put_str(&o, "currency", w->config->llm.currency);
    nf_json_out_key(&o, "aliases");
    nf_json_out_array(&o);
    for (size_t i = 0; i < nf_llm_router_aliases_n(r); i++) {
        struct nf_llm_alias_view a = nf_llm_router_alias_at(r, i);
        if (is_asked(ask, a.name))
            put_alias(&o, &a);
    }
    nf_json_out_end(&o);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
