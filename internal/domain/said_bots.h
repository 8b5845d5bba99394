/* What is wrong with a bot, and what to do about it: the words of the adapters of chat networks.
 * nf_bot_sayings (domain/said.h) reads them back. */
#pragma once

#include "domain/said.h"

/* What is wrong. */
#define NF_BOT_TELEGRAM_TOKEN "Telegram refuses the token"
#define NF_BOT_TELEGRAM_UNKNOWN "the server does not know this bot or the method"
#define NF_BOT_READ_ELSEWHERE "another program reads this bot's messages, or a webhook is set"
#define NF_BOT_DISCORD_TOKEN "Discord refuses the token"
#define NF_BOT_STANDBY "another instance reads this bot"
#define NF_BOT_DISCORD_CONTENT "Discord does not let the bot read messages without a mention"
#define NF_BOT_DISCORD_CLOSED "the gateway closed with %d"
#define NF_BOT_MAY_NOT_WRITE "the bot may not write in channel %s%s"
#define NF_BOT_MAY_NOT_READ "the bot may not see what it answers in channel %s%s"
#define NF_BOT_MAY_NOT_OPEN "the bot may not open threads in channel %s%s"
#define NF_BOT_AND_MORE ", and there is more: %zu"
#define NF_BOT_NO_SIGN "there was no sign of life for too long"

/* What to do. */
#define NF_BOT_DO_TELEGRAM_TOKEN                                                                   \
    "take the token from @BotFather and enter it on the page of channels"
#define NF_BOT_DO_CHECK_BASE "check the token and api_base: the address alone, without /bot"
#define NF_BOT_DO_NOTHING "nothing: it goes on by itself"
#define NF_BOT_DO_NETWORK "check the network, and whether api_base is up"
#define NF_BOT_DO_STOP_OTHER "stop the other program, or make a new token with @BotFather (/revoke)"
#define NF_BOT_DO_NO_SERVER                                                                        \
    "what answers is no Bot API server: check the network, api_base and any proxy between"
#define NF_BOT_DO_WEBHOOK_URL "Telegram does not reach webhook_url: look at the proxy"
#define NF_BOT_DO_WEBHOOK_LISTEN "change webhook_listen"
#define NF_BOT_DO_DATABASE "see the state of the database"
#define NF_BOT_DO_DISCORD_TOKEN                                                                    \
    "take a new token from the developer portal, page Bot, and enter it on the page of channels"
#define NF_BOT_DO_SHARDS "set shards of this bot to 0, so that Discord's number is used"
#define NF_BOT_DO_INTENT                                                                           \
    "developer portal, page Bot: switch on Message Content Intent, or empty `listen` of this bot"
#define NF_BOT_DO_NEWER "look for a newer version of Nexflow"
#define NF_BOT_DO_STANDBY "nothing: this one takes over when the other stops"
#define NF_BOT_DO_GRANT "give its role %s there"
