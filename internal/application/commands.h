/* The commands that people give in chat networks: "/help". They are answered without a model. */
#pragma once

#include "domain/lang.h"

#include <stdbool.h>
#include <stddef.h>

#define NF_COMMAND_NAME_MAX 32         /* bytes: Telegram and Discord both take as many */
#define NF_COMMAND_DESCRIPTION_MAX 100 /* characters: Discord's bound, Telegram's is 256 */

enum nf_command {
    NF_COMMAND_NONE = 0,
    NF_COMMAND_START,
    NF_COMMAND_HELP,
    NF_COMMAND_NEW,
    NF_COMMAND_STOP,
    NF_COMMAND_MODEL,
    NF_COMMAND_TASKS,
    NF_COMMAND_STATUS,
    NF_COMMAND_SKILLS,
    NF_COMMAND_SCHEDULES,
    NF_COMMAND_SETTINGS,
    NF_COMMAND_PAIR,
    NF_COMMAND_COUNT,
};

/* A command as a network's menu shows it. */
struct nf_command_info {
    const char *name; /* without the slash, [a-z] */
    const char *arg;  /* name of its one argument, NULL: it takes none. Always optional. */
    bool menu;        /* offered to everybody */
};
const struct nf_command_info *nf_command_info(enum nf_command c);
const char *nf_command_description(enum nf_command c, enum nf_lang lang);
const char *nf_command_arg_description(enum nf_command c, enum nf_lang lang); /* "" without one */

/* Which command a text is: "/model", "/model fast", "/model@some_bot fast"; *arg, which may be
 * NULL, points behind the blanks that follow it. NF_COMMAND_NONE: it is a message. */
enum nf_command nf_command_of(const char *text, const char **arg);
