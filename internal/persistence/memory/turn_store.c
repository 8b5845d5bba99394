#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_turn_store *s)
{
    assert(s->ops == &nf_memory_turns);
    return nf_container_of(s, struct nf_memory, turns);
}

/* --- accept ---------------------------------------------------------------------------------- */

static const struct nf_memory_inbox *find_inbox(const struct nf_memory *m,
                                                const struct nf_accept *in)
{
    for (size_t i = 0; i < m->inbox.n; i++)
        if (strcmp(m->inbox.v[i].source, in->source) == 0 &&
            strcmp(m->inbox.v[i].client_id, in->client_id) == 0)
            return &m->inbox.v[i];
    return NULL;
}

static bool chat_is_taken(const struct nf_memory *m, const struct nf_session *s)
{
    for (size_t i = 0; i < m->session.n; i++) {
        const struct nf_session *o = &m->session.v[i].s;
        if (o->id == s->id ||
            (s->address[0] && o->user_id == s->user_id && strcmp(o->channel, s->channel) == 0 &&
             strcmp(o->address, s->address) == 0))
            return true;
    }
    return false;
}

static NF_RC may_accept(struct nf_memory *m, const struct nf_accept *in, struct nf_err *err)
{
    if (in->create) {
        if (chat_is_taken(m, in->create))
            return nf_err_set(err, NF_E_CONFLICT, "this chat got a session meanwhile");
        return NF_OK;
    }
    const struct nf_memory_session *s = nf_memory_session(m, in->session_id);
    if (!s || s->s.user_id != in->user_id)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such session");
    if (s->s.pending >= NF_SESSION_QUEUE_MAX)
        return nf_err_set(err, NF_E_LIMIT, "%d messages of this session wait already",
                          NF_SESSION_QUEUE_MAX);
    return NF_OK;
}

static NF_RC room_to_accept(struct nf_memory *m, struct nf_err *err)
{
    NF_TRY(NF_MEMORY_ROOM(&m->session, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->inbox, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->message, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->task, 2, err));
    return NF_MEMORY_ROOM(&m->change, 3, err);
}

static struct nf_memory_task *add_task(struct nf_memory *m, const struct nf_task *t)
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
    struct nf_memory_task *turn = add_task(m, &(struct nf_task){ .id = in->run_id,
                                                                 .turn_id = in->run_id,
                                                                 .session_id = s->s.id,
                                                                 .user_id = s->s.user_id,
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
    nf_memory_note(m, add_task(m, &(struct nf_task){ .id = in->step_id,
                                                     .turn_id = in->run_id,
                                                     .n = 1,
                                                     .session_id = s->s.id,
                                                     .user_id = s->s.user_id,
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
static struct nf_claim claim_of(const struct nf_session *s)
{
    struct nf_claim c = { .session_id = s->id, .user_id = s->user_id, .fence = s->fence };
    memcpy(c.channel, s->channel, sizeof(c.channel));
    memcpy(c.address, s->address, sizeof(c.address));
    return c;
}

static enum nf_code accept_message(struct nf_turn_store *st, const struct nf_accept *in,
                                   struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    const struct nf_memory_inbox *first = find_inbox(m, in);
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
    NF_TRY(room_to_accept(m, err));
    NF_TRY(nf_strdup(in->source, &source, err));
    NF_TRY(nf_strdup(in->content, &content, err));

    if (in->create)
        m->session.v[m->session.n++] =
            (struct nf_memory_session){ .s = *in->create, .ready_ms = in->now_ms };
    struct nf_memory_session *s = nf_memory_session(m, in->session_id);
    bool claimed = take_in(m, in, s);
    struct nf_memory_inbox entry = {
        .source = nf_take(source), .session_id = s->s.id, .run_id = in->run_id, .seq = s->s.last_seq
    };
    struct nf_message said = { .session_id = s->s.id,
                               .seq = s->s.last_seq,
                               .role = NF_ROLE_USER,
                               .run_id = in->run_id,
                               .created_ms = in->now_ms,
                               .content = nf_take(content) };
    assert(strlen(in->client_id) <= NF_CLIENT_ID_MAX);
    memcpy(entry.client_id, in->client_id, strlen(in->client_id) + 1);
    memcpy(said.client_id, in->client_id, strlen(in->client_id) + 1);
    m->inbox.v[m->inbox.n++] = entry;
    m->message.v[m->message.n++] = said;
    *ret = (struct nf_accepted){
        .session_id = s->s.id, .run_id = in->run_id, .seq = s->s.last_seq, .claimed = claimed
    };
    if (!claimed)
        return NF_OK;
    ret->claim = claim_of(&s->s);
    ret->claim.run_id = in->run_id;
    ret->claim.seq = s->s.last_seq;
    ret->claim.attempt = 1;
    ret->claim.step_id = in->step_id;
    return NF_OK;
}

/* --- claim and free -------------------------------------------------------------------------- */

static struct nf_memory_task *oldest_open(struct nf_memory *m, int64_t session_id)
{
    struct nf_memory_task *oldest = NULL;
    for (size_t i = 0; i < m->task.n; i++) {
        struct nf_memory_task *t = &m->task.v[i];
        if (t->t.session_id == session_id && t->t.kind == NF_TASK_TURN &&
            !nf_task_is_final(t->t.status) && (!oldest || t->t.seq < oldest->t.seq))
            oldest = t;
    }
    return oldest;
}

static enum nf_code claim(struct nf_turn_store *st, int64_t session_id, int64_t owner,
                          int64_t lease_ms, int64_t now_ms, struct nf_claim *ret,
                          struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_session *s = nf_memory_session(m, session_id);
    struct nf_memory_task *t = oldest_open(m, session_id);
    if (!s || !t || s->s.pending == 0 || s->s.lease_until_ms > now_ms)
        return nf_err_set(err, NF_E_NOT_FOUND, "nothing waits in this session, or it is worked on");
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    s->owner = owner;
    s->s.lease_until_ms = now_ms + lease_ms;
    s->s.fence++;
    t->t.attempt++;
    if (t->t.started_ms == 0)
        t->t.started_ms = now_ms;
    if (t->t.status != NF_TASK_RUNNING) {
        t->t.status = NF_TASK_RUNNING;
        nf_memory_touch(t, now_ms);
        nf_memory_note(m, t);
    }
    *ret = claim_of(&s->s);
    ret->run_id = t->t.id;
    ret->seq = t->t.seq;
    ret->attempt = t->t.attempt;
    return NF_OK;
}

static void set_free(struct nf_memory_session *s)
{
    s->owner = 0;
    s->s.lease_until_ms = 0;
}

static enum nf_code park(struct nf_turn_store *st, const struct nf_claim *c, int64_t now_ms,
                         struct nf_err *err)
{
    struct nf_memory_session *s = nf_memory_claimed(memory_of(st), c, err);
    (void)now_ms;
    if (!s)
        return NF_E_CONFLICT;
    set_free(s);
    return NF_OK;
}

static enum nf_code cancel_pending(struct nf_turn_store *st, int64_t session_id, int64_t run_id,
                                   int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_session *s = nf_memory_session(m, session_id);
    struct nf_memory_task *t = nf_memory_task(m, run_id);
    if (!s || !t || t->t.session_id != session_id || t->t.kind != NF_TASK_TURN ||
        t->t.status != NF_TASK_PENDING)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such waiting turn in this session");
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    t->t.status = NF_TASK_CANCELLED;
    t->t.ended_ms = now_ms;
    nf_memory_touch(t, now_ms);
    nf_memory_note(m, t);
    s->s.pending--;
    return NF_OK;
}

static enum nf_code heartbeat(struct nf_turn_store *st, int64_t owner, int64_t lease_ms,
                              int64_t now_ms, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    (void)err;
    for (size_t i = 0; i < m->session.n; i++)
        if (m->session.v[i].owner == owner && m->session.v[i].s.lease_until_ms > 0)
            m->session.v[i].s.lease_until_ms = now_ms + lease_ms;
    return NF_OK;
}

static enum nf_code release(struct nf_turn_store *st, int64_t owner, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    (void)err;
    for (size_t i = 0; i < m->session.n; i++)
        if (m->session.v[i].owner == owner)
            set_free(&m->session.v[i]);
    return NF_OK;
}

/* True if `a` has waited longer than `b`, or NULL is all there is. */
static bool waited_longer(const struct nf_memory_session *a, const struct nf_memory_session *b)
{
    return !b || a->ready_ms < b->ready_ms || (a->ready_ms == b->ready_ms && a->s.id < b->s.id);
}

static enum nf_code ready(struct nf_turn_store *st, int64_t now_ms, size_t limit,
                          struct nf_claims *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_claims_done) struct nf_claims found = { 0 };
    const struct nf_memory_session *last = NULL;
    size_t cap = 0;
    while (found.n < limit) {
        const struct nf_memory_session *next = NULL;
        for (size_t i = 0; i < m->session.n; i++) {
            const struct nf_memory_session *s = &m->session.v[i];
            if (s->s.pending > 0 && s->s.lease_until_ms <= now_ms && s != last &&
                (!last || waited_longer(last, s)) && waited_longer(s, next))
                next = s;
        }
        if (!next)
            break;
        void *v = nf_memory_room(found.session_ids, &cap, found.n, 1, sizeof(int64_t), err);
        if (!v)
            return NF_E_NOMEM;
        found.session_ids = v;
        found.session_ids[found.n++] = next->s.id;
        last = next;
    }
    *ret = nf_take(found);
    return NF_OK;
}

/* --- steps ----------------------------------------------------------------------------------- */

static bool n_is_taken(const struct nf_memory *m, int64_t turn_id, int64_t n)
{
    for (size_t i = 0; i < m->task.n; i++)
        if (m->task.v[i].t.turn_id == turn_id && m->task.v[i].t.n == n)
            return true;
    return false;
}

static enum nf_code step_begin(struct nf_turn_store *st, const struct nf_claim *c,
                               const struct nf_task *step, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_task *t = nf_memory_task(m, step->id);
    NF_CLEANUP(nf_task_done) struct nf_task copy = { 0 };
    if (c->session_id != 0 && !nf_memory_claimed(m, c, err))
        return NF_E_CONFLICT;
    if (t ? t->t.turn_id != c->run_id || t->t.n != step->n || nf_task_is_final(t->t.status)
          : n_is_taken(m, c->run_id, step->n))
        return nf_err_set(err, NF_E_CONFLICT, "this step has ended, or is another one");
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->task, 1, err));
    if (t) {
        t = nf_memory_task(m, step->id);
        t->t.attempt++;
        t->t.started_ms = step->started_ms;
        memcpy(t->t.name, step->name, sizeof(t->t.name));
        if (t->t.status != NF_TASK_RUNNING) {
            t->t.status = NF_TASK_RUNNING;
            nf_memory_touch(t, step->started_ms);
            nf_memory_note(m, t);
        }
        return NF_OK;
    }
    struct nf_task shell = *step;
    shell.result = NULL;
    shell.reply = (struct nf_parts){ 0 };
    NF_TRY(nf_memory_copy_task(&shell, &copy, err));
    copy.turn_id = c->run_id;
    copy.session_id = c->session_id;
    copy.user_id = c->user_id;
    copy.status = NF_TASK_RUNNING;
    copy.attempt = 1;
    copy.ended_ms = 0;
    copy.reason[0] = '\0';
    copy.tokens = (struct nf_tokens){ 0 };
    copy.worker = copy.wall_us = copy.bytes = 0;
    copy.level[0] = '\0';
    t = add_task(m, &copy);
    copy = (struct nf_task){ 0 };
    t->changed_ms = step->started_ms;
    nf_memory_note(m, t);
    return NF_OK;
}

static enum nf_code step_end(struct nf_turn_store *st, const struct nf_claim *c,
                             const struct nf_task *step, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_task *t = nf_memory_task(m, step->id);
    NF_CLEANUP(nf_task_done) struct nf_task copy = { 0 };
    if (c->session_id != 0 && !nf_memory_claimed(m, c, err))
        return NF_E_CONFLICT;
    if (!t || t->t.turn_id != c->run_id || t->t.kind == NF_TASK_TURN ||
        (t->t.status != NF_TASK_RUNNING && t->t.status != NF_TASK_WAITING_APPROVAL))
        return nf_err_set(err, NF_E_CONFLICT, "this step does not run");
    NF_TRY(nf_memory_copy_task(step, &copy, err));
    NF_TRY(NF_MEMORY_ROOM(&m->change, 1, err));
    nf_memory_end_step(t, &copy);
    nf_memory_note(m, t);
    return NF_OK;
}

static enum nf_code steps(struct nf_turn_store *st, int64_t run_id, struct nf_tasks *ret,
                          struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_tasks_done) struct nf_tasks found = { 0 };
    /* A turn has few: take the next n each time round. */
    for (int64_t last = 0;;) {
        const struct nf_memory_task *next = NULL;
        for (size_t i = 0; i < m->task.n; i++) {
            const struct nf_memory_task *t = &m->task.v[i];
            if (t->t.turn_id == run_id && t->t.n > last && (!next || t->t.n < next->t.n))
                next = t;
        }
        if (!next)
            break;
        NF_TRY(nf_memory_push_task(&found, &next->t, err));
        last = next->t.n;
    }
    *ret = nf_take(found);
    return NF_OK;
}

const struct nf_turn_store_ops nf_memory_turns = {
    .accept = accept_message,
    .claim = claim,
    .step_begin = step_begin,
    .step_end = step_end,
    .steps = steps,
    .finish = nf_memory_finish,
    .park = park,
    .cancel_pending = cancel_pending,
    .heartbeat = heartbeat,
    .release = release,
    .ready = ready,
};
