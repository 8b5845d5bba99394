#include "persistence/memory/memory.h"

#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>

void *nf_memory_room(void *v, size_t *cap, size_t n, size_t extra, size_t size, struct nf_err *err)
{
    size_t want = *cap ? *cap : 8;
    while (want < n + extra)
        want *= 2;
    if (v && want == *cap)
        return v;
    void *grown = realloc(v, want * size);
    if (!grown)
        (void)nf_err_set(err, NF_E_NOMEM, "out of memory");
    else
        *cap = want;
    return grown;
}

struct nf_user *nf_memory_user(struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->user.n; i++)
        if (m->user.v[i].id == id)
            return &m->user.v[i];
    return NULL;
}

struct nf_memory_session *nf_memory_session(struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->session.n; i++)
        if (m->session.v[i].s.id == id)
            return &m->session.v[i];
    return NULL;
}

struct nf_memory_task *nf_memory_task(struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->task.n; i++)
        if (m->task.v[i].t.id == id)
            return &m->task.v[i];
    return NULL;
}

struct nf_outbox_item *nf_memory_item(struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->item.n; i++)
        if (m->item.v[i].id == id)
            return &m->item.v[i];
    return NULL;
}

struct nf_memory_session *nf_memory_claimed(struct nf_memory *m, const struct nf_claim *c,
                                            struct nf_err *err)
{
    struct nf_memory_session *s = nf_memory_session(m, c->session_id);
    if (s && s->s.fence == c->fence && s->s.lease_until_ms > 0)
        return s;
    (void)nf_err_set(err, NF_E_CONFLICT,
                     "this turn is no longer ours: the session was claimed or freed");
    return NULL;
}

void nf_memory_touch(struct nf_memory_task *t, int64_t now_ms)
{
    t->changes++;
    if (now_ms > t->changed_ms)
        t->changed_ms = now_ms;
}

void nf_memory_note(struct nf_memory *m, struct nf_memory_task *t)
{
    struct nf_task_change c = {
        .task_id = t->t.id, .n = t->changes, .status = t->t.status, .at_ms = t->changed_ms
    };
    assert(m->change.n < m->change.cap);
    for (size_t i = 0; t->t.reason[i]; i++)
        c.reason[i] = t->t.reason[i];
    m->change.v[m->change.n++] = c;
}

enum nf_code nf_memory_copy_task(const struct nf_task *from, struct nf_task *to, struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task t = *from;
    t.args = t.result = NULL;
    t.reply = (struct nf_parts){ 0 };
    if (from->args)
        NF_TRY(nf_strdup(from->args, &t.args, err));
    if (from->result)
        NF_TRY(nf_strdup(from->result, &t.result, err));
    NF_TRY(nf_parts_append(&t.reply, &from->reply, err));
    *to = nf_take(t);
    return NF_OK;
}

enum nf_code nf_memory_copy_message(const struct nf_message *from, struct nf_message *to,
                                    struct nf_err *err)
{
    NF_CLEANUP(nf_message_done) struct nf_message m = *from;
    m.content = NULL;
    m.parts = (struct nf_parts){ 0 };
    NF_TRY(nf_strdup(from->content ? from->content : "", &m.content, err));
    NF_TRY(nf_parts_append(&m.parts, &from->parts, err));
    *to = nf_take(m);
    return NF_OK;
}

enum nf_code nf_memory_push_task(struct nf_tasks *list, const struct nf_task *from,
                                 struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task t = { 0 };
    NF_TRY(nf_memory_copy_task(from, &t, err));
    return nf_tasks_push(list, &t, err);
}

enum nf_code nf_memory_push_message(struct nf_messages *list, const struct nf_message *from,
                                    struct nf_err *err)
{
    NF_CLEANUP(nf_message_done) struct nf_message m = { 0 };
    NF_TRY(nf_memory_copy_message(from, &m, err));
    return nf_messages_push(list, &m, err);
}

static void memory_free(void *impl)
{
    struct nf_memory *m = impl;
    for (size_t i = 0; i < m->message.n; i++)
        nf_message_done(&m->message.v[i]);
    for (size_t i = 0; i < m->task.n; i++)
        nf_task_done(&m->task.v[i].t);
    for (size_t i = 0; i < m->inbox.n; i++)
        free(m->inbox.v[i].source);
    free(m->user.v);
    free(m->identity.v);
    free(m->session.v);
    free(m->message.v);
    free(m->inbox.v);
    free(m->task.v);
    free(m->change.v);
    free(m->usage.v);
    free(m->item.v);
    free(m->credential.v);
    for (size_t i = 0; i < m->approval.n; i++)
        nf_approval_done(&m->approval.v[i]);
    free(m->approval.v);
    free(m->skill.v);
    for (size_t i = 0; i < m->pair.n; i++)
        nf_memory_pair_done(&m->pair.v[i]);
    free(m->pair.v);
    free(m->instance.v);
    free(m->chat.v);
    free(m->pairing.v);
    free(m->invite.v);
    free(m->source.v);
    for (size_t i = 0; i < m->held.n; i++)
        nf_memory_held_done(&m->held.v[i]);
    free(m->held.v);
    free(m->unreachable.v);
    free(m->schedule.v);
    free(m->schedule_run.v);
    free(m->schedule_day.v);
    for (size_t i = 0; i < m->kept.n; i++)
        nf_memory_kept_done(&m->kept.v[i]);
    free(m->kept.v);
    free(m);
}

enum nf_code nf_memory_store_new(struct nf_stores *ret, struct nf_err *err)
{
    struct nf_memory *m = calloc(1, sizeof(*m));
    if (!m)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    m->turns.ops = &nf_memory_turns;
    m->sessions.ops = &nf_memory_sessions;
    m->users.ops = &nf_memory_users;
    m->tasks.ops = &nf_memory_tasks;
    m->outbox.ops = &nf_memory_outbox;
    m->credentials.ops = &nf_memory_credentials;
    m->approvals.ops = &nf_memory_approvals;
    m->skills.ops = &nf_memory_skills;
    m->kv.ops = &nf_memory_kv;
    m->retention.ops = &nf_memory_retention;
    m->instances.ops = &nf_memory_instances;
    m->chats.ops = &nf_memory_chats;
    m->pairings.ops = &nf_memory_pairings;
    m->schedules.ops = &nf_memory_schedules;
    m->search.ops = &nf_memory_search;
    m->notes.ops = &nf_memory_notes;
    *ret = (struct nf_stores){
        .turns = &m->turns,
        .sessions = &m->sessions,
        .users = &m->users,
        .tasks = &m->tasks,
        .outbox = &m->outbox,
        .credentials = &m->credentials,
        .approvals = &m->approvals,
        .skills = &m->skills,
        .kv = &m->kv,
        .retention = &m->retention,
        .instances = &m->instances,
        .chats = &m->chats,
        .pairings = &m->pairings,
        .schedules = &m->schedules,
        .search = &m->search,
        .notes = &m->notes,
        .impl = m,
        .free = memory_free,
    };
    return NF_OK;
}
