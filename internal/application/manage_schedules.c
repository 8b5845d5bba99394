#include "application/manage_schedules.h"

#include "application/manage_sessions.h"
#include "application/run_schedules.h"
#include "base/own.h"
#include "domain/said_schedules.h"
#include "domain/when.h"

#include <string.h>

static int64_t scope_of(const struct nf_user *user)
{
    return user->role == NF_USER_OWNER ? 0 : user->id;
}

enum nf_code nf_schedules_check_on(const struct nf_app *a, struct nf_err *err)
{
    return a->settings.schedules.enabled
               ? NF_OK
               : nf_err_set(err, NF_E_DENIED,
                            "schedules are switched off: see schedules.enabled in the "
                            "configuration");
}

/* --- zones ------------------------------------------------------------------------------------ */

enum nf_code nf_person_zone(struct nf_app *a, const struct nf_user *user,
                            const struct nf_zone **ret, struct nf_err *err)
{
    const char *standard = a->settings.schedules.zone;
    struct nf_err ignored;

    if (user->zone[0] && nf_zones_find(a->zones, user->zone, ret, &ignored) == NF_OK)
        return NF_OK;
    if (standard[0])
        return nf_zones_find(a->zones, standard, ret, err);
    *ret = &nf_zone_utc;
    return NF_OK;
}

static NF_RC zone_of(struct nf_app *a, const struct nf_user *user, const char *name,
                     const struct nf_zone **ret, struct nf_err *err)
{
    return name && name[0] ? nf_zones_find(a->zones, name, ret, err)
                           : nf_person_zone(a, user, ret, err);
}

/* --- making ----------------------------------------------------------------------------------- */

/* What begins with a slash is an order to us; nobody gives one ahead of time. */
static NF_RC check_text(const char *text, struct nf_err *err)
{
    return text && text[0] == '/'
               ? nf_err_set(err, NF_E_INVALID, "text: commands cannot be scheduled")
               : NF_OK;
}

static NF_RC check_interval(const struct nf_app *a, const struct nf_schedule *s, struct nf_err *err)
{
    int64_t least = s->kind == NF_SCHEDULE_PROMPT ? a->settings.schedules.prompt_interval_min
                                                  : a->settings.schedules.interval_min;

    if (s->expression[0] == '\0' || nf_cron_interval(&s->cron) >= least)
        return NF_OK;
    return nf_err_set(err, NF_E_LIMIT,
                      "cron: it runs every %d minutes, a %s may run every %lld at most",
                      nf_cron_interval(&s->cron), nf_schedule_kind_name(s->kind), (long long)least);
}

static NF_RC init(struct nf_app *a, const struct nf_user *user, const struct nf_schedule_wish *w,
                  const struct nf_zone *zone, struct nf_schedule *ret, struct nf_err *err)
{
    int64_t now = nf_app_now(a);
    struct nf_schedule_spec spec = {
        .id = nf_app_id(a),
        .user_id = user->id,
        .kind = w->kind,
        .text = w->text ? w->text : "",
        .expression = w->cron,
        .missed = w->missed ? w->missed : NF_MISSED_ONCE,
        .missed_max = w->missed_max ? w->missed_max : NF_SCHEDULE_MISSED_MAX,
    };

    if (!w->when == !w->cron)
        return nf_err_set(err, NF_E_INVALID, "give either when, for once, or cron");
    NF_TRY(check_text(spec.text, err));
    if (w->when)
        NF_TRY(nf_when_parse(w->when, zone, now, &spec.at_ms, err));
    NF_TRY(nf_schedule_init(ret, &spec, zone, now, err));
    return check_interval(a, ret, err);
}

/* Where it was made is where it is delivered. A model may be asked by anybody who is in a shared
 * conversation; who only names one has to own it. */
static NF_RC place(struct nf_app *a, const struct nf_user *user, const struct nf_schedule_wish *w,
                   struct nf_schedule *s, struct nf_err *err)
{
    int64_t session_id = w->session_id;
    struct nf_session session;

    memcpy(s->channel, "web", 4);
    if (session_id == 0)
        return NF_OK;
    NF_TRY(a->sessions->ops->get(a->sessions, session_id, 0, &session, err));
    if (session.user_id != user->id && !(w->by_model && session.shared))
        return nf_err_set(err, NF_E_NOT_FOUND, "no such session");
    s->session_id = session_id;
    memcpy(s->channel, session.channel, sizeof(s->channel));
    memcpy(s->address, session.address, sizeof(s->address));
    s->shared = session.shared;
    return NF_OK;
}

enum nf_code nf_schedule_preview(struct nf_app *a, const struct nf_user *user,
                                 const struct nf_schedule_wish *w, struct nf_schedule *ret,
                                 struct nf_err *err)
{
    const struct nf_zone *zone;
    struct nf_schedule s;

    NF_TRY(nf_schedules_check_on(a, err));
    NF_TRY(zone_of(a, user, w->zone, &zone, err));
    NF_TRY(init(a, user, w, zone, &s, err));
    NF_TRY(place(a, user, w, &s, err));
    s.by_model = w->by_model;
    s.call_id = w->call_id;
    *ret = s;
    return NF_OK;
}

enum nf_code nf_schedule_create(struct nf_app *a, const struct nf_user *user,
                                const struct nf_schedule_wish *w, struct nf_schedule *ret,
                                struct nf_err *err)
{
    struct nf_schedule s;

    if (w->call_id && a->schedules->ops->of_call(a->schedules, w->call_id, ret, err) == NF_OK)
        return NF_OK;
    NF_TRY(nf_schedule_preview(a, user, w, &s, err));
    if (s.kind == NF_SCHEDULE_PROMPT)
        nf_schedule_halt(&s, NF_HALTED_BY_MODEL);
    NF_TRY(a->schedules->ops->create(a->schedules, &s, a->settings.schedules.per_user, err));
    nf_schedules_changed(a);
    *ret = s;
    return NF_OK;
}

/* --- looking ---------------------------------------------------------------------------------- */

enum nf_code nf_schedule_list(struct nf_app *a, const struct nf_user *user,
                              struct nf_schedule_filter *f, struct nf_schedules *ret,
                              struct nf_err *err)
{
    if (f->limit < 1 || f->limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", f->limit, NF_PAGE_MAX);
    if (scope_of(user) != 0)
        f->user_id = user->id;
    return a->schedules->ops->list(a->schedules, f, ret, err);
}

enum nf_code nf_schedule_show(struct nf_app *a, const struct nf_user *user, int64_t id,
                              struct nf_schedule *ret, struct nf_err *err)
{
    return a->schedules->ops->get(a->schedules, id, scope_of(user), ret, err);
}

enum nf_code nf_schedule_history(struct nf_app *a, const struct nf_user *user, int64_t id,
                                 int64_t before, size_t limit, struct nf_schedule_runs *ret,
                                 struct nf_err *err)
{
    struct nf_schedule s;

    if (limit < 1 || limit > NF_PAGE_MAX)
        return nf_err_set(err, NF_E_INVALID, "limit: %zu is not 1 to %d", limit, NF_PAGE_MAX);
    NF_TRY(nf_schedule_show(a, user, id, &s, err));
    return a->schedules->ops->runs(a->schedules, id, before, limit, ret, err);
}

/* --- changing --------------------------------------------------------------------------------- */

/* The wish, filled up with what the schedule has. */
static struct nf_schedule_wish fill_up(const struct nf_schedule *s,
                                       const struct nf_schedule_wish *w)
{
    struct nf_schedule_wish all = *w;

    all.kind = s->kind;
    all.text = w->text ? w->text : s->text;
    all.zone = w->zone ? w->zone : s->zone;
    all.missed = w->missed ? w->missed : s->missed;
    all.missed_max = w->missed_max ? w->missed_max : s->missed_max;
    if (!w->when && !w->cron && s->expression[0])
        all.cron = s->expression;
    return all;
}

/* The same as *s with what *w says. A time that is not said again stays as it is. */
static NF_RC change(struct nf_app *a, const struct nf_user *user, const struct nf_schedule *s,
                    const struct nf_schedule_wish *w, struct nf_schedule *ret, struct nf_err *err)
{
    struct nf_schedule_wish all = fill_up(s, w);
    struct nf_schedule fresh = { 0 };
    const struct nf_zone *zone;

    NF_TRY(zone_of(a, user, all.zone, &zone, err));
    if (!all.when && !all.cron) {
        struct nf_schedule_spec spec = { .kind = s->kind,
                                         .text = all.text,
                                         .at_ms = s->at_ms,
                                         .missed = all.missed,
                                         .missed_max = all.missed_max };

        NF_TRY(check_text(all.text, err));
        NF_TRY(nf_schedule_init(&fresh, &spec, zone, nf_app_now(a), err));
    } else {
        NF_TRY(init(a, user, &all, zone, &fresh, err));
    }
    *ret = *s;
    memcpy(ret->text, fresh.text, sizeof(ret->text));
    memcpy(ret->zone, fresh.zone, sizeof(ret->zone));
    memcpy(ret->expression, fresh.expression, sizeof(ret->expression));
    ret->cron = fresh.cron;
    ret->at_ms = fresh.at_ms;
    ret->missed = fresh.missed;
    ret->missed_max = fresh.missed_max;
    ret->made_up = 0;
    ret->next_ms = s->status == NF_SCHEDULE_ACTIVE ? fresh.next_ms : 0;
    return NF_OK;
}

/* Another question to a model, or another time of it, has to be switched on again. */
static bool asks_anew(const struct nf_user *user, const struct nf_schedule *s)
{
    return s->kind == NF_SCHEDULE_PROMPT && s->status == NF_SCHEDULE_ACTIVE &&
           s->user_id != user->id;
}

static NF_RC store(struct nf_app *a, struct nf_schedule *s, struct nf_schedule *ret,
                   struct nf_err *err)
{
    NF_TRY(a->schedules->ops->update(a->schedules, s, err));
    nf_schedules_changed(a);
    s->version++;
    *ret = *s;
    return NF_OK;
}

enum nf_code nf_schedule_change(struct nf_app *a, const struct nf_user *user, int64_t id,
                                const struct nf_schedule_wish *w, struct nf_schedule *ret,
                                struct nf_err *err)
{
    struct nf_schedule s, changed;

    NF_TRY(nf_schedules_check_on(a, err));
    NF_TRY(nf_schedule_show(a, user, id, &s, err));
    if (nf_schedule_is_final(s.status))
        return nf_err_set(err, NF_E_CONFLICT, "schedule is done: make a new one");
    NF_TRY(change(a, user, &s, w, &changed, err));
    if (asks_anew(user, &s))
        nf_schedule_halt(&changed, NF_HALTED_CHANGED);
    return store(a, &changed, ret, err);
}

static NF_RC become(struct nf_app *a, struct nf_schedule *s, enum nf_schedule_status to,
                    struct nf_schedule *ret, struct nf_err *err)
{
    const struct nf_zone *zone;

    NF_TRY(nf_zones_find(a->zones, s->zone, &zone, err));
    NF_TRY(nf_schedule_become(s, to, zone, nf_app_now(a), err));
    return store(a, s, ret, err);
}

enum nf_code nf_schedule_pause(struct nf_app *a, const struct nf_user *user, int64_t id,
                               struct nf_schedule *ret, struct nf_err *err)
{
    struct nf_schedule s;

    NF_TRY(nf_schedule_show(a, user, id, &s, err));
    return become(a, &s, NF_SCHEDULE_PAUSED, ret, err);
}

enum nf_code nf_schedule_resume(struct nf_app *a, const struct nf_user *user, int64_t id,
                                struct nf_schedule *ret, struct nf_err *err)
{
    struct nf_schedule s;

    NF_TRY(nf_schedules_check_on(a, err));
    NF_TRY(nf_schedule_show(a, user, id, &s, err));
    if (s.kind == NF_SCHEDULE_PROMPT && !a->settings.schedules.spend)
        return nf_err_set(err, NF_E_DENIED,
                          "schedules may not ask models with nobody there: the owner allows that "
                          "with schedules.spend in the configuration");
    if (s.kind == NF_SCHEDULE_PROMPT && s.user_id != user->id)
        return nf_err_set(err, NF_E_DENIED, "only the person it belongs to switches it on");
    NF_TRY(check_interval(a, &s, err));
    return become(a, &s, NF_SCHEDULE_ACTIVE, ret, err);
}

enum nf_code nf_schedule_remove(struct nf_app *a, const struct nf_user *user, int64_t id,
                                struct nf_err *err)
{
    return a->schedules->ops->remove(a->schedules, id, scope_of(user), err);
}

/* --- saying ----------------------------------------------------------------------------------- */

enum nf_code nf_schedule_say(struct nf_app *a, const struct nf_schedule *s, enum nf_lang lang,
                             struct nf_str *to, struct nf_err *err)
{
    const struct nf_zone *zone;

    if (s->expression[0])
        return nf_cron_describe(&s->cron, lang, to, err);
    NF_TRY(nf_zones_find(a->zones, s->zone, &zone, err));
    return nf_str_addf(to, err, "%s%s", lang == NF_LANG_RU ? "один раз, " : "once, ",
                       nf_zone_show(zone, s->at_ms, lang).s);
}

enum nf_code nf_schedule_next(struct nf_app *a, const struct nf_schedule *s,
                              const struct nf_zone **zone, int64_t ret[NF_SCHEDULE_NEXT_SHOWN],
                              size_t *n, struct nf_err *err)
{
    NF_TRY(nf_zones_find(a->zones, s->zone, zone, err));
    *n = nf_schedule_ahead(s, *zone, NF_SCHEDULE_NEXT_SHOWN, ret);
    return NF_OK;
}
