/*
 * The tools of the installed skills, as the port ports/tools.h: which ones may be called now, and
 * calling them. A skill is offered if it is enabled, has a grant for exactly the files that are
 * there, and the machine's sandbox is as strong as it and the configuration ask for.
 *
 * A tool is called SKILL_TOOL; names of skills have no '_', so that is unique.
 */
#pragma once

#include "application/ports/skill_store.h"
#include "application/ports/tools.h"
#include "skills/broker.h"
#include "skills/catalogue.h"

#define NF_TOOLS_SKILLS_MAX 64 /* enabled at once: with 32 tools each more than a model takes */

struct nf_skill_tools;

/* Everything is borrowed. */
struct nf_skill_tools_options {
    const struct nf_broker_deps *broker;
    struct nf_skill_store *store;
    struct nf_catalogue *catalogue;
    struct nf_warden *warden; /* NULL: there is none, and `why` says why */
    const char *why;
};

NF_RC nf_skill_tools_new(const struct nf_skill_tools_options *o, struct nf_skill_tools **ret,
                         struct nf_err *err);
/* No call may be under way. NULL is allowed. */
void nf_skill_tools_free(struct nf_skill_tools *t);

struct nf_tools *nf_skill_tools_port(struct nf_skill_tools *t);

/* Look all skills up. What cannot be offered is logged, with the reason. Suspends. */
NF_RC nf_skill_tools_load(struct nf_skill_tools *t, struct nf_err *err);

/* Something was decided about `name`: look it up again, and end processes of what it was before.
 * For nf_catalogue_options.changed, with `tools` as its argument. Suspends. */
enum nf_code nf_skill_tools_changed(void *tools, const char *name, struct nf_err *err);
