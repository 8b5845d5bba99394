#include "cmd/nexflowd/daemon.h"

#include "application/deliver_reply.h"
#include "application/present_approval.h"
#include "application/recover.h"
#include "application/run_schedules.h"
#include "cmd/nexflowd/deliveries.h"
#include "cmd/nexflowd/memory.h"
#include "cmd/nexflowd/wiring.h"
#include "observe/log.h"
#include "runtime/signals.h"

#include <signal.h>
#include <stdio.h>

#define UPKEEP_MS 1000
/* Of one that dies the lease has to run out, somebody has to look, and upkeep to fetch its work: at
 * the default of 8 s that is 8 + 1 + 1 s at worst. */
#define LOOKS_PER_LEASE 8
#define HOUR_MS INT64_C(3600000)
#define STOP_GRACE_MS 1000 /* for requests under way, once the turns have ended */
#define FLUSH_MS 3000      /* for replies that are still to be delivered */

struct run {
    const struct nf_daemon_options *o;
    struct nf_wiring w;
    struct nf_deliveries deliveries;
    bool given_up;
    bool stopping; /* nobody hears signals any more */
};

static void complain(const char *event, enum nf_code rc, const struct nf_err *err)
{
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn(event, "err", err->msg, NULL);
}

/* Others took us for dead: what we have in hand is theirs by now. The same way out as a signal. */
static void give_up(struct run *r)
{
    if (r->given_up)
        return;
    r->given_up = true;
    nf_log_error("instance.lost", "err", "given up as dead by another instance: stopping", NULL);
    if (!r->stopping)
        (void)raise(SIGTERM);
}

static void keep_all(struct run *r)
{
    struct nf_app *a = &r->w.app;
    struct nf_err why;
    int64_t began_us = nf_clock_mono_us(a->clock);
    enum nf_code here = NF_OK, ours = NF_OK;

    if (a->instances)
        here = nf_daemon_instance_keep(&r->w.instance, a, &why);
    complain("instance.keep.failed", here, &why);
    if (r->w.instance.lost) {
        give_up(r);
        return;
    }
    if (nf_turns_running(r->w.turns) > 0)
        ours = nf_keep_leases(a, &why);
    complain("upkeep.lease.failed", ours, &why);
    if (here == NF_OK && ours == NF_OK)
        nf_app_held(a, began_us);
}

/* In a fiber of its own: leases must not wait for whatever else takes long. */
static enum nf_code keep_leases(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    for (;;) {
        keep_all(r);
        NF_TRY(nf_sleep(r->w.app.settings.lease_ms / LOOKS_PER_LEASE, err));
    }
}

/* Goes on for as long as we live: nothing that fails here is final. */
static enum nf_code upkeep(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    struct nf_app *a = &r->w.app;
    struct nf_err why;
    int64_t tidy_at = 0;
    struct nf_memory_upkeep memory = { 0 };

    for (;;) {
        int64_t now = nf_clock_mono_us(a->clock) / 1000;
        if (now >= tidy_at) {
            complain("upkeep.tidy.failed", nf_tidy_up(a, &why), &why);
            complain("schedules.tidy.failed", nf_tidy_schedules(a, &why), &why);
            tidy_at = now + HOUR_MS;
        }
        complain("upkeep.orphans.failed", nf_turns_release_orphans(r->w.turns, &why), &why);
        complain("upkeep.failed", nf_keep_going(a, &why), &why);
        nf_memory_upkeep(&memory, nf_turns_running(r->w.turns));
        NF_TRY(nf_sleep(UPKEEP_MS, err));
    }
}

/* In a fiber of its own: what is late elsewhere must not make a reminder late. */
static enum nf_code run_schedules(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    struct nf_app *a = &r->w.app;
    struct nf_err why;
    for (;;) {
        uint64_t heard_so_far = a->bell->ops->count(a->bell);
        int64_t quiet_ms;
        complain("schedules.failed", nf_run_due_schedules(a, &quiet_ms, &why), &why);
        enum nf_code rc =
            a->bell->ops->wait(a->bell, NF_SCHEDULES_BELL, heard_so_far, quiet_ms, err);
        if (rc != NF_OK && rc != NF_E_TIMEOUT)
            return rc;
    }
}

static void reload(struct run *r)
{
    NF_CLEANUP(nf_str_done) struct nf_str ignored = { 0 };
    struct nf_err err;
    enum nf_code rc = nf_wiring_reload(&r->w, r->o->config_path, &ignored, &err);
    if (rc != NF_OK)
        nf_log_error("config.reload.failed", "err", err.msg, NULL);
    else if (ignored.len > 0)
        nf_log_warn("config.reloaded", "need_restart", nf_str_c(&ignored), NULL);
    else
        nf_log_info("config.reloaded", NULL);
}

static NF_RC serve_until_told(struct run *r, struct nf_signals *signals, struct nf_err *err)
{
    int signum = 0;
    for (;;) {
        NF_TRY(nf_signals_wait(signals, &signum, err));
        if (signum != SIGHUP)
            return NF_OK;
        reload(r);
    }
}

static NF_RC announce(struct run *r, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str link = { 0 };
    nf_log_info("daemon.ready", "address", nf_web_address(r->w.web), NULL);
    if (!r->o->print_link)
        return NF_OK;
    NF_TRY(nf_web_owner_link(r->w.web, &link, err));
    (void)printf("Nexflow is ready. Open this link once, within 10 minutes:\n\n  %s\n\n",
                 nf_str_c(&link));
    (void)fflush(stdout);
    return NF_OK;
}

static NF_RC start(struct run *r, struct nf_scope *scope, struct nf_err *err)
{
    struct nf_recovered recovered;
    struct nf_num_buf turns, outbox;
    struct nf_err why;

    /* First of all: on a busy machine the rest may take longer than a lease. */
    NF_TRY(nf_scope_spawn(scope, keep_leases, r, NULL, err));
    NF_TRY(nf_recover(&r->w.app, &recovered, err));
    if (recovered.turns > 0 || recovered.outbox > 0)
        nf_log_info("daemon.recovered", "turns", nf_num(&turns, (long long)recovered.turns),
                    "outbox", nf_num(&outbox, recovered.outbox), NULL);
    nf_skill_wiring_begin(&r->w.skills);
    NF_TRY(nf_web_start(r->w.web, err));
    NF_TRY(nf_bot_wiring_start(&r->w.bots, err));
    r->w.alarm = (struct nf_bot_alarm){ .bots = &r->w.bots, .app = &r->w.app };
    NF_TRY(nf_scope_spawn(scope, nf_bot_alarm_run, &r->w.alarm, NULL, err));
    complain("daemon.questions.failed", nf_approvals_ask_again(&r->w.app, &why), &why);
    r->deliveries = (struct nf_deliveries){ .app = &r->w.app, .scope = scope };
    NF_TRY(nf_scope_spawn(scope, nf_deliveries_run, &r->deliveries, NULL, err));
    NF_TRY(nf_scope_spawn(scope, upkeep, r, NULL, err));
    NF_TRY(nf_scope_spawn(scope, run_schedules, r, NULL, err));
    NF_TRY(nf_scope_spawn(scope, nf_skill_wiring_run, &r->w.skills, NULL, err));
    return announce(r, err);
}

/* Signals are heard from before anybody can know that we are there. */
static NF_RC start_and_serve(struct run *r, struct nf_scope *scope, struct nf_err *err)
{
    static const int signums[] = { SIGTERM, SIGINT, SIGHUP };
    struct nf_signals *signals = NULL;
    NF_TRY(nf_signals_new(r->w.loop, signums, NF_COUNT(signums), &signals, err));
    enum nf_code rc = start(r, scope, err);
    if (rc == NF_OK)
        rc = serve_until_told(r, signals, err);
    r->stopping = true;
    nf_signals_free(signals);
    return rc;
}

/* Stop intake, finish or park turns, flush the outbox, close. What does not make it in time is in
 * the database and goes on after the next start. */
static void stop(struct run *r)
{
    nf_log_info("daemon.stopping", NULL);
    r->w.app.intake_closed = true;
    nf_bot_wiring_close(&r->w.bots);
    nf_turns_drain(r->w.turns, r->w.config->turns.shutdown_grace_ms);
    if (r->deliveries.app)
        nf_deliveries_flush(&r->deliveries, FLUSH_MS);
    nf_web_stop(r->w.web, STOP_GRACE_MS);
}

/* When nothing runs any more: what was cut off is there for others at once. */
static void leave(struct run *r)
{
    struct nf_app *a = &r->w.app;
    struct nf_err why;
    int64_t outbox;
    /* Also of runs that are others' by now: nobody but us knows that we wrote over their reply. */
    enum nf_code rc = nf_bring_owed(a, &why);
    complain("daemon.owed.failed", rc, &why);
    rc = NF_OK;
    /* Whoever slept for an hour may have a number that is another's by now, and so is what has it.
     */
    if (a->instances)
        rc = a->instances->ops->keep(a->instances, a->owner, a->token,
                                     nf_app_now(a) + a->settings.lease_ms, &why);
    if (rc == NF_OK)
        rc = nf_take_over(a, a->owner, &outbox, &why);
    complain("daemon.leave.failed", rc, &why);
    nf_daemon_instance_leave(&r->w.instance, a);
}

static enum nf_code daemon_main(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;

    nf_scope_init(&scope, r->w.loop);
    enum nf_code rc = nf_wiring_build(&r->w, &scope, err);
    bool built = rc == NF_OK;
    if (built) {
        rc = start_and_serve(r, &scope, err);
        if (rc == NF_OK && r->given_up)
            rc = nf_err_set(err, NF_E_CONFLICT, "another instance gave this one up as dead");
        stop(r);
    }
    nf_scope_cancel(&scope);
    struct nf_err ignored;
    if (nf_scope_join(&scope, &ignored) != NF_OK)
        nf_log_debug("daemon.scope", "err", ignored.msg, NULL);
    if (built)
        leave(r);
    nf_wiring_done(&r->w);
    return rc;
}

enum nf_code nf_daemon_run(const struct nf_daemon_options *o, struct nf_daemon_config *config,
                           struct nf_err *err)
{
    struct run r = { .o = o, .w.config = config, .w.config_path = o->config_path, .w.lock = -1 };
    nf_memory_setup();
    NF_TRY(nf_loop_new(&r.w.loop, err));
    enum nf_code rc = nf_loop_run(r.w.loop, daemon_main, &r, err);
    nf_loop_free(r.w.loop);
    return rc;
}
