/* Plugins that crash, hang, flood, lie and will not start: the call fails in words, the process is
 * replaced, the daemon goes on. */
#include "tests/integration/skills_rig.h"

#include <signal.h>
#include <unistd.h>

/* --- crashes ---------------------------------------------------------------------------------- */

static void crash(void)
{
    assert_fails("bad", "{\"how\":\"abort\"}", NF_E_UNAVAILABLE, "or called abort (SIGSEGV)");
    assert_replaced(ran.worker);
    assert_fails("bad", "{\"how\":\"exit\"}", NF_E_UNAVAILABLE, "exit code 3");
    assert_replaced(ran.worker);
    assert_int_equal(stats().crashes, 2);
    assert_int_equal(reports, 2);
}

static void a_crash_fails_the_call_and_the_process_is_replaced(void **state)
{
    (void)state;
    run(crash);
}

static void null_pointer(void)
{
    assert_fails("bad", "{\"how\":\"null\"}", NF_E_UNAVAILABLE, "SIGSEGV");
    assert_replaced(ran.worker);
}

static void a_wild_pointer_is_a_crash(void **state)
{
    (void)state;
    run(null_pointer);
}

static void violation(void)
{
    assert_fails("bad", "{\"how\":\"ptrace\"}", NF_E_DENIED, "ptrace (101)");
    assert_replaced(ran.worker);
    assert_int_equal(stats().violations, 1);
    assert_says(reported, "ptrace");
}

static void a_forbidden_system_call_is_recorded_and_the_end(void **state)
{
    (void)state;
    run(violation);
}

static void forking(void)
{
    assert_result("fork", "{}", "refused");
}

static void a_plugin_cannot_fork(void **state)
{
    (void)state;
    run(forking);
}

static void gigabyte(void)
{
#ifndef __SANITIZE_ADDRESS__ /* whose shadow needs terabytes: no limit of addresses there */
    assert_fails("memory", "{}", NF_E_LIMIT, "no gigabyte");
    assert_result("count", "{}", "2");
#endif
}

static void a_gigabyte_is_not_to_be_had(void **state)
{
    (void)state;
    run(gigabyte);
}

static void crashes_in_a_row(void)
{
    for (int i = 0; i < 5; i++)
        assert_fails("bad", "{\"how\":\"abort\"}", NF_E_UNAVAILABLE, "crashed");
    assert_fails("count", "{}", NF_E_UNAVAILABLE, "failed 5 times in a row and rests");
    assert_ok(nf_sleep(1050, &err), &err);
    assert_result("count", "{}", "1");
}

static void what_crashes_again_and_again_rests(void **state)
{
    (void)state;
    run(crashes_in_a_row);
}

/* --- time ------------------------------------------------------------------------------------- */

static void deadline(void)
{
    static const char *const hows[] = { "{\"how\":\"spin\"}", "{\"how\":\"sleep\"}" };
    assert_result("count", "{}", "1"); /* to wait for a process is not what is meant */
    for (int i = 0; i < 2; i++) {
        nf_skill_ran_done(&ran);
        assert_code(call_for(1, "bad", hows[i], 1000, &ran, &err), NF_E_TIMEOUT);
        assert_says(err.msg, "longer than 1000 ms");
        assert_replaced(ran.worker);
    }
    assert_int_equal(stats().timeouts, 2);
    assert_int_equal(stats().crashes, 0);
}

static void what_hangs_is_ended_at_its_deadline(void **state)
{
    (void)state;
    run(deadline);
}

static void processor_time(void)
{
    nf_skill_ran_done(&ran); /* a second of a processor that is not ours alone */
    assert_code(call_for(1, "bad", "{\"how\":\"spin\"}", 90000, &ran, &err), NF_E_UNAVAILABLE);
    assert_says(err.msg, "limits.cpu_ms");
    assert_replaced(ran.worker);
}

static void what_uses_too_much_processor_time_is_ended(void **state)
{
    (void)state;
    unit.cpu_ms = 500; /* the limit of the process is twice that, in whole seconds */
    run(processor_time);
}

static void near_the_deadline(void)
{
    nf_skill_ran_done(&ran);
    assert_code(call_for(1, "late", "{}", 2000, &ran, &err), NF_E_TIMEOUT);
    assert_says(err.msg, "heard in time");
    assert_result("count", "{}", "2");
}

static void a_plugin_hears_that_its_time_is_up(void **state)
{
    (void)state;
    run(near_the_deadline);
}

static void cancel(void)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    struct other o = { .tool = "bad", .args = "{\"how\":\"spin\"}" };
    nf_scope_init(&s, loop);
    spawn(&s, &o);
    wait_for_busy(1);
    nf_fiber_cancel(o.fiber, NF_E_CANCELED);
    assert_ok(nf_scope_join(&s, &err), &err);
    assert_code(o.rc, NF_E_CANCELED);
    assert_replaced(o.ran.worker);
}

static void a_canceled_call_ends_its_process(void **state)
{
    (void)state;
    run(cancel);
}

/* --- lies ------------------------------------------------------------------------------------- */

static void forged(void)
{
    static const char *const hows[] = { "length", "type", "id", "ready", "bulk", "close", "after" };
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        char args[64];
        if (i == 4) /* so that the breaker stays out of it */
            assert_result("count", "{}", "1");
        (void)snprintf(args, sizeof args, "{\"how\":\"%s\"}", hows[i]);
        assert_code(call("forge", args), NF_E_UNAVAILABLE);
        assert_says(err.msg, strcmp(hows[i], "close") == 0 ? "closed its pipe" : "protocol");
    }
    assert_result("count", "{}", "1");
}

static void a_process_that_sends_what_is_not_its_to_send_is_ended(void **state)
{
    (void)state;
    run(forged);
}

static void floods(void)
{
    assert_result("flood", "{\"how\":\"log\"}", "done");
    assert_true(strlen(noted) > 0);
    nf_skill_ran_done(&ran);
    assert_result("flood", "{\"how\":\"print\"}", "done");
    assert_result("count", "{}", "3");
    wait_for_text(printed, "a line that nobody asked for");
}

static void floods_of_output_are_dropped(void **state)
{
    (void)state;
    run(floods);
}

/* The children of that process, by what /proc says; at most n. */
static size_t children_of(int pid, int *ret, size_t n)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t k = 0;
    while (k < n && fscanf(f, "%d", &ret[k]) == 1)
        k++;
    (void)fclose(f);
    return k;
}

/* It ends while what it prints is not read any more: nothing of that is left for the next second.
 */
static void floods_and_ends(void)
{
    int wardens[4], templates[4];
    assert_result("flood", "{\"how\":\"print\"}", "done");
    (void)!nf_sleep(50, NULL); /* what a second may bring is there at once */
    assert_int_equal(children_of(getpid(), wardens, 4), 1);
    for (size_t i = children_of(wardens[0], templates, 4); i > 0; i--)
        assert_int_equal(kill(templates[i - 1], SIGKILL), 0);
    for (int i = 0; i < 2000 && stats().templates > 0; i++)
        (void)!nf_sleep(1, NULL);
    (void)!nf_sleep(1500, NULL);
    assert_result("count", "{}", "1");
}

static void one_that_ends_while_it_floods_harms_nobody(void **state)
{
    (void)state;
    run(floods_and_ends);
}

/* --- start ------------------------------------------------------------------------------------ */

static const char *words;
static enum nf_code wanted;

static void no_start(void)
{
    assert_fails("count", "{}", wanted, words);
    unit.path = TEST_PLUGINS "/skill_plugin.so";
    unit.hash = "2";
    assert_result("count", "{}", "1");
}

static void start_with(const char *path, enum nf_code code, const char *says)
{
    unit.path = path;
    words = says;
    wanted = code;
    run(no_start);
}

static void a_plugin_for_another_major_is_refused(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_OTHER_MAJOR.so", NF_E_UNAVAILABLE, "major version 99");
}

static void a_plugin_with_a_short_struct_is_refused(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_TOO_SHORT.so", NF_E_UNAVAILABLE, "has 8 bytes");
}

static void a_plugin_that_cannot_begin_says_why(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_FAIL_IN_INIT.so", NF_E_UNAVAILABLE,
               "init: there is no oil");
}

static void a_constructor_that_exits_fails_the_call(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_EXIT_IN_CONSTRUCTOR.so", NF_E_UNAVAILABLE,
               "exit code 42");
}

static void a_constructor_that_replies_fails_the_call(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_WRITE_IN_CONSTRUCTOR.so", NF_E_UNAVAILABLE, "protocol");
}

static void a_constructor_that_loops_is_ended(void **state)
{
    (void)state;
    start_with(TEST_PLUGINS "/skill_plugin_LOOP_IN_CONSTRUCTOR.so", NF_E_UNAVAILABLE,
               "not ready after");
}

static void what_is_no_plugin_is_refused(void **state)
{
    (void)state;
    start_with("tests/layers.txt", NF_E_UNAVAILABLE, "load it: ");
}

static void a_missing_file_is_told(void **state)
{
    (void)state;
    start_with("/nonexistent/skill.so", NF_E_NOT_FOUND, "/nonexistent/skill.so");
}

static void level(void)
{
    unit.min_level = "L9";
    assert_fails("count", "{}", NF_E_INVALID, "L9");
}

static void an_unknown_level_is_refused(void **state)
{
    (void)state;
    run(level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_crash_fails_the_call_and_the_process_is_replaced),
        T(a_wild_pointer_is_a_crash),
        T(a_forbidden_system_call_is_recorded_and_the_end),
        T(a_plugin_cannot_fork),
        T(a_gigabyte_is_not_to_be_had),
        T(what_crashes_again_and_again_rests),
        T(what_hangs_is_ended_at_its_deadline),
        T(what_uses_too_much_processor_time_is_ended),
        T(a_plugin_hears_that_its_time_is_up),
        T(a_canceled_call_ends_its_process),
        T(a_process_that_sends_what_is_not_its_to_send_is_ended),
        T(floods_of_output_are_dropped),
        T(one_that_ends_while_it_floods_harms_nobody),
        T(a_plugin_for_another_major_is_refused),
        T(a_plugin_with_a_short_struct_is_refused),
        T(a_plugin_that_cannot_begin_says_why),
        T(a_constructor_that_exits_fails_the_call),
        T(a_constructor_that_replies_fails_the_call),
        T(a_constructor_that_loops_is_ended),
        T(what_is_no_plugin_is_refused),
        T(a_missing_file_is_told),
        T(an_unknown_level_is_refused),
    };
    return cmocka_run_group_tests_name("skills_faults", tests, NULL, NULL);
}
