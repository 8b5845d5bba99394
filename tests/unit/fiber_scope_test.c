/* Fibers: scopes, the log context, many of them and what their stacks cost, the loop. */
#include "base/context.h"
#include "tests/unit/fiber_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
