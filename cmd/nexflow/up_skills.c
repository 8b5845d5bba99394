/* What `nexflow up` says of skills at its end. */
#include "cmd/nexflow/up.h"

#include <stdio.h>
#include <string.h>

static void print_names(const struct nf_json *skills, const char *level)
{
    const char *separator = "Skills: ";
    for (const struct nf_json *s = nf_json_first(skills); s; s = nf_json_next(s)) {
        const char *status = nf_json_str(nf_json_get(s, "status"));
        const char *name = nf_json_str(nf_json_get(s, "name"));
        if (!name || !status || strcmp(status, "enabled") != 0)
            continue;
        nf_cli_print(stdout, "%s%s", separator, name);
        separator = ", ";
    }
    if (separator[0] != ',')
        (void)fputs("Skills: none is enabled", stdout);
    nf_cli_print(stdout, " (sandbox %s). `nexflow skill list` shows all of them.\n",
                 level ? level : "not known");
}

void nf_up_print_skills(struct nf_cli *cli)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *health = NULL;
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *skills = NULL;
    struct nf_err ignored;

    if (!cli->config.skills.enabled ||
        nf_cli_call(cli, "GET", "/health", NULL, &health, &ignored) != NF_OK ||
        nf_cli_call(cli, "GET", "/api/v1/skills", NULL, &skills, &ignored) != NF_OK)
        return;
    const struct nf_json *sandbox = nf_json_get(nf_json_root(health), "sandbox");
    print_names(nf_json_get(nf_json_root(skills), "skills"),
                nf_json_str(nf_json_get(sandbox, "level")));
}
