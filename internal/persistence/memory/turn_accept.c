/* Accepting a message: one operation, all or nothing. */
#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_turn_store *s)
{
    assert(s->ops == &nf_memory_turns);
    return nf_container_of(s, struct nf_memory, turns);
}

const struct nf_memory_inbox *nf_memory_inbox(const struct nf_memory *m, const char *source,
                                              const char *client_id)
{
    for (size_t i = 0; i < m->inbox.n; i++)
        if (strcmp(m->inbox.v[i].source, source) == 0 &&
            strcmp(m->inbox.v[i].client_id, client_id) == 0)
            return &m->inbox.v[i];
    return NULL;
}

static bool chat_is_taken(const struct nf_memory *m, const struct nf_session *s)
{
    for (size_t i = 0; i < m->session.n; i++) {
        const struct nf_session *o = &m->session.v[i].s;
        bool alike = o->shared == s->shared && !o->retired && !s->retired &&
                     (s->shared || o->user_id == s->user_id);
        if (o->id == s->id || (s->address[0] && alike && strcmp(o->channel, s->channel) == 0 &&
                               strcmp(o->address, s->address) == 0))
            return true;
    }
    return false;
}

/* Turns of the user's sessions that nobody works on. */
static int64_t waiting_of(const struct nf_memory *m, int64_t user_id)
{
    int64_t n = 0;
    for (size_t i = 0; i < m->session.n; i++) {
        const struct nf_session *s = &m->session.v[i].s;
        if (s->user_id == user_id && s->pending > 0)
            n += s->pending - (s->lease_until_ms > 0 ? 1 : 0);
    }
    return n;
}

static NF_RC may_wait(const struct nf_memory *m, const struct nf_accept *in, int64_t user_id,
                      struct nf_err *err)
{
    if (in->user_waiting_max == 0 || waiting_of(m, user_id) < in->user_waiting_max)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT, "%lld of your messages wait already",
                      (long long)in->user_waiting_max);
}

static NF_RC may_accept(struct nf_memory *m, const struct nf_accept *in, struct nf_err *err)
{
    if (in->full_at > 0)
        return nf_err_set(err, NF_E_LIMIT, "%lld messages wait to be answered",
                          (long long)in->full_at);
    if (in->create) {
        if (chat_is_taken(m, in->create))
            return nf_err_set(err, NF_E_CONFLICT, "this chat got a session meanwhile");
        return may_wait(m, in, in->create->user_id, err);
    }
    const struct nf_memory_session *s = nf_memory_session(m, in->session_id);
    if (!s || (s->s.user_id != in->user_id && !s->s.shared))
        return nf_err_set(err, NF_E_NOT_FOUND, "no such session");
    NF_TRY(nf_session_may_queue(&s->s, err));
    return may_wait(m, in, s->s.user_id, err);
}

static NF_RC room_to_accept(struct nf_memory *m, struct nf_err *err)
{
    NF_TRY(NF_MEMORY_ROOM(&m->session, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->inbox, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->message, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->task, 2, err));
    NF_TRY(NF_MEMORY_ROOM(&m->chat, 1, err));
    return NF_MEMORY_ROOM(&m->change, 3, err);
}

struct nf_memory_task *nf_memory_add_task(struct nf_memory *m, const struct nf_task *t)
{
    struct nf_memory_task *to = &m->task.v[m->task.n++];
    *to = (struct nf_memory_task){
        .t = *t, .changes = 1, .changed_ms = t->created_ms, .out_last = -1
    };
    return to;
}

static void add_turn(struct nf_memory *m, const struct nf_accept *in, struct nf_memory_session *s,
                     bool claimed)
{
    struct nf_memory_task *turn =
        nf_memory_add_task(m, &(struct nf_task){ .id = in->run_id,
                                                 .turn_id = in->run_id,
                                                 .session_id = s->s.id,
                                                 .user_id = in->user_id,
                                                 .kind = NF_TASK_TURN,
                                                 .status = NF_TASK_PENDING,
                                                 .seq = s->s.last_seq,
                                                 .created_ms = in->now_ms });
    nf_memory_note(m, turn);
    if (!claimed)
        return;
    turn->t.status = NF_TASK_RUNNING;
    turn->t.attempt = 1;
    turn->t.started_ms = in->now_ms;
    nf_memory_touch(turn, in->now_ms);
    nf_memory_note(m, turn);
    if (in->step_id == 0)
        return;
    nf_memory_note(m, nf_memory_add_task(m, &(struct nf_task){ .id = in->step_id,
                                                               .turn_id = in->run_id,
                                                               .n = 1,
                                                               .session_id = s->s.id,
                                                               .user_id = in->user_id,
                                                               .kind = NF_TASK_MODEL,
                                                               .status = NF_TASK_RUNNING,
                                                               .attempt = 1,
                                                               .created_ms = in->now_ms,
                                                               .started_ms = in->now_ms }));
}

/* Nothing here fails. */
static bool take_in(struct nf_memory *m, const struct nf_accept *in, struct nf_memory_session *s)
{
    bool claimed = s->s.pending == 0 && in->lease_ms > 0;
    if (s->s.pending == 0)
        s->ready_ms = in->now_ms;
    s->s.last_seq++;
    s->s.pending++;
    s->s.updated_ms = in->now_ms;
    if (claimed) {
        s->owner = in->owner;
        s->s.lease_until_ms = in->now_ms + in->lease_ms;
        s->s.fence++;
    }
    add_turn(m, in, s, claimed);
    return claimed;
}

/* As far as the session tells. */
struct nf_claim nf_memory_claim_of(const struct nf_session *s)
{
    struct nf_claim c = { .session_id = s->id, .fence = s->fence, .shared = s->shared };
    memcpy(c.model, s->model, sizeof(c.model));
    memcpy(c.channel, s->channel, sizeof(c.channel));
    memcpy(c.address, s->address, sizeof(c.address));
    return c;
}

static void note_ref(struct nf_memory *m, const struct nf_accept *in)
{
    struct nf_memory_chat *c = &m->chat.v[m->chat.n++];
    *c = (struct nf_memory_chat){ .run_id = in->run_id,
                                  .at_ms = in->now_ms,
                                  .ref.part = NF_CHAT_ASKED };
    memcpy(c->ref.ref, in->ref, strnlen(in->ref, NF_CHAT_REF_MAX));
}

/* There is room. The texts are taken. */
static void keep_message(struct nf_memory *m, const struct nf_accept *in,
                         const struct nf_session *s, char *source, char *content,
                         struct nf_parts parts)
{
    struct nf_memory_inbox entry = {
        .session_id = s->id, .run_id = in->run_id, .seq = s->last_seq, .at_ms = in->now_ms
    };
    struct nf_message said = { .session_id = s->id,
                               .seq = s->last_seq,
                               .role = NF_ROLE_USER,
                               .run_id = in->run_id,
                               .created_ms = in->now_ms,
                               .parts = parts,
                               .branch = in->branch };
    entry.source = source;
    said.content = content;
    assert(strlen(in->client_id) <= NF_CLIENT_ID_MAX);
    memcpy(entry.client_id, in->client_id, strlen(in->client_id) + 1);
    memcpy(said.client_id, in->client_id, strlen(in->client_id) + 1);
    m->inbox.v[m->inbox.n++] = entry;
    m->message.v[m->message.n++] = said;
}

enum nf_code nf_memory_accept(struct nf_turn_store *st, const struct nf_accept *in,
                              struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    const struct nf_memory_inbox *first = nf_memory_inbox(m, in->source, in->client_id);
    if (first) {
        *ret = (struct nf_accepted){ .duplicate = true,
                                     .session_id = first->session_id,
                                     .run_id = first->run_id,
                                     .seq = first->seq };
        return NF_OK;
    }
    NF_CLEANUP(nf_freep) char *source = NULL;
    NF_CLEANUP(nf_freep) char *content = NULL;
    NF_TRY(may_accept(m, in, err));
    if (in->fire)
        NF_TRY(nf_memory_may_fire(m, in->fire, err));
    NF_TRY(room_to_accept(m, err));
    NF_TRY(nf_strdup(in->source, &source, err));
    NF_TRY(nf_strdup(in->content, &content, err));
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    struct nf_memory_source *read = NULL;
    if (in->parts)
        NF_TRY(nf_parts_append(&parts, in->parts, err));
    if (in->cursor)
        NF_TRY(nf_memory_source(m, in->cursor_source, &read, err));

    if (read)
        nf_memory_set_cursor(read, in->cursor, in->now_ms);
    if (in->create)
        m->session.v[m->session.n++] =
            (struct nf_memory_session){ .s = *in->create, .ready_ms = in->now_ms };
    struct nf_memory_session *s = nf_memory_session(m, in->session_id);
    bool claimed = take_in(m, in, s);
    keep_message(m, in, &s->s, nf_take(source), nf_take(content), nf_take(parts));
    if (in->ref)
        note_ref(m, in);
    if (in->fire)
        nf_memory_fire(m, in->fire);
    s->s.retired = s->s.retired || in->retires;
    *ret = (struct nf_accepted){
        .session_id = s->s.id, .run_id = in->run_id, .seq = s->s.last_seq, .claimed = claimed
    };
    if (!claimed)
        return NF_OK;
    ret->claim = nf_memory_claim_of(&s->s);
    ret->claim.user_id = in->user_id;
    ret->claim.run_id = in->run_id;
    ret->claim.seq = s->s.last_seq;
    ret->claim.attempt = 1;
    ret->claim.step_id = in->step_id;
    return NF_OK;
}
