#include "base/own.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_credential_store *s)
{
    assert(s->ops == &nf_memory_credentials);
    return nf_container_of(s, struct nf_memory, credentials);
}

static NF_RC not_found(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such credential");
}

static struct nf_credential *find(struct nf_memory *m, const char *hash)
{
    for (size_t i = 0; i < m->credential.n; i++)
        if (strcmp(m->credential.v[i].hash, hash) == 0)
            return &m->credential.v[i];
    return NULL;
}

static enum nf_code put(struct nf_credential_store *st, const struct nf_credential *c,
                        struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    if (find(m, c->hash))
        return nf_err_set(err, NF_E_CONFLICT, "this credential exists");
    NF_TRY(NF_MEMORY_ROOM(&m->credential, 1, err));
    m->credential.v[m->credential.n++] = *c;
    return NF_OK;
}

static enum nf_code get(struct nf_credential_store *st, const char *hash, int64_t now_ms,
                        struct nf_credential *ret, struct nf_err *err)
{
    const struct nf_credential *c = find(memory_of(st), hash);
    if (!c || c->expires_ms <= now_ms)
        return not_found(err);
    *ret = *c;
    return NF_OK;
}

static enum nf_code exchange(struct nf_credential_store *st, const char *link_hash, int64_t now_ms,
                             const struct nf_credential *cookie, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_credential *link = find(m, link_hash);
    if (!link || link->kind != NF_CREDENTIAL_LINK || link->used_ms != 0 ||
        link->expires_ms <= now_ms)
        return not_found(err);
    NF_TRY(put(st, cookie, err));
    find(m, link_hash)->used_ms = now_ms;
    return NF_OK;
}

static enum nf_code remove_one(struct nf_credential_store *st, const char *hash, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_credential *c = find(m, hash);
    (void)err;
    if (c)
        *c = m->credential.v[--m->credential.n];
    return NF_OK;
}

static enum nf_code remove_expired(struct nf_credential_store *st, int64_t now_ms,
                                   struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    size_t kept = 0;
    (void)err;
    for (size_t i = 0; i < m->credential.n; i++)
        if (m->credential.v[i].expires_ms > now_ms)
            m->credential.v[kept++] = m->credential.v[i];
    m->credential.n = kept;
    return NF_OK;
}

const struct nf_credential_store_ops nf_memory_credentials = {
    .put = put,
    .get = get,
    .exchange = exchange,
    .remove = remove_one,
    .remove_expired = remove_expired,
};
