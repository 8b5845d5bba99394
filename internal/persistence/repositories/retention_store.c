#include "base/id.h"
#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_retention_store *s)
{
    assert(s->ops == &nf_repository_retention);
    return nf_container_of(s, struct nf_repositories, retention)->db;
}

/* Keys hold when they were made, so that the old ones are found. What is 0 is not asked for. */
static enum nf_code prune(struct nf_retention_store *s, const struct nf_retention *r, bool *more,
                          struct nf_err *err)
{
    const i64 limit = NF_RETENTION_BATCH;
    i64 n[6] = { 0 };
    struct nf_cmd cmds[6] = {
        NF_CMD_ROW(inbox_prune, NF_ROWS_ANY, nf_row_count, &n[0], .before = r->inbox_before_ms,
                   .limit = limit),
        NF_CMD_ROW(approvals_prune, NF_ROWS_ANY, nf_row_count, &n[1],
                   .id = nf_id_at(r->approvals_before_ms), .before = r->approvals_before_ms,
                   .limit = limit),
        NF_CMD_ROW(usage_prune, NF_ROWS_ANY, nf_row_count, &n[2],
                   .id = nf_id_at(r->usage_before_ms), .before = r->usage_before_ms,
                   .limit = limit),
        NF_CMD_ROW(skills_prune, NF_ROWS_ANY, nf_row_count, &n[3],
                   .id = nf_id_at(r->skills_before_ms), .before = r->skills_before_ms,
                   .limit = limit),
        NF_CMD_ROW(held_prune, NF_ROWS_ANY, nf_row_count, &n[4], .before = r->inbox_before_ms,
                   .limit = limit),
        NF_CMD_ROW(cursors_prune, NF_ROWS_ANY, nf_row_count, &n[5], .before = r->cursors_before_ms,
                   .limit = limit),
    };
    *more = false;
    NF_TRY(nf_db_tx(db_of(s), cmds, 6, NULL, err));
    for (size_t i = 0; i < 6; i++)
        *more = *more || n[i] == limit;
    return NF_OK;
}

const struct nf_retention_store_ops nf_repository_retention = { .prune = prune };
