/* nexflow config: check, show and describe the configuration. Needs no daemon. */
#include "cmd/nexflow/cli.h"

#include <stdio.h>
#include <string.h>

static NF_RC print_settings(struct nf_cli *cli, const char *what, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str text = { .max = (size_t)8 << 20 };
    struct nf_daemon_config empty = { 0 };
    struct nf_config_part parts[NF_DAEMON_PARTS];

    if (strcmp(what, "show") == 0) {
        NF_TRY(nf_cli_config_needed(cli, err));
        nf_daemon_config_parts(&cli->config, parts);
        NF_TRY(nf_config_show(parts, NF_DAEMON_PARTS, &text, err));
    } else {
        nf_daemon_config_parts(&empty, parts);
        NF_TRY(strcmp(what, "schema") == 0
                   ? nf_config_schema(parts, NF_DAEMON_PARTS, &text, err)
                   : nf_config_reference(parts, NF_DAEMON_PARTS, &text, err));
    }
    (void)fputs(nf_str_c(&text), stdout);
    return NF_OK;
}

static int run_config(struct nf_cli *cli, int argc, char **argv)
{
    static const char *const verbs[] = { "show", "schema", "reference" };
    struct nf_err err;

    if (argc != 2)
        return nf_cli_misused(&nf_cli_config);
    if (strcmp(argv[1], "check") == 0) {
        if (nf_cli_config_needed(cli, &err) != NF_OK)
            return nf_cli_fail(&err);
        return puts("The configuration is right.") < 0;
    }
    for (size_t i = 0; i < NF_COUNT(verbs); i++)
        if (strcmp(argv[1], verbs[i]) == 0)
            return print_settings(cli, verbs[i], &err) == NF_OK ? NF_CLI_OK : nf_cli_fail(&err);
    return nf_cli_misused(&nf_cli_config);
}

const struct nf_cli_command nf_cli_config = {
    .name = "config",
    .usage = "check | show | schema | reference",
    .help = "check, show and describe the configuration",
    .details = "  check      say whether the file is right, else line, key and what is allowed\n"
               "  show       every setting as it is in force; secrets read (set) or (not set)\n"
               "  schema     JSON Schema of the file, for editors\n"
               "  reference  all settings with their defaults and bounds, in Markdown\n"
               "\n"
               "A running daemon takes over what can be changed on SIGHUP.\n",
    .run = run_config,
};
