#include "base/own.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_instance_store *s)
{
    assert(s->ops == &nf_memory_instances);
    return nf_container_of(s, struct nf_memory, instances);
}

static struct nf_instance *of_number(struct nf_memory *m, int64_t number)
{
    for (size_t i = 0; i < m->instance.n; i++)
        if (m->instance.v[i].number == number)
            return &m->instance.v[i];
    return NULL;
}

static struct nf_instance *of_process(struct nf_memory *m, int64_t number, int64_t token)
{
    struct nf_instance *i = of_number(m, number);
    return i && i->token == token && i->state == NF_INSTANCE_HERE ? i : NULL;
}

static void forget_old(struct nf_memory *m, int64_t before_ms)
{
    for (size_t i = 0; i < m->instance.n;) {
        struct nf_instance *at = &m->instance.v[i];
        if (at->state == NF_INSTANCE_GONE && at->lease_until_ms < before_ms)
            *at = m->instance.v[--m->instance.n];
        else
            i++;
    }
}

static enum nf_code join(struct nf_instance_store *s, struct nf_instance *i, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_TRY(NF_MEMORY_ROOM(&m->instance, 1, err));
    i->state = NF_INSTANCE_HERE;
    for (size_t k = 0; k < m->instance.n; k++)
        if (strcmp(m->instance.v[k].identity, i->identity) == 0) {
            i->number = m->instance.v[k].number;
            m->instance.v[k] = *i;
            return NF_OK;
        }
    forget_old(m, i->started_ms - NF_INSTANCE_REST_MS);
    int64_t number = 1;
    while (of_number(m, number))
        number++;
    if (number > NF_INSTANCE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%d instances are there or were within the hour",
                          NF_INSTANCE_MAX);
    i->number = number;
    m->instance.v[m->instance.n++] = *i;
    return NF_OK;
}

static enum nf_code keep(struct nf_instance_store *s, int64_t number, int64_t token,
                         int64_t lease_until_ms, struct nf_err *err)
{
    struct nf_instance *i = of_process(memory_of(s), number, token);
    if (!i)
        return nf_err_set(err, NF_E_CONFLICT, "instance %lld was given up as dead",
                          (long long)number);
    i->lease_until_ms = lease_until_ms;
    return NF_OK;
}

static enum nf_code leave(struct nf_instance_store *s, int64_t number, int64_t token,
                          int64_t now_ms, struct nf_err *err)
{
    struct nf_instance *i = of_process(memory_of(s), number, token);
    (void)err;
    if (i) {
        i->state = NF_INSTANCE_GONE;
        i->lease_until_ms = now_ms;
    }
    return NF_OK;
}

static enum nf_code list(struct nf_instance_store *s, struct nf_instances *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_instances_done) struct nf_instances found = { 0 };
    size_t cap = 0;
    for (int64_t n = 1; n <= NF_INSTANCE_MAX && found.n < m->instance.n; n++) {
        const struct nf_instance *i = of_number(m, n);
        if (!i)
            continue;
        void *v = nf_memory_room(found.v, &cap, found.n, 1, sizeof(*found.v), err);
        if (!v)
            return NF_E_NOMEM;
        found.v = v;
        found.v[found.n++] = *i;
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code now(struct nf_instance_store *s, int64_t now_ms, int64_t *ret,
                        struct nf_err *err)
{
    (void)memory_of(s);
    (void)err;
    *ret = now_ms;
    return NF_OK;
}

const struct nf_instance_store_ops nf_memory_instances = {
    .join = join, .keep = keep, .leave = leave, .list = list, .now = now
};
