#include "base/own.h"
#include "base/string.h"
#include "base/utf8.h"
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
    if (c && strcmp(c->ref.ref, ref) != 0)
        return nf_err_set(err, NF_E_CONFLICT, "another message stands for this part");
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

static enum nf_code forget(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                           struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_chat *c = find(m, run_id, part);
    (void)err;
    if (c && strcmp(c->ref.ref, ref) == 0)
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

static enum nf_code asked(struct nf_chat_store *s, int64_t session_id, const char *ref,
                          int64_t *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    int64_t newest = 0;
    for (size_t i = 0; i < m->chat.n; i++) {
        const struct nf_memory_chat *c = &m->chat.v[i];
        const struct nf_memory_task *t = nf_memory_task(m, c->run_id);
        if (c->ref.part == NF_CHAT_ASKED && strcmp(c->ref.ref, ref) == 0 && t &&
            t->t.session_id == session_id && c->run_id > newest)
            newest = c->run_id;
    }
    if (newest == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such message in this session");
    *ret = newest;
    return NF_OK;
}

/* --- how far a network was read, and by whom ------------------------------------------------- */

enum nf_code nf_memory_source(struct nf_memory *m, const char *name, struct nf_memory_source **ret,
                              struct nf_err *err)
{
    for (size_t i = 0; i < m->source.n; i++) {
        if (strcmp(m->source.v[i].name, name) == 0) {
            *ret = &m->source.v[i];
            return NF_OK;
        }
    }
    NF_TRY(NF_MEMORY_ROOM(&m->source, 1, err));
    *ret = &m->source.v[m->source.n++];
    **ret = (struct nf_memory_source){ 0 };
    memcpy((*ret)->name, name, strnlen(name, NF_CURSOR_SOURCE_MAX));
    return NF_OK;
}

void nf_memory_set_cursor(struct nf_memory_source *s, const char *cursor, int64_t now_ms)
{
    if (!cursor)
        return;
    s->at_ms = now_ms;
    memset(s->cursor, 0, sizeof(s->cursor));
    memcpy(s->cursor, cursor, strnlen(cursor, NF_CURSOR_MAX));
}

static enum nf_code set_cursor(struct nf_chat_store *s, const char *source, const char *cursor,
                               int64_t now_ms, struct nf_err *err)
{
    struct nf_memory_source *found;
    NF_TRY(nf_memory_source(memory_of(s), source, &found, err));
    nf_memory_set_cursor(found, cursor, now_ms);
    return NF_OK;
}

static enum nf_code once(struct nf_chat_store *s, const struct nf_chat_event *e, int64_t now_ms,
                         struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_freep) char *source = NULL;
    NF_TRY(NF_MEMORY_ROOM(&m->inbox, 1, err));
    NF_TRY(nf_strdup(e->source, &source, err));
    if (e->cursor)
        NF_TRY(set_cursor(s, e->cursor_source, e->cursor, now_ms, err));
    if (nf_memory_inbox(m, e->source, e->event_id))
        return nf_err_set(err, NF_E_CONFLICT, "this event was dealt with before");
    struct nf_memory_inbox *entry = &m->inbox.v[m->inbox.n++];
    *entry = (struct nf_memory_inbox){ .source = nf_take(source), .at_ms = now_ms };
    memcpy(entry->client_id, e->event_id, strnlen(e->event_id, NF_CLIENT_ID_MAX));
    return NF_OK;
}

static enum nf_code cursor(struct nf_chat_store *s, const char *source, char ret[NF_CURSOR_MAX + 1],
                           struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    (void)err;
    ret[0] = '\0';
    for (size_t i = 0; i < m->source.n; i++)
        if (strcmp(m->source.v[i].name, source) == 0)
            memcpy(ret, m->source.v[i].cursor, NF_CURSOR_MAX + 1);
    return NF_OK;
}

/* The first behind `after` that begins with `prefix`. */
static const struct nf_memory_source *next_source(const struct nf_memory *m, const char *prefix,
                                                  const char *after)
{
    const struct nf_memory_source *best = NULL;
    for (size_t i = 0; i < m->source.n; i++) {
        const struct nf_memory_source *v = &m->source.v[i];
        if (strncmp(v->name, prefix, strlen(prefix)) == 0 && strcmp(v->name, after) > 0 &&
            v->cursor[0] && (!best || strcmp(v->name, best->name) < 0))
            best = v;
    }
    return best;
}

static enum nf_code cursors(struct nf_chat_store *s, const char *prefix, const char *after,
                            size_t limit, struct nf_cursors *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    size_t room = m->source.n < limit ? m->source.n : limit;
    NF_CLEANUP(nf_cursors_done) struct nf_cursors found = { 0 };
    const struct nf_memory_source *v;
    found.v = calloc(room + 1, sizeof(*found.v));
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    while (found.n < room && (v = next_source(m, prefix, after)) != NULL) {
        struct nf_cursor *c = &found.v[found.n++];
        memcpy(c->source, v->name, sizeof(v->name));
        memcpy(c->place, v->cursor, sizeof(v->cursor));
        after = v->name;
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code lease(struct nf_chat_store *s, const char *source, int64_t owner,
                          int64_t until_ms, int64_t now_ms, int64_t *fence, struct nf_err *err)
{
    struct nf_memory_source *l;
    NF_TRY(nf_memory_source(memory_of(s), source, &l, err));
    if (l->owner != owner && l->lease_until_ms > now_ms)
        return nf_err_set(err, NF_E_CONFLICT, "another instance reads '%s'", source);
    if (l->owner != owner)
        l->fence++;
    l->owner = owner;
    l->lease_until_ms = until_ms;
    *fence = l->fence;
    return NF_OK;
}

static enum nf_code unlease(struct nf_chat_store *s, const char *source, int64_t owner,
                            struct nf_err *err)
{
    struct nf_memory_source *l;
    NF_TRY(nf_memory_source(memory_of(s), source, &l, err));
    if (l->owner == owner)
        l->lease_until_ms = 0;
    return NF_OK;
}

/* --- chats that cannot be written to, or have another address ------------------------------- */

static struct nf_memory_unreachable *find_unreachable(struct nf_memory *m, const char *channel,
                                                      const char *address)
{
    for (size_t i = 0; i < m->unreachable.n; i++)
        if (strcmp(m->unreachable.v[i].channel, channel) == 0 &&
            strcmp(m->unreachable.v[i].u.address, address) == 0)
            return &m->unreachable.v[i];
    return NULL;
}

static enum nf_code set_unreachable(struct nf_chat_store *s, const char *channel,
                                    const char *address, const char *reason, int64_t now_ms,
                                    struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_TRY(NF_MEMORY_ROOM(&m->unreachable, 1, err));
    struct nf_memory_unreachable *u = find_unreachable(m, channel, address);
    if (!reason) {
        if (u)
            *u = m->unreachable.v[--m->unreachable.n];
        return NF_OK;
    }
    if (!u) {
        u = &m->unreachable.v[m->unreachable.n++];
        *u = (struct nf_memory_unreachable){ .u.since_ms = now_ms };
        memcpy(u->channel, channel, strnlen(channel, NF_CHANNEL_MAX));
        memcpy(u->u.address, address, strnlen(address, NF_ADDRESS_MAX));
    }
    size_t n = nf_utf8_cut(reason, strlen(reason), NF_REASON_MAX);
    memset(u->u.reason, 0, sizeof(u->u.reason));
    memcpy(u->u.reason, reason, n);
    return NF_OK;
}

static enum nf_code is_unreachable(struct nf_chat_store *s, const char *channel,
                                   const char *address, bool *ret, struct nf_err *err)
{
    (void)err;
    *ret = find_unreachable(memory_of(s), channel, address) != NULL;
    return NF_OK;
}

static int by_address(const void *a, const void *b)
{
    return strcmp(((const struct nf_unreachable *)a)->address,
                  ((const struct nf_unreachable *)b)->address);
}

static enum nf_code unreachable(struct nf_chat_store *s, const char *channel, const char *after,
                                size_t limit, struct nf_unreachables *ret, struct nf_err *err)
{
    const struct nf_memory *m = memory_of(s);
    struct nf_unreachables found = { .v = calloc(m->unreachable.n + 1, sizeof(*found.v)) };
    if (!found.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < m->unreachable.n; i++)
        if (strcmp(m->unreachable.v[i].channel, channel) == 0 &&
            strcmp(m->unreachable.v[i].u.address, after) > 0)
            found.v[found.n++] = m->unreachable.v[i].u;
    qsort(found.v, found.n, sizeof(*found.v), by_address);
    if (found.n > limit)
        found.n = limit;
    *ret = found;
    return NF_OK;
}

/* The part of `address` behind that of its chat, if it is of chat `chat`; else NULL. */
static const char *topic_of(const char *address, const char *chat)
{
    size_t n = strlen(chat);
    bool inside = strncmp(address, chat, n) == 0 && (address[n] == '\0' || address[n] == ':');
    return inside ? address + n : NULL;
}

/* True if the session goes on there, and it is a group's. */
static bool is_group_at(const struct nf_session *s, const char *channel, const char *chat)
{
    return s->shared && !s->retired && strcmp(s->channel, channel) == 0 &&
           topic_of(s->address, chat);
}

static void readdress(struct nf_memory *m, struct nf_session *s, const char *from, const char *to)
{
    char moved[NF_ADDRESS_MAX + 1] = "";
    const char *topic = topic_of(s->address, from);
    size_t n = strlen(to);
    if (n + strlen(topic) > NF_ADDRESS_MAX)
        return;
    memcpy(moved, to, n + 1);
    memcpy(moved + n, topic, strlen(topic) + 1);
    memcpy(s->address, moved, sizeof(moved));
    for (size_t i = 0; i < m->item.n; i++)
        if (m->item.v[i].session_id == s->id && !nf_outbox_is_final(m->item.v[i].status))
            memcpy(m->item.v[i].address, moved, sizeof(moved));
}

static enum nf_code move(struct nf_chat_store *s, const char *channel, const char *from,
                         const char *to, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    (void)err;
    for (size_t i = 0; i < m->session.n; i++)
        if (is_group_at(&m->session.v[i].s, channel, to))
            m->session.v[i].s.retired = true;
    for (size_t i = 0; i < m->session.n; i++)
        if (is_group_at(&m->session.v[i].s, channel, from))
            readdress(m, &m->session.v[i].s, from, to);
    struct nf_memory_unreachable *u = find_unreachable(m, channel, from);
    if (u)
        *u = m->unreachable.v[--m->unreachable.n];
    return NF_OK;
}

const struct nf_chat_store_ops nf_memory_chats = {
    .put = put,
    .refs = refs,
    .forget = forget,
    .tidy = tidy,
    .asked = asked,
    .once = once,
    .set_cursor = set_cursor,
    .cursor = cursor,
    .cursors = cursors,
    .lease = lease,
    .unlease = unlease,
    .hold = nf_memory_hold,
    .held = nf_memory_held_of,
    .held_lanes = nf_memory_held_lanes,
    .seal = nf_memory_seal,
    .release = nf_memory_release,
    .set_unreachable = set_unreachable,
    .is_unreachable = is_unreachable,
    .unreachable = unreachable,
    .move = move,
};
