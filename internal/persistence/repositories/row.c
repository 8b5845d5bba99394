#include "persistence/repositories/row.h"

#include "application/ports/session_store.h"
#include "application/ports/user_store.h"
#include "base/own.h"
#include "base/utf8.h"
#include "persistence/repositories/parts_json.h"

#include <stdlib.h>
#include <string.h>

str nf_row_text(const char *s)
{
    return s && s[0] ? nf_slice_of(s) : (str){ 0 };
}

str nf_row_cut(const char *s, size_t max)
{
    str text = nf_row_text(s);
    text.n = nf_utf8_cut(text.p, text.n, max);
    return text;
}

str nf_row_opt(const char *s)
{
    return s ? nf_slice_of(s) : (str){ 0 };
}

str nf_row_str(const char *s)
{
    return nf_slice_of(s ? s : "");
}

enum nf_code nf_row_copy(char *to, size_t size, str from, const char *what, struct nf_err *err)
{
    if (from.n >= size)
        return nf_err_set(err, NF_E_IO, "database: %s is longer than %zu bytes", what, size - 1);
    if (from.n)
        memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return NF_OK;
}

enum nf_code nf_row_enum(i64 v, int lo, int hi, const char *what, struct nf_err *err)
{
    if (v >= lo && v <= hi)
        return NF_OK;
    return nf_err_set(err, NF_E_IO, "database: %lld is no %s", (long long)v, what);
}

void *nf_row_grow(void *v, size_t n, size_t size, struct nf_err *err)
{
    /* Powers of two: no capacity needs to be kept. */
    if (n > 0 && (n & (n - 1)) != 0)
        return v;
    void *grown = realloc(v, (n ? 2 * n : 1) * size);
    if (!grown)
        (void)nf_err_set(err, NF_E_NOMEM, "out of memory");
    return grown;
}

enum nf_code nf_row_found(size_t rows, const char *what, struct nf_err *err)
{
    return rows ? NF_OK : nf_err_set(err, NF_E_NOT_FOUND, "no such %s", what);
}

enum nf_code nf_row_session_one(void *to, const void *row, struct nf_err *err)
{
    const struct session_get_row *r = row;
    struct nf_session s = { .id = r->id,
                            .user_id = r->user_id,
                            .last_seq = r->last_seq,
                            .pending = r->pending,
                            .fence = r->fence,
                            .lease_until_ms = r->lease_until,
                            .created_ms = r->created_at,
                            .updated_ms = r->updated_at,
                            .retired = r->is_current == 0,
                            .shared = r->shared != 0,
                            .pinned_ms = r->pinned_at };
    NF_TRY(nf_row_copy(s.model, sizeof(s.model), r->model, "a model's name", err));
    NF_TRY(nf_row_copy(s.channel, sizeof(s.channel), r->channel, "a channel", err));
    NF_TRY(nf_row_copy(s.address, sizeof(s.address), r->address, "an address", err));
    NF_TRY(nf_row_copy(s.title, sizeof(s.title), r->title, "a title", err));
    *(struct nf_session *)to = s;
    return NF_OK;
}

enum nf_code nf_row_session(void *to, const void *row, struct nf_err *err)
{
    struct nf_sessions *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_session *v = &list->v[list->n];
    NF_TRY(nf_row_session_one(v, row, err));
    list->n++;
    return NF_OK;
}

static NF_RC read_message(struct nf_message *m, const struct messages_last_row *r,
                          struct nf_err *err)
{
    *m = (struct nf_message){ .session_id = r->session_id,
                              .seq = r->seq,
                              .run_id = r->run_id,
                              .created_ms = r->created_at,
                              .branch = r->branch };
    NF_TRY(nf_row_enum(r->role, NF_ROLE_USER, NF_ROLE_NOTICE, "role", err));
    m->role = (enum nf_role)r->role;
    NF_TRY(nf_row_copy(m->client_id, sizeof(m->client_id), r->client_id, "a message's id", err));
    NF_TRY(nf_row_copy(m->model, sizeof(m->model), r->model, "a model's name", err));
    NF_TRY(nf_strndup(r->content.p ? r->content.p : "", r->content.n, &m->content, err));
    return nf_parts_from_json(r->parts, &m->parts, err);
}

enum nf_code nf_row_message(void *to, const void *row, struct nf_err *err)
{
    struct nf_messages *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_message *v = &list->v[list->n];
    enum nf_code rc = read_message(v, row, err); /* in place: it is big */
    if (rc != NF_OK)
        nf_message_done(v);
    else
        list->n++;
    return rc;
}

static NF_RC optional(char **to, str from, struct nf_err *err)
{
    return from.p ? nf_strndup(from.p, from.n, to, err) : NF_OK;
}

enum nf_code nf_row_task_one(void *to, const void *row, struct nf_err *err)
{
    const struct task_get_row *r = row;
    NF_CLEANUP(nf_task_done)
    struct nf_task t = { .id = r->id,
                         .turn_id = r->turn_id,
                         .n = r->n,
                         .session_id = r->session_id,
                         .user_id = r->user_id,
                         .seq = r->seq,
                         .fence = r->fence,
                         .attempt = r->attempt,
                         .created_ms = r->created_at,
                         .started_ms = r->started_at,
                         .ended_ms = r->ended_at,
                         .is_error = r->is_error != 0,
                         .worker = r->worker,
                         .wall_us = r->wall_us,
                         .bytes = r->bytes,
                         .tokens = { .input = r->tok_input,
                                     .output = r->tok_output,
                                     .cache_read = r->tok_cache_read,
                                     .cache_write = r->tok_cache_write } };
    NF_TRY(nf_row_enum(r->kind, NF_TASK_TURN, NF_TASK_TOOL, "kind of task", err));
    NF_TRY(nf_row_enum(r->status, NF_TASK_PENDING, NF_TASK_UNKNOWN, "status of a task", err));
    t.kind = (enum nf_task_kind)r->kind;
    t.status = (enum nf_task_status)r->status;
    NF_TRY(nf_row_copy(t.name, sizeof(t.name), r->name, "a task's name", err));
    NF_TRY(nf_row_copy(t.reason, sizeof(t.reason), r->reason, "a task's reason", err));
    NF_TRY(nf_row_copy(t.call_id, sizeof(t.call_id), r->call_id, "a call's id", err));
    NF_TRY(nf_row_copy(t.level, sizeof(t.level), r->level, "a sandbox's level", err));
    NF_TRY(optional(&t.args, r->args, err));
    NF_TRY(optional(&t.result, r->result, err));
    NF_TRY(nf_parts_from_json(r->reply, &t.reply, err));
    *(struct nf_task *)to = nf_take(t);
    return NF_OK;
}

enum nf_code nf_row_task(void *to, const void *row, struct nf_err *err)
{
    NF_CLEANUP(nf_task_done) struct nf_task t = { 0 };
    NF_TRY(nf_row_task_one(&t, row, err));
    return nf_tasks_push(to, &t, err);
}

enum nf_code nf_row_user_one(void *to, const void *row, struct nf_err *err)
{
    const struct user_get_row *r = row;
    struct nf_user u = { .id = r->id, .created_ms = r->created_at };
    NF_TRY(nf_row_enum(r->role, NF_USER_OWNER, NF_USER_USER, "role of a user", err));
    NF_TRY(nf_row_enum(r->status, NF_USER_ACTIVE, NF_USER_BLOCKED, "status of a user", err));
    u.role = (enum nf_user_role)r->role;
    u.status = (enum nf_user_status)r->status;
    NF_TRY(nf_row_enum(r->lang, 0, NF_LANG_RU, "language", err));
    u.lang = (enum nf_lang)r->lang;
    NF_TRY(nf_row_copy(u.name, sizeof(u.name), r->name, "a user's name", err));
    NF_TRY(nf_row_copy(u.zone, sizeof(u.zone), r->zone, "a time zone", err));
    *(struct nf_user *)to = u;
    return NF_OK;
}

enum nf_code nf_row_user(void *to, const void *row, struct nf_err *err)
{
    struct nf_users *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_user *v = &list->v[list->n];
    NF_TRY(nf_row_user_one(v, row, err));
    list->n++;
    return NF_OK;
}

enum nf_code nf_row_count(void *to, const void *row, struct nf_err *err)
{
    (void)row, (void)err;
    ++*(i64 *)to;
    return NF_OK;
}

struct session_put_in nf_row_put_session(const struct nf_session *s)
{
    return (struct session_put_in){ .id = s->id,
                                    .user = s->user_id,
                                    .channel = nf_slice_of(s->channel),
                                    .address = nf_slice_of(s->address),
                                    .title = nf_slice_of(s->title),
                                    .created = s->created_ms,
                                    .updated = s->updated_ms,
                                    .model = nf_slice_of(s->model),
                                    .current = !s->retired,
                                    .shared = s->shared };
}

struct user_put_in nf_row_put_user(const struct nf_user *u)
{
    return (struct user_put_in){ .id = u->id,
                                 .name = nf_slice_of(u->name),
                                 .role = u->role,
                                 .status = u->status,
                                 .created = u->created_ms,
                                 .lang = u->lang };
}

struct identity_put_in nf_row_put_identity(const struct nf_identity *i)
{
    return (struct identity_put_in){ .channel = nf_slice_of(i->channel),
                                     .account = nf_slice_of(i->account),
                                     .user = i->user_id,
                                     .created = i->created_ms };
}
