/* Why a run of a schedule was skipped, or why it does not go on by itself. */
#include "domain/said_schedules.h"

static const struct nf_saying rows[] = {
    { "run-no-model", NF_SKIPPED_NO_MODEL, .russian = "не подключена ни одна языковая модель" },
    { "run-before", NF_SKIPPED_RUN_BEFORE, .russian = "предыдущий запуск ещё не кончился" },
    { "run-user-tokens", NF_SKIPPED_USER_TOKENS,
      .russian = "ваши расписания израсходовали токены на сегодня (schedules.user_tokens)" },
    { "run-all-tokens", NF_SKIPPED_ALL_TOKENS,
      .russian = "все расписания вместе израсходовали токены на сегодня (schedules.all_tokens)" },
    { "run-crowded", NF_SKIPPED_CROWDED, .russian = "там и так ждёт слишком много сообщений" },
    { "run-was-down", NF_SKIPPED_WAS_DOWN, .russian = "Nexflow в это время не работал" },
    { "run-deleted", NF_SKIPPED_DELETED, .russian = "разговор был удалён" },
    { "halt-blocked", NF_HALTED_BLOCKED, .russian = "тот, чьё это расписание, заблокирован" },
    { "halt-channel", NF_HALTED_CHANNEL, .russian = "этого канала больше нет в настройках" },
    { "halt-unreachable", NF_HALTED_UNREACHABLE, .russian = "сеть не даёт писать в этот чат" },
    { "halt-no-spend", NF_HALTED_NO_SPEND,
      .russian = "расписаниям нельзя спрашивать модели без человека (schedules.spend)" },
    { "halt-zone", NF_HALTED_ZONE, .russian = "эта машина не знает такого часового пояса" },
    { "halt-by-model", NF_HALTED_BY_MODEL,
      .russian = "расписание спрашивает модель без человека: включите его сами" },
    { "halt-changed", NF_HALTED_CHANGED,
      .russian = "его изменил кто-то другой: посмотрите и включите снова" },
};
const struct nf_sayings nf_schedule_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
