#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/parts_json.h"
#include "persistence/repositories/row.h"

#include <stdlib.h>

/* An owner that no session has: who does not want to claim says it is this one. */
#define NOBODY INT64_C(-1)

static struct nf_db *db_of(struct nf_turn_store *s)
{
    assert(s->ops == &nf_repository_turns);
    return nf_container_of(s, struct nf_repositories, turns)->db;
}

/* A command that only says whether the caller still holds the session. */
static NF_RC lost(enum nf_code rc, struct nf_err *err)
{
    if (rc != NF_E_CONFLICT)
        return rc;
    return nf_err_set(err, rc, "this turn is no longer ours: the session was claimed or freed");
}

static struct cursor_put_in cursor_of(const char *source, const char *cursor, int64_t now_ms)
{
    return (struct cursor_put_in){ .source = nf_slice_of(source ? source : ""),
                                   .place = nf_slice_of(cursor ? cursor : ""),
                                   .now = now_ms };
}

/* --- accept ---------------------------------------------------------------------------------- */

/* What accepting did to the session. */
struct taken {
    int64_t last_seq, pending, owner;
    struct nf_claim claim; /* as far as the session's row tells */
};

static NF_RC read_claim(struct nf_claim *c, int64_t fence, str channel, str address, str model,
                        struct nf_err *err)
{
    c->fence = fence;
    NF_TRY(nf_row_copy(c->model, sizeof(c->model), model, "a model's name", err));
    NF_TRY(nf_row_copy(c->channel, sizeof(c->channel), channel, "a channel", err));
    return nf_row_copy(c->address, sizeof(c->address), address, "an address", err);
}

static enum nf_code on_accept(void *to, const void *row, struct nf_err *err)
{
    const struct session_accept_row *r = row;
    struct taken *t = to;
    t->last_seq = r->last_seq;
    t->pending = r->pending;
    t->owner = r->owner;
    t->claim.shared = r->shared != 0;
    return read_claim(&t->claim, r->fence, r->channel, r->address, r->model, err);
}

static enum nf_code on_inbox(void *to, const void *row, struct nf_err *err)
{
    const struct inbox_get_row *r = row;
    (void)err;
    *(struct nf_accepted *)to = (struct nf_accepted){
        .duplicate = true, .session_id = r->session_id, .run_id = r->run_id, .seq = r->seq
    };
    return NF_OK;
}

/* Why accept was refused: what was accepted before under the same key is its answer; else there is
 * something to complain about. */
static NF_RC explain_refusal(struct nf_db *db, const struct nf_accept *in, size_t failed,
                             struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_session s = { 0 };
    size_t rows;
    struct nf_cmd first =
        NF_CMD_ROW(inbox_get, NF_ROWS_ANY, on_inbox, ret, .source = nf_slice_of(in->source),
                   .client_id = nf_slice_of(in->client_id));
    struct nf_cmd session =
        NF_CMD_ROW(session_get, NF_ROWS_ANY, nf_row_session_one, &s, .id = in->session_id);
    NF_TRY(nf_db_read(db, &first, &rows, err));
    if (rows > 0)
        return NF_OK;
    if (in->full_at > 0)
        return nf_err_set(err, NF_E_LIMIT,
                          "%lld messages wait to be answered, and no more are taken: try again "
                          "later",
                          (long long)in->full_at);
    if (in->create && failed == 0)
        return nf_err_set(err, NF_E_CONFLICT,
                          "this chat got a session meanwhile: send the message again");
    if (!in->create) {
        NF_TRY(nf_db_read(db, &session, &rows, err));
        NF_TRY(nf_row_found(rows > 0 && (s.shared || s.user_id == in->user_id), "session", err));
    }
    if (!in->create)
        NF_TRY(nf_session_may_queue(&s, err));
    return nf_err_set(err, NF_E_LIMIT,
                      "%lld of your messages wait already: let some be answered first",
                      (long long)in->user_waiting_max);
}

static struct nf_accepted first_outcome(const struct nf_accept *in, const struct taken *s)
{
    struct nf_accepted a = { .session_id = in->session_id,
                             .run_id = in->run_id,
                             .seq = s->last_seq,
                             .claimed =
                                 in->lease_ms > 0 && s->pending == 1 && s->owner == in->owner };
    if (!a.claimed)
        return a;
    a.claim = s->claim;
    a.claim.session_id = in->session_id;
    a.claim.user_id = in->user_id;
    a.claim.run_id = in->run_id;
    a.claim.seq = s->last_seq;
    a.claim.attempt = 1;
    a.claim.step_id = in->step_id;
    return a;
}

/* Commands of accepting a message, and what only chat networks need beyond them. */
#define OWN_CMDS 7
#define CHAT_CMDS 3
struct chat_cmds {
    struct session_retire_in retire;
    struct chat_put_in asked;
    struct cursor_put_in cursor;
};

/* How many were added. */
static size_t add_chat_cmds(const struct nf_accept *in, struct chat_cmds *c, struct nf_cmd *to)
{
    size_t n = 0;
    c->retire = (struct session_retire_in){ .id = in->session_id };
    c->asked = (struct chat_put_in){ .run = in->run_id,
                                     .part = NF_CHAT_ASKED,
                                     .ref = nf_slice_of(in->ref ? in->ref : ""),
                                     .now = in->now_ms };
    c->cursor = cursor_of(in->cursor_source, in->cursor, in->now_ms);
    if (in->retires)
        to[n++] = (struct nf_cmd){ .q = NF_Q_session_retire, .expect = 1, .in = &c->retire };
    if (in->ref)
        to[n++] = (struct nf_cmd){ .q = NF_Q_chat_put, .expect = 1, .in = &c->asked };
    if (in->cursor)
        to[n++] = (struct nf_cmd){ .q = NF_Q_cursor_put, .expect = 1, .in = &c->cursor };
    return n;
}

static enum nf_code accept_message(struct nf_turn_store *s, const struct nf_accept *in,
                                   struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_db *db = db_of(s);
    struct taken got = { 0 };
    struct session_put_in create = { 0 };
    struct chat_cmds chat;
    struct nf_fire_cmds fire;
    size_t failed = 0;
    NF_CLEANUP(nf_str_done) struct nf_str parts = { .max = NF_ROW_JSON_MAX };
    if (in->full_at > 0)
        return explain_refusal(db, in, 0, ret, err);
    if (in->parts)
        NF_TRY(nf_parts_to_json(in->parts, &parts, err));
    const i64 owner = in->lease_ms > 0 ? in->owner : NOBODY;
    struct nf_cmd cmds[] = {
        { .q = NF_Q_session_put, .expect = 1, .in = &create },
        NF_CMD(inbox_put, 1, .source = nf_slice_of(in->source),
               .client_id = nf_slice_of(in->client_id), .session = in->session_id,
               .run = in->run_id, .now = in->now_ms, .user = in->user_id,
               .max = NF_SESSION_QUEUE_MAX, .user_max = in->user_waiting_max),
        NF_CMD_ROW(session_accept, 1, on_accept, &got, .id = in->session_id, .now = in->now_ms,
                   .owner = owner, .lease = in->lease_ms),
        NF_CMD(message_put, 1, .session = in->session_id, .role = NF_ROLE_USER, .run = in->run_id,
               .at = in->now_ms, .client_id = nf_slice_of(in->client_id),
               .content = nf_slice_of(in->content), .parts = nf_row_text(parts.p),
               .branch = in->branch),
        NF_CMD(turn_put, 1, .id = in->run_id, .session = in->session_id, .now = in->now_ms,
               .owner = owner, .user = in->user_id),
        NF_CMD(step_first, NF_ROWS_ANY, .id = in->step_id, .turn = in->run_id,
               .session = in->session_id, .now = in->now_ms, .owner = owner, .user = in->user_id),
        NF_CMD(accept_note, NF_ROWS_ANY, .turn = in->run_id, .step = in->step_id),
        [OWN_CMDS + CHAT_CMDS + NF_FIRE_CMDS - 1] = { .in = NULL }, /* room for theirs */
    };
    const size_t skip = in->create ? 0 : 1;
    const size_t own = OWN_CMDS + add_chat_cmds(in, &chat, cmds + OWN_CMDS);
    const size_t n = own + (in->fire ? nf_repository_fire_cmds(in->fire, &fire, cmds + own) : 0);
    if (in->create)
        create = nf_row_put_session(in->create);
    enum nf_code rc = nf_db_tx(db, cmds + skip, n - skip, &failed, err);
    if (rc == NF_E_CONFLICT && in->fire && failed + skip >= own)
        return nf_repository_fire_refused(in->fire, failed + skip - own, err);
    if (rc == NF_E_CONFLICT)
        return explain_refusal(db, in, failed, ret, err);
    NF_TRY(rc);
    *ret = first_outcome(in, &got);
    return NF_OK;
}

/* --- messages that wait: edited, or answered by the turn before them ------------------------- */

static enum nf_code revise(struct nf_turn_store *s, const struct nf_revise *in, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str parts = { .max = NF_ROW_JSON_MAX };
    const struct cursor_put_in cursor = cursor_of(in->cursor_source, in->cursor, in->now_ms);
    size_t failed = 0;
    if (in->parts)
        NF_TRY(nf_parts_to_json(in->parts, &parts, err));
    struct nf_cmd cmds[] = {
        NF_CMD(inbox_note, 1, .source = nf_slice_of(in->source),
               .client_id = nf_slice_of(in->client_id), .session = in->session_id,
               .run = in->run_id, .now = in->now_ms),
        NF_CMD(message_revise, 1, .session = in->session_id, .run = in->run_id, .user = in->user_id,
               .content = nf_slice_of(in->content), .parts = nf_row_text(parts.p)),
        { .q = NF_Q_cursor_put, .expect = 1, .in = &cursor },
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, in->cursor ? 3 : 2, &failed, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    if (failed != 0)
        return nf_row_found(0, "waiting message of theirs", err);
    return in->cursor ? nf_db_tx(db_of(s), cmds + 2, 1, NULL, err) : NF_OK;
}

static enum nf_code join(struct nf_turn_store *s, const struct nf_claim *c, int64_t run_id,
                         int64_t now_ms, struct nf_err *err)
{
    size_t failed = 0;
    struct nf_cmd cmds[] = {
        NF_CMD(session_guard, 1, .id = c->session_id, .fence = c->fence),
        NF_CMD(turn_join, 1, .id = run_id, .session = c->session_id, .user = c->user_id,
               .now = now_ms, .reason = nf_slice_of(NF_JOINED_REASON)),
        NF_CMD(message_join, 1, .session = c->session_id, .run = run_id, .into = c->run_id),
        NF_CMD(session_forget, 1, .id = c->session_id),
        NF_CMD(task_note, NF_ROWS_ANY, .a = run_id, .b = run_id),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, sizeof(cmds) / sizeof(cmds[0]), &failed, err);
    if (rc == NF_E_CONFLICT && failed > 0)
        return nf_row_found(0, "waiting turn of theirs", err);
    return lost(rc, err);
}

/* --- claim and free -------------------------------------------------------------------------- */

static enum nf_code on_session_claim(void *to, const void *row, struct nf_err *err)
{
    const struct session_claim_row *r = row;
    struct nf_claim *c = to;
    c->shared = r->shared != 0;
    return read_claim(c, r->fence, r->channel, r->address, r->model, err);
}

static enum nf_code on_turn_claim(void *to, const void *row, struct nf_err *err)
{
    const struct turn_claim_row *r = row;
    struct nf_claim *c = to;
    (void)err;
    c->run_id = r->id;
    c->user_id = r->user_id;
    c->seq = r->seq;
    c->attempt = r->attempt;
    return NF_OK;
}

static enum nf_code claim(struct nf_turn_store *s, int64_t session_id, int64_t fence, int64_t owner,
                          int64_t lease_ms, int64_t now_ms, struct nf_claim *ret,
                          struct nf_err *err)
{
    struct nf_claim c = { .session_id = session_id };
    struct nf_cmd cmds[] = {
        NF_CMD_ROW(session_claim, 1, on_session_claim, &c, .id = session_id, .owner = owner,
                   .lease = lease_ms, .now = now_ms, .fence = fence),
        NF_CMD_ROW(turn_claim, 1, on_turn_claim, &c, .session = session_id, .now = now_ms),
        NF_CMD(claim_note, NF_ROWS_ANY, .session = session_id),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 3, NULL, err);
    if (rc == NF_E_CONFLICT)
        return nf_err_set(err, NF_E_NOT_FOUND, "nothing waits in this session, or it is worked on");
    NF_TRY(rc);
    *ret = c;
    return NF_OK;
}

static enum nf_code park(struct nf_turn_store *s, const struct nf_claim *c, int64_t now_ms,
                         struct nf_err *err)
{
    (void)now_ms;
    struct nf_cmd cmd = NF_CMD(session_park, 1, .id = c->session_id, .fence = c->fence);
    return lost(nf_db_tx(db_of(s), &cmd, 1, NULL, err), err);
}

static enum nf_code cancel_pending(struct nf_turn_store *s, int64_t session_id, int64_t run_id,
                                   int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(session_forget, 1, .id = session_id), /* locks in the order of claim */
        NF_CMD(turn_cancel, 1, .id = run_id, .session = session_id, .now = now_ms),
        NF_CMD(task_note, NF_ROWS_ANY, .a = run_id, .b = run_id),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 3, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "waiting turn in this session", err) : rc;
}

static enum nf_code heartbeat(struct nf_turn_store *s, int64_t owner, int64_t lease_ms,
                              int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(sessions_heartbeat, NF_ROWS_ANY, .owner = owner, .until = now_ms + lease_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code release(struct nf_turn_store *s, int64_t owner, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(sessions_release, NF_ROWS_ANY, .owner = owner);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

/* There is room: what is committed must not fail here. */
static enum nf_code on_take(void *to, const void *row, struct nf_err *err)
{
    const struct sessions_take_row *r = row;
    struct nf_leases *list = to;
    (void)err;
    list->v[list->n++] =
        (struct nf_lease){ .session_id = r->id, .user_id = r->user_id, .fence = r->fence };
    return NF_OK;
}

static enum nf_code take(struct nf_turn_store *s, const struct nf_round *round,
                         struct nf_leases *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_leases_done) struct nf_leases list = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(sessions_take, NF_ROWS_ANY, on_take, &list, .now = round->now_ms,
                   .owner = round->owner, .lease = round->lease_ms, .after = round->after_user,
                   .each = (i64)round->each, .limit = (i64)round->limit);
    list.v = calloc(round->limit, sizeof(*list.v));
    if (!list.v)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    NF_TRY(nf_db_tx(db_of(s), &cmd, 1, NULL, err));
    *ret = nf_take(list);
    return NF_OK;
}

static enum nf_code on_waiting(void *to, const void *row, struct nf_err *err)
{
    const struct sessions_waiting_row *r = row;
    (void)err;
    *(size_t *)to = (size_t)r->n;
    return NF_OK;
}

static enum nf_code waiting(struct nf_turn_store *s, int64_t now_ms, size_t max, size_t *ret,
                            struct nf_err *err)
{
    size_t n = 0;
    struct nf_cmd cmd =
        NF_CMD_ROW(sessions_waiting, NF_ROWS_ANY, on_waiting, &n, .now = now_ms, .max = (i64)max);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = n;
    return NF_OK;
}

/* --- steps ----------------------------------------------------------------------------------- */

static enum nf_code step_begin(struct nf_turn_store *s, const struct nf_claim *c,
                               const struct nf_task *t, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(session_guard, 1, .id = c->session_id, .fence = c->fence),
        NF_CMD(step_put, 1, .id = t->id, .turn = c->run_id, .n = t->n, .session = c->session_id,
               .user = c->user_id, .kind = t->kind, .created = t->created_ms,
               .started = t->started_ms, .name = nf_row_text(t->name),
               .call_id = nf_row_text(t->call_id), .args = nf_row_opt(t->args)),
        NF_CMD(task_note, NF_ROWS_ANY, .a = t->id, .b = t->id),
    };
    size_t skip = c->session_id ? 0 : 1;
    return lost(nf_db_tx(db_of(s), cmds + skip, 3 - skip, NULL, err), err);
}

static enum nf_code step_end(struct nf_turn_store *s, const struct nf_claim *c,
                             const struct nf_task *t, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str reply = { .max = NF_ROW_JSON_MAX };
    NF_TRY(nf_parts_to_json(&t->reply, &reply, err));
    struct nf_cmd cmds[] = {
        NF_CMD(session_guard, 1, .id = c->session_id, .fence = c->fence),
        NF_CMD(step_end, 1, .id = t->id, .turn = c->run_id, .status = t->status,
               .ended = t->ended_ms, .name = nf_row_text(t->name), .reason = nf_row_text(t->reason),
               .result = nf_row_opt(t->result), .is_error = t->is_error,
               .reply = nf_row_text(reply.p), .input = t->tokens.input, .output = t->tokens.output,
               .cache_read = t->tokens.cache_read, .cache_write = t->tokens.cache_write,
               .at = t->ended_ms, .worker = t->worker, .level = nf_row_text(t->level),
               .wall_us = t->wall_us, .bytes = t->bytes),
        NF_CMD(task_note, NF_ROWS_ANY, .a = t->id, .b = t->id),
    };
    size_t skip = c->session_id ? 0 : 1;
    return lost(nf_db_tx(db_of(s), cmds + skip, 3 - skip, NULL, err), err);
}

static enum nf_code steps(struct nf_turn_store *s, int64_t run_id, struct nf_tasks *ret,
                          struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(steps, NF_ROWS_ANY, nf_row_task, &found, .turn = run_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

const struct nf_turn_store_ops nf_repository_turns = {
    .accept = accept_message,
    .claim = claim,
    .step_begin = step_begin,
    .step_end = step_end,
    .steps = steps,
    .finish = nf_repository_finish,
    .park = park,
    .cancel_pending = cancel_pending,
    .revise = revise,
    .join = join,
    .heartbeat = heartbeat,
    .release = release,
    .take = take,
    .waiting = waiting,
};
