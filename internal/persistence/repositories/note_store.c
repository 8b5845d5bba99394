#include "base/own.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

static struct nf_db *db_of(struct nf_note_store *s)
{
    assert(s->ops == &nf_repository_notes);
    return nf_container_of(s, struct nf_repositories, notes)->db;
}

static enum nf_code put(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t expires_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(note_put, 1, .source = nf_slice_of(source), .name = nf_slice_of(name),
               .value = nf_slice_of(value), .expires = expires_ms);
    NF_TRY(nf_note_check(source, name, value, err));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code add(struct nf_note_store *s, const char *source, const char *name,
                        const char *value, int64_t now_ms, int64_t expires_ms, struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(note_add, 1, .source = nf_slice_of(source), .name = nf_slice_of(name),
               .value = nf_slice_of(value), .expires = expires_ms, .now = now_ms);
    NF_TRY(nf_note_check(source, name, value, err));
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "note '%s' is there", name) : rc;
}

_Static_assert(sizeof(struct note_list_row) == sizeof(struct note_get_row), "row structs differ");

static enum nf_code on_note(void *to, const void *row, struct nf_err *err)
{
    const struct note_list_row *r = row;
    struct nf_notes *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_note *v = &list->v[list->n];
    *v = (struct nf_note){ .expires_ms = r->expires_at };
    NF_TRY(nf_row_copy(v->name, sizeof(v->name), r->name, "the name of a note", err));
    NF_TRY(nf_strndup(r->value.p ? r->value.p : "", r->value.n, &v->value, err));
    list->n++;
    return NF_OK;
}

static enum nf_code get(struct nf_note_store *s, const char *source, const char *name,
                        int64_t now_ms, struct nf_note *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_notes_done) struct nf_notes found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(note_get, NF_ROWS_ANY, on_note, &found, .source = nf_slice_of(source),
                   .name = nf_slice_of(name), .now = now_ms);
    size_t rows;
    NF_TRY(nf_db_read(db_of(s), &cmd, &rows, err));
    NF_TRY(nf_row_found(rows, "note", err));
    *ret = nf_take(found.v[0]);
    return NF_OK;
}

static enum nf_code list(struct nf_note_store *s, const char *source, const char *after,
                         int64_t now_ms, size_t limit, struct nf_notes *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_notes_done) struct nf_notes found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(note_list, NF_ROWS_ANY, on_note, &found, .source = nf_slice_of(source),
                   .after = nf_slice_of(after), .limit = (i64)limit, .now = now_ms);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code drop(struct nf_note_store *s, const char *source, const char *name,
                         struct nf_err *err)
{
    struct nf_cmd cmd =
        NF_CMD(note_drop, NF_ROWS_ANY, .source = nf_slice_of(source), .name = nf_slice_of(name));
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

static enum nf_code tidy(struct nf_note_store *s, int64_t now_ms, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(note_tidy, NF_ROWS_ANY, .now = now_ms);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}

const struct nf_note_store_ops nf_repository_notes = {
    .put = put, .add = add, .get = get, .list = list, .drop = drop, .tidy = tidy
};
