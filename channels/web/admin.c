/* REST: the configuration and its providers, for the owner. */
#include "channels/web/web_internal.h"

#include <string.h>

static NF_RC owner_only(const struct nf_web *w, const struct nf_http_exchange *x,
                        struct nf_err *err)
{
    if (nf_web_who(x)->user.role != NF_USER_OWNER)
        return nf_err_set(err, NF_E_DENIED, "only the owner sees and changes the configuration");
    if (!w->o.facts.admin)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is nothing at this path");
    return NF_OK;
}

typedef enum nf_code (*show_fn)(void *arg, struct nf_str *to, struct nf_err *err);
typedef enum nf_code (*change_fn)(void *arg, const struct nf_json *body, struct nf_str *to,
                                  struct nf_err *err);

static NF_RC answer(const struct nf_web *w, struct nf_http_exchange *x, show_fn fn,
                    struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_TRY(fn(w->o.facts.arg, &body, err));
    return nf_web_json(x, 200, &body, err);
}

static NF_RC take(const struct nf_web *w, struct nf_http_exchange *x, change_fn fn,
                  struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_slice text = nf_http_body(x);
    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    if (nf_json_type(nf_json_root(doc)) != NF_JSON_OBJECT)
        return nf_err_set(err, NF_E_INVALID, "the body must be an object");
    NF_TRY(fn(w->o.facts.arg, nf_json_root(doc), &body, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_config(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return answer(w, x, w->o.facts.admin->config, err);
}

enum nf_code nf_web_config_change(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->config_change, err);
}

enum nf_code nf_web_providers(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return answer(w, x, w->o.facts.admin->providers, err);
}

enum nf_code nf_web_provider_add(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->provider_add, err);
}

enum nf_code nf_web_channel_add(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->channel_add, err);
}

enum nf_code nf_web_provider_try(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->provider_try, err);
}

typedef enum nf_code (*remove_fn)(void *arg, const char *name, const char *hash, struct nf_str *to,
                                  struct nf_err *err);

static NF_RC take_out(const struct nf_web *w, struct nf_http_exchange *x, remove_fn fn,
                      struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    NF_CLEANUP(nf_freep) char *name = NULL;
    NF_CLEANUP(nf_freep) char *hash = NULL;
    struct nf_slice n = nf_http_param(x, "name"), h = nf_http_query(x, "hash", NULL);
    NF_TRY(nf_strndup(n.p, n.n, &name, err));
    NF_TRY(nf_strndup(h.n ? h.p : "", h.n, &hash, err));
    NF_TRY(fn(w->o.facts.arg, name, hash, &body, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_channel_token(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(nf_freep) char *name = NULL;
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_slice text = nf_http_body(x), n = nf_http_param(x, "name");
    NF_TRY(owner_only(w, x, err));
    NF_TRY(nf_strndup(n.p, n.n, &name, err));
    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    NF_TRY(w->o.facts.admin->channel_token(w->o.facts.arg, name, nf_json_root(doc), &body, err));
    return nf_web_json(x, 200, &body, err);
}

enum nf_code nf_web_channel_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take_out(w, x, w->o.facts.admin->channel_remove, err);
}

enum nf_code nf_web_provider_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take_out(w, x, w->o.facts.admin->provider_remove, err);
}

enum nf_code nf_web_alias_put(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->alias_put, err);
}

enum nf_code nf_web_model_put(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take(w, x, w->o.facts.admin->model_put, err);
}

enum nf_code nf_web_alias_remove(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_TRY(owner_only(w, x, err));
    return take_out(w, x, w->o.facts.admin->alias_remove, err);
}
