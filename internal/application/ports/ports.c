/* The few lines of the ports that are not adapters' business: freeing lists, finding a channel. */
#include "application/ports/channel.h"
#include "application/ports/chat_store.h"
#include "application/ports/kv_store.h"
#include "application/ports/session_store.h"
#include "application/ports/skill_files.h"
#include "application/ports/skill_store.h"
#include "application/ports/task_store.h"
#include "application/ports/tools.h"
#include "application/ports/turn_store.h"
#include "application/ports/user_store.h"

#include <stdlib.h>
#include <string.h>

void nf_sessions_done(struct nf_sessions *s)
{
    free(s->v);
    *s = (struct nf_sessions){ 0 };
}

void nf_task_changes_done(struct nf_task_changes *c)
{
    free(c->v);
    *c = (struct nf_task_changes){ 0 };
}

void nf_claims_done(struct nf_claims *c)
{
    free(c->session_ids);
    *c = (struct nf_claims){ 0 };
}

void nf_skill_package_done(struct nf_skill_package *p)
{
    nf_skill_manifest_done(&p->manifest);
    memset(p->hash, 0, sizeof(p->hash));
}

void nf_users_done(struct nf_users *u)
{
    free(u->v);
    *u = (struct nf_users){ 0 };
}

void nf_identities_done(struct nf_identities *i)
{
    free(i->v);
    *i = (struct nf_identities){ 0 };
}

void nf_skills_done(struct nf_skills *s)
{
    free(s->v);
    *s = (struct nf_skills){ 0 };
}

void nf_chat_refs_done(struct nf_chat_refs *r)
{
    free(r->v);
    *r = (struct nf_chat_refs){ 0 };
}

void nf_kv_names_done(struct nf_kv_names *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->v[i]);
    free(n->v);
    *n = (struct nf_kv_names){ 0 };
}

void nf_tool_outcome_done(struct nf_tool_outcome *o)
{
    nf_str_done(&o->text);
    *o = (struct nf_tool_outcome){ 0 };
}

struct nf_channel *nf_channels_find(const struct nf_channels *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i]->name, name) == 0)
            return c->v[i];
    return NULL;
}
