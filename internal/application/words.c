#include "application/words.h"

#include <assert.h>
#include <stddef.h>

static const char *const words[NF_WORD_COUNT][2] = {
    [NF_WORD_WAIT] = { "\xE2\x80\xA6", "\xE2\x80\xA6" },
    [NF_WORD_READY] = { "The answer is there:", "Ответ готов:" },
    [NF_WORD_ASKS] = { "waits for an approval", "ждёт подтверждения" },
    [NF_WORD_PAIRING] = { "Hello! I do not know you yet. Give this code to the person who runs me, "
                          "who can let you in:\n\n`",
                          "Здравствуйте! Мы ещё не знакомы. Передайте этот код тому, кто мной "
                          "управляет, чтобы он открыл вам доступ:\n\n`" },
    [NF_WORD_PAIRING_END] = { "`\n\nIt is valid for one hour.", "`\n\nКод действует один час." },
    [NF_WORD_ADMITTED] = { "You are in. Write to me.", "Доступ открыт. Пишите." },
    [NF_WORD_LINKED] = { "This account is now linked to ", "Этот аккаунт теперь привязан: " },
    [NF_WORD_LINKED_END] = { ". Write to me.", ". Пишите." },
    [NF_WORD_TEST] = { "This is a test. Answer with any word.",
                       "Это проверка связи. Ответьте любым словом." },
    [NF_WORD_TOO_FAST] = { "That was too fast: I did not take this message. Send it again in ",
                           "Слишком быстро: это сообщение не принято. Отправьте его снова через " },
    [NF_WORD_TOO_FAST_END] = { " s.", " с." },
    [NF_WORD_PRESSED_TOO_FAST] = { "That was too fast. Press it again in ",
                                   "Слишком быстро. Нажмите снова через " },
    [NF_WORD_CROWDED] = { "Too many messages wait here: I leave this one out, and what follows "
                          "until I have caught up.",
                          "Здесь ждёт слишком много сообщений: это и следующие пропущены, пока я "
                          "не разберу прежние." },
    [NF_WORD_NOT_TAKEN] = { "I did not take this message:", "Это сообщение не принято:" },
    [NF_WORD_FILES_UNREAD] = { "I could not take:", "Не удалось принять:" },
    [NF_WORD_STOPPED] = { "Stopped.", "Остановлено." },
    [NF_WORD_NOTHING_RUNS] = { "Nothing is running here.", "Здесь ничего не выполняется." },
    [NF_WORD_CALL_ASKS] = { "may this run?", "можно это выполнить?" },
    [NF_WORD_CALL_WAITS] = { "It waits for somebody who may allow it.",
                             "Ждёт того, кто вправе это разрешить." },
    [NF_WORD_CALL_MINUTES] = { "Minutes to decide", "Минут на решение" },
    [NF_WORD_CALL_TOO_LONG] = { "The call is longer than can be shown here: look at all of it on "
                                "the page to allow it.",
                                "Вызов слишком длинный, чтобы показать его здесь целиком: "
                                "посмотрите его на странице, чтобы разрешить." },
    [NF_WORD_CALL_ALLOWED] = { "Allowed once", "Разрешено один раз" },
    [NF_WORD_CALL_DENIED] = { "Denied", "Запрещено" },
    [NF_WORD_CALL_EXPIRED] = { "Nobody decided in time: it was not run.",
                               "Никто не решил вовремя: вызов не выполнен." },
    [NF_WORD_CALL_CANCELLED] = { "No longer needed: its turn has ended.",
                                 "Больше не нужно: этот ответ уже завершён." },
    [NF_WORD_ALLOW_ONCE] = { "Allow once", "Разрешить" },
    [NF_WORD_DENY] = { "Deny", "Запретить" },
    [NF_WORD_LET_IN] = { "Let in", "Впустить" },
    [NF_WORD_WAS_LET_IN] = { "Let in", "Доступ открыт" },
    [NF_WORD_SOMEBODY_WAITS] = { "**Somebody asks to be let in.** Names are whatever people "
                                 "choose: let in only who told you their code.",
                                 "**Кто-то просит открыть доступ.** Имя каждый выбирает себе сам: "
                                 "впускайте только того, кто назвал вам свой код." },
    [NF_WORD_MORE_WAIT] = { "More on the page, under People:", "Ещё на странице, раздел «Люди»:" },
    [NF_WORD_NOBODY_WAITS] = { "Nobody waits to be let in any more.",
                               "Доступа больше никто не ждёт." },
    [NF_WORD_NOT_YOURS] = { "This is not yours to decide.", "Это решать не вам." },
    [NF_WORD_TOO_LATE] = { "It was decided already, or is no longer needed.",
                           "Уже решено или больше не нужно." },
    [NF_WORD_IN_FILE] = { "The whole answer is in the file.", "Весь ответ — в файле." },
    [NF_WORD_FILE_UNSURE] = { "The whole answer was sent as a file, and I do not know whether it "
                              "arrived. If it is not here, it can be read on the page.",
                              "Весь ответ отправлен файлом, но дошёл ли он, неизвестно. Если файла "
                              "здесь нет, ответ можно прочитать на странице." },
    [NF_WORD_MENTION_ME] = { "Here I am shown only what mentions me or answers me. Mention me, and "
                             "I am with you.",
                             "Здесь мне видно только то, где меня упомянули или мне ответили. "
                             "Упомяните меня, и я отвечу." },
    [NF_WORD_PRIVATE_CLOSED] = { "A call waits to be allowed, and I may not ask about it in "
                                 "private. Write to me in a private chat, or let members of this "
                                 "server send you direct messages. It can be decided on the page, "
                                 "too.",
                                 "Вызов ждёт разрешения, а написать об этом лично мне нельзя. "
                                 "Напишите мне в личный чат или разрешите личные сообщения от "
                                 "участников сервера. Решить можно и на странице." },
    [NF_WORD_SLOW] = { "I am slow at the moment. Your command is being taken in; if no answer "
                       "follows, give it again.",
                       "Сейчас я отвечаю медленно. Команда принимается; если ответа не будет, "
                       "дайте её ещё раз." },
    [NF_WORD_FILTERED] = { "Discord's filters did not let this answer through. It can be read on "
                           "the page.",
                           "Фильтры Discord не пропустили этот ответ. Его можно прочитать на "
                           "странице." },
};

const char *nf_word(enum nf_lang lang, enum nf_word word)
{
    assert(word < NF_WORD_COUNT);
    return words[word][lang == NF_LANG_RU];
}
