/* Use case: a person looks at what the daemon does for them. Only their own. All may suspend. */
#pragma once

#include "application/deps.h"

/* A task with its steps and its changes of state. */
struct nf_task_details {
    struct nf_task task;
    struct nf_tasks steps;
    struct nf_task_changes changes;
};
void nf_task_details_done(struct nf_task_details *d);

/* Newest first. f->user_id is set here. NF_E_INVALID: limit outside 1 to NF_PAGE_MAX. */
NF_RC nf_task_list(struct nf_app *a, const struct nf_user *user, struct nf_task_filter *f,
                   struct nf_tasks *ret, struct nf_err *err);
/* What model calls used in the last `hours` hours, the one that is under way included: everybody's
 * for owner and admins, else one's own. NF_E_INVALID: hours outside 1 to NF_USAGE_HOURS_MAX. */
#define NF_USAGE_HOURS_MAX 744 /* 31 days */
NF_RC nf_usage_show(struct nf_app *a, const struct nf_user *user, int64_t hours,
                    struct nf_usage_hours *ret, struct nf_err *err);
/* NF_E_NOT_FOUND. */
NF_RC nf_task_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                   struct nf_task_details *ret, struct nf_err *err);
