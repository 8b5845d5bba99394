/* REST: sessions and their messages. */
#include "application/manage_sessions.h"
#include "channels/web/web_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From where a client that has read the messages must resume so that nothing falls between: before
 * the run under way, behind the last one that ended. */
static int64_t resume_after(const struct nf_session *s)
{
    bool runs = s->pending > 0 && s->lease_until_ms > 0;
    int64_t seq = runs ? nf_run_seq(s->fence, 0) - 1 : nf_run_seq(s->fence, NF_RUN_POS_MAX);
    return seq > 0 ? seq : 0;
}

void nf_web_put_session(struct nf_json_out *o, const struct nf_session *s)
{
    nf_json_out_object(o);
    nf_web_put_id(o, "id", s->id);
    nf_json_put_str(o, "title", s->title);
    nf_json_put_str(o, "channel", s->channel);
    nf_web_put_time(o, "created_at", s->created_ms);
    nf_web_put_time(o, "updated_at", s->updated_ms);
    nf_json_put_i64(o, "pending", s->pending);
    nf_json_put_i64(o, "last_seq", s->last_seq);
    nf_json_put_i64(o, "resume_after", resume_after(s));
    nf_json_put_bool(o, "pinned", s->pinned_ms > 0);
    nf_json_out_key(o, "model");
    nf_json_out_str(o, s->model[0] ? s->model : NULL);
    nf_json_out_end(o);
}

static NF_RC answer_session(struct nf_http_exchange *x, int status, const struct nf_session *s,
                            struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    struct nf_json_out o;
    nf_json_begin_doc(&o, &body);
    nf_web_put_session(&o, s);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, status, &body, err);
}

/* A page of sessions ends at "<updated ms>-<id>". */
static NF_RC read_cursor(const struct nf_http_exchange *x, int64_t *ms, int64_t *id,
                         struct nf_err *err)
{
    struct nf_slice c = nf_http_query(x, "cursor", NULL);
    const char *dash = c.n ? memchr(c.p, '-', c.n) : NULL;
    *ms = *id = 0;
    if (c.n == 0)
        return NF_OK;
    struct nf_slice head = { c.p, dash ? (size_t)(dash - c.p) : 0 };
    if (!dash || !nf_slice_u63(head, ms) || !nf_id_from_text(dash + 1, c.n - head.n - 1, id))
        return nf_err_set(err, NF_E_INVALID, "cursor: not one of ours");
    return NF_OK;
}

static void put_sessions(struct nf_json_out *o, const char *key, const struct nf_sessions *list)
{
    nf_json_out_key(o, key);
    nf_json_out_array(o);
    for (size_t i = 0; i < list->n; i++)
        nf_web_put_session(o, &list->v[i]);
    nf_json_out_end(o);
}

enum nf_code nf_web_sessions(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_sessions_done) struct nf_sessions list = { 0 };
    NF_CLEANUP(nf_sessions_done) struct nf_sessions pinned = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { 0 };
    int64_t before_ms, before_id;
    size_t limit;
    struct nf_json_out o;

    NF_TRY(nf_web_limit(x, &limit, err));
    NF_TRY(read_cursor(x, &before_ms, &before_id, err));
    NF_TRY(
        nf_session_list(w->o.app, &nf_web_who(x)->user, before_ms, before_id, limit, &list, err));
    if (before_ms == 0) /* with the first page, however old they are */
        NF_TRY(nf_session_list_pinned(w->o.app, &nf_web_who(x)->user, &pinned, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    put_sessions(&o, "sessions", &list);
    if (before_ms == 0)
        put_sessions(&o, "pinned", &pinned);
    nf_json_out_key(&o, "next_cursor");
    if (list.n == limit) {
        char cursor[64];
        struct nf_id_text id = nf_id_to_text(list.v[list.n - 1].id);
        (void)snprintf(cursor, sizeof(cursor), "%lld-%s", (long long)list.v[list.n - 1].updated_ms,
                       id.s);
        nf_json_out_str(&o, cursor);
    } else {
        nf_json_out_null(&o);
    }
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}

struct session_body {
    char *title, *model;
    bool pinned;
    bool has_pinned, has_model; /* a null as model is the default's */
};
static const struct nf_json_field session_fields[] = {
    NF_JSON_FIELD(struct session_body, "title", NF_JSON_F_STR, title, 0, 0, NF_TITLE_MAX),
    NF_JSON_FIELD(struct session_body, "model", NF_JSON_F_STR, model, NF_JSON_NULLABLE, 1,
                  NF_MODEL_NAME_MAX),
    NF_JSON_FIELD(struct session_body, "pinned", NF_JSON_F_BOOL, pinned, 0, 0, 0),
};
static const struct nf_json_table session_table = { session_fields, NF_COUNT(session_fields),
                                                    false };

static void session_body_done(struct session_body *b)
{
    nf_json_table_done(&session_table, b);
}

static NF_RC read_body(const struct nf_http_exchange *x, struct session_body *ret,
                       struct nf_err *err)
{
    NF_CLEANUP(nf_json_freep) struct nf_json_doc *doc = NULL;
    struct nf_slice text = nf_http_body(x);
    if (text.n == 0)
        return NF_OK;
    NF_TRY(nf_json_parse(text.p, text.n, 0, &doc, err));
    ret->has_pinned = nf_json_get(nf_json_root(doc), "pinned") != NULL;
    ret->has_model = nf_json_get(nf_json_root(doc), "model") != NULL;
    return nf_json_decode(nf_json_root(doc), &session_table, ret, err);
}

enum nf_code nf_web_session_create(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(session_body_done) struct session_body body = { 0 };
    struct nf_session s;
    NF_TRY(read_body(x, &body, err));
    NF_TRY(nf_session_open(w->o.app, &nf_web_who(x)->user, body.title ? body.title : "", &s, err));
    return answer_session(x, 201, &s, err);
}

enum nf_code nf_web_session_get(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    struct nf_session s;
    int64_t id;
    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_session_show(w->o.app, &nf_web_who(x)->user, id, &s, err));
    return answer_session(x, 200, &s, err);
}

/* Tell the user's sockets; what fails here they see at their next look. */
static void announce(struct nf_web *w, const struct nf_session *s)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { 0 };
    struct nf_err ignored;
    if (nf_frame_session(s, &frame, &ignored) == NF_OK)
        nf_hub_broadcast(w->hub, s->user_id, &frame, NULL);
}

static void announce_deleted(struct nf_web *w, int64_t user_id, int64_t session_id)
{
    NF_CLEANUP(nf_str_done) struct nf_str frame = { 0 };
    struct nf_err ignored;
    if (nf_frame_session_deleted(session_id, &frame, &ignored) == NF_OK)
        nf_hub_broadcast(w->hub, user_id, &frame, NULL);
}

static NF_RC change(struct nf_web *w, const struct nf_user *user, int64_t id,
                    const struct session_body *b, struct nf_session *ret, struct nf_err *err)
{
    struct nf_app *a = w->o.app;
    if (b->has_model)
        NF_TRY(nf_session_set_model(a, user, id, b->model ? b->model : "default", ret, err));
    if (b->has_pinned)
        NF_TRY(nf_session_set_pinned(a, user, id, b->pinned, ret, err));
    if (b->title)
        NF_TRY(nf_session_set_title(a, user, id, b->title, ret, err));
    return NF_OK;
}

enum nf_code nf_web_session_patch(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(session_body_done) struct session_body body = { 0 };
    struct nf_session s;
    int64_t id;
    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(read_body(x, &body, err));
    if (!body.title && !body.has_pinned && !body.has_model)
        return nf_err_set(err, NF_E_INVALID, "title, pinned, model: one of them is needed");
    NF_TRY(change(w, &nf_web_who(x)->user, id, &body, &s, err));
    announce(w, &s);
    return answer_session(x, 200, &s, err);
}

enum nf_code nf_web_session_delete(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    const struct nf_user *user = &nf_web_who(x)->user;
    int64_t id;
    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_session_delete(w->o.app, user, id, err));
    announce_deleted(w, user->id, id);
    return nf_http_respond(x, 204, NULL, "", 0, err);
}

/* --- messages --------------------------------------------------------------------------------- */

static void put_calls(struct nf_json_out *o, const struct nf_parts *parts)
{
    if (nf_parts_tool_calls(parts) == 0)
        return;
    nf_json_out_key(o, "tool_calls");
    nf_json_out_array(o);
    for (size_t i = 0; i < parts->n; i++) {
        const struct nf_part *p = &parts->v[i];
        if (p->type != NF_PART_TOOL_CALL)
            continue;
        nf_json_out_object(o);
        nf_json_put_str(o, "id", p->call_id);
        nf_json_put_str(o, "name", p->name);
        nf_json_put_str(o, "arguments", p->args);
        nf_json_out_end(o);
    }
    nf_json_out_end(o);
}

/* A tool's message: its text is in its part. */
const char *nf_web_message_text(const struct nf_message *m)
{
    if (m->role == NF_ROLE_TOOL && m->parts.n > 0 && m->parts.v[0].text)
        return m->parts.v[0].text;
    return m->content ? m->content : "";
}

void nf_web_put_message(struct nf_json_out *o, const struct nf_message *m)
{
    nf_json_out_object(o);
    nf_json_put_i64(o, "seq", m->seq);
    nf_json_put_str(o, "role", nf_role_name(m->role));
    nf_json_put_str(o, "content", nf_web_message_text(m));
    if (m->role == NF_ROLE_NOTICE)
        (void)nf_web_put_said(o, "code", "values", &nf_turn_sayings,
                              nf_slice_of(nf_web_message_text(m)));
    nf_web_put_id(o, "run_id", m->run_id);
    if (m->client_id[0])
        nf_json_put_str(o, "message_id", m->client_id);
    if (m->branch)
        nf_json_put_i64(o, "parent_seq", m->branch - 1);
    if (m->model[0])
        nf_json_put_str(o, "model", m->model);
    if (m->role == NF_ROLE_TOOL && m->parts.n > 0) {
        nf_json_put_str(o, "tool_call_id", m->parts.v[0].call_id);
        nf_json_put_bool(o, "is_error", m->parts.v[0].is_error);
        if (m->parts.v[0].wall_us > 0)
            nf_json_put_i64(o, "duration_us", m->parts.v[0].wall_us);
    }
    put_calls(o, &m->parts);
    nf_web_put_time(o, "created_at", m->created_ms);
    nf_json_out_end(o);
}

enum nf_code nf_web_messages(void *arg, struct nf_http_exchange *x, struct nf_err *err)
{
    struct nf_web *w = arg;
    NF_CLEANUP(nf_messages_done) struct nf_messages list = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str body = { .max = NF_JSON_BYTES_MAX * 8 };
    struct nf_slice cursor = nf_http_query(x, "cursor", NULL);
    int64_t id, before = 0;
    size_t limit;
    struct nf_json_out o;

    NF_TRY(nf_web_path_id(x, &id, err));
    NF_TRY(nf_web_limit(x, &limit, err));
    if (cursor.n > 0 && (!nf_slice_u63(cursor, &before) || before == 0))
        return nf_err_set(err, NF_E_INVALID, "cursor: not one of ours");
    NF_TRY(nf_session_messages(w->o.app, &nf_web_who(x)->user, id, before, limit, &list, err));
    nf_json_begin_doc(&o, &body);
    nf_json_out_object(&o);
    nf_json_out_key(&o, "messages");
    nf_json_out_array(&o);
    for (size_t i = 0; i < list.n; i++)
        nf_web_put_message(&o, &list.v[i]);
    nf_json_out_end(&o);
    nf_json_out_key(&o, "next_cursor");
    if (list.n == limit && list.v[0].seq > 1) {
        char next[24];
        (void)snprintf(next, sizeof(next), "%lld", (long long)list.v[0].seq);
        nf_json_out_str(&o, next);
    } else {
        nf_json_out_null(&o);
    }
    nf_json_out_end(&o);
    NF_TRY(nf_json_end_doc(&o, err));
    return nf_web_json(x, 200, &body, err);
}
