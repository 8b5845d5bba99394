#include "persistence/repositories/repositories.h"

#include "persistence/repositories/impl.h"

#include <stdlib.h>

enum nf_code nf_repositories_new(struct nf_db *db, struct nf_stores *ret, struct nf_err *err)
{
    struct nf_repositories *r = calloc(1, sizeof(*r));
    if (!r)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    *r = (struct nf_repositories){
        .db = db,
        .turns.ops = &nf_repository_turns,
        .sessions.ops = &nf_repository_sessions,
        .users.ops = &nf_repository_users,
        .tasks.ops = &nf_repository_tasks,
        .outbox.ops = &nf_repository_outbox,
        .credentials.ops = &nf_repository_credentials,
        .approvals.ops = &nf_repository_approvals,
        .skills.ops = &nf_repository_skills,
        .kv.ops = &nf_repository_kv,
        .retention.ops = &nf_repository_retention,
        .instances.ops = &nf_repository_instances,
        .chats.ops = &nf_repository_chats,
        .pairings.ops = &nf_repository_pairings,
        .schedules.ops = &nf_repository_schedules,
        .search.ops = &nf_repository_search,
        .notes.ops = &nf_repository_notes,
    };
    *ret = (struct nf_stores){
        .turns = &r->turns,
        .sessions = &r->sessions,
        .users = &r->users,
        .tasks = &r->tasks,
        .outbox = &r->outbox,
        .credentials = &r->credentials,
        .approvals = &r->approvals,
        .skills = &r->skills,
        .kv = &r->kv,
        .retention = &r->retention,
        .instances = &r->instances,
        .chats = &r->chats,
        .pairings = &r->pairings,
        .schedules = &r->schedules,
        .search = &r->search,
        .notes = &r->notes,
        .impl = r,
        .free = free,
    };
    return NF_OK;
}

static enum nf_code on_id(void *to, const void *row, struct nf_err *err)
{
    const struct ids_newest_row *r = row;
    int64_t *newest = to;
    (void)err;
    if (r->id > *newest)
        *newest = r->id;
    return NF_OK;
}

enum nf_code nf_newest_id(struct nf_db *db, int64_t *ret, struct nf_err *err)
{
    int64_t newest = 0;
    struct nf_cmd cmd = NF_CMD_ROW(ids_newest, NF_ROWS_ANY, on_id, &newest, .after = 0);
    NF_TRY(nf_db_read(db, &cmd, NULL, err));
    *ret = newest;
    return NF_OK;
}

static enum nf_code on_queue(void *to, const void *row, struct nf_err *err)
{
    const struct queues_row *r = row;
    struct nf_queues *q = to;
    (void)err;
    *(r->kind == 1 ? &q->turns : &q->outbox) = r->n;
    return NF_OK;
}

enum nf_code nf_queue_depths(struct nf_db *db, struct nf_queues *ret, struct nf_err *err)
{
    struct nf_queues q = { 0 };
    struct nf_cmd cmd = NF_CMD_ROW(queues, NF_ROWS_ANY, on_queue, &q, .after = 0);
    NF_TRY(nf_db_read(db, &cmd, NULL, err));
    *ret = q;
    return NF_OK;
}
