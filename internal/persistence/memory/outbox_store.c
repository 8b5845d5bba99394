#include "base/own.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_outbox_store *s)
{
    assert(s->ops == &nf_memory_outbox);
    return nf_container_of(s, struct nf_memory, outbox);
}

static NF_RC not_found(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such outbox item");
}

static bool is_first_open(const struct nf_memory *m, const struct nf_outbox_item *i)
{
    for (size_t k = 0; k < m->item.n; k++) {
        const struct nf_outbox_item *o = &m->item.v[k];
        bool before = o->seq < i->seq || (o->seq == i->seq && o->id < i->id);
        if (o->session_id == i->session_id && before && !nf_outbox_is_final(o->status))
            return false;
    }
    return true;
}

static enum nf_code due(struct nf_outbox_store *st, int64_t now_ms, size_t limit,
                        struct nf_outbox_items *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_outbox_items_done) struct nf_outbox_items found = { 0 };
    size_t cap = 0;
    for (int64_t last = 0; found.n < limit;) {
        const struct nf_outbox_item *next = NULL;
        for (size_t i = 0; i < m->item.n; i++) {
            const struct nf_outbox_item *o = &m->item.v[i];
            if (o->id > last && o->status == NF_OUTBOX_PENDING && o->next_ms <= now_ms &&
                (!next || o->id < next->id) && is_first_open(m, o))
                next = o;
        }
        if (!next)
            break;
        void *v = nf_memory_room(found.v, &cap, found.n, 1, sizeof(*found.v), err);
        if (!v)
            return NF_E_NOMEM;
        found.v = v;
        found.v[found.n++] = *next;
        last = next->id;
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code begin(struct nf_outbox_store *st, int64_t id, int64_t owner, struct nf_err *err)
{
    struct nf_outbox_item *i = nf_memory_item(memory_of(st), id);
    if (!i || i->status != NF_OUTBOX_PENDING)
        return nf_err_set(err, NF_E_CONFLICT, "somebody else delivers this");
    i->status = NF_OUTBOX_SENDING;
    i->owner = owner;
    return NF_OK;
}

static enum nf_code sent(struct nf_outbox_store *st, int64_t id, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_outbox_item *i = nf_memory_item(m, id);
    if (!i)
        return not_found(err);
    *i = m->item.v[--m->item.n];
    return NF_OK;
}

/* `reason` is for people who look into the database: nothing reads it here. */
static enum nf_code update(struct nf_outbox_store *st, int64_t id, int64_t owner,
                           enum nf_outbox_status status, int64_t next_ms, const char *reason,
                           struct nf_err *err)
{
    struct nf_outbox_item *i = nf_memory_item(memory_of(st), id);
    (void)reason;
    if (!i ||
        (i->status != NF_OUTBOX_PENDING && (i->status != NF_OUTBOX_SENDING || i->owner != owner)))
        return not_found(err);
    i->status = status;
    i->next_ms = next_ms;
    i->attempt++;
    return NF_OK;
}

static bool waits(const struct nf_memory *m, int64_t run_id)
{
    for (size_t k = 0; k < m->item.n; k++)
        if (m->item.v[k].run_id == run_id && m->item.v[k].status == NF_OUTBOX_PENDING)
            return true;
    return false;
}

static enum nf_code again(struct nf_outbox_store *st, int64_t id, int64_t run_id, int64_t now_ms,
                          struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    const struct nf_memory_task *run = nf_memory_task(m, run_id);
    if (!run || !nf_task_is_final(run->t.status) || run->out_last <= 0 || waits(m, run_id))
        return NF_OK;
    const struct nf_memory_session *s = nf_memory_session(m, run->t.session_id);
    if (!s)
        return NF_OK;
    NF_TRY(NF_MEMORY_ROOM(&m->item, 1, err));
    struct nf_outbox_item *i = &m->item.v[m->item.n++];
    *i = (struct nf_outbox_item){ .id = id,
                                  .session_id = s->s.id,
                                  .user_id = run->t.user_id,
                                  .run_id = run_id,
                                  .seq = run->out_last,
                                  .status = NF_OUTBOX_PENDING,
                                  .next_ms = now_ms,
                                  .created_ms = run->t.ended_ms };
    memcpy(i->channel, s->s.channel, sizeof(i->channel));
    memcpy(i->address, s->s.address, sizeof(i->address));
    return NF_OK;
}

static bool is_gone(const struct nf_memory *m, int64_t instance)
{
    for (size_t k = 0; k < m->instance.n; k++)
        if (m->instance.v[k].number == instance && m->instance.v[k].state == NF_INSTANCE_GONE)
            return true;
    return false;
}

static enum nf_code recover(struct nf_outbox_store *st, const char *channel, int64_t owner,
                            enum nf_outbox_status status, int64_t *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    int64_t n = 0;
    (void)err;
    for (size_t i = 0; i < m->item.n; i++) {
        struct nf_outbox_item *o = &m->item.v[i];
        if (o->status != NF_OUTBOX_SENDING || strcmp(o->channel, channel) != 0 ||
            (o->owner != 0 && o->owner != owner && !is_gone(m, o->owner)))
            continue;
        o->status = status;
        n++;
    }
    *ret = n;
    return NF_OK;
}

static enum nf_code ahead(struct nf_outbox_store *st, int64_t run_id, bool *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    const struct nf_memory_task *run = nf_memory_task(m, run_id);
    bool found = false;
    (void)err;
    for (size_t i = 0; run && i < m->item.n; i++) {
        const struct nf_outbox_item *o = &m->item.v[i];
        found = found || (o->session_id == run->t.session_id && o->run_id != run_id &&
                          !nf_outbox_is_final(o->status));
    }
    *ret = found;
    return NF_OK;
}

const struct nf_outbox_store_ops nf_memory_outbox = {
    .due = due,
    .ahead = ahead,
    .begin = begin,
    .sent = sent,
    .update = update,
    .again = again,
    .recover = recover,
};
