/* One run of a schedule: where it is said, whether it may be, and the commit that starts it. */
#include "application/fire_schedule.h"

#include "application/manage_schedules.h"
#include "application/manage_sessions.h"
#include "application/run_schedules.h"
#include "base/own.h"
#include "base/utf8.h"
#include "domain/said_schedules.h"

#include <string.h>

/* A run while it is being started. */
struct firing {
    struct nf_app *app;
    const struct nf_schedule *read; /* as it is in the database */
    struct nf_schedule next;        /* as it goes on */
    struct nf_schedule_run run;
    struct nf_fire fire;
};

static struct firing firing_of(struct nf_app *a, const struct nf_schedule *s, int64_t due_ms)
{
    int64_t now = nf_app_now(a);

    return (struct firing){ .app = a,
                            .read = s,
                            .next = *s,
                            .run = { .schedule_id = s->id,
                                     .due_ms = due_ms,
                                     .user_id = s->user_id,
                                     .fired_ms = now,
                                     .outcome = NF_SCHEDULE_STARTED } };
}

static void connect(struct firing *f)
{
    const struct nf_schedule_settings *s = &f->app->settings.schedules;

    f->fire = (struct nf_fire){ .schedule = &f->next,
                                .run = &f->run,
                                .day = f->run.fired_ms / NF_BUDGET_DAY_MS,
                                .user_max = s->user_tokens,
                                .all_max = s->all_tokens };
}

static void give_reason(struct firing *f, const char *reason)
{
    memset(f->run.reason, 0, sizeof(f->run.reason));
    memcpy(f->run.reason, reason, nf_utf8_cut(reason, strlen(reason), NF_REASON_MAX));
}

/* --- where ------------------------------------------------------------------------------------ */

static NF_RC new_session(struct firing *f, struct nf_session *fresh, struct nf_accept *in,
                         struct nf_err *err)
{
    const struct nf_schedule *s = f->read;

    NF_TRY(nf_session_init(fresh, nf_app_id(f->app), s->user_id, s->channel, s->address, in->now_ms,
                           err));
    fresh->shared = s->shared;
    nf_session_title_from(s->text, fresh->title);
    in->session_id = fresh->id;
    in->create = fresh;
    return NF_OK;
}

/* The conversation it was made in; the one in which its chat goes on; or a new one. A chat that got
 * another address took its conversation along. */
static NF_RC choose_session(struct firing *f, struct nf_session *fresh, struct nf_accept *in,
                            struct nf_err *err)
{
    struct nf_session_store *store = f->app->sessions;
    const struct nf_schedule *s = f->read;
    struct nf_session found;
    enum nf_code rc = NF_E_NOT_FOUND;

    if (s->session_id != 0)
        rc = store->ops->get(store, s->session_id, s->shared ? 0 : s->user_id, &found, err);
    if (rc == NF_OK && found.retired)
        rc = NF_E_NOT_FOUND;
    if (rc == NF_E_NOT_FOUND && s->address[0])
        rc = store->ops->find(store, s->shared ? 0 : s->user_id, s->channel, s->address, &found,
                              err);
    in->create = NULL;
    in->session_id = rc == NF_OK ? found.id : 0;
    return rc == NF_E_NOT_FOUND ? new_session(f, fresh, in, err) : rc;
}

/* --- starting --------------------------------------------------------------------------------- */

static NF_RC accept(struct firing *f, const char *source, const char *client_id,
                    struct nf_accepted *ret, struct nf_err *err)
{
    struct nf_app *a = f->app;
    struct nf_session fresh;
    bool thinks = f->read->kind == NF_SCHEDULE_PROMPT && f->run.outcome == NF_SCHEDULE_STARTED;
    struct nf_accept in = { .source = source,
                            .client_id = client_id,
                            .user_id = f->read->user_id,
                            .run_id = nf_app_id(a),
                            .content = f->read->text,
                            .now_ms = f->run.fired_ms,
                            .owner = a->owner,
                            .lease_ms = a->settings.lease_ms,
                            .fire = &f->fire };

    in.step_id = thinks ? nf_app_id(a) : 0;
    f->run.run_id = f->next.last_run_id = in.run_id;
    NF_TRY(choose_session(f, &fresh, &in, err));
    f->next.session_id = in.session_id;
    enum nf_code rc = a->turns->ops->accept(a->turns, &in, ret, err);
    if (rc == NF_E_CONFLICT && in.create && !f->fire.refused) { /* it has come to be meanwhile */
        NF_TRY(choose_session(f, &fresh, &in, err));
        f->next.session_id = in.session_id;
        rc = a->turns->ops->accept(a->turns, &in, ret, err);
    }
    return rc;
}

/* Write the run and start its turn. NF_E_CONFLICT with f->fire.refused, NF_E_LIMIT: too many wait.
 */
static NF_RC start(struct firing *f, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str source = { 0 };
    NF_CLEANUP(nf_str_done) struct nf_str client_id = { 0 };
    struct nf_app *a = f->app;
    struct nf_accepted got = { 0 };

    connect(f);
    NF_TRY(nf_str_addf(&source, err, "schedule:%s", nf_id_to_text(f->read->id).s));
    NF_TRY(nf_str_addf(&client_id, err, NF_SCHEDULE_CLIENT_ID "%lld", (long long)f->run.due_ms));
    NF_TRY(accept(f, nf_str_c(&source), nf_str_c(&client_id), &got, err));
    if (got.duplicate) {
        f->fire.refused = NF_FIRE_RUN_BEFORE;
        return nf_err_set(err, NF_E_CONFLICT, "this time had its run");
    }
    if (got.claimed)
        a->runner->ops->start(a->runner, &got.claim);
    else
        a->runner->ops->wake(a->runner, got.session_id);
    return NF_OK;
}

/* Write a run down that starts nothing. */
static NF_RC note(struct firing *f, enum nf_schedule_outcome outcome, const char *reason,
                  struct nf_err *err)
{
    f->run.outcome = outcome;
    f->run.reserved = 0;
    f->run.run_id = 0;
    f->next.last_run_id = f->read->last_run_id;
    f->next.session_id = f->read->session_id;
    give_reason(f, reason);
    connect(f);
    return f->app->schedules->ops->note(f->app->schedules, &f->fire, err);
}

/* Whether the newest run was skipped for the same reason: then the person knows. */
static bool told_before(struct firing *f, const char *reason)
{
    NF_CLEANUP(nf_schedule_runs_done) struct nf_schedule_runs last = { 0 };
    struct nf_schedule_store *store = f->app->schedules;
    struct nf_err ignored;

    return store->ops->runs(store, f->read->id, 0, 1, &last, &ignored) == NF_OK && last.n > 0 &&
           last.v[0].outcome == NF_SCHEDULE_SKIPPED && strcmp(last.v[0].reason, reason) == 0;
}

/* Skip the run, and say why in the place where it would have been: the first time. */
static NF_RC skip(struct firing *f, const char *reason, struct nf_err *err)
{
    if (told_before(f, reason))
        return note(f, NF_SCHEDULE_SKIPPED, reason, err);
    f->run.outcome = NF_SCHEDULE_SKIPPED;
    f->run.reserved = 0;
    give_reason(f, reason);
    enum nf_code rc = start(f, err);
    return rc == NF_E_LIMIT ? note(f, NF_SCHEDULE_SKIPPED, reason, err) : rc;
}

/* The same, and it does not go on by itself. */
static NF_RC give_up(struct firing *f, const char *reason, struct nf_err *err)
{
    nf_schedule_halt(&f->next, reason);
    return note(f, NF_SCHEDULE_SKIPPED, reason, err);
}

/* --- whether it may --------------------------------------------------------------------------- */

static bool still_runs(struct firing *f)
{
    struct nf_task_store *store = f->app->tasks;
    NF_CLEANUP(nf_task_done) struct nf_task last = { 0 };
    struct nf_err ignored;

    return f->read->last_run_id != 0 &&
           store->ops->get(store, f->read->last_run_id, 0, &last, &ignored) == NF_OK &&
           !nf_task_is_final(last.status);
}

/* Why a question to a model may not be asked now; NULL: it may. */
static const char *why_not(struct firing *f)
{
    if (f->read->kind != NF_SCHEDULE_PROMPT)
        return NULL;
    if (!f->app->model)
        return NF_SKIPPED_NO_MODEL;
    return still_runs(f) ? NF_SKIPPED_RUN_BEFORE : NULL;
}

static const char *budget_reason(enum nf_fire_refusal refused)
{
    return refused == NF_FIRE_BUDGET ? NF_SKIPPED_USER_TOKENS : NF_SKIPPED_ALL_TOKENS;
}

/* The clock, or somebody, has been here before: only go on. */
static NF_RC move_on(struct firing *f, struct nf_err *err)
{
    f->next.last_run_id = f->read->last_run_id;
    f->next.session_id = f->read->session_id;
    enum nf_code rc = f->app->schedules->ops->update(f->app->schedules, &f->next, err);
    return rc == NF_E_CONFLICT ? NF_OK : rc;
}

static NF_RC run(struct firing *f, struct nf_err *err)
{
    const char *reason = why_not(f);

    if (reason)
        return skip(f, reason, err);
    if (f->read->kind == NF_SCHEDULE_PROMPT)
        f->run.reserved = f->app->settings.schedules.run_tokens;
    enum nf_code rc = start(f, err);
    if (rc == NF_E_CONFLICT &&
        (f->fire.refused == NF_FIRE_BUDGET || f->fire.refused == NF_FIRE_BUDGET_ALL))
        return skip(f, budget_reason(f->fire.refused), err);
    /* What is said waits until there is room for it; a question is asked the next time. */
    if (rc == NF_E_LIMIT)
        return f->read->kind == NF_SCHEDULE_REMINDER
                   ? NF_OK
                   : note(f, NF_SCHEDULE_SKIPPED, NF_SKIPPED_CROWDED, err);
    return rc;
}

/* Whether its network has told us that we cannot write to its chat. */
static bool is_unreachable(struct firing *f)
{
    struct nf_chat_store *store = f->app->chats;
    bool found = false;
    struct nf_err ignored;

    return store && f->read->address[0] &&
           store->ops->is_unreachable(store, f->read->channel, f->read->address, &found,
                                      &ignored) == NF_OK &&
           found;
}

/* Why it cannot go on at all; NULL: it can. */
static const char *hopeless(struct firing *f, struct nf_err *err)
{
    struct nf_user user;
    enum nf_code rc = f->app->users->ops->get(f->app->users, f->read->user_id, &user, err);

    if (rc == NF_E_NOT_FOUND || (rc == NF_OK && user.status != NF_USER_ACTIVE))
        return NF_HALTED_BLOCKED;
    if (!nf_channels_find(f->app->channels, f->read->channel))
        return NF_HALTED_CHANNEL;
    if (is_unreachable(f))
        return NF_HALTED_UNREACHABLE;
    if (f->read->kind == NF_SCHEDULE_PROMPT && !f->app->settings.schedules.spend)
        return NF_HALTED_NO_SPEND;
    return NULL;
}

enum nf_code nf_fire_schedule(struct nf_app *a, const struct nf_schedule *s, struct nf_err *err)
{
    struct firing f = firing_of(a, s, s->next_ms);
    const struct nf_zone *zone;
    struct nf_due due;
    enum nf_code rc;

    if (nf_zones_find(a->zones, s->zone, &zone, err) != NF_OK)
        return give_up(&f, NF_HALTED_ZONE, err);
    if (nf_schedule_rewind(&f.next, zone, f.run.fired_ms))
        return move_on(&f, err);
    if (!nf_schedule_take(&f.next, zone, f.run.fired_ms, &due))
        return NF_OK;
    const char *reason = hopeless(&f, err);
    if (reason)
        rc = give_up(&f, reason, err);
    else if (due.run)
        rc = run(&f, err);
    else
        rc = note(&f, NF_SCHEDULE_MISSED, NF_SKIPPED_WAS_DOWN, err);
    if (rc != NF_E_CONFLICT)
        return rc;
    return f.fire.refused == NF_FIRE_RUN_BEFORE ? move_on(&f, err) : NF_OK;
}

enum nf_code nf_schedule_run_now(struct nf_app *a, const struct nf_user *user, int64_t id,
                                 struct nf_schedule_run *ret, struct nf_err *err)
{
    struct nf_schedule s;

    NF_TRY(nf_schedules_check_on(a, err));
    NF_TRY(nf_schedule_show(a, user, id, &s, err));
    if (nf_schedule_is_final(s.status))
        return nf_err_set(err, NF_E_CONFLICT, "schedule is done: make a new one");
    if (s.kind == NF_SCHEDULE_PROMPT && s.user_id != user->id)
        return nf_err_set(err, NF_E_DENIED, "only the person it belongs to runs it");
    struct firing f = firing_of(a, &s, nf_app_now(a));
    const char *reason = why_not(&f);

    if (reason)
        return nf_err_set(err, NF_E_CONFLICT, "%s", reason);
    f.run.by_hand = true;
    if (s.kind == NF_SCHEDULE_PROMPT)
        f.run.reserved = a->settings.schedules.run_tokens;
    enum nf_code rc = start(&f, err);
    if (f.fire.refused == NF_FIRE_BUDGET || f.fire.refused == NF_FIRE_BUDGET_ALL)
        return nf_err_set(err, NF_E_LIMIT, "%s", budget_reason(f.fire.refused));
    NF_TRY(rc);
    nf_schedules_changed(a);
    *ret = f.run;
    return NF_OK;
}
