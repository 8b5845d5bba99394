#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#include <string.h>

#define BEHIND_ALL "\x7f" /* comes after every character that a key may have */

static struct nf_db *db_of(struct nf_kv_store *s)
{
    assert(s->ops == &nf_repository_kv);
    return nf_container_of(s, struct nf_repositories, kv)->db;
}

static enum nf_code on_value(void *to, const void *row, struct nf_err *err)
{
    const struct kv_get_row *r = row;
    return r->value.n ? nf_str_add(to, r->value.p, r->value.n, err) : NF_OK;
}

static enum nf_code get(struct nf_kv_store *s, const struct nf_kv_key *k, struct nf_str *ret,
                        struct nf_err *err)
{
    size_t rows;
    struct nf_cmd cmd =
        NF_CMD_ROW(kv_get, NF_ROWS_ANY, on_value, ret, .skill = nf_slice_of(k->skill),
                   .user = k->user_id, .key = nf_slice_of(k->key));
    NF_TRY(nf_kv_check_key(k->key, err));
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    return nf_row_found(rows, "key", err);
}

static enum nf_code put(struct nf_kv_store *s, const struct nf_kv_key *k, const char *p, size_t n,
                        int64_t quota, int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(kv_put, 1, .skill = nf_slice_of(k->skill), .user = k->user_id,
                               .key = nf_slice_of(k->key), .value = { n ? p : "", n },
                               .bytes = (i64)(strlen(k->key) + n), .now = now_ms, .quota = quota);
    NF_TRY(nf_kv_check_key(k->key, err));
    NF_TRY(nf_kv_check_value(n, err));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_kv_over_quota(quota, err) : rc;
}

static enum nf_code remove_one(struct nf_kv_store *s, const struct nf_kv_key *k, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(kv_remove, 1, .skill = nf_slice_of(k->skill), .user = k->user_id,
                               .key = nf_slice_of(k->key));
    NF_TRY(nf_kv_check_key(k->key, err));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_row_found(0, "key", err) : rc;
}

static enum nf_code on_name(void *to, const void *row, struct nf_err *err)
{
    const struct kv_list_row *r = row;
    struct nf_kv_names *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    char **v = &list->v[list->n];
    NF_TRY(nf_strndup(r->name.p ? r->name.p : "", r->name.n, v, err));
    list->n++;
    return NF_OK;
}

static enum nf_code list(struct nf_kv_store *s, const struct nf_kv_key *k, const char *prefix,
                         const char *after, size_t limit, struct nf_kv_names *ret,
                         struct nf_err *err)
{
    NF_CLEANUP(nf_kv_names_done) struct nf_kv_names found = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str end = { 0 };
    NF_TRY(nf_kv_check_range(prefix, after, limit, err));
    NF_TRY(nf_str_adds(&end, prefix, err));
    NF_TRY(nf_str_adds(&end, BEHIND_ALL, err));
    struct nf_cmd cmd =
        NF_CMD_ROW(kv_list, NF_ROWS_ANY, on_name, &found, .skill = nf_slice_of(k->skill),
                   .user = k->user_id, .from = nf_slice_of(prefix), .to = { end.p, end.len },
                   .after = nf_slice_of(after), .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code clear(struct nf_kv_store *s, const char *skill, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(kv_clear, NF_ROWS_ANY, .skill = nf_slice_of(skill));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

const struct nf_kv_store_ops nf_repository_kv = {
    .get = get,
    .put = put,
    .remove = remove_one,
    .list = list,
    .clear = clear,
};
