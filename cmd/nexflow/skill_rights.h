/* What a skill may do, in plain words: for the person who is asked. */
#pragma once

#include "cmd/nexflow/cli.h"
#include "domain/skill_manifest.h"

/* Append a line for each thing that a skill with this manifest may do, and for each of its tools.
 * Equal lines are equal rights. */
NF_RC nf_rights_tell(const struct nf_skill_manifest *m, struct nf_str *to, struct nf_err *err);
/* The same of a skill as the daemon tells it: SKILL in docs/api.md. */
NF_RC nf_rights_tell_answer(const struct nf_json *skill, struct nf_str *to, struct nf_err *err);

/* Append lines with what a skill may use up. */
NF_RC nf_rights_tell_limits(const struct nf_skill_manifest *m, struct nf_str *to,
                            struct nf_err *err);

/* Print such lines, each with `mark` before it. */
void nf_rights_print(const char *lines, const char *mark);

/* Print the lines that only one of the two has, or that there is no difference. */
void nf_rights_print_changes(const char *before, const char *now);
