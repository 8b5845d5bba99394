#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_skill_store *s)
{
    assert(s->ops == &nf_memory_skills);
    return nf_container_of(s, struct nf_memory, skills);
}

static struct nf_skill *find_name(struct nf_memory *m, const char *name)
{
    for (size_t i = 0; i < m->skill.n; i++)
        if (m->skill.v[i].status != NF_SKILL_REMOVED && strcmp(m->skill.v[i].name, name) == 0)
            return &m->skill.v[i];
    return NULL;
}

static enum nf_code find(struct nf_skill_store *s, const char *name, struct nf_skill *ret,
                         struct nf_err *err)
{
    const struct nf_skill *k = find_name(memory_of(s), name);
    if (!k)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such skill");
    *ret = *k;
    return NF_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct nf_skill *)a)->name, ((const struct nf_skill *)b)->name);
}

static enum nf_code list(struct nf_skill_store *s, struct nf_skills *ret, struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    struct nf_skills found = { 0 };
    if (m->skill.n > 0) {
        found.v = calloc(m->skill.n, sizeof(*found.v));
        if (!found.v)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < m->skill.n; i++)
        if (m->skill.v[i].status != NF_SKILL_REMOVED)
            found.v[found.n++] = m->skill.v[i];
    if (found.n > 1)
        qsort(found.v, found.n, sizeof(*found.v), by_name);
    *ret = found;
    return NF_OK;
}

static enum nf_code create(struct nf_skill_store *s, const struct nf_skill *in, size_t n,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t before = m->skill.n;
    assert(n > 0 && n <= NF_SKILLS_CREATE_MAX);
    NF_TRY(NF_MEMORY_ROOM(&m->skill, n, err));
    for (size_t i = 0; i < n; i++) {
        if (find_name(m, in[i].name)) {
            m->skill.n = before;
            return nf_err_set(err, NF_E_CONFLICT, "a skill of the name %s is installed",
                              in[i].name);
        }
        m->skill.v[m->skill.n++] = in[i];
    }
    return NF_OK;
}

static enum nf_code update(struct nf_skill_store *s, const struct nf_skill *in, int64_t read_ms,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    for (size_t i = 0; i < m->skill.n; i++) {
        struct nf_skill *k = &m->skill.v[i];
        if (k->id != in->id || k->updated_ms != read_ms || k->status == NF_SKILL_REMOVED)
            continue;
        struct nf_skill changed = *in;
        memcpy(changed.name, k->name, sizeof(changed.name));
        changed.created_ms = k->created_ms;
        *k = changed;
        return NF_OK;
    }
    return nf_err_set(err, NF_E_CONFLICT, "skill %s was changed meanwhile: look again", in->name);
}

const struct nf_skill_store_ops nf_memory_skills = {
    .find = find,
    .list = list,
    .create = create,
    .update = update,
};
