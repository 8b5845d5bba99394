#include "base/own.h"
#include "base/string.h"
#include "persistence/memory/impl.h"

#include <string.h>

static struct nf_memory *memory_of(struct nf_turn_store *s)
{
    assert(s->ops == &nf_memory_turns);
    return nf_container_of(s, struct nf_memory, turns);
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

static enum nf_code claim(struct nf_turn_store *st, int64_t session_id, int64_t fence,
                          int64_t owner, int64_t lease_ms, int64_t now_ms, struct nf_claim *ret,
                          struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    struct nf_memory_session *s = nf_memory_session(m, session_id);
    struct nf_memory_task *t = oldest_open(m, session_id);
    bool ours = s && s->owner == owner && s->s.fence + 1 == fence && s->s.lease_until_ms > 0;
    if (!s || !t || s->s.pending == 0 || (s->s.lease_until_ms > now_ms && !ours))
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
    *ret = nf_memory_claim_of(&s->s);
    ret->user_id = t->t.user_id;
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

/* True if `a` comes before `b`, or NULL is all there is. */
static bool comes_before(const struct nf_memory_session *a, const struct nf_memory_session *b)
{
    if (!b || a->s.user_id != b->s.user_id)
        return !b || a->s.user_id < b->s.user_id;
    return a->ready_ms < b->ready_ms || (a->ready_ms == b->ready_ms && a->s.id < b->s.id);
}

static bool waits(const struct nf_memory_session *s, int64_t now_ms)
{
    return s->s.pending > 0 && s->s.lease_until_ms <= now_ms;
}

static enum nf_code take(struct nf_turn_store *st, const struct nf_round *round,
                         struct nf_leases *ret, struct nf_err *err)
{
    struct nf_memory *m = memory_of(st);
    NF_CLEANUP(nf_leases_done) struct nf_leases found = { 0 };
    int64_t after = round->after_user;
    size_t cap = 0, of_user = 0;
    found.v = nf_memory_room(NULL, &cap, 0, round->limit, sizeof(*found.v), err);
    if (!found.v)
        return NF_E_NOMEM;
    while (found.n < round->limit) {
        struct nf_memory_session *next = NULL;
        for (size_t i = 0; i < m->session.n; i++) {
            struct nf_memory_session *s = &m->session.v[i];
            bool his = of_user > 0 && of_user < round->each && s->s.user_id == after;
            if (waits(s, round->now_ms) && (s->s.user_id > after || his) && comes_before(s, next))
                next = s;
        }
        if (!next)
            break;
        of_user = next->s.user_id == after ? of_user + 1 : 1;
        after = next->s.user_id;
        next->owner = round->owner;
        next->s.lease_until_ms = round->now_ms + round->lease_ms;
        found.v[found.n++] = (struct nf_lease){ next->s.id, after, next->s.fence + 1 };
    }
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code waiting(struct nf_turn_store *st, int64_t now_ms, size_t max, size_t *ret,
                            struct nf_err *err)
{
    const struct nf_memory *m = memory_of(st);
    size_t n = 0;
    (void)err;
    for (size_t i = 0; i < m->session.n && n < max; i++)
        n += waits(&m->session.v[i], now_ms) ? 1 : 0;
    *ret = n;
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
    t = nf_memory_add_task(m, &copy);
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
    .accept = nf_memory_accept,
    .claim = claim,
    .step_begin = step_begin,
    .step_end = step_end,
    .steps = steps,
    .finish = nf_memory_finish,
    .park = park,
    .cancel_pending = cancel_pending,
    .revise = nf_memory_revise,
    .join = nf_memory_join,
    .heartbeat = heartbeat,
    .release = release,
    .take = take,
    .waiting = waiting,
};
