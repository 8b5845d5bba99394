#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_session_store *s)
{
    assert(s->ops == &nf_memory_sessions);
    return nf_container_of(s, struct nf_memory, sessions);
}

static NF_RC not_found(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such session");
}

static struct nf_memory_session *visible(struct nf_memory *m, int64_t id, int64_t user_id)
{
    struct nf_memory_session *s = nf_memory_session(m, id);
    return s && (user_id == 0 || s->s.user_id == user_id) ? s : NULL;
}

static enum nf_code get(struct nf_session_store *st, int64_t id, int64_t user_id,
                        struct nf_session *ret, struct nf_err *err)
{
    const struct nf_memory_session *s = visible(memory_of(st), id, user_id);
    if (!s)
        return not_found(err);
    *ret = s->s;
    return NF_OK;
}

static const struct nf_session *in_chat(const struct nf_memory *m, int64_t user_id,
                                        const char *channel, const char *address)
{
    for (size_t i = 0; i < m->session.n && address[0]; i++) {
        const struct nf_session *s = &m->session.v[i].s;
        bool theirs = user_id ? !s->shared && s->user_id == user_id : s->shared;
        if (theirs && !s->retired && strcmp(s->channel, channel) == 0 &&
            strcmp(s->address, address) == 0)
            return s;
    }
    return NULL;
}

static enum nf_code find(struct nf_session_store *st, int64_t user_id, const char *channel,
                         const char *address, struct nf_session *ret, struct nf_err *err)
{
    const struct nf_session *s = in_chat(memory_of(st), user_id, channel, address);
    if (!s)
        return not_found(err);
    *ret = *s;
    return NF_OK;
}

static int newest_first(const void *a, const void *b)
{
    const struct nf_session *x = a, *y = b;
    if (x->updated_ms != y->updated_ms)
        return x->updated_ms > y->updated_ms ? -1 : 1;
    return x->id > y->id ? -1 : x->id < y->id;
}

static int pinned_last_first(const void *a, const void *b)
{
    const struct nf_session *x = a, *y = b;
    if (x->pinned_ms != y->pinned_ms)
        return x->pinned_ms > y->pinned_ms ? -1 : 1;
    return x->id > y->id ? -1 : x->id < y->id;
}

static enum nf_code list(struct nf_session_store *st, int64_t user_id, int64_t before_ms,
                         int64_t before_id, size_t limit, struct nf_sessions *ret,
                         struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_session *v = calloc(m->session.n + 1, sizeof(*v));
    size_t n = 0;
    bool first = before_ms == 0 && before_id == 0;
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->session.n; i++) {
        const struct nf_session *s = &m->session.v[i].s;
        bool before =
            first || s->updated_ms < before_ms || (s->updated_ms == before_ms && s->id < before_id);
        if (s->user_id == user_id && before)
            v[n++] = *s;
    }
    qsort(v, n, sizeof(*v), newest_first);
    *ret = (struct nf_sessions){ .v = v, .n = n < limit ? n : limit };
    return NF_OK;
}

static enum nf_code create(struct nf_session_store *st, const struct nf_session *in,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    int64_t whose = in->shared ? 0 : in->user_id;
    if (nf_memory_session(m, in->id) ||
        (!in->retired && in_chat(m, whose, in->channel, in->address)))
        return nf_err_set(err, NF_E_CONFLICT, "this session exists");
    NF_TRY(NF_MEMORY_ROOM(&m->session, 1, err));
    struct nf_memory_session *s = &m->session.v[m->session.n++];
    *s = (struct nf_memory_session){ .s = *in, .ready_ms = in->created_ms };
    s->s.last_seq = s->s.pending = s->s.fence = s->s.lease_until_ms = 0;
    return NF_OK;
}

static enum nf_code rename_session(struct nf_session_store *st, const struct nf_session *in,
                                   int64_t now_ms, struct nf_err *err)
{
    struct nf_memory_session *s = nf_memory_session(memory_of(st), in->id);
    if (!s || s->s.user_id != in->user_id)
        return not_found(err);
    memcpy(s->s.title, in->title, sizeof(s->s.title));
    s->s.updated_ms = now_ms;
    return NF_OK;
}

static enum nf_code set_model(struct nf_session_store *st, int64_t id, const char *model,
                              struct nf_err *err)
{
    struct nf_memory_session *s = nf_memory_session(memory_of(st), id);
    if (!s)
        return not_found(err);
    memset(s->s.model, 0, sizeof(s->s.model));
    memcpy(s->s.model, model, strnlen(model, NF_MODEL_NAME_MAX));
    return NF_OK;
}

static enum nf_code pinned(struct nf_session_store *st, int64_t user_id, size_t limit,
                           struct nf_sessions *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_sessions found = { .v = calloc(m->session.n + 1, sizeof(*found.v)) };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->session.n; i++)
        if (m->session.v[i].s.user_id == user_id && m->session.v[i].s.pinned_ms > 0)
            found.v[found.n++] = m->session.v[i].s;
    qsort(found.v, found.n, sizeof(*found.v), pinned_last_first);
    found.n = found.n < limit ? found.n : limit;
    *ret = found;
    return NF_OK;
}

static enum nf_code pin(struct nf_session_store *st, int64_t id, int64_t user_id, int64_t at_ms,
                        struct nf_err *err)
{
    struct nf_memory_session *s = nf_memory_session(memory_of(st), id);
    if (!s || s->s.user_id != user_id)
        return not_found(err);
    s->s.pinned_ms = at_ms;
    return NF_OK;
}

static bool is_of(const struct nf_memory *m, int64_t task_id, int64_t session_id)
{
    for (size_t i = 0; i < m->task.n; i++)
        if (m->task.v[i].t.id == task_id)
            return m->task.v[i].t.session_id == session_id;
    return false;
}

static void remove_tasks(struct nf_memory *m, int64_t session_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->change.n; i++)
        if (!is_of(m, m->change.v[i].task_id, session_id))
            m->change.v[kept++] = m->change.v[i];
    m->change.n = kept;
    kept = 0;
    for (size_t i = 0; i < m->task.n; i++) {
        if (m->task.v[i].t.session_id == session_id)
            nf_task_done(&m->task.v[i].t);
        else
            m->task.v[kept++] = m->task.v[i];
    }
    m->task.n = kept;
}

static void remove_texts(struct nf_memory *m, int64_t session_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->message.n; i++) {
        if (m->message.v[i].session_id == session_id)
            nf_message_done(&m->message.v[i]);
        else
            m->message.v[kept++] = m->message.v[i];
    }
    m->message.n = kept;
    kept = 0;
    for (size_t i = 0; i < m->item.n; i++)
        if (m->item.v[i].session_id != session_id || nf_outbox_is_final(m->item.v[i].status))
            m->item.v[kept++] = m->item.v[i];
    m->item.n = kept;
}

static void remove_approvals(struct nf_memory *m, int64_t session_id)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->approval.n; i++) {
        if (m->approval.v[i].session_id == session_id)
            nf_approval_done(&m->approval.v[i]);
        else
            m->approval.v[kept++] = m->approval.v[i];
    }
    m->approval.n = kept;
}

static enum nf_code remove_session(struct nf_session_store *st, int64_t id, int64_t user_id,
                                   struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_session *s = visible(m, id, user_id);
    if (!s)
        return not_found(err);
    if (s->s.pending > 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "a turn of this session runs or waits: stop it first");
    remove_tasks(m, id);
    remove_texts(m, id);
    remove_approvals(m, id);
    *s = m->session.v[--m->session.n];
    return NF_OK;
}

static NF_RC push(struct nf_messages *list, const struct nf_message *from, int64_t media,
                  struct nf_err *err)
{
    struct nf_message m = *from;
    if (m.role == NF_ROLE_USER && m.seq < media)
        m.parts = (struct nf_parts){ 0 };
    return nf_memory_push_message(list, &m, err);
}

/* Messages lie in the order of their seq within a session, as they are appended. */
static NF_RC read_messages(struct nf_memory *m, int64_t session_id, int64_t before, int64_t media,
                           size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages found = { 0 };
    size_t first = m->message.n;
    for (size_t n = 0; first > 0 && n < limit; first--) {
        const struct nf_message *x = &m->message.v[first - 1];
        if (x->session_id == session_id && (before == 0 || x->seq < before))
            n++;
    }
    for (size_t i = first; i < m->message.n; i++) {
        const struct nf_message *x = &m->message.v[i];
        if (x->session_id == session_id && (before == 0 || x->seq < before))
            NF_TRY(push(&found, x, media, err));
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code messages(struct nf_session_store *st, int64_t session_id, int64_t before,
                             size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    return read_messages(memory_of(st), session_id, before, INT64_MAX, limit, ret, err);
}

static enum nf_code history(struct nf_session_store *st, int64_t session_id, int64_t media,
                            size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    return read_messages(memory_of(st), session_id, 0, media, limit, ret, err);
}

static enum nf_code run_messages(struct nf_session_store *st, int64_t session_id, int64_t run_id,
                                 struct nf_messages *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_messages_done) struct nf_messages found = { 0 };
    for (size_t i = 0; i < m->message.n; i++)
        if (m->message.v[i].session_id == session_id && m->message.v[i].run_id == run_id)
            NF_TRY(nf_memory_push_message(&found, &m->message.v[i], err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code runs_since(struct nf_session_store *st, int64_t session_id, int64_t fence,
                               size_t limit, struct nf_tasks *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_tasks_done) struct nf_tasks found = { 0 };
    if (fence < 1)
        fence = 1;
    while (found.n < limit) {
        const struct nf_task *next = NULL;
        for (size_t i = 0; i < m->task.n; i++) {
            const struct nf_task *t = &m->task.v[i].t;
            if (t->session_id == session_id && t->kind == NF_TASK_TURN && t->fence >= fence &&
                (!next || t->fence < next->fence))
                next = t;
        }
        if (!next)
            break;
        NF_TRY(nf_memory_push_task(&found, next, err));
        fence = next->fence + 1;
    }
    *ret = nf_take(found);
    return NF_OK;
}

const struct nf_session_store_ops nf_memory_sessions = {
    .get = get,
    .find = find,
    .list = list,
    .create = create,
    .rename = rename_session,
    .set_model = set_model,
    .pinned = pinned,
    .pin = pin,
    .remove = remove_session,
    .messages = messages,
    .history = history,
    .run_messages = run_messages,
    .runs_since = runs_since,
};
