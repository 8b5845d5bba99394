/*
 * Telegram as a chat network: one bot, by long polling or webhook. It translates between the Bot
 * API and channels/chat and decides nothing: who may write, what is answered and how it is shown is
 * not its business.
 *
 * An update is confirmed to Telegram only when everything about it is committed; what was not is
 * given to us again, by Telegram. Chats do not wait for each other.
 */
#pragma once

#include "application/ports/shared_rates.h"
#include "channels/chat/chat_channel.h"
#include "channels/telegram/settings.h"
#include "runtime/http_client.h"

/* All borrowed; must outlive it. */
struct nf_telegram_options {
    struct nf_loop *loop;
    struct nf_http_client *http;
    const struct nf_telegram_settings *settings;
    struct nf_shared_rates
        *shared; /* of all instances; NULL: there is only this one, or no Redis */
};

/* Neither suspends nor connects. NF_E_INVALID: the token is none. */
NF_RC nf_telegram_new(const struct nf_telegram_options *o, struct nf_chat_adapter **ret,
                      struct nf_err *err);
