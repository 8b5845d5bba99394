/* Bots from the page: a new one asked for by its token, written down, taken over; another token for
 * one that is there; one taken out. */
#include "base/own.h"
#include "cmd/common/new_bot.h"
#include "cmd/nexflowd/admin_edit.h"
#include "cmd/nexflowd/wiring.h"
#include "config/edit.h"

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
    const struct nf_json *others = nf_json_get(nf_json_root(doc), "other_instances");
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "name", b->name);
    nf_json_put_str(&o, "network", b->network->name);
    nf_json_put_str(&o, "bot_name", nf_str_c(bot));
    nf_json_put_bool(&o, "need_restart",
                     nf_json_count(nf_json_get(nf_json_root(doc), "need_restart")) > 0);
    if (others)
        nf_json_put_i64(&o, "other_instances", nf_json_i64(others, 0));
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

/* --- one that is there -------------------------------------------------------------------------
 */

/* One that runs: its network, and where that answers, borrowed from the configuration. */
struct running_bot {
    const struct nf_bot_kind *network;
    const char *base;
};

static NF_RC find_running(const struct nf_wiring *w, const char *name, struct running_bot *ret,
                          struct nf_err *err)
{
    const struct nf_telegram_settings *telegram = w->config->channels.telegram.v;
    const struct nf_discord_settings *discord = w->config->channels.discord.v;
    for (size_t i = 0; i < w->config->channels.telegram.n; i++) {
        if (strcmp(telegram[i].name, name) == 0) {
            *ret = (struct running_bot){ &nf_telegram_bots, telegram[i].api_base };
            return NF_OK;
        }
    }
    for (size_t i = 0; i < w->config->channels.discord.n; i++) {
        if (strcmp(discord[i].name, name) == 0) {
            *ret = (struct running_bot){ &nf_discord_bots, discord[i].api_base };
            return NF_OK;
        }
    }
    return nf_err_set(err, NF_E_NOT_FOUND, "there is no such channel");
}

/* What it is called and whose token it shall have. */
struct token_change {
    const char *name;
    const struct nf_secret *token;
};

static enum nf_code put_token(struct nf_wiring *w, const char *path, struct nf_str *text,
                              const void *arg, struct nf_err *err)
{
    const struct token_change *c = arg;
    NF_CLEANUP(nf_str_done) struct nf_str value = { 0 };
    struct nf_bot_place at;
    (void)w; /* the file may have been changed by hand since it was taken over */
    NF_TRY(nf_bot_locate(path, nf_str_c(text), c->name, &at, err));
    NF_TRY(nf_config_add_quoted(&value, nf_secret_reveal(c->token), err));
    enum nf_code rc = nf_config_set_in_item(path, nf_str_c(text), "channels", at.network->name,
                                            at.index, "token", nf_str_c(&value), text, err);
    explicit_bzero(value.p, value.cap);
    return rc;
}

static NF_RC change_token(struct nf_wiring *w, const char *name, const struct nf_json *body,
                          struct nf_secret *token, struct nf_str *to, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str bot = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str changed = { 0 };
    NF_CLEANUP(nf_freep) char *base = NULL;
    struct running_bot at;
    const char *text = nf_json_str(nf_json_get(body, "token"));

    NF_TRY(find_running(w, name, &at, err));
    if (!text)
        return nf_err_set(err, NF_E_INVALID, "token: missing");
    NF_TRY(nf_secret_set(token, text, err));
    NF_TRY(nf_strdup(at.base, &base, err)); /* the configuration may change while we ask */
    const struct nf_new_bot b = {
        .network = at.network, .name = name, .base = base, .token = token
    };
    const struct token_change c = { name, token };
    NF_TRY(nf_err_wrap(err, nf_bot_ask(&b, w->http, &bot, err), "token"));
    NF_TRY(nf_admin_edit(w, nf_admin_any, put_token, &c, &changed, err));
    return answer(&b, &bot, &changed, to, err);
}

enum nf_code nf_admin_channel_token(void *arg, const char *name, const struct nf_json *body,
                                    struct nf_str *to, struct nf_err *err)
{
    struct nf_secret token = { 0 };
    enum nf_code rc = change_token(arg, name, body, &token, to, err);
    nf_secret_done(&token);
    return rc;
}

static enum nf_code drop(struct nf_wiring *w, const char *path, struct nf_str *text,
                         const void *name, struct nf_err *err)
{
    struct nf_bot_place at;
    (void)w;
    NF_TRY(nf_bot_locate(path, nf_str_c(text), name, &at, err));
    return nf_config_drop_item(path, nf_str_c(text), "channels", at.network->name, at.index, text,
                               err);
}

enum nf_code nf_admin_channel_remove(void *arg, const char *name, const char *hash,
                                     struct nf_str *to, struct nf_err *err)
{
    (void)hash; /* whatever else was changed meanwhile stays */
    return nf_admin_edit(arg, nf_admin_any, drop, name, to, err);
}
