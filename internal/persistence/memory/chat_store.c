#include "base/own.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_chat_store *s)
{
    assert(s->ops == &nf_memory_chats);
    return nf_container_of(s, struct nf_memory, chats);
}

static struct nf_memory_chat *find(struct nf_memory *m, int64_t run_id, int64_t part)
{
    for (size_t i = 0; i < m->chat.n; i++)
        if (m->chat.v[i].run_id == run_id && m->chat.v[i].ref.part == part)
            return &m->chat.v[i];
    return NULL;
}

static enum nf_code put(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                        int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_TRY(NF_MEMORY_ROOM(&m->chat, 1, err));
    struct nf_memory_chat *c = find(m, run_id, part);
    if (!c)
        c = &m->chat.v[m->chat.n++];
    *c = (struct nf_memory_chat){ .run_id = run_id, .at_ms = now_ms, .ref.part = part };
    memcpy(c->ref.ref, ref, strnlen(ref, NF_CHAT_REF_MAX));
    return NF_OK;
}

static int by_part(const void *a, const void *b)
{
    const struct nf_chat_ref *x = a, *y = b;
    return x->part < y->part ? -1 : x->part > y->part;
}

static enum nf_code refs(struct nf_chat_store *s, int64_t run_id, struct nf_chat_refs *ret,
                         struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    struct nf_chat_refs found = { .v = calloc(m->chat.n + 1, sizeof(*found.v)) };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->chat.n; i++)
        if (m->chat.v[i].run_id == run_id)
            found.v[found.n++] = m->chat.v[i].ref;
    qsort(found.v, found.n, sizeof(*found.v), by_part);
    *ret = found;
    return NF_OK;
}

static void drop(struct nf_memory *m, struct nf_memory_chat *c)
{
    *c = m->chat.v[--m->chat.n];
}

static enum nf_code forget(struct nf_chat_store *s, int64_t run_id, int64_t part,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_chat *c = find(m, run_id, part);
    (void)err;
    if (c)
        drop(m, c);
    return NF_OK;
}

static enum nf_code tidy(struct nf_chat_store *s, int64_t before_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = m->chat.n; i > 0; i--)
        if (m->chat.v[i - 1].at_ms < before_ms)
            drop(m, &m->chat.v[i - 1]);
    return NF_OK;
}

const struct nf_chat_store_ops nf_memory_chats = {
    .put = put,
    .refs = refs,
    .forget = forget,
    .tidy = tidy,
};
