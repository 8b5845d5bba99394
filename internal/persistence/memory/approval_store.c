#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_approval_store *s)
{
    assert(s->ops == &nf_memory_approvals);
    return nf_container_of(s, struct nf_memory, approvals);
}

static struct nf_approval_request *find(struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->approval.n; i++)
        if (m->approval.v[i].id == id)
            return &m->approval.v[i];
    return NULL;
}

static NF_RC copy(const struct nf_approval_request *from, struct nf_approval_request *to,
                  struct nf_err *err)
{
    char *args;
    NF_TRY(nf_strdup(from->args ? from->args : "", &args, err));
    *to = *from;
    to->args = args;
    return NF_OK;
}

/* The step of the claim's turn, in that state; NULL and NF_E_CONFLICT in *err else. */
static struct nf_memory_task *step_of(struct nf_memory *m, const struct nf_claim *c,
                                      int64_t task_id, enum nf_task_status status,
                                      struct nf_err *err)
{
    struct nf_memory_task *t = nf_memory_task(m, task_id);
    if (c->session_id != 0 && !nf_memory_claimed(m, c, err))
        return NULL;
    if (t && t->t.turn_id == c->run_id && t->t.kind == NF_TASK_TOOL && t->t.status == status)
        return t;
    (void)nf_err_set(err, NF_E_CONFLICT, "this call is no longer ours");
    return NULL;
}

static void move(struct nf_memory *m, struct nf_memory_task *t, enum nf_task_status to,
                 int64_t now_ms)
{
    t->t.status = to;
    nf_memory_touch(t, now_ms);
    nf_memory_note(m, t);
}

static enum nf_code ask(struct nf_approval_store *s, const struct nf_claim *c,
                        const struct nf_approval_request *r, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_task *t = step_of(m, c, r->task_id, NF_TASK_RUNNING, err);
    struct nf_approval_request kept;
    if (!t)
        return NF_E_CONFLICT;
    if (find(m, r->id))
        return nf_err_set(err, NF_E_CONFLICT, "this approval exists");
    NF_TRY(NF_MEMORY_ROOM(&m->approval, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    NF_TRY(copy(r, &kept, err));
    kept.turn_id = c->run_id;
    kept.session_id = c->session_id;
    kept.status = NF_APPROVAL_PENDING;
    kept.decided_by = kept.decided_ms = kept.used_ms = 0;
    kept.reason[0] = '\0';
    m->approval.v[m->approval.n++] = kept;
    move(m, t, NF_TASK_WAITING_APPROVAL, r->created_ms);
    return NF_OK;
}

static NF_RC give(const struct nf_approval_request *found, struct nf_approval_request *ret,
                  struct nf_err *err)
{
    if (!found)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such approval");
    return copy(found, ret, err);
}

static enum nf_code get(struct nf_approval_store *s, int64_t id, struct nf_approval_request *ret,
                        struct nf_err *err)
{
    return give(find(memory_of(s), id), ret, err);
}

static enum nf_code of_task(struct nf_approval_store *s, int64_t task_id,
                            struct nf_approval_request *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    const struct nf_approval_request *newest = NULL;
    for (size_t i = 0; i < m->approval.n; i++)
        if (m->approval.v[i].task_id == task_id && (!newest || m->approval.v[i].id > newest->id))
            newest = &m->approval.v[i];
    return give(newest, ret, err);
}

static enum nf_code list_open(struct nf_approval_store *s, int64_t user_id, int64_t now_ms,
                              int64_t after_id, size_t limit, struct nf_approval_requests *ret,
                              struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_approval_requests_done) struct nf_approval_requests found = { 0 };
    while (found.n < limit) {
        const struct nf_approval_request *next = NULL;
        NF_CLEANUP(nf_approval_done) struct nf_approval_request one = { 0 };
        for (size_t i = 0; i < m->approval.n; i++) {
            const struct nf_approval_request *a = &m->approval.v[i];
            if (nf_approval_is_open(a, now_ms) && a->id > after_id &&
                (user_id == 0 || a->user_id == user_id) && (!next || a->id < next->id))
                next = a;
        }
        if (!next)
            break;
        after_id = next->id;
        NF_TRY(copy(next, &one, err));
        NF_TRY(nf_approval_requests_push(&found, &one, err));
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code decide(struct nf_approval_store *s, const struct nf_approval_request *r,
                           struct nf_err *err)
{
    struct nf_approval_request *a = find(memory_of(s), r->id);
    if (!a || !nf_approval_is_open(a, r->decided_ms) || strcmp(a->hash, r->hash) != 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "this approval was decided meanwhile, or has expired");
    a->status = r->status;
    a->decided_by = r->decided_by;
    a->decided_ms = r->decided_ms;
    memcpy(a->reason, r->reason, sizeof(a->reason));
    return NF_OK;
}

static enum nf_code use(struct nf_approval_store *s, const struct nf_claim *c, int64_t task_id,
                        int64_t id, const char *hash, int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_approval_request *a = find(m, id);
    if (c->session_id != 0 && !nf_memory_claimed(m, c, err))
        return NF_E_CONFLICT;
    if (!a || a->task_id != task_id || a->status != NF_APPROVAL_ALLOWED ||
        a->expires_ms <= now_ms || strcmp(a->hash, hash) != 0)
        return nf_err_set(err, NF_E_DENIED, "there is no approval for this call as it is now");
    struct nf_memory_task *t = step_of(m, c, task_id, NF_TASK_WAITING_APPROVAL, err);
    if (!t)
        return NF_E_CONFLICT;
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    a->status = NF_APPROVAL_USED;
    a->used_ms = now_ms;
    move(m, t, NF_TASK_RUNNING, now_ms);
    return NF_OK;
}

static bool may_close(const struct nf_approval_request *a)
{
    return a->status == NF_APPROVAL_PENDING || a->status == NF_APPROVAL_ALLOWED;
}

static enum nf_code close_one(struct nf_approval_store *s, int64_t id,
                              enum nf_approval_status status, struct nf_err *err)
{
    struct nf_approval_request *a = find(memory_of(s), id);
    if (!a || !may_close(a))
        return nf_err_set(err, NF_E_CONFLICT, "this approval is not open any more");
    a->status = status;
    return NF_OK;
}

static enum nf_code cancel(struct nf_approval_store *s, int64_t turn_id, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = 0; i < m->approval.n; i++)
        if (m->approval.v[i].turn_id == turn_id && may_close(&m->approval.v[i]))
            m->approval.v[i].status = NF_APPROVAL_CANCELLED;
    return NF_OK;
}

const struct nf_approval_store_ops nf_memory_approvals = {
    .ask = ask,
    .get = get,
    .of_task = of_task,
    .open = list_open,
    .decide = decide,
    .use = use,
    .close = close_one,
    .cancel = cancel,
};
