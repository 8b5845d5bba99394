/* Executors and posts: what runs on which thread, what a cancel can still stop. */
#include "runtime/executor.h"

#include "tests/support/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct nf_loop *loop;
static struct nf_executor *ex;
static struct nf_err err;
static sem_t hold; /* what `blocked` waits for on its thread */
static atomic_int begun, running, most_running;

static int setup(void **state)
{
    (void)state;
    sem_init(&hold, 0, 0);
    begun = running = most_running = 0;
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nf_fail_alloc_at(0);
    nf_executor_free(ex);
    ex = NULL;
    nf_loop_free(loop);
    sem_destroy(&hold);
    return 0;
}

static enum nf_code run(nf_fiber_fn fn, void *arg)
{
    return nf_loop_run(loop, fn, arg, &err);
}

static void make(int threads, size_t queue_max)
{
    assert_ok(nf_executor_new(loop, "worker", threads, queue_max, &ex, &err), &err);
}

/* --- work ------------------------------------------------------------------------------------- */

static enum nf_code blocked(void *arg, struct nf_err *e)
{
    (void)arg;
    (void)e;
    begun++;
    while (sem_wait(&hold) != 0) {
    }
    return NF_OK;
}

static enum nf_code fail_on_thread(void *arg, struct nf_err *e)
{
    return nf_err_set(e, NF_E_CONFLICT, "from the %s", (const char *)arg);
}

static enum nf_code count_running(void *arg, struct nf_err *e)
{
    (void)arg;
    (void)e;
    int now = ++running;
    if (now > most_running)
        most_running = now;
    usleep(1000);
    running--;
    return NF_OK;
}

struct where {
    pthread_t thread;
    char name[16];
    bool takes_signals;
};

static enum nf_code tell_where(void *arg, struct nf_err *e)
{
    (void)e;
    struct where *w = arg;
    sigset_t mask;
    w->thread = pthread_self();
    pthread_getname_np(w->thread, w->name, sizeof w->name);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    w->takes_signals = !sigismember(&mask, SIGTERM);
    return NF_OK;
}

/* --- fibers that want it ---------------------------------------------------------------------- */

static enum nf_code call_where(void *arg, struct nf_err *e)
{
    return nf_executor_call(ex, tell_where, arg, e);
}

static enum nf_code call_failing(void *arg, struct nf_err *e)
{
    return nf_executor_call(ex, fail_on_thread, arg, e);
}

static enum nf_code call_blocked(void *arg, struct nf_err *e)
{
    return nf_executor_call(ex, blocked, arg, e);
}

static enum nf_code call_counting(void *arg, struct nf_err *e)
{
    return nf_executor_call(ex, count_running, arg, e);
}

static enum nf_code wait_until_begun(int n, struct nf_err *e)
{
    for (int i = 0; i < 5000 && begun < n; i++)
        NF_TRY(nf_sleep(1, e));
    assert_int_equal(begun, n);
    return NF_OK;
}

/* --- tests ------------------------------------------------------------------------------------ */

static void a_call_runs_on_a_named_thread_that_takes_no_signals(void **state)
{
    (void)state;
    struct where w = { .takes_signals = true };
    make(1, 1);

    assert_ok(run(call_where, &w), &err);

    assert_false(pthread_equal(w.thread, pthread_self()));
    assert_string_equal(w.name, "worker");
    assert_false(w.takes_signals);
}

static void its_failure_comes_back_with_its_message(void **state)
{
    (void)state;
    make(1, 1);

    assert_code(run(call_failing, "thread"), NF_E_CONFLICT);

    assert_string_equal(err.msg, "from the thread");
    assert_code(err.code, NF_E_CONFLICT);
}

static enum nf_code go_on_meanwhile(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, call_blocked, arg, NULL, e));
    NF_TRY(wait_until_begun(1, e));
    NF_TRY(nf_sleep(5, e));
    sem_post(&hold);
    return nf_scope_join(&s, e);
}

static void other_fibers_run_meanwhile(void **state)
{
    (void)state;
    make(1, 1);

    assert_ok(run(go_on_meanwhile, NULL), &err);
}

static enum nf_code call_50_times(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < 50; i++)
        NF_TRY(nf_scope_spawn(&s, call_counting, arg, NULL, e));
    return nf_scope_join(&s, e);
}

static void one_thread_runs_one_call_at_a_time(void **state)
{
    (void)state;
    make(1, 50);

    assert_ok(run(call_50_times, NULL), &err);

    assert_int_equal(most_running, 1);
}

static void several_threads_run_several_at_a_time(void **state)
{
    (void)state;
    make(4, 50);

    assert_ok(run(call_50_times, NULL), &err);

    assert_true(most_running > 1 && most_running <= 4);
}

static enum nf_code fill_the_queue(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < 2 + 3; i++) /* threads and queue */
        NF_TRY(nf_scope_spawn(&s, call_blocked, NULL, NULL, e));
    NF_TRY(wait_until_begun(2, e));
    assert_int_equal(nf_executor_queued(ex), 3);

    assert_code(nf_executor_call(ex, blocked, NULL, e), NF_E_LIMIT);

    for (int i = 0; i < 5; i++)
        sem_post(&hold);
    NF_TRY(nf_scope_join(&s, e));
    assert_int_equal(nf_executor_queued(ex), 0);
    return NF_OK;
}

static void a_full_queue_refuses_one_more(void **state)
{
    (void)state;
    make(2, 3);

    assert_ok(run(fill_the_queue, NULL), &err);

    assert_int_equal(begun, 5);
}

static enum nf_code cancel_queued_and_begun(void *arg, struct nf_err *e)
{
    (void)arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope first, second;
    nf_scope_init(&first, loop);
    nf_scope_init(&second, loop);
    NF_TRY(nf_scope_spawn(&first, call_blocked, NULL, NULL, e));
    NF_TRY(wait_until_begun(1, e));
    NF_TRY(nf_scope_spawn(&second, call_blocked, NULL, NULL, e));
    NF_TRY(nf_sleep(2, e));

    nf_scope_cancel(&first);
    nf_scope_cancel(&second);
    NF_TRY(nf_sleep(10, e));

    assert_int_equal(second.running, 0);
    assert_code(nf_scope_join(&second, e), NF_E_CANCELED);
    assert_int_equal(first.running, 1);
    sem_post(&hold);
    return nf_scope_join(&first, e);
}

static void a_cancel_withdraws_what_is_queued_and_waits_for_what_has_begun(void **state)
{
    (void)state;
    make(1, 5);

    assert_ok(run(cancel_queued_and_begun, NULL), &err);

    assert_int_equal(begun, 1);
}

static enum nf_code call_with_deadline(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_deadline_pop) struct nf_deadline d;
    nf_deadline_push(&d, 10);
    return call_blocked(arg, e);
}

static enum nf_code let_one_queue_too_long(void *arg, struct nf_err *e)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, call_blocked, arg, NULL, e));
    NF_TRY(wait_until_begun(1, e));
    enum nf_code rc = call_with_deadline(arg, e);
    sem_post(&hold);
    struct nf_err ignored;
    assert_ok(nf_scope_join(&s, &ignored), &ignored);
    return rc;
}

static void a_deadline_withdraws_what_is_queued(void **state)
{
    (void)state;
    make(1, 5);

    assert_code(run(let_one_queue_too_long, NULL), NF_E_TIMEOUT);

    assert_int_equal(begun, 1);
}

static enum nf_code call_when_cancelled(void *arg, struct nf_err *e)
{
    nf_fiber_cancel(nf_fiber_current(), NF_E_CANCELED);
    return call_blocked(arg, e);
}

static void a_cancelled_fiber_begins_no_call(void **state)
{
    (void)state;
    make(1, 5);

    for (int i = 0; i < 50; i++)
        assert_code(run(call_when_cancelled, NULL), NF_E_CANCELED);

    assert_int_equal(begun, 0);
}

static enum nf_code call_many_times(void *arg, struct nf_err *e)
{
    struct where w;
    (void)arg;
    for (int i = 0; i < 2000; i++)
        NF_TRY(nf_executor_call(ex, tell_where, &w, e));
    return NF_OK;
}

static enum nf_code race_cancel_with_completion(void *arg, struct nf_err *e)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        NF_CLEANUP(nf_scope_done) struct nf_scope s;
        nf_scope_init(&s, loop);
        NF_TRY(nf_scope_spawn(&s, call_many_times, NULL, NULL, e));
        for (int k = 0; k < i % 7; k++)
            NF_TRY(nf_yield(e));
    }
    return NF_OK;
}

static void a_cancel_may_race_with_the_end_of_the_call(void **state)
{
    (void)state;
    make(2, 5);

    assert_ok(run(race_cancel_with_completion, NULL), &err);

    assert_int_equal(nf_executor_queued(ex), 0);
}

/* --- posts
 * -----------------------------------------------------------------------------------------------
 */

static struct nf_post *post;
static struct nf_wait posted;
static int posts;
static pthread_t posted_on;

static void on_post(void *arg)
{
    assert_ptr_equal(arg, &posts);
    assert_null(nf_fiber_current());
    posts++;
    posted_on = pthread_self();
    nf_wait_wake(&posted, NF_OK);
}

static void *signal_thrice(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        nf_post_signal(post);
    return NULL;
}

static enum nf_code wait_for_post(void *arg, struct nf_err *e)
{
    (void)arg;
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, signal_thrice, NULL), 0);
    pthread_join(t, NULL);
    assert_int_equal(posts, 0);
    NF_TRY(nf_wait(&posted, 5000, "post", e));
    NF_TRY(nf_sleep(5, e));
    return NF_OK;
}

static void signals_from_another_thread_become_one_call_on_the_loop(void **state)
{
    (void)state;
    posts = 0;
    posted = (struct nf_wait){ 0 };
    assert_ok(nf_post_new(loop, on_post, &posts, &post, &err), &err);

    assert_ok(run(wait_for_post, NULL), &err);
    nf_post_free(post);

    assert_int_equal(posts, 1);
    assert_true(pthread_equal(posted_on, pthread_self()));
}

static enum nf_code yield_until_posted(void *arg, struct nf_err *e)
{
    (void)arg;
    nf_post_signal(post);
    for (int i = 0; i < 1000 && posts == 0; i++)
        NF_TRY(nf_yield(e));
    return NF_OK;
}

static void io_has_its_turn_while_a_fiber_yields(void **state)
{
    (void)state;
    posts = 0;
    posted = (struct nf_wait){ 0 };
    assert_ok(nf_post_new(loop, on_post, &posts, &post, &err), &err);

    assert_ok(run(yield_until_posted, NULL), &err);
    nf_post_free(post);

    assert_int_equal(posts, 1);
}

static enum nf_code use_all(void *arg, struct nf_err *e)
{
    NF_TRY(nf_executor_new(loop, "worker", 2, 5, &ex, e));
    return call_counting(arg, e);
}

static void every_failing_allocation_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;

    for (; rc != NF_OK && n < 100; n++) {
        nf_executor_free(ex);
        ex = NULL;
        nf_loop_free(loop); /* with what it keeps for later */
        loop = NULL;
        nf_fail_alloc_at(n + 1);
        rc = nf_loop_new(&loop, &err);
        if (rc == NF_OK)
            rc = run(use_all, NULL);
        nf_fail_alloc_at(0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
    }

    assert_ok(rc, &err);
    assert_true(n > 4);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_call_runs_on_a_named_thread_that_takes_no_signals),
        T(its_failure_comes_back_with_its_message),
        T(other_fibers_run_meanwhile),
        T(one_thread_runs_one_call_at_a_time),
        T(several_threads_run_several_at_a_time),
        T(a_full_queue_refuses_one_more),
        T(a_cancel_withdraws_what_is_queued_and_waits_for_what_has_begun),
        T(a_deadline_withdraws_what_is_queued),
        T(a_cancelled_fiber_begins_no_call),
        T(a_cancel_may_race_with_the_end_of_the_call),
        T(signals_from_another_thread_become_one_call_on_the_loop),
        T(io_has_its_turn_while_a_fiber_yields),
        T(every_failing_allocation_is_an_error_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
