/* What happens to messages that wait: they are edited, or answered by the turn before them. */
#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

static struct nf_memory *memory_of(struct nf_turn_store *s)
{
    assert(s->ops == &nf_memory_turns);
    return nf_container_of(s, struct nf_memory, turns);
}

/* The turn, if it waits and is theirs. */
static struct nf_memory_task *waiting(struct nf_memory *m, int64_t session_id, int64_t run_id,
                                      int64_t user_id)
{
    struct nf_memory_task *t = nf_memory_task(m, run_id);
    return t && t->t.session_id == session_id && t->t.user_id == user_id &&
                   t->t.kind == NF_TASK_TURN && t->t.status == NF_TASK_PENDING
               ? t
               : NULL;
}

static struct nf_message *message_of(struct nf_memory *m, const struct nf_task *turn)
{
    for (size_t i = 0; i < m->message.n; i++)
        if (m->message.v[i].session_id == turn->session_id && m->message.v[i].seq == turn->seq)
            return &m->message.v[i];
    return NULL;
}

static void note_edit(struct nf_memory *m, const struct nf_revise *in, char **source)
{
    struct nf_memory_inbox *entry = &m->inbox.v[m->inbox.n++];
    *entry = (struct nf_memory_inbox){ .source = nf_take(*source),
                                       .session_id = in->session_id,
                                       .run_id = in->run_id,
                                       .at_ms = in->now_ms };
    memcpy(entry->client_id, in->client_id, strnlen(in->client_id, NF_CLIENT_ID_MAX));
}

enum nf_code nf_memory_revise(struct nf_turn_store *s, const struct nf_revise *in,
                              struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    NF_CLEANUP(nf_parts_done) struct nf_parts parts = { 0 };
    NF_CLEANUP(nf_freep) char *source = NULL;
    NF_CLEANUP(nf_freep) char *content = NULL;
    struct nf_memory_source *read = NULL;
    const struct nf_memory_task *t = waiting(m, in->session_id, in->run_id, in->user_id);
    bool before = nf_memory_inbox(m, in->source, in->client_id) != NULL;

    if (!t && !before)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such waiting message of theirs");
    NF_TRY(NF_MEMORY_ROOM(&m->inbox, 1, err));
    NF_TRY(nf_strdup(in->source, &source, err));
    NF_TRY(nf_strdup(in->content, &content, err));
    if (in->parts)
        NF_TRY(nf_parts_append(&parts, in->parts, err));
    if (in->cursor)
        NF_TRY(nf_memory_source(m, in->cursor_source, &read, err));

    if (read)
        nf_memory_set_cursor(read, in->cursor, in->now_ms);
    if (before)
        return NF_OK;
    struct nf_message *said = message_of(m, &t->t);
    free(said->content);
    nf_parts_done(&said->parts);
    said->content = nf_take(content);
    said->parts = nf_take(parts);
    note_edit(m, in, &source);
    return NF_OK;
}

enum nf_code nf_memory_join(struct nf_turn_store *s, const struct nf_claim *c, int64_t run_id,
                            int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(s);
    struct nf_memory_session *session = nf_memory_claimed(m, c, err);

    if (!session)
        return NF_E_CONFLICT;
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    struct nf_memory_task *t = waiting(m, c->session_id, run_id, c->user_id);
    if (!t)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such waiting turn of theirs");
    t->t.status = NF_TASK_COMPLETED;
    t->t.ended_ms = now_ms;
    memcpy(t->t.reason, NF_JOINED_REASON, sizeof(NF_JOINED_REASON));
    nf_memory_touch(t, now_ms);
    nf_memory_note(m, t);
    message_of(m, &t->t)->run_id = c->run_id;
    session->s.pending--;
    return NF_OK;
}
