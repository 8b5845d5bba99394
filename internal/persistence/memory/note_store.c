#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_note_store *s)
{
    assert(s->ops == &nf_memory_notes);
    return nf_container_of(s, struct nf_memory, notes);
}

void nf_memory_kept_done(struct nf_memory_kept *k)
{
    nf_note_done(&k->note);
    *k = (struct nf_memory_kept){ 0 };
}

static struct nf_memory_kept *find(struct nf_memory *m, const char *source, const char *name)
{
    for (size_t i = 0; i < m->kept.n; i++)
        if (strcmp(m->kept.v[i].source, source) == 0 && strcmp(m->kept.v[i].note.name, name) == 0)
            return &m->kept.v[i];
    return NULL;
}

static void remove_one(struct nf_memory *m, struct nf_memory_kept *k)
{
    nf_memory_kept_done(k);
    *k = m->kept.v[--m->kept.n];
}

static enum nf_code put(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t expires_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_freep) char *copy = NULL;
    NF_TRY(nf_note_check(source, name, value, err));
    NF_TRY(NF_MEMORY_ROOM(&m->kept, 1, err));
    NF_TRY(nf_strdup(value, &copy, err));
    struct nf_memory_kept *k = find(m, source, name);
    if (!k) {
        k = &m->kept.v[m->kept.n++];
        *k = (struct nf_memory_kept){ 0 };
        memcpy(k->source, source, strlen(source));
        memcpy(k->note.name, name, strlen(name));
    }
    free(k->note.value);
    k->note.value = nf_take(copy);
    k->note.expires_ms = expires_ms;
    return NF_OK;
}

static enum nf_code add(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t now_ms, int64_t expires_ms, struct nf_err *err)
{
    const struct nf_memory_kept *there = find(memory_of(s), source, name);
    NF_TRY(nf_note_check(source, name, value, err));
    if (there && there->note.expires_ms > now_ms)
        return nf_err_set(err, NF_E_CONFLICT, "note '%s' is there", name);
    return put(s, source, name, value, expires_ms, err);
}

static enum nf_code get(struct nf_note_store *s, const char *source, const char *name,
                        int64_t now_ms, struct nf_note *ret, struct nf_err *err)
{
    const struct nf_memory_kept *k = find(memory_of(s), source, name);
    if (!k || k->note.expires_ms <= now_ms)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such note");
    NF_TRY(nf_strdup(k->note.value, &ret->value, err));
    memcpy(ret->name, k->note.name, sizeof(ret->name));
    ret->expires_ms = k->note.expires_ms;
    return NF_OK;
}

/* The first behind `after`. */
static const struct nf_note *next_note(const struct nf_memory *m, const char *source,
                                       const char *after, int64_t now_ms)
{
    const struct nf_note *best = NULL;
    for (size_t i = 0; i < m->kept.n; i++) {
        const struct nf_note *n = &m->kept.v[i].note;
        if (strcmp(m->kept.v[i].source, source) == 0 && strcmp(n->name, after) > 0 &&
            n->expires_ms > now_ms && (!best || strcmp(n->name, best->name) < 0))
            best = n;
    }
    return best;
}

static enum nf_code list(struct nf_note_store *s, const char *source, const char *after,
                         int64_t now_ms, size_t limit, struct nf_notes *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_notes_done) struct nf_notes found = { 0 };
    const struct nf_note *n;
    while (found.n < limit && (n = next_note(memory_of(s), source, after, now_ms)) != NULL) {
        struct nf_note *more = realloc(found.v, (found.n + 1) * sizeof(*more));
        if (!more)
            return nf_err_set(err, NF_E_NOMEM, "out of memory");
        found.v = more;
        more[found.n] = (struct nf_note){ .expires_ms = n->expires_ms };
        memcpy(more[found.n].name, n->name, sizeof(n->name));
        NF_TRY(nf_strdup(n->value, &more[found.n].value, err));
        found.n++;
        after = n->name;
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code drop(struct nf_note_store *s, const char *source, const char *name,
                         struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_kept *k = find(m, source, name);
    (void)err;
    if (k)
        remove_one(m, k);
    return NF_OK;
}

static enum nf_code tidy(struct nf_note_store *s, int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = m->kept.n; i > 0; i--)
        if (m->kept.v[i - 1].note.expires_ms <= now_ms)
            remove_one(m, &m->kept.v[i - 1]);
    return NF_OK;
}

const struct nf_note_store_ops nf_memory_notes = {
    .put = put, .add = add, .get = get, .list = list, .drop = drop, .tidy = tidy
};
