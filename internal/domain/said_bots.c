#include "domain/said_bots.h"

static const struct nf_saying places[] = {
    { "bot-and-more", "%s, and there is more: %zu", .russian = "{0} (и ещё: {1})" },
};
static const struct nf_sayings in_places = { places, sizeof(places) / sizeof(places[0]) };

static const struct nf_saying rows[] = {
    { "telegram-token", NF_BOT_TELEGRAM_TOKEN, .russian = "Telegram не принимает токен" },
    { "telegram-unknown", NF_BOT_TELEGRAM_UNKNOWN,
      .russian = "сервер не знает этого бота или метода" },
    { "bot-read-elsewhere", NF_BOT_READ_ELSEWHERE,
      .russian = "сообщения этого бота читает другая программа, или задан webhook" },
    { "discord-token", NF_BOT_DISCORD_TOKEN, .russian = "Discord не принимает токен" },
    { "bot-standby", NF_BOT_STANDBY, .russian = "этого бота читает другой экземпляр" },
    { "discord-content", NF_BOT_DISCORD_CONTENT,
      .russian = "Discord не даёт боту читать сообщения, в которых его не упомянули" },
    { "discord-closed", NF_BOT_DISCORD_CLOSED, .russian = "Discord закрыл соединение с кодом {0}" },
    { "bot-may-not-write", NF_BOT_MAY_NOT_WRITE, .russian = "боту нельзя писать в канале {0}",
      .values = &in_places },
    { "bot-may-not-read", NF_BOT_MAY_NOT_READ,
      .russian = "боту не видно, на что он отвечает, в канале {0}", .values = &in_places },
    { "bot-may-not-open", NF_BOT_MAY_NOT_OPEN,
      .russian = "боту нельзя открывать ветки в канале {0}", .values = &in_places },
    { "bot-no-sign", NF_BOT_NO_SIGN, .russian = "слишком долго нет признаков жизни" },
    { "do-telegram-token", NF_BOT_DO_TELEGRAM_TOKEN,
      .russian = "возьмите токен у @BotFather и введите его на странице каналов" },
    { "do-check-base", NF_BOT_DO_CHECK_BASE,
      .russian = "проверьте токен и api_base: только адрес, без /bot" },
    { "do-nothing", NF_BOT_DO_NOTHING, .russian = "ничего делать не нужно: продолжится само" },
    { "do-network", NF_BOT_DO_NETWORK, .russian = "проверьте сеть и работает ли api_base" },
    { "do-stop-other", NF_BOT_DO_STOP_OTHER,
      .russian = "остановите другую программу или получите новый токен у @BotFather (/revoke)" },
    { "do-no-server", NF_BOT_DO_NO_SERVER,
      .russian = "отвечает не сервер Bot API: проверьте сеть, api_base и прокси между ними" },
    { "do-webhook-url", NF_BOT_DO_WEBHOOK_URL,
      .russian = "Telegram не достучался до webhook_url: посмотрите на прокси" },
    { "do-webhook-listen", NF_BOT_DO_WEBHOOK_LISTEN, .russian = "измените webhook_listen" },
    { "do-database", NF_BOT_DO_DATABASE, .russian = "посмотрите, что с базой данных" },
    { "do-discord-token", NF_BOT_DO_DISCORD_TOKEN,
      .russian = "возьмите новый токен на портале разработчика, страница Bot, и введите его на "
                 "странице каналов" },
    { "do-shards", NF_BOT_DO_SHARDS,
      .russian = "поставьте этому боту shards: 0, тогда число назовёт Discord" },
    { "do-intent", NF_BOT_DO_INTENT,
      .russian =
          "портал разработчика, страница Bot: включите Message Content Intent или опустошите "
          "`listen` этого бота" },
    { "do-newer", NF_BOT_DO_NEWER, .russian = "поищите версию Nexflow новее" },
    { "do-standby", NF_BOT_DO_STANDBY,
      .russian = "ничего делать не нужно: этот подхватит, когда другой остановится" },
    { "do-grant", NF_BOT_DO_GRANT, .russian = "дайте там его роли права: {0}" },
};
const struct nf_sayings nf_bot_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
