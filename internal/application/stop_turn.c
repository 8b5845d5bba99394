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
    /* Or it runs in another instance. */
    if (rc == NF_E_NOT_FOUND && a->peers && s.lease_until_ms > nf_app_now(a)) {
        a->peers->ops->stop(a->peers, session_id, asked);
        return NF_OK;
    }
    NF_TRY(rc);
    *waited = run_id;
    return NF_OK;
}

/* NF_E_NOT_FOUND from the store: it has begun or ended since it was listed. */
static NF_RC stop_one(struct nf_app *a, const struct nf_task *turn, struct nf_stopped *ret,
                      struct nf_err *err)
{
    struct nf_turn_store *store = a->turns;
    if (turn->status == NF_TASK_PENDING) {
        enum nf_code rc =
            store->ops->cancel_pending(store, turn->session_id, turn->id, nf_app_now(a), err);
        ret->waiting += rc == NF_OK;
        if (rc != NF_E_NOT_FOUND)
            return rc;
    }
    if (!a->runner->ops->stop(a->runner, turn->session_id, turn->id)) {
        if (!a->peers)
            return NF_OK;
        a->peers->ops->stop(a->peers, turn->session_id, turn->id); /* it runs in another instance */
    }
    ret->running = true;
    return NF_OK;
}

enum nf_code nf_stop_all(struct nf_app *a, const struct nf_user *user, int64_t session_id,
                         struct nf_stopped *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_tasks_done) struct nf_tasks turns = { 0 };
    struct nf_stopped stopped = { 0 };
    /* What is open is at most this, and the newest. */
    const struct nf_task_filter filter = { .session_id = session_id,
                                           .limit = NF_SESSION_QUEUE_MAX + 1 };

    NF_TRY(a->tasks->ops->list(a->tasks, &filter, &turns, err));
    for (size_t i = 0; i < turns.n; i++) {
        const struct nf_task *t = &turns.v[i];
        bool theirs = t->user_id == user->id || user->role != NF_USER_USER;
        if (theirs && !nf_task_is_final(t->status))
            NF_TRY(stop_one(a, t, &stopped, err));
    }
    *ret = stopped;
    return NF_OK;
}
