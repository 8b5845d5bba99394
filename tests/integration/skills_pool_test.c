/* Who gets which process of a plugin, and what becomes of calls whose process somebody ends. */
#include "skills/warden_impl.h"
#include "tests/integration/skills_rig.h"

#include <signal.h>
#include <unistd.h>

/* --- the end ---------------------------------------------------------------------------------- */

static void retire(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "bad", .args = "{\"how\":\"sleep\"}" };
    nf_scope_init(&s, loop);
    spawn(&s, &o);
    wait_for_busy(1);
    nf_warden_retire(warden, "test");
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_code(o.rc, NF_E_UNAVAILABLE);
    assert_says(o.err.msg, "disabled, removed or replaced");
    assert_result("count", "{}", "1");
    assert_int_equal(stats().templates, 1);
}

static void retiring_ends_what_runs(void **state)
{
    (void)state;
    run(retire);
}

/* The child of ours that is nexflow-skill. */
static pid_t pid_of_warden(void)
{
    char path[64];
    int pid = 0;
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *f = fopen(path, "r");
    if (f && fscanf(f, "%d", &pid) != 1)
        pid = 0;
    if (f)
        (void)fclose(f);
    return (pid_t)pid;
}

static void warden_killed(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "bad", .args = "{\"how\":\"sleep\"}" };
    pid_t pid = pid_of_warden();
    assert_true(pid > 0);
    nf_scope_init(&s, loop);
    spawn(&s, &o);
    wait_for_busy(1);
    kill(pid, SIGKILL);
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_code(o.rc, NF_E_UNAVAILABLE);
    assert_says(o.err.msg, "nexflow-skill");
    wait_for_text(reported, "nexflow-skill");
    enum nf_code rc = NF_E_UNAVAILABLE;
    for (int i = 0; i < 1000 && rc != NF_OK; i++) {
        assert_ok(nf_sleep(10, &err), &err);
        rc = call("count", "{}");
    }
    assert_ok(rc, &err);
    assert_true(pid_of_warden() != pid);
}

static void a_warden_that_dies_is_replaced(void **state)
{
    (void)state;
    run(warden_killed);
}

/* As if it had not been let run for longer than a plugin may take to start. */
static void warden_stalled(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "count", .args = "{}" };
    pid_t pid = pid_of_warden();
    assert_true(pid > 0);
    kill(pid, SIGSTOP);
    nf_scope_init(&s, loop);
    spawn(&s, &o);
    while (!warden->pools || !warden->pools->workers)
        assert_ok(nf_yield(&err), &err);
    warden->pools->workers->since_us -= nf_us(NF_WORKER_START_MS);
    nf_warden_due(warden, 0);
    assert_ok(nf_sleep(20, &err), &err);
    kill(pid, SIGCONT);
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_ok(o.rc, &o.err);
    nf_skill_ran_done(&o.ran);
    assert_int_equal(stats().crashes, 0);
}

static void a_busy_machine_is_not_blamed_on_the_plugin(void **state)
{
    (void)state;
    run(warden_stalled);
}

static void no_program(void **state)
{
    (void)state;
    void (*fn)(void) = NULL;
    options.program = "/nonexistent/nexflow-skill";
    assert_code(nf_loop_run(loop, with_warden, &fn, &err), NF_E_UNAVAILABLE);
    assert_says(err.msg, "/nonexistent/nexflow-skill");
}

/* --- processes that somebody kills -------------------------------------------------------------
 */

static pid_t pid_of_worker(void)
{
    assert_non_null(warden->pools);
    assert_non_null(warden->pools->workers);
    return warden->pools->workers->pid;
}

static void idle_killed(void)
{
    assert_result("count", "{}", "1");
    int64_t worker = ran.worker;
    kill(pid_of_worker(), SIGKILL);
    for (int i = 0; i < 2000 && stats().idle > 0; i++)
        assert_ok(nf_sleep(2, &err), &err);
    assert_replaced(worker);
    assert_int_equal(reports, 1);
}

static void an_idle_process_that_is_killed_is_replaced(void **state)
{
    (void)state;
    run(idle_killed);
}

static void busy_killed(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "bad", .args = "{\"how\":\"sleep\"}" };
    assert_result("count", "{}", "1");
    nf_scope_init(&s, loop);
    spawn(&s, &o);
    wait_for_busy(1);
    kill(pid_of_worker(), SIGKILL);
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_code(o.rc, NF_E_UNAVAILABLE);
    assert_says(o.err.msg, "the kernel ended it");
    assert_replaced(o.ran.worker);
}

static void a_busy_process_that_is_killed_fails_its_call(void **state)
{
    (void)state;
    run(busy_killed);
}

static void template_killed(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "bad", .args = "{\"how\":\"sleep\"}" };
    nf_scope_init(&s, loop);
    assert_result("count", "{}", "1");
    spawn(&s, &o);
    wait_for_busy(1);
    char path[64];
    int pid = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid_of_warden(),
                   (int)pid_of_warden());
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    (void)fclose(f);
    kill((pid_t)pid, SIGKILL);
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_code(o.rc, NF_E_UNAVAILABLE);
    assert_result("count", "{}", "1");
}

static void a_template_that_is_killed_is_replaced(void **state)
{
    (void)state;
    run(template_killed);
}

/* --- queues ----------------------------------------------------------------------------------- */

#define MANY 12

/* Eleven calls of one owner came first, then one of another: that one is second to be served. */
static void fairness(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    static struct other all[MANY];
    nf_scope_init(&s, loop);
    for (int i = 0; i < MANY; i++) {
        all[i] =
            (struct other){ .owner = i == MANY - 1 ? 2 : 1, .tool = "nap", .args = "{\"ms\":20}" };
        spawn(&s, &all[i]);
    }
    assert_ok(nf_scope_join(&s, &err), &err);
    for (int i = 0; i < MANY; i++)
        assert_ok(all[i].rc, &all[i].err);
    assert_string_equal(nf_str_c(&all[MANY - 1].ran.result), "2");
    for (int i = 0; i < MANY; i++)
        nf_skill_ran_done(&all[i].ran);
}

static void owners_take_turns(void **state)
{
    (void)state;
    options.workers_max = 1;
    run(fairness);
}

/* Two skills, one process at a time. */
static void eviction(void)
{
    for (int i = 0; i < 4; i++) {
        unit.name = i % 2 ? "test" : "other";
        unit.version = "";
        unit.hash = i % 2 ? "1" : "2";
        assert_code(call("count", "{}"), i % 2 ? NF_OK : NF_E_UNAVAILABLE);
        if (i % 2 == 0)
            assert_says(err.msg, "it calls itself 'test', the manifest 'other'");
    }
    assert_int_equal(stats().workers, 1);
}

static void skills_take_turns(void **state)
{
    (void)state;
    options.workers_max = 1;
    run(eviction);
}

static void side_by_side(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    static struct other all[4];
    nf_scope_init(&s, loop);
    for (int i = 0; i < 4; i++) {
        all[i] = (struct other){ .owner = 1, .tool = "nap", .args = "{\"ms\":200}" };
        spawn(&s, &all[i]);
    }
    wait_for_busy(4);
    assert_ok(nf_scope_join(&s, &err), &err);
    for (int i = 0; i < 4; i++) {
        assert_ok(all[i].rc, &all[i].err);
        nf_skill_ran_done(&all[i].ran);
    }
}

static void calls_run_side_by_side(void **state)
{
    (void)state;
    run(side_by_side);
}

static void full_queue(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    static struct other all[66];
    int refused = 0;
    assert_result("count", "{}", "1");
    nf_scope_init(&s, loop);
    for (int i = 0; i < 66; i++) {
        all[i] = (struct other){ .owner = 1, .tool = "bad", .args = "{\"how\":\"sleep\"}" };
        spawn(&s, &all[i]);
    }
    wait_for_busy(1);
    for (int i = 0; i < 66; i++) {
        refused += all[i].ended;
        if (all[i].ended)
            assert_says(all[i].err.msg, "64 of your calls");
    }
    assert_int_equal(refused, 1); /* one runs, 64 wait */
}

static void a_queue_is_bounded(void **state)
{
    (void)state;
    options.workers_max = 1;
    run(full_queue);
}

#define UNREAD 60 /* more than a template may have descriptors */
static_assert(UNREAD > 32, "NF_JAIL_NOFILE in sandbox/sandbox.h");

/* How many children, and which is the first; 0: there is none. */
static int children_of(pid_t pid, pid_t *first)
{
    char path[64];
    int n = 0, child;
    *first = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FILE *f = fopen(path, "re");
    while (f && fscanf(f, "%d", &child) == 1) {
        *first = n++ == 0 ? (pid_t)child : *first;
    }
    if (f)
        (void)fclose(f);
    return n;
}

static size_t idle_soon(size_t n)
{
    size_t idle = 0;
    for (int i = 0; i < 2000 && idle < n; i++) {
        struct nf_pool *p = nf_pool_find(warden, &unit, &err);
        idle = p ? nf_pool_count(p, NF_WORKER_IDLE) : 0;
        assert_ok(nf_sleep(5, &err), &err);
    }
    return idle;
}

/* Each is told with a descriptor, and the kernel counts those that nobody has read. */
static void many_unread(void)
{
    pid_t template, ignored;
    assert_result("count", "{}", "1");
    assert_true(children_of(warden->pid, &template) > 0);
    struct nf_pool *p = nf_pool_find(warden, &unit, &err);
    assert_non_null(p);
    for (int i = 1; i < UNREAD; i++)
        assert_ok(nf_worker_start(p, false, &err), &err);
    for (int i = 0; i < 400 && children_of(template, &ignored) < UNREAD; i++)
        usleep(5000); /* the loop stands still, as if the daemon was not let run */

    assert_int_equal(idle_soon(UNREAD), UNREAD);
    assert_int_equal(stats().templates, 1);
}

static void many_workers_may_be_asked_for_at_once(void **state)
{
    (void)state;
    options.workers_max = INT64_C(2) * UNREAD;
    run(many_unread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(retiring_ends_what_runs),
        T(a_warden_that_dies_is_replaced),
        T(a_busy_machine_is_not_blamed_on_the_plugin),
        T(no_program),
        T(an_idle_process_that_is_killed_is_replaced),
        T(a_busy_process_that_is_killed_fails_its_call),
        T(a_template_that_is_killed_is_replaced),
        T(owners_take_turns),
        T(skills_take_turns),
        T(calls_run_side_by_side),
        T(a_queue_is_bounded),
        T(many_workers_may_be_asked_for_at_once),
    };
    return cmocka_run_group_tests_name("skills_pool", tests, NULL, NULL);
}
