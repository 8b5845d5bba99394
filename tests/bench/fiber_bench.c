/* What fibers cost: a switch beside a function call, starting one, waiting, a call on another
 * thread, and the memory of those that wait. Prints a table; the best of five runs each. */
#include "runtime/executor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct nf_loop *loop;
static struct nf_executor *ex;
static struct nf_chan *chan;

static int64_t now_us(void)
{
    return nf_clock_mono_us(nf_system_clock());
}

__attribute__((noinline)) static enum nf_code nothing(void *arg, struct nf_err *err)
{
    (void)arg;
    (void)err;
    __asm__ volatile("");
    return NF_OK;
}

static NF_RC call(int n, struct nf_err *err)
{
    nf_fiber_fn volatile fn = nothing;
    for (int i = 0; i < n; i++)
        NF_TRY(fn(NULL, err));
    return NF_OK;
}

static NF_RC yield(int n, struct nf_err *err)
{
    for (int i = 0; i < n; i++)
        NF_TRY(nf_yield(err));
    return NF_OK;
}

static enum nf_code yield_100(void *arg, struct nf_err *err)
{
    (void)arg;
    return yield(100, err);
}

static NF_RC yield_together(int n, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    for (int i = 0; i < n / 100; i++)
        NF_TRY(nf_scope_spawn(&s, yield_100, NULL, NULL, err));
    return nf_scope_join(&s, err);
}

static NF_RC spawn(int n, struct nf_err *err)
{
    for (int i = 0; i < n; i++) {
        NF_CLEANUP(nf_scope_done) struct nf_scope s;
        nf_scope_init(&s, loop);
        NF_TRY(nf_scope_spawn(&s, nothing, NULL, NULL, err));
        NF_TRY(nf_scope_join(&s, err));
    }
    return NF_OK;
}

static enum nf_code receive(void *arg, struct nf_err *err)
{
    for (int i = 0; i < *(int *)arg; i++) {
        void *item;
        NF_TRY(nf_chan_recv(chan, &item, err));
    }
    return NF_OK;
}

static NF_RC send(int n, struct nf_err *err)
{
    NF_CLEANUP(nf_scope_done) struct nf_scope s;
    nf_scope_init(&s, loop);
    NF_TRY(nf_scope_spawn(&s, receive, &n, NULL, err));
    for (int i = 0; i < n; i++)
        NF_TRY(nf_chan_send(chan, NULL, err));
    return nf_scope_join(&s, err);
}

static NF_RC executor(int n, struct nf_err *err)
{
    for (int i = 0; i < n; i++)
        NF_TRY(nf_executor_call(ex, nothing, NULL, err));
    return NF_OK;
}

static long resident_bytes(void)
{
    char text[128] = "";
    FILE *f = fopen("/proc/self/statm", "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        (void)fclose(f);
    const char *second = memchr(text, ' ', n);
    return second ? strtol(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static enum nf_code park(void *arg, struct nf_err *err)
{
    (void)arg;
    return nf_sleep(60000, err);
}

static NF_RC parked(int n, struct nf_err *err)
{
    struct nf_scope s;
    nf_scope_init(&s, loop);
    long before = resident_bytes();
    for (int i = 0; i < n; i++)
        NF_TRY(nf_scope_spawn(&s, park, NULL, NULL, err));
    NF_TRY(nf_sleep(10, err));
    printf("%-44s %10ld bytes\n", "a parked fiber, of 10,000", (resident_bytes() - before) / n);
    nf_scope_done(&s);
    return NF_OK;
}

static enum nf_code run_all(void *arg, struct nf_err *err)
{
    (void)arg;
    const struct {
        const char *name;
        NF_RC (*run)(int n, struct nf_err *err);
        int n;
    } rows[] = {
        { "indirect function call", call, 1000000 },
        { "yield, alone (a round of the loop)", yield, 100000 },
        { "yield, 1,000 fibers (there and back)", yield_together, 100000 },
        { "spawn and join", spawn, 50000 },
        { "channel item, capacity 16", send, 100000 },
        { "call on an executor's thread", executor, 20000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t best = INT64_MAX;
        for (int k = 0; k < 5; k++) {
            int64_t from = now_us();
            NF_TRY(rows[i].run(rows[i].n, err));
            int64_t took = now_us() - from;
            best = took < best ? took : best;
        }
        printf("%-44s %10.1f ns\n", rows[i].name, (double)best * 1000 / rows[i].n);
    }
    return parked(10000, err);
}

int main(void)
{
    struct nf_err err;
    enum nf_code rc = nf_loop_new(&loop, &err);
    if (rc == NF_OK)
        rc = nf_executor_new(loop, "bench", 1, 1, &ex, &err);
    if (rc == NF_OK)
        rc = nf_chan_new(16, &chan, &err);
    if (rc == NF_OK)
        rc = nf_loop_run(loop, run_all, NULL, &err);
    if (rc != NF_OK)
        (void)fprintf(stderr, "fiber_bench: %s\n", err.msg);
    nf_chan_free(chan);
    nf_executor_free(ex);
    nf_loop_free(loop);
    return rc == NF_OK ? 0 : 1;
}
