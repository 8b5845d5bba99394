#include "domain/reason.h"

static const struct nf_saying rows[] = {
    { "no-model", NF_REASON_NO_MODEL,
      .russian = "Не подключена ни одна языковая модель: запустите `nexflow up` или впишите её в "
                 "файл настроек, в llm.providers" },
    { "output-limit", NF_REASON_OUTPUT_LIMIT,
      .russian = "{0}: предел ответа исчерпан раньше первого слова. Просите о меньшем за раз или "
                 "увеличьте output_tokens" },
    { "refused", NF_REASON_REFUSED,
      .russian = "{0}: отказ отвечать, без объяснения. Спросите другими словами или выберите "
                 "другую модель" },
    { "no-room", NF_REASON_NO_ROOM,
      .russian = "{0}: для ответа не осталось места. Начните новый разговор или укажите в "
                 "context_tokens настоящее окно модели" },
    { "no-answer", NF_REASON_NO_ANSWER,
      .russian = "{0}: пустой ответ. Спросите ещё раз или выберите другую модель" },
    { "answer-cut", NF_REASON_ANSWER_CUT, .russian = "Ответ длиннее {0} байт: он обрезан" },
    { "gave-up", NF_REASON_GAVE_UP,
      .russian = "Nexflow прерывался {0} раза, пока отвечал, и больше не пробует. Спросите ещё "
                 "раз; если повторится, посмотрите в журнал" },
    { "too-many-steps", NF_REASON_TOO_MANY_STEPS,
      .russian = "Остановлено: {0} шагов, и нет ответа. Просите о меньшем за раз" },
    { "same-call", NF_REASON_SAME_CALL,
      .russian = "Остановлено: модель вызвала {0} с одним и тем же больше {1} раз. Спросите "
                 "другими словами или выберите другую модель" },
    { "window", NF_REASON_WINDOW,
      .russian = "Указания и описания инструментов заняли всё окно модели, {0} токенов: сократите "
                 "system_prompt, предложите меньше инструментов или выберите модель с большим "
                 "окном" },
    { "key-refused", NF_REASON_KEY_REFUSED,
      .russian = "{0}: ключ не принят ({1}). Проверьте llm.providers: api_key у «{2}»" },
    { "not-allowed", NF_REASON_NOT_ALLOWED, .russian = "{0}: с этим ключом нельзя (403): {1}" },
    { "no-credit", NF_REASON_NO_CREDIT,
      .russian = "{0}: на счёте у «{1}» кончились деньги ({2}). Пополните его или выберите другую "
                 "модель" },
    { "rate-limited", NF_REASON_RATE_LIMITED,
      .russian = "{0}: слишком много запросов (429). Попробуйте через {1} с" },
    { "model-down", NF_REASON_MODEL_DOWN,
      .russian = "{0} сейчас не работает ({1}). Попробуйте чуть позже или выберите другую модель" },
    { "not-a-stream", NF_REASON_NOT_A_STREAM,
      .russian = "{0} отвечает не потоком (код {1}): проверьте base_url у «{2}»" },
    { "broke-off", NF_REASON_BROKE_OFF, .russian = "{0}: ответ оборвался. Попробуйте ещё раз" },
    { "bad-answer", NF_REASON_BAD_ANSWER,
      .russian = "{0}: пришло не то, что похоже на ответ ({1}). Попробуйте ещё раз или проверьте "
                 "base_url у «{2}»" },
    { "unreachable", NF_REASON_UNREACHABLE,
      .russian = "{0}: нет связи ({1}). Работает ли «{2}» и верен ли его base_url?" },
    { "left-alone", NF_REASON_LEFT_ALONE,
      .russian = "{0}: несколько неудач подряд, передышка {1} с. Попробуйте потом или выберите "
                 "другую модель" },
    { "silent", NF_REASON_SILENT,
      .russian = "{0}: молчит слишком долго ({1}). Попробуйте ещё раз, выберите другую модель или "
                 "увеличьте её timeout в llm.models" },
    { "failed", NF_REASON_FAILED,
      .russian = "{0}: неудача ({1}). Попробуйте ещё раз или выберите другую модель" },
    { "no-such-model", NF_REASON_NO_SUCH_MODEL,
      .russian = "{0}: у «{1}» нет такой модели ({2}). Проверьте её имя и base_url" },
    { "too-long", NF_REASON_TOO_LONG,
      .russian = "{0}: разговор для неё слишком длинный ({1}). Начните новый или выберите модель "
                 "с большим окном" },
    { "bad-request", NF_REASON_BAD_REQUEST, .russian = "{0}: запрос не принят ({1})" },
    { "stopped", NF_REASON_STOPPED, .russian = "Остановлено." },
    { "schedule-skipped", NF_REASON_SCHEDULE_SKIPPED,
      .russian = "Запуск по расписанию пропущен: {0}.", .values = &nf_schedule_sayings },
    { "schedule-spent", NF_REASON_SCHEDULE_SPENT,
      .russian = "Остановлено: запуск по расписанию израсходовал {0} токенов, а можно {1} "
                 "(schedules.run_tokens)" },
    { "answer-too-long", NF_REASON_ANSWER_TOO_LONG,
      .russian = "Ответ длиннее, чем помещается в один ход" },
    { "too-many-calls", NF_REASON_TOO_MANY_CALLS,
      .russian = "Модель вызвала больше {0} инструментов сразу" },
    { "choose-model", NF_REASON_CHOOSE_MODEL,
      .russian = "Выберите для этого разговора другую модель: {0}" },
    { "asked-again", NF_REASON_ASKED_AGAIN,
      .russian = "Nexflow за это время перезапустили: модель спросили ещё раз." },
    { "not-gone-on", NF_REASON_NOT_GONE_ON,
      .russian = "Nexflow перезапустили посреди работы, и ответ не продолжился." },
    { "unknown-effect", NF_REASON_UNKNOWN_EFFECT,
      .russian = "Nexflow перезапустили посреди работы: подействовало ли это, неизвестно." },
    { "approvals-full", NF_REASON_APPROVALS_FULL,
      .russian = "Решения и так ждёт слишком много вызовов: этот не выполнен" },
    { "approval-lost", NF_REASON_APPROVAL_LOST,
      .russian = "Вопрос, можно ли это выполнить, потерян: вызов не выполнен" },
    { "approval-void", NF_REASON_APPROVAL_VOID,
      .russian = "Разрешение этого вызова уже использовано или недействительно. Он не выполнен" },
    { "nobody-approved", NF_REASON_NOBODY_APPROVED,
      .russian = "Никто не разрешил этот вызов за {0} мин. Он не выполнен" },
    { "nobody-approved-soon", NF_REASON_NOBODY_APPROVED_SOON,
      .russian = "Никто не разрешил этот вызов за {0} с. Он не выполнен" },
    { "denied-saying", NF_REASON_DENIED_SAYING,
      .russian = "Человек отклонил этот вызов: {0}. Он не выполнен" },
    { "denied", NF_REASON_DENIED, .russian = "Человек отклонил этот вызов. Он не выполнен" },
    { "no-text", NF_REASON_NO_TEXT, .russian = "Инструмент ответил не текстом" },
};
const struct nf_sayings nf_turn_sayings = { rows, sizeof(rows) / sizeof(rows[0]) };
