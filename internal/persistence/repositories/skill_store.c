#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_skill_store *s)
{
    assert(s->ops == &nf_repository_skills);
    return nf_container_of(s, struct nf_repositories, skills)->db;
}

static enum nf_code on_skill(void *to, const void *row, struct nf_err *err)
{
    const struct skill_find_row *r = row;
    struct nf_skill k = { .id = r->id,
                          .granted_by = r->granted_by,
                          .granted_ms = r->granted_at,
                          .created_ms = r->created_at,
                          .updated_ms = r->updated_at };
    NF_TRY(nf_row_enum(r->status, NF_SKILL_INSTALLED, NF_SKILL_REMOVED, "status of a skill", err));
    k.status = (enum nf_skill_status)r->status;
    NF_TRY(nf_row_copy(k.name, sizeof(k.name), r->name, "a skill's name", err));
    NF_TRY(nf_row_copy(k.version, sizeof(k.version), r->version, "a version", err));
    NF_TRY(nf_row_copy(k.hash, sizeof(k.hash), r->hash, "a hash", err));
    NF_TRY(nf_row_copy(k.granted_hash, sizeof(k.granted_hash), r->granted_hash, "a hash", err));
    *(struct nf_skill *)to = k;
    return NF_OK;
}

static enum nf_code on_skills(void *to, const void *row, struct nf_err *err)
{
    struct nf_skills *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_skill *v = &list->v[list->n];
    NF_TRY(on_skill(v, row, err));
    list->n++;
    return NF_OK;
}

_Static_assert(sizeof(struct skill_find_row) == sizeof(struct skill_list_row),
               "row structs differ");

static enum nf_code find(struct nf_skill_store *s, const char *name, struct nf_skill *ret,
                         struct nf_err *err)
{
    struct nf_skill found;
    size_t rows;
    struct nf_cmd cmd =
        NF_CMD_ROW(skill_find, NF_ROWS_ANY, on_skill, &found, .name = nf_slice_of(name));
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "skill", err));
    *ret = found;
    return NF_OK;
}

static enum nf_code list(struct nf_skill_store *s, struct nf_skills *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_skills_done) struct nf_skills found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(skill_list, NF_ROWS_ANY, on_skills, &found, .after = NF_SLICE(""));
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static struct skill_put_in put_in(const struct nf_skill *k)
{
    return (struct skill_put_in){ .id = k->id,
                                  .name = nf_slice_of(k->name),
                                  .version = nf_slice_of(k->version),
                                  .hash = nf_slice_of(k->hash),
                                  .status = k->status,
                                  .granted_hash = nf_row_text(k->granted_hash),
                                  .granted_by = k->granted_by,
                                  .granted_at = k->granted_ms,
                                  .created = k->created_ms,
                                  .updated = k->updated_ms };
}

static enum nf_code create(struct nf_skill_store *s, const struct nf_skill *v, size_t n,
                           struct nf_err *err)
{
    struct skill_put_in in[NF_SKILLS_CREATE_MAX];
    struct nf_cmd cmds[NF_SKILLS_CREATE_MAX];
    size_t failed = 0;
    assert(n > 0 && n <= NF_SKILLS_CREATE_MAX);
    for (size_t i = 0; i < n; i++) {
        in[i] = put_in(&v[i]);
        cmds[i] = (struct nf_cmd){ .q = NF_Q_skill_put, .expect = 1, .in = &in[i] };
    }
    enum nf_code rc = nf_db_tx(db_of(s), cmds, n, &failed, err);
    return rc == NF_E_CONFLICT
               ? nf_err_set(err, rc, "a skill of the name %s is installed", v[failed].name)
               : rc;
}

static enum nf_code update(struct nf_skill_store *s, const struct nf_skill *k, int64_t read_ms,
                           struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(skill_update, 1, .id = k->id, .version = nf_slice_of(k->version),
               .hash = nf_slice_of(k->hash), .status = k->status,
               .granted_hash = nf_row_text(k->granted_hash), .granted_by = k->granted_by,
               .granted_at = k->granted_ms, .updated = k->updated_ms, .read = read_ms);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT
               ? nf_err_set(err, rc, "skill %s was changed meanwhile: look again", k->name)
               : rc;
}

const struct nf_skill_store_ops nf_repository_skills = {
    .find = find,
    .list = list,
    .create = create,
    .update = update,
};
