/* A warden and plugins to call, in a fiber: what the tests of plugin processes share. */
#pragma once

#include "base/own.h"
#include "runtime/fiber.h"
#include "skills/memory_broker.h"
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH_MS 60000

static struct nf_loop *loop;
static struct nf_err err;
static struct nf_warden *warden;
static struct nf_memory_broker broker;
static struct nf_warden_options options;
static struct nf_skill_unit unit;
static struct nf_skill_ran ran;
static char printed[4096], reported[4096], noted[4096];
static int reports;

static void add_text(char *to, const char *p, size_t n)
{
    size_t len = strlen(to);
    if (len + n + 2 > sizeof printed)
        return;
    memcpy(to + len, p, n);
    memcpy(to + len + n, "\n", 2);
}

static void on_output(void *arg, const char *skill, const char *line, size_t n)
{
    (void)arg, (void)skill;
    add_text(printed, line, n);
}

static void on_report(void *arg, const char *skill, const char *what)
{
    (void)arg, (void)skill;
    reports++;
    add_text(reported, what, strlen(what));
}

static void on_note(void *arg, enum nf_skill_op op, int64_t value, struct nf_slice text)
{
    char line[256];
    (void)arg;
    int n = snprintf(line, sizeof line, "%s %lld %.*s", op == NF_SKILL_OP_LOG ? "log" : "progress",
                     (long long)value, (int)text.n, text.p);
    add_text(noted, line, (size_t)n);
}

static int setup(void **state)
{
    (void)state;
    printed[0] = reported[0] = noted[0] = '\0';
    reports = 0;
    ran = (struct nf_skill_ran){ 0 };
    nf_memory_broker_init(&broker);
    broker.note = on_note;
    if (nf_loop_new(&loop, &err) != NF_OK)
        return -1;
    options = (struct nf_warden_options){ .loop = loop,
                                          .program = TEST_SKILL_HOST,
                                          .workers_max = 8,
                                          .idle_ms = 60000,
                                          .report = on_report,
                                          .output = on_output };
    unit = (struct nf_skill_unit){ .name = "test",
                                   .version = "1.0.0",
                                   .hash = "1",
                                   .path = TEST_PLUGINS "/skill_plugin.so",
                                   .memory_bytes = (int64_t)64 << 20,
                                   .output_bytes = (int64_t)4 << 20 };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    nf_skill_ran_done(&ran);
    nf_memory_broker_done(&broker);
    nf_loop_free(loop);
    loop = NULL;
    return 0;
}

static enum nf_code call_for(int64_t owner, const char *tool, const char *args, int64_t timeout_ms,
                             struct nf_skill_ran *ret, struct nf_err *e)
{
    const struct nf_skill_run r = { .unit = &unit,
                                    .tool = tool,
                                    .args = args,
                                    .owner = owner,
                                    .timeout_ms = timeout_ms,
                                    .broker = &broker.base };
    return nf_warden_call(warden, &r, ret, e);
}

static enum nf_code call(const char *tool, const char *args)
{
    nf_skill_ran_done(&ran);
    err.msg[0] = '\0';
    return call_for(1, tool, args, ENOUGH_MS, &ran, &err);
}

/* The call's result is this text. */
#define assert_result(tool, args, text)                                                            \
    do {                                                                                           \
        assert_ok(call(tool, args), &err);                                                         \
        assert_string_equal(nf_str_c(&ran.result), text);                                          \
    } while (0)

#define assert_says(text, part)                                                                    \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("'%s' does not say '%s'", text, part);                                        \
    } while (0)

#define assert_fails(tool, args, code, words)                                                      \
    do {                                                                                           \
        assert_code(call(tool, args), code);                                                       \
        assert_says(err.msg, words);                                                               \
    } while (0)

static enum nf_code with_warden(void *arg, struct nf_err *e)
{
    void (*const *fn)(void) = arg;
    NF_TRY(nf_warden_new(&options, &warden, e));
    (*fn)();
    nf_warden_free(warden);
    return NF_OK;
}

/* Run fn in a fiber that has a warden. */
static void run(void (*fn)(void))
{
    assert_ok(nf_loop_run(loop, with_warden, &fn, &err), &err);
}

static struct nf_warden_stats stats(void)
{
    struct nf_warden_stats s;
    nf_warden_stats(warden, &s);
    return s;
}

/* Wait until `text` has `part`, or long enough. */
static inline void wait_for_text(const char *text, const char *part)
{
    for (int i = 0; i < 2000 && !strstr(text, part); i++)
        (void)!nf_sleep(5, NULL);
    assert_says(text, part);
}

/* The next call is served by a new process. */
static inline void assert_replaced(int64_t worker)
{
    assert_result("count", "{}", "1");
    assert_true(ran.worker != worker);
}

/* A call that runs beside others, in a fiber of its own. */
struct other {
    struct nf_fiber *fiber;
    int64_t owner;
    const char *tool, *args;
    enum nf_code rc;
    struct nf_err err;
    struct nf_skill_ran ran;
    bool ended;
};

static inline enum nf_code other_call(void *arg, struct nf_err *e)
{
    struct other *o = arg;
    (void)e;
    o->rc = call_for(o->owner, o->tool, o->args, ENOUGH_MS, &o->ran, &o->err);
    o->ended = true;
    return NF_OK;
}

static inline void spawn(struct nf_scope *s, struct other *o)
{
    assert_ok(nf_scope_spawn(s, other_call, o, &o->fiber, &err), &err);
}

/* Until so many processes are busy, and a moment longer. */
static inline void wait_for_busy(int64_t n)
{
    for (int i = 0; i < 2000 && stats().workers - stats().idle < n; i++)
        assert_ok(nf_sleep(2, &err), &err);
    assert_true(stats().workers - stats().idle >= n);
    assert_ok(nf_sleep(20, &err), &err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
