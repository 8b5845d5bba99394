/* Calls to plugins through the real path: the host's functions, payloads, processes that are kept
 * or fresh. */
#include "tests/integration/skills_rig.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void ordinary(void)
{
    assert_result("echo", "{\"a\":1}", "{\"a\":1}");
    assert_true(ran.worker > 0);
    assert_true(ran.wall_us > 0);
    assert_string_equal(ran.level, nf_warden_level(warden));
    assert_true(ran.bytes > 0);

    assert_fails("fail", "{}", NF_E_NOT_FOUND, "no parrot here");
    assert_int_equal(ran.words.len, 0); /* the error has them all */
    assert_fails("lament", "{}", NF_E_NOT_FOUND, "no 000");
    assert_int_equal(ran.words.len, NF_SKILL_WORDS_MAX - 1); /* the host's own limit */
    assert_result("count", "{}", "4");
}

static void a_call_returns_what_the_plugin_replied_or_why_not(void **state)
{
    (void)state;
    run(ordinary);
}

static void json_functions(void)
{
    assert_result("json", "{\"list\":[1,2.5,3],\"i\":9007199254740993}",
                  "6.5 \"a\\\"b\\n\" 1 9007199254740993 list");
}

static void plugins_read_json(void **state)
{
    (void)state;
    run(json_functions);
}

static void broker_functions(void)
{
    assert_ok(
        nf_memory_broker_put_http(&broker, "https://example.org/", "text/plain", "hi", 2, &err),
        &err);
    assert_result("kv", "{}", "two 2 [\"a\",\"b\"]");
    assert_int_equal(ran.asks, 6);
    assert_result("files", "{}", "ell directory");
    assert_result("http", "{}", "200 text/plain hi");
    assert_result("notes", "{}", "1");
    assert_string_equal(noted, "progress 50 half of it\nlog 2 watch 7\n");
    wait_for_text(printed, "printed\n");
}

static void plugins_ask_the_broker(void **state)
{
    (void)state;
    run(broker_functions);
}

/* Around the size where shared memory takes over, and far beyond it. */
static void payloads(void)
{
    static const size_t sizes[] = { 32 * 1024 - 100, 32 * 1024 - 8, 32 * 1024 - 7, 32 * 1024 + 1,
                                    (size_t)1024 * 1024 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char args[64];
        (void)snprintf(args, sizeof args, "{\"n\":%zu}", sizes[i]);
        assert_ok(call("big", args), &err);
        assert_int_equal(ran.result.len, sizes[i]);
        assert_int_equal(strspn(nf_str_c(&ran.result), "x"), sizes[i]);
    }
    char *args = malloc(3 << 20);
    memset(args, ' ', 3 << 20);
    memcpy(args, "{\"a\":1}", 7);
    args[(3 << 20) - 1] = '\0';
    assert_ok(call("echo", args), &err);
    assert_int_equal(ran.result.len, (3 << 20) - 1);
    free(args);
}

static void large_payloads_go_both_ways(void **state)
{
    (void)state;
    run(payloads);
}

static void pooled(void)
{
    assert_result("count", "{}", "1");
    int64_t worker = ran.worker;
    assert_result("count", "{}", "2");
    assert_int_equal(ran.worker, worker);
    assert_int_equal(stats().workers, 1);
    assert_int_equal(stats().idle, 1);
}

static void a_pooled_process_serves_many_calls(void **state)
{
    (void)state;
    run(pooled);
}

/* How many processes wait, blank, once that many do or it was long enough. */
static int64_t wait_for_blank(int64_t n)
{
    for (int i = 0; i < 2000 && stats().blank != n; i++)
        (void)!nf_sleep(5, NULL);
    return stats().blank;
}

static void blank(void)
{
    assert_result("count", "{}", "1");
    int64_t first = ran.worker;
    assert_int_equal(wait_for_blank(1), 1);
    assert_int_equal(stats().workers, 1);

    assert_code(call("bad", "{\"how\":\"abort\"}"), NF_E_UNAVAILABLE);
    assert_result("count", "{}", "1");

    assert_int_equal(ran.worker, first + 1); /* it was there before the other one crashed */
    assert_int_equal(wait_for_blank(1), 1);
}

static void a_blank_process_is_there_when_one_is_needed(void **state)
{
    (void)state;
    run(blank);
}

static void no_room(void)
{
    assert_result("count", "{}", "1");
    assert_ok(nf_sleep(50, &err), &err);
    assert_int_equal(stats().blank, 0);
    assert_int_equal(stats().workers, 1);
}

static void a_blank_process_takes_the_place_of_none(void **state)
{
    (void)state;
    options.workers_max = 1;
    run(no_room);
}

static void gives_way(void)
{
    assert_result("count", "{}", "1");
    assert_int_equal(wait_for_blank(1), 1);
    unit.hash = "2";
    assert_result("count", "{}", "1");
    unit.hash = "1";
    assert_result("count", "{}", "2"); /* the one that had served is still there */
}

static void a_blank_process_gives_way_first(void **state)
{
    (void)state;
    options.workers_max = 2;
    run(gives_way);
}

/* The plugin in memory, as the one who looked at its hash has it. */
static int in_memory(unsigned seals)
{
    char part[4096];
    FILE *f = fopen(unit.path, "re");
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(f && fd >= 0);
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        assert_int_equal(write(fd, part, n), n);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void called_once(void)
{
    assert_result("count", "{}", "1");
}

static void what_was_looked_at_runs_whatever_the_file_is_now(void **state)
{
    (void)state;
    unit.code = in_memory(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
    unit.path = "/nonexistent/changed.so";
    run(called_once);
    close(unit.code);
}

static void refused_once(void)
{
    assert_fails("count", "{}", NF_E_INVALID, "could be changed");
}

static void bytes_that_could_be_changed_are_refused(void **state)
{
    (void)state;
    unit.code = in_memory(F_SEAL_SHRINK | F_SEAL_GROW);
    run(refused_once);
    close(unit.code);
}

static void oneshot(void)
{
    int64_t seen[20];
    for (int i = 0; i < 20; i++) {
        assert_result("count", "{}", "1");
        seen[i] = ran.worker;
        for (int k = 0; k < i; k++)
            assert_true(seen[k] != ran.worker);
    }
}

static void a_oneshot_process_serves_one(void **state)
{
    (void)state;
    unit.oneshot = true;
    run(oneshot);
}

static void cpu_budget(void)
{
    int64_t first, last = 0;
    assert_result("nap", "{\"ms\":30}", "1");
    first = ran.worker;
    for (int i = 0; i < 5 && last <= first; i++) {
        assert_ok(call("nap", "{\"ms\":30}"), &err);
        last = ran.worker;
    }
    assert_true(last > first);
}

static void a_process_is_replaced_once_it_was_busy_for_its_time(void **state)
{
    (void)state;
    unit.cpu_ms = 50;
    run(cpu_budget);
}

static void idle(void)
{
    assert_result("count", "{}", "1");
    wait_for_text(printed, "done");
    for (int i = 0; i < 2000 && stats().templates > 0; i++)
        (void)!nf_sleep(5, NULL);
    assert_int_equal(stats().workers, 0);
    assert_int_equal(stats().templates, 0);
    assert_result("count", "{}", "1");
}

static void an_idle_process_is_retired_and_its_template_after_it(void **state)
{
    (void)state;
    options.idle_ms = 50;
    run(idle);
}

static void idle_spare(void)
{
    assert_result("count", "{}", "1");
    for (int i = 0; i < 2000 && stats().templates > 0; i++)
        (void)!nf_sleep(5, NULL);
    assert_int_equal(stats().templates, 0);
}

static void a_spare_is_not_kept_for_ever(void **state)
{
    (void)state;
    options.idle_ms = 50;
    unit.oneshot = true;
    run(idle_spare);
}

static void junk(void)
{
    assert_fails("junk", "{}", NF_E_INVALID, "UTF-8");
    assert_result("count", "{}", "2");
}

static void a_result_is_text(void **state)
{
    (void)state;
    run(junk);
}

static void output_limit(void)
{
    assert_fails("flood", "{\"how\":\"reply\"}", NF_E_LIMIT, "limits.output_kib");
    assert_result("count", "{}", "2");
}

static void a_result_over_its_limit_fails_in_words(void **state)
{
    (void)state;
    unit.output_bytes = 10000;
    run(output_limit);
}

static void threads_of_calls(void)
{
    assert_result("count", "{}", "1");
}

static void names_are_those_of_the_manifest(void)
{
    assert_fails("count", "{}", NF_E_UNAVAILABLE, "it says version '1.0.0', the manifest '2.0.0'");
}

static void another_version_than_the_manifests_is_refused(void **state)
{
    (void)state;
    unit.version = "2.0.0";
    run(names_are_those_of_the_manifest);
}

static void a_plugin_with_threads_runs(void **state)
{
    (void)state;
    unit.threads = true;
    run(threads_of_calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_call_returns_what_the_plugin_replied_or_why_not, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(plugins_read_json, setup, teardown),
        cmocka_unit_test_setup_teardown(plugins_ask_the_broker, setup, teardown),
        cmocka_unit_test_setup_teardown(large_payloads_go_both_ways, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pooled_process_serves_many_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blank_process_is_there_when_one_is_needed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_blank_process_takes_the_place_of_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_blank_process_gives_way_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_looked_at_runs_whatever_the_file_is_now, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(bytes_that_could_be_changed_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_oneshot_process_serves_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_process_is_replaced_once_it_was_busy_for_its_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_idle_process_is_retired_and_its_template_after_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_spare_is_not_kept_for_ever, setup, teardown),
        cmocka_unit_test_setup_teardown(a_result_is_text, setup, teardown),
        cmocka_unit_test_setup_teardown(a_result_over_its_limit_fails_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(another_version_than_the_manifests_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_plugin_with_threads_runs, setup, teardown),
    };
    return cmocka_run_group_tests_name("skills_call", tests, NULL, NULL);
}
