/* The settings of one Telegram bot: an item of channels.telegram. */
#pragma once

#include "channels/chat/settings.h"

#define NF_TELEGRAM_BASE "https://api.telegram.org"
/* WebhookActor.cpp of tdlib/telegram-bot-api, create_connection: it gives up after 50 s. */
#define NF_TELEGRAM_WEBHOOK_MAX_MS 45000
#define NF_TELEGRAM_POLL_MAX_MS 50000 /* less than what the daemon calls deaf */

enum nf_telegram_mode { NF_TELEGRAM_POLL = 0, NF_TELEGRAM_WEBHOOK };

struct nf_telegram_settings {
    char *name; /* of the channel */
    struct nf_secret token;
    char *api_base;
    int mode;                           /* enum nf_telegram_mode */
    int64_t poll_timeout_ms;            /* a poll without news */
    int64_t deaf_after_ms;              /* without a sign of life */
    char *webhook_url, *webhook_listen; /* where Telegram finds us, and where we listen for it */
    int64_t webhook_timeout_ms;         /* a call of Telegram waits so long for the database */
    int64_t messages_per_second;        /* to all chats */
    bool drafts;
    struct nf_chat_settings people; /* who may write */
};

extern const struct nf_setting_group nf_telegram_setting_group; /* of an item */

/* What no single value shows. NF_E_INVALID names the key. */
NF_RC nf_telegram_settings_check(const struct nf_telegram_settings *s, struct nf_err *err);

/* A token as BotFather gives it: "123456789:" and 1 to 64 of [A-Za-z0-9_-]. The message does not
 * contain it. */
NF_RC nf_telegram_token_check(const char *token, struct nf_err *err);
