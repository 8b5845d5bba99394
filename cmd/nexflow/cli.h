/* What the commands of `nexflow` share. Commands run in a fiber and may suspend. */
#pragma once

#include "base/own.h"
#include "cmd/common/config.h"
#include "codec/json.h"
#include "runtime/executor.h"
#include "runtime/http_client.h"
#include "runtime/ws_client.h"

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses. */
enum { NF_CLI_OK = 0, NF_CLI_FAILED = 1, NF_CLI_USAGE = 2 };

struct nf_cli {
    const char *config_path;        /* NULL: the default */
    struct nf_daemon_config config; /* valid if config_rc is NF_OK */
    enum nf_code config_rc;
    bool
        bare; /* config_rc is not, but the rest of the configuration is there without its secrets */
    struct nf_err config_err;
    struct nf_loop *loop;
    struct nf_http_client *http;
    struct nf_executor *blocking; /* for what reads the terminal */
    int64_t answer_ms;            /* how long an answer of the daemon may take; 0: a minute */
};

/* One of several things that a command does: `nexflow skill build`. */
struct nf_cli_verb {
    const char *name;    /* "build" */
    const char *usage;   /* "[DIR]" */
    const char *help;    /* a line for the list of verbs */
    const char *details; /* what --help of the verb says besides */
    int (*run)(struct nf_cli *cli, int argc, char **argv); /* argv[0] is the verb */
};

struct nf_cli_command {
    const char *name;                                      /* "task" */
    const char *usage;                                     /* "list|show ID|cancel ID" */
    const char *help;                                      /* a line for the list of commands */
    const char *details;                                   /* what --help of the command says */
    int (*run)(struct nf_cli *cli, int argc, char **argv); /* argv[0] is the command */
    const struct nf_cli_verb *const *verbs; /* NULL: none that has a --help of its own */
    size_t verbs_n;
};

extern const struct nf_cli_command nf_cli_chat, nf_cli_up, nf_cli_doctor, nf_cli_link, nf_cli_task,
    nf_cli_skill, nf_cli_approval, nf_cli_user, nf_cli_config, nf_cli_backup, nf_cli_pair,
    nf_cli_channel, nf_cli_migrate, nf_cli_schedule, nf_cli_status;

/* Print what came from elsewhere (a model, a person): a terminal must not take orders from it, so
 * control characters but tabs and line ends are left out, and so is what turns text around. */
void nf_cli_print(FILE *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Print "nexflow: message" and return NF_CLI_FAILED. */
int nf_cli_fail(const struct nf_err *err);
/* Print how the command is used on standard error and return NF_CLI_USAGE. */
int nf_cli_misused(const struct nf_cli_command *c);

/* The same for one of its verbs. */
int nf_cli_verb_misused(const struct nf_cli_command *c, const struct nf_cli_verb *v);
/* The verb of that name; NULL: there is none. */
const struct nf_cli_verb *nf_cli_find_verb(const struct nf_cli_command *c, const char *name);
/* Run the verb that argv[1] names. */
int nf_cli_run_verb(const struct nf_cli_command *c, struct nf_cli *cli, int argc, char **argv);

/* The configuration, or why there is none. */
NF_RC nf_cli_config_needed(const struct nf_cli *cli, struct nf_err *err);

/* NF_E_INVALID: `word` cannot be an id or a status, and does not belong into a path. */
NF_RC nf_cli_check_word(const char *word, struct nf_err *err);

/* Ask the daemon over its Unix socket. `body` NULL: none. *ret is what it answers, parsed (NULL:
 * nothing). A status of 400 and more is an error with the daemon's own words.
 * NF_E_UNAVAILABLE: no daemon is running, and how to start it. Suspends. */
NF_RC nf_cli_call(struct nf_cli *cli, const char *method, const char *path, const char *body,
                  struct nf_json_doc **ret, struct nf_err *err);

/* The daemon's answer as it came, whatever its HTTP status. Suspends. */
NF_RC nf_cli_fetch(struct nf_cli *cli, const char *method, const char *path, const char *body,
                   int *status, struct nf_str *ret, struct nf_err *err);

/* Arguments of a call for a person who decides about it: escapes that a model wrote for mere
 * letters are undone, and characters that hide or turn others are spelt out. */
NF_RC nf_cli_readable(const char *args, struct nf_str *ret, struct nf_err *err);

/* The text v[key]; "": there is none. */
const char *nf_cli_text(const struct nf_json *v, const char *key);

/* A list that the daemon gives in pages. */
struct nf_cli_rows {
    const char *path, *key; /* of the list, and of the rows in its answer */
    const char *head;       /* a line above the rows */
    const char *none;       /* a line instead of both */
    void (*print)(const struct nf_json *row);
};
/* Print it, all of its pages. Suspends. */
NF_RC nf_cli_list(struct nf_cli *cli, const struct nf_cli_rows *rows, struct nf_err *err);

/* Print a value as JSON on standard output. */
NF_RC nf_cli_print_json(const struct nf_json *v, struct nf_err *err);
/* A line of JSON that is well-formed. What a terminal would take for more than text is escaped. */
void nf_cli_put_json(const char *text);

/* A line from standard input without its end. NF_E_NOT_FOUND: there are no more. Suspends. */
NF_RC nf_cli_read_line(struct nf_cli *cli, struct nf_str *ret, struct nf_err *err);
/* The same without showing what is typed, if standard input is a terminal. `prompt` is printed once
 * that is so. */
NF_RC nf_cli_read_secret(struct nf_cli *cli, const char *prompt, struct nf_str *ret,
                         struct nf_err *err);
