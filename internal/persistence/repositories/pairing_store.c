#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_pairing_store *s)
{
    assert(s->ops == &nf_repository_pairings);
    return nf_container_of(s, struct nf_repositories, pairings)->db;
}

_Static_assert(sizeof(struct pairing_of_row) == sizeof(struct pairing_get_row) &&
                   sizeof(struct pairing_of_row) == sizeof(struct pairing_list_row),
               "row structs differ");

static enum nf_code on_pairing(void *to, const void *row, struct nf_err *err)
{
    const struct pairing_of_row *r = row;
    struct nf_pairing p = { .id = r->id, .created_ms = r->created_at, .expires_ms = r->expires_at };
    NF_TRY(nf_row_enum(r->status, NF_PAIRING_OPEN, NF_PAIRING_DENIED, "status of a pairing", err));
    NF_TRY(nf_row_enum(r->lang, NF_LANG_EN, NF_LANG_RU, "language of a pairing", err));
    p.status = (enum nf_pairing_status)r->status;
    p.lang = (enum nf_lang)r->lang;
    NF_TRY(nf_row_copy(p.network, sizeof(p.network), r->network, "a network", err));
    NF_TRY(nf_row_copy(p.account, sizeof(p.account), r->account, "an account", err));
    NF_TRY(nf_row_copy(p.code, sizeof(p.code), r->code, "a code", err));
    NF_TRY(nf_row_copy(p.name, sizeof(p.name), r->name, "a name", err));
    NF_TRY(nf_row_copy(p.channel, sizeof(p.channel), r->channel, "a channel", err));
    NF_TRY(nf_row_copy(p.address, sizeof(p.address), r->address, "an address", err));
    NF_TRY(nf_row_copy(p.event, sizeof(p.event), r->event, "an event", err));
    *(struct nf_pairing *)to = p;
    return NF_OK;
}

static enum nf_code on_pairings(void *to, const void *row, struct nf_err *err)
{
    struct nf_pairings *list = to;
    struct nf_pairing p;
    NF_TRY(on_pairing(&p, row, err));
    NF_TRY(NF_ROW_ROOM(list, err));
    list->v[list->n++] = p;
    return NF_OK;
}

static NF_RC read_one(struct nf_db *db, struct nf_cmd *cmd, struct nf_pairing *ret,
                      struct nf_err *err)
{
    struct nf_pairing p = { 0 };
    size_t rows;
    cmd->to = &p;
    NF_TRY(nf_db_read(db, cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "request to be let in", err));
    if (rows > 1)
        return nf_err_set(err, NF_E_CONFLICT, "several requests have this code: ask for a new one");
    *ret = p;
    return NF_OK;
}

static enum nf_code of_account(struct nf_pairing_store *s, const char *network, const char *account,
                               int64_t now_ms, struct nf_pairing *ret, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD_ROW(pairing_of, NF_ROWS_ANY, on_pairing, NULL, .network = nf_slice_of(network),
                   .account = nf_slice_of(account), .now = now_ms);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code ask(struct nf_pairing_store *s, const struct nf_pairing *p, int64_t max,
                        int64_t shown_ms, struct nf_err *err)
{
    struct nf_pairing there;
    struct nf_cmd cmds[] = {
        NF_CMD(pairing_room, NF_ROWS_ANY, .network = nf_slice_of(p->network), .now = p->created_ms,
               .before = p->created_ms - shown_ms, .max = max),
        NF_CMD(pairing_put, 1, .network = nf_slice_of(p->network),
               .account = nf_slice_of(p->account), .id = p->id, .code = nf_slice_of(p->code),
               .name = nf_slice_of(p->name), .channel = nf_slice_of(p->channel),
               .address = nf_slice_of(p->address), .event = nf_slice_of(p->event), .lang = p->lang,
               .created = p->created_ms, .expires = p->expires_ms, .max = max),
    };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 2, NULL, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    rc = of_account(s, p->network, p->account, p->created_ms, &there, err);
    if (rc == NF_OK)
        return nf_err_set(err, NF_E_CONFLICT, "this account has asked already");
    if (rc != NF_E_NOT_FOUND)
        return rc;
    return nf_err_set(err, NF_E_LIMIT, "%lld accounts of %s wait to be let in: decide about them",
                      (long long)max, p->network);
}

static enum nf_code set_event(struct nf_pairing_store *s, const char *network, const char *account,
                              const char *event, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(pairing_event, NF_ROWS_ANY, .network = nf_slice_of(network),
                               .account = nf_slice_of(account), .event = nf_slice_of(event));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code get(struct nf_pairing_store *s, const char *code, int64_t now_ms,
                        struct nf_pairing *ret, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD_ROW(pairing_get, NF_ROWS_ANY, on_pairing, NULL,
                                   .code = nf_slice_of(code), .now = now_ms);
    return read_one(db_of(s), &cmd, ret, err);
}

static enum nf_code list(struct nf_pairing_store *s, int64_t now_ms,
                         const struct nf_pairing_filter *f, struct nf_pairings *ret,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_pairings_done) struct nf_pairings found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(pairing_list, NF_ROWS_ANY, on_pairings, &found, .after = f->after_id,
                   .limit = (i64)f->limit, .now = now_ms, .status = f->status);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static NF_RC gone(struct nf_err *err)
{
    return nf_err_set(err, NF_E_NOT_FOUND, "no such request to be let in");
}

static enum nf_code deny(struct nf_pairing_store *s, int64_t id, int64_t now_ms, int64_t until_ms,
                         struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(pairing_deny, 1, .id = id, .now = now_ms, .until = until_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? gone(err) : rc;
}

static NF_RC taken(const struct nf_identity *i, struct nf_err *err)
{
    return nf_err_set(err, NF_E_CONFLICT, "the account '%s' on %s is taken", i->account,
                      i->channel);
}

static enum nf_code admit(struct nf_pairing_store *s, int64_t id, const struct nf_user *fresh,
                          const struct nf_identity *i, int64_t now_ms, struct nf_err *err)
{
    struct user_put_in put = { 0 };
    struct identity_put_in id_in = nf_row_put_identity(i);
    struct nf_cmd cmds[3] = {
        NF_CMD(pairing_take, 1, .id = id, .network = nf_slice_of(i->channel),
               .account = nf_slice_of(i->account), .now = now_ms),
    };
    size_t n = 1, failed = 0;
    if (fresh) {
        put = nf_row_put_user(fresh);
        cmds[n++] = (struct nf_cmd){ .q = NF_Q_user_put, .expect = 1, .in = &put };
    }
    cmds[n++] = (struct nf_cmd){ .q = NF_Q_identity_put, .expect = 1, .in = &id_in };
    enum nf_code rc = nf_db_tx(db_of(s), cmds, n, &failed, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    return failed == 0 ? gone(err) : taken(i, err);
}

static enum nf_code invite(struct nf_pairing_store *s, const struct nf_invite *v, int64_t max,
                           struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(invite_put, 1, .hash = nf_slice_of(v->hash), .user = v->user_id,
                               .created = v->created_ms, .expires = v->expires_ms, .max = max);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_invites_full(max, err) : rc;
}

static enum nf_code on_invite(void *to, const void *row, struct nf_err *err)
{
    const struct invite_get_row *r = row;
    struct nf_invite v = { .user_id = r->user_id,
                           .created_ms = r->created_at,
                           .expires_ms = r->expires_at };
    NF_TRY(nf_row_copy(v.hash, sizeof(v.hash), r->hash, "a hash", err));
    *(struct nf_invite *)to = v;
    return NF_OK;
}

static enum nf_code invited(struct nf_pairing_store *s, const char *hash, int64_t now_ms,
                            struct nf_invite *ret, struct nf_err *err)
{
    struct nf_invite v = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(invite_get, NF_ROWS_ANY, on_invite, &v,
                                   .hash = nf_slice_of(hash), .now = now_ms);
    size_t rows;
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "invitation", err));
    *ret = v;
    return NF_OK;
}

static enum nf_code join(struct nf_pairing_store *s, const char *hash, const struct nf_identity *i,
                         int64_t now_ms, struct nf_err *err)
{
    struct identity_put_in id_in = nf_row_put_identity(i);
    struct nf_cmd cmds[] = {
        NF_CMD(invite_use, 1, .hash = nf_slice_of(hash), .user = i->user_id, .now = now_ms),
        { .q = NF_Q_identity_put, .expect = 1, .in = &id_in },
        NF_CMD(pairing_forget, NF_ROWS_ANY, .network = nf_slice_of(i->channel),
               .account = nf_slice_of(i->account)),
    };
    size_t failed = 0;
    enum nf_code rc = nf_db_tx(db_of(s), cmds, 3, &failed, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    return failed == 0 ? nf_row_found(0, "invitation", err) : taken(i, err);
}

static enum nf_code tidy(struct nf_pairing_store *s, int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmds[] = { NF_CMD(pairing_tidy, NF_ROWS_ANY, .now = now_ms),
                             NF_CMD(invite_tidy, NF_ROWS_ANY, .now = now_ms) };
    return nf_db_tx(db_of(s), cmds, 2, NULL, err);
}

const struct nf_pairing_store_ops nf_repository_pairings = {
    .ask = ask,
    .of_account = of_account,
    .set_event = set_event,
    .get = get,
    .list = list,
    .deny = deny,
    .admit = admit,
    .invite = invite,
    .invited = invited,
    .join = join,
    .tidy = tidy,
};
