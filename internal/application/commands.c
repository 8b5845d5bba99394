#include "application/commands.h"

#include <assert.h>
#include <string.h>

struct command {
    struct nf_command_info info;
    const char *description[2], *arg[2];
};

static const struct command commands[NF_COMMAND_COUNT] = {
    [NF_COMMAND_START] = { { "start", NULL, false }, { "Begin", "Начать" }, { "", "" } },
    [NF_COMMAND_HELP] = { { "help", NULL, true }, { "What I can do", "Что я умею" }, { "", "" } },
    [NF_COMMAND_NEW] = { { "new", NULL, true },
                         { "Begin a new conversation", "Начать новый разговор" },
                         { "", "" } },
    [NF_COMMAND_STOP] = { { "stop", NULL, true },
                          { "Stop what I am doing now", "Остановить то, что я делаю" },
                          { "", "" } },
    [NF_COMMAND_MODEL] = { { "model", "name", true },
                           { "Show or choose the model", "Показать или выбрать модель" },
                           { "The model to use; \"default\" for the usual one",
                             "Какую модель взять; \"default\" — обычную" } },
    [NF_COMMAND_TASKS] = { { "tasks", NULL, true },
                           { "What runs, waits and was done", "Что выполняется, ждёт и сделано" },
                           { "", "" } },
    [NF_COMMAND_STATUS] = { { "status", NULL, true },
                            { "How this conversation stands", "Состояние этого разговора" },
                            { "", "" } },
    [NF_COMMAND_SKILLS] = { { "skills", NULL, true },
                            { "The tools I may use", "Инструменты, которые мне доступны" },
                            { "", "" } },
    [NF_COMMAND_SCHEDULES] = { { "schedules", "change", true },
                               { "Your reminders and schedules", "Ваши напоминания и расписания" },
                               { "For example \"pause ID\" or \"delete ID\"",
                                 "Например, \"pause ID\" или \"delete ID\"" } },
    [NF_COMMAND_SETTINGS] = { { "settings", "change", true },
                              { "Show or change your settings",
                                "Показать или изменить ваши настройки" },
                              { "For example \"lang en\"", "Например, \"lang ru\"" } },
    [NF_COMMAND_PAIR] = { { "pair", "code", false },
                          { "Let somebody in by their code", "Впустить человека по его коду" },
                          { "The code that they were given", "Код, который ему дали" } },
};

static const struct command *command(enum nf_command c)
{
    assert(c > NF_COMMAND_NONE && c < NF_COMMAND_COUNT);
    return &commands[c];
}

const struct nf_command_info *nf_command_info(enum nf_command c)
{
    return &command(c)->info;
}

const char *nf_command_description(enum nf_command c, enum nf_lang lang)
{
    return command(c)->description[lang == NF_LANG_RU];
}

const char *nf_command_arg_description(enum nf_command c, enum nf_lang lang)
{
    return command(c)->arg[lang == NF_LANG_RU];
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of the word that begins at `p`. */
static const char *word_end(const char *p, bool stop_at_mention)
{
    while (*p && !is_blank(*p) && !(stop_at_mention && *p == '@'))
        p++;
    return p;
}

enum nf_command nf_command_of(const char *text, const char **arg)
{
    if (text[0] != '/')
        return NF_COMMAND_NONE;
    const char *end = word_end(text + 1, true);
    size_t n = (size_t)(end - text - 1);
    for (enum nf_command c = NF_COMMAND_START; c < NF_COMMAND_COUNT; c++) {
        const char *name = commands[c].info.name;
        if (strlen(name) != n || memcmp(name, text + 1, n) != 0)
            continue;
        end = word_end(end, false);
        while (is_blank(*end))
            end++;
        if (arg)
            *arg = end;
        return c;
    }
    return NF_COMMAND_NONE;
}
