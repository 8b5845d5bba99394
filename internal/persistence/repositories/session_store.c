#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_session_store *s)
{
    assert(s->ops == &nf_repository_sessions);
    return nf_container_of(s, struct nf_repositories, sessions)->db;
}

static NF_RC read_session(struct nf_session_store *s, struct nf_cmd cmd, struct nf_session *ret,
                          struct nf_err *err)
{
    struct nf_session found = { 0 };
    size_t rows;
    cmd.row = nf_row_session_one;
    cmd.to = &found;
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "session", err));
    *ret = found;
    return NF_OK;
}

static enum nf_code get(struct nf_session_store *s, int64_t id, int64_t user_id,
                        struct nf_session *ret, struct nf_err *err)
{
    return read_session(s, NF_CMD(session_get, NF_ROWS_ANY, .id = id, .user = user_id), ret, err);
}

static enum nf_code find(struct nf_session_store *s, int64_t user_id, const char *channel,
                         const char *address, struct nf_session *ret, struct nf_err *err)
{
    if (user_id == 0)
        return read_session(s,
                            NF_CMD(session_find_shared, NF_ROWS_ANY,
                                   .channel = nf_slice_of(channel),
                                   .address = nf_slice_of(address)),
                            ret, err);
    return read_session(s,
                        NF_CMD(session_find, NF_ROWS_ANY, .user = user_id,
                               .channel = nf_slice_of(channel), .address = nf_slice_of(address)),
                        ret, err);
}

static enum nf_code list(struct nf_session_store *s, int64_t user_id, int64_t before_ms,
                         int64_t before_id, size_t limit, struct nf_sessions *ret,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_sessions_done) struct nf_sessions found = { 0 };
    bool first = before_ms == 0 && before_id == 0;
    struct nf_cmd cmd = NF_CMD_ROW(session_list, NF_ROWS_ANY, nf_row_session, &found,
                                   .user = user_id, .before_at = first ? INT64_MAX : before_ms,
                                   .before_id = before_id, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code create(struct nf_session_store *s, const struct nf_session *in,
                           struct nf_err *err)
{
    struct session_put_in put = nf_row_put_session(in);
    struct nf_cmd cmd = { .q = NF_Q_session_put, .expect = 1, .in = &put };
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "this session exists") : rc;
}

static enum nf_code rename_session(struct nf_session_store *s, const struct nf_session *in,
                                   int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(session_rename, 1, .id = in->id, .user = in->user_id,
                               .title = nf_slice_of(in->title), .now = now_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "session", err) : rc;
}

static enum nf_code set_model(struct nf_session_store *s, int64_t id, const char *model,
                              struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(session_model, 1, .id = id, .model = nf_slice_of(model));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "session", err) : rc;
}

static enum nf_code pinned(struct nf_session_store *s, int64_t user_id, size_t limit,
                           struct nf_sessions *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_sessions_done) struct nf_sessions found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(session_pinned, NF_ROWS_ANY, nf_row_session, &found,
                                   .user = user_id, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code pin(struct nf_session_store *s, int64_t id, int64_t user_id, int64_t at_ms,
                        struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(session_pin, 1, .id = id, .user = user_id, .at = at_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "session", err) : rc;
}

static enum nf_code remove_session(struct nf_session_store *s, int64_t id, int64_t user_id,
                                   struct nf_err *err)
{
    struct nf_session found;
    /* Changes before tasks, the index before messages: they are found through them. */
    struct nf_cmd cmds[] = {
        NF_CMD(session_remove, 1, .id = id, .user = user_id),
        NF_CMD(session_remove_changes, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_tasks, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_approvals, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_search, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_docs, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_messages, NF_ROWS_ANY, .session = id),
        NF_CMD(session_remove_outbox, NF_ROWS_ANY, .session = id),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, sizeof(cmds) / sizeof(cmds[0]), NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    NF_TRY(get(s, id, user_id, &found, err));
    return nf_err_set(err, NF_E_CONFLICT, "a turn of this session runs or waits: stop it first");
}

static void reverse(struct nf_messages *m)
{
    for (size_t i = 0, k = m->n; i + 1 < k; i++, k--) {
        struct nf_message first = m->v[i];
        m->v[i] = m->v[k - 1];
        m->v[k - 1] = first;
    }
}

static NF_RC read_messages(struct nf_session_store *s, struct nf_cmd cmd, struct nf_messages *ret,
                           struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages found = { 0 };
    cmd.row = nf_row_message;
    cmd.to = &found;
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    reverse(&found);
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code messages(struct nf_session_store *s, int64_t session_id, int64_t before,
                             size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    return read_messages(s,
                         NF_CMD(messages_last, NF_ROWS_ANY, .session = session_id,
                                .before = before ? before : INT64_MAX, .limit = (i64)limit,
                                .media = INT64_MAX),
                         ret, err);
}

static enum nf_code history(struct nf_session_store *s, int64_t session_id, int64_t media,
                            size_t limit, struct nf_messages *ret, struct nf_err *err)
{
    return read_messages(s,
                         NF_CMD(messages_last, NF_ROWS_ANY, .session = session_id,
                                .before = INT64_MAX, .limit = (i64)limit, .media = media),
                         ret, err);
}

static enum nf_code run_messages(struct nf_session_store *s, int64_t session_id, int64_t run_id,
                                 struct nf_messages *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_messages_done) struct nf_messages found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(run_messages, NF_ROWS_ANY, nf_row_message, &found,
                                   .session = session_id, .run = run_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code runs_since(struct nf_session_store *s, int64_t session_id, int64_t fence,
                               size_t limit, struct nf_tasks *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(runs_since, NF_ROWS_ANY, nf_row_task, &found,
                                   .session = session_id, .fence = fence, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

const struct nf_session_store_ops nf_repository_sessions = {
    .get = get,
    .find = find,
    .list = list,
    .create = create,
    .rename = rename_session,
    .set_model = set_model,
    .pinned = pinned,
    .pin = pin,
    .remove = remove_session,
    .messages = messages,
    .history = history,
    .run_messages = run_messages,
    .runs_since = runs_since,
};
