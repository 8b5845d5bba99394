#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_chat_store *s)
{
    assert(s->ops == &nf_memory_chats);
    return nf_container_of(s, struct nf_memory, chats);
}

void nf_memory_held_done(struct nf_memory_held *h)
{
    free(h->source);
    free(h->h.body);
    *h = (struct nf_memory_held){ 0 };
}

static bool is_in(const struct nf_memory_held *h, const char *source, const char *lane)
{
    return strcmp(h->source, source) == 0 && strcmp(h->lane, lane) == 0;
}

static NF_RC hold_one(struct nf_memory *m, const char *source, const struct nf_hold *v,
                      int64_t now_ms, struct nf_err *err)
{
    NF_CLEANUP(nf_freep) char *of_key = NULL;
    NF_CLEANUP(nf_freep) char *of_held = NULL;
    NF_CLEANUP(nf_freep) char *body = NULL;

    if (nf_memory_inbox(m, source, v->event_id))
        return NF_OK;
    NF_TRY(NF_MEMORY_ROOM(&m->inbox, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->held, 1, err));
    NF_TRY(nf_strdup(source, &of_key, err));
    NF_TRY(nf_strdup(source, &of_held, err));
    NF_TRY(nf_strdup(v->body, &body, err));
    struct nf_memory_inbox *key = &m->inbox.v[m->inbox.n++];
    *key = (struct nf_memory_inbox){ .source = nf_take(of_key), .at_ms = now_ms };
    memcpy(key->client_id, v->event_id, strnlen(v->event_id, NF_CLIENT_ID_MAX));
    struct nf_memory_held *held = &m->held.v[m->held.n++];
    *held = (struct nf_memory_held){ .source = nf_take(of_held),
                                     .h = { .id = v->id, .at_ms = now_ms, .body = nf_take(body) } };
    memcpy(held->lane, v->lane, strnlen(v->lane, NF_CHAT_LANE_MAX));
    return NF_OK;
}

/* All or none: what was held before the one that failed goes again. */
enum nf_code nf_memory_hold(struct nf_chat_store *s, const char *source, const struct nf_hold *v,
                            size_t n, int64_t token, int64_t now_ms, size_t *held,
                            struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t keys = m->inbox.n, before = m->held.n;

    (void)token;
    assert(n > 0 && n <= NF_HOLDS_MAX);
    for (size_t i = 0; i < n; i++) {
        enum nf_code rc = hold_one(m, source, &v[i], now_ms, err);
        if (rc == NF_OK)
            continue;
        while (m->inbox.n > keys)
            free(m->inbox.v[--m->inbox.n].source);
        while (m->held.n > before)
            nf_memory_held_done(&m->held.v[--m->held.n]);
        return rc;
    }
    *held = m->held.n - before;
    return NF_OK;
}

static int by_id(const void *a, const void *b)
{
    const struct nf_held *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

enum nf_code nf_memory_held_of(struct nf_chat_store *s, const char *source, const char *lane,
                               size_t limit, struct nf_helds *ret, struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_helds_done)
    struct nf_helds found = { .v = calloc(m->held.n + 1, sizeof(*found.v)) };

    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->held.n; i++) {
        const struct nf_memory_held *h = &m->held.v[i];
        if (!is_in(h, source, lane))
            continue;
        found.v[found.n] = h->h;
        found.v[found.n].body = NULL;
        NF_TRY(nf_strdup(h->h.body, &found.v[found.n].body, err));
        found.n++;
    }
    qsort(found.v, found.n, sizeof(*found.v), by_id);
    while (found.n > limit)
        free(found.v[--found.n].body);
    *ret = nf_take(found);
    return NF_OK;
}

/* The first lane behind `after`; NULL: there is none. */
static const char *next_lane(const struct nf_memory *m, const char *source, const char *after,
                             int64_t before_ms)
{
    const char *best = NULL;
    for (size_t i = 0; i < m->held.n; i++) {
        const struct nf_memory_held *h = &m->held.v[i];
        if (strcmp(h->source, source) == 0 && strcmp(h->lane, after) > 0 &&
            h->h.at_ms < before_ms && (!best || strcmp(h->lane, best) < 0))
            best = h->lane;
    }
    return best;
}

enum nf_code nf_memory_held_lanes(struct nf_chat_store *s, const char *source, const char *after,
                                  int64_t before_ms, size_t limit, struct nf_held_lanes *ret,
                                  struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_held_lanes_done)
    struct nf_held_lanes found = { .v = calloc(m->held.n + 1, sizeof(*found.v)) };

    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    while (found.n < limit && (after = next_lane(m, source, after, before_ms)) != NULL) {
        struct nf_held_lane *l = &found.v[found.n++];
        memcpy(l->name, after, strlen(after) + 1);
        for (size_t i = 0; i < m->held.n; i++)
            l->n += is_in(&m->held.v[i], source, after) && m->held.v[i].h.at_ms < before_ms;
    }
    *ret = nf_take(found);
    return NF_OK;
}

enum nf_code nf_memory_seal(struct nf_chat_store *s, const char *source, const char *lane,
                            int64_t first, int64_t last, size_t n, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t there = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < m->held.n; i++) {
            struct nf_memory_held *h = &m->held.v[i];
            if (!is_in(h, source, lane) || h->h.id < first || h->h.id > last ||
                (pass == 0 && h->h.lot != 0))
                continue;
            there += pass == 0;
            if (pass == 1)
                h->h.lot = first;
        }
        if (there != n)
            return nf_err_set(err, NF_E_CONFLICT, "another one came in between");
    }
    return NF_OK;
}

enum nf_code nf_memory_release(struct nf_chat_store *s, const char *source, const char *lane,
                               int64_t first, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = m->held.n; i > 0; i--) {
        struct nf_memory_held *h = &m->held.v[i - 1];
        if (!is_in(h, source, lane) || (h->h.id != first && h->h.lot != first))
            continue;
        nf_memory_held_done(h);
        *h = m->held.v[--m->held.n];
    }
    return NF_OK;
}
