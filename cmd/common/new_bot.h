/* Use case: a new bot of a chat network, from its token to the configuration. The command line and
 * the page do it with these steps. */
#pragma once

#include "cmd/common/config.h"
#include "runtime/http_client.h"

/* A network there are bots of. */
struct nf_bot_kind {
    const char *name; /* "telegram": also the key of the configuration and the default name */
    const char *base; /* of the API, unless another is given */
    /* NF_E_INVALID: it does not look like a token. */
    enum nf_code (*check)(const char *token, struct nf_err *err);
    enum nf_code (*ask)(struct nf_http_client *http, const char *base,
                        const struct nf_secret *token, struct nf_str *bot, struct nf_err *err);
};
extern const struct nf_bot_kind nf_telegram_bots, nf_discord_bots;
const struct nf_bot_kind *nf_bot_kind_find(const char *name); /* NULL: none is called so */

/* Borrowed. */
struct nf_new_bot {
    const struct nf_bot_kind *network;
    const char *name; /* of the channel */
    const char *base; /* NULL: the network's own */
    const struct nf_secret *token;
};

/* NF_E_INVALID: no name of a channel; NF_E_CONFLICT: the configuration has one of that name. */
NF_RC nf_bot_check_name(const struct nf_daemon_config *c, const char *name, struct nf_err *err);
/* Ask the network whose token it is: *bot is "@name". NF_E_INVALID: it looks like none;
 * NF_E_DENIED: it is nobody's. The message never has the token. Suspends. */
NF_RC nf_bot_ask(const struct nf_new_bot *b, struct nf_http_client *http, struct nf_str *bot,
                 struct nf_err *err);
/* Where a bot stands in a text of the configuration. */
struct nf_bot_place {
    const struct nf_bot_kind *network;
    size_t index;
};
/* Find it by its name in this very text, which may be another than what runs. NF_E_NOT_FOUND: it is
 * not there. */
NF_RC nf_bot_locate(const char *path, const char *text, const char *name, struct nf_bot_place *ret,
                    struct nf_err *err);
/* The configuration `text` of the file `path` with the bot in it, as nf_config_put_item. */
NF_RC nf_bot_put(const struct nf_new_bot *b, const char *path, const char *text, struct nf_str *ret,
                 struct nf_err *err);
