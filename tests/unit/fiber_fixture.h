/* What the tests of fibers share: a loop, and a record of what happened in which order. */
#pragma once

#include "runtime/fiber.h"

#include "tests/support/test.h"

#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct nf_loop *loop;
static struct nf_err err;
static struct nf_wait gate; /* for whoever waits for something that nobody does */
static char seen[64];       /* letters, in the order in which things happened */

static inline int setup(void **state)
{
    (void)state;
    gate = (struct nf_wait){ 0 };
    seen[0] = '\0';
    return nf_loop_new(&loop, &err) == NF_OK ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    nf_fail_alloc_at(0);
    nf_loop_free(loop);
    loop = NULL;
    return 0;
}

static inline int64_t now_us(void)
{
    return nf_clock_mono_us(nf_system_clock());
}

static inline void see(char letter)
{
    size_t n = strlen(seen);
    assert_true(n + 1 < sizeof seen);
    seen[n] = letter;
    seen[n + 1] = '\0';
}

static inline enum nf_code run(nf_fiber_fn fn, void *arg)
{
    return nf_loop_run(loop, fn, arg, &err);
}

static inline bool under_valgrind(void)
{
    return getenv("NF_UNDER_VALGRIND") != NULL;
}

/* --- what fibers are told to do ---------------------------------------------------------------
 */

static inline enum nf_code fail_with(void *arg, struct nf_err *e)
{
    enum nf_code rc = *(enum nf_code *)arg;
    return rc == NF_OK ? NF_OK : nf_err_set(e, rc, "as told");
}

static inline enum nf_code sleep_some(void *arg, struct nf_err *e)
{
    return nf_sleep(*(int *)arg, e);
}

static inline enum nf_code in_sleep(void *arg, struct nf_err *e)
{
    (void)arg;
    return nf_sleep(60000, e);
}

static inline enum nf_code in_yield(void *arg, struct nf_err *e)
{
    (void)arg;
    for (;;)
        NF_TRY(nf_yield(e));
}

struct cancelled {
    nf_fiber_fn fn;
    enum nf_code with;
    int64_t after_ms; /* < 0: before it began */
};

static inline enum nf_code cancel_a_child(void *arg, struct nf_err *e)
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

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
