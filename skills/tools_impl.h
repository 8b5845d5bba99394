/* Private to the tools' adapter: a skill that may be called, and how its calls went. */
#pragma once

#include "observe/metrics.h"
#include "skills/scratch.h"
#include "skills/tools.h"

/* What is known of one version. Shared: a call that runs keeps it while another takes its place. */
struct nf_offered {
    int refs;
    struct nf_skill_package package;
    char *dir, *entry;            /* absolute or relative to where the daemon was started */
    struct nf_catalogue_entry is; /* the entry, as loaded */
};

void nf_offered_unref(struct nf_offered *o); /* NULL is allowed */

/* Look up what is kept as `name` and `hash`. NF_E_NOT_FOUND, NF_E_CONFLICT as in the port.
 * Suspends.
 */
NF_RC nf_offered_load(struct nf_catalogue *c, const char *name, const char *hash,
                      struct nf_offered **ret, struct nf_err *err);
/* That its files are still those of its hash: looked at anew if anything about them changed, and
 * always for a program, of which every file counts. NF_E_CONFLICT. May suspend. */
NF_RC nf_offered_check(struct nf_catalogue *c, struct nf_offered *o, struct nf_err *err);

/* --- calling ---------------------------------------------------------------------------------- */

/* A call that may be made. Borrowed. */
struct nf_tool_job {
    const struct nf_broker_deps *broker;
    struct nf_warden *warden;
    struct nf_scratches *scratches;
    const struct nf_offered *o;
    const struct nf_tool_manifest *tool;
    const struct nf_tool_call *c;
    const char *min_level;
};
/* Errors as nf_warden_call. Suspends. */
NF_RC nf_tool_run(const struct nf_tool_job *j, struct nf_skill_ran *ran, struct nf_err *err);

/* --- metrics ---------------------------------------------------------------------------------- */

/* Count a call: nexflow_skill_calls_total{skill, outcome} and nexflow_skill_call_seconds. Skills
 * beyond the first NF_TOOLS_METRICS_MAX are counted as "other". */
#define NF_TOOLS_METRICS_MAX 16
void nf_tools_count(const char *skill, enum nf_code rc, int64_t wall_us);
