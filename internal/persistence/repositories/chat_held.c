/* What a chat network gave us and is taken in later. */
#include "base/own.h"
#include "base/string.h"
#include "persistence/repositories/impl.h"
#include "persistence/repositories/row.h"

#include <stdlib.h>

static struct nf_db *db_of(struct nf_chat_store *s)
{
    assert(s->ops == &nf_repository_chats);
    return nf_container_of(s, struct nf_repositories, chats)->db;
}

/* A key and what is held by it. */
struct hold {
    struct inbox_note_in note;
    struct held_put_in put;
};

enum nf_code nf_repository_hold(struct nf_chat_store *s, const char *source,
                                const struct nf_hold *v, size_t n, int64_t token, int64_t now_ms,
                                size_t *held, struct nf_err *err)
{
    struct nf_cmd cmds[2 * NF_HOLDS_MAX];
    i64 put = 0;

    assert(n > 0 && n <= NF_HOLDS_MAX);
    NF_CLEANUP(nf_freep) struct hold *in = calloc(n, sizeof(*in));
    if (!in)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        in[i].note = (struct inbox_note_in){ .source = nf_slice_of(source),
                                             .client_id = nf_slice_of(v[i].event_id),
                                             .run = token,
                                             .now = now_ms };
        in[i].put = (struct held_put_in){ .source = nf_slice_of(source),
                                          .lane = nf_slice_of(v[i].lane),
                                          .id = v[i].id,
                                          .now = now_ms,
                                          .body = nf_slice_of(v[i].body),
                                          .client_id = nf_slice_of(v[i].event_id),
                                          .token = token };
        cmds[2 * i] =
            (struct nf_cmd){ .q = NF_Q_inbox_note, .expect = NF_ROWS_ANY, .in = &in[i].note };
        cmds[2 * i + 1] = (struct nf_cmd){ .q = NF_Q_held_put,
                                           .expect = NF_ROWS_ANY,
                                           .in = &in[i].put,
                                           .row = nf_row_count,
                                           .to = &put };
    }
    *held = 0;
    NF_TRY(nf_db_tx(db_of(s), cmds, 2 * n, NULL, err));
    *held = (size_t)put;
    return NF_OK;
}

static enum nf_code on_held(void *to, const void *row, struct nf_err *err)
{
    const struct held_list_row *r = row;
    struct nf_helds *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_held *v = &list->v[list->n];
    *v = (struct nf_held){ .id = r->id, .lot = r->lot, .at_ms = r->at };
    NF_TRY(nf_strndup(r->body.p, r->body.n, &v->body, err));
    list->n++;
    return NF_OK;
}

enum nf_code nf_repository_held(struct nf_chat_store *s, const char *source, const char *lane,
                                size_t limit, struct nf_helds *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_helds_done) struct nf_helds found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(held_list, NF_ROWS_ANY, on_held, &found, .source = nf_slice_of(source),
                   .lane = nf_slice_of(lane), .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

static enum nf_code on_lane(void *to, const void *row, struct nf_err *err)
{
    const struct held_lanes_row *r = row;
    struct nf_held_lanes *list = to;
    NF_TRY(NF_ROW_ROOM(list, err));
    struct nf_held_lane *v = &list->v[list->n];
    v->n = r->n;
    NF_TRY(nf_row_copy(v->name, sizeof(v->name), r->lane, "a lane", err));
    list->n++;
    return NF_OK;
}

enum nf_code nf_repository_held_lanes(struct nf_chat_store *s, const char *source,
                                      const char *after, int64_t before_ms, size_t limit,
                                      struct nf_held_lanes *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_held_lanes_done) struct nf_held_lanes found = { 0 };
    struct nf_cmd cmd =
        NF_CMD_ROW(held_lanes, NF_ROWS_ANY, on_lane, &found, .source = nf_slice_of(source),
                   .after = nf_slice_of(after), .before = before_ms, .limit = (i64)limit);
    NF_TRY(nf_db_read(db_of(s), &cmd, NULL, err));
    *ret = nf_take(found);
    return NF_OK;
}

enum nf_code nf_repository_seal(struct nf_chat_store *s, const char *source, const char *lane,
                                int64_t first, int64_t last, size_t n, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(held_seal, (int)n, .source = nf_slice_of(source),
                               .lane = nf_slice_of(lane), .first = first, .last = last);
    enum nf_code rc = nf_db_tx(db_of(s), &cmd, 1, NULL, err);
    return rc == NF_E_CONFLICT ? nf_err_set(err, rc, "another one came in between") : rc;
}

enum nf_code nf_repository_release(struct nf_chat_store *s, const char *source, const char *lane,
                                   int64_t first, struct nf_err *err)
{
    struct nf_cmd cmd = NF_CMD(held_release, NF_ROWS_ANY, .source = nf_slice_of(source),
                               .lane = nf_slice_of(lane), .first = first);
    return nf_db_tx(db_of(s), &cmd, 1, NULL, err);
}
