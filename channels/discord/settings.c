#include "channels/discord/settings.h"

#include "domain/limits.h"

#include <string.h>

#define TOKEN_MAX 128 /* today's have about 72 */

static enum nf_code check_base(const char *url, struct nf_err *err)
{
    return nf_chat_check_base(url, NF_DISCORD_BASE, err);
}

enum nf_code nf_discord_token_check(const char *token, struct nf_err *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t pieces = 0;
    const char *p = token;
    for (;; p++) {
        size_t n = strspn(p, allowed);
        pieces += n > 0;
        p += n;
        if (n == 0 || *p != '.')
            break;
    }
    if (pieces != 3 || *p != '\0' || strlen(token) > TOKEN_MAX)
        return nf_err_set(err, NF_E_INVALID,
                          "is no bot token: one has three pieces with dots between and comes from "
                          "the developer portal, page Bot, without \"Bot \" before it");
    return NF_OK;
}

#define S(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_discord_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting settings[] = {
    S("name", NF_SET_STR, name, .def = "discord", .min = 1, .max = NF_CHANNEL_MAX,
      .check = nf_chat_check_name,
      .help = "What the channel is called here. Another bot needs another name."),
    S("token", NF_SET_SECRET, token, .required = true, .check = nf_discord_token_check,
      .help = "The bot's token from the developer portal; ${NAME} takes it from the environment."),
    S("api_base", NF_SET_STR, api_base, .def = NF_DISCORD_BASE, .min = 8, .max = 1024,
      .check = check_base,
      .help = "The REST API; the gateway's address is asked for there, at /gateway/bot."),
    S("listen", NF_SET_STRS, listen, .max = NF_CHAT_ACCOUNTS_MAX, .check = nf_chat_check_account,
      .help =
          "Ids of the channels in which every message is meant for the bot, not only those that "
          "mention it. Discord shows them to it only if Message Content Intent is switched on "
          "for the bot in the developer portal, page Bot; else it goes on with mentions."),
    S("threads", NF_SET_BOOL, threads, .def = "true",
      .help = "Answer a mention in a channel in a thread of its own, named by the task. false: in "
              "the channel."),
    S("shards", NF_SET_INT, shards, .def = "0", .max = 16,
      .help = "Connections to Discord, for a bot in more than 2,500 servers. 0: as many as Discord "
              "recommends."),
    S("deaf_after", NF_SET_MS, deaf_after_ms, .def = "60s", .min = 2000, .max = NF_CHAT_DEAF_MS,
      .help = "So long without a sign of life from Discord, and /ready says no. It gives one with "
              "each heartbeat, every 41 s."),
    S("requests_per_second", NF_SET_INT, requests_per_second, .def = "50", .min = 1, .max = 10000,
      .help =
          "The most that goes out to all channels together. Discord allows 50, more to bots that "
          "it granted more. Instances that have a Redis share it; without one it is of each."),
    NF_CHAT_SETTINGS(struct nf_discord_settings, people),
};
#undef S
const struct nf_setting_group nf_discord_setting_group = { "", settings, NF_COUNT(settings),
                                                           sizeof(struct nf_discord_settings) };
