/* Fibers: starting, waiting, cancelling, deadlines, and what their stacks cost. */
#include "runtime/fiber.h"

#include "base/context.h"
#include "tests/support/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct nf_loop *loop;
static struct nf_err err;
static struct nf_wait gate; /* for whoever waits for something that nobody does */
static char seen[64];       /* letters, in the order in which things happened */

static int setup(void **state)
{
    (void)state;
    gate = (struct nf_wait){ 0 };
    seen[0] = '\0';
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nf_fail_alloc_at(0);
    nf_loop_free(loop);
    loop = NULL;
    return 0;
}

static int64_t now_us(void)
{
    return nf_clock_mono_us(nf_system_clock());
}

static void see(char letter)
{
    size_t n = strlen(seen);
    assert_true(n + 1 < sizeof seen);
    seen[n] = letter;
    seen[n + 1] = '\0';
}

static enum nf_code run(nf_fiber_fn fn, void *arg)
{
    return nf_loop_run(loop, fn, arg, &err);
}

static bool under_valgrind(void)
{
    return getenv("NF_UNDER_VALGRIND") != NULL;
}

/* --- starting --------------------------------------------------------------------------------- */

static enum nf_code fail_with(void *arg, struct nf_err *e)
{
    enum nf_code rc = *(enum nf_code *)arg;
    return rc == NF_OK ? NF_OK : nf_err_set(e, rc, "as told");
}

static void the_outcome_of_the_main_fiber_is_that_of_the_loop(void **state)
{
    (void)state;
    enum nf_code ok = NF_OK, bad = NF_E_DENIED;

    assert_ok(run(fail_with, &ok), &err);
    assert_code(run(fail_with, &bad), NF_E_DENIED);

    assert_string_equal(err.msg, "as told");
    assert_null(nf_fiber_current());
}

static enum nf_code see_it(void *arg, struct nf_err *e)
{
    (void)e;
    see(*(char *)arg);
    return NF_OK;
}

static enum nf_code spawn_and_see(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, see_it, "b", NULL, e));
    NF_TRY(nf_scope_spawn(&s, see_it, "c", NULL, e));
    see('a');
    NF_TRY(nf_scope_join(&s, e));
    see('d');
    return NF_OK;
}

static void a_child_begins_after_its_parent_waits(void **state)
{
    (void)state;

    assert_ok(run(spawn_and_see, NULL), &err);

    assert_string_equal(seen, "abcd");
}

static enum nf_code wait_at_gate(void *arg, struct nf_err *e)
{
    (void)arg;
    enum nf_code rc = nf_wait(&gate, -1, "the gate", e);
    if (rc == NF_OK)
        see('o');
    if (rc == NF_E_TIMEOUT)
        see('t');
    return rc;
}

static enum nf_code wake_and_see(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, wait_at_gate, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    nf_wait_wake(&gate, NF_OK);
    nf_wait_wake(&gate, NF_E_IO);
    see('a');
    return nf_scope_join(&s, e);
}

static void a_woken_fiber_runs_later_and_the_first_wake_counts(void **state)
{
    (void)state;

    assert_ok(run(wake_and_see, NULL), &err);

    assert_string_equal(seen, "ao");
}

static enum nf_code wait_after_the_wake(void *arg, struct nf_err *e)
{
    (void)arg;
    nf_wait_wake(&gate, NF_E_IO);
    return nf_wait(&gate, 0, "the gate", e);
}

static void a_wait_that_was_woken_before_returns_at_once(void **state)
{
    (void)state;

    assert_code(run(wait_after_the_wake, NULL), NF_E_IO);

    assert_string_equal(err.msg, "the gate: io");
}

/* --- time ------------------------------------------------------------------------------------- */

static enum nf_code sleep_some(void *arg, struct nf_err *e)
{
    return nf_sleep(*(int *)arg, e);
}

static void sleeping_takes_as_long_as_asked(void **state)
{
    (void)state;
    int ms = 30;
    int64_t from = now_us();

    assert_ok(run(sleep_some, &ms), &err);

    assert_true(now_us() - from >= 30000);
}

static enum nf_code wait_for_20_ms(void *arg, struct nf_err *e)
{
    (void)arg;
    return nf_wait(&gate, 20, "the gate", e);
}

static void a_wait_ends_with_its_timeout(void **state)
{
    (void)state;
    int64_t from = now_us();

    assert_code(run(wait_for_20_ms, NULL), NF_E_TIMEOUT);

    assert_true(now_us() - from >= 20000);
    assert_string_equal(err.msg, "the gate: time is up");
}

static int64_t delays[300], order[300];
static size_t order_n;

static enum nf_code sleep_and_note(void *arg, struct nf_err *e)
{
    int64_t ms = *(int64_t *)arg, from = now_us();
    NF_TRY(nf_sleep(ms, e));
    assert_true(now_us() - from >= ms * 1000);
    order[order_n++] = ms;
    return NF_OK;
}

static enum nf_code sleep_all(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    unsigned seed = 1;
    for (int i = 0; i < 300; i++) {
        seed = seed * 1103515245 + 12345;
        /* 20 ms apart, so that a slow start of one does not change the order. */
        delays[i] = 100 + 20 * ((seed >> 16) % 20);
        NF_TRY(nf_scope_spawn(&s, sleep_and_note, &delays[i], NULL, e));
    }
    return nf_scope_join(&s, e);
}

static void hundreds_of_sleepers_wake_in_the_order_of_their_times(void **state)
{
    (void)state;
    order_n = 0;

    assert_ok(run(sleep_all, NULL), &err);

    assert_int_equal(order_n, 300);
    for (size_t i = 1; i < order_n && !under_valgrind() && !SANITIZED; i++)
        assert_true(order[i - 1] <= order[i]);
}

static enum nf_code nest_deadlines(void *arg, struct nf_err *e)
{
    (void)arg;
    int64_t from = now_us();
    struct nf_deadline outer, later, earlier;
    nf_deadline_push(&outer, 500);

    nf_deadline_push(&later, 10000);
    nf_deadline_push(&earlier, 10);
    assert_code(nf_sleep(5000, e), NF_E_TIMEOUT);
    assert_true(now_us() - from < 500000);
    assert_code(nf_yield(e), NF_E_TIMEOUT);
    nf_deadline_pop(&earlier);
    assert_ok(nf_sleep(1, e), e);
    assert_code(nf_sleep(5000, e), NF_E_TIMEOUT);
    nf_deadline_pop(&later);
    nf_deadline_pop(&outer);

    assert_true(now_us() - from >= 500000);
    assert_true(now_us() - from < 5000000);
    return nf_sleep(1, e);
}

static void of_nested_deadlines_the_earlier_one_holds(void **state)
{
    (void)state;

    assert_ok(run(nest_deadlines, NULL), &err);
}

static struct nf_fiber *waiter;
static enum nf_code waiter_rc;

static enum nf_code wait_with_a_deadline(void *arg, struct nf_err *e)
{
    const int64_t *ms = arg;
    struct nf_deadline d;
    nf_deadline_push(&d, *ms);
    waiter_rc = nf_wait(&gate, -1, "gate", e);
    nf_deadline_pop(&d);
    return NF_OK;
}

/* The deadline of one that waits moves by `by` ms; then, 100 ms later, it is let through. */
static enum nf_code move_a_deadline(int64_t ms, int64_t by, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    gate = (struct nf_wait){ 0 };
    NF_TRY(nf_scope_spawn(&s, wait_with_a_deadline, &ms, &waiter, e));
    NF_TRY(nf_yield(e));
    NF_TRY(nf_yield(e));
    nf_fiber_move_deadline(waiter, by);
    NF_TRY(nf_sleep(100, e));
    nf_wait_wake(&gate, NF_OK);
    return nf_scope_join(&s, e);
}

static enum nf_code move_deadlines(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_TRY(move_a_deadline(50, 60000, e));
    assert_code(waiter_rc, NF_OK);
    NF_TRY(move_a_deadline(60000, -60000, e));
    assert_code(waiter_rc, NF_E_TIMEOUT);
    nf_fiber_move_deadline(nf_fiber_current(), 5); /* it has none: nothing happens */
    return nf_sleep(10, e);
}

static void a_deadline_can_be_moved_while_it_is_waited_for(void **state)
{
    (void)state;

    assert_ok(run(move_deadlines, NULL), &err);
}

static enum nf_code hand_down_a_deadline(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_scope_init(&s, loop);
    nf_deadline_push(&d, 30);
    NF_TRY(nf_scope_spawn(&s, wait_at_gate, NULL, NULL, e));
    return nf_scope_join(&s, e);
}

static void a_child_inherits_the_deadline(void **state)
{
    (void)state;

    assert_code(run(hand_down_a_deadline, NULL), NF_E_TIMEOUT);

    assert_string_equal(seen, "t");
}

/* --- cancelling ------------------------------------------------------------------------------- */

static struct nf_chan *chan;

static enum nf_code in_sleep(void *arg, struct nf_err *e)
{
    (void)arg;
    return nf_sleep(60000, e);
}

static enum nf_code in_yield(void *arg, struct nf_err *e)
{
    (void)arg;
    for (;;)
        NF_TRY(nf_yield(e));
}

static enum nf_code in_wait(void *arg, struct nf_err *e)
{
    (void)arg;
    struct nf_wait w = { 0 };
    return nf_wait(&w, 60000, "nothing", e);
}

static enum nf_code in_send(void *arg, struct nf_err *e)
{
    (void)arg;
    for (;;)
        NF_TRY(nf_chan_send(chan, NULL, e));
}

static enum nf_code in_recv(void *arg, struct nf_err *e)
{
    (void)arg;
    void *item;
    for (;;)
        NF_TRY(nf_chan_recv(chan, &item, e));
}

static enum nf_code in_join(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, in_sleep, NULL, NULL, e));
    return nf_scope_join(&s, e);
}

struct cancelled {
    nf_fiber_fn fn;
    enum nf_code with;
    int64_t after_ms; /* < 0: before it began */
};

static enum nf_code cancel_a_child(void *arg, struct nf_err *e)
{
    const struct cancelled *c = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct nf_fiber *f;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, c->fn, NULL, &f, e));
    if (c->after_ms >= 0)
        NF_TRY(nf_sleep(c->after_ms, e));
    nf_fiber_cancel(f, c->with);
    nf_fiber_cancel(f, NF_E_INTERNAL); /* too late to matter */
    return nf_scope_join(&s, e);
}

static void a_cancel_ends_every_kind_of_wait(void **state)
{
    (void)state;
    const nf_fiber_fn waits[] = { in_sleep, in_yield, in_wait, in_send, in_recv, in_join };
    int64_t from = now_us();
    assert_ok(nf_chan_new(3, &chan, &err), &err);

    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        for (int64_t after = -1; after <= 5; after += 3) {
            struct cancelled c = { .fn = waits[i], .with = NF_E_CANCELED, .after_ms = after };
            assert_code(run(cancel_a_child, &c), NF_E_CANCELED);
            void *item;
            while (nf_chan_count(chan) > 0)
                assert_ok(nf_chan_recv(chan, &item, &err), &err);
        }
    }

    nf_chan_free(chan);
    assert_true(now_us() - from < 30000000);
}

static void a_cancel_may_bring_a_better_code(void **state)
{
    (void)state;
    struct cancelled c = { .fn = in_sleep, .with = NF_E_UNAVAILABLE, .after_ms = 2 };

    assert_code(run(cancel_a_child, &c), NF_E_UNAVAILABLE);

    c.with = NF_E_TIMEOUT;
    assert_code(run(cancel_a_child, &c), NF_E_TIMEOUT);
}

static enum nf_code outlive_a_cancel(void *arg, struct nf_err *e)
{
    (void)arg;
    assert_code(nf_fiber_cancelled(), NF_OK);
    assert_code(nf_sleep(60000, e), NF_E_CANCELED);
    assert_code(nf_fiber_cancelled(), NF_E_CANCELED);
    assert_code(nf_sleep(1, e), NF_E_CANCELED);
    assert_code(nf_yield(e), NF_E_CANCELED);
    nf_fiber_uncancel();
    return nf_sleep(1, e);
}

static void a_cancelled_fiber_waits_again_only_when_it_says_so(void **state)
{
    (void)state;
    struct cancelled c = { .fn = outlive_a_cancel, .with = NF_E_CANCELED, .after_ms = 2 };

    assert_ok(run(cancel_a_child, &c), &err);
}

static struct nf_wait firm;

static enum nf_code wait_firmly(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_deadline_push(&d, 5);
    enum nf_code rc = nf_wait_uninterruptible(&firm);
    see('w');
    assert_code(rc, NF_E_CONFLICT);
    return nf_sleep(1, e);
}

static enum nf_code wake_the_firm(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    firm = (struct nf_wait){ 0 };
    NF_TRY(nf_scope_spawn(&s, wait_firmly, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    nf_scope_cancel(&s);
    NF_TRY(nf_sleep(20, e));
    see('a');
    nf_wait_wake(&firm, NF_E_CONFLICT);
    return nf_scope_join(&s, e);
}

static void an_uninterruptible_wait_outlasts_cancel_and_deadline(void **state)
{
    (void)state;

    assert_code(run(wake_the_firm, NULL), NF_E_CANCELED);

    assert_string_equal(seen, "aw");
}

/* --- scopes ----------------------------------------------------------------------------------- */

static enum nf_code sleep_then_see(void *arg, struct nf_err *e)
{
    NF_TRY(nf_sleep(20, e));
    see(*(char *)arg);
    return NF_OK;
}

static enum nf_code join_a_failing_child(void *arg, struct nf_err *e)
{
    (void)arg;
    static enum nf_code first = NF_E_DENIED, second = NF_E_IO;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, sleep_then_see, "a", NULL, e));
    NF_TRY(nf_scope_spawn(&s, fail_with, &first, NULL, e));
    NF_TRY(nf_scope_spawn(&s, fail_with, &second, NULL, e));
    enum nf_code rc = nf_scope_join(&s, e);
    see('b');
    return rc;
}

static void a_join_waits_for_all_and_tells_the_first_failure(void **state)
{
    (void)state;

    assert_code(run(join_a_failing_child, NULL), NF_E_DENIED);

    assert_string_equal(err.msg, "as told");
    assert_string_equal(seen, "ab");
}

static enum nf_code end_slowly(void *arg, struct nf_err *e)
{
    (void)arg;
    enum nf_code rc = nf_sleep(60000, e);
    nf_fiber_uncancel();
    struct nf_err ignored;
    if (nf_sleep(20, &ignored) == NF_OK)
        see('s');
    return rc;
}

static enum nf_code join_slow_child(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, end_slowly, NULL, NULL, e));
    enum nf_code rc = nf_scope_join(&s, e);
    see('j');
    return rc;
}

static void a_cancelled_parent_cancels_its_children_and_waits_for_them(void **state)
{
    (void)state;
    struct cancelled c = { .fn = join_slow_child, .with = NF_E_UNAVAILABLE, .after_ms = 5 };

    assert_code(run(cancel_a_child, &c), NF_E_UNAVAILABLE);

    assert_string_equal(seen, "sj");
}

static enum nf_code abandon_children(void *arg, struct nf_err *e)
{
    (void)arg;
    {
        NF_CLEANUP(nf_scope_done) struct nf_scope s;
        nf_scope_init(&s, loop);
        NF_TRY(nf_scope_spawn(&s, end_slowly, NULL, NULL, e));
        NF_TRY(nf_scope_spawn(&s, in_sleep, NULL, NULL, e));
        NF_TRY(nf_sleep(5, e));
    }
    see('e');
    return NF_OK;
}

static void a_scope_that_ends_cancels_its_children_and_waits_for_them(void **state)
{
    (void)state;

    assert_ok(run(abandon_children, NULL), &err);

    assert_string_equal(seen, "se");
}

static enum nf_code spawn_in_a_cancelled_scope(void *arg, struct nf_err *e)
{
    (void)arg;
    struct nf_scope s;
    nf_scope_init(&s, loop);
    nf_scope_cancel(&s);
    return nf_scope_spawn(&s, in_sleep, NULL, NULL, e);
}

static void a_cancelled_scope_starts_nothing(void **state)
{
    (void)state;

    assert_code(run(spawn_in_a_cancelled_scope, NULL), NF_E_CANCELED);
}

/* --- log context ------------------------------------------------------------------------------ */

static enum nf_code expect_context(void *arg, struct nf_err *e)
{
    const struct nf_context *c = nf_context_current();
    assert_non_null(c);
    assert_string_equal(c->key, "tool");
    assert_string_equal(c->up->key, "session");
    assert_null(c->up->up);

    NF_CLEANUP(nf_context_pop) struct nf_context own;
    nf_context_push(&own, "own", arg);
    for (int i = 0; i < 5; i++) {
        NF_TRY(nf_yield(e));
        assert_ptr_equal(nf_context_current(), &own);
        assert_string_equal(own.value, arg);
    }
    return NF_OK;
}

static enum nf_code spawn_with_tool(struct nf_scope *s, char *name, struct nf_err *e)
{
    NF_CLEANUP(nf_context_pop) struct nf_context tool;
    nf_context_push(&tool, "tool", name);
    return nf_scope_spawn(s, expect_context, name, NULL, e);
}

static enum nf_code hand_down_context(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_context_pop) struct nf_context session;
    nf_context_push(&session, "session", "s1");
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(spawn_with_tool(&s, "one", e));
    NF_TRY(spawn_with_tool(&s, "two", e));
    NF_TRY(nf_scope_join(&s, e));
    assert_ptr_equal(nf_context_current(), &session);
    return NF_OK;
}

static void each_fiber_has_its_own_log_context_and_inherits_a_copy(void **state)
{
    (void)state;

    assert_ok(run(hand_down_context, NULL), &err);

    assert_null(nf_context_current());
}

/* --- many, and their stacks ------------------------------------------------------------------- */

static size_t many(void)
{
#if defined(NF_FIBER_THREADS) || defined(__SANITIZE_THREAD__)
    return 500;
#else
    return under_valgrind() ? 500 : 10000;
#endif
}

static enum nf_code spawn_many(void *arg, struct nf_err *e)
{
    size_t n = *(size_t *)arg, at_start = nf_fiber_stats().alive;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (size_t i = 0; i < n; i++)
        NF_TRY(nf_scope_spawn(&s, in_sleep, NULL, NULL, e));
    NF_TRY(nf_sleep(10, e));
    assert_int_equal(nf_fiber_stats().alive, at_start + n);
    assert_true(nf_fiber_stats().peak >= at_start + n);
    nf_scope_cancel(&s);
    return nf_scope_join(&s, e);
}

static void ten_thousand_parked_fibers_all_end(void **state)
{
    (void)state;
    size_t n = many();
    struct nf_fiber_stats before = nf_fiber_stats();

    assert_code(run(spawn_many, &n), NF_E_CANCELED);

    assert_int_equal(nf_fiber_stats().alive, 0);
    assert_int_equal(nf_fiber_stats().spawned, before.spawned + n + 1);
}

static void there_are_never_more_fibers_than_allowed(void **state)
{
    (void)state;
    if (under_valgrind() || SANITIZED)
        skip();
    size_t all = NF_FIBERS_MAX - 1, too_many = NF_FIBERS_MAX; /* the main fiber is one */

    assert_code(run(spawn_many, &all), NF_E_CANCELED);
    assert_code(run(spawn_many, &too_many), NF_E_LIMIT);

    assert_int_equal(nf_fiber_stats().alive, 0);
}

/* NOLINTNEXTLINE(misc-no-recursion): that is its purpose */
__attribute__((noinline)) static int use_stack(int depth)
{
    volatile char frame[1024];
    frame[0] = (char)depth;
    frame[1023] = (char)depth;
    return depth > 0 ? use_stack(depth - 1) + frame[0] + frame[1023] : 0;
}

static enum nf_code use_stack_and_sleep(void *arg, struct nf_err *e)
{
    *(volatile int *)arg += use_stack(200);
    return nf_sleep(20, e);
}

static enum nf_code many_use_their_stack(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < 200; i++)
        NF_TRY(nf_scope_spawn(&s, use_stack_and_sleep, arg, NULL, e));
    return nf_scope_join(&s, e);
}

static long resident_kib(void)
{
    char text[128] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    char *second = memchr(text, ' ', n);
    assert_non_null(second);
    return strtol(second, NULL, 10) * (sysconf(_SC_PAGESIZE) / 1024);
}

static void stacks_that_are_not_in_use_take_little_memory(void **state)
{
    (void)state;
#ifdef NF_FIBER_THREADS
    skip();
#endif
    if (under_valgrind() || SANITIZED)
        skip();
    int sum = 0;
    long before = resident_kib();

    assert_ok(run(many_use_their_stack, &sum), &err);

    assert_true(resident_kib() - before < 1500); /* of 200 x 200 KiB */
}

/* NOLINTNEXTLINE(misc-no-recursion): that is its purpose */
__attribute__((noinline)) static int overflow(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    int sum = depth < 100000 ? overflow(depth + 1) : 0;
    return sum + frame[0];
}

static enum nf_code overflow_in_fiber(void *arg, struct nf_err *e)
{
    (void)e;
    *(volatile int *)arg = overflow(0);
    return NF_OK;
}

static void a_stack_overflow_ends_the_process(void **state)
{
    (void)state;
    int sum = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(1);
        if (!SANITIZED)
            (void)signal(SIGSEGV, SIG_DFL); /* cmocka has a handler */
        _exit(run(overflow_in_fiber, &sum) == NF_OK ? 0 : 1);
    }
    int status = 0;

    assert_int_equal(waitpid(pid, &status, 0), pid);

    if (SANITIZED)
        assert_int_not_equal(status, 0); /* its report, with a status of its own */
    else
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* --- the loop --------------------------------------------------------------------------------- */

static enum nf_code hog(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_TRY(nf_sleep(5, e));
    for (int64_t until = now_us() + 500000; now_us() < until;) {
    }
    NF_TRY(nf_yield(e));
    NF_TRY(nf_yield(e));
    assert_true(nf_loop_delay_ms(loop) >= 499);
    NF_TRY(nf_sleep(2200, e));
    assert_true(nf_loop_delay_ms(loop) < 499);
    return NF_OK;
}

static void a_fiber_that_does_not_yield_shows_as_delay_for_a_while(void **state)
{
    (void)state;

    assert_ok(run(hog, NULL), &err);
}

static void *run_own_loop(void *arg)
{
    struct nf_loop *own;
    struct nf_err e;
    int ms = 10;
    enum nf_code *rc = arg;
    *rc = nf_loop_new(&own, &e);
    if (*rc == NF_OK) {
        *rc = nf_loop_run(own, sleep_some, &ms, &e);
        nf_loop_free(own);
    }
    return NULL;
}

static void two_threads_can_have_a_loop_each(void **state)
{
    (void)state;
    pthread_t t[2];
    enum nf_code rc[2];

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, run_own_loop, &rc[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);

    assert_code(rc[0], NF_OK);
    assert_code(rc[1], NF_OK);
}

static enum nf_code spawn_100(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < 100; i++)
        NF_TRY(nf_scope_spawn(&s, in_yield, NULL, NULL, e));
    NF_TRY(nf_yield(e));
    return NF_OK;
}

static void every_failing_allocation_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;

    for (; rc != NF_OK && n < 1000; n++) {
        nf_loop_free(loop);
        loop = NULL;
        nf_fail_alloc_at(n + 1);
        rc = nf_loop_new(&loop, &err);
        if (rc == NF_OK)
            rc = run(spawn_100, NULL);
        nf_fail_alloc_at(0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
        assert_int_equal(nf_fiber_stats().alive, 0);
    }

    assert_ok(rc, &err);
    assert_true(n > 200);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_outcome_of_the_main_fiber_is_that_of_the_loop),
        T(a_child_begins_after_its_parent_waits),
        T(a_woken_fiber_runs_later_and_the_first_wake_counts),
        T(a_wait_that_was_woken_before_returns_at_once),
        T(sleeping_takes_as_long_as_asked),
        T(a_wait_ends_with_its_timeout),
        T(hundreds_of_sleepers_wake_in_the_order_of_their_times),
        T(of_nested_deadlines_the_earlier_one_holds),
        T(a_deadline_can_be_moved_while_it_is_waited_for),
        T(a_child_inherits_the_deadline),
        T(a_cancel_ends_every_kind_of_wait),
        T(a_cancel_may_bring_a_better_code),
        T(a_cancelled_fiber_waits_again_only_when_it_says_so),
        T(an_uninterruptible_wait_outlasts_cancel_and_deadline),
        T(a_join_waits_for_all_and_tells_the_first_failure),
        T(a_cancelled_parent_cancels_its_children_and_waits_for_them),
        T(a_scope_that_ends_cancels_its_children_and_waits_for_them),
        T(a_cancelled_scope_starts_nothing),
        T(each_fiber_has_its_own_log_context_and_inherits_a_copy),
        T(ten_thousand_parked_fibers_all_end),
        T(there_are_never_more_fibers_than_allowed),
        T(stacks_that_are_not_in_use_take_little_memory),
        T(a_stack_overflow_ends_the_process),
        T(a_fiber_that_does_not_yield_shows_as_delay_for_a_while),
        T(two_threads_can_have_a_loop_each),
        T(every_failing_allocation_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
