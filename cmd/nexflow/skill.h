/* What the verbs of `nexflow skill` share. */
#pragma once

#include "cmd/nexflow/cli.h"
#include "skills/package.h"

#define NF_SKILL_SOURCE_MAX ((size_t)4 << 20) /* of a file of a skill that we read */

extern const struct nf_cli_verb nf_skill_verb_new, nf_skill_verb_build, nf_skill_verb_test,
    nf_skill_verb_install, nf_skill_verb_list, nf_skill_verb_show, nf_skill_verb_run,
    nf_skill_verb_enable, nf_skill_verb_disable, nf_skill_verb_remove, nf_skill_verb_logs;

/* Print how a verb of `skill` is used and return NF_CLI_USAGE. */
static inline int nf_skill_misused(const struct nf_cli_verb *v)
{
    return nf_cli_verb_misused(&nf_cli_skill, v);
}

/* What lies in a directory, read once so that what is shown, tried and agreed to are the same
 * bytes. */
struct nf_skill_found {
    const char *dir;
    struct nf_package files;
    struct nf_skill_manifest manifest;
    char hash[NF_SKILL_HASH + 1];
};
void nf_skill_found_done(struct nf_skill_found *f);
/* NF_E_NOT_FOUND, NF_E_INVALID, NF_E_LIMIT: it is no skill, and why. *ret is zeroed before.
 * Suspends.
 */
NF_RC nf_skill_look(struct nf_cli *cli, const char *dir, struct nf_skill_found *ret,
                    struct nf_err *err);

/* "/api/v1/skills/NAME" and `tail`. NF_E_INVALID: that can be no name of a skill. */
NF_RC nf_skill_path(const char *name, const char *tail, struct nf_str *ret, struct nf_err *err);

/* Ask a question that a person answers by y; *ret: they did. NF_E_INVALID: nobody is there to ask,
 * and that --yes answers for them. Suspends. */
NF_RC nf_skill_ask(struct nf_cli *cli, const char *question, bool *ret, struct nf_err *err);

/* Write a new skill into the directory `name`, which must not exist. NF_E_INVALID: no name of a
 * skill; NF_E_CONFLICT: something of that name is there. On failure nothing is left behind. */
NF_RC nf_skill_scaffold(const char *name, struct nf_err *err);

/* All of the file DIR/NAME. NF_E_NOT_FOUND names it; NF_E_LIMIT: over NF_SKILL_SOURCE_MAX. */
NF_RC nf_skill_read_file(const char *dir, const char *name, struct nf_str *ret, struct nf_err *err);

/* The directory in which a skill's #include <nexflow/skill.h> is found: relative to this program,
 * as installed or as built in the tree; else NF_E_NOT_FOUND. */
NF_RC nf_skill_include_dir(struct nf_str *ret, struct nf_err *err);

/* Compile the *.c of a directory into the file that its manifest names; `extra`, NULL-terminated:
 * further arguments for the compiler, whose own words go to standard error. What was built before
 * stays unless it succeeds. Suspends. */
NF_RC nf_skill_compile(struct nf_cli *cli, const char *dir, char *const *extra, struct nf_err *err);
