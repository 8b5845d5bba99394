#include "base/own.h"
#include "base/string.h"
#include "base/utf8.h"
#include "persistence/memory/impl.h"

#include <stdlib.h>
#include <string.h>

void nf_memory_end_step(struct nf_memory_task *t, struct nf_task *ended)
{
    t->t.status = ended->status;
    t->t.ended_ms = ended->ended_ms;
    memcpy(t->t.name, ended->name, sizeof(t->t.name));
    memcpy(t->t.reason, ended->reason, sizeof(t->t.reason));
    t->t.is_error = ended->is_error;
    t->t.tokens = ended->tokens;
    t->t.worker = ended->worker;
    t->t.wall_us = ended->wall_us;
    t->t.bytes = ended->bytes;
    memcpy(t->t.level, ended->level, sizeof(t->t.level));
    free(t->t.result);
    nf_parts_done(&t->t.reply);
    t->t.result = nf_take(ended->result);
    t->t.reply = nf_take(ended->reply);
    nf_memory_touch(t, ended->ended_ms);
}

static void put_text(char *to, size_t max, const char *from)
{
    size_t n = from ? nf_utf8_cut(from, strlen(from), max) : 0;
    if (n)
        memcpy(to, from, n);
    to[n] = '\0';
}

static NF_RC copy_messages(const struct nf_finish *f, int64_t seq, struct nf_messages *ret,
                           struct nf_err *err)
{
    for (size_t i = 0; i < f->messages_n; i++) {
        NF_TRY(nf_memory_push_message(ret, &f->messages[i], err));
        struct nf_message *m = &ret->v[i];
        m->session_id = f->claim.session_id;
        m->run_id = f->claim.run_id;
        m->seq = ++seq;
        if (m->created_ms == 0)
            m->created_ms = f->now_ms;
    }
    return NF_OK;
}

static NF_RC make_room(struct nf_memory *m, const struct nf_finish *f, struct nf_err *err)
{
    NF_TRY(NF_MEMORY_ROOM(&m->message, f->messages_n, err));
    NF_TRY(NF_MEMORY_ROOM(&m->usage, f->usage_n, err));
    NF_TRY(NF_MEMORY_ROOM(&m->task, 1, err));
    NF_TRY(NF_MEMORY_ROOM(&m->change, 2, err));
    return NF_MEMORY_ROOM(&m->item, 1, err);
}

static bool is_billed(const struct nf_memory *m, int64_t turn_id, int64_t n)
{
    for (size_t i = 0; i < m->usage.n; i++)
        if (m->usage.v[i].turn_id == turn_id && m->usage.v[i].n == n)
            return true;
    return false;
}

static void bill(struct nf_memory *m, const struct nf_finish *f)
{
    for (size_t i = 0; i < f->usage_n; i++) {
        if (is_billed(m, f->claim.run_id, f->usage[i].n))
            continue;
        struct nf_usage *u = &m->usage.v[m->usage.n++];
        *u = f->usage[i];
        u->turn_id = f->claim.run_id;
        u->session_id = f->claim.session_id;
        u->user_id = f->claim.user_id;
    }
}

/* The last step ends, or is written down with its end if it was not before. */
static void close_step(struct nf_memory *m, const struct nf_finish *f, struct nf_task *step)
{
    struct nf_memory_task *t = nf_memory_task(m, step->id);
    if (t) {
        nf_memory_end_step(t, step);
    } else {
        t = &m->task.v[m->task.n++];
        *t = (struct nf_memory_task){
            .t = nf_take(*step), .changes = 1, .changed_ms = step->ended_ms, .out_last = -1
        };
        t->changed_ms = t->t.ended_ms;
        t->t.turn_id = f->claim.run_id;
        t->t.session_id = f->claim.session_id;
        t->t.user_id = f->claim.user_id;
        t->t.attempt = 1;
    }
    nf_memory_note(m, t);
}

static void end_turn(struct nf_memory *m, const struct nf_finish *f, int64_t last_seq)
{
    struct nf_memory_task *t = nf_memory_task(m, f->claim.run_id);
    t->t.status = f->status;
    t->t.fence = f->claim.fence;
    t->t.ended_ms = f->now_ms;
    t->t.tokens = f->tokens;
    put_text(t->t.name, NF_MODEL_NAME_MAX, f->model);
    put_text(t->t.reason, NF_REASON_MAX, f->reason);
    t->out_first = last_seq - (int64_t)f->messages_n + 1;
    t->out_last = last_seq;
    nf_memory_touch(t, f->now_ms);
    nf_memory_note(m, t);
}

static void put_item(struct nf_memory *m, const struct nf_finish *f, int64_t id, int64_t seq)
{
    struct nf_outbox_item *i = &m->item.v[m->item.n++];
    *i = *f->outbox;
    i->id = id;
    i->session_id = f->claim.session_id;
    i->user_id = f->claim.user_id;
    i->run_id = f->claim.run_id;
    i->seq = seq;
    i->status = NF_OUTBOX_PENDING;
    i->attempt = 0;
    i->created_ms = f->now_ms;
}

static bool can_finish(struct nf_memory *m, const struct nf_finish *f)
{
    const struct nf_memory_task *turn = nf_memory_task(m, f->claim.run_id);
    const struct nf_memory_task *step = f->step ? nf_memory_task(m, f->step->id) : NULL;
    bool runs = turn && turn->t.session_id == f->claim.session_id && turn->t.kind == NF_TASK_TURN &&
                (turn->t.status == NF_TASK_RUNNING || turn->t.status == NF_TASK_WAITING_APPROVAL);
    return runs && (!step || (step->t.turn_id == f->claim.run_id &&
                              (step->t.status == NF_TASK_RUNNING ||
                               step->t.status == NF_TASK_WAITING_APPROVAL)));
}

enum nf_code nf_memory_finish(struct nf_turn_store *st, const struct nf_finish *f, int64_t item_id,
                              struct nf_finished *ret, struct nf_err *err)
{
    struct nf_memory *m = nf_container_of(st, struct nf_memory, turns);
    NF_CLEANUP(nf_messages_done) struct nf_messages said = { 0 };
    NF_CLEANUP(nf_task_done) struct nf_task step = { 0 };
    struct nf_memory_session *s = nf_memory_claimed(m, &f->claim, err);
    if (!s)
        return NF_E_CONFLICT;
    if (!can_finish(m, f))
        return nf_err_set(err, NF_E_CONFLICT, "this turn does not run");
    NF_TRY(make_room(m, f, err));
    NF_TRY(copy_messages(f, s->s.last_seq, &said, err));
    if (f->step)
        NF_TRY(nf_memory_copy_task(f->step, &step, err));

    for (size_t i = 0; i < said.n; i++)
        m->message.v[m->message.n++] = nf_take(said.v[i]);
    bill(m, f);
    if (f->step)
        close_step(m, f, &step);
    s->s.last_seq += (int64_t)f->messages_n;
    s->s.pending--;
    s->s.lease_until_ms = 0;
    s->s.updated_ms = s->ready_ms = f->now_ms;
    s->owner = 0;
    end_turn(m, f, s->s.last_seq);
    if (f->outbox)
        put_item(m, f, item_id, s->s.last_seq);
    *ret = (struct nf_finished){ .last_seq = s->s.last_seq, .pending = s->s.pending };
    return NF_OK;
}
