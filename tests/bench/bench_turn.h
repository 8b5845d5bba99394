/* One turn of the web's on a store, as the programs write it that measure databases: two
 * transactions, accept (claimed) and finish. */
#pragma once

#include "persistence/repositories/repositories.h"

#include <stdio.h>

#define BENCH_QUESTION                                                                             \
    "What did we decide about the garden last week, and who wanted to ask the neighbour?"
#define BENCH_ANSWER_BYTES 600

/* Who accepts, and for how long. */
struct bench_lease {
    int64_t owner, ms;
};

/* Ids `id` and `id` + 1 are used; `answer` is what the model says. Suspends. */
static inline enum nf_code bench_turn(struct nf_stores *s, int64_t session, int64_t id,
                                      const struct bench_lease *lease, char *answer,
                                      struct nf_err *err)
{
    char client_id[32];
    struct nf_accepted got;
    struct nf_finished done;
    (void)snprintf(client_id, sizeof(client_id), "%lld", (long long)id);
    struct nf_accept in = { .source = "web:1",
                            .client_id = client_id,
                            .user_id = 1,
                            .session_id = session,
                            .run_id = id,
                            .step_id = id + 1,
                            .content = BENCH_QUESTION,
                            .now_ms = id,
                            .owner = lease->owner,
                            .lease_ms = lease->ms };
    NF_TRY(s->turns->ops->accept(s->turns, &in, &got, err));
    struct nf_message m = { .role = NF_ROLE_ASSISTANT,
                            .created_ms = id,
                            .model = "provider/model" };
    m.content = answer;
    struct nf_task step = { .id = id + 1,
                            .turn_id = id,
                            .n = 1,
                            .kind = NF_TASK_MODEL,
                            .status = NF_TASK_COMPLETED,
                            .ended_ms = id,
                            .name = "provider/model" };
    struct nf_usage usage = { .n = 1, .at_ms = id, .model = "provider/model" };
    struct nf_finish f = { .claim = got.claim,
                           .status = NF_TASK_COMPLETED,
                           .model = "provider/model",
                           .messages = &m,
                           .messages_n = 1,
                           .step = &step,
                           .usage = &usage,
                           .usage_n = 1,
                           .now_ms = id };
    return s->turns->ops->finish(s->turns, &f, 0, &done, err);
}
