/* Fibers: starting, waiting, cancelling, deadlines, and what holds when they fail. */
#include "runtime/fiber.h"

#include "base/context.h"
#include "tests/support/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct nf_loop *loop;
static struct nf_err err;

static int setup(void **state)
{
    (void)state;
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    nf_loop_free(loop);
    loop = NULL;
    return 0;
}

static int64_t now_us(void)
{
    return nf_clock_mono_us(nf_system_clock());
}

/* --- a main fiber
 * ---------------------------------------------------------------------------------- */

static enum nf_code return_arg(void *arg, struct nf_err *e)
{
    enum nf_code rc = *(enum nf_code *)arg;
    return rc == NF_OK ? NF_OK : nf_err_set(e, rc, "as told");
}

static void the_outcome_of_the_main_fiber_is_that_of_the_loop(void **state)
{
    (void)state;
    enum nf_code ok = NF_OK, bad = NF_E_DENIED;

    assert_ok(nf_loop_run(loop, return_arg, &ok, &err), &err);
    assert_code(nf_loop_run(loop, return_arg, &bad, &err), NF_E_DENIED);
    assert_string_equal(err.msg, "as told");
    assert_null(nf_fiber_current());
}

static enum nf_code sleep_some(void *arg, struct nf_err *e)
{
    return nf_sleep(*(int *)arg, e);
}

static void sleeping_takes_as_long_as_asked(void **state)
{
    (void)state;
    int ms = 30;
    int64_t from = now_us();

    assert_ok(nf_loop_run(loop, sleep_some, &ms, &err), &err);
    assert_true(now_us() - from >= 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_outcome_of_the_main_fiber_is_that_of_the_loop, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(sleeping_takes_as_long_as_asked, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
