#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_user_store *s)
{
    assert(s->ops == &nf_memory_users);
    return nf_container_of(s, struct nf_memory, users);
}

static NF_RC not_found(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such user");
}

static enum nf_code get(struct nf_user_store *st, int64_t id, struct nf_user *ret,
                        struct nf_err *err)
{
    const struct nf_user *u = nf_memory_user(memory_of(st), id);
    if (!u)
        return not_found(err);
    *ret = *u;
    return NF_OK;
}

static struct nf_identity *account(struct nf_memory *m, const char *channel, const char *name)
{
    for (size_t i = 0; i < m->identity.n; i++)
        if (strcmp(m->identity.v[i].channel, channel) == 0 &&
            strcmp(m->identity.v[i].account, name) == 0)
            return &m->identity.v[i];
    return NULL;
}

static enum nf_code find(struct nf_user_store *st, const char *channel, const char *name,
                         struct nf_user *ret, struct nf_err *err)
{
    const struct nf_identity *i = account(memory_of(st), channel, name);
    return i ? get(st, i->user_id, ret, err) : not_found(err);
}

static int by_id(const void *a, const void *b)
{
    const struct nf_user *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool is_asked(const struct nf_user_filter *f, const struct nf_user *u)
{
    return u->id > f->after_id && (f->role == 0 || u->role == f->role) &&
           (f->status == 0 || u->status == f->status);
}

static enum nf_code list(struct nf_user_store *st, const struct nf_user_filter *f,
                         struct nf_users *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_user *v = calloc(m->user.n + 1, sizeof(*v));
    size_t n = 0;
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->user.n; i++)
        if (is_asked(f, &m->user.v[i]))
            v[n++] = m->user.v[i];
    qsort(v, n, sizeof(*v), by_id);
    *ret = (struct nf_users){ .v = v, .n = n < f->limit ? n : f->limit };
    return NF_OK;
}

static NF_RC taken(const struct nf_identity *i, struct nf_err *err)
{
    return nf_err_set(err, NF_E_CONFLICT, "the account '%s' on %s is taken", i->account,
                      i->channel);
}

static enum nf_code create(struct nf_user_store *st, const struct nf_user *u,
                           const struct nf_identity *i, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    if (nf_memory_user(m, u->id) || account(m, i->channel, i->account))
        return taken(i, err);
    NF_TRY(NF_MEMORY_ROOM(&m->user, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->identity, 1, err));
    m->user.v[m->user.n++] = *u;
    m->identity.v[m->identity.n++] = *i;
    return NF_OK;
}

static bool is_active_owner(const struct nf_user *u)
{
    return u->role == NF_USER_OWNER && u->status == NF_USER_ACTIVE;
}

static bool another_owner(const struct nf_memory *m, int64_t id)
{
    for (size_t i = 0; i < m->user.n; i++)
        if (m->user.v[i].id != id && is_active_owner(&m->user.v[i]))
            return true;
    return false;
}

static enum nf_code update(struct nf_user_store *st, const struct nf_user *u, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_user *old = nf_memory_user(m, u->id);
    if (!old)
        return not_found(err);
    if (is_active_owner(old) && !is_active_owner(u) && !another_owner(m, u->id))
        return nf_err_set(err, NF_E_CONFLICT,
                          "it would leave no active owner: make another one first");
    memcpy(old->name, u->name, sizeof(old->name));
    old->role = u->role;
    old->status = u->status;
    return NF_OK;
}

static enum nf_code set_lang(struct nf_user_store *st, int64_t id, enum nf_lang lang,
                             struct nf_err *err)
{
    struct nf_user *u = nf_memory_user(memory_of(st), id);
    if (!u)
        return not_found(err);
    u->lang = lang;
    return NF_OK;
}

static enum nf_code set_zone(struct nf_user_store *st, int64_t id, const char *zone,
                             struct nf_err *err)
{
    struct nf_user *u = nf_memory_user(memory_of(st), id);
    if (!u)
        return not_found(err);
    memset(u->zone, 0, sizeof(u->zone));
    memcpy(u->zone, zone, strnlen(zone, NF_ZONE_NAME_MAX));
    return NF_OK;
}

static int by_account(const void *a, const void *b)
{
    const struct nf_identity *x = a, *y = b;
    int order = strcmp(x->channel, y->channel);
    return order ? order : strcmp(x->account, y->account);
}

static enum nf_code identities(struct nf_user_store *st, int64_t user_id, struct nf_identities *ret,
                               struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_identity *v = calloc(m->identity.n + 1, sizeof(*v));
    size_t n = 0;
    if (!v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->identity.n; i++)
        if (m->identity.v[i].user_id == user_id)
            v[n++] = m->identity.v[i];
    qsort(v, n, sizeof(*v), by_account);
    *ret = (struct nf_identities){ .v = v, .n = n };
    return NF_OK;
}

static enum nf_code link_account(struct nf_user_store *st, const struct nf_identity *i,
                                 struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    if (!nf_memory_user(m, i->user_id))
        return not_found(err);
    if (account(m, i->channel, i->account))
        return taken(i, err);
    NF_TRY(NF_MEMORY_ROOM(&m->identity, 1, err));
    m->identity.v[m->identity.n++] = *i;
    return NF_OK;
}

static enum nf_code move_account(struct nf_user_store *st, const struct nf_identity *i,
                                 int64_t from_id, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_identity *found = account(m, i->channel, i->account);
    if (!found || found->user_id != from_id || !nf_memory_user(m, i->user_id))
        return nf_err_set(err, NF_E_NOT_FOUND, "no such account of this user");
    *found = *i;
    return NF_OK;
}

static enum nf_code unlink_account(struct nf_user_store *st, const struct nf_identity *i,
                                   struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_identity *found = account(m, i->channel, i->account);
    if (!found || found->user_id != i->user_id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such account of this user");
    *found = m->identity.v[--m->identity.n];
    return NF_OK;
}

const struct nf_user_store_ops nf_memory_users = {
    .get = get,
    .find = find,
    .list = list,
    .create = create,
    .update = update,
    .set_lang = set_lang,
    .set_zone = set_zone,
    .identities = identities,
    .link = link_account,
    .move = move_account,
    .unlink = unlink_account,
};
