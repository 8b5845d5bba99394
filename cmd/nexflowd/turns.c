#include "cmd/nexflowd/turns.h"

#include "base/context.h"
#include "cmd/nexflowd/turns_internal.h"
#include "observe/log.h"

#include <stdlib.h>
#include <utlist.h>

#define FAR_MS (INT64_C(365) * 24 * 3600 * 1000) /* while a person is waited for */
#define PARK_MS 5000                             /* for parked turns to be written down */

static const struct nf_turn_runner_ops ops;

static struct nf_turns *downcast(struct nf_turn_runner *r)
{
    assert(r->ops == &ops);
    return nf_container_of(r, struct nf_turns, runner);
}

/* --- one turn --------------------------------------------------------------------------------- */

static void on_ending(struct nf_turn_control *c)
{
    struct nf_turn_job *j = nf_container_of(c, struct nf_turn_job, control);
    j->ending = true;
    nf_deadline_pop(&j->deadline);
    nf_fiber_uncancel();
}

/* The clock of the turn stands still while a person thinks about one of its calls. */
static void on_waiting(struct nf_turn_control *c, bool waits)
{
    struct nf_turn_job *j = nf_container_of(c, struct nf_turn_job, control);
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

static void report(struct nf_turn_job *j, enum nf_code rc, const struct nf_err *err,
                   int64_t took_us)
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

static void answer(struct nf_turn_job *j)
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
        nf_turns_add_orphan(t, j->claim.session_id, j->claim.fence);
    j->claim = (struct nf_claim){ 0 };
}

/* Before there is a claim: from then on the turn can be stopped. */
static void get_ready(struct nf_turn_job *j)
{
    j->control = (struct nf_turn_control){ .ending = on_ending, .waiting = on_waiting };
    j->ending = false;
}

static bool claim_next(struct nf_turn_job *j)
{
    struct nf_turns *t = j->turns;
    struct nf_err err = { 0 };
    int64_t fence = j->fence;
    get_ready(j);
    j->fence = 0;
    enum nf_code rc =
        t->draining ? NF_E_CANCELED : nf_claim_turn(t->app, j->session_id, fence, &j->claim, &err);
    if (rc == NF_OK)
        return true;
    if (rc != NF_E_NOT_FOUND && rc != NF_E_CONFLICT && !t->draining)
        nf_log_warn("turn.claim.failed", "err", err.msg, NULL);
    if (fence != 0) /* taken, and not begun */
        nf_turns_add_orphan(t, j->session_id, fence - 1);
    return false;
}

/* The session goes on with its next turn, unless somebody else waits for the place: then it takes
 * its turn among them. */
static bool goes_on(struct nf_turn_job *j)
{
    bool again = j->again || j->control.more;
    if (!again || !j->turns->more)
        return again;
    nf_turns_fetch(j->turns);
    return false;
}

static enum nf_code run_job(void *arg, struct nf_err *err)
{
    struct nf_turn_job *j = arg;
    struct nf_turns *t = j->turns;
    bool more = true;
    (void)err;

    if (j->claim.run_id != 0) {
        answer(j);
        more = goes_on(j);
    }
    while (more) {
        j->again = false;
        j->control.more = false;
        if (claim_next(j))
            answer(j);
        more = goes_on(j);
    }
    DL_DELETE(t->jobs, j);
    free(j);
    if (--t->running == 0 && !t->pulling && t->idle)
        nf_wait_wake(t->idle, NF_OK);
    nf_turns_place_freed(t);
    return NF_OK;
}

/* --- the port --------------------------------------------------------------------------------- */

enum nf_code nf_turns_spawn(struct nf_turns *t, int64_t session_id, int64_t fence,
                            const struct nf_claim *c, struct nf_err *err)
{
    struct nf_turn_job *j = calloc(1, sizeof(*j));
    if (!j)
        return nf_err_set(err, NF_E_NOMEM, "out of memory");
    j->turns = t;
    j->session_id = session_id;
    j->fence = fence;
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
    if (nf_turns_room(t) > 0) {
        if (nf_turns_spawn(t, c->session_id, 0, c, &err) == NF_OK)
            return;
        nf_log_warn("turn.delayed", "err", err.msg, NULL);
    }
    nf_turns_add_orphan(t, c->session_id, c->fence);
}

static struct nf_turn_job *job_of(const struct nf_turns *t, int64_t session_id)
{
    struct nf_turn_job *j;
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
    struct nf_turn_job *j = job_of(t, session_id);
    if (j) {
        j->again = true;
        return;
    }
    /* Over the bound it waits in the database, with the others. */
    if (t->more || nf_turns_room(t) == 0)
        nf_turns_overflow(t);
    else if (nf_turns_spawn(t, session_id, 0, NULL, &err) != NF_OK)
        nf_log_warn("turn.delayed", "err", err.msg, NULL);
}

static void turns_pull(struct nf_turn_runner *r)
{
    nf_turns_fetch(downcast(r));
}

static bool turns_has_room(const struct nf_turn_runner *r)
{
    assert(r->ops == &ops);
    const struct nf_turns *t = nf_container_of(r, const struct nf_turns, runner);
    return !t->more && nf_turns_room(t) > 0;
}

static bool turns_stop(struct nf_turn_runner *r, int64_t session_id, int64_t run_id)
{
    struct nf_turns *t = downcast(r);
    struct nf_turn_job *j;
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
                                               .pull = turns_pull,
                                               .has_room = turns_has_room,
                                               .stop = turns_stop };

/* --- upkeep and end --------------------------------------------------------------------------- */

static void wait_until_idle(struct nf_turns *t, int64_t ms)
{
    struct nf_wait w = { 0 };
    struct nf_err ignored;
    if (t->running == 0 && !t->pulling)
        return;
    t->idle = &w;
    enum nf_code rc = nf_wait(&w, ms, "turns to end", &ignored);
    t->idle = NULL;
    if (rc != NF_OK && rc != NF_E_TIMEOUT)
        nf_log_warn("turns.drain.interrupted", "err", ignored.msg, NULL);
}

void nf_turns_drain(struct nf_turns *t, int64_t grace_ms)
{
    struct nf_turn_job *j;
    struct nf_err ignored;
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
    if (nf_turns_release_orphans(t, &ignored) != NF_OK)
        nf_log_warn("upkeep.orphans.failed", "err", ignored.msg, NULL);
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
    t->claimed =
        nf_histogram("nexflow_turn_stage_seconds", "Time spent by a turn", "stage=\"claim\"");
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
    if (!t)
        return;
    assert(t->running == 0);
    nf_turns_free_orphans(t);
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
