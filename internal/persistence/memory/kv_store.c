#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_kv_store *s)
{
    assert(s->ops == &nf_memory_kv);
    return nf_container_of(s, struct nf_memory, kv);
}

void nf_memory_pair_done(struct nf_memory_pair *p)
{
    free(p->skill);
    free(p->key);
    free(p->value);
    *p = (struct nf_memory_pair){ 0 };
}

static bool is_of(const struct nf_memory_pair *p, const struct nf_kv_key *k)
{
    return p->user_id == k->user_id && strcmp(p->skill, k->skill) == 0;
}

static struct nf_memory_pair *find(struct nf_memory *m, const struct nf_kv_key *k)
{
    for (size_t i = 0; i < m->pair.n; i++)
        if (is_of(&m->pair.v[i], k) && strcmp(m->pair.v[i].key, k->key) == 0)
            return &m->pair.v[i];
    return NULL;
}

static NF_RC not_found(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such key");
}

static enum nf_code get(struct nf_kv_store *s, const struct nf_kv_key *k, struct nf_str *ret,
                        struct nf_err *err)
{
    NF_TRY(nf_kv_check_key(k->key, err));
    const struct nf_memory_pair *p = find(memory_of(s), k);
    if (!p)
        return not_found(err);
    return p->n ? nf_str_add(ret, p->value, p->n, err) : NF_OK;
}

static int64_t bytes_beside(const struct nf_memory *m, const struct nf_kv_key *k)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->pair.n; i++)
        if (is_of(&m->pair.v[i], k) && strcmp(m->pair.v[i].key, k->key) != 0)
            sum += (int64_t)(strlen(m->pair.v[i].key) + m->pair.v[i].n);
    return sum;
}

static enum nf_code put(struct nf_kv_store *s, const struct nf_kv_key *k, const char *p, size_t n,
                        int64_t quota, int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_memory_pair_done)
    struct nf_memory_pair fresh = { .n = n, .user_id = k->user_id };
    (void)now_ms;
    NF_TRY(nf_kv_check_key(k->key, err));
    NF_TRY(nf_kv_check_value(n, err));
    if (bytes_beside(m, k) + (int64_t)(strlen(k->key) + n) > quota)
        return nf_kv_over_quota(quota, err);
    NF_TRY(NF_MEMORY_ROOM(&m->pair, 1, err));
    NF_TRY(nf_strdup(k->skill, &fresh.skill, err));
    NF_TRY(nf_strdup(k->key, &fresh.key, err));
    NF_TRY(nf_strndup(n ? p : "", n, &fresh.value, err));
    struct nf_memory_pair *old = find(m, k);
    if (old)
        nf_memory_pair_done(old);
    else
        old = &m->pair.v[m->pair.n++];
    *old = nf_take(fresh);
    return NF_OK;
}

static enum nf_code remove_one(struct nf_kv_store *s, const struct nf_kv_key *k, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_TRY(nf_kv_check_key(k->key, err));
    struct nf_memory_pair *p = find(m, k);
    if (!p)
        return not_found(err);
    nf_memory_pair_done(p);
    *p = m->pair.v[--m->pair.n];
    return NF_OK;
}

static const char *next_key(const struct nf_memory *m, const struct nf_kv_key *k,
                            const char *prefix, const char *after)
{
    const char *next = NULL;
    for (size_t i = 0; i < m->pair.n; i++) {
        const struct nf_memory_pair *p = &m->pair.v[i];
        if (is_of(p, k) && strncmp(p->key, prefix, strlen(prefix)) == 0 &&
            strcmp(p->key, after) > 0 && (!next || strcmp(p->key, next) < 0))
            next = p->key;
    }
    return next;
}

static enum nf_code list(struct nf_kv_store *s, const struct nf_kv_key *k, const char *prefix,
                         const char *after, size_t limit, struct nf_kv_names *ret,
                         struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_kv_names_done) struct nf_kv_names found = { 0 };
    size_t cap = 0;
    NF_TRY(nf_kv_check_range(prefix, after, limit, err));
    while (found.n < limit) {
        const char *next = next_key(m, k, prefix, after);
        if (!next)
            break;
        void *v = nf_memory_room(found.v, &cap, found.n, 1, sizeof(*found.v), err);
        if (!v)
            return NF_E_NOMEM;
        found.v = v;
        NF_TRY(nf_strdup(next, &found.v[found.n], err));
        found.n++;
        after = next;
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code clear(struct nf_kv_store *s, const char *skill, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t kept = 0;
    (void)err;
    for (size_t i = 0; i < m->pair.n; i++) {
        if (strcmp(m->pair.v[i].skill, skill) == 0)
            nf_memory_pair_done(&m->pair.v[i]);
        else
            m->pair.v[kept++] = m->pair.v[i];
    }
    m->pair.n = kept;
    return NF_OK;
}

const struct nf_kv_store_ops nf_memory_kv = {
    .get = get,
    .put = put,
    .remove = remove_one,
    .list = list,
    .clear = clear,
};
