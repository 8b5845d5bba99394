#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_outbox_store *s)
{
    assert(s->ops == &nf_repository_outbox);
    return nf_container_of(s, struct nf_repositories, outbox)->db;
}

static enum nf_code on_item(void *to, const void *row, struct nf_err *err)
{
    const struct outbox_due_row *r = row;
    struct nf_outbox_items *list = to;
    struct nf_outbox_item i = { .id = r->id,
                                .session_id = r->session_id,
                                .user_id = r->user_id,
                                .run_id = r->run_id,
                                .seq = r->seq,
                                .attempt = r->attempt,
                                .next_ms = r->next_at,
                                .created_ms = r->created_at };
    NF_TRY(nf_row_enum(r->status, NF_OUTBOX_PENDING, NF_OUTBOX_AMBIGUOUS, "outbox status", err));
    i.status = (enum nf_outbox_status)r->status;
    NF_TRY(nf_row_copy(i.channel, sizeof(i.channel), r->channel, "a channel", err));
    NF_TRY(nf_row_copy(i.address, sizeof(i.address), r->address, "an address", err));
    NF_TRY(NF_ROW_ROOM(list, err));
    list->v[list->n++] = i;
    return NF_OK;
}

static enum nf_code due(struct nf_outbox_store *s, int64_t now_ms, size_t limit,
                        struct nf_outbox_items *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_outbox_items_done) struct nf_outbox_items list = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(outbox_due, NF_ROWS_ANY, on_item, &list, .now = now_ms, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(list);
    return NF_OK;
}

static enum nf_code begin(struct nf_outbox_store *s, int64_t id, int64_t owner, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(outbox_begin, 1, .id = id, .owner = owner);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "somebody else delivers this") : rc;
}

static enum nf_code sent(struct nf_outbox_store *s, int64_t id, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(outbox_sent, 1, .id = id);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "outbox item", err) : rc;
}

static enum nf_code update(struct nf_outbox_store *s, int64_t id, int64_t owner,
                           enum nf_outbox_status status, int64_t next_ms, const char *reason,
                           struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(outbox_update, 1, .id = id, .status = status, .next = next_ms,
                               .reason = nf_row_cut(reason, NF_REASON_MAX), .owner = owner);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "outbox item", err) : rc;
}

static enum nf_code again(struct nf_outbox_store *s, int64_t id, int64_t run_id, int64_t now_ms,
                          struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(outbox_again, NF_ROWS_ANY, .id = id, .run = run_id, .now = now_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code recover(struct nf_outbox_store *s, const char *channel, int64_t owner,
                            enum nf_outbox_status status, int64_t *ret, struct nf_err *err)
{
    i64 n = 0;
    struct nf_cmd cmd =
        NF_CMD_ROW(outbox_recover, NF_ROWS_ANY, nf_row_count, &n, .channel = nf_slice_of(channel),
                   .status = status, .owner = owner);
    NF_TRY(nf_db_tx(db_of(s), &cmd, 1, NULL, err));
    *ret = n;
    return NF_OK;
}

static enum nf_code ahead(struct nf_outbox_store *s, int64_t run_id, bool *ret, struct nf_err *err)
{
    size_t rows = 0;
    struct nf_cmd cmd = NF_CMD(outbox_ahead, NF_ROWS_ANY, .run = run_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    *ret = rows > 0;
    return NF_OK;
}

const struct nf_outbox_store_ops nf_repository_outbox = {
    .due = due,
    .ahead = ahead,
    .begin = begin,
    .sent = sent,
    .update = update,
    .again = again,
    .recover = recover,
};
