#include "base/id.h"
#include "base/own.h"
#include "base/utf8.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_task_store *s)
{
    assert(s->ops == &nf_memory_tasks);
    return nf_container_of(s, struct nf_memory, tasks);
}

static enum nf_code get(struct nf_task_store *st, int64_t id, int64_t user_id, struct nf_task *ret,
                        struct nf_err *err)
{
    const struct nf_memory_task *t = nf_memory_task(memory_of(st), id);
    if (!t || (user_id != 0 && t->t.user_id != user_id))
        return nf_err_set(err, NF_E_NOT_FOUND, "no such task");
    return nf_memory_copy_task(&t->t, ret, err);
}

static bool matches(const struct nf_task *t, const struct nf_task_filter *f)
{
    return (f->user_id == 0 || t->user_id == f->user_id) &&
           (f->session_id == 0 || t->session_id == f->session_id) &&
           (f->turn_id ? t->turn_id == f->turn_id : t->n == 0) &&
           (f->status == 0 || (int)t->status == f->status);
}

static enum nf_code list(struct nf_task_store *st, const struct nf_task_filter *f,
                         struct nf_tasks *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_tasks_done) struct nf_tasks found = { 0 };
    int64_t before = f->before_id ? f->before_id : INT64_MAX;
    while (found.n < f->limit) {
        const struct nf_task *next = NULL;
        for (size_t i = 0; i < m->task.n; i++) {
            const struct nf_task *t = &m->task.v[i].t;
            if (t->id < before && matches(t, f) && (!next || t->id > next->id))
                next = t;
        }
        if (!next)
            break;
        NF_TRY(nf_memory_push_task(&found, next, err));
        before = next->id;
    }
    *ret = nf_take(found);
    return NF_OK;
}

/* As many characters as a database gives. */
static void copy_asked(const char *content, struct nf_task_title *to)
{
    size_t n = 0;
    for (size_t chars = 0; content[n] && chars < NF_TASK_ASKED_CHARS; chars++)
        for (n++; ((unsigned char)content[n] & 0xC0) == 0x80; n++)
            ;
    memcpy(to->asked, content, n);
}

static enum nf_code titles(struct nf_task_store *st, int64_t session_id, size_t limit,
                           struct nf_task_titles *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_tasks_done) struct nf_tasks tasks = { 0 };
    const struct nf_task_filter f = { .session_id = session_id, .limit = limit };
    NF_TRY(list(st, &f, &tasks, err));
    struct nf_task_titles found = { calloc(tasks.n ? tasks.n : 1, sizeof(*found.v)), tasks.n };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < tasks.n; i++) {
        found.v[i].id = tasks.v[i].id;
        found.v[i].status = tasks.v[i].status;
        for (size_t k = 0; k < m->message.n; k++)
            if (m->message.v[k].session_id == session_id && m->message.v[k].seq == tasks.v[i].seq &&
                m->message.v[k].role == NF_ROLE_USER)
                copy_asked(m->message.v[k].content, &found.v[i]);
    }
    *ret = found;
    return NF_OK;
}

static enum nf_code changes(struct nf_task_store *st, int64_t task_id, struct nf_task_changes *ret,
                            struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_task_changes_done) struct nf_task_changes found = { 0 };
    size_t cap = 0;
    for (size_t i = 0; i < m->change.n; i++) {
        if (m->change.v[i].task_id != task_id)
            continue;
        void *v = nf_memory_room(found.v, &cap, found.n, 1, sizeof(*found.v), err);
        if (!v)
            return NF_E_NOMEM;
        found.v = v;
        found.v[found.n++] = m->change.v[i];
    }
    *ret = nf_take(found);
    return NF_OK;
}

static struct nf_usage_hour *hour_of(struct nf_usage_hours *hours, int64_t at_ms, const char *model)
{
    for (size_t i = 0; i < hours->n; i++)
        if (hours->v[i].at_ms == at_ms && strcmp(hours->v[i].model, model) == 0)
            return &hours->v[i];
    return NULL;
}

static int by_hour(const void *a, const void *b)
{
    const struct nf_usage_hour *x = a, *y = b;
    return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms)
                                : strcmp(x->model, y->model);
}

static enum nf_code usage(struct nf_task_store *st, int64_t user_id, int64_t since_ms,
                          struct nf_usage_hours *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_usage_hours_done) struct nf_usage_hours found = { 0 };
    size_t cap = 0;
    for (size_t i = 0; i < m->usage.n; i++) {
        const struct nf_usage *u = &m->usage.v[i];
        int64_t at_ms = u->at_ms / NF_HOUR_MS * NF_HOUR_MS;
        if (u->at_ms < since_ms || (user_id != 0 && u->user_id != user_id))
            continue;
        struct nf_usage_hour *h = hour_of(&found, at_ms, u->model);
        if (!h && found.n == NF_USAGE_ROWS_MAX)
            continue;
        if (!h) {
            void *v = nf_memory_room(found.v, &cap, found.n, 1, sizeof(*found.v), err);
            if (!v)
                return NF_E_NOMEM;
            found.v = v;
            h = &found.v[found.n++];
            *h = (struct nf_usage_hour){ .at_ms = at_ms };
            memcpy(h->model, u->model, sizeof(h->model));
        }
        h->calls++;
        h->tokens = nf_tokens_add(h->tokens, u->tokens);
    }
    if (found.n > 0)
        qsort(found.v, found.n, sizeof(*found.v), by_hour);
    *ret = nf_take(found);
    return NF_OK;
}

static bool is_of(int64_t id, int64_t instance)
{
    int64_t maker = nf_id_instance(id);
    return maker == 0 || maker == instance;
}

static enum nf_code settle(struct nf_task_store *st, int64_t instance, int64_t now_ms,
                           const char *reason, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_TRY(NF_MEMORY_ROOM(&m->change, m->task.n, err));
    for (size_t i = 0; i < m->task.n; i++) {
        struct nf_memory_task *t = &m->task.v[i];
        if (t->t.session_id != 0 || t->t.kind != NF_TASK_TOOL || nf_task_is_final(t->t.status) ||
            !is_of(t->t.id, instance))
            continue;
        t->t.status = NF_TASK_UNKNOWN;
        t->t.ended_ms = now_ms;
        size_t n = nf_utf8_cut(reason, strlen(reason), NF_REASON_MAX);
        memcpy(t->t.reason, reason, n);
        t->t.reason[n] = '\0';
        nf_memory_touch(t, now_ms);
        nf_memory_note(m, t);
    }
    for (size_t i = 0; i < m->approval.n; i++) {
        struct nf_approval_request *a = &m->approval.v[i];
        if (a->session_id == 0 && a->status == NF_APPROVAL_PENDING && is_of(a->id, instance))
            a->status = NF_APPROVAL_CANCELLED;
    }
    return NF_OK;
}

const struct nf_task_store_ops nf_memory_tasks = {
    .get = get,
    .list = list,
    .titles = titles,
    .changes = changes,
    .usage = usage,
    .settle = settle,
};
