#include "application/histories.h"

#include "base/own.h"
#include "base/string.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    int64_t fence, seq; /* of the claim that it is good for, or of the one before */
    bool asked;         /* the question is in it */
    uint64_t used;      /* on the clock */
    size_t bytes;
    struct nf_messages m;
};

/* Looked through from the first to the last: the ids lie together, two KiB of them. */
struct nf_histories {
    int64_t ids[NF_HISTORIES_MAX]; /* sessions; 0: the slot is free */
    struct slot slots[NF_HISTORIES_MAX];
    size_t n, bytes;
    uint64_t clock;
};

enum nf_code nf_histories_new(struct nf_histories **ret, struct nf_err *err)
{
    struct nf_histories *h = calloc(1, sizeof(*h));
    if (!h)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *ret = h;
    return NF_OK;
}

void nf_histories_free(struct nf_histories *h)
{
    for (size_t i = 0; h && i < NF_HISTORIES_MAX; i++)
        nf_messages_done(&h->slots[i].m);
    free(h);
}

size_t nf_histories_count(const struct nf_histories *h)
{
    return h->n;
}

size_t nf_histories_bytes(const struct nf_histories *h)
{
    return h->bytes;
}

/* --- slots ------------------------------------------------------------------------------------ */

static struct slot *find(struct nf_histories *h, int64_t session_id)
{
    for (size_t i = 0; i < NF_HISTORIES_MAX; i++)
        if (h->ids[i] == session_id)
            return &h->slots[i];
    return NULL;
}

/* The messages are somebody else's from now on, or are freed. */
static void empty(struct nf_histories *h, struct slot *s)
{
    h->ids[s - h->slots] = 0;
    h->bytes -= s->bytes;
    h->n--;
    *s = (struct slot){ 0 };
}

static void drop(struct nf_histories *h, struct slot *s)
{
    nf_messages_done(&s->m);
    empty(h, s);
}

static struct slot *oldest(struct nf_histories *h)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < NF_HISTORIES_MAX; i++)
        if (h->ids[i] != 0 && (!found || h->slots[i].used < found->used))
            found = &h->slots[i];
    return found;
}

static struct slot *add(struct nf_histories *h, int64_t session_id)
{
    if (h->n == NF_HISTORIES_MAX)
        drop(h, oldest(h));
    struct slot *s = find(h, 0);
    h->ids[s - h->slots] = session_id;
    h->n++;
    return s;
}

static void make_room(struct nf_histories *h)
{
    while (h->bytes > NF_HISTORIES_BYTES_MAX)
        drop(h, oldest(h));
}

/* --- what it takes ---------------------------------------------------------------------------- */

static size_t length(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

static size_t bytes_of_parts(const struct nf_parts *parts)
{
    size_t n = parts->n * sizeof(parts->v[0]);
    for (size_t i = 0; i < parts->n; i++) {
        const struct nf_part *p = &parts->v[i];
        n += length(p->text) + length(p->call_id) + length(p->name) + length(p->args) +
             length(p->signature) + length(p->data) + length(p->url) + length(p->media_type);
    }
    return n;
}

static size_t bytes_of(const struct nf_messages *m)
{
    size_t n = m->n * sizeof(m->v[0]);
    for (size_t i = 0; i < m->n; i++)
        n += length(m->v[i].content) + bytes_of_parts(&m->v[i].parts);
    return n;
}

/* --- from one turn to the next ---------------------------------------------------------------- */

/* A later turn may have ended before this one was done with telling: its history stays. */
static bool is_older(struct nf_histories *h, const struct nf_claim *c)
{
    const struct slot *s = find(h, c->session_id);
    return s && s->fence > c->fence;
}

void nf_histories_keep(struct nf_histories *h, const struct nf_claim *c, int64_t seq,
                       struct nf_messages *m)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages all = nf_take(*m);
    size_t bytes = bytes_of(&all);

    if (!h || is_older(h, c))
        return;
    nf_histories_forget(h, c->session_id);
    if (bytes > NF_HISTORY_BYTES_MAX)
        return;
    struct slot *s = add(h, c->session_id);
    *s = (struct slot){ .fence = c->fence, .seq = seq, .used = ++h->clock, .bytes = bytes };
    s->m = nf_take(all);
    h->bytes += bytes;
    make_room(h);
}

/* The message as it was written down. */
static NF_RC copy(const struct nf_accept *in, const struct nf_accepted *got, struct nf_message *ret,
                  struct nf_err *err)
{
    *ret = (struct nf_message){ .session_id = got->session_id,
                                .seq = got->seq,
                                .role = NF_ROLE_USER,
                                .run_id = got->run_id,
                                .created_ms = in->now_ms,
                                .branch = in->branch };
    memcpy(ret->client_id, in->client_id, strnlen(in->client_id, NF_CLIENT_ID_MAX));
    NF_TRY(nf_strdup(in->content, &ret->content, err));
    return in->parts ? nf_parts_append(&ret->parts, in->parts, err) : NF_OK;
}

static NF_RC add_question(struct nf_histories *h, struct slot *s, const struct nf_accept *in,
                          const struct nf_accepted *got, size_t bytes, struct nf_err *err)
{
    NF_CLEANUP(nf_message_done) struct nf_message question = { 0 };
    NF_TRY(copy(in, got, &question, err));
    NF_TRY(nf_messages_push(&s->m, &question, err));
    s->fence = got->claim.fence;
    s->seq = got->seq;
    s->asked = true;
    s->used = ++h->clock;
    s->bytes += bytes;
    h->bytes += bytes;
    make_room(h);
    return NF_OK;
}

void nf_histories_ask(struct nf_histories *h, const struct nf_accept *in,
                      const struct nf_accepted *got)
{
    if (!h || !got->claimed || got->duplicate)
        return;
    struct slot *s = find(h, got->session_id);
    struct nf_err ignored;
    size_t bytes = sizeof(struct nf_message) + length(in->content) +
                   (in->parts ? bytes_of_parts(in->parts) : 0);
    bool follows = s && !s->asked && s->fence + 1 == got->claim.fence && s->seq + 1 == got->seq;
    bool fits = (s ? s->bytes : 0) + bytes <= NF_HISTORY_BYTES_MAX;

    if (s && !(follows && fits)) {
        drop(h, s);
        return;
    }
    if (!fits || (!s && !in->create)) /* of one that was just made there is nothing before it */
        return;
    if (!s)
        s = add(h, got->session_id);
    if (add_question(h, s, in, got, bytes, &ignored) != NF_OK)
        drop(h, s);
}

/* As the database leaves out what people attached before `media`, and what is over `limit`. */
static void leave_out(struct nf_messages *m, int64_t media, size_t limit)
{
    size_t old = m->n > limit ? m->n - limit : 0;
    for (size_t i = 0; i < old; i++)
        nf_message_done(&m->v[i]);
    if (old > 0)
        memmove(m->v, m->v + old, (m->n - old) * sizeof(m->v[0]));
    m->n -= old;
    for (size_t i = 0; i < m->n; i++)
        if (m->v[i].role == NF_ROLE_USER && m->v[i].seq < media && m->v[i].parts.n > 0)
            nf_parts_done(&m->v[i].parts);
}

bool nf_histories_take(struct nf_histories *h, const struct nf_claim *c, int64_t media,
                       size_t limit, struct nf_messages *ret)
{
    struct slot *s = h ? find(h, c->session_id) : NULL;

    if (!s || !s->asked || s->fence != c->fence || s->seq != c->seq || c->attempt != 1)
        return false;
    struct nf_messages all = nf_take(s->m);
    empty(h, s);
    leave_out(&all, media, limit);
    *ret = all;
    return true;
}

void nf_histories_forget(struct nf_histories *h, int64_t session_id)
{
    struct slot *s = h ? find(h, session_id) : NULL;
    if (s)
        drop(h, s);
}
