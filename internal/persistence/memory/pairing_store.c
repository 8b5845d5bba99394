#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_pairing_store *s)
{
    assert(s->ops == &nf_memory_pairings);
    return nf_container_of(s, struct nf_memory, pairings);
}

static NF_RC gone(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such request to be let in");
}

static struct nf_pairing *of(struct nf_memory *m, const char *network, const char *account)
{
    for (size_t i = 0; i < m->pairing.n; i++)
        if (strcmp(m->pairing.v[i].network, network) == 0 &&
            strcmp(m->pairing.v[i].account, account) == 0)
            return &m->pairing.v[i];
    return NULL;
}

static struct nf_pairing *by_number(struct nf_memory *m, int64_t id, int64_t now_ms)
{
    for (size_t i = 0; i < m->pairing.n; i++)
        if (m->pairing.v[i].id == id && m->pairing.v[i].expires_ms > now_ms)
            return &m->pairing.v[i];
    return NULL;
}

static void drop(struct nf_memory *m, struct nf_pairing *p)
{
    *p = m->pairing.v[--m->pairing.n];
}

static int64_t open_ones(const struct nf_memory *m, const char *network, int64_t now_ms)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->pairing.n; i++)
        if (strcmp(m->pairing.v[i].network, network) == 0 &&
            m->pairing.v[i].status == NF_PAIRING_OPEN && m->pairing.v[i].expires_ms > now_ms)
            n++;
    return n;
}

/* The open one that has waited longest. */
static struct nf_pairing *oldest(struct nf_memory *m, const char *network, int64_t now_ms)
{
    struct nf_pairing *found = NULL;
    for (size_t i = 0; i < m->pairing.n; i++) {
        struct nf_pairing *p = &m->pairing.v[i];
        if (strcmp(p->network, network) == 0 && p->status == NF_PAIRING_OPEN &&
            p->expires_ms > now_ms &&
            (!found || p->created_ms < found->created_ms ||
             (p->created_ms == found->created_ms && p->id < found->id)))
            found = p;
    }
    return found;
}

static NF_RC make_room(struct nf_memory *m, const struct nf_pairing *p, int64_t max,
                       int64_t shown_ms, struct nf_err *err)
{
    if (open_ones(m, p->network, p->created_ms) < max)
        return NF_OK;
    struct nf_pairing *old = oldest(m, p->network, p->created_ms);
    if (!old || old->created_ms > p->created_ms - shown_ms)
        return nf_err_set(err, NF_E_LIMIT,
                          "%lld accounts of %s wait to be let in: decide about them",
                          (long long)max, p->network);
    drop(m, old);
    return NF_OK;
}

static enum nf_code ask(struct nf_pairing_store *s, const struct nf_pairing *p, int64_t max,
                        int64_t shown_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_pairing *there = of(m, p->network, p->account);
    if (there && there->expires_ms > p->created_ms)
        return nf_err_set(err, NF_E_CONFLICT, "this account has asked already");
    NF_TRY(NF_MEMORY_ROOM(&m->pairing, 1, err));
    NF_TRY(make_room(m, p, max, shown_ms, err));
    there = of(m, p->network, p->account); /* the array may have moved */
    if (!there)
        there = &m->pairing.v[m->pairing.n++];
    *there = *p;
    return NF_OK;
}

static enum nf_code of_account(struct nf_pairing_store *s, const char *network, const char *account,
                               int64_t now_ms, struct nf_pairing *ret, struct nf_err *err)
{
    const struct nf_pairing *p = of(memory_of(s), network, account);
    if (!p || p->expires_ms <= now_ms)
        return gone(err);
    *ret = *p;
    return NF_OK;
}

static enum nf_code set_event(struct nf_pairing_store *s, const char *network, const char *account,
                              const char *event, struct nf_err *err)
{
    struct nf_pairing *p = of(memory_of(s), network, account);
    (void)err;
    if (!p || p->status != NF_PAIRING_OPEN)
        return NF_OK;
    memset(p->event, 0, sizeof(p->event));
    memcpy(p->event, event, strnlen(event, NF_CLIENT_ID_MAX));
    return NF_OK;
}

static enum nf_code get(struct nf_pairing_store *s, const char *code, int64_t now_ms,
                        struct nf_pairing *ret, struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    const struct nf_pairing *found = NULL;
    for (size_t i = 0; i < m->pairing.n; i++) {
        const struct nf_pairing *p = &m->pairing.v[i];
        if (strcmp(p->code, code) != 0 || p->expires_ms <= now_ms)
            continue;
        if (found)
            return nf_err_set(err, NF_E_CONFLICT,
                              "several requests have this code: ask for a new one");
        found = p;
    }
    if (!found)
        return gone(err);
    *ret = *found;
    return NF_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct nf_pairing *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_asked(const struct nf_pairing_filter *f, int64_t now_ms, const struct nf_pairing *p)
{
    return p->id > f->after_id && p->expires_ms > now_ms &&
           (f->status == 0 || p->status == f->status);
}

static enum nf_code list(struct nf_pairing_store *s, int64_t now_ms,
                         const struct nf_pairing_filter *f, struct nf_pairings *ret,
                         struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    struct nf_pairings found = { .v = calloc(m->pairing.n + 1, sizeof(*found.v)) };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->pairing.n; i++)
        if (is_asked(f, now_ms, &m->pairing.v[i]))
            found.v[found.n++] = m->pairing.v[i];
    qsort(found.v, found.n, sizeof(*found.v), by_id);
    if (found.n > f->limit)
        found.n = f->limit;
    *ret = found;
    return NF_OK;
}

static enum nf_code deny(struct nf_pairing_store *s, int64_t id, int64_t now_ms, int64_t until_ms,
                         struct nf_err *err)
{
    struct nf_pairing *p = by_number(memory_of(s), id, now_ms);
    if (!p)
        return gone(err);
    p->status = NF_PAIRING_DENIED;
    p->expires_ms = until_ms;
    return NF_OK;
}

static enum nf_code admit(struct nf_pairing_store *s, int64_t id, const struct nf_user *fresh,
                          const struct nf_identity *i, int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_pairing *p = by_number(m, id, now_ms);
    if (!p || strcmp(p->network, i->channel) != 0 || strcmp(p->account, i->account) != 0)
        return gone(err);
    if (!fresh && !nf_memory_user(m, i->user_id))
        return nf_err_set(err, NF_E_CONFLICT, "no such user");
    NF_TRY(fresh ? m->users.ops->create(&m->users, fresh, i, err)
                 : m->users.ops->link(&m->users, i, err));
    drop(m, p);
    return NF_OK;
}

static struct nf_invite *invite_of(struct nf_memory *m, const char *hash, int64_t now_ms)
{
    for (size_t i = 0; i < m->invite.n; i++)
        if (strcmp(m->invite.v[i].hash, hash) == 0 && m->invite.v[i].expires_ms > now_ms)
            return &m->invite.v[i];
    return NULL;
}

static enum nf_code invite(struct nf_pairing_store *s, const struct nf_invite *v, int64_t max,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    int64_t n = 0;
    for (size_t i = 0; i < m->invite.n; i++)
        n += m->invite.v[i].user_id == v->user_id && m->invite.v[i].expires_ms > v->created_ms;
    if (n >= max || invite_of(m, v->hash, -1))
        return nf_invites_full(max, err);
    NF_TRY(NF_MEMORY_ROOM(&m->invite, 1, err));
    m->invite.v[m->invite.n++] = *v;
    return NF_OK;
}

static enum nf_code invited(struct nf_pairing_store *s, const char *hash, int64_t now_ms,
                            struct nf_invite *ret, struct nf_err *err)
{
    const struct nf_invite *v = invite_of(memory_of(s), hash, now_ms);
    if (!v)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such invitation");
    *ret = *v;
    return NF_OK;
}

static enum nf_code join(struct nf_pairing_store *s, const char *hash, const struct nf_identity *i,
                         int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_invite *v = invite_of(m, hash, now_ms);
    if (!v || v->user_id != i->user_id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such invitation");
    NF_TRY(m->users.ops->link(&m->users, i, err));
    *v = m->invite.v[--m->invite.n];
    struct nf_pairing *p = of(m, i->channel, i->account);
    if (p)
        drop(m, p);
    return NF_OK;
}

static enum nf_code tidy(struct nf_pairing_store *s, int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = m->pairing.n; i > 0; i--)
        if (m->pairing.v[i - 1].expires_ms <= now_ms)
            drop(m, &m->pairing.v[i - 1]);
    for (size_t i = m->invite.n; i > 0; i--)
        if (m->invite.v[i - 1].expires_ms <= now_ms)
            m->invite.v[i - 1] = m->invite.v[--m->invite.n];
    return NF_OK;
}

const struct nf_pairing_store_ops nf_memory_pairings = {
    .ask = ask,
    .of_account = of_account,
    .set_event = set_event,
    .get = get,
    .list = list,
    .deny = deny,
    .admit = admit,
    .invite = invite,
    .invited = invited,
    .join = join,
    .tidy = tidy,
};
