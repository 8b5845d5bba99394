/* The end of a turn: one transaction of as many commands as it has messages and model calls. */
#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/parts_json.h"
#include "persistence/repositories/row.h"

#include <stdlib.h>

/* The commands and all they point to. */
struct finish {
    struct nf_cmd *cmds;
    size_t n;
    struct message_put_in *messages;
    struct usage_put_in *usage;
    struct nf_str *parts; /* one per message, and the step's reply behind them */
    size_t parts_n;
};

static void finish_done(struct finish *f)
{
    for (size_t i = 0; f->parts && i < f->parts_n; i++)
        nf_str_done(&f->parts[i]);
    free(f->parts);
    free(f->usage);
    free(f->messages);
    free(f->cmds);
}

static NF_RC finish_init(struct finish *f, size_t messages, size_t usage, struct nf_err *err)
{
    f->parts_n = messages + 1;
    f->cmds = calloc(messages + usage + 5, sizeof(*f->cmds));
    f->messages = calloc(messages + 1, sizeof(*f->messages));
    f->usage = calloc(usage + 1, sizeof(*f->usage));
    f->parts = calloc(f->parts_n, sizeof(*f->parts));
    if (!f->cmds || !f->messages || !f->usage || !f->parts)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    return NF_OK;
}

static void add(struct finish *f, enum nf_query q, int expect, const void *in)
{
    f->cmds[f->n++] = (struct nf_cmd){ .q = q, .expect = expect, .in = in };
}

static NF_RC add_messages(struct finish *f, const struct nf_finish *end, struct nf_err *err)
{
    for (size_t i = 0; i < end->messages_n; i++) {
        const struct nf_message *m = &end->messages[i];
        f->parts[i].max = NF_ROW_JSON_MAX;
        NF_TRY(nf_parts_to_json(&m->parts, &f->parts[i], err));
        f->messages[i] = (struct message_put_in){
            .session = end->claim.session_id,
            .back = (i64)(end->messages_n - 1 - i),
            .role = m->role,
            .run = end->claim.run_id,
            .at = m->created_ms ? m->created_ms : end->now_ms,
            .client_id = nf_row_text(m->client_id),
            .model = nf_row_text(m->model),
            .content = nf_row_str(m->content),
            .parts = nf_row_text(f->parts[i].p),
        };
        add(f, NF_Q_message_put, 1, &f->messages[i]);
    }
    return NF_OK;
}

static void add_usage(struct finish *f, const struct nf_finish *end)
{
    for (size_t i = 0; i < end->usage_n; i++) {
        const struct nf_usage *u = &end->usage[i];
        f->usage[i] = (struct usage_put_in){
            .turn = end->claim.run_id,
            .n = u->n,
            .session = end->claim.session_id,
            .user = end->claim.user_id,
            .at = u->at_ms ? u->at_ms : end->now_ms,
            .model = nf_row_str(u->model),
            .input = u->tokens.input,
            .output = u->tokens.output,
            .cache_read = u->tokens.cache_read,
            .cache_write = u->tokens.cache_write,
        };
        add(f, NF_Q_usage_put, NF_ROWS_ANY, &f->usage[i]);
    }
}

static NF_RC fill_step(struct step_close_in *in, struct nf_str *reply, const struct nf_finish *end,
                       struct nf_err *err)
{
    const struct nf_task *t = end->step;
    reply->max = NF_ROW_JSON_MAX;
    NF_TRY(nf_parts_to_json(&t->reply, reply, err));
    *in = (struct step_close_in){
        .id = t->id,
        .turn = end->claim.run_id,
        .status = t->status,
        .ended = t->ended_ms,
        .name = nf_row_text(t->name),
        .reason = nf_row_text(t->reason),
        .result = nf_row_opt(t->result),
        .is_error = t->is_error,
        .reply = nf_row_text(reply->p),
        .input = t->tokens.input,
        .output = t->tokens.output,
        .cache_read = t->tokens.cache_read,
        .cache_write = t->tokens.cache_write,
        .at = t->ended_ms,
        .n = t->n,
        .session = end->claim.session_id,
        .user = end->claim.user_id,
        .kind = t->kind,
        .created = t->created_ms,
        .started = t->started_ms,
        .call_id = nf_row_text(t->call_id),
        .args = nf_row_opt(t->args),
        .worker = t->worker,
        .level = nf_row_text(t->level),
        .wall_us = t->wall_us,
        .bytes = t->bytes,
    };
    return NF_OK;
}

static enum nf_code on_finish(void *to, const void *row, struct nf_err *err)
{
    const struct session_finish_row *r = row;
    (void)err;
    *(struct nf_finished *)to =
        (struct nf_finished){ .last_seq = r->last_seq, .pending = r->pending };
    return NF_OK;
}

enum nf_code nf_repository_finish(struct nf_turn_store *s, const struct nf_finish *end,
                                  int64_t item_id, struct nf_finished *ret, struct nf_err *err)
{
    const struct nf_claim *c = &end->claim;
    struct nf_db *db = nf_container_of(s, struct nf_repositories, turns)->db;
    NF_CLEANUP(finish_done) struct finish f = { 0 };
    struct step_close_in step;
    struct nf_finished done;
    const struct session_finish_in session = {
        .id = c->session_id, .fence = c->fence, .messages = (i64)end->messages_n, .now = end->now_ms
    };
    const struct turn_end_in turn = { .id = c->run_id,
                                      .session = c->session_id,
                                      .fence = c->fence,
                                      .status = end->status,
                                      .now = end->now_ms,
                                      .messages = (i64)end->messages_n,
                                      .name = nf_row_cut(end->model, NF_MODEL_NAME_MAX),
                                      .reason = nf_row_cut(end->reason, NF_REASON_MAX),
                                      .input = end->tokens.input,
                                      .output = end->tokens.output,
                                      .cache_read = end->tokens.cache_read,
                                      .cache_write = end->tokens.cache_write };
    const struct task_note_in note = { .a = c->run_id, .b = end->step ? end->step->id : c->run_id };
    struct outbox_put_in outbox;

    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): finish_done frees it */
    NF_TRY(finish_init(&f, end->messages_n, end->usage_n, err));
    add(&f, NF_Q_session_finish, 1, &session);
    f.cmds[0].row = on_finish;
    f.cmds[0].to = &done;
    NF_TRY(add_messages(&f, end, err));
    add_usage(&f, end);
    if (end->step) {
        NF_TRY(fill_step(&step, &f.parts[end->messages_n], end, err));
        add(&f, NF_Q_step_close, 1, &step);
    }
    add(&f, NF_Q_turn_end, 1, &turn);
    add(&f, NF_Q_task_note, NF_ROWS_ANY, &note);
    if (end->outbox) {
        outbox = (struct outbox_put_in){ .id = item_id,
                                         .session = c->session_id,
                                         .run = c->run_id,
                                         .channel = nf_slice_of(end->outbox->channel),
                                         .address = nf_slice_of(end->outbox->address),
                                         .next = end->outbox->next_ms,
                                         .now = end->now_ms,
                                         .user = c->user_id };
        add(&f, NF_Q_outbox_put, 1, &outbox);
    }
    enum nf_code rc = nf_db_tx(db, f.cmds, f.n, NULL, err);
    if (rc == NF_E_CONFLICT)
        return nf_err_set(err, rc, "this turn is no longer ours: the session was claimed or freed");
    NF_TRY(rc);
    *ret = done;
    return NF_OK;
}
