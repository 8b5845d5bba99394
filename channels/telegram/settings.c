#include "channels/telegram/settings.h"

#include "domain/limits.h"

#include <string.h>

#define TOKEN_SECRET_MAX 64 /* today's have 35 */

static enum nf_code check_base(const char *url, struct nf_err *err)
{
    if (strstr(url, "/bot"))
        return nf_err_set(err, NF_E_INVALID,
                          "is the server's address alone, such as " NF_TELEGRAM_BASE
                          ": without /bot");
    return nf_chat_check_base(url, NF_TELEGRAM_BASE, err);
}

static enum nf_code check_webhook(const char *url, struct nf_err *err)
{
    if (url[0] && strncmp(url, "https://", 8) != 0 &&
        (strncmp(url, "http://", 7) != 0 || !nf_chat_is_loopback(url + 7)))
        return nf_err_set(err, NF_E_INVALID, "must begin with https://");
    return NF_OK;
}

enum nf_code nf_telegram_token_check(const char *token, struct nf_err *err)
{
    size_t digits = strspn(token, "0123456789");
    const char *rest = token + digits + 1;
    if (digits == 0 || digits > 18 || token[digits] != ':')
        return nf_err_set(err, NF_E_INVALID,
                          "is no token: one looks like 123456789:AAE... and comes from @BotFather");
    size_t n = strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    if (n == 0 || n > TOKEN_SECRET_MAX || rest[n] != '\0')
        return nf_err_set(err, NF_E_INVALID,
                          "is no token: after the colon there are letters, digits, _ and - only");
    return NF_OK;
}

static const char *const modes[] = { "poll", "webhook", NULL };

#define S(key, kind, member, ...)                                                                  \
    NF_SETTING(struct nf_telegram_settings, key, kind, member, __VA_ARGS__)
static const struct nf_setting settings[] = {
    S("name", NF_SET_STR, name, .def = "telegram", .min = 1, .max = NF_CHANNEL_MAX,
      .check = nf_chat_check_name,
      .help = "What the channel is called here. Another bot needs another name."),
    S("token", NF_SET_SECRET, token, .required = true, .check = nf_telegram_token_check,
      .help = "The bot's token from @BotFather; ${NAME} takes it from the environment."),
    S("api_base", NF_SET_STR, api_base, .def = NF_TELEGRAM_BASE, .min = 8, .max = 1024,
      .check = check_base, .help = "The Bot API server, also for files, if it is one of your own."),
    S("mode", NF_SET_ENUM, mode, .choices = modes,
      .help = "poll: we ask for messages, no public address is needed. webhook: Telegram calls "
              "webhook_url."),
    S("poll_timeout", NF_SET_MS, poll_timeout_ms, .def = "30s", .min = 1000,
      .max = NF_TELEGRAM_POLL_MAX_MS,
      .help = "How long a poll without news takes before the next one."),
    S("deaf_after", NF_SET_MS, deaf_after_ms, .def = "60s", .min = 2000, .max = NF_CHAT_DEAF_MS,
      .help = "So long without a sign of life from Telegram, and /ready says no. Longer than "
              "poll_timeout."),
    S("webhook_url", NF_SET_STR, webhook_url, .max = 2048, .check = check_webhook,
      .help = "The public address under which Telegram reaches webhook_listen, through a proxy "
              "with TLS: https, port 443, 80, 88 or 8443."),
    S("webhook_listen", NF_SET_STR, webhook_listen, .def = "127.0.0.1:8443", .min = 1, .max = 256,
      .help = "Where we listen for Telegram in mode webhook."),
    S("webhook_timeout", NF_SET_MS, webhook_timeout_ms, .def = "40s", .min = 1000,
      .max = NF_TELEGRAM_WEBHOOK_MAX_MS,
      .help =
          "So long a call of Telegram waits until its message is in the database; then it is to "
          "come again. Less than your proxy waits."),
    S("messages_per_second", NF_SET_INT, messages_per_second, .def = "30", .min = 1, .max = 10000,
      .help =
          "The most that goes out to all chats together. Telegram allows about 30, more to who "
          "pays for it or has a server of his own. Instances that have a Redis share it; without "
          "one it is of each."),
    S("drafts", NF_SET_BOOL, drafts, .def = "false",
      .help = "In private chats show Telegram's own preview with a stop button while the model "
              "thinks. Some apps flicker."),
    NF_CHAT_SETTINGS(struct nf_telegram_settings, people),
};
#undef S
const struct nf_setting_group nf_telegram_setting_group = { "", settings, NF_COUNT(settings),
                                                            sizeof(struct nf_telegram_settings) };

enum nf_code nf_telegram_settings_check(const struct nf_telegram_settings *s, struct nf_err *err)
{
    if (s->mode == NF_TELEGRAM_WEBHOOK && !s->webhook_url[0])
        return nf_err_set(err, NF_E_INVALID,
                          "webhook_url: must be given in mode webhook: the https address under "
                          "which Telegram reaches %s",
                          s->webhook_listen);
    if (s->mode == NF_TELEGRAM_POLL && s->deaf_after_ms <= s->poll_timeout_ms)
        return nf_err_set(err, NF_E_INVALID,
                          "deaf_after: must be longer than poll_timeout (%lld s), for a poll "
                          "without news gives no sign of life before it ends",
                          (long long)(s->poll_timeout_ms / 1000));
    return NF_OK;
}
