/* nexflow skill: make, install and use skills. */
#include "cmd/nexflow/skill.h"

static const struct nf_cli_verb *const verbs[] = {
    &nf_skill_verb_new,     &nf_skill_verb_build,  &nf_skill_verb_test, &nf_skill_verb_install,
    &nf_skill_verb_list,    &nf_skill_verb_show,   &nf_skill_verb_run,  &nf_skill_verb_enable,
    &nf_skill_verb_disable, &nf_skill_verb_remove, &nf_skill_verb_logs,
};

static int run_skill(struct nf_cli *cli, int argc, char **argv)
{
    return nf_cli_run_verb(&nf_cli_skill, cli, argc, argv);
}

const struct nf_cli_command nf_cli_skill = {
    .name = "skill",
    .usage =
        "new NAME | build [DIR] [-- COMPILER-ARGUMENTS] | test [DIR] | install DIR [--yes] | "
        "list [--json] | show NAME [--json] | run NAME TOOL [ARGUMENTS] [--json] | "
        "enable NAME [--yes] | disable NAME | remove NAME [--data] [--yes] | logs NAME [--follow]",
    .help = "make, test, install and use skills",
    .details =
        "A skill is a directory with a manifest, skill.json, and what runs: a plugin in C, or a\n"
        "program. It runs in a sandbox and may do what its manifest names and you agreed to.\n",
    .run = run_skill,
    .verbs = verbs,
    .verbs_n = NF_COUNT(verbs),
};
