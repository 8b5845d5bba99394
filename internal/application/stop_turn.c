#include "application/stop_turn.h"

#include "base/own.h"

/* The turn of the session that has waited longest. NF_E_NOT_FOUND. */
static NF_RC oldest_waiting(struct nf_app *a, int64_t session_id, int64_t *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks waiting = { 0 };
    const struct nf_task_filter filter = { .session_id = session_id,
                                           .status = NF_TASK_PENDING,
                                           .limit = NF_SESSION_QUEUE_MAX };

    NF_TRY(a->tasks->ops->list(a->tasks, &filter, &waiting, err));
    if (waiting.n == 0)
        return nf_err_set(err, NF_E_NOT_FOUND, "nothing runs or waits in this session");
    *ret = waiting.v[waiting.n - 1].id;
    return NF_OK;
}

static NF_RC cancel_waiting(struct nf_app *a, int64_t session_id, int64_t *run_id,
                            struct nf_err *err)
{
    if (*run_id == 0)
        NF_TRY(oldest_waiting(a, session_id, run_id, err));
    return a->turns->ops->cancel_pending(a->turns, session_id, *run_id, nf_app_now(a), err);
}

enum nf_code nf_stop_turn(struct nf_app *a, const struct nf_user *user, int64_t session_id,
                          int64_t run_id, int64_t *waited, struct nf_err *err)
{
    struct nf_session s;
    int64_t asked = run_id;
    *waited = 0;
    NF_TRY(a->sessions->ops->get(a->sessions, session_id, user->id, &s, err));
    if (a->runner->ops->stop(a->runner, session_id, asked))
        return NF_OK;
    enum nf_code rc = cancel_waiting(a, session_id, &run_id, err);
    /* It may have begun since we asked the runner. */
    if (rc == NF_E_NOT_FOUND && a->runner->ops->stop(a->runner, session_id, asked))
        return NF_OK;
    NF_TRY(rc);
    *waited = run_id;
    return NF_OK;
}
