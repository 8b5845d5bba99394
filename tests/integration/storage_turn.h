/* One turn on a store, for tests that look what a fault leaves of it. */
#pragma once

#include "persistence/repositories/repositories.h"
#include "tests/support/test.h"

#include <stdio.h>

/* Accept message `id` in session `session`, and answer it. */
static NF_RC one_turn(struct nf_stores *s, int64_t session, int64_t id, const char *text,
                      struct nf_err *err)
{
    char client_id[32], answer[] = "answer";
    struct nf_accepted got;
    struct nf_finished done;
    struct nf_session fresh = { .id = session, .user_id = 1, .channel = "web" };
    (void)snprintf(client_id, sizeof(client_id), "m%lld", (long long)id);
    struct nf_accept in = { .source = "s",
                            .client_id = client_id,
                            .user_id = 1,
                            .session_id = session,
                            .run_id = id,
                            .step_id = id + 1,
                            .content = text,
                            .now_ms = id,
                            .owner = 1,
                            .lease_ms = 1000 };
    if (s->sessions->ops->get(s->sessions, session, 0, &fresh, err) != NF_OK)
        in.create = &fresh;
    NF_TRY(s->turns->ops->accept(s->turns, &in, &got, err));
    if (!got.claimed)
        return NF_OK;
    struct nf_message m = { .role = NF_ROLE_ASSISTANT, .created_ms = id, .content = answer };
    struct nf_usage usage = { .n = 1, .model = "m" };
    struct nf_outbox_item item = { .channel = "web" };
    struct nf_finish f = { .claim = got.claim,
                           .status = NF_TASK_COMPLETED,
                           .messages = &m,
                           .messages_n = 1,
                           .usage = &usage,
                           .usage_n = 1,
                           .outbox = &item,
                           .now_ms = id };
    return s->turns->ops->finish(s->turns, &f, id + 2, &done, err);
}

/* Each counts what is only half there, in a database whose turns are all of one_turn. */
__attribute__((unused)) static const char *const nf_half_there[] = {
    "SELECT count(*) FROM sessions s WHERE last_seq<>"
    "(SELECT count(*) FROM messages m WHERE m.session_id=s.id)",
    "SELECT count(*) FROM sessions s WHERE pending<>"
    "(SELECT count(*) FROM tasks t WHERE t.session_id=s.id AND kind=1 AND status<4)",
    "SELECT count(*) FROM inbox i LEFT JOIN messages m"
    " ON m.session_id=i.session_id AND m.seq=i.seq WHERE m.client_id IS DISTINCT FROM i.client_id",
    "SELECT count(*) FROM tasks t WHERE kind=1 AND (CASE WHEN status=4 THEN 1 ELSE 0 END)<>"
    "(SELECT count(*) FROM usage u WHERE u.turn_id=t.id)",
    "SELECT count(*) FROM tasks t WHERE kind=1 AND (CASE WHEN status=4 THEN 1 ELSE 0 END)<>"
    "(SELECT count(*) FROM outbox o WHERE o.run_id=t.id)",
    "SELECT count(*) FROM tasks t WHERE changes<>"
    "(SELECT count(*) FROM task_changes c WHERE c.task_id=t.id)",
};
