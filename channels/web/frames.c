#include "channels/web/frames.h"

#include "base/own.h"
#include "base/time.h"
#include "channels/web/said.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct raw_frame {
    char *type, *message_id, *session_id, *run_id, *content, *approval_id, *decision, *reason,
        *model;
    int64_t after, parent_seq;
};

#define SEQ_MAX ((INT64_C(1) << 53) - 2)

#define F(key, kind, member, flags, min, max)                                                      \
    NF_JSON_FIELD(struct raw_frame, key, kind, member, flags, min, max)
static const struct nf_json_field raw_fields[] = {
    F("type", NF_JSON_F_STR, type, NF_JSON_REQUIRED, 1, 32),
    F("message_id", NF_JSON_F_STR, message_id, NF_JSON_NULLABLE, 1, NF_CLIENT_ID_MAX),
    F("session_id", NF_JSON_F_STR, session_id, NF_JSON_NULLABLE, 0, 64),
    F("run_id", NF_JSON_F_STR, run_id, NF_JSON_NULLABLE, 0, 64),
    F("content", NF_JSON_F_STR, content, 0, 0, NF_MESSAGE_BYTES_MAX),
    F("approval_id", NF_JSON_F_STR, approval_id, NF_JSON_NULLABLE, 0, 64),
    F("decision", NF_JSON_F_STR, decision, NF_JSON_NULLABLE, 0, 16),
    F("reason", NF_JSON_F_STR, reason, NF_JSON_NULLABLE, 0, NF_APPROVAL_REASON_MAX),
    F("model", NF_JSON_F_STR, model, NF_JSON_NULLABLE, 1, NF_MODEL_NAME_MAX),
    F("after", NF_JSON_F_I64, after, NF_JSON_NULLABLE, 0, (INT64_C(1) << 53) - 1),
    F("parent_seq", NF_JSON_F_I64, parent_seq, NF_JSON_NULLABLE, 0, SEQ_MAX),
};
#undef F
static const struct nf_json_table raw_table = { raw_fields,
                                                sizeof(raw_fields) / sizeof(raw_fields[0]), false };

static void raw_done(struct raw_frame *r)
{
    nf_json_table_done(&raw_table, r);
}

static NF_RC read_id(const char *field, const char *text, int64_t *ret, struct nf_err *err)
{
    *ret = 0;
    if (!text || text[0] == '\0')
        return NF_OK;
    if (!nf_id_from_text(text, strlen(text), ret))
        return nf_err_set(err, NF_E_INVALID, "%s: not an id", field);
    return NF_OK;
}

enum nf_code nf_frame_decision(const char *text, bool *allow, struct nf_err *err)
{
    if (!text || (strcmp(text, "allow") != 0 && strcmp(text, "deny") != 0))
        return nf_err_set(err, NF_E_INVALID, "decision: must be allow or deny");
    *allow = strcmp(text, "allow") == 0;
    return NF_OK;
}

static NF_RC check_decide(const struct raw_frame *r, struct nf_frame *f, struct nf_err *err)
{
    f->type = NF_FRAME_DECIDE;
    NF_TRY(read_id("approval_id", r->approval_id, &f->approval_id, err));
    if (f->approval_id == 0)
        return nf_err_set(err, NF_E_INVALID, "approval_id: missing");
    return nf_frame_decision(r->decision, &f->allow, err);
}

static NF_RC check_frame(const struct raw_frame *r, struct nf_frame *f, struct nf_err *err)
{
    NF_TRY(read_id("session_id", r->session_id, &f->session_id, err));
    NF_TRY(read_id("run_id", r->run_id, &f->run_id, err));
    f->after = r->after;
    if (strcmp(r->type, "user_message") == 0) {
        f->type = NF_FRAME_USER_MESSAGE;
        f->branch = r->parent_seq + 1;
        if (!f->message_id)
            return nf_err_set(err, NF_E_INVALID, "message_id: missing");
        if (!f->content)
            return nf_err_set(err, NF_E_INVALID, "content: missing");
        return NF_OK;
    }
    if (strcmp(r->type, "decide") == 0)
        return check_decide(r, f, err);
    if (strcmp(r->type, "resume") == 0)
        f->type = NF_FRAME_RESUME;
    else if (strcmp(r->type, "stop") == 0)
        f->type = NF_FRAME_STOP;
    else
        return nf_err_set(err, NF_E_INVALID, "type: not user_message, resume, stop or decide");
    if (f->session_id == 0)
        return nf_err_set(err, NF_E_INVALID, "session_id: missing");
    return NF_OK;
}

enum nf_code nf_frame_decode(const char *p, size_t n, struct nf_frame *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    NF_CLEANUP(raw_done) struct raw_frame raw = { .parent_seq = -1 };

    *ret = (struct nf_frame){ 0 };
    NF_TRY(nf_json_parse(p, n, 0, &doc, err));
    enum nf_code rc = nf_json_decode(nf_json_root(doc), &raw_table, &raw, err);
    ret->message_id = nf_take(raw.message_id);
    ret->content = nf_take(raw.content);
    ret->reason = nf_take(raw.reason);
    ret->model = nf_take(raw.model);
    NF_TRY(rc);
    return check_frame(&raw, ret, err);
}

void nf_frame_done(struct nf_frame *f)
{
    free(f->message_id);
    free(f->content);
    free(f->reason);
    free(f->model);
    *f = (struct nf_frame){ 0 };
}

static const char *event_name(enum nf_run_event_type type)
{
    static const char *const names[] = {
        [NF_RUN_STARTED] = "RUN_STARTED",        [NF_RUN_TEXT_START] = "TEXT_MESSAGE_START",
        [NF_RUN_TEXT] = "TEXT_MESSAGE_CONTENT",  [NF_RUN_TEXT_END] = "TEXT_MESSAGE_END",
        [NF_RUN_TOOL_START] = "TOOL_CALL_START", [NF_RUN_TOOL_ARGS] = "TOOL_CALL_ARGS",
        [NF_RUN_TOOL_END] = "TOOL_CALL_END",     [NF_RUN_TOOL_RESULT] = "TOOL_CALL_RESULT",
        [NF_RUN_FINISHED] = "RUN_FINISHED",      [NF_RUN_ERROR] = "RUN_ERROR",
        [NF_RUN_TOOL_PROGRESS] = "CUSTOM",       [NF_RUN_TOOL_STATUS] = "CUSTOM",
    };
    return names[type];
}

/* What each event has is written by hand and in one piece. (printf would take 2 KiB of the stack of
 * each turn besides.) */
#define HEAD_MAX NF_FRAME_HEAD_MAX

static char *add_text(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n); /* NOLINT(bugprone-not-null-terminated-result): more follows */
    return to + n;
}

static char *add_number(char *to, int64_t n)
{
    char digits[20], *p = digits + sizeof(digits);
    assert(n >= 0);
    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    size_t length = (size_t)(digits + sizeof(digits) - p);
    memcpy(to, p, length);
    return to + length;
}

static char *add_type(char *to, enum nf_run_event_type type)
{
    to = add_text(to, "\"type\":\"");
    to = add_text(to, event_name(type));
    return add_text(to, "\"");
}

static char *add_ids(char *to, const struct nf_run_event *e, const struct nf_id_text *run)
{
    to = add_text(to, ",\"session_id\":\"");
    to = add_text(to, nf_id_to_text(e->session_id).s);
    to = add_text(to, "\",\"run_id\":\"");
    to = add_text(to, run->s);
    return add_text(to, "\"");
}

static const char seq_key[] = ",\"seq\":";

/* The id of a text, "RUN-FENCE-MESSAGE": another attempt at the run is another text. */
static char *add_message_id(char *to, const struct nf_run_event *e, const struct nf_id_text *run)
{
    to = add_text(to, "\"messageId\":\"");
    to = add_text(to, run->s);
    to = add_text(to, "-");
    to = add_number(to, e->seq >> NF_RUN_POS_BITS);
    to = add_text(to, "-");
    to = add_number(to, e->message);
    return add_text(to, "\"");
}

static void put_head(struct nf_json_out *o, const struct nf_run_event *e)
{
    char head[HEAD_MAX];
    const struct nf_id_text run = nf_id_to_text(e->run_id);
    char *to = add_type(head, e->type);
    if (!nf_run_event_passes(e->type))
        to = add_number(add_text(to, seq_key), e->seq);
    to = add_ids(to, e, &run);
    assert(to <= head + sizeof(head));
    nf_json_out_members(o, head, (size_t)(to - head));
}

static void put_message_id(struct nf_json_out *o, const struct nf_run_event *e)
{
    char id[HEAD_MAX];
    const struct nf_id_text run = nf_id_to_text(e->run_id);
    nf_json_out_members(o, id, (size_t)(add_message_id(id, e, &run) - id));
}

static void make_piece_head(struct nf_frame_head *h, const struct nf_run_event *e)
{
    const struct nf_id_text run = nf_id_to_text(e->run_id);
    char *seq = add_text(add_type(add_text(h->text, "{"), e->type), seq_key);
    char *to = add_number(seq, e->seq);
    h->run_id = e->run_id;
    h->seq = e->seq;
    h->message = e->message;
    h->seq_at = (uint16_t)(seq - h->text);
    h->seq_n = (uint16_t)(to - seq);
    to = add_message_id(add_text(add_ids(to, e, &run), ","), e, &run);
    to = add_text(to, ",\"delta\":\"");
    assert(to <= h->text + sizeof(h->text));
    h->n = (uint16_t)(to - h->text);
}

/* Add to the position where it stands, digit by digit. False if the head is another text's, or the
 * position has more digits by now. */
static bool move_piece_head(struct nf_frame_head *h, const struct nf_run_event *e)
{
    if (h->n == 0 || h->run_id != e->run_id || h->message != e->message || h->seq > e->seq ||
        h->seq >> NF_RUN_POS_BITS != e->seq >> NF_RUN_POS_BITS)
        return false;
    char *first = h->text + h->seq_at;
    uint64_t more = (uint64_t)(e->seq - h->seq);
    for (char *p = first + h->seq_n; more > 0 && p > first; more /= 10) {
        more += (uint64_t)(*--p - '0');
        *p = (char)('0' + more % 10);
    }
    h->seq = e->seq;
    return more == 0;
}

enum nf_code nf_frame_piece(struct nf_frame_head *h, const struct nf_run_event *e,
                            struct nf_str *to, struct nf_err *err)
{
    if (!move_piece_head(h, e))
        make_piece_head(h, e);
    return nf_json_add_around(to, (struct nf_slice){ h->text, h->n },
                              (struct nf_slice){ e->text.p ? e->text.p : "", e->text.n },
                              NF_SLICE("\"}"), err);
}

static void put_id(struct nf_json_out *o, const char *key, int64_t id)
{
    struct nf_id_text text = nf_id_to_text(id);
    nf_json_put_str(o, key, text.s);
}

static void put_tokens(struct nf_json_out *o, const char *key, int64_t n)
{
    if (n >= 0)
        nf_json_put_i64(o, key, n);
}

static void put_finished(struct nf_json_out *o, const struct nf_run_event *e)
{
    nf_json_put_str(o, "model", e->model);
    nf_json_out_key(o, "usage");
    nf_json_out_object(o);
    put_tokens(o, "input_tokens", e->tokens.input);
    put_tokens(o, "output_tokens", e->tokens.output);
    put_tokens(o, "cache_read_tokens", e->tokens.cache_read);
    put_tokens(o, "cache_write_tokens", e->tokens.cache_write);
    nf_json_out_end(o);
    if (e->stopped)
        nf_json_put_bool(o, "stopped", true);
}

static void put_text(struct nf_json_out *o, const char *key, struct nf_slice text)
{
    nf_json_out_key(o, key);
    nf_json_out_strn(o, text.p ? text.p : "", text.n);
}

static void put_progress(struct nf_json_out *o, const struct nf_run_event *e)
{
    nf_json_put_str(o, "name", "tool_progress");
    nf_json_out_key(o, "value");
    nf_json_out_object(o);
    nf_json_put_str(o, "toolCallId", e->call_id);
    nf_json_out_key(o, "percent");
    if (e->percent >= 0)
        nf_json_out_i64(o, e->percent);
    else
        nf_json_out_null(o);
    put_text(o, "text", e->text);
    nf_json_out_end(o);
}

static void put_status(struct nf_json_out *o, const struct nf_run_event *e)
{
    nf_json_put_str(o, "name", "tool_status");
    nf_json_out_key(o, "value");
    nf_json_out_object(o);
    nf_json_put_str(o, "toolCallId", e->call_id);
    nf_json_put_str(o, "status", nf_task_status_name(e->status));
    nf_json_out_end(o);
}

static void put_body(struct nf_json_out *o, const struct nf_run_event *e)
{
    switch (e->type) {
    case NF_RUN_STARTED:
        nf_json_put_i64(o, "input_seq", e->input_seq);
        break;
    case NF_RUN_TEXT_START:
        put_message_id(o, e);
        nf_json_put_str(o, "role", "assistant");
        break;
    case NF_RUN_TEXT: /* see nf_frame_piece */
        break;
    case NF_RUN_TEXT_END:
        put_message_id(o, e);
        break;
    case NF_RUN_TOOL_START:
        nf_json_put_str(o, "toolCallId", e->call_id);
        nf_json_put_str(o, "toolCallName", e->name);
        break;
    case NF_RUN_TOOL_ARGS:
        nf_json_put_str(o, "toolCallId", e->call_id);
        put_text(o, "delta", e->text);
        break;
    case NF_RUN_TOOL_END:
        nf_json_put_str(o, "toolCallId", e->call_id);
        break;
    case NF_RUN_TOOL_RESULT:
        nf_json_put_str(o, "toolCallId", e->call_id);
        put_text(o, "content", e->text);
        if (e->is_error)
            nf_json_put_bool(o, "is_error", true);
        if (e->wall_us > 0)
            nf_json_put_i64(o, "duration_us", e->wall_us);
        break;
    case NF_RUN_FINISHED:
        put_finished(o, e);
        break;
    case NF_RUN_ERROR:
        put_text(o, "message", e->text);
        (void)nf_web_put_said(o, "code", "values", &nf_turn_sayings, e->text);
        break;
    case NF_RUN_TOOL_PROGRESS:
        put_progress(o, e);
        break;
    case NF_RUN_TOOL_STATUS:
        put_status(o, e);
        break;
    }
}

enum nf_code nf_frame_event(const struct nf_run_event *e, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    if (e->type == NF_RUN_TEXT) {
        struct nf_frame_head head;
        head.n = 0;
        return nf_frame_piece(&head, e, to, err);
    }
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    put_head(&o, e);
    put_body(&o, e);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_frame_accepted(const struct nf_accepted *a, const char *message_id,
                               const char *content, int64_t branch, struct nf_str *to,
                               struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "accepted");
    nf_json_put_str(&o, "message_id", message_id);
    put_id(&o, "session_id", a->session_id);
    put_id(&o, "run_id", a->run_id);
    nf_json_put_i64(&o, "seq", a->seq);
    nf_json_put_str(&o, "content", content);
    if (branch)
        nf_json_put_i64(&o, "parent_seq", branch - 1);
    if (a->duplicate)
        nf_json_put_bool(&o, "duplicate", true);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_frame_error(enum nf_code code, const char *message, const char *message_id,
                            struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "error");
    nf_json_put_str(&o, "code", nf_code_name(code));
    nf_json_put_str(&o, "message", message);
    nf_web_put_refusal(&o, message);
    nf_json_put_str(&o, "message_id", message_id);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_frame_cancelled(int64_t session_id, int64_t run_id, struct nf_str *to,
                                struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "cancelled");
    put_id(&o, "session_id", session_id);
    put_id(&o, "run_id", run_id);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static void put_time(struct nf_json_out *o, const char *key, int64_t ms)
{
    struct nf_time_text text = nf_time_to_text(ms);
    nf_json_put_str(o, key, text.s);
}

void nf_frame_put_approval(struct nf_json_out *o, const struct nf_approval_request *r,
                           const struct nf_user *requester, bool yours)
{
    nf_json_out_object(o);
    put_id(o, "id", r->id);
    put_id(o, "task_id", r->task_id);
    put_id(o, "run_id", r->turn_id);
    if (r->session_id) {
        put_id(o, "session_id", r->session_id);
    } else {
        nf_json_out_key(o, "session_id");
        nf_json_out_null(o);
    }
    nf_json_out_key(o, "user");
    nf_json_out_object(o);
    put_id(o, "id", requester->id);
    nf_json_put_str(o, "name", requester->name);
    nf_json_out_end(o);
    nf_json_put_str(o, "tool", r->tool);
    nf_json_put_str(o, "arguments", r->args ? r->args : "");
    nf_json_put_str(o, "workspace", r->workspace);
    nf_json_put_str(o, "version", r->version);
    nf_json_put_str(o, "status", nf_approval_status_name(r->status));
    nf_json_put_bool(o, "yours", yours);
    put_time(o, "created_at", r->created_ms);
    put_time(o, "expires_at", r->expires_ms);
    if (r->decided_by) {
        put_id(o, "decided_by", r->decided_by);
        put_time(o, "decided_at", r->decided_ms);
    }
    if (r->reason[0])
        nf_json_put_str(o, "reason", r->reason);
    nf_json_out_end(o);
}

enum nf_code nf_frame_approval(const struct nf_approval_request *r, const struct nf_user *requester,
                               bool yours, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "approval");
    nf_json_out_key(&o, "approval");
    nf_frame_put_approval(&o, r, requester, yours);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_frame_session(const struct nf_session *s, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "session");
    put_id(&o, "session_id", s->id);
    nf_json_put_str(&o, "title", s->title);
    nf_json_put_bool(&o, "pinned", s->pinned_ms > 0);
    nf_json_out_key(&o, "model");
    nf_json_out_str(&o, s->model[0] ? s->model : NULL);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

enum nf_code nf_frame_session_deleted(int64_t session_id, struct nf_str *to, struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "type", "session");
    put_id(&o, "session_id", session_id);
    nf_json_put_bool(&o, "deleted", true);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}
