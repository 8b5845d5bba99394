#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#include <string.h>

static struct nf_db *db_of(struct nf_approval_store *s)
{
    assert(s->ops == &nf_repository_approvals);
    return nf_container_of(s, struct nf_repositories, approvals)->db;
}

static enum nf_code on_approval(void *to, const void *row, struct nf_err *err)
{
    const struct approval_get_row *r = row;
    NF_CLEANUP(nf_approval_done)
    struct nf_approval_request a = { .id = r->id,
                                     .task_id = r->task_id,
                                     .turn_id = r->turn_id,
                                     .session_id = r->session_id,
                                     .user_id = r->user_id,
                                     .created_ms = r->created_at,
                                     .expires_ms = r->expires_at,
                                     .decided_by = r->decided_by,
                                     .decided_ms = r->decided_at,
                                     .used_ms = r->used_at };
    NF_TRY(nf_row_enum(r->status, NF_APPROVAL_PENDING, NF_APPROVAL_USED, "status of an approval",
                       err));
    a.status = (enum nf_approval_status)r->status;
    NF_TRY(nf_row_copy(a.tool, sizeof(a.tool), r->tool, "a tool", err));
    NF_TRY(nf_row_copy(a.version, sizeof(a.version), r->version, "a version", err));
    NF_TRY(nf_row_copy(a.workspace, sizeof(a.workspace), r->workspace, "a workspace", err));
    NF_TRY(nf_row_copy(a.hash, sizeof(a.hash), r->hash, "a hash", err));
    NF_TRY(nf_row_copy(a.reason, sizeof(a.reason), r->reason, "a reason", err));
    NF_TRY(nf_strndup(r->args.p ? r->args.p : "", r->args.n, &a.args, err));
    nf_approval_done(to);
    *(struct nf_approval_request *)to = nf_take(a);
    return NF_OK;
}

static enum nf_code on_approvals(void *to, const void *row, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_done) struct nf_approval_request a = { 0 };
    NF_TRY(on_approval(&a, row, err));
    return nf_approval_requests_push(to, &a, err);
}

/* The statements that return approvals have row structs of the same layout. */
_Static_assert(sizeof(struct approval_get_row) == sizeof(struct approval_of_task_row) &&
                   sizeof(struct approval_get_row) == sizeof(struct approvals_open_row) &&
                   sizeof(struct approval_get_row) == sizeof(struct approvals_open_user_row),
               "row structs differ");

static enum nf_code ask(struct nf_approval_store *s, const struct nf_claim *c,
                        const struct nf_approval_request *r, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(session_guard, 1, .id = c->session_id, .fence = c->fence),
        NF_CMD(step_wait, 1, .id = r->task_id, .turn = c->run_id, .now = r->created_ms),
        NF_CMD(approval_put, 1, .id = r->id, .task = r->task_id, .turn = c->run_id,
               .session = c->session_id, .user = r->user_id, .tool = nf_slice_of(r->tool),
               .version = nf_slice_of(r->version), .args = nf_row_str(r->args),
               .workspace = nf_slice_of(r->workspace), .hash = nf_slice_of(r->hash),
               .created = r->created_ms, .expires = r->expires_ms),
        NF_CMD(task_note, NF_ROWS_ANY, .a = r->task_id, .b = r->task_id),
    };
    size_t skip = c->session_id ? 0 : 1;
    enum nf_code rc =
        nf_db_tx(db_of(s), cmds + skip, sizeof(cmds) / sizeof(cmds[0]) - skip, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "this call is no longer ours to ask about")
                               : rc;
}

static enum nf_code read_one(struct nf_db *db, struct nf_cmd *cmd, struct nf_approval_request *ret,
                             struct nf_err *err)
{
    NF_CLEANUP(nf_approval_done) struct nf_approval_request found = { 0 };
    size_t rows;
    cmd->to = &found;
    NF_TRY(nf_db_read(db, cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "approval", err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code get(struct nf_approval_store *s, int64_t id, struct nf_approval_request *ret,
                        struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD_ROW(approval_get, NF_ROWS_ANY, on_approval, NULL, .id = id);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code of_task(struct nf_approval_store *s, int64_t task_id,
                            struct nf_approval_request *ret, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD_ROW(approval_of_task, NF_ROWS_ANY, on_approval, NULL, .task = task_id);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code list_open(struct nf_approval_store *s, int64_t user_id, int64_t now_ms,
                              int64_t after_id, size_t limit, struct nf_approval_requests *ret,
                              struct nf_err *err)
{
    NF_CLEANUP(nf_approval_requests_done) struct nf_approval_requests found = { 0 };
    struct nf_cmd of_user =
        NF_CMD_ROW(approvals_open_user, NF_ROWS_ANY, on_approvals, &found, .user = user_id,
                   .now = now_ms, .after = after_id, .limit = (i64)limit);
    struct nf_cmd all = NF_CMD_ROW(approvals_open, NF_ROWS_ANY, on_approvals, &found, .now = now_ms,
                                   .after = after_id, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), user_id ? &of_user : &all, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code decide(struct nf_approval_store *s, const struct nf_approval_request *r,
                           struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(approval_decide, 1, .id = r->id, .status = r->status,
                               .by = r->decided_by, .now = r->decided_ms,
                               .reason = nf_row_text(r->reason), .hash = nf_slice_of(r->hash));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT
               ? nf_err_set(err, rc, "this approval was decided meanwhile, or has expired")
               : rc;
}

static enum nf_code use(struct nf_approval_store *s, const struct nf_claim *c, int64_t task_id,
                        int64_t id, const char *hash, int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmds[] = {
        NF_CMD(session_guard, 1, .id = c->session_id, .fence = c->fence),
        NF_CMD(approval_use, 1, .id = id, .task = task_id, .hash = nf_slice_of(hash),
               .now = now_ms),
        NF_CMD(step_go, 1, .id = task_id, .turn = c->run_id, .now = now_ms),
        NF_CMD(task_note, NF_ROWS_ANY, .a = task_id, .b = task_id),
    };
    size_t skip = c->session_id ? 0 : 1, failed = 0;
    enum nf_code rc = nf_db_tx(db_of(s), cmds + skip, 4 - skip, &failed, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    if (failed + skip == 1)
        return nf_err_set(err, NF_E_DENIED,
                          "there is no approval for this call as it is now: it was used, has "
                          "expired, or was given for another one");
    return nf_err_set(err, rc, "this call is no longer ours to run");
}

static enum nf_code close_one(struct nf_approval_store *s, int64_t id,
                              enum nf_approval_status status, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(approval_close, 1, .id = id, .status = status);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "this approval is not open any more") : rc;
}

static enum nf_code cancel(struct nf_approval_store *s, int64_t turn_id, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(approvals_cancel, NF_ROWS_ANY, .turn = turn_id);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

const struct nf_approval_store_ops nf_repository_approvals = {
    .ask = ask,
    .get = get,
    .of_task = of_task,
    .open = list_open,
    .decide = decide,
    .use = use,
    .close = close_one,
    .cancel = cancel,
};
