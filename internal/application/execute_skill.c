#include "application/execute_skill.h"

#include "application/decide_approval.h"
#include "base/own.h"
#include "base/utf8.h"
#include "domain/reason.h"

#include <stdlib.h>
#include <string.h>

#define RESULT_MAX ((size_t)256 * 1024) /* bytes; what is longer is cut, and says so */
#define LOOK_AGAIN_MS 10000 /* an approval may be decided by another instance, unheard by us */

/* A call, and what was found out about its tool: copies, since the port lends only until one
 * suspends. */
struct call {
    struct nf_app *app;
    struct nf_execution *x;
    struct nf_approval_request request; /* what an approval of it is bound to */
    enum nf_approval policy;
    bool idempotent;
    struct nf_tool_outcome out;
};

static void call_done(struct call *c)
{
    nf_approval_done(&c->request);
    nf_tool_outcome_done(&c->out);
}

/* The tool failed, or we refuse to run it: that is a result. */
static void fail(struct call *c, enum nf_code rc, const char *why)
{
    size_t n = nf_utf8_cut(why, strlen(why), sizeof(c->x->why) - 1);

    while (!nf_utf8_valid(why, n))
        n--;
    c->x->rc = rc;
    memcpy(c->x->why, why, n);
    c->x->why[n] = '\0';
}

/* --- the journal ------------------------------------------------------------------------------ */

static NF_RC heard(struct call *c, enum nf_code rc)
{
    c->x->lost = c->x->lost || rc == NF_E_CONFLICT;
    return rc;
}

static NF_RC write_begin(struct call *c, struct nf_err *err)
{
    struct nf_turn_store *store = c->app->turns;

    NF_TRY(heard(c, store->ops->step_begin(store, c->x->claim, c->x->step, err)));
    c->x->in_journal = true;
    return NF_OK;
}

static NF_RC write_end(struct call *c, struct nf_err *err)
{
    struct nf_turn_store *store = c->app->turns;

    NF_TRY(heard(c, store->ops->step_end(store, c->x->claim, c->x->step, err)));
    c->x->ended = true;
    return NF_OK;
}

/* --- finding out ------------------------------------------------------------------------------ */

static NF_RC look_up(struct call *c, struct nf_err *err)
{
    const struct nf_task *step = c->x->step;
    struct nf_approval_request *r = &c->request;
    struct nf_tool_info info;

    if (!c->app->tools)
        return nf_err_set(err, NF_E_NOT_FOUND, "there is no tool '%.64s': there are none at all",
                          step->name);
    NF_TRY(nf_tools_find(c->app->tools, c->x->claim->user_id, step->name, &info, err));
    c->policy = info.approval;
    c->idempotent = info.idempotent;
    nf_utf8_copy(r->version, sizeof(r->version), info.version);
    nf_utf8_copy(r->workspace, sizeof(r->workspace), info.workspace);
    nf_utf8_copy(r->tool, sizeof(r->tool), info.name);
    return c->app->codec->check_args(info.schema, step->args, err);
}

/* Which tool it is and whether the arguments fit. */
static NF_RC prepare(struct call *c, struct nf_err *err)
{
    struct nf_approval_request *r = &c->request;
    struct nf_err why;

    r->task_id = c->x->step->id;
    r->turn_id = c->x->claim->run_id;
    r->session_id = c->x->claim->session_id;
    r->user_id = c->x->claim->user_id;
    if (!r->args)
        NF_TRY(nf_strdup(c->x->step->args ? c->x->step->args : "{}", &r->args, err));
    enum nf_code rc = look_up(c, &why);
    if (rc == NF_E_NOMEM)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        fail(c, rc, why.msg);
    return NF_OK;
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool needs_approval(const struct call *c)
{
    return c->policy == NF_APPROVAL_ALWAYS || (c->policy == NF_APPROVAL_ASK && !c->x->by_hand);
}

/* Who fills an approver's screen with questions gets no answer to any. */
static NF_RC may_ask(struct call *c, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_requests_done) struct nf_approval_requests open = { 0 };
    struct nf_approval_store *store = c->app->approvals;

    NF_TRY(store->ops->open(store, c->request.user_id, nf_app_now(c->app), 0, NF_APPROVALS_OPEN_MAX,
                            &open, err));
    if (open.n < NF_APPROVALS_OPEN_MAX)
        return NF_OK;
    fail(c, NF_E_LIMIT, NF_REASON_APPROVALS_FULL);
    return NF_OK;
}

static NF_RC ask(struct call *c, struct nf_err *err)
{
    struct nf_approval_store *store = c->app->approvals;
    struct nf_approval_request *r = &c->request;
    struct nf_task *step = c->x->step;

    NF_TRY(may_ask(c, err));
    if (c->x->rc != NF_OK)
        return NF_OK;
    r->id = nf_app_id(c->app);
    r->status = NF_APPROVAL_PENDING;
    r->created_ms = nf_app_now(c->app);
    r->expires_ms = r->created_ms + c->app->settings.approval_ttl_ms;
    NF_TRY(nf_approval_digest(c->app, r, r->hash, err));
    NF_TRY(heard(c, store->ops->ask(store, c->x->claim, r, err)));
    c->x->approval_id = r->id;
    nf_approval_tell(c->app, r);
    return nf_task_become(step, NF_TASK_WAITING_APPROVAL, r->created_ms, NULL, err);
}

/* What an earlier attempt asked: it waits on. */
static NF_RC ask_on(struct call *c, struct nf_err *err)
{
    struct nf_approval_store *store = c->app->approvals;
    NF_CLEANUP(nf_approval_done) struct nf_approval_request asked = { 0 };
    enum nf_code rc = store->ops->of_task(store, c->x->step->id, &asked, err);

    if (rc == NF_E_NOT_FOUND) {
        fail(c, NF_E_DENIED, NF_REASON_APPROVAL_LOST);
        return NF_OK;
    }
    NF_TRY(rc);
    c->request.id = c->x->approval_id = asked.id;
    return nf_approval_digest(c->app, &c->request, c->request.hash, err);
}

/* NF_OK: *ret has been decided, or its time is over. */
static NF_RC wait_for_decision(struct call *c, struct nf_approval_request *ret, struct nf_err *err)
{
    struct nf_approval_store *store = c->app->approvals;
    struct nf_bell *bell = c->app->bell;

    for (;;) {
        uint64_t heard_so_far = bell->ops->count(bell);
        nf_approval_done(ret);
        NF_TRY(store->ops->get(store, c->request.id, ret, err));
        if (ret->status != NF_APPROVAL_PENDING)
            return NF_OK;
        int64_t left = ret->expires_ms - nf_app_now(c->app);
        if (left <= 0) {
            enum nf_code rc = store->ops->close(store, ret->id, NF_APPROVAL_EXPIRED, err);
            if (rc == NF_E_CONFLICT) /* decided at the last moment */
                continue;
            ret->status = NF_APPROVAL_EXPIRED;
            return rc;
        }
        enum nf_code rc = bell->ops->wait(bell, ret->id, heard_so_far,
                                          left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS, err);
        if (rc != NF_OK && rc != NF_E_TIMEOUT)
            return rc;
    }
}

static NF_RC use(struct call *c, struct nf_err *err)
{
    struct nf_approval_store *store = c->app->approvals;
    const struct nf_approval_request *r = &c->request;
    int64_t now = nf_app_now(c->app);
    struct nf_err why;
    enum nf_code rc =
        store->ops->use(store, c->x->claim, c->x->step->id, r->id, r->hash, now, &why);

    if (rc == NF_E_DENIED) {
        fail(c, rc, why.msg);
        return NF_OK;
    }
    if (rc != NF_OK)
        return heard(c, nf_err_set(err, rc, "%s", why.msg));
    return nf_task_become(c->x->step, NF_TASK_RUNNING, now, NULL, err);
}

static NF_RC deny(struct call *c, const struct nf_approval_request *decided, struct nf_err *err)
{
    NF_CLEANUP(nf_str_done) struct nf_str why = { 0 };
    const long long s = (decided->expires_ms - decided->created_ms) / 1000;

    if (decided->status == NF_APPROVAL_EXPIRED && s % 60)
        NF_TRY(nf_str_addf(&why, err, NF_REASON_NOBODY_APPROVED_SOON, s));
    else if (decided->status == NF_APPROVAL_EXPIRED)
        NF_TRY(nf_str_addf(&why, err, NF_REASON_NOBODY_APPROVED, s / 60));
    else if (decided->reason[0])
        NF_TRY(nf_str_addf(&why, err, NF_REASON_DENIED_SAYING, decided->reason));
    else
        NF_TRY(nf_str_adds(&why, NF_REASON_DENIED, err));
    fail(c, NF_E_DENIED, nf_str_c(&why));
    return NF_OK;
}

static NF_RC act_on(struct call *c, const struct nf_approval_request *decided, struct nf_err *err)
{
    switch (decided->status) {
    case NF_APPROVAL_PENDING:
    case NF_APPROVAL_ALLOWED:
        return use(c, err);
    case NF_APPROVAL_EXPIRED:
        nf_approval_tell(c->app, decided);
        return deny(c, decided, err);
    case NF_APPROVAL_DENIED:
        return deny(c, decided, err);
    case NF_APPROVAL_CANCELLED:
    case NF_APPROVAL_USED:
        break;
    }
    fail(c, NF_E_DENIED, NF_REASON_APPROVAL_VOID);
    return NF_OK;
}

static void tell_waiting(struct call *c, bool waits)
{
    if (c->x->waiting)
        c->x->waiting(c->x->arg, waits);
}

static NF_RC permit(struct call *c, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_done) struct nf_approval_request decided = { 0 };

    if (c->x->step->status == NF_TASK_WAITING_APPROVAL)
        NF_TRY(ask_on(c, err));
    else if (needs_approval(c))
        NF_TRY(ask(c, err));
    else
        return NF_OK;
    if (c->x->rc != NF_OK)
        return NF_OK;
    tell_waiting(c, true);
    enum nf_code rc = wait_for_decision(c, &decided, err);
    tell_waiting(c, false);
    NF_TRY(rc);
    return act_on(c, &decided, err);
}

/* --- running ---------------------------------------------------------------------------------- */

static bool is_text(const struct nf_str *s)
{
    return !memchr(nf_str_c(s), '\0', s->len) && nf_utf8_valid(nf_str_c(s), s->len);
}

static NF_RC run(struct call *c, struct nf_err *err)
{
    const struct nf_tool_call call = { .user_id = c->x->claim->user_id,
                                       .session_id = c->x->claim->session_id,
                                       .task_id = c->x->step->id,
                                       .name = c->x->step->name,
                                       .version = c->request.version,
                                       .args = c->request.args,
                                       .progress = c->x->progress,
                                       .progress_arg = c->x->arg };
    struct nf_err why;
    enum nf_code rc = nf_tools_call(c->app->tools, &call, &c->out, &why);

    if (rc == NF_E_CANCELED)
        return nf_err_set(err, rc, "%s", why.msg);
    if (rc != NF_OK)
        fail(c, rc, why.msg);
    else if (!is_text(&c->out.text))
        fail(c, NF_E_INVALID, NF_REASON_NO_TEXT);
    return NF_OK;
}

/* What of a result the model gets: all, or its beginning and how much there was. */
static NF_RC cut_result(struct nf_str *out, struct nf_err *err)
{
    size_t all = out->len;

    if (all <= RESULT_MAX)
        return NF_OK;
    out->len = nf_utf8_cut(out->p, all, RESULT_MAX);
    out->p[out->len] = '\0';
    return nf_str_addf(out, err, "\n[cut here: the result has %zu bytes, more than %zu]", all,
                       RESULT_MAX);
}

/* "error: ", and why: in the tool's words, if it had more than an error holds. */
static NF_RC tell_failure(struct call *c, struct nf_err *err)
{
    const struct nf_str *words = &c->out.words;
    bool told = words->len > 0 && is_text(words);

    nf_str_reset(&c->out.text);
    return nf_str_addf(&c->out.text, err, "error: %s", told ? nf_str_c(words) : c->x->why);
}

/* Its failure is a result too: the model shall read it and act on it. */
static NF_RC conclude(struct call *c, struct nf_err *err)
{
    struct nf_task *step = c->x->step;
    bool good = c->x->rc == NF_OK;

    if (!good)
        NF_TRY(tell_failure(c, err));
    NF_TRY(cut_result(&c->out.text, err));
    free(step->result);
    step->result = NULL;
    NF_TRY(nf_strdup(nf_str_c(&c->out.text), &step->result, err));
    step->is_error = !good;
    step->worker = c->out.worker;
    memcpy(step->level, c->out.level, sizeof(step->level));
    step->wall_us = c->out.wall_us;
    step->bytes = c->out.bytes;
    NF_TRY(nf_task_become(step, good ? NF_TASK_COMPLETED : NF_TASK_FAILED, nf_app_now(c->app),
                          good ? NULL : c->x->why, err));
    return write_end(c, err);
}

/* --- after a crash ---------------------------------------------------------------------------- */

/* Nobody knows whether it had its effect, and the model is told so. */
static NF_RC give_up(struct call *c, struct nf_err *err)
{
    static const char unknown[] =
        "error: Nexflow was restarted while this ran. It is unknown whether it took effect; it was "
        "not repeated. Check before trying again.";
    struct nf_task *step = c->x->step;

    step->is_error = true;
    free(step->result);
    step->result = NULL;
    NF_TRY(nf_strdup(unknown, &step->result, err));
    NF_TRY(nf_task_become(step, NF_TASK_UNKNOWN, nf_app_now(c->app), unknown, err));
    fail(c, NF_E_UNAVAILABLE, unknown);
    return write_end(c, err);
}

/* What needs an approval and used none cannot have run. */
static NF_RC ran_unasked(struct call *c, bool *ret, struct nf_err *err)
{
    NF_CLEANUP(nf_approval_done) struct nf_approval_request asked = { 0 };
    struct nf_approval_store *store = c->app->approvals;

    *ret = !needs_approval(c);
    if (*ret)
        return NF_OK;
    enum nf_code rc = store->ops->of_task(store, c->x->step->id, &asked, err);
    *ret = rc == NF_OK && asked.status == NF_APPROVAL_USED;
    return rc == NF_E_NOT_FOUND ? NF_OK : rc;
}

/* Write down that it begins, or begins again. */
static NF_RC begin(struct call *c, struct nf_err *err)
{
    if (!c->x->in_journal)
        return write_begin(c, err);
    if (c->x->step->status == NF_TASK_WAITING_APPROVAL)
        return NF_OK;
    c->x->step->attempt++;
    return write_begin(c, err);
}

enum nf_code nf_execute_skill(struct nf_app *a, struct nf_execution *x, struct nf_err *err)
{
    NF_CLEANUP(call_done)
    struct call c = { .app = a, .x = x, .out.text.max = NF_REPLY_BYTES_MAX };
    bool ran = x->in_journal && x->step->status == NF_TASK_RUNNING;

    if (ran) {
        NF_TRY(prepare(&c, err));
        if (x->rc == NF_OK && !c.idempotent)
            NF_TRY(ran_unasked(&c, &ran, err));
        if (x->rc != NF_OK || (ran && !c.idempotent))
            return give_up(&c, err);
    }
    NF_TRY(begin(&c, err));
    NF_TRY(prepare(&c, err));
    if (x->rc == NF_OK)
        NF_TRY(permit(&c, err));
    if (x->rc == NF_OK)
        NF_TRY(run(&c, err));
    return conclude(&c, err);
}

/* --- by hand ---------------------------------------------------------------------------------- */

void nf_run_result_done(struct nf_run_result *r)
{
    nf_task_done(&r->task);
}

/* No turn takes care of a call by hand that was cancelled, or could not go on. Best effort: what is
 * not written down now is settled at the next start. */
static void end_by_force(struct nf_app *a, struct nf_execution *x, enum nf_code rc,
                         const struct nf_err *why)
{
    struct nf_err ignored;
    enum nf_task_status to = rc == NF_E_CANCELED ? NF_TASK_CANCELLED : NF_TASK_FAILED;

    if (!x->in_journal || x->ended)
        return;
    if (x->approval_id != 0 && a->approvals->ops->close(a->approvals, x->approval_id,
                                                        NF_APPROVAL_CANCELLED, &ignored) != NF_OK)
        x->approval_id = 0; /* it was decided, and nobody acts on it */
    if (!nf_task_is_final(x->step->status) &&
        nf_task_become(x->step, to, nf_app_now(a), why->msg, &ignored) != NF_OK)
        return;
    x->ended = a->turns->ops->step_end(a->turns, x->claim, x->step, &ignored) == NF_OK;
}

enum nf_code nf_run_skill(struct nf_app *a, const struct nf_user *user, const char *name,
                          const char *args, struct nf_run_result *ret, struct nf_err *err)
{
    struct nf_task *step = &ret->task;
    int64_t now = nf_app_now(a), id = nf_app_id(a);
    const struct nf_claim claim = { .user_id = user->id, .run_id = id };
    struct nf_execution x = { .claim = &claim, .step = step, .by_hand = true };

    if (a->intake_closed)
        return nf_err_set(err, NF_E_UNAVAILABLE, "Nexflow is shutting down: run it again later");
    if (user->status != NF_USER_ACTIVE)
        return nf_err_set(err, NF_E_DENIED, "this account is blocked");
    *step = (struct nf_task){ .id = id,
                              .turn_id = id,
                              .user_id = user->id,
                              .kind = NF_TASK_TOOL,
                              .status = NF_TASK_RUNNING,
                              .attempt = 1,
                              .created_ms = now,
                              .started_ms = now };
    nf_utf8_copy(step->name, sizeof(step->name), name);
    NF_TRY(nf_strdup(args, &step->args, err));
    enum nf_code rc = nf_execute_skill(a, &x, err);
    if (rc != NF_OK) {
        end_by_force(a, &x, rc, err);
        return rc;
    }
    return x.rc == NF_OK ? NF_OK : nf_err_set(err, x.rc, "%s", x.why);
}
