#include "runtime/loop.h"

#include "runtime/impl.h"

#include <signal.h>
#include <stdlib.h>

#define DELAY_EVERY_MS 200

/* --- fibers that can run ---------------------------------------------------------------------- */

static void on_idle(uv_idle_t *h)
{
    (void)h; /* its being active is all we want of it */
}

/* Only queued: the waker may be in a callback of a library that does not expect to be called. */
void nf_loop_ready(struct nf_fiber *f)
{
    assert(nf_switch_here(f->on));
    struct nf_loop *l = f->loop;
    f->next_ready = NULL;
    *l->ready_end = f;
    l->ready_end = &f->next_ready;
    uv_idle_start(&l->idle, on_idle);
}

void nf_loop_begin(struct nf_fiber *f)
{
    assert(nf_switch_here(f->on));
    struct nf_loop *l = f->loop;
    if (!l->running) {
        nf_loop_ready(f);
        return;
    }
    f->next_ready = NULL;
    *l->begun_end = f;
    l->begun_end = &f->next_ready;
}

static struct nf_fiber *take(struct nf_fiber **list, struct nf_fiber ***end)
{
    struct nf_fiber *all = *list;
    *list = NULL;
    *end = list;
    return all;
}

static void run_all(struct nf_fiber *batch)
{
    while (batch) {
        struct nf_fiber *f = batch;
        batch = f->next_ready;
        nf_fiber_run(f);
    }
}

void nf_loop_at_round_end(struct nf_loop *l, struct nf_round_end *e)
{
    e->next = l->ends;
    l->ends = e;
    uv_idle_start(&l->idle, on_idle);
}

static void end_round(struct nf_loop *l)
{
    struct nf_round_end *due = l->ends;
    l->ends = NULL;
    while (due) {
        struct nf_round_end *e = due;
        due = e->next;
        e->fn(e->arg);
    }
}

static void on_check(uv_check_t *h)
{
    struct nf_loop *l = h->data;
    l->round_ms = (int64_t)uv_now(&l->uv);

    /* Who becomes ready meanwhile runs in the next round, after I/O had its turn. Who is new begins
     * in this one: what it says first leaves together with what its parent has said. */
    l->running = true;
    run_all(take(&l->ready, &l->ready_end));
    while (l->begun)
        run_all(take(&l->begun, &l->begun_end));
    l->running = false;
    end_round(l);
    if (!l->ready && !l->ends)
        uv_idle_stop(&l->idle);
}

/* --- deadlines: one timer, and a heap of all waits that have one ------------------------------ */

static void place(struct nf_loop *l, size_t i, struct nf_fiber *f)
{
    l->heap[i] = f;
    f->heap_at = i + 1;
}

static void sift_up(struct nf_loop *l, size_t i, struct nf_fiber *f)
{
    while (i > 0 && f->due_us < l->heap[(i - 1) / 2]->due_us) {
        place(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(l, i, f);
}

static void sift_down(struct nf_loop *l, size_t i, struct nf_fiber *f)
{
    for (size_t kid; (kid = 2 * i + 1) < l->heap_n; i = kid) {
        if (kid + 1 < l->heap_n && l->heap[kid + 1]->due_us < l->heap[kid]->due_us)
            kid++;
        if (f->due_us <= l->heap[kid]->due_us)
            break;
        place(l, i, l->heap[kid]);
    }
    place(l, i, f);
}

static void on_timer(uv_timer_t *h);

static void arm(struct nf_loop *l)
{
    if (l->heap_n == 0 || (l->armed_us != 0 && l->armed_us <= l->heap[0]->due_us))
        return; /* firing too early is harmless, and cheaper than to stop it each time */
    l->armed_us = l->heap[0]->due_us;
    int64_t in_ms = (l->armed_us + 999) / 1000 - (int64_t)uv_now(&l->uv);
    uv_timer_start(&l->timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 0, 0);
}

static void on_timer(uv_timer_t *h)
{
    struct nf_loop *l = h->data;
    int64_t now = nf_mono_us();
    l->armed_us = 0;
    while (l->heap_n > 0 && l->heap[0]->due_us <= now) {
        struct nf_fiber *f = l->heap[0];
        nf_loop_timer_remove(f);
        nf_wait_wake(f->wait, NF_E_TIMEOUT);
    }
    arm(l);
}

NF_RC nf_loop_reserve_timers(struct nf_loop *l, size_t n, struct nf_err *err)
{
    if (n <= l->heap_cap)
        return NF_OK;
    size_t cap = l->heap_cap ? l->heap_cap * 2 : 64;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers it is */
    struct nf_fiber **heap = realloc(l->heap, cap * sizeof *heap);
    if (!heap)
        return nf_err_set(err, NF_E_NOMEM, "no memory for a fiber's timer");
    l->heap = heap;
    l->heap_cap = cap;
    return NF_OK;
}

void nf_loop_timer_add(struct nf_fiber *f)
{
    struct nf_loop *l = f->loop;
    assert(f->heap_at == 0 && l->heap_n < l->heap_cap);
    sift_up(l, l->heap_n++, f);
    arm(l);
}

void nf_loop_timer_remove(struct nf_fiber *f)
{
    struct nf_loop *l = f->loop;
    if (f->heap_at == 0)
        return;
    size_t i = f->heap_at - 1;
    f->heap_at = 0;
    struct nf_fiber *last = l->heap[--l->heap_n];
    if (last == f)
        return;
    if (i > 0 && last->due_us < l->heap[(i - 1) / 2]->due_us)
        sift_up(l, i, last);
    else
        sift_down(l, i, last);
}

/* --- delay ------------------------------------------------------------------------------------ */

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters) */
static void note_delay(struct nf_loop *l, int64_t now_ms, int64_t late_ms)
{
    int64_t second = now_ms / 1000;
    if (second != l->delay_second) {
        l->delay_max[1] = second == l->delay_second + 1 ? l->delay_max[0] : 0;
        l->delay_max[0] = 0;
        l->delay_second = second;
    }
    if (late_ms > l->delay_max[0])
        l->delay_max[0] = late_ms;
}

/* Just before polling: since the last poll returned, nobody's I/O was looked at. */
static void on_prepare(uv_prepare_t *h)
{
    struct nf_loop *l = h->data;
    int64_t now = nf_mono_us() / 1000;
    if (l->round_ms > 0)
        note_delay(l, now, now - l->round_ms);
}

/* Sees what rounds do not: a machine that does not let us run. */
static void on_delay(uv_timer_t *h)
{
    struct nf_loop *l = h->data;
    int64_t now = nf_mono_us() / 1000;
    if (now > l->delay_due_ms)
        note_delay(l, now, now - l->delay_due_ms);
    l->delay_due_ms = now + DELAY_EVERY_MS;
    nf_switch_pool_trim(&l->pool);
    uv_timer_start(h, on_delay, DELAY_EVERY_MS, 0);
}

int64_t nf_loop_delay_ms(const struct nf_loop *l)
{
    int64_t age = nf_mono_us() / 1000000 - l->delay_second;
    if (age > 1)
        return 0;
    return age == 1 || l->delay_max[0] > l->delay_max[1] ? l->delay_max[0] : l->delay_max[1];
}

int64_t nf_round_ms(void)
{
    const struct nf_fiber *f = nf_fiber_current();
    assert(f);
    return f->loop->round_ms;
}

/* --- life ------------------------------------------------------------------------------------- */

NF_RC nf_loop_new(struct nf_loop **ret, struct nf_err *err)
{
    struct nf_loop *l = calloc(1, sizeof *l);
    if (!l)
        return nf_err_set(err, NF_E_NOMEM, "no memory for the loop");
    int rc = uv_loop_init(&l->uv);
    if (rc != 0) {
        free(l);
        return nf_err_set(err, NF_E_INTERNAL, "event loop: %s", uv_strerror(rc));
    }
    (void)signal(SIGPIPE, SIG_IGN); /* writing to who has left is an error, not our end */
    l->ready_end = &l->ready;
    l->begun_end = &l->begun;
    l->prepare.data = l->check.data = l->timer.data = l->delay.data = l;
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->idle);
    uv_timer_init(&l->uv, &l->timer);
    uv_timer_init(&l->uv, &l->delay);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    uv_handle_t *own[5] = { (uv_handle_t *)&l->prepare, (uv_handle_t *)&l->check,
                            (uv_handle_t *)&l->idle, (uv_handle_t *)&l->timer,
                            (uv_handle_t *)&l->delay };
    for (int i = 0; i < 5; i++)
        uv_unref(own[i]);
    *ret = l;
    return NF_OK;
}

void nf_loop_free(struct nf_loop *l)
{
    if (!l)
        return;
    assert(l->fibers == 0);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->idle, NULL);
    uv_close((uv_handle_t *)&l->timer, NULL);
    uv_close((uv_handle_t *)&l->delay, NULL);

    /* Also for the close callbacks of others. A handle that is not even closing is a mistake. */
    int rc = UV_EBUSY;
    for (int i = 0; i < 10 && rc == UV_EBUSY; i++) {
        uv_run(&l->uv, UV_RUN_NOWAIT);
        rc = uv_loop_close(&l->uv);
    }
    assert(rc == 0);
    nf_switch_pool_done(&l->pool);
    free(l->heap);
    free(l);
}

struct main_call {
    struct nf_loop *loop;
    nf_fiber_fn fn;
    void *arg;
};

static enum nf_code run_main(void *arg, struct nf_err *err)
{
    struct main_call *m = arg;
    enum nf_code rc = m->fn(m->arg, err);
    uv_unref((uv_handle_t *)&m->loop->check);
    return rc;
}

NF_RC nf_loop_run(struct nf_loop *l, nf_fiber_fn main_fn, void *arg, struct nf_err *err)
{
    assert(!nf_fiber_current());
    struct main_call m = { .loop = l, .fn = main_fn, .arg = arg };
    struct nf_scope s;
    nf_scope_init(&s, l);
    NF_TRY(nf_scope_spawn(&s, run_main, &m, NULL, err));

    l->round_ms = 0;
    l->delay_due_ms = nf_mono_us() / 1000 + DELAY_EVERY_MS;
    uv_update_time(&l->uv);
    uv_timer_start(&l->delay, on_delay, DELAY_EVERY_MS, 0);
    uv_ref((uv_handle_t *)&l->check);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    uv_timer_stop(&l->delay);
    nf_switch_pool_trim(&l->pool);
    assert(s.running == 0);
    assert(l->fibers == 0); /* a scope that nobody joined */
    if (s.rc != NF_OK && err)
        *err = s.err;
    return s.rc;
}

struct uv_loop_s *nf_loop_uv(struct nf_loop *l)
{
    return &l->uv;
}
