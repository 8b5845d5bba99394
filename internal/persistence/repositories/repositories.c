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
    };
    *ret = (struct nf_stores){
        .turns = &r->turns,
        .sessions = &r->sessions,
        .users = &r->users,
        .tasks = &r->tasks,
        .outbox = &r->outbox,
        .credentials = &r->credentials,
        .impl = r,
        .free = free,
    };
    return NF_OK;
}
