#include "channels/web/peer_lines.h"

#include <string.h>

static void put_event(struct nf_json_out *o, const struct nf_run_event *e)
{
    nf_json_put_i64(o, "type", e->type);
    nf_json_put_i64(o, "session", e->session_id);
    nf_json_put_i64(o, "run", e->run_id);
    nf_json_put_i64(o, "seq", e->seq);
    nf_json_put_i64(o, "input", e->input_seq);
    nf_json_put_i64(o, "message", e->message);
    if (e->call_id)
        nf_json_put_str(o, "call", e->call_id);
    if (e->name)
        nf_json_put_str(o, "name", e->name);
    if (e->model)
        nf_json_put_str(o, "model", e->model);
    if (e->text.n > 0) {
        nf_json_out_key(o, "text");
        nf_json_out_strn(o, e->text.p, e->text.n);
    }
    nf_json_put_i64(o, "tok_in", e->tokens.input);
    nf_json_put_i64(o, "tok_out", e->tokens.output);
    nf_json_put_i64(o, "tok_read", e->tokens.cache_read);
    nf_json_put_i64(o, "tok_write", e->tokens.cache_write);
    nf_json_put_bool(o, "stopped", e->stopped);
    nf_json_put_bool(o, "error", e->is_error);
    nf_json_put_i64(o, "wall_us", e->wall_us);
    nf_json_put_i64(o, "percent", e->percent);
    nf_json_put_i64(o, "status", e->status);
}

enum nf_code nf_peer_line_encode(const struct nf_peer_line *l, struct nf_str *to,
                                 struct nf_err *err)
{
    struct nf_json_out o;
    nf_json_begin_doc(&o, to);
    nf_json_out_object(&o);
    nf_json_put_str(&o, "to", "hub");
    nf_json_put_i64(&o, "what", l->type);
    nf_json_put_i64(&o, "user", l->user_id);
    if (l->text)
        nf_json_put_str(&o, "frame", l->text);
    if (l->type == NF_PEER_EVENT || l->type == NF_PEER_DELIVERED)
        put_event(&o, &l->event);
    nf_json_out_end(&o);
    return nf_json_end_doc(&o, err);
}

static int64_t number(const struct nf_json *v, const char *key)
{
    return nf_json_i64(nf_json_get(v, key), 0);
}

static NF_RC get_event(const struct nf_json *v, struct nf_run_event *e, struct nf_err *err)
{
    int64_t type = number(v, "type"), status = number(v, "status");
    const char *text = nf_json_str(nf_json_get(v, "text"));
    if (type < NF_RUN_STARTED || type > NF_RUN_TOOL_STATUS || status < 0 ||
        status > NF_TASK_UNKNOWN)
        return nf_err_set(err, NF_E_INVALID, "an event of another instance is of no known kind");
    *e = (struct nf_run_event){
        .type = (enum nf_run_event_type)type,
        .user_id = number(v, "user"),
        .session_id = number(v, "session"),
        .run_id = number(v, "run"),
        .seq = number(v, "seq"),
        .input_seq = number(v, "input"),
        .message = (int)number(v, "message"),
        .call_id = nf_json_str(nf_json_get(v, "call")),
        .name = nf_json_str(nf_json_get(v, "name")),
        .model = nf_json_str(nf_json_get(v, "model")),
        .text = nf_slice_of(text ? text : ""),
        .tokens = { number(v, "tok_in"), number(v, "tok_out"), number(v, "tok_read"),
                    number(v, "tok_write") },
        .stopped = nf_json_bool(nf_json_get(v, "stopped"), false),
        .is_error = nf_json_bool(nf_json_get(v, "error"), false),
        .wall_us = number(v, "wall_us"),
        .percent = (int)number(v, "percent"),
        .status = (enum nf_task_status)status,
    };
    return NF_OK;
}

enum nf_code nf_peer_line_decode(const struct nf_json *v, struct nf_peer_line *ret,
                                 struct nf_err *err)
{
    int64_t what = number(v, "what");
    struct nf_peer_line l = { .user_id = number(v, "user"),
                              .text = nf_json_str(nf_json_get(v, "frame")) };
    if (what < NF_PEER_EVENT || what > NF_PEER_DROP_COOKIE)
        return nf_err_set(err, NF_E_INVALID, "a line of another instance is of no known kind");
    l.type = (enum nf_peer_line_type)what;
    if (l.type == NF_PEER_EVENT || l.type == NF_PEER_DELIVERED)
        NF_TRY(get_event(v, &l.event, err));
    else if (l.type != NF_PEER_DROP_USER && !l.text)
        return nf_err_set(err, NF_E_INVALID, "a line of another instance has no text");
    if (l.type == NF_PEER_DROP_COOKIE && strlen(l.text) != NF_SHA256_HEX)
        return nf_err_set(err, NF_E_INVALID, "a hash of another instance is none");
    *ret = l;
    return NF_OK;
}
