#include "cmd/common/new_bot.h"

#include "base/own.h"
#include "channels/telegram/api.h"
#include "codec/json.h"
#include "config/edit.h"

#include <string.h>

#define ASK_MS 20000
#define ANSWER_MAX ((size_t)256 << 10)

/* --- whose token ------------------------------------------------------------------------------ */

static NF_RC bot_name(const struct nf_json *me, struct nf_str *bot, struct nf_err *err)
{
    const char *name = nf_json_str(nf_json_get(me, "username"));
    if (!name)
        return nf_err_set(err, NF_E_INVALID,
                          "the answer names no bot: is this address an API server?");
    nf_str_reset(bot);
    return nf_str_addf(bot, err, "@%.64s", name);
}

/* getMe: core.telegram.org/bots/api#getme. */
static enum nf_code ask_telegram(struct nf_http_client *http, const char *base,
                                 const struct nf_secret *token, struct nf_str *bot,
                                 struct nf_err *err)
{
    NF_CLEANUP(nf_telegram_answer_done) struct nf_telegram_answer answer = { .status = 0 };
    const struct nf_telegram_call call = { .method = "getMe", .timeout_ms = ASK_MS };
    struct nf_telegram_api *api = NULL;

    NF_TRY(nf_telegram_api_new(http, base, token, &api, err));
    enum nf_code rc = nf_telegram_call(api, &call, &answer, err);
    nf_telegram_api_free(api);
    if (rc == NF_E_DENIED)
        return nf_err_set(err, rc,
                          "Telegram does not know this token: copy it again from "
                          "@BotFather, with /token");
    NF_TRY(rc);
    return bot_name(answer.result, bot, err);
}

/* GET /users/@me: discord.com/developers/docs/resources/user#get-current-user. */
static enum nf_code ask_discord(struct nf_http_client *http, const char *base,
                                const struct nf_secret *token, struct nf_str *bot,
                                struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str url = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str authorization = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = ANSWER_MAX };
    NF_CLEANUP(nf_http_closep) struct nf_http_call *call = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;

    NF_TRY(nf_str_addf(&url, err, "%s/users/@me", base));
    NF_TRY(nf_str_addf(&authorization, err, "Bot %s", nf_secret_reveal(token)));
    /* Other user agents are turned away: developers/docs/reference#user-agent. */
    const struct nf_http_header headers[] = {
        { "Authorization", nf_str_c(&authorization) },
        { "User-Agent", NF_DISCORD_USER_AGENT },
    };
    const struct nf_http_request r = { .method = "GET",
                                       .url = nf_str_c(&url),
                                       .headers = headers,
                                       .headers_n = NF_COUNT(headers),
                                       .head_timeout_ms = ASK_MS };
    NF_TRY(nf_http_open(http, &r, &call, err));
    int status = nf_http_status(call);
    if (status == 401)
        return nf_err_set(err, NF_E_DENIED,
                          "Discord does not know this token: reset it in the developer portal, "
                          "page Bot, and copy the new one");
    if (status != 200)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Discord answers with status %d: try again later",
                          status);
    NF_TRY(nf_http_read_all(call, ASK_MS, &text, err));
    NF_TRY(nf_json_parse(nf_str_c(&text), text.len, 0, &doc, err));
    return bot_name(nf_json_root(doc), bot, err);
}

const struct nf_bot_kind nf_telegram_bots = { .name = "telegram",
                                              .base = NF_TELEGRAM_BASE,
                                              .check = nf_telegram_token_check,
                                              .ask = ask_telegram };
const struct nf_bot_kind nf_discord_bots = {
    .name = "discord", .base = NF_DISCORD_BASE, .check = nf_discord_token_check, .ask = ask_discord
};

static const struct nf_bot_kind *const networks[] = { &nf_telegram_bots, &nf_discord_bots };

const struct nf_bot_kind *nf_bot_kind_find(const char *name)
{
    for (size_t i = 0; i < NF_COUNT(networks); i++)
        if (strcmp(networks[i]->name, name) == 0)
            return networks[i];
    return NULL;
}

enum nf_code nf_bot_ask(const struct nf_new_bot *b, struct nf_http_client *http, struct nf_str *bot,
                        struct nf_err *err)
{
    const char *base = b->base ? b->base : b->network->base;
    NF_TRY(b->network->check(nf_secret_reveal(b->token), err));
    NF_TRY(nf_err_wrap(err, nf_chat_check_base(base, b->network->base, err), "api_base"));
    return b->network->ask(http, base, b->token, bot, err);
}

/* --- the configuration ------------------------------------------------------------------------ */

static bool has_name(const struct nf_daemon_config *c, const char *name)
{
    const struct nf_telegram_settings *telegram = c->channels.telegram.v;
    const struct nf_discord_settings *discord = c->channels.discord.v;
    for (size_t i = 0; i < c->channels.telegram.n; i++)
        if (strcmp(telegram[i].name, name) == 0)
            return true;
    for (size_t i = 0; i < c->channels.discord.n; i++)
        if (strcmp(discord[i].name, name) == 0)
            return true;
    return false;
}

enum nf_code nf_bot_check_name(const struct nf_daemon_config *c, const char *name,
                               struct nf_err *err)
{
    NF_TRY(nf_chat_check_name(name, err));
    if (has_name(c, name))
        return nf_err_set(err, NF_E_CONFLICT,
                          "there is a channel '%s' already: give this bot another name", name);
    return NF_OK;
}

enum nf_code nf_bot_locate(const char *path, const char *text, const char *name,
                           struct nf_bot_place *ret, struct nf_err *err)
{
    for (size_t i = 0; i < NF_COUNT(networks); i++) {
        const struct nf_bot_kind *n = networks[i];
        enum nf_code rc =
            nf_config_find_item(path, text, "channels", n->name, "name", name, n->name, &ret->index,
                                err); /* its name is that of the network by default */
        ret->network = n;
        if (rc != NF_E_NOT_FOUND)
            return rc;
    }
    return nf_err_set(err, NF_E_NOT_FOUND, "there is no such channel");
}

enum nf_code nf_bot_put(const struct nf_new_bot *b, const char *path, const char *text,
                        struct nf_str *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str item = { 0 };

    NF_TRY(nf_str_addf(&item, err, "name: %s\ntoken: ", b->name));
    NF_TRY(nf_config_add_quoted(&item, nf_secret_reveal(b->token), err));
    if (b->base) {
        NF_TRY(nf_str_adds(&item, "\napi_base: ", err));
        NF_TRY(nf_config_add_quoted(&item, b->base, err));
    }
    enum nf_code rc = nf_str_adds(&item, "\n", err);
    if (rc == NF_OK)
        rc =
            nf_config_put_item(path, text, "channels", b->network->name, nf_str_c(&item), ret, err);
    if (item.p)
        explicit_bzero(item.p, item.cap);
    return rc;
}
