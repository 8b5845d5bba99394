/* Child processes: what they are given, what they may print, how they end. */
#include "runtime/process.h"

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENOUGH_MS 20000
#define OUTPUT_MAX ((size_t)4 << 20)

static struct nf_loop *loop;
static struct nf_err err;
static struct nf_process_result result;

static int setup(void **state)
{
    (void)state;
    result = (struct nf_process_result){ 0 };
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nf_process_result_done(&result);
    nf_loop_free(loop);
    loop = NULL;
    return 0;
}

static enum nf_code run_in_fiber(void *arg, struct nf_err *e)
{
    return nf_process_run(loop, arg, &result, e);
}

static enum nf_code run(struct nf_process_options o)
{
    o.timeout_ms = o.timeout_ms ? o.timeout_ms : ENOUGH_MS;
    o.output_max = o.output_max ? o.output_max : OUTPUT_MAX;
    return nf_loop_run(loop, run_in_fiber, &o, &err);
}

static enum nf_code shell(const char *script, struct nf_process_options o)
{
    const char *argv[] = { "/bin/sh", "-c", script, NULL };
    o.argv = argv;
    return run(o);
}

static bool is_gone(pid_t pid)
{
    for (int i = 0; i < 500; i++) {
        if (kill(pid, 0) != 0 && errno == ESRCH)
            return true;
        /* A killed grandchild is init's to reap; a container's init may take its time or not. */
        char path[64], line[256] = "";
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *f = fopen(path, "r");
        if (!f)
            return true;
        char *got = fgets(line, sizeof line, f);
        (void)fclose(f);
        if (got && strstr(line, ") Z"))
            return true;
        usleep(10000);
    }
    return false;
}

static void assert_no_children(void)
{
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int number_printed(void)
{
    return (int)strtol(nf_str_c(&result.out), NULL, 10);
}

/* --- what it is given ------------------------------------------------------------------------- */

static void both_outputs_and_the_exit_code_come_back(void **state)
{
    (void)state;

    assert_ok(shell("echo out; echo err >&2; exit 7", (struct nf_process_options){ 0 }), &err);

    assert_string_equal(nf_str_c(&result.out), "out\n");
    assert_string_equal(nf_str_c(&result.err), "err\n");
    assert_int_equal(result.exit_code, 7);
    assert_int_equal(result.signal, 0);
    assert_no_children();
}

static void a_program_is_searched_in_path(void **state)
{
    (void)state;
    const char *argv[] = { "true", NULL };

    assert_ok(run((struct nf_process_options){ .argv = argv }), &err);

    assert_int_equal(result.exit_code, 0);
}

static void environment_and_directory_are_as_asked(void **state)
{
    (void)state;
    const char *env[] = { "COLOUR=blue", NULL };
    struct nf_process_options o = { .env = env, .cwd = "/" };

    assert_ok(shell("echo \"$COLOUR $HOME\"; pwd", o), &err);

    assert_string_equal(nf_str_c(&result.out), "blue \n/\n");
}

static void one_megabyte_goes_in_and_comes_back(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *input = malloc(n);
    for (size_t i = 0; i < n; i++)
        input[i] = (char)('a' + i % 23);

    enum nf_code rc = shell("cat", (struct nf_process_options){ .input = input, .input_n = n });
    bool same = result.out.len == n && memcmp(result.out.p, input, n) == 0;
    free(input);

    assert_ok(rc, &err);
    assert_true(same);
}

static void input_that_nobody_reads_is_no_failure(void **state)
{
    (void)state;
    size_t n = (size_t)1 << 20;
    char *input = calloc(1, n);

    enum nf_code rc = shell("exit 0", (struct nf_process_options){ .input = input, .input_n = n });
    free(input);

    assert_ok(rc, &err);
    assert_int_equal(result.exit_code, 0);
}

static void without_input_it_reads_the_end_at_once(void **state)
{
    (void)state;

    assert_ok(shell("wc -c", (struct nf_process_options){ 0 }), &err);

    assert_int_equal(number_printed(), 0);
}

static void no_other_descriptor_is_inherited(void **state)
{
    (void)state;
    int leaky = open("/dev/null", O_RDONLY);
    assert_true(leaky > 2);

    enum nf_code rc = shell("for f in /proc/$$/fd/*; do n=${f##*/};"
                            " [ $n -gt 2 ] && [ $n -lt 1000 ] && readlink $f; done; exit 0",
                            (struct nf_process_options){ 0 });
    close(leaky);

    assert_ok(rc, &err);
    assert_null(strstr(nf_str_c(&result.out), "/dev/null"));
}

static void its_output_is_a_pipe_that_it_can_open(void **state)
{
    (void)state;

    assert_ok(shell("echo hello >/dev/stdout", (struct nf_process_options){ 0 }), &err);

    assert_string_equal(nf_str_c(&result.out), "hello\n");
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void a_missing_program_is_not_found(void **state)
{
    (void)state;
    const char *argv[] = { "/nonexistent/program", NULL };

    assert_code(run((struct nf_process_options){ .argv = argv }), NF_E_NOT_FOUND);

    assert_non_null(strstr(err.msg, "/nonexistent/program"));
    assert_int_equal(result.exit_code, -1);
    assert_no_children();
}

static void a_file_that_is_no_program_is_denied(void **state)
{
    (void)state;
    const char *argv[] = { "/etc/passwd", NULL };

    assert_code(run((struct nf_process_options){ .argv = argv }), NF_E_DENIED);
}

static void the_signal_that_killed_it_is_told(void **state)
{
    (void)state;

    assert_ok(shell("kill -TERM $$", (struct nf_process_options){ 0 }), &err);

    assert_int_equal(result.signal, SIGTERM);
    assert_int_equal(result.exit_code, -1);
}

static void output_of_exactly_the_limit_is_kept(void **state)
{
    (void)state;

    assert_ok(shell("printf 12345", (struct nf_process_options){ .output_max = 5 }), &err);

    assert_string_equal(nf_str_c(&result.out), "12345");
}

static void output_over_the_limit_kills_it_and_is_cut(void **state)
{
    (void)state;

    assert_code(shell("printf 123456; sleep 60", (struct nf_process_options){ .output_max = 5 }),
                NF_E_LIMIT);

    assert_string_equal(nf_str_c(&result.out), "12345");
    assert_int_equal(result.signal, SIGKILL);
    assert_no_children();
}

static void endless_errors_kill_it_too(void **state)
{
    (void)state;

    assert_code(shell("while :; do echo error; done >&2",
                      (struct nf_process_options){ .output_max = 100000 }),
                NF_E_LIMIT);

    assert_int_equal(result.err.len, 100000);
}

static void a_timeout_kills_grandchildren(void **state)
{
    (void)state;

    assert_code(shell("sleep 60 & echo $!; wait", (struct nf_process_options){ .timeout_ms = 300 }),
                NF_E_TIMEOUT);

    pid_t grandchild = number_printed();
    assert_true(grandchild > 1);
    assert_true(is_gone(grandchild));
    assert_no_children();
}

static void what_it_leaves_behind_is_killed_when_it_ends(void **state)
{
    (void)state;

    assert_ok(shell("sleep 60 & echo $!", (struct nf_process_options){ 0 }), &err);

    pid_t grandchild = number_printed();
    assert_true(grandchild > 1);
    assert_true(is_gone(grandchild));
}

static void who_left_the_group_with_our_pipe_does_not_hold_us_up(void **state)
{
    (void)state;

    assert_ok(shell("setsid sleep 5 & sleep 0.2; echo ended", (struct nf_process_options){ 0 }),
              &err);

    assert_string_equal(nf_str_c(&result.out), "ended\n");
}

struct two {
    struct nf_process_options o;
    struct nf_fiber *f;
    bool ended;
};

static enum nf_code run_one(void *arg, struct nf_err *e)
{
    struct two *t = arg;
    enum nf_code rc = nf_process_run(loop, &t->o, &result, e);
    t->ended = true;
    return rc;
}

static enum nf_code cancel_it(void *arg, struct nf_err *e)
{
    struct two *t = arg;
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, run_one, t, &t->f, e));
    NF_TRY(nf_sleep(100, e));
    nf_fiber_cancel(t->f, NF_E_CANCELED);
    return nf_scope_join(&s, e);
}

static void a_cancel_kills_it(void **state)
{
    (void)state;
    const char *argv[] = { "/bin/sh", "-c", "sleep 60 & echo $!; wait", NULL };
    struct two t = { .o = { .argv = argv, .output_max = 100 } };

    assert_code(nf_loop_run(loop, cancel_it, &t, &err), NF_E_CANCELED);

    assert_true(t.ended);
    assert_true(is_gone(number_printed()));
    assert_no_children();
}

static void every_failing_allocation_is_an_error(void **state)
{
    (void)state;
    enum nf_code rc = NF_E_NOMEM;
    size_t n = 0;

    for (; rc != NF_OK && n < 100; n++) {
        nf_process_result_done(&result);
        nf_fail_alloc_at(n + 1);
        rc = shell("echo out; echo err >&2", (struct nf_process_options){ 0 });
        nf_fail_alloc_at(0);
        assert_true(rc == NF_OK || rc == NF_E_NOMEM);
    }

    assert_ok(rc, &err);
    assert_true(n > 3);
    assert_string_equal(nf_str_c(&result.out), "out\n");
    assert_no_children();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_outputs_and_the_exit_code_come_back),
        T(a_program_is_searched_in_path),
        T(environment_and_directory_are_as_asked),
        T(one_megabyte_goes_in_and_comes_back),
        T(input_that_nobody_reads_is_no_failure),
        T(without_input_it_reads_the_end_at_once),
        T(no_other_descriptor_is_inherited),
        T(its_output_is_a_pipe_that_it_can_open),
        T(a_missing_program_is_not_found),
        T(a_file_that_is_no_program_is_denied),
        T(the_signal_that_killed_it_is_told),
        T(output_of_exactly_the_limit_is_kept),
        T(output_over_the_limit_kills_it_and_is_cut),
        T(endless_errors_kill_it_too),
        T(a_timeout_kills_grandchildren),
        T(what_it_leaves_behind_is_killed_when_it_ends),
        T(who_left_the_group_with_our_pipe_does_not_hold_us_up),
        T(a_cancel_kills_it),
        T(every_failing_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
