/* The world of the use cases with schedules in it. */
#pragma once

#include "application/manage_schedules.h"
#include "application/manage_sessions.h"
#include "application/manage_users.h"
#include "application/run_schedules.h"
#include "tests/unit/use_case_fixture.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* UTC, and a zone that is two hours ahead. */
static enum nf_code rig_find_zone(struct nf_zones *z, const char *name, const struct nf_zone **ret,
                                  struct nf_err *err)
{
    static const struct nf_zone ahead = { .name = "Test/Ahead", .rule.standard = 7200 };
    (void)z;
    if (strcmp(name, "UTC") != 0 && strcmp(name, ahead.name) != 0)
        return nf_err_set(err, NF_E_INVALID, "time zone: there is no %s here", name);
    *ret = strcmp(name, "UTC") == 0 ? &nf_zone_utc : &ahead;
    return NF_OK;
}

static int rig_setup(void **state)
{
    static const struct nf_zones_ops ops = { .find = rig_find_zone };
    static struct nf_zones zones = { .ops = &ops };
    struct world *w = world_new();
    w->now = 20000 * DAY; /* a midnight */
    w->app.schedules = w->s.schedules;
    w->app.zones = &zones;
    w->app.settings.schedules = (struct nf_schedule_settings){ .enabled = true,
                                                               .spend = true,
                                                               .per_user = 3,
                                                               .interval_min = 1,
                                                               .prompt_interval_min = 15,
                                                               .run_tokens = 100,
                                                               .user_tokens = 250,
                                                               .all_tokens = 1000,
                                                               .zone = "" };
    *state = w;
    return 0;
}

static int rig_teardown(void **state)
{
    world_free(*state);
    return 0;
}

UNUSED static struct nf_schedule_wish remind(const char *text, const char *when)
{
    return (struct nf_schedule_wish){ .kind = NF_SCHEDULE_REMINDER, .text = text, .when = when };
}

UNUSED static struct nf_schedule_wish hourly(enum nf_schedule_kind kind)
{
    return (struct nf_schedule_wish){ .kind = kind, .text = "what is new?", .cron = "0 * * * *" };
}

UNUSED static struct nf_schedule made(struct world *w, struct nf_schedule_wish wish)
{
    struct nf_schedule s;
    assert_ok(nf_schedule_create(&w->app, &w->user, &wish, &s, &w->err), &w->err);
    return s;
}

/* A question to a model, switched on. */
UNUSED static struct nf_schedule asking(struct world *w)
{
    struct nf_schedule s = made(w, hourly(NF_SCHEDULE_PROMPT));
    assert_ok(nf_schedule_resume(&w->app, &w->user, s.id, &s, &w->err), &w->err);
    return s;
}

UNUSED static struct nf_schedule look(struct world *w, int64_t id)
{
    struct nf_schedule s;
    assert_ok(nf_schedule_show(&w->app, &w->user, id, &s, &w->err), &w->err);
    w->session = s.session_id;
    return s;
}

UNUSED static int64_t quiet_ms; /* as the last look said */

/* What is due runs, and its turns are answered. Returns how many were. */
UNUSED static int run_due(struct world *w)
{
    int before = w->runner.started;
    assert_ok(nf_run_due_schedules(&w->app, &quiet_ms, &w->err), &w->err);
    if (w->runner.started > before)
        assert_ok(answer(w), &w->err);
    return w->runner.started - before;
}

/* Its runs as "started|missed: reason|", newest first. */
UNUSED static const char *history(struct world *w, int64_t id)
{
    static char text[2048];
    struct nf_schedule_runs runs = { 0 };
    size_t n = 0;
    text[0] = '\0';
    assert_ok(nf_schedule_history(&w->app, &w->user, id, 0, 20, &runs, &w->err), &w->err);
    for (size_t i = 0; i < runs.n; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s|",
                              nf_schedule_outcome_name(runs.v[i].outcome),
                              runs.v[i].reason[0] ? ": " : "", runs.v[i].reason);
    nf_schedule_runs_done(&runs);
    return text;
}
