/* The few lines of the ports that are not adapters' business: freeing lists, finding a channel. */
#include "application/ports/channel.h"
#include "application/ports/chat_store.h"
#include "application/ports/kv_store.h"
#include "application/ports/note_store.h"
#include "application/ports/pairing_store.h"
#include "application/ports/schedule_store.h"
#include "application/ports/search_store.h"
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

void nf_schedules_done(struct nf_schedules *s)
{
    free(s->v);
    free(s->damaged);
    *s = (struct nf_schedules){ 0 };
}

size_t nf_schedules_rows(const struct nf_schedules *s)
{
    return s->n + s->damaged_n;
}

void nf_schedule_runs_done(struct nf_schedule_runs *r)
{
    free(r->v);
    *r = (struct nf_schedule_runs){ 0 };
}

void nf_search_hits_done(struct nf_search_hits *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->v[i].snippet);
    free(h->v);
    *h = (struct nf_search_hits){ 0 };
}

void nf_task_changes_done(struct nf_task_changes *c)
{
    free(c->v);
    *c = (struct nf_task_changes){ 0 };
}

void nf_task_titles_done(struct nf_task_titles *t)
{
    free(t->v);
    *t = (struct nf_task_titles){ 0 };
}

void nf_usage_hours_done(struct nf_usage_hours *h)
{
    free(h->v);
    *h = (struct nf_usage_hours){ 0 };
}

void nf_leases_done(struct nf_leases *l)
{
    free(l->v);
    *l = (struct nf_leases){ 0 };
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

void nf_pairings_done(struct nf_pairings *p)
{
    free(p->v);
    *p = (struct nf_pairings){ 0 };
}

enum nf_code nf_invites_full(int64_t max, struct nf_err *err)
{
    return nf_err_set(err, NF_E_LIMIT,
                      "%lld invitations of this user are open: use one of them, or wait an hour",
                      (long long)max);
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

void nf_cursors_done(struct nf_cursors *c)
{
    free(c->v);
    *c = (struct nf_cursors){ 0 };
}

void nf_helds_done(struct nf_helds *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->v[i].body);
    free(h->v);
    *h = (struct nf_helds){ 0 };
}

void nf_held_lanes_done(struct nf_held_lanes *l)
{
    free(l->v);
    *l = (struct nf_held_lanes){ 0 };
}

void nf_unreachables_done(struct nf_unreachables *u)
{
    free(u->v);
    *u = (struct nf_unreachables){ 0 };
}

void nf_note_done(struct nf_note *n)
{
    free(n->value);
    *n = (struct nf_note){ 0 };
}

void nf_notes_done(struct nf_notes *n)
{
    for (size_t i = 0; i < n->n; i++)
        nf_note_done(&n->v[i]);
    free(n->v);
    *n = (struct nf_notes){ 0 };
}

enum nf_code nf_note_check(const char *source, const char *name, const char *value,
                           struct nf_err *err)
{
    if (strlen(source) > NF_CURSOR_SOURCE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a note's source has more than %d bytes",
                          NF_CURSOR_SOURCE_MAX);
    if (strlen(name) > NF_NOTE_NAME_MAX)
        return nf_err_set(err, NF_E_LIMIT, "a note's name has more than %d bytes",
                          NF_NOTE_NAME_MAX);
    if (strlen(value) > NF_NOTE_VALUE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "note '%s' has more than %d bytes", name,
                          NF_NOTE_VALUE_MAX);
    return NF_OK;
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
    nf_str_done(&o->words);
    *o = (struct nf_tool_outcome){ 0 };
}

struct nf_channel *nf_channels_find(const struct nf_channels *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->v[i]->name, name) == 0)
            return c->v[i];
    return NULL;
}
