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
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code on_ref(void *to, const void *row, struct nf_err *err)
{
    const struct chat_refs_row *r = row;
    struct nf_chat_refs *list = to;
    struct nf_chat_ref *v = nf_row_grow(list->v, list->n, sizeof(*v), err);
    if (!v)
        return NF_E_NOMEM;
    list->v = v;
    v[list->n] = (struct nf_chat_ref){ .part = r->part };
    NF_TRY(nf_row_copy(v[list->n].ref, sizeof(v->ref), r->ref, "ref", err));
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

static enum nf_code forget(struct nf_chat_store *s, int64_t run_id, int64_t part,
                           struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(chat_forget, NF_ROWS_ANY, .run = run_id, .part = part);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code tidy(struct nf_chat_store *s, int64_t before_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(chat_tidy, NF_ROWS_ANY, .before = before_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

const struct nf_chat_store_ops nf_repository_chats = {
    .put = put,
    .refs = refs,
    .forget = forget,
    .tidy = tidy,
};
