/* The settings of one Discord bot: an item of channels.discord. */
#pragma once

#include "channels/chat/settings.h"

#define NF_DISCORD_BASE "https://discord.com/api/v10"
/* "User Agent" of the reference: others are turned away. */
#define NF_DISCORD_USER_AGENT "DiscordBot (https://github.com/nexflow/nexflow, 0.1)"

struct nf_discord_settings {
    char *name; /* of the channel */
    struct nf_secret token;
    char *api_base;
    struct nf_setting_strs listen; /* channels in which every message is meant for the bot */
    bool threads;                  /* a task in a channel gets a thread */
    int64_t shards;                /* 0: as many as Discord says */
    int64_t requests_per_second;
    int64_t deaf_after_ms;          /* without a sign of life */
    struct nf_chat_settings people; /* who may write */
};

extern const struct nf_setting_group nf_discord_setting_group; /* of an item */

/* A token as the developer portal shows it: three pieces of [A-Za-z0-9_-] with dots between. The
 * message does not contain it. */
NF_RC nf_discord_token_check(const char *token, struct nf_err *err);
