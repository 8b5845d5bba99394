/* What is due, one after the other, and how long nothing will be. */
#include "application/run_schedules.h"

#include "application/fire_schedule.h"
#include "base/own.h"

static NF_RC settle(struct nf_app *a, struct nf_err *err)
{
    NF_CLEANUP(nf_schedule_runs_done) struct nf_schedule_runs ended = { 0 };
    struct nf_schedule_store *store = a->schedules;

    NF_TRY(store->ops->ended(store, NF_SCHEDULES_BATCH, &ended, err));
    for (size_t i = 0; i < ended.n; i++) {
        enum nf_code rc =
            store->ops->settle(store, &ended.v[i], ended.v[i].fired_ms / NF_BUDGET_DAY_MS, err);
        if (rc != NF_OK && rc != NF_E_CONFLICT)
            return rc;
    }
    return NF_OK;
}

/* What nobody can read must not be due for ever. Of several instances one tells. */
static NF_RC set_aside(struct nf_app *a, const struct nf_schedule_damage *d, struct nf_err *err)
{
    enum nf_code rc = a->schedules->ops->set_aside(a->schedules, d->id, d->why, err);

    if (rc != NF_OK)
        return rc == NF_E_CONFLICT ? NF_OK : rc;
    a->schedules_damaged++;
    return nf_err_set(err, NF_E_IO,
                      "it cannot be read and was paused (%s): remove it with `nexflow schedule "
                      "remove %s`, and make it anew",
                      d->why, nf_id_to_text(d->id).s);
}

/* Keep the first failure; what fails for one keeps none of the others. */
static void remember(enum nf_code *first, enum nf_code rc, int64_t id, const struct nf_err *why,
                     struct nf_err *err)
{
    if (rc != NF_OK && *first == NF_OK)
        *first = nf_err_set(err, rc, "schedule %s: %s", nf_id_to_text(id).s, why->msg);
}

static NF_RC go_through(struct nf_app *a, const struct nf_schedules *list, struct nf_err *err)
{
    enum nf_code first = NF_OK, rc = NF_OK;
    struct nf_err why;

    for (size_t i = 0; i < list->damaged_n; i++)
        remember(&first, set_aside(a, &list->damaged[i], &why), list->damaged[i].id, &why, err);
    for (size_t i = 0; i < list->n && rc != NF_E_CANCELED; i++) {
        rc = nf_fire_schedule(a, &list->v[i], &why);
        remember(&first, rc, list->v[i].id, &why, err);
    }
    return first;
}

/* The next of those that are due, round and round: some stay due, since there is no room where they
 * are to be said, and keep nobody else waiting. */
static NF_RC run_due(struct nf_app *a, int64_t now_ms, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules due = { 0 };
    struct nf_schedule_place after = a->schedules_seen;

    NF_TRY(a->schedules->ops->due(a->schedules, now_ms, &after, NF_SCHEDULES_BATCH, &due, err));
    a->schedules_seen = due.last;
    return go_through(a, &due, err);
}

static NF_RC run_back(struct nf_app *a, int64_t now_ms, struct nf_err *err)
{
    NF_CLEANUP(nf_schedules_done) struct nf_schedules ahead = { 0 };

    NF_TRY(a->schedules->ops->ahead(a->schedules, now_ms, NF_SCHEDULES_BATCH, &ahead, err));
    return go_through(a, &ahead, err);
}

/* How long nothing will be due. */
static int64_t quiet_ms(const struct nf_schedule_outlook *o, int64_t now_ms)
{
    int64_t longest = o->under_way ? NF_SCHEDULES_AGAIN_MS : NF_SCHEDULES_LOOK_MS;

    if (o->next_ms == 0)
        return longest;
    if (o->next_ms <= now_ms) /* there was no room for it, or there are many */
        return NF_SCHEDULES_AGAIN_MS;
    return o->next_ms - now_ms < longest ? o->next_ms - now_ms : longest;
}

static NF_RC run(struct nf_app *a, const struct nf_schedule_outlook *o, struct nf_err *err)
{
    int64_t now = nf_app_now(a);
    struct nf_err why;
    enum nf_code rc = NF_OK, back;

    if (o->next_ms != 0 && o->next_ms <= now)
        rc = run_due(a, now, err);
    if (rc == NF_E_CANCELED || o->last_ms <= now + NF_SCHEDULE_BACK_MS)
        return rc;
    back = run_back(a, now, &why);
    return rc == NF_OK && back != NF_OK ? nf_err_set(err, back, "%s", why.msg) : rc;
}

enum nf_code nf_run_due_schedules(struct nf_app *a, int64_t *quiet, struct nf_err *err)
{
    struct nf_schedule_store *store = a->schedules;
    struct nf_schedule_outlook o;

    *quiet = NF_SCHEDULES_LOOK_MS;
    if (a->intake_closed || !a->settings.schedules.enabled)
        return NF_OK;
    *quiet = NF_SCHEDULES_AGAIN_MS;
    NF_TRY(store->ops->outlook(store, &o, err));
    if (o.under_way)
        NF_TRY(settle(a, err));
    if (o.next_ms != 0 || o.last_ms != 0)
        NF_TRY(run(a, &o, err));
    if (o.under_way || (o.next_ms != 0 && o.next_ms <= nf_app_now(a)))
        NF_TRY(store->ops->outlook(store, &o, err));
    *quiet = quiet_ms(&o, nf_app_now(a));
    return NF_OK;
}

void nf_schedules_changed(struct nf_app *a)
{
    if (a->bell)
        a->bell->ops->ring(a->bell, NF_SCHEDULES_BELL);
}

enum nf_code nf_tidy_schedules(struct nf_app *a, struct nf_err *err)
{
    int64_t now = nf_app_now(a);

    return a->schedules->ops->tidy(a->schedules, now - NF_SCHEDULE_KEPT_MS,
                                   now / NF_BUDGET_DAY_MS - NF_SCHEDULE_DAYS_KEPT + 1, err);
}
