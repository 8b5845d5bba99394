#include "cmd/nexflowd/turns.h"

#include "application/answer_turn.h"
#include "base/context.h"
#include "observe/log.h"
#include "observe/metrics.h"

#include <stdlib.h>
#include <utlist.h>

#define FAR_MS (INT64_C(365) * 24 * 3600 * 1000) /* while a person is waited for */
#define PARK_MS 5000                             /* for parked turns to be written down */

/* A fiber that works on one session. */
struct job {
    struct nf_turns *turns;
    struct nf_fiber *fiber;
    int64_t session_id;
    struct nf_claim claim; /* run_id 0: none yet */
    struct nf_turn_control control;
    struct nf_deadline deadline;
    size_t waiting; /* calls of it that wait for a person: its time does not run */
    int64_t waits_since_us;
    bool ending; /* the turn's end is being written: too late to stop it */
    bool again;  /* something came in meanwhile: look once more */
    struct job *prev, *next;
};

/* A claim that nobody works on. */
struct orphan {
    struct nf_claim claim;
    struct orphan *next;
};

struct nf_turns {
    struct nf_turn_runner runner;
    struct nf_app *app;
    struct nf_scope *scope;
    size_t turns_max, running;
    size_t waiting; /* of the running: those that wait for a person do not count for the bound */
    struct job *jobs;
    struct orphan *orphans;
    bool draining;
    struct nf_wait *idle; /* the drain waits for running == 0 */
    struct nf_metric *ended[NF_TASK_UNKNOWN + 1];
    struct nf_metric *waited, *took;
};

static const struct nf_turn_runner_ops ops;

static struct nf_turns *downcast(struct nf_turn_runner *r)
{
    assert(r->ops == &ops);
    return nf_container_of(r, struct nf_turns, runner);
}

static void add_orphan(struct nf_turns *t, const struct nf_claim *c)
{
    struct orphan *o = calloc(1, sizeof(*o));
    if (!o) { /* the next start releases it */
        nf_log_error("turn.orphaned", "err", "out of memory", NULL);
        return;
    }
    o->claim = *c;
    LL_PREPEND(t->orphans, o);
}

/* --- one turn
 * -------------------------------------------------------------------------------------- */

static void on_ending(struct nf_turn_control *c)
{
    struct job *j = nf_container_of(c, struct job, control);
    j->ending = true;
    nf_deadline_pop(&j->deadline);
    nf_fiber_uncancel();
}

/* The clock of the turn stands still while a person thinks about one of its calls. */
static void on_waiting(struct nf_turn_control *c, bool waits)
{
    struct job *j = nf_container_of(c, struct job, control);
    int64_t now_us = nf_clock_mono_us(j->turns->app->clock);
    if (waits && j->waiting++ == 0) {
        j->waits_since_us = now_us;
        j->turns->waiting++;
        nf_fiber_move_deadline(j->fiber, FAR_MS);
    } else if (!waits && --j->waiting == 0) {
        j->turns->waiting--;
        nf_fiber_move_deadline(j->fiber, (now_us - j->waits_since_us) / 1000 - FAR_MS);
    }
}

static void report(struct job *j, enum nf_code rc, const struct nf_err *err, int64_t took_us)
{
    struct nf_turns *t = j->turns;
    struct nf_num_buf ms;
    nf_metric_observe_us(t->took, took_us);
    if (j->control.status != 0)
        nf_metric_add(t->ended[j->control.status], 1);
    if (rc == NF_OK)
        nf_log_info("turn.ended", "status",
                    j->control.status ? nf_task_status_name(j->control.status) : "parked", "ms",
                    nf_num(&ms, took_us / 1000), NULL);
    else
        nf_log_error("turn.unwritten", "err", err->msg, NULL);
}

static void answer(struct job *j)
{
    struct nf_turns *t = j->turns;
    struct nf_app *a = t->app;
    struct nf_err err = { 0 };
    struct nf_id_text session = nf_id_to_text(j->claim.session_id);
    struct nf_id_text run = nf_id_to_text(j->claim.run_id);
    NF_CLEANUP(nf_context_pop) struct nf_context session_context;
    NF_CLEANUP(nf_context_pop) struct nf_context run_context;

    nf_context_push(&session_context, "session", session.s);
    nf_context_push(&run_context, "run", run.s);
    int64_t waited_ms = nf_app_now(a) - nf_id_time_ms(j->claim.run_id);
    nf_metric_observe_us(t->waited, waited_ms > 0 ? waited_ms * 1000 : 0);

    int64_t begun = nf_clock_mono_us(a->clock);
    if (t->draining) /* claimed before the door was closed */
        j->control.end = NF_TURN_PARKED;
    nf_deadline_push(&j->deadline, a->settings.turn_timeout_ms);
    enum nf_code rc = nf_answer_turn(a, &j->claim, &j->control, &err);
    if (!j->ending) {
        nf_deadline_pop(&j->deadline);
        nf_fiber_uncancel();
    }
    report(j, rc, &err, nf_clock_mono_us(a->clock) - begun);
    /* Without an outcome the session is still ours; unless somebody else has it, free it later. */
    if (rc != NF_OK && rc != NF_E_CONFLICT && j->control.status == 0)
        add_orphan(t, &j->claim);
    j->claim = (struct nf_claim){ 0 };
}

/* Before there is a claim: from then on the turn can be stopped. */
static void get_ready(struct job *j)
{
    j->control = (struct nf_turn_control){ .ending = on_ending, .waiting = on_waiting };
    j->ending = false;
}

static bool claim_next(struct job *j)
{
    struct nf_err err;
    get_ready(j);
    if (j->turns->draining)
        return false;
    enum nf_code rc = nf_claim_turn(j->turns->app, j->session_id, &j->claim, &err);
    if (rc != NF_OK && rc != NF_E_NOT_FOUND && rc != NF_E_CONFLICT)
        nf_log_warn("turn.claim.failed", "err", err.msg, NULL);
    return rc == NF_OK;
}

static enum nf_code run_job(void *arg, struct nf_err *err)
{
    struct job *j = arg;
    struct nf_turns *t = j->turns;
    (void)err;

    if (j->claim.run_id != 0) {
        answer(j);
        j->again = j->again || j->control.more;
    } else {
        j->again = true;
    }
    while (j->again) {
        j->again = false;
        if (claim_next(j)) {
            answer(j);
            j->again = j->again || j->control.more;
        }
    }
    DL_DELETE(t->jobs, j);
    if (--t->running == 0 && t->idle)
        nf_wait_wake(t->idle, NF_OK);
    free(j);
    return NF_OK;
}

/* --- the port
 * -------------------------------------------------------------------------------------- */

static NF_RC spawn(struct nf_turns *t, int64_t session_id, const struct nf_claim *c,
                   struct nf_err *err)
{
    struct job *j = calloc(1, sizeof(*j));
    if (!j)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    j->turns = t;
    j->session_id = session_id;
    get_ready(j);
    if (c)
        j->claim = *c;
    enum nf_code rc = nf_scope_spawn(t->scope, run_job, j, &j->fiber, err);
    if (rc != NF_OK) {
        free(j);
        return rc;
    }
    DL_APPEND(t->jobs, j);
    t->running++;
    return NF_OK;
}

static void turns_start(struct nf_turn_runner *r, const struct nf_claim *c)
{
    struct nf_turns *t = downcast(r);
    struct nf_err err;
    /* Over the bound it goes back to the others that wait. */
    if (t->running - t->waiting < t->turns_max) {
        if (spawn(t, c->session_id, c, &err) == NF_OK)
            return;
        nf_log_warn("turn.delayed", "err", err.msg, NULL);
    }
    add_orphan(t, c);
}

static struct job *job_of(const struct nf_turns *t, int64_t session_id)
{
    struct job *j;
    DL_FOREACH(t->jobs, j)
    {
        if (j->session_id == session_id)
            return j;
    }
    return NULL;
}

static void turns_wake(struct nf_turn_runner *r, int64_t session_id)
{
    struct nf_turns *t = downcast(r);
    struct nf_err err;
    struct job *j = job_of(t, session_id);
    if (j) {
        j->again = true;
        return;
    }
    /* Over the bound it waits in the database; nf_keep_going wakes it again. */
    if (t->draining || t->running - t->waiting >= t->turns_max)
        return;
    if (spawn(t, session_id, NULL, &err) != NF_OK)
        nf_log_warn("turn.delayed", "err", err.msg, NULL);
}

static bool turns_stop(struct nf_turn_runner *r, int64_t session_id, int64_t run_id)
{
    struct nf_turns *t = downcast(r);
    struct job *j;
    DL_FOREACH(t->jobs, j)
    {
        if (j->session_id != session_id || j->claim.run_id == 0 || j->ending ||
            (run_id != 0 && j->claim.run_id != run_id))
            continue;
        j->control.end = NF_TURN_STOPPED;
        nf_fiber_cancel(j->fiber, NF_E_CANCELED);
        return true;
    }
    return false;
}

static const struct nf_turn_runner_ops ops = { .start = turns_start,
                                               .wake = turns_wake,
                                               .stop = turns_stop };

/* --- upkeep and end
 * -------------------------------------------------------------------------------- */

enum nf_code nf_turns_release_orphans(struct nf_turns *t, struct nf_err *err)
{
    while (t->orphans) {
        struct orphan *o = t->orphans;
        struct nf_turn_store *store = t->app->turns;
        enum nf_code rc = store->ops->park(store, &o->claim, nf_app_now(t->app), err);
        if (rc != NF_OK && rc != NF_E_CONFLICT && rc != NF_E_NOT_FOUND)
            return rc;
        LL_DELETE(t->orphans, o);
        turns_wake(&t->runner, o->claim.session_id);
        free(o);
    }
    return NF_OK;
}

static void wait_until_idle(struct nf_turns *t, int64_t ms)
{
    struct nf_wait w = { 0 };
    struct nf_err ignored;
    if (t->running == 0)
        return;
    t->idle = &w;
    enum nf_code rc = nf_wait(&w, ms, "turns to end", &ignored);
    t->idle = NULL;
    if (rc != NF_OK && rc != NF_E_TIMEOUT)
        nf_log_warn("turns.drain.interrupted", "err", ignored.msg, NULL);
}

void nf_turns_drain(struct nf_turns *t, int64_t grace_ms)
{
    struct job *j;
    t->draining = true;
    wait_until_idle(t, grace_ms);
    DL_FOREACH(t->jobs, j)
    {
        if (j->ending)
            continue;
        j->control.end = NF_TURN_PARKED;
        nf_fiber_cancel(j->fiber, NF_E_CANCELED);
    }
    wait_until_idle(t, PARK_MS);
}

static double count_waiting(void *arg)
{
    const struct nf_turns *t = arg;
    return (double)t->waiting;
}

static double count_running(void *arg)
{
    const struct nf_turns *t = arg;
    return (double)t->running;
}

static void register_metrics(struct nf_turns *t)
{
    static const char help[] = "Turns that ended";
    t->ended[NF_TASK_COMPLETED] = nf_counter("nexflow_turns_total", help, "status=\"completed\"");
    t->ended[NF_TASK_FAILED] = nf_counter("nexflow_turns_total", help, "status=\"failed\"");
    t->ended[NF_TASK_CANCELLED] = nf_counter("nexflow_turns_total", help, "status=\"cancelled\"");
    t->waited =
        nf_histogram("nexflow_turn_stage_seconds", "Time spent by a turn", "stage=\"queue\"");
    t->took =
        nf_histogram("nexflow_turn_stage_seconds", "Time spent by a turn", "stage=\"answer\"");
    nf_gauge_fn("nexflow_turns_running", "Turns under way", NULL, count_running, t);
    nf_gauge_fn("nexflow_turns_waiting_approval", "Turns under way that wait for a person", NULL,
                count_waiting, t);
}

enum nf_code nf_turns_new(struct nf_app *a, struct nf_scope *scope, size_t turns_max,
                          struct nf_turns **ret, struct nf_err *err)
{
    struct nf_turns *t = calloc(1, sizeof(*t));
    if (!t)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    t->runner.ops = &ops;
    t->app = a;
    t->scope = scope;
    t->turns_max = turns_max;
    register_metrics(t);
    *ret = t;
    return NF_OK;
}

void nf_turns_free(struct nf_turns *t)
{
    struct orphan *o, *next;
    if (!t)
        return;
    assert(t->running == 0);
    LL_FOREACH_SAFE(t->orphans, o, next)
    {
        free(o);
    }
    free(t);
}

struct nf_turn_runner *nf_turns_runner(struct nf_turns *t)
{
    return &t->runner;
}

size_t nf_turns_running(const struct nf_turns *t)
{
    return t->running;
}
