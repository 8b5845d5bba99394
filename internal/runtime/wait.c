/* Fibers as the scheduler sees them, and everything they wait with. */
#include "runtime/impl.h"

#include <stdatomic.h>
#include <stdlib.h>

static _Thread_local struct nf_fiber *current;

struct nf_fiber *nf_fiber_current(void)
{
    return current;
}

/* --- running ---------------------------------------------------------------------------------- */

/* On the loop's stack. The log context and `current` are set on the fiber's side: with the thread
 * backend they are another thread's. */
void nf_fiber_run(struct nf_fiber *f)
{
    const struct nf_context *context = nf_context_swap(NULL);
    nf_switch_enter(f->on);
    nf_context_swap(context);
    if (f->ended)
        nf_fiber_free(f);
}

void nf_fiber_entry(void *fiber)
{
    struct nf_fiber *f = fiber;
    struct nf_err err = { .code = NF_OK };
    current = f;
    nf_context_swap(f->context);
    enum nf_code rc = f->fn(f->arg, &err);
    nf_context_swap(NULL);
    current = NULL;
    nf_scope_child_ended(f, rc, &err);
    nf_switch_exit(f->on);
}

static void suspend(struct nf_fiber *f)
{
    f->context = nf_context_swap(NULL);
    current = NULL;
    nf_switch_leave(f->on);
    current = f;
    nf_context_swap(f->context);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static enum nf_code wait_end(const struct nf_wait *w, const char *what, struct nf_err *err)
{
    switch (w->rc) {
    case NF_OK:
        return NF_OK;
    case NF_E_TIMEOUT:
        return nf_err_set(err, w->rc, "%s: time is up", what);
    case NF_E_CANCELED:
        return nf_err_set(err, w->rc, "%s: cancelled", what);
    default:
        return nf_err_set(err, w->rc, "%s: %s", what, nf_code_name(w->rc));
    }
}

static void suspend_in(struct nf_fiber *f, struct nf_wait *w)
{
    f->wait = w;
    w->fiber = f;
    suspend(f);
    assert(w->woken);
    w->fiber = NULL;
    f->wait = NULL;
}

static void suspend_until(struct nf_fiber *f, struct nf_wait *w, int64_t due_us)
{
    f->due_us = due_us;
    nf_loop_timer_add(f);
    suspend_in(f, w);
    nf_loop_timer_remove(f);
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us == 0 || b_us == 0)
        return a_us == 0 ? b_us : a_us;
    return a_us < b_us ? a_us : b_us;
}

/* Far ahead is never; it also keeps the sum from overflowing. */
static int64_t after_ms(int64_t now_us, int64_t ms)
{
    const int64_t year_ms = INT64_C(366) * 24 * 3600 * 1000;
    return now_us + (ms < year_ms ? ms : year_ms) * 1000;
}

static void wait_until_due(struct nf_fiber *f, struct nf_wait *w, int64_t timeout_ms)
{
    int64_t now = nf_mono_us();
    int64_t due = earlier(timeout_ms < 0 ? 0 : after_ms(now, timeout_ms), f->deadline_us);
    if (due <= now)
        nf_wait_wake(w, NF_E_TIMEOUT);
    else
        suspend_until(f, w, due);
}

NF_RC nf_wait(struct nf_wait *w, int64_t timeout_ms, const char *what, struct nf_err *err)
{
    struct nf_fiber *f = current;
    assert(f && !w->fiber);
    if (!w->woken && f->canceled != NF_OK)
        nf_wait_wake(w, f->canceled);
    if (!w->woken && timeout_ms < 0 && f->deadline_us == 0)
        suspend_in(f, w);
    if (!w->woken)
        wait_until_due(f, w, timeout_ms);
    return wait_end(w, what, err);
}

enum nf_code nf_wait_uninterruptible(struct nf_wait *w)
{
    struct nf_fiber *f = current;
    assert(f && !w->fiber);
    if (!w->woken) {
        f->uninterruptible = true;
        suspend_in(f, w);
        f->uninterruptible = false;
    }
    return w->rc;
}

void nf_wait_wake(struct nf_wait *w, enum nf_code rc)
{
    if (w->woken)
        return;
    w->woken = true;
    w->rc = rc;
    if (w->fiber)
        nf_loop_ready(w->fiber);
}

NF_RC nf_sleep(int64_t ms, struct nf_err *err)
{
    struct nf_fiber *f = current;
    assert(f);
    if (ms <= 0)
        return nf_yield(err);
    NF_TRY(nf_fiber_check("sleep", err));
    struct nf_wait w = { 0 };
    int64_t due = after_ms(nf_mono_us(), ms);
    bool whole = f->deadline_us == 0 || due <= f->deadline_us;

    /* Also if it is over by now: who sleeps lets others run. */
    suspend_until(f, &w, earlier(due, f->deadline_us));
    if (w.rc == NF_E_TIMEOUT && whole && f->canceled == NF_OK)
        return NF_OK;
    return wait_end(&w, "sleep", err);
}

NF_RC nf_yield(struct nf_err *err)
{
    struct nf_fiber *f = current;
    assert(f);
    struct nf_wait w = { 0 };
    NF_TRY(nf_fiber_check("yield", err));
    w.fiber = f;
    nf_wait_wake(&w, NF_OK);
    suspend_in(f, &w);
    return NF_OK;
}

void nf_fiber_trim(void)
{
    assert(current);
    nf_switch_trim(current->on);
}

/* --- cancelling, deadlines -------------------------------------------------------------------- */

void nf_fiber_cancel(struct nf_fiber *f, enum nf_code code)
{
    assert(code != NF_OK);
    if (f->canceled == NF_OK)
        f->canceled = code;
    if (f->wait && !f->uninterruptible)
        nf_wait_wake(f->wait, f->canceled);
}

enum nf_code nf_fiber_cancelled(void)
{
    assert(current);
    return current->canceled;
}

NF_RC nf_fiber_check(const char *what, struct nf_err *err)
{
    struct nf_fiber *f = current;
    assert(f);
    struct nf_wait w = { .rc = f->canceled };
    if (w.rc == NF_OK && f->deadline_us != 0 && f->deadline_us <= nf_mono_us())
        w.rc = NF_E_TIMEOUT;
    return wait_end(&w, what, err);
}

void nf_fiber_uncancel(void)
{
    assert(current);
    current->canceled = NF_OK;
}

void nf_deadline_push_at(struct nf_deadline *d, int64_t at_us)
{
    assert(current && at_us > 0);
    d->outer_us = current->deadline_us;
    current->deadline_us = earlier(at_us, d->outer_us);
}

void nf_deadline_push(struct nf_deadline *d, int64_t ms)
{
    nf_deadline_push_at(d, after_ms(nf_mono_us(), ms < 0 ? 0 : ms));
}

void nf_deadline_pop(struct nf_deadline *d)
{
    assert(current);
    current->deadline_us = d->outer_us;
}

void nf_fiber_move_deadline(struct nf_fiber *f, int64_t ms)
{
    int64_t before = f->deadline_us;
    if (before == 0)
        return;
    f->deadline_us = before + ms * 1000;
    /* Waits that end before it for a reason of their own stay. */
    if (f->heap_at == 0 || f->due_us < before)
        return;
    nf_loop_timer_remove(f);
    f->due_us = f->deadline_us;
    nf_loop_timer_add(f);
}
