/* nexflow: the command line. */
#include "cmd/nexflow/cli.h"
#include "observe/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct nf_cli_command *const commands[] = {
    &nf_cli_up,     &nf_cli_chat,     &nf_cli_doctor,   &nf_cli_link,    &nf_cli_task,
    &nf_cli_skill,  &nf_cli_approval, &nf_cli_user,     &nf_cli_pair,    &nf_cli_channel,
    &nf_cli_config, &nf_cli_backup,   &nf_cli_schedule, &nf_cli_migrate, &nf_cli_status,
};

static void print_help(FILE *to)
{
    (void)fputs("Usage: nexflow [--config FILE] COMMAND [ARGUMENTS]\n"
                "\n"
                "Talks to the Nexflow daemon on this machine, over its Unix socket.\n"
                "\n",
                to);
    for (size_t i = 0; i < NF_COUNT(commands); i++)
        (void)fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->help);
    (void)fputs(
        "\n"
        "  -c, --config FILE  the daemon's configuration; without it " NF_CONFIG_DEFAULT_PATH "\n"
        "  -V, --version      print the version\n"
        "  -h, --help         print this; behind a command, more about it\n"
        "\n"
        "Exit status: 0 done, 1 failed, 2 wrong use.\n",
        to);
}

static const struct nf_cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < NF_COUNT(commands); i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

struct job {
    struct nf_cli cli;
    const struct nf_cli_command *command;
    int argc;
    char **argv;
    int status;
};

static enum nf_code run_command(void *arg, struct nf_err *err)
{
    struct job *j = arg;
    const struct nf_http_client_options options = { .user_agent = "nexflow/" NF_VERSION };
    NF_TRY(nf_http_client_new(j->cli.loop, &options, &j->cli.http, err));
    enum nf_code rc = nf_executor_new(j->cli.loop, "terminal", 1, 4, &j->cli.blocking, err);
    if (rc == NF_OK)
        j->status = j->command->run(&j->cli, j->argc, j->argv);
    nf_executor_free(j->cli.blocking);
    nf_http_client_free(j->cli.http);
    return rc;
}

static int run(struct job *j)
{
    struct nf_err err;
    /* A broken configuration must not keep `config check` and `doctor` from saying so. */
    j->cli.config_rc =
        nf_daemon_config_load(j->cli.config_path, &j->cli.config, &j->cli.config_err);
    if (j->cli.config_rc != NF_OK)
        j->cli.bare = nf_daemon_config_load_bare(j->cli.config_path, &j->cli.config, &err) == NF_OK;
    if (nf_loop_new(&j->cli.loop, &err) != NF_OK)
        return nf_cli_fail(&err);
    enum nf_code rc = nf_loop_run(j->cli.loop, run_command, j, &err);
    nf_loop_free(j->cli.loop);
    nf_daemon_config_done(&j->cli.config);
    return rc == NF_OK ? j->status : nf_cli_fail(&err);
}

static int misused(const char *what, const char *word)
{
    (void)fprintf(stderr, "nexflow: %s '%s'\n\n", what, word);
    print_help(stderr);
    return NF_CLI_USAGE;
}

static bool asks_for_help(const struct job *j)
{
    for (int i = 1; i < j->argc && strcmp(j->argv[i], "--") != 0; i++)
        if (strcmp(j->argv[i], "--help") == 0 || strcmp(j->argv[i], "-h") == 0)
            return true;
    return false;
}

static int print_command_help(const struct job *j)
{
    const struct nf_cli_command *c = j->command;
    const struct nf_cli_verb *v = j->argc > 1 ? nf_cli_find_verb(c, j->argv[1]) : NULL;
    if (v) {
        (void)printf("Usage: nexflow %s %s %s\n\n%s %s: %s.\n%s%s", c->name, v->name, v->usage,
                     c->name, v->name, v->help, v->details[0] ? "\n" : "", v->details);
        return NF_CLI_OK;
    }
    (void)printf("Usage: nexflow %s %s\n\n%s", c->name, c->usage, c->details);
    if (c->verbs_n > 0)
        (void)puts("");
    for (size_t i = 0; i < c->verbs_n; i++)
        (void)printf("  %-8s %s\n", c->verbs[i]->name, c->verbs[i]->help);
    if (c->verbs_n > 0)
        (void)printf("\n`nexflow %s VERB --help` says more about each.\n", c->name);
    return NF_CLI_OK;
}

int main(int argc, char **argv)
{
    struct job j = { 0 };
    int i = 1;

    nf_log_setup(STDERR_FILENO, NF_LOG_ERROR, NF_LOG_CONSOLE);
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0)
            return puts("nexflow " NF_VERSION) < 0;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            print_help(stdout);
            return NF_CLI_OK;
        }
        if ((strcmp(argv[i], "--config") != 0 && strcmp(argv[i], "-c") != 0) || i + 1 == argc)
            return misused("unknown option, or one without its value:", argv[i]);
        j.cli.config_path = argv[++i];
    }
    if (i == argc) {
        print_help(stderr);
        return NF_CLI_USAGE;
    }
    j.command = find_command(argv[i]);
    if (!j.command)
        return misused("there is no command", argv[i]);
    j.argc = argc - i;
    j.argv = argv + i;
    if (asks_for_help(&j))
        return print_command_help(&j);
    return run(&j);
}
