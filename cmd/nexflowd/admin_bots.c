/* A new bot from the page: asked for by its token, written down, taken over. */
#include "base/own.h"
#include "cmd/common/new_bot.h"
#include "cmd/nexflowd/admin_edit.h"
#include "cmd/nexflowd/wiring.h"

#include <string.h>

static NF_RC read_body(const struct nf_json *body, struct nf_new_bot *ret, struct nf_secret *token,
                       struct nf_err *err)
{
    const char *network = nf_json_str(nf_json_get(body, "network"));
    const char *name = nf_json_str(nf_json_get(body, "name"));
    const char *base = nf_json_str(nf_json_get(body, "api_base"));
    const char *text = nf_json_str(nf_json_get(body, "token"));

    ret->network = network ? nf_bot_kind_find(network) : NULL;
    if (!ret->network)
        return nf_err_set(err, NF_E_INVALID, "network: telegram or discord");
    if (!text)
        return nf_err_set(err, NF_E_INVALID, "token: missing");
    ret->name = name && name[0] ? name : ret->network->name;
    ret->base = base && base[0] ? base : NULL;
    return nf_secret_set(token, text, err);
}

/* One more item is in nobody's way: whatever else was changed meanwhile stays. */
static enum nf_code put(struct nf_wiring *w, const char *path, struct nf_str *text, const void *arg,
                        struct nf_err *err)
{
    (void)w;
    return nf_bot_put(arg, path, nf_str_c(text), text, err);
}

/* What it is called, which is all of the token that leaves us. */
static NF_RC answer(const struct nf_new_bot *b, const struct nf_str *bot,
                    const struct nf_str *changed, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_json_out o;
    NF_TRY(nf_json_parse(nf_str_c(changed), changed->len, 0, &doc, err));
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "name", b->name);
    nf_json_put_str(&o, "network", b->network->name);
    nf_json_put_str(&o, "bot_name", nf_str_c(bot));
    nf_json_put_bool(&o, "need_restart",
                     nf_json_count(nf_json_get(nf_json_root(doc), "need_restart")) > 0);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static NF_RC add(struct nf_wiring *w, const struct nf_json *body, struct nf_secret *token,
                 struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str bot = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str changed = { 0 };
    struct nf_new_bot b = { .token = token };

    NF_TRY(read_body(body, &b, token, err));
    NF_TRY(nf_err_wrap(err, nf_bot_check_name(w->config, b.name, err), "name"));
    NF_TRY(nf_err_wrap(err, nf_bot_ask(&b, w->http, &bot, err), "token"));
    NF_TRY(nf_admin_edit(w, nf_admin_any, put, &b, &changed, err));
    return answer(&b, &bot, &changed, to, err);
}

enum nf_code nf_admin_channel_add(void *arg, const struct nf_json *body, struct nf_str *to,
                                  struct nf_err *err)
{
    struct nf_secret token = { 0 };
    enum nf_code rc = add(arg, body, &token, to, err);
    nf_secret_done(&token);
    return rc;
}
