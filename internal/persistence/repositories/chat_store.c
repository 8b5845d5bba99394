#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_chat_store *s)
{
    assert(s->ops == &nf_repository_chats);
    return nf_container_of(s, struct nf_repositories, chats)->db;
}

static enum nf_code put(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                        int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(chat_put, 1, .run = run_id, .part = part, .ref = nf_slice_of(ref), .now = now_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "another message stands for this part") : rc;
}

static enum nf_code on_ref(void *to, const void *row, struct nf_err *err)
{
    const struct chat_refs_row *r = row;
    struct nf_chat_refs *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_chat_ref *v = &list->v[list->n];
    *v = (struct nf_chat_ref){ .part = r->part };
    NF_TRY(nf_row_copy(v->ref, sizeof(v->ref), r->ref, "ref", err));
    list->n++;
    return NF_OK;
}

static enum nf_code refs(struct nf_chat_store *s, int64_t run_id, struct nf_chat_refs *ret,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_chat_refs_done) struct nf_chat_refs found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(chat_refs, NF_ROWS_ANY, on_ref, &found, .run = run_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code forget(struct nf_chat_store *s, int64_t run_id, int64_t part, const char *ref,
                           struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(chat_forget, NF_ROWS_ANY, .run = run_id, .part = part, .ref = nf_slice_of(ref));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code tidy(struct nf_chat_store *s, int64_t before_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(chat_tidy, NF_ROWS_ANY, .before = before_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code on_asked(void *to, const void *row, struct nf_err *err)
{
    const struct chat_asked_row *r = row;
    (void)err;
    *(int64_t *)to = r->run_id;
    return NF_OK;
}

static enum nf_code asked(struct nf_chat_store *s, int64_t session_id, const char *ref,
                          int64_t *ret, struct nf_err *err)
{
    int64_t run = 0;
    size_t rows;
    struct nf_cmd cmd = NF_CMD_ROW(chat_asked, NF_ROWS_ANY, on_asked, &run, .session = session_id,
                                   .ref = nf_slice_of(ref));
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "message in this session", err));
    *ret = run;
    return NF_OK;
}

/* --- how far a network was read, and by whom ------------------------------------------------- */

static enum nf_code set_cursor(struct nf_chat_store *s, const char *source, const char *cursor,
                               int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(cursor_put, 1, .source = nf_slice_of(source),
                               .place = nf_slice_of(cursor), .now = now_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code once(struct nf_chat_store *s, const struct nf_chat_event *e, int64_t now_ms,
                         struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(inbox_note, 1, .source = nf_slice_of(e->source),
               .client_id = nf_slice_of(e->event_id), .now = now_ms),
        NF_CMD(cursor_put, 1, .source = nf_slice_of(e->cursor_source ? e->cursor_source : ""),
               .place = nf_slice_of(e->cursor ? e->cursor : ""), .now = now_ms),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, e->cursor ? 2 : 1, NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    if (e->cursor)
        NF_TRY(nf_db_tx(db_of(s), cmds + 1, 1, NULL, err));
    return nf_err_set(err, NF_E_CONFLICT, "this event was dealt with before");
}

static enum nf_code on_cursor(void *to, const void *row, struct nf_err *err)
{
    const struct cursor_get_row *r = row;
    return nf_row_copy(to, NF_CURSOR_MAX + 1, r->place, "a cursor", err);
}

static enum nf_code cursor(struct nf_chat_store *s, const char *source, char ret[NF_CURSOR_MAX + 1],
                           struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD_ROW(cursor_get, NF_ROWS_ANY, on_cursor, ret, .source = nf_slice_of(source));
    ret[0] = '\0';
    return nf_db_read(db_of(s), &cmd, NULL, err);
}

static enum nf_code on_cursors(void *to, const void *row, struct nf_err *err)
{
    const struct cursor_list_row *r = row;
    struct nf_cursors *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_cursor *v = &list->v[list->n];
    NF_TRY(nf_row_copy(v->source, sizeof(v->source), r->source, "a source", err));
    NF_TRY(nf_row_copy(v->place, sizeof(v->place), r->place, "a cursor", err));
    list->n++;
    return NF_OK;
}

static enum nf_code cursors(struct nf_chat_store *s, const char *prefix, const char *after,
                            size_t limit, struct nf_cursors *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_cursors_done) struct nf_cursors found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(
        cursor_list, NF_ROWS_ANY, on_cursors, &found, .prefix = nf_slice_of(prefix),
        .prefix_n = (i64)nf_slice_of(prefix).n, .after = nf_slice_of(after), .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_lease(void *to, const void *row, struct nf_err *err)
{
    const struct lease_take_row *r = row;
    (void)err;
    *(int64_t *)to = r->fence;
    return NF_OK;
}

static enum nf_code lease(struct nf_chat_store *s, const char *source, int64_t owner,
                          int64_t until_ms, int64_t now_ms, int64_t *fence, struct nf_err *err)
{
    int64_t got = 0;
    struct nf_cmd cmd = NF_CMD_ROW(lease_take, 1, on_lease, &got, .source = nf_slice_of(source),
                                   .owner = owner, .until = until_ms, .now = now_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    if (rc == NF_E_CONFLICT)
        return nf_err_set(err, rc, "another instance reads '%s'", source);
    NF_TRY(rc);
    *fence = got;
    return NF_OK;
}

static enum nf_code unlease(struct nf_chat_store *s, const char *source, int64_t owner,
                            struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(lease_drop, NF_ROWS_ANY, .source = nf_slice_of(source), .owner = owner);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

/* --- chats that cannot be written to, or have another address ------------------------------- */

static enum nf_code set_unreachable(struct nf_chat_store *s, const char *channel,
                                    const char *address, const char *reason, int64_t now_ms,
                                    struct nf_err *err)
{
    struct nf_cmd put =
        NF_CMD(unreachable_put, 1, .channel = nf_slice_of(channel), .address = nf_slice_of(address),
               .now = now_ms, .reason = nf_row_cut(reason ? reason : "", NF_REASON_MAX));
    struct nf_cmd clear = NF_CMD(unreachable_clear, NF_ROWS_ANY, .channel = nf_slice_of(channel),
                                 .address = nf_slice_of(address));
    return nf_db_tx(db_of(s), reason ? &put : &clear, 1, NULL, err);
}

static enum nf_code is_unreachable(struct nf_chat_store *s, const char *channel,
                                   const char *address, bool *ret, struct nf_err *err)
{
    size_t rows = 0;
    struct nf_cmd cmd = NF_CMD(unreachable_is, NF_ROWS_ANY, .channel = nf_slice_of(channel),
                               .address = nf_slice_of(address));
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    *ret = rows > 0;
    return NF_OK;
}

static enum nf_code on_unreachable(void *to, const void *row, struct nf_err *err)
{
    const struct unreachable_list_row *r = row;
    struct nf_unreachables *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_unreachable *v = &list->v[list->n];
    v->since_ms = r->since;
    NF_TRY(nf_row_copy(v->address, sizeof(v->address), r->address, "an address", err));
    NF_TRY(nf_row_copy(v->reason, sizeof(v->reason), r->reason, "a reason", err));
    list->n++;
    return NF_OK;
}

static enum nf_code unreachable(struct nf_chat_store *s, const char *channel, const char *after,
                                size_t limit, struct nf_unreachables *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_unreachables_done) struct nf_unreachables found = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(unreachable_list, NF_ROWS_ANY, on_unreachable, &found,
                                   .channel = nf_slice_of(channel), .after = nf_slice_of(after),
                                   .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code move(struct nf_chat_store *s, const char *channel, const char *from,
                         const char *to, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(chat_move_room, NF_ROWS_ANY, .channel = nf_slice_of(channel), .to = nf_slice_of(to)),
        NF_CMD(chat_move_sessions, NF_ROWS_ANY, .channel = nf_slice_of(channel),
               .from = nf_slice_of(from), .to = nf_slice_of(to)),
        NF_CMD(chat_move_outbox, NF_ROWS_ANY, .channel = nf_slice_of(channel),
               .to = nf_slice_of(to)),
        NF_CMD(unreachable_clear, NF_ROWS_ANY, .channel = nf_slice_of(channel),
               .address = nf_slice_of(from)),
    };
    return nf_db_tx(db_of(s), cmds, sizeof(cmds) / sizeof(cmds[0]), NULL, err);
}

const struct nf_chat_store_ops nf_repository_chats = {
    .put = put,
    .refs = refs,
    .forget = forget,
    .tidy = tidy,
    .asked = asked,
    .once = once,
    .set_cursor = set_cursor,
    .cursor = cursor,
    .cursors = cursors,
    .lease = lease,
    .unlease = unlease,
    .hold = nf_repository_hold,
    .held = nf_repository_held,
    .held_lanes = nf_repository_held_lanes,
    .seal = nf_repository_seal,
    .release = nf_repository_release,
    .set_unreachable = set_unreachable,
    .is_unreachable = is_unreachable,
    .unreachable = unreachable,
    .move = move,
};
