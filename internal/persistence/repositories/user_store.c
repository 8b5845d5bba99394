#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_user_store *s)
{
    assert(s->ops == &nf_repository_users);
    return nf_container_of(s, struct nf_repositories, users)->db;
}

static NF_RC read_user(struct nf_user_store *s, struct nf_cmd cmd, struct nf_user *ret,
                       struct nf_err *err)
{
    struct nf_user u = { 0 };
    size_t rows;
    cmd.row = nf_row_user_one;
    cmd.to = &u;
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "user", err));
    *ret = u;
    return NF_OK;
}

static enum nf_code get(struct nf_user_store *s, int64_t id, struct nf_user *ret,
                        struct nf_err *err)
{
    return read_user(s, NF_CMD(user_get, NF_ROWS_ANY, .id = id), ret, err);
}

static enum nf_code find(struct nf_user_store *s, const char *channel, const char *account,
                         struct nf_user *ret, struct nf_err *err)
{
    return read_user(s,
                     NF_CMD(user_find, NF_ROWS_ANY, .channel = nf_slice_of(channel),
                            .account = nf_slice_of(account)),
                     ret, err);
}

static enum nf_code list(struct nf_user_store *s, const struct nf_user_filter *f,
                         struct nf_users *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_users_done) struct nf_users users = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(user_list, NF_ROWS_ANY, nf_row_user, &users, .after = f->after_id,
                   .limit = (i64)f->limit, .role = f->role, .status = f->status);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(users);
    return NF_OK;
}

static enum nf_code create(struct nf_user_store *s, const struct nf_user *u,
                           const struct nf_identity *i, struct nf_err *err)
{
    struct user_put_in put = nf_row_put_user(u);
    struct identity_put_in id_in = nf_row_put_identity(i);
    struct nf_cmd cmds[] = {
        { .q = NF_Q_user_put, .expect = 1, .in = &put },
        { .q = NF_Q_identity_put, .expect = 1, .in = &id_in },
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, NULL, err);
    if (rc == NF_E_CONFLICT)
        return nf_err_set(err, rc, "the account '%s' on %s is taken", i->account, i->channel);
    return rc;
}

static enum nf_code update(struct nf_user_store *s, const struct nf_user *u, struct nf_err *err)
{
    struct nf_user found;
    struct nf_cmd cmd = NF_CMD(user_update, 1, .id = u->id, .name = nf_slice_of(u->name),
                               .role = u->role, .status = u->status);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    NF_TRY(get(s, u->id, &found, err));
    return nf_err_set(err, NF_E_CONFLICT, "it would leave no active owner: make another one first");
}

static enum nf_code set_lang(struct nf_user_store *s, int64_t id, enum nf_lang lang,
                             struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(user_lang, 1, .id = id, .lang = lang);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "user", err) : rc;
}

static enum nf_code set_zone(struct nf_user_store *s, int64_t id, const char *zone,
                             struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(user_zone, 1, .id = id, .zone = nf_slice_of(zone));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "user", err) : rc;
}

static enum nf_code on_identity(void *to, const void *row, struct nf_err *err)
{
    const struct identity_list_row *r = row;
    struct nf_identities *ids = to;
    struct nf_identity i = { .user_id = r->user_id, .created_ms = r->created_at };
    NF_TRY(nf_row_copy(i.channel, sizeof(i.channel), r->channel, "a channel", err));
    NF_TRY(nf_row_copy(i.account, sizeof(i.account), r->account, "an account", err));
    NF_TRY(NF_ROW_ROOM(ids, err));
    ids->v[ids->n++] = i;
    return NF_OK;
}

static enum nf_code identities(struct nf_user_store *s, int64_t user_id, struct nf_identities *ret,
                               struct nf_err *err)
{
    NF_CLEANUP(nf_identities_done) struct nf_identities ids = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(identity_list, NF_ROWS_ANY, on_identity, &ids, .user = user_id);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(ids);
    return NF_OK;
}

static enum nf_code link_account(struct nf_user_store *s, const struct nf_identity *i,
                                 struct nf_err *err)
{
    struct nf_user found;
    struct identity_put_in in = nf_row_put_identity(i);
    struct nf_cmd cmd = { .q = NF_Q_identity_put, .expect = 1, .in = &in };
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    NF_TRY(get(s, i->user_id, &found, err));
    return nf_err_set(err, rc, "the account '%s' on %s is taken", i->account, i->channel);
}

static enum nf_code move_account(struct nf_user_store *s, const struct nf_identity *i,
                                 int64_t from_id, struct nf_err *err)
{
    struct identity_put_in in = nf_row_put_identity(i);
    struct nf_cmd cmds[] = {
        NF_CMD(identity_remove, 1, .user = from_id, .channel = nf_slice_of(i->channel),
               .account = nf_slice_of(i->account)),
        { .q = NF_Q_identity_put, .expect = 1, .in = &in },
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "account of this user", err) : rc;
}

static enum nf_code unlink_account(struct nf_user_store *s, const struct nf_identity *i,
                                   struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(identity_remove, 1, .user = i->user_id, .channel = nf_slice_of(i->channel),
               .account = nf_slice_of(i->account));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "account of this user", err) : rc;
}

const struct nf_user_store_ops nf_repository_users = {
    .get = get,
    .find = find,
    .list = list,
    .create = create,
    .update = update,
    .set_lang = set_lang,
    .set_zone = set_zone,
    .identities = identities,
    .link = link_account,
    .move = move_account,
    .unlink = unlink_account,
};
