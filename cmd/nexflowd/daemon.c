#include "cmd/nexflowd/daemon.h"

#include "application/deliver_reply.h"
#include "application/recover.h"
#include "cmd/nexflowd/memory.h"
#include "cmd/nexflowd/wiring.h"
#include "observe/log.h"
#include "runtime/signals.h"

#include <signal.h>
#include <stdio.h>

#define UPKEEP_MS 1000
#define HOUR_MS INT64_C(3600000)
#define STOP_GRACE_MS 1000 /* for requests under way, once the turns have ended */

struct run {
    const struct nf_daemon_options *o;
    struct nf_wiring w;
};

static void complain(const char *event, enum nf_code rc, const struct nf_err *err)
{
    if (rc != NF_OK && rc != NF_E_CANCELED)
        nf_log_warn(event, "err", err->msg, NULL);
}

/* Goes on for as long as we live: nothing that fails here is final. */
static enum nf_code upkeep(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    struct nf_app *a = &r->w.app;
    struct nf_err why;
    int64_t lease_at = 0, tidy_at = 0;
    struct nf_memory_upkeep memory = { 0 };

    for (;;) {
        int64_t now = nf_clock_mono_us(a->clock) / 1000;
        if (nf_turns_running(r->w.turns) > 0 && now >= lease_at) {
            complain("upkeep.lease.failed", nf_keep_leases(a, &why), &why);
            lease_at = now + a->settings.lease_ms / 3;
        }
        if (now >= tidy_at) {
            complain("upkeep.tidy.failed", nf_tidy_up(a, &why), &why);
            tidy_at = now + HOUR_MS;
        }
        complain("upkeep.orphans.failed", nf_turns_release_orphans(r->w.turns, &why), &why);
        complain("upkeep.failed", nf_keep_going(a, &why), &why);
        nf_memory_upkeep(&memory, nf_turns_running(r->w.turns));
        NF_TRY(nf_sleep(UPKEEP_MS, err));
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

static NF_RC serve_until_told(struct run *r, struct nf_err *err)
{
    static const int signums[] = { SIGTERM, SIGINT, SIGHUP };
    struct nf_signals *signals = NULL;
    int signum = 0;

    NF_TRY(nf_signals_new(r->w.loop, signums, NF_COUNT(signums), &signals, err));
    enum nf_code rc = NF_OK;
    while (rc == NF_OK) {
        rc = nf_signals_wait(signals, &signum, err);
        if (rc == NF_OK && signum == SIGHUP)
            reload(r);
        else
            break;
    }
    nf_signals_free(signals);
    return rc;
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

    NF_TRY(nf_recover(&r->w.app, &recovered, err));
    if (recovered.turns > 0 || recovered.outbox > 0)
        nf_log_info("daemon.recovered", "turns", nf_num(&turns, (long long)recovered.turns),
                    "outbox", nf_num(&outbox, recovered.outbox), NULL);
    nf_skill_wiring_begin(&r->w.skills);
    NF_TRY(nf_web_start(r->w.web, err));
    NF_TRY(nf_scope_spawn(scope, upkeep, r, NULL, err));
    NF_TRY(nf_scope_spawn(scope, nf_skill_wiring_run, &r->w.skills, NULL, err));
    return announce(r, err);
}

/* Stop intake, finish or park turns, flush the outbox, close. What does not make it in time is in
 * the database and goes on after the next start. */
static void stop(struct run *r)
{
    struct nf_err ignored;
    size_t n;
    nf_log_info("daemon.stopping", NULL);
    r->w.app.intake_closed = true;
    nf_turns_drain(r->w.turns, r->w.config->turns.shutdown_grace_ms);
    if (nf_deliver_due(&r->w.app, &n, &ignored) != NF_OK)
        nf_log_warn("daemon.outbox.left", "err", ignored.msg, NULL);
    nf_web_stop(r->w.web, STOP_GRACE_MS);
}

static enum nf_code daemon_main(void *arg, struct nf_err *err)
{
    struct run *r = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope scope;

    nf_scope_init(&scope, r->w.loop);
    enum nf_code rc = nf_wiring_build(&r->w, &scope, err);
    if (rc == NF_OK) {
        rc = start(r, &scope, err);
        if (rc == NF_OK)
            rc = serve_until_told(r, err);
        stop(r);
    }
    nf_scope_cancel(&scope);
    struct nf_err ignored;
    if (nf_scope_join(&scope, &ignored) != NF_OK)
        nf_log_debug("daemon.scope", "err", ignored.msg, NULL);
    nf_wiring_done(&r->w);
    return rc;
}

enum nf_code nf_daemon_run(const struct nf_daemon_options *o, struct nf_daemon_config *config,
                           struct nf_err *err)
{
    struct run r = { .o = o, .w.config = config };
    nf_memory_setup();
    NF_TRY(nf_loop_new(&r.w.loop, err));
    enum nf_code rc = nf_loop_run(r.w.loop, daemon_main, &r, err);
    nf_loop_free(r.w.loop);
    return rc;
}
