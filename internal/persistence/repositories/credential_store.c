#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_credential_store *s)
{
    assert(s->ops == &nf_repository_credentials);
    return nf_container_of(s, struct nf_repositories, credentials)->db;
}

static struct credential_put_in arguments(const struct nf_credential *c)
{
    return (struct credential_put_in){ .hash = nf_slice_of(c->hash),
                                       .kind = c->kind,
                                       .user = c->user_id,
                                       .created = c->created_ms,
                                       .expires = c->expires_ms,
                                       .used = c->used_ms };
}

static enum nf_code put(struct nf_credential_store *s, const struct nf_credential *c,
                        struct nf_err *err)
{
    struct credential_put_in in = arguments(c);
    struct nf_cmd cmd = { .q = NF_Q_credential_put, .expect = 1, .in = &in };
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "this credential exists") : rc;
}

static enum nf_code on_credential(void *to, const void *row, struct nf_err *err)
{
    const struct credential_get_row *r = row;
    struct nf_credential c = { .user_id = r->user_id,
                               .created_ms = r->created_at,
                               .expires_ms = r->expires_at,
                               .used_ms = r->used_at };
    NF_TRY(nf_row_enum(r->kind, NF_CREDENTIAL_LINK, NF_CREDENTIAL_API, "kind of credential", err));
    c.kind = (enum nf_credential_kind)r->kind;
    NF_TRY(nf_row_copy(c.hash, sizeof(c.hash), r->hash, "a hash", err));
    *(struct nf_credential *)to = c;
    return NF_OK;
}

static enum nf_code get(struct nf_credential_store *s, const char *hash, int64_t now_ms,
                        struct nf_credential *ret, struct nf_err *err)
{
    struct nf_credential found;
    size_t rows;
    struct nf_cmd cmd = NF_CMD_ROW(credential_get, NF_ROWS_ANY, on_credential, &found,
                                   .hash = nf_slice_of(hash), .now = now_ms);
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "credential", err));
    *ret = found;
    return NF_OK;
}

static enum nf_code exchange(struct nf_credential_store *s, const char *link_hash, int64_t now_ms,
                             const struct nf_credential *cookie, struct nf_err *err)
{
    struct credential_put_in in = arguments(cookie);
    size_t failed = 0;
    struct nf_cmd cmds[] = {
        NF_CMD(credential_use, 1, .hash = nf_slice_of(link_hash), .now = now_ms),
        { .q = NF_Q_credential_put, .expect = 1, .in = &in },
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, &failed, err);
    if (rc == NF_E_CONFLICT && failed == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "no such credential");
    return rc;
}

static enum nf_code remove_one(struct nf_credential_store *s, const char *hash, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(credential_remove, NF_ROWS_ANY, .hash = nf_slice_of(hash));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code remove_expired(struct nf_credential_store *s, int64_t now_ms,
                                   struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(credential_remove_expired, NF_ROWS_ANY, .now = now_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

const struct nf_credential_store_ops nf_repository_credentials = {
    .put = put,
    .get = get,
    .exchange = exchange,
    .remove = remove_one,
    .remove_expired = remove_expired,
};
