#include "application/manage_tasks.h"

#include "application/manage_sessions.h"
#include "base/own.h"

void nf_task_details_done(struct nf_task_details *d)
{
    nf_task_done(&d->task);
    nf_tasks_done(&d->steps);
    nf_task_changes_done(&d->changes);
}

enum nf_code nf_task_list(struct nf_app *a, const struct nf_user *user, struct nf_task_filter *f,
                          struct nf_tasks *ret, struct nf_err *err)
{
    if (f->limit < 1 || f->limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", f->limit, NF_PAGE_MAX);
    f->user_id = user->id;
    return a->tasks->ops->list(a->tasks, f, ret, err);
}

enum nf_code nf_usage_show(struct nf_app *a, const struct nf_user *user, int64_t hours,
                           struct nf_usage_hours *ret, struct nf_err *err)
{
    int64_t now_ms = nf_app_now(a);
    if (hours < 1 || hours > NF_USAGE_HOURS_MAX)
        return nf_err_set(err, NF_E_INVALID, "hours: %lld is not 1 to %d", (long long)hours,
                          NF_USAGE_HOURS_MAX);
    int64_t since_ms = now_ms / NF_HOUR_MS * NF_HOUR_MS - (hours - 1) * NF_HOUR_MS;
    return a->tasks->ops->usage(a->tasks, user->role == NF_USER_USER ? user->id : 0,
                                since_ms > 0 ? since_ms : 0, ret, err);
}

enum nf_code nf_task_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                          struct nf_task_details *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_task_details_done) struct nf_task_details d = { 0 };
    NF_TRY(a->tasks->ops->get(a->tasks, id, user->id, &d.task, err));
    if (d.task.kind == NF_TASK_TURN)
        NF_TRY(a->turns->ops->steps(a->turns, id, &d.steps, err));
    NF_TRY(a->tasks->ops->changes(a->tasks, id, &d.changes, err));
    *ret = nf_take(d);
    return NF_OK;
}
